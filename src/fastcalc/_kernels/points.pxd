cimport numpy as cnp

from fastcalc._kernels.calling cimport Caller
from fastcalc._kernels.plan cimport Plan


cdef class PointCaller(Caller):
    cdef cnp.ndarray buffer
    cdef tuple point_shape

    cdef bint is_intact(self)
    cdef int place_point(
        self, Plan plan, Py_ssize_t p, cnp.ndarray x, cnp.ndarray h, Py_ssize_t lanes, Py_ssize_t lane
    ) except -1
    cdef int store(self, object output, Py_ssize_t column, Py_ssize_t columns) except -1
    cdef int require_fit(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes,
    ) except -1
    cdef bint evaluate_point(self, Py_ssize_t column, Py_ssize_t columns) except -1
