"""Elementary functions of polynomials: for each NumPy ufunc the recurrence that serves it.

With a' for the derivation of `fastcalc._kernels.series`, most of them are integrals of a product or a quotient,
``c' = b a'`` or ``c' = a' / b``; the constant term comes from the NumPy function itself. Griewank, Walther, *Evaluating
Derivatives*, SIAM 2008, section 13.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._instructions import series
from fastcalc._taylor import singular
from fastcalc._taylor.data import Data
from fastcalc._taylor.operands import aligned, as_polynomial, operand, scaled, shifted

_FAST: dict[np.ufunc, Callable[[float], float]] = {
    np.exp: math.exp,
    np.log: math.log,
    np.sin: math.sin,
    np.cos: math.cos,
    np.sqrt: math.sqrt,
}
_HIGHEST_POWER = 1024  # of repeated multiplication


def _value(ufunc: np.ufunc, p: Data) -> Any:
    """The function of the constant terms; of a single float64 by `math`, which takes a tenth of the time."""
    constant = p._coef[0]
    if constant.__class__ is np.float64 and ufunc in _FAST:
        try:
            return _FAST[ufunc](constant)
        except (OverflowError, ValueError):  # NumPy has inf or NaN, and a warning, for these
            return float(ufunc(constant))
    return ufunc(constant)


def _replaced(p: Data, value: Any) -> Data:
    """p, which nobody else has, with another constant term."""
    p._coef[0] = value
    return p


# Arithmetic


def add(a: Any, b: Any) -> Data:
    """A + b."""
    if isinstance(a, Data) and isinstance(b, Data):
        p, q = aligned(a, b)
        return p._like(p._coef + q._coef)
    return shifted(a, b) if isinstance(a, Data) else shifted(b, a)


def subtract(a: Any, b: Any) -> Data:
    """A - b."""
    if isinstance(a, Data) and isinstance(b, Data):
        p, q = aligned(a, b)
        return p._like(p._coef - q._coef)
    return shifted(a, b, np.subtract) if isinstance(a, Data) else shifted(negative(b), a)


def multiply(a: Any, b: Any) -> Data:
    """A b."""
    if isinstance(a, Data) and isinstance(b, Data):
        a, b = aligned(a, b)
        return _product(a, b)
    return scaled(a, b) if isinstance(a, Data) else scaled(b, a)


def _product(a: Data, b: Data) -> Data:
    coef = series.multiply(a._space.tables, a._coef, b._coef)
    assert coef is not None  # of one shape and type
    return a._like(coef)


def divide(a: Any, b: Any) -> Data:
    """A / b; where b's constant term is 0 all terms are NaN or, as NumPy has it for numbers, infinite."""
    if not isinstance(b, Data):
        return scaled(a, b, np.divide)
    a, b = aligned(a, b)
    coef = series.divide(a._space.tables, a._coef, b._coef)
    assert coef is not None
    return singular.poles(a._like(coef), b, np.divide(a._coef[0], b._coef[0]))


def negative(a: Data) -> Data:
    """-a."""
    return a._like(-a._coef)


def positive(a: Data) -> Data:
    """A copy of a."""
    return a.copy()


def square(a: Data) -> Data:
    """a**2."""
    return _product(a, a)


def reciprocal(a: Data) -> Data:
    """1 / a."""
    return divide(1.0, a)


def power(a: Any, b: Any) -> Data:
    """a**b: products for integers b, a recurrence for other numbers, exp(b log(a)) for polynomials."""
    if not isinstance(b, Data):
        if np.ndim(b) == 0:
            return number_power(a, b[()] if isinstance(b, np.ndarray) else b)
        return _powers(a, b)
    if isinstance(a, Data) and not b._coef[1:].any():
        return power(a, b._coef[0])
    base = a._coef[0] if isinstance(a, Data) else a
    value = np.power(base, b._coef[0])
    if not isinstance(a, Data):
        logarithm = np.log(np.asarray(a, np.result_type(a, b.dtype)))
        return _exp_with(scaled(b, logarithm), value)
    return _exp_with(multiply(b, log(a)), value)


def _exp_with(p: Data, value: Any) -> Data:
    return singular.undefined(p._like(series.exp(p._space.tables, p._coef, value)), ~np.isfinite(p._coef[0]))


