"""Sparse first derivatives from differences along colours.

    where     columns of one colour move together, each by its own steps and to its own sides: at point t of a colour,
              column j is at ``x_j + offsets[kind(j)][t] * h_j``, so that bounds cost no further points
    call      the function adapter: as many points a colour as a dense Jacobian takes a column
    combine   differences ``D[row, group]``, a group being the columns of a colour with one kind of stencil, then
              ``data[e] = D[row(e), group(e)] / h[column(e)]``

A. R. Curtis, M. J. D. Powell, J. K. Reid, "On the estimation of sparse Jacobian matrices", J. Inst. Math. Appl. 13
(1974) 117-119.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.engine import CoarserOutput, Function, Walk, walk
from fastcalc._differences.plans import BASE, FIXED, line
from fastcalc._differences.recipes import Frame, Recipe, Sample
from fastcalc._differences.solve import Known, Solution, lost
from fastcalc._differences.steps import Rule, is_tiny
from fastcalc._differences.structure import Chunk, Structure
from fastcalc._kernels.compressed import recover
from fastcalc._kernels.plan import Plan
from fastcalc._results import Status

_Array = NDArray[Any]
_Indices = NDArray[np.intp]


class Compressed:
    """What sparse recipes share; results are the entries of the pattern, as (1, entries, 1)."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure

    def solve(self, function: Any, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """Derivatives at one point x (n, 1); with ``full`` their errors, steps and statuses."""
        raise NotImplementedError

    def require_outputs(self, m: int) -> None:
        """That f has as many outputs as the pattern has rows."""
        rows = self.structure.pattern.shape[0]
        if m != rows:
            raise ValueError(
                f"`sparsity` must have one row per output of f, {m} in all; got {rows} rows: rows are outputs, columns "
                "are variables"
            )

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


def recovered(structure: Structure, chunk: Chunk, part: _Array, group: _Indices, divisor: _Array, out: _Array) -> None:
    """Entries of a chunk from compressed derivatives (m, groups), or the same with a last axis of 1."""
    compressed = np.ascontiguousarray(part).reshape(part.shape[:2])
    recover(compressed, structure.row, structure.column, group, divisor, chunk.entries, out)


class _ColoredPlan(NamedTuple):
    """A plan for some colours; the group of each column, -1: none, and the denominator of its stencil."""

    plan: Plan
    group: _Indices
    denominator: NDArray[np.float64]


def colored_plan(colors: _Indices, columns: _Indices, kinds: NDArray[np.uint8], accuracy: int) -> _ColoredPlan:
    """First differences along the colours of `columns`, which come colour by colour; fixed ones do not move.

    A closed group of points is a colour, its results are the kinds of stencils in it, all on the same points. Results
    are not divided by steps: these belong to the columns.
    """
    n = len(colors)
    moving = columns[kinds[columns] != FIXED]
    color, kind = colors[moving], kinds[moving]
    lines = {code: line(code, 1, accuracy) for code in np.unique(kind).tolist()}
    base = any(piece.needs_base for piece in lines.values())
    per_color = max((len(piece.offsets) for piece in lines.values()), default=0)
    offsets = np.zeros((FIXED, per_color))
    denominator = np.ones(n)
    for code, piece in lines.items():
        offsets[code] = piece.offsets  # all kinds have as many
        denominator[moving[kind == code]] = piece.denominator

    # points: for each colour, its columns once per offset
    begins = np.flatnonzero(np.diff(color, prepend=-1))
    sizes = np.diff(np.append(begins, len(moving)))
    slots = [np.tile(moving[a : a + size], per_color) for a, size in zip(begins, sizes, strict=True)]
    multiples = [offsets[kind[a : a + size]].T.reshape(-1) for a, size in zip(begins, sizes, strict=True)]
    points = int(base) + per_color * np.arange(len(begins) + 1)

    # results: the kinds within a colour
    place = np.cumsum(np.diff(color, prepend=-1) != 0) - 1  # which of these colours
    keys, which = np.unique(place * FIXED + kind, return_inverse=True)
    group = np.full(n, -1, np.intp)
    group[moving] = which
    owner, codes = keys // FIXED, keys % FIXED
    terms = [_terms(lines[code], int(points[c])) for c, code in zip(owner.tolist(), codes.tolist(), strict=True)]
    plus, minus, weight, embedded = (_joined([term[k] for term in terms]) for k in range(4))
    each = np.arange(len(keys))
    plan = Plan(
        n_components=n,
        component=np.arange(n),
        point_start=np.concatenate([np.zeros(1 + int(base)), np.cumsum(np.repeat(sizes, per_color))]).astype(np.intp),
        entry_slot=_joined(slots).astype(np.intp),
        multiple=_joined(multiples),
        n_retained=int(base),
        base=base,
        group_point=points,
        group_result=np.searchsorted(owner, np.arange(len(begins) + 1)),
        term_start=np.cumsum([0, *(len(term[0]) for term in terms)]),
        plus=plus.astype(np.intp),
        minus=minus.astype(np.intp),
        weight=weight,
        embedded=embedded if len(keys) and all(piece.embedded is not None for piece in lines.values()) else None,
        divisor_start=np.zeros(len(keys) + 1),
        divisor_slot=np.zeros(0),
        denominator=np.ones(len(keys)),
        target=each,
        mirror=each,
        n_targets=len(keys),
    )
    return _ColoredPlan(plan, group, denominator)


def _terms(piece: Any, first: int) -> tuple[_Array, _Array, _Array, _Array]:
    """Plus, minus, weight and embedded weight of a stencil on the points from `first`; the base is point 0."""
    minus = np.where(piece.minus >= 0, first + piece.minus, np.where(piece.minus == BASE, 0, -1))
    difference = np.zeros(0) if piece.embedded is None else piece.embedded
    return first + piece.plus, minus, piece.weight, difference


def _joined(parts: list[_Array]) -> _Array:
    return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(slots=True)
class _Entries:
    """Entries (nnz,) as they come in, chunk by chunk, and what is known of their errors; f(x) (m, 1)."""

    value: _Array
    truncation: _Array | None = None
    rounding: _Array | None = None
    base: _Array | None = None


class Differences(Compressed):
    """With fixed steps."""

    def __init__(self, rule: Rule, structure: Structure) -> None:
        super().__init__(structure)
        self.columns = Recipe(rule, structure.pattern.shape[1])  # steps and sides, one axis per column
        self._usual = np.full(self.columns.n, rule.kind, np.uint8)
        self._kept: dict[int, tuple[NDArray[np.uint8], _ColoredPlan]] = {}

    def solve(self, function: Function, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """One walk; poor differences along tiny components are taken again, as `solve_fixed` does."""
        columns = self.columns
        while True:
            function.start()
            sample = columns.place(x, frame, function.epsilon)
            tiny = columns.tiny(x, frame, function.epsilon) if sample.has_tiny else None
            try:
                found = self._walk(function, x, sample, full=full, rounding=tiny is not None)
                break
            except CoarserOutput:
                function.epsilon = function.coarse
        again = None
        if tiny is not None:
            again = self._retake(function, x, frame, tiny[:, 0], found, full=full)
        fixed = None if sample.turned is None else sample.turned.kinds[:, 0] == FIXED
        if not full:
            self.hide_fixed(found.value, None, fixed)
            return Solution(found.value[None, :, None], sample.h, found.base, None)
        step, status = self._steps(sample), self._status(found.value, sample)
        if again is not None:
            accept, second = again
            step = np.where(accept, self._steps(second), step)
            status = np.where(accept, self._status(found.value, second), status)
        self.hide_fixed(found.value, status, fixed)
        error = _errors(found, function.epsilon)
        known = Known(error[None, :, None], status[None, :, None])
        return Solution(found.value[None, :, None], step[:, None], found.base, known)

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
        only: NDArray[np.bool_] | None = None,
        *,
        full: bool,
        rounding: bool,
    ) -> _Entries:
        """Evaluate, combine and recover, chunk by chunk; `only`: some columns alone, NaN elsewhere."""
        kinds = self._usual if sample.turned is None else sample.turned.kinds[:, 0]
        steps = self.columns.divisors(x, sample)[:, 0]
        found: _Entries | None = None
        for number, chunk in enumerate(self.structure.chunks):
            colored = self._plan(number, chunk, kinds, only)
            plans = (colored.plan,)
            part = walk(
                function,
                lambda plans=plans: plans,  # type: ignore[misc]
                colored.plan.n_targets,
                x,
                sample.h,
                sample.h,
                estimate=full,
                rounding=rounding,
            )
            self.require_outputs(function.m)
            divisor = colored.denominator.astype(steps.dtype) * steps
            found = self._put(found, part, chunk, colored.group, divisor)
        assert found is not None  # there is at least one chunk
        return found

    def _put(self, found: _Entries | None, part: Walk, chunk: Chunk, group: _Indices, divisor: _Array) -> _Entries:
        """The entries of a chunk, beside those of the chunks before."""
        size = self.structure.pattern.size
        found = found or _Entries(np.empty(size, part.value.dtype), base=part.base)
        for name in ("value", "truncation", "rounding"):
            compressed, out = getattr(part, name), getattr(found, name)
            if compressed is not None:
                if out is None:
                    out = np.empty(size, compressed.dtype)  # each entry is in one chunk
                out = out.astype(np.result_type(out, compressed), copy=False)
                recovered(
                    self.structure,
                    chunk,
                    compressed.astype(out.dtype, copy=False),
                    group,
                    divisor.astype(out.real.dtype, copy=False),
                    out,
                )
                setattr(found, name, out)
        return found

    def _plan(
        self, number: int, chunk: Chunk, kinds: NDArray[np.uint8], only: NDArray[np.bool_] | None
    ) -> _ColoredPlan:
        """The plan of a chunk: that of the last call, where all columns were of the same kinds."""
        accuracy = self.columns.rule.accuracy
        if only is not None:
            kinds = np.where(only, kinds, FIXED).astype(np.uint8)
            return colored_plan(self.structure.colors, chunk.columns, kinds, accuracy)
        kept = self._kept.get(number)
        if kept is None or not (kept[0] is kinds or np.array_equal(kept[0], kinds)):
            kept = kinds, colored_plan(self.structure.colors, chunk.columns, kinds, accuracy)
            self._kept[number] = kept
        return kept[1]

    def _retake(
        self,
        function: Function,
        x: _Array,
        frame: Frame,
        tiny: NDArray[np.bool_],
        found: _Entries,
        *,
        full: bool,
    ) -> tuple[NDArray[np.bool_], Sample] | None:
        """Take poor entries in tiny columns again, with steps for size 1; updates `found`."""
        if found.rounding is None:
            return None
        column, epsilon = self.structure.column, function.epsilon
        # a bound that overflowed is NaN: no bound at all, where steps are far too small
        bound = np.where(np.isnan(found.rounding) & np.isfinite(found.value), np.inf, found.rounding * epsilon)
        poor = tiny[column] & (np.abs(found.value) <= bound * lost(self.columns.rule, epsilon))
        if not poor.any():
            return None
        only = np.zeros(len(x), np.bool_)
        only[column[poor]] = True
        size = np.abs(x)
        one = np.where(is_tiny(size, self.columns.rule.tiny_below(epsilon)), 1, size).astype(size.dtype)
        sample = self.columns.place(x, frame._replace(scale=one), epsilon)
        second = self._walk(function, x, sample, only, full=full, rounding=True)
        # the truth is within the first bound, so a second result that is not has lost more than it gained
        agrees = np.abs(second.value - found.value) <= bound
        accept = poor & np.isfinite(second.value) & agrees
        for name in ("value", "truncation", "rounding"):
            old, new = getattr(found, name), getattr(second, name)
            if old is not None and new is not None:
                setattr(found, name, np.where(accept, new, old))
        return accept, sample


def _errors(found: _Entries, epsilon: float) -> _Array:
    """Truncation estimate plus rounding bound; NaN where there is no estimate."""
    if found.truncation is None or found.rounding is None:
        return np.full(found.value.shape, np.nan, found.value.real.dtype)
    error: _Array = np.abs(found.truncation) + found.rounding * epsilon
    return error
