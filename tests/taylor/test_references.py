"""The references against other sources: mpmath's numerical derivatives, SymPy's expansions, fractions."""

from __future__ import annotations

import itertools
from fractions import Fraction
from types import SimpleNamespace

import flint
import mpmath
import numpy as np
import pytest
import sympy

from tests.taylor import pairs, references
from tests.taylor.functions import FUNCTIONS

MPMATH = {
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "log1p": lambda x: mpmath.log(1 + x),
    "log2": lambda x: mpmath.log(x, 2),
    "cbrt": mpmath.cbrt,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "deg2rad": mpmath.radians,
    "rad2deg": mpmath.degrees,
    "absolute": lambda x: x,
    "fabs": lambda x: x,
    "gammaln": mpmath.loggamma,
    "expit": lambda x: 1 / (1 + mpmath.exp(-x)),
    "logit": lambda x: mpmath.log(x / (1 - x)),
    "log_ndtr": lambda x: mpmath.log(mpmath.ncdf(x)),
}


def mpmath_function(name):
    name_there = name.replace("arc", "a")
    return MPMATH.get(name) or getattr(mpmath, name_there)


def full(n_variables, degree):
    """A stand-in for a space: all multi-indices up to a degree."""
    every = itertools.product(range(degree + 1), repeat=n_variables)
    chosen = sorted((alpha for alpha in every if sum(alpha) <= degree), key=lambda a: (sum(a), tuple(-e for e in a)))
    return SimpleNamespace(exponents=np.array(chosen), n_terms=len(chosen))


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_series_agree_with_mpmath(function):
    at = 1.375 if function.name == "arccosh" else 0.40625
    found = references.series(function.series, np.float64(at), 6)
    with mpmath.workdps(60):
        expected = mpmath.taylor(mpmath_function(function.name), mpmath.mpf(at), 6)
        for k, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            ours = mpmath.mpf(ours.mid().str(50, radius=False))
            assert abs(ours - theirs) <= mpmath.mpf(10) ** -30 * (abs(theirs) + 1e-3), (k, ours, theirs)


COMPLEX = [f for f in FUNCTIONS if not f.scipy and f.name != "absolute" and f.supports(np.complex128)]


@pytest.mark.parametrize("function", COMPLEX, ids=str)
@pytest.mark.parametrize("at", [0.25 + 0.5j, -0.5 - 0.75j])
def test_complex_series_agree_with_numpy(function, at):
    found = references.series(function.series, np.complex128(at), 0)
    assert abs(complex(found[0]) - function.ufunc(at)) <= 1e-14


@pytest.mark.parametrize("exponents", [full(2, 4), full(3, 3)], ids=["2 variables", "3 variables"])
def test_products_and_compositions_agree_with_sympy(exponents):
    rng = np.random.default_rng(5)
    space = exponents
    n = space.exponents.shape[1]
    degree = int(space.exponents.sum(axis=1).max())
    symbols = sympy.symbols(f"x:{n}")
    a, b = rng.integers(-9, 10, (2, space.n_terms)).astype(float)

    def polynomial(coef):
        return sum(
            sympy.Integer(int(c)) * sympy.prod(s**e for s, e in zip(symbols, alpha, strict=True))
            for c, alpha in zip(coef, space.exponents.tolist(), strict=True)
        )

    def truncated(expression):
        known = sympy.Poly(expression, *symbols).as_dict()
        return [known.get(tuple(alpha), 0) for alpha in space.exponents.tolist()]

    found = references.product(space, references.exact(a), references.exact(b))
    assert [int(float(c)) for c in found] == truncated(polynomial(a) * polynomial(b))
    inner = a - a * (np.arange(len(a)) == 0)
    weights = [3, -1, 4, 1, -5][: degree + 1]
    found = references.compose(space, [flint.arb(w) for w in weights], references.exact(inner))
    expected = truncated(sum(w * polynomial(inner) ** k for k, w in enumerate(weights)))
    assert [int(float(c)) for c in found] == expected
    bound = references.absolute_compose(space, np.abs(weights), np.abs(inner))
    assert (bound >= np.abs(np.array(expected, dtype=float))).all()


@pytest.mark.parametrize(
    ("reference", "there"),
    [
        (pairs.divide, lambda x, y: x / y),
        (pairs.power, lambda x, y: x**y),
        (pairs.hypot, mpmath.hypot),
        (pairs.arctan2, mpmath.atan2),
        (pairs.xlogy, lambda x, y: x * mpmath.log(y)),
        (pairs.logaddexp, lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y))),
        (pairs.logaddexp2, lambda x, y: mpmath.log(2**x + 2**y, 2)),
    ],
    ids=lambda f: f.__name__,
)
def test_pairs_agree_with_mpmath(reference, there):
    space = full(1, 5)
    a, b = np.array([0.75, 0.5, -1.0, 0.25, 0.0, 2.0]), np.array([0.25, -1.0, 0.5, 0.0, 1.0, -0.5])
    found = reference(*(pairs.Pair.of(space, c) for c in (a, b)))
    with mpmath.workdps(60):
        expected = mpmath.taylor(lambda t: there(*(mpmath.polyval(c[::-1].tolist(), t) for c in (a, b))), 0, 5)
        for k, theirs in enumerate(expected):
            assert abs(mpmath.mpf(found.coef[k].mid().str(50, radius=False)) - theirs) <= 1e-30
            assert found.majorant[k] >= abs(theirs) * (1 - 1e-14)


def test_balls_are_exact():
    @references.precise
    def difference(value):
        ratio = Fraction(*value.as_integer_ratio())
        return references.ball(value) - flint.arb(flint.fmpz(ratio.numerator)) / flint.arb(
            flint.fmpz(ratio.denominator)
        )

    for value in (np.float64(0.1), np.float32(0.1), np.longdouble(1) / 3, np.longdouble(-1e-300) / 7):
        assert difference(value) == 0


def test_envelopes_fill_gaps():
    sine = references.series(lambda x: x.sin(), np.float64(0), 5)
    bound = references.envelope(sine)
    np.testing.assert_allclose(bound[[1, 3, 5]], [1, 1 / 6, 1 / 120])
    np.testing.assert_allclose(bound[[2, 4]], [6**-0.5, (6 * 120) ** -0.5])


def test_wrong_coefficients_are_found():
    space = full(2, 3)
    coef = np.ones(space.n_terms)
    bound = references.tolerance(space, np.float64, coef, 1)
    references.assert_close(space, coef * (1 + 2**-52), references.exact(coef), bound)
    coef[4] += 1e-14
    with pytest.raises(AssertionError, match=r"coefficient \(1, 1\) is .* beyond it"):
        references.assert_close(space, coef, references.exact(np.ones(space.n_terms)), bound)
    coef[4] = np.nan
    with pytest.raises(AssertionError, match="inf times the bound"):
        references.assert_close(space, coef, references.exact(np.ones(space.n_terms)), bound)
