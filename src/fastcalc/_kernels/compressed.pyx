"""Compressed sparse derivatives: entries from differences along colours, and patterns transposed.

Columns of one colour share no row, so that in row i of a difference along a colour one column alone is the cause:

    out[e] = differences[row(e), group(column(e))] / divisor[column(e)].

A group is a colour, or the columns in it that one kind of stencil suits. `gather` takes the differences from values of
f, a colour at a time and without storing them; `recover` takes them as they are.
"""
from libc.math cimport NAN

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport absolute, inside, real, real_type, reals
from fastcalc._kernels.plan cimport Plan

cnp.import_array()

cdef enum:
    MAIN = 0
    EMBEDDED = 1
    ROUNDING = 2

cdef struct Entries:
    # sorted by colours: those of colour c are start[c] to start[c + 1]
    const Py_ssize_t *start
    const Py_ssize_t *place   # in out
    const Py_ssize_t *row
    const Py_ssize_t *column
    const Py_ssize_t *result  # of the plan, for each column; -1: none
    Py_ssize_t m, n, size

cdef struct Values:
    Py_ssize_t point, component  # strides in real numbers
    Py_ssize_t parts             # real numbers in a number: 2 if it is complex
    Py_ssize_t n_points, retained, shift


cdef inline Py_ssize_t column_of(Py_ssize_t point, const Values *at) noexcept nogil:
    return inside(point if point < at.retained else point - at.shift, at.n_points)


cdef inline real known(real value) noexcept nogil:
    # infinities become NaN: a difference that needs a non-finite value is unknown
    return value + (value - value)


cdef void gather_plainly(
    const real *plus, const real *minus, double weight, const Values *at, const Entries *entries, Py_ssize_t first,
    Py_ssize_t last, const real *divisor, real *out,
) noexcept nogil:
    # the usual case: one stencil for a whole colour, of one difference, or of one value where `minus` is NULL
    cdef Py_ssize_t k, part, r, j
    cdef real w = <real>weight, value
    for k in range(first, last):
        r, j = inside(entries.row[k], entries.m) * at.component, inside(entries.column[k], entries.n)
        for part in range(at.parts):
            value = plus[r + part] if minus is NULL else plus[r + part] - minus[r + part]
            value = known(w * value / divisor[j]) if entries.result[j] >= 0 else <real>NAN
            out[inside(entries.place[k], entries.size) * at.parts + part] = value


cdef real weigh(
    Plan plan, Py_ssize_t result, int mode, const real *values, const Values *at, Py_ssize_t r
) noexcept nogil:
    # the terms of a result for the component at r, in the order of a dense combination
    cdef Py_ssize_t t, p, q, part
    cdef real total = 0, plus, minus, w
    for part in range(at.parts if mode == ROUNDING else 1):
        for t in range(plan.term_start[result], plan.term_start[result + 1]):
            p, q = plan.plus[t], plan.minus[t]
            w = <real>(plan.embedded[t] if mode == EMBEDDED else plan.weight[t])
            plus = values[column_of(p, at) * at.point + r + part]
            minus = 0 if q < 0 else values[column_of(q, at) * at.point + r + part]
            if mode == ROUNDING:
                total += absolute(w) * (absolute(plus) + absolute(minus))
            elif t == plan.term_start[result]:
                total = w * (plus - minus)
            else:
                total += w * (plus - minus)
    return total


cdef void gather_entries(
    Plan plan, Py_ssize_t group, Py_ssize_t color, int mode, const real *values, const Values *at,
    const Entries *entries, const real *divisor, real *out,
) noexcept nogil:
    # IN values of the points of a group, divisor[n]; OUT out[size, parts] at the entries of its colour
    cdef Py_ssize_t k, j, part, parts = 1 if mode == ROUNDING else at.parts
    cdef Py_ssize_t first = entries.start[color], last = entries.start[color + 1]
    cdef Py_ssize_t result = plan.group_result[group], t = plan.term_start[result]
    cdef const real *minus = NULL
    cdef real value
    if mode == MAIN and plan.group_result[group + 1] == result + 1 and plan.term_start[result + 1] == t + 1:
        if plan.minus[t] >= 0:
            minus = values + column_of(plan.minus[t], at) * at.point
        gather_plainly(
            values + column_of(plan.plus[t], at) * at.point, minus, plan.weight[t], at, entries, first, last, divisor,
            out,
        )
        return
    for k in range(first, last):
        j = inside(entries.column[k], entries.n)
        result = entries.result[j]
        for part in range(parts):
            value = <real>NAN
            if result >= 0:
                value = weigh(
                    plan, inside(result, plan.n_results), mode, values, at,
                    inside(entries.row[k], entries.m) * at.component + part,
                )
                value = known(value / divisor[j])
            out[inside(entries.place[k], entries.size) * parts + part] = value


