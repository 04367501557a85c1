"""Sparse first derivatives by adaptive steps: ladders of steps along colours.

A ladder climbs along ``sum(units[j] * e_j)`` over the columns of a colour, where the unit of each is a power of two
near the step that suits it, so that one ladder in multiples of these suits them all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.climb import CENTRAL, START, Aim, Directions, along, at_bound
from fastcalc._differences.engine import Function, values_at
from fastcalc._differences.recipes import Frame, sure_room
from fastcalc._differences.solve import Known, Solution
from fastcalc._differences.sparsity.compressed import Compressed, require_outputs
from fastcalc._differences.sparsity.structure import Chunk, Structure
from fastcalc._results import Status

_Array = NDArray[Any]
_Indices = NDArray[np.intp]
_AMPLE = 16  # steps: with less room than this, a column keeps others from larger steps


class _Units(NamedTuple):
    """A step (n,) for each column as a power of two, negative to the left, and which columns a ladder suits."""

    unit: _Array
    suit: _Indices  # 0: room on both sides, 1: little of it, 2: on one side alone, -1: none at all, or x not finite
    bent: NDArray[np.bool_]
    fixed: NDArray[np.bool_]


class Ladders(Compressed):
    """Adaptive: one ladder for each colour, and for each kind of room in it."""

    def __init__(self, aim: Aim, structure: Structure) -> None:
        super().__init__(structure)
        self.aim = aim

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """The climbs of all chunks; each output has an error and steps of its own."""
        structure, units = self.structure, _units(x, frame)
        size = structure.pattern.size
        value, error, step = (np.full(size, np.nan, x.real.dtype) for _ in range(3))
        status = np.full(size, Status.NON_FINITE, np.int8)
        base = values_at(function, x)
        require_outputs(len(base), structure.pattern.shape[0])
        inner = Frame(np.abs(units.unit)[:, None], None, frame.bounds)
        for chunk in structure.chunks:
            directions, group = self._directions(chunk, units)
            entries = np.arange(size) if chunk.entries is None else chunk.entries
            entries = entries[group[structure.column[entries]] >= 0]
            row, line = structure.row[entries], group[structure.column[entries]]
            wanted = np.zeros((directions.size, structure.pattern.shape[0]), np.bool_)
            wanted[line, row] = True
            found = along(function, x, inner, directions, 1, self.aim, base=base, wanted=wanted)
            unit = units.unit[structure.column[entries]]
            base = found.base  # complex where f turned so on the way
            if value.dtype != found.value.dtype:
                value = value.astype(np.result_type(value, found.value))
                error, step = (part.astype(value.real.dtype) for part in (error, step))
            with np.errstate(all="ignore"):
                value[entries] = found.value[row, line, 0] / unit
                error[entries] = found.error[row, line, 0] / np.abs(unit)
                step[entries] = found.step[row, line, 0] * np.abs(unit)
            status[entries] = found.status[row, line, 0]
        bent = units.bent[structure.column]
        status[bent] = at_bound(status[bent])
        self.hide_fixed(value, status, units.fixed)
        error[status == Status.FIXED_VARIABLE] = np.nan
        known = Known(error[None, :, None], status[None, :, None]) if full else None
        return Solution(value[None, :, None], step[:, None], base, known)

    def _directions(self, chunk: Chunk, units: _Units) -> tuple[Directions, _Indices]:
        """A direction for each colour and kind of room; the number of that of each column, -1: none."""
        moving = chunk.columns[units.suit[chunk.columns] >= 0]
        key = 3 * self.structure.colors[moving] + units.suit[moving]
        order = np.argsort(key, kind="stable")
        moving, key = moving[order], key[order]
        _, which, counts = np.unique(key, return_inverse=True, return_counts=True)
        group = np.full(len(units.unit), -1, np.intp)
        group[moving] = which
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
        coefficient = np.ascontiguousarray(units.unit[moving][:, None])
        return Directions(start, moving.astype(np.intp), coefficient, exact=True), group


@np.errstate(all="ignore")
def _units(x: _Array, frame: Frame) -> _Units:
    """Steps that a ladder of each column by itself would begin with, of at most that length."""
    place, size = x.real[:, 0], np.abs(x[:, 0])
    if frame.step is not None:
        own = np.broadcast_to(frame.step, x.shape)[:, 0]
    else:
        if frame.scale is not None:
            size = np.maximum(size, np.broadcast_to(frame.scale, x.shape)[:, 0])
        own = START * np.where(size == 0, 1, size)
    alive = np.isfinite(size)
    suit = np.where(alive, 0, -1).astype(np.intp)
    sign = np.ones_like(place)
    bent = fixed = np.zeros(len(x), np.bool_)
    if frame.bounds is not None:
        lower, upper = (np.broadcast_to(side, x.shape)[:, 0] for side in frame.bounds)
        below, above = sure_room(place, lower), sure_room(place, upper)
        least, most = np.minimum(below, above), np.maximum(below, above)
        central = least * CENTRAL >= np.minimum(own, most)
        reach = np.where(central, least, most)
        fixed = alive & ~(reach > 4 * np.spacing(np.abs(place)))
        fitted = np.minimum(own, reach)
        bent = alive & ~fixed & (~central | (fitted < own))
        suit[alive & (reach < _AMPLE * own)] = 1
        suit[alive & ~central] = 2
        suit[fixed] = -1
        sign = np.where(~central & (below > above), -1, sign)
        own = fitted
    unit = np.exp2(np.floor(np.log2(np.where(alive & ~fixed & (own > 0), own, 1)))) * sign
    return _Units(unit.astype(place.dtype), suit, bent, fixed)
