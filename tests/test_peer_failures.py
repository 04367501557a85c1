"""Where other packages fail: here the result is right, or NaN, or a status says what is wrong. Never silently wrong.

Each section is a known failure of other packages for derivatives. `honest` is what a result with an error estimate
owes: where it claims success, the true error is within the estimate. Fixed steps of accuracy 2 know no error, and say
so by NaN: there the value itself is compared, to what their step can give.
"""

import itertools
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest

import fastcalc as fc
from tests.cases import EPS, smooth, smooth_gradient, smooth_hessian
from tests.reference import Recorder, exact_derivatives

FIRST = ["central", "forward", "backward", "complex", "adaptive"]  # methods for first derivatives
SECOND = ["central", "forward", "backward", "adaptive"]


def honest(result, exact):
    """Where success is claimed the error is known, and bounds the true one."""
    value, error, success, exact = np.broadcast_arrays(result.value, result.error, result.success, exact)
    assert not (success & ~np.isfinite(value)).any(), result
    assert not (success & ~np.isfinite(error)).any(), result
    assert not (success & ~(np.abs(value - exact) <= error)).any(), f"{exact=}\n{result}"
    assert not (success & (error == 0) & (value != exact)).any(), result


def right(result, exact, rtol, atol=0.0):
    """Honest, successful, and close."""
    honest(result, exact)
    assert np.all(result.success), result
    np.testing.assert_allclose(result.value, exact, rtol=rtol, atol=atol)


# --- f returns its own reused output buffer: elsewhere an all-zero Jacobian -------------------------------------------


def with_one_buffer(f, size, dtype=float):
    """f, always returned in the same memory."""
    buffer = np.empty(size, dtype)

    def reusing(x):
        buffer[...] = f(x)
        return buffer

    return reusing


def spherical(x):
    return np.array([np.sin(x[0]) * x[1], x[1] * x[2] ** 2])


def spherical_jacobian(x):
    return np.array([[np.cos(x[0]) * x[1], np.sin(x[0]), 0], [0, x[2] ** 2, 2 * x[1] * x[2]]])


POINT = np.array([0.5, -2.0, 3.0])
# eps**(p / (1 + p)) of the method's accuracy p, times values up to 20 over steps relative to 0.5
TOLERANCE = {"central": 100 * EPS ** (2 / 3), "complex": 16 * EPS, "adaptive": 1e-9}


def tolerance(method):
    return TOLERANCE.get(method, 100 * EPS ** (2 / 3))


@pytest.mark.parametrize("method", FIRST)
def test_reused_output_buffer_jacobian(method):
    f = with_one_buffer(spherical, 2, complex if method == "complex" else float)
    value = fc.jacobian(f, POINT, method=method)
    np.testing.assert_allclose(value.real, spherical_jacobian(POINT), atol=tolerance(method))
    np.testing.assert_array_equal(value, fc.jacobian(spherical, POINT, method=method))


@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
def test_reused_output_buffer_vectorized(method):
    size = [0]

    def f(x):
        if size[0] != x.shape[1]:
            f.buffer, size[0] = np.empty((2, x.shape[1])), x.shape[1]
        f.buffer[...] = spherical(x)
        return f.buffer

    value = fc.jacobian(f, POINT, method=method, vectorized=True)
    np.testing.assert_allclose(value, spherical_jacobian(POINT), atol=tolerance(method))


@pytest.mark.parametrize("method", SECOND)
def test_reused_output_buffer_gradient_and_hessian(method):
    def f(x):
        return np.sin(x[0]) * x[1] + x[1] * x[2] ** 2

    one = with_one_buffer(f, ())
    np.testing.assert_array_equal(fc.gradient(one, POINT, method=method), fc.gradient(f, POINT, method=method))
    np.testing.assert_array_equal(fc.hessian(one, POINT, method=method), fc.hessian(f, POINT, method=method))
    assert np.abs(fc.hessian(one, POINT, method=method)).max() > 1


