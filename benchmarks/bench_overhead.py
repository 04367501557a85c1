"""What a gradient costs above a function that costs nothing."""

from benchmarks.speed import overhead_row
from benchmarks.subjects import cases


@cases([overhead_row()])
def test_overhead(compare, row, engine):
    compare(row.problem, engine, row.title)
