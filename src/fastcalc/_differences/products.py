"""Products with the Jacobian and the Hessian, without forming them.

With axes along a vector v instead of the coordinates, J v is a first derivative and H v a row of second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.lanes import alike, take
from fastcalc._differences.methods import direction, hessian_direction, rule, solve
from fastcalc._differences.problem import Problem, open_problem, open_workers, split_arguments
from fastcalc._differences.recipes import Frame, room_along
from fastcalc._differences.settings import Options, Settings, documented
from fastcalc._differences.solve import Solution, gathered, solution_of_lanes
from fastcalc._differences.sums import chunks, needs_values, sum_targets, total
from fastcalc._functions.recognition import recognised
from fastcalc._results import Status, worst

_SPREAD = 2.0**14  # of the relative speeds of variables along one direction
_Array = NDArray[Any]


def _vector(name: str, value: ArrayLike, problem: Problem) -> _Array:
    """A vector over the variables as (n, lanes): of the shape of x, or of one point."""
    vector = check.as_real(name, value)
    n, lanes = problem.points.shape
    if vector.shape not in (problem.x.shape, problem.variables):
        raise ValueError(
            f"`{name}` must have the shape of x, {problem.x.shape}; got {vector.shape}: give one entry per variable"
        )
    if not np.isfinite(vector).all():
        raise ValueError(f"`{name}` must be finite; got {value!s}")
    columns = vector.reshape(n, lanes if vector.shape == problem.x.shape else 1)
    return np.ascontiguousarray(np.broadcast_to(columns, (n, lanes)), problem.points.real.dtype)


@documented
def jvp(
    f: Callable[..., Any], x: ArrayLike, v: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]
) -> Any:
    """Product J v of the Jacobian with a vector: the derivative of f along v.

    Parameters
    ----------
    f : callable or compiled function
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
    As many calls of f as for a derivative in one variable, `accuracy` for central differences; as many again for each
    further group of variables where their speeds ``abs(v) / abs(x)`` differ by more than a factor of 16,000: one
    step can't suit them all. The error is O(t**accuracy) in the step t, and as large in rounding as that of the partial
    derivatives. ``method="adaptive"`` takes about 20 calls per group, "exact" a single one. Formula: Griewank, Walther,
    *Evaluating Derivatives*, SIAM 2008, chapter 3 for the product, with differences for the tangent.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> fc.jvp(lambda x: np.array([x[0] * x[1], x[0] ** 2]), [2.0, 3.0], [1.0, 1.0]).round(8)
    array([5., 4.])
    """
    problem = open_problem(f, x, options, out, (v,))
    solution = along(problem, _vector("v", v, problem))
    return problem.finish(solution, problem.function.shape + problem.batch, out)


def along(problem: Problem, v: _Array) -> Solution:
    """First derivatives along v, (m, lanes), summed over groups of variables that one step suits."""
    if problem.settings.method == "exact":  # no steps, no groups
        recipe = direction(problem.settings, v, [])
        return sum_targets(
            solve(recipe, problem.function, problem.points, problem.frame, full=problem.settings.full_output)
        )

    def solve_lanes(v: _Array, groups: list[_Array], x: _Array, frame: Frame) -> Solution:
        recipe = direction(problem.settings, v, groups)
        found = sum_targets(solve(recipe, problem.function, x, frame, full=problem.settings.full_output))
        return replace(found, step=found.step.min(axis=0))

    return _by_groups(problem, v, solve_lanes)


def _by_groups(
    problem: Problem, v: _Array, solve_lanes: Callable[[_Array, list[_Array], _Array, Frame], Solution]
) -> Solution:
    """Solve for the points of a batch whose variables fall into the same groups, and put them together."""
    parts: list[tuple[NDArray[np.intp], Solution]] = []
    for lanes, pattern in alike(_groups(problem, v)):
        there = take(v, lanes)
        moving = (there != 0).any(axis=1)
        groups = [np.flatnonzero(moving & (pattern == g)) for g in np.unique(pattern[moving])] or [np.zeros(0, np.intp)]
        parts.append((lanes, solve_lanes(there, groups, take(problem.points, lanes), problem.frame.at(lanes))))
    return solution_of_lanes(parts, v.shape[1])


def _groups(problem: Problem, v: _Array) -> _Array:
    """Number of the group (n, lanes) of each variable: of comparable speeds, and with room on the same side."""
    frame, points = problem.frame, problem.points
    size = np.abs(points) if frame.scale is None else np.maximum(np.abs(points), frame.scale)
    size = np.where(size == 0, 1, size) if frame.step is None else np.broadcast_to(frame.step, points.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        speed = np.abs(v) / size
        slowness = np.log2(speed.max(axis=0, initial=0) / speed) / np.log2(_SPREAD)
    group_of = np.where((v != 0) & np.isfinite(slowness), slowness, 0).astype(np.int64)
    if frame.bounds is not None:
        lower, upper = frame.bounds
        backward, forward = room_along(points, v, np.arange(len(v)), lower, upper)
        with np.errstate(invalid="ignore", over="ignore"):
            farthest = np.maximum(backward, forward) * speed.max(axis=0, initial=0)
            stuck = farthest < rule(problem.settings, 1).relative(problem.function.epsilon)
            upward = (upper - points >= points - lower) == (v > 0)
        group_of = 2 * group_of + (stuck & ~upward)  # the last bit separates those with room on the other side
    return group_of


@documented
def vjp(
    f: Callable[..., Any], x: ArrayLike, w: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]
) -> Any:
    """Product w J of a vector with the Jacobian: the gradient of ``sum(w * f(x))``.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array, with any shape of output.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    w : array_like
        Weights, of the shape of f(x); with ``vectorized=True`` of shape ``(m,)`` or ``(m, ...)``. Outputs of weight 0
        are not used: they may be NaN.
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
    2n calls of f for central differences of accuracy 2, as many as for the whole Jacobian with every method, but
    without its memory: reverse mode has no counterpart in differences (Griewank, Walther, *Evaluating Derivatives*,
    SIAM 2008, section 3.2); ``method="exact"`` is forward mode, too.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> fc.vjp(lambda x: np.array([x[0] * x[1], x[0] ** 2]), [2.0, 3.0], [1.0, 10.0]).round(6)
    array([43.,  2.])
    """
    weights = check.as_numbers("w", w)
    problem = open_problem(f, x, options, out, (weights,))
    check.known_shape(out, problem.x.shape)
    parts: list[Solution] = []
    for part in chunks(problem, 1, weights.size):
        if weights.shape not in (problem.function.shape, problem.function.shape + problem.batch):
            raise ValueError(
                f"`w` must have the shape of f(x), {problem.function.shape}; got {weights.shape}: give one weight per "
                "output"
            )
        parts.append(_weighted(part, weights))
    return problem.finish(gathered(parts, np.concatenate), problem.x.shape, out, steps_of_x=True)


def _weighted(jacobian: Solution, weights: _Array) -> Solution:
    """Sum over the outputs of f, times weights; what has weight 0 is not looked at."""
    m = len(jacobian.value)
    w = weights.reshape(m, 1, weights.size // m if m else 1)
    if w.dtype.kind != "c":  # the precision is that of x and f
        w = w.astype(jacobian.value.real.dtype)
    used = w != 0
    return jacobian.reduced(
        value=lambda a: np.where(used, a * w, 0).sum(axis=0),
        error=lambda a: np.where(used, a * np.abs(w), 0).sum(axis=0),
        status=lambda a: worst(np.where(used, a, np.int8(Status.FIXED_STEP)), axis=0),
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
    f : callable or compiled function
        Function of an array; usually scalar.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    v : array_like of real numbers
        Vector of the shape of x, or ``(n,)`` for all points of a batch.
    gradient : callable or compiled function, optional
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
    4n + 3 calls of f for central differences of accuracy 2, by polarisation: the mixed derivative along a coordinate
    and v is half the second difference along their sum less those along each; as many again where variables need groups
    of their own, see `jvp`. With `gradient` two calls of it. The error is O(h**accuracy).
    ``method="adaptive"`` does the same by extrapolation along 2n + 1 lines, with about 20 calls each; with
    `gradient` about 20 of that in all. ``method="exact"`` calls f once for each chunk of variables, all of them up to
    n = 127 or so, on polynomials with the terms 1, t, x_i and t x_i, where t goes along v; with `gradient` once.

    Examples
    --------
    >>> import fastcalc as fc
    >>> fc.hvp(lambda x: x[0] ** 2 * x[1], [1.0, 2.0], [1.0, 0.0]).round(5)
    array([4., 2.])
    """
    if gradient is not None:
        problem = open_problem(recognised(gradient, "gradient"), x, options, out, (v,))
        solution = along(problem, _vector("v", v, problem))
        problem.require_gradient()
        return problem.finish(solution, problem.x.shape, out)
    problem = open_problem(f, x, options, out, (v,))
    needs_values(problem, "hvp", "give `gradient`")
    full = problem.settings.full_output

    def solve_lanes(v: _Array, groups: list[_Array], x: _Array, frame: Frame) -> Solution:
        parts = []
        for group in groups:
            recipe = hessian_direction(problem.settings, v, group)
            parts.append(solve(recipe, problem.function, x, frame, full=full).reduced(np.asarray, np.asarray))
        return replace(total(parts), step=parts[0].step)

    vector = _vector("v", v, problem)
    if problem.settings.method == "exact":
        recipe = hessian_direction(problem.settings, vector, np.arange(len(vector)))
        solution = solve(recipe, problem.function, problem.points, problem.frame, full=full)
    else:
        solution = _by_groups(problem, vector, solve_lanes)
    return problem.finish(solution, problem.function.shape + problem.x.shape, out)


def linear_operator(f: Callable[..., Any], settings: Settings, arguments: tuple[Any, ...]) -> Any:
    """The Jacobian of f as SciPy's LinearOperator; f is called once, for the size of its output."""
    try:
        from scipy.sparse.linalg import LinearOperator
    except ImportError as error:
        raise ImportError("`as_linear_operator` needs SciPy: pip install scipy") from error
    if settings.vectorized:
        raise ValueError(
            "`as_linear_operator` is for one point and a plain f; got vectorized=True: wrap f for one point"
        )
    point, before, after = split_arguments(settings, arguments)
    x = check.as_numbers("x", point).copy()
    options: Any = {name: getattr(settings, name) for name in Settings.__slots__}
    options |= {"args": before + after, "argnum": len(before), "full_output": False}
    options["workers"] = open_workers(f, replace(settings, args=before + after))
    output = np.asarray(f(*before, x.copy(), *after, **(settings.kwargs or {})))
    return LinearOperator(
        (output.size, x.size),
        matvec=lambda v: np.reshape(jvp(f, x, v.reshape(x.shape), **options), -1),
        rmatvec=lambda w: np.reshape(vjp(f, x, w.reshape(output.shape), **options), -1),
        dtype=np.result_type(x, output),
    )
