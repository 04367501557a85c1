"""Which variables can be displaced together for a Hessian from gradients: star colourings of a symmetric pattern.

The difference of gradients along the sum of the columns j of a colour holds, in row i, the sum of the entries i, j. An
entry is known where it is alone in this sum; by symmetry one of i, j and j, i is enough. In a star colouring one of
them always is: neighbours differ, and each path of four vertices has three colours (Coleman and More, Math. Program.
28 (1984) 243-270; Gebremedhin, Tarafdar, Manne and Pothen, SIAM J. Sci. Comput. 29 (2007) 1042-1072).
"""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.sparsity.coloring import Coloring, color_within, descending
from fastcalc._differences.sparsity.pattern import Pattern, from_entries
from fastcalc._kernels.orders import smallest_last
from fastcalc._kernels.star import star_fit, star_positions

_Indices = NDArray[np.intp]

# Up to so many entries, some tenths of a second, everything is tried.
_FEW_ENTRIES = 2**22
# Colourings in the order of others that find no fewer colours: then no more are tried. They may have more colours than
# the best, up to this part of them.
_PATIENCE, _SLACK = 3, 4


def star_colors(pattern: Pattern) -> _Indices:
    """Colours of the variables of a Hessian with this pattern, with or without its diagonal.

    Parameters
    ----------
    pattern : Pattern, shape (n, n)
        Symmetric.

    Returns
    -------
    ndarray of intp, shape (n,)
        The colour of each column: 0, 1, ...
    """
    n = pattern.shape[0]
    if pattern.shape != (n, n) or pattern.symmetric is not pattern:
        raise ValueError("star colours are of symmetric patterns: take `pattern.symmetric`")
    fewest = _at_least(pattern)
    if fewest <= 1:
        return np.zeros(n, np.intp)
    degrees = np.diff(pattern.indptr)
    crowded_first = descending(degrees)
    # This one never takes very many colours, however many neighbours a few have, and sets a limit to all others.
    best = _fit(pattern, crowded_first, Coloring(n + 1, crowded_first), cautious=True)
    if fewest < best.count:
        best = _fit(pattern, np.arange(n), best)
    if fewest < best.count:
        sparse_last = smallest_last(pattern.indptr, pattern.indices, None, None, degrees)
        best = _fit(pattern, sparse_last, best, cautious=True)
        apart = _columns_apart(pattern, best)
        if pattern.size > _FEW_ENTRIES:
            return min(best, apart, key=operator.attrgetter("count")).color
        best = _fit(pattern, sparse_last, best)
        best = _fit(pattern, crowded_first, best)
        best = _regroup(pattern, best, best)
        best = _regroup(pattern, best, apart)
    return best.color


def star_recovery(pattern: Pattern, colors: _Indices) -> tuple[_Indices, _Indices]:
    """Where each entry of a symmetric matrix H is found among its products with the sums of columns of one colour.

    Parameters
    ----------
    pattern : Pattern, shape (n, n)
        Symmetric.
    colors : ndarray of intp, shape (n,)
        From `star_colors`.

    Returns
    -------
    color, row : ndarray of intp, shape (pattern.size,)
        With ``D[k] = H @ (colors == k)``, entry e is ``D[color[e], row[e]]``, and so is its mirror image.
    """
    if pattern.symmetric is not pattern:
        raise ValueError("entries are recovered for symmetric patterns: take `pattern.symmetric`")
    color, row = np.empty(pattern.size, np.intp), np.empty(pattern.size, np.intp)
    n_colors = int(colors.max(initial=-1)) + 1
    missed = star_positions(pattern.indptr, pattern.indices, colors, n_colors, color, row)
    if missed >= 0:
        raise ValueError(
            f"`colors` must be a star colouring of the pattern; entry ({pattern.rows[missed]}, "
            f"{pattern.indices[missed]}) can't be told from others of its row: take those of star_colors(pattern)"
        )
    return color, row


def _at_least(pattern: Pattern) -> int:
    """Colours that any star colouring has: 1 without edges, 2 for stars without common vertices, 3 for others; and two
    colours together have fewer edges than vertices, since they are a forest.
    """
    n = pattern.shape[0]
    off_diagonal = pattern.rows != pattern.indices
    if not off_diagonal.any():
        return min(n, 1)
    degrees = np.bincount(pattern.rows[off_diagonal], minlength=n)
    # in a star, one end of each edge has no other
    if not ((degrees[pattern.rows] > 1) & (degrees[pattern.indices] > 1) & off_diagonal).any():
        return 2
    edges, count = np.count_nonzero(off_diagonal) // 2, 3
    while (count - 1) * n - count * (count - 1) // 2 < edges:
        count += 1
    return count


def _fit(pattern: Pattern, order: _Indices, best: Coloring, *, cautious: bool = False) -> Coloring:
    """In this order, if that takes fewer colours than the best."""
    color = np.empty(len(order), np.intp)
    count = star_fit(pattern.indptr, pattern.indices, order, cautious, best.count - 1, color)
    return Coloring(count, color) if count else best


def _regroup(pattern: Pattern, best: Coloring, current: Coloring) -> Coloring:
    """The better of the best and colourings in the order of the colours of others, the last one first."""
    if current.count < best.count:
        best = current
    fruitless = 0
    while fruitless < _PATIENCE and current.count <= best.count + best.count // _SLACK:
        limit = best.count + best.count // _SLACK + 1
        current = _fit(pattern, descending(current.color), Coloring(limit, current.color))
        fruitless += 1
        if current.count < best.count:
            best, fruitless = current, 0
    return best


def _columns_apart(pattern: Pattern, best: Coloring) -> Coloring:
    """Colours of columns without a common row, the diagonal included: they are star colours too. The best where a row
    alone needs more.
    """
    n = pattern.shape[0]
    on_diagonal = np.zeros(n, np.bool_)
    on_diagonal[pattern.indices[pattern.rows == pattern.indices]] = True
    if int((np.diff(pattern.indptr) + ~on_diagonal).max()) > best.count:
        return best
    if not on_diagonal.all():
        i = np.arange(n)
        pattern = from_entries(pattern.shape, np.concatenate([pattern.rows, i]), np.concatenate([pattern.indices, i]))
    return color_within(pattern, best.count)
