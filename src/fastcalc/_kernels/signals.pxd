"""Ctrl-C in loops without the GIL: they ask now and then, and stop; the caller then lets out what a handler raised."""

cdef extern from "Python.h":
    int check_signals "PyErr_CheckSignals"() noexcept  # not cpython.exc's, which leaves at once


cdef inline bint interrupted() noexcept with gil:
    """Whether a signal handler raised: its exception stays pending until `raise_pending`."""
    return check_signals() != 0


cdef inline int raise_pending() except -1:
    """Raise it."""
    return -1
