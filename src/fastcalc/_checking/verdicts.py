"""The rule: when a component is right, wrong, or neither can be told.

With reference r, its error estimate e, the rounding rho of the derivative's own code and N comparisons in all,

    tolerance = (3 + sqrt(2 log N)) (e + rho),        wrong: abs(value - r) > tolerance.

sqrt(2 log N) is how far, in standard deviations, the largest of N normal errors is expected. What is within the
tolerance is right if the tolerance is small enough to mean something, else inconclusive.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.reference import Reference
from fastcalc._results import Status

_Array = NDArray[Any]
_FACTOR = 3.0


class Verdict(IntEnum):
    """What was found of a component; `GradientReport.verdict` holds one for each.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> report = fc.check_gradient(np.sum, lambda x: np.array([1.0, 2.0]), [3.0, 4.0])
    >>> [str(fc.checking.Verdict(code)) for code in report.verdict]
    ['right', 'wrong']
    """

    RIGHT = 0
    WRONG = 1
    INCONCLUSIVE = 2
    NOT_SMOOTH = 3
    NOT_DETERMINISTIC = 4
    NOT_CHECKED = 5

    def __str__(self) -> str:
        return _WORDS[self]


_WORDS = {
    Verdict.RIGHT: "right",
    Verdict.WRONG: "wrong",
    Verdict.INCONCLUSIVE: "difference inconclusive",
    Verdict.NOT_SMOOTH: "not smooth",
    Verdict.NOT_DETERMINISTIC: "f not deterministic",
    Verdict.NOT_CHECKED: "not checked",
}


def tolerance(error: _Array, rounding: _Array, comparisons: int) -> _Array:
    """Differences up to this are no evidence."""
    factor = _FACTOR + np.sqrt(2 * np.log(max(1, comparisons)))
    allowed: _Array = factor * (error + rounding)
    return allowed


def judge(value: _Array, reference: Reference, allowed: _Array, negligible: _Array, rtol: float) -> NDArray[np.int8]:
    """A `Verdict` for each comparison.

    Parameters
    ----------
    value, allowed : ndarray (m, c, lanes)
        The supposed derivative, and the tolerance.
    negligible : ndarray (m, c, lanes)
        Derivatives below this are as good as zero.
    rtol : float
        A tolerance up to this, relative to the derivative, is small enough.
    """
    known = reference.success & np.isfinite(reference.value) & np.isfinite(allowed)
    with np.errstate(invalid="ignore", over="ignore"):
        differs = ~(np.abs(value - reference.value) <= allowed)
        narrow = allowed <= np.fmax(rtol * np.fmax(np.abs(value), np.abs(reference.value)), negligible)
    cases = [reference.status == Status.NOT_SMOOTH, ~known, differs, narrow]
    verdicts = [Verdict.NOT_SMOOTH, Verdict.INCONCLUSIVE, Verdict.WRONG, Verdict.RIGHT]
    return np.select(cases, [np.int8(verdict) for verdict in verdicts], np.int8(Verdict.INCONCLUSIVE))
