"""Call: a Python function at the points of a sample plan, one point a call or a block of points a call.

The function never sees memory that matters: it gets a private buffer, refilled before each call and given away as soon
as the function kept a reference to it; its output is copied before it runs again.
"""
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.float cimport DBL_EPSILON
from libc.math cimport NAN
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport inside, real, real_type, reals
from fastcalc._kernels.plan cimport Plan
from fastcalc._kernels.combine cimport combine
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.steps cimport choose_steps

from fastcalc._kernels.steps import true_steps

cnp.import_array()

cdef extern from "Python.h":
    object PyObject_Vectorcall(object function, PyObject **arguments, size_t count, PyObject *names)
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    Py_ssize_t Py_REFCNT(PyObject *)
    int PyFloat_Check(PyObject *)
    double PyFloat_AS_DOUBLE(PyObject *)


cdef void displace(
    Plan plan, Py_ssize_t point, const real *h, Py_ssize_t lanes, Py_ssize_t lane, real *out, Py_ssize_t stride,
    Py_ssize_t part,
) noexcept nogil:
    # IN h[n_slots, lanes]; INOUT out[component * stride + part]
    cdef Py_ssize_t e, s
    for e in range(plan.point_start[point], plan.point_start[point + 1]):
        s = inside(plan.entry_slot[e], plan.n_slots)
        out[plan.component[s] * stride + part] += <real>plan.multiple[e] * h[s * lanes + lane]


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


_EPSILONS = {}
cdef object FLOAT64 = np.dtype(np.float64)


cdef double epsilon_of(object dtype) except -1:
    """Machine epsilon of a floating-point dtype; NumPy's own look-up takes a microsecond."""
    if dtype is FLOAT64:
        return DBL_EPSILON
    known = _EPSILONS.get(dtype)
    if known is None:
        known = _EPSILONS[dtype] = float(np.finfo(dtype).eps)
    return known


@np.errstate(all="ignore")
def evaluate_quietly(caller, *arguments):
    """Evaluate away from x, where NumPy's floating-point warnings tell the user nothing."""
    return caller.evaluate(*arguments)


cdef cnp.ndarray empty(tuple shape, object dtype):
    """np.empty, without a call through Python for float64."""
    cdef cnp.npy_intp lengths[32]
    cdef Py_ssize_t i, dimensions = len(shape)
    if dtype is not FLOAT64 or dimensions > 32:
        return np.empty(shape, dtype)
    for i in range(dimensions):
        lengths[i] = shape[i]
    return cnp.PyArray_EMPTY(<int>dimensions, lengths, cnp.NPY_DOUBLE, 0)


cdef cnp.ndarray unknown(tuple shape, object dtype):
    """An array of NaN; np.full takes far longer."""
    cdef cnp.ndarray array = empty(shape, dtype)
    cdef double *data = <double *>cnp.PyArray_DATA(array)
    cdef Py_ssize_t i
    if dtype is FLOAT64:
        for i in range(cnp.PyArray_SIZE(array)):
            data[i] = NAN
    else:
        array.fill(np.nan)
    return array


