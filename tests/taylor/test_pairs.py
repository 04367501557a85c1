"""Coefficients of the functions of two polynomials: arithmetic, powers, arctan2, hypot, xlogy, logaddexp."""

from __future__ import annotations

import importlib.util
import itertools
import math
import zlib

import numpy as np
import pytest

import fastcalc as fc
from tests.taylor import references, samples
from tests.taylor.pairs import Pair, arctan2, divide, hypot, logaddexp, logaddexp2, multiply, power, xlogy

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
CASES = {np.float64: 25, np.float32: 8, np.longdouble: 8, np.complex128: 8}


REAL = (np.float64, np.float32, np.longdouble)
POSITIVE, ANY, AWAY = (0.2, 4.0), (-3.0, 3.0), (0.3, 3.0)

# (name, reference, domain of x, domain of y, dtypes, steps)
TABLE = [
    ("add", Pair.__add__, ANY, ANY, samples.DTYPES, 1),
    ("subtract", Pair.__sub__, ANY, ANY, samples.DTYPES, 1),
    ("multiply", multiply, ANY, ANY, samples.DTYPES, 1),
    ("divide", divide, ANY, AWAY, samples.DTYPES, 2),
    ("power", power, POSITIVE, ANY, samples.DTYPES, 8),
    ("float_power", power, POSITIVE, ANY, (np.float64, np.longdouble, np.complex128), 8),
    ("hypot", hypot, AWAY, AWAY, REAL, 4),
    ("arctan2", arctan2, ANY, ANY, REAL, 8),
    ("logaddexp", logaddexp, ANY, ANY, REAL, 4),
    ("logaddexp2", logaddexp2, ANY, ANY, REAL, 4),
]
SCIPY = [("xlogy", xlogy, ANY, POSITIVE, (np.float64, np.float32, np.complex128), 2)]


def function(name):
    if name == "xlogy":
        import scipy.special

        return scipy.special.xlogy
    return getattr(np, name)


def check(space, value, expected, factor, context):
    bound = references.tolerance(space, value.dtype, expected.majorant, factor)
    references.assert_close(space, value.coef, expected.coef, bound, context)


def argument(rng, space, domain, dtype):
    constant = rng.uniform(*domain)
    if np.dtype(dtype).kind == "c":
        constant = constant + 1j * rng.uniform(-0.5, 0.5)
    return samples.random_coef(rng, space, constant, abs(constant), dtype)


@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("row", TABLE + SCIPY * HAS_SCIPY, ids=lambda row: row[0])
def test_two_polynomials(row, dtype):
    name, reference, domain, other, dtypes, factor = row
    if dtype not in dtypes:
        return
    rng = np.random.default_rng(zlib.crc32(f"{name} {np.dtype(dtype)}".encode()))
    for _ in range(CASES[dtype]):
        space = samples.random_space(rng)
        p = samples.polynomial(rng, space, argument(rng, space, domain, dtype))
        q = samples.polynomial(rng, space, argument(rng, space, other, dtype))
        q = type(p)(space, q.coef, p.x0)
        expected = reference(Pair.of(space, p.coef), Pair.of(space, q.coef))
        value = function(name)(p, q)
        assert value.dtype == p.dtype
        check(space, value, expected, factor, f"{name} of {p.coef[0]!r} and {q.coef[0]!r} in {space}")


