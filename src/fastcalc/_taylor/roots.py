"""Powers, absolute values and ties where the constant term is 0.

With a factor ``a = x**gamma u``, u not 0 at x0, the power ``a**r`` is ``x**(r gamma) u**r``: smooth if r gamma is even
in each variable. If not, or if no monomial divides a, terms below the order at which smoothness is lost are still known
to be 0. Where r < 1, terms of `a` beyond the degree come back, multiplied in degree by r: what they decide is NaN.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._instructions import series
from fastcalc._taylor.data import Data
from fastcalc._taylor.singular import undefined
from fastcalc._taylor.space import TaylorSpace

_TINY = 1e-9  # r gamma is a whole number up to this


def powers(c: Data, a: Data, r: float, odd: bool = False) -> Data:
    """a**r, whose recurrence gave c, for a number r that is no small integer; `odd` if the root of -1 is -1."""
    value = c._coef[0]
    if isinstance(value, float) and value != 0 and isfinite(value):
        return c
    zero = a._coef[0] == 0
    if not zero.any() if isinstance(zero, np.ndarray) else not zero:
        finite = np.isfinite(value)
        return c if finite.all() else undefined(c, ~finite)
    c = undefined(c, ~np.isfinite(value))
    if r > 0 and isfinite(r):
        for at in np.argwhere(zero):
            lane = (slice(1, None), *at)
            c._coef[lane] = _power_at_zero(a._space, np.ascontiguousarray(a._coef[(slice(None), *at)]), r, odd)[1:]
        return c
    return undefined(c, zero)


def absolute(c: Data, a: Data) -> Data:
    """abs(a), with c = a or -a where a's constant term is not 0."""
    value = c._coef[0]
    if isinstance(value, float) and value != 0:
        return c
    for at in np.argwhere(a._coef[0] == 0):
        lane = (slice(None), *at)
        c._coef[lane] = _absolute_at_zero(a._space, a._coef[lane])
    return c


def ties(c: Data, a: Data, b: Data, larger: bool, tied: Any) -> Data:
    """max(a, b) = b + (a - b + abs(a - b)) / 2, and min alike, where their constant terms are equal."""
    for at in np.argwhere(tied):
        lane = (slice(1, None), *at)
        difference = np.zeros(len(a._coef), a.dtype)
        difference[1:] = a._coef[lane] - b._coef[lane]
        size = _absolute_at_zero(a._space, difference)[1:]
        c._coef[lane] = b._coef[lane] + (difference[1:] + (size if larger else -size)) / 2
    return c


def affected(space: TaylorSpace, one: NDArray[Any], r: float) -> NDArray[np.bool_]:
    """The terms that a power r > 0 of one series with constant term 0 may not have, (n_terms,).

    Those of degree r times that of the first term; of these, those that x**(r gamma) divides if x**gamma divides all
    terms; and, for r < 1, those that terms beyond the degree decide about.
    """
    degrees = np.repeat(np.arange(space.degree + 1), np.diff(space.starts))
    terms = np.flatnonzero(one)
    beyond = degrees >= r * _first_left_out(space) - _TINY
    if not len(terms):
        return beyond if r < 1 else np.zeros(len(one), np.bool_)
    mask: NDArray[np.bool_] = degrees >= r * degrees[terms[0]] - _TINY
    gamma = _monomial_factor(space, one)
    if gamma is not None:
        mask &= (space.exponents >= r * gamma - _TINY).all(axis=1)
    return mask | beyond if r < 1 and space.n_variables > 1 else mask


def _first_left_out(space: TaylorSpace) -> int:
    """The lowest degree of the monomials that a space leaves out."""
    sizes = space.weights or (1,) * space.n_variables
    caps = space.max_degrees or (space.degree,) * space.n_variables
    return min(space.degree + 1, *((cap + 1) * size for cap, size in zip(caps, sizes, strict=True)))


