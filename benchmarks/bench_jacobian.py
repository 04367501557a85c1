"""Jacobians of a plain Python function, against the bare 2n calls."""

from benchmarks.speed import jacobian_row
from benchmarks.subjects import cases


@cases(jacobian_row(n) for n in (20, 1000))
def test_jacobian(compare, row, engine):
    compare(row.problem, engine, row.title)
