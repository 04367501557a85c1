"""Call: a vectorised function at the points of a sample plan, a block of points a call.

It gets private points, refilled before each call and given away as soon as it kept a reference to them; its output is
copied before it runs again, or combined.
"""
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport inside, real, real_type, reals
from fastcalc._kernels.calling cimport FLOAT64, Caller
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.plan cimport Plan

cnp.import_array()

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)


cdef void fill_block(
    Plan plan, Py_ssize_t first, Py_ssize_t last, const real *x, const real *h, Py_ssize_t all_lanes, Py_ssize_t lane0,
    Py_ssize_t lanes, Py_ssize_t parts, Py_ssize_t part, real *out,
) noexcept nogil:
    # IN x[n, all_lanes, parts], h[n_slots, all_lanes]; OUT out[n, (last - first) * lanes, parts]
    cdef Py_ssize_t i, p, points = last - first, row = points * lanes * parts, size = lanes * parts * sizeof(real)
    cdef const real *source
    cdef real *goal
    for i in range(plan.n_components):
        source = x + (i * all_lanes + lane0) * parts
        goal = out + i * row
        if lanes > 1 and parts == 1:
            for p in range(points):
                copy_displaced(plan, first + p, i, source, h + lane0, all_lanes, lanes, goal + p * lanes)
        elif lanes == 1 and real is double and parts == 1:
            spread(<const uint64_t *>source, <uint64_t *>goal, points)
        else:
            for p in range(points):
                memcpy(goal + p * lanes * parts, source, size)
    if lanes == 1 or parts == 2:
        for p in range(points):
            displace_block(plan, first + p, h + lane0, all_lanes, lanes, parts, out + p * lanes * parts + part, row)


cdef inline void spread(const uint64_t *number, uint64_t *out, Py_ssize_t count) noexcept nogil:
    # the block before mostly left the same number everywhere, and reading is twice as fast as writing
    cdef Py_ssize_t p
    cdef uint64_t difference = 0
    for p in range(count):
        difference |= out[p] ^ number[0]
    if difference != 0:
        for p in range(count):
            out[p] = number[0]


cdef inline void copy_displaced(
    Plan plan, Py_ssize_t point, Py_ssize_t component, const real *x, const real *h, Py_ssize_t all_lanes,
    Py_ssize_t lanes, real *out,
) noexcept nogil:
    # IN x[lanes], h[n_slots, all_lanes]; OUT out[lanes]: one component of a point, written once where it moves once
    cdef Py_ssize_t b, e, s
    cdef const real *steps
    cdef real multiple
    cdef bint moved = False
    for e in range(plan.point_start[point], plan.point_start[point + 1]):
        s = inside(plan.entry_slot[e], plan.n_slots)
        if plan.component[s] == component:
            steps = h + s * all_lanes
            multiple = <real>plan.multiple[e]
            if moved:
                for b in range(lanes):
                    out[b] += multiple * steps[b]
            else:
                for b in range(lanes):
                    out[b] = x[b] + multiple * steps[b]
            moved = True
    if not moved:
        memcpy(out, x, lanes * sizeof(real))


cdef inline void displace_block(
    Plan plan, Py_ssize_t point, const real *h, Py_ssize_t all_lanes, Py_ssize_t lanes, Py_ssize_t parts, real *out,
    Py_ssize_t row,
) noexcept nogil:
    # IN h[n_slots, all_lanes]; INOUT out[component * row + lane * parts]
    cdef Py_ssize_t b, e, s
    cdef const real *steps
    cdef real *goal
    cdef real multiple
    for e in range(plan.point_start[point], plan.point_start[point + 1]):
        s = inside(plan.entry_slot[e], plan.n_slots)
        goal = out + plan.component[s] * row
        steps = h + s * all_lanes
        multiple = <real>plan.multiple[e]
        if parts == 1:
            for b in range(lanes):
                goal[b] += multiple * steps[b]
        else:
            for b in range(lanes):
                goal[b * 2] += multiple * steps[b]


