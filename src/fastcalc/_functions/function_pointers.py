"""Function pointers and pointers to data, as SciPy, numba, ctypes, cffi and Cython hold them.

None of these packages is imported: an object of theirs can only exist where they are in ``sys.modules``.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from types import BuiltinFunctionType
from typing import Any

import numpy as np

from fastcalc._validation import short

_NEEDS_GIL = 4  # the flag FUNCFLAG_PYTHONAPI of ctypes
_NULL = "`{name}` must point to a function; got a null pointer: has its library been loaded?"


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a compiled function is, and what its holder says of it."""

    address: int
    signature: str | None  # None: not known
    user_data: int
    owner: object
    callback: Any = None  # of numba, whose code may raise


def pointer_of(f: Any, name: str) -> Pointer | None:
    """The pointer that an object holds, None where it holds none; ``name`` is that of the argument, for errors."""
    modules = sys.modules
    module: Any
    if (module := modules.get("scipy._lib._ccallback")) is not None and isinstance(f, module.LowLevelCallable):
        _refuse_callbacks(f.function, name)
        return _of_capsule(tuple.__getitem__(f, 0), f)
    if is_callback(f):
        return of_callback(f)
    if (module := modules.get("_ctypes")) is not None and isinstance(f, module.CFuncPtr):
        return _of_ctypes(f, name)
    if "_cffi_backend" in modules and (cdata := _as_cdata(f)) is not None:
        return _of_cffi(cdata, f, name)
    if _is_capsule(f):
        return _of_capsule(f, f)
    return None


def is_callback(f: object) -> bool:
    """Whether f is a callback of numba's cfunc."""
    module: Any = sys.modules.get("numba.core.ccallback")
    return module is not None and isinstance(f, module.CFunc)


def of_callback(f: Any) -> Pointer:
    """The pointer of a callback of numba's cfunc, which knows its code, too."""
    return Pointer(f.address, str(f._sig), 0, f, f)


def _is_capsule(value: object) -> bool:
    kind = type(value)  # types.CapsuleType, from Python 3.13 on
    return kind.__name__ == "PyCapsule" and kind.__module__ == "builtins"


def _of_capsule(capsule: Any, owner: object) -> Pointer:
    # name: the signature; context: user data, which SciPy puts there
    name, address, context = _contents(capsule)
    return Pointer(address, None if name is None else name.decode(errors="replace"), context, owner)


def _contents(capsule: Any) -> tuple[bytes | None, int, int]:
    name_of, pointer_of, context_of = _readers()
    name = name_of(capsule)
    return name, pointer_of(capsule, name), context_of(capsule) or 0


@functools.cache
def _readers() -> tuple[Any, Any, Any]:
    """What tells the name, the pointer and the context of a capsule."""
    import ctypes

    reader = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)
    name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    python = ctypes.pythonapi
    return (
        name(("PyCapsule_GetName", python)),
        pointer(("PyCapsule_GetPointer", python)),
        reader(("PyCapsule_GetContext", python)),
    )


def _of_ctypes(f: Any, name: str) -> Pointer:
    import ctypes

    _refuse_callbacks(f, name)
    address = ctypes.cast(f, ctypes.c_void_p).value
    if not address:
        raise ValueError(_NULL.format(name=name))
    if f.argtypes is None:
        return Pointer(address, None, 0, f)
    arguments = ", ".join(map(_name_of_ctype, f.argtypes))
    return Pointer(address, f"{_name_of_ctype(f.restype)} ({arguments})", 0, f)


def _name_of_ctype(kind: Any) -> str:
    """C's name of a type of ctypes, or of a `numpy.ctypeslib.ndpointer`."""
    if kind is None:
        return "void"
    name = str(kind.__name__)
    if name == "c_void_p":
        return "void *"
    if name.startswith("LP_"):
        return f"{_name_of_ctype(kind._type_)} *"
    dtype = getattr(kind, "_dtype_", None)
    return name.removeprefix("c_") if dtype is None else f"{dtype} *"


