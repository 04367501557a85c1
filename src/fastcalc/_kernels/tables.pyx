"""The index tables of a space of polynomials, as kernels read them: pointers into arrays that live as long as they do.

Terms are numbered by degree, those of degree k from ``starts[k]``. The product of term i of degree p and term j of
degree q <- p + q = k has, within block k, the number ``products[offsets[p (degree + 1) + q] + i N_q + j]``, p <= q; N_k
where it is outside the space, so that sums have a slot for what is dropped. Without stored products, rows of them are
walked: the product of a term with x_v is ``successors[v, term]``.
"""
from libc.stdint cimport int32_t

cimport numpy as cnp

import numpy as np

cnp.import_array()


cdef class Tables:
    """Index tables of a space.

    Parameters
    ----------
    degree : int
    starts : ndarray of intp (degree + 2,)
    successors : ndarray of int32 (n_variables, n_lower + 1)
        n_terms where the product with the variable is outside; the last column belongs to what is outside already.
    offsets : ndarray of intp ((degree + 1)**2,) or None
    products : ndarray of int32 or None
        None for both: rows are walked.
    row_start, row_variable : ndarray of intp (n_terms + 1,), ndarray of int32
        The variables of each term, as often as its exponents say, first variable first.
    runs : ndarray of intp (4, n_runs)
        Parents, children, lengths and variables: terms parent + i and the variable make the terms child + i of one
        degree, for i below the length. Each term but 1 is a child once; children come before their parents.
    packed : bool
        Whether terms of second degree are all there, row by row of a triangle.
    """

    def __init__(
        self, *, degree, starts, successors, offsets, products, row_start, row_variable, runs, packed,
    ):
        cdef Py_ssize_t k
        self.degree = degree
        self.packed = packed
        self.n_variables = successors.shape[0]
        self.n_lower = successors.shape[1] - 1
        self.starts = <const Py_ssize_t *>data(starts, np.intp, degree + 2)
        self.n_terms = self.starts[degree + 1]
        self.successors = <const int32_t *>data(successors, np.int32, self.n_variables * (self.n_lower + 1))
        self.offsets = NULL
        self.products = NULL
        if products is not None:
            self.offsets = <const Py_ssize_t *>data(offsets, np.intp, (degree + 1) ** 2)
            self.products = <const int32_t *>data(products, np.int32, 0)
        self.row_start = <const Py_ssize_t *>data(row_start, np.intp, self.n_terms + 1)
        self.row_variable = <const int32_t *>data(row_variable, np.int32, self.row_start[self.n_terms])
        self.n_runs = runs.shape[1]
        self.run_parent = <const Py_ssize_t *>data(runs, np.intp, 4 * self.n_runs)
        self.run_child = self.run_parent + self.n_runs
        self.run_length = self.run_child + self.n_runs
        self.run_variable = self.run_length + self.n_runs
        self.arrays = (starts, successors, offsets, products, row_start, row_variable, runs)
        self.largest = 0
        self.n_pairs = 0
        for k in range(self.degree + 1):
            self.largest = max(self.largest, self.starts[k + 1] - self.starts[k])
            self.n_pairs += (self.starts[k + 1] - self.starts[k]) * self.starts[self.degree - k + 1]

    cdef const int32_t *row(self, Py_ssize_t i, Py_ssize_t q, int32_t *scratch) noexcept nogil:
        # the numbers of the products of term i with those of degree q, in scratch[N_q]
        cdef Py_ssize_t j, e, first = self.starts[q], columns = self.starts[q + 1] - first, k = q, goal, size
        cdef Py_ssize_t width = self.n_lower + 1
        cdef const int32_t *successor
        for j in range(columns):
            scratch[j] = <int32_t>(first + j)
        for e in range(self.row_start[i], self.row_start[i + 1]):
            successor = self.successors + self.row_variable[e] * width
            for j in range(columns):
                scratch[j] = successor[min(<Py_ssize_t>scratch[j], self.n_lower)]
        for k in range(self.degree + 1):
            if self.starts[k + 1] > i:
                break
        goal = self.starts[k + q]
        size = self.starts[k + q + 1] - goal
        for j in range(columns):
            scratch[j] = <int32_t>(size if scratch[j] >= self.n_terms else scratch[j] - goal)
        return scratch


cdef const void *data(cnp.ndarray array, dtype, Py_ssize_t size) except? NULL:
    """Data of a C-contiguous array of this type with at least `size` entries."""
    if array.dtype != dtype or not cnp.PyArray_IS_C_CONTIGUOUS(array) or cnp.PyArray_SIZE(array) < size:
        raise ValueError("a table has the wrong type, layout or size")
    return cnp.PyArray_DATA(array)
