# Compiled by tests/test_native.py against declarations of another version.
from fastcalc.native cimport Function, scalar_function


cdef double one(int n, double *x, void *user) noexcept nogil:
    return 1


def make():
    cdef Function f = scalar_function(one, NULL)
    return f.form
