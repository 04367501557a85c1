"""Taylor polynomials from values alone: accuracy, errors that hold, options, and functions that have no polynomial."""

import math

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._expansions.directions import count, directions, exponents
from fastcalc._expansions.fits import coefficients, nodes, spectrum
from tests.taylor.exact_series import taylor_coefficients


def numeric(f, x0, degree, **options):
    options.setdefault("vectorized", True)
    return fc.taylor(f, x0, degree, method="numeric", full_output=True, **options)


def model(x, lib):
    """The function of the targets."""
    return lib.exp(0.7 * x[0] - 0.3 * x[1]) * lib.sin(x[1] + 1.3 * x[2] + 0.4) + lib.log(2.2 + x[0] * x[2] + 0.5 * x[1])


@pytest.mark.parametrize(("degree", "budget", "accuracy"), [(4, 1200, 1e-8), (6, 2500, 1e-5)])
def test_mixed_partials_within_a_budget(degree, budget, accuracy):
    exact = taylor_coefficients(model, [0.0, 0.0, 0.0], degree)
    found = numeric(lambda x: model(x, np), np.zeros(3), degree, max_evaluations=budget)
    error = np.abs(found.value.coef - exact)
    top = found.value.space.exponents.sum(axis=1) == degree
    assert found.evaluations <= budget
    assert (error[top] <= accuracy * np.abs(exact[top])).all()
    assert (error <= found.error).all()
    assert found.success.all()
    assert (found.status == fc.Status.ROUNDING_LIMIT).mean() > 0.5


# f(x, lib), x0, degree, options; poles, scales, cancellation, flat and steep functions
CASES = {
    "exp": (lambda x, lib: lib.exp(x[0]), [0.3], 8, {}),
    "polynomial": (lambda x, lib: x[0] ** 3 * x[1] - 2 * x[1] * x[1] + 3 * x[0], [1.0, 2.0], 5, {}),
    "tanh in four": (lambda x, lib: lib.tanh(x[0] - 0.4 * x[1] + 0.2 * x[2] + x[3] * x[0]), [0.2, 1, -1, 0.5], 3, {}),
    "five": (lambda x, lib: lib.exp(x[0] * x[1] - x[2]) / (3 + x[3] * x[4]), [0.5, 1, 0, -0.3, 0.2], 2, {}),
    "pole nearby": (lambda x, lib: 1 / (1.1 - x[0]) + lib.exp(x[1]), [1.0, 0.0], 4, {}),
    "poles around": (lambda x, lib: 1 / (x[0] * x[0] + x[1] * x[1] + 0.01), [0.0, 0.0], 6, {}),
    "pole on a diagonal": (lambda x, lib: 1 / (1 - x[0] - x[1] - x[2]), [0.0, 0.0, 0.0], 4, {}),
    "oscillation": (lambda x, lib: lib.sin(40 * x[0]) * lib.cos(30 * x[1]), [0.3, 0.7], 6, {}),
    "far from 0": (lambda x, lib: lib.sin(x[0]) * x[1], [1000.0, 2.0], 6, {}),
    "small variable": (lambda x, lib: lib.log(2 + 1000 * x[0] + x[1]), [0.0, 0.0], 4, {}),
    "tiny x": (lambda x, lib: lib.cos(x[0]) * lib.sqrt(2 + x[1]), [1e-7, 0.5], 4, {}),
    "log near 0": (lambda x, lib: lib.log(x[0]) * x[1], [1e-3, 0.5], 4, {}),
    "scales": (lambda x, lib: lib.exp(x[0] / 1e-3 + x[1] / 1e3), [0.0, 100.0], 4, {"scale": [1e-3, 1e3]}),
    "large constant": (lambda x, lib: lib.exp(x[0]) + 1e6, [0.1], 4, {}),
    "large values": (lambda x, lib: lib.exp(10 * x[0] + x[1]), [2.0, 1.0], 4, {}),
    "steep": (lambda x, lib: lib.tanh(50 * (x[0] - x[1])), [0.31, 0.3], 4, {}),
    "ridge": (lambda x, lib: lib.exp(-200 * (x[0] + x[1] - 0.02) ** 2) + x[0], [0.0, 0.0], 4, {}),
    "Rosenbrock": (lambda x, lib: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, [-1.2, 1.0], 4, {}),
    "first step": (lambda x, lib: lib.sin(x[0] + 2 * x[1]), [0.5, 0.2], 4, {"step": 0.01}),
    "bounds": (lambda x, lib: lib.log(x[0]) * lib.exp(x[1]), [0.05, 1.0], 4, {"bounds": ([0, 0], [np.inf, 1.3])}),
}


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_errors_hold(noise):
    held = total = 0
    for number, (f, x0, degree, options) in enumerate(CASES.values()):
        exact = taylor_coefficients(f, x0, degree)
        rng = np.random.default_rng(number)
        found = numeric(lambda x: f(x, np) + noise * rng.normal(size=x.shape[1]), x0, degree, **options)  # noqa: B023
        assert found.success.mean() > 0.9
        held += (np.abs(found.value.coef - exact) <= found.error)[found.success].sum()
        total += found.success.sum()
    assert total > 300
    assert held >= 0.99 * total


