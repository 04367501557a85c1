"""Call: a compiled function at the points of a sample plan, in one loop without the interpreter.

The function gets a private point: x with some components displaced, which are restored by assignment after the call
(floating-point addition is not associative), whatever the function wrote into them. The others are compared with x bit
by bit, each before it is displaced, all of them after some calls and at the end, so that a function that writes into
its point is noticed. Its values are then taken again, each at a point that was copied anew.

Signals are looked for some 50 times a second. The clock is read after as many calls as take some microseconds, so that
neither cheap functions are slowed down by it nor expensive ones keep Ctrl-C waiting.
"""
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.limits cimport INT_MAX
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport inside, reals
from fastcalc._kernels.calling cimport FLOAT64, Caller
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.plan cimport Plan
from fastcalc._kernels.signals cimport interrupted, raise_pending

from fastcalc._errors import CallbackError

cnp.import_array()

cdef extern from "clock.h":
    double seconds "fastcalc_seconds"() noexcept nogil

cdef enum:
    MOST_CALLS = 256  # between two readings of the clock
    LINE = 64         # bytes of a line of the cache

cdef double SPACING = 4e-6   # seconds between two readings of the clock
cdef double PATIENCE = 0.02  # seconds between two looks for signals


cdef int keep_watch(Watch *watch) noexcept nogil:
    """After the last of `stride` calls: 0, or -1 with an exception set where a signal asks to stop."""
    cdef double now = seconds(), elapsed = now - watch.read
    cdef double calls = SPACING * watch.stride / elapsed if elapsed > 0 else MOST_CALLS
    watch.stride = 1 if calls < 1 else MOST_CALLS if calls > MOST_CALLS else <int>calls
    watch.left = watch.stride
    watch.read = now
    if now - watch.checked < PATIENCE:
        return 0
    watch.checked = now
    return -1 if interrupted() else 0


cdef struct Points:
    # of a plan: point p adds multiple[e] * h[slot[e]] to component[slot[e]] for each of its entries e
    const Py_ssize_t *start
    const Py_ssize_t *slot
    const Py_ssize_t *component
    const double *multiple
    const double *h       # at one lane
    Py_ssize_t lanes      # from slot to slot


cdef Points points_of(Plan plan, const double *h, Py_ssize_t lanes) noexcept:
    cdef Points points
    points.start = &plan.point_start[0]
    points.slot = &plan.entry_slot[0] if plan.entry_slot.shape[0] > 0 else NULL
    points.component = &plan.component[0] if plan.component.shape[0] > 0 else NULL
    points.multiple = &plan.multiple[0] if plan.multiple.shape[0] > 0 else NULL
    points.h, points.lanes = h, lanes
    return points


cdef inline Move move_of(const Work *w, const Points *points, Py_ssize_t e) noexcept nogil:
    cdef Py_ssize_t s = points.slot[e]
    cdef Move move
    move.component = inside(points.component[s], w.n)
    move.shift = points.multiple[e] * points.h[s * points.lanes]
    return move


cdef inline void displace(Work *w, const Points *points, Py_ssize_t p) noexcept nogil:
    cdef Py_ssize_t e
    cdef Move move
    for e in range(points.start[p], points.start[p + 1]):
        move = move_of(w, points, e)
        w.point[move.component] += move.shift


cdef inline Outcome visit(Work *w, const Points *points, Py_ssize_t p, double *y) noexcept nogil:
    """f at point p; OUT y[m]."""
    cdef Py_ssize_t j, first = points.start[p], count = points.start[p + 1] - first
    cdef Move[FEW] moves
    if count > FEW or w.refill:
        renew(w)
        displace(w, points, p)
        return visit_many(w, y)
    for j in range(count):
        moves[j] = move_of(w, points, first + j)
    if count == 1:
        return visit_one(w, moves[0].component, moves[0].shift, y)
    return visit_few(w, moves, count, y)


cdef Outcome visit_all(
    Work *w, const Points *points, Py_ssize_t first, Py_ssize_t last, double *y, Py_ssize_t row, Py_ssize_t *p,
) noexcept nogil:
    # f at the points from first to last around one x; OUT y[row * (p - first)]; p: the last one visited
    cdef Outcome outcome
    while True:
        p[0] = first
        outcome = DONE
        while p[0] < last:
            outcome = visit(w, points, p[0], y + row * (p[0] - first))
            if outcome != DONE:
                break
            p[0] += 1
            look_closely(w, p[0] - first)
        if outcome == INTERRUPTED or not was_changed(w):
            return outcome
        w.status = 0


