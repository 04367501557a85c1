cimport numpy as cnp

from fastcalc._kernels.calling cimport Caller
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.rungs cimport Block


cdef class Ladders:
    cdef readonly cnp.ndarray line, shift, value, error, step, top, verdict, history
    cdef cnp.ndarray base, first_step, side
    cdef tuple others  # arrays that the block points to
    cdef char *memory
    cdef bint extended
    cdef Py_ssize_t asked
    cdef Block block

    cdef int reserve(self) except -1
    cdef int begin(self) except -1
    cpdef Py_ssize_t ask(self) except -1
    cdef int take_values(self, cnp.ndarray values) except -1
    cdef bint climb_along(self, Caller function, Lines lines) except -1
