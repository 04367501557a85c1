"""Vectorised functions: many points a call, in blocks that stay in the cache."""

from __future__ import annotations

from fastcalc._kernels.calling import BlockCaller

_BLOCK_BYTES = 2**18  # of points, or of outputs where these are larger: 128 to 256 kB won clearly over megabytes


class VectorizedFunction(BlockCaller):
    """Adapter for ``f(X)`` with X (n, k), or (k,) for one variable, returning (k,) or (m, k)."""

    def columns(self) -> int:
        """Points in a block."""
        return max(1, _BLOCK_BYTES // (8 * max(1, self.n_components, self.m)))
