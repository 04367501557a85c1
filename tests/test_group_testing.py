"""Tests of groups find exactly the entries of a pattern, in as few tests as its colours and size ask for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcalc._differences.sparsity.group_testing import Groups, find_pattern

sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed: pip install scipy")


class Oracle:
    """Tells which rows of a pattern have entries in a group of columns, and counts how often it is asked."""

    def __init__(self, pattern):
        self.pattern = sparse.csc_array(pattern, dtype=float)
        self.pattern.data[:] = 1
        self.tests = 0

    def __call__(self, groups):
        for group in groups:
            self.tests += 1
            assert len(np.unique(group)) == len(group) > 0
            moved = np.zeros(self.pattern.shape[1])
            moved[group] = 1
            yield self.pattern @ moved > 0

    def find(self, **options):
        found = find_pattern(*self.pattern.shape, self, **options)
        rows, columns = found.rows, found.indices
        assert np.all(np.diff(found.indptr) >= 0)
        return set(zip(rows.tolist(), columns.tolist(), strict=True))

    @property
    def entries(self):
        rows, columns = self.pattern.nonzero()
        return set(zip(rows.tolist(), columns.tolist(), strict=True))


def banded(n, offsets):
    return (
        sparse.diags_array(np.ones((len(offsets), 1)), offsets=offsets, shape=(n, n)) if n else sparse.csr_array((0, 0))
    )


def five_point(side):
    line, same = banded(side, [-1, 0, 1]), sparse.eye_array(side)
    return sparse.kron(line, same) + sparse.kron(same, line)


def arrow(n):
    full = sparse.coo_array((np.ones(n), (np.zeros(n, int), np.arange(n))), shape=(n, n))
    return sparse.eye_array(n) + full + full.T


def random_rows(m, n, entries, seed=0):
    columns = np.random.default_rng(seed).integers(0, n, (m, entries))
    return sparse.coo_array((np.ones(m * entries), (np.repeat(np.arange(m), entries), columns.ravel())), shape=(m, n))


@given(
    m=st.integers(0, 40), n=st.integers(0, 90), share=st.sampled_from([0, 0.02, 0.1, 0.5, 1]), seed=st.integers(0, 9999)
)
def test_finds_any_pattern(m, n, share, seed):
    oracle = Oracle(np.random.default_rng(seed).random((m, n)) < share)
    assert oracle.find() == oracle.entries


@given(
    n=st.integers(0, 90), share=st.sampled_from([0, 0.02, 0.1, 0.5]), heavy=st.integers(0, 3), seed=st.integers(0, 9999)
)
def test_finds_any_symmetric_pattern(n, share, heavy, seed):
    rng = np.random.default_rng(seed)
    pattern = rng.random((n, n)) < share
    pattern[rng.permutation(n)[:heavy]] = True
    oracle = Oracle(pattern | pattern.T)
    found = oracle.find(symmetric=True)
    assert found | {(j, i) for i, j in found} == oracle.entries


# how many tests, by hand: 16 for the first level, then 4 for each group that shares no rows with the others
@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        (banded(1, [0]), 1),
        (banded(16, [0]), 16),
        (banded(10_000, [0]), 16 + 5 * 4),
        (banded(10_000, [-1, 0, 1]), 60),
        (banded(10_000, range(-3, 4)), 75),
        (five_point(100), 100),
        (random_rows(10_000, 10_000, 5), 260),
        (random_rows(3, 20_000, 5), 200),
        (sparse.csr_array((50, 10_000)), 16 + 5 * 4),
    ],
    ids=["one", "few", "diagonal", "tridiagonal", "seven bands", "five points", "no order", "few rows", "empty"],
)
def test_takes_few_tests(pattern, most):
    oracle = Oracle(pattern)
    assert oracle.find() == oracle.entries
    assert oracle.tests <= most


def test_scattered_variables_cost_little_more():
    order = np.random.default_rng(0).permutation(100**2)
    oracle = Oracle(five_point(100).tocsr()[order][:, order])
    assert oracle.find() == oracle.entries
    assert oracle.tests <= 260


@pytest.mark.parametrize("n", [100, 500])
def test_a_full_matrix_takes_a_third_more_than_its_columns(n):
    oracle = Oracle(np.ones((n, n)))
    assert oracle.find() == oracle.entries
    assert oracle.tests <= 4 * n / 3 + 16


def test_a_full_column_costs_nothing_and_a_full_row_its_entries():
    n = 3000
    column = banded(n, [-1, 0, 1]).tolil()
    column[:, 7] = 1
    row = column.T
    for pattern, most in ((column, 80), (row, n + 100)):
        oracle = Oracle(pattern)
        assert oracle.find() == oracle.entries
        assert oracle.tests <= most


def test_full_rows_of_a_symmetric_pattern_are_found_as_columns():
    oracle = Oracle(arrow(5000))
    found = oracle.find(symmetric=True)
    assert found | {(j, i) for i, j in found} == oracle.entries
    assert oracle.tests <= 60


def test_memory_that_a_nearly_full_pattern_would_take_is_not_asked_for(monkeypatch):
    for most, tests in ((1000, 16 + 300), (4000, 400)):
        monkeypatch.setattr("fastcalc._differences.sparsity.group_testing._MOST", most)
        oracle = Oracle(random_rows(60, 300, 20))
        assert oracle.find() == oracle.entries
        assert oracle.tests <= tests


def test_groups():
    groups = Groups(np.array([5, 3, 4, 0, 1, 2]), np.array([0, 4, 4, 6]))
    assert len(groups) == 3
    assert not groups.are_single
    parts, first = groups.cut(3)
    assert first.tolist() == [0, 3, 3, 5]
    assert parts.starts.tolist() == [0, 1, 2, 4, 5, 6]
    left = groups.without(np.array([4, 2]))
    assert (left.order.tolist(), left.starts.tolist()) == ([5, 3, 0, 1], [0, 3, 3, 4])
    assert [some.tolist() for some in groups.together(np.array([1, -1, 0]))] == [[1, 2], [5, 3, 4, 0]]
