"""Truncated Taylor series in pure NumPy: what a user would write, and the measure of errors.

Coefficients c[k] belong to the monomials exponents[k], by degree, then lexicographic with the first variable first. A
product is c[k] = sum over a[i] b[j] of all pairs with exponents[i] + exponents[j] = exponents[k].
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


class Algebra:
    """Series in `n_variables` variables truncated after `degree`."""

    def __init__(self, n_variables: int, degree: int) -> None:
        self.n_variables, self.degree = n_variables, degree
        self.exponents = _exponents(n_variables, degree)
        self.degrees = self.exponents.sum(axis=1)
        self.ends = np.searchsorted(self.degrees, np.arange(degree + 1), side="right")  # of the blocks of a degree
        self._keys = self.exponents @ (degree + 1) ** np.arange(n_variables)
        self._sorted = np.argsort(self._keys)

    def __len__(self) -> int:
        return len(self.exponents)

    def _find(self, keys: Any) -> Any:
        return self._sorted[np.searchsorted(self._keys, keys, sorter=self._sorted)]

    def _blocks(self) -> Any:
        """Terms i of one degree, how many terms j they meet, and the positions of the products (i, j)."""
        first = 0
        for s, last in enumerate(self.ends):
            count = self.ends[self.degree - s]
            yield slice(first, last), count, self._find(self._keys[first:last, None] + self._keys[:count])
            first = last

    @functools.cached_property
    def pairs(self) -> tuple[Any, Any, Any]:
        """Positions i, j, k of all products of two terms within the degree."""
        parts = []
        for rows, count, found in self._blocks():
            i, j = np.arange(len(self))[rows], np.arange(count)
            parts.append((np.repeat(i, count), np.tile(j, len(i)), found.ravel()))
        i, j, k = (np.concatenate(part) for part in zip(*parts, strict=True))
        return i, j, k

    @functools.cached_property
    def rows(self) -> list[Any]:
        """For each term i the positions of its products with the terms 0, 1, ..."""
        return [row for _, _, found in self._blocks() for row in found]

    @functools.cached_property
    def factors(self) -> list[tuple[Any, Any]]:
        """For the terms of each degree from 1 on: a term of one degree less, and the variable it is multiplied by."""
        variable = np.argmax(self.exponents > 0, axis=1)
        before = self._find(self._keys - (self.degree + 1) ** variable) if self.degree else np.zeros(1, int)
        blocks = zip(self.ends[:-1], self.ends[1:], strict=True)
        return [(before[first:last], variable[first:last]) for first, last in blocks]

    def product(self, a: Any, b: Any) -> Any:
        i, j, k = self.pairs
        return np.bincount(k, a[i] * b[j], minlength=len(self))

    def products(self, a: Any, b: Any) -> Any:
        """The product of batches (n_terms, k): for each term of a, a row of b at once."""
        c = np.zeros_like(a)
        for i, row in enumerate(self.rows):
            c[row] += a[i] * b[: len(row)]
        return c

    def compose(self, f: Any, a: Any) -> Any:
        """The sum of f[k] (a - a[0])**k, by Horner's scheme."""
        inner = np.append(0.0, a[1:])
        result = np.zeros(len(self))
        for value in f[::-1]:
            result = self.product(result, inner)
            result[0] += value
        return result

    def monomials(self, t: Any) -> Any:
        """The Vandermonde matrix (n_terms, k) of displacements t (n_variables, k)."""
        table = np.empty((len(self), t.shape[1]))
        table[0] = 1.0
        for first, last, (before, variable) in zip(self.ends[:-1], self.ends[1:], self.factors, strict=True):
            np.multiply(table[before], t[variable], out=table[first:last])
        return table

    def derivatives(self, a: Any) -> Any:
        """Coefficients (n_variables + 1, n_terms) of a series and of its derivatives."""
        table = np.zeros((self.n_variables + 1, len(self)))
        table[0] = a
        for i in range(self.n_variables):
            terms = np.flatnonzero(self.exponents[:, i])
            lower = self._find(self._keys[terms] - (self.degree + 1) ** i)
            table[i + 1, lower] = self.exponents[terms, i] * a[terms]
        return table

    def evaluate(self, a: Any, t: Any, size: int = 128) -> Any:
        """Values of coefficients (..., n_terms) at displacements t (n_variables, k), in blocks of `size` points."""
        starts = range(0, t.shape[1], size)
        return np.concatenate([a @ self.monomials(t[:, first : first + size]) for first in starts], axis=-1)


def _exponents(n_variables: int, degree: int) -> Any:
    """By degree, then lexicographic with the first variable first: (2, 0) before (1, 1)."""

    @functools.cache
    def of_degree(n: int, total: int) -> Any:
        if n == 1:
            return np.array([[total]])
        tails = [of_degree(n - 1, total - first) for first in range(total, -1, -1)]
        heads = np.repeat(np.arange(total, -1, -1), [len(tail) for tail in tails])
        return np.column_stack([heads, np.concatenate(tails)])

    return np.concatenate([of_degree(n_variables, total) for total in range(degree + 1)])


def random_series(n_variables: int, degree: int, shape: tuple[int, ...] = (), *, constant: float, seed: int = 0) -> Any:
    """Dense coefficients (n_terms, *shape) of either sign, smaller by degree so that series of them converge."""
    degrees = _exponents(n_variables, degree).sum(axis=1)
    scale = (0.5 / n_variables) ** np.minimum(degrees, 12)  # no denormals in the products of high degrees
    coef = np.random.default_rng(seed).normal(size=(len(degrees), *shape))
    coef = np.where(np.abs(coef) < 0.01, 1.0, coef) * scale.reshape(-1, *(1 for _ in shape))
    coef[0] = constant
    return coef
