"""Call: what all ways of calling a function at the points of a sample plan share.

The function never sees memory that matters: it gets private points, refilled before each call and given away as soon as
it kept a reference to them; its output is copied before it runs again.
"""
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.float cimport DBL_EPSILON
from libc.math cimport NAN
from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport reals
from fastcalc._kernels.combine cimport combine
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.plan cimport Plan
from fastcalc._kernels.steps cimport choose_steps

from fastcalc._kernels.steps import true_steps

cnp.import_array()

cdef extern from "Python.h":
    object PyObject_Vectorcall(object function, PyObject **arguments, size_t count, PyObject *names)
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET

_EPSILONS = {}
FLOAT64 = np.dtype(np.float64)


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

    cpdef start(self):
        """Begin a new walk: what was found of f's output may not hold any more."""
        self.stored = 0
        self.coarse = 0
        self.error = self.borrowed = None
        self.direct = False

    cpdef Py_ssize_t columns(self) except -1:
        """Values to keep in a block: what fits the cache; 1 before the size of an output is known."""
        raise NotImplementedError

    cpdef forget(self, Py_ssize_t columns):
        """All of `columns` values unknown."""
        self.values = unknown((self.m, columns) if self.columns_last else (columns, self.m), self.dtype)

    cpdef reserve(self, Py_ssize_t columns):
        """Make room for `columns` values, keeping those that are there."""
        cdef cnp.ndarray kept = self.values
        if kept is None:
            if self.m >= 0:
                self.forget(columns)
        elif cnp.PyArray_DIM(kept, 1 if self.columns_last else 0) < columns:
            self.forget(columns)
            self.values[: cnp.PyArray_DIM(kept, 0), : cnp.PyArray_DIM(kept, 1)] = kept

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
            cnp.PyArray_SIZE(x) != plan.n_components * lanes or self.n_components != plan.n_components or self.m < 0
            or self.epsilon != self.finest or self.point_dtype is not FLOAT64
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
            tiny = self.place_block(source, lanes, lane, width, relative, reach, tiny_below)
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
        self, cnp.ndarray x, Py_ssize_t lanes, Py_ssize_t lane, Py_ssize_t width, double relative, Py_ssize_t reach,
        double tiny_below,
    ) except -1:
        # a block of lanes of x, and its steps; returns whether a component is tiny
        cdef Py_ssize_t i, n = self.n_components
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
