"""The noise of computed values, from their difference table (Moré and Wild's ECNoise).

Values f_0 ... f_m at equal spacing, noise of standard deviation sigma on a smooth function. Differences take the
smooth part away, a power of the spacing at a time, and amplify the noise by a known factor:

    sigma_k**2 = gamma_k mean((Delta^k f_i)**2),    gamma_k = (k!)**2 / (2k)!,    sigma_k -> sigma.

The first k counts from which three levels agree and whose differences change sign.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

_AGREE = 4.0  # largest ratio between three consecutive levels that are noise
_WIDE = 0.1  # range of the values over the largest of them, above which noise and variation are not told apart


class Verdict(IntEnum):
    """What equally spaced values say about their noise."""

    FOUND = 0  # the level is that of the noise
    EXACT = 1  # high differences vanish exactly: a polynomial without any noise; the level is 0
    TOO_CLOSE = 2  # half of the neighbours are equal: take a larger spacing; the level is 0 where all are, else NaN
    TOO_FAR = 3  # no level: the function varies too much, take a smaller spacing; NaN
    WIDE = 4  # a level, but in values that vary by more than a tenth: noise only if it is the same at smaller spacing
    NON_FINITE = 5  # NaN


def noise_level(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Noise of functions from their values at equally spaced points.

    Parameters
    ----------
    values : ndarray (m + 1, k) of real floats
        Values of k functions at m + 1 points, at least 4; 7 to 9 are enough. Not changed.

    Returns
    -------
    level : ndarray (k,)
        Standard deviation of the noise, in the units of the values; float64, or longdouble for such values.
    verdict : ndarray (k,) of int8
        A `Verdict` for each function.
    """
    table = np.array(values, np.result_type(values.dtype, np.float64))
    finite = np.isfinite(table).all(axis=0)
    table[:, ~finite] = 0
    # squares neither overflow nor underflow; powers of 2 add no rounding of their own
    _, exponent = np.frexp(np.abs(table).max(axis=0))
    table = np.ldexp(table, -exponent)
    span, largest = np.ptp(table, axis=0), np.abs(table).max(axis=0)
    m = len(table) - 1
    levels = np.empty((m, table.shape[1]), table.dtype)
    changes_sign = np.empty(levels.shape, np.bool_)
    equal = np.zeros(table.shape[1], np.intp)
    gamma = 1.0
    for k in range(1, m + 1):
        table = np.diff(table, axis=0)
        if k == 1:
            equal = (table == 0).sum(axis=0)
        gamma *= k / (4 * k - 2)
        levels[k - 1] = np.sqrt(gamma * (table * table).mean(axis=0))
        changes_sign[k - 1] = (table < 0).any(axis=0) & (table > 0).any(axis=0)
    three = np.stack([levels[:-2], levels[1:-1], levels[2:]])
    counts = changes_sign[:-2] & (three.max(axis=0) <= _AGREE * three.min(axis=0))
    first, found = counts.argmax(axis=0), counts.any(axis=0)
    level = np.where(found, np.ldexp(levels[first, np.arange(len(first))], exponent), np.nan)
    verdict = np.full(len(first), Verdict.TOO_FAR, np.int8)
    verdict[found] = Verdict.FOUND
    verdict[found & (span > _WIDE * largest)] = Verdict.WIDE
    for members, code, known in (
        (~found & (levels[-3] == 0), Verdict.EXACT, 0),
        (2 * equal > m, Verdict.TOO_CLOSE, np.nan),
        (span == 0, Verdict.TOO_CLOSE, 0),
        (~finite, Verdict.NON_FINITE, np.nan),
    ):
        level[members], verdict[members] = known, code
    return level, verdict
