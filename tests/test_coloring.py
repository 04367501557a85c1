"""Colourings: are they valid, do they find few colours, and do they cost little?

Validity is checked on dense matrices: no row has two entries of one colour; no path of four vertices has two colours.
First fit is compared with the textbook's, colour by colour.
"""

import itertools
import signal
import time

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize._numdiff import group_columns

import fastcalc as fc
from benchmarks import coloring as benchmark
from benchmarks import patterns
from benchmarks.patterns import GENERATED, MESHES, arrowhead, band, box_grid, skewed, star_grid
from fastcalc._differences.sparsity import coloring, star
from fastcalc._differences.sparsity.pattern import parse_pattern
from fastcalc._kernels.coloring import first_fit
from fastcalc._kernels.orders import count_neighbors, smallest_last
from fastcalc._kernels.saturation import saturation_fit
from fastcalc._kernels.star import star_fit, star_positions

# --- patterns ---------------------------------------------------------------------------------------------------------


def mesh(name):
    pytest.importorskip("pyamg", reason="pyamg brings the meshes")
    return patterns.mesh(name)


def pattern_of(matrix):
    return parse_pattern(matrix)


@st.composite
def matrices(draw, *, square=False):
    """Dense matrices of bools of all shapes and densities, some with full rows or columns."""
    m = draw(st.integers(0, 40))
    n = m if square else draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    matrix = rng.random((m, n)) < draw(st.floats(0, 1)) ** 2
    for axis in draw(st.lists(st.sampled_from([0, 1]), max_size=2)):
        if matrix.shape[axis]:
            matrix[(rng.integers(m), ...) if axis == 0 else (..., rng.integers(n))] = True
    return matrix


# --- references -------------------------------------------------------------------------------------------------------


def assert_columns_apart(matrix, colors):
    """In each row, each colour has at most one entry; the colours are 0, 1, ... without a gap."""
    entries = sp.coo_array(matrix)
    where, counts = np.unique(np.stack([entries.row, colors[entries.col]]), axis=1, return_counts=True)
    assert (counts == 1).all(), where[:, counts > 1]
    assert set(colors) == set(range(int(colors.max(initial=-1)) + 1))


def neighbors_of(matrix):
    """Other columns with an entry in the same row, as sets."""
    dense = np.asarray(matrix, np.bool_)
    common = (dense.T.astype(np.int64) @ dense) > 0
    np.fill_diagonal(common, False)
    return [set(np.flatnonzero(row)) for row in common]


def textbook_first_fit(neighbors, order):
    colors = np.full(len(neighbors), -1)
    for v in order:
        taken = {colors[w] for w in neighbors[v]}
        colors[v] = next(c for c in itertools.count() if c not in taken)
    return colors


def is_star_coloring(matrix, colors):
    """Neighbours differ, and so do three of any path a-b-c-d."""
    dense = np.array(matrix, np.bool_)
    np.fill_diagonal(dense, False)
    near = [np.flatnonzero(row) for row in dense]
    for b in range(len(dense)):
        for c in near[b]:
            if colors[b] == colors[c]:
                return False
            for a in near[b]:
                if a == c or colors[a] != colors[c]:
                    continue
                if any(d not in (a, b) and colors[d] == colors[b] for d in near[c]):
                    return False
    return True


def n_colors(colors):
    return int(colors.max(initial=-1)) + 1


def arrays(matrix):
    """The pattern by columns and by rows, as kernels take it."""
    pattern = parse_pattern(matrix)
    columns = pattern.transposed
    return columns.indptr, columns.indices, pattern.indptr, pattern.indices


# --- columns: validity ------------------------------------------------------------------------------------------------


@given(matrices())
def test_columns_of_a_color_share_no_row(matrix):
    colors = fc.color_columns(matrix)
    assert colors.dtype == np.intp
    assert colors.shape == (matrix.shape[1],)
    assert colors.flags.writeable
    assert_columns_apart(matrix, colors)


