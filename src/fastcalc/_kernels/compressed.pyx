"""Compressed sparse derivatives: entries from differences along colours, and patterns transposed.

Columns of one colour share no row, so that in row i of a difference along a colour one column alone is the cause:

    out[e] = differences[row(e), group(column(e))] / steps[column(e)].

A group is a colour, or the columns in it that one kind of stencil suits. `gather` takes the differences from values of
f, without storing them: in one pass over the entries where the values of all colours are there, else colour by colour.
`recover` takes differences as they are.
"""
from libc.math cimport NAN
from libc.stdint cimport int32_t

cimport numpy as cnp

from fastcalc._kernels.arrays cimport absolute, inside, real, real_type, reals
from fastcalc._kernels.plan cimport Plan

cnp.import_array()

cdef enum:
    MAIN = 0
    EMBEDDED = 1
    ROUNDING = 2

cdef struct Entries:
    const int32_t *place   # in out; NULL: in their order
    const int32_t *row
    const int32_t *column
    const int32_t *result  # of the plan, for each column; -1: none
    Py_ssize_t m, n, size  # size: of out
    bint whole             # all columns have a result, a difference of two values

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
    Plan plan, const real *values, const Py_ssize_t *plus, const Py_ssize_t *minus, Py_ssize_t parts,
    Py_ssize_t component, const Entries *entries, Py_ssize_t first, Py_ssize_t last, const real *steps, real *out,
) noexcept nogil:
    # the usual case: stencils of one difference, of values at these offsets, or of one value where minus is -1
    cdef const int32_t *place = entries.place
    cdef const int32_t *row = entries.row
    cdef const int32_t *column = entries.column
    cdef const int32_t *result = entries.result
    cdef const double *weight = &plan.weight[0]
    cdef const double *denominator = &plan.denominator[0]
    cdef Py_ssize_t k, part, j, t, e
    cdef const real *at
    cdef real value
    if place is NULL and parts == 1 and entries.whole:
        for k in range(first, last):
            j = inside(column[k], entries.n)
            t = result[j]
            at = values + inside(row[k], entries.m) * component
            value = <real>weight[t] * (at[plus[t]] - at[minus[t]]) / (<real>denominator[t] * steps[j])
            out[k] = known(value)
        return
    for k in range(first, last):
        e = k if place is NULL else inside(place[k], entries.size)
        j = inside(column[k], entries.n)
        t = result[j]
        at = values + inside(row[k], entries.m) * component
        if parts == 1 and t >= 0 and minus[t] >= 0:
            value = <real>weight[t] * (at[plus[t]] - at[minus[t]]) / (<real>denominator[t] * steps[j])
            out[e] = known(value)
            continue
        for part in range(parts):
            if t < 0:
                value = <real>NAN
            elif minus[t] < 0:
                value = <real>weight[t] * at[plus[t] + part] / (<real>denominator[t] * steps[j])
            else:
                value = <real>weight[t] * (at[plus[t] + part] - at[minus[t] + part])
                value = value / (<real>denominator[t] * steps[j])
            out[e * parts + part] = known(value)


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
    Plan plan, int mode, const real *values, const Values *at, const Py_ssize_t *plus, const Py_ssize_t *minus,
    const Entries *entries, Py_ssize_t first, Py_ssize_t last, const real *steps, real *out,
) noexcept nogil:
    # IN values, steps[n]; plus, minus: offsets of the values of each result, or NULL; OUT out[size, parts]
    cdef Py_ssize_t k, j, e, t, part, parts = 1 if mode == ROUNDING else at.parts
    cdef real value
    if plus is not NULL:
        gather_plainly(plan, values, plus, minus, at.parts, at.component, entries, first, last, steps, out)
        return
    for k in range(first, last):
        e = k if entries.place is NULL else inside(entries.place[k], entries.size)
        j = inside(entries.column[k], entries.n)
        t = entries.result[j]
        for part in range(parts):
            value = <real>NAN
            if t >= 0:
                value = weigh(
                    plan, inside(t, plan.n_results), mode, values, at,
                    inside(entries.row[k], entries.m) * at.component + part,
                )
                value = known(value / (<real>plan.denominator[t] * steps[j]))
            out[e * parts + part] = value


