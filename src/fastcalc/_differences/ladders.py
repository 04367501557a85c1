"""Ladders of lines: which lengths to fit a function along a line at, and what its fits together say.

A line shrinks until a fit of it is resolved, that is until its last Chebyshev coefficients are down to rounding or
noise. It grows while that leaves something to gain: coefficients that fall like ``(h / r)**j`` down to the level e at
j = u could fall to it at the last j = J, with h larger by ``(a / e)**(1/u - 1/J)``. At least two lengths are resolved,
if any is, so that two independent fits can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.fits import Fit, Nodes, fit, level_of_noise

_Array = NDArray[Any]
Sample = Callable[[_Array, _Array], _Array]
_RESOLVED = 10.0  # largest tail over the level of rounding
_NOISE = 2.0  # the same for noise
_NEIGHBOUR = 1.4  # ratio of neighbouring lengths: not a power of two
_NEAR = 4.0  # ratio up to which lengths are neighbours
_SHRINK = 1.4, 4.0
_PAYS = 1.3  # the least growth
_UNFINITE = 2.5  # what lengths shrink by where f is not finite
_GAP = 2.5  # between a resolved and an unresolved length: above it one in between is tried
_FAR = 30.0  # ratio of lengths at which noise is still the same, and a kink is not
_SAME = 3.0  # largest ratio of two tails that are noise
_FLAT = 5.0  # largest ratio of coefficients in the middle to a tail that may be noise
_WIDE = 0.02  # tails over the variation of f, above which they are no noise
_TAIL = 1.5  # three standard deviations of the values over sqrt(nodes) times the tail they make
_ROUNDS = 9
_APART = 1.9  # ratio of lengths from which the exponent of a singularity is told


class Trial(NamedTuple):
    """One fit of a line, over all outputs."""

    h: float
    resolved: bool
    shrink: float
    grow: float
    flat: bool  # the tail may be noise


class Lines(NamedTuple):
    """What a ladder found: (degree + 1, n_lines, n_outputs) each."""

    coef: _Array
    error: _Array  # all of it
    rounding: _Array  # a part of it
    noise: _Array  # another
    rough: NDArray[np.bool_]  # f is not that smooth


class Ladder:
    """Lines with a common sampler, and their fits, each round at lengths of its own.

    Parameters
    ----------
    sample : callable
        Values (2, pairs, k, m) for indices of k lines and their lengths.
    grid : Nodes
    base : ndarray (m,)
        Values at the point itself.
    first, most, leap : ndarray (n_lines,)
        First and largest lengths, and by how much to grow at once.
    epsilon : float
        Relative error of values.
    absolute, position : ndarray (m,), ndarray (n_lines,)
        Errors of values beside it, and of the places of the points in lengths of their line.
    noise : ndarray (m,)
        Three standard deviations of the values; NaN where it is to be measured.
    """

    def __init__(
        self,
        sample: Sample,
        grid: Nodes,
        base: _Array,
        first: _Array,
        most: _Array,
        leap: _Array,
        epsilon: float,
        absolute: _Array,
        position: _Array,
        noise: _Array,
    ) -> None:
        self.sample, self.grid, self.base = sample, grid, base
        self.most, self.leap = most, leap
        self.epsilon, self.absolute, self.position = epsilon, absolute, position
        self.measured = np.isnan(noise)
        self.noise = np.where(self.measured, 0, noise)
        self.wanted = np.array(first, np.float64)  # lengths of the next round, NaN for none
        self.h = np.empty((0, len(first)))  # of each round, NaN where a line took no part
        self.fits: list[Fit] = []
        self.spent = 0

    def climb(self, budget: int) -> None:
        """Fit lines in rounds until nothing is left to gain, or the budget of points is used."""
        cost = 2 * len(self.grid.t)
        for _ in range(_ROUNDS):
            at = np.flatnonzero(np.isfinite(self.wanted))
            affordable = (budget - self.spent) // cost
            if len(at) > affordable:  # first those that nothing is known of
                helped = self.resolved().any(axis=0) if self.fits else np.zeros(len(self.wanted), np.bool_)
                at = np.sort(at[np.argsort(helped[at], kind="stable")][: max(0, affordable)])
            if len(at) == 0:
                break
            self._fit(at)
            if self.measured.any():
                self._measure_noise()
            self._plan()

    def _fit(self, at: NDArray[np.intp]) -> None:
        h = self.wanted[at]
        values = self.sample(at, h)
        self.spent += 2 * len(self.grid.t) * len(at)
        found = fit(self.grid, h, self.base, values, self.epsilon, self.absolute, self.position[at])
        lines = len(self.wanted)
        whole = []
        for part in found:
            full = np.full((*part.shape[:-2], lines, part.shape[-1]), np.nan, part.dtype)
            full[..., at, :] = part
            whole.append(full)
        self.fits.append(Fit(*whole))
        row = np.full(lines, np.nan)
        row[at] = h
        self.h = np.concatenate([self.h, row[None]])

    def stacked(self, name: str) -> _Array:
        """A part of the fits with the rounds as first axis."""
        return np.stack([getattr(one, name) for one in self.fits])

    def floor(self) -> _Array:
        """What tails are compared with (rounds, n_lines, m)."""
        noise = _NOISE * level_of_noise(self.grid, self.noise)
        return np.maximum(_RESOLVED * self.stacked("level"), noise)

    def resolved(self) -> NDArray[np.bool_]:
        """Which fits are, for all outputs (rounds, n_lines)."""
        return (self.stacked("tail") <= self.floor()).all(axis=2)

    def _measure_noise(self) -> None:
        """Noise is what has the same tail at lengths that are far from each other."""
        tail, level, largest = (self.stacked(name) for name in ("tail", "level", "largest"))
        counts = tail > _RESOLVED * level
        for one in range(len(self.h)):
            for other in range(len(self.h)):
                far = (self.h[one] >= 0.9 * _FAR * self.h[other])[:, None]
                low, high = np.minimum(tail[one], tail[other]), np.maximum(tail[one], tail[other])
                same = counts[one] & counts[other] & (high <= _SAME * low) & (tail[one] <= _WIDE * largest[one])
                found = np.where(far & same, _TAIL * np.sqrt(2.0 * len(self.grid.t) + 1) * high, 0).max(axis=0)
                self.noise = np.where(self.measured, np.maximum(self.noise, found), self.noise)

    def _plan(self) -> None:
        """Lengths of the next round."""
        tail, floor = self.stacked("tail"), self.floor()
        with np.errstate(all="ignore"):
            above = (tail / floor).max(axis=2)
            resolved = above <= 1
            last = 2 * len(self.grid.t) - 2
            shrink = np.where(np.isfinite(above), np.clip(1.2 * above ** (1 / last), *_SHRINK), _UNFINITE)
            used = self.stacked("used")
            gain = (self.stacked("largest") / floor) ** (1 / np.maximum(used, 1) - 1 / last)
            grow = np.where(used > 0, gain, np.inf).min(axis=2)
            flat = (self.stacked("middle") <= _FLAT * tail) & (tail <= _WIDE * self.stacked("largest"))
            flat = (flat | (tail <= floor)).all(axis=2) & self.measured.any()
        for i, h in enumerate(self.h.T):
            tried = [
                Trial(float(h[r]), bool(resolved[r, i]), float(shrink[r, i]), float(grow[r, i]), bool(flat[r, i]))
                for r in np.flatnonzero(np.isfinite(h))
            ]
            self.wanted[i] = _following(tried, float(self.most[i]), float(self.leap[i])) if tried else self.wanted[i]

    def lines(self) -> Lines:
        """The best fit of each line, degree and output, its error that of the disagreement with the next best."""
        coef, rounding = self.stacked("coef"), self.stacked("rounding")
        with np.errstate(all="ignore"):
            power = self.h[:, None, :, None] ** -np.arange(coef.shape[1])[:, None, None]
            noise = self.grid.norms.astype(coef.dtype)[:, None, None] * self.noise * power
            noise[:, 0] = self.noise
            total = self.stacked("truncation") + rounding + noise
            total = np.where(np.isfinite(total) & np.isfinite(coef), total, np.inf)
            order = np.argsort(total, axis=0, kind="stable")

            def taken(part: _Array, rank: int) -> _Array:
                return np.take_along_axis(part, order[rank : rank + 1], axis=0)[0]

            error = taken(total, 0)
            if len(self.h) > 1:
                apart = np.abs(taken(coef, 0) - taken(coef, 1))
                error = np.where(apart > error + taken(total, 1), apart, error)
        return Lines(taken(coef, 0), error, taken(rounding, 0), taken(noise, 0), self._rough())

    def _rough(self) -> NDArray[np.bool_]:
        """Degrees above the exponent p of a singularity ``abs(t)**p``, whose tails fall like h**p."""
        tail, floor = self.stacked("tail"), self.floor()
        degrees, (_, n_lines, m) = len(self.grid.weights), tail.shape
        exponent = np.full((n_lines, m), np.inf)
        for i, h in enumerate(self.h.T):
            order = np.argsort(h)[: int(np.isfinite(h).sum())]
            order = order[np.isfinite(tail[order, i]).all(axis=1)]
            if len(order) and h[order[-1]] >= _APART * h[order[0]]:
                low = order[0]
                high = order[np.argmax(h[order] >= _APART * h[low])]
                with np.errstate(all="ignore"):
                    slope = np.log(tail[high, i] / tail[low, i]) / np.log(h[high] / h[low])
                never = (tail[order, i] > floor[order, i]).all(axis=0)
                exponent[i] = np.where(never & (slope < degrees + 0.3), slope, np.inf)
        k = np.arange(degrees)[:, None, None]
        rough: NDArray[np.bool_] = (k >= 1) & (k >= exponent - 0.3)
        return rough

    def best(self) -> _Array:
        """The largest resolved length of each line; the smallest tried where none is."""
        good = np.where(self.resolved(), self.h, np.nan)
        found = np.isfinite(good).any(axis=0)
        largest = np.max(np.where(np.isfinite(good), good, -np.inf), axis=0)
        smallest = np.min(np.where(np.isfinite(self.h), self.h, np.inf), axis=0)
        return np.where(found, largest, smallest)


def _following(tried: list[Trial], most: float, leap: float) -> float:
    """The next length of a line, NaN where there is nothing to gain."""
    good = [trial.h for trial in tried if trial.resolved]
    smallest = min(tried)
    if not good:
        far = smallest.flat and max(tried).h < 0.9 * _FAR * smallest.h
        return smallest.h / (_FAR if far else smallest.shrink)
    top = max(trial for trial in tried if trial.resolved)
    limit = min((trial.h for trial in tried if not trial.resolved and trial.h > top.h), default=math.inf)
    grown = min(top.h * min(top.grow, leap), most)
    if limit < math.inf:
        grown = min(grown, math.sqrt(top.h * limit)) if limit > _GAP * top.h else 0.0
    if grown >= _PAYS * top.h:
        return grown
    near = [h for h in good if h < top.h <= _NEAR * h]
    return math.nan if near else top.h / _NEIGHBOUR
