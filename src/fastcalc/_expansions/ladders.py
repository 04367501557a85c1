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

from fastcalc._expansions.fits import Nodes, coefficients, level, slope, spectrum

_Array = NDArray[Any]
Sample = Callable[[NDArray[np.intp], _Array], _Array]
_RESOLVED = 10.0  # largest tail over the level of rounding
_NOISE = 2.0  # the same for noise
_CLEARLY = 10.0  # tails over that above which longer fits look resolved by chance
_WINDOW = 4  # coefficients that make a tail: two of each parity
_NEIGHBOUR = 1.4  # ratio of neighbouring lengths: not a power of two
_NEAR = 4.0  # ratio up to which lengths are neighbours
_SHRINK = 1.4, 4.0
_UNFINITE = 2.5  # what lengths shrink by where f is not finite
_PAYS = 1.3  # the least growth
_POOR = 1e-4  # relative error of the highest coefficients, above which lengths may be unusual
_GAP = 2.5  # between a resolved and an unresolved length: above it one in between is tried
_FAR = 30.0  # ratio of lengths at which noise is still the same, and a kink is not
_SAME = 3.0  # largest ratio of two tails that are noise
_FLAT = 5.0  # largest ratio of coefficients in the middle to a tail that may be noise
_WIDE = 0.02  # tails over the variation of f, above which they are no noise
_ALTERNATE = 0.15  # sums of neighbours of one parity over the larger, below which they alternate
_TAIL = 2.0  # three standard deviations of the values, with some margin, over sqrt(nodes) times the tail they make
_APART = 30.0  # ratio of lengths from which the exponent of a singularity is told, or as many as there are
_NEARLY = 0.4  # how far exponents may be from integers
_ROUNDS = 9


class Trial(NamedTuple):
    """One fit of a line, over all outputs."""

    h: float
    resolved: bool
    shrink: float
    grow: float
    flat: bool  # the tail may be noise


class Range(NamedTuple):
    """Lengths of lines (n_lines,)."""

    first: _Array
    usual: _Array  # the largest one
    most: _Array  # the largest one where the highest degree is lost in rounding
    leap: _Array  # how much to grow at once


class Accuracy(NamedTuple):
    """Errors of values."""

    epsilon: float  # relative
    absolute: _Array  # beside it, (m,)
    position: _Array  # of the places along a line, (n_lines,)
    noise: _Array  # three standard deviations (m,), NaN where it is to be measured


class Lines(NamedTuple):
    """What a ladder found: (degree + 1, n_lines, m) each."""

    coef: _Array
    error: _Array  # all of it
    rounding: _Array  # a part of it
    noise: _Array  # another
    rough: NDArray[np.bool_]  # f is not that smooth
    open: NDArray[np.bool_]  # no fit was resolved

    def scaled(self, factor: _Array) -> Lines:
        """With coefficients times a factor."""
        return self._replace(
            coef=self.coef * factor,
            error=self.error * factor,
            rounding=self.rounding * factor,
            noise=self.noise * factor,
        )

    def spread(self, known: NDArray[np.bool_]) -> Lines:
        """With outputs (m,) of which these are the known ones; the others are NaN."""
        whole = []
        for part in self:
            full = np.full((*part.shape[:-1], len(known)), False if part.dtype == np.bool_ else np.nan, part.dtype)
            full[..., known] = part
            whole.append(full)
        return Lines(*whole)