@pytest.mark.parametrize("method", FIRST)
def test_reused_output_buffer_derivative_of_a_curve(method):
    f = with_one_buffer(lambda t: [np.sin(t), t * t], 2, complex if method == "complex" else float)
    value = fc.derivative(f, [0.5, 2.0], method=method)
    np.testing.assert_allclose(value.real, [np.cos([0.5, 2.0]), [1, 4]], atol=tolerance(method))


# --- f writes into the x it is given: elsewhere wrong -----------------------------------------------------------------


@pytest.mark.parametrize("method", FIRST)
def test_f_writes_into_x(method):
    def writing(x):
        value = spherical(x)
        x *= -7
        x[0] = np.nan
        return value

    x = POINT.copy()
    np.testing.assert_array_equal(fc.jacobian(writing, x, method=method), fc.jacobian(spherical, POINT, method=method))
    np.testing.assert_array_equal(x, POINT)


@pytest.mark.parametrize("method", SECOND)
def test_f_writes_into_x_hessian(method):
    def f(x):
        return np.sin(x[0]) * x[1] + x[1] * x[2] ** 2

    def writing(x):
        value = f(x)
        x[...] = 1e300
        return value

    x = POINT.copy()
    for operator in (fc.gradient, fc.hessian):
        np.testing.assert_array_equal(operator(writing, x, method=method), operator(f, POINT, method=method))
    np.testing.assert_array_equal(x, POINT)


@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
def test_f_writes_into_x_vectorized(method):
    def writing(x):
        value = spherical(x)
        x[...] = 0
        return value

    x = POINT.copy()
    value = fc.jacobian(writing, x, method=method, vectorized=True)
    np.testing.assert_allclose(value, spherical_jacobian(POINT), atol=tolerance(method))
    np.testing.assert_array_equal(x, POINT)


# --- fast, large, steep, near a singularity: elsewhere 0 with an error of 0, NaN, or wrong by orders of magnitude -----

PI = mpmath.mpf(np.pi)  # the double
# function, the same for mpmath, x, and the relative accuracy of a gradient with default steps; None: they cannot see it
CURVES = {
    "sin(128 pi x) at 0": (lambda x: np.sin(128 * np.pi * x), lambda x: mpmath.sin(128 * PI * x), 0.0, 1e-5),
    "cos(100 x) at 1": (lambda x: np.cos(100 * x), lambda x: mpmath.cos(100 * x), 1.0, 1e-6),
    "sin at 1e10": (np.sin, mpmath.sin, 1e10, None),
    "x**2 at 1e20": (lambda x: x**2, lambda x: x**2, 1e20, 1e-9),
    "log at 1e-10": (np.log, mpmath.log, 1e-10, 1e-9),
    "log at 0.1": (np.log, mpmath.log, 0.1, 1e-9),
    "1/x at 1e-3": (lambda x: 1 / x, lambda x: 1 / x, 1e-3, 1e-9),
    "asin at 1 - 1e-3": (np.arcsin, mpmath.asin, 1 - 1e-3, 1e-4),
    "asin at 1 - 1e-9": (np.arcsin, mpmath.asin, 1 - 1e-9, None),
}


@pytest.mark.parametrize("name", CURVES)
def test_hard_curve_with_fixed_steps(name):
    f, precise, x, rtol = CURVES[name]
    exact = exact_derivatives(precise, x, 1)[1]
    result = fc.gradient(lambda x: f(x[0]), np.array([x]), full_output=True)
    if rtol is None:
        assert np.isnan(result.error).all()
        assert np.isnan(result.value).all() == (result.status == fc.Status.NON_FINITE).all()
    else:
        np.testing.assert_allclose(result.value, [exact], rtol=rtol)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", CURVES)
def test_hard_curve(name, n):
    f, precise, x, _ = CURVES[name]
    result = fc.derivative(f, x, n, method="adaptive", full_output=True)
    exact = exact_derivatives(precise, x, n)[n]
    honest(result, exact)
    if n == 1:
        right(result, exact, 1e-6)