def number_power(a: Data, r: Any) -> Data:
    """a**r for one number r."""
    if isinstance(r, (complex, np.complexfloating)):
        if r.imag != 0:
            return _exp_with(scaled(log(a), r), np.power(a._coef[0], r))
        return number_power(a, r.real).astype(np.result_type(a.dtype, r), copy=False)
    if float(r).is_integer() and abs(r) <= _HIGHEST_POWER:
        # The reciprocal of the base, not of the power: division would amplify the rounding of all the products.
        whole = _integer_power(a if r >= 0 else reciprocal(a), abs(int(r)))
        if not isinstance(r, int):
            whole = whole.astype(np.result_type(whole.dtype, r), copy=False)
        return whole
    if r == 0.5:
        return sqrt(a)
    (a,) = aligned(a.astype(np.result_type(a.dtype, r), copy=False))
    exponent = (float(r),) if a.dtype != np.longdouble else np.array([r], a.dtype)
    c = a._like(series.power(a._space.tables, a._coef, exponent, np.power(a._coef[0], r)))
    return singular.powers(c, a, r)


def _integer_power(a: Data, n: int) -> Data:
    """a**n by repeated squaring, whatever the constant term."""
    if n == 0:
        return as_polynomial(np.ones(a.shape, a.dtype), a, a.dtype)
    result: Data | None = None
    while True:
        if n & 1:
            result = a if result is None else _product(result, a)
        n >>= 1
        if n == 0:
            return result.copy() if result is a else result  # type: ignore[return-value]  # set by the highest bit
        a = square(a)


