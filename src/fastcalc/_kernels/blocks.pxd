cimport numpy as cnp

from fastcalc._kernels.calling cimport Caller
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.plan cimport Plan


cdef class BlockCaller(Caller):
    cdef cnp.ndarray memory
    cdef bint one_row

    cdef object points(self, Py_ssize_t k)
    cdef cnp.ndarray place_points(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes,
    )
    cdef cnp.ndarray place_along(
        self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t first, Py_ssize_t k
    )
    cdef bint evaluate_points(self, cnp.ndarray block, Py_ssize_t column, Py_ssize_t k) except -1
    cdef bint evaluate_some(
        self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t first, Py_ssize_t k
    ) except -1
    cdef int store(self, object output, Py_ssize_t column, Py_ssize_t k) except -1
