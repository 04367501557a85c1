"""Rows of the Taylor tables: one piece of work, the engines that can do it, the target; and how a row is measured.

An engine of a row is built when its turn comes, because daceypy has one space at a time; None: it is not installed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import timing

FASTCALC = "fastcalc"
MADNG, MADNG_IN_PLACE, DACE, NUMPY = "madng-tpsa", "its C function", "daceypy", "NumPy"
AGREEMENT = 1e-13  # between results, relative to the size of their terms


@dataclass(frozen=True)
class Candidate:
    """What is timed; what it returned as an array; how many series or points that was."""

    run: Callable[[], Any]
    value: Callable[[Any], Any] | None = None
    count: int = 1


@dataclass(frozen=True)
class Target:
    """A limit on the time of fastcalc: a share of a rival's, or seconds."""

    limit: float
    rival: str | None = None

    def __str__(self) -> str:
        if self.rival is None:
            return f"<= {self.limit * 1e3:g} ms" if self.limit >= 1e-3 else f"<= {self.limit * 1e6:g} us"
        return f"<= {self.limit:g}x {self.rival}"


@dataclass(frozen=True)
class Row:
    """One comparison. `size` and `exact` are asked for once, before the timing."""

    name: str
    engines: dict[str, Callable[[], Candidate | None]]
    target: Target | None = None
    size: Callable[[], Any] | None = None  # of the terms of the results; 1 where not given
    exact: Callable[[], Any] | None = None  # then errors are to this, else to the other engines
    tolerance: float = AGREEMENT


@dataclass(frozen=True)
class Group:
    """A table: rows with the same engines; `rivals`: those that get a column of ratios."""

    name: str
    title: str
    rivals: tuple[str, ...]
    rows: list[Row]
    clock: Callable[[], float] = time.thread_time


@dataclass
class Result:
    """What was measured: seconds for one series or point, shares of the times of rivals, the largest error."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    error: float = math.nan
    target: Target | None = None
    met: bool | None = None
    note: str = ""

    @property
    def reached(self) -> float:
        """What the target limits."""
        if self.target is None or self.target.rival is None:
            return self.seconds[FASTCALC]
        return self.shares.get(self.target.rival, math.nan)

    def judge(self, tolerance: float) -> None:
        """Met: within the limit, and right. None where the rival is missing."""
        if self.target is None or math.isnan(self.reached):
            return
        wrong = self.error > tolerance
        self.met = self.reached <= self.target.limit and not wrong
        self.note = "results differ" if wrong else ""


def measure(row: Row, effort: timing.Effort, clock: Callable[[], float] = time.thread_time) -> Result:
    """Build all engines, compare their results, time them together."""
    built = {name: build() for name, build in row.engines.items()}
    candidates = {name: candidate for name, candidate in built.items() if candidate is not None}
    result = Result(row.name, error=_error(row, candidates), target=row.target)
    seconds = timing.interleaved([candidate.run for candidate in candidates.values()], effort, clock)
    seconds = seconds / [candidate.count for candidate in candidates.values()]
    columns = dict(zip(candidates, seconds.T, strict=True))
    for name, column in columns.items():
        result.seconds[name] = float(np.nanmedian(column))
        if name != FASTCALC:
            result.shares[name] = float(np.nanmedian(columns[FASTCALC] / column))
    result.judge(row.tolerance)
    return result


def _error(row: Row, candidates: dict[str, Candidate]) -> float:
    """Largest difference between fastcalc and the others, or to what is exact."""
    with timing.quiet():
        values = {
            name: np.asarray(candidate.value(candidate.run()))
            for name, candidate in candidates.items()
            if candidate.value is not None
        }
    ours = values.pop(FASTCALC, None)
    if ours is None:
        return math.nan
    others = [row.exact()] if row.exact else list(values.values())
    size = 1.0 if row.size is None else row.size()
    return max((float(np.max(np.abs(ours - other) / size)) for other in others), default=math.nan)
