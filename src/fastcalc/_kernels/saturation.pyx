"""Saturation degree: colours for the columns of a sparse matrix, the most constrained column always next.

The next column is the one whose neighbours, the columns with an entry in the same row, have the most colours (Brelaz,
Comm. ACM 22 (1979) 251-256); it gets the smallest colour that they leave. It costs sum(length**2) over the rows, more
than first fit, and finds the 5 colours of a five-point grid.

The columns wait in one set for each number of colours, by rank: among equals that of the lowest rank comes first. A set
is one bit for each rank, one for each word of these that is not 0, and one for each word of the latter.
"""
from libc.stdint cimport uint64_t

import numpy as np

from fastcalc._kernels.bits cimport add, drop, has, lowest_bit
from fastcalc._kernels.signals cimport interrupted, raise_pending

cdef uint64_t FULL = <uint64_t>0xFFFFFFFFFFFFFFFF
cdef Py_ssize_t PATIENCE = 1 << 22  # neighbours between two looks for signals, some 20 ms


cdef struct Sets:
    uint64_t *ranks   # set k: words from k n_ranks on
    uint64_t *words   # which words of ranks are not 0, from k n_words on
    uint64_t *groups  # which words of these, from k n_groups on
    Py_ssize_t n_ranks, n_words, n_groups


cdef inline void insert(const Sets *sets, Py_ssize_t k, Py_ssize_t rank) noexcept nogil:
    add(sets.ranks + k * sets.n_ranks, rank)
    add(sets.words + k * sets.n_words, rank >> 6)
    add(sets.groups + k * sets.n_groups, rank >> 12)


cdef inline void remove(const Sets *sets, Py_ssize_t k, Py_ssize_t rank) noexcept nogil:
    drop(sets.ranks + k * sets.n_ranks, rank)
    if sets.ranks[k * sets.n_ranks + (rank >> 6)] == 0:
        drop(sets.words + k * sets.n_words, rank >> 6)
        if sets.words[k * sets.n_words + (rank >> 12)] == 0:
            drop(sets.groups + k * sets.n_groups, rank >> 12)


cdef inline Py_ssize_t lowest(const Sets *sets, Py_ssize_t k) noexcept nogil:
    # -1 when the set is empty
    cdef const uint64_t *groups = sets.groups + k * sets.n_groups
    cdef Py_ssize_t i
    for i in range(sets.n_groups):
        if groups[i]:
            i = i << 6 | lowest_bit(groups[i])
            i = i << 6 | lowest_bit(sets.words[k * sets.n_words + i])
            return i << 6 | lowest_bit(sets.ranks[k * sets.n_ranks + i])
    return -1


cdef Py_ssize_t saturate(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] rows, const Py_ssize_t[::1] row_starts,
    const Py_ssize_t[::1] columns, const Py_ssize_t[::1] order, const Py_ssize_t[::1] rank, Py_ssize_t limit,
    const Sets *sets, uint64_t[:, ::1] seen, Py_ssize_t[::1] saturation, Py_ssize_t[::1] color,
) noexcept nogil:
    # IN the pattern by columns and by rows; order of ranks, rank of columns; limit: colours there are.
    # WORK, 0 at the start: sets, limit of them; seen[n]: the colours of neighbours, all of them for a column that has
    # its own; saturation[n]: how many. OUT color. Returns the number of colours, -1 when interrupted, -2 when some
    # column finds none.
    cdef Py_ssize_t n = order.shape[0], words = seen.shape[1], top = 0, n_colors = 0, done = 0
    cdef Py_ssize_t _, r, v, w, e, d, c, k, word
    for r in range(n):
        insert(sets, 0, r)
    for _ in range(n):
        r = lowest(sets, top)
        while r < 0:
            top -= 1
            r = lowest(sets, top)
        remove(sets, top, r)
        v = order[r]
        word = 0
        while seen[v, word] == FULL:
            word += 1
        c = word << 6 | lowest_bit(~seen[v, word])
        color[v] = c
        if c >= n_colors:
            n_colors = c + 1
        for word in range(words):
            seen[v, word] = FULL
        for e in range(starts[v], starts[v + 1]):
            for d in range(row_starts[rows[e]], row_starts[rows[e] + 1]):
                w = columns[d]
                if has(&seen[w, 0], c):
                    continue
                add(&seen[w, 0], c)
                k = saturation[w] + 1
                if k == limit:
                    return -2
                saturation[w] = k
                remove(sets, k - 1, rank[w])
                insert(sets, k, rank[w])
                if k > top:
                    top = k
            done += row_starts[rows[e] + 1] - row_starts[rows[e]]
        if done > PATIENCE:
            done = 0
            if interrupted():
                return -1
    return n_colors


def saturation_fit(
    const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] rows not None,
    const Py_ssize_t[::1] row_starts not None, const Py_ssize_t[::1] columns not None,
    const Py_ssize_t[::1] order not None, Py_ssize_t limit, Py_ssize_t[::1] color not None,
):
    """Colour columns, that with the most colours around it first, each with the smallest colour possible.

    Parameters
    ----------
    starts, rows : ndarray of intp, shapes (n + 1,), (size,)
        IN: the rows of each column.
    row_starts, columns : ndarray of intp, shapes (m + 1,), (size,)
        IN: the columns of each row.
    order : ndarray of intp, shape (n,)
        IN: a permutation of the columns, which decides among equals.
    limit : int
        Colours that there are, at least 1. The memory needed is ``n * limit / 4`` bytes.
    color : ndarray of intp, shape (n,)
        OUT: the colours, from 0.

    Returns
    -------
    int
        Number of colours; 0 if there are too few.
    """
    cdef Py_ssize_t n = starts.shape[0] - 1, n_colors
    cdef Sets sets
    if not (n == order.shape[0] == color.shape[0] and limit > 0) or (
        not starts[n] == rows.shape[0] == columns.shape[0] == row_starts[row_starts.shape[0] - 1]
    ):
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    if n == 0:
        return 0
    inverse = np.empty(n, np.intp)
    inverse[order] = np.arange(n)
    sets.n_ranks, sets.n_words, sets.n_groups = ((n - 1) >> 6) + 1, ((n - 1) >> 12) + 1, ((n - 1) >> 18) + 1
    cdef Py_ssize_t[::1] rank = inverse, saturation = np.zeros(n, np.intp)
    cdef uint64_t[:, ::1] seen = np.zeros((n, ((limit - 1) >> 6) + 1), np.uint64)
    cdef uint64_t[::1] ranks = np.zeros(limit * sets.n_ranks, np.uint64)
    cdef uint64_t[::1] words = np.zeros(limit * sets.n_words, np.uint64)
    cdef uint64_t[::1] groups = np.zeros(limit * sets.n_groups, np.uint64)
    sets.ranks, sets.words, sets.groups = &ranks[0], &words[0], &groups[0]
    with nogil:
        n_colors = saturate(
            starts, rows, row_starts, columns, order, rank, limit, &sets, seen, saturation, color
        )
    if n_colors == -1:
        raise_pending()
    return max(n_colors, 0)