@pytest.mark.parametrize("name", CASES)
def test_coefficients_are_accurate(name):
    f, x0, degree, options = CASES[name]
    exact = taylor_coefficients(f, x0, degree)
    found = numeric(lambda x: f(x, np), x0, degree, **options)
    space = found.value.space
    assert np.abs(found.value.coef[0] - exact[0]) <= found.error[0]
    for k in range(degree + 1):
        block = slice(space.starts[k], space.starts[k + 1])
        units = (np.asarray(options.get("scale", 1.0)) ** space.exponents[block]).prod(axis=1)
        error, size = np.abs(found.value.coef - exact)[block] * units, np.abs(exact[block] * units).max()
        # a digit and a half per degree, of sixteen; six less where f has a constant of 1e6
        lost = 1e6 if name == "large constant" else 1.0
        assert error.max() <= 1e-14 * lost * 30.0**k * max(size, 1e-3 * np.abs(exact).max()), k


def test_noise_is_measured():
    rng = np.random.default_rng(1)

    def f(x):
        return np.exp(x[0]) * np.sin(x[1]) + 1e-6 * rng.normal(size=x.shape[1])

    found = numeric(f, [0.5, 0.3], 3)
    noisy = found.status == fc.Status.NOISE_LIMIT
    assert noisy.mean() > 0.8
    assert 1e-6 <= found.error[0] <= 1e-5
    told = numeric(f, [0.5, 0.3], 3, noise=3e-6)
    assert (told.status == fc.Status.NOISE_LIMIT).any()
    assert 3e-6 <= told.error[0] <= 6e-6


NOISE = np.random.default_rng(2)

# f, x0, the highest degree that exists
ROUGH = {
    "abs": (lambda x: np.abs(x[0]), [0.0], 0),
    "small kink": (lambda x: np.exp(x[0]) + 1e-4 * np.abs(x[0]), [0.0], 0),
    "x abs(x)": (lambda x: x[0] * np.abs(x[0]), [0.0], 1),
    "power 1.5": (lambda x: np.abs(x[0]) ** 1.5, [0.0], 1),
    "power 0.5": (lambda x: np.sqrt(np.abs(x[0])), [0.0], 0),
    "sign": (lambda x: np.sign(x[0]), [0.0], -1),
    "diagonal kink": (lambda x: np.abs(x[0] - x[1]), [0.0, 0.0], 0),
    "maximum": (lambda x: np.maximum(x[0], x[1]), [1.0, 1.0], 0),
    "norm": (lambda x: np.hypot(x[0], x[1]), [0.0, 0.0], 0),
    "quadratic, no polynomial": (lambda x: np.abs(x[0] * x[1]), [0.0, 0.0], 1),
    "linear, no polynomial": (lambda x: x[0] ** 3 / np.maximum(x[0] ** 2 + x[1] ** 2, 1e-300), [0.0, 0.0], 0),
    "spike": (lambda x: np.exp(x[0]) + 0.01 * (x[0] == 0), [0.0], -1),
    "noise alone": (lambda x: NOISE.normal(size=x.shape[1]), [0.5], -1),
}  # fmt: skip


@pytest.mark.parametrize("more", [0, 2])
@pytest.mark.parametrize("name", ROUGH)
def test_functions_that_are_not_smooth(name, more):
    f, x0, smooth = ROUGH[name]
    found = numeric(f, x0, max(smooth, 0) + 1 + more)
    degrees = found.value.space.exponents.sum(axis=1)
    beyond = degrees > max(smooth, 0)
    assert not found.success[beyond].any()
    assert (found.status[beyond] == fc.Status.NOT_SMOOTH).mean() > 0.6
    assert np.isnan(found.error[found.status == fc.Status.NOT_SMOOTH]).all()
    if smooth < 0:
        assert not found.success[0]


