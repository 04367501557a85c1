"""Derivatives that need no full matrix: products with the Jacobian and the Hessian, Laplacian, divergence, curl.

With axes along a vector v instead of the coordinates, J v is a first derivative and H v a row of second derivatives.
Sums over variables are taken over chunks of the Jacobian, so that it never has to fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.engine import Function
from fastcalc._differences.plans import KINDS
from fastcalc._differences.problem import as_points, deliver, frame_at, make_function, report, split_arguments
from fastcalc._differences.recipes import Direction, Frame, HessianDirection, Lines, Partial, Recipe, room_along
from fastcalc._differences.settings import Options, Settings, documented, parse
from fastcalc._differences.solve import Solution, solve
from fastcalc._differences.steps import Rule
from fastcalc._results import Status, worst

_CHUNK = 2**22  # entries of a Jacobian at a time
_SPREAD = 2.0**20  # of the relative speeds of variables along one direction
_Array = NDArray[Any]


@dataclass(slots=True)
class _Problem:
    """A function at a point, ready to be sampled."""

    settings: Settings
    x: _Array
    points: _Array  # (n, lanes)
    frame: Frame
    function: Function

    def rule(self, n: int, order: int | None = None, *, across: bool = False) -> Rule:
        return Rule(KINDS[self.settings.method], n, self.settings.accuracy, order or n, across)

    @property
    def variables(self) -> tuple[int, ...]:
        """Shape of one point."""
        return self.x.shape[:1] if self.settings.vectorized else self.x.shape

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch of points."""
        return self.x.shape[1:] if self.settings.vectorized else ()

    def finish(self, solution: Solution, shape: tuple[int, ...], out: _Array | None, *, steps_of_x: bool = False) -> Any:
        """The user's result from arrays with as many entries as `shape`; steps in the shape of the result, or of x."""
        value = deliver(solution.value, shape, out)
        if solution.error is None or solution.status is None:
            return value
        if steps_of_x:
            step = np.array(solution.step).reshape(self.x.shape)
        else:
            step = np.array(np.broadcast_to(solution.step, solution.value.shape)).reshape(shape)
        fun = None
        if solution.base is not None:
            fun = solution.base.reshape(self.function.shape + self.batch)[()]
        return report(self.function, value, shape, solution.error, step, solution.status, fun)


def _problem(f: Callable[..., Any], x: ArrayLike, options: Any, out: Any, others: tuple[Any, ...] = ()) -> _Problem:
    """Check everything that can be checked before f runs."""
    if not callable(f):
        raise TypeError(f"`f` must be callable; got {f!r}: pass the function itself, not its value")
    settings = parse(options)
    point = check.as_numbers("x", x)
    if out is not None:
        check.check_destination(out, (point, *others))
    points = as_points(point, settings, one_variable=False)
    frame = frame_at(settings, point, points)
    function = make_function(f, settings, point, len(points), scalar=False, one_variable=False)
    place = settings.argnum
    if place > len(settings.args):
        raise TypeError(f"x is argument number {place} (`argnum`), counted from 0; got {len(settings.args)} other arguments")
    function.bind(settings.args[:place], settings.args[place:], settings.kwargs)
    return _Problem(settings, point, points, frame, function)


def _vector(name: str, value: ArrayLike, problem: _Problem) -> _Array:
    """A vector over the variables as (n, lanes): of the shape of x, or of one point."""
    vector = check.as_real(name, value)
    n, lanes = problem.points.shape
    if vector.shape not in (problem.x.shape, problem.variables):
        raise ValueError(
            f"`{name}` must have the shape of x, {problem.x.shape}; got {vector.shape}: give one entry per variable"
        )
    if not np.isfinite(vector).all():
        raise ValueError(f"`{name}` must be finite; got {value}")
    columns = vector.reshape(n, lanes if vector.shape == problem.x.shape else 1)
    return np.ascontiguousarray(np.broadcast_to(columns, (n, lanes)), problem.points.real.dtype)


