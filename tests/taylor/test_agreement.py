"""Agreement with the peers on random dense series: 1e-13 of the majorant, the rounding of all three."""

from __future__ import annotations

import numpy as np
import pytest

import fastcalc as fc

SPACES = [(1, 10), (2, 10), (3, 6), (4, 5), (6, 3), (10, 2)]

# (function of NumPy, madng-tpsa's method, daceypy's method)
FUNCTIONS = [
    (np.exp, "exp", "exp"),
    (np.log, "log", "log"),
    (np.sqrt, "sqrt", "sqrt"),
    (np.sin, "sin", "sin"),
    (np.cos, "cos", "cos"),
    (np.tan, "tan", "tan"),
    (np.arcsin, "asin", "asin"),
    (np.arccos, "acos", "acos"),
    (np.arctan, "atan", "atan"),
    (np.sinh, "sinh", "sinh"),
    (np.cosh, "cosh", "cosh"),
    (np.tanh, "tanh", "tanh"),
    (np.arcsinh, "asinh", "asinh"),
    (np.arctanh, "atanh", "atanh"),
    (np.cbrt, None, "cbrt"),
]
BINARY = [
    ("product", lambda a, b: a * b),
    ("quotient", lambda a, b: a / b),
    ("sum of products", lambda a, b: a * a - b * b * a),
    ("reciprocal", lambda a, b: 1.0 / b),
    ("integer power", lambda a, b: a**3 * b),
]


class Madng:
    name = "madng_tpsa"

    def __init__(self, space):
        self.module = pytest.importorskip("madng_tpsa", reason="compares with madng-tpsa")
        self.space = space
        self.descriptor = self.module.Descriptor(space.n_variables, space.degree)

    def make(self, coef):
        series = self.module.Tpsa(self.descriptor)
        for alpha, c in zip(self.space.exponents.tolist(), coef, strict=True):
            series.set(alpha, float(c))
        return series

    def coef(self, series):
        return np.array([series.get(alpha) for alpha in self.space.exponents.tolist()])

    def apply(self, row, series):
        return getattr(series, row[1])() if row[1] else pytest.skip("madng-tpsa has no such function")


class Dace:
    name = "daceypy"

    def __init__(self, space):
        self.DA = pytest.importorskip("daceypy", reason="compares with daceypy").DA
        self.space = space
        self.DA.init(space.degree, space.n_variables)
        self.DA.setEps(0.0)

    def make(self, coef):
        series = self.DA(0.0)
        for alpha, c in zip(self.space.exponents.tolist(), coef, strict=True):
            series.setCoefficient(alpha, float(c))
        return series

    def coef(self, series):
        return np.array([series.getCoefficient(alpha) for alpha in self.space.exponents.tolist()])

    def apply(self, row, series):
        return getattr(series, row[2])()


def dense(space, rng):
    """Dense series with the constant term 1/2 and the norm of all others 1/4, level over the degrees."""
    coef = rng.uniform(-0.25, 0.25, space.n_terms) / np.diff(space.starts)[space.exponents.sum(axis=1)]
    coef[0] = 0.5
    return fc.TaylorPolynomial(space, coef, np.zeros(space.n_variables))


def assert_agree(found, expected, degrees):
    """Relative to the largest coefficient of each degree."""
    for k in range(degrees.max() + 1):
        chosen = degrees == k
        scale = np.abs(expected[chosen]).max()
        np.testing.assert_allclose(found[chosen], expected[chosen], rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("size", SPACES, ids=str)
@pytest.mark.parametrize("peer", [Madng, Dace], ids=lambda peer: peer.name)
@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: row[0].__name__)
def test_functions(row, peer, size):
    space = fc.TaylorSpace(*size)
    p = dense(space, np.random.default_rng(size))
    theirs = peer(space)
    expected = theirs.coef(theirs.apply(row, theirs.make(p.coef)))
    assert_agree(row[0](p).coef, expected, space.exponents.sum(axis=1))


@pytest.mark.parametrize("size", SPACES, ids=str)
@pytest.mark.parametrize("peer", [Madng, Dace], ids=lambda peer: peer.name)
@pytest.mark.parametrize("operation", [row[1] for row in BINARY], ids=[row[0] for row in BINARY])
def test_arithmetic(operation, peer, size):
    space = fc.TaylorSpace(*size)
    rng = np.random.default_rng(size)
    a, b = dense(space, rng), dense(space, rng)
    theirs = peer(space)
    expected = theirs.coef(operation(theirs.make(a.coef), theirs.make(b.coef)))
    assert_agree(operation(a, b).coef, expected, space.exponents.sum(axis=1))
