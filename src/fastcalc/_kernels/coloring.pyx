"""First fit: colours for the columns of a sparse matrix, so that no two of a colour have an entry in the same row.

Columns of one colour can be differenced together: in each row the difference is the entry of one of them (Curtis,
Powell and Reid, J. Inst. Math. Appl. 13 (1974) 117-120). In the graph of rows and columns this is partial distance-2
colouring (Gebremedhin, Manne and Pothen, SIAM Review 47 (2005) 629-705, algorithm 3.2). First fit takes the columns
one by one and gives each the smallest colour that no column before it has with which it shares a row.

A row has to know which colours it has seen, not in which columns: one word of 64 bits says it for 64 colours, and the
colours forbidden to a column are the union of the words of its rows. So first fit reads the entries twice for each 64
colours, where the textbook reads the rows of all of them. The colours from 64 k on are given in pass k, to the columns
that found none before. They see only each other, since all others have smaller colours: the result is that of one pass.

Of a long row each of many passes would see all the columns that are left. They make a block of their own, which a pass
leaves as soon as the row has none of its colours left: so a full row costs no more than its length.
"""
from libc.stdint cimport uint64_t
from libc.string cimport memmove

import numpy as np

from fastcalc._kernels.bits cimport lowest_bit
from fastcalc._kernels.signals cimport interrupted, raise_pending

cdef uint64_t FULL = <uint64_t>0xFFFFFFFFFFFFFFFF
cdef Py_ssize_t PATIENCE = 1 << 22  # entries between two looks for signals, some 20 ms


cdef Py_ssize_t fit(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] rows, const Py_ssize_t[::1] owner, Py_ssize_t[::1] left,
    Py_ssize_t[::1] first, const Py_ssize_t[::1] last, uint64_t[::1] seen, Py_ssize_t[::1] given,
    Py_ssize_t[::1] color,
) noexcept nogil:
    # IN starts, rows: the rows of each column; owner[blocks]: the row that all columns of a block share, or -1.
    # IN/OUT left, first: left[first[b]:last[b]] are the columns of block b that have no colour yet, in order.
    # WORK seen[rows]: colours that a row has seen in this pass, 0 at the start; given[columns]: to whom. OUT color.
    # Returns the number of colours, -1 when interrupted.
    cdef Py_ssize_t base = 0, n_colors = 0, n_left = left.shape[0], done = 0
    cdef Py_ssize_t b, p, e, v, n_given, n_failed
    cdef uint64_t used, bit
    cdef int lowest
    while n_left > 0:
        n_given = 0
        for b in range(owner.shape[0]):
            n_failed = 0
            p = first[b]
            while p < last[b] and (owner[b] < 0 or seen[owner[b]] != FULL):
                v = left[p]
                p += 1
                used = 0
                for e in range(starts[v], starts[v + 1]):
                    used |= seen[rows[e]]
                    if used == FULL:
                        break
                done += starts[v + 1] - starts[v] + 1
                if used == FULL:
                    left[first[b] + n_failed] = v
                    n_failed += 1
                    continue
                lowest = lowest_bit(~used)
                bit = <uint64_t>1 << lowest
                for e in range(starts[v], starts[v + 1]):
                    seen[rows[e]] |= bit
                color[v] = base + lowest
                if color[v] >= n_colors:
                    n_colors = color[v] + 1
                given[n_given] = v
                n_given += 1
                if done > PATIENCE:
                    done = 0
                    if interrupted():
                        return -1
            if n_failed > 0:
                memmove(&left[p - n_failed], &left[first[b]], n_failed * sizeof(Py_ssize_t))
            first[b] = p - n_failed
        for p in range(n_given):
            v = given[p]
            for e in range(starts[v], starts[v + 1]):
                seen[rows[e]] = 0
        n_left -= n_given
        base += 64
    return n_colors


def first_fit(
    const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] rows not None, Py_ssize_t n_rows,
    const Py_ssize_t[::1] order not None, const Py_ssize_t[::1] blocks not None, const Py_ssize_t[::1] owner not None,
    Py_ssize_t[::1] color not None,
):
    """Colour columns one by one, each with the smallest colour possible.

    Parameters
    ----------
    starts, rows : ndarray of intp, shapes (n + 1,), (size,)
        IN: column j has entries in ``rows[starts[j]:starts[j + 1]]``.
    n_rows : int
        Number of rows.
    order : ndarray of intp, shape (n,)
        IN: a permutation of the columns.
    blocks, owner : ndarray of intp, shapes (n_blocks + 1,), (n_blocks,)
        IN: columns ``order[blocks[b]:blocks[b + 1]]`` all have an entry in row ``owner[b]``; -1 where nothing is known.
    color : ndarray of intp, shape (n,)
        OUT: the colours, from 0.

    Returns
    -------
    int
        Number of colours.
    """
    cdef Py_ssize_t n = starts.shape[0] - 1, n_blocks = owner.shape[0], n_colors
    if not (n == order.shape[0] == color.shape[0] == blocks[n_blocks] and blocks.shape[0] == n_blocks + 1) or (
        starts[n] != rows.shape[0]
    ):
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    cdef Py_ssize_t[::1] left = np.array(order), first = np.array(blocks[:n_blocks]), given = np.empty(n, np.intp)
    cdef uint64_t[::1] seen = np.zeros(n_rows, np.uint64)
    with nogil:
        n_colors = fit(starts, rows, owner, left, first, blocks[1:], seen, given, color)
    if n_colors < 0:
        raise_pending()
    return n_colors
