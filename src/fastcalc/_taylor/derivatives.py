"""Derivatives at the point of expansion, as plain arrays: ``d^alpha f(x0) = alpha! c_alpha``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._taylor.data import Data
from fastcalc._taylor.factors import times_integers
from fastcalc._taylor.space import TaylorSpace, multi_index


class Derivatives(Data):
    """``coefficient, partial, gradient, jacobian, hessian, tensor``."""

    __slots__ = ()

    def coefficient(self, alpha: ArrayLike) -> Any:
        """Coefficient of a term: the partial derivative at x0, divided by ``alpha!``.

        Parameters
        ----------
        alpha : array_like of int (n_variables,)
            Exponents of the term; an integer for one variable.

        Returns
        -------
        ndarray or scalar
            Of the polynomials' shape and dtype, a copy.

        Raises
        ------
        TypeError, ValueError
            For an `alpha` of the wrong kind or length, or outside the space.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 3).variables([1.0, 2.0])
        >>> float((x * x * y).coefficient((2, 0)))
        2.0
        """
        entry = self._coef[self._space.index(alpha)]
        return entry.copy() if self.ndim else entry

    def partial(self, alpha: ArrayLike) -> Any:
        """Partial derivative at x0: ``alpha!`` times the coefficient.

        Parameters
        ----------
        alpha : array_like of int (n_variables,)
            How often to differentiate by each variable; an integer for one variable.

        Returns
        -------
        ndarray or scalar
            Of the polynomials' shape and dtype.

        Raises
        ------
        TypeError, ValueError
            For an `alpha` of the wrong kind or length, or outside the space.

        Notes
        -----
        Rounded once or twice; it overflows only where the derivative does, even if ``alpha!`` is no floating-point
        number.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 3).variables([1.0, 2.0])
        >>> float((x * x * y).partial((2, 0)))
        4.0
        """
        exponents = multi_index(alpha, self._space.n_variables)
        row = self._space.index(exponents)
        factor = math.prod(math.factorial(exponent) for exponent in exponents.tolist())
        return times_integers(self._coef[row : row + 1], [factor], np.zeros(1, np.intp))[0]

    def gradient(self) -> NDArray[Any]:
        """Gradient at x0 of one polynomial.

        Returns
        -------
        ndarray (n_variables,)

        Raises
        ------
        ValueError
            For an array of polynomials, which has a `jacobian`; where the space lacks linear terms.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 1).variables([1.0, 2.0])
        >>> (x * x * y).gradient()
        array([4., 1.])
        """
        if self.ndim:
            raise ValueError(f"`gradient` is of one polynomial; got shape {self.shape}: take p.jacobian()")
        return self.jacobian()

    def jacobian(self) -> NDArray[Any]:
        """First derivatives at x0, the last axis the variables.

        Returns
        -------
        ndarray (*shape, n_variables)

        Raises
        ------
        ValueError
            Where the space lacks linear terms.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x = fc.TaylorSpace(2, 1).variables([1.0, 2.0])
        >>> (x * x[0]).jacobian()
        array([[2., 0.],
               [2., 1.]])
        """
        rows = _terms_of_degree(self._space, 1)
        return np.ascontiguousarray(np.moveaxis(self._coef[rows], 0, -1))

    def hessian(self) -> NDArray[Any]:
        """Second derivatives at x0, the last two axes the variables; symmetric to the last bit.

        Returns
        -------
        ndarray (*shape, n_variables, n_variables)

        Raises
        ------
        ValueError
            Where the space lacks terms of second degree.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 2).variables([1.0, 2.0])
        >>> (x * x * y).hessian()
        array([[4., 2.],
               [2., 0.]])
        """
        return self.tensor(2)

    def tensor(self, k: int) -> NDArray[Any]:
        """All derivatives of k-th degree at x0, the last k axes the variables: value, gradient, Hessian and so on.

        Parameters
        ----------
        k : int
            0 or more.

        Returns
        -------
        ndarray (*shape, n_variables, ..., n_variables)
            Symmetric to the last bit.

        Raises
        ------
        TypeError, ValueError
            For a `k` that is no integer or negative; where the space lacks terms of degree k.

        Notes
        -----
        Takes time and memory in proportion to ``k * n_variables**k``.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 3).variables([1.0, 2.0])
        >>> (x * x * y).tensor(3)
        array([[[0., 2.],
                [2., 0.]],
        <BLANKLINE>
               [[2., 0.],
                [0., 0.]]])
        """
        k = check.integer("k", k, 0, None, "it is the degree of the derivatives")
        n = self._space.n_variables
        rows = _terms_of_degree(self._space, k)
        if n == 1 or k == 0:
            return np.reshape(self.partial([k] * n if n == 1 else [0] * n), self.shape + (n,) * k)
        place, factorial = _places(n, k, np.result_type(self.dtype.char.lower(), np.float64))
        derivatives = np.moveaxis(self._coef[rows[place]], 0, -1) * factorial
        return np.ascontiguousarray(derivatives.reshape(self.shape + (n,) * k), self.dtype)


def _terms_of_degree(space: TaylorSpace, k: int) -> NDArray[np.intp]:
    """All terms with exponents of this sum, lexicographically, the first variable first; ValueError where some miss."""
    n = space.n_variables
    if space.weights is None:
        rows = np.arange(space.starts[k], space.starts[k + 1]) if k <= space.degree else np.empty(0, np.intp)
    else:
        rows = np.flatnonzero(space.exponents.sum(axis=1, dtype=np.int64) == k)
        rows = rows[np.lexsort(-space.exponents[rows].T[::-1])]
    if len(rows) < math.comb(n + k - 1, k):
        lacking = "a higher degree" if space.max_degrees is None else "a higher degree and higher `max_degrees`"
        raise ValueError(
            f"derivatives of degree {k} need all terms of that degree; got {space!r} with {len(rows)} of "
            f"{math.comb(n + k - 1, k)}: expand with {lacking}, or take p.partial(alpha) of those that are there"
        )
    return rows


def _places(n: int, k: int, kind: np.dtype[Any]) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """For all index tuples (i_1, ..., i_k): which of the terms of degree k it is, and its alpha!.

    Before a term with first variable i, r of its factors left and no variable before j, come all those whose first
    variable is between j and i - 1: binomial(n - j + r - 1, r) - binomial(n - i + r - 1, r).
    """
    indices = np.sort(np.indices((n,) * k, np.intp).reshape(k, -1), axis=0)
    place = np.zeros(indices.shape[1], np.intp)
    factorial = np.ones(indices.shape[1], kind)
    run = np.zeros(indices.shape[1], np.intp)
    before = np.zeros(indices.shape[1], np.intp)
    for r, i in zip(range(k, 0, -1), indices, strict=True):
        choices = np.array([math.comb(n - j + r - 1, r) for j in range(n)])
        place += choices[before] - choices[i]
        run = np.where((i == before) & (run > 0), run, 0) + 1
        factorial *= run
        before = i
    return place, factorial
