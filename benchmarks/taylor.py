"""Taylor polynomials beside madng-tpsa, daceypy, pure NumPy, autograd and jax: one command.

    python benchmarks/taylor.py [--quick] [--markdown] [--only NAME]

Everything runs in one process, interleaved; ratios are medians of the ratios of the rounds: the time of fastcalc as a
share of the rival's. Errors are the largest differences between the engines of a row, relative to the size of the terms
they are sums of. README.md beside this file says what the columns mean.
"""

import argparse
import math
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # was this folder

from benchmarks import machine, report, taylor_blackbox, taylor_derivatives, taylor_series, timing
from benchmarks.taylor_rows import Group, Result, measure

PACKAGES = ("fastcalc", "numpy", "madng-tpsa", "daceypy", "autograd", "jax")
SPACE = "space"


def groups(*, tiny: bool = False) -> list[Group]:
    """All tables; tiny: sizes that only show that they run."""
    share = 0.5 if machine.instruction_set() == "baseline" else 0.25
    if tiny:
        return [
            taylor_series.dense(((2, 2),)), taylor_series.small(((2, 1),)),
            taylor_series.batch(((2, 2),), (3,), share=share), taylor_series.evaluation((2, 2), 30),
            taylor_derivatives.derivatives((3,), (3,)), taylor_derivatives.cached_space((2, 2)),
        ]  # fmt: skip
    return [
        taylor_series.dense(), taylor_series.small(), taylor_series.batch(share=share), taylor_series.evaluation(),
        taylor_derivatives.derivatives(), taylor_derivatives.cached_space(),
    ]  # fmt: skip


def table(group: Group, results: list[Result], *, markdown: bool) -> str:
    """A line for each row: the time of every engine, shares, error, target."""
    engines = list(dict.fromkeys(name for result in results for name in result.seconds))
    rivals = [name for name in group.rivals if name in engines]
    rows = [[group.title, *engines, *(f"of {name}" for name in rivals), "error", "target", "verdict"]]
    for result in results:
        times = [report.duration(result.seconds[name]) if name in result.seconds else "" for name in engines]
        shares = [f"{result.shares[name]:.3f}" if name in result.shares else "" for name in rivals]
        error = "" if math.isnan(result.error) else f"{result.error:.1e}"
        rows.append([result.name, *times, *shares, error, str(result.target or ""), verdict(result)])
    return report.aligned(rows, markdown=markdown) + "\n"


def verdict(result: Result) -> str:
    if result.met is None:
        return ""
    return f"{'met' if result.met else 'MISSED'}{': ' if result.note else ''}{result.note}"


def summary(results: list[Result]) -> str:
    """How many targets are met, and which are not."""
    judged = [result for result in results if result.met is not None]
    lines = [f"{sum(bool(result.met) for result in judged)} of {len(judged)} targets met"]
    for result in judged:
        if not result.met:
            relative = result.target is not None and result.target.rival is not None
            reached = f"{result.reached:.3f}x" if relative else report.duration(result.reached)
            lines.append(
                f"- {result.name}: {reached}, target {result.target}{f', {result.note}' if result.note else ''}"
            )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure, print as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--only", metavar="NAME", action="append", help="tables or rows whose name contains NAME")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # to see that it runs
    options = parser.parse_args(arguments)
    effort = timing.QUICK if options.quick else timing.Effort()
    effort = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1) if options.tiny else effort

    def wanted(*names: str) -> bool:
        return not options.only or any(part in name for part in options.only for name in names)

    chosen = [
        (group, [row for row in group.rows if wanted(group.name, row.name)]) for group in groups(tiny=options.tiny)
    ]
    chosen = [(group, rows) for group, rows in chosen if rows]
    if not chosen and not wanted(taylor_blackbox.NAME):
        names = ", ".join(group.name for group in groups(tiny=True))
        parser.error(f"no table or row is called like {options.only[0]!r}; tables are {names}, {taylor_blackbox.NAME}")
    about = {**machine.describe(PACKAGES), "instruction set": machine.instruction_set()}
    print("\n".join(f"{'- ' * options.markdown}{name}: {text}" for name, text in about.items()) + "\n", flush=True)
    timing.settle_allocator()
    everything: list[Result] = []
    for group, rows in chosen:
        results = [measure(row, effort, group.clock) for row in rows]
        if group.name == SPACE:
            results += taylor_derivatives.first_space((2, 2) if options.tiny else (10, 6), 1 if options.tiny else 5)
        print(table(group, results, markdown=options.markdown), flush=True)
        everything += results
    if wanted(taylor_blackbox.NAME):
        print(taylor_blackbox.table((2,) if options.tiny else (4, 6), markdown=options.markdown), flush=True)
    print(summary(everything))
    return 0


if __name__ == "__main__":
    sys.exit(main())