def _powers(a: Data, b: NDArray[Any]) -> Data:
    """a**b for an array of numbers b: one power for each number among them."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    exponents = np.broadcast_to(b, shape)
    base = aligned(a, np.zeros(shape, np.result_type(a.dtype, b.dtype)))[0]
    coef = np.empty_like(base._coef)
    for r in np.unique(exponents):
        mine = exponents == r
        coef[:, mine] = number_power(base._like(np.ascontiguousarray(base._coef[:, mine])), r)._coef
    return base._like(coef)


# Roots, exponentials and logarithms


def sqrt(a: Data) -> Data:
    """C c = a."""
    return singular.powers(a._like(series.sqrt(a._space.tables, a._coef, _value(np.sqrt, a))), a, 0.5)


def cbrt(a: Data) -> Data:
    """A c' = c a' / 3."""
    third = np.array([1], a.dtype) / 3
    return singular.powers(a._like(series.power(a._space.tables, a._coef, third, np.cbrt(a._coef[0]))), a, 1 / 3)


def exp(a: Data) -> Data:
    """C' = c a'."""
    return a._like(series.exp(a._space.tables, a._coef, _value(np.exp, a)))


def exp2(a: Data) -> Data:
    """exp(a log(2))."""
    return a._like(series.exp(a._space.tables, a._coef * np.log(a.dtype.type(2)), np.exp2(a._coef[0])))


def expm1(a: Data) -> Data:
    """exp(a) - 1, with the constant term of expm1."""
    return _replaced(exp(a), np.expm1(a._coef[0]))


def log(a: Data) -> Data:
    """A c' = a'."""
    value = _value(np.log, a)
    return singular.undefined(a._like(series.log(a._space.tables, a._coef, value)), ~np.isfinite(value))


def log2(a: Data) -> Data:
    """log(a) / log(2)."""
    return _replaced(scaled(log(a), np.log(a.dtype.type(2)), np.divide), np.log2(a._coef[0]))


def log10(a: Data) -> Data:
    """log(a) / log(10)."""
    return _replaced(scaled(log(a), np.log(a.dtype.type(10)), np.divide), np.log10(a._coef[0]))


def log1p(a: Data) -> Data:
    """(1 + a) c' = a'."""
    return _quotient_integral(a, shifted(a, 1), np.log1p(a._coef[0]))


def _quotient_integral(a: Data, b: Data, value: Any) -> Data:
    """The c with b c' = a' and this constant term; undefined where that is, or b is 0, even if a seems constant:
    arccos(1 - x**2 / 2) has a kink that no degree below 2 sees.
    """
    c = a._like(series.quotient_integral(a._space.tables, a._coef, b._coef, value))
    return singular.undefined(c, ~np.isfinite(value) | (b._coef[0] == 0))


def _product_integral(a: Data, b: Data, value: Any) -> Data:
    """The c with c' = b a' and this constant term."""
    return a._like(series.product_integral(a._space.tables, a._coef, b._coef, value))


def logaddexp(a: Any, b: Any) -> Data:
    """B + log(1 + exp(a - b)), whose derivative by a - b is the logistic function."""
    a, b = aligned(a, b)
    difference = subtract(a, b)
    bend = _product_integral(difference, expit(difference), 0)
    return _replaced(add(b, bend), np.logaddexp(a._coef[0], b._coef[0]))


def logaddexp2(a: Any, b: Any) -> Data:
    """Logaddexp in base 2."""
    a, b = aligned(a, b)
    two = np.log(a.dtype.type(2))
    natural = logaddexp(scaled(a, two), scaled(b, two))
    return _replaced(scaled(natural, two, np.divide), np.logaddexp2(a._coef[0], b._coef[0]))


def expit(a: Data) -> Data:
    """The logistic function 1 / (1 + exp(-a)): c' = (c - c**2) a'."""
    constant = a._coef[0]
    small = np.exp(-np.abs(constant))
    slope = small / np.square(1 + small)
    value = np.where(constant >= 0, 1, small) / (1 + small)
    return a._like(series.riccati(a._space.tables, a._coef, value, slope, (1.0, -1.0)))


# Trigonometric and hyperbolic functions


def _sincos(a: Data) -> tuple[Data, Data]:
    sine, cosine = series.sincos(a._space.tables, a._coef, _value(np.sin, a), _value(np.cos, a), (-1.0,))
    return a._like(sine), a._like(cosine)


def _sinhcosh(a: Data) -> tuple[Data, Data]:
    sine, cosine = series.sincos(a._space.tables, a._coef, np.sinh(a._coef[0]), np.cosh(a._coef[0]), (1.0,))
    return a._like(sine), a._like(cosine)


def sin(a: Data) -> Data:
    """S' = c a', c' = -s a'."""
    return _sincos(a)[0]


def cos(a: Data) -> Data:
    """S' = c a', c' = -s a'."""
    return _sincos(a)[1]


def tan(a: Data) -> Data:
    """C' = (1 + c**2) a'."""
    value = np.tan(a._coef[0])
    return a._like(series.riccati(a._space.tables, a._coef, value, 1 + value * value, (0.0, 1.0)))


def arcsin(a: Data) -> Data:
    """sqrt(1 - a**2) c' = a'."""
    return _quotient_integral(a, _below_one(a), np.arcsin(a._coef[0]))


def arccos(a: Data) -> Data:
    """pi/2 - arcsin(a)."""
    return _replaced(negative(arcsin(a)), np.arccos(a._coef[0]))


def _below_one(a: Data) -> Data:
    """sqrt(1 - a**2), from factors that don't cancel near 1."""
    inside = _product(shifted(a, 1), shifted(negative(a), 1))
    return inside._like(series.sqrt(a._space.tables, inside._coef, np.sqrt(inside._coef[0])))


def arctan(a: Data) -> Data:
    """(1 + a**2) c' = a'."""
    return _quotient_integral(a, shifted(square(a), 1), np.arctan(a._coef[0]))


def arctan2(y: Any, x: Any) -> Data:
    """arctan(y / x), or -arctan(x / y) where that is the smaller quotient, plus a constant."""
    y, x = aligned(y, x)
    steep = np.abs(y._coef[0]) > np.abs(x._coef[0])
    quotient = divide(y._like(np.where(steep, -x._coef, y._coef)), y._like(np.where(steep, y._coef, x._coef)))
    value = np.arctan2(y._coef[0], x._coef[0])
    c = _quotient_integral(quotient, shifted(square(quotient), 1), value)
    return singular.undefined(_replaced(c, value), (y._coef[0] == 0) & (x._coef[0] == 0))


def sinh(a: Data) -> Data:
    """S' = c a', c' = s a'."""
    return _sinhcosh(a)[0]


def cosh(a: Data) -> Data:
    """S' = c a', c' = s a'."""
    return _sinhcosh(a)[1]


def tanh(a: Data) -> Data:
    """C' = (1 - c**2) a'."""
    constant = a._coef[0]
    with np.errstate(over="ignore"):
        slope = 1 / np.square(np.cosh(constant))
    return a._like(series.riccati(a._space.tables, a._coef, np.tanh(constant), slope, (0.0, -1.0)))


