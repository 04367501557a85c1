"""Moving terms about: to the point of expansion, to neighbours, to lower degrees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._taylor.space import TaylorSpace


def point(name: str, value: ArrayLike, n: int) -> NDArray[Any]:
    """A point (n,), a copy; a scalar for one variable."""
    center = np.array(check.as_numbers(name, value))
    if center.ndim == 0 and n == 1:
        center = center[None]
    if center.shape != (n,):
        raise ValueError(f"`{name}` must have one entry per variable, shape ({n},); got shape {center.shape}")
    return center


def lower_space(space: TaylorSpace, degree: int) -> TaylorSpace:
    """The space of the terms up to a degree, which are the first ones."""
    if degree == space.degree:
        return space
    return TaylorSpace(space.n_variables, degree, max_degrees=space.max_degrees, weights=space.weights)


def shifted_terms(space: TaylorSpace, coef: NDArray[Any], step: NDArray[Any]) -> NDArray[Any]:
    """INOUT coef (n_terms, ...): coefficients around x0 + step, by repeated synthetic division in each variable."""
    for v, h in enumerate(step):
        if h == 0:
            continue
        exponents, raised = space.exponents[:, v], neighbours(space, v, 1)
        rows = [np.flatnonzero((exponents == e) & (raised < space.n_terms)) for e in range(int(exponents.max()))]
        above = [raised[mine] for mine in rows]
        for first in range(len(rows)):
            for e in range(len(rows) - 1, first - 1, -1):
                coef[rows[e]] += h * coef[above[e]]
    return coef


def neighbours(space: TaylorSpace, i: int, m: int) -> NDArray[np.intp]:
    """Number of each term times the m-th power of variable i, n_terms where it is outside."""
    exponents = space.exponents.astype(np.int32)
    exponents[:, i] += m
    return space.find(exponents)
