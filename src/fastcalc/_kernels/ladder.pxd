cimport numpy as cnp

from fastcalc._kernels.calling cimport Caller
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.rungs cimport Block
from fastcalc._kernels.windows cimport real

cdef Block new_block(
    int n, Py_ssize_t lines, Py_ssize_t m, Py_ssize_t item, double epsilon, double x_epsilon, double noise, double rtol,
    double atol, int most,
) noexcept nogil
cdef Py_ssize_t room(const Block *b) noexcept nogil
cdef Py_ssize_t settle_in(Block *b, char *memory) noexcept nogil
cdef void first_rungs(
    Block *b, const signed char *side, const real *base, const real *first_step
) noexcept nogil
cdef void take(Block *b, const real *values) noexcept nogil


cdef class Ladders:
    cdef readonly cnp.ndarray line, shift, value, error, step, top, verdict, history
    cdef cnp.ndarray base, first_step, side
    cdef tuple others  # arrays that the block points to
    cdef char *memory
    cdef bint extended
    cdef Py_ssize_t asked
    cdef Block block

    cdef int begin(self) except -1
    cpdef Py_ssize_t ask(self) except -1
    cdef int take_values(self, cnp.ndarray values) except -1
    cdef bint climb_along(self, Caller function, Lines lines) except -1
