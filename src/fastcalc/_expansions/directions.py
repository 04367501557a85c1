"""Directions whose lines determine a polynomial of many variables.

On the line x + t s the part of degree k of a Taylor polynomial is ``t**k p_k(s)``, with ``p_k(s)`` the sum of
``c_alpha s**alpha`` over abs(alpha) == k. Its comb(n + k - 1, k) coefficients follow from as many values p_k(s), or by
least squares from more of them, so that the directions for the highest degree do for all. They are chosen from a
lattice by pivoted factorisation of the kernel ``(s . t)**k``, which is the inner product of the monomials with
multinomial weights: each is the one that the directions before determine least. A few more check that values along them
belong to a polynomial at all: those of abs(x * y) do not.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.space import TaylorSpace

_Floats = NDArray[np.float64]
_DETERMINED = 1e-9  # of the squared norm left, below which the candidates do not determine a polynomial
_CHECKS = 10  # directions for each one more than needed
_PLENTY = 2  # candidates for each direction, beyond which a finer lattice brings little
_MANY = 4  # the same, of those on a lattice as fine as is needed
_CANDIDATES = 20_000  # beyond which a finer lattice costs too much


class Directions(NamedTuple):
    """Unit vectors, the n axes first, and what turns values along them into coefficients."""

    vectors: _Floats  # (n_lines, n)
    monomials: tuple[_Floats, ...]  # for each degree (n_lines, n_coefficients): s**alpha
    weights: tuple[_Floats, ...]  # for each degree (n_coefficients, n_lines): the pseudo-inverse


def count(n: int, degree: int) -> int:
    """How many directions there are for polynomials of n variables."""
    wanted = math.comb(n + degree - 1, degree)
    return wanted + (1 + wanted // _CHECKS if n > 1 else 0)


@functools.lru_cache(maxsize=16)
def directions(n: int, degree: int) -> Directions:
    """Directions for all polynomials of n variables up to a degree.

    Parameters
    ----------
    n, degree : int
        At least 1 both.

    Returns
    -------
    Directions
        `count` of them, to be shared: not to be changed.

    References
    ----------
    A. Griewank, J. Utke, A. Walther, *Evaluating higher derivative tensors by forward propagation of univariate Taylor
    series*, Math. Comp. 69 (2000) 1117-1130: sections 2 and 3, with the directions alpha, abs(alpha) == degree, whose
    conditioning grows faster.
    """
    wanted, every = math.comb(n + degree - 1, degree), count(n, degree)
    chosen: list[int] = []
    largest = 0
    while len(chosen) < wanted:
        largest = _fine_enough(n, degree, largest + 1)
        candidates = _some(_lattice(n, min(n, max(degree, 2)), largest), n, _MANY * wanted)
        chosen = _choose(candidates, degree, wanted)
    chosen += _check(candidates, chosen, degree, every - wanted)
    vectors = candidates[chosen]
    monomials = tuple(_monomials(vectors, k) for k in range(degree + 1))
    return Directions(vectors, monomials, tuple(_inverse(values) for values in monomials))


def exponents(n: int, degree: int) -> NDArray[np.int16]:
    """Multi-indices of one degree (n_coefficients, n), in the order of a space."""
    space = TaylorSpace(n, degree)
    return space.exponents[space.starts[degree] :]


def _monomials(vectors: _Floats, degree: int) -> _Floats:
    """s**alpha (n_vectors, n_coefficients) for all alpha of one degree."""
    alphas = exponents(vectors.shape[1], degree)
    powers = vectors[..., None] ** np.arange(degree + 1)
    result: _Floats = powers[:, 0, alphas[:, 0]]
    for i in range(1, vectors.shape[1]):
        result = result * powers[:, i, alphas[:, i]]
    return result


def _fine_enough(n: int, degree: int, largest: int) -> int:
    """Entries of the lattice, `largest` or more, with candidates in plenty, or as many as are cheap."""

    def size(entry: int) -> int:  # an upper limit
        moved = range(1, min(n, max(degree, 2)) + 1)
        return sum(math.comb(n, many) * entry * (2 * entry) ** (many - 1) for many in moved)

    while size(largest) < _PLENTY * math.comb(n + degree - 1, degree) and size(largest + 1) <= _CANDIDATES and n > 1:
        largest += 1
    return largest


def _lattice(n: int, support: int, largest: int) -> _Floats:
    """Unit vectors along integer vectors without common divisor, one of each pair s and -s: the axes, then by length.

    A monomial moves at most as many variables as its degree, so that more entries than that, `support`, are not needed.
    """
    vectors = []
    for size in range(1, support + 1):
        entries = [k for k in range(-largest, largest + 1) if k]
        patterns = [
            (first, *rest)
            for first in range(1, largest + 1)
            for rest in itertools.product(entries, repeat=size - 1)
            if math.gcd(first, *rest) == 1
        ]
        places = np.array(list(itertools.combinations(range(n), size)))
        block = np.zeros((len(places), len(patterns), n))
        np.put_along_axis(block, places[:, None, :].repeat(len(patterns), 1), np.array(patterns, np.float64)[None], 2)
        vectors.append(block.reshape(-1, n))
    every = np.concatenate(vectors)
    lengths = np.sqrt((every**2).sum(axis=1))
    order = np.argsort(lengths, kind="stable")
    unit: _Floats = (every / lengths[:, None])[order]
    return unit


def _some(candidates: _Floats, n: int, limit: int) -> _Floats:
    """The axes and others drawn at random, always the same, where there are more than so many."""
    if len(candidates) <= n + limit:
        return candidates
    drawn = np.sort(np.random.default_rng(0).choice(len(candidates) - n, limit, replace=False))
    some: _Floats = candidates[np.concatenate([np.arange(n), n + drawn])]
    return some


def _choose(candidates: _Floats, degree: int, wanted: int) -> list[int]:
    """The axes, then at each turn the candidate least determined by those before; fewer where no more are of use."""
    left = np.ones(len(candidates))
    factor = np.zeros((len(candidates), wanted))
    chosen: list[int] = []
    for turn in range(wanted):
        best = turn if turn < candidates.shape[1] else int(np.argmax(left))
        if left[best] < _DETERMINED:
            break
        column = (candidates @ candidates[best]) ** degree - factor[:, :turn] @ factor[best, :turn]
        factor[:, turn] = column / math.sqrt(left[best])
        left -= factor[:, turn] ** 2
        left[best] = 0
        chosen.append(best)
    return chosen


def _check(candidates: _Floats, chosen: list[int], degree: int, more: int) -> list[int]:
    """Candidates whose values are the least certain, given those along the chosen ones and along each other."""
    weights = np.linalg.solve(_monomials(candidates[chosen], degree).T, _monomials(candidates, degree).T).T
    added: list[int] = []
    for _ in range(more):
        uncertain = (weights**2).sum(axis=1)  # variance of the value, for values of variance 1 along the others
        uncertain[chosen + added] = 0
        best = int(np.argmax(uncertain))
        added.append(best)
        known, length = weights[best].copy(), uncertain[best]
        weights -= np.outer(weights @ known, known * (1 - 1 / math.sqrt(1 + length)) / length)
    return added


def _inverse(monomials: _Floats) -> _Floats:
    """Least squares; the columns are independent."""
    q, r = np.linalg.qr(monomials)
    inverse: _Floats = np.linalg.solve(r, q.T)
    return inverse


def recover(found: Directions, degree: int, values: NDArray[Any]) -> NDArray[Any]:
    """Coefficients (n_coefficients, ...) of one degree from the values p_k(s) (n_lines, ...)."""
    weights, monomials = found.weights[degree], found.monomials[degree]
    coef = np.tensordot(weights, values, 1)
    if values.dtype == np.longdouble:  # weights are known to float64 alone
        coef += np.tensordot(weights, values - np.tensordot(monomials, coef, 1), 1)
    return coef
