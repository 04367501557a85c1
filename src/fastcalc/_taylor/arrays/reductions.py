"""Sums, products and extremes along axes, running ones, and the methods of ufuncs behind them.

Sums are linear and go term by term. All others combine polynomials pairwise: halves of an axis at a time, which takes
log2 of its length calls of a kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor import elementary, ufuncs
from fastcalc._taylor.arrays.handlers import UNSET, Table, all_behind, behind, delivered, mask, serves, values, whole
from fastcalc._taylor.data import Data, lifted, series_dtype
from fastcalc._taylor.operands import aligned, as_polynomial

FUNCTIONS: Table = {}

# Operations whose order does not matter, and what they start from.
IDENTITIES: dict[np.ufunc, float | None] = {
    np.add: 0, np.multiply: 1, np.maximum: None, np.minimum: None, np.fmax: None, np.fmin: None,
    np.logaddexp: -np.inf, np.logaddexp2: -np.inf, np.hypot: 0,
}  # fmt: skip


def total(p: Data, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Data:
    """The sum along axes."""
    axes = all_behind(axis, p.ndim)
    kind = None if dtype is None else series_dtype(np.dtype(dtype))
    coef = np.sum(p._coef, axis=axes, dtype=kind, keepdims=keepdims, where=mask(where, p))
    result = p._like(coef)
    return result if initial is UNSET or initial is None else elementary.add(result, initial)


def folded(
    ufunc: np.ufunc, p: Data, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any, start: Any = UNSET
) -> Data:
    """All polynomials along axes combined by an operation whose order does not matter."""
    axes = all_behind(axis, p.ndim)
    p = p if dtype is None else p.astype(dtype, copy=False)
    chosen = mask(where, p)
    identity = IDENTITIES[ufunc] if start is UNSET else start
    first = identity if initial is UNSET or initial is None else initial
    count = int(np.prod([p._coef.shape[k] for k in axes]))
    if first is None and (chosen is not True or count == 0):
        raise ValueError(
            f"np.{ufunc.__name__} of Taylor polynomials has no value for an empty selection of shape {p.shape}: give "
            "`initial`"
        )
    if chosen is not True:
        left_out = first if identity is None else identity
        p = _where(chosen, p, left_out)
    rest = [k for k in range(1, p.ndim + 1) if k not in axes]
    lanes = p._coef.transpose(0, *axes, *rest)
    lanes = lanes.reshape(lanes.shape[0], count, *lanes.shape[1 + len(axes) :])
    if count == 0:
        result = as_polynomial(np.full(lanes.shape[2:], identity if identity is not None else first, p.dtype), p)
    else:
        chosen_lanes = _without_ties(ufunc, lanes)
        result = _tree(ufuncs.UFUNCS[ufunc], p._like(lanes)) if chosen_lanes is None else p._like(chosen_lanes)
    if initial is not UNSET and initial is not None:
        result = ufuncs.UFUNCS[ufunc](result, initial)
    if keepdims:
        shape = [1 if k in axes else p._coef.shape[k] for k in range(1, p.ndim + 1)]
        result = result._like(result._coef.reshape(len(result._coef), *shape))
    return result


def _without_ties(ufunc: np.ufunc, lanes: NDArray[Any]) -> NDArray[Any] | None:
    """The extremes along the first axis of polynomials if no two are equal there, None for other functions."""
    if ufunc is not np.maximum and ufunc is not np.minimum:
        return None
    constants = lanes[0]
    best = (constants.argmax if ufunc is np.maximum else constants.argmin)(axis=0)[None]
    extreme = np.take_along_axis(constants, best, axis=0)
    if (np.count_nonzero(constants == extreme, axis=0) > 1).any():
        return None
    return np.take_along_axis(lanes, best[None], axis=1)[:, 0]


def _where(chosen: Any, p: Data, other: Any) -> Data:
    p, rest = aligned(p, other)
    return p._like(np.where(chosen, p._coef, rest._coef))


def _tree(function: Callable[..., Data], p: Data) -> Data:
    """One operation on the first axis, halves of it at a time."""
    coef = p._coef
    while coef.shape[1] > 1:
        half = coef.shape[1] // 2
        joined = function(p._like(coef[:, :half]), p._like(coef[:, half : 2 * half]))._coef
        coef = joined if coef.shape[1] % 2 == 0 else np.concatenate([joined, coef[:, 2 * half :]], axis=1)
    return p._like(coef[:, 0].copy() if coef is p._coef else np.ascontiguousarray(coef[:, 0]))


def running(function: Callable[..., Data], p: Data, axis: int) -> Data:
    """An operation on the entries along an axis up to each one."""
    k = behind(axis, p.ndim)
    source = np.moveaxis(p._coef, k, 1)
    lanes = np.empty(source.shape, p.dtype)
    if source.shape[1]:
        lanes[:, 0] = source[:, 0]
        last = p._like(source[:, 0])
        for i in range(1, source.shape[1]):
            last = function(last, p._like(source[:, i]))
            lanes[:, i] = last._coef
    return p._like(np.ascontiguousarray(np.moveaxis(lanes, 1, k)))


# Sums and products


@serves(FUNCTIONS, "sum")
def sum(  # the name is NumPy's, as are those below
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:  # fmt: skip
    """``np.sum``."""
    return delivered(total(whole(a, out, initial), axis, dtype, bool(keepdims), initial, where), out)


@serves(FUNCTIONS, "prod")
def prod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:  # fmt: skip
    """``np.prod``."""
    a = whole(a, out, initial)
    return delivered(folded(np.multiply, a, axis, dtype, bool(keepdims), initial, where), out)


@serves(FUNCTIONS, "cumsum")
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """``np.cumsum``."""
    a, axis = _along(whole(a, out), axis)
    kind = None if dtype is None else series_dtype(np.dtype(dtype))
    return delivered(a._like(np.cumsum(a._coef, axis=behind(axis, a.ndim), dtype=kind)), out)


@serves(FUNCTIONS, "cumprod")
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """``np.cumprod``."""
    a, axis = _along(whole(a, out), axis)
    return delivered(running(elementary.multiply, a if dtype is None else a.astype(dtype), axis), out)


def _along(p: Data, axis: Any) -> tuple[Any, int]:
    """The polynomials and an axis: all in one row for None."""
    return (p._like(p._coef.reshape(len(p._coef), p.size)), 0) if axis is None else (p, axis)


def _cumulative(function: Callable[..., Any], start: float) -> Callable[..., Any]:
    def handler(
        x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False
    ) -> Any:
        x = whole(x, out)
        if axis is None:
            if x.ndim > 1:
                raise ValueError(f"`axis` must be given for {x.ndim} dimensions; got None")
            axis = 0
        result = function(x, axis, dtype)
        if include_initial:
            k = behind(axis, x.ndim)
            first = np.zeros([1 if i == k else n for i, n in enumerate(result._coef.shape)], result.dtype)
            first[0] = start
            result = result._like(np.concatenate([first, result._coef], axis=k))
        return delivered(result, out)

    return handler


serves(FUNCTIONS, "cumulative_sum")(_cumulative(cumsum, 0))
serves(FUNCTIONS, "cumulative_prod")(_cumulative(cumprod, 1))


# Extremes: at ties between different polynomials the terms both have in common, NaN for others


def _extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    def handler(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET, where: Any = UNSET
    ) -> Any:
        a = whole(a, out, initial)
        return delivered(folded(ufunc, a, axis, None, bool(keepdims), initial, where), out)

    return handler


max = serves(FUNCTIONS, "max", "amax")(_extreme(np.maximum))
min = serves(FUNCTIONS, "min", "amin")(_extreme(np.minimum))
serves(FUNCTIONS, "nanmax")(_extreme(np.fmax))
serves(FUNCTIONS, "nanmin")(_extreme(np.fmin))


@serves(FUNCTIONS, "ptp")
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    """``np.ptp``."""
    a = whole(a, out)
    return delivered(max(a, axis, None, keepdims) - min(a, axis, None, keepdims), out)


# The methods of ufuncs


def reduced(
    ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = UNSET, where: Any = True,
) -> Any:  # fmt: skip
    """``ufunc.reduce``."""
    if ufunc in ufuncs.PREDICATES:
        options = {} if initial is UNSET else {"initial": initial}
        goal = out[0] if isinstance(out, tuple) else out
        return ufunc.reduce(values(a), axis=axis, out=goal, keepdims=keepdims, where=where, **options)
    a = whole(a, out[0] if isinstance(out, tuple) else out, initial)
    if ufunc is np.add:
        return delivered(total(a, axis, dtype, keepdims, initial, where), out)
    if ufunc in IDENTITIES:
        return delivered(folded(ufunc, a, axis, dtype, keepdims, initial, where), out)
    return delivered(_one_by_one(ufunc, a, axis, dtype, keepdims, initial, where), out)


def _one_by_one(ufunc: np.ufunc, a: Data, axis: Any, dtype: Any, keepdims: bool, initial: Any, where: Any) -> Data:
    """A reduction from the first entry to the last."""
    axes = all_behind(axis, a.ndim)
    if where is not True or len(axes) != 1 or (a._coef.shape[axes[0]] == 0 and initial in (UNSET, None)):
        raise ValueError(
            f"np.{ufunc.__name__}.reduce needs one axis that is not empty, and no `where`: its order counts"
        )
    a = a if dtype is None else a.astype(dtype)
    entries = [a._like(one) for one in np.moveaxis(a._coef, axes[0], 0)]
    result = entries.pop(0) if initial is UNSET or initial is None else initial
    for entry in entries:
        result = ufunc(result, entry)
    combined: Data = whole(result, a)
    return combined._like(np.expand_dims(combined._coef, axes[0])) if keepdims else combined.copy()


def accumulated(ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """``ufunc.accumulate``."""
    if ufunc in ufuncs.PREDICATES:
        return ufunc.accumulate(values(a), axis, dtype, out[0] if isinstance(out, tuple) else out)
    a = whole(a, out[0] if isinstance(out, tuple) else out)
    if ufunc is np.add:
        return cumsum(a, axis, dtype, out)
    return delivered(running(ufunc, a if dtype is None else a.astype(dtype), axis), out)


def reduced_at(ufunc: np.ufunc, a: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """``ufunc.reduceat``: each slice between an index and the next, the entry alone where that is not larger."""
    a = whole(a, out[0] if isinstance(out, tuple) else out)
    k = behind(axis, a.ndim)
    places = np.asarray(indices, np.intp)
    if ((places < 0) | (places >= a._coef.shape[k])).any():
        raise IndexError(f"`indices` must be from 0 to {a._coef.shape[k] - 1}; got {places}")
    ends = np.append(places[1:], a._coef.shape[k])
    parts = [
        reduced(ufunc, a._like(np.moveaxis(a._coef, k, 1)[:, i : j if j > i else i + 1]), 0, dtype)._coef
        for i, j in zip(places, ends, strict=True)
    ]
    shape = (len(a._coef), *np.delete(np.array(a.shape, np.intp), k - 1), 0)
    coef = np.stack(parts, axis=-1) if parts else np.zeros(shape, a.dtype)
    return delivered(a._like(np.ascontiguousarray(np.moveaxis(coef, -1, k))), out)


def outer(ufunc: np.ufunc, a: Any, b: Any, **options: Any) -> Any:
    """``ufunc.outer``."""
    left = whole(a, b)
    return ufunc(left._like(left._coef.reshape(*left._coef.shape, *(1,) * np.ndim(values(b)))), b, **options)


def at(ufunc: np.ufunc, a: Any, indices: Any, *others: Any) -> None:
    """``ufunc.at``: in place, an entry once for each time that its index is given."""
    if not isinstance(a, Data):
        raise TypeError(f"np.{ufunc.__name__}.at can't put Taylor polynomials into an array of numbers: make it one")
    numbers = np.arange(a.size).reshape(a.shape)[indices]
    places = np.unravel_index(numbers.reshape(-1), a.shape)
    spread = [whole(other, a) for other in others]
    lanes = [
        other._like(np.broadcast_to(lifted(other._coef, numbers.ndim), (len(a._coef), *numbers.shape)))
        for other in spread
    ]
    goal: Any = a
    flat = [lane._coef.reshape(len(a._coef), numbers.size) for lane in lanes]
    for i, place in enumerate(zip(*places, strict=True)):
        key = tuple(int(k) for k in place)
        goal[key] = ufunc(goal[key], *(a._like(lane[:, i]) for lane in flat))


METHODS: dict[str, Callable[..., Any]] = {
    "reduce": reduced,
    "accumulate": accumulated,
    "reduceat": reduced_at,
    "outer": outer,
    "at": at,
}
