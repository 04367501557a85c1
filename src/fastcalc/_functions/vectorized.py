"""Vectorised functions: many points a call, in blocks that stay in the cache."""

from __future__ import annotations

from fastcalc._kernels.blocks import BlockCaller


class VectorizedFunction(BlockCaller):
    """Adapter for ``f(X)`` with X (n, k), or (k,) for one variable, returning (k,) or (m, k)."""

    __slots__ = ()
    _BLOCK_BYTES = 5 * 2**16  # of points, or of outputs where these are larger
