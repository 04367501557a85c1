from fastcalc._kernels.native_samples cimport Call
from fastcalc._kernels.rungs cimport Block


cdef class Rungs:
    cdef readonly Py_ssize_t n, m, n_results, work_size
    cdef Block block
    cdef double relative, smallest
    cdef const double[::1] step, scale


cdef int climb(
    Rungs s, Call call, const void *context, const double *x, double *value, double *error, signed char *status,
    double *work,
) noexcept nogil