def gather(
    Plan plan not None, Py_ssize_t group, Py_ssize_t stop, int mode, cnp.ndarray values not None, bint columns_last,
    Py_ssize_t m, cnp.ndarray place, cnp.ndarray row not None, cnp.ndarray column not None, Py_ssize_t first,
    Py_ssize_t last, cnp.ndarray result not None, bint whole, cnp.ndarray steps not None, cnp.ndarray out not None,
):
    """Fill `out` at entries `first` to `last`, whose columns are in the groups `group` to `stop` of a plan for one x.

    ``mode``, ``values``, ``columns_last``, ``m``: as for `combine`. ``place``, ``row``, ``column`` (entries,): where
    entries are, in `out` and in the matrix; ``place`` None: in their order. ``result`` (n,): which result of the plan a
    column takes, -1: none; ``whole``: there is no such column. ``steps`` (n,): what to divide by, of the type of the
    values' real parts.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(values))
    cdef Py_ssize_t columns = cnp.PyArray_DIM(values, 1 if columns_last else 0), count = cnp.PyArray_SIZE(row), t
    cdef Entries entries
    cdef Values at
    cdef Py_ssize_t *plus = NULL
    cdef Py_ssize_t *minus = NULL
    cdef cnp.npy_intp lengths[2]
    cdef void *pv
    cdef void *ps
    cdef void *po
    entries.m, entries.n, entries.size = m, cnp.PyArray_SIZE(result), cnp.PyArray_SIZE(out)
    entries.place = NULL
    entries.whole = whole
    if place is not None:
        entries.place = numbers(place, count)
    entries.result = numbers(result, entries.n)
    entries.row, entries.column = numbers(row, count), numbers(column, count)
    at.parts = 2 if cnp.PyArray_ISCOMPLEX(values) else 1
    at.point = (1 if columns_last else m) * at.parts
    at.component = (columns if columns_last else 1) * at.parts
    if not 0 <= group <= stop <= plan.n_groups or not 0 <= first <= last <= count:
        raise ValueError("groups outside the plan, or entries outside the pattern")
    if not MAIN <= mode <= ROUNDING or (mode == EMBEDDED and not plan.has_embedded):
        raise ValueError("unknown mode, or a plan without embedded weights")
    at.retained = plan.n_retained
    at.shift = plan.group_point[group] - plan.n_retained
    at.n_points = plan.n_retained + plan.group_point[stop] - plan.group_point[group]
    if cnp.PyArray_DIM(values, 0 if columns_last else 1) != m or at.n_points > columns:
        raise ValueError("more points than columns of values, or other components")
    if place is None and count > entries.size:
        raise ValueError("more entries than there is room for")
    if cnp.PyArray_ISCOMPLEX(out) != (mode != ROUNDING and at.parts == 2):
        raise ValueError("a kernel got an array of the wrong type")
    pv = reals(values, typenum, m * columns * at.parts)
    ps = reals(steps, typenum, entries.n)
    po = reals(out, typenum, entries.size * (1 if mode == ROUNDING else at.parts))
    lengths[0], lengths[1] = 2, plan.n_results
    if mode == MAIN and 0 < plan.n_results == plan.term_start[plan.n_results]:  # one term each
        offsets = cnp.PyArray_EMPTY(2, lengths, cnp.NPY_INTP, 0)
        plus = <Py_ssize_t *>cnp.PyArray_DATA(offsets)
        minus = plus + plan.n_results
        for t in range(plan.group_result[group], plan.group_result[stop]):
            plus[t] = column_of(plan.plus[t], &at) * at.point
            minus[t] = column_of(plan.minus[t], &at) * at.point if plan.minus[t] >= 0 else -1
            entries.whole &= minus[t] >= 0
    with nogil:
        if typenum == cnp.NPY_DOUBLE:
            gather_entries[double](
                plan, mode, <double *>pv, &at, plus, minus, &entries, first, last, <double *>ps, <double *>po
            )
        elif typenum == cnp.NPY_FLOAT:
            gather_entries[float](
                plan, mode, <float *>pv, &at, plus, minus, &entries, first, last, <float *>ps, <float *>po
            )
        else:
            gather_entries[cnp.longdouble_t](
                plan, mode, <long double *>pv, &at, plus, minus, &entries, first, last, <long double *>ps,
                <long double *>po,
            )


cdef void spread(
    const real *compressed, Py_ssize_t m, Py_ssize_t groups, Py_ssize_t parts, const int32_t *row,
    const int32_t *column, const int32_t *group, Py_ssize_t n, const int32_t *entries, Py_ssize_t count,
    Py_ssize_t size, real *out,
) noexcept nogil:
    # IN compressed[m, groups, parts], row[size], column[size], group[n], entries[count] or NULL for all;
    # OUT out[size, parts] at these entries
    cdef Py_ssize_t k, e, part
    cdef const real *source
    for k in range(count):
        e = k if entries is NULL else inside(entries[k], size)
        source = compressed
        source += (inside(row[e], m) * groups + inside(group[inside(column[e], n)], groups)) * parts
        for part in range(parts):
            out[e * parts + part] = source[part]


def recover(
    cnp.ndarray compressed not None, cnp.ndarray row not None, cnp.ndarray column not None, cnp.ndarray group not None,
    cnp.ndarray entries, cnp.ndarray out not None,
):
    """Fill `out` at some entries, None: at all, with derivatives (m, groups) along the groups of their columns."""
    cdef int typenum = real_type(cnp.PyArray_TYPE(compressed))
    cdef Py_ssize_t m = cnp.PyArray_DIM(compressed, 0), groups = cnp.PyArray_DIM(compressed, 1)
    cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(compressed) else 1
    cdef Py_ssize_t n = cnp.PyArray_SIZE(group), size = cnp.PyArray_SIZE(out)
    cdef Py_ssize_t count = size if entries is None else cnp.PyArray_SIZE(entries)
    cdef const int32_t *rows = numbers(row, size)
    cdef const int32_t *columns = numbers(column, size)
    cdef const int32_t *groups_of = numbers(group, n)
    cdef const int32_t *which = NULL
    cdef void *pc = reals(compressed, typenum, m * groups * parts)
    cdef void *po = reals(out, typenum, size * parts)
    if entries is not None:
        which = numbers(entries, count)
    if cnp.PyArray_ISCOMPLEX(out) != cnp.PyArray_ISCOMPLEX(compressed):
        raise ValueError("a kernel got real numbers for complex ones")
    with nogil:
        if typenum == cnp.NPY_DOUBLE:
            spread[double](
                <double *>pc, m, groups, parts, rows, columns, groups_of, n, which, count, size, <double *>po
            )
        elif typenum == cnp.NPY_FLOAT:
            spread[float](<float *>pc, m, groups, parts, rows, columns, groups_of, n, which, count, size, <float *>po)
        else:
            spread[cnp.longdouble_t](
                <long double *>pc, m, groups, parts, rows, columns, groups_of, n, which, count, size, <long double *>po
            )


cdef inline int32_t *numbers(cnp.ndarray array, Py_ssize_t size) except? NULL:
    """Data of an array of int32 with `size` entries."""
    if (
        cnp.PyArray_TYPE(array) != cnp.NPY_INT32 or not cnp.PyArray_IS_C_CONTIGUOUS(array)
        or cnp.PyArray_SIZE(array) != size
    ):
        raise ValueError("a kernel got indices of the wrong type, layout or size")
    return <int32_t *>cnp.PyArray_DATA(array)


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
    cdef Py_ssize_t *ps
    cdef Py_ssize_t *pr
    if m < 0 or n < 0 or pp[0] != 0 or pp[m] != cnp.PyArray_SIZE(columns):
        raise ValueError("a kernel got a pattern that does not fit together")
    pc = indices(columns, pp[m])
    lengths[0], lengths[1] = n + 1, pp[m]
    starts = cnp.PyArray_EMPTY(1, &lengths[0], cnp.NPY_INTP, 0)
    rows = cnp.PyArray_EMPTY(1, &lengths[1], cnp.NPY_INTP, 0)
    ps, pr = <Py_ssize_t *>cnp.PyArray_DATA(starts), <Py_ssize_t *>cnp.PyArray_DATA(rows)
    with nogil:
        turn(pp, pc, m, n, ps, pr)
    return starts, rows
