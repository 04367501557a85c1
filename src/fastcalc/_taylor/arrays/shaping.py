"""Shapes and places: functions that only move entries.

They are NumPy's own, applied to the constant terms: where these give a view, the coefficients seen with its strides are
the result, a view too. Elsewhere they are applied to the numbers of the entries, which say where each one goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.arrays.handlers import Table, array, behind, delivered, model_of, numpys, serves, values
from fastcalc._taylor.data import Data, series_dtype
from fastcalc._taylor.operands import as_polynomial

FUNCTIONS: Table = {}


class _Window:
    """Memory of an array, seen with other strides."""

    def __init__(self, owner: NDArray[Any], interface: dict[str, Any]) -> None:
        self.owner = owner
        self.__array_interface__ = interface


def moved(function: Callable[..., Any], p: Data, *args: Any, **options: Any) -> Any:
    """``function(p, ...)`` for a function that moves the entries of one array into one array or several."""
    constants = p._coef[0, ...]
    result = function(constants, *args, **options)
    if isinstance(result, (list, tuple)):
        if all(np.may_share_memory(part, constants) for part in result):
            return type(result)(_seen_like(p, part) for part in result)
        return type(result)(_taken(p, part) for part in function(_numbers(constants), *args, **options))
    if np.may_share_memory(result, constants):
        return _seen_like(p, result)
    return _taken(p, function(_numbers(constants), *args, **options))


def _seen_like(p: Data, part: NDArray[Any]) -> Data:
    """The view of p whose constant terms are this view of p's."""
    coef = p._coef
    interface = dict(part.__array_interface__)
    interface["shape"] = (len(coef), *part.shape)
    interface["strides"] = (coef.strides[0], *part.strides)
    return p._like(np.asarray(_Window(coef, interface)))


def _numbers(constants: NDArray[Any]) -> NDArray[np.intp]:
    """Numbers of the entries in the order of indices, in the memory order of these constant terms."""
    numbers = np.empty_like(constants, np.intp)
    numbers[...] = np.arange(constants.size).reshape(constants.shape)
    return numbers


def _taken(p: Data, numbers: NDArray[np.intp]) -> Data:
    return p._like(np.take(p._coef.reshape(len(p._coef), p.size), numbers, axis=1))


class Numbering:
    """Numbers for the entries of several arrays: 0 is the zero polynomial, then entries in the order of the calls."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._kinds: list[Any] = []
        self._count = 1

    def __call__(self, value: Any, weak: bool = False) -> NDArray[np.intp]:
        """The numbers of the entries of one more array; a `weak` Python number leaves the type to others."""
        part = array(value)
        self._parts.append(part)
        self._kinds.append(value if weak and isinstance(value, (int, float, complex)) else part.dtype)
        numbers = np.arange(self._count, self._count + part.size, dtype=np.intp).reshape(part.shape)
        self._count += part.size
        return numbers

    def nested(self, value: Any) -> Any:
        """Numbers for arrays in nested lists."""
        return [self.nested(entry) for entry in value] if isinstance(value, list) else self(value)

    def polynomial(self, numbers: NDArray[np.intp]) -> Data:
        """The entries with these numbers."""
        model = model_of(self._parts)
        dtype = series_dtype(np.result_type(*self._kinds))
        coef = np.zeros((len(model._coef), self._count), dtype)
        first = 1
        for part in self._parts:
            coefficients = as_polynomial(part, model, dtype)._coef
            coef[:, first : first + part.size] = coefficients.reshape(len(coef), part.size)
            first += part.size
        return model._like(np.take(coef, numbers, axis=1))


def _moving(name: str) -> None:
    function = numpys(name)

    def handler(a: Any, *args: Any, **options: Any) -> Any:
        return moved(function, a, *args, **options)

    serves(FUNCTIONS, name)(handler)


for _name in (
    "transpose", "swapaxes", "moveaxis", "rollaxis", "reshape", "ravel", "squeeze", "expand_dims", "broadcast_to",
    "flip", "fliplr", "flipud", "rot90", "roll", "diagonal", "linalg.diagonal", "matrix_transpose",
    "linalg.matrix_transpose", "split", "array_split", "hsplit", "vsplit", "dsplit", "tile", "repeat", "resize",
    "delete", "take_along_axis", "fft.fftshift", "fft.ifftshift", "lib.stride_tricks.sliding_window_view",
):  # fmt: skip
    _moving(_name)
if hasattr(np, "unstack"):
    _moving("unstack")


def _placing(name: str) -> None:
    """Functions that fill up with zeros."""
    function = numpys(name)

    def handler(a: Any, *args: Any, **options: Any) -> Any:
        numbered = Numbering()
        return numbered.polynomial(function(numbered(a), *args, **options))

    serves(FUNCTIONS, name)(handler)


for _name in ("diagflat", "tril", "triu"):
    _placing(_name)


@serves(FUNCTIONS, "diag")
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return moved(np.diagonal, v, k)
    numbered = Numbering()
    return numbered.polynomial(np.diag(numbered(v), k))


@serves(FUNCTIONS, "take")
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
    """``np.take``."""
    return delivered(_taken(a, np.take(_numbers(a._coef[0, ...]), indices, axis=axis, mode=mode)), out)


@serves(FUNCTIONS, "compress")
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """``np.compress``."""
    a = array(a)
    if not isinstance(a, Data):
        return delivered(np.compress(values(condition), a, axis), out)
    return delivered(_taken(a, np.compress(values(condition), _numbers(a._coef[0, ...]), axis)), out)


@serves(FUNCTIONS, "extract")
def _extract(condition: Any, arr: Any) -> Any:
    return compress(np.ravel(values(condition)), arr.reshape(-1))


def _atleast(function: Callable[..., Any]) -> Callable[..., Any]:
    def handler(*arys: Any) -> Any:
        parts = [array(one) for one in arys]
        result = tuple(moved(function, one) if isinstance(one, Data) else function(one) for one in parts)
        return result[0] if len(result) == 1 else result

    return handler


serves(FUNCTIONS, "atleast_1d")(_atleast(np.atleast_1d))
serves(FUNCTIONS, "atleast_2d")(_atleast(np.atleast_2d))
serves(FUNCTIONS, "atleast_3d")(_atleast(np.atleast_3d))


@serves(FUNCTIONS, "broadcast_arrays")
def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    parts = [array(one) for one in args]
    shape = np.broadcast_shapes(*(one.shape for one in parts))
    return tuple(
        moved(np.broadcast_to, one, shape) if isinstance(one, Data) else np.broadcast_to(one, shape) for one in parts
    )


@serves(FUNCTIONS, "meshgrid")
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy") -> Any:
    parts = [array(one).reshape(-1) for one in xi]
    numbers = np.meshgrid(*(np.arange(one.size) for one in parts), sparse=sparse, indexing=indexing)
    return tuple(one[places] for one, places in zip(parts, numbers, strict=True))


@serves(FUNCTIONS, "shape")
def _shape(a: Any) -> Any:
    return a.shape


@serves(FUNCTIONS, "ndim")
def _ndim(a: Any) -> Any:
    return a.ndim


@serves(FUNCTIONS, "size")
def _size(a: Any, axis: Any = None) -> Any:
    return np.size(a._coef[0, ...], axis)


# Several arrays into one


@serves(FUNCTIONS, "concatenate")
def concatenate(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.concatenate``."""
    parts = [array(one) for one in arrays]
    if axis is None:
        parts, axis = [one.reshape(-1) for one in parts], 0
    return _joined(np.concatenate, parts, behind(axis, parts[0].ndim), out, dtype, casting)


