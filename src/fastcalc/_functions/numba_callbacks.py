"""Callbacks of numba's cfunc that may raise, compiled once more with a status.

What a callback raises is printed by numba, and the callback returns what was in memory: a wrong derivative. The code of
the callback, as numba shows it, tells whether that can happen; if so, the Python function behind it is compiled again,
and what it raises comes back as itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._errors import CallbackError
from fastcalc._functions import numba_wrappers as wrappers
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.signatures import Form, Signature
from fastcalc._functions.warning import warn
from fastcalc._kernels.compiled import FunctionPointer

_PLACE = "_fastcalc_guard"  # on the user's callback: what was compiled for it goes when it goes
_PRINTS = "PyErr_WriteUnraisable"  # called by the code of callbacks that may raise


@dataclass(frozen=True, slots=True)
class Guard:
    """A callback with a status, and the same code for a call from Python."""

    address: int
    again: Any
    owner: object


class GuardedFunction(CompiledFunction):
    """A compiled function from a callback of numba's that may raise."""

    __slots__ = ("_guard",)

    def __init__(
        self,
        guard: Guard,
        address: int,
        signature: Signature,
        *,
        n_outputs: int | None,
        user_data: int,
        owner: object,
    ) -> None:
        super().__init__(address, signature, n_outputs=n_outputs, user_data=user_data, owner=(owner, guard))
        self._guard = guard
        self.pointer = FunctionPointer(
            guard.address, Form.STATUS, user_data, self.pointer.shape, self.owner, failure=self.failure
        )

    def failure(self, status: int, x: NDArray[np.float64]) -> Exception:
        """What f raises at the point x (n,), where its callback returned a status other than 0."""
        if status == wrappers.OTHER_SHAPE:
            return ValueError(f"`f` takes a single number; got x of {x.size}: use `derivative` for many points")
        if status == wrappers.RAISED:
            y = np.empty(1 if self.n_outputs is None else self.n_outputs)
            try:
                self._guard.again(x, y, _memory_at(self.user_data))
            except Exception as error:
                return error
        return CallbackError(status, x)


def guard_of(callback: Any, signature: Signature) -> Guard | None:
    """What keeps exceptions of a callback of numba's cfunc; None where it can't raise."""
    if _PLACE not in callback.__dict__:
        setattr(callback, _PLACE, _compile(callback, signature) if _PRINTS in callback.inspect_llvm() else None)
    found: Guard | None = getattr(callback, _PLACE)
    return found


def _compile(callback: Any, signature: Signature) -> Guard | None:
    try:
        compiler = callback._compiler
        options = {name: value for name, value in compiler.targetoptions.items() if name != "nopython"}
        function = wrappers.numba().njit(callback._sig, locals=compiler.locals, **options)(callback.__wrapped__)
        body = wrappers.callback_body(function, signature)
        guarded = wrappers.guarded(body)
    except Exception as error:  # it is no part of numba's interface, or raises of all kinds
        warn(
            f"numba's callback {callback.__name__} may raise, which numba prints before it goes on with any value: "
            f"{wrappers.first_line(error)}"
        )
        return None

    def again(x, y, data):  # type: ignore[no-untyped-def]
        return body(len(y), len(x), x.ctypes, y.ctypes, data.ctypes)

    return Guard(guarded.address, wrappers.numba().njit(again), (callback, guarded))


def _memory_at(address: int) -> NDArray[np.uint8]:
    """An array that begins at an address, which is all that numba wants of it."""
    import ctypes

    memory: Any = (ctypes.c_byte * 1).from_address(address)
    return np.frombuffer(memory, np.uint8)
