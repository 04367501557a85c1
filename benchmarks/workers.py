"""Calls of f by two workers beside one: threads for compiled and vectorised functions, processes for Python ones.

    python benchmarks/workers.py [--quick] [--markdown] [--workers N]

Times are those of a clock on the wall, of reused operators whose workers have started; ratios are medians of those of
the rounds, in which all take turns. The machine must have as many idle cores. "idle loop" is what two processes
reach that share nothing but the machine: where it is below 2, so is everything else.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # was this folder

import numpy as np

import fastcalc as fc
from benchmarks import machine, report, timing, twins

PACKAGES = ("fastcalc", "numpy", "dask", "joblib")
TARGET = 1.7
COLUMNS = ("f", "operator", "points", "serial", "workers", "serial / workers", "differ in", "target", "verdict")


@dataclass(frozen=True)
class Case:
    """A function with the operator that calls it; `target`: on two workers."""

    name: str
    operator: Any
    f: Callable[..., Any]
    x: Any
    options: dict[str, Any]
    target: float | None = None


def busy(seconds: float) -> int:
    """Rounds of a Python loop that take so long."""
    count = 1000
    while True:
        begun = time.perf_counter()
        _spin(count)
        took = time.perf_counter() - begun
        if took > 0.2 * seconds:
            return max(1, round(count * seconds / took))
        count *= 2


def _spin(count: int) -> float:
    total = 0.0
    for i in range(count):
        total += i * 0.5
    return total


class Dear:
    """A Python function that computes for a while."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds

    def __call__(self, x: Any) -> float:
        _spin(self.rounds)
        return float(np.sum(np.sin(x)) * x[0])


def series(x: Any) -> Any:
    """NumPy in columns: it lets other threads run while it computes."""
    total = np.zeros(x.shape[1])
    for k in range(1, 30):
        total += np.sin(k * x).sum(axis=0) / k
    return total


def cases(*, tiny: bool) -> list[Case]:
    """All rows."""
    share = 1e-3 if tiny else 1.0
    found = []
    if twins.compiler() is not None:
        f, x = fc.compiled(twins.function("series")), np.linspace(0.5, 1.5, 4 if tiny else 100)
        found.append(Case("compiled, 10 us", fc.Gradient, f, x, {}, TARGET))
        found.append(Case("compiled, 10 us", fc.Hessian, f, x, {}, TARGET))
    dear, x = Dear(busy(0.01 * share)), np.linspace(0.5, 1.5, 3 if tiny else 20)
    found.append(Case("Python, 10 ms", fc.Gradient, dear, x, {}, TARGET))
    found.append(Case("Python, 10 ms", fc.Hessian, dear, x[: len(x) // 3], {}, TARGET))
    found.append(Case("Python, 1 ms", fc.Gradient, Dear(busy(0.001 * share)), x, {}))
    found.append(Case("NumPy in columns", fc.Gradient, series, np.linspace(0.5, 1.5, 5 if tiny else 300),
                      {"vectorized": True}))  # fmt: skip
    return found


def measure(case: Case, workers: int, effort: timing.Effort) -> list[str]:
    """A line of the table."""
    serial = case.operator(case.f, **case.options)
    with case.operator(case.f, workers=workers, **case.options) as spread:
        ratios, times, results = [], [], (serial(case.x), spread(case.x))
        for _ in range(max(3, effort.few)):
            pair = []
            for run in (serial, spread):
                begun = time.perf_counter()
                run(case.x)
                pair.append(time.perf_counter() - begun)
            times.append(pair)
            ratios.append(pair[0] / pair[1])
        evaluations = serial(case.x, full_output=True).evaluations
    ratio = statistics.median(ratios)
    target = case.target if workers == 2 else None
    differ = int(np.sum(results[0] != results[1]))
    verdict = "" if target is None else "met" if ratio >= target and not differ else "MISSED"
    one, many = (report.duration(statistics.median(column)) for column in zip(*times, strict=True))
    aim = "" if target is None else f">= {target:g}"
    return [case.name, case.operator.__name__, str(evaluations), one, many, f"{ratio:.2f}", str(differ), aim, verdict]


def idle_loop(workers: int, seconds: float) -> float:
    """How much faster so many processes are than one, with a loop that shares nothing."""
    rounds = busy(seconds)
    begun = time.perf_counter()
    _spin(rounds)
    alone = time.perf_counter() - begun
    processes = [multiprocessing.Process(target=_spin, args=(rounds,)) for _ in range(workers)]
    begun = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return workers * alone / (time.perf_counter() - begun)


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure, print as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--markdown", action="store_true", help="a table in Markdown")
    parser.add_argument("--workers", type=int, default=2, help="how many")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # to see that it runs
    options = parser.parse_args(arguments)
    effort = timing.Effort(few=1 if options.tiny else 5 if options.quick else 15)
    about = {**machine.describe(PACKAGES), "cores": str(os.cpu_count())}
    loop = idle_loop(options.workers, 0.01 if options.tiny else 0.5)
    about["idle loop"] = f"{options.workers} processes are {loop:.2f} times as fast as one"
    print("\n".join(f"{'- ' * options.markdown}{name}: {text}" for name, text in about.items()) + "\n", flush=True)
    rows = [measure(case, options.workers, effort) for case in cases(tiny=options.tiny)]
    print(report.aligned([list(COLUMNS), *rows], markdown=options.markdown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
