"""Coefficients times large integers, such as factorials, that a floating-point type need not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXACT = 2**53  # integers up to this one are float64 numbers


def times_integers(coef: NDArray[Any], integers: list[int], which: NDArray[np.intp]) -> NDArray[Any]:
    """Row k of coef (rows, ...) times ``integers[which[k]]``, in its dtype: overflows only where the result does."""
    kind = coef.dtype
    if coef.dtype.kind == "c":
        parts = [times_integers(part, integers, which) for part in (coef.real, coef.imag)]
        product = np.empty(coef.shape, kind)
        product.real, product.imag = parts
        return product
    column = (slice(None),) + (None,) * (coef.ndim - 1)
    if max(integers, default=0) <= _EXACT:
        wide = np.result_type(kind, np.float64)
        exact: NDArray[Any] = (coef * np.array(integers, wide)[which][column]).astype(kind, copy=False)
        return exact
    shifts = np.array([integer.bit_length() for integer in integers])
    mantissas = np.array([_mantissa(integer, kind) for integer in integers], kind)
    mantissa, exponent = np.frexp(coef)
    scaled: NDArray[Any] = np.ldexp(mantissa * mantissas[which][column], exponent + shifts[which][column])
    return scaled


def _mantissa(integer: int, kind: np.dtype[Any]) -> Any:
    """The integer divided by 2**bit_length, rounded to its 64 leading bits first."""
    dropped = max(integer.bit_length() - 64, 0)
    leading = (integer + (1 << dropped >> 1)) >> dropped
    return np.ldexp(kind.type(np.longdouble(leading)), dropped - integer.bit_length())