@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("row", TABLE + SCIPY * HAS_SCIPY, ids=lambda row: row[0])
def test_polynomials_and_numbers(row, dtype):
    """The same with a constant on either side."""
    name, reference, domain, other, dtypes, factor = row
    if dtype not in dtypes:
        return
    rng = np.random.default_rng(zlib.crc32(f"{name} {np.dtype(dtype)} number".encode()))
    for _ in range(CASES[dtype] // 3):
        space = samples.random_space(rng)
        coef, against = argument(rng, space, domain, dtype), argument(rng, space, other, dtype)
        x0 = rng.standard_normal(space.n_variables)
        for left, right in ((coef, against[:1]), (coef[:1], against)):
            padded = [np.concatenate([c, np.zeros(space.n_terms - len(c), dtype)]) for c in (left, right)]
            expected = reference(*(Pair.of(space, c) for c in padded))
            operands = [c[0] if len(c) < space.n_terms else fc.TaylorPolynomial(space, c, x0)
                        for c in (left, right)]  # fmt: skip
            if space.n_terms == 1:
                operands[0] = fc.TaylorPolynomial(space, left, x0)
            value = function(name)(*operands)
            assert value.dtype == dtype
            check(space, value, expected, factor, f"{name} of {left[0]!r} and {right[0]!r} in {space}")


INTEGERS = (2, 3, 4, 7, 10, 31, -1, -2, -5)


@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("exponent", [*INTEGERS, *map(float, INTEGERS)], ids=repr)
def test_integer_powers(exponent, dtype):
    """Products (and one division) on either side of 0: exactly as good near a root of the base as elsewhere."""
    rng = np.random.default_rng(int(exponent) % 89)
    whole = int(abs(exponent))
    constants = (1.5, -0.7, 1e-3, -1e-3, 0.0) if exponent > 0 else (1.5, -0.7)
    for constant, size in itertools.product(constants, ((1, 10), (2, 5), (4, 3))):
        space = fc.TaylorSpace(*size)
        p = samples.polynomial(rng, space, samples.random_coef(rng, space, constant, 0.5, dtype))
        base = Pair.of(space, p.coef)
        if exponent < 0:
            base = base.apply(lambda t: 1 / t)
        expected = base
        for _ in range(whole - 1):
            expected = expected * base
        check(space, p**exponent, expected, whole + 2, f"{constant}**{exponent} in {space}")


@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("exponent", [0.5, -0.5, 1.5, 1 / 3, -2.25, 0.1, math.pi])
def test_real_powers(exponent, dtype):
    rng = np.random.default_rng(int(abs(exponent) * 100))
    for constant in (1.7, 1e-8, 1e8) if np.dtype(dtype).itemsize > 4 else (1.7,):
        space = samples.random_space(rng)
        p = samples.polynomial(rng, space, samples.random_coef(rng, space, constant, constant, dtype))
        typed = np.dtype(dtype).type(exponent).real
        logarithm = references.ball(typed)
        value = p**typed
        expected = Pair.of(space, p.coef).apply(lambda x, r=logarithm: (x.log() * r).exp())
        steps = 4 * (1 + abs(exponent))
        if np.dtype(dtype).kind == "c":  # NumPy's is exp(r log(a)), with the rounding of r log(a)
            steps += abs(exponent * math.log(constant))
        check(space, value, expected, steps, f"{constant}**{exponent} in {space}")


EXTREMES = [
    ("hypot", hypot, [(1e-8, 1.0), (1e8, 1e-8), (3e200, 4e200), (3e-200, 4e-200)], 4),
    ("arctan2", arctan2, [(1e-8, 1.0), (1.0, 1e-8), (-1e-8, -1.0), (1.0, -1.0), (1e200, 1e200), (1e-200, -1e-200)], 8),
    ("logaddexp", logaddexp, [(700.0, -700.0), (-800.0, -800.0), (1e3, 1e3 + 1), (1e-12, 0.0)], 4),
    ("logaddexp2", logaddexp2, [(1000.0, -1000.0), (-1500.0, -1500.0), (1e-12, 0.0)], 4),
]


@pytest.mark.parametrize(("name", "reference", "points", "factor"), EXTREMES, ids=[row[0] for row in EXTREMES])
def test_extreme_pairs(name, reference, points, factor):
    rng = np.random.default_rng(3)
    for a, b in points:
        space = fc.TaylorSpace(2, 3 if max(abs(a), abs(b)) < 1e100 and a > -1e-100 and abs(a) > 1e-100 else 1)
        size = math.hypot(a, b) if name in {"hypot", "arctan2"} else 1.0
        p = samples.polynomial(rng, space, samples.random_coef(rng, space, a, size, np.float64))
        q = type(p)(space, samples.random_coef(rng, space, b, size, np.float64), p.x0)
        expected = reference(Pair.of(space, p.coef), Pair.of(space, q.coef))
        check(space, getattr(np, name)(p, q), expected, factor, f"{name} of {a} and {b}")
