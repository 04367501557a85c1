"""Sparse Jacobians and Hessians beside SciPy and beside the calls of f alone: one command.

    python benchmarks/sparse.py [--quick] [--markdown] [--only NAME]

Everything runs in one process, interleaved; ratios are medians of the ratios of the rounds, to the bare calls: those
that differences along the fewest colours take, in a plain loop. Patterns and colours are known, as in a solver that
calls an operator again and again. Errors are the largest ones of the entries, over the largest entry.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # was this folder

import numpy as np
import scipy.sparse
from scipy.optimize._numdiff import approx_derivative, group_columns

import fastcalc as fc
from benchmarks import coloring, machine, report, timing

PACKAGES = ("fastcalc", "numpy", "scipy")
COLORING = "colours of columns"
COLUMNS = ("engine", "time", "to the bare calls", "calls of f", "colours", "error", "target", "verdict")


@dataclass
class Engine:
    """A way to the entries: what to time, and what it returns."""

    name: str
    run: Callable[[], Any]
    calls: int = 0
    colors: int = 0
    ratio: float | None = None  # the target
    most_calls: int | None = None


@dataclass
class Case:
    """A function of n variables with a known sparse derivative."""

    name: str
    engines: list[Engine]  # the bare calls first
    exact: Any
    once: list[tuple[str, Callable[[], Any]]]  # what a first call takes beside


def tridiagonal(n: int) -> Any:
    return scipy.sparse.diags_array([np.ones(n)] * 3, offsets=(-1, 0, 1), shape=(n, n)).tocsr()


def broyden(x: np.ndarray) -> np.ndarray:
    """Broyden's tridiagonal function."""
    y = (3 - 2 * x) * x + 1
    y[1:] -= x[:-1]
    y[:-1] -= 2 * x[1:]
    return y


def valley_gradient(x: np.ndarray) -> np.ndarray:
    """Gradient of the chained Rosenbrock function, sum(100 (x_(i+1) - x_i**2)**2 + (1 - x_i)**2)."""
    d = x[1:] - x[:-1] ** 2
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * d - 2 * (1 - x[:-1])
    g[1:] += 200 * d
    return g


def grid_residual(side: int) -> Callable[[np.ndarray], np.ndarray]:
    """A nonlinear five-point equation on a square grid."""

    def f(x: np.ndarray) -> np.ndarray:
        u = x.reshape(side, side)
        y = 4 * u + u**3
        y[1:] -= u[:-1]
        y[:-1] -= u[1:]
        y[:, 1:] -= u[:, :-1]
        y[:, :-1] -= u[:, 1:]
        return y.reshape(-1)

    return f


def five_point(side: int) -> Any:
    line, one = tridiagonal(side), scipy.sparse.eye_array(side)
    return (scipy.sparse.kron(line, one) + scipy.sparse.kron(one, line)).tocsr()


