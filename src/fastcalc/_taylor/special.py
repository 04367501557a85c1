"""Functions of scipy.special that polynomials know, without importing SciPy: who calls one has imported it.

Constant terms are SciPy's own. The other terms come from a recurrence where the derivative is elementary, and else from
the Taylor series of one variable in `fastcalc._taylor.univariate`, into which the polynomial is put.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._instructions import series
from fastcalc._taylor import elementary, singular, univariate
from fastcalc._taylor.data import Data
from fastcalc._taylor.elementary import product_integral, quotient_integral
from fastcalc._taylor.operands import aligned, scaled, shifted

Handler = Callable[..., Data]

_MODULES = ("scipy.special", "scipy.special._ufuncs")  # SciPy may wrap the ufuncs, which come from the second


def find(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """The version for polynomials of a ufunc of scipy.special, None if there is none."""
    for module in _MODULES:
        if getattr(sys.modules.get(module), ufunc.__name__, None) is ufunc:
            return _bound(ufunc)
    return None


@cache
def _bound(ufunc: np.ufunc) -> Callable[..., Any] | None:
    handler = _HANDLERS.get(ufunc.__name__)
    return None if handler is None else partial(handler, ufunc)


def _replaced(p: Data, value: Any) -> Data:
    """p, which nobody else has, with another constant term."""
    p._coef[0] = value
    return p


# Derivatives that are elementary


def _as(function: Callable[[Data], Data]) -> Handler:
    """An elementary function, with SciPy's constant term."""

    def same(ufunc: np.ufunc, a: Data) -> Data:
        value = ufunc(a._coef[0])
        with np.errstate(all="ignore"):  # SciPy has warned, or does not
            c = function(a)
        return singular.settled(_replaced(c, value), value, a)

    return same


def _gaussian(factor: float, curvature: float) -> Handler:
    """C' = factor exp(curvature a**2) a': erf, erfc, ndtr."""

    def integral(ufunc: np.ufunc, a: Data) -> Data:
        value = ufunc(a._coef[0])
        bell = elementary.exp(scaled(elementary.square(a), curvature))
        return singular.settled(_replaced(scaled(product_integral(a, bell, 0), factor), value), value, a)

    return integral


def _exponential_integral(sign: float) -> Handler:
    """C' = sign exp(sign a) / a a': expi and exp1."""

    def integral(ufunc: np.ufunc, a: Data) -> Data:
        value = ufunc(a._coef[0])
        slope = elementary.exp(a if sign > 0 else elementary.negative(a))
        safe = _replaced(a.copy(), np.where(a._coef[0] == 0, 1, a._coef[0]))
        c = product_integral(a, elementary.divide(scaled(slope, sign), safe), value)
        return singular.settled(c, value)

    return integral


def _logit(ufunc: np.ufunc, a: Data) -> Data:
    """A (1 - a) c' = a'."""
    value = ufunc(a._coef[0])
    return quotient_integral(a, elementary.multiply(a, shifted(elementary.negative(a), 1)), value)


def _log_expit(ufunc: np.ufunc, a: Data) -> Data:
    """C' = expit(-a) a'."""
    value = ufunc(a._coef[0])
    return singular.settled(product_integral(a, elementary.expit(elementary.negative(a)), value), value, a)


def _log_of(y: Data, edge: float) -> tuple[Data, Any]:
    """log(y), and where there is none: there it is that of another number. `edge` -1: log(1 + y)."""
    outside = np.zeros(y.shape, np.bool_) if y.dtype.kind == "c" else ~(y._coef[0] > edge)
    outside = outside | (y._coef[0] == edge)
    safe = _replaced(y.copy(), np.where(outside, 1, y._coef[0]))
    return (elementary.log if edge == 0 else elementary.log1p)(safe), outside


