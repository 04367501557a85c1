"""Indexing and assignment of arrays of polynomials, as NumPy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.data import Data, lifted, require_same
from fastcalc._taylor.operands import operand


class Indexing(Data):
    """``p[...]``, ``p[...] = q``, ``len(p)`` and loops over the first axis.

    As in NumPy, slices are views, and one entry is a value of its own: ``a = x[0]; x[0] = x[1]; x[1] = a`` swaps.
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> Self:
        if key.__class__ is int:
            return self._like(_entry(self._coef[:, key]))
        if key.__class__ is slice:
            return self._like(self._coef[:, key])
        if _is_basic(key):
            coef = self._coef[_behind_terms(key)]
            return self._like(coef if _has_ellipsis(key) else _entry(coef))
        return self._like(self._coef.reshape(len(self._coef), -1)[:, self._positions()[key]])

    def __setitem__(self, key: Any, value: Any) -> None:
        value = operand(value)
        if isinstance(value, Data):
            require_same(self, value)
            coef = value._coef
        else:
            constant = np.asarray(value)
            coef = np.zeros((len(self._coef), *constant.shape), constant.dtype)
            coef[0] = constant
        if not np.can_cast(coef.dtype, self._coef.dtype, "same_kind"):
            raise TypeError(f"polynomials of type {self.dtype} can't hold {coef.dtype}: convert them with astype first")
        if _is_basic(key):
            target = self._coef[_behind_terms(key)]
            target[...] = lifted(coef, target.ndim - 1)
            return
        positions = self._positions()[key]
        spread = np.broadcast_to(lifted(coef, positions.ndim), (len(coef), *positions.shape))
        if self._coef.flags.c_contiguous:
            self._coef.reshape(len(coef), -1)[:, positions] = spread
        else:  # a view: its terms one by one
            for goal, source in zip(self._coef, spread, strict=True):
                goal[key] = source

    def _positions(self) -> NDArray[np.intp]:
        """Number of each entry, as an array that can be indexed in the place of the polynomials."""
        return np.arange(self.size, dtype=np.intp).reshape(self.shape)

    def __len__(self) -> int:
        if self._coef.ndim == 1:
            raise TypeError("a 0-d polynomial has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        if self._coef.ndim == 1:
            raise TypeError("a 0-d polynomial can't be iterated over")
        return (self._like(_entry(self._coef[:, i])) for i in range(self._coef.shape[1]))


def _is_basic(key: Any) -> bool:
    """Whether a key gives a view: integers, slices, None and Ellipsis."""
    for part in key if isinstance(key, tuple) else (key,):
        kind = part.__class__
        if not (kind is int or kind is slice or part is None or part is Ellipsis or isinstance(part, np.integer)):
            return False
    return True


def _has_ellipsis(key: Any) -> bool:
    """Whether NumPy would give a 0-d array, which is a view, in the place of a scalar."""
    return key is Ellipsis or (isinstance(key, tuple) and any(part is Ellipsis for part in key))


def _entry(coef: NDArray[Any]) -> NDArray[Any]:
    """Coefficients of what was indexed: a copy if it is one entry."""
    return coef.copy() if coef.ndim == 1 else coef


def _behind_terms(key: Any) -> tuple[Any, ...]:
    return (slice(None), *key) if isinstance(key, tuple) else (slice(None), key)
