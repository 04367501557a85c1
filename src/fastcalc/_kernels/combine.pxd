cimport numpy as cnp

from fastcalc._kernels.arrays cimport real
from fastcalc._kernels.plan cimport Plan

cdef enum:  # modes
    MAIN = 0
    EMBEDDED = 1
    ROUNDING = 2

cdef struct Layout:
    Py_ssize_t column, component            # strides of values, in numbers (a complex number is one)
    Py_ssize_t parts                        # real numbers in a number: 2 if it is complex
    Py_ssize_t n_points                     # points whose values are there
    Py_ssize_t m, lanes                     # components of f; lanes in this block
    Py_ssize_t lane0, all_lanes             # first lane of the block in out; lanes of out
    Py_ssize_t step_lane0, step_lanes       # the same of steps


cdef void walk(
    Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, const real *values, Layout *at, const real *steps, real *out
) noexcept nogil


cpdef combine(
    Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, cnp.ndarray values, bint columns_last, Py_ssize_t m,
    Py_ssize_t all_lanes, Py_ssize_t lane0, Py_ssize_t lanes, cnp.ndarray steps, Py_ssize_t step_lane0, cnp.ndarray out,
)
