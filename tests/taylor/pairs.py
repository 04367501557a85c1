"""Functions of two polynomials in certified arithmetic, each with the majorant that bounds its rounding errors."""

from __future__ import annotations

import flint
import numpy as np

from tests.taylor import references
from tests.taylor.references import absolute_compose, compose, envelope, exact, indices, nilpotent, precise, series


class Pair:
    """A function's reference in progress: balls and the majorant that bounds their rounding errors."""

    def __init__(self, space, coef, majorant):
        self.space, self.coef, self.majorant = space, coef, majorant

    @classmethod
    def of(cls, space, coef):
        balls = exact(coef)
        return cls(space, balls, references.absolute(balls))

    @precise
    def __add__(self, other):
        sums = [a + b for a, b in zip(self.coef, other.coef, strict=True)]
        return Pair(self.space, sums, self.majorant + other.majorant)

    @precise
    def __sub__(self, other):
        differences = [a - b for a, b in zip(self.coef, other.coef, strict=True)]
        return Pair(self.space, differences, self.majorant + other.majorant)

    @precise
    def __mul__(self, other):
        table = indices(self.space)
        return Pair(
            self.space,
            table.product(self.coef, other.coef),
            table.absolute_product(self.majorant, other.majorant),
        )

    @precise
    def times(self, factor):
        return Pair(self.space, [c * factor for c in self.coef], self.majorant * references.magnitude(factor))

    @precise
    def apply(self, function):
        """The function composed with this; its majorant composed with this one's."""
        known = series(function, self.coef[0], indices(self.space).degree + 2)
        inner = self.majorant.copy()
        inner[0] = 0
        return Pair(
            self.space,
            compose(self.space, known, nilpotent(self.coef)),
            absolute_compose(self.space, envelope(known), inner),
        )


def log(x):
    return x.log()


def multiply(x, y):
    return x * y


def divide(x, y):
    return x * y.apply(lambda t: 1 / t)


def power(x, y):
    """exp(y log x)."""
    return (x.apply(log) * y).apply(lambda t: t.exp())


def hypot(x, y):
    """sqrt(x**2 + y**2), scaled by a power of 2 so that the majorant does not overflow."""
    size = 2.0 ** np.floor(np.log2(max(x.majorant[0], y.majorant[0])))
    x, y = x.times(flint.arb(1 / size)), y.times(flint.arb(1 / size))
    return (x * x + y * y).apply(lambda t: t.sqrt()).times(flint.arb(size))


@precise
def arctan2(y, x):
    """Im log(x + i y), the constant term exact, the rest by log(1 + w), w = n / (a + i b)."""
    base = flint.acb(x.coef[0], y.coef[0])
    w = [flint.acb(a, b) / base for a, b in zip(x.coef, y.coef, strict=True)]
    size = (x.majorant + y.majorant) / references.magnitude(base)
    size[0] = 0
    known = series(lambda t: (1 + t).log(), np.float64(0), indices(x.space).degree + 2)
    angle = [c.imag for c in compose(x.space, known, nilpotent(w))]
    angle[0] = flint.arb.atan2(y.coef[0], x.coef[0])
    majorant = absolute_compose(x.space, envelope(known), size)
    majorant[0] = references.magnitude(angle[0])
    return Pair(x.space, angle, majorant)


def xlogy(x, y):
    return x * y.apply(log)


def logaddexp(x, y):
    """y + log(1 + exp(x - y))."""
    return y + (x - y).apply(lambda t: (1 + t.exp()).log())


@precise
def logaddexp2(x, y):
    ln2 = flint.arb(2).log()
    return logaddexp(x.times(ln2), y.times(ln2)).times(1 / ln2)
