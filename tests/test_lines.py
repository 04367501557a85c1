"""Points along lines, as functions are called at them: plain ones point by point, vectorised ones in blocks."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcalc._functions.python import PythonFunction
from fastcalc._functions.vectorized import VectorizedFunction
from fastcalc._kernels.lines import Lines
from tests.reference import Recorder

REAL = [np.float32, np.float64, np.longdouble]
INEXACT = [*REAL, np.complex64, np.complex128, np.clongdouble]
BOTH = pytest.mark.parametrize("vectorized", [False, True])


def index(*numbers):
    return np.array(numbers, np.intp)


def places(lines, line, shift, x, *, vectorized, count=None):
    """The points (n, count) at which f is called, in order."""
    f = Recorder(lambda points: points[0] + 2 * points[-1])
    n = len(x)
    function = VectorizedFunction(f, x.dtype, n, False) if vectorized else PythonFunction(f, x.dtype, (n,))
    function.start()
    function.evaluate_along(Lines(x[:, :1].copy()), index(0), np.zeros(1), 1)  # as f(x) is, before all else
    f.points.clear()
    count = len(shift) if count is None else count
    function.evaluate_along(lines, line, shift, count)
    found = f.array()
    assert found.shape == (n, count)
    assert function.evaluations == 1 + count
    values = function.values[0, :count] if function.columns_last else function.values[:count, 0]
    np.testing.assert_array_equal(values, found[0] + 2 * found[-1])
    return found


def twin(x, moves, line, shift, axis, lane):
    """Point by point: moves[a] lists (component, coefficient of each lane) of axis a."""
    real = x.real.dtype.type
    columns = []
    for k, s in zip(line, shift, strict=True):
        point = x[:, lane[k]].copy()
        for component, coefficients in moves[axis[k]]:
            if s != 0:
                point[component] += real(s) * real(coefficients[lane[k] % len(coefficients)])
        columns.append(point)
    return np.stack(columns, axis=1)


@BOTH
@pytest.mark.parametrize("dtype", INEXACT)
def test_coordinates(dtype, vectorized):
    """A line per component and point, lanes innermost."""
    x = np.arange(1, 7).reshape(3, 2).astype(dtype) / 3
    if x.dtype.kind == "c":
        x += dtype(0.25j)
    lines = Lines(x)
    assert (lines.n_components, lines.n_lanes, lines.n_lines) == (3, 2, 6)
    line, shift = index(0, 1, 2, 5, 5, 4, 3), np.array([0.5, -0.25, 0.0, 1e-3, -1e-3, 8.0, 0.1])
    found = places(lines, line, shift, x, vectorized=vectorized)
    every = [(k // 2, k % 2) for k in range(6)]
    moves = [[(a, [1])] for a in range(3)]
    expected = twin(x, moves, line, shift, [a for a, _ in every], [b for _, b in every])
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    # nothing but the one component moves, and imaginary parts stay
    for column, k in zip(found.T, line, strict=True):
        a, b = every[k]
        np.testing.assert_array_equal(np.delete(column, a), np.delete(x[:, b], a))
        assert column[a].imag == x[a, b].imag


@BOTH
@pytest.mark.parametrize("dtype", INEXACT)
@pytest.mark.parametrize("per_lane", [False, True])
def test_directions(dtype, vectorized, per_lane):
    """Axis 0 moves two components, axis 1 none, axis 2 all of them; lines go through any lane, in any order."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3)).astype(dtype)
    start, component = index(0, 2, 2, 6), index(3, 1, 0, 1, 2, 3)
    coefficient = rng.normal(size=(6, 3 if per_lane else 1)).astype(x.real.dtype)
    axis, lane = index(2, 0, 1, 0, 2), index(1, 0, 2, 2, 0)
    lines = Lines(x, start, component, coefficient, axis, lane)
    assert (lines.n_components, lines.n_lanes, lines.n_lines) == (4, 3, 5)
    line, shift = index(0, 0, 1, 2, 3, 4, 4, 3), np.array([0.5, -0.5, 2.0, 1.0, 1e-4, 0.0, -1e-9, 3.0])
    moves = [[(component[e], coefficient[e]) for e in range(start[a], start[a + 1])] for a in range(3)]
    found = places(lines, line, shift, x, vectorized=vectorized)
    np.testing.assert_array_equal(found, twin(x, moves, line, shift, axis, lane))


