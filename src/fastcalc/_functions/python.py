"""Plain Python functions: one point a call, in a private buffer."""

from __future__ import annotations

from fastcalc._kernels.calling import PointCaller

_BLOCK_BYTES = 2**18  # of outputs kept before they are combined


class PythonFunction(PointCaller):
    """Adapter for ``f(x)`` with one point x; outputs of any one shape."""

    def columns(self) -> int:
        """Values to keep in a block; 1 before the size of an output is known."""
        m = self.m
        return 1 if m < 0 else _BLOCK_BYTES // (8 * m + 8) + 1
