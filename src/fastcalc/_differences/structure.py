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

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.coloring import column_colors
from fastcalc._differences.pattern import Pattern
from fastcalc._differences.star import star_colors, star_recovery

_Indices = NDArray[np.intp]
_NUMBERS = 2**22  # compressed derivatives in memory at once
_FEWEST = 16  # colours at once, whatever they take


@dataclass(frozen=True)
class Chunk:
    """A range of colours that is worked on together: its columns, and its entries, None: all."""

    first: int
    stop: int
    columns: _Indices
    entries: _Indices | None


@dataclass(frozen=True, eq=False)
class Structure:
    """Entry e of the pattern is read off row ``row[e]`` of the difference along the colour of column ``column[e]``."""

    pattern: Pattern
    colors: _Indices
    row: _Indices
    column: _Indices
    mirrored: bool = False  # entries (i, j) and (j, i) are one

    @property
    def n_colors(self) -> int:
        """Number of colours."""
        return int(self.colors.max(initial=-1)) + 1

    @functools.cached_property
    def chunks(self) -> list[Chunk]:
        """The colours in ranges whose differences fit in memory; at least one range."""
        m = self.pattern.shape[0]
        width = max(_FEWEST, _NUMBERS // max(1, m))
        if self.n_colors <= width:
            columns = np.argsort(self.colors, kind="stable").astype(np.intp)
            return [Chunk(0, self.n_colors, columns, None)]
        chunks = []
        in_order, entries = _sorted(self.colors), _sorted(self.colors[self.column])
        for first in range(0, self.n_colors, width):
            stop = min(first + width, self.n_colors)
            chunks.append(Chunk(first, stop, in_order(first, stop), np.sort(entries(first, stop))))
        return chunks


class _sorted:
    """Positions of the numbers in a range, ranges by a search among the sorted numbers."""

    def __init__(self, numbers: _Indices) -> None:
        self.order = np.argsort(numbers, kind="stable").astype(np.intp)
        self.numbers = numbers[self.order]

    def __call__(self, first: int, stop: int) -> _Indices:
        start, end = np.searchsorted(self.numbers, [first, stop])
        return self.order[start:end]


def jacobian_structure(pattern: Pattern) -> Structure:
    """Columns that share no row have one colour."""
    return Structure(pattern, column_colors(pattern), pattern.rows, pattern.indices)


def hessian_structure(pattern: Pattern) -> Structure:
    """A star colouring of a symmetric pattern; entries (i, j) and (j, i) are read off the same place."""
    colors = star_colors(pattern)
    color, row = star_recovery(pattern, colors)
    here = row == pattern.rows
    column = np.where(here, pattern.indices, pattern.rows)
    assert (colors[column] == color).all()
    return Structure(pattern, colors, row, column, mirrored=True)
