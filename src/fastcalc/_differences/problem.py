"""One call of an operator: which argument is x, the function made callable at points, the options in x's shape, and the
result in the user's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.engine import Function
from fastcalc._differences.recipes import NO_FRAME, Frame
from fastcalc._differences.settings import Settings, inward, parse
from fastcalc._differences.solve import Solution
from fastcalc._differences.steps import require_moved
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.compiled_calls import CompiledCalls, as_doubles, require_plain
from fastcalc._functions.numba_functions import NumbaFunction
from fastcalc._functions.python import PythonFunction
from fastcalc._functions.recognition import recognised
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._functions.vectorized import VectorizedFunction
from fastcalc._results import DerivativeResult, Status, describe, succeeded


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


def as_function(f: Callable[..., Any], settings: Settings) -> Callable[..., Any]:
    """f, a compiled function where it holds one; refuses what that can't do."""
    function: Callable[..., Any] = recognised(f)
    require_plain("f", function, settings.method, bool(settings.args or settings.kwargs))
    return function


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


def open_workers(f: Callable[..., Any], settings: Settings) -> Callable[..., Any] | None:
    """The map to spread the calls of f with; None where they are made here."""
    if settings.workers is None:
        return None
    from fastcalc._functions.workers import opened  # and with it concurrent.futures, only where they are needed

    known = (f, *settings.args, *(settings.kwargs or {}).values())
    return opened(settings.workers, f, known, vectorized=settings.vectorized)


def make_function(
    f: Callable[..., Any],
    settings: Settings,
    x: NDArray[Any],
    n: int,
    *,
    scalar: bool,
    one_variable: bool,
    others: bool = False,
    workers: Callable[..., Any] | None = None,
) -> Function:
    """The adapter that calls f at points of n variables like x, by workers where there are some; `others`: the call
    brings arguments besides x.
    """
    imaginary, nan_on_error = settings.method == "complex", settings.on_error == "nan"
    own = () if one_variable else x.shape[:1] if settings.vectorized else x.shape
    dtype = np.result_type(x.dtype, np.complex64) if imaginary else x.dtype
    if isinstance(f, NumbaFunction):
        others = others or bool(settings.args or settings.kwargs)
        f = f.for_polynomials if settings.method == "exact" else f.at(own, dtype, settings.vectorized, others)
    if workers is not None and settings.method != "exact":
        from fastcalc._functions.workers import MappedPython, MappedVectorized, mapped_compiled

        adapter: Any
        if isinstance(f, CompiledFunction):
            adapter = mapped_compiled(f, own, scalar, nan_on_error, workers)
        elif settings.vectorized:
            adapter = MappedVectorized(f, dtype, n, one_variable, scalar, imaginary, nan_on_error, workers)
        else:
            adapter = MappedPython(f, dtype, own, scalar, imaginary, nan_on_error, workers)
        return cast(Function, adapter)
    if isinstance(f, CompiledFunction):
        return CompiledCalls(f.pointer, n, scalar, nan_on_error)
    if settings.method == "exact":
        exact = PolynomialFunction(
            f,
            x.dtype,
            own,
            takes_blocks=settings.vectorized,
            one_row=one_variable,
            scalar=scalar,
            nan_on_error=nan_on_error,
        )
        return cast(Function, exact)  # all that is common of them; its recipes alone call it
    if settings.vectorized:
        return VectorizedFunction(f, dtype, n, one_variable, scalar, imaginary, nan_on_error)
    return PythonFunction(f, dtype, own, scalar, imaginary, nan_on_error)