def arcsinh(a: Data) -> Data:
    """sqrt(1 + a**2) c' = a'."""
    return _quotient_integral(a, sqrt(shifted(square(a), 1)), np.arcsinh(a._coef[0]))


def arccosh(a: Data) -> Data:
    """sqrt(a**2 - 1) c' = a'."""
    inside = _product(shifted(a, 1), shifted(a, -1))
    root = inside._like(series.sqrt(a._space.tables, inside._coef, np.sqrt(inside._coef[0])))
    return _quotient_integral(a, root, np.arccosh(a._coef[0]))


def arctanh(a: Data) -> Data:
    """(1 - a**2) c' = a'."""
    return _quotient_integral(a, _product(shifted(a, 1), shifted(negative(a), 1)), np.arctanh(a._coef[0]))


def hypot(a: Any, b: Any) -> Data:
    """sqrt(a**2 + b**2), scaled so that nothing overflows."""
    a, b = aligned(a, b)
    value = np.hypot(a._coef[0], b._coef[0])
    size = np.where((value > 0) & np.isfinite(value), np.exp2(np.floor(np.log2(np.where(value > 0, value, 1)))), 1)
    a, b = scaled(a, size, np.divide), scaled(b, size, np.divide)
    total = a._like(_product(a, a)._coef + _product(b, b)._coef)
    return _replaced(scaled(sqrt(total), size), value)


# Functions in pieces


def absolute(a: Data) -> Data:
    """A or -a; for complex coefficients the modulus, a function of real variables."""
    if a.dtype.kind == "c":
        real, imaginary = a._like(a._coef.real), a._like(a._coef.imag)
        return hypot(real, imaginary)
    return singular.absolute(a._like(np.where(np.signbit(a._coef[0]), -a._coef, a._coef)), a)


def maximum(a: Any, b: Any) -> Data:
    """The larger one."""
    return _chosen(np.maximum, a, b)


def minimum(a: Any, b: Any) -> Data:
    """The smaller one."""
    return _chosen(np.minimum, a, b)


def fmax(a: Any, b: Any) -> Data:
    """The larger one, or the one that is not NaN."""
    return _chosen(np.fmax, a, b)


def fmin(a: Any, b: Any) -> Data:
    """The smaller one, or the one that is not NaN."""
    return _chosen(np.fmin, a, b)


def _chosen(ufunc: np.ufunc, a: Any, b: Any) -> Data:
    """One of both by their constant terms; where these are equal, the value and the terms both have in common."""
    a, b = aligned(a, b)
    u, v = a._coef[0], b._coef[0]
    value = ufunc(u, v)
    first = (value == u) | (np.isnan(value) & np.isnan(u))
    chosen = a._like(np.where(first, a._coef, b._coef))
    tied = u == v
    return singular.ties(chosen, a, b, ufunc in (np.maximum, np.fmax), tied) if np.any(tied) else chosen


def _steps(ufunc: np.ufunc, jumps: Callable[[Any, Any], Any]) -> Callable[[Data], Data]:
    """A function that is constant but for jumps where ``jumps(constant, value)``."""

    def stepped(a: Data) -> Data:
        value = ufunc(a._coef[0])
        return _constant(value, a, jumps(a._coef[0], value))

    stepped.__doc__ = f"{ufunc.__name__}: constant between its jumps, where it has no derivatives."
    return stepped


def _constant(value: Any, a: Data, jump: Any) -> Data:
    return singular.undefined(as_polynomial(value, a, a.dtype), jump | np.isnan(value), a)


floor = _steps(np.floor, lambda constant, value: constant == value)
ceil = _steps(np.ceil, lambda constant, value: constant == value)
trunc = _steps(np.trunc, lambda constant, value: (constant == value) & (value != 0))
rint = _steps(np.rint, lambda constant, value: np.abs(constant - value) == 0.5)
sign = _steps(np.sign, lambda constant, value: constant == 0)


def heaviside(a: Any, b: Any) -> Data:
    """0 or 1, b where a is 0."""
    if not isinstance(a, Data):
        return scaled(b, np.asarray(a) == 0)._like(
            np.where(np.asarray(a) == 0, aligned(b, a)[0]._coef, aligned(b, np.heaviside(a, 0.0))[1]._coef)
        )
    half = b._coef[0] if isinstance(b, Data) else b
    value = np.heaviside(a._coef[0], half)
    (a,) = aligned(a) if a.shape == np.shape(value) else aligned(a, np.zeros(np.shape(value)))[:1]
    return _constant(value, a, a._coef[0] == 0)


