"""Products of matrices of polynomials, and all functions that are such products.

A product of matrices of polynomials is a sum over pairs of terms, ``C[a + b] += A[a] @ B[b]``: large matrices take one
BLAS call for each term of A, small ones one call of the kernel for all products of entries, which are then added.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor import elementary
from fastcalc._taylor.arrays.handlers import Table, array, delivered, serves
from fastcalc._taylor.arrays.shaping import Numbering
from fastcalc._taylor.data import Data, lifted, require_same, series_dtype
from fastcalc._taylor.space import TaylorSpace

FUNCTIONS: Table = {}
UFUNCS: dict[np.ufunc, Any] = {}

_LARGE = 1000  # products of entries from which BLAS pays, for matrices that are not tiny
_TINY = 27
_MOST_TERMS = 2000  # for which goals of products are tabulated
_MOST_NUMBERS = 2**22  # in one array of all products of entries


def reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    """An array or polynomial in another shape, all lengths given."""
    return x._like(x._coef.reshape(len(x._coef), *shape)) if isinstance(x, Data) else x.reshape(shape)


def permuted(x: Any, order: Any) -> Any:
    """An array or polynomial with its axes in another order."""
    if isinstance(x, Data):
        return x._like(x._coef.transpose(0, *(k + 1 for k in order)))
    return x.transpose(tuple(order))


def conjugated(x: Any) -> Any:
    """The complex conjugate; real arguments themselves."""
    return x if x.dtype.kind != "c" else elementary.conjugate(x) if isinstance(x, Data) else x.conj()


def matrices(a: Any, b: Any) -> Any:
    """``a @ b`` for shapes ``(..., m, k)`` and ``(..., k, p)``, arrays or polynomials."""
    if not isinstance(a, Data) and not isinstance(b, Data):
        return np.matmul(a, b)
    ndim = max(a.ndim, b.ndim)
    if not isinstance(b, Data):
        return a._like(_numbers(np.matmul(lifted(a._coef, ndim), b)))
    if not isinstance(a, Data):
        if a.ndim == 2 and b.shape[-1] == 1:  # all terms in one product
            return b._like(_numbers(np.matmul(b._coef[..., 0], a.T)[..., None]))
        return b._like(_numbers(np.matmul(a, lifted(b._coef, ndim))))
    require_same(a, b)
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(
            f"matrices of shapes {a.shape} and {b.shape} have no product: {a.shape[-1]} is not {b.shape[-2]}"
        )
    dtype = np.result_type(a.dtype, b.dtype)
    left, right = lifted(a._coef, ndim).astype(dtype, copy=False), lifted(b._coef, ndim).astype(dtype, copy=False)
    products = a.shape[-2] * a.shape[-1] * b.shape[-1]
    stack = int(np.prod(np.broadcast_shapes(a.shape[:-2], b.shape[:-2])))
    if products >= _TINY and products * stack >= _LARGE and a._space.n_terms <= _MOST_TERMS and dtype != np.longdouble:
        return a._like(_by_terms(a._space, left, right))
    return _by_entries(a._like(left), b._like(right))


def _numbers(coef: NDArray[Any]) -> NDArray[Any]:
    return coef.astype(series_dtype(coef.dtype), copy=False)


@lru_cache(maxsize=16)
def goals(space: TaylorSpace) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """For each term a: the terms b for which a + b is in the space, and the numbers of these."""
    degrees = np.repeat(np.arange(space.degree + 1), np.diff(space.starts))
    table = []
    for exponents, degree in zip(space.exponents, degrees, strict=True):
        partners = np.arange(space.starts[space.degree - degree + 1])
        sums = space.find(space.exponents[partners] + exponents)
        table.append((partners[sums < space.n_terms], sums[sums < space.n_terms]))
    return table


def _by_terms(space: TaylorSpace, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = np.matmul(a[0], b)
    for number, (partners, sums) in enumerate(goals(space)[1:], 1):
        if a[number].any():
            result[sums] += np.matmul(a[number], b[: len(partners)] if partners[-1] < len(partners) else b[partners])
    return result


def _by_entries(a: Data, b: Data) -> Data:
    """Blocks of the summed axis small enough for one array of all products."""
    left, right = a._coef[..., None], b._coef[..., None, :, :]
    k = left.shape[-2]
    numbers = int(np.prod(np.broadcast_shapes(left.shape, right.shape)))
    step = max(1, k * _MOST_NUMBERS // max(numbers, 1))
    result: Any = None
    for first in range(0, max(k, 1), step):
        block = slice(first, first + step)
        part = elementary.multiply(a._like(left[..., block, :]), a._like(right[..., block, :]))._coef.sum(axis=-2)
        result = part if result is None else result + part
    return a._like(result)


def matmul(a: Any, b: Any) -> Any:
    """``np.matmul``."""
    a, b = array(a), array(b)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"np.matmul needs at least one axis of each; got shapes {a.shape} and {b.shape}: use *")
    if a.ndim == b.ndim == 1 and a.shape == b.shape and isinstance(a, Data) and isinstance(b, Data):
        product = elementary.multiply(a, b)  # the most frequent one, without what stacks of matrices need
        return product._like(product._coef.sum(axis=1))
    left = a if a.ndim > 1 else reshaped(a, (1, *a.shape))
    right = b if b.ndim > 1 else reshaped(b, (*b.shape, 1))
    result = matrices(left, right)
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


def vecdot(x1: Any, x2: Any) -> Any:
    """``np.vecdot``."""
    x1, x2 = array(x1), array(x2)
    return matrices(conjugated(x1)[..., None, :], x2[..., :, None])[..., 0, 0]


def _matvec(a: Any, v: Any) -> Any:
    return matrices(array(a), array(v)[..., None])[..., 0]


def _vecmat(v: Any, a: Any) -> Any:
    return matrices(conjugated(array(v))[..., None, :], array(a))[..., 0, :]


UFUNCS[np.matmul] = matmul
UFUNCS[np.vecdot] = vecdot
if hasattr(np, "matvec"):
    UFUNCS[np.matvec], UFUNCS[np.vecmat] = _matvec, _vecmat


@serves(FUNCTIONS, "linalg.matmul")
def _matmul(x1: Any, x2: Any, /) -> Any:
    return matmul(x1, x2)


@serves(FUNCTIONS, "linalg.vecdot")
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return vecdot(np.moveaxis(array(x1), axis, -1), np.moveaxis(array(x2), axis, -1))


@serves(FUNCTIONS, "tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``."""
    a, b = array(a), array(b)
    if not isinstance(axes, (list, tuple)) and np.ndim(axes) == 0:
        mine, theirs = list(range(a.ndim - int(axes), a.ndim)), list(range(int(axes)))
    else:
        mine, theirs = (list(np.atleast_1d(one)) for one in axes)
    if len(mine) != len(theirs):
        raise ValueError(f"`axes` must name as many axes of `a` as of `b`; got {axes!r}")
    mine, theirs = [k % a.ndim if a.ndim else k for k in mine], [k % b.ndim if b.ndim else k for k in theirs]
    if [a.shape[k] for k in mine] != [b.shape[k] for k in theirs]:
        raise ValueError(f"the axes {axes!r} of shapes {a.shape} and {b.shape} don't have the same lengths")
    rows, columns = [k for k in range(a.ndim) if k not in mine], [k for k in range(b.ndim) if k not in theirs]
    height, width = tuple(a.shape[k] for k in rows), tuple(b.shape[k] for k in columns)
    inner = int(np.prod([a.shape[k] for k in mine]))
    left = reshaped(permuted(a, rows + mine), (int(np.prod(height)), inner))
    right = reshaped(permuted(b, theirs + columns), (inner, int(np.prod(width))))
    return reshaped(matrices(left, right), height + width)


