"""Derivatives along lines by ladders of steps, climbed for as long as it pays, with an error that can be trusted.

    where     the first steps of all lines, from the sizes of the variables and the room between bounds; then what each
              ladder asks for, a round at a time for all of them
    call      the function adapter, one block of points a round
    combine   the kernel `ladder`: extrapolation over windows of rungs, and the choice among them

A line is x + s d with a direction d.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.engine import Function, values_at
from fastcalc._differences.recipes import NO_FRAME, Frame, room_along, sure_room
from fastcalc._kernels.coordinates import coordinate_start
from fastcalc._kernels.ladder import Ladders
from fastcalc._kernels.lines import Lines
from fastcalc._results import Status, worst

START = 0.19  # first step over size; nothing that a period is a multiple of
MOST = 150  # evaluations a line, where nothing is asked for
LINES = 256  # in lockstep
_NUMBERS = 2**22  # samples in memory
CENTRAL = 32  # a central ladder's room may be so much smaller than a one-sided one's

_Array = NDArray[Any]


class Aim(NamedTuple):
    """What the user asked for; None: the best that can be had, what can be measured, the default."""

    rtol: float | None = None
    atol: float = 0.0
    noise: float | None = None
    max_evaluations: int | None = None

    def numbers(self) -> tuple[float, float, float, int]:
        """The same for the kernel: noise, rtol, atol and the number of evaluations."""
        exhaustive = self.rtol is None and self.atol == 0
        return (
            -1.0 if self.noise is None else self.noise,
            -1.0 if exhaustive else self.rtol or 0.0,
            self.atol,
            MOST if self.max_evaluations is None else self.max_evaluations,
        )


class Directions(NamedTuple):
    """Direction a moves the components ``component[start[a]:start[a + 1]]`` by these coefficients (entries, lanes or
    1); `exact`: they are powers of 2, so that steps can be chosen whose points are floats.
    """

    start: NDArray[np.intp]
    component: NDArray[np.intp]
    coefficient: _Array
    exact: bool

    @property
    def size(self) -> int:
        """Number of directions."""
        return len(self.start) - 1

    def lowest(self, per_entry: _Array) -> _Array:
        """The minimum (size, lanes) over the entries of each direction."""
        if len(self.component) == self.size:
            return per_entry
        return np.stack([per_entry[a:b].min(axis=0, initial=np.inf) for a, b in self._spans()])

    def highest(self, per_entry: _Array) -> _Array:
        """The maximum."""
        if len(self.component) == self.size:
            return per_entry
        return np.stack([per_entry[a:b].max(axis=0, initial=0) for a, b in self._spans()])

    def _spans(self) -> Iterator[tuple[int, int]]:
        return zip(self.start[:-1].tolist(), self.start[1:].tolist(), strict=True)


@functools.lru_cache(maxsize=64)
def _coordinates(n: int, real: np.dtype[Any]) -> Directions:
    each = np.arange(n, dtype=np.intp)
    return Directions(np.arange(n + 1, dtype=np.intp), each, np.ones((n, 1), real), exact=True)


def coordinates(n: int, real: np.dtype[Any], chosen: NDArray[np.intp] | None = None) -> Directions:
    """One direction per variable, or for each of those chosen."""
    if chosen is None:
        return _coordinates(n, real)
    return _coordinates(len(chosen), real)._replace(component=chosen)


@dataclass(slots=True)
class Found:
    """Derivatives along directions: arrays (m, directions, lanes); `top` is the largest step in use."""

    value: _Array
    error: _Array
    step: _Array
    top: _Array
    status: NDArray[np.int8]
    base: _Array
    history: _Array | None  # (directions, lanes, rungs, 1 + 2 m)


class _Start(NamedTuple):
    """Where ladders begin: arrays (directions, lanes) of float64 or longdouble."""

    first: _Array
    reach: _Array
    size: _Array
    finest: _Array
    side: NDArray[np.int8]
    bent: NDArray[np.bool_]
    fixed: NDArray[np.bool_]
    lost: NDArray[np.bool_]  # where x is not finite

    def of(self, lines: NDArray[np.intp]) -> tuple[_Array, _Array, _Array, _Array, NDArray[np.int8]]:
        """What the kernel wants to know of some lines."""
        first, reach, size, finest, side = (np.ascontiguousarray(part.reshape(-1)[lines]) for part in self[:5])
        return first, reach, size, finest, side


def along(
    function: Function,
    x: _Array,
    frame: Frame,
    directions: Directions,
    n: int,
    aim: Aim,
    *,
    record: bool = False,
    base: _Array | None = None,
    wanted: NDArray[np.bool_] | None = None,
) -> Found:
    """n-th derivatives along all directions at the points x (n_variables, lanes).

    `base` is f(x) (m, lanes) where it is known already. `wanted` (directions, m) says which outputs matter along a
    direction, None: all; the others are NaN, and no ladder waits for them.
    """
    if base is None:
        base = values_at(function, x)
    epsilon = function.epsilon
    if directions.size * base.size == 0:
        return _nothing(function, directions.size, base)
    start = _start(x, frame, directions, smallest(n))
    while True:
        found = _climb(function, x, base, epsilon, start, directions, n, aim, record=record, wanted=wanted)
        if found is not None:
            return found
        base = base.astype(function.dtype)  # f turned complex on the way: from the beginning


def _nothing(function: Function, axes: int, base: _Array) -> Found:
    """For no directions, points or outputs."""
    shape = (function.m, axes, base.shape[1])
    empty = np.empty(shape, base.real.dtype)
    return Found(np.empty(shape, base.dtype), empty, empty, empty, np.empty(shape, np.int8), base, None)


def smallest(n: int) -> float:
    """Components up to this count as 0: powers of steps in proportion leave the range of the exponent."""
    return float(10 ** (-280 / (n + 1)))


@np.errstate(all="ignore")
def _start(x: _Array, frame: Frame, directions: Directions, zero: float) -> _Start:
    wide = np.longdouble if x.real.dtype.char == "g" else np.float64
    if frame is NO_FRAME and x.dtype == np.float64 and directions is _coordinates(len(x), x.dtype):
        usual = coordinate_start(x, START, zero)
    else:
        usual = None
    if usual is not None:
        first, reach, size, finest = (part.reshape(x.shape) for part in usual[:4])
        nowhere = np.zeros(x.shape, np.bool_)
        return _Start(first, reach, size, finest, usual[4].reshape(x.shape), nowhere, nowhere, nowhere)
    place = x.real[directions.component]
    speed = np.broadcast_to(np.abs(directions.coefficient), place.shape)
    size = np.abs(x[directions.component])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        spacing = np.spacing(size)
        if frame.step is not None:
            own = np.broadcast_to(frame.step, x.shape)[directions.component]
        else:
            if frame.scale is not None:
                size = np.maximum(size, np.broadcast_to(frame.scale, x.shape)[directions.component])
            own = START * np.where(size <= zero, 1, size)
        first = directions.lowest(np.where(speed > 0, own / speed, np.inf)).astype(wide)
        finest = directions.lowest(np.where(speed > 0, 2 * spacing / speed, np.inf)).astype(wide)
        least_needed = directions.highest(np.where(speed > 0, 2 * spacing / speed, 0)).astype(wide)
        first = np.where(np.isfinite(first), first, 1).astype(wide)
        finest = np.where(np.isfinite(finest), finest, 0).astype(wide)
        alive = directions.lowest(np.isfinite(place).astype(wide)) > 0
        amount = directions.highest(np.abs(place) / speed).astype(wide) if directions.exact else np.zeros_like(first)
    side, bent = np.zeros(first.shape, np.int8), np.zeros(first.shape, np.bool_)
    fixed, reach = bent.copy(), np.full(first.shape, np.inf, wide)
    if frame.bounds is not None:
        lower, upper = frame.bounds
        below, above = _rooms(x, directions, lower, upper)
        least, most = np.minimum(below, above).astype(wide), np.maximum(below, above).astype(wide)
        wanted = np.minimum(first, most)
        central = least * CENTRAL >= wanted
        side = np.where(central, 0, np.where(above >= below, 1, -1)).astype(np.int8)
        reach = np.where(central, least, most)
        fixed = ~(reach > least_needed)
        fitted = np.minimum(first, reach)
        bent = (side != 0) | (fitted < first)
        first = np.where(fixed, 1, fitted)
    return _Start(first, reach, amount, finest, side, bent, fixed, ~alive)


def _rooms(x: _Array, directions: Directions, lower: _Array, upper: _Array) -> tuple[_Array, _Array]:
    """How far (directions, lanes) one can go backward and forward."""
    if len(directions.component) == directions.size and (directions.coefficient == 1).all():
        rows = directions.component
        lower, upper = np.broadcast_to(lower, x.shape)[rows], np.broadcast_to(upper, x.shape)[rows]
        return sure_room(x[rows], lower), sure_room(x[rows], upper)
    rooms = []
    for a in range(directions.size):
        entries = slice(directions.start[a], directions.start[a + 1])
        v = np.zeros(x.shape, x.real.dtype)
        v[directions.component[entries]] = directions.coefficient[entries]
        rooms.append(room_along(x, v, directions.component[entries], lower, upper))
    return np.stack([room[0] for room in rooms]), np.stack([room[1] for room in rooms])


def _climb(
    function: Function,
    x: _Array,
    base: _Array,
    epsilon: float,
    start: _Start,
    directions: Directions,
    n: int,
    aim: Aim,
    *,
    record: bool,
    wanted: NDArray[np.bool_] | None,
) -> Found | None:
    """All ladders, in blocks of lines in lockstep; None where f turns complex and `base` is real."""
    parts = 2 if base.dtype.kind == "c" else 1
    m, lanes = base.shape
    wide = start.first.dtype
    values = np.ascontiguousarray(base.T).view(base.real.dtype).astype(wide)  # (lanes, m real numbers)
    shape = (directions.size, lanes, parts * m)
    value, error, step, top = (np.full(shape, np.nan, wide) for _ in range(4))
    status = np.full(shape, Status.FIXED_VARIABLE, np.int8)
    kept: _Array | None = None
    plain = directions is _coordinates(len(x), x.real.dtype)
    live = np.flatnonzero(~(start.fixed | start.lost).reshape(-1))
    status[start.lost] = Status.NON_FINITE
    at_once = max(1, min(LINES, _NUMBERS // (100 * max(1, parts * m))))
    with np.errstate(all="ignore"):
        for first in range(0, len(live), at_once):
            block = live[first : first + at_once]
            axis, lane = np.divmod(block, lanes)
            own = values[lane]
            if wanted is not None:  # an output without a value at x is left alone
                own[~np.repeat(wanted[axis], parts, axis=1)] = np.nan
            ladders = Ladders(
                n,
                own,
                *start.of(block),
                epsilon,
                float(np.finfo(x.dtype).eps),
                *aim.numbers(),
                record,
            )
            if plain and len(block) == x.size:
                lines = Lines(x)
            else:
                lines = Lines(x, directions.start, directions.component, directions.coefficient, axis, lane)
            if not ladders.climb(function, lines):
                return None
            for whole, part in ((value, ladders.value), (error, ladders.error), (step, ladders.step)):
                whole.reshape(-1, parts * m)[block] = part
            top.reshape(-1, parts * m)[block] = ladders.top
            status.reshape(-1, parts * m)[block] = ladders.verdict
            if ladders.history is not None:
                if kept is None:
                    kept = np.zeros((directions.size * lanes, *ladders.history.shape[1:]), wide)
                kept[block] = ladders.history
    if start.bent.any():
        turned = start.bent & ~start.fixed & ~start.lost
        status[turned] = at_bound(status[turned])
    if kept is not None:
        kept = kept.reshape(directions.size, lanes, *kept.shape[1:])
    return _found(function, (value, error, step, top, status), kept, base, parts)


def at_bound(status: NDArray[np.int8]) -> NDArray[np.int8]:
    """What succeeded with a stencil that was turned or shrunk."""
    return np.where(status <= Status.NOISE_LIMIT, np.int8(Status.AT_BOUND), status)


def _found(
    function: Function, parts: tuple[_Array, ...], history: _Array | None, base: _Array, complex_parts: int
) -> Found:
    """Results (directions, lanes, m) turned to (m, directions, lanes), of f's type."""
    value, error, step, top, status = (part.transpose(2, 0, 1) for part in parts)
    dtype = np.dtype(function.dtype)
    if complex_parts == 2:
        value = value[0::2] + 1j * value[1::2]
        error = np.hypot(error[0::2], error[1::2])
        step, top = (np.fmin(steps[0::2], steps[1::2]) for steps in (step, top))
        status = worst(np.stack([status[0::2], status[1::2]]), axis=0)
        history = None
    real = dtype.type(0).real.dtype
    with np.errstate(over="ignore", under="ignore"):
        if real.itemsize < error.dtype.itemsize:
            error = error + np.finfo(real).eps * np.abs(value)
        return Found(
            np.ascontiguousarray(value, dtype),
            np.ascontiguousarray(error, real),
            np.ascontiguousarray(step, real),
            top,
            np.ascontiguousarray(status, np.int8),
            base,
            history,
        )
