"""The sparsity of a Jacobian or Hessian, from calls of f: probes tell which outputs notice a group of variables, and
tests of groups find the variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.problem import Problem, as_function, make_function, open_problem, open_workers
from fastcalc._differences.settings import Method
from fastcalc._differences.sparsity.group_testing import find_pattern
from fastcalc._differences.sparsity.interactions import Mixed, find_pairs
from fastcalc._differences.sparsity.pattern import Pattern
from fastcalc._differences.sparsity.probes import KINDS, TREMBLES, Probes, Values, known_places
from fastcalc._differences.sparsity.spots import spots_around
from fastcalc._functions.arguments import Arguments
from fastcalc._functions.compiled_calls import require_plain
from fastcalc._functions.warning import warn

_POINTS = 3
_FULL = 64  # variables from which on a full pattern is worth a warning


def detect_sparsity(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    probes: str | Sequence[str] | None = None,
    points: int = _POINTS,
    noise: float | None = None,
    symmetric: bool = False,
    hessian: bool = False,
    scale: ArrayLike | None = None,
    bounds: Any = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    argnum: int = 0,
    vectorized: bool = False,
    workers: int | Callable[..., Any] | None = None,
    on_error: Literal["raise", "nan"] = "raise",
) -> Any:
    """Which outputs of f depend on which variables: the entries that its Jacobian, or its Hessian, may have near x.

    For ``sparsity`` of `jacobian` and `hessian`. ``sparsity="detect"`` does the same with default options; called once
    and kept, a pattern can be looked at, added to, and given to several operators.

    Parameters
    ----------
    f : callable
        Function of an array, of any shape of output.
    x : array_like
        The point, of any shape, where f is defined. With ``vectorized=True`` ``(n,)``.
    probes : {"nan", "perturbation", "exact"} or a sequence of them, optional
        How to tell; the result has what any of them sees. "nan": NaN in the place of variables. "perturbation": finite
        moves of variables, at several points. "exact": first derivatives by Taylor arithmetic, see
        `TaylorPolynomial`. Default: all; "nan" and "exact" as far as f takes NaN and Taylor polynomials without an
        exception.
    points : int, default 3
        At how many points to perturb: x itself, and others at random, up to half of the size of a variable away.
    noise : float, optional
        What the values of f may be wrong by beyond rounding, absolute. Default: measured.
    symmetric : bool, default False
        f is the gradient of a function, and the Jacobian a Hessian: a full row then costs no more than a full column.
    hessian : bool, default False
        f is a scalar function, and the pattern that of its Hessian: the pairs of variables that interact, and the
        diagonal. From perturbations alone; a gradient, where there is one, tells much more at much less cost.
    scale : float or array_like, optional
        Typical size of each variable. Default: abs(x), and 1 where that is 0; for points away from x also below 1e-5.
    bounds : (lower, upper) or scipy.optimize.Bounds, optional
        f is called inside them, but for the NaN. Equal bounds leave no room for perturbations.
    args, kwargs : tuple, dict, optional
        Other arguments of f.
    argnum : int, default 0
        Place of x among the arguments: f(*args[:argnum], x, *args[argnum:], **kwargs).
    vectorized : bool, default False
        f takes points as columns, (n, k), and returns (k,) or (m, k).
    workers : int or map-like callable, optional
        Who calls f, as for `jacobian`; "exact" is done here.
    on_error : {"raise", "nan"}, optional
        Whether an exception of f propagates, or a point where there is one tells nothing.

    Returns
    -------
    scipy.sparse.csr_array of bool, shape (m, n)
        True where output i depends on variable j, m and n being the sizes of f(x) and x. With ``hessian=True``
        ``(n, n)``.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called. ValueError where an output is
        NaN at all points.
    ImportError
        Without SciPy.

    Notes
    -----
    What each kind can miss, and what it sees too much of:

    ============  ==================================================================  =================================
    probes        misses a dependence                                                 sees one where there is none
    ============  ==================================================================  =================================
    nan           behind a comparison (np.where(x > 0, 1, 0)), np.fmax, np.nan_to_num  ``0 * x``, ``x - x``, zeros of
                  and integers: what takes NaN and returns a number                   a dense matrix A in ``A @ x``
    perturbation  lost in rounding (relative to all effects on the output below about  above ``noise``: errors of
                  1e-12), saturated, or on a branch that no point is on               iterations that end early
    exact         the same, but for rounding; at one point only                       cancelled up to rounding
    ============  ==================================================================  =================================

    An entry too many costs time, not accuracy; one that is missing makes derivatives wrong. So all are joined, and
    operators compare a product J v with differences of f at their first call. Where f multiplies by dense matrices with
    zeros, ``probes=("perturbation", "exact")`` has fewer entries; a warning says so where a pattern of 64 variables or
    more is full for no other reason. No probe sees branches that are far from x, and all take it that an output which
    does not notice a group of variables notices none of them.

    Variables are tested in groups, which are cut in four from level to level. A Jacobian of c colours takes at most
    about ``4 c log4(n)`` tests of groups; one in no order, with r entries in a row, about ``8 r log4(n)``; a full row
    or a full matrix n. So 100,000 variables take about 70 tests for a tridiagonal matrix, 140 for a five-point grid,
    310 in no order. A test calls f `points` + 1 times, and "exact" once for 4 groups or more; ``9 * points`` calls come
    first. Memory is that of the entries, and of a few points and values of f.

    With ``hessian=True`` two groups interact where f(both moved) - f(one moved) - f(the other moved) + f(x) is above
    rounding and noise; what is below about 1e-13 of f is missed. Each pair of groups takes a call: in all about 17n for
    a tridiagonal Hessian, which takes 4n calls itself, and 0.9 n**2 for a full one.

    References
    ----------
    A. Griewank, C. Mitev, *Detecting Jacobian sparsity patterns by Bayesian probing*, Math. Program. 93 (2002) 1-25, on
    tests of many variables at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> def f(x):
    ...     return x[1:] * np.exp(x[:-1])
    >>> fc.detect_sparsity(f, np.zeros(4)).toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])

    The zeros of a matrix times NaN are NaN:

    >>> A = np.array([[1.0, 0.0], [2.0, 3.0]])
    >>> fc.detect_sparsity(lambda x: A @ x, np.ones(2)).nnz
    4
    >>> fc.detect_sparsity(lambda x: A @ x, np.ones(2), probes=("perturbation", "exact")).nnz
    3
    """
    kinds = _kinds(probes)
    points = check.integer("points", points, 1, 100, "it says at how many points variables are moved")
    level = _level(noise)
    symmetric, hessian = check.flag("symmetric", symmetric), check.flag("hessian", hessian)
    if hessian and (symmetric or kinds not in (None, ("perturbation",))):
        name, value = ("symmetric", symmetric) if symmetric else ("probes", probes)
        raise ValueError(
            f"`{name}` is for Jacobians, of gradients too; got {value!r} with hessian=True: leave it out, or give the "
            "gradient as f and symmetric=True"
        )
    options = {"scale": scale, "bounds": bounds, "args": args, "kwargs": kwargs, "argnum": argnum, "workers": workers}
    problem = open_problem(f, x, options | {"vectorized": vectorized, "on_error": on_error}, None)
    settings = problem.settings
    try:
        from scipy.sparse import csr_array
    except ImportError as error:
        raise ImportError("`detect_sparsity` needs SciPy, for its result: pip install scipy") from error
    f = as_function(f, settings)
    before, after = settings.args[: settings.argnum], settings.args[settings.argnum :]
    subject = Subject(f, problem, (before, after, settings.kwargs), open_workers(f, settings))
    if hessian:
        pattern = _pairs(subject, points, level)
    else:
        pattern = _pattern(subject, kinds, points, level, symmetric=symmetric)
    indices, indptr = pattern.as_scipy  # copies, which may be changed
    matrix = csr_array((np.ones(pattern.size, np.bool_), indices, indptr), shape=pattern.shape)
    matrix.has_canonical_format = True
    return matrix


def detected(
    f: Callable[..., Any],
    problem: Problem,
    others: Arguments,
    workers: Callable[..., Any] | None = None,
    *,
    symmetric: bool = False,
    hessian: bool = False,
) -> Pattern:
    """The pattern for ``sparsity="detect"`` of f, as `as_function` gives it, at a point, with default options."""
    subject = Subject(f, problem, others, workers)
    if hessian:
        return _pairs(subject, _POINTS, 0.0)
    return _pattern(subject, None, _POINTS, 0.0, symmetric=symmetric)


@dataclass(frozen=True)
class Subject:
    """A function, where its dependences are asked for, its other arguments, and who calls it."""

    f: Callable[..., Any]
    problem: Problem
    others: Arguments
    workers: Callable[..., Any] | None

    def adapter(self, method: Method, on_error: str) -> Any:
        """A fresh adapter; ValueError or TypeError where f can't do without numbers and the method is "exact"."""
        require_plain("f", self.f, method, False)
        problem, settings = self.problem, replace(self.problem.settings, method=method, on_error=on_error)
        workers = None if method == "exact" else self.workers
        others = any(self.others)
        n = len(problem.points)
        made = make_function(
            self.f, settings, problem.x, n, scalar=False, one_variable=False, others=others, workers=workers
        )
        made.bind(*self.others)
        return made

    @property
    def points(self) -> NDArray[Any]:
        """The point x (n, 1), of x's type whatever the method."""
        points = self.problem.points
        if points.shape[1] != 1:
            raise ValueError(f"`x` must be one point, of shape (n,); got shape {self.problem.x.shape}: take one column")
        strange = np.flatnonzero(~np.isfinite(points))
        if len(strange):
            raise ValueError(
                f"`x` must be finite, so that f has values near it; got {points[strange[0], 0]} for variable "
                f"{strange[0]}"
            )
        return np.ascontiguousarray(points.real) if self.problem.settings.method == "complex" else points


