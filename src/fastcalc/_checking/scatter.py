"""How far f scatters about a smooth function, for each of its outputs: what limits the reference.

Levels of noise (Moré and Wild) at five spacings along a direction. One counts if it is hardly above rounding, if the
next spacing shows the same, or if smaller spacings show steps of equal values: kinks and oscillations look like noise
too, but not the same at every spacing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.subject import Subject
from fastcalc._differences.noise import Verdict, noise_level

_Array = NDArray[Any]
_SPACINGS = 5
_SMALLEST = 0.6  # power of eps, relative to the direction
_LARGEST = -6.0  # power of 2
_POINTS = 8  # besides x
_AGREE = 4.0
_ROUNDING = 32.0  # times eps: what rounding may come to


def noise_of(subject: Subject, base: _Array, v: _Array) -> _Array:
    """Standard deviation of the noise of f (m, lanes) along a direction v (n, lanes); 0 where none is found."""
    epsilon = max(subject.function.epsilon, float(np.finfo(base.dtype).eps))
    spacings = 2.0 ** np.round(np.linspace(_SMALLEST * np.log2(epsilon), _LARGEST, _SPACINGS))
    levels, verdicts = zip(*(_at(subject, base, v, h) for h in spacings), strict=True)
    noise = np.zeros(base.shape)
    for k in reversed(range(len(levels))):
        level = levels[k]
        counts = level <= _ROUNDING * epsilon * np.abs(base)
        if k + 1 < len(levels):
            after = levels[k + 1]
            same = np.fmax(level, after) <= _AGREE * np.fmin(level, after)
            counts |= same & (verdicts[k + 1] == Verdict.FOUND)
        if k > 0:
            counts |= verdicts[k - 1] == Verdict.TOO_CLOSE
        noise = np.where(counts & (verdicts[k] == Verdict.FOUND), level, noise)
    return noise


def _at(subject: Subject, base: _Array, v: _Array, h: float) -> tuple[_Array, NDArray[np.int8]]:
    """Level and verdict (m, lanes) from nine points at spacing h."""
    line = [base]
    for k in range(1, _POINTS + 1):
        with np.errstate(all="ignore"):
            line.append(subject.values(subject.moved(k * h * v)))
    level, verdict = noise_level(np.stack(line).reshape(len(line), -1))
    return np.nan_to_num(level).reshape(base.shape), verdict.reshape(base.shape)