cdef class Caller:
    """What both ways of calling share: the function with its other arguments, its values, and what is known of them.

    ``values`` holds one column per point and lane, ``shape`` the shape of one output, ``dtype`` the type of ``values``:
    the result type of x and of all outputs so far. ``coarse`` is the machine epsilon to use where the first output
    shows that ``epsilon``, which the steps were made for, is not the coarser one of x and f; else 0.
    """

    _BLOCK_BYTES = 2**18

    cdef object function
    cdef tuple others
    cdef object names
    cdef PyObject **stack
    cdef Py_ssize_t n_positional, place
    cdef readonly object shape, dtype
    cdef readonly cnp.ndarray values
    cdef object point_dtype
    cdef bint scalar
    cdef public bint guess_scalar  # take the output for a scalar where f gives none at all
    cdef bint imaginary, nan_on_error, fast
    cdef bint undisplaced        # the point is x itself, whose value is the real part
    cdef readonly Py_ssize_t n_components, m
    cdef public Py_ssize_t evaluations
    cdef readonly list suspects
    cdef public object kept
    cdef Py_ssize_t stored
    cdef double finest
    cdef public double epsilon
    cdef readonly double coarse
    cdef readonly object error
    cdef readonly bint columns_last
    cdef Py_ssize_t block_bytes  # what to keep in a block: set by the class of the adapter
    cdef bint direct             # results are combined before f runs again: its outputs need no copy
    cdef cnp.ndarray borrowed    # such an output, (m, columns)
    cdef cnp.ndarray steps, origin  # (n_slots, lanes); x, which f could reach through the caller's array

    def __cinit__(self, *args, **kwargs):
        self.stack = NULL

    def __init__(self, function, point_dtype, bint scalar, bint imaginary, bint nan_on_error):
        self.function = function
        self.point_dtype = point_dtype
        self.scalar, self.imaginary, self.nan_on_error = scalar, imaginary, nan_on_error
        self.guess_scalar = scalar
        self.block_bytes = self._BLOCK_BYTES
        self.shape = self.dtype = self.values = self.error = None
        self.m = -1
        if scalar and cnp.PyArray_DescrCheck(point_dtype) and point_dtype is FLOAT64:  # nearly always: floats come back
            self.shape, self.m, self.dtype = (), 1, FLOAT64
        self.epsilon = self.finest = epsilon_of(self.point_dtype)
        self.bind((), (), None)

    def __dealloc__(self):
        PyMem_Free(self.stack)

    def bind(self, tuple before, tuple after, dict keywords):
        """Set the arguments before and after x, and those by name."""
        cdef Py_ssize_t i, count = len(before) + len(after) + (len(keywords) if keywords else 0)
        if self.stack is not NULL and count == 0 and len(self.others) == 0:
            return
        cdef PyObject **stack = <PyObject **>PyMem_Malloc((count + 2) * sizeof(PyObject *))
        if stack is NULL:
            raise MemoryError
        PyMem_Free(self.stack)
        self.stack = stack
        self.others = (*before, *after, *keywords.values()) if keywords else before + after
        self.names = tuple(keywords) if keywords else None
        self.n_positional = len(before) + 1 + len(after)
        self.place = 1 + len(before)  # stack[0] is scratch space for the callee
        for i in range(count):
            stack[1 + i + (i >= len(before))] = <PyObject *>self.others[i]

    def start(self):
        """Begin a new walk: what was found of f's output may not hold any more."""
        self.stored = 0
        self.coarse = 0
        self.error = self.borrowed = None
        self.direct = False

    cpdef Py_ssize_t columns(self) except -1:
        """Values to keep in a block: what fits the cache; 1 before the size of an output is known."""
        raise NotImplementedError

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost.

        Returns False where the output is coarser than the steps were made for."""
        raise NotImplementedError

    cpdef evaluate_along(self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count):
        """Fill the first `count` columns with the values at the displacements `shift` along the lines `line`.

        Sets `epsilon` to what the first output shows, since no steps depend on it."""
        raise NotImplementedError

    cpdef Py_ssize_t width(self, Plan plan, Py_ssize_t lanes) except -1:
        """Points x to treat together, out of `lanes`."""
        return max(1, min(lanes, self.columns() // max(1, plan.n_points)))

    def at_once(
        self, Plan plan not None, cnp.ndarray x not None, Py_ssize_t lanes, double relative, Py_ssize_t reach,
        double tiny_below, tuple measured, tuple shape, bint quiet,
    ):
        """Where, call and combine in the common case, where nothing needs a second look: default steps, a single plan,
        all of its points in one block if any are retained or there are many points x, float64 throughout. `measured`
        holds the arguments of `true_steps` where steps have to be measured; `shape` follows that of f's output in the
        result. `quiet`: floating-point warnings are off.

        Returns None where that does not hold: mostly before f ran, or after its first output turned out coarser. Leaves
        in `suspects` the first lane and the points x of the blocks with components too small to tell their size, to be
        looked at again; in `kept` the points x where f ran in vain, else None.
        """
        cdef Py_ssize_t lane, width, group, stop, first, last, columns
        cdef bint tiny
        cdef cnp.ndarray source = x, out = None, divisors
        self.kept = None
        if (
            cnp.PyArray_SIZE(x) != plan.n_components * lanes or self.m < 0 or self.epsilon != self.finest
            or self.point_dtype is not FLOAT64
        ):
            return None
        columns = self.columns()
        if plan.n_points > columns and (lanes > 1 or plan.n_retained > 0):
            return None
        width = self.width(plan, lanes)
        if width < lanes:
            source = x.copy()  # f may reach the caller's array; a single block is copied below
        self.start()
        self.direct = quiet
        self.suspects = []
        for lane in range(0, lanes, width):
            width = min(width, lanes - lane)
            tiny = self.place_block(plan, source, lanes, lane, width, relative, reach, tiny_below)
            if tiny:
                if lanes == 1:
                    return None
                self.suspects.append((lane, self.origin.copy()))
            divisors = self.steps
            if measured is not None:
                divisors = np.empty_like(self.steps)
                true_steps(self.origin, self.steps, *measured, divisors)
            stop = 0
            while stop < plan.n_groups:
                group, first = stop, plan.n_retained
                stop, last = plan.n_groups, plan.n_points
                if plan.n_points > columns:
                    stop, first, last = plan.block(group, columns)
                if quiet:
                    finer = self.evaluate(
                        plan, 0 if group == 0 else first, last, self.origin, self.steps, width, 0, width, 0
                    )
                else:
                    finer = self.evaluate(plan, 0, plan.base, self.origin, self.steps, width, 0, width, 0) and (
                        evaluate_quietly(
                            self, plan, plan.base, plan.n_points, self.origin, self.steps, width, 0, width,
                            plan.base * width,
                        )
                    )
                if not finer:
                    self.epsilon = self.coarse
                elif out is None and (self.dtype is FLOAT64 or self.dtype.char == "D"):
                    out = empty(self.shape + shape if self.shape else shape, self.dtype)
                if not finer or out is None or (out.dtype is not self.dtype and out.dtype != self.dtype):
                    self.kept = source if source is not x else self.origin.copy()
                    return None
                combine(
                    plan, group, stop, 0, self.values if self.borrowed is None else self.borrowed, self.columns_last,
                    self.m, lanes, lane, width, divisors, 0, out,
                )
                self.borrowed = None
        return out

    cdef bint place_block(
        self, Plan plan, cnp.ndarray x, Py_ssize_t lanes, Py_ssize_t lane, Py_ssize_t width, double relative,
        Py_ssize_t reach, double tiny_below,
    ) except -1:
        # a block of lanes of x, and its steps; returns whether a component is tiny
        cdef Py_ssize_t i, n = plan.n_components
        cdef double *source = <double *>reals(x, cnp.NPY_DOUBLE, n * lanes)
        cdef double *goal
        if self.steps is None or cnp.PyArray_DIM(self.steps, 1) != width or cnp.PyArray_DIM(self.steps, 0) != n:
            self.steps = empty((n, width), FLOAT64)
            self.origin = empty((n, width), FLOAT64)
        goal = <double *>cnp.PyArray_DATA(self.origin)
        for i in range(n):
            memcpy(goal + i * width, source + i * lanes + lane, width * sizeof(double))
        return choose_steps(self.origin, relative, reach, None, tiny_below, self.steps)

    def assume_scalar(self):
        """f failed everywhere, or x holds no point: let its output be a scalar."""
        self.shape, self.m = (), 1
        self.dtype = np.dtype(self.point_dtype.type(0).real.dtype if self.imaginary else self.point_dtype)
        self.forget(1)

    cdef object call(self, PyObject *point, Py_ssize_t points):
        self.stack[self.place] = point
        self.evaluations += points
        PyErr_CheckSignals()
        return PyObject_Vectorcall(
            self.function, self.stack + 1, <size_t>self.n_positional | PY_VECTORCALL_ARGUMENTS_OFFSET,
            <PyObject *>self.names if self.names is not None else NULL,
        )

    cdef object numbers(self, object output):
        """The output as an array of inexact numbers: what f returned may be a list or a Python float."""
        if isinstance(output, (float, int, complex)) and not isinstance(output, np.generic):
            # Python's numbers have no precision of their own: they take that of x, as in NumPy's promotion
            array = np.asarray(output, np.result_type(self.point_dtype, output))
        else:
            try:
                array = np.asarray(output)
            except ValueError as error:
                raise TypeError(
                    "`f` must return numbers, an array or nested lists of one shape; got a ragged "
                    f"{type(output).__name__}"
                ) from error
        kind = "f" if self.imaginary and isinstance(output, (float, int)) else array.dtype.kind
        if kind in "biu":
            array = array.astype(np.float64)
        elif output is None:
            raise TypeError("`f` must return numbers; got None: is a `return` missing?")
        elif kind not in "fc":
            raise TypeError(
                f"`f` must return numbers; got {type(output).__name__} of dtype {array.dtype}: return floats, complex "
                "numbers or arrays of them"
            )
        if self.imaginary:
            if kind != "c":
                raise TypeError(
                    "method 'complex' needs an `f` that computes in complex arithmetic; got a real output, of type "
                    f"{type(output).__name__}, which has lost the derivative: use method 'central'"
                )
            array = array.real if self.undisplaced else array.imag
        return array

    cdef int meet(self, object array, tuple shape) except -1:
        """Take the first output's shape and type, or check a later one against them."""
        if self.scalar and shape != () and shape != (1,):
            raise ValueError(
                "`f` must return a scalar for a gradient or a Hessian product, shape () or (1,); got shape "
                f"{shape}: use `jacobian`, or vectorized=True if f takes many points as columns"
            )
        shape = () if self.scalar else shape
        dtype = np.result_type(self.point_dtype.type(0).real.dtype if self.imaginary else self.point_dtype, array.dtype)
        cdef double epsilon
        if self.stored == 0:  # what an earlier evaluation found may not hold in this one
            if shape != self.shape or dtype != self.dtype:
                self.shape, self.dtype, self.values = shape, dtype, None
                self.m = 1
                for k in shape:
                    self.m *= k
            epsilon = max(self.finest, epsilon_of(array.dtype))
            self.coarse = epsilon if epsilon != self.epsilon else 0
        elif shape != self.shape:
            raise ValueError(f"`f` must return the same shape at every point; got {self.shape}, then {shape}")
        elif dtype != self.dtype:
            self.dtype = np.result_type(self.dtype, dtype)
            self.values = self.values.astype(self.dtype)
        self.stored += 1
        return 0


