"""Functions of NumPy at points where they are not smooth, overflow, or are not defined: a table of expected terms.

Values are NumPy's, and so are warnings: where NumPy gives none for the value, there is none.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastcalc as fc

nan, inf, pi = np.nan, np.inf, np.pi
big = 1e200
LN2 = np.log(2.0)


def unary(at, degree=3):
    return fc.TaylorSpace(1, degree).variables([at])[0]


# function, point, terms of degree 0 to 3; the last stands for all that follow
UNARY = [
    (np.sqrt, 0.0, (0, nan)), (np.sqrt, -1.0, (nan,)), (np.sqrt, inf, (inf, nan)), (np.sqrt, nan, (nan,)),
    (np.cbrt, 0.0, (0, nan)), (np.cbrt, -8.0, (-2, 1 / 12, 1 / 288, 5 / 20736)),
    (np.exp, 1000.0, (inf, nan)), (np.exp, -1000.0, (0,)), (np.exp, -inf, (0,)), (np.exp, nan, (nan,)),
    (np.exp2, 2000.0, (inf, nan)), (np.expm1, 1000.0, (inf, nan)), (np.expm1, -1000.0, (-1, 0)),
    (np.log, 0.0, (-inf, nan)), (np.log, -1.0, (nan,)), (np.log2, 0.0, (-inf, nan)), (np.log10, -0.0, (-inf, nan)),
    (np.log2, -1.0, (nan,)), (np.log1p, -1.0, (-inf, nan)), (np.log1p, -2.0, (nan,)),
    (np.reciprocal, 0.0, (inf, nan)), (np.reciprocal, -0.0, (-inf, nan)), (np.reciprocal, inf, (0,)),
    (np.arcsin, 1.0, (pi / 2, nan)), (np.arcsin, -1.0, (-pi / 2, nan)), (np.arcsin, 2.0, (nan,)),
    (np.arccos, 1.0, (0, nan)), (np.arccos, -1.0, (pi, nan)), (np.arccos, -2.0, (nan,)),
    (np.arccosh, 1.0, (0, nan)), (np.arccosh, 0.5, (nan,)), (np.arccosh, big, (np.arccosh(big), 1 / big, 0)),
    (np.arctanh, 1.0, (inf, nan)), (np.arctanh, -1.0, (-inf, nan)), (np.arctanh, 2.0, (nan,)),
    (np.arcsinh, big, (np.arcsinh(big), 1 / big, 0)), (np.arcsinh, -big, (-np.arcsinh(big), 1 / big, 0)),
    (np.arctan, big, (pi / 2, 0)), (np.tanh, 800.0, (1, 0)), (np.tanh, -800.0, (-1, 0)),
    (np.tanh, 300.0, (1, 4 * np.exp(-600.0), -4 * np.exp(-600.0), 8 / 3 * np.exp(-600.0))),
    (np.sinh, 800.0, (inf, nan)), (np.cosh, -800.0, (inf, nan)), (np.sin, inf, (nan,)), (np.tan, inf, (nan,)),
    (np.absolute, 0.0, (0, nan)), (np.absolute, -0.0, (0, nan)), (np.fabs, -2.0, (2, -1, 0)),
    (np.absolute, -inf, (inf, -1, 0)),
    (np.sign, 0.0, (0, nan)), (np.sign, -3.0, (-1, 0)), (np.sign, nan, (nan,)), (np.sign, inf, (1, 0)),
    (np.floor, 2.0, (2, nan)), (np.floor, -2.5, (-3, 0)), (np.ceil, 2.0, (2, nan)), (np.ceil, 2.5, (3, 0)),
    (np.trunc, 2.0, (2, nan)), (np.trunc, 0.0, (0,)), (np.trunc, -0.5, (0,)), (np.trunc, -1.0, (-1, nan)),
    (np.rint, 2.0, (2, 0)), (np.rint, 2.5, (2, nan)), (np.rint, -0.5, (0, nan)), (np.rint, 2.0**53, (2.0**53, 0)),
    (np.floor, inf, (inf, nan)), (np.rint, inf, (inf, 0)), (np.rint, -inf, (-inf, 0)),
    (lambda x: x**0, 0.0, (1, 0)), (lambda x: x**0, nan, (1, 0)), (lambda x: x**0.0, inf, (1, 0)),
    (lambda x: x**2.0, 0.0, (0, 0, 1, 0)), (lambda x: x**2.0, -3.0, (9, -6, 1, 0)),
    (lambda x: x**3, -1.0, (-1, 3, -3, 1)),
    (lambda x: x**-1, 0.0, (inf, nan)), (lambda x: x**-2.0, -0.0, (inf, nan)), (lambda x: x**-3, -0.0, (-inf, nan)),
    (lambda x: x**-0.5, 0.0, (inf, nan)), (lambda x: x**0.5, 0.0, (0, nan)), (lambda x: x**1.5, 0.0, (0, 0, nan)),
    (lambda x: x**2.5, 0.0, (0, 0, 0, nan)), (lambda x: x**0.5, -1.0, (nan,)), (lambda x: x**nan, 2.0, (nan,)),
    (lambda x: x**2000.0, -1.0, (1, -2000, 1999000, -1331334000)), (lambda x: x**inf, 0.0, (0, nan)),
    (lambda x: (x**2) ** 0.5, 0.0, (0, nan)), (lambda x: (x**3) ** (1 / 3), 0.0, (0, nan)),
    (lambda x: np.cbrt(x**3), 0.0, (0, 1, nan)), (lambda x: (x**2) ** 1.5, 0.0, (0, 0, 0, nan)),
    (lambda x: x ** np.array(2.0), 0.0, (0, 0, 1, 0)), (lambda x: 0.0**x, 2.0, (0,)), (lambda x: 0.0**x, 0.0, (1, nan)),
    (lambda x: 2.0**x, 0.0, (1, LN2, LN2**2 / 2, LN2**3 / 6)), (lambda x: (-2.0) ** x, 2.0, (4, nan)),
    (lambda x: 0.0**x, -1.0, (inf, nan)), (lambda x: 1 / x, 0.0, (inf, nan)), (lambda x: 0 / x, 0.0, (nan,)),
    (lambda x: x / 0.0, 1.0, (inf, nan)), (lambda x: x / x, 0.0, (nan,)), (lambda x: x / inf, 1.0, (0,)),
    (lambda x: np.abs(x**2), 0.0, (0, 0, 1, 0)), (lambda x: np.abs(-(x**2) + x**3), 0.0, (0, 0, 1, -1)),
    (lambda x: np.abs(x**3), 0.0, (0, 0, 0, nan)), (lambda x: np.sqrt(x * 0 + 4.0), 0.0, (2, 0)),
    (lambda x: np.logaddexp(-inf, x), 1.0, (1, 1, 0)), (lambda x: np.logaddexp(x, -inf), 1.0, (1, 1, 0)),
    (lambda x: np.logaddexp(x, 1e3), 0.0, (1e3, 0)), (lambda x: np.logaddexp(x, x), 0.0, (LN2, 1, 0)),
    (lambda x: np.logaddexp(1e-10 * x, -100 + x), 0.0, (np.exp(-100), 1e-10, 0)),
    (lambda x: np.logaddexp(inf, x), 0.0, (inf, nan)), (lambda x: np.logaddexp2(x, x), 1.0, (2, 1, 0)),
    (lambda x: np.maximum(x, 0), 0.0, (0, nan)), (lambda x: np.maximum(x, x), 1.0, (1, 1, 0)),
    (lambda x: np.minimum(x, 2 * x), 0.0, (0, nan)), (lambda x: np.maximum(x**2, 0), 0.0, (0, 0, 1, 0)),
    (lambda x: np.minimum(x**2, 0), 0.0, (0,)), (lambda x: np.maximum(x, nan), 0.0, (nan, 0)),
    (lambda x: np.fmax(x, nan), 0.0, (0, 1, 0)), (lambda x: np.fmin(nan, x), 1.0, (1, 1, 0)),
    (lambda x: np.maximum(x, inf), inf, (inf, nan)), (lambda x: np.maximum(x, -0.0), 0.0, (0, nan)),
    (lambda x: np.heaviside(x, 0.5), 0.0, (0.5, nan)), (lambda x: np.heaviside(x, 0.5), -1.0, (0,)),
    (lambda x: np.heaviside(0.0, x), 3.0, (3, 1, 0)), (lambda x: np.heaviside(2.0, x), 3.0, (1, 0)),
    (lambda x: x // 2, 3.0, (1, 0)), (lambda x: x // 2, 4.0, (2, nan)), (lambda x: x % 2, 3.0, (1, 1, 0)),
    (lambda x: x % 2, 4.0, (0, nan)), (lambda x: x % -2, 3.0, (-1, 1, 0)), (lambda x: 7.0 % x, 2.0, (1, -3, 0)),
    (lambda x: np.fmod(x, 2), -3.0, (-1, 1, 0)), (lambda x: np.fmod(x, 2), 0.0, (0, 1, 0)),
    (lambda x: np.fmod(x, 2), 4.0, (0, nan)), (lambda x: x % inf, 3.0, (3, 1, 0)),
    (lambda x: x // 0.0, 1.0, (inf, nan)),
    (lambda x: x % 0.0, 1.0, (nan,)), (lambda x: np.fmod(x, 0.0), 1.0, (nan,)), (lambda x: x % 2, inf, (nan,)),
    (lambda x: divmod(x, 2)[1], 3.0, (1, 1, 0)), (lambda x: np.divmod(x, 2)[0], 3.0, (1, 0)),
    (lambda x: np.modf(x)[0], 2.5, (0.5, 1, 0)), (lambda x: np.modf(x)[1], 2.0, (2, nan)),
    (lambda x: np.modf(x)[0], 2.0, (0, nan)), (lambda x: np.modf(x)[0], inf, (0, nan)),
    (lambda x: np.copysign(x, -1), 2.0, (-2, -1, 0)), (lambda x: np.copysign(x, -1), 0.0, (0, nan)),
    (lambda x: np.copysign(3.0, x), 0.0, (3, nan)), (lambda x: np.copysign(3.0, x), -1.0, (-3, 0)),
    (lambda x: np.hypot(x, 0), 0.0, (0, nan)), (lambda x: np.hypot(x, inf), 1.0, (inf, nan)),
    (lambda x: np.hypot(x, big), big, (2**0.5 * big, 2**-0.5, 2**-1.5 / 2 / big, 0)),
    (lambda x: np.arctan2(x, 1), 0.0, (0, 1, 0, -1 / 3)), (lambda x: np.arctan2(x, -1), 0.0, (pi, -1, 0, 1 / 3)),
    (lambda x: np.arctan2(x, -1), -0.0, (-pi, -1, 0, 1 / 3)), (lambda x: np.arctan2(1, x), 0.0, (pi / 2, -1, 0, 1 / 3)),
    (lambda x: np.arctan2(-1, x), -0.0, (-pi / 2, 1, 0, -1 / 3)), (lambda x: np.arctan2(x, x), 0.0, (0, nan)),
    (lambda x: np.arctan2(x, 1), inf, (pi / 2, 0)), (lambda x: np.arctan2(inf, x), inf, (pi / 4, nan)),
]  # fmt: skip


def filled(terms, degree=3):
    return np.array([*terms, *[terms[-1]] * (degree + 1 - len(terms))], float)


@pytest.mark.parametrize(("f", "at", "terms"), UNARY, ids=[f"{i}:{row[1]}" for i, row in enumerate(UNARY)])
def test_terms_and_warnings(f, at, terms):
    p = unary(at)
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        f(np.float64(at))
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        got = f(p).coef
    np.testing.assert_allclose(got, filled(terms), rtol=1e-13, atol=1e-43)
    kinds = {str(w.message).split(" encountered")[0] for w in expected}
    assert {str(w.message).split(" encountered")[0] for w in given} <= kinds


@pytest.mark.parametrize(("f", "at", "terms"), UNARY, ids=[f"{i}:{row[1]}" for i, row in enumerate(UNARY)])
def test_lanes_of_a_batch_are_on_their_own(f, at, terms):
    """What is next to a singular lane does not change by a bit, and the singular lane is as alone."""
    usual, odd = unary(0.75), unary(at)
    with np.errstate(all="ignore"):
        mixed = f(_lanes(usual, odd, usual))
        plain = f(_lanes(usual, usual, usual))
    np.testing.assert_array_equal(mixed.coef[:, [0, 2]], plain.coef[:, [0, 2]])
    np.testing.assert_allclose(mixed.coef[:, 1], filled(terms), rtol=1e-13, atol=1e-43)


def _lanes(*series):
    model = series[0]
    return fc.TaylorPolynomial(model.space, np.stack([p.coef for p in series], axis=1), model.x0)


@pytest.mark.parametrize(
    ("f", "x", "y", "terms"),
    [
        # terms 1, x, y, x x, x y, y y
        (lambda x, y: x**y, 0.0, 2.0, (0, 0, 0, 1, 0, 0)),
        (lambda x, y: x**y, 0.0, 2.5, (0, 0, 0, 0, 0, 0)),
        (lambda x, y: x**y, 0.0, 1.0, (0, 1, 0, 0, nan, 0)),
        (lambda x, y: x**y, -2.0, 3.0, (-8, 12, nan, -6, nan, nan)),
        (lambda x, y: x**y, -2.0, 0.5, (nan, nan, nan, nan, nan, nan)),
        (lambda x, y: x**y, 0.0, -1.0, (inf, nan, nan, nan, nan, nan)),
        (lambda x, y: np.abs(x) * 1, 0.0, 5.0, (0, nan, 0, nan, nan, 0)),
        (lambda x, y: np.abs(x * x + y * y + x * y), 0.0, 0.0, (0, 0, 0, 1, 1, 1)),
        (lambda x, y: np.abs(-x * x - y * y), 0.0, 0.0, (0, 0, 0, 1, 0, 1)),
        (lambda x, y: np.abs(x * y), 0.0, 0.0, (0, 0, 0, 0, nan, 0)),
        (lambda x, y: np.abs(x * x - y * y), 0.0, 0.0, (0, 0, 0, nan, nan, nan)),
        (lambda x, y: np.maximum(x, y), 0.0, 0.0, (0, nan, nan, nan, nan, nan)),
        (lambda x, y: np.maximum(x, x + y * y), 1.0, 0.0, (1, 1, 0, 0, 0, 1)),
        (lambda x, y: np.hypot(x, y), 0.0, 0.0, (0, nan, nan, nan, nan, nan)),
        (lambda x, y: np.sqrt(x * x + y * y), 0.0, 0.0, (0, nan, nan, nan, nan, nan)),
        (lambda x, y: np.sqrt(x), 0.0, 1.0, (0, nan, 0, nan, nan, nan)),
        (lambda x, y: np.arctan2(y, x), 0.0, 0.0, (0, nan, nan, nan, nan, nan)),
        (lambda x, y: np.heaviside(x, y), 0.0, 0.5, (0.5, nan, nan, nan, nan, nan)),
        (lambda x, y: np.copysign(x, y), 2.0, 0.0, (2, nan, nan, nan, nan, nan)),
        (lambda x, y: x / y, 1.0, 0.0, (inf, nan, nan, nan, nan, nan)),
    ],
)
def test_two_variables(f, x, y, terms):
    p, q = fc.TaylorSpace(2, 2).variables([x, y])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(f(p, q).coef, terms, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_types_are_kept(dtype):
    p = fc.TaylorSpace(1, 3).variables(np.array([0], dtype))[0]
    with np.errstate(all="ignore"):
        for f in (np.sqrt, np.log, np.reciprocal, np.arcsin, np.arccosh, lambda x: x**1.5, lambda x: x**-1, np.exp):
            assert f(p).dtype == dtype
        if p.dtype.kind != "c":
            others = (np.abs, np.cbrt, np.sign, np.floor, np.tanh, lambda x: np.maximum(x, 0), lambda x: x % 2)
            assert all(f(p).dtype == dtype for f in others)


def test_longdouble_thirds():
    x = fc.TaylorSpace(1, 1).variables(np.array([8], np.longdouble))[0]
    eps = np.finfo(np.longdouble).eps
    assert abs(np.cbrt(x).coef[1] * 12 - 1) < 8 * eps
    assert abs((x / 3).coef[1] * 3 - 1) < 8 * eps
    assert abs(np.log10(x).coef[1] * 8 * np.log(np.longdouble(10)) - 1) < 8 * eps


def test_constants_stay_constant_at_jumps_and_overflows():
    c = unary(0.0) * 0
    with np.errstate(all="ignore"):
        for f in (np.floor, np.rint, np.sign, np.abs, np.trunc, np.ceil, lambda p: np.maximum(p, 0), lambda p: p % 2,
                  lambda p: np.exp(p + 1000), lambda p: np.cosh(p + 800), lambda p: np.heaviside(p, 0.5)):  # fmt: skip
            np.testing.assert_array_equal(f(c).coef[1:], 0)


def test_complex_signs_and_moduli():
    """As functions of real variables: the sign of z = 3 + 4i + t is z / |z|."""
    z = unary(0.0, 2) + (3 + 4j)
    np.testing.assert_allclose(np.abs(z).coef, [5, 0.6, 0.064], rtol=1e-14)
    np.testing.assert_allclose(np.sign(z).coef[:2], [0.6 + 0.8j, (1 - 0.6 * (0.6 + 0.8j)) / 5], rtol=1e-14)


def test_inverse_hyperbolic_cosine_off_its_cut():
    """Its derivative is 1 / (sqrt(z - 1) sqrt(z + 1)), with another sign than 1 / sqrt(z**2 - 1) for Re z < 0."""
    got = np.arccosh(fc.TaylorSpace(1, 1).variables([-2 + 1j])[0]).coef
    step = 1e-6
    slope = (np.arccosh(-2 + 1j + step) - np.arccosh(-2 + 1j - step)) / (2 * step)
    np.testing.assert_allclose(got[1], slope, rtol=1e-8)


def test_caps_and_weights_decide_what_is_unknown():
    """With x**2 left out, sqrt(y**4) may have a term |x|."""
    space = fc.TaylorSpace(2, 4, max_degrees=(1, 4))
    _, y = space.variables([0.0, 0.0])
    assert np.isnan(np.sqrt(y**4).coef[space.index((1, 0))])
    assert np.sqrt(y**4).coef[0] == 0


def test_exponents_by_entries_with_mixed_signs():
    bases = unary(0.0) + np.array([-2.0, 0.0, 3.0, 4.0])
    got = (bases ** np.array([3.0, 2.0, -1.0, nan])).coef
    np.testing.assert_allclose(got[:2], [[-8, 0, 1 / 3, nan], [12, 0, -1 / 9, nan]], rtol=1e-14)
