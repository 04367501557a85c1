"""Combine: values of f into derivatives, ``weights . differences / steps``, one closed block of results at a time.

Values stand in ``values[column * column_stride + component * component_stride]`` with one column per (point, lane), lanes
(the points of a batch) innermost. Results go to ``out[component, target, lane]``. Complex numbers are walked as two real
parts: the weights are real.
"""
cimport numpy as cnp

from fastcalc._kernels.arrays cimport inside, real, real_type, reals
from fastcalc._kernels.plan cimport Plan

cnp.import_array()

cdef enum:
    MAIN = 0
    EMBEDDED = 1
    ROUNDING = 2

cdef struct Layout:
    Py_ssize_t column, component, parts     # strides of values, in numbers (a complex number is one)
    Py_ssize_t n_columns                    # columns of values
    Py_ssize_t m, lanes                     # components of f; lanes in this block
    Py_ssize_t lane0, all_lanes             # first lane of the block; lanes of steps and out


cdef inline void add_difference(
    real *out, Py_ssize_t out_stride, const real *plus, const real *minus, Py_ssize_t stride, double weight, bint first,
    Py_ssize_t length,
) noexcept nogil:
    cdef Py_ssize_t k
    cdef real w = <real>weight
    if minus is NULL:
        for k in range(length):
            out[k * out_stride] = (0 if first else out[k * out_stride]) + w * plus[k * stride]
    elif first:
        for k in range(length):
            out[k * out_stride] = w * (plus[k * stride] - minus[k * stride])
    else:
        for k in range(length):
            out[k * out_stride] += w * (plus[k * stride] - minus[k * stride])


cdef inline void add_magnitude(
    real *out, Py_ssize_t out_stride, const real *plus, const real *minus, Py_ssize_t stride, double weight, bint first,
    Py_ssize_t length,
) noexcept nogil:
    cdef Py_ssize_t k
    cdef real w = <real>weight, p, q
    w = -w if w < 0 else w
    for k in range(length):
        p = plus[k * stride]
        q = 0 if minus is NULL else minus[k * stride]
        p = (-p if p < 0 else p) + (-q if q < 0 else q)
        out[k * out_stride] = (0 if first else out[k * out_stride]) + w * p


cdef inline void divide(
    real *out, Py_ssize_t out_stride, const real *h, Py_ssize_t h_stride, double factor, Py_ssize_t length
) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(length):
        out[k * out_stride] /= <real>factor * h[k * h_stride]


cdef inline void finish(real *out, Py_ssize_t stride, bint absolute, Py_ssize_t length) noexcept nogil:
    # infinities become NaN: a difference that needs a non-finite value is unknown
    cdef Py_ssize_t k
    cdef real value
    for k in range(length):
        value = out[k * stride]
        value = -value if absolute and value < 0 else value
        out[k * stride] = value + (value - value)


cdef void walk(
    Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, const real *values, Layout *at, const real *steps, real *out
) noexcept nogil:
    # IN values, steps[n_slots, all_lanes]; OUT out[m, n_targets, all_lanes] at the targets of groups group..stop
    cdef Py_ssize_t r, t, d, row, part, rows, length, p, q, factor
    cdef Py_ssize_t value_stride, row_value, out_stride, row_out, h_stride
    cdef Py_ssize_t retained = plan.n_retained, shift = plan.group_point[group] - plan.n_retained
    cdef Py_ssize_t parts = at.parts, out_parts = 1 if mode == ROUNDING else at.parts
    cdef const real *minus
    cdef const real *plus
    cdef const real *h
    cdef real *first_out
    cdef real *row_start
    cdef double weight
    cdef bint first
    if at.lanes > 1:  # the inner loop runs over the points of the batch
        rows, length = at.m, at.lanes
        value_stride, row_value = at.column * parts, at.component * parts
        out_stride, row_out, h_stride = out_parts, plan.n_targets * at.all_lanes * out_parts, 1
    else:  # or over the components of f
        rows, length = 1, at.m
        value_stride, row_value = at.component * parts, 0
        out_stride, row_out, h_stride = plan.n_targets * at.all_lanes * out_parts, 0, 0
    if length == 0:
        return
    for r in range(plan.group_result[group], plan.group_result[stop]):
        first_out = out + (inside(plan.target[r], plan.n_targets) * at.all_lanes + at.lane0) * out_parts
        for row in range(rows):
            row_start = first_out + row * row_out
            for part in range(parts):
                for t in range(plan.term_start[r], plan.term_start[r + 1]):
                    p, q = plan.plus[t], plan.minus[t]
                    p = p if p < retained else p - shift
                    plus = values + inside(p * at.lanes, at.n_columns) * at.column * parts + row * row_value + part
                    minus = NULL
                    if q >= 0:
                        q = q if q < retained else q - shift
                        minus = values + inside(q * at.lanes, at.n_columns) * at.column * parts + row * row_value + part
                    weight = plan.embedded[t] if mode == EMBEDDED else plan.weight[t]
                    first = t == plan.term_start[r]
                    if mode == ROUNDING:
                        add_magnitude(row_start, out_stride, plus, minus, value_stride, weight, first and part == 0, length)
                    else:
                        add_difference(row_start + part, out_stride, plus, minus, value_stride, weight, first, length)
            for part in range(out_parts):
                for d in range(plan.divisor_start[r], plan.divisor_start[r + 1]):
                    h = steps + plan.divisor_slot[d] * at.all_lanes + at.lane0
                    # one division by (denominator * h): exact for linear functions where the product is
                    factor = d == plan.divisor_start[r]
                    divide(
                        row_start + part, out_stride, h, h_stride, plan.denominator[r] if factor else 1.0, length
                    )
                finish(row_start + part, out_stride, mode == ROUNDING, length)
            if plan.mirror[r] != plan.target[r]:
                copy_row(
                    out + (inside(plan.mirror[r], plan.n_targets) * at.all_lanes + at.lane0) * out_parts + row * row_out,
                    row_start, out_stride, out_parts, length,
                )


