"""Equations F(x, y) = 0 called with polynomials in the place of y, or of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastcalc._functions.taylor import refusal
from fastcalc._taylor.data import Data
from fastcalc._taylor.operands import as_polynomial, operand

_REMEDY = "numerical derivatives of the solution, which need values alone"


def call_equations(F: Callable[[Any, Any], Any], x: Any, y: Data, shape: tuple[int, ...]) -> Data:
    """F(x, y) as polynomials like y, of this shape. F may keep or change its arguments: x and y are nobody else's."""
    try:
        result = as_polynomial(operand(F(x, y)), y)
    except Exception as error:
        refused = refusal(error, "F", _REMEDY)
        if refused is not None:
            raise refused from error
        raise
    if result.shape != shape:
        raise ValueError(f"`F` must return as many values as y has, shape {shape}; got shape {result.shape}")
    return result
