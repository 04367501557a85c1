"""Order and comparison: functions that go by the constant terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.arrays.handlers import Table, behind, delivered, numpys, serves, values, whole
from fastcalc._taylor.data import Data
from fastcalc._taylor.operands import operand

FUNCTIONS: Table = {}


def _by_values(name: str) -> None:
    function = numpys(name)

    def handler(*args: Any, **options: Any) -> Any:
        plain = [values(one) for one in args]
        return function(*plain, **{key: values(option) for key, option in options.items()})

    serves(FUNCTIONS, name)(handler)


for _name in (
    "argmax", "argmin", "nanargmax", "nanargmin", "argsort", "argpartition", "lexsort", "searchsorted", "digitize",
    "nonzero", "flatnonzero", "argwhere", "count_nonzero", "any", "all", "isclose", "allclose", "array_equal",
    "array_equiv", "isposinf", "isneginf", "histogram_bin_edges",
):  # fmt: skip
    _by_values(_name)


@serves(FUNCTIONS, "sort")
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """``np.sort`` by the constant terms; at ties of different polynomials the order changes nearby: no derivatives."""
    if order is not None:
        raise TypeError(f"np.sort of Taylor polynomials has no `order`; got {order!r}: leave it out")
    if axis is None:
        a, axis = a.reshape(-1), 0
    k = behind(axis, a.ndim)
    places = np.argsort(a._coef[0], axis=k - 1, kind="stable")
    coef = np.take_along_axis(a._coef, places[None], axis=k)
    return a._like(_without_ties(coef, k))


def _without_ties(coef: NDArray[Any], k: int) -> NDArray[Any]:
    """NaN for the terms of entries that are equal in value to different neighbours."""
    lanes = np.moveaxis(coef, k, -1)
    same = lanes[0, ..., 1:] == lanes[0, ..., :-1]
    if not same.any():
        return coef
    runs = np.cumsum(np.concatenate([np.ones((*same.shape[:-1], 1), np.bool_), ~same], axis=-1)).reshape(
        lanes.shape[1:]
    )
    differs = np.zeros(int(runs.max()) + 1, np.bool_)
    differs[runs[..., 1:][same & (lanes[1:, ..., 1:] != lanes[1:, ..., :-1]).any(axis=0)]] = True
    lanes[1:][:, differs[runs]] = np.nan
    return coef


@serves(FUNCTIONS, "partition")
def _partition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Any:
    return sort(a, axis, None, order)


@serves(FUNCTIONS, "median")
def _median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
    return quantile(a, 0.5, axis, out, keepdims=keepdims)


@serves(FUNCTIONS, "percentile")
def _percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    return quantile(a, np.asarray(q) / 100, axis, out, overwrite_input, method, keepdims, weights=weights)


@serves(FUNCTIONS, "quantile")
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: Any = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """``np.quantile`` of polynomials at plain levels q."""
    if method != "linear" or weights is not None or isinstance(q, Data):
        raise TypeError("np.quantile of Taylor polynomials knows plain `q`, method='linear' and no `weights`")
    a = whole(a, out)
    level = np.asarray(q, np.float64)
    if not ((level >= 0) & (level <= 1)).all():
        raise ValueError(f"quantiles must be from 0 to 1, and percentiles from 0 to 100; got {q}")
    shape = tuple(np.arange(a.ndim)) if axis is None else np.atleast_1d(axis) % a.ndim
    rest = [k for k in range(a.ndim) if k not in shape]
    lanes = a._coef.transpose(0, *(k + 1 for k in rest), *(int(k) + 1 for k in shape))
    row = sort(a._like(lanes.reshape(*lanes.shape[: len(rest) + 1], -1)))
    place = level * (row.shape[-1] - 1)
    low = np.floor(place).astype(np.intp)
    part = (place - low).astype(a.dtype)
    lower = row[..., low]
    upper = row[..., np.minimum(low + 1, row.shape[-1] - 1)]
    result = np.where(part == 0, lower, lower + (upper - lower) * part)
    _unknown(result, np.isnan(row._coef[0]).any(axis=-1))
    for _ in range(level.ndim):
        result = np.moveaxis(result, -1, 0)
    if keepdims:
        result = np.expand_dims(result, [level.ndim + int(k) for k in sorted(shape)])
    return delivered(result.copy(), out)


def _unknown(result: Data, where: NDArray[Any]) -> None:
    """NaN where there is one among the entries."""
    spread = where.reshape(where.shape + (1,) * (result.ndim - where.ndim))
    result._coef[:, np.broadcast_to(spread, result.shape)] = np.nan


@serves(FUNCTIONS, "clip")
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None, **options: Any
) -> Any:
    """``np.clip``: at ties with a bound as `np.maximum` and `np.minimum`."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a = operand(a)
    result = a if low is None else np.maximum(a, operand(low))
    result = result if high is None else np.minimum(result, operand(high))
    result = result.copy() if result is a else result
    if options.get("dtype") is not None:
        result = result.astype(options.pop("dtype"))
    if options:
        raise TypeError(f"np.clip of Taylor polynomials has no option {next(iter(options))!r}: leave it out")
    return delivered(result, out)


@serves(FUNCTIONS, "nan_to_num")
def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """A constant where the value is not finite."""
    constant = np.nan_to_num(x._coef[0, ...], nan=nan, posinf=posinf, neginf=neginf)
    result = x.copy() if copy else x
    finite = np.isfinite(x._coef[0, ...])
    result._coef[1:] = np.where(finite, x._coef[1:], 0)
    result._coef[0] = constant
    return result


@serves(FUNCTIONS, "unwrap")
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    constants = p._coef[0, ...]
    return p + (np.unwrap(constants, discont, axis, period=period) - constants)


@serves(FUNCTIONS, "round", "around")
def around(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """``np.round``: constant between jumps."""
    a = whole(a, out)
    scale = 10.0**decimals
    result = np.rint(a * scale)
    result._coef[0] = np.round(a._coef[0], decimals)
    return delivered(result, out)


@serves(FUNCTIONS, "fix")
def _fix(x: Any, out: Any = None) -> Any:
    return delivered(np.trunc(x), out)
