"""Slow twins of what fastcalc computes: loops and exact fractions that share no code with it."""

from __future__ import annotations

import functools
from fractions import Fraction

import mpmath
import numpy as np


class Recorder:
    """A function that keeps a copy of every point it was called at."""

    def __init__(self, f):
        self.f = f
        self.points = []

    def __call__(self, x, *args, **kwargs):
        self.points.append(np.array(x))
        return self.f(x, *args, **kwargs)

    @property
    def calls(self):
        return len(self.points)

    def array(self):
        """All points as columns, for vectorised functions too."""
        return np.concatenate([point.reshape(len(point), -1) for point in self.points], axis=1)


# --- stencils in rational arithmetic ---------------------------------------------------------------------------------


def offsets(n, accuracy, method):
    """Offsets of the shortest stencil of its kind."""
    if method == "central":
        reach = (n + 1) // 2 - 1 + accuracy // 2
        return list(range(-reach, reach + 1))
    sign = 1 if method == "forward" else -1
    return [sign * k for k in range(n + accuracy)]


@functools.cache
def weights(at, n):
    """Weights for the n-th derivative: the moments sum_k w_k k**m = n! [m == n], solved by elimination."""
    size = len(at)
    rows = [[Fraction(k) ** m for k in at] + [Fraction(0)] for m in range(size)]
    factorial = Fraction(1)
    for k in range(2, n + 1):
        factorial *= k
    rows[n][-1] = factorial
    for i in range(size):
        pivot = next(r for r in range(i, size) if rows[r][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [entry / rows[i][i] for entry in rows[i]]
        for r in range(size):
            if r != i:
                rows[r] = [a - rows[r][i] * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [row[-1] for row in rows]


def difference(precise, x, h, n, accuracy, method):
    """What a stencil gives without rounding, and the sum of absolute weights over h**n that amplifies rounding."""
    at = offsets(n, accuracy, method)
    w = weights(tuple(at), n)
    with mpmath.workdps(60):
        x, h = mpmath.mpf(float(x)), mpmath.mpf(float(h))
        terms = (mpmath.mpf(c.numerator) / c.denominator * precise(x + k * h) for c, k in zip(w, at, strict=True))
        return mpmath.fsum(terms) / h**n, float(sum(abs(c) for c in w)) / float(h) ** n


@functools.cache
def exact_derivatives(precise, x, count):
    """Derivatives 0 to `count` of a function of mpmath numbers."""
    with mpmath.workdps(80):
        coefficients = mpmath.taylor(precise, mpmath.mpf(x), count)
        return [float(c * mpmath.factorial(k)) for k, c in enumerate(coefficients)]


# --- plain loops in the precision of x ------------------------------------------------------------------------------


def _moved(x, *moves):
    x = np.array(x)
    for index, by in moves:
        x[index] += by
    return x


def gradient(f, x, h):
    """Central differences of a function of x (n,) with any output, last axis the variables."""
    columns = [(f(_moved(x, (i, h[i]))) - f(_moved(x, (i, -h[i])))) / (2 * h[i]) for i in range(len(x))]
    return np.stack(columns, axis=-1)


def one_sided(f, x, h, accuracy, sign):
    """One-sided differences from exact weights."""
    at = offsets(1, accuracy, "forward" if sign > 0 else "backward")
    w = weights(tuple(at), 1)
    columns = []
    for i in range(len(x)):
        terms = [float(c) * f(_moved(x, (i, k * h[i]))) for c, k in zip(w, at, strict=True)]
        columns.append(sum(terms) / h[i])
    return np.stack(columns, axis=-1)


def hessian(f, x, h):
    """The formula in 1 + n + n**2 points."""
    n = len(x)
    base = f(x)
    plus = [f(_moved(x, (i, h[i]))) for i in range(n)]
    minus = [f(_moved(x, (i, -h[i]))) for i in range(n)]
    result = np.empty((n, n), np.result_type(base, x))
    for i in range(n):
        result[i, i] = ((plus[i] - base) + (minus[i] - base)) / h[i] ** 2
        for j in range(i):
            both = f(_moved(x, (i, h[i]), (j, h[j]))) + f(_moved(x, (i, -h[i]), (j, -h[j])))
            single = plus[i] + plus[j] + minus[i] + minus[j]
            result[i, j] = result[j, i] = (both - single + 2 * base) / (2 * h[i] * h[j])
    return result


# --- derivatives of drawn functions of many variables, by jets ------------------------------------------------------

# function, first and second derivative: entire, or without singularities on the real axis
SMOOTH = {
    "sin": (np.sin, np.cos, lambda t: -np.sin(t)),
    "cos 9": (lambda t: np.cos(9 * t), lambda t: -9 * np.sin(9 * t), lambda t: -81 * np.cos(9 * t)),
    "exp": (np.exp, np.exp, np.exp),
    "square": (lambda t: t * t, lambda t: 2 * t, lambda t: 2.0),
    "tanh": (np.tanh, lambda t: 1 / np.cosh(t) ** 2, lambda t: -2 * np.tanh(t) / np.cosh(t) ** 2),
    "root": (lambda t: np.sqrt(1 + t * t), lambda t: t / np.sqrt(1 + t * t), lambda t: (1 + t * t) ** -1.5),
    "log": (lambda t: np.log(2 + t * t), lambda t: 2 * t / (2 + t * t), lambda t: (4 - 2 * t * t) / (2 + t * t) ** 2),
    "inverse": (
        lambda t: 1 / (1.5 + t * t),
        lambda t: -2 * t / (1.5 + t * t) ** 2,
        lambda t: (6 * t * t - 3) / (1.5 + t * t) ** 3,
    ),
}


def drawn_function(rng, depth, n):
    """A tree of sums, products and functions of variables and constants: tuples, the kind first."""
    kind = rng.integers(4) if depth else 0
    if kind == 0:
        return ("variable", int(rng.integers(n))) if rng.random() < 0.75 else ("constant", round(2 * rng.normal(), 2))
    if kind == 3:
        return str(rng.choice(list(SMOOTH))), drawn_function(rng, depth - 1, n)
    return ["sum", "product"][kind - 1], drawn_function(rng, depth - 1, n), drawn_function(rng, depth - 1, n)


def evaluated(tree, x):
    """Its value at x (n,) or (n, k)."""
    kind, *parts = tree
    if kind == "variable":
        return x[parts[0]]
    if kind == "constant":
        return 0 * x[0] + parts[0]
    values = [evaluated(part, x) for part in parts]
    return (
        values[0] + values[1]
        if kind == "sum"
        else values[0] * values[1]
        if kind == "product"
        else SMOOTH[kind][0](*values)
    )


def jet(tree, x):
    """Value, gradient and Hessian at x (n,), by the rules of sums, products and chains."""
    kind, *parts = tree
    n = len(x)
    if kind in ("variable", "constant"):
        return evaluated(tree, x), np.eye(n)[parts[0]] if kind == "variable" else np.zeros(n), np.zeros((n, n))
    (u, du, ddu), *rest = (jet(part, x) for part in parts)
    if kind not in ("sum", "product"):
        value, first, second = (derivative(u) for derivative in SMOOTH[kind])
        return value, first * du, first * ddu + second * np.outer(du, du)
    ((v, dv, ddv),) = rest
    if kind == "sum":
        return u + v, du + dv, ddu + ddv
    return u * v, u * dv + v * du, u * ddv + v * ddu + np.outer(du, dv) + np.outer(dv, du)