cdef struct Along:
    # point p is x displaced by shift[p] along line[p], as `Lines` has them: without `start` along coordinates
    const double *x           # [n, lanes]
    const double *shift
    const Py_ssize_t *line
    const Py_ssize_t *start
    const Py_ssize_t *component
    const double *coefficient
    const Py_ssize_t *axis
    const Py_ssize_t *lane
    Py_ssize_t lanes, per_lane


cdef Along along_lines(Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count) except *:
    cdef Along along
    cdef Py_ssize_t p
    if lines.typenum != cnp.NPY_DOUBLE or lines.parts != 1:
        raise ValueError("a compiled function takes float64")
    if cnp.PyArray_TYPE(line) != cnp.NPY_INTP or cnp.PyArray_SIZE(line) < count:
        raise ValueError("a kernel got indices of the wrong type, or too few")
    along.shift = <const double *>reals(shift, cnp.NPY_DOUBLE, count)
    along.line = <const Py_ssize_t *>cnp.PyArray_DATA(line)
    for p in range(count):
        if not 0 <= along.line[p] < lines.n_lines:
            raise ValueError("a line outside the set")
    along.x = <const double *>cnp.PyArray_DATA(lines.x)
    along.lanes, along.per_lane = lines.n_lanes, lines.per_lane
    along.start = along.component = along.axis = along.lane = NULL
    along.coefficient = NULL
    if lines.start is not None:
        along.start = <const Py_ssize_t *>cnp.PyArray_DATA(lines.start)
        along.component = <const Py_ssize_t *>cnp.PyArray_DATA(lines.component)
        along.coefficient = <const double *>cnp.PyArray_DATA(lines.coefficient)
        along.axis = <const Py_ssize_t *>cnp.PyArray_DATA(lines.axis)
        along.lane = <const Py_ssize_t *>cnp.PyArray_DATA(lines.lane)
    return along


cdef inline Py_ssize_t lane_of(const Along *along, Py_ssize_t p) noexcept nogil:
    return along.line[p] % along.lanes if along.start is NULL else along.lane[along.line[p]]


cdef inline Move move_along(const Work *w, const Along *along, Py_ssize_t p, Py_ssize_t e) noexcept nogil:
    # entry e of point p; the only one of a coordinate
    cdef Py_ssize_t line = along.line[p]
    cdef Move move
    if along.start is NULL:
        move.component, move.shift = line // along.lanes, along.shift[p]
    else:
        move.component = inside(along.component[e], w.n)
        move.shift = along.shift[p] * along.coefficient[
            e * along.per_lane + (along.lane[line] if along.per_lane > 1 else 0)
        ]
    return move


cdef inline void entries_along(const Along *along, Py_ssize_t p, Py_ssize_t *first, Py_ssize_t *last) noexcept nogil:
    cdef Py_ssize_t axis
    first[0] = last[0] = 0
    if along.shift[p] == 0:  # x itself: adding 0 would lose the sign of -0
        return
    if along.start is NULL:
        last[0] = 1
    else:
        axis = along.axis[along.line[p]]
        first[0], last[0] = along.start[axis], along.start[axis + 1]


cdef void displace_along(Work *w, const Along *along, Py_ssize_t p) noexcept nogil:
    cdef Py_ssize_t e, first, last
    cdef Move move
    entries_along(along, p, &first, &last)
    for e in range(first, last):
        move = move_along(w, along, p, e)
        w.point[move.component] += move.shift


cdef inline Outcome visit_along(Work *w, const Along *along, Py_ssize_t p, double *y) noexcept nogil:
    cdef Py_ssize_t j, first, last
    cdef Move[FEW] moves
    entries_along(along, p, &first, &last)
    if last - first > FEW or w.refill:
        renew(w)
        displace_along(w, along, p)
        return visit_many(w, y)
    for j in range(last - first):
        moves[j] = move_along(w, along, p, first + j)
    if last - first == 1:
        return visit_one(w, moves[0].component, moves[0].shift, y)
    return visit_few(w, moves, last - first, y)


