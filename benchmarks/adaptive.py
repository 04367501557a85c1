"""Adaptive derivatives beside those of the peers that give an error, too: time, evaluations and errors in one table.

    python benchmarks/adaptive.py [--quick] [--markdown]

Everything runs in one process, interleaved; "of the peer" is the median of the ratios of the rounds to the fastest peer
of the row. fastcalc gives its errors, too (``full_output=True``), except where the row says so. Errors are relative to
the largest entry; those of Hessians are medians over the entries.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # was this folder

import fastcalc as fc
from benchmarks import engines, functions, machine, report, timing

HEADS = ("row", "engine", "time", "of the peer", "above its calls", "points of f", "error", "target", "verdict")
Run = Callable[[Callable[[Any], Any]], Any]


@dataclass(frozen=True)
class Candidate:
    """A way to the derivative of f, called with f; peers are what fastcalc is compared with."""

    name: str
    run: Run
    peer: bool = False
    f: Callable[[Any], Any] | None = None  # in the place of the row's


@dataclass(frozen=True)
class Row:
    """One derivative of one function."""

    name: str
    f: Callable[[Any], Any]
    x: Any
    exact: Any
    candidates: tuple[Candidate, ...]
    share: float | None = None  # at most this share of the time of the fastest peer
    above: float | None = None  # at most these seconds above the calls of f
    points: int | None = None  # at most these evaluations
    middle: bool = False  # median error instead of the largest


def value(result: Any) -> Any:
    """The derivative in what an engine returns."""
    for name in ("value", "df", "ddf"):
        if hasattr(result, name):
            return getattr(result, name)
    return result[0] if isinstance(result, tuple) else result


def load(name: str) -> Any:
    return engines.load(name)


def peers(x: Any, kind: str) -> tuple[Candidate, ...]:
    """numdifftools and jacobi for functions of one point."""
    found = []
    if nd := load("numdifftools"):
        found.append(Candidate("numdifftools", lambda f: getattr(nd, kind)(f)(x), peer=True))
    jacobi = load("jacobi") if kind in ("Gradient", "Jacobian", "Derivative") else None
    if jacobi:
        found.append(Candidate("jacobi", lambda f: jacobi.jacobi(f, x), peer=True))
    return tuple(found)


def ours(operator: Callable[..., Any], x: Any, **options: Any) -> tuple[Candidate, ...]:
    return (
        Candidate("fastcalc", lambda f: operator(f, x, method="adaptive", full_output=True, **options)),
        Candidate("fastcalc, value alone", lambda f: operator(f, x, method="adaptive", **options)),
    )


def differentiate(name: str, x: Any) -> tuple[Candidate, ...]:
    module = load("scipy.differentiate")
    return () if module is None else (Candidate("SciPy", lambda f: getattr(module, name)(f, x), peer=True),)


def rows(sizes: tuple[int, ...] = (2, 10, 100)) -> list[Row]:
    sine = np.float64(1.0)
    reused = fc.Derivative(np.sin)
    table = [
        Row(
            "derivative of np.sin at 1", np.sin, sine, np.cos(1.0),
            (
                Candidate("fastcalc", lambda f: fc.derivative(f, sine)),
                Candidate("fastcalc, reused", lambda f: reused(sine) if f is np.sin else fc.derivative(f, sine)),
                *peers(sine, "Derivative"), *differentiate("derivative", sine),
            ),
            above=15e-6,
        )
    ]  # fmt: skip
    for n in sizes:
        for problem in (functions.rosenbrock_problem(n), functions.ring_sum_problem(n)):
            x, exact = problem.x, problem.exact
            table.append(Row(
                f"gradient of {problem.name}", problem.f, x, exact, ours(fc.gradient, x) + peers(x, "Gradient"), 0.5,
            ))  # fmt: skip
            table.append(Row(
                f"gradient of {problem.name}, vectorised", problem.vectorized, x, exact,
                ours(fc.gradient, x, vectorized=True) + differentiate("jacobian", x), 0.5,
            ))  # fmt: skip
        ring = functions.ring_problem(n)
        table.append(Row(
            f"Jacobian, {ring.name}", ring.f, ring.x, ring.exact, ours(fc.jacobian, ring.x) + peers(ring.x, "Jacobian"),
            0.5,
        ))  # fmt: skip
        table.append(Row(
            f"Jacobian, {ring.name}, vectorised", ring.vectorized, ring.x, ring.exact,
            ours(fc.jacobian, ring.x, vectorized=True) + differentiate("jacobian", ring.x), 0.5,
        ))  # fmt: skip
    n = min(10, max(sizes))
    dense = functions.decaying_product_problem(n)
    dense = replace(dense, exact=functions.decaying_product_hessian(dense.x))
    for curvature in (functions.rosenbrock_curvature(n), dense):
        x = curvature.x
        table.append(Row(
            f"Hessian of {curvature.name}", curvature.f, x, curvature.exact,
            ours(fc.hessian, x)[:1] + peers(x, "Hessian")
            + tuple(replace(peer, f=curvature.vectorized) for peer in differentiate("hessian", x)),
            points=1200, middle=True,
        ))  # fmt: skip
    return table


def measured(row: Row, effort: timing.Effort) -> list[list[str]]:
    """One line for each candidate."""
    counts, errors = [], []
    for candidate in row.candidates:
        count = 0
        f = candidate.f or row.f

        def counted(x: Any, f: Callable[[Any], Any] = f) -> Any:
            nonlocal count
            count += 1 if np.ndim(x) <= np.ndim(row.x) else int(np.prod(np.shape(x)[np.ndim(row.x) :]))
            return f(x)

        with timing.quiet():
            found = np.asarray(value(candidate.run(counted))).reshape(np.shape(row.exact))
        miss = np.abs(found - row.exact) / np.max(np.abs(row.exact))
        errors.append(float(np.median(miss) if row.middle else np.max(miss)))
        counts.append(count)
    runs = [lambda c=candidate: c.run(c.f or row.f) for candidate in row.candidates]

    def bare(times: int) -> Callable[[], None]:
        def loop() -> None:
            for _ in range(times):
                row.f(row.x)

        return loop

    seconds = timing.interleaved([*runs, *(bare(count) for count in counts)] if row.above else runs, effort)
    rivals = [k for k, candidate in enumerate(row.candidates) if candidate.peer]
    lines = []
    for k, candidate in enumerate(row.candidates):
        ratio = np.nan
        if rivals and not candidate.peer:
            fastest = min(rivals, key=lambda q: np.nanmedian(seconds[:, q]))
            ratio = float(np.nanmedian(seconds[:, k] / seconds[:, fastest]))
        above = float(np.nanmedian(seconds[:, k] - seconds[:, len(runs) + k])) if row.above else np.nan
        target = verdict = ""
        if not candidate.peer and row.share:
            target, verdict = f"<= {row.share}", "met" if ratio <= row.share else "MISSED"
        elif not candidate.peer and row.above:
            target, verdict = f"<= {report.duration(row.above)}", "met" if above <= row.above else "MISSED"
        elif not candidate.peer and row.points:
            target, verdict = f"<= {row.points} points", "met" if counts[k] <= row.points else "MISSED"
        lines.append([
            row.name if k == 0 else "", candidate.name, report.duration(float(np.nanmedian(seconds[:, k]))),
            "" if np.isnan(ratio) else f"{ratio:.2f}", "" if np.isnan(above) else report.duration(above),
            str(counts[k]), f"{errors[k]:.1e}", target, verdict,
        ])  # fmt: skip
    return lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--markdown", action="store_true", help="a table in Markdown")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # to see that it runs
    options = parser.parse_args(arguments)
    effort = timing.QUICK if options.quick else timing.Effort()
    effort = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1) if options.tiny else effort
    for name, text in machine.describe().items():
        print(f"{'- ' * options.markdown}{name}: {text}")
    timing.settle_allocator()
    lines = [list(HEADS)]
    for row in rows((2, 3) if options.tiny else (2, 10, 100)):
        lines += measured(row, effort)
    print("\n" + report.aligned(lines, markdown=options.markdown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
