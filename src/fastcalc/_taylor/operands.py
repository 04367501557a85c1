"""What stands beside a polynomial in an operation: other polynomials, numbers, arrays of numbers or of polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.data import Data, lifted, require_same, series_dtype


def operand(value: Any) -> Any:
    """A polynomial, a Python number or an array of numbers; TypeError for anything else."""
    if isinstance(value, (Data, int, float, complex, np.number)):
        return value
    array = np.asarray(value)
    if array.dtype == object:
        return stacked(array)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"polynomials combine with numbers; got an array of dtype {array.dtype}: convert it first")
    return array


def stacked(array: NDArray[Any]) -> Any:
    """An object array of 0-d polynomials and numbers as one polynomial; an array of numbers where there is none."""
    entries = list(array.reshape(-1))
    model = next((entry for entry in entries if isinstance(entry, Data)), None)
    if model is None:
        try:
            return np.array(entries, dtype=np.result_type(*entries) if entries else float).reshape(array.shape)
        except TypeError:
            raise TypeError(
                f"polynomials combine with numbers; got an object array with {entries[0]!r}: convert it first"
            ) from None
    series = [as_polynomial(operand(entry), model) for entry in entries]
    for entry in series:
        require_same(entry, model)
        if entry.shape != ():
            raise ValueError(f"an object array must hold 0-d polynomials; got one of shape {entry.shape}")
    dtype = np.result_type(*(entry.dtype for entry in series))
    coef = np.stack([entry._coef for entry in series], axis=1).astype(dtype, copy=False)
    return model._like(coef.reshape(coef.shape[:1] + array.shape))


def as_polynomial(value: Any, model: Data, dtype: np.dtype[Any] | None = None) -> Data:
    """`value` itself, or a constant polynomial of the model's space; `dtype` is that of a constant."""
    if isinstance(value, Data):
        return value
    constant = np.asarray(value)
    if dtype is None:
        dtype = series_dtype(np.result_type(constant.dtype if constant.ndim else np.result_type(value), model.dtype))
    coef = np.zeros((model._space.n_terms, *constant.shape), dtype)
    coef[0] = constant
    return model._like(coef)


def aligned(*values: Any) -> list[Data]:
    """Operands as polynomials of one shape and type, C-contiguous. At least one is a polynomial."""
    first = values[0]
    if isinstance(first, Data) and all(map(first._matches, values)):
        return [p if p._coef.flags.c_contiguous else p.copy() for p in values]
    model = next(value for value in values if isinstance(value, Data))
    kinds = [value.dtype if isinstance(value, (Data, np.ndarray)) and value.ndim else value for value in values]
    plain = [kind.dtype if isinstance(kind, Data) else kind for kind in kinds]
    dtype = series_dtype(np.result_type(*plain))
    series = [as_polynomial(value, model, dtype) for value in values]
    for p in series:
        if p is not model:
            require_same(model, p)
    shape = np.broadcast_shapes(*(p.shape for p in series))
    whole = (model._space.n_terms, *shape)
    return [p._like(np.ascontiguousarray(np.broadcast_to(lifted(p._coef, len(shape)), whole), dtype)) for p in series]


def scaled(p: Data, factor: Any, operation: np.ufunc = np.multiply) -> Data:
    """Each coefficient times (or divided by) a number, or the entry of an array that broadcasts with p."""
    coef = operation(lifted(p._coef, np.ndim(factor)), factor)
    kind = coef.dtype
    return p._like(coef if kind is p._coef.dtype else coef.astype(series_dtype(kind), copy=False))


def shifted(p: Data, constant: Any, operation: np.ufunc = np.add) -> Data:
    """The constant term plus (or minus) a number, or the entry of an array that broadcasts with p."""
    value = operation(p._coef[0], constant)
    if value.dtype is p._coef.dtype and value.ndim == p._coef.ndim - 1:
        coef = p._coef.copy() if value.shape == p._coef.shape[1:] else _spread(p, value)
    else:
        coef = _spread(p, value)
    coef[0] = value
    return p._like(coef)


def _spread(p: Data, value: NDArray[Any]) -> NDArray[Any]:
    """P's coefficients as an array for this constant term."""
    coef = np.empty((len(p._coef), *value.shape), series_dtype(value.dtype))
    coef[...] = lifted(p._coef, value.ndim)
    return coef


def store(result: Any, out: Any, where: Any = True) -> Any:
    """Write a result into `out`, where a mask says so, and return that."""
    if not isinstance(result, Data):
        np.copyto(out, result, where=where, casting="same_kind")
        return out
    if not isinstance(out, Data):
        raise TypeError(
            f"`out` must be a Taylor polynomial to hold one; got {type(out).__name__}: make it with np.zeros_like of a "
            "polynomial"
        )
    require_same(result, out)
    if np.ndim(where) > out.ndim:
        raise ValueError(f"`where` must broadcast to the shape {out.shape} of `out`; got shape {np.shape(where)}")
    np.copyto(out._coef, lifted(result._coef, out.ndim), where=where, casting="same_kind")
    return out
