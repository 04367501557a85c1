"""First-order error propagation: closed forms, laws, Monte Carlo, shapes, dtypes, errors."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests.cases import EPS, MAPS, SURFACES
from tests.reference import Recorder

REAL_MAPS = [case for case in MAPS if case.name != "complex-valued" and case.x.ndim == 1]


def a_covariance(n, seed=0):
    """Positive definite, of variances between 1e-6 and 1e-2, with correlations."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n)) * 10.0 ** rng.uniform(-3, -1, (n, 1)) / np.sqrt(max(n, 1))
    return root @ root.T


# --- closed forms -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 1000))
def test_linear_maps(n, m, seed):
    rng = np.random.default_rng(seed)
    a, b, x = rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=n)
    cov = a_covariance(n, seed)
    y, ycov = fc.propagate(lambda x: a @ x + b, x, cov, step=0.5)
    np.testing.assert_array_equal(y, a @ x + b)
    # differences of a linear function are off by the rounding of its values, divided by the step
    size = np.abs(a).sum(axis=1) * 2 * (np.abs(x).max() + np.abs(b).max() + 1)
    slope = 8 * EPS * size[:, None]
    allowed = 2 * (slope @ np.abs(cov).sum(axis=0)[None]) @ np.abs(a).T
    assert (np.abs(ycov - a @ cov @ a.T) <= allowed + allowed.T + 1e-13 * np.abs(a) @ np.abs(cov) @ np.abs(a).T).all()


@pytest.mark.parametrize("case", REAL_MAPS, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), [("central", 2), ("central", 4), ("forward", 2), ("complex", 2)])
def test_maps(case, method, accuracy):
    n = len(case.x)
    jacobian = case.jacobian(case.x)
    for cov in (a_covariance(n), np.linspace(1e-4, 1e-2, n), 1e-3):
        matrix = cov if np.ndim(cov) == 2 else np.diag(np.broadcast_to(cov, n))
        y, ycov = fc.propagate(case.f, case.x, cov, method=method, accuracy=accuracy)
        np.testing.assert_array_equal(y, case.f(case.x))
        assert ycov.shape == y.shape * 2
        flat = jacobian.reshape(-1, n)
        expected = (flat @ matrix @ flat.T).reshape(ycov.shape)
        error = 10 * case.tolerance(accuracy) if method != "complex" else 1e-14 * np.abs(flat).max(initial=1)
        size = np.abs(flat).max(initial=0)
        assert (np.abs(ycov - expected) <= 2 * n**2 * np.abs(matrix).max() * (size + error) * error).all()
        np.testing.assert_array_equal(ycov.reshape(y.size, y.size), ycov.reshape(y.size, y.size).T)


@pytest.mark.parametrize("case", [s for s in SURFACES if s.name != "badly scaled"], ids=str)
def test_surfaces(case):
    cov = a_covariance(len(case.x))
    y, variance = fc.propagate(case.f, case.x, cov)
    gradient = case.gradient(case.x)
    assert y == case.f(case.x)
    assert np.ndim(variance) == 0
    bound = np.abs(cov).sum() * np.abs(gradient).max() * case.tolerance(1, 2)
    assert abs(variance - gradient @ cov @ gradient) <= 20 * bound


def test_products_and_quotients():
    # relative variances add up
    rng = np.random.default_rng(3)
    for a, b, p, q in rng.uniform(0.5, 2, (20, 4)):
        variances = [(0.01 * a) ** 2, (0.03 * b) ** 2]
        y, variance = fc.propagate(lambda x, p=p, q=q: x[0] ** p / x[1] ** q, [a, b], variances, accuracy=4)
        np.testing.assert_allclose(variance, y**2 * ((0.01 * p) ** 2 + (0.03 * q) ** 2), rtol=1e-9)


