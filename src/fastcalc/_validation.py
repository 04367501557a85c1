"""Checks of arguments, each with one kind of message: the argument, its value, the rule, the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FLOAT64 = np.dtype(np.float64)


def short(value: Any) -> str:
    """A value in an error message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:60]} ... {text[-20:]}"


def as_numbers(name: str, value: ArrayLike) -> NDArray[Any]:
    """Array of float32, float64, longdouble or their complex types, in native byte order; others of bool, integer and
    float16 type become float64. TypeError for anything else. The input's memory where possible.
    """
    if type(value) is np.ndarray and value.dtype is _FLOAT64:
        return value
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"`{name}` must be an array of numbers; got a ragged sequence: give it one shape") from error
    kind = array.dtype.kind
    if value is None:
        raise TypeError(f"`{name}` must hold numbers; got None")
    if kind in "biu" or array.dtype == np.float16:
        return array.astype(np.float64)
    if kind not in "fc":
        raise TypeError(
            f"`{name}` must hold real or complex numbers; got dtype {array.dtype}: convert it with "
            f"np.asarray({name}, dtype=float)"
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def as_real(name: str, value: ArrayLike) -> NDArray[Any]:
    """The same for an argument that must be real."""
    array = as_numbers(name, value)
    if array.dtype.kind == "c":
        raise TypeError(f"`{name}` must be real; got dtype {array.dtype}: give its real part")
    return array


def positive(name: str, value: ArrayLike) -> NDArray[Any]:
    """Real numbers above 0."""
    array = as_real(name, value)
    if not (np.isfinite(array) & (array > 0)).all():
        raise ValueError(f"`{name}` must be positive and finite; got {value!s}: give sizes, without sign")
    return array


def integer(name: str, value: Any, lowest: int, highest: int | None, remedy: str) -> int:
    """An integer between two limits; bools and floats are no integers."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"`{name}` must be an integer; got {value!r} of type {type(value).__name__}: {remedy}")
    number = int(value.__index__())
    if number < lowest or (highest is not None and number > highest):
        limits = f"at least {lowest}" if highest is None else f"between {lowest} and {highest}"
        raise ValueError(f"`{name}` must be {limits}; got {number}: {remedy}")
    return number


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """A name from a list."""
    names = list(allowed)
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a string; got {value!r}: use one of {', '.join(map(repr, names))}")
    if value not in names:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, names))}; got {value!r}")
    return names[names.index(value)]  # the same object whatever the caller's string


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"`{name}` must be True or False; got {value!r}")
    return bool(value)


def per_variable(name: str, value: NDArray[Any], shape: tuple[int, ...], n: int) -> NDArray[Any]:
    """An option for x of this shape as (n, 1) or (n, lanes): a scalar, one per entry of the first axis, or x's shape.

    ``n`` is the number of variables: all of ``x.size``, or ``shape[0]`` for a batch.
    """
    if value.ndim == 0:
        return np.broadcast_to(value, (n, 1))
    if value.shape == shape:
        return np.ascontiguousarray(value).reshape(n, -1) if n else value.reshape(0, 1)
    if shape and value.shape == shape[:1]:
        if n == shape[0]:
            return value.reshape(n, 1)
        return np.repeat(value, n // shape[0]).reshape(n, 1)
    wanted = " or ".join(str(s) for s in dict.fromkeys([(), shape[:1], shape]))
    raise ValueError(
        f"`{name}` must be a scalar, or have one entry per variable: shape {wanted} for x of shape {shape}; got shape "
        f"{value.shape}"
    )


def destination(out: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Require that `out`, checked before f ran, takes a result of this shape and dtype."""
    known_shape(out, shape)
    if not np.can_cast(dtype, out.dtype, "same_kind"):
        raise TypeError(f"`out` must be able to hold {dtype}; got {out.dtype}: use np.empty({shape}, {str(dtype)!r})")


def known_shape(out: NDArray[Any] | None, shape: tuple[int, ...]) -> None:
    """Require that `out`, if given, has the shape of the result."""
    if out is not None and out.shape != shape:
        raise ValueError(f"`out` must have the shape of the result, {shape}; got {out.shape}: use np.empty({shape})")


def check_destination(out: Any, sources: Iterable[Any]) -> None:
    """What can be said of `out` before the shape of the result is known."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"`out` must be a NumPy array; got {type(out).__name__}: use np.empty")
    if not out.flags.writeable:
        raise ValueError("`out` must be writeable; got a read-only array: use np.empty")
    if out.dtype.kind not in "fc":
        raise TypeError(f"`out` must hold inexact numbers; got {out.dtype}: use np.empty of a float or complex dtype")
    if any(isinstance(source, np.ndarray) and np.may_share_memory(out, source) for source in sources):
        raise ValueError("`out` must not overlap with x, which is read until the end: use another array")