@serves(FUNCTIONS, "stack")
def stack(arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.stack``."""
    parts = [array(one) for one in arrays]
    return _joined(np.stack, parts, behind(axis, parts[0].ndim + 1), out, dtype, casting)


def _joined(function: Any, parts: list[Any], axis: int, out: Any, dtype: Any, casting: Any) -> Any:
    if not any(isinstance(part, Data) for part in parts):  # only `out` is a polynomial
        return delivered(as_polynomial(function(parts, axis=axis - 1, dtype=dtype, casting=casting), out), out)
    model = model_of(parts)
    kind = series_dtype(np.dtype(dtype)) if dtype is not None else None
    coef = [as_polynomial(part, model)._coef for part in parts]
    return delivered(model._like(function(coef, axis=axis, dtype=kind, casting=casting)), out)


def _stacking(function: Callable[..., Any]) -> Callable[..., Any]:
    def handler(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
        numbered = Numbering()
        result = numbered.polynomial(function([numbered(one) for one in tup]))
        if dtype is not None and not np.can_cast(result.dtype, dtype, casting):
            raise TypeError(f"polynomials of type {result.dtype} can't be cast to {dtype} with casting={casting!r}")
        return result if dtype is None else result.astype(dtype)

    return handler


serves(FUNCTIONS, "vstack")(_stacking(np.vstack))
serves(FUNCTIONS, "hstack")(_stacking(np.hstack))


@serves(FUNCTIONS, "dstack")
def _dstack(tup: Any) -> Any:
    return _stacking(np.dstack)(tup)


@serves(FUNCTIONS, "column_stack")
def _column_stack(tup: Any) -> Any:
    return _stacking(np.column_stack)(tup)


@serves(FUNCTIONS, "block")
def _block(arrays: Any) -> Any:
    numbered = Numbering()
    return numbered.polynomial(np.block(numbered.nested(arrays)))


@serves(FUNCTIONS, "append")
def _append(arr: Any, values: Any, axis: Any = None) -> Any:
    numbered = Numbering()
    return numbered.polynomial(np.append(numbered(arr), numbered(values), axis))


@serves(FUNCTIONS, "insert")
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    numbered = Numbering()
    return numbered.polynomial(np.insert(numbered(arr), obj, numbered(values), axis))


@serves(FUNCTIONS, "pad")
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    if mode in ("constant", "linear_ramp"):  # affine: zeros around the terms, the given ends around the constant ones
        terms = [np.pad(term, pad_width, mode) for term in array._coef[1:]]
        return array._like(np.stack([np.pad(array._coef[0, ...], pad_width, mode, **options), *terms]))
    if mode == "mean":
        return array._like(np.stack([np.pad(term, pad_width, mode, **options) for term in array._coef]))
    if mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and options in ({}, {"reflect_type": "even"})):
        return moved(np.pad, array, pad_width, mode, **options)
    raise TypeError(f"np.pad of Taylor polynomials has no mode {mode!r} with {options}: take 'edge' or 'constant'")
