"""Gamma functions of complex numbers, left and right of the imaginary axis, near poles and far out."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import fastcalc as fc

special = pytest.importorskip("scipy.special")
DEGREE = 5
POINTS = (0.2 + 1j, 0.49 - 0.3j, -3.2 + 0.1j, -3 + 1e-3j, -200 + 1j, -20000 + 3j, -1e5 + 0.5j, 2e4j, -5e4 - 200j)


@pytest.mark.parametrize("x", POINTS)
def test_derivatives_of_the_digamma_function(x):
    with mpmath.workdps(60):
        expected = [complex(mpmath.polygamma(k, x) / mpmath.factorial(k)) for k in range(DEGREE + 1)]
    t = fc.TaylorSpace(1, DEGREE).variables([x])[0]
    np.testing.assert_allclose(special.psi(t).coef[1:], expected[1:], rtol=2e-12)
    slopes = np.array(expected[:-1]) / np.arange(1, DEGREE + 1)
    np.testing.assert_allclose(special.loggamma(t).coef[1:], slopes, rtol=2e-12)


def test_a_number_that_is_none_is_nobody_elses_business():
    space = fc.TaylorSpace(1, 3)
    coef = np.zeros((4, 3), complex)
    coef[0], coef[1] = [np.nan, 2 + 1j, -0.5 + 1j], 1
    found = special.psi(fc.TaylorPolynomial(space, coef)).coef
    assert np.isnan(found[:, 0]).all()
    alone = special.psi(fc.TaylorPolynomial(space, coef[:, 1:])).coef
    np.testing.assert_array_equal(found[:, 1:], alone)