def case(
    name: str, f: Callable[[np.ndarray], np.ndarray], pattern: Any, exact: Any, operator: Any, ratio: float | None,
    most_calls: int | None = None,
) -> Case:  # fmt: skip
    """Fastcalc and SciPy on one function; the operator has been called, and knows its colours."""
    n = pattern.shape[1]
    x = np.random.default_rng(0).normal(size=n)
    first = operator(x, full_output=True)
    calls = operator(x, full_output=True).evaluations
    groups = group_columns(pattern)

    def bare() -> None:
        for _ in range(calls):
            f(x)

    def scipys() -> Any:
        return approx_derivative(f, x, method="3-point", sparsity=(pattern, groups))

    engines = [
        Engine("bare calls", bare, calls),
        Engine("fastcalc", lambda: operator(x), calls, calls // 2, ratio, most_calls),
        Engine("SciPy, groups known", scipys, 2 * int(groups.max() + 1), int(groups.max() + 1)),
    ]
    once = [
        (f"the first call, which verifies the pattern, takes {first.evaluations} calls of f; colours", lambda:
            fc.color_columns(pattern)),
        ("SciPy's group_columns", lambda: group_columns(pattern)),
    ]  # fmt: skip
    return Case(f"{name}, n = {n}, {pattern.nnz} entries", engines, exact(x), once)


def cases(*, tiny: bool = False) -> list[Callable[[], Case]]:
    """All tables; tiny: sizes that only show that they run."""

    def jacobian() -> Case:
        n = 100 if tiny else 100_000
        S = tridiagonal(n)

        def exact(x: np.ndarray) -> Any:
            return scipy.sparse.diags_array(
                [-np.ones(n - 1), 3 - 4 * x, -2 * np.ones(n - 1)], offsets=(-1, 0, 1), shape=(n, n)
            ).tocsr()

        return case("Jacobian, Broyden tridiagonal", broyden, S, exact, fc.Jacobian(broyden, sparsity=S), 3.0)

    def grid() -> Case:
        side = 10 if tiny else 200
        S, f = five_point(side), grid_residual(side)

        def exact(x: np.ndarray) -> Any:
            return S * -1.0 + scipy.sparse.diags_array(S.diagonal() + 4 + 3 * x**2)

        return case("Jacobian, five-point grid", f, S, exact, fc.Jacobian(f, sparsity=S), None)

    def hessian() -> Case:
        n = 100 if tiny else 10_000
        S = tridiagonal(n)
        H = fc.Hessian(np.sum, gradient=valley_gradient, sparsity=S)

        def exact(x: np.ndarray) -> Any:
            diagonal = np.append(1200 * x[:-1] ** 2 - 400 * x[1:] + 2, 0) + np.append(0, np.full(n - 1, 200.0))
            off = -400 * x[:-1]
            return scipy.sparse.diags_array([off, diagonal, off], offsets=(-1, 0, 1), shape=(n, n)).tocsr()

        return case("Hessian, chained Rosenbrock, from its gradient", valley_gradient, S, exact, H, None, 20)

    return [jacobian, grid, hessian]


def error(found: Any, exact: Any) -> float:
    return float(abs(found - exact).max() / abs(exact).max())


def table(case: Case, effort: timing.Effort, *, markdown: bool) -> tuple[str, list[str]]:
    """Text, and the targets with what was reached."""
    seconds = timing.interleaved([engine.run for engine in case.engines], effort)
    rows, judged = [COLUMNS], []
    for k, engine in enumerate(case.engines):
        ratio = float(np.nanmedian(seconds[:, k] / seconds[:, 0]))
        found = engine.run()
        target = verdict = ""
        if engine.ratio is not None:
            target, met = f"<= {engine.ratio:g}x", ratio <= engine.ratio
            verdict = f"{'met' if met else 'MISSED'}: {ratio:.2f}x"
        elif engine.most_calls is not None:
            target, met = f"< {engine.most_calls} calls", engine.calls < engine.most_calls
            verdict = f"{'met' if met else 'MISSED'}: {engine.calls} calls"
        if target:
            judged.append(f"{case.name}: target {target}, {verdict}")
        rows.append(
            (
                engine.name, report.duration(float(np.nanmedian(seconds[:, k]))), f"{ratio:.2f}", str(engine.calls),
                str(engine.colors or ""), "" if found is None else f"{error(found, case.exact):.1e}", target, verdict,
            )
        )  # fmt: skip
    head = f"### {case.name}\n\n" if markdown else f"{case.name}\n"
    notes = []
    for name, run in case.once:
        begin = timing.clock()
        run()
        notes.append(f"- {name}: {report.duration(timing.clock() - begin)}")
    return head + report.aligned(rows, markdown=markdown) + "\n" + "\n" * markdown + "\n".join(notes) + "\n", judged


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure, print as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--only", metavar="NAME", action="append", help="tables whose title contains NAME")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # to see that it runs
    options = parser.parse_args(arguments)
    effort = timing.QUICK if options.quick else timing.Effort()
    effort = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1) if options.tiny else effort
    about = machine.describe(PACKAGES)
    print("\n".join(f"{'- ' * options.markdown}{name}: {text}" for name, text in about.items()) + "\n", flush=True)
    timing.settle_allocator()
    everything = []
    if not options.tiny and (not options.only or any(part in COLORING for part in options.only)):
        rows = coloring.coloring_rows(quick=options.quick)
        print(f"{'### ' * options.markdown}{COLORING}\n" + "\n" * options.markdown, end="")
        print(coloring.table(rows, markdown=options.markdown) + "\n", flush=True)
    for make in cases(tiny=options.tiny):
        chosen = make()
        if options.only and not any(part in chosen.name for part in options.only):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text, judged = table(chosen, effort, markdown=options.markdown)
        print(text, flush=True)
        everything += judged
    print("\n".join(everything))
    return 0


if __name__ == "__main__":
    sys.exit(main())
