cimport numpy as cnp

from fastcalc._kernels.arrays cimport real


cdef bint choose(
    const real *x, Py_ssize_t parts, Py_ssize_t n, Py_ssize_t lanes, double relative, Py_ssize_t reach,
    const real *scale, Py_ssize_t scale_lane, real tiny_below, real *h,
) noexcept nogil
cdef void round_all(const real *x, Py_ssize_t parts, Py_ssize_t count, Py_ssize_t reach, real *h) noexcept nogil
cdef void measure(
    const real *x, Py_ssize_t parts, Py_ssize_t count, const real *h, const double *plus, const double *minus,
    const double *weight, Py_ssize_t terms, double denominator, real *out,
) noexcept nogil


cpdef bint choose_steps(
    cnp.ndarray x, double relative, Py_ssize_t reach, cnp.ndarray scale, double tiny_below, cnp.ndarray h
) except -1
