"""What the pytest-benchmark files share."""

from __future__ import annotations

import pytest

from benchmarks.engines import Engine
from benchmarks.functions import Problem
from benchmarks.timing import quiet


@pytest.fixture
def compare(benchmark):
    """Time one engine on one problem, with its error beside it; skip where the engine is missing."""

    def run(problem: Problem, engine: Engine, group: str) -> None:
        if engine.missing():
            pytest.skip(engine.missing())
        benchmark.group = group
        with quiet():
            value = engine.derivative(problem)
            if value is not None:
                benchmark.extra_info["error"] = problem.error(value)
                assert benchmark.extra_info["error"] < 0.1
            benchmark(engine.build(problem))

    return run
