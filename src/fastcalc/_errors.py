"""Exceptions of fastcalc's own; all others are Python's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class CallbackError(RuntimeError):
    """A compiled function returned a status other than 0.

    Parameters
    ----------
    status : int
        What it returned.
    point : ndarray (n,), optional
        Where, all variables in one row.

    Examples
    --------
    >>> import fastcalc as fc
    >>> raise fc.CallbackError(3)
    Traceback (most recent call last):
    fastcalc._errors.CallbackError: the compiled function returned status 3, where 0 means success: ...
    """

    def __init__(self, status: int, point: NDArray[Any] | None = None) -> None:
        super().__init__(status, point)  # what pickle makes it from again
        self.status = status
        self.point = point

    def __str__(self) -> str:
        place = ""
        if self.point is not None:
            place = " at x = " + np.array2string(self.point, threshold=8, edgeitems=3, separator=", ")
        return (
            f"the compiled function returned status {self.status}{place}, where 0 means success: on_error='nan' takes "
            "such values for NaN"
        )
