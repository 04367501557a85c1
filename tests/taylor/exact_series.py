"""Multivariate Taylor series by definition, in mpmath: a slow twin that shares no code with the library."""

import itertools
import math

import mpmath
import numpy as np

mpmath.mp.dps = 40


class Series:
    """A polynomial as a dict from multi-indices to mpf, truncated at a degree."""

    def __init__(self, terms, degree):
        self.terms, self.degree = terms, degree

    def constant(self):
        return next((c for a, c in self.terms.items() if not any(a)), mpmath.mpf(0))

    def _lift(self, other):
        if isinstance(other, Series):
            return other
        n = len(next(iter(self.terms)))
        return Series({(0,) * n: mpmath.mpmathify(other)}, self.degree)

    def __add__(self, other):
        terms = dict(self.terms)
        for a, c in self._lift(other).terms.items():
            terms[a] = terms.get(a, 0) + c
        return Series(terms, self.degree)

    def __mul__(self, other):
        terms = {}
        for (a, c), (b, d) in itertools.product(self.terms.items(), self._lift(other).terms.items()):
            if sum(a) + sum(b) <= self.degree:
                at = tuple(i + j for i, j in zip(a, b, strict=True))
                terms[at] = terms.get(at, 0) + c * d
        return Series(terms, self.degree)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -self._lift(other)

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * (self._lift(other) ** -1)

    def __rtruediv__(self, other):
        return self**-1 * other

    def __pow__(self, power):
        if isinstance(power, int) and power >= 0:
            result = self._lift(1)
            for _ in range(power):
                result = result * self
            return result
        return self.of(lambda t: t ** mpmath.mpmathify(power))

    __radd__, __rmul__ = __add__, __mul__

    def of(self, function):
        """function(self), from the derivatives of a function of one variable."""
        at = self.constant()
        coefs = mpmath.taylor(function, at, self.degree)
        rest, result = self - at, self._lift(coefs[-1])
        for c in coefs[-2::-1]:
            result = result * rest + c
        return result

    def coefficients(self):
        """In graded lexicographic order."""
        n = len(next(iter(self.terms)))
        every = [a for a in itertools.product(range(self.degree + 1), repeat=n) if sum(a) <= self.degree]
        every.sort(key=lambda a: (sum(a), tuple(-i for i in a)))
        return np.array([complex(self.terms.get(a, 0)) for a in every])


class Functions:
    """Stands for numpy in functions of Series."""

    def __getattr__(self, name):
        names = {"arctan": mpmath.atan, "arcsinh": mpmath.asinh}
        function = names.get(name) or getattr(mpmath, name)
        return lambda series: series.of(function)


def taylor_coefficients(f, x0, degree):
    """Coefficients of ``f(x, numpy)`` around x0."""
    n = len(x0)
    unit = [tuple(int(i == j) for j in range(n)) for i in range(n)]
    x = [Series({(0,) * n: mpmath.mpmathify(float(v)), unit[i]: mpmath.mpf(1)}, degree) for i, v in enumerate(x0)]
    assert math.comb(n + degree, n) < 500, "too slow"
    return f(x, Functions()).coefficients().real
