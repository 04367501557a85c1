"""Values and gradients of polynomials at many points: Horner's scheme in many variables, and its reverse.

Each term is one variable times its parent, so that ``r_s = c_s + sum of x_v r_child`` from the last term to the first
ends in the value: one multiplication a term. With the monomials m_s on the way back, the derivative by x_v is the sum
of m_parent r_child over the pairs that x_v connects (Griewank, Walther, *Evaluating Derivatives*, SIAM 2008, chapter 3:
the adjoint of a scheme costs a small multiple of it).
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from fastcalc._kernels.series_loops cimport longdouble, number
from fastcalc._kernels.tables cimport Tables

cnp.import_array()

cdef extern from "horner_loops.h" nogil:
    void climb(...)
    void monomials(...)
    void slope(...)

cdef enum:
    PATIENCE = 100000000  # multiplications between two looks for Ctrl-C


cdef int sweep(
    Tables t, const number *coef, Py_ssize_t count, const number *d, Py_ssize_t points, Py_ssize_t n, number *values,
    number *gradients,
) except -1 nogil:
    # IN coef[n_terms, count], d[n, points]; OUT values[count, points], gradients[count, n, points] or NULL
    cdef Py_ssize_t lanes = 4 if number is longdouble else 64 // <Py_ssize_t>sizeof(number)
    cdef Py_ssize_t leaves = t.starts[t.degree], first, p, i, v, present, done = 0
    cdef number *memory = <number *>malloc(((2 * leaves + n + 1) * lanes) * sizeof(number) + 64)
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
        if gradients != NULL:
            monomials(m, leaves, x, t.child_start, t.child_variable, t.child)
        for p in range(count):
            if leaves == 0:
                for i in range(present):
                    values[p * points + first + i] = coef[p]
            else:
                climb(r, leaves, coef + p, count, x, t.child_start, t.child_variable, t.child)
                for i in range(present):
                    values[p * points + first + i] = r[i]
            if gradients == NULL:
                continue
            for v in range(n):
                slope(
                    g, leaves, coef + p, count, m, r, t.pair_start[v + 1] - t.pair_start[v],
                    t.pair_parent + t.pair_start[v], t.pair_child + t.pair_start[v],
                )
                for i in range(present):
                    gradients[(p * n + v) * points + first + i] = g[i]
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