cdef inline void copy_row(
    real *out, const real *source, Py_ssize_t stride, Py_ssize_t parts, Py_ssize_t length
) noexcept nogil:
    cdef Py_ssize_t k, part
    for k in range(length):
        for part in range(parts):
            out[k * stride + part] = source[k * stride + part]


def combine(
    Plan plan not None, Py_ssize_t group, Py_ssize_t stop, int mode, cnp.ndarray values, bint columns_last, Py_ssize_t m,
    Py_ssize_t lane0, Py_ssize_t lanes, cnp.ndarray steps, cnp.ndarray out,
):
    """Write the results of groups ``group`` to ``stop`` into ``out`` (m, n_targets, all lanes).

    ``mode`` 0: the derivatives; 1: with the embedded weights (a truncation estimate); 2: the sums of absolute weights
    times absolute values (``out`` is real), which times the relative noise of f bound the rounding error.
    ``values``: (columns, m), or (m, columns) with ``columns_last``; retained points first, then those of the block.
    ``steps``: (n_slots, all lanes), of the real type of ``values``.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(values))
    cdef Layout at
    cdef void *pv
    cdef void *ps
    cdef void *po
    cdef Py_ssize_t columns = cnp.PyArray_DIM(values, 1 if columns_last else 0)
    if not 0 <= group <= stop <= plan.n_groups:
        raise ValueError("groups outside the plan")
    if mode not in (MAIN, EMBEDDED, ROUNDING) or (mode == EMBEDDED and not plan.has_embedded):
        raise ValueError("unknown mode, or a plan without embedded weights")
    at.parts = 2 if cnp.PyArray_ISCOMPLEX(values) else 1
    at.column = 1 if columns_last else m
    at.component = columns if columns_last else 1
    at.n_columns = columns
    at.m, at.lanes, at.lane0 = m, lanes, lane0
    at.all_lanes = cnp.PyArray_DIM(out, 2)
    if lane0 < 0 or lanes < 1 or lane0 + lanes > at.all_lanes or cnp.PyArray_DIM(values, 0 if columns_last else 1) != m:
        raise ValueError("lanes or components outside their arrays")
    if group < stop and (plan.n_retained + plan.group_point[stop] - plan.group_point[group]) * lanes > columns:
        raise ValueError("more points than columns of values")
    pv = reals(values, typenum, m * columns * at.parts)
    ps = reals(steps, typenum, plan.n_slots * at.all_lanes)
    po = reals(out, typenum, m * plan.n_targets * at.all_lanes * (1 if mode == ROUNDING else at.parts))
    if typenum == cnp.NPY_DOUBLE:
        with nogil:
            walk[double](plan, group, stop, mode, <double *>pv, &at, <double *>ps, <double *>po)
    elif typenum == cnp.NPY_FLOAT:
        with nogil:
            walk[float](plan, group, stop, mode, <float *>pv, &at, <float *>ps, <float *>po)
    else:
        with nogil:
            walk[cnp.longdouble_t](
                plan, group, stop, mode, <long double *>pv, &at, <long double *>ps, <long double *>po
            )