@pytest.mark.parametrize("name", GENERATED)
def test_generated_patterns_are_coloured_validly(name):
    matrix = GENERATED[name]()
    assert_columns_apart(matrix, fc.color_columns(matrix))


@given(matrices(), st.integers(0, 2**32), st.integers(1, 30))
def test_first_fit_is_the_textbooks(matrix, seed, long):
    """In blocks too, which only change the order."""
    order = np.random.default_rng(seed).permutation(matrix.shape[1])
    pattern = pattern_of(matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coloring, "_LONG", long)
        in_order, blocks, owners = coloring._in_blocks(pattern, order)
        found = coloring._first_fit(pattern, order)
    np.testing.assert_array_equal(found.color, textbook_first_fit(neighbors_of(matrix), in_order))
    assert found.count == n_colors(found.color)
    np.testing.assert_array_equal(np.sort(in_order), np.arange(matrix.shape[1]))
    for b, owner in enumerate(owners):
        assert owner == -1 or matrix[owner, in_order[blocks[b] : blocks[b + 1]]].all()


@pytest.mark.parametrize("density", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("long", [20, 10**6])
def test_first_fit_with_hundreds_of_colors_is_the_textbooks(density, long, monkeypatch):
    """More than 64 of them, hence several passes."""
    rng = np.random.default_rng(7)
    matrix = rng.random((250, 300)) < density
    monkeypatch.setattr(coloring, "_LONG", long)
    pattern, order = pattern_of(matrix), rng.permutation(300)
    found = coloring._first_fit(pattern, order)
    in_order = coloring._in_blocks(pattern, order)[0]
    np.testing.assert_array_equal(found.color, textbook_first_fit(neighbors_of(matrix), in_order))
    assert (found.count > 64) == (density > 0.05)


@given(matrices(), st.integers(0, 2**32))
def test_saturation_degree_is_the_textbooks(matrix, seed):
    n = matrix.shape[1]
    order = np.random.default_rng(seed).permutation(n)
    neighbors, rank, expected = neighbors_of(matrix), np.argsort(order), np.full(n, -1)
    for _ in range(n):
        v = max(
            (v for v in range(n) if expected[v] < 0),
            key=lambda v: (len({expected[w] for w in neighbors[v]} - {-1}), -rank[v]),
        )
        taken = {expected[w] for w in neighbors[v]}
        expected[v] = next(c for c in itertools.count() if c not in taken)
    colors = np.empty(n, np.intp)
    # one more than needed: the last colour is for those that see all others, which is found out too late
    assert saturation_fit(*arrays(matrix), order, n + 1, colors) == n_colors(expected)
    np.testing.assert_array_equal(colors, expected)


@given(matrices())
def test_saturation_degree_keeps_within_a_limit(matrix):
    n = matrix.shape[1]
    colors = np.empty(n, np.intp)
    needed = saturation_fit(*arrays(matrix), np.arange(n), n + 1, colors)
    for limit in range(1, n + 1):
        count = saturation_fit(*arrays(matrix), np.arange(n), limit, colors)
        assert count == (needed if limit >= needed else 0)


@given(matrices())
def test_smallest_last_takes_the_smallest(matrix):
    starts, rows, row_starts, columns = arrays(matrix)
    degree = count_neighbors(starts, rows, row_starts)
    dense = np.asarray(matrix, np.int64)
    common = dense.T @ dense
    np.testing.assert_array_equal(degree, common.sum(axis=1) - np.diag(common))
    left = list(range(matrix.shape[1]))
    for v in smallest_last(starts, rows, row_starts, columns, degree)[::-1]:
        common = dense[:, left].T @ dense[:, left]
        neighbors = common.sum(axis=1) - np.diag(common)
        assert neighbors[left.index(v)] == neighbors.min()
        left.remove(v)
    assert left == []


@given(matrices(square=True))
def test_smallest_last_of_a_graph_takes_the_smallest(matrix):
    matrix = matrix | matrix.T
    pattern = pattern_of(matrix)
    left = list(range(len(matrix)))
    np.fill_diagonal(matrix, False)
    for v in smallest_last(pattern.indptr, pattern.indices, None, None, np.diff(pattern.indptr))[::-1]:
        degrees = matrix[np.ix_(left, left)].sum(axis=1)
        # entries of the diagonal count for the column itself, which may put it off by one
        assert degrees[left.index(v)] <= degrees.min() + 1
        left.remove(v)
    assert left == []


# --- columns: how many ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "count"),
    [
        (band(10_000, -1, 0, 1), 3),
        (band(10_000, *range(-3, 4)), 7),
        (star_grid(40, 40), 5),
        (star_grid(7, 300), 5),
        (star_grid(40, 40, periodic=True), 5),
        (box_grid(30, 41), 9),
        (box_grid(8, 9, 10), 27),
        (sp.kron(star_grid(20, 21), np.ones((2, 2))), 10),
        (arrowhead(50), 50),
        (np.ones((3, 8)), 8),
        (np.eye(8), 1),
        (np.zeros((4, 3)), 1),
        (np.zeros((0, 3)), 1),
        (np.zeros((3, 0)), 0),
        (np.ones((1, 1)), 1),
    ],
)
def test_structured_patterns_take_the_fewest_colors(matrix, count):
    colors = fc.color_columns(matrix)
    assert n_colors(colors) == count
    assert_columns_apart(matrix, colors)


