"""Tables as aligned text or as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.accuracy import Digits
from benchmarks.speed import Line, Table

COLUMNS = ("engine", "time", "ratio", "above", "calls of f", "points", "error", "target", "verdict")


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    size = abs(seconds)
    factor, unit = (1.0, "s") if size >= 1.0 else (1e3, "ms") if size >= 1e-3 else (1e6, "us")
    return f"{seconds * factor:.0f} {unit}" if size * factor >= 99.95 else f"{seconds * factor:.3g} {unit}"


def verdict(line: Line) -> str:
    """Met or missed, and what was reached."""
    if line.met is None:
        return ""
    if "above" in line.target:
        reached = f"{line.above * 1e6:.2f} us"
    else:
        reached = f"{line.ratio:.3f}x" if "x" in line.target else duration(line.seconds)
    return f"{'met' if line.met else 'MISSED'}: {reached}"


def cells(line: Line) -> list[str]:
    error = "" if math.isnan(line.error) else f"{line.error:.1e}" if line.error else "0"
    return [
        line.engine, duration(line.seconds), f"{line.ratio:.3f}" if line.ratio < 10 else f"{line.ratio:.1f}",
        duration(line.above), str(line.calls), str(line.points), error, line.target, verdict(line),
    ]  # fmt: skip


def aligned(rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    """Columns of equal width; the first left, the others right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        padded = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("| " + " | ".join(padded) + " |" if markdown else "  ".join(padded).rstrip())
    if markdown:
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join(lines)


def speed(table: Table, *, markdown: bool) -> str:
    """One table: the first line is what the ratios refer to."""
    head = f"### {table.title}\n\n" if markdown else f"{table.title}\n"
    body = aligned([COLUMNS, *(cells(line) for line in table.lines if not line.note)], markdown=markdown)
    notes = [f"- {line.engine}: {line.note}" for line in table.lines if line.note]
    return "\n".join([head + body, *([""] if markdown and notes else []), *notes, ""])


def accuracy(table: Digits, *, markdown: bool) -> str:
    """Digits, a line per function."""

    def shown(value: float | None) -> str:
        return "-" if value is None else "nan" if math.isnan(value) else f"{value:.1f}"

    rows = [[f"correct digits of the {table.subject}", *table.engines]]
    for k, name in enumerate(table.functions):
        rows.append([name, *(shown(column[k]) for column in table.engines.values())])
    return aligned(rows, markdown=markdown) + "\n"


def summary(tables: Sequence[Table], *, markdown: bool) -> str:
    """All targets, and whether they are met."""
    rows = [["target", "limit", "reached", "verdict"]]
    for table in tables:
        for line in table.lines:
            if line.met is not None:
                state, _, reached = verdict(line).partition(": ")
                rows.append([f"{table.title}: {line.engine}", line.target, reached, state])
    return aligned(rows, markdown=markdown) + "\n" if len(rows) > 1 else ""
