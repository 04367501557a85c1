"""Plain Python functions: one point a call, in a private buffer."""

from __future__ import annotations

from fastcalc._kernels.points import PointCaller


class PythonFunction(PointCaller):
    """Adapter for ``f(x)`` with one point x; outputs of any one shape."""

    __slots__ = ()
    _BLOCK_BYTES = 2**18  # of outputs kept before they are combined
