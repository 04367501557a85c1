"""Functions of samples: differences, integrals, interpolation, polynomials by coefficients, Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._instructions import series
from fastcalc._taylor import elementary, singular
from fastcalc._taylor.arrays.handlers import UNSET, Table, array, behind, delivered, numpys, serves, values, whole
from fastcalc._taylor.data import Data, series_dtype
from fastcalc._taylor.operands import aligned, as_polynomial, operand

FUNCTIONS: Table = {}


@serves(FUNCTIONS, "diff")
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = UNSET, append: Any = UNSET) -> Any:
    """``np.diff``."""
    if n < 0:
        raise ValueError(f"`n` must not be negative; got {n}")
    if n == 0:
        return a
    a = whole(a, prepend, append)
    k = behind(axis, a.ndim)
    ends = [_end(one, a, k) for one in (prepend, append)]
    parts = [one for one in (ends[0], a, ends[1]) if one is not None]
    if len(parts) > 1:
        a = np.concatenate(parts, axis=k - 1)
    return a._like(np.diff(a._coef, n, axis=k))


def _end(value: Any, a: Data, k: int) -> Any:
    if value is UNSET:
        return None
    value = array(value)
    shape = tuple(1 if i == k - 1 else length for i, length in enumerate(a.shape))
    return np.broadcast_to(value, shape) if value.ndim == 0 else value


@serves(FUNCTIONS, "ediff1d")
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    steps = diff(whole(ary, to_end, to_begin).reshape(-1))
    ends = [None if one is None else _as_kind(array(one).reshape(-1), steps.dtype) for one in (to_begin, to_end)]
    parts = [one for one in (ends[0], steps, ends[1]) if one is not None]
    return np.concatenate(parts) if len(parts) > 1 else steps


def _as_kind(end: Any, dtype: np.dtype[Any]) -> Any:
    if not np.can_cast(end.dtype, dtype, "same_kind"):
        raise TypeError(f"the ends of np.ediff1d must be of the kind of its array, {dtype}; got {end.dtype}")
    return end.astype(dtype)


@serves(FUNCTIONS, "gradient")
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    if not isinstance(f, Data) or any(isinstance(one, Data) for one in varargs):
        raise TypeError("np.gradient takes Taylor polynomials as `f`, with plain spacing: divide np.diff by np.diff")
    axes = tuple(range(f.ndim)) if axis is None else tuple(np.atleast_1d(axis))
    shifted = tuple(behind(int(k), f.ndim) for k in axes)
    result: Any = np.gradient(f._coef, *varargs, axis=shifted, edge_order=edge_order)
    many = isinstance(result, (list, tuple))
    return tuple(f._like(one) for one in result) if many else f._like(result)


@serves(FUNCTIONS, "trapezoid", "trapz")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``np.trapezoid``."""
    y = array(y)
    if x is None:
        step: Any = dx
    else:
        x = array(x)
        if x.ndim == 1:
            step = np.diff(x)
            step = step.reshape([-1 if k == axis % y.ndim else 1 for k in range(y.ndim)])
        else:
            step = np.diff(x, axis=axis)
    ahead = [slice(None)] * y.ndim
    back = [slice(None)] * y.ndim
    ahead[axis], back[axis] = slice(1, None), slice(None, -1)
    return np.sum(step * (y[tuple(ahead)] + y[tuple(back)]) / 2.0, axis=axis)


@serves(FUNCTIONS, "polyval")
def _polyval(p: Any, x: Any) -> Any:
    p, x = array(p), operand(x)
    result = whole(np.zeros(np.shape(values(x)), p.dtype), p, x)
    for i in range(p.shape[0]):
        result = result * x + p[i]
    return result


@serves(FUNCTIONS, "vander")
def _vander(x: Any, N: Any = None, increasing: bool = False) -> Any:  # NumPy's name
    if x.ndim != 1:
        raise ValueError(f"np.vander takes one dimension; got {x.ndim}")
    x = x.astype(np.promote_types(x.dtype, np.int64), copy=False)
    powers = [x**k for k in range(x.size if N is None else N)]
    if not powers:
        return np.zeros_like(x, shape=(x.size, 0))
    return np.stack(powers if increasing else powers[::-1], axis=-1)


# Interpolation


