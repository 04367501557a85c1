"""One call of an operator: which argument is x, the function made callable at points, the options in x's shape, and the
result in the user's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc import _validation as check
from fastcalc._differences.engine import Function
from fastcalc._differences.recipes import Frame
from fastcalc._differences.settings import Settings, inward
from fastcalc._functions.python import PythonFunction
from fastcalc._functions.vectorized import VectorizedFunction
from fastcalc._results import DerivativeResult, Status, describe

_NO_FRAME = Frame()


def split_arguments(settings: Settings, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """x, and the other arguments of f before and after it, from the options or from the call."""
    place = settings.argnum
    if settings.args:
        if len(args) != 1:
            raise TypeError(
                f"the other arguments of f are stored in `args` already; got {len(args)} arguments at the call: give x "
                "alone, or leave out `args`"
            )
        return args[0], settings.args[:place], settings.args[place:]
    if place >= len(args):
        raise TypeError(
            f"x is argument number {place} (`argnum`), counted from 0; got {len(args)} arguments at the call"
        )
    return args[place], args[:place], args[place + 1 :]


def as_points(x: NDArray[Any], settings: Settings, *, one_variable: bool) -> NDArray[Any]:
    """A copy of x as (n, lanes): n variables, and a lane for each point of a batch. A copy, since f may reach the
    caller's array on ways of its own.
    """
    if one_variable:
        n = 1
    elif settings.vectorized:
        n = x.shape[0] if x.ndim else 1
    else:
        n = x.size
    points = x.reshape(n, x.size // n if n else 1)
    if settings.method == "complex":
        if x.dtype.kind == "c":
            raise TypeError(f"`x` must be real for method 'complex'; got dtype {x.dtype}: use method 'central'")
        return points.astype(np.result_type(x.dtype, np.complex64), order="C")
    return points.copy()


def make_function(
    f: Callable[..., Any], settings: Settings, x: NDArray[Any], n: int, *, scalar: bool, one_variable: bool
) -> Function:
    """The adapter that calls f at points of n variables like x."""
    imaginary, nan_on_error = settings.method == "complex", settings.on_error == "nan"
    dtype = np.result_type(x.dtype, np.complex64) if imaginary else x.dtype
    if settings.vectorized:
        return VectorizedFunction(f, dtype, n, one_variable, scalar, imaginary, nan_on_error)
    return PythonFunction(f, dtype, () if one_variable else x.shape, scalar, imaginary, nan_on_error)


def frame_at(settings: Settings, x: NDArray[Any], points: NDArray[Any]) -> Frame:
    """`step`, `scale` and `bounds` in the shape and precision of x; checks that x is inside the bounds."""
    if settings.step is None and settings.scale is None and settings.bounds is None:
        return _NO_FRAME
    n, real = len(points), points.real.dtype

    def aligned(name: str, value: NDArray[Any] | None) -> NDArray[Any] | None:
        if value is None:
            return None
        return np.ascontiguousarray(check.per_variable(name, value, x.shape, n), real)

    lower = upper = None
    if settings.bounds is not None:
        if x.dtype.kind == "c":
            raise TypeError(f"`bounds` need a real x; got dtype {x.dtype}: leave out `bounds`")
        sides = (check.per_variable("bounds", side, x.shape, n) for side in settings.bounds)
        lower, upper = (inward(side, real, towards) for side, towards in zip(sides, (np.inf, -np.inf), strict=True))
        position = points.real
        outside = np.argwhere((position < lower) | (position > upper))
        if len(outside):
            i, k = outside[0]
            low, high = np.broadcast_to(lower, points.shape)[i, k], np.broadcast_to(upper, points.shape)[i, k]
            raise ValueError(
                f"x must be inside `bounds`; got {position[i, k]!s} for variable {i}, whose bounds are {low!s} and "
                f"{high!s}: move x, for example by np.clip(x, lower, upper)"
            )
    return Frame(aligned("step", settings.step), aligned("scale", settings.scale), lower, upper)


def deliver(value: NDArray[Any], shape: tuple[int, ...], out: NDArray[Any] | None) -> Any:
    """The value in its shape: a fresh array, a NumPy scalar for shape (), or `out`."""
    if out is None:
        return value.reshape(shape) if shape else value.reshape(shape)[()]
    check.destination(out, shape, value.dtype)
    out[...] = value.reshape(shape)
    return out


def report(
    function: Function,
    value: Any,
    shape: tuple[int, ...],
    error: NDArray[Any],
    step: NDArray[Any],
    status: NDArray[np.int8],
    fun: Any,
) -> DerivativeResult:
    """The full output; `value` has been delivered already, the others are arrays of as many components."""
    error, status = error.reshape(shape), status.reshape(shape)
    success = np.isfinite(value)
    if shape == ():
        return DerivativeResult(
            value,
            error[()],
            step[()] if step.ndim == 0 else step,
            fun,
            function.evaluations,
            bool(success),
            Status(int(status[()])),
            describe(status),
        )
    return DerivativeResult(value, error, step, fun, function.evaluations, success, status, describe(status))
