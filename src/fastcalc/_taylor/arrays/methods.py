"""The methods of ndarray that NumPy code calls on its arrays, by the functions of the same names."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from fastcalc._taylor.arrays import linalg, making, ordering, products, reductions, shaping, statistics
from fastcalc._taylor.arrays.handlers import UNSET, delivered
from fastcalc._taylor.arrays.handlers import values as plain
from fastcalc._taylor.arrays.shaping import moved
from fastcalc._taylor.indexing import Indexing


class ArrayMethods(Indexing):
    """``p.reshape``, ``p.sum``, ``p.T`` and so on; each is NumPy's function of that name."""

    __slots__ = ()

    # Shapes: views, as NumPy's

    @property
    def T(self) -> Self:
        """The axes in reverse order."""
        return self._like(self._coef.transpose(0, *range(self._coef.ndim - 1, 0, -1)))

    @property
    def mT(self) -> Self:
        """The last two axes exchanged."""
        if self.ndim < 2:
            raise ValueError(f"a transposed matrix needs two axes; got shape {self.shape}")
        return self._like(self._coef.swapaxes(-1, -2))

    @property
    def flat(self) -> Any:
        """The entries one after the other."""
        return iter(self.reshape(-1))

    @property
    def nbytes(self) -> int:
        """Bytes of the coefficients."""
        return self._coef.nbytes

    @property
    def real(self) -> Any:
        """The real part, a view of complex coefficients."""
        return making.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part, a view of complex coefficients."""
        return making.imag(self)

    def reshape(self, *shape: Any, order: Any = "C", copy: Any = None) -> Any:
        """``np.reshape``; the lengths may be given one by one."""
        new = shape[0] if len(shape) == 1 else shape
        if copy is True:
            return moved(np.reshape, self, new, order).copy()
        result = moved(np.reshape, self, new, order)
        if copy is False and self.size and not np.may_share_memory(result._coef, self._coef):
            raise ValueError(f"no view of shape {new} can be made of these polynomials: leave `copy` out")
        return result

    def ravel(self, order: Any = "C") -> Any:
        """``np.ravel``."""
        return moved(np.ravel, self, order)

    def flatten(self, order: Any = "C") -> Any:
        """A copy in one dimension."""
        result = moved(np.ravel, self, order)
        return result.copy()

    def transpose(self, *axes: Any) -> Any:
        """``np.transpose``; the axes may be given one by one."""
        return moved(np.transpose, self, axes[0] if len(axes) == 1 else axes or None)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """``np.swapaxes``."""
        return moved(np.swapaxes, self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Any:
        """``np.squeeze``."""
        return moved(np.squeeze, self, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """``np.diagonal``."""
        return moved(np.diagonal, self, offset, axis1, axis2)

    # Entries

    def item(self, *place: Any) -> Any:
        """One entry, a 0-d polynomial."""
        if not place:
            if self.size != 1:
                raise ValueError(f"only one polynomial is an item; got shape {self.shape}: say which one")
            return self.reshape(())
        place = place[0] if len(place) == 1 else place
        return self.reshape(-1)[place] if isinstance(place, (int, np.integer)) else self[tuple(place)]

    def tolist(self) -> Any:
        """Nested lists of 0-d polynomials."""
        return self if self.ndim == 0 else [row.tolist() for row in self]

    def fill(self, value: Any) -> None:
        """The same value for all entries."""
        self[...] = value

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
        """``np.take``."""
        return shaping.take(self, indices, axis, out, mode)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """``np.put``."""
        making.put(self, indices, values, mode)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """``np.repeat``."""
        return moved(np.repeat, self, repeats, axis)

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        """``np.compress``."""
        return shaping.compress(condition, self, axis, out)

    def nonzero(self) -> Any:
        """Places of the entries whose constant terms are not 0."""
        return np.nonzero(self._coef[0])

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
        """``np.sort`` in place."""
        self[...] = ordering.sort(self, axis, kind, order, stable=stable)

    def argsort(self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
        """``np.argsort`` of the constant terms."""
        return np.argsort(self._coef[0, ...], axis, kind, order, stable=stable)

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """``np.searchsorted`` by the constant terms."""
        return np.searchsorted(self._coef[0], plain(v), side, sorter)

    # Reductions

    def sum(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
        where: Any = True,
    ) -> Any:  # fmt: skip
        """``np.sum``."""
        return reductions.sum(self, axis, dtype, out, keepdims, initial, where)

    def prod(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
        where: Any = True,
    ) -> Any:  # fmt: skip
        """``np.prod``."""
        return reductions.prod(self, axis, dtype, out, keepdims, initial, where)

    def max(
        self, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET, where: Any = True
    ) -> Any:
        """``np.max``."""
        return reductions.max(self, axis, out, keepdims, initial, where)

    def min(
        self, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET, where: Any = True
    ) -> Any:
        """``np.min``."""
        return reductions.min(self, axis, out, keepdims, initial, where)

    def mean(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
    ) -> Any:
        """``np.mean``."""
        return statistics.mean(self, axis, dtype, out, keepdims, where=where)

    def var(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
        where: Any = True, mean: Any = UNSET, correction: Any = UNSET,
    ) -> Any:  # fmt: skip
        """``np.var``."""
        return statistics.var(self, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)

    def std(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
        where: Any = True, mean: Any = UNSET, correction: Any = UNSET,
    ) -> Any:  # fmt: skip
        """``np.std``."""
        return statistics.std(self, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """``np.cumsum``."""
        return reductions.cumsum(self, axis, dtype, out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """``np.cumprod``."""
        return reductions.cumprod(self, axis, dtype, out)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
        """``np.trace``."""
        return linalg.trace(self, offset, axis1, axis2, dtype, out)

    def argmax(self, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        """``np.argmax`` of the constant terms."""
        return np.argmax(self._coef[0, ...], axis, out, keepdims=keepdims)

    def argmin(self, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        """``np.argmin`` of the constant terms."""
        return np.argmin(self._coef[0, ...], axis, out, keepdims=keepdims)

    def any(self, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
        """``np.any`` of the constant terms."""
        return np.any(self._coef[0, ...], axis, out, keepdims, where=where)

    def all(self, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
        """``np.all`` of the constant terms."""
        return np.all(self._coef[0, ...], axis, out, keepdims, where=where)

    # Functions

    def dot(self, b: Any, out: Any = None) -> Any:
        """``np.dot``."""
        return products.dot(self, b, out)

    def conj(self) -> Any:
        """``np.conjugate``."""
        return self._like(self._coef.conj())

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **options: Any) -> Any:
        """``np.clip``."""
        return ordering.clip(self, min, max, out, **options)

    def round(self, decimals: int = 0, out: Any = None) -> Any:
        """``np.round``: constant between jumps."""
        return delivered(ordering.around(self, decimals), out)