class Ladder:
    """Lines and their fits, each round at lengths of its own.

    Parameters
    ----------
    sample : callable
        Values (2, pairs, k, m) for indices of k lines and their lengths.
    grid : Nodes
    base : ndarray (m,)
        Values at the point itself.
    span : Range
    accuracy : Accuracy
    """

    def __init__(self, sample: Sample, grid: Nodes, base: _Array, span: Range, accuracy: Accuracy) -> None:
        self.sample, self.grid, self.base, self.span, self.accuracy = sample, grid, base, span, accuracy
        lines, m = len(span.first), len(base)
        self.measured = np.isnan(accuracy.noise)
        self.noise = np.where(self.measured, 0, accuracy.noise)
        self.matters = np.ones(m, np.bool_)  # outputs that lengths are chosen for
        self.wanted = np.array(span.first, np.float64)  # lengths of the next round, NaN for none
        self.spent = 0
        # of each round, NaN where a line took no part in it: lengths, a_j, bounds of the rounding errors of values
        self.h = np.empty((0, lines))
        self.a = np.empty((0, lines, m, 2 * len(grid.t)), base.dtype)
        self.error = np.empty((0, lines, m), base.dtype)

    def climb(self, budget: int) -> None:
        """Fit lines in rounds until nothing is left to gain, or the budget of points is used."""
        cost = 2 * len(self.grid.t)
        for _ in range(_ROUNDS):
            at = np.flatnonzero(np.isfinite(self.wanted))
            affordable = max(0, (budget - self.spent) // cost)
            if len(at) > affordable:  # first those that nothing is known of
                helped = np.asarray(self._all_resolved().any(axis=0))[at]
                at = np.sort(at[np.argsort(helped, kind="stable")][:affordable])
            if len(at) == 0:
                break
            self.spent += cost * len(at)
            with np.errstate(all="ignore"):
                self._fit(at)
                if self.measured.any():
                    self._measure_noise()
                self._plan()

    def _fit(self, at: NDArray[np.intp]) -> None:
        h = self.wanted[at]
        values = self.sample(at, h)
        a = spectrum(self.grid, self.base, values)
        error = self.accuracy.epsilon * np.maximum(np.abs(values).max(axis=(0, 1)), np.abs(self.base))
        error += self.accuracy.absolute + slope(self.grid, a) * (self.accuracy.position[at] / h)[:, None]
        self.h = _appended(self.h, h, at)
        self.a = _appended(self.a, a, at)
        self.error = _appended(self.error, error, at)

    def floor(self) -> _Array:
        """What tails are compared with (rounds, n_lines, m)."""
        noise = _NOISE * level(self.grid, self.noise)
        highest: _Array = np.maximum(_RESOLVED * level(self.grid, self.error), noise)
        return highest

    def tail(self) -> _Array:
        """Size of the last a_j (rounds, n_lines, m)."""
        size: _Array = np.abs(self.a[..., -_WINDOW:]).max(axis=-1)
        return size

    def resolved(self) -> NDArray[np.bool_]:
        """Which fits are, and no shorter one clearly is not (rounds, n_lines, m)."""
        tail, floor = self.tail(), self.floor()
        within: NDArray[np.bool_] = tail <= floor
        for h, fails in zip(self.h, tail > _CLEARLY * floor, strict=True):
            within &= ~((h < self.h)[..., None] & fails)
        return within

    def _all_resolved(self) -> NDArray[np.bool_]:
        """Which fits are, for all outputs that matter (rounds, n_lines)."""
        every: NDArray[np.bool_] = np.all(self.resolved() | ~self.matters, axis=2)
        return every

    def give_up(self) -> None:
        """Let outputs that some line never resolved not decide any more, if there are others."""
        possible = np.array(self.resolved().any(axis=0).all(axis=0))
        if possible.any():
            self.matters = possible

    def _measure_noise(self) -> None:
        """Noise is what has the same flat tail at lengths that are far from each other, and none that is smaller."""
        size, tail = np.abs(self.a), self.tail()
        largest, middle = size.max(axis=-1), size[..., -2 * _WINDOW : -_WINDOW].max(axis=-1)
        flat = (tail > _RESOLVED * level(self.grid, self.error)) & (middle <= _FLAT * tail) & (tail <= _FLAT * middle)
        flat &= self._random()
        for one in range(len(self.h)):
            for other in range(len(self.h)):
                far = (self.h[one] >= 0.9 * _FAR * self.h[other])[:, None]
                low, high = np.minimum(tail[one], tail[other]), np.maximum(tail[one], tail[other])
                same = far & flat[one] & flat[other] & (high <= _SAME * low) & (tail[one] <= _WIDE * largest[one])
                found = np.where(same, high, 0).max(axis=0)
                less = ((tail < found / _FLAT**2) & (largest > found / _WIDE)).any(axis=(0, 1))
                noise = np.where(less, 0, _TAIL * found / level(self.grid, np.ones(1)))
                self.noise = np.where(self.measured, np.maximum(self.noise, noise), self.noise)

    def _random(self) -> NDArray[np.bool_]:
        """Whether the last a_j have no pattern (rounds, n_lines, m).

        Those of a jump, a kink or a spike at the point itself alternate within each parity.
        """
        last = self.a[..., -2 * _WINDOW :]
        sums = np.abs(last[..., 2:] + last[..., :-2])
        pairs = ((sums[..., parity::2], np.abs(last[..., parity::2])) for parity in (0, 1))
        even, odd = (each.max(axis=-1) > _ALTERNATE * size.max(axis=-1) for each, size in pairs)
        found: NDArray[np.bool_] = even & odd
        return found

    def _plan(self) -> None:
        """Lengths of the next round."""
        own = self.matters
        tail, floor, size = self.tail()[..., own], self.floor()[..., own], np.abs(self.a[..., own, :])
        largest, last = size.max(axis=-1), size.shape[-1] - 2
        above, resolved = (tail / floor).max(axis=2), self._all_resolved()
        shrink = np.where(np.isfinite(above), np.clip(1.2 * above ** (1 / last), *_SHRINK), _UNFINITE)
        used = np.where(size > floor[..., None], np.arange(1.0, size.shape[-1] + 1), 0).max(axis=-1)
        grow = (largest / floor) ** (1 / np.maximum(used, 1) - 1 / last)
        grow = np.where(used > 0, grow, np.inf).min(axis=2)
        flat = (size[..., -2 * _WINDOW : -_WINDOW].max(axis=-1) <= _FLAT * tail) & (tail <= _WIDE * largest)
        flat = (flat | (tail <= floor)).all(axis=2) & self.measured.any()
        most = np.where(self._poor(), self.span.most, np.minimum(self.span.usual, self.span.most))
        for i, h in enumerate(self.h.T):
            tried = [
                Trial(float(h[r]), bool(resolved[r, i]), float(shrink[r, i]), float(grow[r, i]), bool(flat[r, i]))
                for r in np.flatnonzero(np.isfinite(h))
            ]
            if tried:
                self.wanted[i] = _following(tried, float(most[i]), float(self.span.leap[i]))

    def _poor(self) -> NDArray[np.bool_]:
        """Lines whose highest coefficients are lost in rounding or noise (n_lines,)."""
        found = coefficients(self.grid, np.ones_like(self.h), self.a, self.error, self.noise)
        size = np.abs(found.coef[-2:]).max(axis=0)
        lost = ((found.rounding[-1] + found.noise[-1] > _POOR * size) & self.matters).any(axis=2)
        poor: NDArray[np.bool_] = (lost | np.isnan(self.h)).all(axis=0)
        return poor

    def lines(self) -> Lines:
        """The best fit of each line, degree and output; where the next best disagrees, by how much is its error."""
        with np.errstate(all="ignore"):
            error = np.maximum(self.error, self.value_error())
            found = coefficients(self.grid, self.h, self.a, error, self.noise)
            total = found.truncation + found.rounding + found.noise
            resolved = self.resolved()
            never = ~resolved.any(axis=0)
            # estimates of unresolved fits mean nothing where f varies within the nodes: only the shortest may count
            finite = np.isfinite(self.tail())
            length = np.where(finite, self.h[..., None], np.inf)
            usable = np.where(never, finite & (length <= _GAP * length.min(axis=0)), resolved)
            total = np.where(usable & np.isfinite(total) & np.isfinite(found.coef), total, np.inf)
            order = np.argsort(total, axis=1, kind="stable")

            def taken(part: _Array, rank: int) -> _Array:
                return np.take_along_axis(part, order[:, rank : rank + 1], axis=1)[:, 0]

            error = taken(total, 0)
            if len(self.h) > 1:
                apart = np.abs(taken(found.coef, 0) - taken(found.coef, 1))
                error = np.where(apart > error + taken(total, 1), apart, error)
            rough = self._rough()
        parts = (taken(part, 0) for part in (found.coef, found.rounding, found.noise))
        coef, rounding, noise = parts
        return Lines(coef, error, rounding, noise, rough, np.broadcast_to(never, coef.shape))

    def _rough(self) -> NDArray[np.bool_]:
        """Degrees above the exponent p of a singularity ``abs(t)**p``, whose tails fall like h**p."""
        tail, floor = self.tail(), self.floor()
        degrees = len(self.grid.powers)
        exponent = np.full(tail.shape[1:], np.inf)
        for i, h in enumerate(self.h.T):
            order = np.argsort(h)[: int(np.isfinite(h).sum())]
            if len(order) > 1:
                far = h[order] >= min(_APART * h[order[0]], h[order[-1]])
                low, high = order[0], order[np.argmax(far)]
                power = np.log(tail[high, i] / tail[low, i]) / np.log(h[high] / h[low])
                never = ~(tail[order, i] <= floor[order, i]).any(axis=0)
                exponent[i] = np.where(never & (power < degrees + _NEARLY), power, np.inf)
        k = np.arange(degrees)[:, None, None]
        rough: NDArray[np.bool_] = k >= exponent - _NEARLY
        return rough

    def best(self) -> _Array:
        """The largest resolved length of each line; the smallest tried where none is."""
        good = np.where(self._all_resolved(), self.h, -np.inf).max(axis=0)
        smallest = np.where(np.isfinite(self.h), self.h, np.inf).min(axis=0)
        length: _Array = np.where(good > 0, good, smallest)
        return length

    def value_error(self) -> _Array:
        """Error (m,) of values beside noise as the best fits of most lines show it, three standard deviations."""
        least = np.where(self.resolved(), self.tail(), np.inf).min(axis=0)
        shown = np.sort(least, axis=0)[len(least) // 2]
        error = np.where(np.isfinite(shown), _TAIL * shown, 0) / level(self.grid, np.ones(1))
        beside: _Array = np.maximum(error - self.noise, 0)
        return beside


def _appended(rounds: _Array, part: _Array, at: NDArray[np.intp]) -> _Array:
    """With another round, NaN for lines that took no part in it."""
    whole = np.full(rounds.shape[1:], np.nan, rounds.dtype)
    whole[at] = part
    return np.concatenate([rounds, whole[None]])


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
    if any(h < top.h <= _NEAR * h for h in good):
        return math.nan
    below = min(trial.h for trial in tried if trial.h >= top.h / _NEAR) / _NEIGHBOUR
    return below if below >= top.h / _NEAR else math.nan
