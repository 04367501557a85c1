"""derivative: functions of one variable, any n, against exact stencils in mpmath."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests import reference
from tests.cases import CURVES, EPS
from tests.reference import Recorder

METHODS = [(method, accuracy) for method in ("forward", "backward") for accuracy in (1, 2, 3, 4)]
METHODS += [("central", accuracy) for accuracy in (2, 4, 6)]


def rounding(curve, amplification, n):
    """f is computed to a few eps of itself and of what the rounding of its argument does: abs(x f'). The sum of
    absolute weights over h**n amplifies that."""
    at = reference.exact_derivatives(curve.precise, curve.x, 1)
    return 4 * EPS * amplification * (abs(at[0]) + abs(curve.x * at[1]) + EPS)


@pytest.mark.parametrize("curve", CURVES, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), METHODS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_is_the_stencil_at_its_step(curve, method, accuracy, n):
    result = fc.derivative(curve.f, curve.x, n, method=method, accuracy=accuracy, full_output=True)
    far = max(abs(k) for k in reference.offsets(n, accuracy, method))
    if curve.name in ("log", "1/x") and abs(curve.x) <= far * result.step:
        pytest.skip("the stencil crosses the singularity")
    exact, amplification = reference.difference(curve.precise, curve.x, result.step, n, accuracy, method)
    # the values near x may be larger than f(x): the factor 2 per unit of far * h / abs(x)
    spread = 2 ** (far if curve.name in ("log", "1/x") else 0)
    local = max(abs(float(curve.f(np.float64(curve.x + k * result.step)))) for k in (-far, far, 0))
    allowed = spread * rounding(curve, amplification, n) + 4 * EPS * amplification * local
    assert abs(result.value - float(exact)) <= allowed


@pytest.mark.parametrize("curve", CURVES, ids=str)
def test_default_is_close_to_the_exact_derivative(curve):
    value = fc.derivative(curve.f, curve.x)
    exact = reference.exact_derivatives(curve.precise, curve.x, 6)
    # h = eps**(1/5) * size in the error law h**4 / 30 * f5, and the rounding of f over h
    h = EPS**0.2 * (abs(curve.x) or 1)
    truncation = max(abs(exact[5]), h * abs(exact[6])) * h**4 / 30
    amplified = 4 * EPS * (abs(exact[0]) + abs(curve.x * exact[1])) / h
    assert abs(value - exact[1]) <= 1.5 * truncation + amplified + 4 * EPS * abs(exact[1])


def test_default_is_adaptive_and_central_where_an_accuracy_is_given():
    value = fc.derivative(np.exp, 1.0)
    assert value == fc.derivative(np.exp, 1.0, method="adaptive")
    assert value != fc.derivative(np.exp, 1.0, method="central")
    f = Recorder(np.exp)
    assert fc.derivative(f, 1.0, accuracy=4) == fc.derivative(np.exp, 1.0, method="central", accuracy=4)
    assert f.calls == 4


@pytest.mark.parametrize("n", range(1, 11))
@pytest.mark.parametrize(("method", "accuracy"), [("central", 2), ("central", 6), ("forward", 1), ("backward", 3)])
def test_every_n_to_ten(n, method, accuracy):
    result = fc.derivative(np.exp, 0.5, n, method=method, accuracy=accuracy, full_output=True)
    exact, amplification = reference.difference(mpmath.exp, 0.5, result.step, n, accuracy, method)
    far = max(abs(k) for k in reference.offsets(n, accuracy, method))
    largest = math.exp(0.5 + far * result.step)
    assert abs(result.value - float(exact)) <= 4 * EPS * amplification * largest
    # steps grow with n, so that the truncation stays of the size of the rounding
    assert abs(float(exact) / math.exp(0.5) - 1) <= 200 * EPS ** (accuracy / (n + accuracy))


@given(
    coefficients=st.lists(st.integers(-50, 50), min_size=1, max_size=8),
    x=st.integers(-8, 8),
    n=st.integers(1, 5),
    method=st.sampled_from(["central", "forward", "backward"]),
)
def test_exact_for_polynomials_below_the_order_of_the_stencil(coefficients, x, n, method):
    degree = len(coefficients) - 1
    accuracy = max(1, degree - n + 1)
    accuracy += accuracy % 2 if method == "central" else 0
    value = fc.derivative(
        lambda t: sum(float(c) * t**k for k, c in enumerate(coefficients)),
        float(x),
        n,
        method=method,
        accuracy=accuracy,
        step=1.0,
    )
    exact = sum(c * math.perm(k, n) * x ** (k - n) for k, c in enumerate(coefficients) if k >= n)
    # all values are integers below 2**53, and so are weights times values: only the division can round
    assert value == pytest.approx(exact, rel=EPS, abs=0)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("method", "accuracy"),
    [("central", 2), ("central", 4), ("central", 6), ("forward", 1), ("forward", 2), ("forward", 3), ("backward", 4)],
)
def test_error_falls_with_the_accuracy(n, method, accuracy):
    x = np.longdouble(0.5)

    def error(h):
        value = fc.derivative(np.exp, x, n, method=method, accuracy=accuracy, step=h)
        assert value.dtype == np.longdouble
        return abs(float(value - np.exp(x)))

    h = 2.0**-3 if method == "central" else 2.0**-6
    order = math.log2(error(h) / error(h / 2))
    # the next term of the error is smaller by h (one-sided) or h**2 (central) times a constant of at most accuracy + n
    assert order == pytest.approx(accuracy, abs=0.4)


@pytest.mark.parametrize(
    ("n", "method", "accuracy", "calls"),
    [
        (1, "central", 2, 2), (1, "central", 4, 4), (2, "central", 2, 3), (2, "central", 4, 5), (3, "central", 2, 4),
        (4, "central", 2, 5), (1, "forward", 1, 2), (1, "forward", 2, 3), (2, "backward", 1, 3), (3, "forward", 2, 5),
        (10, "central", 2, 11),
    ],
)  # fmt: skip
def test_number_of_calls(n, method, accuracy, calls):
    f = Recorder(np.exp)
    result = fc.derivative(f, 1.0, n, method=method, accuracy=accuracy, full_output=True)
    assert f.calls == result.evaluations == calls


@pytest.mark.parametrize("x_shape", [(), (1,), (0,), (5,), (3, 4)])
@pytest.mark.parametrize("f_shape", [(), (1,), (2,), (2, 3)])
@pytest.mark.parametrize("n", [1, 2])
def test_shape_is_that_of_f_then_that_of_x(x_shape, f_shape, n):
    rng = np.random.default_rng(1)
    x = rng.uniform(1, 3, x_shape)
    factors = np.arange(1.0, 1 + math.prod(f_shape)).reshape(f_shape)
    value = fc.derivative(lambda t: factors * t**3, x, n)
    if x.size == 0:
        assert value.shape[-1] == 0
        return
    assert value.shape == f_shape + x_shape
    exact = np.multiply.outer(factors, 3 * x**2 if n == 1 else 6 * x)
    # cubes are exact for accuracy 4: rounding of f (27 * 6) over h (7e-4) and h**2 (3e-3)**2 alone
    np.testing.assert_allclose(value, exact, rtol=2e-12 if n == 1 else 2e-10)


def test_a_plain_function_gets_one_numpy_scalar_at_a_time():
    for x, kind in ((np.ones(3, np.float32), np.float32), ([1.0, 2.0], np.float64), (1.0 + 2.0j, np.complex128)):
        for method in ("central", "adaptive"):
            seen = []

            def f(t):
                seen.append(type(t))  # noqa: B023
                return t * t

            fc.derivative(f, x, method=method)
            assert set(seen) == {kind}


def test_a_vectorised_function_gets_one_row():
    f = Recorder(lambda t: np.stack([t, t**2, np.sin(t)]))
    x = np.linspace(0.5, 2, 6).reshape(2, 3)
    value = fc.derivative(f, x, vectorized=True)
    assert value.shape == (3, 2, 3)
    assert all(point.ndim == 1 for point in f.points)
    np.testing.assert_allclose(value, [np.ones_like(x), 2 * x, np.cos(x)], rtol=1e-11)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_vectorised_and_plain_agree_bit_for_bit(n):
    x = np.linspace(-2, 2, 41)

    def f(t):
        return t * t * (t - 3) / (1 + t * t)

    np.testing.assert_array_equal(fc.derivative(f, x, n, vectorized=True), fc.derivative(f, x, n))


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
def test_points_across_powers_of_two(method):
    # each lane has its own step and its own side of a power of 2
    x = np.array([0.5, 1 - 1e-6, 1.0, 2 - 1e-6, 3.0, 1e-3, 1e6])
    # rounding of f over a step of eps**(1/5) * abs(x), times the sum of absolute weights (below 11)
    rtol = 2 * EPS**0.8 * 11
    np.testing.assert_allclose(fc.derivative(lambda t: 3 * t, x, method=method, accuracy=4), 3, rtol=rtol, atol=0)


def test_scalar_results_are_numpy_scalars():
    assert type(fc.derivative(np.sin, 1.0)) is np.float64
    assert type(fc.derivative(np.sin, np.float32(1.0))) is np.float32
    assert type(fc.derivative(np.sin, 1)) is np.float64
    assert type(fc.derivative(lambda t: np.exp(1j * t), 1.0)) is np.complex128


def test_complex_step():
    x = np.array([0.1, 1.0, 5.0])
    value = fc.derivative(lambda t: np.exp(t) / np.sqrt(np.sin(t) ** 3 + np.cos(t) ** 3 + 2), x, method="complex")

    def precise(t):
        return mpmath.exp(t) / mpmath.sqrt(mpmath.sin(t) ** 3 + mpmath.cos(t) ** 3 + 2)

    exact = [reference.exact_derivatives(precise, v, 1)[1] for v in x]
    np.testing.assert_allclose(value, exact, rtol=16 * EPS)  # a dozen roundings
    assert value.dtype == np.float64


def test_complex_variable():
    z = 0.5 + 1.5j
    np.testing.assert_allclose(fc.derivative(np.exp, z), np.exp(z), rtol=1e-12)
    np.testing.assert_allclose(fc.derivative(np.exp, z, 2), np.exp(z), rtol=1e-8)


def test_operator_equals_function():
    d = fc.Derivative(np.sin, 2, accuracy=6)
    assert d(0.3) == fc.derivative(np.sin, 0.3, 2, accuracy=6)
    np.testing.assert_array_equal(d([0.3, 0.4]), [d(0.3), d(0.4)])
