"""Ratios to the bare calls of f, to NumPy by hand and to the peers, with errors beside times: one command.

    python benchmarks/compare.py [--quick] [--markdown] [--json] [--only NAME]

Everything runs in one process, interleaved, each round in a new random order; a ratio is the median of the ratios of
the rounds. README.md beside this file says what the columns mean.
"""

import argparse
import json
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Parse, measure, print as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument("--only", metavar="NAME", action="append", help="rows whose name contains NAME (repeatable)")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)  # to see that it runs
    options = parser.parse_args(arguments)

    from benchmarks import accuracy, machine, report, speed, timing

    def wanted(name: str) -> bool:
        return not options.only or any(part in name for part in options.only)

    effort = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1) if options.tiny else timing.Effort()
    effort = timing.QUICK if options.quick and not options.tiny else effort
    chosen = [row for row in speed.rows(tiny=options.tiny) if wanted(row.name)]
    if not chosen and not wanted("accuracy"):
        names = ", ".join(row.name for row in speed.rows(tiny=options.tiny))
        parser.error(f"no row is called like {options.only[0]!r}; there are {names}, accuracy")

    about = machine.describe()
    if not options.json:
        print("\n".join(f"{'- ' * options.markdown}{name}: {text}" for name, text in about.items()) + "\n", flush=True)
    timing.settle_allocator()
    tables = []
    for row in chosen:
        tables.append(speed.measure(row, effort))
        if not options.json:
            print(report.speed(tables[-1], markdown=options.markdown), flush=True)
    digits = accuracy.tables() if wanted("accuracy") else []
    if options.json:
        print(json.dumps({
            "machine": about,
            "speed": [table.as_dict() for table in tables],
            "accuracy": [table.as_dict() for table in digits],
        }, indent=1))  # fmt: skip
        return 0
    for table in digits:
        print(report.accuracy(table, markdown=options.markdown), flush=True)
    print(report.summary(tables, markdown=options.markdown), end="")
    return 0


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)  # was this folder
    sys.exit(main())