def _refuse_callbacks(f: Any, name: str) -> None:
    """TypeError for a Python function behind a pointer of ctypes or cffi, and for one that needs the interpreter."""
    module: Any
    if (module := sys.modules.get("_ctypes")) is not None and isinstance(f, module.CFuncPtr):
        kept = f._objects
        python = isinstance(kept, dict) and any(type(one).__name__ == "CThunkObject" for one in kept.values())
        if type(f)._flags_ & _NEEDS_GIL:
            raise TypeError(
                f"`{name}` must not need Python's global lock; got {short(f)}, of ctypes.PYFUNCTYPE or "
                "ctypes.pythonapi: pass a Python function that calls it"
            )
    else:
        module = sys.modules.get("_cffi_backend")
        python = module is not None and isinstance(f, module._CDataBase) and type(f).__name__ == "__CDataOwnGC"
    if python:
        raise TypeError(
            f"`{name}` must be compiled; got a Python function behind a pointer, {short(f)}: its exceptions would be "
            "printed and lost, so pass the Python function itself"
        )


def _as_cdata(f: Any) -> Any:
    """A pointer to a function as cffi holds it; its libraries in API mode hold functions as built-in ones."""
    backend: Any = sys.modules["_cffi_backend"]
    if isinstance(f, backend._CDataBase):
        return f if backend.typeof(f).kind == "function" else None
    if type(f) is BuiltinFunctionType and type(f.__self__).__module__ == "_cffi_backend":
        return backend.FFI().addressof(f.__self__, f.__name__)
    return None


def _of_cffi(cdata: Any, owner: object, name: str) -> Pointer:
    backend: Any = sys.modules["_cffi_backend"]
    _refuse_callbacks(cdata, name)
    address = _address_of_cdata(cdata)
    if not address:
        raise ValueError(_NULL.format(name=name))
    return Pointer(address, backend.typeof(cdata).cname, 0, (cdata, owner))


def _address_of_cdata(cdata: Any) -> int:
    backend: Any = sys.modules["_cffi_backend"]
    return int(backend.cast(backend.new_primitive_type("uintptr_t"), cdata))


def address_of_data(data: Any) -> int:
    """Where user data are: an integer, a pointer or memory of ctypes or cffi, a capsule, or a NumPy array."""
    if data is None:
        return 0
    if isinstance(data, np.ndarray):
        return int(data.__array_interface__["data"][0])
    if hasattr(data, "__index__") and not isinstance(data, (bool, np.bool_)):
        return address("user_data", data)
    if _is_capsule(data):
        return _contents(data)[1]
    if "_cffi_backend" in sys.modules:
        backend: Any = sys.modules["_cffi_backend"]
        if isinstance(data, backend._CDataBase) and backend.typeof(data).kind in ("pointer", "array"):
            return _address_of_cdata(data)
    if "_ctypes" in sys.modules:
        module: Any = sys.modules["_ctypes"]
        if isinstance(data, module._Pointer) or type(data).__name__ == "c_void_p":
            import ctypes

            return ctypes.cast(data, ctypes.c_void_p).value or 0
        if isinstance(data, (module.Array, module.Structure, module.Union, module._SimpleCData)):
            return int(module.addressof(data))
    raise TypeError(
        f"`user_data` must be an address, a pointer or memory of ctypes or cffi, a capsule, or a NumPy array; got "
        f"{short(data)} of type {type(data).__name__}: put it into a NumPy array"
    )


def address(name: str, value: Any) -> int:
    """An integer that can be an address; of NumPy and others too."""
    number = int(value.__index__())
    if not 0 <= number < 2 ** (8 * np.dtype(np.intp).itemsize):
        raise ValueError(f"`{name}` must be an address, an integer of {np.dtype(np.intp).itemsize} bytes; got {number}")
    return number
