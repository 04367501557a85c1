"""The entries of a pattern column by column, from those row by row: one counting sort."""
import numpy as np


cdef void scatter(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] columns, Py_ssize_t[::1] fill, Py_ssize_t[::1] rows
) noexcept nogil:
    # IN starts, columns. IN/OUT fill: where the entries of each column start, in the end where they stop. OUT rows.
    cdef Py_ssize_t i, e
    for i in range(starts.shape[0] - 1):
        for e in range(starts[i], starts[i + 1]):
            rows[fill[columns[e]]] = i
            fill[columns[e]] += 1


def transpose(const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] columns not None, Py_ssize_t n_columns):
    """The rows of each column, ascending.

    Parameters
    ----------
    starts, columns : ndarray of intp, shapes (m + 1,), (size,)
        IN: row i has entries in ``columns[starts[i]:starts[i + 1]]``.
    n_columns : int
        Number of columns.

    Returns
    -------
    column_starts, rows : ndarray of intp, shapes (n_columns + 1,), (size,)
        Column j has entries in ``rows[column_starts[j]:column_starts[j + 1]]``.
    """
    if starts[starts.shape[0] - 1] != columns.shape[0]:
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    column_starts = np.zeros(n_columns + 1, np.intp)
    np.cumsum(np.bincount(columns, minlength=n_columns), out=column_starts[1:])
    found = np.empty(columns.shape[0], np.intp)
    cdef Py_ssize_t[::1] fill = column_starts[:n_columns].copy(), rows = found
    with nogil:
        scatter(starts, columns, fill, rows)
    return column_starts, found
