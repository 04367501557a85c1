"""Columns that can be differenced together: colourings of a Jacobian's columns and of a symmetric Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.pattern import Pattern, parse_pattern
from fastcalc._kernels.coloring import first_fit
from fastcalc._kernels.star import star_fit, star_positions

__all__ = ["color_columns"]

_Indices = NDArray[np.intp]
_LONG = 512  # a row of more entries makes its columns a block of their own: _kernels/coloring.pyx


def color_columns(sparsity: Any) -> _Indices:
    """Group the columns of a sparse matrix so that no two columns of a group have an entry in the same row.

    Parameters
    ----------
    sparsity : scipy.sparse matrix or array, or array_like of bool or number, shape (m, n)
        The pattern: the stored entries of a sparse one, what is not 0 of a dense one.

    Returns
    -------
    ndarray of intp, shape (n,)
        The colour of each column, from 0.
    """
    return column_colors(parse_pattern(sparsity))


def column_colors(pattern: Pattern) -> _Indices:
    """The colours of the columns of a pattern."""
    best = np.zeros(pattern.shape[1], np.intp)
    if pattern.size == 0:
        return best
    lengths = np.diff(pattern.indptr)
    bound = int(lengths.max())
    columns = pattern.transposed
    conflicts = np.add.reduceat(np.append(lengths[columns.indices] - 1, 0), columns.indptr[:-1])
    conflicts[np.diff(columns.indptr) == 0] = 0
    fewest = len(best) + 1
    for order in (np.arange(len(best)), np.argsort(-conflicts, kind="stable")):
        color = np.empty_like(best)
        count = first_fit(columns.indptr, columns.indices, *_blocks(pattern, order), pattern.shape[0], color)
        if count < fewest:
            best, fewest = color, count
        if fewest == bound:
            break
    return best


def _blocks(pattern: Pattern, order: _Indices) -> tuple[_Indices, _Indices, _Indices]:
    """An order with the columns of long rows first, row by row; where these blocks start, and their rows."""
    lengths = np.diff(pattern.indptr)
    long = np.flatnonzero(lengths > _LONG)
    long = long[np.argsort(lengths[long], kind="stable")]
    if not len(long):
        return order, np.array([0, len(order)]), np.array([-1])
    block = np.full(pattern.shape[1], len(long))  # the longest row comes last and first
    for k, i in enumerate(long):
        block[pattern.indices[pattern.indptr[i] : pattern.indptr[i + 1]]] = len(long) - 1 - k
    starts = np.zeros(len(long) + 2, np.intp)
    np.cumsum(np.bincount(block, minlength=len(long) + 1), out=starts[1:])
    return order[np.argsort(block[order], kind="stable")], starts, np.append(long[::-1], -1)


def star_colors(pattern: Pattern) -> _Indices:
    """Colours of the columns of a symmetric pattern, whose entries `star_recovery` finds."""
    n = pattern.shape[0]
    degrees = np.diff(pattern.indptr)
    best, fewest = np.zeros(n, np.intp), n + 1
    for order in (np.arange(n), np.argsort(-degrees, kind="stable")):
        color = np.empty(n, np.intp)
        count = star_fit(pattern.indptr, pattern.indices, order, color)
        if count < fewest:
            best, fewest = color, count
    return best


def star_recovery(pattern: Pattern, colors: _Indices) -> tuple[_Indices, _Indices]:
    """For each entry of a symmetric pattern: in which colour's product it is, and in which row of that.

    With D[colour] = H @ (colors == colour), entry e of H is D[color[e], row[e]]; the same number for its mirror image.
    """
    color, row = np.empty(pattern.size, np.intp), np.empty(pattern.size, np.intp)
    n_colors = int(colors.max(initial=-1)) + 1
    if star_positions(pattern.indptr, pattern.indices, colors, n_colors, color, row) >= 0:
        raise ValueError("`colors` must be a star colouring of the pattern")
    return color, row
