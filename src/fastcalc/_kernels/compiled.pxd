cimport numpy as cnp
from libc.stdint cimport uint64_t

from fastcalc._kernels.calling cimport Caller


cdef enum Form:
    OF_ONE_VARIABLE = 0  # double (double)
    SCALAR = 1           # double (int n, double *x)
    VECTOR = 2           # void (int m, int n, double *x, double *y)
    WITH_STATUS = 3      # int (int m, int n, double *x, double *y)


cdef enum Outcome:
    DONE, FAILED, INTERRUPTED


cdef struct Routine:
    void *address
    void *data      # the last argument, where it takes one
    Form form
    bint takes_data
    int m           # outputs


cdef struct Watch:
    int left         # calls until the clock is read
    int stride       # calls between two readings
    double read      # when it was last read, in seconds
    double checked   # when signals were last looked for


cdef struct Move:
    Py_ssize_t component
    double shift


cdef struct Work:
    Routine routine
    Watch watch
    Py_ssize_t n
    double *origin     # [n]: x
    double *point      # [n]: x, displaced: what f gets
    double *displaced  # [n]: the same before the call, where many components are
    bint refill        # f writes into its point
    bint nan_on_error
    uint64_t changed   # not 0: f wrote into its point
    Py_ssize_t calls
    int status         # the first that was not 0


cdef int call(const Routine *f, int n, double *x, double *y) noexcept nogil
cdef int keep_watch(Watch *watch) noexcept nogil


cdef class FunctionPointer:
    cdef Routine routine
    cdef readonly tuple shape
    cdef object owner
    cdef readonly object failure

    cdef int fail(self, int status, const double *point, Py_ssize_t n) except -1


cdef class CompiledCaller(Caller):
    cdef FunctionPointer pointer
    cdef Work work

    cdef int stop(self, Outcome outcome) except -1
