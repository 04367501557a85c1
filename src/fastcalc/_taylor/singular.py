"""Where functions are not defined or not finite: which terms are NaN there.

Derivatives that do not exist, or of which nothing is known, are NaN, and no others. A series whose terms are all 0 but
the first is not always that of a constant: x**2 in a space of degree 1 is one of them. It counts as a constant where a
function jumps or overflows, not where it has a pole or an edge: those are points of numbers, which the terms left out
decide about.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from fastcalc._taylor.data import Data


def warning_as(ufunc: np.ufunc) -> Callable[[Callable[..., Data]], Callable[..., Data]]:
    """With the floating-point warnings that the function has for the constant terms, and no others."""

    def decorated(function: Callable[..., Data]) -> Callable[..., Data]:
        @functools.wraps(function)
        def quiet(*operands: Any) -> Data:
            with np.errstate(all="ignore"):
                result = function(*operands)
            ufunc(*(p._coef[0] if isinstance(p, Data) else p for p in operands))
            return result

        return quiet

    return decorated


def undefined(c: Data, where: Any, *arguments: Data) -> Data:
    """NaN for all but the constant terms of some polynomials; c, which nobody else has, is changed and returned.

    Polynomials that are constant in all `arguments` become constants.
    """
    if not np.any(where):
        return c
    spoilt = np.broadcast_to(where, c.shape)
    constant = np.full(c.shape, bool(arguments))
    for argument in arguments:
        constant &= ~argument._coef[1:].any(axis=0)
    nan, zero = c.dtype.type(np.nan), c.dtype.type(0)
    c._coef[1:] = np.where(spoilt, np.where(constant, zero, nan), c._coef[1:])
    return c


def settled(c: Data, value: Any, *arguments: Data) -> Data:
    """No derivatives where the value is not finite; `arguments` as for `undefined`."""
    if isinstance(value, float):  # a 0-d polynomial: ufuncs of a number would take as long as all the rest
        return c if isfinite(value) else undefined(c, True, *arguments)
    finite = np.isfinite(value)
    return c if finite.all() else undefined(c, ~finite, *arguments)


def quotients(c: Data, value: Any, divisor: Data) -> Data:
    """No derivatives where the value is not finite, or where what they were divided by is 0."""
    below = divisor._coef[0]
    if isinstance(value, float) and isinstance(below, float):
        return c if isfinite(value) and below != 0 else undefined(c, True)
    where = ~np.isfinite(value) | (below == 0)
    return undefined(c, where) if where.any() else c
