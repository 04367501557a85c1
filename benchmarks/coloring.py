"""Colours of columns beside SciPy's group_columns, and star colours, how many and how fast: one command.

    python benchmarks/coloring.py [--quick] [--markdown] [--only NAME]

The least possible number of colours of columns is at least that of entries in the fullest row. Star colours are those
of the pattern with its mirror image. Times are of one thread, the smallest of a few; a target counts for each row.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # was this folder

import numpy as np
from scipy.optimize._numdiff import group_columns

import fastcalc as fc
from benchmarks import machine, patterns, report
from fastcalc._differences.sparsity.pattern import parse_pattern
from fastcalc._differences.sparsity.star import star_colors

PACKAGES = ("fastcalc", "numpy", "scipy", "pyamg")
COLUMNS = (
    "pattern", "columns", "entries", "fullest row", "colours", "SciPy", "star", "time", "SciPy", "ratio", "target",
    "verdict",
)  # fmt: skip
LARGE_RATIO = 2.0  # of the time that SciPy takes, for a million columns
FEWEST = {"tridiagonal": 3, "7 diagonals": 7, "5 points": 5, "9 points": 9, "27 points": 27}


@dataclass
class Row:
    """What was found for one pattern."""

    name: str
    n: int
    size: int
    fullest: int
    colors: int
    scipy_colors: int
    star: int | None  # of square ones
    seconds: float
    scipy_seconds: float
    ratio: float | None = None  # the target

    @property
    def target(self) -> str:
        """In words."""
        most = f"<= {FEWEST[self.name]}" if self.name in FEWEST else "<= SciPy"
        return f"{most}, {self.ratio:.0f}x" if self.ratio else most

    @property
    def met(self) -> bool:
        """Few enough colours, and fast enough."""
        few = self.colors <= min(self.scipy_colors, FEWEST.get(self.name, self.scipy_colors))
        return few and (self.ratio is None or self.seconds <= self.ratio * self.scipy_seconds)

    @property
    def cells(self) -> list[str]:
        """As the table shows them."""
        return [
            self.name, str(self.n), str(self.size), str(self.fullest), str(self.colors), str(self.scipy_colors),
            "" if self.star is None else str(self.star), report.duration(self.seconds),
            report.duration(self.scipy_seconds), f"{self.seconds / self.scipy_seconds:.2f}", self.target,
            "met" if self.met else "MISSED",
        ]  # fmt: skip


def count(colors: np.ndarray) -> int:
    return int(colors.max(initial=-1)) + 1


def timed(run: Callable[[], np.ndarray], rounds: int) -> tuple[float, np.ndarray]:
    """The smallest time, and the colours."""
    best, colors = np.inf, np.empty(0, np.intp)
    for _ in range(rounds):
        begin = time.thread_time()
        colors = run()
        best = min(best, time.thread_time() - begin)
    return best, colors


def measure(name: str, matrix: Any, rounds: int, ratio: float | None) -> Row:
    matrix = matrix.tocsr()
    # from the user's matrix on, both
    seconds, colors = timed(lambda: fc.color_columns(matrix), rounds)
    scipy_seconds, groups = timed(lambda: group_columns(matrix), rounds)
    pattern = parse_pattern(matrix)
    m, n = pattern.shape
    star = count(star_colors(pattern.symmetric)) if m == n else None
    fullest = int(np.diff(pattern.indptr).max(initial=0))
    return Row(name, n, pattern.size, fullest, count(colors), count(groups), star, seconds, scipy_seconds, ratio)


def cases() -> Iterator[tuple[str, Callable[[], Any], float | None]]:
    """Name, how to make the matrix, target of the time."""
    for name, make in patterns.GENERATED.items():
        yield name, make, None
    if importlib.util.find_spec("pyamg"):
        for name in patterns.MESHES:
            yield name, lambda name=name: patterns.mesh(name), None
    for name, make in patterns.LARGE.items():
        yield name, make, LARGE_RATIO


def coloring_rows(*, quick: bool = False, only: list[str] | None = None) -> list[Row]:
    """Measure all; without the large ones when it is to be quick."""
    chosen = [
        case for case in cases() if (not only or any(part in case[0] for part in only)) and not (quick and case[2])
    ]
    return [measure(name, make(), 1 if quick else 3, ratio) for name, make, ratio in chosen]


def table(rows: list[Row], *, markdown: bool) -> str:
    return report.aligned([COLUMNS, *(row.cells for row in rows)], markdown=markdown)


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="once each, without the large patterns")
    parser.add_argument("--markdown", action="store_true", help="the table in Markdown")
    parser.add_argument("--only", metavar="NAME", action="append", help="patterns whose name contains NAME")
    options = parser.parse_args(arguments)
    about = machine.describe(PACKAGES)
    print("\n".join(f"{'- ' * options.markdown}{name}: {text}" for name, text in about.items()) + "\n", flush=True)
    rows = coloring_rows(quick=options.quick, only=options.only)
    print(table(rows, markdown=options.markdown))
    print(f"\ntargets met: {sum(row.met for row in rows)} of {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
