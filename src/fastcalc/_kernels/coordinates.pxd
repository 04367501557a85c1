cdef bint fill_start(
    const double *x, Py_ssize_t count, double relative, double smallest, double *first, double *reach, double *size,
    double *finest,
) noexcept nogil
