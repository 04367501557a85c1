"""Compiled functions: a pointer with its signature, its user data, and what has to stay alive for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._functions.pointers import Pointer, address, address_of_data, pointer_of
from fastcalc._functions.signatures import SUPPORTED, Form, Signature, parse_signature
from fastcalc._kernels.compiled import FunctionPointer

_LARGEST = 2**31 - 1  # of C's int


class CompiledFunction:
    """A compiled function that every operator takes as `f`, and that can be called from Python.

    `compiled` makes it. Calling it evaluates the function at one point, or, where it has one variable, at each number
    of an array.

    Attributes
    ----------
    signature : str
        The signature, each type written in one way: ``"double (int, double *)"``.
    form : Form
        The signature without user data, as the kernels know it.
    takes_user_data : bool
        Whether the last argument is a ``void *``.
    address, user_data : int
        What is called, and what is given as user data; 0 for no data.
    n_outputs : int or None
        Numbers in the output; None where it is a single number that is returned.
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
        self.pointer = FunctionPointer(address, signature.form, data, self.shape or (), owner)

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
    def shape(self) -> tuple[int, ...] | None:
        """Shape of one output; None where it is not known before the function has run."""
        return () if self.n_outputs is None else (self.n_outputs,)

    def failure(self, status: int, x: NDArray[np.float64]) -> Exception:
        """The exception to raise where the function returned a status other than 0 at the point x."""
        from fastcalc._errors import CallbackError

        return CallbackError(status, x)

    def values_at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (k, m) at the rows of points (k, n), without Python's global lock."""
        return self.pointer.values_at(points)

    def __call__(self, x: ArrayLike) -> Any:
        point = np.asarray(check.as_real("x", x), np.float64, order="C")
        if self.form is Form.ONE_VARIABLE:
            return self.values_at(point.reshape(-1, 1)).reshape(point.shape)[()]
        values = self.values_at(point.reshape(1, -1))
        return values.reshape(self.shape)[()]

    def __repr__(self) -> str:
        n_outputs = "" if self.n_outputs is None else f", n_outputs={self.n_outputs}"
        user_data = f", user_data={self.user_data:#x}" if self.user_data else ""
        return f"CompiledFunction({self.signature!r}{n_outputs}{user_data})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"cannot pickle {self!r}: an address means nothing in another process. Pickle a Python function that "
            "makes it there, or use threads, which share it"
        )


def from_pointer(
    pointer: Pointer, *, n_outputs: int | None = None, user_data: Any = None, owner: object = None
) -> CompiledFunction:
    """The function behind a pointer, once its signature has been read and its outputs are known."""
    if pointer.signature is None:
        raise TypeError(
            "`f` must say what it takes; got a pointer without a signature: set its argtypes and restype in ctypes, or "
            f"use fc.compiled(f, signature). The signatures are\n{SUPPORTED}"
        )
    signature = parse_signature(pointer.signature)
    if signature.scalar:
        if n_outputs is not None:
            raise ValueError(
                f"`n_outputs` is for functions that write their outputs into y; got {n_outputs} for the signature "
                f"{signature.text!r}, whose one output is returned: leave it out"
            )
    else:
        if n_outputs is None:
            raise TypeError(
                f"a function with the signature {signature.text!r} does not tell how many outputs it has: use "
                "fc.compiled(f, n_outputs=...)"
            )
        n_outputs = check.integer("n_outputs", n_outputs, 0, _LARGEST, "give the number of outputs, m")
    data = pointer.user_data if user_data is None else address_of_data(user_data)
    if user_data is not None and not signature.user_data:
        raise ValueError(
            f"`user_data` needs a last argument `void *`; got the signature {signature.text!r}: leave `user_data` out"
        )
    return CompiledFunction(
        pointer.address, signature, n_outputs=n_outputs, user_data=data, owner=(pointer.owner, user_data, owner)
    )


def compiled(
    function: Any,
    signature: str | None = None,
    *,
    n_outputs: int | None = None,
    user_data: Any = None,
    owner: object = None,
) -> CompiledFunction:
    """A compiled function from a pointer, for use wherever `f` is: its calls run in C, without the interpreter.

    Parameters
    ----------
    function : object
        A `scipy.LowLevelCallable`, a function of `numba.cfunc`, a function pointer of ctypes or cffi, a capsule of
        Cython, or an address (an integer), which needs a `signature`.
    signature : str, optional
        The declaration of the function in C. Default: what `function` says of itself.
    n_outputs : int, optional
        Numbers that the function writes into y. Required where its signature has a y.
    user_data : optional
        What the function gets for its ``void *``: an address, a pointer or memory of ctypes or cffi, a capsule, or a
        NumPy array, whose data it gets. Default: that of a `LowLevelCallable`, else a null pointer.
    owner : object, optional
        Anything that has to stay alive as long as the result, as a library that holds the function.

    Returns
    -------
    CompiledFunction
    """
    if isinstance(function, CompiledFunction):
        pointer: Pointer | None = Pointer(function.address, function.signature, function.user_data, function)
        n_outputs = function.n_outputs if n_outputs is None else n_outputs
    elif hasattr(function, "__index__") and not isinstance(function, (bool, np.bool_)):
        pointer = Pointer(address("function", function), None, 0, None)
    else:
        pointer = pointer_of(function)
    if pointer is None:
        raise TypeError(f"`function` must be compiled; got {function!r}: give a Python function as `f` as it is")
    if signature is not None:
        pointer = replace(pointer, signature=signature)
    return from_pointer(pointer, n_outputs=n_outputs, user_data=user_data, owner=owner)
