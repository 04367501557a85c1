"""Taylor coefficients f^(k)(x) / k! of special functions of one variable, (degree + 1, *x.shape), k from 1 on.

The constant term is left to the caller, who has it from SciPy. Each function has a formula that does not cancel: sums
of terms of one sign, or a recurrence in the direction in which it is stable. x is of type float64 or complex128.
"""

from __future__ import annotations

from math import comb, factorial, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
_BACKWARD_FROM = 0.25  # argument of erfcx from which its recurrence is run backward
_TAIL_BELOW, _NEAR = -1.2, 2.0  # arguments of log_ndtr


def _empty(x: Array, degree: int) -> Array:
    return np.zeros((degree + 1, *x.shape), x.dtype)


def exponential(exponent: Array, value: Array) -> Array:
    """Coefficients of exp of a series, given its value."""
    result = np.zeros_like(exponent)
    result[0] = value
    for k in range(1, len(exponent)):
        result[k] = sum(j * exponent[j] * result[k - j] for j in range(1, k + 1)) / k
    return result


def logarithm(series: Array) -> Array:
    """Coefficients of log of a series whose value is 1."""
    result = np.zeros_like(series)
    for k in range(1, len(series)):
        result[k] = series[k] - sum(j * result[j] * series[k - j] for j in range(1, k)) / k
    return result


def quotient(a: Array, b: Array) -> Array:
    """Coefficients of a / b."""
    result = np.zeros_like(b)
    for k in range(len(b)):
        result[k] = (a[k] - sum((b[j] * result[k - j] for j in range(1, k + 1)), np.zeros_like(a[k]))) / b[0]
    return result


# Gamma functions, DLMF 5.15 and 25.11


def log_gamma(x: Array, degree: int, scipy: Any) -> Array:
    """log(gamma): psi(x), then (-1)**k zeta(k, x) / k."""
    result = _empty(x, degree)
    for k in range(1, degree + 1):
        result[k] = scipy.psi(x) if k == 1 else (-1) ** k / k * _zeta(k, x, scipy)
    return result


def digamma(x: Array, degree: int, scipy: Any) -> Array:
    """The derivative of log(gamma)."""
    result = _empty(x, degree)
    for k in range(1, degree + 1):
        result[k] = (-1) ** (k + 1) * _zeta(k + 1, x, scipy)
    return result


def gamma(x: Array, degree: int, scipy: Any) -> Array:
    """The exponential of log(gamma), whatever the sign of gamma."""
    return exponential(log_gamma(x, degree, scipy), scipy.gamma(x))


def _zeta(k: int, x: Array, scipy: Any) -> Array:
    """Sum of (x + i)**-k, SciPy's for real x. For complex x the Euler-Maclaurin formula, DLMF 25.11.5, right of 0.5,
    where the sum is a smooth function of x; left of that by reflection, DLMF 5.15.6.
    """
    if x.dtype.kind != "c":
        values: Array = np.asarray(scipy.zeta(float(k), x))
        return values
    left = x.real < 0.5
    right = np.where(left, 1 - x, x)
    steps = 10 + k
    total = sum(((right + i) ** -float(k) for i in range(steps)), np.zeros_like(x))
    shifted = right + steps
    total = total + shifted ** (1.0 - k) / (k - 1) + shifted ** -float(k) / 2
    factor = k * shifted ** (-1.0 - k)
    for j, bernoulli in enumerate(_BERNOULLI, 1):
        total = total + bernoulli / factorial(2 * j) * factor
        factor = factor * (k + 2 * j - 1) * (k + 2 * j) / shifted**2
    if left.any():
        total = np.where(left, (-1) ** (k + 1) * (total + _cotangent(x, k - 1)), total)
    return total


def _cotangent(x: Array, k: int) -> Array:
    """Coefficient k > 0 of u(x) = pi cot(pi x): u' = -w, w' = -2 u w for w = (pi / sin(pi x))**2, of period 1."""
    far = np.abs(x.imag) > 100  # u' underflows long before
    angle = np.pi * np.where(far, 0.5, x - np.rint(x.real))
    u, w = _empty(x, k), _empty(x, k)
    u[0], w[0] = np.pi * np.cos(angle) / np.sin(angle), np.where(far, 0, np.pi / np.sin(angle)) ** 2
    for j in range(1, k + 1):
        u[j] = -w[j - 1] / j
        w[j] = -2 / j * sum(u[i] * w[j - 1 - i] for i in range(j))
    result: Array = u[k]
    return result


# Bessel functions, DLMF 10.6.7 and 10.29.5: terms of the sum have one sign where it matters


def bessel(order: int, x: Array, degree: int, function: Any, step: int, mirror: int, sign: int) -> Array:
    """C_n by C_n' = sign (C_(n-1) + step C_(n+1)) / 2 and C_(-n) = mirror**n C_n, for C = function(n, x)."""
    values = [function(n, x) for n in range(order + degree + 1)]
    result = _empty(x, degree)
    for k in range(1, degree + 1):
        for j in range(k + 1):
            n = order - k + 2 * j
            result[k] += step**j * comb(k, j) * (mirror**-n if n < 0 else 1) * values[abs(n)]
        result[k] *= sign**k / (2.0**k * factorial(k))
    return result


