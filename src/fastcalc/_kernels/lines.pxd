cimport numpy as cnp


cdef class Lines:
    cdef readonly Py_ssize_t n_components, n_lanes, n_lines
    cdef cnp.ndarray x, coefficient, start, component, axis, lane
    cdef int typenum
    cdef Py_ssize_t parts, per_lane

    cdef int place(
        self, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t first, Py_ssize_t count, void *out,
        Py_ssize_t next_component, Py_ssize_t next_point,
    ) except -1
