cimport numpy as cnp


cpdef bint choose_steps(
    cnp.ndarray x, double relative, Py_ssize_t reach, cnp.ndarray scale, double tiny_below, cnp.ndarray h
) except -1