def test_polar_to_cartesian():
    r, angle, var_r, var_angle = 3.0, 0.7, 1e-4, 4e-6
    y, ycov = fc.propagate(
        lambda p: np.array([p[0] * np.cos(p[1]), p[0] * np.sin(p[1])]), [r, angle], [var_r, var_angle], accuracy=4
    )
    c, s, across = np.cos(angle), np.sin(angle), r**2 * var_angle
    np.testing.assert_array_equal(y, [r * c, r * s])
    expected = [
        [var_r * c**2 + across * s**2, (var_r - across) * c * s],
        [(var_r - across) * c * s, var_r * s**2 + across * c**2],
    ]
    np.testing.assert_allclose(ycov, expected, rtol=1e-9)


def test_one_variable():
    y, variance = fc.propagate(np.sin, 0.5, 0.04, accuracy=4)
    assert y == np.sin(0.5)
    np.testing.assert_allclose(variance, np.cos(0.5) ** 2 * 0.04, rtol=1e-10)


def test_correlations_cancel_or_double():
    def f(x):
        return x[0] - x[1]

    for rho, expected in ((1, 0), (0, 2), (-1, 4)):
        _, variance = fc.propagate(f, [1.0, 2.0], [[1, rho], [rho, 1]], step=0.5)
        assert abs(variance - expected) < 1e-14
    assert fc.propagate(f, [1.0, 2.0], np.eye(2), step=0.5)[1] == fc.propagate(f, [1.0, 2.0], 1.0, step=0.5)[1]


@pytest.mark.parametrize("case", REAL_MAPS, ids=str)
def test_all_forms_of_a_diagonal_agree(case):
    n = len(case.x)
    results = [fc.propagate(case.f, case.x, cov)[1] for cov in (0.25, np.full(n, 0.25), 0.25 * np.eye(n))]
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-13, atol=1e-13 * np.abs(results[0]).max(initial=0))


@pytest.mark.parametrize("case", REAL_MAPS, ids=str)
def test_covariances_add_up_and_scale(case):
    n = len(case.x)
    first, second = a_covariance(n, 1), a_covariance(n, 2)
    parts = [fc.propagate(case.f, case.x, cov)[1] for cov in (first, second, first + second)]
    size = 1e-13 * np.abs(parts[2]).max(initial=0)
    np.testing.assert_allclose(parts[0] + parts[1], parts[2], rtol=1e-13, atol=size)
    np.testing.assert_array_equal(fc.propagate(case.f, case.x, 4 * first)[1], 4 * parts[0])


def test_chain_rule():
    inner, outer = (lambda x: np.array([x[0] * x[1], x[0] - x[1] ** 2])), (lambda y: np.array([np.sin(y[0]) * y[1]]))
    x, cov = np.array([1.2, 0.4]), a_covariance(2)
    y, ycov = fc.propagate(inner, x, cov, accuracy=6)
    z, zcov = fc.propagate(outer, y, ycov, accuracy=6)
    direct, direct_cov = fc.propagate(lambda x: outer(inner(x)), x, cov, accuracy=6)
    np.testing.assert_array_equal(z, direct)
    np.testing.assert_allclose(zcov, direct_cov, rtol=1e-9)


@pytest.mark.parametrize("full", [True, False])
def test_monte_carlo(full):
    # 200,000 draws: a sample variance has a relative standard error of sqrt(2 / 200,000), 0.3%; f is linear over a few
    # standard deviations up to about 1%
    def f(x):
        return np.array([x[0] * np.exp(x[1] / 3), np.sqrt(1 + x[1] ** 2 + x[2])])

    x = np.array([1.0, 0.5, 2.0])
    cov = np.array([[4e-4, 1e-4, 0], [1e-4, 1e-4, -1e-4], [0, -1e-4, 9e-4]])
    if not full:
        cov = np.diagonal(cov)
    _, ycov = fc.propagate(f, x, cov)
    draws = np.random.default_rng(12).multivariate_normal(x, cov if full else np.diag(cov), 200_000)
    sampled = np.cov(f(draws.T))
    sizes = np.sqrt(np.outer(np.diagonal(sampled), np.diagonal(sampled)))
    assert (np.abs(ycov - sampled) <= 0.015 * sizes).all()


