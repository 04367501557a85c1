"""Steps that the floating-point numbers really have: ``h`` is rounded so that ``x + k h`` is exact, k = 1..reach."""
from libc.math cimport hypot

cimport numpy as cnp

from fastcalc._kernels.arrays cimport absolute, real, real_type, reals

cnp.import_array()


cdef inline real rounded(real size, real h, Py_ssize_t reach) noexcept nogil:
    """`h` to the spacing of the floats near the farthest point but one; exact but where that crosses a power of 2."""
    cdef real far = size + (reach - 1) * h
    return (far + h) - far


cdef bint choose_simply(
    const real *x, Py_ssize_t count, real relative, real tiny_below, real *h
) noexcept nogil:
    # IN x[count]; OUT h[count]: the usual case, in a form that compilers turn into vector instructions
    cdef Py_ssize_t k
    cdef real size, step
    for k in range(count):
        size = absolute(x[k])
        step = relative * size
        step = relative if step == 0 else step
        h[k] = (size + step) - size
    return any_tiny(x, count, tiny_below)


cdef bint any_tiny(const real *x, Py_ssize_t count, real tiny_below) noexcept nogil:
    # eight minima side by side, which compilers turn into vector instructions as they don't a count
    cdef real[8] smallest
    cdef real size
    cdef Py_ssize_t k, j
    for j in range(8):
        smallest[j] = 1
    for k in range(0, count - 7, 8):
        for j in range(8):
            size = absolute(x[k + j])
            size = 1 if size == 0 else size
            smallest[j] = size if size < smallest[j] else smallest[j]
    for k in range(count - count % 8, count):
        size = absolute(x[k])
        size = 1 if size == 0 else size
        smallest[0] = size if size < smallest[0] else smallest[0]
    for j in range(1, 8):
        smallest[0] = smallest[j] if smallest[j] < smallest[0] else smallest[0]
    return smallest[0] < tiny_below


cdef bint choose(
    const real *x, Py_ssize_t parts, Py_ssize_t n, Py_ssize_t lanes, double relative, Py_ssize_t reach,
    const real *scale, Py_ssize_t scale_lane, real tiny_below, real *h,
) noexcept nogil:
    # IN x[n, lanes, parts], scale[n, lanes or 1] or NULL; OUT h[n, lanes]; returns whether a size is tiny
    cdef Py_ssize_t i, b
    cdef bint tiny = False
    cdef real position, size, typical, step
    if parts == 1 and scale is NULL and reach == 1:
        return choose_simply(x, n * lanes, <real>relative, tiny_below, h)
    for i in range(n):
        for b in range(lanes):
            position = absolute(x[(i * lanes + b) * parts])
            size = position
            if parts == 2:
                size = <real>hypot(<double>position, <double>x[(i * lanes + b) * 2 + 1])
            if scale is not NULL:
                typical = scale[i * (lanes if scale_lane else 1) + b * scale_lane]
                size = typical if typical > size else size
            tiny |= 0 < size < tiny_below
            step = <real>relative * size
            step = <real>relative if step == 0 else step  # x is 0, or so small that the product underflows
            h[i * lanes + b] = rounded[real](position, step, reach) if reach > 0 else step
    return tiny


cdef void round_all(
    const real *x, Py_ssize_t parts, Py_ssize_t count, Py_ssize_t reach, real *h
) noexcept nogil:
    # IN x[count, parts]; INOUT h[count]
    cdef Py_ssize_t i
    for i in range(count):
        h[i] = rounded[real](absolute(x[i * parts]), h[i], reach)


