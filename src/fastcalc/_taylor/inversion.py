"""The inverse of a map, as polynomials: Newton's method, which doubles the degree at each step.

With p(q(y)) - y = e(y) for a q that is right to degree m, q - q' e is right to degree 2m: q', the Jacobian matrix of
q, is that of the inverse up to degree m - 1, and e has no terms below m + 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastcalc import _validation as check
from fastcalc._instructions import series
from fastcalc._taylor.composition import composed
from fastcalc._taylor.data import Data, series_dtype
from fastcalc._taylor.operands import operand
from fastcalc._taylor.terms import lower_space

if TYPE_CHECKING:
    from fastcalc._taylor.polynomial import TaylorPolynomial

_WELL = 100.0  # condition number up to which degrees double


def inverse_map(p: Any) -> TaylorPolynomial:
    """Taylor polynomials of the inverse of a map: ``q(p(x)) = x`` near x0.

    Parameters
    ----------
    p : TaylorPolynomial (n_variables,) or a sequence of them
        A map from R^n to R^n with an invertible Jacobian matrix, in a space without caps and weights. It may be 0-d for
        one variable.

    Returns
    -------
    TaylorPolynomial
        q of p's shape, in the same space, around ``p.value``, with the constant terms ``p.x0``.

    Raises
    ------
    TypeError
        For a p that is no polynomial.
    ValueError
        For another number of polynomials than of variables, degree 0, caps or weights, and a Jacobian matrix that is
        singular to rounding or not finite.

    Notes
    -----
    Newton's method from the inverse of the linear part on: as many steps as the degree has binary digits, each of which
    composes p with q at twice the degree of the one before. The last one takes about as long as one
    ``p.compose(q)`` and n**2 products. Where the Jacobian matrix is ill-conditioned, each step gives one degree more:
    of several at once, the higher ones come from differences of large numbers.

    References
    ----------
    Brent and Kung, "Fast algorithms for manipulating formal power series", Journal of the ACM 25 (1978), section 3.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> x = fc.TaylorSpace(1, 4).variables([0.0])
    >>> np.round(fc.inverse_map(np.sin(x)).coef[:, 0], 6)        # arcsin
    array([0.      , 1.      , 0.      , 0.166667, 0.      ])
    """
    maps = operand(p)
    if not isinstance(maps, Data):
        raise TypeError(f"`p` must hold Taylor polynomials; got {check.short(p)}")
    space, n = maps._space, maps._space.n_variables
    if maps.shape != (n,) and not (n == 1 and maps.ndim == 0):
        raise ValueError(f"`p` must have as many polynomials as variables, shape ({n},); got shape {maps.shape}")
    if space.degree == 0 or space.max_degrees is not None or space.weights is not None:
        raise ValueError(
            f"`p` must be in a space of degree 1 or more without caps and weights, which an inverse does not keep; got "
            f"{space!r}: expand in fc.TaylorSpace({n}, {max(space.degree, 1)})"
        )
    kind = series_dtype(np.result_type(maps.dtype, maps.x0)) if maps.x0.dtype.kind == "c" else maps.dtype
    coef = maps._coef.reshape(-1, n).astype(kind)
    linear = inverse_matrix(coef[1 : n + 1].T, "p", "no inverse map exists, or none that is smooth")
    center = coef[0].copy()
    q = _inverted(maps._make(space, coef, None), linear)
    q._coef[0] = maps.x0
    center.flags.writeable = False
    return maps._make(space, q._coef.reshape(-1, *maps.shape), center)  # type: ignore[return-value]


def _inverted(p: Any, linear: NDArray[Any]) -> Any:
    """The inverse of displacements of the map p (n,), given that of its linear part."""
    space, n = p._space, len(linear)
    doubles = np.linalg.norm(linear.astype(np.complex128)) * np.linalg.norm(p._coef[1 : n + 1]) < _WELL
    coef = np.zeros((n + 1, n), p.dtype)
    coef[1:] = linear.T
    done = 1
    while done < space.degree:
        known, done = done, min(2 * done if doubles else done + 1, space.degree)
        stage = lower_space(space, done)
        grown = np.zeros((stage.n_terms, n), p.dtype)
        grown[: len(coef)] = coef
        q = p._make(stage, grown, None)
        error = composed(stage, p._coef[: stage.n_terms], stage, grown)
        error[: stage.starts[known + 1]] = 0  # the identity, to rounding
        correction = np.zeros_like(grown)
        for j in range(n):
            slopes = q.deriv(j)._coef
            correction += series.multiply(stage.tables, slopes, np.repeat(error[:, j : j + 1], n, axis=1))
        coef = grown - correction
    return p._make(space, coef, None)


def inverse_matrix(matrix: NDArray[Any], name: str, meaning: str) -> NDArray[Any]:
    """The inverse of a Jacobian matrix in its own precision; ValueError where it is singular to rounding."""
    kind = matrix.dtype
    work = matrix.astype(np.complex128 if kind.kind == "c" else np.float64)
    if not np.isfinite(work).all():
        raise ValueError(
            f"`{name}` must have finite derivatives; got the Jacobian matrix {check.short(matrix.tolist())}"
        )
    condition = np.linalg.cond(work)
    if not condition < 1 / np.finfo(np.float64).eps:
        raise ValueError(
            f"`{name}` must have an invertible Jacobian matrix; got {check.short(matrix.tolist())}, of condition "
            f"number {condition:.1g}: {meaning}, at this point"
        )
    inverse = np.linalg.inv(work).astype(kind)
    if kind == np.longdouble:
        for _ in range(2):
            inverse = inverse + inverse @ (np.eye(len(matrix), dtype=kind) - matrix @ inverse)
    return inverse
