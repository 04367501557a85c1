"""Call: a Python function at the points of a sample plan, one point a call.

It gets a private buffer, refilled before each call and given away as soon as it kept a reference to it; its output is
copied before it runs again.
"""
from cpython.object cimport PyObject
from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport inside, real, real_type, reals
from fastcalc._kernels.calling cimport Caller
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.plan cimport Plan

cnp.import_array()

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)
    int PyFloat_Check(PyObject *)
    double PyFloat_AS_DOUBLE(PyObject *)


cdef enum:
    FEW = 64      # components that move, up to which they are displaced after x was copied
    PIECE = 4096  # components of x that are copied at a time where more of them move


cdef void displace(
    Plan plan, Py_ssize_t point, const real *h, Py_ssize_t lanes, Py_ssize_t lane, real *out, Py_ssize_t stride,
    Py_ssize_t part,
) noexcept nogil:
    # IN h[n_slots, lanes]; INOUT out[component * stride + part]
    cdef Py_ssize_t e, s
    for e in range(plan.point_start[point], plan.point_start[point + 1]):
        s = inside(plan.entry_slot[e], plan.n_slots)
        out[plan.component[s] * stride + part] += <real>plan.multiple[e] * h[s * lanes + lane]


cdef void copy_and_displace(Plan plan, Py_ssize_t point, const real *x, const real *h, real *out) noexcept nogil:
    # IN x[n], h[n]; OUT out[n]: where slots are the components and many of them move, piece by piece, each displaced
    # while it is in the fastest cache, if the entries come in ascending order
    cdef Py_ssize_t e = plan.point_start[point], last = plan.point_start[point + 1]
    cdef Py_ssize_t begin = 0, end, n = plan.n_components
    cdef const Py_ssize_t *slot = &plan.entry_slot[0]
    cdef const double *multiple = &plan.multiple[0]
    cdef real factor = <real>multiple[e]
    while begin < n:
        end = min(begin + PIECE, n)
        memcpy(out + begin, x + begin, (end - begin) * sizeof(real))
        while plan.uniform and e < last and inside(slot[e], n) < end:
            out[slot[e]] += factor * h[slot[e]]
            e += 1
        while e < last and inside(slot[e], n) < end:
            out[slot[e]] += <real>multiple[e] * h[slot[e]]
            e += 1
        begin = end


