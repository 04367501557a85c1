"""Colours for the columns of a sparse matrix: two columns with an entry in a common row get different ones.

Columns of one colour can be differenced together, each entry of the sum belongs to one of them (Curtis, Powell and
Reid, J. Inst. Math. Appl. 13 (1974) 117-120). In the graph of rows and columns this is partial distance-2 colouring
(Gebremedhin, Manne and Pothen, SIAM Review 47 (2005) 629-705, algorithm 3.2). First fit takes the columns one by one
and gives each the smallest colour that no column before it has in a common row.

A row needs to know which colours it has seen, not which columns: one word of 64 bits says it for 64 colours, and the
colours forbidden to a column are the union of the words of its rows. So first fit goes over the entries twice for each
64 colours, where the textbook goes over the entries of all neighbours. The colours from 64 k on are given in pass k,
to the columns that found none before: they see the columns before them as if these were alone, hence the colours are
those of one long pass.

A long row would be seen in each of its length / 64 passes by all the columns it has left. They make a block of their
own, which a pass leaves as soon as it has no colour left for that row; so even a full row costs no more than its length.
"""
from libc.stdint cimport uint64_t
from libc.string cimport memmove

import numpy as np


cdef extern from "bits.h":
    int lowest_bit "fastcalc_lowest_bit"(uint64_t word) noexcept nogil


cdef uint64_t FULL = <uint64_t>0xFFFFFFFFFFFFFFFF


cdef Py_ssize_t fit(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] rows, Py_ssize_t[::1] order, Py_ssize_t[::1] first,
    const Py_ssize_t[::1] owner, uint64_t[::1] seen, Py_ssize_t[::1] given, Py_ssize_t[::1] color,
) noexcept nogil:
    # IN starts, rows: the rows of each column; owner[blocks]: the row that all columns of a block share, or -1.
    # IN/OUT order: the columns, of which order[first[b]:first[b + 1]] are block b; what is left of it moves to its end.
    # WORK first, seen[rows], 0 at the start and at the end, given[columns]. OUT color.
    cdef Py_ssize_t base = 0, n_colors = 0, left = order.shape[0], n_blocks = owner.shape[0]
    cdef Py_ssize_t b, p, e, v, n_given, n_failed, last
    cdef uint64_t used, bit
    cdef int lowest
    while left > 0:
        n_given = 0
        for b in range(n_blocks):
            last = first[n_blocks + 1 + b]
            n_failed = 0
            p = first[b]
            while p < last and (owner[b] < 0 or seen[owner[b]] != FULL):
                v = order[p]
                used = 0
                for e in range(starts[v], starts[v + 1]):
                    used |= seen[rows[e]]
                    if used == FULL:
                        break
                if used == FULL:
                    order[first[b] + n_failed] = v
                    n_failed += 1
                else:
                    lowest = lowest_bit(~used)
                    bit = <uint64_t>1 << lowest
                    for e in range(starts[v], starts[v + 1]):
                        seen[rows[e]] |= bit
                    color[v] = base + lowest
                    if color[v] >= n_colors:
                        n_colors = color[v] + 1
                    given[n_given] = v
                    n_given += 1
                p += 1
            if n_failed > 0 and p - n_failed != first[b]:
                memmove(&order[p - n_failed], &order[first[b]], n_failed * sizeof(Py_ssize_t))
            first[b] = p - n_failed
        for p in range(n_given):
            v = given[p]
            for e in range(starts[v], starts[v + 1]):
                seen[rows[e]] = 0
        left -= n_given
        base += 64
    return n_colors


def first_fit(
    const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] rows not None, const Py_ssize_t[::1] order not None,
    const Py_ssize_t[::1] blocks not None, const Py_ssize_t[::1] owner not None, Py_ssize_t n_rows,
    Py_ssize_t[::1] color not None,
):
    """Colour columns one by one, in the given order within each block.

    Parameters
    ----------
    starts, rows : ndarray of intp, shapes (n + 1,), (size,)
        IN: column j has entries in ``rows[starts[j]:starts[j + 1]]``.
    order : ndarray of intp, shape (n,)
        IN: a permutation of the columns, block after block.
    blocks, owner : ndarray of intp, shapes (n_blocks + 1,), (n_blocks,)
        IN: where each block starts, and a row in which all its columns have an entry, or -1.
    n_rows : int
        Number of rows.
    color : ndarray of intp, shape (n,)
        OUT: the colours, from 0.

    Returns
    -------
    int
        Number of colours.
    """
    cdef Py_ssize_t n = starts.shape[0] - 1, n_colors
    if order.shape[0] != n or color.shape[0] != n or blocks.shape[0] != owner.shape[0] + 1 or (
        starts[n] != rows.shape[0] or blocks[owner.shape[0]] != n
    ):
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    cdef Py_ssize_t[::1] columns = np.array(order)
    cdef Py_ssize_t[::1] first = np.concatenate([blocks, np.asarray(blocks)[1:]])
    cdef Py_ssize_t[::1] given = np.empty(n, np.intp)
    cdef uint64_t[::1] seen = np.zeros(n_rows, np.uint64)
    with nogil:
        n_colors = fit(starts, rows, columns, first, owner, seen, given, color)
    return n_colors
