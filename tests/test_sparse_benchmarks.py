"""The benchmark of sparse derivatives runs, and its references are right."""

import numpy as np
import pytest

pytest.importorskip("scipy.sparse")

import fastcalc as fc
from benchmarks import sparse


@pytest.mark.parametrize("option", [[], ["--markdown"]])
def test_tables_as_text(capsys, option):
    assert sparse.main(["--tiny", *option]) == 0
    printed = capsys.readouterr().out
    for title in ("Broyden tridiagonal, n = 100, 298 entries", "five-point grid", "chained Rosenbrock"):
        assert title in printed
    for row in ("bare calls", "fastcalc", "SciPy, groups known"):
        assert printed.count(row) >= 3
    assert "< 20 calls, met: 6 calls" in printed
    assert ("| bare calls" in printed) == bool(option)


def test_one_table(capsys):
    assert sparse.main(["--tiny", "--only", "grid"]) == 0
    printed = capsys.readouterr().out
    assert "five-point grid" in printed
    assert "Broyden" not in printed


@pytest.mark.parametrize("make", sparse.cases(tiny=True))
def test_references(make):
    case = make()
    for engine in case.engines[1:]:
        assert sparse.error(engine.run(), case.exact) < 1e-6


def test_functions_have_the_pattern_that_is_given():
    x = np.random.default_rng(1).normal(size=25)
    for f, pattern in ((sparse.broyden, sparse.tridiagonal(25)), (sparse.grid_residual(5), sparse.five_point(5))):
        assert ((fc.jacobian(f, x) != 0) <= (pattern.toarray() != 0)).all()