@pytest.mark.parametrize("name", GENERATED)
def test_no_more_colors_than_scipy(name):
    matrix = sp.csr_array(GENERATED[name]())
    assert n_colors(fc.color_columns(matrix)) <= n_colors(group_columns(matrix))


@pytest.mark.parametrize("name", MESHES)
def test_no_more_colors_than_scipy_on_meshes(name):
    matrix = mesh(name)
    colors = fc.color_columns(matrix)
    assert_columns_apart(matrix, colors)
    assert n_colors(colors) <= n_colors(group_columns(matrix))


def test_saturation_degree_finds_fewer_colors(monkeypatch):
    hard = [pattern_of(GENERATED[name]()) for name in ("scattered, 20 a row", "tall", "13 points")]
    best = [n_colors(coloring.column_colors(pattern)) for pattern in hard]
    monkeypatch.setattr(coloring, "_saturation", lambda pattern, order, best: best)
    without = [n_colors(coloring.column_colors(pattern)) for pattern in hard]
    assert all(a < b for a, b in zip(best, without, strict=True))


def test_dear_orders_are_left_out(monkeypatch):
    """The colours of first fit are regrouped all the same."""
    pattern = pattern_of(GENERATED["scattered, 20 a row"]())
    best = n_colors(coloring.column_colors(pattern))
    for name in ("_VISITS", "_VISITS_PER_ENTRY", "_FEW_VISITS"):
        monkeypatch.setattr(coloring, name, 0)
    for name in ("saturation_fit", "smallest_last"):
        monkeypatch.setattr(coloring, name, None)
    cheap = coloring.column_colors(pattern)
    assert_columns_apart(sp.csr_array(GENERATED["scattered, 20 a row"]()), cheap)
    order = coloring.descending(count_neighbors(*arrays(GENERATED["scattered, 20 a row"]())[:3]))
    once = [coloring._first_fit(pattern, order).count for order in (np.arange(1000), order)]
    assert best < n_colors(cheap) < min(once)
    monkeypatch.setattr(coloring, "_ENTRIES", 0)
    assert n_colors(coloring.column_colors(pattern)) == once[0]


def test_colors_depend_on_the_pattern_alone():
    matrix = GENERATED["scattered, 5 a row"]()
    colors = fc.color_columns(matrix)
    for other in (matrix.tocsc(), matrix.tocoo(), matrix != 0, 0 * matrix, matrix.toarray(), matrix.toarray() != 0):
        np.testing.assert_array_equal(fc.color_columns(other), colors)
    np.testing.assert_array_equal(fc.color_columns(matrix), colors)


