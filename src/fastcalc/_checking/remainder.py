"""Taylor remainders along random directions v: how fast they vanish with t tells whether g is the derivative of f.

    R1(t) = |f(x + t v) - f(x)|                              O(t)
    R2(t) = |f(x + t v) - f(x) - t g v|                      O(t**2) where g is right, else O(t)
    R3(t) = |f(x + t v) - f(x - t v) - 2 t g v| / 2          O(t**3) where g is right, else O(t)

Where bounds leave no room for x - t v, the trapezoidal rule f(x + t v) - f(x) - t (g(x) + g(x + t v)) v / 2 has the
same rate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.subject import Subject
from fastcalc._differences.noise import Verdict, noise_level

_Array = NDArray[Any]
_LONGEST = 0.125  # of a direction
_ABOVE = 30  # times rounding: from here on a remainder shows its rate
_FITTED = 4  # of the smallest such remainders
_LEVELS = 8


class Directions(NamedTuple):
    """Random directions (d, n, lanes), and how far one can go back and forth along each (2, d, lanes)."""

    vectors: _Array
    reach: _Array


class Remainders(NamedTuple):
    """Remainders (d, 3, steps) and their rates (d, 3); how much f varies (m, lanes)."""

    steps: _Array
    values: _Array
    rates: _Array
    variation: _Array


def choose_directions(subject: Subject, count: int, rng: np.random.Generator) -> Directions:
    """Directions as long as the variables are large, with components of half to once their size, inside the bounds."""
    shape = (count, *subject.points.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        above, below = subject.upper - subject.points, subject.points - subject.lower
    wanted = rng.uniform(0.5, 1, shape) * subject.size
    sign = rng.choice([-1.0, 1.0], shape)
    room = np.where(sign > 0, above, below)
    sign = np.where((room < wanted) & (np.where(sign > 0, below, above) > room), -sign, sign)
    room = np.where(sign > 0, above, below)
    vectors = (sign * np.where(np.isnan(room), wanted, np.minimum(wanted, room))).astype(subject.points.dtype)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        back = np.where(vectors == 0, np.inf, np.where(vectors > 0, below, above) / np.abs(vectors))
    back = np.fmin(back.min(axis=1), 1)
    return Directions(vectors, np.stack([-back, np.ones_like(back)]).astype(subject.points.dtype))


def measure(subject: Subject, base: _Array, derivative: _Array, directions: Directions, noise: _Array) -> Remainders:
    """Remainders at steps halved from 1/8 to about eps**(1/3), and their rates.

    Parameters
    ----------
    base : ndarray (m, lanes)
        f(x).
    derivative : ndarray (m, n, lanes)
        The supposed derivative.
    noise : ndarray (m, lanes)
        Rounding and noise of f.
    """
    count = round(-np.log2(np.finfo(base.dtype).eps) / 3)
    steps = (_LONGEST * 2.0 ** -np.arange(count)).astype(base.dtype)
    values = np.full((len(directions.vectors), 3, count), np.nan)
    rates = np.empty(values.shape[:2])
    variation = np.zeros_like(base)
    for d, v in enumerate(directions.vectors):
        slope = along(derivative, v)
        two_sided = -directions.reach[0, d].max() >= _LONGEST
        for k, t in enumerate(steps):
            forth_at = subject.moved(t * v)
            with np.errstate(all="ignore"):
                forth = subject.values(forth_at) - base
                variation = np.fmax(variation, np.abs(forth))
                if two_sided:
                    back = subject.values(subject.moved(-t * v)) - base
                    third = (forth - back - 2 * t * slope) / 2
                else:
                    third = forth - t * (slope + along(subject.derivatives(forth_at), v)) / 2
            values[d, :, k] = [_norm(part) for part in (forth, forth - t * slope, third)]
        rounding = 2 * _norm(noise) + 8 * np.finfo(base.dtype).eps * steps * _norm(slope)
        rates[d] = [_rate(steps, remainder, rounding) for remainder in values[d]]
    return Remainders(steps, values, rates, variation)


def noise_of(subject: Subject, base: _Array, v: _Array) -> _Array:
    """Noise of f (m, lanes) along a direction; rounding at least."""
    epsilon = max(subject.function.epsilon, np.finfo(base.dtype).eps)
    h = 2.0 ** round(0.5 * np.log2(epsilon))
    line = [base]
    for k in range(1, _LEVELS + 1):
        with np.errstate(all="ignore"):
            line.append(subject.values(subject.moved(k * h * v)))
    level, verdict = noise_level(np.stack(line).reshape(len(line), -1))
    level = np.where(np.isin(verdict, (Verdict.FOUND, Verdict.WIDE)), level, 0).reshape(base.shape)
    largest: _Array = np.fmax(np.fmax(level, epsilon * np.abs(base)), subject.noise or 0)
    return largest


def along(derivative: _Array, v: _Array) -> _Array:
    """Directional derivatives (m, lanes) from a derivative (m, n, lanes)."""
    with np.errstate(invalid="ignore", over="ignore"):
        product: _Array = np.einsum("mnl,nl->ml", derivative, v)
    return product


def _norm(values: _Array) -> float:
    return float(np.sqrt(np.sum(np.square(values, dtype=np.float64)))) if values.size else 0.0


def _rate(steps: _Array, remainder: _Array, rounding: _Array) -> float:
    """The power of t: the slope of the smallest remainders above rounding. inf: all are rounding; NaN: not finite."""
    finite = np.isfinite(remainder)
    if not finite.any():
        return np.nan
    above = np.flatnonzero(finite & (remainder > _ABOVE * rounding))[-_FITTED:]
    if len(above) < 2:
        return np.inf
    slope, _ = np.polyfit(np.log2(steps[above].astype(float)), np.log2(remainder[above]), 1)
    return float(slope)
