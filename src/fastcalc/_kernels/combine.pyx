"""Combine: values of f into derivatives, ``weights . differences / steps``, one closed block of results at a time.

Values stand in ``values[column * column_stride + component * component_stride]`` with one column per (point, lane),
lanes (the points of a batch) innermost. Results go to ``out[component, target, lane]``. Complex numbers are walked as
two real parts: the weights are real.
"""
cimport numpy as cnp

from fastcalc._kernels.arrays cimport absolute, inside, real, real_type, reals
from fastcalc._kernels.plan cimport Plan

cnp.import_array()

cdef enum:
    COMPONENTS = 64  # in a chunk
    LONG = 4096  # results from which on the GIL is released


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
    w = absolute(w)
    for k in range(length):
        p = plus[k * stride]
        q = 0 if minus is NULL else minus[k * stride]
        out[k * out_stride] = (0 if first else out[k * out_stride]) + w * (absolute(p) + absolute(q))


cdef inline void divide(
    real *out, Py_ssize_t out_stride, const real *h, Py_ssize_t h_stride, double factor, Py_ssize_t length
) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(length):
        out[k * out_stride] /= <real>factor * h[k * h_stride]


cdef inline void difference_quotients(
    real *out, const real *plus, const real *minus, const real *h, double weight, double factor, Py_ssize_t length
) noexcept nogil:
    # the usual case of a batch, one term and one step, in one pass that compilers turn into vector instructions
    cdef Py_ssize_t k
    cdef real w = <real>weight, value
    for k in range(length):
        value = w * (plus[k] - minus[k]) / (<real>factor * h[k])
        out[k] = value + (value - value)


cdef inline void finish(real *out, Py_ssize_t stride, bint positive, Py_ssize_t length) noexcept nogil:
    # infinities become NaN: a difference that needs a non-finite value is unknown
    cdef Py_ssize_t k
    cdef real value
    for k in range(length):
        value = out[k * stride]
        value = absolute(value) if positive else value
        out[k * stride] = value + (value - value)


cdef void walk(
    Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, const real *values, Layout *at, const real *steps, real *out
) noexcept nogil:
    # IN values, steps[n_slots, all_lanes]; OUT out[m, n_targets, all_lanes] at the targets of groups group..stop
    cdef Py_ssize_t c = 0
    if at.lanes > 1:  # the inner loop runs over the points of the batch
        for c in range(at.m):
            walk_chunk(plan, group, stop, mode, values, at, c, at.lanes, steps, out)
        return
    while c < at.m:  # or over a chunk of the components of f: its rows of results stay in the cache until they are full
        walk_chunk(plan, group, stop, mode, values, at, c, min(COMPONENTS, at.m - c), steps, out)
        c += COMPONENTS


cdef void walk_chunk(
    Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, const real *values, Layout *at, Py_ssize_t component,
    Py_ssize_t length, const real *steps, real *out,
) noexcept nogil:
    cdef Py_ssize_t r, t, d, part, p, q
    cdef Py_ssize_t retained = plan.n_retained, shift = plan.group_point[group] - plan.n_retained
    cdef Py_ssize_t parts = at.parts, out_parts = 1 if mode == ROUNDING else at.parts
    cdef Py_ssize_t point = at.column * at.lanes * parts  # from the values of one point to those of the next
    cdef Py_ssize_t row = plan.n_targets * at.all_lanes * out_parts  # from one component of the results to the next
    cdef Py_ssize_t stride = (at.column if at.lanes > 1 else at.component) * parts
    cdef Py_ssize_t out_stride = out_parts if at.lanes > 1 else row
    cdef Py_ssize_t h_stride = 1 if at.lanes > 1 else 0
    cdef const real *start = values + component * at.component * parts
    cdef const real *minus
    cdef const real *plus
    cdef real *goal
    cdef double weight
    cdef bint contiguous = parts == 1 and (length == 1 or (at.lanes > 1 and stride == 1)), first
    for r in range(plan.group_result[group], plan.group_result[stop]):
        goal = out + component * row + (plan.target[r] * at.all_lanes + at.lane0) * out_parts
        t = plan.term_start[r]
        if (
            contiguous and mode == MAIN and plan.term_start[r + 1] == t + 1 and plan.minus[t] >= 0
            and plan.divisor_start[r + 1] == plan.divisor_start[r] + 1 and plan.mirror[r] == plan.target[r]
        ):
            p, q = plan.plus[t], plan.minus[t]
            difference_quotients(
                goal, start + inside(p if p < retained else p - shift, at.n_points) * point,
                start + inside(q if q < retained else q - shift, at.n_points) * point,
                steps + plan.divisor_slot[plan.divisor_start[r]] * at.step_lanes + at.step_lane0, plan.weight[t],
                plan.denominator[r], length,
            )
            continue
        for part in range(parts):
            for t in range(plan.term_start[r], plan.term_start[r + 1]):
                p, q = plan.plus[t], plan.minus[t]
                p = p if p < retained else p - shift
                plus = start + inside(p, at.n_points) * point + part
                minus = NULL
                if q >= 0:
                    q = q if q < retained else q - shift
                    minus = start + inside(q, at.n_points) * point + part
                weight = plan.embedded[t] if mode == EMBEDDED else plan.weight[t]
                first = t == plan.term_start[r]
                if mode == ROUNDING:
                    add_magnitude(goal, out_stride, plus, minus, stride, weight, first and part == 0, length)
                else:
                    add_difference(goal + part, out_stride, plus, minus, stride, weight, first, length)
        for part in range(out_parts):
            for d in range(plan.divisor_start[r], plan.divisor_start[r + 1]):
                # one division by (denominator * h): exact for linear functions where the product is
                divide(
                    goal + part, out_stride, steps + plan.divisor_slot[d] * at.step_lanes + at.step_lane0, h_stride,
                    plan.denominator[r] if d == plan.divisor_start[r] else 1.0, length,
                )
            finish(goal + part, out_stride, mode == ROUNDING, length)
        if plan.mirror[r] != plan.target[r]:
            copy_row(
                goal + (plan.mirror[r] - plan.target[r]) * at.all_lanes * out_parts, goal, out_stride, out_parts, length
            )


