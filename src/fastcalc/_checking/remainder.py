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

_Array = NDArray[Any]
_LONGEST = 0.125  # of a direction
_ABOVE = 30  # times rounding: from here on a remainder shows its rate
_UNIFORM = 0.29  # standard deviation of rounding to steps of 1
_FITTED = 4  # of the smallest such remainders


class Directions(NamedTuple):
    """Random directions (d, n, lanes), and how far one can go back and forth along each (2, d, lanes)."""

    vectors: _Array
    reach: _Array


class Remainders(NamedTuple):
    """Remainders (d, 3, steps) and their rates (d, 3); how much f varies, and its noise (m, lanes).

    Values that change along all directions, but not at first, are rounded to steps: noise of at least the least change.
    """

    steps: _Array
    values: _Array
    rates: _Array
    variation: _Array
    noise: _Array


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
        Noise of f, as far as it is known.
    """
    count = round(-np.log2(np.finfo(base.dtype).eps) / 3)
    steps = (_LONGEST * 2.0 ** -np.arange(count)).astype(base.dtype)
    values = np.full((len(directions.vectors), 3, count), np.nan)
    variation, least, flat = np.zeros_like(base), np.full_like(base, np.inf), np.ones(base.shape, np.bool_)
    for d, v in enumerate(directions.vectors):
        slope = along(derivative, v)
        two_sided = -directions.reach[0, d].max() >= _LONGEST
        for k, t in enumerate(steps):
            forth_at = subject.moved(t * v)
            with np.errstate(all="ignore"):
                forth = subject.values(forth_at) - base
                if two_sided:
                    back = subject.values(subject.moved(-t * v)) - base
                    third = (forth - back - 2 * t * slope) / 2
                else:
                    third = forth - t * (slope + along(subject.derivatives(forth_at), v)) / 2
                values[d, :, k] = [_norm(part) for part in (forth, forth - t * slope, third)]
            variation = np.fmax(variation, np.abs(forth))
            least = np.fmin(least, np.where(forth == 0, np.inf, np.abs(forth)))
        flat &= forth == 0
    noise = np.fmax(noise, np.where(flat & np.isfinite(least), _UNIFORM * least, 0))
    rounding = np.fmax(noise, subject.epsilon * np.abs(base))
    rates = np.empty(values.shape[:2])
    for d, v in enumerate(directions.vectors):
        floor = 2 * _norm(rounding) + 8 * subject.epsilon * steps * _norm(along(derivative, v))
        rates[d] = [_rate(steps, remainder, floor) for remainder in values[d]]
    return Remainders(steps, values, rates, variation, noise)


def along(derivative: _Array, v: _Array) -> _Array:
    """Directional derivatives (m, lanes) from a derivative (m, n, lanes)."""
    with np.errstate(invalid="ignore", over="ignore"):
        product: _Array = np.einsum("mnl,nl->ml", derivative, v)
    return product


def _norm(values: _Array) -> float:
    """Euclidean, whatever the size of the values."""
    size = float(np.max(np.abs(values)))
    if not 0 < size < np.inf:
        return size
    return size * float(np.linalg.norm((values / size).reshape(-1)))


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
