"""Compiled functions: one point a call, in a loop of C without the interpreter.

They take float64 and nothing besides x, compute in no other arithmetic, and return without raising: what an operator
was asked for beyond that is refused before they run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._functions.compiled import CompiledFunction
from fastcalc._kernels.compiled import CompiledCaller


class CompiledCalls(CompiledCaller):
    """Adapter for a `CompiledFunction`; outputs of the shape it says, points as rows of n float64."""

    __slots__ = ()
    _BLOCK_BYTES = 2**18  # of outputs kept before they are combined


def require_plain(name: str, f: Any, method: str, others: bool) -> None:
    """Refuse what a compiled function can't do; `others`: whether it was given arguments besides x."""
    if not isinstance(f, CompiledFunction):
        return
    if method in ("complex", "exact"):
        needs = "complex numbers" if method == "complex" else "Taylor polynomials"
        remedy = "'central' or 'adaptive'" if method == "complex" else "'adaptive', of `taylor` 'numeric'"
        raise ValueError(
            f"method {method!r} runs f on {needs}; got a compiled `{name}`, which computes in double precision: use "
            f"method {remedy}"
        )
    if others:
        raise TypeError(
            f"`args` and `kwargs` are for functions of Python; got them with a compiled `{name}`, which takes x alone: "
            "give it `user_data`, see `compiled`"
        )


def as_doubles(f: Any, name: str, x: NDArray[Any]) -> NDArray[Any]:
    """X as f takes it: float64 for a compiled function, which its derivatives then are too."""
    if x.dtype.char == "d" or not isinstance(f, CompiledFunction):
        return x
    if x.dtype.char != "f":
        remedy = "a Python function" if x.dtype.kind == "c" else "x.astype(float), or a Python function"
        raise TypeError(f"`{name}` must be float64 for a compiled f; got dtype {x.dtype}: use {remedy}")
    return x.astype(np.float64)


def from_python(f: Any, *, vectorized: bool) -> Callable[..., Any]:
    """F for calls from Python code: with ``vectorized``, a compiled function of points as columns (n, k)."""
    if not (vectorized and isinstance(f, CompiledFunction)):
        return f  # type: ignore[no-any-return]

    def call(x: NDArray[Any]) -> NDArray[Any]:
        values = f.values_at(np.array(x.reshape(len(x), -1).T, np.float64, order="C"))
        return np.ascontiguousarray(values.T).reshape(*(f.shape or ()), *x.shape[1:])

    return call