def test_input_is_not_changed():
    matrix = GENERATED["scattered, 5 a row"]()
    copy = matrix.copy()
    fc.color_columns(matrix)
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(matrix, name), getattr(copy, name))


# --- stars ------------------------------------------------------------------------------------------------------------


@given(matrices(square=True), st.booleans())
def test_star_colors_have_no_path_of_two_colors(matrix, diagonal):
    matrix = matrix | matrix.T
    np.fill_diagonal(matrix, diagonal)
    colors = star.star_colors(pattern_of(matrix))
    assert colors.dtype == np.intp
    assert is_star_coloring(matrix, colors)
    assert set(colors) == set(range(n_colors(colors)))


@given(matrices(square=True), st.integers(0, 2**32), st.booleans())
@settings(max_examples=200)
def test_any_order_gives_a_star_coloring(matrix, seed, cautious):
    matrix = matrix | matrix.T
    n, pattern = len(matrix), pattern_of(matrix)
    order, colors = np.random.default_rng(seed).permutation(n), np.empty(n, np.intp)
    count = star_fit(pattern.indptr, pattern.indices, order, cautious, n, colors)
    assert count == n_colors(colors)
    assert is_star_coloring(matrix, colors)
    if cautious:  # neighbours that are there before a vertex all differ
        near = matrix & ~np.eye(n, dtype=np.bool_)
        for k, v in enumerate(order):
            before = colors[[w for w in order[:k] if near[v, w]]]
            assert len(set(before)) == len(before)
    else:  # no smaller colour was possible, given those before
        for k, v in enumerate(order):
            before = order[: k + 1]
            for smaller in range(colors[v]):
                attempt = colors.copy()
                attempt[v] = smaller
                assert not is_star_coloring(matrix[np.ix_(before, before)], attempt[before])


@given(matrices(square=True), st.booleans())
def test_star_fit_keeps_within_a_limit(matrix, cautious):
    matrix = matrix | matrix.T
    n, pattern = len(matrix), pattern_of(matrix)
    colors = np.empty(n, np.intp)
    needed = star_fit(pattern.indptr, pattern.indices, np.arange(n), cautious, n, colors)
    for limit in range(1, n + 1):
        count = star_fit(pattern.indptr, pattern.indices, np.arange(n), cautious, limit, colors)
        assert count == (needed if limit >= needed else 0)


@given(matrices(square=True), st.booleans(), st.integers(0, 2**32))
def test_symmetric_matrices_are_recovered(matrix, diagonal, seed):
    matrix = matrix | matrix.T
    if diagonal:
        np.fill_diagonal(matrix, True)
    n = len(matrix)
    hessian = np.random.default_rng(seed).integers(1, 2**40, (n, n)).astype(float)  # sums of them are exact
    hessian = np.triu(hessian) + np.triu(hessian, 1).T
    hessian[~matrix] = 0
    pattern = pattern_of(matrix)
    colors = star.star_colors(pattern)
    color, row = star.star_recovery(pattern, colors)
    products = np.stack([hessian @ (colors == k) for k in range(n_colors(colors))]) if n else np.zeros((0, 0))
    recovered = np.zeros((n, n))
    recovered[pattern.rows, pattern.indices] = products[color, row]
    np.testing.assert_array_equal(recovered, hessian)
    place = np.full((n, n, 2), -1)  # mirrored entries come from the same number
    place[pattern.rows, pattern.indices] = np.stack([color, row], axis=-1)
    np.testing.assert_array_equal(place, place.transpose(1, 0, 2))


def test_hundreds_of_star_colors():
    """More than 64, hence several words, and more than fit in the first attempt."""
    rng = np.random.default_rng(3)
    matrix = rng.random((150, 150)) < 0.4
    matrix |= matrix.T
    pattern = pattern_of(matrix)
    colors = star.star_colors(pattern)
    assert n_colors(colors) > 64
    assert is_star_coloring(matrix, colors)
    star.star_recovery(pattern, colors)


