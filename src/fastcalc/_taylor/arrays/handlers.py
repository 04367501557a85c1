"""What the functions of arrays share: tables from NumPy's function to ours, operands, axes, masks and outputs.

Axes are those of the array of polynomials; coefficients have the terms before them, so that axis k is their axis k + 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from fastcalc._taylor.data import Data, require_same
from fastcalc._taylor.operands import as_polynomial, operand, store

Table = dict[Any, Callable[..., Any]]

UNSET: Any = np._NoValue
_NOT_EVERYWHERE = frozenset({"unstack", "cumulative_sum", "cumulative_prod", "matvec", "vecmat", "trapz"})


def serves(table: Table, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function into a table, for the functions of NumPy with these names."""

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            if name not in _NOT_EVERYWHERE or hasattr(np, name):
                table[numpys(name)] = handler
        return handler

    return register


def numpys(name: str) -> Any:
    """The function of NumPy with this name, as ``linalg.norm``."""
    return reduce(getattr, name.split("."), np)


def whole(value: Any, *others: Any) -> Any:
    """`value` as a polynomial; a constant becomes one of the space of the first polynomial among the others."""
    value = operand(value)
    if isinstance(value, Data):
        return value
    return as_polynomial(np.asarray(value), next(other for other in others if isinstance(other, Data)))


def array(value: Any) -> Any:
    """A polynomial, or an array of numbers."""
    value = operand(value)
    return value if isinstance(value, Data) else np.asarray(value)


def model_of(values: Any) -> Data:
    """The first polynomial of several arrays; all others must fit to it."""
    found = [value for value in values if isinstance(value, Data)]
    for other in found[1:]:
        require_same(found[0], other)
    return found[0]


def values(argument: Any) -> Any:
    """Constant terms in the place of polynomials, also in lists and tuples."""
    if isinstance(argument, Data):
        return argument._coef[0, ...]
    if isinstance(argument, (list, tuple)) and type(argument) in (list, tuple):
        return type(argument)(values(entry) for entry in argument)
    return argument


def behind(axis: Any, ndim: int) -> int:
    """The axis of the coefficients that is this axis of the polynomials."""
    return normalize_axis_index(axis, ndim) + 1


def all_behind(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes of the coefficients that are these axes of the polynomials, all of them for None."""
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim)
    return tuple(one + 1 for one in axes)


def mask(where: Any, p: Data) -> Any:
    """The `where` of a reduction, which must not have axes that p has not."""
    if where is True or where is UNSET:
        return True
    chosen = np.asarray(values(where), np.bool_)
    if np.broadcast_shapes(chosen.shape, p.shape) != p.shape:
        raise ValueError(f"`where` must broadcast to the shape {p.shape} of the polynomials; got shape {chosen.shape}")
    return chosen


def delivered(result: Any, out: Any) -> Any:
    """A result, written into `out` if there is one."""
    if out is None or out is UNSET:
        return result
    goal = out[0] if isinstance(out, tuple) else out
    if goal.shape != result.shape:
        raise ValueError(f"`out` must have the shape {result.shape} of the result; got {goal.shape}")
    return store(result, goal)
