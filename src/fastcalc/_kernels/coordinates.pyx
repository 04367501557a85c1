"""Ladders along the coordinates of points x, in the common case: x and f of float64, no options that depend on x.

    where     first steps from the sizes of the coordinates; then what each ladder asks for
    call      the function adapter, a round of all ladders at a time
    combine   the ladders

Objects are built once for a number of variables and points, and climbed again at each x.
"""
from libc.float cimport DBL_EPSILON
from libc.math cimport INFINITY, nextafter
from libc.string cimport memcpy, memset

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport absolute, reals
from fastcalc._kernels.calling cimport Caller
from fastcalc._kernels.ladder cimport Ladders
from fastcalc._kernels.lines cimport Lines

cnp.import_array()


cdef class Coordinates:
    """Ladders for n-th derivatives along all coordinates of x (n, lanes), a copy of which is here.

    Parameters
    ----------
    order : int
        Which derivative.
    n, lanes : int
        Numbers of variables and of points.
    relative, smallest : float
        First step over the size of a component; up to which it counts as 0.
    noise, rtol, atol, most
        As for `Ladders`.
    """

    cdef cnp.ndarray x, line, shift
    cdef cnp.ndarray first, reach, size, finest, side, base
    cdef Lines lines
    cdef Ladders ladders  # None before the number of f's outputs is known
    cdef Py_ssize_t n, n_lanes, m
    cdef int order, most
    cdef double relative, smallest, noise, rtol, atol

    def __init__(
        self, int order, Py_ssize_t n, Py_ssize_t lanes, double relative, double smallest, double noise, double rtol,
        double atol, int most,
    ):
        self.order, self.n, self.n_lanes, self.m = order, n, lanes, -1
        self.relative, self.smallest = relative, smallest
        self.noise, self.rtol, self.atol, self.most = noise, rtol, atol, most
        self.x = np.zeros((n, lanes))
        self.lines = Lines(self.x)
        self.line, self.shift = np.arange(lanes), np.zeros(lanes)  # the points x themselves
        self.first, self.reach, self.size, self.finest = (np.empty(n * lanes) for _ in range(4))
        self.side = np.zeros(n * lanes, np.int8)

    def fits(self, Py_ssize_t n, Py_ssize_t lanes):
        """Whether this is for so many variables and points."""
        return n == self.n and lanes == self.n_lanes

    def place(self, Caller function not None, cnp.ndarray x not None):
        """Evaluate f at x, a C-contiguous array, and begin; False where that is beyond the common case."""
        cdef Py_ssize_t count = self.n * self.n_lanes
        memcpy(cnp.PyArray_DATA(self.x), reals(x, cnp.NPY_DOUBLE, count), count * sizeof(double))
        return self.begin(function)

    def place_number(self, Caller function not None, double x):
        """The same for a single number."""
        if self.n * self.n_lanes != 1:
            return False
        (<double *>cnp.PyArray_DATA(self.x))[0] = x
        return self.begin(function)

    cdef bint begin(self, Caller function) except -1:
        cdef Py_ssize_t i, b, o, m
        cdef const double *values
        cdef double *base
        if function.epsilon != DBL_EPSILON:
            return False
        function.start()
        function.evaluate_along(self.lines, self.line, self.shift, self.n_lanes)
        if function.epsilon != DBL_EPSILON or cnp.PyArray_TYPE(function.values) != cnp.NPY_DOUBLE:
            return False
        if not fill_start(
            <double *>cnp.PyArray_DATA(self.x), self.n * self.n_lanes, self.relative, self.smallest,
            <double *>cnp.PyArray_DATA(self.first), <double *>cnp.PyArray_DATA(self.reach),
            <double *>cnp.PyArray_DATA(self.size), <double *>cnp.PyArray_DATA(self.finest),
        ):
            return False
        m = function.m
        if m != self.m:
            self.base = np.empty((self.n * self.n_lanes, m))
        values = <double *>reals(function.values, cnp.NPY_DOUBLE, self.n_lanes * m)
        base = <double *>cnp.PyArray_DATA(self.base)
        if function.columns_last:
            columns = cnp.PyArray_DIM(function.values, 1)
            for b in range(self.n_lanes):
                for o in range(m):
                    base[b * m + o] = values[o * columns + b]
        else:
            memcpy(base, values, self.n_lanes * m * sizeof(double))
        for i in range(1, self.n):
            memcpy(base + i * self.n_lanes * m, base, self.n_lanes * m * sizeof(double))
        if m == self.m:
            self.ladders.begin()
        else:
            self.ladders = Ladders(
                self.order, self.base, self.first, self.reach, self.size, self.finest, self.side, DBL_EPSILON,
                DBL_EPSILON, self.noise, self.rtol, self.atol, self.most, False,
            )
            self.m = m
        return True

    def climb(self, Caller function not None):
        """The derivatives (lines, m), a fresh array; None where f's values turn complex."""
        return self.ladders.value.copy() if self.ladders.climb_along(function, self.lines) else None

    def climb_number(self, Caller function not None):
        """The same for a single number."""
        if not self.ladders.climb_along(function, self.lines):
            return None
        return cnp.PyArray_ToScalar(cnp.PyArray_DATA(self.ladders.value), self.ladders.value)


cdef bint fill_start(
    const double *x, Py_ssize_t count, double relative, double smallest, double *first, double *reach, double *size,
    double *finest,
) noexcept nogil:
    # IN x[count]; OUT first, reach, size, finest [count]; returns whether x is finite
    cdef Py_ssize_t i
    cdef double length
    for i in range(count):
        length = absolute(x[i])
        if not length < INFINITY:
            return False
        reach[i] = INFINITY
        size[i] = length
        finest[i] = 2 * (nextafter(length, INFINITY) - length)
        first[i] = relative * (length if length > smallest else 1)
    return True


def coordinate_start(cnp.ndarray x not None, double relative, double smallest):
    """What `Ladders` want to know of lines along the coordinates of x, of float64, without any options: first step,
    reach, size, finest step and side. A component up to `smallest` counts as 0, whose size is 1. None where x is not
    finite.
    """
    cdef Py_ssize_t count = cnp.PyArray_SIZE(x)
    cdef cnp.ndarray first = vector(count, cnp.NPY_DOUBLE), reach = vector(count, cnp.NPY_DOUBLE)
    cdef cnp.ndarray size = vector(count, cnp.NPY_DOUBLE), finest = vector(count, cnp.NPY_DOUBLE)
    cdef cnp.ndarray side = vector(count, cnp.NPY_INT8)
    memset(cnp.PyArray_DATA(side), 0, count)
    if not fill_start(
        <double *>reals(x, cnp.NPY_DOUBLE, count), count, relative, smallest, <double *>cnp.PyArray_DATA(first),
        <double *>cnp.PyArray_DATA(reach), <double *>cnp.PyArray_DATA(size), <double *>cnp.PyArray_DATA(finest),
    ):
        return None
    return first, reach, size, finest, side


cdef inline cnp.ndarray vector(cnp.npy_intp length, int typenum):
    return cnp.PyArray_EMPTY(1, &length, typenum, 0)