cpdef bint choose_steps(
    cnp.ndarray x, double relative, Py_ssize_t reach, cnp.ndarray scale, double tiny_below, cnp.ndarray h
) except -1:
    """Fill ``h`` (n, lanes) with ``relative * max(abs(x), scale)``, and ``relative`` where that is 0.

    ``x`` (n, lanes) is real or complex, ``scale`` is None, (n, 1) or (n, lanes); ``reach`` is the largest multiple of a
    step in use, 0 to leave the steps unrounded. Steps at NaN and infinite ``x`` are NaN. Returns how many sizes are
    tiny, below 1e-5 but not 0: where steps may be far too small.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(h))
    cdef Py_ssize_t n = cnp.PyArray_DIM(h, 0), lanes = cnp.PyArray_DIM(h, 1)
    cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(x) else 1
    cdef void *px = reals(x, typenum, n * lanes * parts)
    cdef void *ph = reals(h, typenum, n * lanes)
    cdef void *ps = NULL
    cdef Py_ssize_t lane = 0
    if scale is not None:
        lane = 1 if cnp.PyArray_DIM(scale, 1) == lanes else 0
        ps = reals(scale, typenum, n * (lanes if lane else 1))
    if typenum == cnp.NPY_DOUBLE:
        return choose[double](
            <double *>px, parts, n, lanes, relative, reach, <double *>ps, lane, tiny_below, <double *>ph
        )
    if typenum == cnp.NPY_FLOAT:
        return choose[float](
            <float *>px, parts, n, lanes, relative, reach, <float *>ps, lane, <float>tiny_below, <float *>ph
        )
    return choose[cnp.longdouble_t](
        <long double *>px, parts, n, lanes, relative, reach, <long double *>ps, lane, tiny_below, <long double *>ph
    )


def round_steps(cnp.ndarray x, Py_ssize_t reach, cnp.ndarray h):
    """Round ``h`` in place, any shape, so that ``x + k h``, k = 1..reach, are floats; 0 where a step is lost in ``x``.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(h))
    cdef Py_ssize_t count = cnp.PyArray_SIZE(h)
    cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(x) else 1
    cdef void *px = reals(x, typenum, count * parts)
    cdef void *ph = reals(h, typenum, count)
    if typenum == cnp.NPY_DOUBLE:
        round_all[double](<double *>px, parts, count, reach, <double *>ph)
    elif typenum == cnp.NPY_FLOAT:
        round_all[float](<float *>px, parts, count, reach, <float *>ph)
    else:
        round_all[cnp.longdouble_t](<long double *>px, parts, count, reach, <long double *>ph)


cdef void measure(
    const real *x, Py_ssize_t parts, Py_ssize_t count, const real *h, const double *plus, const double *minus,
    const double *weight, Py_ssize_t terms, double denominator, real *out,
) noexcept nogil:
    # IN x[count, parts], h[count], plus[terms], minus[terms], weight[terms]; OUT out[count]
    cdef Py_ssize_t i, t
    cdef real origin, total, right, left
    for i in range(count):
        origin, total = x[i * parts], 0
        for t in range(terms):
            right, left = origin + <real>plus[t] * h[i], origin + <real>minus[t] * h[i]
            total += <real>weight[t] * (right - left)
        out[i] = total / <real>denominator


def true_steps(
    cnp.ndarray x not None, cnp.ndarray h not None, const double[::1] plus not None, const double[::1] minus not None,
    const double[::1] weight not None, double denominator, cnp.ndarray out not None,
):
    """Fill ``out`` with the steps to divide a first difference by, from the distances that the floats really have.

    ``sum(weight * ((x + plus * h) - (x + minus * h))) / denominator`` is h where all points are exact. Where a power of
    2 between them keeps some from being so, dividing by it keeps linear functions exact.
    """
    cdef int typenum = real_type(cnp.PyArray_TYPE(h))
    cdef Py_ssize_t count = cnp.PyArray_SIZE(h), terms = weight.shape[0]
    cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(x) else 1
    cdef void *px = reals(x, typenum, count * parts)
    cdef void *ph = reals(h, typenum, count)
    cdef void *po = reals(out, typenum, count)
    if terms == 0 or plus.shape[0] != terms or minus.shape[0] != terms:
        raise ValueError("terms without offsets or weights")
    if typenum == cnp.NPY_DOUBLE:
        measure[double](
            <double *>px, parts, count, <double *>ph, &plus[0], &minus[0], &weight[0], terms, denominator, <double *>po
        )
    elif typenum == cnp.NPY_FLOAT:
        measure[float](
            <float *>px, parts, count, <float *>ph, &plus[0], &minus[0], &weight[0], terms, denominator, <float *>po
        )
    else:
        measure[cnp.longdouble_t](
            <long double *>px, parts, count, <long double *>ph, &plus[0], &minus[0], &weight[0], terms, denominator,
            <long double *>po,
        )
