"""Arithmetic and elementary functions of polynomials, each by the recurrence that serves it; powers are in powers.py.

With a' for the derivation of `fastcalc._kernels.series`, most of them are integrals of a product or a quotient,
``c' = b a'`` or ``c' = a' / b``; the constant term comes from the NumPy function itself. Griewank, Walther, *Evaluating
Derivatives*, SIAM 2008, section 13.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from fastcalc._instructions import series
from fastcalc._taylor import pieces, roots, singular
from fastcalc._taylor.data import Data
from fastcalc._taylor.operands import aligned, as_polynomial, scaled, shifted

_FAST: dict[np.ufunc, Callable[[float], float]] = {
    np.exp: math.exp,
    np.log: math.log,
    np.sin: math.sin,
    np.cos: math.cos,
    np.sqrt: math.sqrt,
}
_LARGE = 1e8  # above it, the square of a number is not what 1 more makes a difference to


def _value(ufunc: np.ufunc, p: Data) -> Any:
    """The function of the constant terms; of a single float64 by `math`, which takes a tenth of the time."""
    constant = p._coef[0]
    if constant.__class__ is np.float64:
        fast = _FAST.get(ufunc)
        if fast is not None:
            try:
                return fast(constant)
            except (OverflowError, ValueError):  # NumPy has inf or NaN, and a warning, for these
                return float(ufunc(constant))
    return ufunc(constant)


def replaced(p: Data, value: Any) -> Data:
    """p, which nobody else has, with another constant term."""
    p._coef[0] = value
    return p


# Arithmetic


def add(a: Any, b: Any) -> Data:
    """The sum a + b."""
    if isinstance(a, Data) and isinstance(b, Data):
        p, q = aligned(a, b)
        return p._like(p._coef + q._coef)
    return shifted(a, b) if isinstance(a, Data) else shifted(b, a)


def subtract(a: Any, b: Any) -> Data:
    """The difference a - b."""
    if isinstance(a, Data) and isinstance(b, Data):
        p, q = aligned(a, b)
        return p._like(p._coef - q._coef)
    return shifted(a, b, np.subtract) if isinstance(a, Data) else shifted(negative(b), a)


def multiply(a: Any, b: Any) -> Data:
    """The product a b."""
    if isinstance(a, Data) and isinstance(b, Data):
        a, b = aligned(a, b)
        return product(a, b)
    return scaled(a, b) if isinstance(a, Data) else scaled(b, a)


def product(a: Data, b: Data) -> Data:
    coef = series.multiply(a._space.tables, a._coef, b._coef)
    assert coef is not None  # of one shape and type
    return a._like(coef)


def divide(a: Any, b: Any) -> Data:
    """The quotient a / b; where b's constant term is 0 there are no derivatives."""
    if not isinstance(b, Data):
        return scaled(a, b, np.divide) if np.all(b) else _by_zero(a, b)
    if a.__class__ is float or a.__class__ is int:
        numerator = np.zeros(b._coef.shape, b._coef.dtype)
        numerator[0] = a
        a = b._like(numerator)
        if not b._coef.flags.c_contiguous:
            b = b.copy()
    else:
        a, b = aligned(a, b)
    coef = series.divide(a._space.tables, a._coef, b._coef)
    assert coef is not None
    c: Data = a._like(coef)
    value = coef[0]
    if isinstance(value, float) and isfinite(value):
        return c
    poles = b._coef[0] == 0
    if np.any(poles):
        coef[0] = np.divide(a._coef[0], b._coef[0])  # with NumPy's warning
    return singular.undefined(singular.settled(c, coef[0], a, b), poles)  # poles last: no constants there


@singular.warning_as(np.divide)
def _by_zero(a: Data, b: Any) -> Data:
    """The quotient by numbers of which some are 0, where there are no derivatives either."""
    return singular.undefined(scaled(a, b, np.divide), np.equal(b, 0))


def negative(a: Data) -> Data:
    """-a."""
    return a._like(-a._coef)