cdef void start_gathering(
    int typenum, Plan plan, Py_ssize_t group, Py_ssize_t stop, const Py_ssize_t *colors, int mode, void *values,
    const Values *at, const Entries *entries, void *divisor, void *out,
) noexcept nogil:
    cdef Py_ssize_t g
    for g in range(group, stop):
        if typenum == cnp.NPY_DOUBLE:
            gather_entries[double](
                plan, g, colors[g], mode, <double *>values, at, entries, <double *>divisor, <double *>out
            )
        elif typenum == cnp.NPY_FLOAT:
            gather_entries[float](
                plan, g, colors[g], mode, <float *>values, at, entries, <float *>divisor, <float *>out
            )
        else:
            gather_entries[cnp.longdouble_t](
                plan, g, colors[g], mode, <long double *>values, at, entries, <long double *>divisor,
                <long double *>out,
            )


def gather(
    Plan plan not None, Py_ssize_t group, Py_ssize_t stop, cnp.ndarray color not None, int mode,
    cnp.ndarray values not None, bint columns_last, Py_ssize_t m, cnp.ndarray start not None,
    cnp.ndarray place not None, cnp.ndarray row not None, cnp.ndarray column not None, cnp.ndarray result not None,
    cnp.ndarray divisor not None, cnp.ndarray out not None,
):
    """Fill `out` at the entries of the colours of groups `group` to `stop` of a plan for one point x.

    ``color`` (n_groups,): the colour of each group. ``mode``, ``values``, ``columns_last``, ``m``: as for `combine`.
    ``start`` (colours + 1,), and ``place``, ``row``, ``column`` (entries,): the entries, sorted by colours. ``result``
    (n,): which result of the plan a column takes, -1: none. ``divisor`` (n,): what to divide it by, of the real type of
    ``values``.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(values))
    cdef Py_ssize_t columns = cnp.PyArray_DIM(values, 1 if columns_last else 0), g
    cdef Entries entries
    cdef Values at
    cdef const Py_ssize_t *colors = indices(color, plan.n_groups)
    cdef void *pv
    cdef void *pd
    cdef void *po
    entries.m, entries.n, entries.size = m, cnp.PyArray_SIZE(result), cnp.PyArray_SIZE(place)
    entries.start = indices(start, cnp.PyArray_SIZE(start))
    entries.place, entries.result = indices(place, entries.size), indices(result, entries.n)
    entries.row, entries.column = indices(row, entries.size), indices(column, entries.size)
    at.parts = 2 if cnp.PyArray_ISCOMPLEX(values) else 1
    at.point = (1 if columns_last else m) * at.parts
    at.component = (columns if columns_last else 1) * at.parts
    if not 0 <= group <= stop <= plan.n_groups:
        raise ValueError("groups outside the plan")
    if not MAIN <= mode <= ROUNDING or (mode == EMBEDDED and not plan.has_embedded):
        raise ValueError("unknown mode, or a plan without embedded weights")
    at.retained = plan.n_retained
    at.shift = plan.group_point[group] - plan.n_retained
    at.n_points = plan.n_retained + plan.group_point[stop] - plan.group_point[group]
    for g in range(group, stop):
        if not 0 <= colors[g] < cnp.PyArray_SIZE(start) - 1 or plan.group_result[g] == plan.group_result[g + 1]:
            raise ValueError("a group without a colour, or without a result")
    if cnp.PyArray_DIM(values, 0 if columns_last else 1) != m or at.n_points > columns:
        raise ValueError("more points than columns of values, or other components")
    if cnp.PyArray_ISCOMPLEX(out) != (mode != ROUNDING and at.parts == 2):
        raise ValueError("a kernel got an array of the wrong type")
    pv = reals(values, typenum, m * columns * at.parts)
    pd = reals(divisor, typenum, entries.n)
    po = reals(out, typenum, entries.size * (1 if mode == ROUNDING else at.parts))
    with nogil:
        start_gathering(typenum, plan, group, stop, colors, mode, pv, &at, &entries, pd, po)


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
            out[e * parts + part] = known(value)


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
