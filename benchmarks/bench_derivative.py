"""Derivatives of np.sin at one point and at many, against the bare calls."""

from benchmarks.speed import derivative_row, derivatives_row
from benchmarks.subjects import cases


@cases([derivative_row(), derivatives_row(100_000)])
def test_derivative(compare, row, engine):
    compare(row.problem, engine, row.title)
