"""Words of 64 bits as small sets."""
from libc.stdint cimport uint64_t

cdef extern from "bits.h":
    int lowest_bit "fastcalc_lowest_bit"(uint64_t word) noexcept nogil


cdef inline bint has(const uint64_t *members, Py_ssize_t i) noexcept nogil:
    return members[i >> 6] >> (i & 63) & 1


cdef inline void add(uint64_t *members, Py_ssize_t i) noexcept nogil:
    members[i >> 6] |= <uint64_t>1 << (i & 63)


cdef inline void drop(uint64_t *members, Py_ssize_t i) noexcept nogil:
    members[i >> 6] &= ~(<uint64_t>1 << (i & 63))