def _pattern(subject: Subject, kinds: Sequence[str] | None, points: int, noise: float, *, symmetric: bool) -> Pattern:
    n, settings = len(subject.points), subject.problem.settings
    trembles = TREMBLES if kinds is None or "perturbation" in kinds else 0
    places = spots_around(subject.points, subject.problem.frame, points, trembles)
    test = Probes(subject.adapter, places, kinds, noise=noise, on_error=settings.on_error)
    if symmetric and test.m != n:
        raise ValueError(
            f"a gradient has one output per variable, {n}; got {test.m} outputs with symmetric=True: is f a gradient?"
        )
    pattern = find_pattern(test.m, n, test, symmetric=symmetric)
    test.require_answers()
    if n >= _FULL and pattern.size > test.m * n / 2 and test.seen_by_nan_alone > test.seen / 2:
        warn(
            f"{pattern.size} of {test.m} x {n} entries were detected, most of them by NaN alone, which 0 * x spreads, "
            'too: if f multiplies by dense matrices with zeros, detect_sparsity(..., probes=("perturbation", "exact")) '
            "finds fewer"
        )
    return pattern.symmetric if symmetric else pattern


def _pairs(subject: Subject, points: int, noise: float) -> Pattern:
    """The pattern of a Hessian from values."""
    n, on_error = len(subject.points), subject.problem.settings.on_error
    values = Values(subject.adapter("central", "raise"), n)
    places = known_places(values, spots_around(subject.points, subject.problem.frame, points, TREMBLES), on_error)
    if values.m != 1:
        raise ValueError(
            f"a Hessian without a gradient is that of a scalar function; got an `f` with {values.m} outputs: take one "
            "output at a time, or give the gradient as f and symmetric=True"
        )
    if on_error == "nan":
        values = Values(subject.adapter("central", "nan"), n, values)
    return find_pairs(n, Mixed(values, places, noise))


def _kinds(probes: Any) -> tuple[str, ...] | None:
    if probes is None:
        return None
    given = (probes,) if isinstance(probes, str) or not isinstance(probes, Sequence) else tuple(probes)
    if not given:
        raise ValueError("`probes` must name at least one kind; got none: use 'nan', 'perturbation' or 'exact'")
    return tuple(check.one_of("probes", kind, KINDS) for kind in given)


def _level(noise: Any) -> float:
    if noise is None:
        return 0.0
    level = check.as_real("noise", noise)
    if level.ndim or not (np.isfinite(level) and level >= 0):
        raise ValueError(f"`noise` must be a finite number of at least 0; got {check.short(noise)}")
    return float(level)
