"""Sums over chunks of derivatives, so that no full matrix has to fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastcalc._differences.methods import solve, some_lines
from fastcalc._differences.problem import Problem
from fastcalc._differences.solve import Solution, gathered
from fastcalc._results import worst

_CHUNK = 2**20  # entries of a Jacobian at a time


def needs_values(problem: Problem, name: str, remedy: str) -> None:
    if problem.settings.method == "complex":
        raise ValueError(f"method 'complex' gives first derivatives; got {name}: {remedy}, or use method 'central'")


def chunks(problem: Problem, n: int, outputs: int) -> Iterator[Solution]:
    """n-th derivatives along the coordinates, in chunks of variables; at least one chunk."""
    variables, lanes = problem.points.shape
    at_once = max(1, _CHUNK // max(1, outputs * lanes))
    for start in range(0, max(1, variables), at_once):
        chosen = None
        if at_once < variables:
            chosen = np.arange(start, min(start + at_once, variables), dtype=np.intp)
        recipe = some_lines(problem.settings, n, variables, chosen)
        yield solve(recipe, problem.function, problem.points, problem.frame, full=problem.settings.full_output)


def sum_targets(solution: Solution) -> Solution:
    """Sum over the results, (m, lanes); errors add up, the steps stay."""
    return solution.reduced(lambda a: a.sum(axis=1), lambda status: worst(status, axis=1))


def total(sums: list[Solution]) -> Solution:
    """Sum over chunks; their steps one after the other."""
    return gathered(sums, np.stack).reduced(lambda a: a.sum(axis=0), lambda status: worst(status, axis=0))