def positive(a: Data) -> Data:
    """A copy of a."""
    return a.copy()


def square(a: Data) -> Data:
    """a**2."""
    return product(a, a)


def reciprocal(a: Data) -> Data:
    """1 / a."""
    return divide(1.0, a)


# Roots, exponentials and logarithms


def sqrt(a: Data) -> Data:
    """Formula: c c = a."""
    return roots.powers(a._like(series.sqrt(a._space.tables, a._coef, _value(np.sqrt, a))), a, 0.5)


def cbrt(a: Data) -> Data:
    """Formula: a c' = c a' / 3."""
    third = np.ones(1, a.dtype) / 3
    c = a._like(series.power(a._space.tables, a._coef, third, np.cbrt(a._coef[0])))
    return roots.powers(c, a, 1 / 3, odd=True)


def exp(a: Data) -> Data:
    """Formula: c' = c a'."""
    value = _value(np.exp, a)
    c = a._like(series.exp(a._space.tables, a._coef, value))
    return c if value.__class__ is float and value < math.inf else singular.settled(c, value, a)


def exp_with(p: Data, value: Any, *arguments: Data) -> Data:
    """exp(p) with this constant term."""
    return singular.settled(p._like(series.exp(p._space.tables, p._coef, value)), value, *arguments)


def exp2(a: Data) -> Data:
    """exp(a log(2))."""
    return exp_with(scaled(a, np.log(a.dtype.type(2))), np.exp2(a._coef[0]), a)


@singular.warning_as(np.expm1)
def expm1(a: Data) -> Data:
    """exp(a) - 1, with the constant term of expm1."""
    value = np.expm1(a._coef[0])
    return replaced(exp(a), value)


def log(a: Data) -> Data:
    """Formula: a c' = a'."""
    return _logarithm(a, _value(np.log, a))


def log2(a: Data) -> Data:
    """log(a) / log(2)."""
    value = np.log2(a._coef[0])
    return replaced(scaled(_logarithm(a, value), np.log(a.dtype.type(2)), np.divide), value)


def log10(a: Data) -> Data:
    """log(a) / log(10)."""
    value = np.log10(a._coef[0])
    return replaced(scaled(_logarithm(a, value), np.log(a.dtype.type(10)), np.divide), value)


def _logarithm(a: Data, value: Any) -> Data:
    """The natural logarithm, with a constant term that is as finite."""
    return singular.settled(a._like(series.log(a._space.tables, a._coef, value)), value)


def log1p(a: Data) -> Data:
    """(1 + a) c' = a'."""
    value = np.log1p(a._coef[0])
    return quotient_integral(a, shifted(a, 1), value)


def quotient_integral(a: Data, b: Data, value: Any) -> Data:
    """The c with b c' = a' and this constant term; undefined where that is, or b is 0, even if a seems constant:
    arccos(1 - x**2 / 2) has a kink that no degree below 2 sees.
    """
    c = a._like(series.quotient_integral(a._space.tables, a._coef, b._coef, value))
    return singular.quotients(c, value, b)


def product_integral(a: Data, b: Data, value: Any) -> Data:
    """The c with c' = b a' and this constant term."""
    return a._like(series.product_integral(a._space.tables, a._coef, b._coef, value))


def logaddexp(a: Any, b: Any) -> Data:
    """The larger one, b, plus log(1 + exp(a - b)), whose derivative by a - b is the logistic function."""
    a, b = aligned(a, b)
    u, v = a._coef[0], b._coef[0]
    value = np.logaddexp(u, v)
    first = u > v
    upper, lower = np.where(first, a._coef, b._coef), np.where(first, b._coef, a._coef)
    difference = a._like(lower - np.where(np.isfinite(upper), upper, 0))
    difference._coef[0] = np.where(u == v, 0, lower[0] - np.where(np.isfinite(upper[0]), upper[0], 0))
    bend = product_integral(difference, expit(difference), 0)
    return singular.settled(replaced(a._like(upper + bend._coef), value), value, a, b)


