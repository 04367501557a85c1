"""Call and combine, in blocks: walk sample plans, evaluate f at their points, turn its values into derivatives.

A block is as many groups of points as fit a cache-sized buffer; its results are combined before the next block is
called, so that memory stays bounded however large the derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.plans import base_plan
from fastcalc._functions.compiled_calls import CompiledCalls
from fastcalc._functions.python import PythonFunction
from fastcalc._functions.vectorized import VectorizedFunction
from fastcalc._kernels.combine import combine
from fastcalc._kernels.plan import Plan

Function = PythonFunction | VectorizedFunction | CompiledCalls
Plans = Callable[[], Iterable[Plan]]
DERIVATIVE, TRUNCATION, ROUNDING = range(3)  # modes of the kernel


class CoarserOutput(Exception):
    """The first output has a coarser precision than the steps were made for: choose them again."""


class Results(Protocol):
    """Where a walk puts its results: those of groups `group` to `stop` of a plan, as soon as their values are there."""

    def columns(self, function: Function) -> int:
        """Values to keep in a block."""

    def take(self, function: Function, plan: Plan, group: int, stop: int, mode: int, lane: int, width: int) -> None:
        """Combine the values of f for some lanes."""

    def nothing(self, function: Function) -> None:
        """There was no point at all: results of the shape and type of f."""


@dataclass(slots=True)
class Walk:
    """Results (m, n_targets, lanes); the two parts of the error where they were asked for and exist."""

    value: NDArray[Any]
    truncation: NDArray[Any] | None
    rounding: NDArray[Any] | None  # sums of absolute weights times absolute values: times eps, the rounding bound
    base: NDArray[Any] | None  # f(x), (m, lanes)


def walk(
    function: Function,
    plans: Plans,
    n_targets: int,
    x: NDArray[Any],
    h: NDArray[Any],
    divisors: NDArray[Any],
    *,
    complete: bool = True,
    estimate: bool = False,
    rounding: bool = False,
) -> Walk:
    """Evaluate and combine all plans at x (n, lanes) with displacements h (n_slots, lanes).

    Parameters
    ----------
    plans : callable
        Returns the plans, all with the same retained points; called once per block of lanes.
    divisors : ndarray (n_slots, lanes)
        Steps to divide by.
    complete : bool
        Whether the plans reach all targets; the others become NaN.
    estimate, rounding : bool
        Whether to weigh the values for the truncation error, and for the rounding bound, too.

    Raises
    ------
    CoarserOutput
        After the first call of f; `function.coarse` says how coarse.
    """
    full = _Full(n_targets, x.shape[1], divisors, complete)
    base = visit(function, plans, x, h, full, estimate=estimate, rounding=rounding)
    return Walk(full.outs[DERIVATIVE], full.outs.get(TRUNCATION), full.outs.get(ROUNDING), base)


def visit(
    function: Function,
    plans: Plans,
    x: NDArray[Any],
    h: NDArray[Any],
    results: Results,
    *,
    estimate: bool,
    rounding: bool,
) -> NDArray[Any] | None:
    """The walk itself: evaluate, block by block, and have the results taken; returns f(x) (m, lanes) if it was there.

    Arguments and exceptions as for `walk`.
    """
    lanes = x.shape[1]
    modes = [DERIVATIVE, TRUNCATION, ROUNDING] if estimate else [DERIVATIVE, ROUNDING] if rounding else [DERIVATIVE]
    base: NDArray[Any] | None = None
    lane, taken = 0, False
    while lane < lanes:
        begun = False
        for plan in plans():
            if not begun:
                width = function.width(plan, lanes - lane)
                if plan.base:  # f at x itself: its warnings are the user's
                    _evaluate(function, plan, 0, 1, x, h, lane, width, 0)
            with np.errstate(all="ignore"):
                first = plan.n_retained if begun else int(plan.base)
                while first < plan.n_retained:
                    last = min(first + max(1, function.columns() // width), plan.n_retained)
                    _evaluate(function, plan, first, last, x, h, lane, width, first * width)
                    first = last
                begun = True
                group = 0
                while group < plan.n_groups:
                    stop, first, last = plan.block(group, results.columns(function) // width)
                    kept = plan.n_retained * width
                    if last > first:
                        _evaluate(function, plan, first, last, x, h, lane, width, kept)
                    if function.values is None:  # all calls failed, with on_error="nan"
                        _learn_shape(function, x, h, kept + (last - first) * width)
                    for mode in modes:
                        if mode != TRUNCATION or plan.has_embedded:
                            results.take(function, plan, group, stop, mode, lane, width)
                    group, taken = stop, True
            if plan.base and function.values is not None:
                base = _keep_base(base, function, lane, width, lanes)
        lane += width
    if not taken:
        if function.values is None:
            _learn_shape(function, x, h, 1)
        results.nothing(function)
    return base


class _Full:
    """Results of all targets, (m, n_targets, lanes), by mode."""

    def __init__(self, n_targets: int, lanes: int, divisors: NDArray[Any], complete: bool) -> None:
        self.n_targets, self.lanes, self.divisors, self.complete = n_targets, lanes, divisors, complete
        self.outs: dict[int, NDArray[Any]] = {}

    def columns(self, function: Function) -> int:
        """What suits the cache."""
        return function.columns()

    def take(self, function: Function, plan: Plan, group: int, stop: int, mode: int, lane: int, width: int) -> None:
        """Into the rows of their targets."""
        out = self._destination(mode, function)
        if self.divisors.dtype != out.real.dtype:
            self.divisors = self.divisors.astype(out.real.dtype)
        combine(
            plan,
            group,
            stop,
            mode,
            function.values,
            function.columns_last,
            function.m,
            self.lanes,
            lane,
            width,
            self.divisors,
            lane,
            out,
        )

    def nothing(self, function: Function) -> None:
        """Unknown, all of them."""
        self.outs[DERIVATIVE] = np.full((function.m, self.n_targets, self.lanes), np.nan, function.dtype)

    def _destination(self, mode: int, function: Function) -> NDArray[Any]:
        """Made at first use, widened where f's outputs became wider."""
        out = self.outs.get(mode)
        dtype = function.dtype if mode != ROUNDING else function.values.real.dtype
        if out is None:
            shape = (function.m, self.n_targets, self.lanes)
            out = self.outs[mode] = np.empty(shape, dtype) if self.complete else np.full(shape, np.nan, dtype)
        elif out.dtype != dtype:
            out = self.outs[mode] = out.astype(dtype)
        return out