cdef class BlockCaller(Caller):
    """Many points a call: f takes (n, k), returns (k,) or (m, k). ``values``: (m, columns)."""

    def __init__(
        self, function, point_dtype, Py_ssize_t n, bint one_row, bint scalar=False, bint imaginary=False,
        bint nan_on_error=False,
    ):
        Caller.__init__(self, function, point_dtype, scalar, imaginary, nan_on_error)
        self.columns_last = True
        self.n_components = n
        self.one_row = one_row
        self.memory = np.empty(0, self.point_dtype)

    cpdef Py_ssize_t columns(self) except -1:
        return max(1, self.block_bytes // (8 * max(1, self.n_components, self.m)))

    cdef object points(self, Py_ssize_t k):
        """A private (n, k) array, or (k,) for a function of one variable."""
        cdef Py_ssize_t size = self.n_components * k
        if cnp.PyArray_SIZE(self.memory) < size:
            self.memory = np.empty(size, self.point_dtype)
        flat = self.memory[:size]
        return flat if self.one_row else flat.reshape(self.n_components, k)

    cdef cnp.ndarray place_points(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes,
    ):
        """The points `first` to `last` of a plan as columns, lanes innermost."""
        cdef Py_ssize_t k = (last - first) * lanes
        cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(x) else 1
        cdef int typenum = real_type(cnp.PyArray_TYPE(x))
        cdef cnp.ndarray block
        cdef void *px = reals(x, typenum, self.n_components * all_lanes * parts)
        cdef void *ph = reals(h, typenum, plan.n_slots * all_lanes)
        cdef void *pb
        if not (0 <= first <= last <= plan.n_points and plan.n_components == self.n_components and 0 <= lane0):
            raise ValueError("points outside the plan")
        if lane0 + lanes > all_lanes or cnp.PyArray_DIM(h, 1) != all_lanes:
            raise ValueError("lanes outside x or h")
        if cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(self.memory):
            raise ValueError("x and the buffer differ in type")
        block = self.points(k)
        pb = cnp.PyArray_DATA(block)
        if typenum == cnp.NPY_DOUBLE:
            fill_block[double](
                plan, first, last, <double *>px, <double *>ph, all_lanes, lane0, lanes, parts, self.imaginary,
                <double *>pb,
            )
        elif typenum == cnp.NPY_FLOAT:
            fill_block[float](
                plan, first, last, <float *>px, <float *>ph, all_lanes, lane0, lanes, parts, self.imaginary, <float *>pb
            )
        else:
            fill_block[cnp.longdouble_t](
                plan, first, last, <long double *>px, <long double *>ph, all_lanes, lane0, lanes, parts, self.imaginary,
                <long double *>pb,
            )
        return block

    cdef cnp.ndarray place_along(
        self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t first, Py_ssize_t k
    ):
        """The points from `first` on along lines as columns."""
        cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(self.memory) else 1
        cdef cnp.ndarray block
        if lines.n_components != self.n_components or cnp.PyArray_TYPE(lines.x) != cnp.PyArray_TYPE(self.memory):
            raise ValueError("lines and the buffer differ in size or type")
        block = self.points(k)
        lines.place(line, shift, first, k, cnp.PyArray_DATA(block), k * parts, parts)
        return block

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost.

        Returns False where the output is coarser than the steps were made for."""
        cdef Py_ssize_t k = (last - first) * lanes
        cdef cnp.ndarray block = self.place_points(plan, first, last, x, h, all_lanes, lane0, lanes)
        self.reserve(column + k)
        self.undisplaced = plan.base and last == 1
        if not self.evaluate_points(block, column, k):
            return self.one_by_one(plan, first, last, x, h, all_lanes, lane0, lanes, column)
        # the views keep the memory alive: what f kept, it owns from now on
        if Py_REFCNT(<PyObject *>block) != 1 or Py_REFCNT(<PyObject *>self.memory) != 2:
            self.memory = np.empty(0, self.point_dtype)
        return self.coarse == 0

    cdef bint evaluate_points(self, cnp.ndarray block, Py_ssize_t column, Py_ssize_t k) except -1:
        # f at all points of a block; False where it failed and its points are to be taken one by one
        try:
            output = self.call(<PyObject *>block, k)
        except Exception as error:
            if not self.nan_on_error:
                raise
            self.memory = np.empty(0, self.point_dtype)  # f may have kept it
            if k > 1:
                return False
            self.error = error
            if self.values is not None:
                self.values[:, column] = np.nan
        else:
            self.store(output, column, k)
        return True

    cpdef evaluate_along(self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count):
        cdef Py_ssize_t first = 0, k, p, at_once = self.columns()
        self.reserve(count)
        while first < count:
            k = min(at_once, count - first)
            if not self.evaluate_some(lines, line, shift, first, k):
                for p in range(first, first + k):
                    self.evaluate_some(lines, line, shift, p, 1)
            first += k
            self.reserve(count)  # now that the size of an output is known
            if self.coarse > 0:
                self.epsilon, self.coarse = self.coarse, 0

    cdef bint evaluate_some(
        self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t first, Py_ssize_t k
    ) except -1:
        cdef cnp.ndarray block = self.place_along(lines, line, shift, first, k)
        cdef bint done = self.evaluate_points(block, first, k)
        if Py_REFCNT(<PyObject *>block) != 1 or Py_REFCNT(<PyObject *>self.memory) != 2:
            self.memory = np.empty(0, self.point_dtype)
        return done

    def one_by_one(self, plan, first, last, x, h, all_lanes, lane0, lanes, column):
        """Every point of a failed block by itself, so that only those that fail become NaN."""
        for p in range(first, last):
            for b in range(lane0, lane0 + lanes):
                if not self.evaluate(plan, p, p + 1, x, h, all_lanes, b, 1, column):
                    return False
                column += 1
        return True

    cdef int store(self, object output, Py_ssize_t column, Py_ssize_t k) except -1:
        if (
            self.direct and self.shape == () and column == 0 and self.dtype is FLOAT64 and self.epsilon == self.finest
            and cnp.PyArray_CheckExact(output) and cnp.PyArray_ISALIGNED(<cnp.ndarray>output)
            and cnp.PyArray_NDIM(<cnp.ndarray>output) == 1
            and cnp.PyArray_DIM(<cnp.ndarray>output, 0) == k and cnp.PyArray_IS_C_CONTIGUOUS(<cnp.ndarray>output)
            and <PyObject *>cnp.PyArray_DESCR(<cnp.ndarray>output) == <PyObject *>FLOAT64
        ):
            self.borrowed = output[None]
            self.stored += 1
            return 0
        array = self.numbers(output)
        cdef tuple shape = array.shape
        cdef Py_ssize_t last = len(shape) - 1
        if last < 0 or shape[last] != k:
            given = f"({k},)" if self.one_row else f"({self.n_components}, {k})"
            raise ValueError(
                "a vectorized `f` must return shape (k,) or (m, k), one column per point, for points of shape "
                f"{given}; got shape {shape}: points are columns, so reduce over axis 0, or leave out `vectorized=True`"
            )
        self.meet(array, shape[:last])
        if self.values is None:
            self.forget(column + k)
        cdef cnp.ndarray values = self.values, numbers = array
        cdef Py_ssize_t i, size = cnp.PyArray_ITEMSIZE(values)
        cdef char *goal = <char *>cnp.PyArray_DATA(values) + column * size
        if cnp.PyArray_DESCR(numbers) == cnp.PyArray_DESCR(values) and cnp.PyArray_IS_C_CONTIGUOUS(numbers):
            for i in range(self.m):
                memcpy(
                    goal + i * cnp.PyArray_DIM(values, 1) * size,
                    <char *>cnp.PyArray_DATA(numbers) + i * k * size,
                    k * size,
                )
        else:
            values[:, column : column + k] = array.reshape(self.m, k)
        return 0
