"""The elementary and special functions of one variable: their certified series, domains and hard points.

`points` are drawn at random from `domain`; `radius` is the distance to the nearest singularity (or the scale on which
an entire function changes), to which the other coefficients of random arguments are scaled. `steps` is the small
integer of the error bound: the number of recurrences or products between the argument and the result. `depth` is 2
where a recurrence carries on the rounding errors of another one, about k terms of them to the k-th term.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np


@dataclass(frozen=True)
class Function:
    """A function of one variable in NumPy (or SciPy, by name) and in flint's power series."""

    name: str
    series: Callable[[Any], Any]
    domain: tuple[float, float]
    radius: Callable[[float], float]
    extremes: tuple[float, ...] = ()
    steps: int = 2
    depth: int = 1
    start: int = 1  # coefficients from here on bound each other
    scipy: bool = False

    def __str__(self):
        return self.name

    @property
    def ufunc(self):
        if not self.scipy:
            return getattr(np, self.name)
        import scipy.special

        return getattr(scipy.special, self.name)

    def supports(self, dtype):
        """Whether NumPy or SciPy has a loop for this dtype."""
        code = np.dtype(dtype).char
        return f"{code}->{code}" in self.ufunc.types


def one(x):
    return x * 0 + 1


def imaginary(x):
    return isinstance(x, flint.acb_series)


def log(x):
    return x.log()


def asin(x):
    return (x / ((1 - x) * (1 + x)).sqrt()).atan() if imaginary(x) else x.asin()


def asinh(x):
    if not imaginary(x) and x[0] < 0:
        return -asinh(-x)
    return (x + (x * x + 1).sqrt()).log()


def acosh(x):
    return (x + (x - 1).sqrt() * (x + 1).sqrt()).log()


def atanh(x):
    return ((1 + x).log() - (1 - x).log()) / 2


def sinh(x):
    return (x.exp() - (-x).exp()) / 2


def cosh(x):
    return (x.exp() + (-x).exp()) / 2


def tan(x):
    return x.sin() / x.cos()


def cbrt(x):
    return (x.log() / 3).exp() if x[0] > 0 else -((-x).log() / 3).exp()


def lgamma(x):
    gamma = x.gamma()
    return gamma.log() if imaginary(x) or gamma[0] > 0 else (-gamma).log()


def digamma(x):
    longer = type(x)([x[0], 1], prec=x.prec + 1)
    return lgamma(longer).derivative()


def bessel(order):
    """J_n by its derivatives, J^(k) = 2**-k sum_i (-1)**i C(k, i) J_(n - k + 2 i): exact balls at any point."""

    def series(x):
        at = x[0]
        values = {m: at.bessel_j(m) for m in range(order - x.prec, order + x.prec + 1)}
        derivatives = [
            sum(((-1) ** i * math.comb(k, i) * values[order - k + 2 * i] for i in range(k + 1)), flint.arb(0)) / 2**k
            for k in range(x.prec)
        ]
        coefficients = [d / math.factorial(k) for k, d in enumerate(derivatives)]
        return flint.arb_series(coefficients, prec=x.prec)

    return series


def log_ndtr(x):
    return ((-x / flint.arb(2).sqrt()).erfc() / 2).log()


def expit(x):
    return 1 / (1 + (-x).exp())


def constant(radius):
    return lambda a: radius


def to(*singularities):
    return lambda a: min(abs(a - s) for s in singularities)


def circle(a):
    """The distance to +-i."""
    return math.hypot(1, a)


def to_pole(a):
    """The distance to 0, -1, -2, ..."""
    return a if a > 0 else abs(a - round(a))


def to_odd_quarter(a):
    """The distance to the odd multiples of pi / 2."""
    return abs((a % math.pi) - math.pi / 2)


LN2, LN10 = flint.arb(2).log, flint.arb(10).log

