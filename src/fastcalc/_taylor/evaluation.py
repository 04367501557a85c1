"""Values and gradients of polynomials away from x0, at one or many points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._instructions import evaluation as kernel
from fastcalc._taylor.data import Data, series_dtype


class Evaluation(Data):
    """``p(x)`` and ``value_and_gradient``."""

    __slots__ = ()

    def __call__(self, x: ArrayLike) -> Any:
        """Values at one or many points.

        Parameters
        ----------
        x : array_like (n_variables,) or (n_variables, ...)
            Absolute, not displacements; trailing axes are a batch of points. A scalar is a point of one variable.

        Returns
        -------
        ndarray or scalar
            Of shape ``p.shape + x.shape[1:]``, and of the result type of p and x; lists and Python's numbers keep p's,
            complex ones make it complex128.

        Raises
        ------
        TypeError, ValueError
            For an x that is not numeric, or of another number of variables.

        Notes
        -----
        A point takes about one multiplication and one addition for each term: nested multiplication (Horner) over the
        tree in which each term is a variable times another term.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 2).variables([1.0, 2.0])
        >>> p = x * y
        >>> float(p([3.0, 4.0]))
        12.0
        >>> p([[3.0, 5.0], [4.0, 6.0]])
        array([12., 30.])
        """
        coef, d, batch = _prepared(self, x)
        values = kernel.evaluate(self._space.tables, coef, d)
        return values.reshape(self.shape + batch)[()]

    def value_and_gradient(self, x: ArrayLike) -> tuple[Any, NDArray[Any]]:
        """Values and gradients at one or many points.

        Parameters
        ----------
        x : array_like (n_variables,) or (n_variables, ...)
            As for ``p(x)``.

        Returns
        -------
        value : ndarray or scalar
            Of shape ``p.shape + x.shape[1:]``.
        gradient : ndarray
            Of shape ``p.shape + (n_variables,) + x.shape[1:]``; of the truncated polynomial.

        Raises
        ------
        TypeError, ValueError
            As for ``p(x)``.

        Notes
        -----
        Both in one walk over the terms, about twice the work of the value alone.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 2).variables([1.0, 2.0])
        >>> value, gradient = (x * y).value_and_gradient([3.0, 4.0])
        >>> float(value), gradient
        (12.0, array([4., 3.]))
        """
        coef, d, batch = _prepared(self, x)
        values, gradients = kernel.evaluate_with_gradient(self._space.tables, coef, d)
        shape = (*self.shape, self._space.n_variables, *batch)
        return values.reshape(self.shape + batch)[()], gradients.reshape(shape)


def _prepared(p: Data, x: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], tuple[int, ...]]:
    """Coefficients (n_terms, m) and displacements (n, k) of one type, and the shape of the batch of points."""
    if isinstance(x, Data):
        raise TypeError("`x` must hold numbers; got Taylor polynomials: put them in with p.compose(x)")
    points = check.as_numbers("x", x)
    n = p._space.n_variables
    if points.ndim == 0 and n == 1:
        points = points[None]
    if points.ndim == 0 or len(points) != n:
        raise ValueError(
            f"`x` must have the {n} variables along its first axis, shape ({n},) or ({n}, ...); got shape "
            f"{points.shape}: points in rows are x.T"
        )
    batch = points.shape[1:]
    kind = np.result_type(p.dtype.char.lower(), points, p.x0)
    if p.dtype.kind == "c" or kind.kind == "c":
        dtype = np.dtype(np.complex128)
    elif isinstance(x, (np.ndarray, np.generic)):
        dtype = series_dtype(np.result_type(p.dtype, points))
    else:  # Python's numbers leave float32 what it is
        dtype = p.dtype
    # in the finest type of all: neighbours of a coarse type can be far from x0
    d = points.reshape(n, -1).astype(kind) - p.x0[:, None] if points.size else np.empty((n, 0), kind)
    coef = np.ascontiguousarray(p._coef.reshape(p._space.n_terms, p.size), dtype)
    return coef, np.ascontiguousarray(d, dtype), batch
