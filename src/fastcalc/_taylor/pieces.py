"""Functions in pieces: the larger of two, steps, remainders. Derivatives are NaN at jumps, and at ties with a kink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastcalc._taylor import roots, singular
from fastcalc._taylor.data import Data
from fastcalc._taylor.operands import aligned, as_polynomial


def maximum(a: Any, b: Any) -> Data:
    """The larger one."""
    return _chosen(np.maximum, a, b)


def minimum(a: Any, b: Any) -> Data:
    """The smaller one."""
    return _chosen(np.minimum, a, b)


def fmax(a: Any, b: Any) -> Data:
    """The larger one, or the one that is not NaN."""
    return _chosen(np.fmax, a, b)


def fmin(a: Any, b: Any) -> Data:
    """The smaller one, or the one that is not NaN."""
    return _chosen(np.fmin, a, b)


def _chosen(ufunc: np.ufunc, a: Any, b: Any) -> Data:
    """One of both by their constant terms; where these are equal, the value and the terms both have in common."""
    a, b = aligned(a, b)
    u, v = a._coef[0], b._coef[0]
    value = ufunc(u, v)
    first = (value == u) | (np.isnan(value) & np.isnan(u))
    chosen = a._like(np.where(first, a._coef, b._coef))
    tied = u == v
    return roots.ties(chosen, a, b, ufunc in (np.maximum, np.fmax), tied) if np.any(tied) else chosen


def _steps(ufunc: np.ufunc, jumps: Callable[[Any, Any], Any]) -> Callable[[Data], Data]:
    """A function that is constant but for jumps where ``jumps(constant, value)``."""

    def stepped(a: Data) -> Data:
        value = ufunc(a._coef[0])
        return _constant(value, a, jumps(a._coef[0], value), a)

    stepped.__doc__ = f"{ufunc.__name__}: constant between its jumps, where it has no derivatives."
    return stepped


def _constant(value: Any, model: Data, jump: Any, *arguments: Data) -> Data:
    return singular.undefined(as_polynomial(value, model, model.dtype), jump | np.isnan(value), *arguments)


def _is_half(constant: Any, value: Any) -> Any:
    """Whether a number is half an odd one. Without differences: there is none between infinities."""
    return ((value + 0.5 == constant) | (value - 0.5 == constant)) & (value != constant)


floor = _steps(np.floor, lambda constant, value: constant == value)
ceil = _steps(np.ceil, lambda constant, value: constant == value)
trunc = _steps(np.trunc, lambda constant, value: (constant == value) & (value != 0))
rint = _steps(np.rint, _is_half)
real_sign = _steps(np.sign, lambda constant, value: constant == 0)


def modf(a: Data) -> tuple[Data, Data]:
    """The part behind the point, a - trunc(a), and trunc(a)."""
    whole = trunc(a)
    rest = a.copy()
    rest._coef[0] = np.modf(a._coef[0])[0]
    rest._coef[1:] += whole._coef[1:]  # 0, or NaN where trunc(a) jumps
    return rest, whole


def heaviside(a: Any, b: Any) -> Data:
    """0 or 1, b where a is 0."""
    a, b = aligned(a, b)
    value = np.heaviside(a._coef[0], b._coef[0])
    at_zero = a._coef[0] == 0
    result = _constant(value, a, at_zero, a)
    if np.any(at_zero):  # where a is the constant 0, b is what it is
        still = at_zero & ~a._coef[1:].any(axis=0)
        result._coef[1:] = np.where(still, b._coef[1:], result._coef[1:])
    return result


def floor_divide(a: Any, b: Any) -> Data:
    """floor(a / b)."""
    a, b = aligned(a, b)
    value = np.floor_divide(a._coef[0], b._coef[0])
    return _constant(value, a, _no_remainder(a._coef[0], b._coef[0]), a, b)


def _no_remainder(u: Any, v: Any) -> Any:
    """Whether u is a multiple of v, without warnings for v = 0 and u infinite."""
    usual = np.isfinite(u) & np.isfinite(v) & (v != 0)
    return ~usual | (np.fmod(np.where(usual, u, 1), np.where(usual, v, 1)) == 0)


@singular.warning_as(np.remainder)
def remainder(a: Any, b: Any) -> Data:
    """A - floor(a / b) b."""
    return _rest(np.remainder, np.floor, a, b)


@singular.warning_as(np.fmod)
def fmod(a: Any, b: Any) -> Data:
    """A - trunc(a / b) b."""
    return _rest(np.fmod, np.trunc, a, b)


def _rest(ufunc: np.ufunc, rounding: np.ufunc, a: Any, b: Any) -> Data:
    """A - n b for the integer n next to a / b on one side."""
    a, b = aligned(a, b)
    u, v = a._coef[0], b._coef[0]
    rest = ufunc(u, v)
    jump = _no_remainder(u, v)
    if rounding is np.trunc:
        jump &= (u != 0) | (v == 0)
    usual = np.isfinite(u) & np.isfinite(v) & (v != 0)
    whole = np.where(usual, np.rint((np.where(usual, u, 0) - np.where(usual, rest, 0)) / np.where(usual, v, 1)), 0)
    result = a.copy()
    result._coef[0] = rest
    result._coef[1:] -= whole.astype(a.dtype) * b._coef[1:]
    return singular.undefined(result, jump & ~(np.isinf(v) & np.isfinite(u)) | np.isnan(rest), a, b)


def divmod_(a: Any, b: Any) -> tuple[Data, Data]:
    """floor(a / b), and the rest."""
    return floor_divide(a, b), remainder(a, b)
