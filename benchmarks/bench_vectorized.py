"""Gradients of a vectorised function at one point and at many, against hand-written batches and the bare calls."""

from benchmarks.speed import batch_rows, vectorized_row
from benchmarks.subjects import cases


@cases([*(vectorized_row(n) for n in (10, 100, 1000)), *batch_rows(100_000)])
def test_vectorized_gradient(compare, row, engine):
    compare(row.problem, engine, row.title)