@pytest.mark.parametrize("name", CURVES)
def test_hard_curve_among_many_variables(name):
    f, precise, x, _ = CURVES[name]
    _, first, second = exact_derivatives(precise, x, 2)
    point = np.array([x, 0.0])

    def g(x):
        return f(x[0]) + 3 * x[1]

    honest(fc.gradient(g, point, method="adaptive", full_output=True), [first, 3])
    jacobian = fc.jacobian(lambda x: [f(x[0]), 3 * x[1]], point, method="adaptive", full_output=True)
    honest(jacobian, [[first, 0], [0, 3]])
    honest(fc.hessian(g, point, method="adaptive", full_output=True), [[second, 0], [0, 0]])


# --- kinks and jumps: elsewhere 0 with an error of 0, and success -----------------------------------------------------

KINKS = {
    "abs at 0": (abs, 0.0),
    "abs(x - 1) at 1": (lambda x: abs(x - 1), 1.0),
    "max(x, 0) at 0": (lambda x: max(x, 0.0), 0.0),
    "max(x, -2 x) at 0": (lambda x: max(x, -2 * x), 0.0),
    "exp(abs(x)) at 0": (lambda x: np.exp(abs(x)), 0.0),
    "abs(sin) at pi": (lambda x: abs(np.sin(x)), np.pi),
    "sqrt(abs(x)) at 0": (lambda x: np.sqrt(abs(x)), 0.0),
    "floor at 3": (np.floor, 3.0),
    "sign at 0": (np.sign, 0.0),
}


@pytest.mark.parametrize("name", KINKS)
def test_kink_has_no_derivative(name):
    f, x = KINKS[name]
    for result in (
        fc.derivative(f, x, method="adaptive", full_output=True),
        fc.gradient(lambda x: f(x[0]) + x[1], [x, 2.0], method="adaptive", full_output=True),
        fc.jacobian(lambda x: [f(x[0]), x[1]], [x, 2.0], method="adaptive", full_output=True),
    ):
        assert not np.ravel(result.success)[0], result
        assert not (np.ravel(result.error)[0] < 0.1), result


@pytest.mark.parametrize("name", ["abs at 0", "max(x, 0) at 0", "exp(abs(x)) at 0", "floor at 3"])
def test_kink_spoils_only_its_component(name):
    f, x = KINKS[name]
    result = fc.gradient(lambda x: f(x[0]) + np.sin(x[1]), [x, 2.0], method="adaptive", full_output=True)
    assert result.success[1]
    assert abs(result.value[1] - np.cos(2)) <= result.error[1] < 1e-6


@pytest.mark.parametrize("name", ["abs at 0", "max(x, 0) at 0", "x abs(x) at 0"])
def test_kink_has_no_second_derivative(name):
    f, x = {**KINKS, "x abs(x) at 0": (lambda x: x * abs(x), 0.0)}[name]
    result = fc.derivative(f, x, 2, method="adaptive", full_output=True)
    assert not result.success, result
    result = fc.hessian(lambda x: f(x[0]) + x[1] ** 2, [x, 2.0], method="adaptive", full_output=True)
    assert not result.success[0, 0], result


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("side", [-1, 1])
def test_kink_nearby(distance, side):
    kink = 1 + side * distance
    result = fc.derivative(lambda x: abs(x - kink) + np.exp(x), 1.0, method="adaptive", full_output=True)
    right(result, np.exp(1) - side, 0, atol=2000 * EPS / distance)  # rounding of f over a step not beyond the kink


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
def test_kink_with_fixed_steps_has_an_unknown_error(method):
    result = fc.gradient(lambda x: abs(x[0]), [0.0], method=method, full_output=True)
    assert np.isnan(result.error).all()


# --- noise of 1e-6, float32 inside: elsewhere off by 100x, or an error claimed far too small --------------------------


def noise(x):
    """Uniform in -1 to 1, and the same at each call with the same x."""
    return np.random.default_rng(np.float64(x).view(np.uint64)).uniform(-1, 1)