def _x_log(edge: float) -> Handler:
    """X log(y) or x log(1 + y), 0 where x is, if y is no NaN."""

    def product(ufunc: np.ufunc, x: Any, y: Any) -> Data:
        x, y = aligned(x, y)
        value = ufunc(x._coef[0], y._coef[0])
        log, outside = _log_of(y, edge)
        nothing = ~x._coef.any(axis=0) & ~np.isnan(y._coef[0])
        c = _replaced(elementary.multiply(x, log), value)
        singular.undefined(c, outside | ~np.isfinite(value))
        c._coef[1:] = np.where(nothing, 0, c._coef[1:])
        return c

    return product


def _entr(ufunc: np.ufunc, a: Data) -> Data:
    """C' = -(1 + log(a)) a'."""
    value = ufunc(a._coef[0])
    log, outside = _log_of(a, 0.0)
    c = product_integral(a, elementary.negative(shifted(log, 1)), value)
    return singular.undefined(c, outside | ~np.isfinite(value))


def _relative_entropy(centred: bool) -> Handler:
    """X log(x / y), whose derivatives are log(x / y) + 1 and -x / y; `centred`: minus x, plus y."""

    def integral(ufunc: np.ufunc, x: Any, y: Any) -> Data:
        x, y = aligned(x, y)
        value = ufunc(x._coef[0], y._coef[0])
        outside = ~((x._coef[0] > 0) & (y._coef[0] > 0))
        p, q = (_replaced(z.copy(), np.where(outside, 1, z._coef[0])) for z in (x, y))
        log = _replaced(elementary.subtract(elementary.log(p), elementary.log(q)), np.log(p._coef[0] / q._coef[0]))
        by_x = log if centred else shifted(log, 1)
        by_y = elementary.divide(elementary.subtract(q, p) if centred else elementary.negative(p), q)
        c = elementary.add(product_integral(p, by_x, value), product_integral(q, by_y, 0))
        singular.undefined(c, outside | ~np.isfinite(value))
        nothing = ~x._coef.any(axis=0) & (y._coef[0] > 0)
        c._coef[1:] = np.where(nothing, y._coef[1:] if centred else 0, c._coef[1:])
        return c

    return integral


# Series of one variable


def _point(a: Data) -> NDArray[Any]:
    return np.asarray(a._coef[0], np.complex128 if a.dtype.kind == "c" else np.float64)


def compose(a: Data, coefficients: NDArray[Any], value: Any) -> Data:
    """Sum of coefficients[k] (a - a_0)**k with this constant term; not defined where that is not finite."""
    with np.errstate(over="ignore"):
        g = np.ascontiguousarray(coefficients, a.dtype)
    g[0] = value
    return singular.settled(a._like(series.compose(a._space.tables, a._coef, g)), value)


def _univariate(coefficients: Callable[[NDArray[Any], int, Any], NDArray[Any]]) -> Handler:
    def composed(ufunc: np.ufunc, a: Data) -> Data:
        value = ufunc(a._coef[0])
        with np.errstate(all="ignore"):
            g = coefficients(_point(a), a._space.degree, sys.modules["scipy.special"])
        return compose(a, g, value)

    return composed


def _bessel(order: int, name: str, step: int, mirror: int, sign: int = 1) -> Handler:
    def coefficients(x: NDArray[Any], degree: int, scipy: Any) -> NDArray[Any]:
        return univariate.bessel(order, x, degree, getattr(scipy, name), step, mirror, sign)

    return _univariate(coefficients)


def _ndtri(x: NDArray[Any], degree: int, scipy: Any) -> NDArray[Any]:
    """Dx / dp = 1 / density, and density / p = sqrt(2 / pi) / erfcx(-x / sqrt(2)), from the nearer tail."""
    value = np.asarray(scipy.ndtri(x))
    near = np.minimum(x, 1 - x)
    slope = scipy.erfcx(np.abs(value) / sqrt(2)) / (near * sqrt(2 / pi))
    return univariate.inverse(value, slope, degree, 1.0)


