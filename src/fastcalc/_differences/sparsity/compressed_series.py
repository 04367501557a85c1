"""Exact sparse first derivatives: polynomials in colours.

The columns of a colour are displaced by one variable t of a Taylor polynomial; the coefficient of f_i at t is the entry
in row i.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences import exact
from fastcalc._differences.recipes import NO_FRAME, Frame
from fastcalc._differences.solve import Known, Solution
from fastcalc._differences.sparsity.compressed import Compressed, recovered, require_outputs
from fastcalc._differences.sparsity.structure import Chunk, Structure
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._results import Status
from fastcalc._taylor.space import TaylorSpace

_Array = NDArray[Any]


class Series(Compressed):
    """Exact: one variable of a Taylor polynomial for each colour."""

    def solve(self, function: PolynomialFunction, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """The calls of all chunks."""
        structure = self.structure
        n, size = len(x), structure.pattern.size
        fixed = np.zeros(n, np.bool_)
        if frame.bounds is not None:
            fixed = np.broadcast_to(frame.bounds[0] == frame.bounds[1], x.shape)[:, 0]
        data: _Array | None = None
        for chunk in structure.chunks:
            found = _Colors(structure, chunk).solve(function, x, NO_FRAME, full=False)
            require_outputs(len(found.value), structure.pattern.shape[0])
            dtype = found.value.dtype if data is None else np.result_type(data, found.value)
            data = np.full(size, np.nan, dtype) if data is None else data.astype(dtype, copy=False)
            recovered(structure, chunk, found.value, data)
            base = found.base
        assert data is not None  # there is at least one chunk
        status = np.where(np.isfinite(data), Status.EXACT, Status.NON_FINITE).astype(np.int8)
        self.hide_fixed(data, status, fixed)
        unknown = np.full((1, size, 1), np.nan, data.real.dtype)
        known = Known(unknown, status[None, :, None]) if full else None
        return Solution(data[None, :, None], unknown[0].copy(), base, known)


class _Colors(exact.Exact):
    """Derivatives along the colours of a chunk."""

    def __init__(self, structure: Structure, chunk: Chunk) -> None:
        super().__init__(structure.pattern.shape[1], chunk.stop - chunk.first)
        self.columns = chunk.columns
        self.place = structure.colors[chunk.columns] - chunk.first  # in the order of the columns

    def runs(self, itemsize: int) -> Iterator[exact.Run]:
        """As many colours at once as fit."""
        for start, stop in exact.spans(self.n_targets, exact.fitting(1, self.n, itemsize)):
            first, last = np.searchsorted(self.place, [start, stop])
            seeds = 1 + self.place[first:last] - start, self.columns[first:last], 1
            space = TaylorSpace(max(1, stop - start), 1)
            yield exact.Run(space, seeds, slice(1, 1 + stop - start), slice(start, stop))
