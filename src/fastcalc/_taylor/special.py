"""The functions of scipy.special that polynomials know, without importing SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def find(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """The version for polynomials of a ufunc of scipy.special, None if there is none."""
    return None