def _erfinv(x: NDArray[Any], degree: int, scipy: Any) -> NDArray[Any]:
    """Dy / dx = sqrt(pi) / 2 exp(y**2), and exp(y**2) = erfcx(y) / (1 - x)."""
    value = np.asarray(scipy.erfinv(x))
    return univariate.inverse(value, sqrt(pi) / 2 * scipy.erfcx(np.abs(value)) / (1 - np.abs(x)), degree, 2.0)


def _erfcinv(x: NDArray[Any], degree: int, scipy: Any) -> NDArray[Any]:
    """The same from exp(y**2) = erfcx(y) / x."""
    value = np.asarray(scipy.erfcinv(x))
    slope = -sqrt(pi) / 2 * scipy.erfcx(np.abs(value)) / np.minimum(x, 2 - x)
    return univariate.inverse(value, slope, degree, 2.0)


def _log_beta(a: Data, b: Data) -> Data:
    """gammaln(a) + gammaln(b) - gammaln(a + b), up to its constant term."""
    total = elementary.add(a, b)
    scipy = sys.modules["scipy.special"]
    with np.errstate(all="ignore"):
        parts = [compose(p, univariate.log_gamma(_point(p), p._space.degree, scipy), 0.0 * p._coef[0])
                 for p in (a, b, total)]  # fmt: skip
    return a._like(parts[0]._coef + parts[1]._coef - parts[2]._coef)


def _betaln(ufunc: np.ufunc, a: Any, b: Any) -> Data:
    a, b = aligned(a, b)
    value = ufunc(a._coef[0], b._coef[0])
    return singular.settled(_replaced(_log_beta(a, b), value), value)


def _beta(ufunc: np.ufunc, a: Any, b: Any) -> Data:
    a, b = aligned(a, b)
    value = ufunc(a._coef[0], b._coef[0])
    return singular.settled(a._like(series.exp(a._space.tables, _log_beta(a, b)._coef, value)), value)


_HANDLERS: dict[str, Handler] = {
    "erf": _gaussian(2 / sqrt(pi), -1.0),
    "erfc": _gaussian(-2 / sqrt(pi), -1.0),
    "ndtr": _gaussian(1 / sqrt(2 * pi), -0.5),
    "erfcx": _univariate(univariate.erfcx),
    "erfinv": _univariate(_erfinv),
    "erfcinv": _univariate(_erfcinv),
    "ndtri": _univariate(_ndtri),
    "log_ndtr": _univariate(univariate.log_ndtr),
    "expit": _as(elementary.expit),
    "log_expit": _log_expit,
    "logit": _logit,
    "expi": _exponential_integral(1.0),
    "exp1": _exponential_integral(-1.0),
    "xlogy": _x_log(0.0),
    "xlog1py": _x_log(-1.0),
    "entr": _entr,
    "rel_entr": _relative_entropy(False),
    "kl_div": _relative_entropy(True),
    "gamma": _univariate(univariate.gamma),
    "gammaln": _univariate(univariate.log_gamma),
    "loggamma": _univariate(univariate.log_gamma),
    "psi": _univariate(univariate.digamma),
    "beta": _beta,
    "betaln": _betaln,
    "j0": _bessel(0, "jv", -1, -1),
    "j1": _bessel(1, "jv", -1, -1),
    "y0": _bessel(0, "yv", -1, -1),
    "y1": _bessel(1, "yv", -1, -1),
    "i0": _bessel(0, "iv", 1, 1),
    "i1": _bessel(1, "iv", 1, 1),
    "k0": _bessel(0, "kv", 1, 1, -1),
    "k1": _bessel(1, "kv", 1, 1, -1),
    "expm1": _as(elementary.expm1),
    "log1p": _as(elementary.log1p),
    "exp2": _as(elementary.exp2),
    "exp10": _as(lambda a: elementary.exp(scaled(a, np.log(a.dtype.type(10))))),
    "cbrt": _as(elementary.cbrt),
    "cosm1": _as(elementary.cos),
}
