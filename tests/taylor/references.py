"""Slow twins of the Taylor algebra in certified ball arithmetic (python-flint), and the bounds its results must meet.

A polynomial is a list of coefficients over the multi-indices of a space: balls of 400 bits for the reference, plain
nonnegative floats for a bound. f(a + n), with n free of a constant term, is sum_k c_k n**k: the c_k are f's certified
series at a, the powers of n truncated products. The bound has the same form,

    |error_alpha| <= steps * (k + 2)**depth * eps * sum_j m_j (|n|**j)_alpha,     k = |alpha|, m_j >= |c_j|,

because every sensible algorithm is a sum of products of |coefficients|, about k roundings deep: cancellation *between*
these products is the only loss it is allowed. `steps` counts the recurrences a function takes; `depth` is 2 where a
recurrence carries on the errors of another one.
"""

from __future__ import annotations

import functools

import flint
import numpy as np

PRECISION = 400


def precise(function=None, *, bits=PRECISION):
    """Run a function in the working precision of the references, with room for long series."""
    if function is None:
        return functools.partial(precise, bits=bits)

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        cap = flint.ctx.cap
        flint.ctx.cap = 64
        try:
            with flint.ctx.workprec(bits):
                return function(*args, **kwargs)
        finally:
            flint.ctx.cap = cap

    return wrapper


# --- numbers ---------------------------------------------------------------------------------------------------------


def ball(value):
    """A NumPy number of any dtype as an exact ball."""
    if isinstance(value, (flint.arb, flint.acb)):
        return value
    if np.iscomplexobj(value):
        return flint.acb(ball(value.real), ball(value.imag))
    high = float(value)  # a long double is the sum of two doubles
    return flint.arb(high) if not np.isfinite(high) else flint.arb(high) + flint.arb(float(value - type(value)(high)))


def number(value):
    """The nearest double, or complex double."""
    return complex(value) if isinstance(value, flint.acb) else float(value)


def magnitude(value):
    return float(abs(value).abs_upper())


# --- truncated polynomials -------------------------------------------------------------------------------------------


class Indices:
    """The multi-indices of a space and which pairs of them multiply into it."""

    def __init__(self, exponents):
        self.exponents = [tuple(int(e) for e in row) for row in exponents]
        self.size = len(self.exponents)
        self.degrees = np.array([sum(alpha) for alpha in self.exponents], dtype=int)
        self.degree = int(self.degrees.max())  # nilpotent parts vanish beyond this power
        position = {alpha: i for i, alpha in enumerate(self.exponents)}
        self.pairs = [
            (i, j, k)
            for i, alpha in enumerate(self.exponents)
            for j, beta in enumerate(self.exponents)
            if (k := position.get(tuple(a + b for a, b in zip(alpha, beta, strict=True)))) is not None
        ]
        self.position = position
        self._columns = np.array(self.pairs).T

    def product(self, a, b):
        """The truncated product of two polynomials of balls."""
        out = [flint.arb(0)] * self.size
        zero = [_is_zero(x) for x in a]
        for i, j, k in self.pairs:
            if not zero[i]:
                out[k] = out[k] + a[i] * b[j]
        return out

    def absolute_product(self, a, b):
        """The truncated product of two polynomials of nonnegative floats."""
        i, j, k = self._columns
        return np.bincount(k, np.asarray(a)[i] * np.asarray(b)[j], minlength=self.size)


@functools.cache
def _indices(exponents, n_variables):
    return Indices(np.frombuffer(exponents, dtype=np.int64).reshape(-1, n_variables))


def indices(space):
    """The indices of a space, made once for equal sets."""
    exponents = np.ascontiguousarray(space.exponents, dtype=np.int64)
    return _indices(exponents.tobytes(), exponents.shape[1])


def _is_zero(value):
    return (value.real == 0 and value.imag == 0) if isinstance(value, flint.acb) else value == 0


@precise
def exact(coef):
    """Coefficients (n_terms,) as balls."""
    return [ball(c) for c in coef]


@precise
def product(space, a, b):
    return indices(space).product(a, b)


def absolute(coef):
    """The absolute values of coefficients as doubles, rounded up a little."""
    return np.array([magnitude(c) for c in coef]) * (1 + 2.0**-50)


def nilpotent(coef):
    return [coef[0] * 0, *coef[1:]]


@precise
def compose(space, series, inner):
    """sum_k series[k] * inner**k for an inner polynomial without constant term, by Horner's rule."""
    table = indices(space)
    out = [flint.arb(0)] * table.size
    for c in reversed(series[: table.degree + 1]):
        out = table.product(inner, out)
        out[0] = out[0] + c
    return out


def absolute_compose(space, series, inner):
    """The same in nonnegative floats."""
    table = indices(space)
    out = np.zeros(table.size)
    for c in list(series)[: table.degree + 1][::-1]:
        out = table.absolute_product(inner, out)
        out[0] += c
    return out


# --- univariate series -----------------------------------------------------------------------------------------------


@precise(bits=4 * PRECISION)  # so that cancellation inside the formula of a function leaves enough of them
def series(function, at, degree):
    """The coefficients c_0 ... c_degree of a function of flint's power series around `at`."""
    at = ball(at)
    kind = flint.acb_series if isinstance(at, flint.acb) else flint.arb_series
    found = function(kind([at, 1], prec=degree + 1))
    coefficients = [found[k] for k in range(degree + 1)]
    assert all(c.is_finite() and (c.rel_accuracy_bits() > 120 or magnitude(c) < 1e-60) for c in coefficients)
    return coefficients


def envelope(coefficients, *, start=1):
    """The Newton polygon of |c_k|: m_k = min_r max_j |c_j| r**(j - k), the largest term on the best circle.

    It fills coefficients that happen to vanish, as every second one of sin does at 0. c_0 takes no part with
    `start` = 1: the others do not come from it.
    """
    size = np.array([magnitude(c) for c in coefficients])
    out = size.copy()
    known = [k for k in range(start, len(size)) if size[k] > 0]
    for i in known:
        for j in known:
            for k in range(i + 1, j):
                share = (k - i) / (j - i)
                out[k] = max(out[k], np.exp((1 - share) * np.log(size[i]) + share * np.log(size[j])))
    return out


# --- comparison ------------------------------------------------------------------------------------------------------


@precise
def errors(coef, reference):
    """|coef - reference| as doubles; an entry that is not finite counts as infinitely wrong."""
    return np.array(
        [magnitude(ball(c) - r) if np.isfinite(c) else np.inf for c, r in zip(coef, reference, strict=True)]
    )


def tolerance(space, dtype, majorant, steps, depth=1):
    """steps * (k + 2)**depth * eps * majorant, and a few roundings of denormal numbers."""
    info = np.finfo(dtype)
    underflow = 16 * float(info.tiny) * float(info.eps) if info.dtype.itemsize <= 8 else 0.0
    return steps * (indices(space).degrees + 2) ** depth * float(info.eps) * np.asarray(majorant) + 64 * underflow


def assert_close(space, coef, reference, bound, context=""):
    """Every coefficient is within its bound; otherwise show the worst."""
    found = errors(coef, reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(found == 0, 0.0, found / bound)
    worst = int(np.nanargmax(ratio))
    assert ratio[worst] <= 1, (
        f"{context}: coefficient {indices(space).exponents[worst]} is {coef[worst]!r}, not"
        f" {number(reference[worst])!r}: {ratio[worst]:.3g} times the bound, {(ratio > 1).sum()} terms beyond it"
    )