@pytest.mark.parametrize(
    ("matrix", "most"),
    [
        (np.zeros((0, 0)), 0),
        (np.zeros((4, 4)), 1),
        (np.eye(5), 1),
        (band(1000, -1, 1), 3),
        (band(1000, -1, 0, 1), 3),
        (band(1000, *range(-3, 4)), 7),
        (arrowhead(1000), 2),
        (arrowhead(1000, reverse=True), 2),
        (arrowhead(1000, 1, 1), 4),
        (arrowhead(1000, 1, 1, reverse=True), 4),
        (arrowhead(1000, 3, 1), 6),
        (star_grid(40, 41), 5),
        (star_grid(12, 13, 14), 9),
        (box_grid(40, 41), 9),
        (box_grid(8, 9, 10), 27),
        (np.ones((30, 30)), 30),
        (skewed(2000, 2000, 20000, 4) + skewed(2000, 2000, 20000, 4).T, 80),
    ],
)
def test_few_star_colors(matrix, most):
    pattern = pattern_of(matrix)
    colors = star.star_colors(pattern)
    assert n_colors(colors) <= most
    star.star_recovery(pattern, colors)


@pytest.mark.parametrize("name", MESHES)
def test_no_more_star_colors_than_colors_of_columns(name):
    pattern = pattern_of(mesh(name)).symmetric
    colors = star.star_colors(pattern)
    assert n_colors(colors) <= n_colors(coloring.column_colors(pattern))
    assert is_star_coloring(sp.csr_array((np.ones(pattern.size), pattern.indices, pattern.indptr)).toarray(), colors)


@given(matrices(square=True))
def test_no_star_coloring_has_fewer_colors_than_said(matrix):
    matrix = (matrix | matrix.T)[:6, :6]
    n = len(matrix)
    count = star._at_least(pattern_of(matrix))
    assert not any(
        is_star_coloring(matrix, np.array(colors)) for colors in itertools.product(range(count - 1), repeat=n) if n
    )


# --- cost -------------------------------------------------------------------------------------------------------------


def seconds(function, *args):
    """The smallest of three times of this thread, after one more."""
    function(*args)
    times = []
    for _ in range(3):
        start = time.thread_time()
        function(*args)
        times.append(time.thread_time() - start)
    return min(times)


def dense_row(n, length):
    matrix = band(n, -1, 0, 1).tolil()
    matrix[n // 2, :length] = 1
    return parse_pattern(sp.csr_array(matrix))


def wide_arrow(n):
    return parse_pattern(arrowhead(n, 1, 1))


@pytest.mark.parametrize("length", [1.0, 0.5])
def test_a_dense_row_costs_no_more_than_its_length(length):
    """Ten times as long: some ten times the time, not a hundred times."""
    small, large = (dense_row(n, int(length * n)) for n in (20_000, 200_000))
    assert n_colors(coloring.column_colors(large)) == np.diff(large.indptr).max()
    assert seconds(coloring.column_colors, large) < 40 * seconds(coloring.column_colors, small) + 0.02


def test_a_hub_costs_no_more_than_its_neighbors():
    small, large = wide_arrow(20_000), wide_arrow(200_000)
    assert seconds(star.star_colors, large) < 40 * seconds(star.star_colors, small) + 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1e6 scattered", "1e6 near by", "1e6, 5 points"])
def test_a_large_pattern_takes_no_more_than_twice_as_long_as_scipy(name):
    (row,) = benchmark.coloring_rows(only=[name])
    assert row.colors <= row.scipy_colors
    assert row.seconds <= 2 * row.scipy_seconds


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signals by a timer")
def test_kernels_stop_when_a_signal_handler_raises():
    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    n = 10**6
    matrix = patterns.scattered(n, n, 10, 0)
    by_columns, pattern = arrays(matrix), pattern_of(matrix).symmetric
    order, colors = np.random.default_rng(0).permutation(n), np.empty(n, np.intp)
    neighbors, blocks = count_neighbors(*by_columns[:3]), (np.array([0, n]), np.array([-1]))
    runs = [
        lambda: first_fit(*by_columns[:2], n, order, *blocks, colors),
        lambda: saturation_fit(*by_columns, order, 64, colors),
        lambda: smallest_last(*by_columns, neighbors),
        lambda: smallest_last(pattern.indptr, pattern.indices, None, None, np.diff(pattern.indptr)),
        lambda: star_fit(pattern.indptr, pattern.indices, order, False, n, colors),
    ]
    before = signal.signal(signal.SIGALRM, stop)
    try:
        for run in runs:
            start = time.perf_counter()
            run()
            whole = time.perf_counter() - start
            signal.setitimer(signal.ITIMER_REAL, whole / 10)
            start = time.perf_counter()
            with pytest.raises(Stop):
                run()
            assert time.perf_counter() - start < 0.7 * whole
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("option", [[], ["--markdown"]])
def test_the_benchmark_prints_a_table(capsys, option):
    assert benchmark.main(["--quick", "--only", "points", "--only", "tall", *option]) == 0
    printed = capsys.readouterr().out
    for text in ("27 points", "tall", "fullest row", "targets met: 7 of 7"):
        assert text in printed


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sparsity", "error", "message"),
    [
        (None, TypeError, "`sparsity` must be a matrix"),
        ("detect", ValueError, r"must be a matrix here; got 'detect': give detect_sparsity\(f, x\)"),
        ([[1, 0], [1]], TypeError, "`sparsity` must be a matrix"),
        (np.array([["a"]]), TypeError, "`sparsity` must be a matrix"),
        (np.ones(3), ValueError, "`sparsity` must be a matrix"),
        (np.ones((2, 2, 2)), ValueError, "`sparsity` must be a matrix"),
    ],
)
def test_what_is_no_matrix_is_refused(sparsity, error, message):
    with pytest.raises(error, match=message):
        fc.color_columns(sparsity)