@BOTH
def test_displacements_in_longdouble(vectorized):
    for dtype in REAL:
        x = np.array([[1.0], [2.0]], dtype)
        shift = np.array([2.0**-40, 1 / np.longdouble(3)], np.longdouble)
        found = places(Lines(x), index(0, 1), shift, x, vectorized=vectorized)
        np.testing.assert_array_equal(found[0], [dtype(1) + dtype(2.0**-40), 1])
        np.testing.assert_array_equal(found[1], [2, dtype(2) + dtype(shift[1])])


@BOTH
def test_a_displacement_of_0_is_x_itself(vectorized):
    """Even where a coefficient or x is not finite, and for a zero with a sign."""
    x = np.array([[np.inf, -0.0], [np.nan, 1.0]])
    lines = Lines(x, index(0, 2), index(0, 1), np.array([[np.inf], [np.nan]]), index(0, 0), index(0, 1))
    found = places(lines, index(0, 1), np.zeros(2), x, vectorized=vectorized)
    np.testing.assert_array_equal(found, x)
    assert np.signbit(found[0, 1])


@BOTH
def test_a_component_twice_in_a_direction_moves_twice(vectorized):
    x = np.ones((2, 1))
    lines = Lines(x, index(0, 3), index(1, 0, 1), np.array([[1.0], [4.0], [2.0]]), index(0), index(0))
    found = places(lines, index(0), np.array([0.5]), x, vectorized=vectorized)
    np.testing.assert_array_equal(found[:, 0], [3.0, 2.5])


@BOTH
def test_fewer_points_than_there_is_room_for(vectorized):
    x = np.ones((2, 1))
    line, shift = index(0, 1, 7, -1), np.array([1.0, 2.0, np.nan, np.inf])
    found = places(Lines(x), line, shift, x, vectorized=vectorized, count=2)
    np.testing.assert_array_equal(found, [[2, 1], [1, 3]])


@BOTH
def test_more_points_than_a_block_holds(vectorized):
    """Vectorised, f is called several times; the points and their order are the same."""
    n, count = 3000, 40
    x = np.linspace(1, 2, n)[:, None]
    line, shift = np.arange(count, dtype=np.intp) * 70, np.linspace(-1, 1, count)
    found = places(Lines(x), line, shift, x, vectorized=vectorized)
    expected = np.repeat(x, count, axis=1)
    expected[line, np.arange(count)] += shift
    np.testing.assert_array_equal(found, expected)


def test_points_of_one_variable():
    """A plain function gets scalars, a vectorised one a row."""
    x = np.array([[1.0, 4.0]])
    seen = []

    def f(t):
        seen.append(t)
        return 2 * t

    plain = PythonFunction(f, x.dtype, ())
    plain.start()
    plain.evaluate_along(Lines(x), index(1, 0), np.array([0.5, 0.25]), 2)
    assert seen == [4.5, 1.25]
    assert all(type(t) is np.float64 for t in seen)
    np.testing.assert_array_equal(plain.values.ravel()[:2], [9, 2.5])
    seen.clear()
    block = VectorizedFunction(f, x.dtype, 1, True)
    block.start()
    block.evaluate_along(Lines(x), index(1, 0), np.array([0.5, 0.25]), 2)
    np.testing.assert_array_equal(seen, [[4.5, 1.25]])


@given(
    x=st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6),
    shift=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12),
    data=st.data(),
)
def test_any_lines(x, shift, data):
    x = np.array(x).reshape(3, 2)
    start = index(0, 1, 3, 3)
    component = index(*data.draw(st.lists(st.integers(0, 2), min_size=3, max_size=3)))
    coefficient = np.array(data.draw(st.lists(st.floats(-4, 4), min_size=6, max_size=6))).reshape(3, 2)
    axis = index(*data.draw(st.lists(st.integers(0, 2), min_size=4, max_size=4)))
    lane = index(*data.draw(st.lists(st.integers(0, 1), min_size=4, max_size=4)))
    line = index(*data.draw(st.lists(st.integers(0, 3), min_size=len(shift), max_size=len(shift))))
    lines = Lines(x, start, component, coefficient, axis, lane)
    moves = [[(component[e], coefficient[e]) for e in range(start[a], start[a + 1])] for a in range(3)]
    expected = twin(x, moves, line, shift, axis, lane)
    for vectorized in (False, True):
        np.testing.assert_array_equal(places(lines, line, np.array(shift), x, vectorized=vectorized), expected)


