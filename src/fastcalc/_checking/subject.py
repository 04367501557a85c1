"""What is checked: f and its supposed derivative at x, both called through the adapters of the operators.

Arrays of derivatives are (m, n, lanes): outputs of f, variables, points of a batch (1 without a batch).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.engine import Function, values_at
from fastcalc._differences.problem import as_points, frame_at, make_function, open_workers, split_arguments
from fastcalc._differences.settings import Settings, parse
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.compiled_calls import as_doubles, from_python, require_plain
from fastcalc._functions.recognition import recognised

_Array = NDArray[Any]
Kind = Literal["gradient", "jacobian"]
_OPTIONS = ("scale", "bounds", "noise", "args", "kwargs", "argnum", "vectorized", "workers", "on_error")


class Options(TypedDict, total=False):
    """Keyword options that the checks share with the operators."""

    scale: ArrayLike | None
    bounds: Any
    noise: float | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any] | None
    argnum: int
    vectorized: bool
    workers: int | Callable[..., Any] | None
    on_error: Literal["raise", "nan"]


@dataclass(frozen=True, slots=True)
class Call:
    """A function of x, from one with other arguments before and after it and by name."""

    f: Callable[..., Any]
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    keywords: dict[str, Any]

    def __call__(self, x: Any) -> Any:
        return self.f(*self.before, x, *self.after, **self.keywords)


@dataclass(slots=True)
class Subject:
    """f and its supposed derivative at a point, or at the points of a batch."""

    kind: Kind
    f: Callable[..., Any]
    settings: Settings
    x: _Array
    points: _Array  # (n, lanes), a copy of x
    size: _Array  # (n, lanes), what is much and what is little for each variable
    lower: _Array  # (n, lanes)
    upper: _Array
    function: Function
    derivative: Function
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    workers: Callable[..., Any] | None  # the map that spreads the calls of f
    unit: _Array | None = None  # (m, lanes), powers of 2: noise of f where it has more than rounding errors

    @property
    def n(self) -> int:
        """Number of variables."""
        return len(self.points)

    @property
    def lanes(self) -> int:
        """Number of points in the batch."""
        return int(self.points.shape[1])

    @property
    def epsilon(self) -> float:
        """Machine epsilon of the coarsest of x, f(x) and the derivative."""
        return max(self.function.epsilon, self.derivative.epsilon)

    def values(self, points: _Array) -> _Array:
        """Values of f (m, k) at points (n, k)."""
        return _values(self.function, points)

    def derivatives(self, points: _Array) -> _Array:
        """The supposed derivative at points (n, k): (m, n, k)."""
        return _values(self.derivative, points).reshape(self.function.m, self.n, -1)

    def moved(self, by: _Array) -> _Array:
        """Points (n, lanes) away from x, inside the bounds whatever rounding does."""
        return np.asarray(np.clip((self.points + by).astype(self.points.dtype), self.lower, self.upper))

    @property
    def call_f(self) -> Call:
        """F as the user wrote it, with its other arguments."""
        return Call(self.f, self.before, self.after, self.settings.kwargs or {})


def open_subject(
    kind: Kind, f: Callable[..., Any], derivative: Callable[..., Any], x: ArrayLike, options: Mapping[str, Any]
) -> Subject:
    """Everything that can be checked before f runs."""
    f, derivative = recognised(f, "f"), recognised(derivative, kind)
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(
                f"unknown option {name!r}: the options are components, seed, rtol, directions, progress and "
                f"{', '.join(_OPTIONS)}; the reference chooses its steps itself"
            )
    settings = parse(dict(options) | {"method": "adaptive"})  # which has a use for `noise`
    point, before, after = split_arguments(settings, (x,))
    for name, given in (("f", f), (kind, derivative)):
        require_plain(name, given, settings.method, bool(settings.args or settings.kwargs))
    numbers = as_doubles(f, "x", check.as_real("x", point))
    if numbers.size == 0:
        raise ValueError(f"`x` must have at least one component; got shape {numbers.shape}: there is nothing to check")
    points = as_points(numbers, settings, one_variable=False)
    frame = frame_at(settings, numbers, points)
    lower, upper = frame.bounds or (-np.inf, np.inf)
    workers = open_workers(f, settings)
    function = make_function(
        f,
        settings,
        numbers,
        len(points),
        scalar=kind == "gradient",
        one_variable=False,
        others=bool(before or after or settings.kwargs),
        workers=workers,
    )
    function.bind(before, after, settings.kwargs)
    subject = Subject(
        kind,
        from_python(f, vectorized=settings.vectorized),
        settings,
        numbers,
        points,
        _sizes(points, frame.scale),
        np.broadcast_to(np.asarray(lower, points.dtype), points.shape),
        np.broadcast_to(np.asarray(upper, points.dtype), points.shape),
        function,
        function,
        before,
        after,
        workers,
    )
    strict = Settings(vectorized=settings.vectorized)  # exceptions of the derivative always propagate
    checked = _checked(derivative, subject)
    subject.derivative = make_function(checked, strict, numbers, len(points), scalar=False, one_variable=False)
    subject.derivative.bind(before, after, settings.kwargs)
    return subject


def _sizes(points: _Array, scale: _Array | None) -> _Array:
    """max(abs(x), scale), and 1 where that is 0 or not finite."""
    size = np.abs(points) if scale is None else np.maximum(np.abs(points), scale)
    return np.where((size == 0) | ~np.isfinite(size), 1, size).astype(points.dtype)


def _values(function: Function, points: _Array) -> _Array:
    values = values_at(function, np.ascontiguousarray(points))
    if values.dtype.kind == "c":
        raise TypeError(
            f"`f` must return real numbers here; got dtype {values.dtype}: check its real and its imaginary part"
        )
    return values


def _checked(derivative: Callable[..., Any], subject: Subject) -> Callable[..., Any]:
    """The derivative, with its output checked and in the form that the adapters take."""
    kind, vectorized, shape = subject.kind, subject.settings.vectorized, subject.x.shape
    flat = isinstance(derivative, CompiledFunction)
    derivative = from_python(derivative, vectorized=vectorized)

    def call(*args: Any, **kwargs: Any) -> _Array:
        output = derivative(*args, **kwargs)
        if hasattr(output, "toarray"):  # sparse matrices
            output = output.toarray()
        numbers = check.as_real(f"{kind}(x)", output)
        columns = np.shape(args[subject.settings.argnum])[1:] if vectorized else ()
        variables = (*shape[:1], *columns) if vectorized else shape
        wanted = (*subject.function.shape, *variables) if kind == "jacobian" else variables
        if flat and numbers.size == math.prod(wanted):
            numbers = numbers.reshape(wanted)
        if numbers.shape != wanted:
            raise ValueError(_shape_message(kind, vectorized, wanted, numbers.shape, len(variables)))
        return numbers.reshape(-1, *columns) if vectorized else numbers

    return call


def _shape_message(kind: str, vectorized: bool, wanted: tuple[int, ...], got: tuple[int, ...], variables: int) -> str:
    rule = "the shape of its points" if kind == "gradient" else "shape f(x).shape + x.shape"
    if vectorized:
        rule += ", points being columns (n, k)"
    outputs = len(wanted) - variables
    if kind == "jacobian" and got == wanted[outputs:] + wanted[:outputs]:
        remedy = "it looks transposed, outputs of f come first"
    elif kind == "jacobian" and outputs == 0:
        remedy = "f returns a scalar, so this is a gradient"
    elif np.prod(got, dtype=int) == np.prod(wanted, dtype=int):
        remedy = "reshape it"
    else:
        remedy = "one entry per output and variable" if kind == "jacobian" else "one entry per variable"
    return f"`{kind}` must return {rule}, {wanted}; got shape {got}: {remedy}"
