"""How far rounding alone moves a derivative that is right: measured from its values close to x.

Two spacings are looked at. At x (1 +- eps) the values spread by what the rounding of x and of single operations does
to them, cancellation included. At nine points x + k h v, with h near eps**(3/8), differences of high order remove the
smooth part and leave the noise of coarser arithmetic: float32 inside, tables, linear solvers stopped early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.subject import Subject
from fastcalc._checking.targets import Target
from fastcalc._differences.noise import Verdict, noise_level

_Array = NDArray[Any]
_PAIRS = 2  # of neighbours of x
_POINTS = 8  # besides x
_OPERATIONS = 8  # roundings of the size of the result that any code may do
_ALIKE = 30.0
_SHORT = 12  # bits
_SINGLE = float(np.finfo(np.float32).eps)


def rounding_of(
    subject: Subject, derivative: _Array, targets: Sequence[Target], inward: _Array, rng: np.random.Generator
) -> list[_Array]:
    """Sizes of the rounding errors of all that is compared, (m, c, lanes) for each target.

    Parameters
    ----------
    derivative : ndarray (m, n, lanes)
        The supposed derivative at x.
    inward : ndarray (n, lanes)
        A direction along which x may move as far as its length.
    """

    def picked(values: _Array) -> _Array:
        return np.concatenate([target.of(values) for target in targets], axis=1)

    base = picked(derivative)
    spread, line = np.zeros_like(base), [base]
    single = _is_single(derivative) and not _is_short(derivative)
    for point in _neighbours(subject, rng):
        with np.errstate(all="ignore"):
            moved = subject.derivatives(point)
            spread = np.fmax(spread, np.abs(picked(moved) - base))
        single = single and _is_single(moved)
    h = 2.0 ** round(0.375 * np.log2(np.finfo(subject.points.dtype).eps))
    for k in range(1, _POINTS + 1):
        with np.errstate(all="ignore"):
            moved = subject.derivatives(subject.moved(k * h * inward))
        single = single and _is_single(moved)
        line.append(picked(moved))
    level, verdict = noise_level(np.stack(line).reshape(len(line), -1))
    level, verdict = level.reshape(base.shape), verdict.reshape(base.shape)
    # oscillations faster than the points look like noise too, but not to close neighbours
    wide = (verdict == Verdict.WIDE) & (single | (level <= _ALIKE * spread))
    noise = np.where((verdict == Verdict.FOUND) | wide, level, 0)
    epsilon = max(subject.derivative.epsilon, _SINGLE if single else 0.0)
    magnitude = np.concatenate([target.magnitude(derivative) for target in targets], axis=1)
    rounding = np.fmax(np.fmax(spread, noise), _OPERATIONS * epsilon * magnitude)
    rounding = np.where(np.isfinite(base), rounding, 0)
    return np.split(rounding, np.cumsum([target.count for target in targets])[:-1], axis=1)


def _neighbours(subject: Subject, rng: np.random.Generator) -> list[_Array]:
    """Points that differ from x by an eps of the size of each variable."""
    points = []
    for _ in range(_PAIRS):
        step = np.finfo(subject.points.dtype).eps * subject.size * rng.choice([-1, 1], subject.size.shape)
        points += [subject.moved(step), subject.moved(-step)]
    return points


def _is_single(values: _Array) -> bool:
    """Whether float32 holds all values."""
    with np.errstate(over="ignore", under="ignore"):
        return bool((values.astype(np.float32) == values)[np.isfinite(values)].all())


def _is_short(values: _Array) -> bool:
    """Whether all values are short numbers like 3 or 0.25, which any arithmetic gives exactly."""
    mantissa, _ = np.frexp(values[np.isfinite(values)])
    return bool((np.ldexp(mantissa, _SHORT) % 1 == 0).all())