# Error functions


def erfcx(x: Array, degree: int, scipy: Any) -> Array:
    """(-2)**k y_k / y_0 for the repeated integrals of erfc, y_k = exp(x**2) i^k erfc(x): DLMF 7.18.7.

    y_n = y_(n-2) / (2 n) - x y_(n-1) / n: backward where that cancels, from the ratio it has far out.
    """
    value = np.asarray(scipy.erfcx(x))
    result = _empty(x, degree)
    result[0] = value
    with np.errstate(invalid="ignore", over="ignore"):
        before, last = np.full_like(value, 2 / sqrt(np.pi)), value
        for n in range(1, degree + 1):
            before, last = last, before / (2 * n) - x * last / n
            result[n] = last
    behind = x.real >= _BACKWARD_FROM
    if np.any(behind) and degree > 0:
        result[1:, behind] = value[behind] * _minimal_ratios(x[behind], degree)
    result *= ((-2.0) ** np.arange(degree + 1)).reshape(-1, *[1] * x.ndim)
    return result


def _minimal_ratios(x: Array, degree: int) -> Array:
    """y_n / y_0 for n = 1, 2, ... of the solution that decays, Gautschi, SIAM Review 9 (1967) 24-82."""
    many = int(((2 * degree) ** 0.5 + 12 / x.real.min()) ** 2 / 2) + degree + 20
    ratio = (np.sqrt(x * x + 2 * (many + 0.5)) - x) / (2 * (many + 0.5))
    ratios = np.zeros((degree, *x.shape), x.dtype)
    for n in range(many - 1, 0, -1):
        ratio = 1 / (2 * (x + (n + 1) * ratio))  # y_n / y_(n-1)
        if n <= degree:
            ratios[n - 1] = ratio
    return np.cumprod(ratios, axis=0)


def log_ndtr(x: Array, degree: int, scipy: Any) -> Array:
    """Log of the normal distribution: from its density for x > -1.2, below from log(erfcx(-x / sqrt(2))).

    In complex numbers there is no extended precision, and the second formula serves up to 0.
    """
    if degree == 0:
        return _empty(x, degree)
    above = x.real > (_TAIL_BELOW if x.dtype.kind == "f" else 0)
    result = _log_normal(np.where(above, x, 0), degree, scipy)
    if not np.all(above):
        result[...] = np.where(above, result, _log_normal_tail(np.where(above, -9, x), degree, scipy))
    return result


def _log_normal(x: Array, degree: int, scipy: Any) -> Array:
    """The integral of density / distribution. Where that quotient cancels, for |x| < 2, in extended precision."""
    near = np.abs(x) < _NEAR
    wide = x if x.dtype.kind == "c" else x.astype(np.longdouble)
    density = _empty(wide, degree)
    density[0] = np.exp(-np.square(wide) / 2) / np.sqrt(8 * np.arctan(wide.dtype.type(1)))
    for k in range(1, degree + 1):
        density[k] = -(wide * density[k - 1] + (density[k - 2] if k > 1 else 0)) / k
    term = np.where(near, wide, 0)
    centre = 0.5 + density[0] * _sum_of_products(term, np.square(term))
    value = np.where(near, centre, scipy.ndtr(x))
    counts = np.arange(1, degree + 1).reshape(-1, *[1] * x.ndim)
    distribution = np.concatenate([value[None], density[:-1] / counts])
    result = _empty(x, degree)
    result[1:] = quotient(density, distribution)[:-1] / counts
    return result


def _sum_of_products(term: Array, square: Array) -> Array:
    """X + x**3 / 3 + x**5 / (3 5) + ...: the distribution less 1/2, over its density."""
    total = term
    for n in range(3, 101, 2):
        term = term * square / n
        total = total + term
    return total


def _log_normal_tail(x: Array, degree: int, scipy: Any) -> Array:
    tail = erfcx(-x / sqrt(2), degree, scipy)
    result = logarithm(tail / tail[0])
    result *= ((-1 / sqrt(2)) ** np.arange(degree + 1)).reshape(-1, *[1] * x.ndim)
    result[1] = sqrt(2 / np.pi) / tail[0]
    result[2:3] -= 0.5
    return result


def inverse(value: Array, slope: Array, degree: int, curvature: float) -> Array:
    """C with c' = w, w' = curvature c w**2: erfinv (2) and ndtri (1), from c and w at x."""
    result, w = _empty(value, degree), _empty(value, degree)
    result[0], w[0] = value, slope
    squares = _empty(value, degree)
    for k in range(1, degree + 1):
        squares[k - 1] = sum(w[i] * w[k - 1 - i] for i in range(k))
        result[k] = w[k - 1] / k
        w[k] = curvature / k * sum(result[i] * squares[k - 1 - i] for i in range(k))
    return result
