"""Adaptive recipes: which lines to climb for each kind of operator, and how their derivatives combine.

Derivatives along coordinates and directions are those along single lines. A mixed second derivative is a combination of
three, by polarisation,

    f_uv = (f_(u+v)(u+v) - f_uu - f_vv) / 2,

and a mixed partial derivative of multi-index alpha one of the derivatives of order |alpha| = N along sum(k_i e_i),

    D^alpha f = (1 / N!) sum_(0 <= k <= alpha) (-1)^(|alpha| - |k|) C(alpha, k) D_k^N f.

Errors of the lines add up, with the absolute values of these weights.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.climb import LINES, START, Aim, Directions, Found, along, coordinates, smallest
from fastcalc._differences.engine import Function
from fastcalc._differences.lanes import take
from fastcalc._differences.recipes import Frame
from fastcalc._differences.solve import Known, Solution
from fastcalc._functions.compiled_calls import CompiledCalls
from fastcalc._kernels.coordinates import Coordinates
from fastcalc._results import History, worst

_Array = NDArray[Any]
_RECORDED = 4096  # results for which the history is kept
_KEPT = 16  # lines up to which their memory, half a hundred kB each, is kept for the next point


class Adaptive:
    """What all adaptive recipes share."""

    def __init__(self, aim: Aim) -> None:
        self.aim = aim

    def at(self, lanes: NDArray[np.intp]) -> Adaptive:
        """The recipe for some of the points."""
        return self

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """Derivatives at x (n, lanes); with ``full`` their errors, steps and statuses."""
        raise NotImplementedError


@np.errstate(all="ignore")
def _climb_quietly(ladders: Coordinates, function: Function) -> _Array | None:
    return ladders.climb(function)


@np.errstate(all="ignore")
def _climb_number_quietly(ladders: Coordinates, function: Function) -> np.float64 | None:
    return ladders.climb_number(function)


class Lines(Adaptive):
    """n-th derivatives along the coordinates, all or those chosen, or along directions v, one a group of variables."""

    def __init__(
        self,
        aim: Aim,
        n: int,
        *,
        chosen: NDArray[np.intp] | None = None,
        v: _Array | None = None,
        groups: list[NDArray[np.intp]] | None = None,
    ) -> None:
        super().__init__(aim)
        self.n, self.chosen, self.v, self.groups = n, chosen, v, groups
        self._ladders: Coordinates | None = None  # of the last point, whose memory the next one uses again

    def at(self, lanes: NDArray[np.intp]) -> Lines:
        """With v at these points."""
        return self if self.v is None else Lines(self.aim, self.n, v=take(self.v, lanes), groups=self.groups)

    def at_once(self, function: Function, x: _Array, shape: tuple[int, ...]) -> Any:
        """Derivatives along the coordinates of x (n, lanes), float64, without options and without their errors, in
        `shape` behind that of f's output; None where f's values are not float64, or where it takes more than one block.
        """
        if not 0 < x.size <= LINES:
            return None
        ladders = self._coordinates(*x.shape)
        if not ladders.place(function, x):
            return None
        value = ladders.climb(function) if isinstance(function, CompiledCalls) else _climb_quietly(ladders, function)
        if value is None:
            return None
        if function.m > 1:
            value = np.ascontiguousarray(value.T)
        return value.reshape(function.shape + shape)

    def number_at_once(self, function: Function, x: float) -> np.float64 | None:
        """The same for a function of one variable with one output."""
        ladders = self._coordinates(1, 1)
        if not ladders.place_number(function, x) or function.shape:
            return None
        if isinstance(function, CompiledCalls):
            return ladders.climb_number(function)
        return _climb_number_quietly(ladders, function)

    def _coordinates(self, n: int, lanes: int) -> Coordinates:
        ladders = self._ladders
        if ladders is None or not ladders.fits(n, lanes):
            ladders = Coordinates(self.n, n, lanes, START, smallest(self.n), *self.aim.numbers())
            self._ladders = ladders if n * lanes <= _KEPT else None
        return ladders

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """One line each."""
        real = x.real.dtype
        if self.v is None or self.groups is None:
            directions = coordinates(len(x), real, self.chosen)
        else:
            directions = _directions([(group, self.v[group]) for group in self.groups], real)
        record = full and directions.size * x.shape[1] <= _RECORDED
        found = along(function, x, frame, directions, self.n, self.aim, record=record)
        return _solution(found, full=full)


class Pairs(Adaptive):
    """Second derivatives by pairs of variables, first <= second: along the coordinates, then along the sum of each pair
    in steps that suit both.
    """

    def __init__(self, aim: Aim, first: NDArray[np.intp], second: NDArray[np.intp]) -> None:
        super().__init__(aim)
        self.first, self.second = first, second

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """A line for each variable, and for each pair of them."""
        n, real = len(x), x.real.dtype
        used = np.unique(np.concatenate([self.first, self.second]))
        chosen = None if len(used) == n else used
        single = along(function, x, frame, coordinates(n, real, chosen), 2, self.aim)
        units = np.ones(x.shape, real)
        units[used] = _units(single, x[used], frame.rows(used) if chosen is not None else frame)
        mixed = np.flatnonzero(self.first != self.second)
        first, second = self.first[mixed], self.second[mixed]
        found = along(function, x, _in_units(frame, units), _pairs(first, second, units, units), 2, self.aim)
        place = np.zeros(n, np.intp)
        place[used] = np.arange(len(used))
        whole = [part[:, place[self.first]] for part in (single.value, single.error, single.step, single.status)]
        combined = _polarised(single, single, found, place[first], place[second], units[used], units[used])
        for part, own in zip(whole, combined, strict=True):
            part[:, mixed] = own
        value, error, step, status = whole
        return Solution(value, step, single.base, Known(error, status) if full else None)


class Hessian(Pairs):
    """All second derivatives."""

    def __init__(self, aim: Aim, n: int) -> None:
        super().__init__(aim, *np.triu_indices(n))
        self.n = n

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """The pairs of the upper triangle, and their mirror images."""
        upper = super().solve(function, x, frame, full=full)
        place = np.empty((self.n, self.n), np.intp)
        place[self.first, self.second] = place[self.second, self.first] = np.arange(len(self.first))
        every = place.reshape(-1)
        known = upper.known and Known(upper.known.error[:, every], upper.known.status[:, every])
        return Solution(upper.value[:, every], upper.step[:, every], upper.base, known)


class HessianDirection(Adaptive):
    """The products H v, v restricted to the variables of a group: along each coordinate, v, and their sums."""

    def __init__(self, aim: Aim, v: _Array, moved: NDArray[np.intp]) -> None:
        super().__init__(aim)
        self.v, self.moved = v, moved

    def at(self, lanes: NDArray[np.intp]) -> HessianDirection:
        """With v at these points."""
        return HessianDirection(self.aim, take(self.v, lanes), self.moved)

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """Two lines for each variable, and one along v."""
        n, real = len(x), x.real.dtype
        single = along(function, x, frame, coordinates(n, real), 2, self.aim)
        direction = _directions([(self.moved, self.v[self.moved])], real)
        whole = along(function, x, frame, direction, 2, self.aim)
        units, unit = _units(single, x, frame), _powers_of_2(_least(whole.top))
        if frame.bounds is None:  # sums that do not cancel
            units = np.where(self.v < 0, -units, units)
        sums = []
        for i in range(n):
            coefficients = np.zeros(x.shape, real)
            coefficients[self.moved] = unit * self.v[self.moved]
            coefficients[i] += units[i]
            entries = np.union1d(self.moved, [i]).astype(np.intp)
            sums.append((entries, coefficients[entries]))
        frame = _in_units(frame, np.maximum(np.abs(units), np.abs(unit * self.v)))
        mixed = along(function, x, frame, _directions(sums, real), 2, self.aim)
        value, error, step, status = _polarised(
            single, whole, mixed, np.arange(n), np.zeros(n, np.intp), units, np.asarray(unit)
        )
        return Solution(value, step, single.base, Known(error, status) if full else None)


class Partial(Adaptive):
    """One mixed partial derivative, as a combination of derivatives along several directions."""

    def __init__(self, aim: Aim, alpha: tuple[int, ...]) -> None:
        super().__init__(aim)
        self.alpha = alpha

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """prod(alpha + 1) - 1 lines."""
        order, involved = sum(self.alpha), np.flatnonzero(self.alpha)
        powers = [self.alpha[i] for i in involved]
        single = along(function, x, frame, coordinates(len(x), x.real.dtype, involved.astype(np.intp)), order, self.aim)
        units = np.ones(x.shape, x.real.dtype)
        units[involved] = _units(single, x[involved], frame.rows(involved.astype(np.intp)))
        entries, weights = [], []
        for k in itertools.product(*(range(power + 1) for power in powers)):
            if any(k):
                used = np.flatnonzero(k)
                moved = involved[used].astype(np.intp)
                entries.append((moved, np.array(k, x.real.dtype)[used, None] * units[moved]))
                sign = (-1) ** (order - sum(k))
                weights.append(sign * math.prod(math.comb(power, j) for power, j in zip(powers, k, strict=True)))
        found = along(function, x, _in_units(frame, units), _directions(entries, x.real.dtype), order, self.aim)
        scale = np.prod(units[involved] ** np.array(powers)[:, None], axis=0) * math.factorial(order)
        w = np.array(weights, x.real.dtype)[:, None]
        value = (found.value * w).sum(axis=1, keepdims=True) / scale
        error = (found.error * np.abs(w)).sum(axis=1, keepdims=True) / np.abs(scale)
        mean = np.prod(np.abs(units[involved]) ** (np.array(powers) / order)[:, None], axis=0)
        step = found.step.min(axis=1, keepdims=True) * mean.astype(x.real.dtype)
        known = Known(error.astype(found.error.dtype), worst(found.status, axis=1)[:, None]) if full else None
        return Solution(value.astype(found.value.dtype), step, found.base, known)


def _solution(found: Found, *, full: bool) -> Solution:
    if not full:
        return Solution(found.value, found.step, found.base, None)
    known = Known(found.error, found.status, None if found.history is None else _history(found.history))
    return Solution(found.value, found.step, found.base, known)


def _history(kept: _Array) -> History:
    """Of (directions, lanes, rungs, 1 + 2 m), with zeros behind the last rung, arrays (rungs, m, directions, lanes)."""
    m = (kept.shape[-1] - 1) // 2
    used = max(1, int((kept[..., 0] > 0).sum(axis=-1).max(initial=0)))
    rungs = kept[..., :used, :].transpose(2, 3, 0, 1)
    rungs = np.where(rungs[:, :1] > 0, rungs, np.nan)
    step = np.broadcast_to(rungs[:, :1], (used, m, *rungs.shape[2:]))
    return History(step, rungs[:, 1 : m + 1], rungs[:, m + 1 :])


def _directions(moves: list[tuple[NDArray[np.intp], _Array]], real: np.dtype[Any]) -> Directions:
    """From the components and coefficients (components, lanes) of each."""
    counts = np.cumsum([0, *(len(component) for component, _ in moves)]).astype(np.intp)
    lanes = max((coefficient.shape[1] for _, coefficient in moves), default=1)
    coefficient = np.concatenate([np.broadcast_to(c, (len(c), lanes)) for _, c in moves] or [np.zeros((0, 1))])
    component = np.concatenate([component for component, _ in moves] or [np.zeros(0, np.intp)])
    return Directions(counts, component, np.ascontiguousarray(coefficient, real), exact=False)


def _pairs(first: NDArray[np.intp], second: NDArray[np.intp], a: _Array, b: _Array) -> Directions:
    """The sums ``a[first] e_first + b[second] e_second``, whose coefficients are powers of 2."""
    component = np.stack([first, second], axis=1).reshape(-1).astype(np.intp)
    coefficient = np.stack([a[first], b[second]], axis=1).reshape(2 * len(first), a.shape[1])
    start = np.arange(0, 2 * len(first) + 1, 2, dtype=np.intp)
    return Directions(start, component, np.ascontiguousarray(coefficient), exact=True)


@np.errstate(all="ignore")
def _polarised(
    single: Found,
    other: Found,
    mixed: Found,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    a: _Array,
    b: _Array,
) -> tuple[_Array, _Array, _Array, NDArray[np.int8]]:
    """Value, error, step and status of f_uv from the second derivatives along u, v and a u + b v."""
    a, b = a[first], b[second] if b.ndim == 2 else b
    uu, vv = a * a, b * b
    scale = 2 * a * b
    value = (mixed.value - uu * single.value[:, first] - vv * other.value[:, second]) / scale
    error = (mixed.error + uu * single.error[:, first] + vv * other.error[:, second]) / np.abs(scale)
    step = mixed.step * np.sqrt(np.abs(a * b))
    status = worst(np.stack([mixed.status, single.status[:, first], other.status[:, second]]), axis=0)
    kind, real = single.value.dtype, single.error.dtype
    return value.astype(kind), error.astype(real), step.astype(real), status


def _least(top: _Array) -> _Array:
    """The largest step that suits all outputs, (lanes,)."""
    steps: _Array = np.nanmin(np.where(np.isfinite(top), top, np.inf), axis=0, initial=np.inf)
    least: _Array = steps[0]
    return least


def _units(single: Found, x: _Array, frame: Frame) -> _Array:
    """A step (n, lanes) that suits each variable, as a power of 2, to the side that has more room."""
    top = np.where(np.isfinite(single.top), single.top, np.inf).min(axis=0, initial=np.inf)
    size = np.abs(x)
    usual = START * np.where(size == 0, 1, size)
    units: _Array = _powers_of_2(np.where(np.isfinite(top), top, usual)).astype(x.real.dtype)
    if frame.bounds is not None:
        lower, upper = frame.bounds
        units = np.where(upper - x.real < x.real - lower, -units, units)
    return units


def _powers_of_2(steps: _Array) -> _Array:
    usable = np.where(np.isfinite(steps) & (steps > 0), steps, 1)
    powers: _Array = np.exp2(np.round(np.log2(usable))).astype(steps.dtype)
    return powers


def _in_units(frame: Frame, units: _Array) -> Frame:
    """For lines in units of their own steps: the first of them is 1."""
    return frame._replace(step=np.abs(units), scale=None)