@serves(FUNCTIONS, "interp")
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    x, xp, fp = array(x), array(xp), array(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or xp.shape[0] == 0:
        raise ValueError(f"`xp` and `fp` must be of one length, not empty; got shapes {xp.shape} and {fp.shape}")
    if period is not None:
        x, xp, fp, left, right = *_periodic(x, xp, fp, abs(period)), None, None
    knots, at = values(xp), values(x)
    model = next(one for one in (x, xp, fp) if isinstance(one, Data))
    fp = whole(fp, model)
    ends = [whole(fp[place] if end is None else end, model)._coef[:, None] for end, place in ((left, 0), (right, -1))]
    slopes: Any = elementary.divide(fp[1:] - fp[:-1], xp[1:] - xp[:-1])
    zero = np.zeros((len(fp._coef), 1), slopes.dtype)
    slopes = slopes._like(np.concatenate([zero, slopes._coef, zero], axis=1))  # of the pieces, with both ends
    dtype = np.result_type(fp.dtype, ends[0], ends[1])
    starts = fp._like(np.concatenate([ends[0], fp._coef, ends[1]], axis=1, dtype=dtype))
    piece = np.searchsorted(knots, at, side="right")  # 0 left of all knots, and at the last knot the piece right of it
    outside = (piece == 0) | (at > knots[-1])
    base = np.where(piece == len(knots), np.where(at > knots[-1], piece + 1, piece), piece)
    step = x - xp[np.clip(piece - 1, 0, len(knots) - 1)]
    result = starts[base] + slopes[np.where(outside, 0, piece)] * step
    if not isinstance(x, Data) and not isinstance(xp, Data):
        return result
    return singular.undefined(result, _kinks(at, knots, piece, slopes, starts) | np.isnan(at))


def _kinks(at: Any, knots: Any, piece: Any, slopes: Data, starts: Data) -> Any:
    """Where a point is a knot between pieces that don't join smoothly."""
    place = np.clip(piece - 1, 0, len(knots) - 1)
    bend = (slopes._coef[:, place] != slopes._coef[:, place + 1]).any(axis=0)
    jump_left = (place == 0) & (starts._coef[:, 0] != starts._coef[:, 1]).any(axis=0)
    jump_right = (place == len(knots) - 1) & (starts._coef[:, -1] != starts._coef[:, -2]).any(axis=0)
    return (at == knots[place]) & (bend | jump_left | jump_right)


def _periodic(x: Any, xp: Any, fp: Any, period: float) -> tuple[Any, Any, Any]:
    """Points and knots moved into one period, by constants, and a knot more on each side."""
    if period == 0:
        raise ValueError("`period` must not be 0")
    x, xp = (one - np.floor(values(one) / period) * period for one in (x, xp))
    order = np.argsort(values(xp))
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


# sinc


@serves(FUNCTIONS, "sinc")
def _sinc(x: Any) -> Any:
    """Near 0 the composition with the series of sinc there, elsewhere sin(pi x) / (pi x)."""
    (x,) = aligned(x)
    t = elementary.multiply(x, x.dtype.type(np.pi))
    near = np.abs(t._coef[0]) < 4
    safe = t._like(np.where(near, as_polynomial(np.ones(t.shape, t.dtype), t)._coef, t._coef))
    far = elementary.divide(elementary.sin(safe), safe)
    g = _sinc_series(np.where(near, t._coef[0], 0), t._space.degree)
    inner = series.compose(t._space.tables, t._coef, np.ascontiguousarray(g))
    result = t._like(np.where(near, inner, far._coef))
    result._coef[0] = np.sinc(x._coef[0])
    return result


def _sinc_series(t: Any, degree: int) -> NDArray[Any]:
    """Taylor coefficients of sin(t) / t at t: those of ``sum((-1)**j t**(2j) / (2j + 1)!)``, differentiated."""
    last = degree + 40
    power = np.zeros((last + 1, *np.shape(t)), np.asarray(t).dtype)
    factor = 1.0
    coefficients = np.zeros(last + 1)
    for j in range(0, last + 1, 2):
        coefficients[j] = factor
        factor /= -(j + 2) * (j + 3)
    result = []
    for _ in range(degree + 1):
        power[0] = 0
        for value in coefficients[::-1]:
            power[0] = power[0] * t + value
        result.append(power[0].copy())
        k = len(result)
        coefficients = coefficients[1:] * np.arange(1, len(coefficients)) / k
    return np.array(result, np.asarray(t).dtype)


# Fourier transforms: linear, term by term


def _transforms(name: str) -> None:
    default = (-2, -1) if name.endswith("2") else None
    function = numpys(f"fft.{name}")
    one_axis = name.removeprefix("i").removeprefix("r").removeprefix("h") == "fft"

    def along(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        a = whole(a, out)
        return delivered(_terms(a, function(a._coef, n, behind(axis, a.ndim), norm)), out)

    def over(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        a = whole(a, out)
        if axes is None:
            axes = range(a.ndim) if s is None else range(a.ndim - len(s), a.ndim)
        shifted = tuple(behind(k, a.ndim) for k in axes)
        return delivered(_terms(a, function(a._coef, s, shifted, norm)), out)

    handler: Callable[..., Any] = along if one_axis else over
    serves(FUNCTIONS, f"fft.{name}")(handler)


def _terms(a: Data, coef: NDArray[Any]) -> Data:
    return a._like(coef.astype(series_dtype(coef.dtype), copy=False))


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn",
              "rfftn", "irfftn"):  # fmt: skip
    _transforms(_name)
