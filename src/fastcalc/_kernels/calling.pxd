cimport numpy as cnp
from cpython.object cimport PyObject

from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.plan cimport Plan

cdef object FLOAT64

cdef double epsilon_of(object dtype) except -1
cdef cnp.ndarray empty(tuple shape, object dtype)
cdef cnp.ndarray unknown(tuple shape, object dtype)


cdef class Caller:
    cdef object function
    cdef tuple others
    cdef object names
    cdef PyObject **stack
    cdef Py_ssize_t n_positional, place
    cdef readonly object shape, dtype
    cdef readonly cnp.ndarray values
    cdef object point_dtype
    cdef bint scalar
    cdef public bint guess_scalar  # take the output for a scalar where f gives none at all
    cdef bint imaginary, nan_on_error, fast
    cdef bint undisplaced  # the point is x itself, whose value is the real part
    cdef readonly Py_ssize_t n_components, m
    cdef public Py_ssize_t evaluations
    cdef readonly list suspects
    cdef public object kept
    cdef Py_ssize_t stored
    cdef double finest
    cdef public double epsilon
    cdef readonly double coarse
    cdef readonly object error
    cdef readonly bint columns_last
    cdef Py_ssize_t block_bytes  # what to keep in a block: set by the class of the adapter
    cdef bint direct  # results are combined before f runs again: its outputs need no copy
    cdef cnp.ndarray borrowed  # such an output, (m, columns)
    cdef cnp.ndarray steps, origin  # (n_slots, lanes); x, which f could reach through the caller's array

    cpdef start(self)
    cpdef Py_ssize_t columns(self) except -1
    cpdef forget(self, Py_ssize_t columns)
    cpdef reserve(self, Py_ssize_t columns)
    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    )
    cpdef evaluate_along(self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count)
    cpdef Py_ssize_t width(self, Plan plan, Py_ssize_t lanes) except -1
    cdef bint place_block(
        self, cnp.ndarray x, Py_ssize_t lanes, Py_ssize_t lane, Py_ssize_t width, double relative, Py_ssize_t reach,
        double tiny_below,
    ) except -1
    cdef object call(self, PyObject *point, Py_ssize_t points)
    cdef object numbers(self, object output)
    cdef int meet(self, object array, tuple shape) except -1