def frame_at(settings: Settings, x: NDArray[Any], points: NDArray[Any]) -> Frame:
    """`step`, `scale` and `bounds` in the shape and precision of x; checks that x is inside the bounds."""
    if settings.step is None and settings.scale is None and settings.bounds is None:
        return NO_FRAME
    n, real = len(points), points.real.dtype

    def aligned(name: str, value: NDArray[Any] | None) -> NDArray[Any] | None:
        if value is None:
            return None
        with np.errstate(over="ignore", under="ignore"):
            return np.ascontiguousarray(check.per_variable(name, value, x.shape, n), real)

    bounds = None
    if settings.bounds is not None:
        if x.dtype.kind == "c":
            raise TypeError(f"`bounds` need a real x; got dtype {x.dtype}: leave out `bounds`")
        sides = (check.per_variable("bounds", side, x.shape, n) for side in settings.bounds)
        lower, upper = (inward(side, real, towards) for side, towards in zip(sides, (np.inf, -np.inf), strict=True))
        bounds = lower, upper
        position = points.real
        outside = np.argwhere((position < lower) | (position > upper))
        if len(outside):
            i, k = outside[0]
            low, high = np.broadcast_to(lower, points.shape)[i, k], np.broadcast_to(upper, points.shape)[i, k]
            raise ValueError(
                f"x must be inside `bounds`; got {position[i, k]!s} for variable {i}, whose bounds are {low!s} and "
                f"{high!s}: move x, for example by np.clip(x, lower, upper)"
            )
    step = aligned("step", settings.step)
    if step is not None and settings.method == "adaptive":
        wide = np.broadcast_to(step, points.shape)
        require_moved(points, points + wide, np.ones(points.shape, np.bool_), wide)
    return Frame(step, aligned("scale", settings.scale), bounds)


def deliver(value: NDArray[Any], shape: tuple[int, ...], out: NDArray[Any] | None) -> Any:
    """The value in its shape: a fresh array, a NumPy scalar for shape (), or `out`."""
    if out is None:
        return value.reshape(shape) if shape else value.reshape(shape)[()]
    check.destination(out, shape, value.dtype)
    out[...] = value.reshape(shape)
    return out


@dataclass(slots=True)
class Problem:
    """A function at a point, ready to be sampled."""

    settings: Settings
    x: NDArray[Any]
    points: NDArray[Any]  # (n, lanes), a copy
    frame: Frame
    function: Function
    one_variable: bool = False

    @property
    def variables(self) -> tuple[int, ...]:
        """Shape of one point."""
        return () if self.one_variable else self.x.shape[:1] if self.settings.vectorized else self.x.shape

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch of points."""
        return self.x.shape if self.one_variable else self.x.shape[1:] if self.settings.vectorized else ()

    @property
    def workers(self) -> Callable[..., Any] | None:
        """The map that spreads the calls of f, for another adapter of the same function."""
        return getattr(self.function, "workers", None)

    def fun(self, solution: Solution) -> Any:
        """f(x) in its own shape, None where it was not evaluated."""
        return None if solution.base is None else solution.base.reshape(self.function.shape + self.batch)[()]

    def require_gradient(self) -> None:
        """Require of a function that is to be a gradient that it returned one; compiled ones may return flat arrays."""
        shape, flat = self.function.shape, isinstance(self.function, CompiledCalls)
        if shape != self.variables and not (flat and shape == (len(self.points),)):
            raise ValueError(
                f"`gradient` must return one component per variable, shape {self.variables}; got shape {shape}: is it "
                "the gradient of f?"
            )

    def finish(
        self, solution: Solution, shape: tuple[int, ...], out: NDArray[Any] | None, *, steps_of_x: bool = False
    ) -> Any:
        """The user's result from arrays with as many entries as `shape`; steps in the shape of the result, or of x."""
        value = deliver(solution.value, shape, out)
        known = solution.known
        if known is None:
            return value
        step_shape = self.x.shape if steps_of_x else shape
        step = solution.step if steps_of_x else np.broadcast_to(solution.step, solution.value.shape)
        status = known.status.reshape(shape)
        success = np.isfinite(value) & succeeded(status)
        return DerivativeResult(
            value,
            known.error.reshape(shape)[()],
            np.array(step).reshape(step_shape)[()],
            self.fun(solution),
            self.function.evaluations,
            success if shape else bool(success),
            status if shape else Status(int(status[()])),
            describe(status),
            None if known.history is None else known.history.reshaped(shape),
        )


def open_problem(f: Callable[..., Any], x: ArrayLike, options: Any, out: Any, others: tuple[Any, ...] = ()) -> Problem:
    """A problem of many variables, once all that can be checked before f runs has been."""
    settings = parse(options)
    f = as_function(f, settings)
    point, before, after = split_arguments(settings, (x,))
    x = as_doubles(f, "x", check.as_numbers("x", point))
    if out is not None:
        check.check_destination(out, (x, *others))
    points = as_points(x, settings, one_variable=False)
    frame = frame_at(settings, x, points)
    function = make_function(
        f, settings, x, len(points), scalar=False, one_variable=False, workers=open_workers(f, settings)
    )
    function.bind(before, after, settings.kwargs)
    return Problem(settings, x, points, frame, function)
