"""Python's operators on polynomials, and the methods by which object arrays find their functions."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._instructions import series
from fastcalc._taylor import elementary, pieces, powers, ufuncs
from fastcalc._taylor.data import Data
from fastcalc._taylor.operands import operand, store
from fastcalc._taylor.protocols import Protocols

_PLAIN = frozenset({int, float})  # they take the precision of what they meet
_NUMBERS = (int, float, complex, np.number, np.ndarray, Data, list, tuple)


class Arithmetic(Protocols):
    """``+ - * / // % ** @``, comparisons by the constant terms, and ``p.exp()`` and the like."""

    __slots__ = ()

    __hash__ = None  # type: ignore[assignment]  # == compares entry by entry

    def _shifted(self, coef: NDArray[Any], constant: Any) -> Any:
        """The polynomial with these coefficients, which nobody else has, plus a Python number."""
        coef[0] += constant
        return self._like(coef)

    def __add__(self, other: Any) -> Any:
        if other.__class__ is self.__class__ and other._space is self._space and other._x0 is self._x0:
            a, b = self._coef, other._coef
            if a.shape == b.shape:
                return self._like(a + b)
        elif other.__class__ in _PLAIN:
            return self._shifted(self._coef.copy(), other)
        return _binary(elementary.add, self, other)

    def __radd__(self, other: Any) -> Any:
        if other.__class__ in _PLAIN:
            return self._shifted(self._coef.copy(), other)
        return _binary(elementary.add, other, self)

    def __sub__(self, other: Any) -> Any:
        if other.__class__ in _PLAIN:
            coef = self._coef.copy()
            coef[0] -= other
            return self._like(coef)
        if other.__class__ is self.__class__ and other._space is self._space and other._x0 is self._x0:
            a, b = self._coef, other._coef
            if a.shape == b.shape:
                return self._like(a - b)
        return _binary(elementary.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        if other.__class__ in _PLAIN:
            return self._shifted(-self._coef, other)
        return _binary(elementary.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        if other.__class__ is self.__class__ and other._space is self._space and other._x0 is self._x0:
            coef = series.multiply(self._space.tables, self._coef, other._coef)
            if coef is not None:
                return self._like(coef)
        elif other.__class__ in _PLAIN:
            return self._like(self._coef * other)
        return _binary(elementary.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        if other.__class__ in _PLAIN:
            return self._like(other * self._coef)
        return _binary(elementary.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        if other.__class__ is self.__class__ and other._space is self._space and other._x0 is self._x0:
            coef = series.divide(self._space.tables, self._coef, other._coef)
            if coef is not None:
                value = coef[0]
                if isinstance(value, float) and isfinite(value):
                    return self._like(coef)
        elif other.__class__ in _PLAIN and other:
            return self._like(self._coef / other)
        return _binary(elementary.divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary(elementary.divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _binary(pieces.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _binary(pieces.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return _binary(pieces.remainder, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _binary(pieces.remainder, other, self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        if other.__class__ is int and other == 2:
            return elementary.square(self)
        return _binary(powers.power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _binary(powers.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return _by_ufunc(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _by_ufunc(np.matmul, other, self)

    def __neg__(self) -> Any:
        return elementary.negative(self)

    def __pos__(self) -> Any:
        return elementary.positive(self)

    def __abs__(self) -> Any:
        return elementary.absolute(self)

    def __iadd__(self, other: Any) -> Any:
        return _in_place(self + other, self)

    def __isub__(self, other: Any) -> Any:
        return _in_place(self - other, self)

    def __imul__(self, other: Any) -> Any:
        return _in_place(self * other, self)

    def __itruediv__(self, other: Any) -> Any:
        return _in_place(self / other, self)

    def __ipow__(self, other: Any) -> Any:
        return _in_place(self**other, self)

    def __ifloordiv__(self, other: Any) -> Any:
        return _in_place(self // other, self)

    def __imod__(self, other: Any) -> Any:
        return _in_place(self % other, self)

    def __imatmul__(self, other: Any) -> Any:
        return _in_place(self @ other, self)

    def __lt__(self, other: Any) -> Any:
        return _by_ufunc(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return _by_ufunc(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return _by_ufunc(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return _by_ufunc(np.greater_equal, self, other)

    def __eq__(self, other: Any) -> Any:
        return _by_ufunc(np.equal, self, other)

    def __ne__(self, other: Any) -> Any:
        return _by_ufunc(np.not_equal, self, other)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"the truth value of {self.size} polynomials is ambiguous; got shape {self.shape}: use np.where, or "
                ".any() or .all()"
            )
        return bool(self._coef[0].reshape(-1)[0])


def _in_place(result: Any, target: Data) -> Any:
    """The result in the memory of an array. A 0-d polynomial is like a NumPy scalar, which others may have too: after
    ``s = total; s += 1`` there are two numbers.
    """
    return store(result, target) if target._coef.ndim > 1 else result


def _binary(function: Any, a: Any, b: Any) -> Any:
    if not (isinstance(a, _NUMBERS) and isinstance(b, _NUMBERS)):
        return NotImplemented
    return function(operand(a), operand(b))


def _by_ufunc(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    return ufunc(a, b) if isinstance(a, _NUMBERS) and isinstance(b, _NUMBERS) else NotImplemented


def _add_methods() -> None:
    """Methods named after the ufuncs, which NumPy looks for in the entries of object arrays."""

    def method_of(ufunc: np.ufunc) -> Any:
        function = ufuncs.UFUNCS.get(ufunc)
        if ufunc.nin == 1 and function is not None:

            def unary(self: Data) -> Any:
                return function(self)

            return unary

        def by_ufunc(self: Data, *others: Any) -> Any:
            return ufunc(self, *others)

        return by_ufunc

    for ufunc in (*ufuncs.UFUNCS, *ufuncs.PREDICATES):
        method = method_of(ufunc)
        method.__name__ = ufunc.__name__
        method.__qualname__ = f"Arithmetic.{ufunc.__name__}"
        method.__doc__ = f"``np.{ufunc.__name__}`` of the polynomials."
        setattr(Arithmetic, ufunc.__name__, method)


_add_methods()
