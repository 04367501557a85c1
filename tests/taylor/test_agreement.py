"""Agreement with the peers on random dense series to 1e-13, and with SymPy's symbolic derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

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
    name, at = "madng_tpsa", 1  # of the table

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
        return getattr(series, row[self.at])()


class Dace:
    name, at = "daceypy", 2

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
        return getattr(series, row[self.at])()


PEERS = [Madng, Dace]


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
@pytest.mark.parametrize(
    ("row", "peer"),
    [
        pytest.param(row, peer, id=f"{row[0].__name__}-{peer.name}")
        for row in FUNCTIONS
        for peer in PEERS
        if row[peer.at]
    ],
)
def test_functions(row, peer, size):
    space = fc.TaylorSpace(*size)
    p = dense(space, np.random.default_rng(size))
    theirs = peer(space)
    expected = theirs.coef(theirs.apply(row, theirs.make(p.coef)))
    assert_agree(row[0](p).coef, expected, space.exponents.sum(axis=1))


@pytest.mark.parametrize("size", SPACES, ids=str)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("operation", [row[1] for row in BINARY], ids=[row[0] for row in BINARY])
def test_arithmetic(operation, peer, size):
    space = fc.TaylorSpace(*size)
    rng = np.random.default_rng(size)
    a, b = dense(space, rng), dense(space, rng)
    theirs = peer(space)
    expected = theirs.coef(operation(theirs.make(a.coef), theirs.make(b.coef)))
    assert_agree(operation(a, b).coef, expected, space.exponents.sum(axis=1))


EXPRESSIONS = [
    lambda m, x, y, z: m.exp(x * y) * m.sin(z + x) / (1 + y**2),
    lambda m, x, y, z: m.log(2 + x * z + y / 2) + m.exp(0.75 * x - 0.25 * y) * m.sin(y + 1.25 * z + 0.5),
    lambda m, x, y, z: m.sqrt(1 + x**2 + y**2 + z**2) ** 3 / (2 - m.cos(x * y * z)),
    lambda m, x, y, z: (1.5 + m.tanh(x - y)) ** (z + 0.5) + m.sinh(x * y) * m.cosh(z),
]


@pytest.mark.parametrize("f", EXPRESSIONS)
def test_partial_derivatives_agree_with_sympy(f):
    """All derivatives to degree 3, from SymPy's symbolic ones in 30 digits."""
    x0 = (0.25, -0.5, 0.75)
    p = f(np, *fc.TaylorSpace(3, 3).variables(x0))
    symbols = sympy.symbols("x y z")
    expression = f(sympy, *symbols)
    at = dict(zip(symbols, map(sympy.Rational, x0), strict=True))
    expected = []
    for alpha in p.space.exponents.tolist():
        derivative = expression
        for symbol, times in zip(symbols, alpha, strict=True):
            derivative = sympy.diff(derivative, symbol, times)
        expected.append(float(derivative.evalf(30, subs=at)))
    found = [p.partial(alpha) for alpha in p.space.exponents]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 * np.abs(expected).max())
