"""Means, variances and their variants that leave out NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastcalc._taylor import elementary
from fastcalc._taylor.arrays import reductions
from fastcalc._taylor.arrays.handlers import UNSET, Table, all_behind, behind, delivered, mask, serves, whole
from fastcalc._taylor.data import Data, lifted, series_dtype
from fastcalc._taylor.operands import as_polynomial

FUNCTIONS: Table = {}


@serves(FUNCTIONS, "mean")
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Any:
    """``np.mean``."""
    a = whole(a, out)
    kind = None if dtype is None else series_dtype(np.dtype(dtype))
    axes = all_behind(axis, a.ndim)
    coef = np.mean(a._coef, axis=axes, dtype=kind, keepdims=bool(keepdims), where=mask(where, a))
    return delivered(a._like(coef), out)


@serves(FUNCTIONS, "var")
def var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
    where: Any = UNSET, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:  # fmt: skip
    """``np.var``."""
    if correction is not UNSET:
        if ddof != 0:
            raise ValueError("`ddof` and `correction` are one option by two names; got both: give one of them")
        ddof = correction
    a = whole(a, out, mean)
    a = a if dtype is None else a.astype(dtype)
    chosen = mask(where, a)
    center = _mean(a, axis, chosen) if mean is UNSET else mean
    deviation = elementary.subtract(a, center)
    if a.dtype.kind == "c":
        square = deviation._like(_squared(deviation, "real") + _squared(deviation, "imag"))
    else:
        square = elementary.square(deviation)
    sums = reductions.total(square, axis, None, bool(keepdims), UNSET, where)
    ones = np.broadcast_to(chosen, a.shape)
    count = np.sum(ones, axis=axis, keepdims=bool(keepdims), dtype=square.dtype)
    left = np.maximum(count - square.dtype.type(ddof), 0)
    return delivered(elementary.divide(sums, left), out)


def _mean(a: Data, axis: Any, chosen: Any) -> Data:
    coef = np.mean(a._coef, axis=all_behind(axis, a.ndim), keepdims=True, where=chosen)
    return a._like(coef)


def _squared(p: Data, part: str) -> Any:
    return elementary.square(p._like(np.ascontiguousarray(getattr(p._coef, part))))._coef


@serves(FUNCTIONS, "std")
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
    where: Any = UNSET, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:  # fmt: skip
    """``np.std``."""
    spread = var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction)
    return delivered(elementary.sqrt(spread), out)


@serves(FUNCTIONS, "average")
def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    """``np.average``."""
    a = whole(a, weights)
    if weights is None:
        result = mean(a, axis, keepdims=keepdims)
        count = a.size if axis is None else np.prod([a.shape[k - 1] for k in all_behind(axis, a.ndim)])
        scale: Any = np.full(result.shape, count, result.dtype)
    else:
        factor = whole(weights, a)
        if factor.shape != a.shape:
            if axis is None or factor.ndim != 1 or factor.shape[0] != a._coef.shape[behind(axis, a.ndim)]:
                raise ValueError(
                    f"`weights` must have the shape {a.shape} of `a`, or be one-dimensional along `axis`; got shape "
                    f"{factor.shape} with axis={axis}"
                )
            shape = [-1 if k == behind(axis, a.ndim) else 1 for k in range(1, a.ndim + 1)]
            factor = factor._like(factor._coef.reshape(len(factor._coef), *shape))
        spread = factor._like(np.broadcast_to(factor._coef, (len(factor._coef), *a.shape)))
        scale = reductions.sum(spread, axis, keepdims=keepdims)
        if (scale._coef[0] == 0).any():
            raise ZeroDivisionError("`weights` sum to zero: they can't be normalised")
        moments = reductions.sum(elementary.multiply(a, factor), axis, keepdims=keepdims)
        result = elementary.divide(moments, scale)
    return (result, scale) if returned else result


# Without NaN


def _known(a: Data, where: Any) -> Any:
    known = ~np.isnan(a._coef[0, ...])
    chosen = mask(where, a)
    return known if chosen is True else known & chosen


@serves(FUNCTIONS, "nansum")
def _nansum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:  # fmt: skip
    a = whole(a, out, initial)
    return reductions.sum(a, axis, dtype, out, keepdims, initial, _known(a, where))


@serves(FUNCTIONS, "nanprod")
def _nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:  # fmt: skip
    a = whole(a, out, initial)
    return reductions.prod(a, axis, dtype, out, keepdims, initial, _known(a, where))


@serves(FUNCTIONS, "nanmean")
def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Any:
    a = whole(a, out)
    return mean(a, axis, dtype, out, keepdims, where=_known(a, where))


@serves(FUNCTIONS, "nanvar")
def _nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
    where: Any = UNSET, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:  # fmt: skip
    a = whole(a, out, mean)
    return var(a, axis, dtype, out, ddof, keepdims, where=_known(a, where), mean=mean, correction=correction)


@serves(FUNCTIONS, "nanstd")
def _nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False, *,
    where: Any = UNSET, mean: Any = UNSET, correction: Any = UNSET,
) -> Any:  # fmt: skip
    a = whole(a, out, mean)
    return std(a, axis, dtype, out, ddof, keepdims, where=_known(a, where), mean=mean, correction=correction)


@serves(FUNCTIONS, "nancumsum")
def _nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return reductions.cumsum(_filled(whole(a, out), 0), axis, dtype, out)


@serves(FUNCTIONS, "nancumprod")
def _nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return reductions.cumprod(_filled(whole(a, out), 1), axis, dtype, out)


def _filled(a: Data, constant: float) -> Data:
    filler = as_polynomial(np.full(a.shape, constant, a.dtype), a)
    return a._like(np.where(np.isnan(a._coef[0]), filler._coef, a._coef))


# Covariances


@serves(FUNCTIONS, "cov")
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """``np.cov``."""
    if fweights is not None or aweights is not None:
        raise TypeError("np.cov of Taylor polynomials has no `fweights` and `aweights`: leave them out")
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"`ddof` must be an integer; got {ddof!r}")
    rows = [_observations(whole(m, y), rowvar)]
    if y is not None:
        rows.append(_observations(whole(y, m), rowvar))
    x: Any = np.concatenate(rows)
    x = x if dtype is None else x.astype(dtype)
    freedom = x.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    deviation = x - mean(x, 1, keepdims=True)
    return np.squeeze(deviation @ np.conjugate(deviation.T) / np.maximum(freedom, 0))


def _observations(x: Data, rowvar: bool) -> Any:
    if x.ndim > 2:
        raise ValueError(f"np.cov takes one or two dimensions; got {x.ndim}")
    coef = lifted(x._coef, 2)
    return x._like(coef if rowvar or x.ndim < 2 else coef.swapaxes(1, 2))


@serves(FUNCTIONS, "corrcoef")
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    return c / deviation[:, None] / deviation[None, :]
