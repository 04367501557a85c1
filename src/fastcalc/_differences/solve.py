"""From a recipe to a derivative: place the samples, walk them, and take again what drowned in rounding.

Points of a batch with the same kinds of axes share a plan. Where abs(x) is tiny and nothing else tells the size of a
variable, steps relative to it may be far too small: a difference that is mostly rounding error is taken once more with
the step for size 1, and that result is kept if the first one was nothing but rounding, or if both agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.engine import CoarserOutput, Function, Walk, walk
from fastcalc._differences.plans import BACKWARD, FIXED
from fastcalc._differences.recipes import Frame, Recipe, Sample
from fastcalc._differences.steps import is_tiny
from fastcalc._kernels.plan import Plan
from fastcalc._results import Status

_POOR = -0.4  # with eps**_POOR times its rounding bound above it, a difference has lost most of its digits


@dataclass(slots=True)
class Solution:
    """Results (m, n_targets, lanes), their error estimates if asked for, and f(x) where it was evaluated."""

    value: NDArray[Any]
    error: NDArray[Any] | None
    step: NDArray[Any]
    status: NDArray[np.int8] | None
    base: NDArray[Any] | None


@np.errstate(all="ignore")
def _quietly(
    recipe: Recipe, function: Function, plan: Plan, x: NDArray[Any], lanes: int, shape: tuple[int, ...]
) -> NDArray[Any] | None:
    return function.at_once(plan, x, lanes, recipe.relative, recipe.reach, recipe.measured, shape, True)


def solve_at_once(recipe: Recipe, function: Function, x: NDArray[Any], lanes: int, shape: tuple[int, ...]) -> Any:
    """The same three steps in one kernel call, for default options; None where it takes more than that.

    Points with tiny components are solved again, by `solve`.
    """
    plan = recipe.one_block
    if plan is None:
        return None
    if plan.base:  # f at x itself: its warnings are the user's
        result = function.at_once(plan, x, lanes, recipe.relative, recipe.reach, recipe.measured, shape, False)
    else:
        result = _quietly(recipe, function, plan, x, lanes, shape)
    if result is not None:
        for first, points in function.suspects:
            some = np.flatnonzero(is_tiny(np.abs(points)).any(axis=0))
            again = solve(recipe, function, np.ascontiguousarray(points[:, some]), Frame(), full=False)
            result.reshape(-1, recipe.n_targets, lanes)[..., first + some] = again.value
    return result


def solve(recipe: Recipe, function: Function, x: NDArray[Any], frame: Frame, *, full: bool) -> Solution:
    """Derivatives at x (n, lanes); with ``full`` their errors, steps and statuses."""
    evaluated = 0
    while True:
        function.start()
        sample = recipe.place(x, frame, function.epsilon)
        tiny = recipe.tiny(x, frame) if sample.has_tiny else None
        try:
            found = _walk_alike(recipe, function, x, sample, None, full=full, rounding=tiny is not None)
            break
        except CoarserOutput:
            evaluated += function.evaluations
            function.epsilon = function.coarse
    function.count(evaluated)
    step = recipe.target_steps(sample.h) if full else sample.h
    if tiny is not None:
        step = _retake(recipe, function, x, frame, sample, tiny, found, step, full=full)
    if not full:
        return Solution(found.value, None, step, None, found.base)
    status = _status(recipe, found.value, sample)
    return Solution(found.value, _error(found, function.epsilon), step, status, found.base)


def _walk_alike(
    recipe: Recipe,
    function: Function,
    x: NDArray[Any],
    sample: Sample,
    targets: NDArray[np.intp] | None,
    *,
    full: bool,
    rounding: bool,
) -> Walk:
    """One walk per set of points whose axes are of the same kinds."""
    n_targets = recipe.n_targets if targets is None else len(targets)
    h, divisors = recipe.slots(sample.h), recipe.divisors(x, sample)
    if sample.kinds is None or sample.signs is None:
        plans = recipe.plans(None, None)
        if targets is not None:
            kinds = np.full(recipe.axes.size, recipe.rule.kind, np.uint8)
            side = -1 if recipe.rule.kind == BACKWARD else 1
            plans = recipe.subset(kinds, np.full(recipe.axes.size, side, np.int8), targets)
        return walk(function, plans, n_targets, x, h, divisors, estimate=full, rounding=rounding)
    patterns, of_lane = np.unique(
        np.concatenate([sample.kinds.astype(np.int16), sample.signs.astype(np.int16)]), axis=1, return_inverse=True
    )
    parts: list[tuple[NDArray[np.intp], Walk]] = []
    for k in range(max(1, patterns.shape[1])):
        lanes = np.flatnonzero(of_lane.reshape(-1) == k)
        kinds, signs = np.zeros(recipe.axes.size, np.uint8), np.ones(recipe.axes.size, np.int8)
        if patterns.shape[1]:
            kinds[:], signs[:] = np.split(patterns[:, k], 2)
        plans = recipe.plans(kinds, signs) if targets is None else recipe.subset(kinds, signs, targets)
        alone = patterns.shape[1] <= 1
        x_part, h_part, d_part = (a if alone else np.ascontiguousarray(a[:, lanes]) for a in (x, h, divisors))
        complete = not (kinds == FIXED).any()
        part = walk(
            function, plans, n_targets, x_part, h_part, d_part, complete=complete, estimate=full, rounding=rounding
        )
        if alone:
            return part
        parts.append((lanes, part))
    return _merge(parts, x.shape[1])


def _merge(parts: list[tuple[NDArray[np.intp], Walk]], lanes: int) -> Walk:
    """Put the lanes of several walks back into one."""

    def together(arrays: list[NDArray[Any] | None]) -> NDArray[Any] | None:
        present = [array for array in arrays if array is not None]
        if not present:
            return None
        whole = np.full((*present[0].shape[:-1], lanes), np.nan, np.result_type(*present))
        for (members, _), array in zip(parts, arrays, strict=True):
            if array is not None:
                whole[..., members] = array
        return whole

    walks = [part for _, part in parts]
    value = together([part.value for part in walks])
    assert value is not None
    return Walk(
        value,
        together([part.truncation for part in walks]),
        together([part.rounding for part in walks]),
        together([part.base for part in walks]),
    )


def _retake(
    recipe: Recipe,
    function: Function,
    x: NDArray[Any],
    frame: Frame,
    sample: Sample,
    tiny: NDArray[np.bool_],
    found: Walk,
    step: NDArray[Any],
    *,
    full: bool,
) -> NDArray[Any]:
    """Take poor results along tiny axes again, with steps for size 1; updates `found`, returns the steps used."""
    if found.rounding is None:
        return step
    bound = found.rounding * function.epsilon
    poor = recipe.involves(tiny) & (np.abs(found.value) <= bound * function.epsilon**_POOR)
    if not poor.any():
        return step
    targets = np.flatnonzero(poor.any(axis=(0, 2)))
    targets = np.unique(np.minimum(targets, recipe.mirror(targets)))
    lanes = np.flatnonzero(poor.any(axis=(0, 1)))
    there = np.ascontiguousarray(x[:, lanes])
    size = np.abs(there)
    wider = Frame(
        scale=np.where(is_tiny(size), 1, size).astype(size.dtype),
        lower=_columns(frame.lower, lanes),
        upper=_columns(frame.upper, lanes),
    )
    again = recipe.place(there, wider, function.epsilon)
    second = _walk_alike(recipe, function, there, again, targets, full=full, rounding=True)
    assert second.rounding is not None
    outputs = np.arange(len(found.value))
    block = np.ix_(outputs, targets, lanes)
    first, limit = found.value[block], bound[block]
    drowned = ~(np.abs(first) > limit)
    accept = poor[block] & np.isfinite(second.value) & (drowned | (np.abs(second.value - first) <= 2 * limit))
    mirrored = np.ix_(outputs, recipe.mirror(targets), lanes)
    for old, new in (
        (found.value, second.value),
        (found.rounding, second.rounding),
        (found.truncation, second.truncation),
    ):
        if old is not None and new is not None:
            chosen = np.where(accept, new, old[block])
            old[block] = chosen
            old[mirrored] = chosen
    if not full:
        return step
    wide_steps = recipe.target_steps(again.h)[targets]
    step = np.array(step)
    taken = accept.any(axis=0)
    step[np.ix_(targets, lanes)] = np.where(taken, wide_steps, step[np.ix_(targets, lanes)])
    step[np.ix_(recipe.mirror(targets), lanes)] = step[np.ix_(targets, lanes)]
    return step


def _columns(option: NDArray[Any] | None, lanes: NDArray[np.intp]) -> NDArray[Any] | None:
    """A per-variable option for some of the lanes."""
    return option if option is None or option.shape[1] == 1 else np.ascontiguousarray(option[:, lanes])


def _error(found: Walk, epsilon: float) -> NDArray[Any]:
    """Truncation estimate plus rounding bound; NaN where there is no estimate."""
    if found.truncation is None or found.rounding is None:
        return np.full(found.value.shape, np.nan, found.value.real.dtype)
    error: NDArray[Any] = np.abs(found.truncation) + found.rounding * epsilon
    return error


def _status(recipe: Recipe, value: NDArray[Any], sample: Sample) -> NDArray[np.int8]:
    status = np.full(value.shape, Status.FIXED_STEP, np.int8)
    if sample.kinds is not None and sample.bent is not None:
        status[:, recipe.involves(sample.bent)] = Status.AT_BOUND
    status[~np.isfinite(value)] = Status.NON_FINITE
    if sample.kinds is not None:
        status[:, recipe.involves(sample.kinds == FIXED)] = Status.FIXED_VARIABLE
    return status
