"""Linear algebra of matrices of polynomials, in stacks as NumPy's.

With A0 the constant terms, ``x <- x + A0^-1 (b - A x)`` gains one degree with each sweep, since A - A0 is nilpotent:
exact after as many sweeps as the degree. Factorisations go column by column, with pivots chosen by the constant terms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor import elementary
from fastcalc._taylor.arrays.handlers import Table, array, serves, whole
from fastcalc._taylor.arrays.products import cross, matrices
from fastcalc._taylor.arrays.reductions import max as _max
from fastcalc._taylor.arrays.reductions import min as _min
from fastcalc._taylor.arrays.reductions import sum as _sum
from fastcalc._taylor.arrays.shaping import moved
from fastcalc._taylor.data import Data, lifted
from fastcalc._taylor.operands import as_polynomial

FUNCTIONS: Table = {}


def squares(a: Any) -> Any:
    """A stack of square matrices."""
    a = array(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"matrices must be square, in the last two axes; got shape {a.shape}")
    return a


@serves(FUNCTIONS, "linalg.solve")
def solve(a: Any, b: Any) -> Any:
    """``np.linalg.solve``."""
    a, b = squares(a), array(b)
    if b.ndim == 1:
        return solve(a, b[:, None])[..., 0]
    if b.ndim == 0 or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"`b` must have {a.shape[-1]} rows, as `a`; got shape {b.shape}")
    if not isinstance(a, Data):
        return b._like(_solved(a, b))
    x = whole(b, a)
    x = x._like(_solved(a._coef[0], x))
    inverse = np.linalg.inv(a._coef[0])
    for _ in range(a._space.degree):
        x = x + matrices(inverse, b - matrices(a, x))
    return x


def _solved(a: NDArray[Any], b: Data) -> NDArray[Any]:
    """Plain matrices: all terms are right-hand sides of one factorisation."""
    coef = lifted(b._coef, max(a.ndim, b.ndim))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    m, k = b.shape[-2:]
    sides = np.moveaxis(np.broadcast_to(coef, (len(coef), *batch, m, k)), 0, -2).reshape(*batch, m, -1)
    solved = np.linalg.solve(a, sides)
    return np.ascontiguousarray(np.moveaxis(solved.reshape(*batch, m, len(coef), k), -2, 0))


@serves(FUNCTIONS, "linalg.inv")
def inv(a: Any) -> Any:
    """``np.linalg.inv``."""
    a = squares(a)
    constant = np.linalg.inv(a._coef[0])
    x = as_polynomial(constant, a)
    for _ in range(a._space.degree):
        x = x + matrices(constant, np.eye(a.shape[-1], dtype=a.dtype) - matrices(a, x))
    return x


@serves(FUNCTIONS, "linalg.tensorsolve")
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        raise TypeError("np.linalg.tensorsolve of Taylor polynomials has no `axes`: use np.moveaxis first")
    a, b = array(a), array(b)
    return solve(a.reshape(b.size, -1), b.reshape(-1)).reshape(a.shape[b.ndim :])


@serves(FUNCTIONS, "linalg.lstsq")
def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    if isinstance(a, Data):
        raise TypeError("np.linalg.lstsq knows plain `a` only: solve the normal equations with np.linalg.solve")
    x, _, rank, singular_values = np.linalg.lstsq(a, b._coef[0], rcond)
    coef = np.stack([np.linalg.lstsq(a, term, rcond)[0] for term in b._coef])
    coef[0] = x
    solution = b._like(coef)
    full = rank == np.shape(a)[1] < np.shape(a)[0]
    rest = b - np.asarray(a) @ solution
    residuals = _sum(np.real(rest * np.conjugate(rest)), 0).reshape(-1)
    return solution, residuals if full else np.zeros_like(residuals, shape=(0,)), rank, singular_values


# Determinants


def _eliminated(a: Data) -> tuple[Any, Any, NDArray[np.bool_]]:
    """The pivots of Gaussian elimination, the sign of the permutation, and where a pivot to divide by was too small."""
    m = a.shape[-1]
    work = a._like(np.ascontiguousarray(a._coef))
    batch = a.shape[:-2]
    sign = np.ones(batch, a.dtype)
    spoilt = np.zeros(batch, np.bool_)
    size = np.abs(a._coef[0]).max(axis=(-1, -2), initial=0)
    pivots = []
    for _ in range(m):
        column = np.abs(work._coef[0, ..., 0])
        best = column.argmax(axis=-1)
        order = np.broadcast_to(np.arange(column.shape[-1]), column.shape).copy()
        np.put_along_axis(order, best[..., None], 0, -1)
        order[..., 0] = best
        rows = np.take_along_axis(work._coef, order[None, ..., None], axis=-2)
        sign = np.where(best != 0, -sign, sign)
        pivot = a._like(np.ascontiguousarray(rows[..., 0, 0]))
        pivots.append(pivot._coef)
        if rows.shape[-1] == 1:
            break
        small = np.take_along_axis(column, best[..., None], -1)[..., 0] <= 4 * m * np.finfo(a.dtype).eps * size
        spoilt |= small
        divisor: Any = pivot._like(np.where(small, as_polynomial(np.ones(batch, a.dtype), a)._coef, pivot._coef))
        factor: Any = elementary.divide(a._like(rows[..., 1:, 0]), divisor[..., None])
        update = elementary.multiply(factor[..., :, None], a._like(rows[..., :1, 1:]))
        work = a._like(rows[..., 1:, 1:] - update._coef)
    return a._like(np.stack(pivots, axis=-1)), sign, spoilt


@serves(FUNCTIONS, "linalg.det")
def det(a: Any) -> Any:
    """``np.linalg.det``; without divisions where the matrix of constant terms lacks two ranks or more, or is small."""
    a = squares(a)
    if a.shape[-1] == 0:
        return as_polynomial(np.ones(a.shape[:-2], a.dtype), a)
    if a.shape[-1] <= 3:
        return _small_det(a)
    pivots, sign, spoilt = _eliminated(a)
    result = np.prod(pivots, axis=-1) * sign
    if spoilt.any():
        result[spoilt] = _det_without_division(a[spoilt])
    return result


def _small_det(a: Any) -> Any:
    """The expansion along the first row."""
    if a.shape[-1] == 1:
        return a[..., 0, 0].copy()
    if a.shape[-1] == 2:
        return a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    first, second, third = (a[..., k, :] for k in range(3))
    return np.sum(first * cross(second, third), axis=-1)


def _det_without_division(a: Any) -> Any:
    """Faddeev and LeVerrier: ``M <- A M + c 1``, ``c = -trace(A M) / k``; det(A) = (-1)**m c."""
    m = a.shape[-1]
    one = np.eye(m, dtype=a.dtype)
    c: Any = 1.0
    product: Any = np.zeros_like(a)
    for k in range(1, m + 1):
        product = matrices(a, product + (c * one if k == 1 else c[..., None, None] * one))
        c = np.trace(product, axis1=-2, axis2=-1) / -k
    return c if m % 2 == 0 else -c


@serves(FUNCTIONS, "linalg.slogdet")
def _slogdet(a: Any) -> Any:
    a = squares(a)
    if a.shape[-1] == 0:
        return _SLOGDET(np.ones(a.shape[:-2], a.dtype), as_polynomial(np.zeros(a.shape[:-2], a._coef.real.dtype), a))
    real = a.dtype.kind != "c"
    pivots, sign, spoilt = _eliminated(a)
    with np.errstate(divide="ignore"):
        size = np.abs(pivots)
        logarithm = np.sum(np.log(size), axis=-1)
        signs = np.asarray(np.sign(pivots._coef[0]).prod(axis=-1) * sign) if real else np.prod(pivots / size, -1) * sign
        if spoilt.any():
            determinant = _det_without_division(a[spoilt])
            size = np.abs(determinant)
            logarithm[spoilt] = np.log(size)
            signs[spoilt] = np.sign(determinant._coef[0]) if real else determinant / size
    return _SLOGDET(signs[()], logarithm)


_SLOGDET = type(np.linalg.slogdet(np.eye(1)))


# Norms


@serves(FUNCTIONS, "linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """``np.linalg.norm``."""
    x = array(x)
    if axis is None:
        if ord is None:
            flat = _vector_norm(x.reshape(-1), 2, 0, False)
            return flat.reshape((1,) * x.ndim) if keepdims else flat
        axis = tuple(range(x.ndim))
    axes = tuple(int(k) for k in np.atleast_1d(axis))
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(f"norms are of vectors and matrices; got {len(axes)} axes: give `axis`")


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: Any) -> Any:
    if ord == 2:
        square = np.real(x * np.conjugate(x)) if x.dtype.kind == "c" else x * x
        return np.sqrt(_sum(square, axis, keepdims=keepdims))
    if ord == 0:
        return np.sum((x != 0).astype(x.dtype), axis, keepdims=keepdims)
    size = np.abs(x)
    if ord in (np.inf, -np.inf):
        return (_max if ord > 0 else _min)(size, axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"a norm of vectors has a number as `ord`; got {ord!r}")
    return _sum(size, axis, keepdims=keepdims) if ord == 1 else _sum(size**ord, axis, keepdims=keepdims) ** (1 / ord)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    row, column = (k % x.ndim for k in axes)
    if row == column:
        raise ValueError(f"`axis` must name two different axes; got {axes}")
    if ord in (None, "fro", "f"):
        return _vector_norm(x, 2, axes, keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        along, across = (row, column) if abs(ord) == 1 else (column, row)
        sums = _sum(np.abs(x), along, keepdims=True)
        result = (_max if ord > 0 else _min)(sums, across, keepdims=True)
        return result if keepdims else np.squeeze(result, axes)
    raise ValueError(f"norms of matrices of Taylor polynomials have `ord` 'fro', 1, -1, inf or -inf; got {ord!r}")


@serves(FUNCTIONS, "linalg.vector_norm")
def _vector(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    return _vector_norm(x, ord, axis, keepdims)


@serves(FUNCTIONS, "linalg.matrix_norm")
def _matrix(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return _matrix_norm(x, ord, (-2, -1), keepdims)


# Powers, traces and factorisations


@serves(FUNCTIONS, "linalg.matrix_power")
def _matrix_power(a: Any, n: Any) -> Any:
    a = squares(a)
    if int(n) != n:
        raise TypeError(f"`n` must be an integer; got {n!r}")
    if n < 0:
        a, n = inv(a), -n
    result: Any = np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype) if n == 0 else None
    while n:
        if n & 1:
            result = a if result is None else matrices(result, a)
        n >>= 1
        a = matrices(a, a) if n else a
    return result.copy()


@serves(FUNCTIONS, "trace")
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    """``np.trace``."""
    return _sum(moved(np.diagonal, whole(a, out), offset, axis1, axis2), -1, dtype, out)


@serves(FUNCTIONS, "linalg.trace")
def _trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


@serves(FUNCTIONS, "linalg.cholesky")
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Column by column from the lower triangle, or the upper one."""
    a = squares(a)
    if upper:
        a = np.conjugate(np.swapaxes(a, -1, -2))
    constant = np.linalg.cholesky(a._coef[0])  # LinAlgError where that is not positive definite
    lower = np.zeros_like(a)
    for j in range(a.shape[-1]):
        known = lower[..., j:, :j]
        rest = a[..., j:, j] - matrices(known, np.conjugate(known[..., 0, :])[..., None])[..., 0]
        root = np.sqrt(rest[..., 0])
        lower[..., j, j] = root
        lower[..., j + 1 :, j] = rest[..., 1:] / root[..., None]
    lower._coef[0] = constant
    return np.conjugate(np.swapaxes(lower, -1, -2)).copy() if upper else lower
