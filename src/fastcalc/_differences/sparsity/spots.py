"""Points around x at which dependences show, and by how much variables move there.

x itself, where f is needed, may be special: a product is flat where its factors are 0. So there are points at random
around it, at several distances: ``x + 2**-k size u`` with u between -1 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.recipes import Frame
from fastcalc._differences.steps import TINY

_Array = NDArray[Any]

_FAR = 0.5  # how far away the last point is, over the size of a variable; those before it half as far, and so on
_RINGS = 4  # through so many distances
_MOVE = 0.125  # largest move of a variable, over its size; the smallest is half of it
_ULPS = 4  # largest step of a trembling variable, in units in the last place of its size


@dataclass(frozen=True)
class Spot:
    """A point x (n,), where each of its variables moves to (n,), and points (n, k) so close that only rounding differs.

    Moves are of either sign and different sizes, so that their effects on an output do not cancel.
    """

    x: _Array
    moved: _Array
    trembling: _Array


def spots_around(x: _Array, frame: Frame, count: int, trembles: int) -> list[Spot]:
    """The point x (n, 1) and `count` - 1 others inside the bounds; the same ones at each call."""
    around = _Around(x[:, 0], frame)
    with np.errstate(all="ignore"):
        return [around.spot(_FAR * 0.5 ** ((count - 1 - k) % _RINGS) if k else 0.0, trembles) for k in range(count)]


class _Around:
    """A point (n,), and random numbers."""

    def __init__(self, x: _Array, frame: Frame) -> None:
        self.x = x
        self.is_complex = x.dtype.kind == "c"
        self.random = np.random.default_rng(0)
        self.limits = np.finfo(x.real.dtype)
        lower, upper = (np.full(len(x), limit, x.real.dtype) for limit in (self.limits.min, self.limits.max))
        if frame.bounds is not None:
            lower, upper = (np.clip(np.broadcast_to(side[:, 0], x.shape), lower, upper) for side in frame.bounds)
        self.bounds = lower, upper
        self.scale = None if frame.scale is None else np.broadcast_to(frame.scale[:, 0], x.shape)

    def spot(self, away: float, trembles: int) -> Spot:
        """At a point so many sizes away."""
        size = self._size(away)
        at = self._inside(self.x + away * size * self._numbers(0, 1))
        step = _MOVE * size * self._numbers(0.5, 1)
        if not self.is_complex:
            lower, upper = self.bounds
            above, below = upper / 2 - at / 2, at / 2 - lower / 2  # halves don't overflow
            ahead, behind = np.where(step > 0, above, below), np.where(step > 0, below, above)
            step = np.where((2 * ahead < np.abs(step)) & (behind > ahead), -step, step)
        ulps = self.random.integers(1, _ULPS + 1, (len(at), trembles)) * self.random.choice(
            [-1, 1], (len(at), trembles)
        )
        trembling = at[:, None] + (ulps * (self.limits.eps * size)[:, None]).astype(at.dtype)
        return Spot(at, self._inside(at + step), self._inside(trembling))

    def _size(self, away: float) -> _Array:
        """Of each variable; away from x those of x that are tiny say nothing about it."""
        size: _Array = np.abs(self.x)
        if self.scale is not None:
            return np.asarray(np.maximum(size, self.scale))
        size[(size < TINY) if away else (size == 0)] = 1
        return size

    def _numbers(self, low: float, high: float) -> _Array:
        """Between low and high and of either sign, in both parts of complex variables."""
        n, random = len(self.x), self.random
        numbers = random.uniform(low, high, n) * random.choice([-1, 1], n)
        if self.is_complex:
            numbers = numbers + 1j * random.uniform(low, high, n) * random.choice([-1, 1], n)
        return np.asarray(numbers.astype(self.x.dtype))

    def _inside(self, points: _Array) -> _Array:
        if self.is_complex:
            return points
        lower, upper = self.bounds if points.ndim == 1 else (side[:, None] for side in self.bounds)
        return np.clip(points, lower, upper)
