from fastcalc._kernels.plan cimport Plan

# A C function of x[n] with values y[m]; anything but 0 ends the walk.
ctypedef int (*Call)(const void *context, int m, int n, double *x, double *y) noexcept nogil


cdef class Samples:
    cdef readonly Plan plan
    cdef readonly Py_ssize_t m, n_results, work_size
    cdef Py_ssize_t reach, block, terms
    cdef double relative, tiny_below, lost, denominator
    cdef const double[::1] step, scale, plus, minus, weight


cdef int differentiate(
    Samples s, Plan plan, Call call, const void *context, const double *x, double *value, double *error, double *work
) noexcept nogil
