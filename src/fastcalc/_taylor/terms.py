"""Terms of spaces: those of the variables, of lower degrees, of neighbours, of another point of expansion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.space import TaylorSpace


def variable_terms(space: TaylorSpace, center: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Coefficients (n_terms, n) of the variables around a point, as far as the space has their linear terms."""
    coef = np.zeros((space.n_terms, space.n_variables), dtype)
    coef[0] = center
    linear = space.find(np.eye(space.n_variables, dtype=np.int64))
    inside = np.flatnonzero(linear < space.n_terms)
    coef[linear[inside], inside] = 1
    return coef


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
