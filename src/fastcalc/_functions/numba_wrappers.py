"""C callbacks around numba's functions that report an exception by their status instead of printing it.

    int callback(int m, int n, double *x, double *y, void *data)

numba is imported when the first one is made, after the user has imported it. ``data`` points to the axes of x and of y,
int64, where these have more than one, or to the user data of a callback of the user's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastcalc._functions.signatures import Form, Signature

RAISED = -(2**31) + 1  # values that nobody returns
OTHER_SHAPE = -(2**31) + 2
MOST_AXES = 3  # of x


@dataclass(frozen=True, slots=True)
class Output:
    """What a function returns, as numba knows it: a number, an array, or a tuple of numbers."""

    is_array: bool = False
    n_axes: int = 0
    length: int | None = None  # of a tuple


@functools.cache
def numba() -> Any:
    """The package, which the user has imported before."""
    import numba

    return numba


@functools.cache
def _signature() -> Any:
    types = numba().types
    numbers = types.CPointer(types.float64)
    return types.int32(types.int32, types.int32, numbers, numbers, types.voidptr)


def point_type(n_axes: int) -> Any:
    """The type, for numba, of one point x, a number where it has no axes."""
    types = numba().types
    return types.Array(types.float64, n_axes, "C") if n_axes else types.float64


def result_type(f: Any, n_axes: int) -> Any:
    """The type, for numba, of what f returns for such a point; compiles f for it."""
    found = f.typingctx.resolve_function_type(numba().typeof(f), (point_type(n_axes),), {})
    if found is None:
        raise TypeError(f"no signature of it takes {point_type(n_axes)}")
    return found.return_type


def output_of(kind: Any) -> Output | None:
    """What numba's type of a result means; None for what is no array of real numbers in double precision."""
    types = numba().types

    def exact(number: Any) -> bool:
        return isinstance(number, (types.Integer, types.Boolean)) or number == types.float64

    if exact(kind):
        return Output()
    if isinstance(kind, types.Array) and exact(kind.dtype):
        return Output(True, kind.ndim)
    if isinstance(kind, types.UniTuple) and exact(kind.dtype):
        return Output(False, 1, kind.count)
    return None


def guarded(body: Any) -> Any:
    """The C callback that returns the status of ``body``, an njit function, or RAISED."""

    def callback(m, n, x, y, data):  # type: ignore[no-untyped-def]
        try:
            status = body(m, n, x, y, data)
        except Exception:
            status = RAISED
        return status

    return numba().cfunc(_signature())(callback)


def guarded_function(f: Any, n_axes: int, output: Output) -> Any:
    """The C callback that calls ``f``, an njit function, at a point and stores what it returns.

    No njit function around f holds it: numba would keep both forever.
    """
    point, store, one_variable = _point(n_axes), _store(n_axes, output), n_axes == 0

    def callback(m, n, x, y, data):  # type: ignore[no-untyped-def]
        status = OTHER_SHAPE
        if not one_variable or n == 1:
            try:
                status = store(f(point(x, n, data)), m, y, data)
            except Exception:
                status = RAISED
        return status

    return numba().cfunc(_signature())(callback)


def _point(n_axes: int) -> Any:
    """What makes x as the user's function takes it: the same memory, so that what f writes into x is noticed."""
    import numpy as np

    carray = numba().carray

    def number(x, n, data):  # type: ignore[no-untyped-def]
        return x[0]

    def vector(x, n, data):  # type: ignore[no-untyped-def]
        return carray(x, n)

    def matrix(x, n, data):  # type: ignore[no-untyped-def]
        axes = carray(data, 2, np.int64)
        return carray(x, (axes[0], axes[1]))

    def cube(x, n, data):  # type: ignore[no-untyped-def]
        axes = carray(data, 3, np.int64)
        return carray(x, (axes[0], axes[1], axes[2]))

    return numba().njit((number, vector, matrix, cube)[n_axes])


def _store(n_axes: int, output: Output) -> Any:
    """What writes a result into y, after a look at its shape."""
    import numpy as np

    carray = numba().carray
    first, count = (0 if n_axes < 2 else n_axes), output.n_axes

    def number(result, m, y, data):  # type: ignore[no-untyped-def]
        y[0] = result
        return 0

    def scalar(result, m, y, data):  # type: ignore[no-untyped-def]
        y[0] = result[()]
        return 0

    def vector(result, m, y, data):  # type: ignore[no-untyped-def]
        if len(result) != m:
            return OTHER_SHAPE
        for i in range(m):
            y[i] = result[i]
        return 0

    def array(result, m, y, data):  # type: ignore[no-untyped-def]
        axes = carray(data, first + count, np.int64)
        for i in range(count):
            if result.shape[i] != axes[first + i]:
                return OTHER_SHAPE
        for i, value in enumerate(result.flat):
            y[i] = value
        return 0

    if count == 0:
        return numba().njit(scalar if output.is_array else number)
    return numba().njit(vector if count == 1 else array)


def callback_body(g: Any, signature: Signature) -> Any:
    """An njit function that calls ``g``, with the signature of a user's callback, and returns a status."""

    def one_variable(m, n, x, y, data):  # type: ignore[no-untyped-def]
        if n != 1:
            return OTHER_SHAPE
        y[0] = g(x[0])
        return 0

    def one_variable_data(m, n, x, y, data):  # type: ignore[no-untyped-def]
        if n != 1:
            return OTHER_SHAPE
        y[0] = g(x[0], data)
        return 0

    def scalar(m, n, x, y, data):  # type: ignore[no-untyped-def]
        y[0] = g(n, x)
        return 0

    def scalar_data(m, n, x, y, data):  # type: ignore[no-untyped-def]
        y[0] = g(n, x, data)
        return 0

    def vector(m, n, x, y, data):  # type: ignore[no-untyped-def]
        g(m, n, x, y)
        return 0

    def vector_data(m, n, x, y, data):  # type: ignore[no-untyped-def]
        g(m, n, x, y, data)
        return 0

    def status(m, n, x, y, data):  # type: ignore[no-untyped-def]
        return g(m, n, x, y)

    def status_data(m, n, x, y, data):  # type: ignore[no-untyped-def]
        return g(m, n, x, y, data)

    bodies: dict[Form, tuple[Callable[..., Any], Callable[..., Any]]] = {
        Form.ONE_VARIABLE: (one_variable, one_variable_data),
        Form.SCALAR: (scalar, scalar_data),
        Form.VECTOR: (vector, vector_data),
        Form.STATUS: (status, status_data),
    }
    return numba().njit(_signature())(bodies[signature.form][signature.user_data])


def first_line(error: Exception) -> str:
    """What an error of numba says, in a line; the first ones tell where in numba it is."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith("Failed in")]
    return said[0][:100] if said else type(error).__name__
