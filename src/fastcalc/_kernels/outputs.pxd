from fastcalc._kernels.arrays cimport real
from fastcalc._kernels.rungs cimport Block
from fastcalc._kernels.windows cimport Choice

cdef enum Action:  # what an output wants next; of several, a line does the last in this order
    READY
    STILL_UP         # of an f that does not move
    UP
    LISTEN
    DOWN
    STRIDE_DOWN

cdef struct Facts:
    # of one output, besides the data: rungs in use are those from `first` on; f is finite from `highest` on
    int first, highest
    bint still           # f does not move at all
    double tallest       # largest abs(f) of these rungs
    double spread        # largest abs(f - f(x))


cdef Facts gather(
    const Block *b, Py_ssize_t i, Py_ssize_t o, real *odd, real *even, real *size, char *flat
) noexcept nogil
cdef Choice choose(
    const Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, const real *size,
    const char *flat, bint alone, real *value, real *truncation, real *rounding
) noexcept nogil
cdef double misses(
    const Block *b, Py_ssize_t i, const real *odd, const real *even, int k, int w, bint *steady
) noexcept nogil
cdef real gap(const Block *b, const real *h, int first, int last) noexcept nogil
cdef int act(Block *b, Py_ssize_t i, Py_ssize_t o, int *more, real *up) noexcept nogil