@documented
def jvp(f: Callable[..., Any], x: ArrayLike, v: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Product J v of the Jacobian with a vector: the derivative of f along v.

    Parameters
    ----------
    f : callable
        Function of an array, with any shape of output.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    v : array_like of real numbers
        Direction, of the shape of x, or ``(n,)`` for all points of a batch.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape of f(x); with ``vectorized=True`` ``(m, ...)`` or ``(...)``. The reported step is in multiples of v.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    Two calls of f for central differences, and two more for each further group of variables where their speeds
    ``abs(v) / abs(x)`` differ by more than a factor of a million: one step can't suit them all. The error is
    O(t**accuracy) in the step t, and as large in rounding as that of the partial derivatives. Formula: Griewank, Walther,
    *Evaluating Derivatives*, SIAM 2008, chapter 3 for the product, with differences for the tangent.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> fc.jvp(lambda x: np.array([x[0] * x[1], x[0] ** 2]), [2.0, 3.0], [1.0, 1.0]).round(8)
    array([5., 4.])
    """
    problem = _problem(f, x, options, out, (v,))
    direction = _vector("v", v, problem)
    solution = _along(problem, direction)
    return problem.finish(solution, problem.function.shape + problem.batch, out)


def _along(problem: _Problem, v: _Array) -> Solution:
    """First derivatives along v, (m, lanes), summed over groups of variables that one step suits."""

    def solve_lanes(v: _Array, groups: list[_Array], x: _Array, frame: Frame) -> Solution:
        recipe = Direction(problem.rule(1), v, groups)
        return _sum_targets(solve(recipe, problem.function, x, frame, full=problem.settings.full_output))

    return _by_groups(problem, v, solve_lanes)


def _by_groups(problem: _Problem, v: _Array, solve_lanes: Callable[[_Array, list[_Array], _Array, Frame], Solution]) -> Solution:
    """Solve for the points of a batch whose variables fall into the same groups, and put them together."""
    frame, points, function = problem.frame, problem.points, problem.function
    group_of = _groups(problem, v)
    patterns, of_lane = np.unique(group_of, axis=1, return_inverse=True)
    parts: list[tuple[_Array, Solution]] = []
    evaluations = 0
    for k in range(max(1, patterns.shape[1])):
        lanes = np.flatnonzero(of_lane.reshape(-1) == k)
        pattern = patterns[:, k] if patterns.shape[1] else np.zeros(len(v))
        moving = (v[:, lanes] != 0).any(axis=1)
        groups = [np.flatnonzero(moving & (pattern == g)) for g in np.unique(pattern[moving])] or [np.zeros(0, np.intp)]
        some = Frame(*(side if side is None or side.shape[1] == 1 else side[:, lanes] for side in frame))
        part = solve_lanes(np.ascontiguousarray(v[:, lanes]), groups, np.ascontiguousarray(points[:, lanes]), some)
        evaluations += function.evaluations
        parts.append((lanes, part))
    function.count(evaluations - function.evaluations)
    return _merge_lanes(parts, points.shape[1])


def _groups(problem: _Problem, v: _Array) -> _Array:
    """Number of the group (n, lanes) of each variable: together they move at comparable speeds, and away from bounds."""
    frame, points = problem.frame, problem.points
    size = np.abs(points) if frame.scale is None else np.maximum(np.abs(points), frame.scale)
    size = np.where(size == 0, 1, size) if frame.step is None else np.broadcast_to(frame.step, points.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.abs(v) / size
        slowness = np.log2(speed.max(axis=0, initial=0) / speed) / np.log2(_SPREAD)
    group_of = np.where((v != 0) & np.isfinite(slowness), slowness, 0).astype(np.int64)
    if frame.lower is not None and frame.upper is not None:
        everyone = np.arange(len(v))
        backward, forward = room_along(points, v, everyone, frame.lower, frame.upper)
        stuck = np.maximum(backward, forward) * speed.max(axis=0, initial=0) < problem.rule(1).relative(problem.function.epsilon)
        with np.errstate(invalid="ignore"):
            upward = (frame.upper - points >= points - frame.lower) == (v > 0)
        group_of = 2 * group_of + (stuck & ~upward)
    return group_of


def _sum_targets(solution: Solution) -> Solution:
    """Sum over the results, (m, lanes); errors add up."""
    return Solution(
        solution.value.sum(axis=1),
        None if solution.error is None else solution.error.sum(axis=1),
        solution.step.min(axis=0),
        None if solution.status is None else worst(solution.status, axis=1),
        solution.base,
    )


def _merge_lanes(parts: list[tuple[_Array, Solution]], lanes: int) -> Solution:
    if len(parts) == 1:
        return parts[0][1]

    def together(arrays: list[Any]) -> Any:
        if arrays[0] is None:
            return None
        whole = np.empty((*arrays[0].shape[:-1], lanes), np.result_type(*arrays))
        for (members, _), array in zip(parts, arrays, strict=True):
            whole[..., members] = array
        return whole

    names = ("value", "error", "step", "status", "base")
    return Solution(*(together([getattr(part, name) for _, part in parts]) for name in names))


@documented
def vjp(f: Callable[..., Any], x: ArrayLike, w: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Product w J of a vector with the Jacobian: the gradient of ``sum(w * f(x))``.

    Parameters
    ----------
    f : callable
        Function of an array, with any shape of output.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    w : array_like
        Weights, of the shape of f(x); with ``vectorized=True`` of shape ``(m,)`` or ``(m, ...)``. Outputs of weight 0 are
        not used: they may be NaN.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape; for a `w` that does not fit f(x) after f ran.

    Notes
    -----
    2n calls of f for central differences, like the whole Jacobian, but without its memory: reverse mode
    has no counterpart in differences (Griewank, Walther, *Evaluating Derivatives*, SIAM 2008, section 3.2).

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> fc.vjp(lambda x: np.array([x[0] * x[1], x[0] ** 2]), [2.0, 3.0], [1.0, 10.0]).round(6)
    array([43.,  2.])
    """
    weights = check.as_numbers("w", w)
    problem = _problem(f, x, options, out, (weights,))
    check.known_shape(out, problem.x.shape)
    parts: list[Solution] = []
    for part in _chunks(problem, 1, weights.size):
        if weights.shape not in (problem.function.shape, problem.function.shape + problem.batch):
            raise ValueError(
                f"`w` must have the shape of f(x), {problem.function.shape}; got {weights.shape}: give one weight per output"
            )
        m = len(part.value)
        columns = weights.reshape(m, 1, weights.size // m if m else 1)
        used = columns != 0
        parts.append(
            Solution(
                np.where(used, part.value * columns, 0).sum(axis=0),
                None if part.error is None else np.where(used, part.error * np.abs(columns), 0).sum(axis=0),
                part.step,
                None
                if part.status is None
                else worst(np.where(used, part.status, np.int8(Status.FIXED_STEP)), axis=0),
                part.base,
            )
        )
    return problem.finish(_join_targets(parts), problem.x.shape, out, steps_of_x=True)


def _chunks(problem: _Problem, n: int, outputs: int) -> Iterator[Solution]:
    """n-th derivatives along the coordinates, in chunks of variables; at least one chunk."""
    variables, lanes = problem.points.shape
    at_once = max(1, _CHUNK // max(1, outputs * lanes))
    counted = 0
    for start in range(0, max(1, variables), at_once):
        chosen = None
        if at_once < variables:
            chosen = np.arange(start, min(start + at_once, variables), dtype=np.intp)
        recipe = Lines(problem.rule(n), variables, chosen=chosen)
        yield solve(recipe, problem.function, problem.points, problem.frame, full=problem.settings.full_output)
        counted += problem.function.evaluations
        problem.function.count(counted - problem.function.evaluations)


def _join_targets(parts: list[Solution]) -> Solution:
    """Chunks (targets, lanes) one after the other."""
    errors = [part.error for part in parts if part.error is not None]
    statuses = [part.status for part in parts if part.status is not None]
    return Solution(
        np.concatenate([part.value for part in parts]),
        np.concatenate(errors) if errors else None,
        np.concatenate([part.step for part in parts]),
        np.concatenate(statuses) if statuses else None,
        parts[0].base,
    )


@documented
def hvp(
    f: Callable[..., Any],
    x: ArrayLike,
    v: ArrayLike,
    *,
    gradient: Callable[..., Any] | None = None,
    out: _Array | None = None,
    **options: Unpack[Options],
) -> Any:
    """Product H v of the Hessian with a vector, without forming the Hessian.

    Parameters
    ----------
    f : callable
        Function of an array; usually scalar.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    v : array_like of real numbers
        Vector of the shape of x, or ``(n,)`` for all points of a batch.
    gradient : callable, optional
        Gradient of f; H v is then its derivative along v.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        f(x).shape + x.shape; for a scalar f the shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    4n + 3 calls of f for central differences of accuracy 2, by polarisation: the mixed derivative along a coordinate and
    v is half the second difference along their sum less those along each; as many again where variables need groups
    of their own, see `jvp`. With `gradient` two calls of it. The error is
    O(h**accuracy).

    Examples
    --------
    >>> import fastcalc as fc
    >>> fc.hvp(lambda x: x[0] ** 2 * x[1], [1.0, 2.0], [1.0, 0.0]).round(5)
    array([4., 2.])
    """
    if gradient is not None:
        if not callable(gradient):
            raise TypeError(f"`gradient` must be callable; got {gradient!r}: pass the function itself")
        problem = _problem(gradient, x, options, out, (v,))
        solution = _along(problem, _vector("v", v, problem))
        if problem.function.shape != problem.variables:
            raise ValueError(
                f"`gradient` must return one component per variable, shape {problem.variables}; got shape "
                f"{problem.function.shape}: is it the gradient of f?"
            )
        return problem.finish(solution, problem.x.shape, out)
    problem = _problem(f, x, options, out, (v,))
    _needs_values(problem, "hvp", "give `gradient`")
    full = problem.settings.full_output

    def solve_lanes(v: _Array, groups: list[_Array], x: _Array, frame: Frame) -> Solution:
        counted, parts = 0, []
        for group in groups:
            recipe = HessianDirection(problem.rule(2, across=True), v, group)
            parts.append(solve(recipe, problem.function, x, frame, full=full))
            counted += problem.function.evaluations
        problem.function.count(counted - problem.function.evaluations)
        total = _total(parts, parts)
        return Solution(total.value, total.error, parts[0].step, total.status, total.base)

    solution = _by_groups(problem, _vector("v", v, problem), solve_lanes)
    return problem.finish(solution, problem.function.shape + problem.x.shape, out)


def _needs_values(problem: _Problem, name: str, remedy: str) -> None:
    if problem.settings.method == "complex":
        raise ValueError(f"method 'complex' gives first derivatives; got {name}: {remedy}, or use method 'central'")


@documented
def laplacian(f: Callable[..., Any], x: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Laplacian of f: the sum of its second derivatives, the trace of the Hessian.

    Parameters
    ----------
    f : callable
        Function of an array, with any shape of output.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape of f(x); with ``vectorized=True`` ``(m, ...)`` or ``(...)``. Steps are reported in the shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    2n + 1 calls of f for central differences of accuracy 2. The error is O(h**accuracy), its estimate the sum of those of
    the second derivatives.

    Examples
    --------
    >>> import fastcalc as fc
    >>> print(round(fc.laplacian(lambda x: x[0] ** 2 + x[1] ** 3, [1.0, 2.0]), 5))
    14.0
    """
    problem = _problem(f, x, options, out)
    _needs_values(problem, "a Laplacian", "take the divergence of the gradient")
    parts = list(_chunks(problem, 2, 1))
    total = _total([_sum_targets(part) for part in parts], parts)
    return problem.finish(total, problem.function.shape + problem.batch, out, steps_of_x=True)


def _total(sums: list[Solution], parts: list[Solution]) -> Solution:
    """Sum over chunks."""
    steps = np.concatenate([part.step for part in parts])
    errors = [part.error for part in sums if part.error is not None]
    statuses = [part.status for part in sums if part.status is not None]
    return Solution(
        sum(part.value for part in sums),
        sum(errors) if errors else None,
        steps,
        worst(np.stack(statuses), axis=0) if statuses else None,
        parts[0].base,
    )


@documented
def divergence(f: Callable[..., Any], x: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Divergence of a vector field: the trace of its Jacobian.

    Parameters
    ----------
    f : callable
        Vector field: its output has the shape of its argument; vectorised ``(n, k)`` to ``(n, k)``.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    {options}

    Returns
    -------
    scalar, ndarray or DerivativeResult
        A scalar; with ``vectorized=True`` of shape ``x.shape[1:]``. Steps are reported in the shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape; for an f that is no vector field after it ran.

    Notes
    -----
    2n calls of f for central differences, error O(h**accuracy).

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> print(round(fc.divergence(lambda x: np.array([x[0] ** 2, x[0] * x[1]]), [1.0, 2.0]), 8))
    3.0
    """
    problem = _problem(f, x, options, out)
    parts, sums, done = [], [], 0
    for part in _chunks(problem, 1, len(problem.points)):
        _require_field(problem)
        count = part.value.shape[1]
        own, each = np.arange(done, done + count), np.arange(count)
        done += count

        def diagonal(array: Any, own: Any = own, each: Any = each) -> Any:
            return None if array is None else array[own, each]

        parts.append(part)
        status = diagonal(part.status)
        sums.append(
            Solution(
                diagonal(part.value).sum(axis=0),
                None if part.error is None else diagonal(part.error).sum(axis=0),
                part.step,
                None if status is None else worst(status, axis=0),
                part.base,
            )
        )
    return problem.finish(_total(sums, parts), problem.batch, out, steps_of_x=True)


def _require_field(problem: _Problem) -> None:
    if problem.function.shape != problem.variables:
        raise ValueError(
            f"`f` must return a vector field, an output of shape {problem.variables} like its argument; got shape "
            f"{problem.function.shape}: use `jacobian` for other functions"
        )


@documented
def curl(f: Callable[..., Any], x: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Curl of a vector field in three dimensions, a vector, or in two, a scalar.

    Parameters
    ----------
    f : callable
        Vector field of 3 or 2 variables: ``(3,)`` to ``(3,)`` or ``(2,)`` to ``(2,)``; vectorised ``(n, k)`` to ``(n, k)``.
    x : array_like
        The point, of shape ``(3,)`` or ``(2,)``; with ``vectorized=True`` ``(3, ...)`` or ``(2, ...)``.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        The shape of x for three variables; a scalar, or the shape of the batch, for two. Steps in the shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape; for an f that is no vector field after it ran.

    Notes
    -----
    2n calls of f for central differences, error O(h**accuracy). In two dimensions ``dF_1/dx_0 - dF_0/dx_1``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> fc.curl(lambda x: np.array([-x[1], x[0], 0.0]), [1.0, 2.0, 3.0]).round(8)
    array([0., 0., 2.])
    """
    problem = _problem(f, x, options, out)
    n = len(problem.points)
    if n not in (2, 3) or len(problem.variables) != 1:
        raise ValueError(f"`x` must have 3 or 2 variables for a curl; got shape {problem.x.shape}")
    (jacobian,) = _chunks(problem, 1, 1)
    _require_field(problem)
    plus = np.array([2, 0, 1] if n == 3 else [1]), np.array([1, 2, 0] if n == 3 else [0])
    minus = plus[::-1]
    error = None if jacobian.error is None else jacobian.error[plus] + jacobian.error[minus]
    status = jacobian.status
    solution = Solution(
        jacobian.value[plus] - jacobian.value[minus],
        error,
        jacobian.step,
        None if status is None else worst(np.stack([status[plus], status[minus]]), axis=0),
        jacobian.base,
    )
    return problem.finish(solution, problem.x.shape if n == 3 else problem.batch, out, steps_of_x=True)


@documented
def partial(
    f: Callable[..., Any], x: ArrayLike, alpha: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]
) -> Any:
    """One mixed partial derivative, of any multi-index.

    Parameters
    ----------
    f : callable
        Function of an array, with any shape of output.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    alpha : array_like of int
        How many times to differentiate by each variable: the shape of x; with ``vectorized=True`` ``(n,)``. All 0 gives
        f(x).
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape of f(x); with ``vectorized=True`` ``(m, ...)`` or ``(...)``. The reported step is the geometric mean of those
        that were multiplied.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    The product of one stencil per variable, with as many calls of f as it has points: 2 for each first derivative and 3
    for each second, multiplied, for central differences of accuracy 2. The error is O(h**accuracy).

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> print(round(fc.partial(lambda x: np.exp(x[0]) * x[1] ** 3, [0.0, 2.0], (1, 2), accuracy=4), 4))
    12.0
    """
    problem = _problem(f, x, options, out)
    powers = np.asarray(alpha)
    if powers.dtype.kind not in "iu":
        raise TypeError(f"`alpha` must hold integers; got {alpha!r}: give one order per variable")
    if powers.shape != problem.variables:
        raise ValueError(f"`alpha` must have one entry per variable, shape {problem.variables}; got shape {powers.shape}")
    if (powers < 0).any():
        raise ValueError(f"`alpha` must not be negative; got {alpha}")
    index = tuple(int(power) for power in powers.reshape(-1))
    total = sum(index)
    if problem.settings.method == "complex" and total > 1:
        raise ValueError(f"method 'complex' gives first derivatives; got alpha = {alpha}: use method 'central'")
    involved = np.flatnonzero(index).astype(np.intp)
    recipe: Recipe
    if len(involved) <= 1:
        recipe = Lines(problem.rule(max(1, total)), len(index), chosen=involved, base=total == 0)
    else:
        recipe = Partial(problem.rule(max(index), total), index)
    solution = solve(recipe, problem.function, problem.points, problem.frame, full=problem.settings.full_output)
    if total == 0:
        solution = _value_alone(solution)
    return problem.finish(solution, problem.function.shape + problem.batch, out)


def _value_alone(solution: Solution) -> Solution:
    """f(x) as the derivative of order 0."""
    assert solution.base is not None
    value = solution.base[:, None]
    unknown = np.full(value.shape, np.nan, value.real.dtype)
    status = np.where(np.isfinite(value), Status.FIXED_STEP, Status.NON_FINITE).astype(np.int8)
    full = solution.error is not None
    return Solution(value.copy(), unknown if full else None, unknown, status if full else None, solution.base)


def linear_operator(f: Callable[..., Any], settings: Settings, arguments: tuple[Any, ...]) -> Any:
    """The Jacobian of f as SciPy's LinearOperator; f is called once, for the size of its output."""
    try:
        from scipy.sparse.linalg import LinearOperator
    except ImportError as error:
        raise ImportError("`as_linear_operator` needs SciPy: pip install scipy") from error
    if settings.vectorized:
        raise ValueError("`as_linear_operator` is for one point and a plain f; got vectorized=True: wrap f for one point")
    point, before, after = split_arguments(settings, arguments)
    x = check.as_numbers("x", point).copy()
    options: Any = {name: getattr(settings, name) for name in Settings.__slots__}
    options |= {"args": before + after, "argnum": len(before), "full_output": False}
    output = np.asarray(f(*before, x.copy(), *after, **(settings.kwargs)))
    return LinearOperator(
        (output.size, x.size),
        matvec=lambda v: np.reshape(jvp(f, x, v.reshape(x.shape), **options), -1),
        rmatvec=lambda w: np.reshape(vjp(f, x, w.reshape(output.shape), **options), -1),
        dtype=np.result_type(x, output),
    )