cdef class PointCaller(Caller):
    """One call a point, in a buffer of x's shape; a NumPy scalar where x is a scalar. ``values``: (columns, m)."""

    def __init__(
        self, function, point_dtype, tuple point_shape, bint scalar=False, bint imaginary=False, bint nan_on_error=False
    ):
        Caller.__init__(self, function, point_dtype, scalar, imaginary, nan_on_error)
        self.columns_last = False
        self.point_shape = point_shape
        self.buffer = np.empty(point_shape, self.point_dtype)
        self.n_components = cnp.PyArray_SIZE(self.buffer)
        self.fast = self.m == 1

    cpdef Py_ssize_t columns(self) except -1:
        return 1 if self.m < 0 else self.block_bytes // (8 * self.m + 8) + 1

    cdef bint is_intact(self):
        # f can keep the buffer, or change its shape, type or flags: either way it is given away
        cdef cnp.ndarray buffer = self.buffer
        cdef Py_ssize_t i
        if Py_REFCNT(<PyObject *>buffer) != 2:  # self.buffer and the local name
            return False
        if cnp.PyArray_NDIM(buffer) != len(self.point_shape) or not cnp.PyArray_ISBEHAVED(buffer):
            return False
        for i in range(cnp.PyArray_NDIM(buffer)):
            if cnp.PyArray_DIM(buffer, i) != <Py_ssize_t>self.point_shape[i]:
                return False
        if <PyObject *>cnp.PyArray_DESCR(buffer) != <PyObject *>self.point_dtype:
            return False
        return cnp.PyArray_IS_C_CONTIGUOUS(buffer)

    cdef int place_point(
        self, Plan plan, Py_ssize_t p, cnp.ndarray x, cnp.ndarray h, Py_ssize_t lanes, Py_ssize_t lane
    ) except -1:
        cdef Py_ssize_t i, size = cnp.PyArray_ITEMSIZE(x)
        cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(x) else 1
        cdef char *goal = <char *>cnp.PyArray_DATA(self.buffer)
        cdef char *source = <char *>cnp.PyArray_DATA(x) + lane * size
        cdef int typenum = cnp.PyArray_TYPE(h)
        if (
            plan.coordinates and lanes == 1 and typenum == cnp.NPY_DOUBLE and parts == 1
            and plan.point_start[p + 1] - plan.point_start[p] > FEW
        ):
            copy_and_displace[double](
                plan, p, <double *>source, <double *>cnp.PyArray_DATA(h), <double *>goal
            )
            return 0
        if lanes == 1:
            memcpy(goal, source, self.n_components * size)
        else:
            for i in range(self.n_components):
                memcpy(goal + i * size, source + i * lanes * size, size)
        if typenum == cnp.NPY_DOUBLE:
            displace[double](plan, p, <double *>cnp.PyArray_DATA(h), lanes, lane, <double *>goal, parts, self.imaginary)
        elif typenum == cnp.NPY_FLOAT:
            displace[float](plan, p, <float *>cnp.PyArray_DATA(h), lanes, lane, <float *>goal, parts, self.imaginary)
        else:
            displace[cnp.longdouble_t](
                plan, p, <long double *>cnp.PyArray_DATA(h), lanes, lane, <long double *>goal, parts, self.imaginary
            )
        return 0

    cdef int store(self, object output, Py_ssize_t column, Py_ssize_t columns) except -1:
        cdef cnp.ndarray values
        if self.fast and PyFloat_Check(<PyObject *>output):
            values = self.values
            (<double *>cnp.PyArray_DATA(values))[inside(column, cnp.PyArray_DIM(values, 0))] = PyFloat_AS_DOUBLE(
                <PyObject *>output
            )
            self.stored += 1
            return 0
        if (
            self.values is not None and cnp.PyArray_CheckExact(output) and not self.imaginary
            and (self.stored > 0 or self.epsilon == self.finest)
        ):
            values = self.values
            if (
                cnp.PyArray_DESCR(<cnp.ndarray>output) == cnp.PyArray_DESCR(values)
                and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>output) and output.shape == self.shape
            ):
                memcpy(
                    <char *>cnp.PyArray_DATA(values)
                    + inside(column, cnp.PyArray_DIM(values, 0)) * self.m * cnp.PyArray_ITEMSIZE(values),
                    cnp.PyArray_DATA(<cnp.ndarray>output), self.m * cnp.PyArray_ITEMSIZE(values),
                )
                self.stored += 1
                return 0
        array = self.numbers(output)
        self.meet(array, array.shape)
        if self.values is None:
            self.forget(columns)
        self.fast = (
            self.shape == () and self.dtype == np.float64 and not self.imaginary and self.epsilon == self.finest
        )
        self.values[column] = array.reshape(-1)
        return 0

    cdef int require_fit(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes,
    ) except -1:
        cdef int typenum = real_type(cnp.PyArray_TYPE(x))
        if not (0 <= first <= last <= plan.n_points and plan.n_components == self.n_components and 0 <= lane0):
            raise ValueError("points outside the plan")
        if lane0 + lanes > all_lanes or cnp.PyArray_DIM(h, 1) != all_lanes:
            raise ValueError("lanes outside x or h")
        if cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(self.buffer):
            raise ValueError("x and the buffer differ in type")
        reals(x, typenum, self.n_components * all_lanes * (2 if cnp.PyArray_ISCOMPLEX(x) else 1))
        reals(h, typenum, plan.n_slots * all_lanes)
        return 0

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost.

        Returns False, after the first call, where the output is coarser than the steps were made for."""
        cdef Py_ssize_t p, b, columns = column + (last - first) * lanes
        self.require_fit(plan, first, last, x, h, all_lanes, lane0, lanes)
        self.reserve(columns)
        self.undisplaced = plan.base and last == 1
        for p in range(first, last):
            for b in range(lane0, lane0 + lanes):
                self.place_point(plan, p, x, h, all_lanes, b)
                if not self.evaluate_point(column, columns):
                    return False
                column += 1
        return True

    cdef bint evaluate_point(self, Py_ssize_t column, Py_ssize_t columns) except -1:
        # f at the point in the buffer; False where its output is coarser than the steps were made for
        cdef object output
        try:
            if len(self.point_shape) == 0:
                scalar = cnp.PyArray_ToScalar(cnp.PyArray_DATA(self.buffer), self.buffer)
                output = self.call(<PyObject *>scalar, 1)
            else:
                output = self.call(<PyObject *>self.buffer, 1)
        except Exception as error:
            if not self.nan_on_error:
                raise
            self.error = error
            if self.values is not None:
                self.values[column] = np.nan
        else:
            self.store(output, column, columns)
            output = None
            if self.coarse > 0:
                return False
        if not self.is_intact():
            self.buffer = np.empty(self.point_shape, self.point_dtype)
        return True

    cpdef evaluate_along(self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count):
        cdef Py_ssize_t p, parts = 2 if cnp.PyArray_ISCOMPLEX(self.buffer) else 1
        if lines.n_components != self.n_components or cnp.PyArray_TYPE(lines.x) != cnp.PyArray_TYPE(self.buffer):
            raise ValueError("lines and the buffer differ in size or type")
        self.reserve(count)
        for p in range(count):
            lines.place(line, shift, p, 1, cnp.PyArray_DATA(self.buffer), parts, 0)
            self.evaluate_point(p, count)
            if self.coarse > 0:
                self.epsilon, self.coarse = self.coarse, 0