# --- calls, shapes, dtypes --------------------------------------------------------------------------------------------


def test_calls():
    x = np.array([1.0, 2.0, 3.0])
    for options, calls in (
        ({}, 7),
        ({"accuracy": 4}, 13),
        ({"method": "forward"}, 7),
        ({"method": "forward", "accuracy": 1}, 4),
        ({"method": "complex"}, 4),
    ):
        f = Recorder(lambda x: np.array([x[0] * x[1], x[2]]))
        fc.propagate(f, x, 0.1, **options)
        assert f.calls == calls
        assert sum(np.array_equal(point, x) for point in f.points) == 1


def test_shapes():
    for f, x, shape in (
        (np.sin, 0.5, ()),
        (lambda x: np.array([x, x * x]), 0.5, (2,)),
        (np.sum, [1.0, 2.0], ()),
        (lambda x: np.array([np.sum(x)]), [1.0, 2.0], (1,)),
        (lambda x: np.outer(x, x), [1.0, 2.0, 3.0], (3, 3)),
        (lambda x: x[:0], [1.0, 2.0], (0,)),
        (lambda x: np.array([3.0, 4.0]), [], (2,)),
    ):
        n = np.size(x)
        covs = [0.1, np.full(n, 0.1), 0.1 * np.eye(n)]
        for cov in covs:
            y, ycov = fc.propagate(f, x, cov)
            assert np.shape(y) == shape
            assert np.shape(ycov) == shape * 2
            if shape == ():
                assert isinstance(y, np.floating)
                assert isinstance(ycov, np.floating)
            else:
                assert y.flags.writeable
                assert ycov.flags.writeable


def test_layouts_and_types_of_arguments():
    x, cov = np.array([1.0, 2.0, 4.0]), a_covariance(3)
    expected = fc.propagate(lambda x: x * x, x, cov)
    strided = np.zeros((6, 6))
    strided[::2, ::-2] = cov
    for other in (cov.tolist(), np.asfortranarray(cov), strided[::2, ::-2], cov.astype(">f8")):
        for at in (x.tolist(), x[::-1][::-1], [1, 2, 4]):
            for part, wanted in zip(fc.propagate(lambda x: x * x, at, other), expected, strict=True):
                np.testing.assert_allclose(part, wanted, rtol=1e-15, atol=1e-20)
    assert fc.propagate(np.sin, 1, 1)[1] == fc.propagate(np.sin, 1.0, [[1.0]])[1] == fc.propagate(np.sin, 1.0, [1])[1]


def test_float32():
    x = np.array([1.5, 2.5], np.float32)
    for cov in (1e-4, [1e-4, 4e-4], np.diag(np.array([1e-4, 4e-4], np.float32))):
        y, ycov = fc.propagate(lambda x: np.array([x[0] * x[1], x[0]]), x, cov)
        assert y.dtype == ycov.dtype == np.float32
        a, b = 1e-4, 1e-4 if np.ndim(cov) == 0 else 4e-4
        expected = [[a * 2.5**2 + b * 1.5**2, 2.5 * a], [2.5 * a, a]]
        np.testing.assert_allclose(ycov, expected, rtol=2e-4)  # central differences: eps**(2/3)
    # variances below the range of float32 are not lost on the way
    _, variance = fc.propagate(lambda x: 1e20 * x, np.float32(1), 1e-60, step=0.5)
    np.testing.assert_allclose(variance, 1e-20, rtol=1e-5)
    y, ycov = fc.propagate(lambda x: np.float32(x[0] * x[1]), [1.5, 2.5], 1e-4)
    assert y.dtype == ycov.dtype == np.float64
    np.testing.assert_allclose(ycov, 8.5e-4, rtol=2e-4)


