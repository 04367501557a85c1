"""Rows of the speed table as pytest parameters."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from benchmarks.speed import Row

SLOW = ("numdifftools", "jacobi", "scipy.differentiate")


def cases(rows: Iterable[Row], *, small: int = 100) -> pytest.MarkDecorator:
    """One case per row and engine; without the slow peers where the problem has more than `small` numbers."""
    parameters = [
        pytest.param(row, engine, id=f"{row.name}-{engine.name}")
        for row in rows
        for members in row.groups.values()
        for engine in members
        if engine.name not in SLOW or getattr(row.problem.x, "size", 1) <= small
    ]
    return pytest.mark.parametrize(("row", "engine"), parameters)
