"""Which kind of function the user gave: a compiled one, by its type; any other callable stays what it is."""

from __future__ import annotations

import functools
import sys
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from fastcalc._functions.compiled import CompiledFunction, from_pointer
from fastcalc._functions.numba_functions import NumbaFunction, numba_function
from fastcalc._functions.pointers import pointer_of

_PLAIN = frozenset({FunctionType, MethodType, functools.partial, np.ufunc})  # the usual ones, known at a glance


def recognised(f: Any, name: str = "f") -> Any:
    """A `CompiledFunction` for what holds a pointer to one, a `NumbaFunction` for a function of njit, else f itself.

    TypeError where f is none of these and not callable.
    """
    if type(f) in _PLAIN or isinstance(f, (CompiledFunction, NumbaFunction)):
        return f
    numba: Any = sys.modules.get("numba.core.registry")
    if numba is not None and isinstance(f, numba.CPUDispatcher):
        return numba_function(f)
    pointer = pointer_of(f)
    if pointer is not None:
        return from_pointer(pointer)
    if not callable(f):
        raise TypeError(f"`{name}` must be callable; got {f!r}: pass the function itself, not its value")
    return f
