"""What a Taylor polynomial is: coefficients, the space that says what they belong to, and the point of expansion."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastcalc import _validation as check
from fastcalc._taylor.space import TaylorSpace

_DTYPES = tuple(np.dtype(kind) for kind in (np.float32, np.float64, np.longdouble, np.complex128))


class Data:
    """Coefficients ``(n_terms, *shape)`` of an array of polynomials of one space around one point."""

    __slots__ = ("__weakref__", "_coef", "_space", "_x0")

    _coef: NDArray[Any]
    _space: TaylorSpace
    _x0: NDArray[Any] | None  # None: displacements, as operators use them

    def __init__(self, space: TaylorSpace, coef: ArrayLike, x0: ArrayLike | None = None) -> None:
        if not isinstance(space, TaylorSpace):
            raise TypeError(f"`space` must be a TaylorSpace; got {space!r}: make one by fc.TaylorSpace(n, degree)")
        numbers = check.as_numbers("coef", coef)
        if numbers.ndim == 0 or len(numbers) != space.n_terms:
            raise ValueError(
                f"`coef` must have the {space.n_terms} terms of {space!r} along its first axis; got shape "
                f"{numbers.shape}"
            )
        self._space = space
        self._coef = np.array(numbers, series_dtype(numbers.dtype), order="C")
        self._x0 = as_center(space, np.zeros(space.n_variables) if x0 is None else x0)

    @classmethod
    def _make(cls, space: TaylorSpace, coef: NDArray[Any], x0: NDArray[Any] | None) -> Self:
        """A polynomial from parts that fit, unchecked and not copied."""
        p = _new(cls)
        p._space, p._coef, p._x0 = space, coef, x0
        return p

    def _like(self, coef: NDArray[Any]) -> Self:
        """Another one of the same space around the same point."""
        p = _new(self.__class__)
        p._space, p._coef, p._x0 = self._space, coef, self._x0
        return p

    def _matches(self, other: Any) -> bool:
        """Whether another one has the same space, point, shape and type."""
        if other.__class__ is not self.__class__:
            return False
        a, b = self._coef, other._coef
        return other._space is self._space and other._x0 is self._x0 and a.shape == b.shape and a.dtype is b.dtype

    @property
    def space(self) -> TaylorSpace:
        """The `TaylorSpace` the terms belong to."""
        return self._space

    @property
    def coef(self) -> NDArray[Any]:
        """Derivatives divided by ``alpha!``, ``(n_terms, *shape)``; C-contiguous but for views."""
        return self._coef

    @property
    def x0(self) -> NDArray[Any]:
        """Point of expansion ``(n_variables,)``, read-only."""
        return np.zeros(self._space.n_variables) if self._x0 is None else self._x0

    @property
    def degree(self) -> int:
        """Highest degree of a term of the space."""
        return self._space.degree

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of polynomials."""
        return self._coef.shape[1:]

    @property
    def ndim(self) -> int:
        """Number of axes of the array of polynomials."""
        return self._coef.ndim - 1

    @property
    def size(self) -> int:
        """Number of polynomials."""
        return self._coef.size // self._space.n_terms

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the coefficients: float32, float64, longdouble or complex128."""
        return self._coef.dtype

    @property
    def value(self) -> Any:
        """Constant terms, the values at x0: an array of the polynomial's shape, a scalar for shape ``()``."""
        return self._coef[0].copy() if self._coef.ndim > 1 else self._coef[0]

    def astype(self, dtype: DTypeLike, copy: bool = True) -> Self:
        """The same polynomials with coefficients of another type, as ``ndarray.astype``."""
        if np.dtype(dtype).kind in "biu":
            raise TypeError(
                f"Taylor polynomials can't become {np.dtype(dtype)}: round them with np.trunc or np.floor, whose "
                "derivatives are 0"
            )
        return self._like(self._coef.astype(series_dtype(np.dtype(dtype)), copy=copy))

    def copy(self) -> Self:
        """An independent copy, with C-contiguous coefficients."""
        return self._like(self._coef.copy())

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Self:
        return self.copy()

    def __reduce__(self) -> Any:
        return _restored, (self.__class__, self._space, np.ascontiguousarray(self._coef), self._x0)

    def _not_a_number(self, what: str) -> NoReturn:
        raise TypeError(
            f"a Taylor polynomial is no {what}: the derivatives would be lost. Keep to NumPy functions of it, take "
            "p.value for its constant term, or differentiate numerically, with method='adaptive' or method='numeric'"
        )

    def __float__(self) -> float:
        self._not_a_number("float")

    def __int__(self) -> int:
        self._not_a_number("int")

    def __complex__(self) -> complex:
        self._not_a_number("complex number")

    def __index__(self) -> int:
        self._not_a_number("integer")


_new = object.__new__


def _restored(cls: type[Data], space: TaylorSpace, coef: NDArray[Any], x0: NDArray[Any] | None) -> Data:
    """A polynomial from a pickle, which does not keep that x0 is read-only."""
    if x0 is not None:
        x0.flags.writeable = False
    return cls._make(space, coef, x0)


def series_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of coefficients that holds numbers of this type; TypeError for what is no number, or clongdouble."""
    if dtype in _DTYPES and dtype.isnative:
        return dtype
    if dtype.kind in "biu" or dtype == np.float16:
        return np.dtype(np.float64)
    if dtype.kind == "f":
        return dtype.newbyteorder("=")
    if dtype.kind == "c" and dtype.itemsize <= 16:
        return np.dtype(np.complex128)
    raise TypeError(
        f"coefficients must be float32, float64, longdouble or complex128; got {dtype}: convert with astype first"
    )


def as_center(space: TaylorSpace, x0: ArrayLike) -> NDArray[Any]:
    """A point of expansion (n_variables,), read-only."""
    center = np.array(check.as_numbers("x0", x0))
    if center.ndim == 0 and space.n_variables == 1:
        center = center[None]
    if center.shape != (space.n_variables,):
        raise ValueError(
            f"`x0` must have one entry per variable, shape ({space.n_variables},); got shape {center.shape}"
        )
    center.flags.writeable = False
    return center


def require_same(p: Data, q: Data) -> None:
    """Require that two polynomials can be combined."""
    if p._space is not q._space:
        raise ValueError(
            f"polynomials of different spaces don't mix; got {p._space!r} and {q._space!r}: bring one to the space of "
            "the other with space.embed(p)"
        )
    if p._x0 is not q._x0:
        if not np.array_equal(p.x0, q.x0):
            raise ValueError(
                f"polynomials around different points don't mix; got x0 = {p.x0!s} and {q.x0!s}: move one of them with "
                "p.recenter(x0)"
            )
        if p._x0 is not None and q._x0 is not None and p._x0.dtype == q._x0.dtype:
            q._x0 = p._x0  # one array for both, so that the next look is a short one


def lifted(coef: NDArray[Any], ndim: int) -> NDArray[Any]:
    """Coefficients (n_terms, *shape) with axes of length 1 put before shape, so that there are `ndim` axes of it."""
    missing = ndim + 1 - coef.ndim
    return coef if missing <= 0 else coef.reshape(coef.shape[:1] + (1,) * missing + coef.shape[1:])
