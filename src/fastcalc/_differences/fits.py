"""Taylor coefficients of a function of one variable from values at Chebyshev nodes on both sides of a point.

The even and the odd part of g at the nodes t_i = cos(...) in (0, 1), and g(0), are interpolated by

    g(t h) = sum_j a_j T_j(t),    c_k = h**-k sum_j a_j [t**k] T_j.

The last a_j of each part is left out: what it would add, and what the one before adds, is the estimate of the
truncation error. Where g is resolved, the last a_j show the noise of its values instead, and the estimate with them.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly
from numpy.typing import NDArray

_Array = NDArray[Any]
_ESTIMATE = 2.0  # factor on the largest of the last contributions, for those behind them
_WINDOW = 2  # coefficients of each part that make up its tail, and the level before it


class Nodes(NamedTuple):
    """Nodes and weights on [-1, 1], longdouble. The first axis of all is the parity: even, then odd."""

    t: _Array  # (pairs,): nodes above 0
    coefficients: _Array  # (2, pairs, pairs): a_2, a_4, ... or a_1, a_3, ... from the part's values
    weights: _Array  # (degree + 1, pairs): c_k from the values of the part of its parity
    norms: _Array  # (degree + 1,): Euclidean norms of the weights of the single values
    last: _Array  # (degree + 1, _WINDOW): [t**k] of the last T_j of its parity


@functools.lru_cache(maxsize=64)
def nodes(degree: int, pairs: int) -> Nodes:
    """Nodes for coefficients up to a degree, at most 2 * pairs - 3."""
    size = 2 * pairs + 1  # with 0 among them
    angles = np.pi * (np.arange(pairs, dtype=np.longdouble) + np.longdouble(0.5)) / size
    angles *= np.longdouble("3.14159265358979323846264338327950288") / np.longdouble(np.pi)
    t = np.cos(angles)
    powers = np.zeros((size, size))
    for j in range(size):
        powers[j, : j + 1] = cheb2poly([0] * j + [1])
    coefficients = np.empty((2, pairs, pairs), np.longdouble)
    weights = np.zeros((degree + 1, pairs), np.longdouble)
    last = np.zeros((degree + 1, _WINDOW), np.longdouble)
    for parity in (0, 1):
        j = 2 * np.arange(pairs) + (1 if parity else 2)
        # the even part is 0 at 0, so that its node there has nothing to add
        coefficients[parity] = 4 / np.longdouble(size) * np.cos(np.outer(j, angles))
        for k in range(2 - parity, degree + 1, 2):
            weights[k] = powers[j[:-1], k] @ coefficients[parity, :-1]
            last[k] = powers[j[-_WINDOW:], k]
    norms = np.sqrt((weights**2).sum(axis=1) / 2)
    return Nodes(t, coefficients, weights, norms, last)


class Fit(NamedTuple):
    """Fits along lines: axes (degree + 1, n_lines, n_outputs) for coefficients, the last two for levels.

    Errors of coefficients are absolute. Levels are sizes of a_j.
    """

    coef: _Array
    truncation: _Array
    rounding: _Array
    tail: _Array  # of the last a_j
    middle: _Array  # of those before
    largest: _Array  # of all but the constant one
    level: _Array  # of a_j that are rounding
    used: _Array  # highest j with an a_j above ten times that, 0 for none


def fit(
    grid: Nodes, h: _Array, base: _Array, values: _Array, relative: float, absolute: _Array, position: _Array
) -> Fit:
    """Fit lines.

    Parameters
    ----------
    grid : Nodes
    h : ndarray (n_lines,)
        Half the length of each line.
    base : ndarray (n_outputs,)
        Values at the points themselves.
    values : ndarray (2, pairs, n_lines, n_outputs)
        Values at ``t h`` and at ``-t h``.
    relative, absolute : float, ndarray (n_outputs,)
        Bounds of the error of values: times their size, and beside it.
    position : ndarray (n_lines,)
        Bounds of the error of ``t h``.
    """
    real = values.dtype
    h = h.astype(real)
    even = (values[0] - base + (values[1] - base)) / 2
    odd = (values[0] - values[1]) / 2
    a = np.stack([np.tensordot(grid.coefficients[p].astype(real), part, 1) for p, part in enumerate((even, odd))])
    slope = np.abs(np.tensordot(grid.weights[1].astype(real), odd, 1)) / h[:, None]
    error = relative * np.abs(values).max(axis=0) + absolute + slope * position[:, None]
    coef = np.zeros((len(grid.weights), *even.shape[1:]), real)
    truncation, rounding = np.zeros_like(coef), np.zeros_like(coef)
    coef[0], rounding[0] = base, relative * np.abs(base)
    for k in range(1, len(coef)):
        weights = grid.weights[k].astype(real)
        scale = h[:, None] ** -k
        coef[k] = np.tensordot(weights, odd if k % 2 else even, 1) * scale
        last = np.abs(a[k % 2, -_WINDOW:]) * np.abs(grid.last[k].astype(real))[:, None, None]
        truncation[k] = _ESTIMATE * last.max(axis=0) * scale
        rounding[k] = np.tensordot(np.abs(weights), error, 1) * scale
    size = np.abs(a)
    level = level_of_noise(grid, np.maximum(error.max(axis=0), relative * np.abs(base)))
    j = 2.0 * np.arange(1, size.shape[1] + 1)[None, :, None, None] - np.array([0, 1])[:, None, None, None]
    return Fit(
        coef,
        truncation,
        rounding,
        tail=size[:, -_WINDOW:].max(axis=(0, 1)),
        middle=size[:, -2 * _WINDOW : -_WINDOW].max(axis=(0, 1)),
        largest=size.max(axis=(0, 1)),
        level=level,
        used=np.where(size > 10 * level, j, 0).max(axis=(0, 1)),
    )


def level_of_noise(grid: Nodes, error: _Array) -> _Array:
    """Size of a_j for values with errors up to `error`, or of three times that standard deviation."""
    return error / np.sqrt(2.0 * len(grid.t) + 1)
