"""Taylor arithmetic and exact derivatives, beside the peers."""

import pytest

from benchmarks import taylor_derivatives, taylor_series
from benchmarks.timing import quiet

GROUPS = [
    taylor_series.dense(((10, 4),)),
    taylor_series.small(),
    taylor_series.batch(((2, 10),), (64,), share=0.25),
    taylor_series.evaluation((10, 4), 1000),
    taylor_derivatives.derivatives((10, 100), (10,)),
    taylor_derivatives.cached_space(),
]


@pytest.mark.parametrize(
    ("row", "engine"),
    [
        pytest.param(row, engine, id=f"{row.name}-{engine}")
        for group in GROUPS
        for row in group.rows
        for engine in row.engines
    ],
)
def test_taylor(benchmark, row, engine):
    with quiet():
        candidate = row.engines[engine]()
        if candidate is None:
            pytest.skip(f"{engine} is not installed")
        benchmark.group = row.name
        benchmark(candidate.run)
