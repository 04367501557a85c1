"""Which kind of function the user gave: a compiled one, by its type; any other callable stays what it is."""

from __future__ import annotations

import functools
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.compiled_construction import from_callback, from_pointer
from fastcalc._functions.function_pointers import is_callback, pointer_of
from fastcalc._functions.numba_functions import NumbaFunction, is_jitted, numba_function

_PLAIN = frozenset({FunctionType, MethodType, functools.partial, np.ufunc})  # the usual ones, known at a glance
_SMALLEST_ADDRESS = 2**16  # no system has functions below


def recognised(f: Any, name: str = "f") -> Any:
    """A `CompiledFunction` for what holds a pointer to one, a `NumbaFunction` for a function of njit, else f itself.

    TypeError where f is none of these and not callable.
    """
    if type(f) in _PLAIN or isinstance(f, (CompiledFunction, NumbaFunction)):
        return f
    if is_jitted(f):
        return numba_function(f)
    if is_callback(f):
        return from_callback(f, name)
    pointer = pointer_of(f, name)
    if pointer is not None:
        return from_pointer(pointer, name)
    if not callable(f):
        remedy = "pass the function itself, not its value"
        if isinstance(f, (int, np.integer)) and not isinstance(f, bool) and f > _SMALLEST_ADDRESS:
            remedy = f"if it is the address of a compiled function, use fc.compiled({name}, signature)"
        raise TypeError(f"`{name}` must be callable; got {f!r}: {remedy}")
    return f
