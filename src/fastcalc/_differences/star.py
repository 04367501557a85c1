"""Which variables can be displaced together for a Hessian from gradients: star colourings of a symmetric pattern.

The difference of gradients along the sum of the columns j of a colour holds, in row i, the sum of the entries i, j. An
entry is known where it is alone in this sum; by symmetry one of i, j and j, i is enough. In a star colouring one of
them always is: neighbours differ, and each path of four vertices has three colours (Coleman and More, Math. Program.
28 (1984) 243-270; Gebremedhin, Tarafdar, Manne and Pothen, SIAM J. Sci. Comput. 29 (2007) 1042-1072).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.coloring import Coloring, color_within, descending, fewer
from fastcalc._differences.pattern import Pattern, from_entries
from fastcalc._kernels.orders import smallest_last
from fastcalc._kernels.star import star_fit, star_positions

_Indices = NDArray[np.intp]

_PATIENCE = 3  # colourings in the order of others that find no fewer colours: then no more are tried


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
    best = _fit(pattern, np.arange(n))
    if fewest < best.n_colors:
        crowded_first = descending(degrees)
        sparse_last = smallest_last(pattern.indptr, pattern.indices, None, None, degrees)
        for order in (crowded_first, sparse_last):
            for cautious in (False, True):
                best = fewer(best, _fit(pattern, order, cautious))
        best = _regroup(pattern, best, best)
        apart = _columns_apart(pattern, best.n_colors - 1)
        if apart is not None:
            best = _regroup(pattern, fewer(best, apart), apart)
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


def _fit(pattern: Pattern, order: _Indices, cautious: bool = False) -> Coloring:
    color = np.empty(len(order), np.intp)
    return Coloring(star_fit(pattern.indptr, pattern.indices, order, cautious, color), color)


def _regroup(pattern: Pattern, best: Coloring, start: Coloring) -> Coloring:
    """In the order of the colours, the last one first, again and again."""
    current, fruitless = start, 0
    while fruitless < _PATIENCE:
        current = _fit(pattern, descending(current.color))
        fruitless += 1
        if current.n_colors < best.n_colors:
            best, fruitless = current, 0
    return best


def _columns_apart(pattern: Pattern, enough: int) -> Coloring | None:
    """Colours of columns without a common row, the diagonal included: a star colouring, at times a better one. None
    where a row alone needs more than `enough`.
    """
    n = pattern.shape[0]
    on_diagonal = np.zeros(n, np.bool_)
    on_diagonal[pattern.indices[pattern.rows == pattern.indices]] = True
    if int((np.diff(pattern.indptr) + ~on_diagonal).max()) > enough:
        return None
    if not on_diagonal.all():
        i = np.arange(n)
        pattern = from_entries(pattern.shape, np.concatenate([pattern.rows, i]), np.concatenate([pattern.indices, i]))
    return color_within(pattern, enough)
