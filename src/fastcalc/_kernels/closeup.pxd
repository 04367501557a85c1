from fastcalc._kernels.rungs cimport Block
from fastcalc._kernels.windows cimport real


cdef bint moves(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil
cdef double quantum(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil
cdef double noise_level(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil
