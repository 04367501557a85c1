from libc.stdint cimport int32_t


cdef class Tables:
    cdef readonly Py_ssize_t degree, n_variables, n_terms, largest
    cdef readonly bint packed
    cdef const Py_ssize_t *starts
    cdef const Py_ssize_t *offsets
    cdef const int32_t *products
    cdef const int32_t *successors
    cdef const Py_ssize_t *row_start
    cdef const int32_t *row_variable
    cdef const Py_ssize_t *run_parent
    cdef const Py_ssize_t *run_child
    cdef const Py_ssize_t *run_length
    cdef const Py_ssize_t *run_variable
    cdef readonly Py_ssize_t n_lower, n_pairs, n_runs
    cdef tuple arrays
    cdef const int32_t *row(self, Py_ssize_t i, Py_ssize_t q, int32_t *scratch) noexcept nogil