def test_longdouble():
    y, ycov = fc.propagate(np.exp, np.longdouble(1), np.longdouble(2), accuracy=10)
    assert y.dtype == ycov.dtype == np.longdouble
    np.testing.assert_allclose(ycov, 2 * np.exp(np.longdouble(2)), rtol=1e-14)


def test_complex_outputs():
    y, ycov = fc.propagate(lambda x: np.exp(1j * x) * np.array([1, 2j]), 0.3, 0.01, accuracy=4)
    slopes = 1j * np.exp(0.3j) * np.array([1, 2j])
    np.testing.assert_allclose(ycov, 0.01 * np.outer(slopes, slopes.conj()), rtol=1e-9, atol=1e-15)
    np.testing.assert_array_equal(ycov, ycov.conj().T)
    np.testing.assert_array_equal(y, np.exp(0.3j) * np.array([1, 2j]))


def test_vectorized():
    def f(x):
        return np.array([x[0] * x[1], np.sin(x[1])])

    shapes = []

    def seen(x):
        shapes.append(x.shape)
        return f(x)

    x, cov = np.array([1.0, 2.0]), a_covariance(2)
    for one, other in zip(fc.propagate(seen, x, cov, vectorized=True), fc.propagate(f, x, cov), strict=True):
        np.testing.assert_array_equal(one, other)
    assert shapes == [(2, 4), (2, 1)]
    y, variance = fc.propagate(lambda x: x.sum(axis=0), x, cov, vectorized=True)
    assert np.shape(y) == np.shape(variance) == ()
    for options in ({"method": "forward"}, {"method": "complex"}):
        _, ycov = fc.propagate(f, x, cov, vectorized=True, **options)
        np.testing.assert_allclose(ycov, fc.propagate(f, x, cov)[1], rtol=1e-6)


def test_arguments_of_f():
    def f(a, x, b, c=0.0):
        return a * np.sin(x) + b + c

    y, variance = fc.propagate(f, 0.5, 0.04, args=(2.0, 3.0), argnum=1, kwargs={"c": 4.0})
    assert y == 2 * np.sin(0.5) + 7
    np.testing.assert_allclose(variance, 4 * np.cos(0.5) ** 2 * 0.04, rtol=1e-9)


def test_options_reach_the_jacobian():
    f = Recorder(lambda x: np.exp(x.sum()))
    fc.propagate(f, [1.0, 2.0], 0.1, step=[0.25, 0.5], bounds=([1, 0], [9, 9]))
    points = np.array(f.points)
    assert points.min(axis=0)[0] == 1
    assert 2.5 in points[:, 1]


def test_exactly_known_variables_are_not_looked_at():
    def f(x):
        return np.array([x[0] + abs(x[1]) ** 0.5, np.nan if x[1] != 0 else x[0]])

    for cov in ([0.04, 0.0], [[0.04, 0], [0, 0]]):
        y, ycov = fc.propagate(f, [1.0, 0.0], cov, step=0.5)
        np.testing.assert_array_equal(y, [1, 1])
        np.testing.assert_allclose(ycov, 0.04, rtol=1e-14)
    # equal bounds: no derivative, and none needed
    _, variance = fc.propagate(lambda x: x[0] * x[1], [2.0, 3.0], [0.25, 0], bounds=([0, 3], [9, 3]), step=0.5)
    np.testing.assert_allclose(variance, 9 * 0.25, rtol=1e-14)
    assert fc.propagate(np.exp, 1.0, 0.0)[1] == 0


