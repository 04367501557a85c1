"""What an operation on series should give, and the size that its rounding errors are relative to.

The size is the majorant: the same sums with every term made positive. For a product it is sum |a[i] b[j]|, for f(a)
with the Taylor coefficients f[k] of f at a[0] it is sum |f[k]| (|a| - |a[0]|)**k, and for a quotient the product of
|a| and the majorant of 1/b. Any stable way to compute a coefficient is right to a few eps of it, however much cancels.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from benchmarks.taylor_numpy import Algebra
from benchmarks.taylor_peers import BINARY, EXPONENT

_FUNCTIONS = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "power": lambda x: x ** mpmath.mpf(EXPONENT),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "sinh": mpmath.sinh,
    "arctan": mpmath.atan,
    "division": lambda x: 1 / x,
}


def univariate(name: str, at: float, degree: int) -> Any:
    """Taylor coefficients of the function; of 1/x for "division"."""
    return np.array([float(value) for value in mpmath.taylor(_FUNCTIONS[name], mpmath.mpf(float(at)), degree)])


def reference(algebra: Algebra, name: str, a: Any, b: Any = None) -> tuple[Any, Any]:
    """The result of an operation on coefficients, and its majorant."""
    if name == "product":
        return algebra.product(a, b), algebra.product(np.abs(a), np.abs(b))
    inner = b if name in BINARY else a
    f = univariate(name, inner[0], algebra.degree)
    value, size = algebra.compose(f, inner), algebra.compose(np.abs(f), np.abs(inner))
    if name in BINARY:
        return algebra.product(a, value), algebra.product(np.abs(a), size)
    return value, size


def size_through_log(algebra: Algebra, a: Any) -> Any:
    """The majorant of a power that is computed as exp(r log(a)): far larger than that of the binomial series."""
    _, size = reference(algebra, "log", a)
    size[0] = 0.0  # log(a[0]) only scales the result
    return np.abs(a[0]) ** EXPONENT * algebra.compose(univariate("exp", 0.0, algebra.degree), EXPONENT * size)
