"""What the functions without an operator of their own share: a function at a point, ready to be sampled, and sums over
chunks of derivatives, so that no full matrix has to fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.engine import Function
from fastcalc._differences.plans import KINDS
from fastcalc._differences.problem import as_points, deliver, frame_at, make_function, report
from fastcalc._differences.recipes import Frame, Lines
from fastcalc._differences.settings import Settings, parse
from fastcalc._differences.solve import Solution, solve
from fastcalc._differences.steps import Rule
from fastcalc._results import worst

_CHUNK = 2**20  # entries of a Jacobian at a time
_Array = NDArray[Any]


@dataclass(slots=True)
class Problem:
    """A function at a point, ready to be sampled."""

    settings: Settings
    x: _Array
    points: _Array  # (n, lanes)
    frame: Frame
    function: Function

    def rule(self, n: int, order: int | None = None, *, across: bool = False) -> Rule:
        return Rule(KINDS[self.settings.method], n, self.settings.accuracy, order or n, across)

    @property
    def variables(self) -> tuple[int, ...]:
        """Shape of one point."""
        return self.x.shape[:1] if self.settings.vectorized else self.x.shape

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch of points."""
        return self.x.shape[1:] if self.settings.vectorized else ()

    def finish(
        self, solution: Solution, shape: tuple[int, ...], out: _Array | None, *, steps_of_x: bool = False
    ) -> Any:
        """The user's result from arrays with as many entries as `shape`; steps in the shape of the result, or of x."""
        value = deliver(solution.value, shape, out)
        if solution.error is None or solution.status is None:
            return value
        if steps_of_x:
            step = np.array(solution.step).reshape(self.x.shape)
        else:
            step = np.array(np.broadcast_to(solution.step, solution.value.shape)).reshape(shape)
        fun = None
        if solution.base is not None:
            fun = solution.base.reshape(self.function.shape + self.batch)[()]
        return report(self.function, value, shape, solution.error, step, solution.status, fun)


def open_problem(f: Callable[..., Any], x: ArrayLike, options: Any, out: Any, others: tuple[Any, ...] = ()) -> Problem:
    """Check everything that can be checked before f runs."""
    if not callable(f):
        raise TypeError(f"`f` must be callable; got {f!r}: pass the function itself, not its value")
    settings = parse(options)
    point = check.as_numbers("x", x)
    if out is not None:
        check.check_destination(out, (point, *others))
    points = as_points(point, settings, one_variable=False)
    frame = frame_at(settings, point, points)
    function = make_function(f, settings, point, len(points), scalar=False, one_variable=False)
    place = settings.argnum
    if place > len(settings.args):
        raise TypeError(
            f"x is argument number {place} (`argnum`), counted from 0; got {len(settings.args)} other arguments"
        )
    function.bind(settings.args[:place], settings.args[place:], settings.kwargs)
    return Problem(settings, point, points, frame, function)


def needs_values(problem: Problem, name: str, remedy: str) -> None:
    if problem.settings.method == "complex":
        raise ValueError(f"method 'complex' gives first derivatives; got {name}: {remedy}, or use method 'central'")


def chunks(problem: Problem, n: int, outputs: int) -> Iterator[Solution]:
    """n-th derivatives along the coordinates, in chunks of variables; at least one chunk."""
    variables, lanes = problem.points.shape
    at_once = max(1, _CHUNK // max(1, outputs * lanes))
    counted = 0
    for start in range(0, max(1, variables), at_once):
        chosen = None
        if at_once < variables:
            chosen = np.arange(start, min(start + at_once, variables), dtype=np.intp)
        recipe = Lines(problem.rule(n), variables, chosen=chosen)
        yield solve(recipe, problem.function, problem.points, problem.frame, full=problem.settings.full_output)
        counted += problem.function.evaluations
        problem.function.count(counted - problem.function.evaluations)


def sum_targets(solution: Solution) -> Solution:
    """Sum over the results, (m, lanes); errors add up, the steps stay."""
    return Solution(
        solution.value.sum(axis=1),
        None if solution.error is None else solution.error.sum(axis=1),
        solution.step,
        None if solution.status is None else worst(solution.status, axis=1),
        solution.base,
    )


def total(sums: list[Solution]) -> Solution:
    """Sum over chunks; their steps one after the other."""
    errors = [part.error for part in sums if part.error is not None]
    statuses = [part.status for part in sums if part.status is not None]
    values = [part.value for part in sums]
    return Solution(
        sum(values[1:], values[0]),
        sum(errors[1:], errors[0]) if errors else None,
        np.concatenate([part.step for part in sums]),
        worst(np.stack(statuses), axis=0) if statuses else None,
        sums[0].base,
    )
