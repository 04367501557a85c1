"""Making, choosing and writing polynomials; their real and imaginary parts; what NumPy asks about an array."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastcalc._taylor import elementary
from fastcalc._taylor.arrays.handlers import Table, array, serves, values, whole
from fastcalc._taylor.arrays.ordering import clip
from fastcalc._taylor.arrays.shaping import Numbering
from fastcalc._taylor.data import Data, lifted, series_dtype
from fastcalc._taylor.operands import aligned, operand, store

FUNCTIONS: Table = {}
UFUNCS: dict[np.ufunc, Any] = {}

if hasattr(np, "_core"):  # ndarray.clip calls this one
    UFUNCS[np._core.umath.clip] = clip


@serves(FUNCTIONS, "copy")
def _copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return a.copy()


@serves(FUNCTIONS, "zeros_like", "empty_like")
def _zeros_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    kind = a.dtype if dtype is None else series_dtype(np.dtype(dtype))
    new = a.shape if shape is None else (int(shape),) if np.ndim(shape) == 0 else tuple(shape)
    return a._like(np.zeros((len(a._coef), *new), kind))


@serves(FUNCTIONS, "ones_like")
def _ones_like(
    a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    return _full_like(a, 1, dtype, order, subok, shape)


@serves(FUNCTIONS, "full_like")
def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None, *,
    device: Any = None,
) -> Any:  # fmt: skip
    if not isinstance(a, Data):
        a = whole(np.asarray(a), fill_value)
    result = _zeros_like(a, dtype, shape=shape)
    result[...] = fill_value
    return result


# Choosing


@serves(FUNCTIONS, "where")
def where(condition: Any, *choices: Any) -> Any:
    """``np.where``: the condition by its constant terms."""
    if not choices:
        return np.nonzero(values(condition))
    if len(choices) != 2:
        raise ValueError(f"np.where takes a condition alone or with two choices; got {len(choices)} of these")
    mask = np.asarray(values(condition), np.bool_)
    x, y = map(operand, choices)
    if not isinstance(x, Data) and not isinstance(y, Data):
        return np.where(mask, x, y)
    x, y = aligned(x, y)
    shape = np.broadcast_shapes(mask.shape, x.shape)
    if shape != x.shape:
        x, y = (p._like(np.broadcast_to(lifted(p._coef, len(shape)), (len(p._coef), *shape))) for p in (x, y))
    return x._like(np.where(mask, x._coef, y._coef))


@serves(FUNCTIONS, "select")
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    numbered = Numbering()
    choices = [numbered(choice, weak=True) for choice in choicelist]
    return numbered.polynomial(np.select(values(list(condlist)), choices, numbered(default, weak=True)))


@serves(FUNCTIONS, "choose")
def _choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    numbered = Numbering()
    result = numbered.polynomial(np.choose(values(a), [numbered(choice) for choice in choices], mode=mode))
    return result if out is None else store(result, out)


@serves(FUNCTIONS, "piecewise")
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **options: Any) -> Any:
    conditions = values(condlist)
    if np.ndim(conditions) == np.ndim(values(x)):  # one condition, given without a list
        conditions = [conditions]
    conditions = [np.broadcast_to(np.asarray(one, np.bool_), x.shape) for one in conditions]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        conditions.insert(0, ~np.any(conditions, axis=0))
        functions.insert(0, functions.pop())
    if len(functions) != len(conditions):
        raise ValueError(f"`funclist` must have {len(conditions)} or one more functions; got {len(functions)}")
    result = _zeros_like(x)
    for mine, function in zip(conditions, functions, strict=True):
        if mine.any():
            result[mine] = function(x[mine], *args, **options) if callable(function) else function
    return result


@serves(FUNCTIONS, "apply_along_axis")
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **options: Any) -> Any:
    rows = np.moveaxis(arr, axis, -1)
    results = [func1d(rows[place], *args, **options) for place in np.ndindex(*rows.shape[:-1])]
    if not results:
        raise ValueError("np.apply_along_axis can't be applied where there are no rows")
    joined = np.stack(results) if any(isinstance(one, Data) for one in results) else np.array(results)
    joined = joined.reshape(rows.shape[:-1] + joined.shape[1:])
    inner = np.ndim(values(results[0]))
    first = axis % arr.ndim
    return np.moveaxis(joined, range(arr.ndim - 1, arr.ndim - 1 + inner), range(first, first + inner))


# Writing


@serves(FUNCTIONS, "copyto")
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    source = whole(src, dst)
    if isinstance(dst, Data) and not np.can_cast(source.dtype, dst.dtype, casting):
        raise TypeError(f"polynomials of type {source.dtype} can't be cast to {dst.dtype} with casting={casting!r}")
    store(source, dst, values(where))


@serves(FUNCTIONS, "put")
def put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    """``np.put``."""
    places = np.take(np.arange(_polynomial(a).size), np.ravel(ind), mode=mode)
    _write(a, places, v)


def _polynomial(a: Any) -> Data:
    if not isinstance(a, Data):
        raise TypeError("an array of numbers can't hold Taylor polynomials: make it with np.zeros_like of a polynomial")
    return a


def _write(a: Any, places: Any, v: Any) -> None:
    """Values, over and over, for entries in the order of indices."""
    if len(places):
        a[np.unravel_index(places, a.shape)] = np.resize(array(v), len(places))


@serves(FUNCTIONS, "place")
def _place(arr: Any, mask: Any, vals: Any) -> None:
    _write(_polynomial(arr), np.flatnonzero(values(mask)), vals)


@serves(FUNCTIONS, "putmask")
def _putmask(a: Any, mask: Any, values: Any) -> None:
    places = np.flatnonzero(mask)
    if len(places):
        a[np.unravel_index(places, _polynomial(a).shape)] = np.resize(array(values), a.size)[places]


@serves(FUNCTIONS, "put_along_axis")
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    numbers = np.arange(_polynomial(arr).size).reshape(arr.shape)
    arr[np.unravel_index(np.take_along_axis(numbers, indices, axis), arr.shape)] = values


@serves(FUNCTIONS, "fill_diagonal")
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    numbers = np.zeros(_polynomial(a).shape, np.bool_)
    np.fill_diagonal(numbers, True, wrap)
    _write(a, np.flatnonzero(numbers), val)


# Parts, and questions


@serves(FUNCTIONS, "real")
def real(val: Any) -> Any:
    """``np.real``: a view of complex coefficients, real ones themselves."""
    return val._like(val._coef.real) if val.dtype.kind == "c" else val


@serves(FUNCTIONS, "imag")
def imag(val: Any) -> Any:
    """``np.imag``: a view of complex coefficients."""
    return val._like(val._coef.imag) if val.dtype.kind == "c" else _zeros_like(val)


@serves(FUNCTIONS, "angle")
def _angle(z: Any, deg: bool = False) -> Any:
    angle = elementary.arctan2(imag(z), real(z))
    return elementary.rad2deg(angle) if deg else angle


@serves(FUNCTIONS, "isreal")
def _isreal(x: Any) -> Any:
    return (x._coef.imag == 0).all(axis=0)


@serves(FUNCTIONS, "iscomplex")
def _iscomplex(x: Any) -> Any:
    return ~_isreal(x)


@serves(FUNCTIONS, "iscomplexobj")
def _iscomplexobj(x: Any) -> Any:
    return x.dtype.kind == "c"


@serves(FUNCTIONS, "isrealobj")
def _isrealobj(x: Any) -> Any:
    return x.dtype.kind != "c"


@serves(FUNCTIONS, "real_if_close")
def _real_if_close(a: Any, tol: float = 100) -> Any:
    if a.dtype.kind != "c":
        return a
    limit = tol if tol <= 1 else np.finfo(a.dtype).eps * tol
    return real(a) if (np.abs(a._coef.imag) < limit).all() else a


@serves(FUNCTIONS, "result_type")
def _result_type(*arrays_and_dtypes: Any) -> Any:
    return np.result_type(*(one.dtype if isinstance(one, Data) else one for one in arrays_and_dtypes))


@serves(FUNCTIONS, "common_type")
def _common_type(*arrays: Any) -> Any:
    return np.common_type(*map(values, arrays))


@serves(FUNCTIONS, "shares_memory", "may_share_memory")
def _shares_memory(a: Any, b: Any, /, max_work: Any = None) -> Any:
    a, b = (one._coef if isinstance(one, Data) else one for one in (a, b))
    return np.may_share_memory(a, b) and np.shares_memory(a, b, max_work)


@serves(FUNCTIONS, "array_repr")
def _array_repr(arr: Any, max_line_width: Any = None, precision: Any = None, suppress_small: Any = None) -> Any:
    return repr(arr)


@serves(FUNCTIONS, "array_str")
def _array_str(a: Any, max_line_width: Any = None, precision: Any = None, suppress_small: Any = None) -> Any:
    return str(a)


@serves(FUNCTIONS, "array2string")
def _array2string(a: Any, *args: Any, **options: Any) -> Any:
    return str(a)


@serves(FUNCTIONS, "linspace")
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    first: Any
    last: Any
    first, last = aligned(operand(start), operand(stop))
    part, unit = np.linspace(0.0, 1.0, num, endpoint, retstep=True)
    weights = part.astype(first.dtype).reshape(-1, *(1,) * first.ndim)
    coef = first._coef[:, None] + (last._coef - first._coef)[:, None] * weights
    if endpoint and num > 1:
        coef[:, -1] = last._coef
    spread: Any = first._like(coef)
    result = np.moveaxis(spread, 0, axis)
    result = result.copy() if dtype is None else result.astype(dtype)
    return (result, (last - first) * float(unit)) if retstep else result


@serves(FUNCTIONS, "logspace")
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    if isinstance(start, Data) or isinstance(stop, Data):
        exponents = _linspace(start, stop, num, endpoint, axis=axis)
    else:
        exponents = np.linspace(start, stop, num, endpoint, axis=axis)
    if np.ndim(values(base)):
        base = np.expand_dims(base, axis)
    result = np.power(base, exponents)
    return result if dtype is None else result.astype(dtype)
