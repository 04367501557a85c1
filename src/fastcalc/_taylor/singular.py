"""Where functions are not smooth: powers, abs and ties where the constant term is 0, poles, jumps.

A term of which nothing is known is NaN, and no other: below the order at which smoothness is lost, terms are right.
With a factor ``a = x**gamma u``, u not 0 at x0, ``a**r = x**(r gamma) u**r`` where that is a product of smooth factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._instructions import series
from fastcalc._taylor.data import Data
from fastcalc._taylor.space import TaylorSpace


def undefined(c: Data, where: Any, *arguments: Data) -> Data:
    """NaN for all but the constant terms of some polynomials; c, which nobody else has, is changed and returned.

    Polynomials that are constant in all `arguments` stay constant.
    """
    if not np.any(where):
        return c
    spoilt = np.broadcast_to(where, c.shape)
    constant = np.ones(c.shape, np.bool_) if arguments else np.zeros(c.shape, np.bool_)
    for argument in arguments:
        constant &= ~argument._coef[1:].any(axis=0)
    c._coef[1:] = np.where(spoilt, np.where(constant, c.dtype.type(0), c.dtype.type(np.nan)), c._coef[1:])
    return c


def poles(c: Data, divisor: Data, value: Any) -> Data:
    """Quotients where the divisor is 0 at x0: its value, and no derivatives."""
    where = divisor._coef[0] == 0
    if np.any(where):
        c._coef[0] = np.where(where, value, c._coef[0])
        undefined(c, where)
    return c


def powers(c: Data, a: Data, r: float) -> Data:
    """a**r for a number r that is no integer, where a's constant term is 0 or the value is NaN."""
    c = undefined(c, np.isnan(c._coef[0]))
    return _repaired(c, a, r, a._coef[0] == 0)


def absolute(c: Data, a: Data) -> Data:
    """abs(a) = (a**2)**(1/2) where a's constant term is 0."""
    where = a._coef[0] == 0
    if not np.any(where):
        return c
    for at in np.argwhere(where):
        lane = (slice(None), *at)
        one = np.ascontiguousarray(a._coef[lane])
        gamma = _monomial_factor(a, one)
        if gamma is not None and not (gamma % 2).any():
            c._coef[lane] = one if one[a._space.index(gamma)] > 0 else -one
        else:
            c._coef[lane] = _known_below(a, one, 1.0)
    return c


def ties(c: Data, a: Data, b: Data, larger: bool, where: Any) -> Data:
    """max(a, b) = b + (a - b + abs(a - b)) / 2, and min alike, where their constant terms are equal."""
    difference = a._like(a._coef - b._coef)
    size = absolute(difference.copy(), difference)._coef
    half = (difference._coef + size if larger else difference._coef - size) / 2
    c._coef[...] = np.where(where, b._coef + half, c._coef)
    return c


def _repaired(c: Data, a: Data, r: float, where: Any) -> Data:
    if not np.any(where):
        return c
    for at in np.argwhere(where):
        lane = (slice(None), *at)
        c._coef[lane] = _power_at_zero(a, np.ascontiguousarray(a._coef[lane]), r)
    return c


def _known_below(a: Data, one: NDArray[Any], r: float) -> NDArray[Any]:
    """Terms of a power of order r times the lowest degree of `one`: 0 below that, NaN from there on."""
    space = a._space
    terms = np.flatnonzero(one)
    result = np.zeros_like(one)
    if not len(terms) and r >= 1:
        return result
    # The root of zeros alone may be that of x**2 cut off at degree 1: what it starts with is among the terms left out.
    lowest = int(np.searchsorted(space.starts, terms[0], side="right")) - 1 if len(terms) else _first_left_out(space)
    first = int(np.ceil(r * lowest - 1e-9))
    result[space.starts[min(first, space.degree + 1)] :] = np.nan
    return result


def _first_left_out(space: TaylorSpace) -> int:
    """The lowest degree of the monomials that a space leaves out."""
    sizes = space.weights or (1,) * space.n_variables
    caps = space.max_degrees or (space.degree,) * space.n_variables
    return min(space.degree + 1, *((cap + 1) * size for cap, size in zip(caps, sizes, strict=True)))


def _monomial_factor(a: Data, one: NDArray[Any]) -> NDArray[Any] | None:
    """The exponents gamma of the term that divides all terms of `one`, None if there is none among them."""
    terms = np.flatnonzero(one)
    if not len(terms):
        return None
    gamma = a._space.exponents[terms].min(axis=0).astype(np.int64)
    return gamma if (a._space.exponents[terms[0]] == gamma).all() else None


def _power_at_zero(a: Data, one: NDArray[Any], r: float) -> NDArray[Any]:
    """The terms of one series with constant term 0 to a power r that is no integer."""
    if r < 0:
        result = np.full_like(one, np.nan)
        result[0] = np.inf
        return result
    gamma = _monomial_factor(a, one)
    known = _known_below(a, one, r)
    if gamma is None:
        return known
    raised = r * gamma
    odd_root = abs(r - 1 / 3) < 1e-6
    whole = np.rint(raised).astype(np.int64)
    if (np.abs(raised - whole) > 1e-9).any() or ((gamma % 2 == 0) & (whole % 2 == 1)).any():
        return known
    return _shifted_power(a, one, gamma, whole, r, odd_root)


def _shifted_power(
    a: Data, one: NDArray[Any], gamma: NDArray[Any], whole: NDArray[Any], r: float, odd_root: bool
) -> NDArray[Any]:
    """``x**whole * u**r`` for ``one = x**gamma u``: terms of u beyond the degree are unknown, and what needs them."""
    space = a._space
    up = space.find(space.exponents + gamma)
    u = np.append(one, one.dtype.type(0))[up]
    if u[0] < 0 and not odd_root:
        return np.full_like(one, np.nan)
    root = np.cbrt(u[0]) if odd_root else np.power(u[0], r)
    power = series.power(space.tables, u, np.array([r], u.dtype), root)
    weights = np.ones(space.n_variables) if space.weights is None else np.array(space.weights)
    u_known = space.degree - int(weights @ gamma)
    power[space.starts[u_known + 1] :] = np.nan
    result = np.zeros_like(one)
    goal = space.find(space.exponents + whole)
    inside = goal < space.n_terms
    result[goal[inside]] = power[inside]
    return result
