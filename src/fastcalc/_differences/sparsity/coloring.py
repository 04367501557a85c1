"""Which variables can be displaced together: colours for the columns of a sparse Jacobian.

A difference along the sum of columns that share no row holds the entries of all of them, each in rows of its own. The
fewest colours that allow this are hard to find. Greedy colourings in several orders find few; the fullest row, whose
columns must all differ, tells when there are no fewer (Gebremedhin, Manne and Pothen, SIAM Review 47 (2005) 629-705).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.sparsity.pattern import Pattern, parse_pattern
from fastcalc._kernels.coloring import first_fit
from fastcalc._kernels.orders import count_neighbors, smallest_last
from fastcalc._kernels.saturation import saturation_fit

__all__ = ["color_columns"]

_Indices = NDArray[np.intp]

# A row with more entries makes its columns a block of their own in first fit, which sees them length / 64 times else.
_LONG = 512
# First fit reads the entries twice for each 64 colours. If that were more entries, some seconds, it is done once.
_ENTRIES = 2**28
# Saturation degree visits all neighbours of each column: so many are allowed, and more for each entry of the pattern,
# a few times what first fit takes. Up to the third number, some tenths of a second, everything is tried.
_VISITS, _VISITS_PER_ENTRY, _FEW_VISITS = 2**26, 32, 2**25
# A row's next column further away than this is not in the cache; visits then cost so much more. A sample
# of so many entries tells.
_FAR, _FAR_FACTOR, _SAMPLE = 2**15, 8, 2**16
# Passes over the colours, reversed, that find no fewer: then no more are tried. The second is for many visits.
_PATIENCE, _LITTLE_PATIENCE = 3, 1


@dataclass(frozen=True, eq=False, slots=True)
class Coloring:
    """Colours, and how many there are."""

    count: int
    color: _Indices


def color_columns(sparsity: Any) -> _Indices:
    """Colour the columns of a sparse matrix, so that no two of a colour have an entry in the same row.

    Variables of one colour can be displaced together: the Jacobian of a function with this sparsity takes one
    difference for each colour instead of one for each variable.

    Parameters
    ----------
    sparsity : scipy.sparse matrix or array, or array_like, shape (m, n)
        Where the matrix has entries: where a sparse one stores them, whatever their values, and where a dense one is
        not 0.

    Returns
    -------
    ndarray of intp, shape (n,)
        The colour of each column: 0, 1, ...

    Raises
    ------
    TypeError
        If `sparsity` is no matrix of bools or numbers.
    ValueError
        If it has not two axes.

    See Also
    --------
    jacobian : takes the sparsity, and finds the colours itself.

    Notes
    -----
    The columns of a row must all differ, so there are no fewer colours than entries in the fullest row. As long as
    there are more, further greedy colourings are tried, and the best is returned: the columns in their own order, those
    with the most neighbours first, by saturation degree, those with the fewest neighbours last [1]_, and in the order
    of the best so far, colour by colour from the last. Up to 64 colours, the first, the second and the last take time
    proportional to the number of entries. The others take the sum of the squared lengths of the rows, and are left out
    where that is too much. A dense row costs no more than its length. The result depends on nothing but the pattern.

    References
    ----------
    .. [1] A. H. Gebremedhin, F. Manne, A. Pothen, "What color is your Jacobian? Graph coloring for computing
       derivatives", SIAM Review 47 (2005) 629-705. DOI 10.1137/S0036144504444711

    Examples
    --------
    >>> import fastcalc as fc
    >>> import numpy as np
    >>> tridiagonal = np.eye(6, k=-1) + np.eye(6) + np.eye(6, k=1)
    >>> fc.color_columns(tridiagonal)
    array([0, 1, 2, 0, 1, 2])
    """
    return column_colors(parse_pattern(sparsity))


def column_colors(pattern: Pattern) -> _Indices:
    """The colours of the columns of a pattern."""
    return color_within(pattern, pattern.shape[1]).color


def color_within(pattern: Pattern, enough: int) -> Coloring:
    """The best colouring of the columns that was found, or just any if more than `enough` colours are needed."""
    n = pattern.shape[1]
    lengths = np.diff(pattern.indptr)
    fullest = max(int(lengths.max(initial=0)), min(n, 1))
    if fullest <= 1:
        return Coloring(fullest, np.zeros(n, np.intp))
    best = _first_fit(pattern, np.arange(n))
    passes = 1 + best.count // 64
    if best.count == fullest or fullest > enough or passes * pattern.size > _ENTRIES:
        return best
    visits = _visits(pattern)
    columns = pattern.transposed
    neighbors = count_neighbors(columns.indptr, columns.indices, pattern.indptr)
    crowded_first = descending(neighbors)
    may_visit, may_try_all = visits <= _VISITS + _VISITS_PER_ENTRY * pattern.size, visits <= _FEW_VISITS
    if may_try_all or not may_visit:
        best = fewer(best, _first_fit(pattern, crowded_first))
    if fullest < best.count and may_visit:
        best = _saturation(pattern, crowded_first, best)
    if fullest < best.count and may_try_all:
        best = _saturation(pattern, np.arange(n), best)
        order = smallest_last(columns.indptr, columns.indices, pattern.indptr, pattern.indices, neighbors)
        best = fewer(best, _first_fit(pattern, order))
    return _regroup(pattern, best, fullest, _PATIENCE if may_try_all else _LITTLE_PATIENCE)


def fewer(first: Coloring, second: Coloring) -> Coloring:
    """The better of two, the first if they are equal."""
    return second if second.count < first.count else first


def descending(numbers: _Indices) -> _Indices:
    """The order of numbers from 0 on, the largest first, equal ones as they are."""
    largest = int(numbers.max(initial=0))
    # 16 bits are sorted by their digits, in linear time
    return np.argsort((largest - numbers).astype(np.uint16) if largest < 2**16 else -numbers, kind="stable")


def _first_fit(pattern: Pattern, order: _Indices) -> Coloring:
    """In this order, but with the columns of long rows first."""
    columns = pattern.transposed
    color = np.empty(len(order), np.intp)
    count = first_fit(columns.indptr, columns.indices, pattern.shape[0], *_in_blocks(pattern, order), color)
    return Coloring(count, color)


def _in_blocks(pattern: Pattern, order: _Indices) -> tuple[_Indices, _Indices, _Indices]:
    """The columns of the longest row, then what is left of the next one, ..., and those of short rows, each in the
    given order; where these blocks start; and the row of each, -1 for the last.
    """
    lengths = np.diff(pattern.indptr)
    long = np.flatnonzero(lengths > _LONG)
    if not len(long):
        return order, np.array([0, len(order)]), np.array([-1])
    owners = long[np.argsort(-lengths[long], kind="stable")]
    block = np.full(len(order), len(owners))
    for b in range(len(owners) - 1, -1, -1):
        block[pattern.indices[pattern.indptr[owners[b]] : pattern.indptr[owners[b] + 1]]] = b
    starts = np.zeros(len(owners) + 2, np.intp)
    np.cumsum(np.bincount(block, minlength=len(owners) + 1), out=starts[1:])
    return order[np.argsort(block[order], kind="stable")], starts, np.append(owners, -1)


def _visits(pattern: Pattern) -> float:
    """What it costs to visit all neighbours of all columns, in visits of neighbours near by."""
    lengths = np.diff(pattern.indptr).astype(np.float64)
    each = max(1, pattern.size // _SAMPLE)
    far = np.abs(pattern.indices[1::each] - pattern.indices[:-1:each]) > _FAR
    return float(lengths @ lengths) * (1 + (_FAR_FACTOR - 1) * float(far.mean() if len(far) else 0))


def _saturation(pattern: Pattern, order: _Indices, best: Coloring) -> Coloring:
    """By saturation degree, if that takes fewer colours than the best."""
    if len(order) * best.count > 8 * _VISITS:
        return best  # for want of memory
    columns = pattern.transposed
    color = np.empty(len(order), np.intp)
    count = saturation_fit(
        columns.indptr, columns.indices, pattern.indptr, pattern.indices, order, best.count - 1, color
    )
    return Coloring(count, color) if count else best


def _regroup(pattern: Pattern, best: Coloring, fullest: int, patience: int) -> Coloring:
    """First fit in the order of the colours, the last one first: it never takes more colours, and sometimes fewer
    (Culberson, Iterated greedy graph coloring and the difficulty landscape, University of Alberta, 1992).
    """
    current, fruitless = best, 0
    while fullest < best.count and fruitless < patience:
        current = _first_fit(pattern, descending(current.color))
        fruitless += 1
        if current.count < best.count:
            best, fruitless = current, 0
    return best
