"""Functions of numba's njit, called in C: compiled with a status on first use, and kept as long as they are.

An exception becomes a status; f then runs again from Python at the same point, so that its own exception comes back.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._errors import CallbackError
from fastcalc._functions import numba_wrappers as wrappers
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.function_pointers import address_of_data
from fastcalc._functions.signatures import Form, Signature
from fastcalc._functions.warning import warn
from fastcalc._kernels.compiled import FunctionPointer

_PLACE = "_fastcalc_function"  # on the user's function: what was compiled for it goes when it goes
_LOCK = threading.Lock()
_SIGNATURE = Signature(Form.STATUS, True)
_FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True, slots=True)
class Callback:
    """What was compiled for points x of so many axes."""

    address: int
    n_axes: int
    output: wrappers.Output
    owner: object


class NumbaFunction:
    """A function of njit: called from Python as any function, or compiled for one kind of point x by `at`."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self._callbacks: dict[int, Callback | str] = {}
        self._warned = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self.function)

    def __reduce__(self) -> tuple[Callable[[Any], NumbaFunction], tuple[Any]]:
        return numba_function, (self.function,)

    @property
    def for_polynomials(self) -> Callable[..., Any]:
        """The Python function that was compiled: numba knows of no polynomials."""
        python: Callable[..., Any] = self.function.py_func
        return python

    def at(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], vectorized: bool, others: bool
    ) -> NumbaCompiled | Callable[..., Any]:
        """What to call at points x of this shape and dtype, alone or with other arguments: the function compiled, or
        numba's own from Python, of which there is a warning but for blocks of points.
        """
        function: Callable[..., Any] = self.function
        if vectorized:
            return function
        if others:
            why = "it takes arguments besides x"
        elif dtype != _FLOAT64:
            why = f"x is {dtype}; compiled functions take float64"
        else:
            found = self.callback(len(shape))
            if isinstance(found, Callback):
                return NumbaCompiled(function, found, shape)
            why = found
        if not self._warned:
            self._warned = True
            warn(f"numba's function {self.function.__name__} is called from Python, point by point: {why}")
        return function

    def callback(self, n_axes: int) -> Callback | str:
        """What was compiled for x of so many axes, or in a few words why nothing was."""
        found = self._callbacks.get(n_axes)
        if found is None:
            found = self._callbacks[n_axes] = _compile(self.function, n_axes)
        return found


def is_jitted(f: object) -> bool:
    """Whether f is a function of njit."""
    registry: Any = sys.modules.get("numba.core.registry")
    return registry is not None and isinstance(f, registry.CPUDispatcher)


def numba_function(f: Any) -> NumbaFunction:
    """The one `NumbaFunction` of a function of njit."""
    known: NumbaFunction | None = f.__dict__.get(_PLACE)
    if known is None:
        known = NumbaFunction(f)
        setattr(f, _PLACE, known)
    return known


def _compile(f: Any, n_axes: int) -> Callback | str:
    if n_axes > wrappers.MOST_AXES:
        return f"x has {n_axes} axes; it is compiled for at most {wrappers.MOST_AXES}"
    if f.targetoptions.get("parallel"):
        return "it is parallel, and its threads must not be started from several at once"
    if f.targetoptions.get("forceobj"):
        return "it is compiled in object mode"
    try:
        kind = wrappers.result_type(f, n_axes)
        output = wrappers.output_of(kind)
        if output is None:
            return f"it returns {kind}; what is compiled returns real numbers in double precision"
        callback = wrappers.guarded_function(f, n_axes, output)
    except Exception as error:  # numba raises of all kinds, for code that it can't compile
        return f"numba can't compile it for such an x: {wrappers.first_line(error)}"
    return Callback(callback.address, n_axes, output, callback)


class NumbaCompiled(CompiledFunction):
    """A compiled function from njit, for points x of one shape.

    Where it returns arrays, the shape of these is learnt from the first one, which a call from Python gives.
    """

    __slots__ = ("_axes", "_callback", "_function", "_point_shape")

    _axes: NDArray[np.int64]

    def __init__(self, function: Any, callback: Callback, point_shape: tuple[int, ...] | None) -> None:
        self._function, self._callback, self._point_shape = function, callback, point_shape
        self.address, self.user_data, self.n_outputs, self.owner = callback.address, 0, None, (function, callback)
        self._signature = _SIGNATURE
        self.pointer = FunctionPointer(
            callback.address, Form.STATUS, 0, None, self.owner, failure=self.failure, first=self.first
        )
        if callback.output.n_axes == 0:
            self._learn(())
        elif callback.output.length is not None:
            self._learn((callback.output.length,))

    @property
    def one_variable(self) -> bool:
        return self._callback.n_axes == 0

    def _learn(self, shape: tuple[int, ...]) -> None:
        with _LOCK:  # threads may share it, and use the axes as soon as the shape is known
            if self.shape is None:
                own = () if self._point_shape is None or len(self._point_shape) < 2 else self._point_shape
                if own or len(shape) > 1:
                    self._axes = np.array([*own, *shape], np.int64)
                    self.user_data = address_of_data(self._axes)
                self.n_outputs = math.prod(shape) if shape else None
                self.pointer.learn(shape, self.user_data)
        if shape != self.shape:
            raise ValueError(f"`f` must return the same shape at every point; got {self.shape}, then {shape}")

    def values_at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.shape is None and len(points):
            self.first(points[0])
        return super().values_at(points)

    def first(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The output at the point x (n,), from Python."""
        value = np.array(self._from_python(x), np.float64)
        self._learn(value.shape)
        return value

    def failure(self, status: int, x: NDArray[np.float64]) -> Exception:
        """What f raises at the point x (n,), where its callback returned a status other than 0."""
        if self.one_variable and x.size != 1:
            return ValueError(
                f"`f` takes a single number; got x with {x.size} of them: use `derivative` for many points"
            )
        try:
            value = self._from_python(x)
            if status == wrappers.OTHER_SHAPE:
                self._learn(np.shape(value))
        except Exception as error:
            return error
        return CallbackError(status, x)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self._function, self._callback.n_axes, self._point_shape)

    def _from_python(self, x: NDArray[np.float64]) -> Any:
        point = np.array(x, np.float64)
        return self._function(point.reshape(-1 if self._point_shape is None else self._point_shape)[()])


def compiled_function(f: Any, n_axes: int) -> NumbaCompiled:
    """A function of njit, compiled for any x of no axes or one; TypeError where numba can't."""
    return _again(f, n_axes, None if n_axes else ())


def _again(f: Any, n_axes: int, point_shape: tuple[int, ...] | None) -> NumbaCompiled:
    found = numba_function(f).callback(n_axes)
    if isinstance(found, str):
        raise TypeError(f"numba's function {f.__name__} can't be called in C: {found}")
    return NumbaCompiled(f, found, point_shape)
