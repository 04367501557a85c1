cimport numpy as cnp

from fastcalc._kernels.plan cimport Plan


cpdef combine(
    Plan plan, Py_ssize_t group, Py_ssize_t stop, int mode, cnp.ndarray values, bint columns_last, Py_ssize_t m,
    Py_ssize_t all_lanes, Py_ssize_t lane0, Py_ssize_t lanes, cnp.ndarray steps, Py_ssize_t step_lane0, cnp.ndarray out,
)
