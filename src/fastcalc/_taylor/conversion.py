"""Polynomials from and to dictionaries of their terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from fastcalc import _validation as check
from fastcalc._taylor.data import Data, series_dtype
from fastcalc._taylor.space import TaylorSpace


class Conversion(Data):
    """``to_dict`` and ``from_dict``."""

    __slots__ = ()

    def to_dict(self) -> dict[tuple[int, ...], Any]:
        """Coefficients other than 0 by their exponents.

        Returns
        -------
        dict
            From multi-indices, in the order of the terms, to numbers or, for arrays of polynomials, arrays of their
            shape: those with an entry other than 0. Python's numbers for float64 and complex128, NumPy's for others.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 2).variables([1.0, 2.0])
        >>> (x * y).to_dict()
        {(0, 0): 2.0, (1, 0): 2.0, (0, 1): 1.0, (1, 1): 1.0}
        """
        rows = np.flatnonzero((self._coef != 0).any(axis=tuple(range(1, self._coef.ndim))))
        alphas = map(tuple, self._space.exponents[rows].tolist())
        if self.ndim:
            return {alpha: self._coef[row].copy() for alpha, row in zip(alphas, rows, strict=True)}
        plain = self.dtype in (np.float64, np.complex128)
        numbers = self._coef[rows].tolist() if plain else self._coef[rows]
        return dict(zip(alphas, numbers, strict=True))

    @classmethod
    def from_dict(cls, mapping: Mapping[Any, ArrayLike], space: TaylorSpace, x0: ArrayLike | None = None) -> Self:
        """A polynomial from coefficients by their exponents.

        Parameters
        ----------
        mapping : mapping
            From multi-indices (integers for one variable) to coefficients: numbers or arrays, which are broadcast.
        space : TaylorSpace
            It must have all these terms.
        x0 : array_like (n_variables,), optional
            Point of expansion. Default: 0.

        Returns
        -------
        TaylorPolynomial
            Of the shape that the coefficients have together; 0 for an empty mapping.

        Raises
        ------
        TypeError, ValueError
            For a mapping that is none, multi-indices outside the space, coefficients that are not numeric.

        Examples
        --------
        >>> import fastcalc as fc
        >>> p = fc.TaylorPolynomial.from_dict({(1, 1): 3.0, (0, 0): 1.0}, fc.TaylorSpace(2, 2))
        >>> p.coef
        array([1., 0., 0., 0., 3., 0.])
        """
        if not isinstance(mapping, Mapping):
            raise TypeError(f"`mapping` must map multi-indices to coefficients; got {check.short(mapping)}")
        if not isinstance(space, TaylorSpace):
            raise TypeError(f"`space` must be a TaylorSpace; got {space!r}: make one by fc.TaylorSpace(n, degree)")
        rows = [space.index(alpha) for alpha in mapping]
        values = [check.as_numbers(f"mapping[{alpha}]", value) for alpha, value in mapping.items()]
        shape = np.broadcast_shapes(*(value.shape for value in values))
        dtype = series_dtype(np.result_type(*values)) if values else np.dtype(np.float64)
        coef = np.zeros((space.n_terms, *shape), dtype)
        for row, value in zip(rows, values, strict=True):
            coef[row] = value
        return cls(space, coef, x0)