def test_x_is_kept_alive():
    lines = Lines(np.full((2, 1), 7.0))
    other = [np.zeros((2, 1)) for _ in range(50)]
    found = places(lines, index(0), np.array([1.0]), np.zeros((2, 1)), vectorized=True)
    np.testing.assert_array_equal(found[:, 0], [8, 7])
    assert len(other) == 50


# --- wrong input ------------------------------------------------------------------------------------------------------


def arguments():
    return {
        "x": np.ones((3, 2)),
        "start": index(0, 1, 3),
        "component": index(2, 0, 1),
        "coefficient": np.ones((3, 2)),
        "axis": index(0, 1, 1),
        "lane": index(0, 1, 0),
    }


INDICES = "a kernel got indices of the wrong type or layout"
ARRAY = "a kernel got an array of the wrong type, layout or size"
UNFIT = "a kernel got lines that don't fit together"
OUTSIDE = "a kernel got indices outside their arrays"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("start", np.array([0, 1, 3], np.int32), INDICES),
        ("start", np.array([0, 9, 1, 9, 3, 9], np.intp)[::2], INDICES),
        ("component", np.array([2.0, 0, 1]), INDICES),
        ("axis", np.array([0, 1, 1], np.uint64), INDICES),
        ("lane", np.zeros(6, np.intp)[::2], INDICES),
        ("x", np.ones((3, 4))[:, ::2], ARRAY),
        ("x", np.ones((3, 2), np.float32), ARRAY),
        ("coefficient", np.ones((3, 2), np.float32), ARRAY),
        ("coefficient", np.ones((2, 2)), ARRAY),
        ("coefficient", np.ones((3, 4))[:, ::2], ARRAY),
        ("coefficient", np.ones((3, 3)), UNFIT),
        ("start", index(1, 2, 3), UNFIT),
        ("start", index(0, 4, 3), UNFIT),
        ("start", index(0, 1, 2), UNFIT),
        ("lane", index(0, 1), UNFIT),
        ("component", index(2, 0, 3), OUTSIDE),
        ("component", index(2, 0, -1), OUTSIDE),
        ("axis", index(0, 2, 1), OUTSIDE),
        ("axis", index(0, -1, 1), OUTSIDE),
        ("lane", index(0, 2, 0), OUTSIDE),
        ("lane", index(0, -1, 0), OUTSIDE),
    ],
)
def test_lines_that_make_no_sense(name, value, message):
    given = arguments()
    Lines(**given)
    given[name] = value
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        Lines(**given)


@pytest.mark.parametrize("dtype", [np.int64, np.float16, object])
def test_types_that_kernels_do_not_know(dtype):
    with pytest.raises(TypeError, match="kernels take float32, float64, longdouble and their complex types"):
        Lines(np.ones((2, 1), dtype))


@BOTH
@pytest.mark.parametrize(
    ("line", "shift", "message"),
    [
        (index(0), np.ones(2), "a kernel got indices of the wrong type, or too few"),
        (np.zeros(2, np.int32), np.ones(2), "a kernel got indices of the wrong type, or too few"),
        (index(0, 1), np.ones(1), "a kernel got displacements of the wrong type, or too few"),
        (index(0, 1), np.ones(2, np.float32), "a kernel got displacements of the wrong type, or too few"),
        (index(0, 6), np.ones(2), "a line outside the set"),
        (index(0, -1), np.ones(2), "a line outside the set"),
    ],
)
def test_requests_that_make_no_sense(vectorized, line, shift, message):
    x = np.ones((3, 2))
    with pytest.raises(ValueError, match=message):
        places(Lines(x), line, shift, x, vectorized=vectorized, count=2)


@BOTH
@pytest.mark.parametrize("x", [np.ones((2, 2)), np.ones((3, 2), np.float32), np.ones((3, 2), complex)])
def test_lines_of_other_points_than_those_of_the_function(vectorized, x):
    with pytest.raises(ValueError, match="lines and the buffer differ in size or type"):
        places(Lines(np.ones((3, 2))), index(0), np.ones(1), x, vectorized=vectorized)
