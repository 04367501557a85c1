"""Points along lines x + s d: where a ladder wants f to be evaluated."""
cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport real, real_type, reals

cnp.import_array()


cdef class Lines:
    """Lines through the points x (n, lanes): line k goes through point ``lane[k]`` along axis ``axis[k]``; axis a moves
    the components ``component[start[a]:start[a + 1]]`` by ``coefficient`` (entries, lanes or 1), of x's real type,
    times the displacement. Without these: one line per component and point, along its coordinate, lanes innermost.
    """

    def __init__(
        self, cnp.ndarray x not None, cnp.ndarray start=None, cnp.ndarray component=None, cnp.ndarray coefficient=None,
        cnp.ndarray axis=None, cnp.ndarray lane=None,
    ):
        self.typenum = real_type(cnp.PyArray_TYPE(x))
        self.parts = 2 if cnp.PyArray_ISCOMPLEX(x) else 1
        self.n_components, self.n_lanes = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1)
        reals(x, self.typenum, self.n_components * self.n_lanes * self.parts)
        self.x = x
        if start is None:
            self.n_lines = self.n_components * self.n_lanes
            return
        self.n_lines = cnp.PyArray_DIM(axis, 0)
        self.per_lane = cnp.PyArray_DIM(coefficient, 1)
        for array in (start, component, axis, lane):
            if array.dtype != np.intp or not array.flags.c_contiguous:
                raise ValueError("a kernel got indices of the wrong type or layout")
        reals(coefficient, self.typenum, cnp.PyArray_DIM(component, 0) * self.per_lane)
        if not (
            start[0] == 0 and (np.diff(start) >= 0).all() and start[len(start) - 1] == len(component)
            and self.per_lane in (1, self.n_lanes) and cnp.PyArray_DIM(lane, 0) == self.n_lines
        ):
            raise ValueError("a kernel got lines that don't fit together")
        for indices, length in ((component, self.n_components), (axis, len(start) - 1), (lane, self.n_lanes)):
            if len(indices) and not 0 <= indices.min() <= indices.max() < length:
                raise ValueError("a kernel got indices outside their arrays")
        self.start, self.component, self.coefficient = start, component, coefficient
        self.axis, self.lane = axis, lane

    cdef int place(
        self, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t first, Py_ssize_t count, void *out,
        Py_ssize_t next_component, Py_ssize_t next_point,
    ) except -1:
        """Write the points asked for, from `first` on, to `out`, whose strides are in numbers of x's real type."""
        cdef Py_ssize_t p
        cdef int kind = cnp.PyArray_TYPE(shift)
        cdef const Py_ssize_t *which
        if cnp.PyArray_TYPE(line) != cnp.NPY_INTP or cnp.PyArray_SIZE(line) < first + count:
            raise ValueError("a kernel got indices of the wrong type, or too few")
        if kind != cnp.NPY_DOUBLE and kind != cnp.NPY_LONGDOUBLE or cnp.PyArray_SIZE(shift) < first + count:
            raise ValueError("a kernel got displacements of the wrong type, or too few")
        which = <const Py_ssize_t *>cnp.PyArray_DATA(line) + first
        for p in range(count):
            if not 0 <= which[p] < self.n_lines:
                raise ValueError("a line outside the set")
        if self.typenum == cnp.NPY_DOUBLE:
            put(self, which, shift, first, count, <double *>out, next_component, next_point)
        elif self.typenum == cnp.NPY_FLOAT:
            put(self, which, shift, first, count, <float *>out, next_component, next_point)
        else:
            put(self, which, shift, first, count, <cnp.longdouble_t *>out, next_component, next_point)
        return 0


cdef void put(
    Lines lines, const Py_ssize_t *line, cnp.ndarray shift, Py_ssize_t first, Py_ssize_t count, real *out,
    Py_ssize_t next_component, Py_ssize_t next_point,
):
    cdef bint coordinates = lines.start is None
    cdef const real *x = <const real *>cnp.PyArray_DATA(lines.x)
    cdef const real *coefficient = <const real *>(NULL if coordinates else cnp.PyArray_DATA(lines.coefficient))
    cdef const Py_ssize_t *start = <const Py_ssize_t *>(NULL if coordinates else cnp.PyArray_DATA(lines.start))
    cdef const Py_ssize_t *component = <const Py_ssize_t *>(NULL if coordinates else cnp.PyArray_DATA(lines.component))
    cdef const Py_ssize_t *axis = <const Py_ssize_t *>(NULL if coordinates else cnp.PyArray_DATA(lines.axis))
    cdef const Py_ssize_t *lane = <const Py_ssize_t *>(NULL if coordinates else cnp.PyArray_DATA(lines.lane))
    cdef const double *shifts = <const double *>cnp.PyArray_DATA(shift)
    cdef const long double *long_shifts = <const long double *>cnp.PyArray_DATA(shift)
    cdef bint extended = cnp.PyArray_TYPE(shift) == cnp.NPY_LONGDOUBLE
    cdef Py_ssize_t p, i, e, a, b, parts = lines.parts, lanes = lines.n_lanes, per_lane = lines.per_lane
    cdef real s
    cdef real *goal
    for i in range(lines.n_components):  # row by row, since memory is, where points are columns
        goal = out + i * next_component
        if lanes == 1 and parts == 1:
            s = x[i]
            for p in range(count):
                goal[p * next_point] = s
            continue
        for p in range(count):
            b = line[p] % lanes if coordinates else lane[line[p]]
            for a in range(parts):
                goal[p * next_point + a] = x[(i * lanes + b) * parts + a]
    for p in range(count):
        s = <real>(long_shifts[first + p] if extended else shifts[first + p])
        if s == 0:
            continue
        goal = out + p * next_point
        if coordinates:
            goal[(line[p] // lanes) * next_component] += s
            continue
        a, b = axis[line[p]], lane[line[p]] if per_lane > 1 else 0
        for e in range(start[a], start[a + 1]):
            goal[component[e] * next_component] += s * coefficient[e * per_lane + b]
