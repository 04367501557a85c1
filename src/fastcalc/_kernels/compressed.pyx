"""Compressed sparse derivatives: the entries of a matrix from differences along colours, and the matrix transposed.

Columns of one colour share no row, so that of ``compressed[row, colour]`` one column alone is the cause:

    out[e] = compressed[row[e], group[column[e]]] / divisor[column[e]].
"""
from libc.math cimport NAN

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport inside, real, real_type, reals

cnp.import_array()


cdef void spread(
    const real *compressed, Py_ssize_t m, Py_ssize_t groups, Py_ssize_t parts, const Py_ssize_t *row,
    const Py_ssize_t *column, const Py_ssize_t *group, const real *divisor, Py_ssize_t n, const Py_ssize_t *entries,
    Py_ssize_t count, Py_ssize_t size, real *out,
) noexcept nogil:
    # IN compressed[m, groups, parts], row[size], column[size], group[n], divisor[n], entries[count] or NULL for all;
    # OUT out[size, parts] at these entries
    cdef Py_ssize_t k, e, j, g, part
    cdef const real *source
    cdef real value
    for k in range(count):
        e = k if entries is NULL else inside(entries[k], size)
        j = inside(column[e], n)
        g = group[j]
        if g < 0:
            for part in range(parts):
                out[e * parts + part] = <real>NAN
            continue
        source = compressed + (inside(row[e], m) * groups + inside(g, groups)) * parts
        for part in range(parts):
            value = source[part] / divisor[j]
            out[e * parts + part] = value + (value - value)  # infinities are unknown


def recover(
    cnp.ndarray compressed not None, cnp.ndarray row not None, cnp.ndarray column not None, cnp.ndarray group not None,
    cnp.ndarray divisor not None, cnp.ndarray entries, cnp.ndarray out not None,
):
    """Fill `out` at some entries, None: at all, with compressed derivatives (m, groups) over the divisors (n,) of their
    columns; NaN for columns in no group, -1. The kernel trusts the indices, which a `Structure` has checked.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(compressed))
    cdef Py_ssize_t m = cnp.PyArray_DIM(compressed, 0), groups = cnp.PyArray_DIM(compressed, 1)
    cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(compressed) else 1
    cdef Py_ssize_t n = cnp.PyArray_SIZE(group), size = cnp.PyArray_SIZE(out)
    cdef Py_ssize_t count = size if entries is None else cnp.PyArray_SIZE(entries)
    cdef const Py_ssize_t *rows = indices(row, size)
    cdef const Py_ssize_t *columns = indices(column, size)
    cdef const Py_ssize_t *groups_of = indices(group, n)
    cdef const Py_ssize_t *which = NULL if entries is None else indices(entries, count)
    cdef void *pc = reals(compressed, typenum, m * groups * parts)
    cdef void *pd = reals(divisor, typenum, n)
    cdef void *po = reals(out, typenum, size * parts)
    if cnp.PyArray_ISCOMPLEX(out) != cnp.PyArray_ISCOMPLEX(compressed):
        raise ValueError("a kernel got real numbers for complex ones")
    with nogil:
        if typenum == cnp.NPY_DOUBLE:
            spread[double](
                <double *>pc, m, groups, parts, rows, columns, groups_of, <double *>pd, n, which, count, size,
                <double *>po,
            )
        elif typenum == cnp.NPY_FLOAT:
            spread[float](
                <float *>pc, m, groups, parts, rows, columns, groups_of, <float *>pd, n, which, count, size,
                <float *>po,
            )
        else:
            spread[cnp.longdouble_t](
                <long double *>pc, m, groups, parts, rows, columns, groups_of, <long double *>pd, n, which, count, size,
                <long double *>po,
            )


cdef inline Py_ssize_t *indices(cnp.ndarray array, Py_ssize_t size) except? NULL:
    """Data of an array of intp with `size` entries."""
    if (
        cnp.PyArray_TYPE(array) != cnp.NPY_INTP or not cnp.PyArray_IS_C_CONTIGUOUS(array)
        or cnp.PyArray_SIZE(array) != size
    ):
        raise ValueError("a kernel got indices of the wrong type, layout or size")
    return <Py_ssize_t *>cnp.PyArray_DATA(array)


cdef void turn(
    const Py_ssize_t *indptr, const Py_ssize_t *columns, Py_ssize_t m, Py_ssize_t n, Py_ssize_t *starts,
    Py_ssize_t *rows,
) noexcept nogil:
    # IN indptr[m + 1], columns[indptr[m]]; OUT starts[n + 1], rows: a counting sort, which leaves rows in their order
    cdef Py_ssize_t i, j, e, place = 0, count
    for j in range(n + 1):
        starts[j] = 0
    for e in range(indptr[m]):
        starts[inside(columns[e], n)] += 1
    for j in range(n + 1):
        count = starts[j]
        starts[j] = place
        place += count
    for i in range(m):
        for e in range(indptr[i], indptr[i + 1]):
            j = columns[e]
            rows[inside(starts[j], indptr[m])] = i
            starts[j] += 1
    for j in range(n, 0, -1):
        starts[j] = starts[j - 1]
    starts[0] = 0


def transpose(cnp.ndarray indptr not None, cnp.ndarray columns not None, Py_ssize_t n):
    """``indptr`` and ``indices`` of the transposed pattern; columns are below `n`, and sorted in each row."""
    cdef Py_ssize_t m = cnp.PyArray_SIZE(indptr) - 1
    cdef const Py_ssize_t *pp = indices(indptr, m + 1)
    cdef const Py_ssize_t *pc
    cdef cnp.npy_intp lengths[2]
    cdef cnp.ndarray starts, rows
    if m < 0 or n < 0 or pp[0] != 0 or pp[m] != cnp.PyArray_SIZE(columns):
        raise ValueError("a kernel got a pattern that does not fit together")
    pc = indices(columns, pp[m])
    lengths[0], lengths[1] = n + 1, pp[m]
    starts, rows = cnp.PyArray_EMPTY(1, &lengths[0], cnp.NPY_INTP, 0), cnp.PyArray_EMPTY(1, &lengths[1], cnp.NPY_INTP, 0)
    with nogil:
        turn(pp, pc, m, n, <Py_ssize_t *>cnp.PyArray_DATA(starts), <Py_ssize_t *>cnp.PyArray_DATA(rows))
    return starts, rows
