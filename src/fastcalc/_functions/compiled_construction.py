"""From anything that holds a pointer to a compiled function to a `CompiledFunction`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fastcalc import _validation as check
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.function_pointers import Pointer, address, address_of_data, of_callback, pointer_of
from fastcalc._functions.numba_callbacks import GuardedFunction, guard_of
from fastcalc._functions.numba_functions import compiled_function, is_jitted
from fastcalc._functions.signatures import Form, Signature, parse_signature, the_supported

_LARGEST = 2**31 - 1  # of C's int
_PLACE = "_fastcalc_function"


def compiled(
    function: Any,
    signature: str | None = None,
    *,
    n_outputs: int | None = None,
    user_data: Any = None,
    owner: object = None,
) -> CompiledFunction:
    """A compiled function, for use wherever `f` is: it is called in a loop of C, without the interpreter.

    Operators take what holds a pointer and its signature as it is, as ``fc.gradient(f, x)`` with a function of numba or
    a `scipy.LowLevelCallable`. This function is for the rest: addresses, functions with many outputs, user data; and
    for a call of the result from Python.

    Parameters
    ----------
    function : object
        A `scipy.LowLevelCallable`, a function of `numba.cfunc` or `numba.njit`, a function pointer of ctypes or cffi, a
        capsule of Cython (from a module's ``__pyx_capi__``), or an address: an integer.
    signature : str, optional
        Its declaration in C. Default: what `function` says of itself. An address needs it, and a function of ctypes
        without argtypes.
    n_outputs : int, optional
        Numbers that the function writes into y, m. Required where its signature has a y.
    user_data : optional
        What goes into a last argument ``void *``: an address, a pointer or memory of ctypes or cffi, a capsule, or a
        NumPy array, whose data it is. Default: that of a `LowLevelCallable`, else a null pointer.
    owner : object, optional
        What has to stay alive as long as the result, such as the library that holds the function. `function` and
        `user_data` do so anyway.

    Returns
    -------
    CompiledFunction
        Its attributes and its representation show the signature; calling it evaluates the function.

    Raises
    ------
    TypeError
        If `function` is not compiled, or does not tell its signature or its number of outputs.
    ValueError
        If the signature is not one of those below.

    Notes
    -----
    The signatures, each with or without a last argument ``void *``, and with ``const``, names, typedefs and other
    integers of the same width at will:

    =============================================  =====================================================
    ``double (double)``                            one variable
    ``double (int n, double *x)``                  n variables, as for `scipy.integrate.quad`
    ``void (int m, int n, double *x, double *y)``  n variables, m outputs
    ``int (int m, int n, double *x, double *y)``   the same with a status: 0 for success
    =============================================  =====================================================

    x is a private copy, of float64. Values that are not finite are data, as for any function.

    *Errors.* A status other than 0 raises `CallbackError`, or with ``on_error="nan"`` makes the value NaN; this form is
    the one for functions that can fail. A function of njit keeps its exceptions: they come back as themselves. So do
    those of a cfunc that may raise, which is compiled again for that; but behind a pointer to it (``f.ctypes``,
    ``f.address``, a `LowLevelCallable`) nothing can be done: numba prints them, and the value is anything. Python
    functions behind ctypes or cffi are refused, but for ``extern "Python"`` functions of cffi, which nothing tells from
    others: their exceptions are printed and lost too.

    *Requirements.* The function runs without Python's global lock: one of Cython has to be ``noexcept nogil``. It must
    not jump out (longjmp, C++ exceptions). If operators are used from many threads, or with `workers`, it has to be
    thread-safe, and so has its use of `user_data`.

    *Pickling* fails but for functions of njit: addresses mean nothing in another process.

    Examples
    --------
    >>> import ctypes, ctypes.util
    >>> import fastcalc as fc
    >>> library = ctypes.CDLL(ctypes.util.find_library("m"))
    >>> tan = fc.compiled(library.tan, "double (double x)", owner=library)
    >>> tan
    CompiledFunction('double (double)')
    >>> print(tan(0.0), fc.derivative(tan, 0.0).round(12))
    0.0 1.0
    """
    if signature is not None and not isinstance(signature, str):
        raise TypeError(f"`signature` must be a declaration in C, a string; got {signature!r}: see help(fc.compiled)")
    given = n_outputs is not None or user_data is not None
    if isinstance(function, CompiledFunction):
        if given or signature is not None or owner is not None:
            raise TypeError(f"{function!r} is complete; got more than that: give it where the function is made")
        return function
    if is_jitted(function):
        if given:
            raise TypeError(
                "a function of njit takes no `user_data`, and tells its outputs itself: leave `n_outputs` out"
            )
        return _jitted(function, signature)
    pointer: Pointer | None
    if isinstance(function, (int, np.integer)) and not isinstance(function, bool):
        pointer = Pointer(address("function", function), signature, 0, None)
        if not pointer.address:
            raise ValueError("`function` must be the address of a function; got 0, a null pointer")
    else:
        pointer = pointer_of(function, "function")
        if pointer is None:
            raise TypeError(
                f"`function` must be compiled; got {check.short(function)} of type {type(function).__name__}: "
                "operators take functions of Python as they are"
            )
        if signature is not None:
            pointer = replace(pointer, signature=_agreed(signature, pointer.signature))
    return from_pointer(pointer, "function", n_outputs, user_data, owner)


def _jitted(function: Any, signature: str | None) -> CompiledFunction:
    """A function of njit for points without axes or with one; the signature tells which."""
    form = Form.SCALAR if signature is None else parse_signature(signature).form
    if form not in (Form.ONE_VARIABLE, Form.SCALAR):
        raise ValueError(
            f"the `signature` of a function of njit tells whether x is a number, 'double (double)', or an array, "
            f"'double (int, double *)'; got {signature!r}: leave it out for an array, whatever the function returns"
        )
    return compiled_function(function, 0 if form is Form.ONE_VARIABLE else 1)


def _agreed(given: str, own: str | None) -> str:
    """The signature that was given, unless the function has another one that is supported, too."""
    wanted = parse_signature(given)
    try:
        known = wanted if own is None else parse_signature(own)
    except ValueError:
        return given
    if known != wanted:
        raise ValueError(f"`signature` must be that of `function`, {known.text!r}; got {given!r}: leave it out")
    return given


def from_pointer(
    pointer: Pointer, name: str, n_outputs: int | None = None, user_data: Any = None, owner: object = None
) -> CompiledFunction:
    """The function behind a pointer, which is the argument of this name, once all that it takes is known."""
    if pointer.signature is None:
        raise TypeError(
            f"`{name}` must tell its signature; got an address alone: give fc.compiled a `signature`, or a function of "
            f"ctypes its argtypes and its restype. {the_supported()}"
        )
    signature = parse_signature(pointer.signature)
    if user_data is not None and not signature.user_data:
        raise ValueError(
            f"`user_data` needs a last argument `void *`; got the signature {signature.text!r}: leave `user_data` out"
        )
    parts: Any = {
        "n_outputs": _outputs(signature, n_outputs),
        "user_data": pointer.user_data if user_data is None else address_of_data(user_data),
        "owner": (pointer.owner, user_data, owner),
    }
    guard = None if pointer.callback is None else guard_of(pointer.callback, signature)
    if guard is not None:
        return GuardedFunction(guard, pointer.address, signature, **parts)
    return CompiledFunction(pointer.address, signature, **parts)


def from_callback(callback: Any, name: str) -> CompiledFunction:
    """The one function for a callback of numba's cfunc that stands alone; it goes when the callback goes."""
    known: CompiledFunction | None = callback.__dict__.get(_PLACE)
    if known is None:
        known = from_pointer(of_callback(callback), name)
        setattr(callback, _PLACE, known)
    return known


def _outputs(signature: Signature, n_outputs: int | None) -> int | None:
    """The number of outputs in y, None where there is no y."""
    if not signature.scalar:
        if n_outputs is None:
            raise TypeError(
                f"the signature {signature.text!r} does not tell how many numbers the function writes into y: use "
                "fc.compiled(f, n_outputs=...)"
            )
        return check.integer("n_outputs", n_outputs, 0, _LARGEST, "give the size of y, m")
    if n_outputs is not None:
        raise ValueError(
            f"`n_outputs` is the size of y; got {n_outputs} for the signature {signature.text!r}, which has none: "
            "leave it out"
        )
    return None
