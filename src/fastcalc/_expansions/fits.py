"""Taylor coefficients of a function of one variable from values at Chebyshev nodes on both sides of a point.

The even and the odd part of g at the nodes t_i = cos(...) in (0, 1), and g(0), are interpolated by

    g(t h) = sum_j a_j T_j(t),    c_k = h**-k sum_j a_j [t**k] T_j.

The sum for c_k ends with the last a_j of its parity above the rounding and the noise of the values: those behind add
nothing but that, times ``j**k / k!``. What the next ones would add is the estimate of the truncation error.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly
from numpy.typing import NDArray

_Array = NDArray[Any]
_PI = np.longdouble("3.14159265358979323846264338327950288")
_NEXT = 2  # how many of the terms left out estimate them all
_BEHIND = 2.0  # their sum over the largest of these
_ABOVE = 3.0, 1.0  # sizes of a_j that count, over the level of rounding and that of noise
_ROUNDING = 1.5  # factor on the bound for independent rounding errors


class Nodes(NamedTuple):
    """Nodes and weights on [-1, 1], longdouble, j = 1, 2, ..., 2 * pairs."""

    t: _Array  # (pairs,): nodes above 0
    even: _Array  # (pairs, pairs): a_2, a_4, ... from the even part
    odd: _Array  # (pairs, pairs): a_1, a_3, ... from the odd part
    powers: _Array  # (degree + 1, 2 * pairs): [t**k] T_j


class Coefficients(NamedTuple):
    """Of g(t h): arrays (degree + 1, ..., m)."""

    coef: _Array
    truncation: _Array  # parts of the error
    rounding: _Array
    noise: _Array


@functools.lru_cache(maxsize=64)
def nodes(degree: int, pairs: int) -> Nodes:
    """Nodes for coefficients up to a degree, at most 2 * pairs - 3."""
    size = 2 * pairs + 1  # with 0 among them, where both parts are 0
    angles = _PI * (np.arange(pairs) + np.longdouble(0.5)) / size
    powers = np.zeros((degree + 1, 2 * pairs), np.longdouble)
    for j in range(1, 2 * pairs + 1):
        polynomial = cheb2poly([0] * j + [1])[: degree + 1]
        powers[: len(polynomial), j - 1] = polynomial
    values = 4 / np.longdouble(size) * np.cos(np.outer(np.arange(1, 2 * pairs + 1), angles))
    return Nodes(np.cos(angles), values[1::2], values[::2], powers)


def spectrum(grid: Nodes, base: _Array, values: _Array) -> _Array:
    """a_j (..., m, 2 * pairs) from the values (2, pairs, ..., m) at ``t h`` and ``-t h``, and those at 0 (m,)."""
    even = ((values[0] - base) + (values[1] - base)) / 2
    odd = (values[0] - values[1]) / 2
    a = np.empty((*even.shape[1:], 2 * len(grid.t)), values.dtype)
    a[..., 1::2] = np.tensordot(even, grid.even.astype(values.dtype), (0, 1))
    a[..., ::2] = np.tensordot(odd, grid.odd.astype(values.dtype), (0, 1))
    return a


def level(grid: Nodes, error: _Array) -> _Array:
    """Size of a_j for values that are wrong by `error`."""
    size: _Array = error / np.sqrt(2.0 * len(grid.t) + 1)
    return size


def slope(grid: Nodes, a: _Array) -> _Array:
    """Size (..., m) of the first derivative for the variable t, from a_j (..., m, 2 * pairs)."""
    size: _Array = np.abs(a @ grid.powers[1].astype(a.dtype))
    return size


def coefficients(grid: Nodes, h: _Array, a: _Array, error: _Array, noise: _Array) -> Coefficients:
    """Taylor coefficients from a_j.

    Parameters
    ----------
    grid : Nodes
    h : ndarray (...)
        Lengths that belong to t = 1.
    a : ndarray (..., m, 2 * pairs)
    error : ndarray (..., m)
        Bound of the rounding errors of values.
    noise : ndarray (m,)
        Three standard deviations of values.

    Returns
    -------
    Coefficients
        All 0 for degree 0.
    """
    parts = np.zeros((4, len(grid.powers), *error.shape), a.dtype)
    powers = grid.powers.astype(a.dtype)
    counts = np.abs(a) > np.maximum(_ABOVE[0] * level(grid, error), _ABOVE[1] * level(grid, noise))[..., None]
    for k in range(1, len(powers)):
        own = slice(k - 1, None, 2)  # j = k, k + 2, ...
        index = np.arange(len(powers[k, own]))
        last = np.where(counts[..., own], index, 0).max(axis=-1)[..., None]
        last = np.clip(last, 1, len(index) - 2)
        kept = index <= last
        following = (index > last) & (index <= last + _NEXT)
        terms = a[..., own] * powers[k, own]
        norm = np.sqrt(2 * (kept * powers[k, own] ** 2).sum(axis=-1))
        parts[0, k] = np.where(kept, terms, 0).sum(axis=-1)
        parts[1, k] = _BEHIND * np.abs(np.where(following, terms, 0)).max(axis=-1)
        parts[2, k] = _ROUNDING * norm * level(grid, error)
        parts[3, k] = norm * level(grid, noise)
        parts[:, k] *= (h.astype(a.dtype) ** -k)[..., None]
    return Coefficients(*parts)
