"""Hessians of a plain Python function, against the bare 1 + n + n**2 calls."""

from benchmarks.speed import hessian_row
from benchmarks.subjects import cases


@cases(hessian_row(n) for n in (5, 20))
def test_hessian(compare, row, engine):
    compare(row.problem, engine, row.title)
