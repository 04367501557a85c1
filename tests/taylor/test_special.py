"""Functions of scipy.special on Taylor polynomials, against mpmath, in the tails too."""

from __future__ import annotations

import subprocess
import sys

import mpmath
import numpy as np
import pytest

import fastcalc as fc

special = pytest.importorskip("scipy.special")

mp = mpmath.mp
EPS = np.finfo(float).eps
DEGREE = 6


def log_ndtr(x):
    return mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def log_abs_gamma(x):
    return mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x)))


class Bessel:
    """Solutions of x**2 y'' + x y' + (s x**2 - n**2) y = 0, whose recurrence is exact enough in many digits."""

    def __init__(self, f, n, s, neighbour):
        self.f, self.n, self.s, self.neighbour = f, n, s, neighbour

    def taylor(self, x, degree):
        n, s, other = self.n, self.s, self.f(1 - self.n, x)
        c = [self.f(n, x)]
        c.append(self.neighbour * other - (c[0] / x if n else 0))
        for k in range(degree - 1):
            rest = (k + 1) * (2 * k + 1) * x * c[k + 1] + (k * k + s * x * x - n * n) * c[k]
            rest += 2 * s * x * c[k - 1] if k > 0 else 0
            rest += s * c[k - 2] if k > 1 else 0
            c.append(-rest / (x * x * (k + 1) * (k + 2)))
        return c


# name, reference, points, and how many eps times the conditioning the error may be
CASES = [
    ("erf", mp.erf, (0.0, 1e-8, 0.5, 3.0, -5.0), 4),
    ("erfc", mp.erfc, (0.0, 2.0, 8.0, 20.0, -5.0), 4),
    ("erfcx", lambda x: mp.exp(x * x) * mp.erfc(x), (-3.0, 0.0, 0.2, 0.3, 1.0, 25.0, 1e3), 4),
    ("ndtr", mp.ncdf, (-30.0, -3.0, 0.0, 4.0), 4),
    ("log_ndtr", log_ndtr, (-1000.0, -30.0, -5.0, -2.0, 0.0, 0.5, 2.5, 10.0, 30.0), 8),
    ("log_ndtr", log_ndtr, (-1.3, -1.1), 60),  # the worst place between two formulas
    ("ndtri", lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), (1e-10, 0.01, 0.3, 0.7, 0.999), 8),
    ("erfinv", mp.erfinv, (0.0, 0.1, -0.7, 0.99, 1 - 2.0**-30), 16),
    ("erfcinv", lambda x: mp.erfinv(1 - x), (1e-12, 0.3, 1.6), 16),
    ("gamma", mp.gamma, (1e-8, 0.5, 1.46, 8.0, 100.5, -0.5, -2.5, -20.3), 8),
    ("gammaln", log_abs_gamma, (1e-8, 0.5, 1.46, 8.0, 1e3, 1e8, -0.5), 8),
    ("loggamma", mp.loggamma, (0.5, 8.0), 4),
    ("digamma", mp.digamma, (1e-8, 0.5, 1.46, 8.0, 1e3, 1e8, -0.5, -2.3), 4),
    ("j0", lambda x: mp.besselj(0, x), (0.0, 1e-8, 1e-3, 1.0, 2.4048, -10.0, 100.0, 1e4), 4),
    ("j1", lambda x: mp.besselj(1, x), (0.0, 1e-8, 1e-3, 1.0, 3.8317, -10.0, 100.0, 1e4), 4),
    ("y0", Bessel(mp.bessely, 0, 1, -1), (1e-3, 1.0, 10.0), 8),
    ("y1", Bessel(mp.bessely, 1, 1, 1), (1e-3, 1.0, 10.0), 8),
    ("i0", lambda x: mp.besseli(0, x), (0.0, 1e-3, 1.0, -10.0), 4),
    ("i1", lambda x: mp.besseli(1, x), (0.0, 1e-3, 1.0, -10.0), 4),
    ("k0", Bessel(mp.besselk, 0, -1, -1), (1e-3, 1.0, 10.0), 8),
    ("k1", Bessel(mp.besselk, 1, -1, -1), (1e-3, 1.0, 10.0), 8),
    ("expit", lambda x: 1 / (1 + mp.exp(-x)), (-700.0, -30.0, -1.0, 0.0, 1.0, 30.0), 4),
    ("log_expit", lambda x: -mp.log(1 + mp.exp(-x)), (-700.0, -30.0, -1.0, 0.0, 1.0, 30.0), 4),
    ("logit", lambda x: mp.log(x / (1 - x)), (1e-8, 0.3, 0.5, 0.9, 1 - 1e-10), 8),
    ("entr", lambda x: -x * mp.log(x), (1e-5, 0.36787, 1.0, 5.0), 4),
    ("expi", mp.ei, (-3.0, 1e-3, 0.37, 5.0), 8),
    ("exp1", mp.e1, (1e-3, 0.37, 5.0, 25.0), 8),
    ("exp10", lambda x: mp.mpf(10) ** x, (-3.0, 0.1, 2.0), 8),
    ("exp2", lambda x: mp.mpf(2) ** x, (-3.0, 0.1, 2.0), 8),
    ("expm1", mp.expm1, (1e-12, 0.1, -700.0), 8),
    ("log1p", mp.log1p, (1e-12, 0.1, 1e8), 8),
    ("cbrt", mp.cbrt, (0.1, 8.0), 8),
    ("cosm1", lambda x: mp.cos(x) - 1, (0.0, 1e-8, 0.1, 2.0), 4),
]
POINTS = [(name, f, x, bound) for name, f, points, bound in CASES for x in points]


