"""Compiled functions: a pointer with its signature, its user data, and what has to stay alive for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._functions.signatures import Form, Signature
from fastcalc._kernels.compiled import FunctionPointer


class CompiledFunction:
    """A compiled function, made by `compiled`: every operator takes it as `f`.

    It can be called: ``f(x)`` is the value at one point x, of any shape; where the function has one variable, the
    values at all numbers in x.

    Attributes
    ----------
    signature : str
        The signature, each type written in one way: ``"double (int, double *)"``.
    form : Form
        The signature without user data, as the kernels know it.
    takes_user_data : bool
        Whether the last argument is a ``void *``.
    one_variable : bool
        Whether x is a single number.
    address, user_data : int
        What is called, and what it gets as user data; 0: nothing.
    n_outputs : int or None
        Numbers in the output. None: a single one, which is returned.
    shape : tuple of int or None
        Shape of the output. None: not known before the first call, for a function of numba that returns arrays.
    owner : object
        What is kept alive together with this object.
    """

    __slots__ = ("__weakref__", "_signature", "address", "n_outputs", "owner", "pointer", "user_data")

    address: int
    user_data: int
    n_outputs: int | None
    owner: object

    def __init__(
        self, address: int, signature: Signature, *, n_outputs: int | None, user_data: int, owner: object
    ) -> None:
        self._signature = signature
        self.address, self.user_data, self.n_outputs, self.owner = address, user_data, n_outputs, owner
        data = user_data if signature.user_data else None
        shape = () if n_outputs is None else (n_outputs,)
        self.pointer = FunctionPointer(address, signature.form, data, shape, owner)

    @property
    def signature(self) -> str:
        return self._signature.text

    @property
    def form(self) -> Form:
        return self._signature.form

    @property
    def takes_user_data(self) -> bool:
        return self._signature.user_data

    @property
    def one_variable(self) -> bool:
        return self.form is Form.ONE_VARIABLE

    @property
    def shape(self) -> tuple[int, ...] | None:
        return self.pointer.shape

    def values_at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (k, m) at the rows of float64 points (k, n), C-contiguous, without Python's global lock."""
        return self.pointer.values_at(points)

    def __call__(self, x: ArrayLike) -> Any:
        numbers = check.as_real("x", x)
        if numbers.dtype.char == "g":
            raise TypeError(f"`x` must be float64 for a compiled function; got {numbers.dtype}: use x.astype(float)")
        point = np.asarray(numbers, np.float64, order="C")
        if not self.one_variable:
            values = self.values_at(point.reshape(1, -1))
            return values.reshape(self.shape)[()]
        values = self.values_at(point.reshape(-1, 1))
        return values.T.reshape((self.shape or ()) + point.shape)[()]

    def __repr__(self) -> str:
        n_outputs = "" if self.n_outputs is None else f", n_outputs={self.n_outputs}"
        user_data = f", user_data={self.user_data:#x}" if self.user_data else ""
        return f"CompiledFunction({self.signature!r}{n_outputs}{user_data})"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(
            f"cannot pickle {self!r}: its address means nothing in another process. Use threads, which share it, or a "
            "function of numba.njit, which can be pickled"
        )
