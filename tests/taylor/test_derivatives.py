"""Derivatives at the point of expansion, against closed forms."""

import math

import numpy as np
import pytest

import fastcalc as fc


def product_map(n, degree, **options):
    """exp(a . x) around 0: every derivative is a product of the a's."""
    a = np.arange(1, n + 1) / 2
    space = fc.TaylorSpace(n, degree, **options)
    x = space.variables(np.zeros(n))
    total = 0.0
    for v in range(n):
        total = total + a[v] * x[v]
    return a, np.exp(total)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 4])
def test_tensor_of_exp(n, k):
    a, p = product_map(n, 4)
    expected = np.ones(())
    for _ in range(k):
        expected = np.multiply.outer(expected, a)
    np.testing.assert_allclose(p.tensor(k), expected, rtol=8 * k * 2e-16)
    assert p.tensor(k).shape == (n,) * k


def test_tensor_is_symmetric_to_the_last_bit():
    space = fc.TaylorSpace(3, 4)
    p = fc.TaylorPolynomial(space, np.random.default_rng(1).normal(size=(space.n_terms, 2)))
    t = p.tensor(4)
    assert t.shape == (2, 3, 3, 3, 3)
    for axes in [(0, 2, 1, 3, 4), (0, 4, 3, 2, 1), (0, 1, 2, 4, 3)]:
        np.testing.assert_array_equal(t, t.transpose(axes))
    for i, j, k, m in np.ndindex(3, 3, 3, 3):
        alpha = np.bincount([i, j, k, m], minlength=3)
        np.testing.assert_array_equal(t[:, i, j, k, m], p.partial(alpha))


@pytest.mark.parametrize("weights", [(1, 2, 1), (2, 1, 3)])
def test_tensor_in_weighted_spaces(weights):
    a, p = product_map(3, 6, weights=weights)
    np.testing.assert_allclose(p.gradient(), a, rtol=4e-16)
    np.testing.assert_allclose(p.hessian(), np.multiply.outer(a, a), rtol=1e-15)


def test_tensor_with_caps():
    a, p = product_map(2, 5, max_degrees=(2, 5))
    np.testing.assert_allclose(p.hessian(), np.multiply.outer(a, a), rtol=1e-15)
    with pytest.raises(ValueError, match=r"degree 3 need all .* higher `max_degrees`"):
        p.tensor(3)


def test_shapes():
    space = fc.TaylorSpace(2, 3)
    x = space.variables([1.0, 2.0])
    rows = (x * x[0]) * np.ones((4, 1))
    assert rows.jacobian().shape == (4, 2, 2)
    assert rows.hessian().shape == (4, 2, 2, 2)
    np.testing.assert_array_equal(rows.jacobian()[3], [[2, 0], [2, 1]])
    np.testing.assert_array_equal((x * x[0]).tensor(0), [1, 2])
    assert (x * x[0])[1].gradient().tolist() == [2, 1]


def test_coefficient_is_a_copy():
    x = fc.TaylorSpace(2, 1).variables([1.0, 2.0])
    x.coefficient((0, 0))[:] = 7
    assert x.value.tolist() == [1, 2]
    assert x[0].coefficient((1, 0)) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_dtypes_stay(dtype):
    p = np.exp(fc.TaylorSpace(2, 3).variables([0.0, 0.0], dtype)[0])
    for result in (p.coefficient((1, 0)), p.partial((3, 0)), p.gradient(), p.hessian(), p.tensor(3)):
        assert result.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(p.tensor(3)[0, 0, 0], 1, rtol=4 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.longdouble])
def test_partial_does_not_overflow_before_its_result(dtype):
    k = 200  # 200! is 8e374
    coef = np.zeros(k + 1, dtype)
    coef[k] = 1e-30
    p = fc.TaylorPolynomial(fc.TaylorSpace(1, k), coef)
    with np.errstate(over="ignore"):
        assert np.isinf(p.partial(k)) == (dtype != np.longdouble)
    coef[35] = 2.0**-120
    p = fc.TaylorPolynomial(fc.TaylorSpace(1, k), coef)
    expected = np.longdouble(math.factorial(35)) * np.longdouble(2) ** -120  # 35! is above float32's range
    np.testing.assert_allclose(p.partial(35), expected, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(p.tensor(35).reshape(()), expected, rtol=4 * np.finfo(dtype).eps)


def test_partial_of_tiny_coefficients():
    p = fc.TaylorPolynomial(fc.TaylorSpace(1, 180), np.r_[np.zeros(180), 2.0**-1070])
    exact = math.factorial(180) / 2**1070
    assert abs(p.partial(180) / exact - 1) < 4e-16


def test_errors():
    x = fc.TaylorSpace(2, 1).variables([1.0, 2.0])
    with pytest.raises(ValueError, match=r"`gradient` is of one polynomial; got shape \(2,\): take p.jacobian"):
        x.gradient()
    with pytest.raises(ValueError, match=r"degree 2 need all terms of that degree; got TaylorSpace.*a higher degree"):
        x.hessian()
    with pytest.raises(ValueError, match="degree 1 need all"):
        fc.TaylorPolynomial(fc.TaylorSpace(2, 0), [1.0]).gradient()
    with pytest.raises(ValueError, match="`k` must be at least 0"):
        x.tensor(-1)
    with pytest.raises(ValueError, match="`alpha` must be a term"):
        x.partial((1, 1))
    with pytest.raises(TypeError, match="`alpha` must hold integers"):
        x.coefficient((1.0, 0.0))
