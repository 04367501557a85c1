"""A pattern with colours: which columns move together, and where each entry is read off.

Columns of one colour are displaced at once. If no two of them have entries in one row, then row i of the difference
along a colour is due to one column alone, which is what an entry (i, j) of a Jacobian needs. A Hessian is symmetric:
its entry (i, j) may be read off row i along the colour of j, or row j along the colour of i, and star colourings, with
fewer colours, leave one of both clean (Coleman, Moré, Math. Program. 28 (1984) 243-270; Gebremedhin, Manne, Pothen,
SIAM Review 47 (2005) 629-705).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.sparsity.coloring import column_colors
from fastcalc._differences.sparsity.pattern import Pattern
from fastcalc._differences.sparsity.star import star_colors, star_recovery
from fastcalc._kernels.compressed import transpose

_Indices = NDArray[np.intp]
_Numbers = NDArray[np.int32]  # of rows, columns and entries: kernels wait for memory more than for anything else
_MOST = 2**31 - 1
_NUMBERS = 2**22  # compressed derivatives in memory at once
_FEWEST = 16  # colours at once, whatever they take


class ByColor(NamedTuple):
    """The entries sorted by colours: those of colour c are ``start[c]`` to ``start[c + 1]``."""

    start: _Indices
    place: _Numbers
    row: _Numbers
    column: _Numbers


@dataclass(frozen=True)
class Chunk:
    """A range of colours that is worked on together: its columns, and its entries, None: all."""

    first: int
    stop: int
    columns: _Indices
    entries: _Numbers | None


@dataclass(frozen=True, eq=False)
class Structure:
    """Entry e of the pattern is read off row ``row[e]`` of the difference along the colour of column ``column[e]``."""

    pattern: Pattern
    colors: _Indices
    row: _Numbers
    column: _Numbers
    mirrored: bool = False  # entries (i, j) and (j, i) are one

    @functools.cached_property
    def n_colors(self) -> int:
        """Number of colours."""
        return int(self.colors.max(initial=-1)) + 1

    @functools.cached_property
    def columns(self) -> _Indices:
        """The columns, colour by colour."""
        return np.argsort(self.colors, kind="stable").astype(np.intp)

    @functools.cached_property
    def by_color(self) -> ByColor:
        """The entries, colour by colour, row by row."""
        colors = self.colors[self.column]
        start, order = transpose(np.arange(len(colors) + 1), colors, self.n_colors)
        place = order.astype(np.int32)
        return ByColor(start, place, self.row[place], self.column[place])

    @functools.cached_property
    def chunks(self) -> list[Chunk]:
        """The colours in ranges whose differences fit in memory; at least one range."""
        m = self.pattern.shape[0]
        width = max(_FEWEST, _NUMBERS // max(1, m))
        if self.n_colors <= width:
            return [Chunk(0, self.n_colors, self.columns, None)]
        chunks = []
        colors, entries = self.colors[self.columns], self.by_color
        for first in range(0, self.n_colors, width):
            stop = min(first + width, self.n_colors)
            columns = self.columns[slice(*np.searchsorted(colors, [first, stop]))]
            chunks.append(Chunk(first, stop, columns, entries.place[entries.start[first] : entries.start[stop]]))
        return chunks


def jacobian_structure(pattern: Pattern) -> Structure:
    """Columns that share no row have one colour."""
    _require_numbers(pattern)
    return Structure(pattern, column_colors(pattern), _row_numbers(pattern), pattern.indices.astype(np.int32))


def hessian_structure(pattern: Pattern) -> Structure:
    """A star colouring of a symmetric pattern; entries (i, j) and (j, i) are read off the same place."""
    _require_numbers(pattern)
    colors = star_colors(pattern)
    color, row = star_recovery(pattern, colors)
    rows = _row_numbers(pattern)
    column = np.where(row == rows, pattern.indices, rows).astype(np.int32)
    assert (colors[column] == color).all()
    return Structure(pattern, colors, row.astype(np.int32), column, mirrored=True)


def _row_numbers(pattern: Pattern) -> _Numbers:
    return np.repeat(np.arange(pattern.shape[0], dtype=np.int32), np.diff(pattern.indptr))


def _require_numbers(pattern: Pattern) -> None:
    if max(*pattern.shape, pattern.size) > _MOST:
        raise ValueError(
            f"`sparsity` may have at most {_MOST} rows, columns and entries; got shape {pattern.shape} with "
            f"{pattern.size} entries: differentiate some outputs at a time"
        )