def reference(f, x, degree):
    """Taylor coefficients by differences in many digits, more where f is 1e-300 off an asymptote."""
    with mp.workdps(360 if x in {30.0, -700.0} else 50):
        return f.taylor(mp.mpf(x), degree) if isinstance(f, Bessel) else mp.taylor(f, mp.mpf(x), degree, chop=False)


@pytest.mark.parametrize(("name", "f", "x", "bound"), POINTS, ids=[f"{row[0]}({row[2]})" for row in POINTS])
def test_every_coefficient_to_its_conditioning(name, f, x, bound):
    """|error| <= bound eps (|c_k| + |x c_k'|): what rounding x alone would do. The reference has no exact zeros."""
    p = fc.TaylorSpace(1, DEGREE).variables([x])[0]
    got = getattr(special, name)(p).coef
    exact = reference(f, x, DEGREE + 1)
    for k in range(DEGREE + 1):
        allowed = bound * EPS * (abs(exact[k]) + abs(x) * (k + 1) * abs(exact[k + 1])) + mp.mpf(10) ** (
            -300 if x else -45
        )
        assert abs(mp.mpf(float(got[k])) - exact[k]) <= allowed, f"coefficient {k}"


@pytest.mark.parametrize("name", sorted({case[0] for case in CASES}))
def test_batches_and_several_variables(name):
    """A polynomial in the function: the univariate series, put together by plain products."""
    x = next(point for row in CASES if row[0] == name for point in row[2][::-1] if 0.05 < abs(point) < 20)
    function = getattr(special, name)
    a, b = fc.TaylorSpace(2, 3).variables([0.0, 0.0])
    for inner in (0.5 * a + b * b, a * b - 0.25 * b):
        outer = function(fc.TaylorSpace(1, 3).variables([x])[0]).coef
        expected = sum(outer[k] * inner**k for k in range(1, 4)) + outer[0]
        np.testing.assert_allclose(function(inner + x).coef, expected.coef, rtol=1e-13, atol=1e-13 * abs(outer).max())
    line = fc.TaylorSpace(1, 4).variables([x])
    batch = function(line + np.zeros((2, 3)))
    assert batch.shape == (2, 3)
    alone = function(line[0]).coef
    np.testing.assert_allclose(batch.coef, np.broadcast_to(alone[:, None, None], batch.coef.shape), rtol=1e-14)


@pytest.mark.parametrize("name", ["erf", "gamma", "log_ndtr", "j0", "expit", "logit"])
def test_float32(name):
    p = fc.TaylorSpace(1, 4).variables(np.array([0.75], np.float32))[0]
    wide = fc.TaylorSpace(1, 4).variables([0.75])[0]
    result = getattr(special, name)(p)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.coef, getattr(special, name)(wide).coef, rtol=2e-6, atol=1e-7)


def test_longdouble_where_scipy_has_it():
    third = np.longdouble(1) / 3
    p = fc.TaylorSpace(1, 2).variables(np.array([third]))[0]
    s = special.expit(p)
    assert s.dtype == np.longdouble
    value = 1 / (1 + np.exp(-third))
    np.testing.assert_allclose(s.coef[1], value * (1 - value), rtol=8 * float(np.finfo(np.longdouble).eps))
    with pytest.raises(TypeError, match="not supported"):
        special.erf(p)


@pytest.mark.parametrize(("name", "f"), [("gamma", mp.gamma), ("digamma", mp.digamma), ("erf", mp.erf)])
def test_complex(name, f):
    at = 0.7 + 0.4j
    space = fc.TaylorSpace(1, 4)
    got = getattr(special, name)(space.variables([at])[0]).coef
    with mp.workdps(60):
        exact = [complex(c) for c in mp.taylor(f, mp.mpc(at), 4)]
    np.testing.assert_allclose(got, exact, rtol=1e-14)


