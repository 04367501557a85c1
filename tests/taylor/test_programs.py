"""Ordinary NumPy programs run unchanged on Taylor polynomials, and their derivatives are right."""

from __future__ import annotations

import importlib.util

import mpmath
import numpy as np
import pytest

import fastcalc as fc
from tests.taylor.programs import MODELS
from tests.taylor.programs_arrays import ARRAYS

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
PROGRAMS = [program for program in MODELS + ARRAYS if HAS_SCIPY or "scipy" not in program.name]
STEP = mpmath.mpf(10) ** -25


def outputs(values):
    return list(values) if isinstance(values, (list, tuple)) else [values]


def precise_derivatives(f, x0):
    """Values (m,), gradients (m, n) and Hessians (m, n, n) by central differences in 100 digits: errors near 1e-50."""
    n = len(x0)
    with mpmath.workdps(100):
        base = [mpmath.mpf(float(x)) for x in x0]

        def at(*steps):
            moved = list(base)
            for i, sign in steps:
                moved[i] += sign * STEP
            return outputs(f(moved))

        center = at()
        plus, minus = [at((i, 1)) for i in range(n)], [at((i, -1)) for i in range(n)]
        m = len(center)
        gradient, hessian = np.empty((m, n)), np.empty((m, n, n))
        for i in range(n):
            for k in range(m):
                gradient[k, i] = (plus[i][k] - minus[i][k]) / (2 * STEP)
                hessian[k, i, i] = (plus[i][k] - 2 * center[k] + minus[i][k]) / STEP**2
            for j in range(i):
                both, neither = at((i, 1), (j, 1)), at((i, -1), (j, -1))
                for k in range(m):
                    sides = plus[i][k] + minus[i][k] + plus[j][k] + minus[j][k]
                    mixed = (both[k] + neither[k] - sides + 2 * center[k]) / (2 * STEP**2)
                    hessian[k, i, j] = hessian[k, j, i] = mixed
        return np.array([float(c) for c in center]), gradient, hessian


def stacked(p):
    """NumPy makes object arrays of lists of polynomials: one polynomial of the same shape."""
    return np.stack(p.ravel().tolist()).reshape(p.shape) if isinstance(p, np.ndarray) else p


def assert_near(found, expected):
    """1e-12 of the largest entry: each is a sum of terms of that size."""
    scale = np.abs(expected).max() if expected.size else 0.0
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * max(scale, 1e-300))


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_values_gradients_and_hessians(program):
    x0 = np.array(program.x0, dtype=float)
    n = len(x0)
    value, gradient, hessian = precise_derivatives(program.reference, x0)
    assert_near(np.ravel(program.f(x0)), value)  # it is an ordinary NumPy program

    x = fc.TaylorSpace(n, 2).variables(x0)
    p = stacked(program.f(x))
    assert isinstance(p, fc.TaylorPolynomial)
    assert p.shape == np.shape(program.f(x0))
    assert_near(p.coef[0].ravel(), value)
    assert_near(p.jacobian().reshape(-1, n), gradient)
    assert_near(p.hessian().reshape(-1, n, n), hessian)
    np.testing.assert_array_equal(x.coef[0], x0)  # the program did not write into its argument


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_degree_four_along_a_line(program):
    """f(x0 + t v) to degree 4, against the same in many digits."""
    x0 = np.array(program.x0, dtype=float)
    direction = np.cos(np.arange(1.0, len(x0) + 1)) / 4
    t = fc.TaylorSpace(1, 4).variables(np.zeros(1))[0]
    p = stacked(program.f(x0 + t * direction))
    with mpmath.workdps(60):

        def along(k):
            def f(s):
                moved = [mpmath.mpf(float(x)) + s * mpmath.mpf(float(d)) for x, d in zip(x0, direction, strict=True)]
                return outputs(program.reference(moved))[k]

            return f

        size = max(p.size, 1)
        expected = np.array([[float(c) for c in mpmath.taylor(along(k), 0, 4)] for k in range(size)]).T
    for degree in range(5):
        assert_near(p.coef[degree].ravel(), expected[degree])


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_expansions(program):
    """fc.taylor runs the program and gives the same polynomials."""
    x0 = np.array(program.x0, dtype=float)
    p = fc.taylor(program.f, x0, 2)
    again = stacked(program.f(fc.TaylorSpace(len(x0), 2).variables(x0)))
    assert p.shape == again.shape
    np.testing.assert_array_equal(p.coef, again.coef)


def test_elements_of_object_arrays():
    """NumPy calls the methods named like its ufuncs on the elements of object arrays."""
    x = fc.TaylorSpace(3, 3).variables(np.array([0.3, 0.5, 0.8]))
    cells = np.empty(3, dtype=object)
    for i in range(3):
        cells[i] = x[i]
    for ufunc in (np.exp, np.sin, np.sqrt, np.log, np.arctan, np.tanh, np.log1p, np.square, np.absolute):
        found = ufunc(cells)
        assert found.dtype == object
        for i in range(3):
            np.testing.assert_array_equal(found[i].coef, ufunc(x[i]).coef)
    np.testing.assert_array_equal((cells @ cells).coef, (x @ x).coef)


def test_there_are_thirty():
    assert len(MODELS + ARRAYS) >= 30