def test_fits_that_disagree_are_not_believed():
    # at the nodes of the first fit, of length 0.5, the polynomial of degree 33 looks like one of degree 1
    def f(x):
        return np.exp(x[0]) + 1e-3 * np.polynomial.chebyshev.chebval(2 * x[0], [0] * 33 + [1])

    assert len(nodes(3, 8).t) * 2 + 1 == 17
    found = numeric(f, [0.0], 3)
    inner = np.polynomial.chebyshev.cheb2poly([0] * 33 + [1])[:4] * 2.0 ** np.arange(4)
    exact = 1e-3 * inner + [1, 1, 1 / 2, 1 / 6]
    held = np.abs(found.value.coef - exact) <= found.error
    assert held[found.success].all()


def test_noise_in_one_variable_alone_is_none():
    found = numeric(lambda x: np.exp(x[0] + x[1]) + 1e-3 * np.sin(1e7 * x[0]), [0.0, 0.0], 2)
    exact = np.array([1, 1 + 1e4, 1, 1 / 2, 1, 1 / 2])
    held = np.abs(found.value.coef - exact) <= found.error
    assert held[found.success].all()


def test_kinks_elsewhere_do_no_harm():
    found = numeric(lambda x: np.maximum(x[0] - 0.01, 0) + x[0] ** 2, [0.0], 3)
    assert found.success.all()
    assert np.abs(found.value.coef - [0, 0, 1, 0]).max() < 1e-12


def test_plain_functions_and_other_arguments():
    exact = fc.taylor(lambda x: np.exp(x[0] * x[1] / 2), [0.3, 0.4], 3)

    def plain(a, x, b=1.0):
        assert x.shape == (2,)
        return math.exp(x[0] * x[1] * a * b)

    p = fc.taylor(plain, [0.3, 0.4], 3, method="numeric", args=(2.0,), kwargs={"b": 0.25}, argnum=1)
    assert p.shape == ()
    np.testing.assert_allclose(p.coef, exact.coef, atol=1e-10)


def test_shapes_of_outputs_and_points():
    def rows(x):
        return [[np.sin(x[0, 0]), x[0, 1] ** 2, 1.0], [x[0, 0] + x[1, 1], np.exp(x[1, 0] * x[1, 1]), 0.0]]

    x0 = np.array([[0.1, 0.2], [0.3, 0.4]])
    found = numeric(lambda x: np.array(rows(x)), x0, 2, vectorized=False)
    exact = fc.taylor(rows, x0, 2)
    assert found.value.shape == (2, 3)
    assert found.error.shape == found.step.shape == found.status.shape == found.value.coef.shape
    np.testing.assert_array_equal(found.fun, rows(x0))
    np.testing.assert_allclose(found.value.coef, exact.coef, atol=1e-11)
    assert (np.abs(found.value.coef - exact.coef) <= found.error).all()
    np.testing.assert_array_equal(found.value.x0, x0.ravel())


def test_scalar_point():
    p = fc.taylor(lambda x: math.exp(x), 0.0, 3, method="numeric")
    np.testing.assert_allclose(p.coef, [1, 1, 1 / 2, 1 / 6], rtol=1e-10)


def test_degree_0_takes_one_point():
    found = numeric(lambda x: x[0] + 2, [1.0], 0)
    assert found.value.coef.tolist() == [3.0]
    assert found.evaluations == 1
    assert found.success.all()


def test_complex_outputs_and_points():
    found = numeric(lambda x: np.exp(1j * x[0]) * x[1], [0.3, 2.0], 3)
    exact = taylor_coefficients(lambda x, lib: lib.cos(x[0]) * x[1], [0.3, 2.0], 3) + 1j * taylor_coefficients(
        lambda x, lib: lib.sin(x[0]) * x[1], [0.3, 2.0], 3
    )
    assert found.value.dtype == np.complex128
    assert (np.abs(found.value.coef - exact) <= found.error).all()
    np.testing.assert_allclose(found.value.coef, exact, atol=1e-10)
    p = fc.taylor(lambda x: np.exp(x[0]), np.array([1j]), 2, method="numeric", vectorized=True)
    np.testing.assert_allclose(p.coef, np.exp(1j) / np.array([1, 1, 2]), rtol=1e-10)