def test_derivatives_without_success_are_unknown():
    def f(z):
        return np.array([abs(z[0]) + z[1], 2 * z[1]])

    for cov in ([1.0, 1.0], np.eye(2)):
        y, ycov = fc.propagate(f, [0.0, 1.0], cov, method="adaptive")
        np.testing.assert_array_equal(y, [1, 2])
        np.testing.assert_array_equal(np.isnan(ycov), [[True, True], [True, False]])
        np.testing.assert_allclose(ycov[1, 1], 4, rtol=1e-12)
        # one output that needs them, or none
        assert np.isnan(fc.propagate(lambda z: f(z)[0], [0.0, 1.0], cov, method="adaptive")[1])
        np.testing.assert_allclose(fc.propagate(lambda z: f(z)[1], [0.0, 1.0], cov, method="adaptive")[1], 4)
    # of an exactly known variable none is needed
    _, ycov = fc.propagate(f, [0.0, 1.0], [0.0, 1.0], method="adaptive")
    np.testing.assert_allclose(ycov, [[1, 2], [2, 4]], rtol=1e-12)
    for function, options in ((abs, {}), (np.exp, {"max_evaluations": 1})):
        y, variance = fc.propagate(function, 0.0, 1.0, method="adaptive", **options)
        assert y == function(0.0)
        assert np.isnan(variance)


def test_non_finite_values_are_data():
    def f(x):
        return np.array([x[0], np.nan, x[1] * np.inf])

    y, ycov = fc.propagate(f, [1.0, 2.0], 0.04, step=0.5)
    np.testing.assert_array_equal(y, [1, np.nan, np.inf])
    assert abs(ycov[0, 0] - 0.04) < 1e-14
    assert np.isnan(ycov[1:]).all()
    assert np.isnan(ycov[:, 1:]).all()


@pytest.mark.parametrize("vectorized", [False, True])
def test_exceptions(vectorized):
    def f(x):
        if (x[0] == 1).any():
            raise RuntimeError("no value here")
        return np.array([x[0] + x[1], x[1]])

    options = {"vectorized": vectorized, "step": 0.5}
    y, ycov = fc.propagate(f, [1.0, 2.0], [0.04, 0.0], on_error="nan", **options)
    np.testing.assert_array_equal(y, [np.nan, np.nan])
    np.testing.assert_allclose(ycov, [[0.04, 0], [0, 0]], rtol=1e-14)
    with pytest.raises(RuntimeError, match="no value here"):
        fc.propagate(f, [1.0, 2.0], 0.04, **options)


def test_the_arrays_of_the_caller_are_untouched():
    x, cov = np.array([1.0, 2.0]), a_covariance(2)
    kept = x.copy(), cov.copy()
    buffer = np.empty(2)

    def f(x):
        buffer[:] = x * x
        x += 1
        return buffer

    y, ycov = fc.propagate(f, x, cov)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(cov, kept[1])
    np.testing.assert_array_equal(y, [1, 4])
    assert not any(np.may_share_memory(part, other) for part in (y, ycov) for other in (x, cov, buffer))
    x.flags.writeable = cov.flags.writeable = False
    fc.propagate(f, x, cov)


def test_covariances_with_rounding_errors_are_accepted():
    rng = np.random.default_rng(1)
    singular = np.cov(rng.normal(size=(30, 5)))  # rank 4 of 30
    skewed = singular * (1 + 1e-10 * rng.normal(size=singular.shape))
    scales = 10.0 ** rng.uniform(-8, 8, 30)
    for cov in (singular, skewed, skewed * np.outer(scales, scales), singular.astype(np.float32)):
        _, variance = fc.propagate(np.sum, np.ones(30), cov, step=0.5)
        np.testing.assert_allclose(variance, np.sum(cov.astype(float)), rtol=1e-6, atol=1e-6 * np.abs(cov).max())


# --- errors -----------------------------------------------------------------------------------------------------------


def never(*args, **kwargs):
    raise AssertionError("f was called")


