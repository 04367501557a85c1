"""Which kind of function the user gave: a compiled one, by its type; any other callable stays what it is."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from fastcalc._functions.compiled import CompiledFunction, from_pointer
from fastcalc._functions.pointers import pointer_of


def recognised(f: Any, name: str = "f") -> Any:
    """A `CompiledFunction` for what holds a pointer to one, else f itself; TypeError where that is not callable."""
    if type(f) is FunctionType or isinstance(f, CompiledFunction):
        return f
    pointer = pointer_of(f)
    if pointer is not None:
        return from_pointer(pointer)
    if not callable(f):
        raise TypeError(f"`{name}` must be callable; got {f!r}: pass the function itself, not its value")
    return f