@serves(FUNCTIONS, "linalg.tensordot")
def _tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return tensordot(x1, x2, axes)


@serves(FUNCTIONS, "dot")
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """``np.dot``."""
    a, b = array(a), array(b)
    if a.ndim == 0 or b.ndim == 0:
        return delivered(elementary.multiply(a, b), out)
    result = matmul(a, b) if b.ndim <= 2 else tensordot(a, b, ([-1], [-2]))
    return delivered(result, out)


@serves(FUNCTIONS, "inner")
def _inner(a: Any, b: Any, /) -> Any:
    a, b = array(a), array(b)
    return elementary.multiply(a, b) if a.ndim == 0 or b.ndim == 0 else tensordot(a, b, ([-1], [-1]))


@serves(FUNCTIONS, "vdot")
def _vdot(a: Any, b: Any, /) -> Any:
    a, b = array(a), array(b)
    return matmul(conjugated(reshaped(a, (a.size,))), reshaped(b, (b.size,)))


@serves(FUNCTIONS, "outer")
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """``np.outer``."""
    a, b = array(a), array(b)
    return delivered(elementary.multiply(reshaped(a, (a.size, 1)), reshaped(b, (1, b.size))), out)


@serves(FUNCTIONS, "linalg.outer")
def _outer(x1: Any, x2: Any, /) -> Any:
    if array(x1).ndim != 1 or array(x2).ndim != 1:
        raise ValueError(f"np.linalg.outer takes vectors; got {array(x1).ndim} and {array(x2).ndim} dimensions")
    return outer(x1, x2)