def _monomial_factor(space: TaylorSpace, one: NDArray[Any]) -> NDArray[np.int64] | None:
    """The exponents gamma of the term that divides all terms of a series that is not 0, None if none of them does."""
    exponents = space.exponents[np.flatnonzero(one)]
    gamma = exponents.min(axis=0).astype(np.int64)
    return gamma if (exponents[0] == gamma).all() else None


def _nothing_but(unknown: NDArray[np.bool_], one: NDArray[Any]) -> NDArray[Any]:
    """NaN where a term is unknown, 0 elsewhere."""
    result = np.zeros_like(one)
    result[unknown] = np.nan
    return result


def _power_at_zero(space: TaylorSpace, one: NDArray[Any], r: float, odd: bool) -> NDArray[Any]:
    """The terms of one series with constant term 0 to a power r > 0."""
    known = _nothing_but(affected(space, one, r), one)
    gamma = _monomial_factor(space, one) if one.any() else None
    if gamma is None:
        return known
    raised = r * gamma
    whole = np.rint(raised).astype(np.int64)
    if (np.abs(raised - whole) > _TINY).any():
        return known
    if not (odd or float(r).is_integer() or not ((gamma % 2).any() or (whole % 2).any())):
        return known
    result = _shifted_power(space, one, gamma, whole, r, odd)
    if r < 1 and space.n_variables > 1:
        degrees = np.repeat(np.arange(space.degree + 1), np.diff(space.starts))
        result[degrees >= r * _first_left_out(space) - _TINY] = np.nan
    return result


def _shifted_power(
    space: TaylorSpace, one: NDArray[Any], gamma: NDArray[Any], whole: NDArray[Any], r: float, odd: bool
) -> NDArray[Any]:
    """``x**whole * u**r`` for ``one = x**gamma u``: terms of u that the space leaves out make others unknown."""
    up = space.find(space.exponents + gamma)
    u = np.append(one, one.dtype.type(0))[up]
    if u.dtype.kind != "c" and u[0] < 0 and not odd and not float(r).is_integer():
        return np.full_like(one, np.nan)
    root = np.cbrt(u[0]) if odd else np.power(u[0], r)
    exponent = np.ones(1, u.dtype) / 3 if odd else np.array([r], u.dtype)
    power = series.power(space.tables, u, exponent, root)
    power[up == space.n_terms] = np.nan
    result = np.zeros_like(one)
    goal = space.find(space.exponents + whole)
    inside = goal < space.n_terms
    result[goal[inside]] = power[inside]
    return result


def _absolute_at_zero(space: TaylorSpace, one: NDArray[Any]) -> NDArray[Any]:
    """The absolute value of one series with constant term 0."""
    sign = _sign_around_zero(space, one)
    if sign:
        return one if sign > 0 else -one
    return _nothing_but(affected(space, one, 1.0), one)


def _sign_around_zero(space: TaylorSpace, one: NDArray[Any]) -> int:
    """1 or -1 for a series whose known terms are of that sign around x0, 0 if that can't be told by one of three signs:
    even powers alone, with one sign; a factor of even powers; a definite form of degree 2.
    """
    terms = np.flatnonzero(one)
    if not len(terms) or not np.isfinite(one[terms]).all():
        return 0
    exponents, first = space.exponents[terms], 1 if one[terms[0]] > 0 else -1
    even = not (exponents % 2).any()
    if even and (one[terms] * first > 0).all():
        return first
    gamma = _monomial_factor(space, one)
    if gamma is not None:
        return 0 if (gamma % 2).any() else first
    if exponents[0].sum() != 2 or space.weights is not None:
        return 0
    form = np.zeros((space.n_variables, space.n_variables))
    for alpha, coefficient in zip(exponents, one[terms], strict=True):
        if alpha.sum() == 2:
            i, j = np.repeat(np.arange(space.n_variables), alpha)
            form[i, j] += coefficient / 2
            form[j, i] += coefficient / 2
    curvatures = np.linalg.eigvalsh(form)
    safe = 1e-12 * np.abs(curvatures).max()
    return int(np.all(curvatures > safe)) - int(np.all(curvatures < -safe))
