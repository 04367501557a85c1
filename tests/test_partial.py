"""partial: mixed partial derivatives of any multi-index."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests import reference
from tests.cases import EPS
from tests.reference import Recorder

A = np.array([1.0, -2.0, 0.5])
X = np.array([0.5, 0.25, -1.0])


def f(x):
    return np.exp(A[0] * x[0] + A[1] * x[1] + A[2] * x[2])


@pytest.mark.parametrize("alpha", [a for a in itertools.product(range(4), repeat=3) if 1 <= sum(a) <= 5])
@pytest.mark.parametrize(("method", "accuracy"), [("central", 2), ("central", 4), ("forward", 2), ("backward", 1)])
def test_closed_form(alpha, method, accuracy):
    result = fc.partial(f, X, alpha, method=method, accuracy=accuracy, full_output=True)
    # in exact arithmetic the product of stencils on an exponential is a product of one-dimensional ones
    twin, amplification, far = f(X), 1.0, 0.0
    result_steps = np.broadcast_to(result.step, 1)[0]
    assert result_steps > 0
    total = sum(alpha)
    size = np.abs(X)
    h = EPS ** (1 / (total + accuracy)) * size
    for a, power, step in zip(A, alpha, h, strict=True):
        if power:
            at = reference.offsets(power, accuracy, method)
            w = [float(v) for v in reference.weights(tuple(at), power)]
            twin *= sum(v * np.exp(a * k * step) for v, k in zip(w, at, strict=True)) / step**power
            amplification *= sum(map(abs, w)) / step**power
            far += abs(a) * max(map(abs, at)) * step
    rounding = 8 * EPS * amplification * f(X) * np.exp(far)
    # the true steps are rounded to floats: 1e-9 of the truncation, far below the rounding of f
    assert abs(result.value - twin) <= rounding + 1e-6 * abs(twin - f(X) * np.prod(A**alpha))
    exact = f(X) * np.prod(A ** np.array(alpha))
    assert abs(twin - exact) <= 0.2 * accuracy * 5**total * f(X) * (far + EPS) ** min(accuracy, 2) + rounding


@pytest.mark.parametrize("alpha", [(1, 0, 0), (0, 2, 0), (0, 0, 3)])
def test_of_one_variable_is_the_derivative_along_it(alpha):
    axis, n = next((i, a) for i, a in enumerate(alpha) if a)

    def along(t):
        x = X.copy()
        x[axis] = t
        return f(x)

    for accuracy in (2, 4):
        value = fc.partial(f, X, alpha, accuracy=accuracy)
        np.testing.assert_array_equal(value, fc.derivative(along, X[axis], n, accuracy=accuracy, method="central"))


def test_of_nothing_is_the_value():
    counted = Recorder(f)
    assert fc.partial(counted, X, (0, 0, 0)) == f(X)
    assert counted.calls == 1


@pytest.mark.parametrize(
    ("alpha", "accuracy", "method", "calls"),
    [
        ((1, 1, 0), 2, "central", 4),
        ((1, 0, 0), 2, "central", 2),
        ((2, 0, 0), 2, "central", 3),
        ((2, 2, 0), 2, "central", 9),
        ((1, 1, 1), 2, "central", 8),
        ((1, 2, 0), 2, "central", 6),
        ((1, 1, 0), 4, "central", 16),
        ((1, 1, 0), 1, "forward", 4),
    ],
)
def test_number_of_calls(alpha, accuracy, method, calls):
    counted = Recorder(f)
    result = fc.partial(counted, X, alpha, accuracy=accuracy, method=method, full_output=True)
    assert counted.calls == result.evaluations == calls
    assert len({tuple(p) for p in counted.points}) == calls


@given(
    powers=st.lists(st.integers(0, 3), min_size=2, max_size=2),
    alpha=st.lists(st.integers(0, 3), min_size=2, max_size=2).filter(any),
    x=st.lists(st.integers(-4, 4), min_size=2, max_size=2),
    method=st.sampled_from(["central", "forward"]),
)
def test_exact_for_monomials(powers, alpha, x, method):
    exact = 1.0
    for p, a, t in zip(powers, alpha, x, strict=True):
        factor = 1
        for k in range(a):
            factor *= p - k
        exact *= factor * float(t) ** (p - a) if p >= a else 0
    # accuracy 4 reaches degree a + 3; integers throughout, only divisions round
    value = fc.partial(
        lambda x: x[0] ** powers[0] * x[1] ** powers[1], np.array(x, float), alpha, method=method, accuracy=4, step=1.0
    )
    assert value == pytest.approx(exact, rel=8 * EPS, abs=1e-9)


def test_error_falls_with_the_accuracy():
    x = X.astype(np.longdouble)

    def error(h, accuracy, method):
        value = fc.partial(lambda x: np.exp(x[0] - x[1] + x[2]), x, (1, 2, 0), accuracy=accuracy, method=method, step=h)
        return abs(float(value - np.exp(x[0] - x[1] + x[2])))

    for accuracy, method, h in (
        (2, "central", 2.0**-5),
        (4, "central", 2.0**-4),
        (1, "forward", 2.0**-9),
        (2, "backward", 2.0**-7),
    ):
        order = np.log2(error(h, accuracy, method) / error(h / 2, accuracy, method))
        assert order == pytest.approx(accuracy, abs=0.15)


def test_shapes():
    value = fc.partial(lambda x: np.array([[x[0] * x[1], x[0] ** 2]]), np.array([1.0, 2.0]), (1, 1))
    assert value.shape == (1, 2)
    np.testing.assert_allclose(value, [[1, 0]], atol=1e-6)
    batch = fc.partial(lambda x: x[0] ** 2 * x[1], np.ones((2, 3, 4)), (2, 1), vectorized=True)
    assert batch.shape == (3, 4)
    np.testing.assert_allclose(batch, 2, rtol=1e-5)
    assert fc.partial(np.sin, 0.5, 3) == pytest.approx(-np.cos(0.5), rel=1e-4)
    # the multi-index of a matrix has its shape
    x = np.arange(1.0, 5).reshape(2, 2)
    value = fc.partial(lambda x: x[0, 0] * x[1, 1] ** 2, x, [[1, 0], [0, 1]])
    assert value == pytest.approx(2 * x[1, 1], rel=1e-6)


def test_symmetry_of_second_derivatives_with_the_hessian():
    hessian = fc.hessian(f, X, accuracy=4)
    for i in range(3):
        for j in range(3):
            alpha = [0, 0, 0]
            alpha[i] += 1
            alpha[j] += 1
            # accuracy 4: eps**(2/3) times derivatives over sizes down to 0.25
            assert fc.partial(f, X, alpha, accuracy=4) == pytest.approx(hessian[i, j], abs=1e-7)


@pytest.mark.parametrize("accuracy", [4, 6])
def test_error_covers_the_truth(accuracy):
    for alpha in itertools.product(range(3), repeat=3):
        if any(alpha):
            result = fc.partial(f, X, alpha, accuracy=accuracy, full_output=True)
            assert abs(result.value - f(X) * np.prod(A ** np.array(alpha))) <= result.error


@pytest.mark.parametrize(
    ("alpha", "error", "message"),
    [
        ((1, 1), ValueError, r"`alpha` must have one entry per variable, shape \(3,\); got shape \(2,\)"),
        ((1, -1, 0), ValueError, r"`alpha` must not be negative; got \(1, -1, 0\)"),
        ((1.0, 0, 0), TypeError, r"`alpha` must hold integers; got \(1.0, 0, 0\): give one order per variable"),
        ("abc", TypeError, r"`alpha` must hold integers; got 'abc'"),
    ],
)
def test_errors(alpha, error, message):
    def never(x):
        raise AssertionError

    with pytest.raises(error, match=message):
        fc.partial(never, X, alpha)
