"""NumPy's functions of arrays for arrays of polynomials: one table of all of them, and the methods of ufuncs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastcalc._taylor import ufuncs
from fastcalc._taylor.arrays import (
    contractions,
    linalg,
    making,
    ordering,
    products,
    reductions,
    sampled,
    shaping,
    spectra,
    statistics,
)

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **shaping.FUNCTIONS,
    **making.FUNCTIONS,
    **reductions.FUNCTIONS,
    **statistics.FUNCTIONS,
    **ordering.FUNCTIONS,
    **products.FUNCTIONS,
    **contractions.FUNCTIONS,
    **sampled.FUNCTIONS,
    **linalg.FUNCTIONS,
    **spectra.FUNCTIONS,
}

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {**products.UFUNCS, **making.UFUNCS}


def ufunc_method(ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """``ufunc.reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at``."""
    known = ufunc in ufuncs.UFUNCS or ufunc in ufuncs.PREDICATES
    if not known or (ufunc.nin != 2 and method != "at"):
        raise TypeError(
            f"np.{ufunc.__name__}.{method} is not available for Taylor polynomials: call np.{ufunc.__name__} on the "
            "entries"
        )
    return reductions.METHODS[method](ufunc, *inputs, **options)
