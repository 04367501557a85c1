from fastcalc._kernels.rungs cimport Block
from fastcalc._kernels.windows cimport real

cdef enum Verdict:  # numbers of statuses
    CONVERGED = 0
    ROUNDING_LIMIT = 1
    NOISE_LIMIT = 2
    NOT_CONVERGED = 3
    NON_FINITE = 4
    NOT_SMOOTH = 6


cdef enum Settlement:
    SETTLED
    OTHER_STEPS
    CLOSE_UP


cdef int settle(Block *b, Py_ssize_t i, Py_ssize_t o, int checks, real *between) noexcept nogil