FUNCTIONS = [
    Function("exp", lambda x: x.exp(), (-5, 5), constant(1.0), (1e-8, 300.0, -300.0)),
    Function("exp2", lambda x: (x * LN2()).exp(), (-5, 5), constant(1.0), (1e-8, 500.0, -500.0)),
    Function("expm1", lambda x: x.exp() - 1, (-5, 5), constant(1.0), (1e-12, -1e-12, 1e-300, 40.0, -40.0, -700.0)),
    Function("log", log, (0.1, 10), to(0), (1e-8, 1e8, 1 - 1e-10, 1 + 1e-10)),
    Function("log2", lambda x: x.log() / LN2(), (0.1, 10), to(0), (1e-8, 1e8, 1 + 1e-10)),
    Function("log10", lambda x: x.log() / LN10(), (0.1, 10), to(0), (1e-8, 1e8, 1 + 1e-10)),
    Function("log1p", lambda x: (1 + x).log(), (-0.9, 5), to(-1), (1e-12, -1e-12, 1e-300, -1 + 1e-8, 1e8)),
    Function("sqrt", lambda x: x.sqrt(), (0.1, 10), to(0), (1e-8, 1e8, 1e-200, 1e200)),
    Function("cbrt", cbrt, (-10, 10), to(0), (1e-8, -1e-8, 1e8, -1e8)),
    Function("square", lambda x: x * x, (-3, 3), constant(1.0), (0.0, 1e-8, 1e8)),
    Function("reciprocal", lambda x: 1 / x, (-3, 3), to(0), (1e-8, -1e8)),
    Function("negative", lambda x: -x, (-3, 3), constant(1.0), (0.0,)),
    Function("positive", lambda x: x, (-3, 3), constant(1.0), (0.0,)),
    Function("radians", lambda x: x * flint.arb.pi() / 180, (-300, 300), constant(90.0), (0.0,)),
    Function("degrees", lambda x: x * 180 / flint.arb.pi(), (-3, 3), constant(1.0), (0.0,)),
    Function("deg2rad", lambda x: x * flint.arb.pi() / 180, (-300, 300), constant(90.0), (0.0,)),
    Function("rad2deg", lambda x: x * 180 / flint.arb.pi(), (-3, 3), constant(1.0), (0.0,)),
    Function("absolute", lambda x: x if x[0] > 0 else -x, (-3, 3), to(0), (1e-300, -1e-300)),
    Function("fabs", lambda x: x if x[0] > 0 else -x, (-3, 3), to(0), (1e-300, -1e-300)),
    Function("sin", lambda x: x.sin(), (-5, 5), constant(1.0), (0.0, 1e-8, math.pi, 1e8)),
    Function("cos", lambda x: x.cos(), (-5, 5), constant(1.0), (0.0, 1e-8, math.pi / 2, 1e8)),
    Function("tan", tan, (-5, 5), to_odd_quarter, (0.0, 1e-8, 1.5707, math.pi, 1e8), 4),
    Function("arcsin", asin, (-0.95, 0.95), to(-1, 1), (0.0, 1e-8, 0.999, -0.999, 1 - 1e-10), 2, 2),
    Function("arccos", lambda x: x.acos() if not imaginary(x) else flint.acb.pi() / 2 - asin(x), (-0.95, 0.95),
             to(-1, 1), (0.0, 1e-8, 0.999, -0.999, 1 - 1e-10), 2, 2),
    Function("arctan", lambda x: x.atan(), (-5, 5), circle, (0.0, 1e-8, 1e8, -1e8), 2, 2),
    Function("sinh", sinh, (-5, 5), constant(1.0), (0.0, 1e-12, 30.0, -30.0)),
    Function("cosh", cosh, (-5, 5), constant(1.0), (0.0, 1e-12, 30.0, -30.0)),
    Function("tanh", lambda x: sinh(x) / cosh(x), (-3, 3), lambda a: math.hypot(a, 1.5), (0.0, 1e-12, 20.0, -20.0), 4),
    Function("arcsinh", asinh, (-5, 5), circle, (0.0, 1e-12, 1e8, -1e8), 2, 2),
    Function("arccosh", acosh, (1.05, 5), to(1), (1.0001, 1 + 1e-10, 1e8), 2, 2),
    Function("arctanh", atanh, (-0.95, 0.95), to(-1, 1), (0.0, 1e-12, 0.999, -1 + 1e-10), 2, 2),
    Function("erf", lambda x: x.erf(), (-3, 3), constant(0.5), (0.0, 1e-12, 5.0, -5.0), 4, 1, 0, True),
    Function("erfc", lambda x: x.erfc(), (-3, 3), constant(0.5), (0.0, 1e-12, 20.0, -5.0), 4, 1, 0, True),
    Function("gamma", lambda x: x.gamma(), (0.2, 8), to_pole, (-0.5, -2.5, 1e-8, 100.5), 16, 1, 0, True),
    Function("gammaln", lgamma, (0.2, 8), to_pole, (-0.5, 1e-8, 1e3, 1e8), 16, 1, 0, True),
    Function("digamma", digamma, (0.2, 8), to_pole, (-0.5, 1e-8, 1e3, 1e8), 16, 1, 0, True),
    Function("j0", bessel(0), (-6, 6), constant(1.0), (0.0, 1e-8, 30.0), 16, 1, 0, True),
    Function("j1", bessel(1), (-6, 6), constant(1.0), (0.0, 1e-8, 30.0), 16, 1, 0, True),
    Function("expit", expit, (-6, 6), lambda a: math.hypot(a, 3), (0.0, 1e-12, 40.0, -40.0, -700.0), 4, 1, 1, True),
    Function("logit", lambda x: x.log() - (1 - x).log(), (0.05, 0.95), to(0, 1), (1e-8, 1 - 1e-10, 0.5), 4, 1, 1, True),
    Function("log_ndtr", log_ndtr, (-4, 4), constant(0.5), (0.0, 10.0, -20.0, -1e3), 8, 2, 1, True),
]  # fmt: skip
