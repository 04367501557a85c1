"""Derivatives of compiled functions beside the same loops in C, SciPy, numdifftools and jax: one command.

    python benchmarks/compiled.py [--quick] [--markdown] [--only NAME]

The loops, `twins.c`, are compiled here, with the flags of fastcalc's kernels, and call the function through a pointer.
Everything runs in one process, interleaved, each round in a new random order; a ratio is the median of the ratios of
the rounds. README.md beside this file says what the columns mean.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # was this folder

from benchmarks import compiled_rows, machine, report, speed, timing, twins

PACKAGES = ("fastcalc", "numpy", "scipy", "numba", "numdifftools", "jax")


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure, print as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--only", metavar="NAME", action="append", help="rows whose name contains NAME (repeatable)")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # to see that it runs
    options = parser.parse_args(arguments)
    try:
        twins.library()
    except OSError as error:
        parser.error(str(error))
    effort = timing.QUICK if options.quick else timing.Effort()
    effort = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1) if options.tiny else effort
    rows = compiled_rows.rows(tiny=options.tiny)
    chosen = [row for row in rows if not options.only or any(part in row.name for part in options.only)]
    if not chosen:
        parser.error(f"no row is called like {options.only[0]!r}; there are {', '.join(row.name for row in rows)}")
    about = {**machine.describe(PACKAGES), "compiler of the loops": " ".join(twins.compiler() or [])}
    print("\n".join(f"{'- ' * options.markdown}{name}: {text}" for name, text in about.items()) + "\n", flush=True)
    timing.settle_allocator()
    tables = []
    for row in chosen:
        tables.append(speed.measure(row, effort))
        print(report.speed(tables[-1], markdown=options.markdown), flush=True)
    print(report.summary(tables, markdown=options.markdown), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