def test_precisions():
    exact = taylor_coefficients(lambda x, lib: lib.sin(x[0] + 2 * x[1]), [0.5, 0.25], 3)

    def f(x):
        return np.sin(x[0] + 2 * x[1])

    x = np.array([0.5, 0.25])
    single = numeric(f, x.astype(np.float32), 3)
    assert single.value.dtype == np.float32
    assert (np.abs(single.value.coef - exact) <= single.error).mean() >= 0.9
    assert np.abs(single.value.coef - exact).max() < 3e-3
    coarse = numeric(lambda x: f(x).astype(np.float32), x, 3)
    assert coarse.value.dtype == np.float64
    assert (np.abs(coarse.value.coef - exact) <= coarse.error).all()
    assert np.abs(coarse.value.coef - exact).max() < 3e-3
    fine = numeric(f, x.astype(np.longdouble), 3)
    assert fine.value.dtype == np.longdouble
    assert (np.abs(fine.value.coef - exact) <= fine.error + 1e-16).all()
    assert np.abs(fine.value.coef - exact).max() < (1e-12 if np.finfo(np.longdouble).eps < 1e-18 else 1e-9)


def test_bounds_are_never_crossed():
    lower, upper = np.array([0.25, -0.1]), np.array([1.0, 1e-3])

    def f(x):
        assert (x >= lower[:, None]).all()
        assert (x <= upper[:, None]).all()
        return np.sqrt(x[0] - 0.25) * np.exp(x[1])

    found = numeric(f, [0.5, 0.0], 3, bounds=(lower, upper))
    exact = taylor_coefficients(lambda x, lib: lib.sqrt(x[0] - 0.25) * lib.exp(x[1]), [0.5, 0.0], 3)
    assert (np.abs(found.value.coef - exact) <= found.error).all()
    at_bound = found.status == fc.Status.AT_BOUND
    np.testing.assert_array_equal(at_bound, found.value.space.exponents[:, 1] > 0)
    assert found.success.all()


def test_bounds_limit_what_grows():
    def f(x):
        assert np.abs(x).max() <= 0.3
        return x[0] * x[1]

    found = numeric(f, [0.0, 0.0], 4, bounds=(-0.3, 0.3))
    exact = found.value.space.exponents.prod(axis=1) == 1
    exact &= found.value.space.exponents.sum(axis=1) == 2
    np.testing.assert_allclose(found.value.coef, exact, atol=1e-12)


def test_failures_of_f():
    def f(x):
        if x[0] > 0.6:
            raise ArithmeticError("out of range")
        return math.exp(x[0])

    with pytest.raises(ArithmeticError, match="out of range"):
        fc.taylor(f, [0.5], 2, method="numeric")
    found = numeric(f, [0.5], 2, vectorized=False, on_error="nan")
    np.testing.assert_allclose(found.value.coef, math.exp(0.5) / np.array([1, 1, 2]), rtol=1e-8)
    assert found.success.all()


def test_outputs_that_are_not_finite_are_nobody_elses_business():
    def f(x):
        return np.stack([np.exp(x[0]), np.full(x.shape[1], np.nan), np.where(x[0] == 0, 1.0, np.inf), np.abs(x[0])])

    found = numeric(f, [0.0], 3)
    np.testing.assert_allclose(found.value.coef[:, 0], [1, 1, 1 / 2, 1 / 6], rtol=1e-9)
    assert found.success[:, 0].all()
    assert (found.status[:, 1] == fc.Status.NON_FINITE).all()
    assert (found.status[1:, 2] == fc.Status.NON_FINITE).all()
    assert (found.status[1:, 3] == fc.Status.NOT_SMOOTH).all()
    two = numeric(lambda x: np.stack([np.exp(x[0] + x[1]), np.abs(x[0])]), [0.0, 0.0], 3)
    np.testing.assert_allclose(two.value.coef[6:, 0], [1 / 6, 1 / 2, 1 / 2, 1 / 6], rtol=1e-7)
    nowhere = numeric(lambda x: x[0] * np.nan, [0.0, 1.0], 2)
    assert nowhere.value.coef.shape == (6,)
    assert nowhere.evaluations == 1
    assert not nowhere.success.any()


def test_the_budget_is_kept():
    def f(x):
        return 1 / (x[0] ** 2 + x[1] ** 2 + 0.01)

    exact = taylor_coefficients(lambda x, lib: 1 / (x[0] ** 2 + x[1] ** 2 + 0.01), [0.0, 0.0], 3)
    for budget in (50, 80, 120, 300):
        found = numeric(f, [0.0, 0.0], 3, max_evaluations=budget)
        assert found.evaluations <= budget
        held = np.abs(found.value.coef - exact) <= found.error
        assert held[found.success].all(), budget
    with pytest.raises(ValueError, match="`max_evaluations` must be at least 41 for degree 3 in 2 variables; got 40"):
        numeric(f, [0.0, 0.0], 3, max_evaluations=40)


