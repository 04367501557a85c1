"""How large the neglected terms of a polynomial may be, from the decay of its homogeneous parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.space import TaylorSpace

_TELLING = 6  # degree from which parts that are all 0 above a third of it speak for a polynomial


def tail(space: TaylorSpace, coef: NDArray[Any], radii: NDArray[Any]) -> NDArray[Any]:
    """Estimated sum of the parts above the space's degree, an array of the polynomials' shape. See `error_estimate`."""
    kind = coef.real.dtype
    parts = _part_sizes(space, coef, radii).astype(np.result_type(kind, np.float64))
    with np.errstate(all="ignore"):
        estimates = [_beyond(column) for column in parts.reshape(space.degree + 1, -1).T]
        return np.array(estimates, parts.dtype).astype(kind).reshape(coef.shape[1:])


def _part_sizes(space: TaylorSpace, coef: NDArray[Any], radii: NDArray[Any]) -> NDArray[Any]:
    """Sums S_k (degree + 1, ...) of abs(coef) radius**alpha over the terms of each degree."""
    kind = np.result_type(coef.real.dtype, np.float64)
    powers = np.ones(space.n_terms, kind)
    with np.errstate(all="ignore"):
        for v, radius in enumerate(radii):
            powers *= np.power(kind.type(radius), np.arange(space.degree + 1))[space.exponents[:, v]]
        sizes = np.abs(coef) * powers.reshape((-1,) + (1,) * (coef.ndim - 1))
    sizes[coef == 0] = 0  # whatever the radius
    parts = np.zeros((space.degree + 1, *coef.shape[1:]), kind)
    for k in range(space.degree + 1):
        parts[k] = sizes[space.starts[k] : space.starts[k + 1]].sum(axis=0)
    return parts


def _beyond(parts: NDArray[Any]) -> Any:
    """The sum over k > degree of A rho**k, the least such sequence above the last parts; but for the constant term."""
    degree = len(parts) - 1
    if not np.isfinite(parts).all():
        return np.nan
    if degree >= _TELLING and not parts[degree // 3 + 1 :].any():
        return 0.0
    for w in range(2 if degree >= 4 else 1, degree // 2 + 1):
        i, j = _largest(parts, degree - 2 * w, w), _largest(parts, degree - w, w)
        if parts[i] > 0 and parts[j] > 0:
            break
    else:
        return np.nan
    rho = (parts[j] / parts[i]) ** (1 / (j - i))
    if not rho < 1:
        return np.inf
    window = np.arange(degree - 2 * w + 1, degree + 1)
    return (parts[window] * rho ** (degree + 1 - window)).max() / (1 - rho)


def _largest(parts: NDArray[Any], before: int, w: int) -> int:
    """Which of the w parts that follow is the largest, the last one of equals."""
    return before + w - int(parts[before + 1 : before + w + 1][::-1].argmax())