@serves(FUNCTIONS, "kron")
def _kron(a: Any, b: Any) -> Any:
    a, b = array(a), array(b)
    ndim = max(a.ndim, b.ndim)
    mine, theirs = ((1,) * (ndim - one.ndim) + one.shape for one in (a, b))
    left = reshaped(a, tuple(n for length in mine for n in (length, 1)))
    right = reshaped(b, tuple(n for length in theirs for n in (1, length)))
    return reshaped(elementary.multiply(left, right), tuple(m * n for m, n in zip(mine, theirs, strict=True)))


@serves(FUNCTIONS, "cross")
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    """``np.cross``."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(array(a), axisa, -1), np.moveaxis(array(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(f"cross products take vectors of 3 entries; got {a.shape[-1]} and {b.shape[-1]}")
    ahead, back = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., ahead] * b[..., back] - a[..., back] * b[..., ahead], -1, axisc)


@serves(FUNCTIONS, "linalg.cross")
def _cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


@serves(FUNCTIONS, "linalg.multi_dot")
def _multi_dot(arrays: Any, *, out: Any = None) -> Any:
    first, *rest = (array(one) for one in arrays)
    if not rest:
        raise ValueError("np.linalg.multi_dot takes at least two arrays; got one")
    for other in rest:
        first = dot(first, other)
    return delivered(first, out)


# Convolutions: products with a matrix whose diagonals hold one of the factors


@serves(FUNCTIONS, "convolve")
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``np.convolve``."""
    a, v = array(a).reshape(-1), array(v).reshape(-1)
    if a.size == 0 or v.size == 0:
        raise ValueError(f"np.convolve takes arrays that are not empty; got lengths {a.size} and {v.size}")
    if v.size > a.size:
        a, v = v, a
    place = np.arange(a.size + v.size - 1)[:, None] - np.arange(v.size)
    inside = (place >= 0) & (place < a.size)
    if isinstance(a, Data):
        numbered = Numbering()
        toeplitz: Any = numbered.polynomial(np.where(inside, numbered(a)[np.clip(place, 0, a.size - 1)], 0))
    else:
        toeplitz = np.where(inside, a[np.clip(place, 0, a.size - 1)], 0)
    return matmul(toeplitz[_kept(a.size, v.size, mode, "convolve")], v)


def _kept(long: int, short: int, mode: str, name: str) -> slice:
    if mode == "full":
        return slice(None)
    if mode == "same":
        return slice((short - 1) // 2, (short - 1) // 2 + long)
    if mode == "valid":
        return slice(short - 1, long)
    raise ValueError(f"`mode` of np.{name} must be 'full', 'same' or 'valid'; got {mode!r}")


@serves(FUNCTIONS, "correlate")
def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = array(a), array(v)
    if v.size > a.size:
        return conjugated(_correlate(v, a, mode)[::-1])
    return convolve(a, conjugated(v)[::-1], mode)
