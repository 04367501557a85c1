"""Bounds of polynomials in a box, by even powers and Bernstein coefficients around its middle.

All is computed in ordinary arithmetic and widened by an a priori bound of its rounding errors: for u = eps/2 and K
operations on the way from the data to a result, this is gamma_K = K u / (1 - K u) times the same computation with
absolute values; K eps stands for it here, since the absolute values are rounded themselves.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fastcalc import _validation as check
from fastcalc._taylor.space import TaylorSpace
from fastcalc._taylor.terms import shifted_terms

_DENSE = 2**20  # Bernstein coefficients, at most
_EPS = float(np.finfo(np.float64).eps)  # for longdouble, too: the change of basis is in float64


class Box(NamedTuple):
    """Displacements ``middle +- radius`` from x0, one each per variable, that cover a box."""

    middle: NDArray[Any]
    radius: NDArray[Any]

    @classmethod
    def around(cls, x0: NDArray[Any], box: Any) -> Self:
        """The box (lower, upper) as seen from x0; ValueError for what is none."""
        if not isinstance(box, (tuple, list, np.ndarray)) or len(box) != 2:
            raise ValueError(f"`box` must be a pair (lower, upper); got {check.short(box)}")
        ends = []
        for name, end in zip(("lower", "upper"), box, strict=True):
            corner = check.as_real(f"box {name}", end)
            if corner.shape not in ((), x0.shape):
                raise ValueError(
                    f"`box` must have a number or one per variable, shape {x0.shape}, in each half; got {name} of "
                    f"shape {corner.shape}"
                )
            ends.append(np.broadcast_to(corner, x0.shape))
        lower, upper = ends
        if not (np.isfinite(lower) & np.isfinite(upper) & (lower <= upper)).all():
            raise ValueError(f"`box` must be finite with lower <= upper; got {check.short(box)}")
        if x0.dtype.kind == "c":
            raise TypeError(f"`box` is real, but the polynomials are expanded around a complex x0 = {x0}")
        kind = np.result_type(lower, upper, x0, np.float64).type
        low, high = _less(lower.astype(kind), x0.astype(kind), -1), _less(upper.astype(kind), x0.astype(kind), 1)
        middle = low / 2 + high / 2
        return cls(middle, np.maximum(np.maximum(_less(high, middle, 1), -_less(low, middle, -1)), 0))


def _less(a: NDArray[Any], b: NDArray[Any], direction: int) -> NDArray[Any]:
    """The difference a - b, rounded outward where it is not exact."""
    difference = a - b
    rest = difference - a
    error = (a - (difference - rest)) - (b + rest)  # a - b - difference, exactly (Knuth's TwoSum)
    rounded: NDArray[Any] = np.where(error == 0, difference, np.nextafter(difference, direction * np.inf))
    return rounded


def enclosure(space: TaylorSpace, coef: NDArray[Any], box: Box) -> tuple[Any, Any]:
    """Lower and upper bounds, arrays of the polynomials' shape and dtype, scalars for one."""
    kind = np.result_type(coef.dtype, box.middle.dtype)
    shape, flat = coef.shape[1:], coef.reshape(space.n_terms, -1)
    column = _powers(space, box.radius.astype(kind))[:, None]
    with np.errstate(all="ignore"):
        scaled = shifted_terms(space, flat.astype(kind), box.middle.astype(kind)) * column
        sizes = shifted_terms(space, np.abs(flat).astype(kind), np.abs(box.middle).astype(kind)) * column
        low, high = _by_even_powers(space, scaled)
        highest = [int(space.exponents[:, v].max()) for v in range(space.n_variables)]
        if math.prod(e + 1 for e in highest) * max(flat.shape[1], 1) <= _DENSE:
            coefficients = _bernstein(space, scaled, highest)
            low, high = np.maximum(low, coefficients.min(axis=0)), np.minimum(high, coefficients.max(axis=0))
        # operations on a path: shifts, powers of the radius, sums of all terms or of a row for each variable
        operations = (
            4 * sum(highest) + sum(highest) + space.n_variables + sum(e + 3 for e in highest) + space.n_terms + 8
        )
        error = operations * _EPS * sizes.sum(axis=0)
        low, high = low - error, high + error
    known = np.isfinite(flat).all(axis=0)
    low = np.where(np.isfinite(low), low, np.where(known, -np.inf, np.nan))
    high = np.where(np.isfinite(high), high, np.where(known, np.inf, np.nan))
    return _outward(low, coef.dtype, -np.inf).reshape(shape)[()], _outward(high, coef.dtype, np.inf).reshape(shape)[()]


def _outward(end: NDArray[Any], kind: np.dtype[Any], direction: float) -> NDArray[Any]:
    """In another type, not inward."""
    with np.errstate(over="ignore"):
        wide: NDArray[Any] = np.nextafter(end.astype(kind), kind.type(direction))
    return wide


def _powers(space: TaylorSpace, radius: NDArray[Any]) -> NDArray[Any]:
    """radius**alpha for all terms."""
    powers = np.ones(space.n_terms, radius.dtype)
    with np.errstate(over="ignore"):
        for v, size in enumerate(radius):
            table = np.cumprod(np.concatenate(([1], np.full(space.degree, size, radius.dtype))), dtype=radius.dtype)
            powers *= table[space.exponents[:, v]]
    return powers


def _by_even_powers(space: TaylorSpace, scaled: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bounds for variables in [-1, 1]: a term is within [-1, 1] times its coefficient, one of even powers in [0, 1]."""
    even = (space.exponents[1:] % 2 == 0).all(axis=1)[:, None]
    terms = scaled[1:]
    low = np.where(even, np.minimum(terms, 0), -np.abs(terms)).sum(axis=0)
    high = np.where(even, np.maximum(terms, 0), np.abs(terms)).sum(axis=0)
    return scaled[0] + low, scaled[0] + high


def _bernstein(space: TaylorSpace, scaled: NDArray[Any], highest: list[int]) -> NDArray[Any]:
    """Bernstein coefficients (-1, m) for variables in [-1, 1]; values there are weighted means of them."""
    dense = np.zeros((*(e + 1 for e in highest), scaled.shape[1]), scaled.dtype)
    dense[tuple(space.exponents.T)] = scaled
    for v, e in enumerate(highest):
        dense = np.moveaxis(np.tensordot(_change_of_basis(e).astype(scaled.dtype), dense, (1, v)), 0, v)
    return dense.reshape(math.prod(dense.shape[:-1]), scaled.shape[1])


@lru_cache(maxsize=64)
def _change_of_basis(degree: int) -> NDArray[np.float64]:
    """Bernstein coefficients (of i) of the powers t**j on [-1, 1], at most 1 in size.

    Coefficient i of t**j is the mean of the products of j out of i ones and degree - i minus ones: the coefficient of
    s**j in (1 + s)**i (1 - s)**(degree - i), over binomial(degree, j).
    """
    choices = [math.comb(degree, j) for j in range(degree + 1)]
    row = [(-1) ** j * choice for j, choice in enumerate(choices)]
    matrix = np.empty((degree + 1, degree + 1))
    for i in range(degree + 1):
        matrix[i] = [signed / choice for signed, choice in zip(row, choices, strict=True)]  # rounded once
        quotient = list(accumulate(row))[:-1]  # by 1 - s
        row = [low + high for low, high in zip([0, *quotient], [*quotient, 0], strict=True)]  # times 1 + s
    matrix.flags.writeable = False
    return matrix
