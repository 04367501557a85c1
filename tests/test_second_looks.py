"""Results that drown in rounding at tiny x are taken again with size 1; what must come of that, and what must not."""

import numpy as np
import pytest

import fastcalc as fc


@pytest.mark.parametrize("x", [1e-2, 1e-3, 1e-4, 1.1e-5, 9e-6, 1e-30, 1e-160, 1e-305])
def test_second_derivatives_near_zero(x):
    # the rounding of cos over h**2: at worst two digits are left before a second look is taken
    assert abs(fc.derivative(np.cos, x, 2, accuracy=2) + np.cos(x)) < 1e-2
    assert abs(fc.hessian(lambda v: np.cos(v[0]) + v[1] ** 2, [x, 2.0])[0, 0] + np.cos(x)) < 1e-2
    assert abs(fc.laplacian(lambda v: np.cos(v[0]), [x]) + np.cos(x)) < 1e-2


@pytest.mark.parametrize(("x", "n"), [(1e-305, 1), (1e-160, 2), (1e-100, 4), (np.float32(1e-20), 2)])
def test_bounds_that_overflow_do_not_prevent_a_second_look(x, n):
    # float32: eps**(1/3) of its accuracy is left at n = 2
    assert abs(fc.derivative(np.exp, x, n) - 1) < 1e-3


def test_a_second_result_outside_the_first_bound_is_refused():
    def f(x):
        return 1 + 1e-9 * np.exp(-x / 1e-6)  # at size 1 this is 1e51 and more

    result = fc.derivative(f, 1e-6, 2, accuracy=4, full_output=True)
    exact = 1e3 * np.exp(-1)
    assert abs(result.value - exact) <= result.error
    assert abs(fc.gradient(lambda z: 1 + 1e-12 * np.exp(-z[0] / 1e-8), [1e-8])[0]) < 1


def test_points_of_a_batch_keep_their_own_directions():
    def g(z):
        return np.cos(z[0]) * np.exp(z[1])

    x = np.array([[1.0, 1e-9, 1e-8], [1.0, 0.5, 0.25]])
    v = np.array([[3.0, 1.0, 2.0], [1.0, 0.0, 1.0]])
    together = fc.jvp(g, x, v, vectorized=True)
    products = fc.hvp(g, x, v, vectorized=True)
    for k in range(3):
        assert together[k] == fc.jvp(g, x[:, k], v[:, k])
        np.testing.assert_array_equal(products[:, k], fc.hvp(g, x[:, k], v[:, k]))


def test_steps_and_statuses_are_those_of_the_result_that_was_kept():
    result = fc.gradient(lambda z: np.exp(z[0]), [1e-8], bounds=(0, 1), accuracy=4, full_output=True)
    assert result.status == [fc.Status.AT_BOUND]
    assert result.step[0] > 1e-6
    # the first output is steep on the scale of x, the second is flat: only that is taken again
    result = fc.jacobian(lambda z: np.array([np.log(z[0]), 1 + z[0]]), [1e-9], full_output=True)
    np.testing.assert_allclose(result.value[:, 0], [1e9, 1], rtol=1e-8)
    assert result.step[0, 0] < 1e-13
    assert result.step[1, 0] > 1e-6


@pytest.mark.parametrize("room", [1e-12, 1e-10, 1e-8])
def test_linear_functions_stay_exact_near_bounds_and_powers_of_two(room):
    x = np.nextafter(1.0, 0)
    assert abs(fc.gradient(lambda z: z[0], [x], bounds=(x, x + room))[0] - 1) <= 4 * np.finfo(float).eps
    assert abs(fc.gradient(lambda z: z[0], [x], bounds=(x - room, x + room))[0] - 1) <= 4 * np.finfo(float).eps


@pytest.mark.parametrize(("x", "dtype"), [(1e-300, np.float64), (1e-303, np.float64), (1e-23, np.float32)])
def test_complex_steps_do_not_underflow(x, dtype):
    slope = fc.derivative(lambda z: dtype(0.3) * np.sin(z), dtype(x), method="complex")
    assert abs(slope / dtype(0.3) - 1) <= 4 * np.finfo(dtype).eps
