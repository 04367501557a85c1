"""Arguments of f given at the call of an operator, by place and by name, and bounds with open sides."""

import numpy as np
import pytest

import fastcalc as fc

X = np.array([1.0, 2.0])


def scaled(x, a=1.0, *, power=2):
    return a * (x**power).sum()


def test_arguments_by_name_at_the_call():
    gradient = fc.Gradient(scaled)
    # exact to the rounding of values up to 40 over steps of 6e-6
    np.testing.assert_allclose(gradient(X, a=3.0, power=3), 9 * X**2, rtol=0, atol=1e-8)
    np.testing.assert_allclose(gradient(X), 2 * X, rtol=0, atol=1e-8)  # the next call knows nothing of them
    np.testing.assert_allclose(gradient(X, 5.0, power=1), [5, 5], rtol=0, atol=1e-8)


def test_arguments_by_name_stored_and_at_the_call():
    gradient = fc.Gradient(scaled, kwargs={"power": 3})
    with pytest.raises(
        TypeError, match=r"stored in `kwargs` already; got a, power at the call: give all of them at one"
    ):
        gradient(X, a=2.0, power=1)
    np.testing.assert_allclose(gradient(X), 3 * X**2, rtol=0, atol=1e-8)


def test_arguments_by_name_reach_least_squares():
    optimize = pytest.importorskip("scipy.optimize", reason="needs SciPy")

    def residuals(x, *, goal=0.0):
        return x - goal

    found = optimize.least_squares(residuals, X, jac=fc.Jacobian(residuals), kwargs={"goal": 4.0})
    np.testing.assert_allclose(found.x, [4, 4], rtol=1e-8)


@pytest.mark.parametrize("bounds", [(1.0, None), ([1.0, None], None), ([1.0, -np.inf], [None, None])])
def test_none_is_no_bound(bounds):
    seen = []

    def f(x):
        seen.append(x.copy())
        return (x**2).sum()

    result = fc.gradient(f, X, bounds=bounds, full_output=True)
    np.testing.assert_allclose(result.value, 2 * X, rtol=0, atol=1e-8)
    assert np.min(seen, axis=0)[0] == 1
    assert list(result.status) == [fc.Status.AT_BOUND, fc.Status.FIXED_STEP]