@singular.warning_as(np.logaddexp2)
def logaddexp2(a: Any, b: Any) -> Data:
    """Logaddexp in base 2."""
    a, b = aligned(a, b)
    value = np.logaddexp2(a._coef[0], b._coef[0])
    two = np.log(a.dtype.type(2))
    return replaced(scaled(logaddexp(scaled(a, two), scaled(b, two)), two, np.divide), value)


def expit(a: Data) -> Data:
    """The logistic function 1 / (1 + exp(-a)): c' = (c - c**2) a'."""
    constant = a._coef[0]
    small = np.exp(-np.abs(constant))
    slope = small / np.square(1 + small)
    value = np.where(constant >= 0, 1, small) / (1 + small)
    return a._like(series.riccati(a._space.tables, a._coef, value, slope, (1.0, -1.0)))


# Trigonometric and hyperbolic functions


def _sincos(a: Data, sine: Any, cosine: Any, sign: float) -> tuple[Data, Data]:
    """The pair s' = c a', c' = sign s a' with these constant terms."""
    s, c = series.sincos(a._space.tables, a._coef, sine, cosine, (sign,))
    return singular.settled(a._like(s), sine, a), singular.settled(a._like(c), cosine, a)


def sin(a: Data) -> Data:
    """Formula: s' = c a', c' = -s a'."""
    return _sincos(a, _value(np.sin, a), _value(np.cos, a), -1.0)[0]


def cos(a: Data) -> Data:
    """Formula: s' = c a', c' = -s a'."""
    return _sincos(a, _value(np.sin, a), _value(np.cos, a), -1.0)[1]


def tan(a: Data) -> Data:
    """Formula: c' = (1 + c**2) a'."""
    value = np.tan(a._coef[0])
    c = a._like(series.riccati(a._space.tables, a._coef, value, 1 + value * value, (0.0, 1.0)))
    return singular.settled(c, value, a)


def arcsin(a: Data) -> Data:
    """sqrt(1 - a**2) c' = a'."""
    value = np.arcsin(a._coef[0])
    return quotient_integral(a, _root(_below_one(a)), value)


def arccos(a: Data) -> Data:
    """pi/2 - arcsin(a)."""
    value = np.arccos(a._coef[0])
    return replaced(negative(quotient_integral(a, _root(_below_one(a)), value)), value)


def _below_one(a: Data) -> Data:
    """1 - a**2, from factors that don't cancel near 1."""
    return product(shifted(a, 1), shifted(negative(a), 1))


def _root(a: Data) -> Data:
    """Square root; without NumPy's warning for negative numbers, which the function it serves has given."""
    constant = a._coef[0]
    value = np.sqrt(constant if a.dtype.kind == "c" else np.abs(constant))
    return a._like(series.sqrt(a._space.tables, a._coef, value))


def arctan(a: Data) -> Data:
    """(1 + a**2) c' = a'."""
    value = np.arctan(a._coef[0])
    return quotient_integral(a, shifted(square(a), 1), value)


def arctan2(y: Any, x: Any) -> Data:
    """arctan(y / x), or -arctan(x / y) where that is the smaller quotient, plus a constant. On the negative x axis,
    where it jumps, it is continued from the side of y's zero: 0.0 or -0.0.
    """
    y, x = aligned(y, x)
    u, v = y._coef[0], x._coef[0]
    value = np.arctan2(u, v)
    steep = np.abs(u) > np.abs(v)
    unknown = ((u == 0) & (v == 0)) | (np.isinf(u) & np.isinf(v))
    below = replaced(y._like(np.where(steep, y._coef, x._coef)), np.where(unknown, 1, np.where(steep, u, v)))
    quotient = divide(y._like(np.where(steep, -x._coef, y._coef)), below)
    c = quotient_integral(quotient, shifted(square(quotient), 1), value)
    return singular.undefined(c, unknown)


@singular.warning_as(np.sinh)
def sinh(a: Data) -> Data:
    """Formula: s' = c a', c' = s a'."""
    return _sincos(a, np.sinh(a._coef[0]), np.cosh(a._coef[0]), 1.0)[0]