def values_at(function: Function, x: NDArray[Any]) -> NDArray[Any]:
    """Values (m, lanes) at the points x (n, lanes), in the precision f has; NaN where it gave none at all of them."""
    plan, nowhere = base_plan(len(x)), np.zeros(x.shape, x.real.dtype)
    while True:
        function.start()
        try:
            base = walk(function, lambda: (plan,), 0, x, nowhere, nowhere).base
        except CoarserOutput:
            function.epsilon = function.coarse
        else:
            return np.full((function.m, x.shape[1]), np.nan, function.dtype) if base is None else base


def _evaluate(
    function: Function,
    plan: Plan,
    first: int,
    last: int,
    x: NDArray[Any],
    h: NDArray[Any],
    lane: int,
    width: int,
    column: int,
) -> None:
    if not function.evaluate(plan, first, last, x, h, x.shape[1], lane, width, column):
        raise CoarserOutput


def _learn_shape(function: Function, x: NDArray[Any], h: NDArray[Any], columns: int) -> None:
    """Shape and type of f's output from f(x), where it gave no value so far; its values are unknown."""
    if x.shape[1] > 0 or function.columns_last:
        plan = base_plan(x.shape[0])
        function.evaluate(plan, 0, 1, x, np.zeros(x.shape, h.dtype), x.shape[1], 0, min(1, x.shape[1]), 0)
    if function.values is None:
        if not function.guess_scalar and function.error is not None:
            raise function.error
        function.assume_scalar()
    function.forget(columns)


def _keep_base(base: NDArray[Any] | None, function: Function, lane: int, width: int, lanes: int) -> NDArray[Any]:
    columns = function.values[:, :width] if function.columns_last else function.values[:width].T
    if base is None or base.dtype != columns.dtype:
        base = np.empty((function.m, lanes), columns.dtype) if base is None else base.astype(columns.dtype)
    base[:, lane : lane + width] = columns
    return base