cdef class PointCaller(Caller):
    """One call a point, in a buffer of x's shape; a NumPy scalar where x is a scalar. ``values``: (columns, m)."""

    cdef cnp.ndarray buffer
    cdef tuple point_shape

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

    def forget(self, Py_ssize_t columns):
        """All of `columns` values unknown."""
        self.values = unknown((columns, self.m), self.dtype)

    def reserve(self, Py_ssize_t columns):
        """Make room for `columns` values, keeping those that are there."""
        if self.values is None:
            if self.m >= 0:
                self.forget(columns)
        elif cnp.PyArray_DIM(self.values, 0) < columns:
            grown = unknown((columns, self.m), self.dtype)
            grown[: len(self.values)] = self.values
            self.values = grown

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

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost.

        Returns False, after the first call, where the output is coarser than the steps were made for."""
        cdef Py_ssize_t p, b, columns = column + (last - first) * lanes
        cdef int typenum = real_type(cnp.PyArray_TYPE(x))
        if not (0 <= first <= last <= plan.n_points and plan.n_components == self.n_components and 0 <= lane0):
            raise ValueError("points outside the plan")
        if lane0 + lanes > all_lanes or cnp.PyArray_DIM(h, 1) != all_lanes:
            raise ValueError("lanes outside x or h")
        if cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(self.buffer):
            raise ValueError("x and the buffer differ in type")
        reals(x, typenum, self.n_components * all_lanes * (2 if cnp.PyArray_ISCOMPLEX(x) else 1))
        reals(h, typenum, plan.n_slots * all_lanes)
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


cdef class BlockCaller(Caller):
    """Many points a call: f takes (n, k), returns (k,) or (m, k). ``values``: (m, columns)."""

    cdef cnp.ndarray memory
    cdef bint one_row

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

    def forget(self, Py_ssize_t columns):
        """All of `columns` values unknown."""
        self.values = unknown((self.m, columns), self.dtype)

    def reserve(self, Py_ssize_t columns):
        """Make room for `columns` values, keeping those that are there."""
        if self.values is None:
            if self.m >= 0:
                self.forget(columns)
        elif cnp.PyArray_DIM(self.values, 1) < columns:
            grown = unknown((self.m, columns), self.dtype)
            grown[:, : self.values.shape[1]] = self.values
            self.values = grown

    cdef object points(self, Py_ssize_t k):
        """A private (n, k) array, or (k,) for a function of one variable."""
        cdef Py_ssize_t size = self.n_components * k
        if cnp.PyArray_SIZE(self.memory) < size:
            self.memory = np.empty(size, self.point_dtype)
        flat = self.memory[:size]
        return flat if self.one_row else flat.reshape(self.n_components, k)

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost.

        Returns False where the output is coarser than the steps were made for."""
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
        cdef Py_ssize_t parts = 2 if cnp.PyArray_ISCOMPLEX(self.memory) else 1
        cdef cnp.ndarray block
        cdef bint done
        if lines.n_components != self.n_components or cnp.PyArray_TYPE(lines.x) != cnp.PyArray_TYPE(self.memory):
            raise ValueError("lines and the buffer differ in size or type")
        block = self.points(k)
        lines.place(line, shift, first, k, cnp.PyArray_DATA(block), k * parts, parts)
        done = self.evaluate_points(block, first, k)
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
