"""TaylorPolynomial: arrays of truncated multivariate Taylor polynomials. Each base class is one of their sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastcalc import _validation as check
from fastcalc._taylor.arithmetic import Arithmetic
from fastcalc._taylor.arrays.methods import ArrayMethods
from fastcalc._taylor.calculus import Calculus
from fastcalc._taylor.composition import Composition
from fastcalc._taylor.conversion import Conversion
from fastcalc._taylor.data import as_center, series_dtype
from fastcalc._taylor.derivatives import Derivatives
from fastcalc._taylor.evaluation import Evaluation
from fastcalc._taylor.space import TaylorSpace
from fastcalc._taylor.text import Text


class TaylorPolynomial(Arithmetic, ArrayMethods, Evaluation, Derivatives, Calculus, Composition, Conversion, Text):
    """An array of truncated multivariate Taylor polynomials around one point.

    NumPy's functions, indexing and broadcasting work on it as on an array of its shape, with derivatives of any order
    carried along: ordinary NumPy code runs on it. Comparisons and branches go by the constant terms, the values at x0.

    Parameters
    ----------
    space : TaylorSpace
        What the coefficients belong to.
    coef : array_like (n_terms, ...)
        Derivatives divided by ``alpha!``, in the order of ``space.exponents``; float32, float64, longdouble or
        complex128, other numbers become the next of these. Copied.
    x0 : array_like (n_variables,), optional
        Point of expansion. Default: 0.

    Raises
    ------
    TypeError, ValueError
        For coefficients or a point of the wrong kind or shape.

    Notes
    -----
    Basic indexing gives views, whose ``coef`` is a view too, as in NumPy; all other results are fresh.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> x, y = fc.TaylorSpace(2, 2).variables([0.0, 0.0])
    >>> p = np.exp(x) * (1 + y)
    >>> p.coef
    array([1. , 1. , 1. , 0.5, 1. , 0. ])
    """

    __slots__ = ()
    __module__ = "fastcalc"


def variables(space: TaylorSpace, x0: ArrayLike, dtype: DTypeLike | None) -> TaylorPolynomial:
    """See `TaylorSpace.variables`."""
    center = as_center(space, x0)
    kind = series_dtype(np.dtype(dtype) if dtype is not None else center.dtype)
    n = space.n_variables
    coef = np.zeros((space.n_terms, n), kind)
    coef[0] = center
    for v, unit in enumerate(np.eye(n, dtype=np.int64)):
        coef[space.index(unit), v] = 1
    return TaylorPolynomial._make(space, coef, center)


def embed(
    space: TaylorSpace, p: TaylorPolynomial, places: Sequence[int] | None, x0: ArrayLike | None
) -> TaylorPolynomial:
    """See `TaylorSpace.embed`."""
    if not isinstance(p, TaylorPolynomial):
        raise TypeError(f"`p` must be a TaylorPolynomial; got {check.short(p)}")
    theirs = p._space.n_variables
    if places is None and theirs != space.n_variables:
        raise ValueError(
            f"`variables` must say where the {theirs} variables of p go among {space.n_variables}; got None: give one "
            "number for each"
        )
    where = list(range(theirs)) if places is None else [
        check.integer("variables", place, 0, space.n_variables - 1, "it numbers a variable of the space")
        for place in places
    ]  # fmt: skip
    if len(where) != theirs or len(set(where)) != theirs:
        raise ValueError(f"`variables` must have {theirs} different numbers; got {places!r}")
    if x0 is None and theirs != space.n_variables:
        raise ValueError(f"`x0` must be given for {space.n_variables} variables, of which p has {theirs}; got None")
    center = as_center(space, x0) if x0 is not None else as_center(space, _scattered(p.x0, where))
    if not np.array_equal(center[where], p.x0):
        raise ValueError(f"`x0` must agree with p's point of expansion, {p.x0}; got {center[where]} for its variables")
    exponents = np.zeros((p._space.n_terms, space.n_variables), np.int16)
    exponents[:, where] = p._space.exponents
    goal = space.find(exponents)
    inside = goal < space.n_terms
    coef = np.zeros((space.n_terms, *p.shape), p.dtype)
    coef[goal[inside]] = p._coef[inside]
    return TaylorPolynomial._make(space, coef, center)


def _scattered(values: Any, where: list[int]) -> Any:
    result = np.empty_like(values)
    result[where] = values
    return result
