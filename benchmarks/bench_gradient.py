"""Gradients of a plain Python function, against the bare 2n calls."""

from benchmarks.speed import gradient_row
from benchmarks.subjects import cases


@cases(gradient_row(n) for n in (2, 10, 100, 1000))
def test_gradient(compare, row, engine):
    compare(row.problem, engine, row.title)
