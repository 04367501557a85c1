"""Sparse first derivatives from differences along colours.

    where     columns of one colour move together, each by its own steps and to its own sides
    call      the function adapter: as many points a colour as a dense Jacobian takes a column
    combine   an entry is the difference along the colour of its column, in its row, over the step of its column

A. R. Curtis, M. J. D. Powell, J. K. Reid, "On the estimation of sparse Jacobian matrices", J. Inst. Math. Appl. 13
(1974) 117-119.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.engine import DERIVATIVE, ROUNDING, TRUNCATION, CoarserOutput, Function, visit
from fastcalc._differences.plans import FIXED
from fastcalc._differences.recipes import Frame, Recipe, Sample
from fastcalc._differences.solve import Known, Solution, lost
from fastcalc._differences.sparsity.colored_plans import ColoredPlan, colored_plan
from fastcalc._differences.sparsity.structure import Chunk, Structure
from fastcalc._differences.steps import Rule, is_tiny
from fastcalc._kernels.compressed import gather, recover
from fastcalc._kernels.plan import Plan
from fastcalc._results import Status

_Array = NDArray[Any]
_Indices = NDArray[np.intp]
_NUMBERS = 2**22  # values of f in memory at once


class Compressed:
    """What sparse recipes share; results are the entries of the pattern, as (1, entries, 1)."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure

    def solve(self, function: Any, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """Derivatives at one point x (n, 1); with ``full`` their errors, steps and statuses."""
        raise NotImplementedError

    def hide_fixed(self, value: _Array, status: NDArray[np.int8] | None, fixed: NDArray[np.bool_] | None) -> None:
        """NaN in the columns of variables (n,) that bounds fix; where entries come from mirror images, in their rows,
        too.
        """
        if fixed is None or not fixed.any():
            return
        hidden = fixed[self.structure.pattern.indices]
        if self.structure.mirrored:
            hidden |= fixed[self.structure.pattern.rows]
        value[hidden] = np.nan
        if status is not None:
            status[hidden] = Status.FIXED_VARIABLE


def require_outputs(m: int, rows: int) -> None:
    """That f has as many outputs as a pattern has rows."""
    if m != rows:
        raise ValueError(
            f"`sparsity` must have one row per output of f, {m} in all; got {rows} rows: rows are outputs, columns are "
            "variables"
        )


def recovered(structure: Structure, chunk: Chunk, part: _Array, out: _Array) -> None:
    """Entries of a chunk from derivatives along its colours (m, colours, 1)."""
    compressed = np.ascontiguousarray(part, out.dtype).reshape(part.shape[:2])
    group = (structure.colors - chunk.first).astype(np.int32)
    recover(compressed, structure.row, structure.column, group, chunk.entries, out)


class _Entries:
    """Results of a walk: entries (nnz,) by mode, each taken from the differences along the colour of its column."""

    def __init__(
        self,
        structure: Structure,
        colored: ColoredPlan,
        steps: _Array,
        some: NDArray[np.int32] | None,
        modes: tuple[int, ...],
    ) -> None:
        """`some`: the only entries that are wanted in these modes."""
        self.structure, self.colored, self.steps = structure, colored, steps
        self.some, self.modes = some, modes
        self.outs: dict[int, _Array] = {}
        self.base: _Array | None = None

    def columns(self, function: Function) -> int:
        """A single pass over the entries is worth more memory than the cache, where points are called one by one."""
        wanted = 0 if function.columns_last else _NUMBERS // max(1, self.structure.pattern.shape[0])
        return max(function.columns(), min(wanted, self.colored.plan.n_points))

    def take(self, function: Function, plan: Plan, group: int, stop: int, mode: int, lane: int, width: int) -> None:
        """The entries of some colours."""
        m, rows = function.m, self.structure.pattern.shape[0]
        if m != rows:
            require_outputs(m, rows)
        dtype = function.dtype if mode != ROUNDING else function.values.real.dtype
        out = self.outs.get(mode)
        if out is None:
            size = self.structure.pattern.size
            out = np.empty(size, dtype) if self.colored.whole else np.full(size, np.nan, dtype)
        out = self.outs[mode] = out.astype(dtype, copy=False)
        if self.steps.dtype != out.real.dtype:
            self.steps = self.steps.astype(out.real.dtype)
        spans, place, row, column = self._entries(plan, group, stop, mode)
        for first, last in spans:
            gather(
                plan,
                group,
                stop,
                mode,
                function.values,
                function.columns_last,
                m,
                place,
                row,
                column,
                first,
                last,
                self.colored.result,
                self.colored.whole,
                self.steps,
                out,
            )

    def _entries(
        self, plan: Plan, group: int, stop: int, mode: int
    ) -> tuple[list[tuple[int, int]], NDArray[np.int32] | None, NDArray[np.int32], NDArray[np.int32]]:
        """Ranges of the entries of these groups in tables of places, rows and columns."""
        structure, colors = self.structure, self.colored.color[group:stop]
        place: NDArray[np.int32] | None
        if self.some is not None and mode in self.modes:
            place = self.some
            if stop - group < plan.n_groups:
                place = place[np.isin(structure.colors[structure.column[place]], colors)]
            return [(0, len(place))], place, structure.row[place], structure.column[place]
        if stop - group == plan.n_groups:
            return [(0, len(structure.row))], None, structure.row, structure.column
        start, place, row, column = structure.by_color
        return [(start[c], start[c + 1]) for c in colors.tolist()], place, row, column

    def nothing(self, function: Function) -> None:
        """No column moves, or there are none."""
        require_outputs(function.m, self.structure.pattern.shape[0])
        self.outs[DERIVATIVE] = np.full(self.structure.pattern.size, np.nan, function.dtype)


class Differences(Compressed):
    """With fixed steps."""

    def __init__(self, rule: Rule, structure: Structure) -> None:
        super().__init__(structure)
        self.columns = Recipe(rule, structure.pattern.shape[1])  # steps and sides, one axis per column
        self._usual = np.full(self.columns.n, rule.kind, np.uint8)
        self._kept: tuple[NDArray[np.uint8], ColoredPlan] | None = None

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """One walk; poor differences along tiny components are taken again, as `solve_fixed` does."""
        columns = self.columns
        while True:
            function.start()
            sample = columns.place(x, frame, function.epsilon)
            tiny = columns.tiny(x, frame, function.epsilon) if sample.has_tiny else None
            some = None if tiny is None else np.flatnonzero(tiny[self.structure.column, 0]).astype(np.int32)
            try:
                found = self._walk(function, x, sample, some, full=full)
                break
            except CoarserOutput:
                function.epsilon = function.coarse
        again = None
        if some is not None and len(some):
            again = self._retake(function, x, frame, some, found, full=full)
        fixed = None if sample.turned is None else sample.turned.kinds[:, 0] == FIXED
        if not full:
            self.hide_fixed(found.outs[DERIVATIVE], None, fixed)
            return Solution(found.outs[DERIVATIVE][None, :, None], sample.h, found.base, None)
        step, status = self._steps(sample), self._status(found.outs[DERIVATIVE], sample)
        if again is not None:
            accepted, second = again
            step[accepted] = self._steps(second)[accepted]
            status[accepted] = self._status(found.outs[DERIVATIVE], second)[accepted]
        self.hide_fixed(found.outs[DERIVATIVE], status, fixed)
        error = _errors(found, function.epsilon)
        known = Known(error[None, :, None], status[None, :, None])
        return Solution(found.outs[DERIVATIVE][None, :, None], step[:, None], found.base, known)

    def _steps(self, sample: Sample) -> _Array:
        """The step of each entry: that of its column."""
        steps: _Array = sample.h[:, 0][self.structure.column]
        return steps

    def _status(self, value: _Array, sample: Sample) -> NDArray[np.int8]:
        status = np.full(value.shape, Status.FIXED_STEP, np.int8)
        if sample.turned is not None:
            status[sample.turned.bent[:, 0][self.structure.column]] = Status.AT_BOUND
        status[~np.isfinite(value)] = Status.NON_FINITE
        return status

    def _walk(
        self,
        function: Function,
        x: _Array,
        sample: Sample,
        some: NDArray[np.int32] | None,
        only: NDArray[np.bool_] | None = None,
        *,
        full: bool,
    ) -> _Entries:
        """Evaluate and combine, and bound the rounding of some entries; `only`: for some columns, and these entries."""
        kinds = self._usual if sample.turned is None else sample.turned.kinds[:, 0]
        colored = self._plan(kinds, only)
        modes = (DERIVATIVE, TRUNCATION, ROUNDING) if only is not None else () if full else (ROUNDING,)
        found = _Entries(self.structure, colored, self.columns.divisors(x, sample)[:, 0], some, modes)
        plans = (colored.plan,)
        found.base = visit(function, lambda: plans, x, sample.h, found, estimate=full, rounding=some is not None)
        return found

    def _plan(self, kinds: NDArray[np.uint8], only: NDArray[np.bool_] | None) -> ColoredPlan:
        """That of the last call, where columns were of the same kinds; `only`: for some columns alone."""
        colors, columns, accuracy = self.structure.colors, self.structure.columns, self.columns.rule.accuracy
        if only is not None:
            return colored_plan(colors, columns[only[columns]], kinds, accuracy)
        if self._kept is None or not (self._kept[0] is kinds or np.array_equal(self._kept[0], kinds)):
            self._kept = kinds, colored_plan(colors, columns, kinds, accuracy)
        return self._kept[1]

    def _retake(
        self,
        function: Function,
        x: _Array,
        frame: Frame,
        some: NDArray[np.int32],
        found: _Entries,
        *,
        full: bool,
    ) -> tuple[NDArray[np.int32], Sample] | None:
        """Take those entries in tiny columns that are poor again, with steps for size 1; updates `found`."""
        if ROUNDING not in found.outs:
            return None
        epsilon = function.epsilon
        value, rounding = found.outs[DERIVATIVE][some], found.outs[ROUNDING][some]
        # a bound that overflowed is NaN: no bound at all, where steps are far too small
        bound = np.where(np.isnan(rounding) & np.isfinite(value), np.inf, rounding * epsilon)
        poor = np.abs(value) <= bound * lost(self.columns.rule, epsilon)
        if not poor.any():
            return None
        some, value, bound = some[poor], value[poor], bound[poor]
        only = np.zeros(len(x), np.bool_)
        only[self.structure.column[some]] = True
        size = np.abs(x)
        one = np.where(is_tiny(size, self.columns.rule.tiny_below(epsilon)), 1, size).astype(size.dtype)
        sample = self.columns.place(x, frame._replace(scale=one), epsilon)
        second = self._walk(function, x, sample, some, only, full=full)
        again = second.outs[DERIVATIVE][some]
        # the truth is within the first bound, so a second result that is not has lost more than it gained
        accepted = some[np.isfinite(again) & (np.abs(again - value) <= bound)]
        for mode, out in second.outs.items():
            if mode in found.outs:
                found.outs[mode] = found.outs[mode].astype(np.result_type(found.outs[mode], out), copy=False)
                found.outs[mode][accepted] = out[accepted]
        return accepted, sample


def _errors(found: _Entries, epsilon: float) -> _Array:
    """Truncation estimate plus rounding bound; NaN where there is no estimate."""
    if TRUNCATION not in found.outs:
        value = found.outs[DERIVATIVE]
        return np.full(value.shape, np.nan, value.real.dtype)
    error: _Array = np.abs(found.outs[TRUNCATION]) + found.outs[ROUNDING] * epsilon
    return error
