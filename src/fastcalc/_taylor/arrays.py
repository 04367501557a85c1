"""NumPy's functions of arrays for arrays of polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
UFUNCS: dict[np.ufunc, Callable[..., Any]] = {}


def ufunc_method(ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """``ufunc.reduce``, ``accumulate``, ``outer`` and ``at``."""
    raise TypeError(f"np.{ufunc.__name__}.{method} is not available for Taylor polynomials")