def test_messages():
    def f(x):
        raise AssertionError("called")

    with pytest.raises(ValueError, match=r"`rtol` has no effect on method 'numeric'.*got 0.1"):
        numeric(f, [0.0], 3, rtol=0.1)
    with pytest.raises(ValueError, match=r"`atol` has no effect on method 'numeric'.*got 0.1"):
        numeric(f, [0.0], 3, atol=0.1)
    with pytest.raises(ValueError, match=r"x must have room on both sides inside `bounds`.*got 0.0 for variable 1"):
        numeric(f, [0.5, 0.0], 3, bounds=(0, 1))
    with pytest.raises(ValueError, match=r"`degree` must be lower.*degree 9 in 9 variables needs 26742 lines"):
        numeric(f, np.ones(9), 9)


def test_same_numbers_every_time():
    first, again = (fc.taylor(lambda x: model(x, np), np.zeros(3), 3, method="numeric", vectorized=True) for _ in "12")
    np.testing.assert_array_equal(first.coef, again.coef)


@pytest.mark.parametrize(("n", "degree"), [(1, 5), (2, 1), (2, 7), (3, 4), (4, 3), (6, 2), (12, 2)])
def test_directions_determine_polynomials(n, degree):
    found = directions(n, degree)
    assert len(found.vectors) == count(n, degree) >= math.comb(n + degree - 1, degree)
    np.testing.assert_array_equal(found.vectors[:n], np.eye(n))
    np.testing.assert_allclose((found.vectors**2).sum(axis=1), 1, rtol=1e-14)
    for k in range(degree + 1):
        alpha = exponents(n, k)
        coef = np.random.default_rng(k).normal(size=len(alpha))
        values = (found.vectors[:, None, :] ** alpha).prod(axis=2) @ coef
        np.testing.assert_allclose(found.weights[k] @ values, coef, atol=1e-11)
        # weights of monomials may exceed 1 by the number of orders of their factors, and little more
        orders = math.factorial(k) / np.array([math.prod(map(math.factorial, a)) for a in alpha.tolist()])
        assert (np.abs(found.weights[k]).sum(axis=1) <= 30 * orders).all()


@pytest.mark.parametrize("pairs", [4, 9, 11])
def test_fits_reproduce_polynomials(pairs):
    degree = 2 * pairs - 3
    grid, h = nodes(degree, pairs), np.array([0.5, 2.0])
    coef = np.random.default_rng(0).normal(size=degree + 1)
    t = grid.t.astype(float)[:, None, None] * h[None, :, None]
    values = np.stack([np.polynomial.polynomial.polyval(t, coef), np.polynomial.polynomial.polyval(-t, coef)])
    a = spectrum(grid, coef[:1], values)
    none = np.zeros((2, 1))
    found = coefficients(grid, h, a, none, np.zeros(1)).coef[1:, :, 0]
    # values have rounding errors of eps times their size; the weights amplify them by (2 pairs)**k / k!
    k = np.arange(1, degree + 1)[:, None]
    growth = (2.0 * pairs) ** k / np.array([[math.factorial(j)] for j in k[:, 0]]) / h**k
    assert (np.abs(found - coef[1:, None]) <= 8 * 2.2e-16 * growth * np.abs(values).max()).all()


def test_values_of_functions_that_round_their_arguments():
    """1e6 * x is rounded inside f, by 1e-11 in x; the error of f(x) is what that makes."""
    x = 0.4999
    truth = -0.3449474811147879  # sin(1e6 x) for this float64 number
    found = fc.taylor(lambda t: np.sin(1e6 * t), x, 4, method="numeric", full_output=True)
    error = abs(float(found.value.value) - truth)
    assert 1e-13 < error <= found.error[0] < 1e-9


def test_coefficients_that_may_be_anything_are_none_without_their_errors():
    p = fc.taylor(np.abs, 0.0, 4, method="numeric")
    assert p.coef[0] == 0
    assert np.isnan(p.coef[1:]).all()
    kept = fc.taylor(np.abs, 0.0, 4, method="numeric", full_output=True)
    assert np.isnan(kept.error[1:]).all()
    assert np.isfinite(kept.value.coef).any()