@singular.warning_as(np.cosh)
def cosh(a: Data) -> Data:
    """Formula: s' = c a', c' = s a'."""
    return _sincos(a, np.sinh(a._coef[0]), np.cosh(a._coef[0]), 1.0)[1]


def tanh(a: Data) -> Data:
    """Formula: c' = (1 - c**2) a'."""
    constant = a._coef[0]
    value = np.tanh(constant)
    if a.dtype.kind == "c":
        with np.errstate(over="ignore"):
            slope = 1 / np.square(np.cosh(constant))
    else:  # the same, without overflow
        small = np.exp(-2 * np.abs(constant))
        slope = 4 * small / np.square(1 + small)
    return singular.settled(a._like(series.riccati(a._space.tables, a._coef, value, slope, (0.0, -1.0))), value, a)


def arcsinh(a: Data) -> Data:
    """sqrt(1 + a**2) c' = a'."""
    value = np.arcsinh(a._coef[0])
    if a.dtype.kind != "c" and np.any(np.abs(a._coef[0]) > _LARGE):
        return quotient_integral(a, hypot(1.0, a), value)
    return quotient_integral(a, _root(shifted(square(a), 1)), value)


def arccosh(a: Data) -> Data:
    """sqrt(a - 1) sqrt(a + 1) c' = a'."""
    value = np.arccosh(a._coef[0])
    return quotient_integral(a, product(_root(shifted(a, -1)), _root(shifted(a, 1))), value)


def arctanh(a: Data) -> Data:
    """(1 - a**2) c' = a'."""
    value = np.arctanh(a._coef[0])
    return quotient_integral(a, _below_one(a), value)


@singular.warning_as(np.hypot)
def hypot(a: Any, b: Any) -> Data:
    """sqrt(a**2 + b**2), scaled so that nothing overflows."""
    a, b = aligned(a, b)
    value = np.hypot(a._coef[0], b._coef[0])
    size = np.where((value > 0) & np.isfinite(value), np.exp2(np.floor(np.log2(np.where(value > 0, value, 1)))), 1)
    a, b = scaled(a, size, np.divide), scaled(b, size, np.divide)
    total = a._like(product(a, a)._coef + product(b, b)._coef)
    return replaced(scaled(sqrt(total), size), value)


# Absolute values and signs; other functions in pieces are in pieces.py


def absolute(a: Data) -> Data:
    """Either a or -a; for complex coefficients the modulus, a function of real variables."""
    if a.dtype.kind == "c":
        real, imaginary = a._like(a._coef.real), a._like(a._coef.imag)
        return hypot(real, imaginary)
    return roots.absolute(a._like(np.where(np.signbit(a._coef[0]), -a._coef, a._coef)), a)


def sign(a: Data) -> Data:
    """-1, 0 or 1; for complex coefficients a / abs(a), a function of real variables."""
    return pieces.real_sign(a) if a.dtype.kind != "c" else replaced(divide(a, absolute(a)), np.sign(a._coef[0]))


def copysign(a: Any, b: Any) -> Data:
    """abs(a) with the sign of b."""
    direction = b._coef[0] if isinstance(b, Data) else b
    size = absolute(a) if isinstance(a, Data) else as_polynomial(np.abs(a), b)
    c = scaled(size, np.copysign(size.dtype.type(1), direction))
    return singular.undefined(c, direction == 0, b) if isinstance(b, Data) else c


# Linear functions of complex and of scaled arguments


def conjugate(a: Data) -> Data:
    """The conjugate, of a function of real variables."""
    return a._like(a._coef.conj())


def _linear(factor: np.ufunc) -> Callable[[Data], Data]:
    def converted(a: Data) -> Data:
        return replaced(scaled(a, factor(a.dtype.type(1))), factor(a._coef[0]))

    converted.__doc__ = f"{factor.__name__}: a constant factor."
    return converted


deg2rad, rad2deg = _linear(np.deg2rad), _linear(np.rad2deg)
