"""Values of f in close succession: noise, levels, or neither (Moré, Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314)."""
from libc.math cimport INFINITY, NAN, round, sqrt

from fastcalc._kernels.arrays cimport absolute
from fastcalc._kernels.rungs cimport BASE, CLOSE, FIRST_RUNG, NOISE, NOISE_POINTS, Block, Line, is_finite, sample
from fastcalc._kernels.windows cimport real


cdef bint moves(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil:
    cdef int k
    cdef const real *rows
    cdef real base = (<real *>sample(b, i, BASE))[o]
    for k in range(b.state[i].count if is_finite(base) else 0):
        rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
        if rows[o] != base:
            return True
    return False


cdef double quantum(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil:
    # the smallest change of an f that does not move in small steps, 0 if it moves, or is a step beside a plateau
    cdef const Line *s = b.state + i
    cdef const real *rows
    cdef const real *base = <real *>sample(b, i, BASE)
    cdef double change, least = INFINITY, least_close = INFINITY, most = 0
    cdef bint flat = False, flat_close = False
    cdef int k
    for k in range(s.count):
        rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
        change = <double>absolute(rows[o] - base[o])
        if s.side == 0:
            change = max(change, <double>absolute(rows[b.m + o] - base[o]))
        flat |= change == 0
        if 0 < change < INFINITY:
            least, most = min(least, change), max(most, change)
    if s.phase == NOISE:  # else there was no room for these values
        rows = <real *>sample(b, i, CLOSE)
        for k in range(NOISE_POINTS):
            flat_close |= rows[k * b.m + o] == base[o]
            change = <double>absolute(rows[k * b.m + o] - base[o])
            if 0 < change < INFINITY:
                least_close = min(least_close, change)
        if s.tries > 1 and not flat_close:  # f did not move at a shorter distance: its levels are a little finer
            for k in range(1, NOISE_POINTS - 1):
                change = <double>absolute(rows[(k + 1) * b.m + o] - 2 * rows[k * b.m + o] + rows[(k - 1) * b.m + o])
                if 0 < change < INFINITY:
                    least_close = min(least_close, change)
                    flat_close = True
    least = min(least if flat else INFINITY, least_close if flat_close else INFINITY)
    return least if least < 0.6 * most and are_multiples(b, i, o, <real>least) else 0


cdef bint are_multiples(const Block *b, Py_ssize_t i, Py_ssize_t o, real unit) noexcept nogil:
    # whether the small moves of f are whole numbers of units, about
    cdef const Line *s = b.state + i
    cdef const real *rows
    cdef real base = (<real *>sample(b, i, BASE))[o], ratio
    cdef int k, side
    for k in range(s.count):
        rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
        for side in range(2 if s.side == 0 else 1):
            ratio = absolute(rows[side * b.m + o] - base) / unit
            if ratio < 20 and not absolute(ratio - <real>round(<double>ratio)) < <real>0.05:
                return False
    return True


cdef double noise_level(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil:
    # standard deviation of the noise; 0: none can be told, NaN: the values lie too close together
    cdef real difference[NOISE_POINTS]
    cdef real largest = 0
    cdef double sigma[NOISE_POINTS]
    cdef bint changes[NOISE_POINTS]
    cdef double gamma = 1, total, low, high
    cdef int k, q, equal = 0
    cdef bint up, down
    for q in range(NOISE_POINTS):
        difference[q] = (<real *>sample(b, i, CLOSE + q))[o]
        if not is_finite(difference[q]):
            return 0
        equal += q > 0 and difference[q] == difference[q - 1]
        largest = max(largest, absolute(difference[q]))
    if 2 * equal >= NOISE_POINTS - 1:
        return NAN
    for q in range(NOISE_POINTS):
        difference[q] /= largest
    for k in range(1, NOISE_POINTS):
        gamma *= 0.5 * k / (2 * k - 1)
        total = 0
        up = down = False
        for q in range(NOISE_POINTS - k):
            difference[q] = difference[q + 1] - difference[q]
            total += <double>(difference[q] * difference[q])
            up |= difference[q] > 0
            down |= difference[q] < 0
        sigma[k] = sqrt(gamma * total / (NOISE_POINTS - k))
        changes[k] = up and down
    for k in range(1, NOISE_POINTS - 2):
        low, high = min(sigma[k], sigma[k + 1], sigma[k + 2]), max(sigma[k], sigma[k + 1], sigma[k + 2])
        if changes[k] and high <= 4 * low:
            return sigma[k] * <double>largest
    return 0
