"""Call: a Python function at the points of a sample plan, in tasks that run elsewhere.

The points are those of a serial run, from the same kernels, and what f returned goes through the same checks in the
same order. Between these two steps, a subclass has the calls made: its `outputs` takes all points and yields what f
returned, or a `Failure` with what it raised.
"""
from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.blocks cimport BlockCaller
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.plan cimport Plan
from fastcalc._kernels.points cimport PointCaller

cnp.import_array()


cdef class Failure:
    """An exception in the place of an output."""

    cdef readonly object error

    def __init__(self, error):
        self.error = error


cdef class MappedPoints(PointCaller):
    """One point a call."""

    def outputs(self, points):
        """Yields one output, or a Failure, for each of the points (k, *point_shape)."""
        raise NotImplementedError

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost.

        Returns False, after its first points, where the output is coarser than the steps were made for."""
        cdef Py_ssize_t p, b, count = (last - first) * lanes
        cdef cnp.ndarray points
        cdef char *goal
        self.require_fit(plan, first, last, x, h, all_lanes, lane0, lanes)
        points = np.empty((count, *self.point_shape), self.point_dtype)
        goal = <char *>cnp.PyArray_DATA(points)
        for p in range(first, last):
            for b in range(lane0, lane0 + lanes):
                self.place_point(plan, p, x, h, all_lanes, b)
                memcpy(goal, cnp.PyArray_DATA(self.buffer), cnp.PyArray_NBYTES(self.buffer))
                goal += cnp.PyArray_NBYTES(self.buffer)
        self.undisplaced = plan.base and last == 1
        return self.store_all(self.outputs(points), column, column + count, False)

    cpdef evaluate_along(self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count):
        """Fill the first `count` columns with the values at the displacements `shift` along the lines `line`."""
        cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(self.buffer) else 1
        cdef cnp.ndarray points
        if lines.n_components != self.n_components or cnp.PyArray_TYPE(lines.x) != cnp.PyArray_TYPE(self.buffer):
            raise ValueError("lines and the buffer differ in size or type")
        points = np.empty((count, *self.point_shape), self.point_dtype)
        lines.place(line, shift, 0, count, cnp.PyArray_DATA(points), parts, self.n_components * parts)
        self.store_all(self.outputs(points), 0, count, True)

    cdef bint store_all(self, object outputs, Py_ssize_t column, Py_ssize_t columns, bint along) except -1:
        self.reserve(columns)
        for output in outputs:
            if isinstance(output, Failure):
                self.error = (<Failure>output).error
                if not self.nan_on_error or not isinstance(self.error, Exception):
                    raise self.error
                if self.values is not None:
                    self.values[column] = np.nan
            else:
                self.store(output, column, columns)
                if self.coarse > 0:
                    if not along:
                        return False
                    self.epsilon, self.coarse = self.coarse, 0
            column += 1
        return True


cdef class MappedBlocks(BlockCaller):
    """Many points a call."""

    def outputs(self, points):
        """Yields, for points (n, k) or (k,) in parts that add up to k, the number of points in a part, and the output
        or a Failure for it."""
        raise NotImplementedError

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost.

        Returns False where the output is coarser than the steps were made for."""
        points = self.place_points(plan, first, last, x, h, all_lanes, lane0, lanes)
        self.memory = np.empty(0, self.point_dtype)  # a task may look at the points after this call
        self.undisplaced = plan.base and last == 1
        return self.store_all(self.outputs(points), column, column + (last - first) * lanes, False)

    cpdef evaluate_along(self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count):
        """Fill the first `count` columns with the values at the displacements `shift` along the lines `line`."""
        points = self.place_along(lines, line, shift, 0, count)
        self.memory = np.empty(0, self.point_dtype)
        self.store_all(self.outputs(points), 0, count, True)

    cdef bint store_all(self, object outputs, Py_ssize_t column, Py_ssize_t columns, bint along) except -1:
        cdef Py_ssize_t k
        self.reserve(columns)
        for k, output in outputs:
            if isinstance(output, Failure):
                self.error = (<Failure>output).error
                if not self.nan_on_error or not isinstance(self.error, Exception):
                    raise self.error
                if self.values is not None:
                    self.values[:, column : column + k] = np.nan
            else:
                self.store(output, column, k)
                self.reserve(columns)  # now that the size of an output is known
                if self.coarse > 0:
                    if not along:
                        return False
                    self.epsilon, self.coarse = self.coarse, 0
            column += k
        return True