cdef Outcome visit_lines(
    Work *w, const Along *along, Py_ssize_t count, double *y, Py_ssize_t m, Py_ssize_t *p
) noexcept nogil:
    # f at all points; OUT y[count, m]; p: the last one visited
    cdef Py_ssize_t first = 0, lane
    cdef Outcome outcome
    while first < count:  # a run of points around the same x
        lane = lane_of(along, first)
        go_to(w, along.x + lane, along.lanes)
        while True:
            p[0] = first
            outcome = DONE
            while p[0] < count and lane_of(along, p[0]) == lane:
                outcome = visit_along(w, along, p[0], y + p[0] * m)
                if outcome != DONE:
                    break
                p[0] += 1
                look_closely(w, p[0] - first)
            if outcome == INTERRUPTED or not was_changed(w):
                break
            w.status = 0
        if outcome != DONE:
            return outcome
        first = p[0]
    return DONE


cdef class FunctionPointer:
    """A C function and what it takes to call it; safe to share between threads.

    Parameters
    ----------
    address : int
        Of the function.
    form : int
        0: ``double (double)``; 1: ``double (int n, double *x)``; 2: ``void (int m, int n, double *x, double *y)``;
        3: the same, returning an int, 0 for success.
    data : int or None
        Address that goes into a last argument ``void *``; None where there is no such argument.
    shape : tuple of int or None
        Of the output: () for the forms 0 and 1; m is its size. None: to be learnt from `first`.
    owner : object
        What has to stay alive.
    failure : callable, optional
        Returns the exception to raise from the status, not 0, and the point (n,); default: `CallbackError`.
    first : callable, optional
        Returns the output (float64) at the point (n,), after it has called `learn`.
    """

    def __init__(self, address, int form, data, shape, owner=None, failure=CallbackError, first=None):
        if not address or not 0 <= form <= 3:
            raise ValueError("a function pointer needs an address and a form")
        if form <= SCALAR and shape != ():
            raise ValueError(f"a compiled function that returns its value has one; got outputs of shape {shape}")
        self.routine.address = <void *><uintptr_t>address
        self.routine.form = <Form>form
        self.routine.m = -1
        self.owner, self.failure, self.first = owner, failure, first
        self.set_data(data)
        if shape is not None:
            self.learn(shape, data)

    cdef int set_data(self, data) except -1:
        self.routine.takes_data = data is not None
        self.routine.data = NULL if data is None else <void *><uintptr_t>data
        return 0

    def learn(self, tuple shape, data):
        """Set the shape of outputs, and the data that the function needs for it."""
        cdef Py_ssize_t size = 1
        for length in shape:
            if not 0 <= length <= INT_MAX or (length > 0 and size > INT_MAX // <Py_ssize_t>length):
                raise ValueError(f"a compiled function counts its outputs with a C int; got outputs of shape {shape}")
            size *= length
        self.set_data(data)
        self.routine.m, self.shape = <int>size, shape

    @property
    def one_variable(self):
        """Whether it takes a number, and not an array."""
        return self.routine.form == OF_ONE_VARIABLE

    cdef int fail(self, int status, const double *point, Py_ssize_t n) except -1:
        where = np.empty(n)
        if n > 0:
            memcpy(cnp.PyArray_DATA(<cnp.ndarray>where), point, n * sizeof(double))
        raise self.failure(status, where)

    def values_at(self, cnp.ndarray points not None, bint nan_on_error=False):
        """Values (k, m) at the points (k, n), C-contiguous float64, without the GIL.

        Parameters
        ----------
        points : ndarray (k, n)
            Not changed.
        nan_on_error : bool, default False
            Whether points where f returns a status other than 0 give NaN.

        Returns
        -------
        ndarray (k, m)
        """
        cdef Py_ssize_t k = cnp.PyArray_DIM(points, 0), n = cnp.PyArray_DIM(points, 1), p = 0
        cdef const double *x = <const double *>reals(points, cnp.NPY_DOUBLE, k * n)
        if self.routine.m < 0:
            raise ValueError("the shape of outputs is not known yet: call `first`")
        cdef cnp.ndarray values = np.empty((k, self.routine.m))
        cdef double *y = <double *>cnp.PyArray_DATA(values)
        cdef Outcome outcome = DONE
        cdef Work work
        if cnp.PyArray_ISCOMPLEX(points):
            raise ValueError("a compiled function takes real points")
        check_variables(self, n)
        open_work(&work, self, n, nan_on_error)
        try:
            work.refill = True
            with nogil:
                for p in range(k):
                    memcpy(work.point, x + p * n, n * sizeof(double))
                    outcome = enter(&work, y + p * work.routine.m)
                    if outcome != DONE:
                        break
            if outcome == INTERRUPTED:
                raise_pending()
            if outcome == FAILED:
                self.fail(work.status, x + p * n, n)
        finally:
            PyMem_Free(work.origin)
        return values


cdef int check_variables(FunctionPointer f, Py_ssize_t n) except -1:
    if f.routine.form == OF_ONE_VARIABLE and n != 1:
        raise ValueError(
            f"a compiled function of the form double (double) has one variable; got an x of {n}: for an array of "
            "points use `derivative`, or vectorized=True with x of shape (1, ...)"
        )
    if n > INT_MAX:
        raise ValueError(f"a compiled function counts its variables with a C int; got {n} of them")
    return 0


cdef int open_work(Work *w, FunctionPointer f, Py_ssize_t n, bint nan_on_error) except -1:
    """Memory for the points of n variables, to be freed by its owner."""
    cdef double *memory = <double *>PyMem_Malloc((2 * n + 1) * sizeof(double) + LINE)
    if memory is NULL:
        raise MemoryError
    w.origin = memory
    # f mostly reads it two numbers at a time: that costs twice as much across two lines of the cache
    w.point = <double *>((<uintptr_t>(memory + n) + LINE - 1) & ~<uintptr_t>(LINE - 1))
    w.routine, w.n, w.nan_on_error = f.routine, n, nan_on_error
    w.refill, w.changed, w.calls, w.status = False, 0, 0, 0
    w.watch.left, w.watch.stride, w.watch.read = 1, 1, seconds()
    w.watch.checked = w.watch.read
    return 0


cdef class CompiledCaller(Caller):
    """One call a point, from C. ``values``: (columns, m), where f writes its outputs.

    ``evaluations`` counts the calls, those again of a function that wrote into its point too.
    """

    def __cinit__(self, *args, **kwargs):
        self.work.origin = NULL

    def __init__(self, FunctionPointer pointer not None, Py_ssize_t n, bint scalar=False, bint nan_on_error=False):
        Caller.__init__(self, None, FLOAT64, scalar, False, nan_on_error)
        check_variables(pointer, n)
        PyMem_Free(self.work.origin)
        self.work.origin = NULL
        open_work(&self.work, pointer, n, nan_on_error)
        self.pointer = pointer
        self.n_components = n
        self.dtype, self.columns_last = FLOAT64, False
        if pointer.shape is not None:
            self.adopt_shape()

    def __dealloc__(self):
        PyMem_Free(self.work.origin)

    cdef int adopt_shape(self) except -1:
        # from the pointer, once that has it
        cdef tuple shape = self.pointer.shape
        if self.scalar and shape != () and shape != (1,):
            raise ValueError(
                "`f` must return a scalar for a gradient or a Hessian product, shape () or (1,); got a compiled "
                f"function with outputs of shape {shape}: use `jacobian`"
            )
        self.shape, self.m = () if self.scalar else shape, self.pointer.routine.m
        self.work.routine = self.pointer.routine
        self.values = None
        return 0

    cdef int evaluate_first(self, Py_ssize_t column, Py_ssize_t columns) except -1:
        """Fill a column with the value at the point in `work`, from Python; tells the shape of all others."""
        where = np.empty(self.n_components)
        memcpy(cnp.PyArray_DATA(<cnp.ndarray>where), self.work.point, self.n_components * sizeof(double))
        self.evaluations += 1
        try:
            value = self.pointer.first(where)
        except Exception as error:
            if not self.work.nan_on_error:
                raise
            self.error = error
            if self.values is not None:  # after `assume_scalar`
                self.values[column] = NAN
            return 0
        self.adopt_shape()
        self.reserve(columns)
        self.values[column] = value.reshape(-1)
        return 0

    def bind(self, tuple before, tuple after, dict keywords):
        """Compiled functions have no arguments but x."""
        if before or after or keywords:
            raise TypeError(
                f"a compiled function takes x alone; got {len(before) + len(after) + len(keywords or ())} other "
                "arguments: give them as `user_data`, in a structure that the function reads"
            )

    cpdef Py_ssize_t columns(self) except -1:
        return 1 if self.m < 0 else self.block_bytes // (8 * self.m + 8) + 1

    cpdef evaluate(
        self, Plan plan, Py_ssize_t first, Py_ssize_t last, cnp.ndarray x, cnp.ndarray h, Py_ssize_t all_lanes,
        Py_ssize_t lane0, Py_ssize_t lanes, Py_ssize_t column,
    ):
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost."""
        cdef Work *w = &self.work
        cdef Py_ssize_t b, p = first, m = self.m, row = lanes * m
        cdef const double *px = <const double *>reals(x, cnp.NPY_DOUBLE, self.n_components * all_lanes)
        cdef const double *ph = <const double *>reals(h, cnp.NPY_DOUBLE, plan.n_slots * all_lanes)
        cdef double *y
        cdef Points points = points_of(plan, ph + lane0, all_lanes)
        cdef Outcome outcome = DONE
        if not (0 <= first <= last <= plan.n_points and plan.n_components == self.n_components and 0 <= lane0):
            raise ValueError("points outside the plan")
        if lane0 + lanes > all_lanes or cnp.PyArray_DIM(h, 1) != all_lanes:
            raise ValueError("lanes outside x or h")
        if cnp.PyArray_ISCOMPLEX(x):
            raise ValueError("x and the buffer differ in type")
        if w.routine.m < 0:
            self.reserve(column + (last - first) * lanes)
            for p in range(first, last):
                for b in range(lanes):
                    if w.routine.m < 0:
                        go_to(w, px + lane0 + b, all_lanes)
                        points.h = ph + lane0 + b
                        displace(w, &points, p)
                        self.evaluate_first(column, column + (last - p) * lanes - b)
                    else:
                        self.evaluate(plan, p, p + 1, x, h, all_lanes, lane0 + b, 1, column)
                    column += 1
            return True
        self.reserve(column + (last - first) * lanes)
        y = <double *>cnp.PyArray_DATA(self.values) + column * m
        w.calls = w.status = 0
        with nogil:
            for b in range(lanes):
                go_to(w, px + lane0 + b, all_lanes)
                points.h = ph + lane0 + b
                outcome = visit_all(w, &points, first, last, y + b * m, row, &p)
                if outcome != DONE:
                    break
        self.evaluations += w.calls
        if outcome != DONE:
            if outcome == FAILED:
                memcpy(w.point, w.origin, w.n * sizeof(double))
                displace(w, &points, p)
            self.stop(outcome)
        elif w.status != 0:
            self.error = CallbackError(w.status)
        return True

    cpdef evaluate_along(self, Lines lines, cnp.ndarray line, cnp.ndarray shift, Py_ssize_t count):
        """Fill the first `count` columns with the values at the displacements `shift` along the lines `line`."""
        cdef Work *w = &self.work
        cdef Py_ssize_t p = 0, m
        cdef double *y
        cdef Along along = along_lines(lines, line, shift, count)
        cdef Outcome outcome
        if lines.n_components != self.n_components:
            raise ValueError("lines and the buffer differ in size or type")
        if w.routine.m < 0:
            self.reserve(count)
        while w.routine.m < 0 and p < count:
            go_to(w, along.x + lane_of(&along, p), along.lanes)
            displace_along(w, &along, p)
            self.evaluate_first(p, count)
            p += 1
        if p == count:
            return
        self.reserve(count)
        m = self.m
        y = <double *>cnp.PyArray_DATA(self.values) + p * m
        along.line, along.shift, count = along.line + p, along.shift + p, count - p
        w.calls = w.status = 0
        with nogil:
            outcome = visit_lines(w, &along, count, y, m, &p)
        self.evaluations += w.calls
        if outcome != DONE:
            if outcome == FAILED:
                memcpy(w.point, w.origin, w.n * sizeof(double))
                displace_along(w, &along, p)
            self.stop(outcome)
        elif w.status != 0:
            self.error = CallbackError(w.status)

    cdef int stop(self, Outcome outcome) except -1:
        # raise what ended a loop early; f failed at the point as it is
        if outcome == INTERRUPTED:
            raise_pending()
        return self.pointer.fail(self.work.status, self.work.point, self.work.n)
