"""Values and gradients of polynomials at many points: Horner's scheme in many variables, and its reverse.

Each term but 1 is one variable times its parent, so that ``r_s = c_s + sum of x_v r_child`` from the last term to the
first ends in the value: one multiplication a term. With the monomials m_s on the way back, the derivative by x_v is the
sum of m_parent r_child over the pairs that x_v connects (Griewank, Walther, *Evaluating Derivatives*, SIAM 2008,
chapter 3: the adjoint of a scheme costs a small multiple of it). Pairs come in runs, see `Tables`.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from fastcalc._kernels.series_loops cimport longdouble, number
from fastcalc._kernels.tables cimport Tables

cnp.import_array()

cdef extern from "horner_loops.h" nogil:
    void spread(...)
    void fold(...)
    void fold_leaves(...)
    void slope(...)
    void slope_leaves(...)

cdef enum:
    PATIENCE = 100000000  # multiplications between two looks for Ctrl-C


cdef void at_tile(
    Tables t, const number *coef, Py_ssize_t ld, const number *x, Py_ssize_t lanes, number *r,
) noexcept nogil:
    # OUT r[leaves, lanes]: r[0] is the value
    cdef Py_ssize_t e, leaves = t.starts[t.degree]
    spread(r, leaves, coef, ld)
    for e in range(t.n_runs):
        if t.run_child[e] >= leaves:
            fold_leaves(
                r + t.run_parent[e] * lanes, t.run_length[e], x + t.run_variable[e] * lanes,
                coef + t.run_child[e] * ld, ld,
            )
        else:
            fold(
                r + t.run_parent[e] * lanes, t.run_length[e], x + t.run_variable[e] * lanes,
                r + t.run_child[e] * lanes,
            )


cdef void slopes_at_tile(
    Tables t, const number *coef, Py_ssize_t ld, const number *x, const number *r, Py_ssize_t lanes, number *m,
    number *g,
) noexcept nogil:
    # OUT m[leaves, lanes]: monomials; g[n, lanes]
    cdef Py_ssize_t e, i, leaves = t.starts[t.degree]
    for i in range(t.n_variables * lanes):
        g[i] = 0
    for i in range(lanes if leaves else 0):
        m[i] = 1
    for e in range(t.n_runs - 1, -1, -1):
        if t.run_child[e] >= leaves:
            slope_leaves(
                g + t.run_variable[e] * lanes, t.run_length[e], m + t.run_parent[e] * lanes,
                coef + t.run_child[e] * ld, ld,
            )
        else:
            slope(
                g + t.run_variable[e] * lanes, t.run_length[e], x + t.run_variable[e] * lanes,
                m + t.run_parent[e] * lanes, r + t.run_child[e] * lanes, m + t.run_child[e] * lanes,
            )


cdef int sweep(
    Tables t, const number *coef, Py_ssize_t count, const number *d, Py_ssize_t points, Py_ssize_t n, number *values,
    number *gradients,
) except -1 nogil:
    # IN coef[n_terms, count], d[n, points]; OUT values[count, points], gradients[count, n, points] or NULL
    cdef Py_ssize_t lanes = 4 if number is longdouble else 64 // <Py_ssize_t>sizeof(number)
    cdef Py_ssize_t leaves = t.starts[t.degree], first, p, i, v, present, done = 0
    cdef number *memory = <number *>malloc(((2 * leaves + 2 * n) * lanes) * sizeof(number) + 64)
    cdef number *r = <number *>((<size_t>memory + 63) & ~<size_t>63)
    cdef number *m = r + leaves * lanes
    cdef number *x = m + leaves * lanes
    cdef number *g = x + n * lanes
    if memory == NULL:
        with gil:
            raise MemoryError("no memory for the terms of a polynomial at a few points")
    first = 0
    while first < points:
        present = min(lanes, points - first)
        for v in range(n):
            for i in range(lanes):
                x[v * lanes + i] = d[v * points + first + min(i, present - 1)]
        for p in range(count):
            if leaves:
                at_tile(t, coef + p, count, x, lanes, r)
            for i in range(present):
                values[p * points + first + i] = r[i] if leaves else coef[p]
            if gradients == NULL:
                continue
            slopes_at_tile(t, coef + p, count, x, r, lanes, m, g)
            for v in range(n):
                for i in range(present):
                    gradients[(p * n + v) * points + first + i] = g[v * lanes + i]
        first += present
        done += count * t.n_terms * lanes
        if done > PATIENCE:
            done = 0
            with gil:
                try:
                    PyErr_CheckSignals()
                except BaseException:
                    free(memory)
                    raise
    free(memory)
    return 0


cdef object run(Tables tables, cnp.ndarray coef, cnp.ndarray d, bint slopes):
    cdef cnp.npy_intp shape[3]
    cdef int typenum = cnp.PyArray_TYPE(coef)
    cdef cnp.ndarray values, gradients = None
    if (
        cnp.PyArray_NDIM(coef) != 2 or cnp.PyArray_NDIM(d) != 2 or cnp.PyArray_TYPE(d) != typenum
        or not cnp.PyArray_IS_C_CONTIGUOUS(coef) or not cnp.PyArray_IS_C_CONTIGUOUS(d)
        or cnp.PyArray_DIM(coef, 0) != tables.n_terms or cnp.PyArray_DIM(d, 0) != tables.n_variables
    ):
        raise ValueError("an evaluation got arrays of the wrong type, layout or size")
    shape[0] = cnp.PyArray_DIM(coef, 1)
    shape[1] = cnp.PyArray_DIM(d, 1)
    values = cnp.PyArray_EMPTY(2, shape, typenum, 0)
    if slopes:
        shape[1] = tables.n_variables
        shape[2] = cnp.PyArray_DIM(d, 1)
        gradients = cnp.PyArray_EMPTY(3, shape, typenum, 0)
    if typenum == cnp.NPY_DOUBLE:
        typed(tables, coef, d, values, gradients, <double *>NULL)
    elif typenum == cnp.NPY_FLOAT:
        typed(tables, coef, d, values, gradients, <float *>NULL)
    elif typenum == cnp.NPY_LONGDOUBLE:
        typed(tables, coef, d, values, gradients, <longdouble *>NULL)
    elif typenum == cnp.NPY_CDOUBLE:
        typed(tables, coef, d, values, gradients, <double complex *>NULL)
    else:
        raise TypeError(f"kernels take float32, float64, longdouble and complex128; got {coef.dtype}")
    return (values, gradients) if slopes else values


cdef object typed(
    Tables tables, cnp.ndarray coef, cnp.ndarray d, cnp.ndarray values, cnp.ndarray gradients, number *unused,
):
    cdef const number *c = <const number *>cnp.PyArray_DATA(coef)
    cdef const number *x = <const number *>cnp.PyArray_DATA(d)
    cdef number *value = <number *>cnp.PyArray_DATA(values)
    cdef number *gradient = NULL if gradients is None else <number *>cnp.PyArray_DATA(gradients)
    cdef Py_ssize_t count = cnp.PyArray_DIM(coef, 1), points = cnp.PyArray_DIM(d, 1), n = tables.n_variables
    if count and points:
        with nogil:
            sweep(tables, c, count, x, points, n, value, gradient)


def evaluate(Tables tables, cnp.ndarray coef, cnp.ndarray d):
    """Values (m, k) of polynomials coef (n_terms, m) at displacements d (n, k)."""
    return run(tables, coef, d, False)


def evaluate_with_gradient(Tables tables, cnp.ndarray coef, cnp.ndarray d):
    """The same, and gradients (m, n, k)."""
    return run(tables, coef, d, True)
