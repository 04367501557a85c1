"""Plain Python functions: one point a call, in a private buffer."""

from __future__ import annotations

from fastcalc._kernels.calling import PointCaller
from fastcalc._kernels.plan import Plan

_BLOCK_BYTES = 2**17  # of outputs kept before they are combined


class PythonFunction(PointCaller):
    """Adapter for ``f(x)`` with one point x; outputs of any one shape."""

    columns_last = False

    def columns(self) -> int:
        """Values to keep in a block; 1 before the size of an output is known."""
        return 1 if self.m < 0 else max(1, _BLOCK_BYTES // (16 * max(1, self.m)))

    def width(self, plan: Plan, lanes: int) -> int:
        """Points x to treat together, out of `lanes`."""
        return max(1, min(lanes, self.columns() // max(1, plan.n_points)))