def test_star_colors_are_of_symmetric_patterns():
    for matrix in (np.ones((2, 3)), np.triu(np.ones((3, 3)))):
        with pytest.raises(ValueError, match="symmetric"):
            star.star_colors(pattern_of(matrix))
    with pytest.raises(ValueError, match="symmetric"):
        star.star_recovery(pattern_of(np.triu(np.ones((3, 3)))), np.arange(3))


def test_wrong_star_colors_are_refused():
    path = pattern_of(band(4, -1, 0, 1))
    with pytest.raises(ValueError, match=r"star colouring of the pattern; entry \(1, 2\)"):
        star.star_recovery(path, np.array([0, 1, 0, 1]))
    with pytest.raises(ValueError, match="star colouring"):
        star.star_recovery(path, np.array([0, 0, 1, 2]))


def test_kernels_refuse_arrays_that_do_not_fit():
    starts, rows, row_starts, columns = arrays(np.eye(3))
    three, two = np.arange(3), np.arange(2)
    blocks, owners, sizes = np.array([0, 3]), np.array([-1]), "sizes that don't fit"
    with pytest.raises(ValueError, match=sizes):
        first_fit(starts, rows, 3, two, blocks, owners, three.copy())
    with pytest.raises(ValueError, match=sizes):
        first_fit(starts, rows, 3, three, np.array([0, 2]), owners, three.copy())
    with pytest.raises(ValueError, match=sizes):
        first_fit(starts, two, 3, three, blocks, owners, three.copy())
    with pytest.raises(ValueError, match=sizes):
        count_neighbors(starts, two, row_starts)
    with pytest.raises(ValueError, match=sizes):
        smallest_last(starts, rows, row_starts, two, three)
    with pytest.raises(ValueError, match=sizes):
        smallest_last(starts, two, None, None, three)
    for limit, order in ((0, three), (3, two)):
        with pytest.raises(ValueError, match=sizes):
            saturation_fit(starts, rows, row_starts, columns, order, limit, three.copy())
    with pytest.raises(ValueError, match=sizes):
        star_fit(row_starts, columns, two, False, 3, three.copy())
    with pytest.raises(ValueError, match=sizes):
        star_positions(row_starts, columns, three, 3, two.copy(), three.copy())
