"""Detected patterns: functions whose dependences are known, what each kind of probe can't tell, and its manners."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests.c_functions import compiled_from, library  # noqa: F401
from tests.reference import Recorder

pytest.importorskip("scipy", reason="SciPy is not installed: pip install scipy")

KINDS = ("nan", "perturbation", "exact")


def pattern(f, x, **options):
    """As a dense array of 0 and 1."""
    found = fc.detect_sparsity(f, x, **options)
    assert found.format == "csr"
    assert found.dtype == np.bool_
    assert found.data.all()
    assert found.has_canonical_format
    copy = found.copy()
    copy.has_canonical_format = False
    copy.sum_duplicates()
    assert copy.nnz == found.nnz
    return found.toarray().astype(int)


def bands(m, n, offsets):
    return sum(np.eye(m, n, k, dtype=int) for k in offsets)


def broyden(x):
    x = np.concatenate([x[:1] * 0, x, x[:1] * 0])
    return (3 - 2 * x[1:-1]) * x[1:-1] + 1 - x[:-2] - 2 * x[2:]


def five_point(x):
    y = np.pad(x, 1)
    return 4 * x - y[2:, 1:-1] - y[:-2, 1:-1] - y[1:-1, 2:] - y[1:-1, :-2]


CASES = [
    ("diagonal", np.exp, np.zeros(20), np.eye(20, dtype=int)),
    ("one to one", lambda x: x[::-1] ** 2, np.ones(20), np.eye(20, dtype=int)[::-1]),
    ("differences", np.diff, np.arange(30.0), bands(29, 30, [0, 1])),
    ("products at zero", lambda x: x[1:] * x[:-1], np.zeros(25), bands(24, 25, [0, 1])),
    ("equal variables", lambda x: np.maximum(x[1:], x[:-1]), np.ones(25), bands(24, 25, [0, 1])),
    ("sums", np.cumsum, np.ones(40), np.tri(40, dtype=int)),
    ("full", lambda x: np.full(5, x.sum()), np.ones(18), np.ones((5, 18), int)),
    ("constant", lambda x: np.ones(4), np.ones(18), np.zeros((4, 18), int)),
    ("scalar", lambda x: x[3] * x[17], np.ones(20), np.eye(20, dtype=int)[[3]] + np.eye(20, dtype=int)[[17]]),
    ("numbers", lambda x: [x[0], 2 * x[1]], [1.0, 2.0], np.eye(2, dtype=int)),
    ("no axes", np.sin, 0.5, np.ones((1, 1), int)),
    ("integers", lambda x: x[1:] / 2, [1, 2, 3], bands(2, 3, [1])),
    ("no variables", lambda x: np.ones(3), np.zeros(0), np.zeros((3, 0), int)),
    ("no outputs", lambda x: np.zeros(0), np.zeros(3), np.zeros((0, 3), int)),
    ("axes of x and f", lambda x: np.diff(x, axis=0), np.ones((3, 2)), bands(4, 6, [0, 2])),
    ("singular points", np.sqrt, np.zeros(20), np.eye(20, dtype=int)),
    ("singular points of two", lambda x: np.hypot(x[1:], x[:-1]), np.zeros(20), bands(19, 20, [0, 1])),
    ("small and large", lambda x: 1e8 * x[1:] + 1e-6 * x[:-1], np.ones(20), bands(19, 20, [0, 1])),
    ("tiny variables", lambda x: 1 + x, np.full(20, 1e-30), np.eye(20, dtype=int)),
    ("large variables", lambda x: x[1:] - x[:-1], np.full(20, 1e300), bands(19, 20, [0, 1])),
]


@pytest.mark.parametrize(("f", "x", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_known_patterns(f, x, expected):
    np.testing.assert_array_equal(pattern(f, x), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [3, 16, 17, 200, 1000])
def test_every_kind_finds_a_tridiagonal_matrix(kind, n):
    found = pattern(broyden, -np.ones(n), probes=kind)
    if kind == "nan":  # its ends are 0 * x[0], which is NaN for it
        found[-1, 0] = 0
    np.testing.assert_array_equal(found, bands(n, n, [-1, 0, 1]))


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_grid(vectorized):
    side = 12
    line = bands(side, side, [-1, 0, 1])
    same = np.eye(side, dtype=int)
    expected = np.kron(line, same) | np.kron(same, line)
    if vectorized:

        def f(x):
            return np.stack([five_point(u.reshape(side, side)).ravel() for u in x.T], axis=1)

        found = pattern(f, np.ones(side**2), vectorized=True)
    else:
        found = pattern(five_point, np.ones((side, side)))
    np.testing.assert_array_equal(found, expected)


@given(m=st.integers(1, 30), n=st.integers(1, 60), entries=st.integers(0, 4), seed=st.integers(0, 999))
def test_every_kind_finds_what_a_function_was_made_of(m, n, entries, seed):
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, n, (m, entries))
    weight = rng.uniform(0.5, 2, (m, entries)) * rng.choice([-1, 1], (m, entries))
    expected = np.zeros((m, n), int)
    np.put_along_axis(expected, columns, 1, axis=1)

    def f(x):
        return np.sum(weight * np.sin(x[columns] + weight), axis=1)

    x = rng.normal(size=n)
    for probes in (None, *KINDS):
        np.testing.assert_array_equal(pattern(f, x, probes=probes), expected)


@given(n=st.integers(1, 30), seed=st.integers(0, 999))
def test_all_that_a_jacobian_has_is_found(n, seed):
    rng = np.random.default_rng(seed)
    a, b = (np.where(rng.random((n, n)) < 0.2, rng.normal(size=(n, n)), 0) for _ in range(2))
    at = a != 0, b != 0

    def f(x):  # stored entries alone, as sparse matrices do
        u = np.array([np.sum(row[used] * x[used]) for row, used in zip(a, at[0], strict=True)])
        v = np.array([np.sum(row[used] * x[used]) for row, used in zip(b, at[1], strict=True)])
        return u * np.maximum(v, 0)

    x = rng.normal(size=n)
    found = pattern(f, x) > 0
    assert not (~found & (fc.jacobian(f, x) != 0)).any()
    assert not (found & ~(at[0] | at[1])).any()


# --- what each kind can't tell ---------------------------------------------------------------------------------------


LIMITS = [
    # f, x, what each kind sees of a single entry, in the order of KINDS
    ("a comparison", lambda x: np.where(x > 0, x, 0), [1.0], (0, 1, 1)),
    ("nan_to_num", np.nan_to_num, [1.0], (0, 1, 1)),
    ("fmax", lambda x: np.fmax(x, 0), [1.0], (0, 1, 1)),
    ("saturated", lambda x: np.tanh(500 + x), [1.0], (1, 0, 0)),
    ("rounded away", lambda x: 1e20 + x, [1.0], (1, 0, 1)),
    ("rounding units", np.floor, [10.5], (1, 1, 0)),
    ("another branch", lambda x: np.maximum(x, 100), [1.0], (1, 0, 0)),
    ("zero times", lambda x: 0 * x, [1.0], (1, 0, 0)),
    ("cancelled", lambda x: (2 + x) - x, [1.0], (1, 0, 0)),
    ("no NumPy", lambda x: np.array([float(x[0])]), [1.0], (1, 1, None)),
    ("no NaN", lambda x: x / np.isfinite(x).all() if np.isfinite(x).all() else 1 / 0, [1.0], (None, 1, 1)),
]


@pytest.mark.parametrize(("f", "x", "seen"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS])
def test_limits_of_each_kind(f, x, seen):
    for kind, entry in zip(KINDS, seen, strict=True):
        if entry is None:
            with pytest.raises((TypeError, ZeroDivisionError)):
                fc.detect_sparsity(f, x, probes=kind)
        else:
            assert pattern(f, x, probes=kind).item() == entry, kind
    assert pattern(f, x).item() == max(entry or 0 for entry in seen)
    some = [kind for kind, entry in zip(KINDS, seen, strict=True) if entry is not None]
    assert pattern(f, x, probes=some).item() == max(entry or 0 for entry in seen)


def test_zeros_of_a_dense_matrix():
    a = np.diag(np.ones(30)) + np.diag(np.ones(29), 1)
    assert pattern(lambda x: a @ x, np.ones(30)).all()
    found = pattern(lambda x: a @ x, np.ones(30), probes=("perturbation", "exact"))
    np.testing.assert_array_equal(found, a)


def test_outputs_that_are_nan_tell_nothing():
    def f(x):
        return np.concatenate([x[:1] / x[:1], np.log(x[1:])])

    x = np.full(12, 1e-9)  # where one output is NaN, at other points many are
    x[0] = 0
    np.testing.assert_array_equal(pattern(f, x, probes="nan"), np.diag([0] + [1] * 11))
    roots = pattern(lambda x: np.hypot(x[1:], x[:-1]), np.zeros(12), probes="exact", points=1)
    assert not roots.any()


def test_tiny_variables_are_moved_far_away_from_x():
    found = pattern(lambda x: 1 + x, np.full(20, 1e-30), probes="perturbation")
    np.testing.assert_array_equal(found, np.eye(20))
    assert not pattern(lambda x: 1 + x, np.full(20, 1e-30), probes="perturbation", scale=1e-30).any()


def test_full_for_nan_alone():
    a = np.diag(np.ones(70)) + np.diag(np.ones(69), 1)
    message = (
        r"4900 of 70 x 70 entries were detected, most of them by NaN alone.*probes=\(\"perturbation\", \"exact\"\)"
    )
    with pytest.warns(RuntimeWarning, match=message):
        assert pattern(lambda x: a @ x, np.ones(70)).all()
    with pytest.warns(RuntimeWarning, match=message):
        fc.jacobian(lambda x: a @ x, np.ones(70), sparsity="detect")
    full = np.random.default_rng(0).normal(size=(70, 70))
    assert pattern(lambda x: full @ x, np.ones(70)).all()


def test_more_points_see_more():
    rng = np.random.default_rng(5)
    edge = rng.uniform(-0.4, 0.4, 40)

    def steps(x):
        return np.where(x > edge, x, 0)

    counts = [pattern(steps, np.zeros(40), probes="perturbation", points=k).sum() for k in (1, 3, 100)]
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] == 40


# --- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1e-12, 1e-6, 1e-4])
def test_noise_is_no_dependence(level):
    rng = np.random.default_rng(0)

    def f(x):
        return x[1:] * x[:-1] + level * rng.normal(size=len(x) - 1)

    np.testing.assert_array_equal(pattern(f, np.ones(400), probes="perturbation"), bands(399, 400, [0, 1]))


def test_errors_of_iterations_count_unless_they_are_known():
    def f(x):  # rounded to 4 decimals by how far a common iteration came
        return x[1:] + 1e-5 * np.cos(1e3 * x.sum())

    x = np.ones(30)
    assert pattern(f, x, probes="perturbation").all()
    np.testing.assert_array_equal(pattern(f, x, probes="perturbation", noise=1e-5), bands(29, 30, [1]))


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex64, np.complex128])
def test_types_of_x(dtype):
    x = np.linspace(1, 2, 30).astype(dtype)
    np.testing.assert_array_equal(pattern(lambda x: x[1:] * x[:-1], x), bands(29, 30, [0, 1]))
    if x.dtype.kind == "c":  # both parts are moved
        for part in (np.real, np.imag):
            for kind in ("nan", "perturbation"):
                found = pattern(lambda x, part=part: part(x[1:]), x, probes=kind)
                np.testing.assert_array_equal(found, bands(29, 30, [1]))


def test_outputs_of_lower_precision():
    found = pattern(lambda x: (1e3 * x[1:] * x[:-1]).astype(np.float32), np.ones(40))
    np.testing.assert_array_equal(found, bands(39, 40, [0, 1]))


def test_layouts_of_x():
    x = np.arange(1.0, 13)
    expected = bands(9, 12, [0, 3])
    for layout in (x.reshape(4, 3), np.asfortranarray(x.reshape(4, 3)), np.repeat(x, 2)[::2].reshape(4, 3)):
        layout.flags.writeable = False
        np.testing.assert_array_equal(pattern(lambda x: x[1:] * x[:-1], layout), expected)


# --- options ---------------------------------------------------------------------------------------------------------


def test_other_arguments():
    def rhs(t, y, a, *, b):
        return t + a * b * y[1:]

    found = pattern(rhs, np.ones(20), args=(1.0, 2.0), argnum=1, kwargs={"b": 3.0})
    np.testing.assert_array_equal(found, bands(19, 20, [1]))


@pytest.mark.parametrize("vectorized", [False, True])
def test_bounds_are_kept(vectorized):
    rng = np.random.default_rng(0)
    lower = rng.normal(size=50)
    upper = lower + 10.0 ** rng.integers(-12, 3, 50)
    upper[3] = lower[3]
    upper[4] = np.nextafter(lower[4], np.inf)
    x = lower + np.where(np.arange(50) % 3 == 0, 0, rng.random(50)) * (upper - lower)
    x = np.clip(x, lower, upper)
    f = Recorder(lambda x: x[1:] * x[:-1])
    found = pattern(f, x, bounds=(lower, upper), vectorized=vectorized, probes=("nan", "perturbation"))
    np.testing.assert_array_equal(found, bands(49, 50, [0, 1]))
    points = f.array()
    known = np.isfinite(points)
    assert (points >= lower[:, None])[known].all()
    assert (points <= upper[:, None])[known].all()


def test_moves_fill_what_room_bounds_leave():
    f = Recorder(lambda x: x)
    pattern(f, [1.0, 1.0], bounds=([1.0, 0.0], [1.0, 1.001]), probes="perturbation")
    points = f.array()
    assert (points[0] == 1).all()
    assert np.ptp(points[1]) > 0.1


def test_scale():
    f = Recorder(lambda x: x)
    pattern(f, np.zeros(2), scale=[1e-6, 1e6], probes="perturbation")
    low, high = np.abs(f.array().reshape(2, -1)).max(axis=1)
    assert 1e-7 < low < 1e-6
    assert 1e5 < high < 1e6


def test_the_same_at_each_call():
    first, second = Recorder(broyden), Recorder(broyden)
    for f in (first, second):
        fc.detect_sparsity(f, np.linspace(0, 1, 30), probes=("nan", "perturbation"))
    np.testing.assert_array_equal(first.points, second.points)


# --- cost ------------------------------------------------------------------------------------------------------------


def test_calls_and_memory_as_documented():
    n = 10_000
    f = Recorder(lambda x: x[1:] * x[:-1])
    f.points = Count()
    tracemalloc.start()
    found = fc.detect_sparsity(f, np.ones(n))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.nnz == 2 * (n - 1)
    assert len(f.points) <= 9 * 3 + 65 * (3 + 1 + 0.25) + 7
    assert peak < 50e6  # a dense matrix would take 100 MB as bools


class Count(list):
    """A list that keeps no items."""

    length = 0

    def append(self, item):
        self.length += 1

    def __len__(self):
        return self.length


def test_a_vectorised_function_gets_blocks():
    f = Recorder(lambda x: x[1:] * x[:-1])
    fc.detect_sparsity(f, np.ones(1000), vectorized=True)
    assert f.calls < 60


# --- functions of many kinds -----------------------------------------------------------------------------------------


def test_compiled(library):  # noqa: F811
    compiled = compiled_from(library, "rosenbrock_gradient", n_outputs=60)
    expected = bands(60, 60, [-1, 0, 1])
    np.testing.assert_array_equal(pattern(compiled, np.linspace(-1, 1, 60)), expected)
    np.testing.assert_array_equal(pattern(compiled, np.linspace(-1, 1, 60), symmetric=True), expected)
    with pytest.raises(ValueError, match=re.escape("method 'exact' runs f on Taylor polynomials; got a compiled `f`")):
        fc.detect_sparsity(compiled, np.ones(60), probes="exact")


def test_functions_that_write_into_x_or_return_one_buffer():
    buffer = np.empty(39)

    def f(x):
        np.multiply(x[1:], x[:-1], out=buffer)
        x[:] = np.nan
        return buffer

    x = np.ones(40)
    np.testing.assert_array_equal(pattern(f, x, probes=("nan", "perturbation")), bands(39, 40, [0, 1]))
    assert (x == 1).all()


def test_gradients():
    n = 300

    def gradient(x):
        g = 2 * x
        g[0] += np.sum(x[1:] ** 2)
        g[1:] += 2 * x[0] * x[1:]
        return g

    f = Recorder(gradient)
    found = pattern(f, np.ones(n), symmetric=True)
    expected = np.eye(n, dtype=int)
    expected[0] = expected[:, 0] = 1
    np.testing.assert_array_equal(found, expected)
    assert f.calls < n
    np.testing.assert_array_equal(pattern(gradient, np.ones(n)), expected)


@pytest.mark.parametrize("options", [{"workers": map}, {"workers": 2}, {"workers": 2, "vectorized": True}], ids=str)
def test_workers(options):
    x = np.linspace(0, 1, 60)
    expected = bands(60, 60, [-1, 0, 1])
    expected[-1, 0] = 1  # 0 * x[0]
    np.testing.assert_array_equal(pattern(broyden, x, **options), expected)


# --- where operators ask for it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["central", "complex", "exact", "adaptive"])
def test_jacobians_that_detect(method):
    x = np.linspace(0, 1, 50)
    jacobian = fc.Jacobian(broyden, sparsity="detect", method=method)
    for point in (x, x[::-1].copy()):
        found = jacobian(point)
        assert found.nnz == 3 * 50 - 1
        np.testing.assert_allclose(found.toarray(), fc.jacobian(broyden, point), atol=1e-9)


def test_jacobians_that_detect_once():
    f = Recorder(lambda t, y: t * y[1:] * y[:-1])
    jacobian = fc.Jacobian(f, argnum=1, sparsity="detect", method="forward")
    jacobian(2.0, np.ones(50))
    before = f.calls
    found = jacobian(3.0, np.full(50, 2.0))
    np.testing.assert_allclose(found.toarray(), 6 * bands(49, 50, [0, 1]), rtol=1e-6)
    assert f.calls - before <= 6


def test_hessians_that_detect_from_a_gradient():
    def value(x):
        return np.sum(np.sin(x[0]) * x[1:] ** 2)

    def gradient(x):
        return np.concatenate([[np.cos(x[0]) * np.sum(x[1:] ** 2)], 2 * np.sin(x[0]) * x[1:]])

    x = np.linspace(1, 2, 200)
    f = Recorder(gradient)
    found = fc.hessian(value, x, gradient=f, sparsity="detect")
    assert found.nnz == 200 + 2 * 199
    assert f.calls < 250
    np.testing.assert_allclose(found.toarray(), fc.hessian(value, x, gradient=gradient), atol=1e-7)


# --- functions that fail ---------------------------------------------------------------------------------------------


class Fault(Exception):
    pass


def fail(x):
    raise Fault


def without_nan(x):
    if np.isnan(np.asarray(getattr(x, "value", x))).any():
        raise Fault
    return x[1:] * x[:-1]


@pytest.mark.parametrize("n", [5, 40, 2000])
@pytest.mark.parametrize("vectorized", [False, True])
def test_functions_that_refuse_nan(n, vectorized):
    f = Recorder(without_nan)
    f.points = Count()
    np.testing.assert_array_equal(pattern(f, np.ones(n), vectorized=vectorized), bands(n - 1, n, [0, 1]))
    assert len(f.points) < 400
    with pytest.raises(Fault):
        fc.detect_sparsity(f, np.ones(n), probes=("nan", "perturbation"), vectorized=vectorized)
    with pytest.raises(ValueError, match=re.escape("got errors at all of these points, with all `probes`")) as caught:
        fc.detect_sparsity(f, np.ones(n), probes="nan", vectorized=vectorized, on_error="nan")
    assert isinstance(caught.value.__cause__, Fault)


@pytest.mark.parametrize("n", [40, 2000])
def test_a_single_variable_that_may_not_be_nan(n):
    def f(x):
        power = int(np.round(x[7]))
        return np.tanh(50 + x[1:]) ** power  # seen by NaN alone

    faults = Recorder(f)
    faults.points = Count()
    found = pattern(faults, np.full(n, 3.0), probes="nan", on_error="nan")
    expected = bands(n - 1, n, [1])
    expected[6] = 0
    np.testing.assert_array_equal(found, expected)
    assert len(faults.points) < 110  # the variable is found once, by halves, and left out of all groups from there on


def test_exceptions_propagate():
    def f(x):
        if x[3] != 1:
            raise Fault
        return x[1:] * x[:-1]

    with pytest.raises(Fault):
        fc.detect_sparsity(f, np.ones(30))
    with pytest.raises(Fault):  # not even at x
        fc.detect_sparsity(fail, np.ones(3), on_error="nan")


def test_points_where_f_fails_tell_nothing():
    def f(x):
        if (x > 3.2).any():
            raise Fault
        return x[1:] * x[:-1]

    x = np.ones(100)
    x[50] = 3.0
    found = pattern(f, x, probes="perturbation", on_error="nan", points=1)
    expected = bands(99, 100, [0, 1])
    expected[:, 50] *= found[:, 50]  # moved to either side
    np.testing.assert_array_equal(found, expected)


def test_warnings_are_silenced():
    np.testing.assert_array_equal(pattern(np.log, np.full(20, 1e-3), scale=1), np.eye(20, dtype=int))


WRONG = [
    ({"probes": "nans"}, ValueError, "`probes` must be one of 'nan', 'perturbation', 'exact'; got 'nans'"),
    ({"probes": 3}, TypeError, "`probes` must be a string; got 3: use one of 'nan', 'perturbation', 'exact'"),
    ({"probes": ["nan", None]}, TypeError, "`probes` must be a string; got None"),
    (
        {"probes": ()},
        ValueError,
        "`probes` must name at least one kind; got none: use 'nan', 'perturbation' or 'exact'",
    ),
    ({"points": 0}, ValueError, "`points` must be between 1 and 100; got 0: it says at how many points variables"),
    ({"points": 2.0}, TypeError, "`points` must be an integer; got 2.0 of type float"),
    ({"noise": -1.0}, ValueError, "`noise` must be a finite number of at least 0; got -1.0"),
    ({"noise": [1.0]}, ValueError, "`noise` must be a finite number of at least 0; got [1.0]"),
    ({"noise": "no"}, TypeError, "`noise` must hold real or complex numbers; got dtype"),
    ({"symmetric": 1}, TypeError, "`symmetric` must be True or False; got 1"),
    ({"vectorized": 1}, TypeError, "`vectorized` must be True or False; got 1"),
    ({"on_error": "stop"}, ValueError, "`on_error` must be one of 'raise', 'nan'; got 'stop'"),
    ({"scale": 0.0}, ValueError, "`scale` must be positive and finite; got 0.0"),
    ({"bounds": (2.0, 3.0)}, ValueError, "x must be inside `bounds`; got 1.0 for variable 0"),
    ({"argnum": 1, "args": ()}, TypeError, "x is argument number 1 (`argnum`), counted from 0; got 1 arguments"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG)
def test_messages_before_f_is_called(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        fc.detect_sparsity(lambda *_: pytest.fail("f was called"), np.ones(3), **options)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([1.0, np.nan], {}, "`x` must be finite, so that f has values near it; got nan for variable 1"),
        ([np.inf, 0.0], {}, "`x` must be finite, so that f has values near it; got inf for variable 0"),
        (np.ones((3, 2)), {"vectorized": True}, "`x` must be one point, of shape (n,); got shape (3, 2): take one"),
    ],
)
def test_messages_of_points(x, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.detect_sparsity(lambda *_: pytest.fail("f was called"), x, **options)


def test_messages_after_f_is_called():
    with pytest.raises(TypeError, match="`f` must be callable; got 3"):
        fc.detect_sparsity(3, np.ones(3))
    message = "got NaN at all points for 1 of its 3 outputs, first output 1: give another x, or `bounds` inside which"
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.detect_sparsity(lambda x: x * np.array([1, np.nan, 1]), np.ones(3))
    message = "a gradient has one output per variable, 3; got 2 outputs with symmetric=True: is f a gradient?"
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.detect_sparsity(lambda x: x[1:], np.ones(3), symmetric=True)
    message = "`f` must return the same shape at every point; got (3,), then (2,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.detect_sparsity(lambda x: x if (x == 1).all() else x[1:], np.ones(3))
    message = "or use probes=('nan', 'perturbation'), which needs values of f alone"
    with pytest.raises(TypeError, match=re.escape(message)):
        fc.detect_sparsity(lambda x: np.array([float(x[0])]), np.ones(3), probes="exact")


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match="`detect_sparsity` needs SciPy, for its result: pip install scipy"):
        fc.detect_sparsity(lambda x: pytest.fail("f was called"), np.ones(3))


def test_the_result_may_be_changed():
    found = fc.detect_sparsity(lambda x: x[1:] * x[:-1], np.ones(4))
    found.data[0] = False
    found.eliminate_zeros()
    assert found.nnz == 5
