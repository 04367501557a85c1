"""Functions that are given by equations, F(x, y(x)) = 0: one more degree of y for each call of F.

With y right to degree k - 1 and its higher terms 0, F(x, y) has no terms below k, and its terms of degree k are those
that ``dF/dy(x0, y0)`` times the missing terms of y must cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._functions.equations import call_equations
from fastcalc._taylor.data import as_center, series_dtype
from fastcalc._taylor.inversion import inverse_matrix
from fastcalc._taylor.polynomial import TaylorPolynomial
from fastcalc._taylor.space import TaylorSpace

_MOST_STEPS = 50  # of Newton's method
_STEADY = 0.25  # change of dF/dy over a step, at most: near a multiple root it is a half, however short steps are


def implicit(F: Callable[[Any, Any], Any], x0: ArrayLike, y0: ArrayLike, degree: int) -> TaylorPolynomial:
    """Taylor polynomials of the function y(x) that solves ``F(x, y) = 0`` near a known solution.

    Parameters
    ----------
    F : callable
        ``F(x, y)`` returns as many values as y has, an array or a sequence; written with NumPy functions, as it is
        called with numbers and with Taylor polynomials, in the shapes of x0 and y0.
    x0 : array_like (n,) or scalar
        Point of expansion.
    y0 : array_like (m,) or scalar
        Solution at x0. It needs only be near: Newton's method improves it first, until rounding errors are left.
    degree : int
        Of the polynomials, 0 or more.

    Returns
    -------
    TaylorPolynomial
        y of y0's shape, in ``TaylorSpace(n, degree)`` around x0.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind or shape; an F that leaves Taylor arithmetic; a ``dF/dy`` that is singular to
        rounding, where y is no smooth function of x; a y0 from which Newton's method does not converge.

    Notes
    -----
    F is called about four times with y as polynomials of first degree, then once for each degree up to `degree`, with x
    and y of that degree.

    References
    ----------
    Griewank, Walther, *Evaluating Derivatives*, SIAM 2008, section 13.4, on implicit functions.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> y = fc.implicit(lambda x, y: x**2 + y**2 - 1, 0.0, 1.0, 4)    # sqrt(1 - x**2)
    >>> np.round(y.coef, 12) + 0.0
    array([ 1.   ,  0.   , -0.5  ,  0.   , -0.125])
    """
    if not callable(F):
        raise TypeError(f"`F` must be callable as F(x, y); got {check.short(F)}")
    degree = check.integer("degree", degree, 0, None, "it is the degree of the polynomials")
    x, start = _argument("x0", x0), _argument("y0", y0)
    kind = series_dtype(np.result_type(x, start))
    y, inverse = _solved(F, x.astype(kind)[()], start.astype(kind)[()])
    space = TaylorSpace(x.size, degree)
    coef = np.zeros((space.n_terms, *start.shape), np.result_type(kind, y))
    coef[0] = y
    for k in range(1, degree + 1):
        stage = TaylorSpace(x.size, k)
        point = stage.variables(x.reshape(-1), coef.dtype)
        inputs = point._like(np.ascontiguousarray(point._coef.reshape(-1, *x.shape)))
        rest = call_equations(F, inputs, inputs._like(coef[: stage.n_terms].copy()), start.shape)
        block = slice(stage.starts[k], stage.n_terms)
        missing = -(rest._coef[block].reshape(-1, start.size) @ inverse.T)
        coef[block] = missing.reshape(-1, *start.shape)
    return TaylorPolynomial._make(space, coef, as_center(space, x.reshape(-1)))


def _argument(name: str, value: ArrayLike) -> NDArray[Any]:
    array = np.array(check.as_numbers(name, value))
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"`{name}` must be a scalar or an array (n,) with n >= 1; got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite; got {check.short(value)}")
    return array


def _solved(F: Callable[[Any, Any], Any], x: Any, y: Any) -> tuple[Any, NDArray[Any]]:
    """The solution y near the given one by Newton's method, and the inverse of dF/dy there."""
    shape = np.shape(y)
    space = TaylorSpace(np.size(y), 1)
    first, last, before = y, np.inf, None
    for _ in range(_MOST_STEPS):
        unknowns = space.variables(np.reshape(y, -1))
        unknowns = unknowns._like(np.ascontiguousarray(unknowns._coef.reshape(-1, *shape)))
        rest = call_equations(F, x.copy(), unknowns, shape)
        matrix = rest._coef[1:].reshape(np.size(y), -1).T
        inverse = inverse_matrix(matrix, "F", "dF/dy is singular, and y no smooth function of x")
        step = inverse @ rest._coef[0].reshape(-1)
        y = (y - step.reshape(shape))[()]
        size, scale = np.abs(step).max(), np.abs(y).max()
        eps = np.finfo(step.dtype).eps
        # rounding is all that is left: of the size of y, or of what F is made of where steps do not get shorter
        rounded = size <= 4 * eps * scale or (size > last / 2 and size <= np.sqrt(eps) * max(scale, 1))
        if rounded and (before is None or _size(inverse @ (matrix - before)) <= _STEADY):
            return y, inverse
        last, before = size, matrix
    raise ValueError(
        f"`y0` must be near a solution of F(x0, y) = 0; got {check.short(first.tolist())}, from which Newton's method "
        f"does not converge: after {_MOST_STEPS} steps y = {check.short(y.tolist())}"
    )


def _size(matrix: NDArray[Any]) -> Any:
    """The largest eigenvalue: the same whatever the units of equations and unknowns."""
    return np.abs(np.linalg.eigvals(matrix.astype(np.complex128))).max()
