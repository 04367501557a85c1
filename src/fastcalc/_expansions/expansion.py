"""Taylor polynomials of functions: exactly, by running them on Taylor polynomials, or numerically from their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.problem import Problem, open_problem
from fastcalc._differences.solve import Expansion
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._results import DerivativeResult, Status, describe, succeeded
from fastcalc._taylor.data import as_center, series_dtype
from fastcalc._taylor.polynomial import TaylorPolynomial
from fastcalc._taylor.space import TaylorSpace
from fastcalc._taylor.terms import variable_terms

_Array = NDArray[Any]
_METHODS = ("exact", "numeric")


def taylor(
    f: Callable[..., Any],
    x0: ArrayLike,
    degree: int,
    *,
    method: str = "exact",
    max_degrees: Sequence[int] | None = None,
    weights: Sequence[int] | None = None,
    **options: Any,
) -> Any:
    """Taylor polynomial of a function around a point.

    Parameters
    ----------
    f : callable
        Function of a scalar or an array, of x0's shape, with any shape of output. The exact method calls it with a
        `TaylorPolynomial` of that shape.
    x0 : array_like
        Point of expansion, of any shape; bool, integer and float16 become float64. Its ``n = x0.size`` entries are the
        variables, in C order.
    degree : int
        Highest degree of a term.
    method : {"exact", "numeric"}, default "exact"
        "exact": f runs once on Taylor polynomials, and coefficients are exact to rounding. f may use NumPy, whose
        functions and operators work on polynomials, and branch on values; "numeric": from values of f alone, for all
        other functions.
    max_degrees, weights : sequence of int (n,), optional
        Highest exponent of each variable, and what each counts in the degree, as for `TaylorSpace`; for "exact" alone.
    **options
        Those of `gradient`, except `method`, `accuracy` and `out`: `args`, `kwargs`, `argnum`, `vectorized` (f takes
        ``(n, k)``), `on_error`, `bounds` and `full_output`; `step`, `scale`, `noise` and `max_evaluations` for
        "numeric" alone.

    Returns
    -------
    TaylorPolynomial or DerivativeResult
        Polynomial of f's output shape; its ``x0`` is flat, ``(n,)``. With ``full_output=True`` a `DerivativeResult`,
        whose `value` is the polynomial; `error`, `step`, `success` and `status` have the shape of its ``coef``. The
        errors of exact coefficients are those of rounding and unknown, NaN. Numeric coefficients whose error is unknown
        are NaN but with ``full_output``.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called; for an f that leaves Taylor
        arithmetic, with the line that does.

    Notes
    -----
    Exact: operations inside f cost up to binomial(2n + degree, degree) multiplications, elementary functions about as
    much, where values take one; see `TaylorSpace` for the number of terms.

    Numeric: along binomial(n + degree - 1, degree) lines through x0 and a tenth more, polynomials are fitted at
    Chebyshev nodes, some 20 to 40 points each, over lengths that differ by factors which are no power of two. For
    each degree the length is taken where neighbouring fits agree best, and least squares over the lines give the
    coefficients. Their errors are about ``eps 20**k / k! / r**k`` for degree k, where coefficients fall like
    ``r**-k``; the reported ones, twenty times as large in the median, contain the noise of f, which is measured, and
    are NaN where f is not smooth. Without `scale`, f may be called as far as 3 max(abs(x), 1) from x0, with it 3
    sizes: give `bounds` to an f that ends before. `step` is the first length of a line, in the units of x; the
    reported one is the geometric mean of the lengths of the variables in a term. `max_evaluations` is that of all
    points. About 800 points for degree 4 in 3 variables, 1,600 for degree 6.

    References
    ----------
    A. Griewank, A. Walther, *Evaluating Derivatives*, SIAM 2008, chapter 13; A. Griewank, J. Utke, A. Walther,
    "Evaluating higher derivative tensors by forward propagation of univariate Taylor series", Math. Comp. 69 (2000)
    1117-1130, for the lines.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> p = fc.taylor(lambda x: np.exp(x[0]) * x[1], [0.0, 1.0], 2)
    >>> p.space.exponents.tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    >>> p.coef
    array([1. , 1. , 1. , 0.5, 1. , 0. ])

    From values alone, with errors:

    >>> import math
    >>> result = fc.taylor(lambda x: math.exp(x[0]) * x[1], [0.0, 1.0], 2, method="numeric", full_output=True)
    >>> bool((abs(result.value.coef - p.coef) <= result.error).all() and (result.error < 1e-10).all())
    True
    """
    method = check.one_of("method", method, _METHODS)
    degree = check.integer("degree", degree, 0, None, "it is the highest degree of a term")
    if "out" in options:
        raise TypeError("unknown option 'out': a Taylor polynomial is always a fresh one")
    base: Any = "exact" if method == "exact" else "adaptive"
    problem = open_problem(f, check.as_numbers("x0", x0), {**options, "method": base}, None)
    if problem.points.shape != (problem.x.size, 1):
        raise ValueError(
            f"`x0` must be one point; got shape {problem.x.shape} with vectorized=True: a polynomial has one point of "
            "expansion, give x0 of shape (n,)"
        )
    if not problem.x.size:
        raise ValueError(f"`x0` must have variables; got shape {problem.x.shape}")
    if method == "numeric":
        if max_degrees is not None or weights is not None:
            raise ValueError("`max_degrees` and `weights` are for method 'exact'; got them with method 'numeric'")
        from fastcalc._expansions.blackbox import numeric_taylor  # a large module that few need

        space = TaylorSpace(problem.x.size, degree)
        found = numeric_taylor(problem, degree)
    else:
        space = TaylorSpace(problem.x.size, degree, max_degrees=max_degrees, weights=weights)
        found = _exact(problem, space)
    return _delivered(problem, space, found, method)


def _exact(problem: Problem, space: TaylorSpace) -> Expansion:
    """Coefficients of f at the variables of the space."""
    function = cast(PolynomialFunction, problem.function)
    function.remedy = "method='numeric'"
    center = problem.points[:, 0]
    coef = variable_terms(space, center, series_dtype(center.dtype))
    series = function(space, coef.reshape(len(coef), *function.point_shape(1)), 1, as_center(space, center))
    if series is None:  # f failed, and may
        function.shape = ()
        series = np.full((space.n_terms, 1), np.nan, coef.dtype)
    coef = np.array(series.reshape(space.n_terms, -1), order="C")
    base = coef[0].copy()
    status = np.where(np.isfinite(coef), Status.EXACT, Status.NON_FINITE).astype(np.int8)
    if problem.frame.bounds is not None:
        fixed = (problem.frame.bounds[0] == problem.frame.bounds[1])[:, 0]
        touched = (space.exponents[:, np.broadcast_to(fixed, center.shape)] > 0).any(axis=1)
        coef[touched], status[touched] = np.nan, Status.FIXED_VARIABLE
    unknown = np.full(coef.shape, np.nan, coef.real.dtype)
    return Expansion(coef, unknown, unknown.copy(), status, base)


def _delivered(problem: Problem, space: TaylorSpace, found: Expansion, method: str) -> Any:
    """The polynomial, or with ``full_output`` all that is known of it."""
    shape = (space.n_terms, *problem.function.shape)
    coef = found.coef.reshape(shape)
    p = TaylorPolynomial._make(space, coef, as_center(space, problem.points[:, 0]))
    if not problem.settings.full_output:
        if method == "numeric":  # with no word beside them, coefficients that may be anything are none
            coef[np.isnan(found.error.reshape(shape))] = np.nan
        return p
    status = found.status.reshape(shape)
    return DerivativeResult(
        p,
        found.error.reshape(shape),
        found.step.reshape(shape),
        found.base.reshape(shape[1:])[()],
        problem.function.evaluations,
        np.isfinite(coef) & succeeded(status),
        status,
        describe(status),
    )
