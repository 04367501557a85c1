"""Smallest last: an order for colouring, in which nothing has many neighbours before it; and how many there are.

Of the vertices of a graph that are left, the one with the fewest neighbours among them goes last; it is taken off, and
so on (Matula and Beck, J. ACM 30 (1983) 417-427). Vertices wait in one list for each number of neighbours, the newest
first; a neighbour taken off moves a vertex to the list below. For columns, whose neighbours are the other columns with
an entry in the same row, it costs sum(length**2) over the rows, and counts a neighbour once for each common row.
"""
import numpy as np

from fastcalc._kernels.signals cimport interrupted, raise_pending

cdef Py_ssize_t PATIENCE = 1 << 21  # neighbours between two looks for signals, some 20 ms


cdef struct Lists:
    Py_ssize_t *degree  # of each vertex: neighbours left, -1 when it is taken off
    Py_ssize_t *head    # the first vertex of each degree, or -1
    Py_ssize_t *before  # the vertex before each, or -1
    Py_ssize_t *after
    Py_ssize_t smallest  # no list below has a vertex


cdef void link(Lists *lists, Py_ssize_t v) noexcept nogil:
    cdef Py_ssize_t degree = lists.degree[v], second = lists.head[degree]
    lists.before[v], lists.after[v] = -1, second
    if second >= 0:
        lists.before[second] = v
    lists.head[degree] = v
    if degree < lists.smallest:
        lists.smallest = degree


cdef void unlink(Lists *lists, Py_ssize_t v) noexcept nogil:
    cdef Py_ssize_t before = lists.before[v], after = lists.after[v]
    if before >= 0:
        lists.after[before] = after
    else:
        lists.head[lists.degree[v]] = after
    if after >= 0:
        lists.before[after] = before


cdef inline void lower(Lists *lists, Py_ssize_t v) noexcept nogil:
    # a neighbour of v was taken off
    if lists.degree[v] >= 0:
        unlink(lists, v)
        lists.degree[v] -= 1
        link(lists, v)


cdef Py_ssize_t take(Lists *lists) noexcept nogil:
    cdef Py_ssize_t v
    while lists.head[lists.smallest] < 0:
        lists.smallest += 1
    v = lists.head[lists.smallest]
    unlink(lists, v)
    lists.degree[v] = -1
    return v


cdef int sort_columns(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] rows, const Py_ssize_t[::1] row_starts,
    const Py_ssize_t[::1] columns, Lists *lists, Py_ssize_t[::1] order,
) noexcept nogil:
    # IN the pattern by columns and by rows. IN/OUT lists, with degrees, empty. OUT order. Returns -1 when interrupted.
    cdef Py_ssize_t n = order.shape[0], done = 0
    cdef Py_ssize_t p, e, d, v
    for v in range(n - 1, -1, -1):
        link(lists, v)
    for p in range(n - 1, -1, -1):
        v = order[p] = take(lists)
        for e in range(starts[v], starts[v + 1]):
            for d in range(row_starts[rows[e]], row_starts[rows[e] + 1]):
                lower(lists, columns[d])
            done += row_starts[rows[e] + 1] - row_starts[rows[e]]
        if done > PATIENCE:
            done = 0
            if interrupted():
                return -1
    return 0


cdef int sort_vertices(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] neighbors, Lists *lists, Py_ssize_t[::1] order
) noexcept nogil:
    # The same for a graph with these neighbours.
    cdef Py_ssize_t n = order.shape[0], done = 0
    cdef Py_ssize_t p, e, v
    for v in range(n - 1, -1, -1):
        link(lists, v)
    for p in range(n - 1, -1, -1):
        v = order[p] = take(lists)
        for e in range(starts[v], starts[v + 1]):
            lower(lists, neighbors[e])
        done += starts[v + 1] - starts[v]
        if done > PATIENCE:
            done = 0
            if interrupted():
                return -1
    return 0


cdef void count(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] rows, const Py_ssize_t[::1] row_starts,
    Py_ssize_t[::1] neighbors,
) noexcept nogil:
    # IN the rows of each column, where rows start. OUT neighbors.
    cdef Py_ssize_t v, e, total
    for v in range(neighbors.shape[0]):
        total = 0
        for e in range(starts[v], starts[v + 1]):
            total += row_starts[rows[e] + 1] - row_starts[rows[e]] - 1
        neighbors[v] = total


def count_neighbors(
    const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] rows not None,
    const Py_ssize_t[::1] row_starts not None,
):
    """Entries of other columns in the rows of each column.

    Parameters
    ----------
    starts, rows : ndarray of intp, shapes (n + 1,), (size,)
        IN: the rows of each column.
    row_starts : ndarray of intp, shape (m + 1,)
        IN: where rows start.

    Returns
    -------
    ndarray of intp, shape (n,)
    """
    if starts[starts.shape[0] - 1] != rows.shape[0]:
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    neighbors = np.empty(starts.shape[0] - 1, np.intp)
    cdef Py_ssize_t[::1] out = neighbors
    with nogil:
        count(starts, rows, row_starts, out)
    return neighbors


def smallest_last(
    const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] rows not None,
    const Py_ssize_t[::1] row_starts, const Py_ssize_t[::1] columns, const Py_ssize_t[::1] degree not None,
):
    """The order in which the column, or the vertex, with the fewest neighbours among those before it comes last.

    Parameters
    ----------
    starts, rows : ndarray of intp, shapes (n + 1,), (size,)
        IN: the rows of each column; or the neighbours of each vertex of a graph, itself or not.
    row_starts, columns : ndarray of intp, shapes (m + 1,), (size,), or None
        IN: the columns of each row; None for a graph.
    degree : ndarray of intp, shape (n,)
        IN: entries of others in the rows of each column, from `count_neighbors`; or entries of each vertex.

    Returns
    -------
    ndarray of intp, shape (n,)
        A permutation.
    """
    cdef Py_ssize_t n = starts.shape[0] - 1
    cdef Lists lists
    cdef int failed = 0
    if degree.shape[0] != n or starts[n] != rows.shape[0] or (
        columns is not None and not columns.shape[0] == rows.shape[0] == row_starts[row_starts.shape[0] - 1]
    ):
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    order = np.empty(n, np.intp)
    cdef Py_ssize_t[::1] out = order, degrees = np.array(degree)
    cdef Py_ssize_t[::1] before = np.empty(n, np.intp), after = np.empty(n, np.intp)
    cdef Py_ssize_t[::1] head = np.full(np.max(degree, initial=0) + 1, -1, np.intp)
    if n == 0:
        return order
    lists.degree, lists.head, lists.before, lists.after = &degrees[0], &head[0], &before[0], &after[0]
    lists.smallest = 0
    with nogil:
        if columns is None:
            failed = sort_vertices(starts, rows, &lists, out)
        else:
            failed = sort_columns(starts, rows, row_starts, columns, &lists, out)
    if failed:
        raise_pending()
    return order
