from fastcalc._kernels.rungs cimport Block
from fastcalc._kernels.windows cimport Choice, real

cdef enum:
    LOUD = 100       # misses over what is expected that want an explanation

cdef enum Action:  # what an output wants next; of several, a line does the last in this order
    READY
    STILL_UP         # of an f that does not move
    UP
    LISTEN
    DOWN
    STRIDE_DOWN

cdef struct Facts:
    # of one output, besides the data
    int first            # rungs in use: this one and those below
    int highest          # from this rung on f is finite
    bint still           # f does not move at all
    double tallest       # largest size of f at the finite rungs
    double spread        # largest abs(f - f(x)) there


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