NOISY = {
    "1e-6 on sin": (lambda x: np.sin(x) + 1e-6 * noise(x), mpmath.sin),
    "1e-6 on exp(3 x)": (lambda x: np.exp(3 * x) + 1e-6 * noise(x), lambda x: mpmath.exp(3 * x)),
    "relative 1e-6 on exp": (lambda x: np.exp(x) * (1 + 1e-6 * noise(x)), mpmath.exp),
    "1e-3 on x**2": (lambda x: x * x + 1e-3 * noise(x), lambda x: x * x),
    "float32 inside sin": (lambda x: float(np.sin(np.float32(x))), mpmath.sin),
    "float32 result of exp": (lambda x: float(np.float32(np.exp(x))), mpmath.exp),
    "three decimals of sin": (lambda x: round(float(np.sin(x)), 3), mpmath.sin),
}


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("name", NOISY)
def test_noise(name, n):
    f, precise = NOISY[name]
    points = np.linspace(0.3, 2.7, 12)
    result = fc.derivative(f, points, n, method="adaptive", full_output=True)
    exact = np.array([exact_derivatives(precise, float(x), n)[n] for x in points])
    honest(result, exact)
    # and not by knowing nothing
    assert np.sum(result.success) >= 8
    assert np.nanmedian(result.error / abs(exact)) < 0.2


@pytest.mark.parametrize("name", NOISY)
def test_noise_many_variables(name):
    f, precise = NOISY[name]
    x = np.array([0.4, 1.1, 2.3])
    derivatives = [exact_derivatives(precise, float(t), 2) for t in x]
    first, second = (np.diag([d[n] for d in derivatives]) for n in (1, 2))

    def g(x):
        return sum(f(t) for t in x)

    honest(fc.gradient(g, x, method="adaptive", full_output=True), np.diag(first))
    honest(fc.jacobian(lambda x: [f(t) for t in x], x, method="adaptive", full_output=True), first)
    honest(fc.hessian(g, x, method="adaptive", full_output=True), second)


def test_noise_that_drowns_the_derivative_is_no_success_with_a_small_error():
    result = fc.derivative(lambda x: 1e-6 * noise(x), 1.0, method="adaptive", full_output=True)
    honest(result, 0.0)
    assert not result.error < 1e-7


# --- a flat plateau next to a step: elsewhere 0 with error 0 ----------------------------------------------------------


@pytest.mark.parametrize("distance", [2e-2, 1e-2, 3e-3])
@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("n", [1, 2])
def test_plateau_next_to_a_smooth_step(distance, side, n):
    def precise(x):
        return (1 + mpmath.tanh((x - 1) * 1000)) / 2

    x = 1 + side * distance
    result = fc.derivative(lambda x: (1 + np.tanh((x - 1) * 1000)) / 2, x, n, method="adaptive", full_output=True)
    honest(result, exact_derivatives(precise, x, n)[n])