# x and y, and the terms (1, x, y, x x, x y, y y)
L = np.log(2.0)
PAIRS = [
    ("xlogy", (3.0, 2.0), (3 * L, L, 1.5, 0, 0.5, -0.375)),
    ("xlogy", (0.0, 2.0), (0, L, 0, 0, 0.5, 0)),
    ("xlog1py", (3.0, 1.0), (3 * L, L, 1.5, 0, 0.5, -0.375)),
    ("rel_entr", (4.0, 2.0), (4 * L, L + 1, -2, 0.125, -0.5, 0.5)),
    ("kl_div", (4.0, 2.0), (4 * L - 2, L, -1, 0.125, -0.5, 0.5)),
    ("kl_div", (2.0, 2.0), (0, 0, 0, 0.25, -0.5, 0.25)),
]


@pytest.mark.parametrize(("name", "at", "expected"), PAIRS)
def test_functions_of_two(name, at, expected):
    x, y = fc.TaylorSpace(2, 2).variables(at)
    np.testing.assert_allclose(getattr(special, name)(x, y).coef, expected, rtol=4 * EPS, atol=EPS)


def test_xlogy_at_zero():
    """0 where x is 0: y may be 0 too, if x stays 0."""
    x, y = fc.TaylorSpace(2, 2).variables([0.0, 0.0])
    assert special.xlogy(x, y).coef[0] == 0
    assert np.isnan(special.xlogy(x, y).coef[1:]).all()
    np.testing.assert_array_equal(special.xlogy(0.0, y).coef, 0)
    np.testing.assert_array_equal(special.xlogy(np.array([0.0, 2.0]), y + 1).coef[:, 0], 0)
    assert special.xlogy(2.0, y + 1).coef[2] == 2.0
    assert np.isnan(special.xlogy(x, y - 1).coef[1:]).all()
    np.testing.assert_array_equal(special.rel_entr(0.0, y + 1).coef, 0)
    np.testing.assert_array_equal(special.kl_div(0.0, y + 1).coef, (y + 1).coef)


def test_beta():
    x, y = fc.TaylorSpace(2, 2).variables([2.5, 1.5])
    log = special.gammaln(x) + special.gammaln(y) - special.gammaln(x + y)
    np.testing.assert_allclose(special.betaln(x, y).coef, log.coef, rtol=1e-13)
    np.testing.assert_allclose(special.beta(x, y).coef, np.exp(log).coef, rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [("gamma", -1.0, np.nan), ("digamma", -1.0, np.nan), ("gammaln", 0.0, np.inf), ("logit", 0.0, -np.inf),
     ("logit", 1.5, np.nan), ("erfinv", 1.0, np.inf), ("entr", 0.0, 0.0), ("exp1", 0.0, np.inf), ("k0", 0.0, np.inf),
     ("ndtri", 0.0, -np.inf), ("entr", -1.0, -np.inf)],
)  # fmt: skip
def test_singular_points_without_warnings(name, at, value):
    coef = getattr(special, name)(fc.TaylorSpace(1, 3).variables([at])[0]).coef
    np.testing.assert_equal(coef[0], value)
    assert np.isnan(coef[1:]).all()


def test_a_singular_lane_leaves_the_others_alone():
    space = fc.TaylorSpace(1, 3)
    for name, bad, good in (("gamma", -1.0, 2.5), ("logit", 0.0, 0.3), ("xlogy", 0.0, 0.3), ("entr", 0.0, 0.3)):
        function = getattr(special, name) if name != "xlogy" else lambda p: special.xlogy(2.0, p)
        mixed = function(space.variables([0.0])[0] + np.array([good, bad, good]))
        usual = function(space.variables([0.0])[0] + np.array([good, good, good]))
        np.testing.assert_array_equal(mixed.coef[:, [0, 2]], usual.coef[:, [0, 2]])
        assert np.isnan(mixed.coef[1:, 1]).all()


def test_unknown_functions_say_what_to_do():
    x = fc.TaylorSpace(1, 2).variables([0.5])[0]
    with pytest.raises(TypeError, match=r"spence is not known .* fc\.taylor_function"):
        special.spence(x)


def test_scipy_is_not_imported():
    code = (
        "import sys, numpy as np, fastcalc as fc\n"
        "np.exp(fc.TaylorSpace(1, 2).variables([0.5]))\n"
        "assert 'scipy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