cdef inline void copy_row(
    real *out, const real *source, Py_ssize_t stride, Py_ssize_t parts, Py_ssize_t length
) noexcept nogil:
    cdef Py_ssize_t k, part
    for k in range(length):
        for part in range(parts):
            out[k * stride + part] = source[k * stride + part]


cpdef combine(
    Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, cnp.ndarray values, bint columns_last, Py_ssize_t m,
    Py_ssize_t all_lanes, Py_ssize_t lane0, Py_ssize_t lanes, cnp.ndarray steps, Py_ssize_t step_lane0, cnp.ndarray out,
):
    """Write the results of groups ``group`` to ``stop`` into ``out`` (m, n_targets, all_lanes).

    ``mode`` 0: the derivatives; 1: with the embedded weights (a truncation estimate); 2: the sums of absolute weights
    times absolute values (``out`` is real), which times the relative noise of f bound the rounding error.
    ``values``: (columns, m), or (m, columns) with ``columns_last``; retained points first, then those of the block.
    ``steps``: (n_slots, lanes of all points or of the block, which begins at ``step_lane0``), of the real type of
    ``values``.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(values))
    cdef Layout at
    cdef void *pv
    cdef void *ps
    cdef void *po
    cdef Py_ssize_t columns = cnp.PyArray_DIM(values, 1 if columns_last else 0)
    if not 0 <= group <= stop <= plan.n_groups:
        raise ValueError("groups outside the plan")
    if not MAIN <= mode <= ROUNDING or (mode == EMBEDDED and not plan.has_embedded):
        raise ValueError("unknown mode, or a plan without embedded weights")
    at.step_lane0, at.step_lanes = step_lane0, cnp.PyArray_DIM(steps, 1)
    if step_lane0 < 0 or step_lane0 + lanes > at.step_lanes:
        raise ValueError("lanes outside the steps")
    if lane0 < 0 or lanes < 1 or lane0 + lanes > all_lanes or cnp.PyArray_DIM(values, 0 if columns_last else 1) != m:
        raise ValueError("lanes or components outside their arrays")
    at.parts = 2 if cnp.PyArray_ISCOMPLEX(values) else 1
    at.column = 1 if columns_last else m
    at.component = columns if columns_last else 1
    at.n_points = plan.n_retained + plan.group_point[stop] - plan.group_point[group]
    at.m, at.lanes, at.lane0, at.all_lanes = m, lanes, lane0, all_lanes
    if group == stop or m == 0:
        return
    if at.n_points * lanes > columns:
        raise ValueError("more points than columns of values")
    pv = reals(values, typenum, m * columns * at.parts)
    ps = reals(steps, typenum, plan.n_slots * at.step_lanes)
    po = reals(out, typenum, m * plan.n_targets * all_lanes * (1 if mode == ROUNDING else at.parts))
    if (plan.group_result[stop] - plan.group_result[group]) * m * lanes >= LONG:
        with nogil:
            start_walk(typenum, plan, group, stop, mode, pv, &at, ps, po)
    else:
        start_walk(typenum, plan, group, stop, mode, pv, &at, ps, po)


cdef void start_walk(
    int typenum, Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, void *values, Layout *at, void *steps,
    void *out,
) noexcept nogil:
    if typenum == cnp.NPY_DOUBLE:
        walk[double](plan, group, stop, mode, <double *>values, at, <double *>steps, <double *>out)
    elif typenum == cnp.NPY_FLOAT:
        walk[float](plan, group, stop, mode, <float *>values, at, <float *>steps, <float *>out)
    else:
        walk[cnp.longdouble_t](
            plan, group, stop, mode, <long double *>values, at, <long double *>steps, <long double *>out
        )