@pytest.mark.parametrize("distance", [0.1, 1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("side", [-1, 1])
def test_plateau_next_to_a_jump(distance, side):
    jump = 1 + side * distance
    for result in (
        fc.derivative(lambda x: float(x > jump), 1.0, method="adaptive", full_output=True),
        fc.gradient(lambda x: float(x[0] > jump), [1.0], method="adaptive", full_output=True),
        fc.hessian(lambda x: float(x[0] > jump), [1.0], method="adaptive", full_output=True),
    ):
        honest(result, 0.0)


@pytest.mark.parametrize("width", [1e-1, 1e-3, 1e-6])
def test_bump_at_x_on_a_plateau(width):
    """The gradient at the flank of a bump much narrower than x is large."""
    x, flank = 1.0, np.sqrt(0.5)

    def f(t):
        return np.exp(-(((t - 1) / width + flank) ** 2))

    def precise(t):
        return mpmath.exp(-(((t - 1) / mpmath.mpf(width) + mpmath.mpf(flank)) ** 2))

    right(fc.derivative(f, x, method="adaptive", full_output=True), exact_derivatives(precise, x, 1)[1], 1e-10)


# --- variables of very different sizes: elsewhere one common step, and some components are garbage --------------------


def badly_scaled(x):
    return np.sin(1e9 * x[0]) + (1e-9 * x[1]) ** 3 + x[0] * x[1]


SIZES = np.array([1e-9, 1e9])
SIZES_GRADIENT = np.array([1e9 * np.cos(1.0) + 1e9, 3e-9 + 1e-9])
SIZES_HESSIAN = np.array([[-1e18 * np.sin(1.0), 1.0], [1.0, 6e-18]])


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
def test_variables_of_different_sizes(method):
    np.testing.assert_allclose(fc.gradient(badly_scaled, SIZES, method=method), SIZES_GRADIENT, rtol=1e-8)
    jacobian = fc.jacobian(lambda x: [badly_scaled(x), x[0]], SIZES, method=method)
    np.testing.assert_allclose(jacobian, [SIZES_GRADIENT, [1, 0]], rtol=1e-8)
    # the third derivatives over the second are 1 / x, and one-sided steps of second derivatives eps**(1/4) x
    hessian = fc.hessian(badly_scaled, SIZES, method=method)
    np.testing.assert_allclose(hessian, SIZES_HESSIAN, rtol=1e-5 if method == "central" else 1e-3)


def test_variables_of_different_sizes_with_errors():
    right(fc.gradient(badly_scaled, SIZES, method="adaptive", full_output=True), SIZES_GRADIENT, 1e-10)
    jacobian = fc.jacobian(lambda x: [badly_scaled(x), x[0]], SIZES, method="adaptive", full_output=True)
    right(jacobian, [SIZES_GRADIENT, [1, 0]], 1e-10)
    right(fc.hessian(badly_scaled, SIZES, method="adaptive", full_output=True), SIZES_HESSIAN, 1e-7)


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_zero_beside_a_huge_variable(method):
    """sin and exp drown in 1e24: the component that can be known is right, and the others say so."""

    def f(x):
        return np.sin(x[0]) + x[1] ** 2 + 1e24 * np.exp(x[2])

    result = fc.gradient(f, [0.0, 1e12, -1e-12], method=method, full_output=True)
    np.testing.assert_allclose(result.value[1], 2e12, rtol=1e-3)
    if method == "adaptive":
        honest(result, [1.0, 2e12, 1e24 * np.exp(-1e-12)])
    else:
        assert np.isnan(result.error).all()


# --- bounds: x at one, lower == upper, narrower than a step. Elsewhere NaN, evaluations outside, no Hessians ----------


def inside(f, lower, upper):
    """f, that must not be called outside."""

    def guarded(x):
        assert (x >= lower).all(), x
        assert (x <= upper).all(), x
        return f(x)

    return guarded


X = np.array([0.5, -1.0, 2.0])
SIDE = np.array([0, 1, 0])
BOXES = {
    "x at the lower bounds": (X, X + 1),
    "x at the upper bounds": (X - 1, X),
    "x in a corner": (X - SIDE, X + (1 - SIDE)),
    "log barrier": (X * [1 - 1e-12, 1 + 1e-12, 1 - 1e-12], X + 5),
    "room for a step on neither side": (X - 1e-9, X + 2e-9),
    "room of a few ulp": (X - 4 * np.spacing(np.abs(X)), X + 3 * np.spacing(np.abs(X))),
}


@pytest.mark.parametrize("method", SECOND)
@pytest.mark.parametrize("box", BOXES)
def test_bounds_are_never_crossed(box, method):
    lower, upper = BOXES[box]
    f, options = inside(smooth, lower, upper), {"bounds": (lower, upper), "method": method, "full_output": True}
    gradient, hessian = fc.gradient(f, X, **options), fc.hessian(f, X, **options)
    jacobian = fc.jacobian(lambda x: [f(x), x[0]], X, **options)
    if method == "adaptive":
        honest(gradient, smooth_gradient(X))
        honest(jacobian, [smooth_gradient(X), [1, 0, 0]])
        honest(hessian, smooth_hessian(X))
    if not box.startswith("room"):
        np.testing.assert_allclose(gradient.value, smooth_gradient(X), rtol=1e-6)
        np.testing.assert_allclose(jacobian.value, [smooth_gradient(X), [1, 0, 0]], rtol=1e-6)
        np.testing.assert_allclose(hessian.value, smooth_hessian(X), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_bounds_narrower_than_a_step_say_so(method):
    """What the few points inside can give is claimed, and no more."""
    lower, upper = BOXES["room for a step on neither side"]
    result = fc.gradient(inside(smooth, lower, upper), X, bounds=(lower, upper), method=method, full_output=True)
    np.testing.assert_allclose(result.value, smooth_gradient(X), rtol=1e-5)  # eps / 1e-9, times values of about 3
    assert not (result.error < 1e-9).any()
    if method == "central":
        assert (result.status == fc.Status.AT_BOUND).all()


@pytest.mark.parametrize("method", SECOND)
def test_equal_bounds_are_a_nan_with_a_status(method):
    lower, upper = X - (1 - SIDE), X + (1 - SIDE)
    f, options = inside(smooth, lower, upper), {"bounds": (lower, upper), "method": method, "full_output": True}
    free = np.array([True, False, True])
    gradient = fc.gradient(f, X, **options)
    np.testing.assert_array_equal(np.isnan(gradient.value), ~free)
    np.testing.assert_array_equal(gradient.success, free)
    np.testing.assert_array_equal(gradient.status == fc.Status.FIXED_VARIABLE, ~free)
    np.testing.assert_allclose(gradient.value[free], smooth_gradient(X)[free], rtol=1e-6)
    hessian = fc.hessian(f, X, **options)
    np.testing.assert_array_equal(np.isnan(hessian.value), ~np.outer(free, free))
    np.testing.assert_array_equal(hessian.success, np.outer(free, free))


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_bounds_where_f_ends(method):
    """sqrt and log at the edge of where they are defined: their derivatives there are infinite."""

    def log(x):
        with np.errstate(divide="ignore"):
            return np.log(x)

    for f in (np.sqrt, log):
        result = fc.derivative(f, 0.0, bounds=(0, np.inf), method=method, full_output=True)
        if method == "adaptive":
            assert not result.success, result
        else:
            assert np.isnan(result.error) or result.error > 1, result
    result = fc.derivative(np.sqrt, 1e-8, bounds=(0, np.inf), method=method, full_output=True)
    np.testing.assert_allclose(result.value, 5e3, rtol=1e-6)


# --- shapes of x and of f(x): elsewhere errors and squeezing ----------------------------------------------------------


@pytest.mark.parametrize("method", ["central", "forward", "complex", "adaptive"])
@pytest.mark.parametrize("x_shape", [(), (0,), (1,), (3,), (1, 1), (2, 3), (2, 0)])
@pytest.mark.parametrize("f_shape", [(), (0,), (1,), (2,), (1, 1), (3, 2)])
def test_shapes_of_jacobians(x_shape, f_shape, method):
    x = np.linspace(1, 2, int(np.prod(x_shape))).reshape(x_shape)
    factors = np.arange(1.0, 1 + np.prod(f_shape)).reshape(f_shape)
    result = fc.jacobian(lambda x: factors * np.sum(x * x), x, method=method, full_output=True)
    exact = np.multiply.outer(factors, 2 * x)
    assert np.shape(result.value) == f_shape + x_shape
    for field in (result.error, result.success, result.status):
        assert np.shape(field) == f_shape + x_shape
    np.testing.assert_allclose(result.value, exact, rtol=1e-6)


@pytest.mark.parametrize("method", ["central", "forward", "complex", "adaptive"])
@pytest.mark.parametrize("x_shape", [(), (0,), (1,), (3,), (1, 1), (2, 3)])
@pytest.mark.parametrize("f_shape", [(), (1,)])
def test_shapes_of_gradients(x_shape, f_shape, method):
    x = np.linspace(1, 2, int(np.prod(x_shape))).reshape(x_shape)
    value = fc.gradient(lambda x: np.full(f_shape, np.sum(x * x)), x, method=method)
    assert np.shape(value) == x_shape
    np.testing.assert_allclose(value, 2 * x, rtol=1e-6)


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_shape_of_f_that_is_no_scalar_is_an_error_of_gradients(method):
    with pytest.raises(ValueError, match="jacobian"):
        fc.gradient(lambda x: x * x, np.ones(3), method=method)


@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
@pytest.mark.parametrize("x_shape", [(), (0,), (1,), (2,), (2, 2)])
@pytest.mark.parametrize("f_shape", [(), (1,), (2,)])
def test_shapes_of_hessians(x_shape, f_shape, method):
    x = np.linspace(1, 2, int(np.prod(x_shape))).reshape(x_shape)
    factors = np.arange(1.0, 1 + np.prod(f_shape)).reshape(f_shape)
    value = fc.hessian(lambda x: factors * np.sum(x * x), x, method=method)
    assert np.shape(value) == f_shape + x_shape + x_shape
    exact = np.multiply.outer(factors, 2 * np.eye(x.size).reshape(x_shape + x_shape))
    np.testing.assert_allclose(value, exact, rtol=1e-5, atol=1e-2)
    np.testing.assert_array_equal(
        value.reshape(*f_shape, x.size, x.size), np.swapaxes(value.reshape(*f_shape, x.size, x.size), -1, -2)
    )


@pytest.mark.parametrize("method", ["central", "forward", "complex", "adaptive"])
@pytest.mark.parametrize("x_shape", [(), (0,), (1,), (4,), (2, 3)])
@pytest.mark.parametrize("f_shape", [(), (1,), (2,), (2, 2)])
def test_shapes_of_derivatives(x_shape, f_shape, method):
    x = np.linspace(1, 2, int(np.prod(x_shape))).reshape(x_shape)
    factors = np.arange(1.0, 1 + np.prod(f_shape)).reshape(f_shape)
    value = fc.derivative(lambda t: factors * np.sin(t), x, method=method)
    assert np.shape(value) == f_shape + x_shape or x.size == 0
    np.testing.assert_allclose(value, np.multiply.outer(factors, np.cos(x)).reshape(np.shape(value)), rtol=1e-6)


# --- nested use, threads, exceptions at any call, Ctrl-C: elsewhere mostly untested -----------------------------------


def surface(x):
    return np.sin(x[0]) * x[1] + x[1] * x[2] ** 2


OPERATORS = {
    "derivative": lambda f, **o: (fc.Derivative(lambda t: f(np.array([t, 1.0, 2.0])), **o), 0.5),
    "gradient": lambda f, **o: (fc.Gradient(f, **o), POINT),
    "jacobian": lambda f, **o: (fc.Jacobian(f, **o), POINT),
    "hessian": lambda f, **o: (fc.Hessian(f, **o), POINT),
}


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_nested_derivatives(method):
    """The gradient of abs(grad f)**2 is 2 H grad f."""

    def outer(x):
        return np.sum(fc.gradient(surface, x, method=method) ** 2)

    s, c = np.sin(POINT[0]), np.cos(POINT[0])
    y, z = POINT[1:]
    gradient = np.array([c * y, s + z**2, 2 * y * z])
    hessian = np.array([[-s * y, c, 0], [c, 0, 2 * z], [0, 2 * z, 2 * y]])
    step = {"step": 1e-3} if method == "central" else {}
    result = fc.gradient(outer, POINT, method=method, full_output=True, **step)
    np.testing.assert_allclose(result.value, 2 * hessian @ gradient, rtol=1e-4)  # 1e-9 of inner errors over 1e-3
    if method == "adaptive":
        honest(result, 2 * hessian @ gradient)


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_nested_use_of_one_operator(method):
    def f(x):
        return np.sum(x * x) if x[0] > 10 else operator(x + 20).sum()

    operator = fc.Gradient(f, method=method)
    # operator(x + 20) = 2 (x + 20), with errors of 1e-9 at least over steps of 6e-6
    np.testing.assert_allclose(operator(np.array([1.0, 2.0, 3.0])), 2, atol=1e-2)
    np.testing.assert_allclose(operator(np.array([20.0, 2.0, 3.0])), [40, 4, 6], rtol=1e-6)


@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize("name", OPERATORS)
def test_threads_share_an_operator(name, method):
    operator, x = OPERATORS[name](surface, method=method)
    points = [x * (1 + k / 7) for k in range(6)]
    expected = [OPERATORS[name](surface, method=method)[0](point) for point in points]
    start = threading.Barrier(6)

    def work(k):
        start.wait()
        for _ in range(20):
            np.testing.assert_array_equal(operator(points[k]), expected[k])
        return True

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))


class Mistake(Exception):
    pass


@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("kind", ["exception", "Ctrl-C"])
def test_exceptions_at_every_call(name, method, kind):
    recorder = Recorder(surface)
    operator, x = OPERATORS[name](recorder, method=method)
    expected = operator(x)
    last = recorder.calls
    error = Mistake()
    count = itertools.count(1)
    fail_at = 0

    def failing(x):
        if next(count) == fail_at:
            if kind == "exception":
                raise error
            signal.raise_signal(signal.SIGINT)
        return surface(x)

    operator, x = OPERATORS[name](failing, method=method)
    for fail_at in {1, 2, last // 2, last - 1, last} - {0}:
        count = itertools.count(1)
        with pytest.raises((Mistake, KeyboardInterrupt)) as caught:
            operator(x)
        assert kind == "Ctrl-C" or caught.value is error
        assert next(count) == fail_at + 1  # no call after the failure
        fail_at = 0
        np.testing.assert_array_equal(operator(x), expected)


@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize("name", OPERATORS)
def test_exceptions_that_become_nan_are_no_success(name, method):
    def failing(x):
        if x[0] > 0.5:
            raise Mistake
        return surface(x)

    operator, x = OPERATORS[name](failing, method=method, on_error="nan")
    result = operator(x, full_output=True)
    first = np.ravel(result.success)[0]
    value, error = np.ravel(result.value)[0], np.ravel(result.error)[0]
    exact = {"hessian": -np.sin(0.5) * -2}.get(name, np.cos(0.5) * (1 if name == "derivative" else -2))
    assert not first or abs(value - exact) <= error  # from the left side, or not at all
    assert first or np.ravel(result.status)[0] == fc.Status.NON_FINITE


# --- one-sided weights of high accuracy: elsewhere errors of 1.9e-3 on exp --------------------------------------------


@pytest.mark.parametrize("kind", ["forward", "backward"])
@pytest.mark.parametrize("accuracy", [10, 14, 18, 22])
def test_one_sided_weights_of_high_accuracy(kind, accuracy):
    """exp on nodes 0.1 apart: truncation h**p exp / (p + 1), and rounding of values up to exp(p h) and of weights."""
    h = 0.1
    stencil = fc.stencil(1, accuracy=accuracy, kind=kind)
    nodes = stencil.offsets * h
    value = stencil.weights @ np.exp(nodes) / h
    bound = np.exp(nodes.max()) * (h**accuracy + 3 * EPS * np.abs(stencil.weights).sum() / h)
    assert abs(value - 1) <= bound
    assert sum(stencil.exact) == 0
    assert sum(w * int(k) for w, k in zip(stencil.exact, stencil.offsets, strict=True)) == 1


@pytest.mark.parametrize("accuracy", [10, 18])
def test_edge_weights_on_any_nodes(accuracy):
    """The same from nodes, at the edge and at each of them: rows of exact weights, rounded once."""
    offsets = np.arange(accuracy + 1)
    stencil = fc.stencil(1, accuracy=accuracy, kind="forward")
    weights = fc.fd_weights(offsets, 0, 1)[1]
    scale = np.abs(stencil.weights).max()
    np.testing.assert_allclose(weights, stencil.weights, atol=accuracy**2 * EPS * scale)
    for at in offsets:
        row = fc.fd_weights(offsets, at, 1)[1]
        polynomial = (offsets / accuracy) ** accuracy
        exact = accuracy * (at / accuracy) ** (accuracy - 1) / accuracy
        assert abs(row @ polynomial - exact) <= accuracy**2 * EPS * np.abs(row).sum()


def test_one_sided_derivative_of_accuracy_18():
    result = fc.derivative(np.exp, 0.0, accuracy=18, method="forward", full_output=True)
    assert abs(result.value - 1) <= result.error <= 1e-6