TWO = [1.0, 2.0]
NEGATIVE = "`cov` must be positive semidefinite; got a matrix by which a combination of the variables has a negative"
WRONG = [
    (1j, 1.0, {}, TypeError, "`x` must be real; got dtype complex128: give its real part"),
    (
        np.ones((2, 2)),
        1.0,
        {},
        ValueError,
        "`x` must be a scalar or of shape (n,); got shape (2, 2): wrap f for a flat",
    ),
    (np.ones((2, 2)), 1.0, {"vectorized": True}, ValueError, "`x` must be a scalar or of shape (n,); got shape (2, 2)"),
    (
        TWO,
        [1.0, 2.0, 3.0],
        {},
        ValueError,
        "`cov` must be a scalar, variances of shape (2,) or a matrix of shape (2, 2), for 2 variables; got shape (3,)",
    ),
    (TWO, np.eye(3), {}, ValueError, "got shape (3, 3): give one variance per variable, or all covariances"),
    (1.0, np.eye(2), {}, ValueError, "or a matrix of shape (1, 1), for 1 variables; got shape (2, 2)"),
    (TWO, np.ones((2, 2, 2)), {}, ValueError, "for 2 variables; got shape (2, 2, 2)"),
    (
        TWO,
        [1.0, np.inf],
        {},
        ValueError,
        "`cov` must be finite; got [1.0, inf]: exactly known variables have variance 0",
    ),
    (TWO, np.nan, {}, ValueError, "`cov` must be finite; got nan: exactly known variables have variance 0"),
    (
        TWO,
        [1.0, -2.0],
        {},
        ValueError,
        "`cov` must have variances of at least 0; got -2.0 for variable 1: they are squares of standard deviations",
    ),
    (TWO, -1, {}, ValueError, "`cov` must have variances of at least 0; got -1.0 for variable 0"),
    (
        TWO,
        [[1.0, 0.0], [0.0, -1.0]],
        {},
        ValueError,
        "`cov` must have variances of at least 0; got -1.0 for variable 1",
    ),
    (
        TWO,
        [[1.0, 0.5], [0.0, 1.0]],
        {},
        ValueError,
        "`cov` must be symmetric; got 0.5 at (0, 1) and 0.0 at (1, 0): give (cov + cov.T) / 2 if that is what is meant",
    ),
    (TWO, [[1.0, 2.0], [2.0, 1.0]], {}, ValueError, NEGATIVE),
    (TWO, [[0.0, 0.1], [0.1, 1.0]], {}, ValueError, NEGATIVE),
    (TWO, [[1e-300, 1e300], [1e300, 1e-300]], {}, ValueError, NEGATIVE),
    (np.ones(3), [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]], {}, ValueError, NEGATIVE),
    (TWO, 1j, {}, TypeError, "`cov` must be real; got dtype complex128: give its real part"),
    (TWO, None, {}, TypeError, "`cov` must hold numbers; got None"),
    (TWO, "a", {}, TypeError, "`cov` must hold real or complex numbers; got dtype <U1"),
    (
        TWO,
        1.0,
        {"full_output": True},
        ValueError,
        "`full_output` must be False for `propagate`; got True: ask `jacobian` for more than its value",
    ),
    (TWO, 1.0, {"full_output": "yes"}, TypeError, "`full_output` must be True or False; got 'yes'"),
    (TWO, 1.0, {"out": np.empty(2)}, TypeError, "unknown option 'out'"),
    (
        TWO,
        1.0,
        {"accuracy": 3},
        ValueError,
        "`accuracy` must be a positive even integer for central differences; got 3",
    ),
    (TWO, 1.0, {"bounds": (5, 9)}, ValueError, "x must be inside `bounds`; got 1.0 for variable 0"),
]


@pytest.mark.parametrize(("x", "cov", "options", "error", "message"), WRONG)
def test_errors_before_f_is_called(x, cov, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        fc.propagate(never, x, cov, **options)


def test_f_must_be_callable():
    with pytest.raises(TypeError, match=re.escape("`f` must be callable; got 3")):
        fc.propagate(3, 1.0, 1.0)