def floor_divide(a: Any, b: Any) -> Data:
    """floor(a / b)."""
    a, b = aligned(a, b)
    value = np.floor_divide(a._coef[0], b._coef[0])
    return singular.undefined(as_polynomial(value, a, a.dtype), value * b._coef[0] == a._coef[0], a, b)


def remainder(a: Any, b: Any) -> Data:
    """A - floor(a / b) b."""
    a, b = aligned(a, b)
    whole, rest = np.divmod(a._coef[0], b._coef[0])
    result = _replaced(a._like(a._coef - whole * b._coef), rest)
    return singular.undefined(result, (rest == 0) | np.isnan(rest), a, b)


def fmod(a: Any, b: Any) -> Data:
    """A - trunc(a / b) b."""
    a, b = aligned(a, b)
    rest = np.fmod(a._coef[0], b._coef[0])
    whole = np.rint((a._coef[0] - rest) / b._coef[0])
    result = _replaced(a._like(a._coef - whole * b._coef), rest)
    return singular.undefined(result, ((rest == 0) & (a._coef[0] != 0)) | np.isnan(rest), a, b)


def copysign(a: Any, b: Any) -> Data:
    """abs(a) with the sign of b."""
    signs = np.copysign(1.0, b._coef[0] if isinstance(b, Data) else b)
    if not isinstance(a, Data):
        a = as_polynomial(operand(a), b)
    return scaled(absolute(a), signs)


# Linear functions of complex and of scaled arguments


def conjugate(a: Data) -> Data:
    """The conjugate, of a function of real variables."""
    return a._like(a._coef.conj())


def _linear(factor: np.ufunc) -> Callable[[Data], Data]:
    def converted(a: Data) -> Data:
        return _replaced(scaled(a, factor(a.dtype.type(1))), factor(a._coef[0]))

    converted.__doc__ = f"{factor.__name__}: a constant factor."
    return converted


deg2rad, rad2deg = _linear(np.deg2rad), _linear(np.rad2deg)

# Every function on polynomials, by the ufunc that calls it. Arguments are polynomials, numbers or arrays of numbers.
UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: add,
    np.subtract: subtract,
    np.multiply: multiply,
    np.divide: divide,
    np.negative: negative,
    np.positive: positive,
    np.power: power,
    np.float_power: power,
    np.square: square,
    np.reciprocal: reciprocal,
    np.sqrt: sqrt,
    np.cbrt: cbrt,
    np.exp: exp,
    np.exp2: exp2,
    np.expm1: expm1,
    np.log: log,
    np.log2: log2,
    np.log10: log10,
    np.log1p: log1p,
    np.logaddexp: logaddexp,
    np.logaddexp2: logaddexp2,
    np.sin: sin,
    np.cos: cos,
    np.tan: tan,
    np.arcsin: arcsin,
    np.arccos: arccos,
    np.arctan: arctan,
    np.arctan2: arctan2,
    np.sinh: sinh,
    np.cosh: cosh,
    np.tanh: tanh,
    np.arcsinh: arcsinh,
    np.arccosh: arccosh,
    np.arctanh: arctanh,
    np.hypot: hypot,
    np.absolute: absolute,
    np.fabs: absolute,
    np.maximum: maximum,
    np.minimum: minimum,
    np.fmax: fmax,
    np.fmin: fmin,
    np.floor: floor,
    np.ceil: ceil,
    np.trunc: trunc,
    np.rint: rint,
    np.sign: sign,
    np.heaviside: heaviside,
    np.floor_divide: floor_divide,
    np.remainder: remainder,
    np.fmod: fmod,
    np.copysign: copysign,
    np.conjugate: conjugate,
    np.deg2rad: deg2rad,
    np.radians: deg2rad,
    np.rad2deg: rad2deg,
    np.degrees: rad2deg,
}

# Functions of the constant terms alone.
PREDICATES = frozenset({
    np.less, np.less_equal, np.equal, np.not_equal, np.greater, np.greater_equal, np.logical_and, np.logical_or,
    np.logical_xor, np.logical_not, np.isfinite, np.isinf, np.isnan, np.signbit,
})  # fmt: skip
