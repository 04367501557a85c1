"""From a recipe to a derivative: place the samples, walk them, and take again what drowned in rounding.

Points of a batch with the same kinds of axes share a plan. Where abs(x) is tiny and nothing else tells the size of a
variable, steps relative to it may be far too small: a difference that is mostly rounding error is taken once more with
the step for size 1, and that result is kept if it agrees with the first one within its rounding bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences import compiled_loops
from fastcalc._differences.engine import CoarserOutput, Function, Walk, walk
from fastcalc._differences.lanes import alike, take, together
from fastcalc._differences.plans import FIXED
from fastcalc._differences.recipes import NO_FRAME, Frame, Recipe, Sample, Sides
from fastcalc._differences.steps import Rule, is_tiny
from fastcalc._functions.compiled_calls import CompiledCalls
from fastcalc._kernels.plan import Plan
from fastcalc._results import History, Status

_Reduction = Callable[[NDArray[Any]], NDArray[Any]]
_POOR = -0.4  # exponent of eps
_POOR_HIGHER = 100.0  # for higher derivatives, which have fewer digits to lose


@dataclass(slots=True)
class Known:
    """What is known of results, in their shape: error estimates (NaN: unknown) and statuses."""

    error: NDArray[Any]
    status: NDArray[np.int8]
    history: History | None = None  # arrays (rungs, *shape)


class Expansion(NamedTuple):
    """Taylor coefficients (n_terms, m) in the order of a space, and what is known of them in the same shape."""

    coef: NDArray[Any]
    error: NDArray[Any]
    step: NDArray[Any]  # geometric mean of the lengths of the variables in a term
    status: NDArray[np.int8]
    base: NDArray[Any]  # f(x0) (m,)


@dataclass(slots=True)
class Solution:
    """Results (m, n_targets, lanes), and f(x) (m, lanes) where it was evaluated.

    `step` is the one to report for each result, or, where nothing is to be reported, the one of each axis.
    """

    value: NDArray[Any]
    step: NDArray[Any]
    base: NDArray[Any] | None
    known: Known | None

    def reduced(self, value: _Reduction, status: _Reduction, error: _Reduction | None = None) -> Solution:
        """With sums, means or parts in the place of the results; errors like values where `error` is not given."""
        known = self.known
        if known is not None:
            with np.errstate(all="ignore"):  # errors without bound
                known = Known((error or value)(known.error), status(known.status))
        step = self.step if self.step.ndim == 2 else self.step.max(axis=0, initial=0)  # of outputs that differ
        with np.errstate(invalid="ignore"):  # inf - inf is NaN without a word
            return Solution(value(self.value), step, self.base, known)


def gathered(parts: list[Solution], how: Callable[[list[NDArray[Any]]], NDArray[Any]]) -> Solution:
    """Several solutions in one, by np.stack or np.concatenate; their steps one after the other."""
    known = [part.known for part in parts if part.known is not None]
    return Solution(
        how([part.value for part in parts]),
        np.concatenate([part.step for part in parts]),
        parts[0].base,
        Known(how([k.error for k in known]), how([k.status for k in known])) if known else None,
    )


def solution_of_lanes(parts: list[tuple[NDArray[np.intp], Solution]], lanes: int) -> Solution:
    """The solution for all points of a batch from those for some."""

    def whole(get: Callable[[Solution], NDArray[Any] | None]) -> Any:
        return together([(members, get(part)) for members, part in parts], lanes)

    known = [(members, part.known) for members, part in parts if part.known is not None]
    error = together([(members, k.error) for members, k in known], lanes)
    status = together([(members, k.status) for members, k in known], lanes)
    return Solution(
        whole(lambda p: p.value),
        whole(lambda p: p.step),
        whole(lambda p: p.base),
        None if error is None or status is None else Known(error, status),
    )


@np.errstate(all="ignore")
def _quietly(
    recipe: Recipe, function: Function, plan: Plan, x: NDArray[Any], lanes: int, shape: tuple[int, ...]
) -> NDArray[Any] | None:
    return function.at_once(
        plan, x, lanes, recipe.relative, recipe.reach, recipe.tiny_below, recipe.measured, shape, True
    )


def solve_at_once(recipe: Recipe, function: Function, x: NDArray[Any], lanes: int, shape: tuple[int, ...]) -> Any:
    """The same three steps in one kernel call, for default options; None where it takes more than that.

    Points with tiny components are solved again, by `solve_fixed`.
    """
    result = compiled_loops.at_once(recipe, function, x, lanes, shape) if isinstance(function, CompiledCalls) else None
    if result is None:
        plan = recipe.one_block
        if plan is None:
            return None
        if plan.base:  # f at x itself: its warnings are the user's
            result = function.at_once(
                plan, x, lanes, recipe.relative, recipe.reach, recipe.tiny_below, recipe.measured, shape, False
            )
        else:
            result = _quietly(recipe, function, plan, x, lanes, shape)
    if result is not None:
        for first, points in function.suspects:
            some = np.flatnonzero(is_tiny(np.abs(points), recipe.tiny_below).any(axis=0))
            again = solve_fixed(recipe, function, take(points, some), NO_FRAME, full=False)
            result.reshape(-1, recipe.n_targets, lanes)[..., first + some] = again.value
    return result


def solve_fixed(recipe: Recipe, function: Function, x: NDArray[Any], frame: Frame, *, full: bool) -> Solution:
    """Derivatives at x (n, lanes); with ``full`` their errors, steps and statuses."""
    while True:
        function.start()
        sample = recipe.place(x, frame, function.epsilon)
        tiny = recipe.tiny(x, frame, function.epsilon) if sample.has_tiny else None
        try:
            found = _walk_alike(recipe, function, x, sample, full=full, rounding=tiny is not None)
            break
        except CoarserOutput:
            function.epsilon = function.coarse
    retaken = None if tiny is None else _retake(recipe, function, x, frame, tiny, found, full=full)
    if not full:
        return Solution(found.value, sample.h, found.base, None)
    step, status = recipe.target_steps(sample.h), _status(recipe, found.value, sample)
    if retaken is not None:
        step = retaken.patch(step, status)
    return Solution(found.value, step, found.base, Known(_error(found, function.epsilon), status))


def _walk_alike(
    recipe: Recipe,
    function: Function,
    x: NDArray[Any],
    sample: Sample,
    targets: NDArray[np.intp] | None = None,
    *,
    full: bool,
    rounding: bool,
) -> Walk:
    """One walk per set of points whose axes are of the same kinds."""
    n_targets = recipe.n_targets if targets is None else len(targets)
    h, divisors = recipe.slots(sample.h), recipe.divisors(x, sample)
    if sample.turned is None:
        plans = recipe.plans(None, targets)
        return walk(function, plans, n_targets, x, h, divisors, estimate=full, rounding=rounding)
    parts: list[tuple[NDArray[np.intp], Walk]] = []
    for lanes, pattern in alike(sample.turned.patterns()):
        sides = Sides.of(pattern)
        part = walk(
            function,
            recipe.plans(sides, targets),
            n_targets,
            *(take(array, lanes) for array in (x, h, divisors)),
            complete=not (sides.kinds == FIXED).any(),
            estimate=full,
            rounding=rounding,
        )
        parts.append((lanes, part))

    def whole(get: Callable[[Walk], NDArray[Any] | None]) -> Any:
        return together([(lanes, get(part)) for lanes, part in parts], x.shape[1])

    return Walk(
        whole(lambda p: p.value), whole(lambda p: p.truncation), whole(lambda p: p.rounding), whole(lambda p: p.base)
    )


def lost(rule: Rule, epsilon: float) -> float:
    """With this times its rounding bound above it, a difference has lost most of its digits."""
    return epsilon**_POOR if rule.order == 1 else _POOR_HIGHER


def _retake(
    recipe: Recipe,
    function: Function,
    x: NDArray[Any],
    frame: Frame,
    tiny: NDArray[np.bool_],
    found: Walk,
    *,
    full: bool,
) -> _Retaken | None:
    """Take poor results along tiny axes again, with steps for size 1; updates `found`."""
    if found.rounding is None:
        return None
    # a bound that overflowed is NaN: no bound at all, where steps are far too small
    bound = np.where(np.isnan(found.rounding) & np.isfinite(found.value), np.inf, found.rounding * function.epsilon)
    poor = recipe.involves(tiny) & (np.abs(found.value) <= bound * lost(recipe.rule, function.epsilon))
    if not poor.any():
        return None
    targets = np.flatnonzero(poor.any(axis=(0, 2)))
    targets = np.unique(np.minimum(targets, recipe.mirror(targets)))
    lanes = np.flatnonzero(poor.any(axis=(0, 1)))
    some, there = recipe.at(lanes), take(x, lanes)
    size = np.abs(there)
    one = np.where(is_tiny(size, recipe.rule.tiny_below(function.epsilon)), 1, size).astype(size.dtype)
    sample = some.place(there, frame.at(lanes)._replace(scale=one), function.epsilon)
    second = _walk_alike(some, function, there, sample, targets, full=full, rounding=True)
    outputs = np.arange(len(found.value))
    block = np.ix_(outputs, targets, lanes)
    mirrored = np.ix_(outputs, recipe.mirror(targets), lanes)
    # the truth is within the first bound, so a second result that is not has lost more than it gained
    agrees = np.abs(second.value - found.value[block]) <= bound[block]
    accept = poor[block] & np.isfinite(second.value) & agrees
    for old, new in (
        (found.value, second.value),
        (found.rounding, second.rounding),
        (found.truncation, second.truncation),
    ):
        if old is not None and new is not None:
            old[mirrored] = old[block] = np.where(accept, new, old[block])
    return _Retaken(block, mirrored, accept, targets, some, sample)


class _Retaken(NamedTuple):
    """Which results were taken again, and how."""

    block: tuple[NDArray[np.intp], ...]
    mirrored: tuple[NDArray[np.intp], ...]
    accept: NDArray[np.bool_]
    targets: NDArray[np.intp]
    recipe: Recipe
    sample: Sample

    def patch(self, step: NDArray[Any], status: NDArray[np.int8]) -> NDArray[Any]:
        """Put in the steps and statuses of the second take; steps come back per output."""
        steps: NDArray[Any] = np.array(np.broadcast_to(step, status.shape))
        again = self.recipe.target_steps(self.sample.h)[self.targets]
        steps[self.mirrored] = steps[self.block] = np.where(self.accept, again, steps[self.block])
        turned = self.sample.turned
        if turned is not None:
            bent = self.accept & self.recipe.involves(turned.bent)[self.targets]
            status[self.mirrored] = status[self.block] = np.where(bent, Status.AT_BOUND, status[self.block])
        return steps


def _error(found: Walk, epsilon: float) -> NDArray[Any]:
    """Truncation estimate plus rounding bound; NaN where there is no estimate."""
    if found.truncation is None or found.rounding is None:
        return np.full(found.value.shape, np.nan, found.value.real.dtype)
    error: NDArray[Any] = np.abs(found.truncation) + found.rounding * epsilon
    return error


def _status(recipe: Recipe, value: NDArray[Any], sample: Sample) -> NDArray[np.int8]:
    status = np.full(value.shape, Status.FIXED_STEP, np.int8)
    turned = sample.turned
    if turned is not None:
        status[:, recipe.involves(turned.bent)] = Status.AT_BOUND
    status[~np.isfinite(value)] = Status.NON_FINITE
    if turned is not None:
        status[:, recipe.involves(turned.kinds == FIXED)] = Status.FIXED_VARIABLE
    return status
