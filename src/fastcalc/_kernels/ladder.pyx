"""Ladders of steps, one per line through a point x, in lockstep: which samples each needs next, and what they tell.

A line is f(x + s d), a function of s; its n-th derivative at 0 is wanted for each output of f. A ladder takes rungs
h_0 > h_1 > ..., samples at s = +-h_k (or on one side), and asks after each round what `windows` makes of them:

    down    the best window is near the lower end: smaller steps may be better still; in larger strides where nothing is
            believable yet (x is far larger than the scale of f);
    up      the best window is at the upper end, and rounding limits it: larger steps may be better;
    noise   nothing is believable, or the misses of the best window below it contradict the rounding of f: eight values
            in close succession tell noise from structure that the rungs stepped over (Moré and Wild 2011);
    check   all outputs have their window: one more sample, off the ladder, must be where the polynomials say.

Two evaluations a rung. The error reported is twice the sum of the truncation estimate, or of what the check point
missed, and the rounding bound.

    windows   extrapolation over consecutive rungs, and which to trust
    rungs     steps and samples, in their order
    outputs   what the samples say of one output: its window, what it wants next
    closeup   values in close succession: noise, levels, or neither
    outcome   value, error and verdict in the end
    ladder    what a line does next, of all that its outputs want; the class that Python sees
"""
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport NAN
from libc.string cimport memcpy, memset

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport reals
from fastcalc._kernels.calling cimport Caller
from fastcalc._kernels.closeup cimport moves, noise_level, quantum
from fastcalc._kernels.lines cimport Lines
from fastcalc._kernels.outcome cimport CLOSE_UP, OTHER_STEPS, SETTLED, settle
from fastcalc._kernels.outputs cimport DOWN, LISTEN, READY, STILL_UP, STRIDE_DOWN, UP, act
from fastcalc._kernels.rungs cimport (
    BASE, CHECK, CLOSE, DONE, FIRST_RUNG, MAX_PENDING, MAX_REQUESTS, NOISE, NOISE_POINTS, OFF_LADDER, RUNGS, Block,
    Line, collect, insert, is_finite, ladder, plan_down, quantized, sample, turn, weigh_from
)
from fastcalc._kernels.windows cimport MAX_RUNGS, Seen, make_form, real

cnp.import_array()

cdef double RATIO_FIRST = 1.5  # of consecutive steps, for first derivatives; no power of 2
cdef double RATIO = 1.4        # for higher ones, which live from the larger steps
cdef double BELIEVABLE = 1e-2  # truncation over value of a window that is believed
cdef double SLACK = 10         # truncation over rounding of one that is as good as rounding allows
cdef double STALL = 0.6        # the slowest fall of the companion from window to window
cdef double SAFETY = 2         # for what f rounds inside, and luck with differences
cdef double LATTICE = 1e-5     # changes of f, over f, up to which they may be those of a lower precision
cdef double NOISE_FACTOR = 3   # from the root mean square of misses to a bound
cdef double OFF = 0.83         # the check point, in units of the largest step in use
cdef double LONGEST = 16       # stride down
cdef double LEAP = 1e3         # a stride up that begins a new ladder
cdef double UNKNOWN = -1       # noise that was not listened to
cdef int TRIES = 3             # spacings at which noise is listened to


cdef void take(Block *b, const real *values) noexcept nogil:
    # IN values[count, m], as asked for
    cdef Py_ssize_t i, size = b.m * sizeof(real)
    cdef int q, lowest
    cdef Line *s
    cdef real *pending
    for i in range(b.n_lines):
        s = b.state + i
        if s.phase == DONE:
            continue
        pending = (<real *>ladder(b, i)) + MAX_RUNGS
        if s.phase == RUNGS:
            lowest = s.count
            for q in range(s.pending):
                lowest = min(lowest, insert(b, i, pending[q], values, values + b.m))
                values += b.m if s.side else 2 * b.m
            s.evaluations += s.pending if s.side else 2 * s.pending
            turn(b, i, values)
            weigh_from(b, i, pending, 0 if s.count == 0 else lowest)
            decide(b, i, pending)
        elif s.phase == NOISE:
            memcpy(<real *>sample(b, i, CLOSE), values, NOISE_POINTS * size)
            values += NOISE_POINTS * b.m
            s.evaluations += NOISE_POINTS
            listen(b, i, pending)
        else:
            memcpy(<real *>sample(b, i, OFF_LADDER), values, s.pending * size)
            values += s.pending * b.m
            s.evaluations += s.pending
            finish(b, i, pending)


cdef void decide(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    cdef Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef Py_ssize_t o
    cdef int action, strongest = READY, more, most = 0
    cdef real up, highest = 0, ratio = b.ratio
    for o in range(b.m):
        if not is_finite((<real *>sample(b, i, BASE))[o]):
            continue
        action = act(b, i, o, &more, &up)
        if action == UP or action == STILL_UP:
            highest = max(highest, up)
        elif action == DOWN or action == STRIDE_DOWN:
            most = max(most, more)
        strongest = max(strongest, action)
    if strongest == STILL_UP and any_moves(b, i, kind):
        strongest = READY  # the scale of x is known
    if strongest == STRIDE_DOWN:
        s.slow += 1
        s.rough += 1
        for _ in range(s.slow):
            ratio *= <real>1.3
        ratio = min(ratio, <real>LONGEST)
        plan_down(b, i, h[s.count - 1] / ratio, ratio, 1)
    elif strongest == DOWN:
        s.slow = 0
        plan_down(b, i, h[s.count - 1] / ratio, ratio, min(most, 2 if s.count >= b.forms[s.side + 1].need else most))
    elif strongest == UP or strongest == STILL_UP:
        s.ups += 1
        if highest > LEAP * h[0] and (strongest == STILL_UP or b.m == 1):  # from the beginning
            s.count = 0
            for o in range(b.m):
                b.firsts[i * b.m + o] = 0
                b.dropped[2 * i * b.m + o] = NAN
        plan_down(b, i, highest, ratio, 1 if s.count > 0 else b.forms[s.side + 1].need)
    elif strongest == LISTEN:
        begin_listening(b, i, kind)
        return
    if strongest == READY or s.exhausted:
        begin_check(b, i, kind)


cdef bint any_moves(const Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    cdef Py_ssize_t o
    for o in range(b.m):
        if moves(b, i, o, kind):
            return True
    return False


cdef void begin_listening(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # At equal distances on one side, so that a kink or a jump at x is no noise; where f does not move from one number
    # to the next, in longer ones.
    cdef Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef const real *rows
    cdef const real *base = <real *>sample(b, i, BASE)
    cdef real distance = 32 * (<real *>b.finest)[i], room = min(h[0], (<real *>b.reach)[i]) / NOISE_POINTS
    cdef int k
    cdef Py_ssize_t o
    if s.tries == 0:
        distance = max(distance, <real>1e-7 * h[s.count - 1])
        for k in range(s.count):
            rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
            for o in range(b.m):
                if rows[o] == base[o] and moves(b, i, o, kind):
                    distance = max(distance, 4 * h[k])
    else:
        distance = 1000 * (<real *>ladder(b, i))[MAX_RUNGS]
    s.tries += 1
    if not distance <= room or s.tries > TRIES or s.evaluations + NOISE_POINTS + 1 > b.most:
        hear(b, i, kind)
        return
    distance = quantized((<real *>b.size)[i], distance, b.x_epsilon, (<real *>b.reach)[i] / NOISE_POINTS)
    (<real *>ladder(b, i))[MAX_RUNGS] = distance
    s.phase = NOISE


cdef void listen(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # ECNoise: the difference table of equidistant values (Moré, Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314)
    cdef Line *s = b.state + i
    cdef Py_ssize_t o
    cdef double level
    cdef double *noise
    cdef bint heard = False, equal = False
    for o in range(b.m):
        if not is_finite((<real *>sample(b, i, BASE))[o]):
            continue
        level = noise_level(b, i, o, kind)
        noise = b.noises + 2 * i * b.m + o
        equal |= level != level
        heard |= level > 0
        noise[b.m] = max(noise[b.m], quantum(b, i, o, kind) / NOISE_FACTOR, level if level > 0 else 0)
    s.levels |= equal
    if equal and not heard:
        begin_listening(b, i, kind)
    else:
        hear(b, i, kind)


cdef void hear(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # Take what was found for the noise, or the distance of the levels of an f that moves in jumps, and go on.
    cdef Py_ssize_t o
    cdef double *noise
    b.state[i].listened = True
    for o in range(b.m):
        noise = b.noises + 2 * i * b.m + o
        if not noise[b.m] > 0:
            noise[b.m] = quantum(b, i, o, kind) / NOISE_FACTOR
        noise[0] = max(noise[0], NOISE_FACTOR * noise[b.m])
    decide(b, i, kind)


cdef void begin_check(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # a point between the largest steps in use, for each of the scales of the outputs, once all windows are chosen
    cdef Line *s = b.state + i
    cdef real *pending = (<real *>ladder(b, i)) + MAX_RUNGS
    cdef real off
    cdef Py_ssize_t o
    cdef int q
    s.pending = 0
    for o in range(b.m):
        off = (<real *>b.top)[i * b.m + o]
        if not is_finite(off) or s.pending == MAX_PENDING:
            continue
        off = quantized((<real *>b.size)[i], <real>OFF * off, b.x_epsilon, (<real *>b.reach)[i])
        for q in range(s.pending):
            if off < <real>1.3 * pending[q] and pending[q] < <real>1.3 * off:
                off = 0
        if off > 0:
            pending[s.pending] = off
            s.pending += 1
    s.phase = CHECK
    if s.pending == 0:
        finish(b, i, kind)


cdef void finish(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # results of all outputs; what is pending are the check points
    cdef Line *s = b.state + i
    cdef Py_ssize_t o
    cdef int wanted, most = SETTLED
    cdef real between = 0
    for o in range(b.m):
        wanted = settle(b, i, o, s.pending, &between)
        most = max(most, wanted)
    s.phase = DONE
    if most == CLOSE_UP:
        begin_listening(b, i, kind)
        return
    if between > 0:
        s.ups += 1
        plan_down(b, i, between, <real>b.ratio, 1)
    elif most == OTHER_STEPS:
        s.retries += 1
        s.slow = 3
        plan_down(b, i, (<real *>ladder(b, i))[s.count - 1] / 4, <real>b.ratio, 1)
    else:
        return
    if s.exhausted:
        s.phase = DONE


cdef class Ladders:
    """Ladders for a block of lines through points x, each with `m` real outputs.

    While `ask` returns more than 0, evaluate f at the displacements ``shift[:count]`` along the lines ``line[:count]``
    and hand the values to `tell`. Then the results are there, of shape (lines, m): ``value``, ``error`` (NaN: unknown),
    ``step`` and ``top``, the smallest and the largest step of the window they come from, and ``verdict``, the number of
    a status. ``history`` (lines, rungs, 1 + 2 m) holds the step of each rung, then the smallest error of a window that
    ends there, then its rounding part; zeros behind the last rung.

    Parameters
    ----------
    n : int
        Which derivative, 1 to 10.
    base : ndarray (lines, m), float64 or longdouble
        f(x).
    first_step, reach, size, finest : ndarrays (lines,) of the same dtype
        First step; the largest step allowed; size of the numbers that steps are added to, so that x + h is exact, 0
        where it can't be; the smallest step that moves x.
    side : ndarray (lines,) of int8
        0: both sides of x, 1 and -1: one of them.
    epsilon, x_epsilon : float
        Relative rounding of f's values and of x.
    noise : float
        Absolute noise of f's values, negative if not known: it is then measured.
    rtol, atol : float
        Wanted accuracy, negative `rtol`: the best that can be had.
    most : int
        Evaluations a line.
    """

    def __cinit__(self, *args):
        self.memory = NULL

    def __dealloc__(self):
        PyMem_Free(self.memory)

    def __init__(
        self, int n, cnp.ndarray base not None, cnp.ndarray first_step not None, cnp.ndarray reach not None,
        cnp.ndarray size not None, cnp.ndarray finest not None, cnp.ndarray side not None, double epsilon,
        double x_epsilon, double noise, double rtol, double atol, int most, bint keep_history,
    ):
        cdef Py_ssize_t lines = cnp.PyArray_DIM(base, 0), m = cnp.PyArray_DIM(base, 1)
        cdef int typenum = cnp.PyArray_TYPE(base)
        cdef Block *b = &self.block
        self.extended = typenum == cnp.NPY_LONGDOUBLE
        if not self.extended and typenum != cnp.NPY_DOUBLE:
            raise TypeError(f"ladders are of float64 or longdouble; got {base.dtype}")
        if not 1 <= n <= 10 or cnp.PyArray_SIZE(side) != lines or cnp.PyArray_TYPE(side) != cnp.NPY_INT8:
            raise ValueError("a ladder got a wrong n or side")
        b[0] = new_block(
            n, lines, m, cnp.PyArray_ITEMSIZE(base), epsilon, x_epsilon, noise, rtol, atol, most
        )
        b.reach, b.size, b.finest = (
            reals(reach, typenum, lines), reals(size, typenum, lines), reals(finest, typenum, lines)
        )
        reals(base, typenum, lines * m)
        reals(first_step, typenum, lines)
        self.base, self.first_step, self.side, self.others = base, first_step, side, (reach, size, finest)
        self.line, self.shift = vector(lines * MAX_REQUESTS, cnp.NPY_INTP), vector(lines * MAX_REQUESTS, typenum)
        self.value, self.error, self.step, self.top = (
            matrix(lines, m, typenum), matrix(lines, m, typenum), matrix(lines, m, typenum), matrix(lines, m, typenum)
        )
        self.verdict = matrix(lines, m, cnp.NPY_INT8)
        self.history = np.zeros((lines, MAX_RUNGS, 1 + 2 * m), base.dtype) if keep_history else None
        b.value, b.error, b.step, b.top = (
            data_of(self.value), data_of(self.error), data_of(self.step), data_of(self.top)
        )
        b.verdict = <signed char *>data_of(self.verdict)
        b.history = data_of(self.history) if keep_history else NULL
        self.memory = <char *>PyMem_Malloc(room(b))
        if self.memory is NULL:
            raise MemoryError
        settle_in(b, self.memory)
        self.begin()

    cdef int begin(self) except -1:
        """From the bottom of all ladders, with the numbers that are in the arrays now."""
        cdef const signed char *side = <signed char *>data_of(self.side)
        self.asked = 0
        if self.extended:
            first_rungs(
                &self.block, side, <cnp.longdouble_t *>data_of(self.base), <cnp.longdouble_t *>data_of(self.first_step)
            )
        else:
            first_rungs(&self.block, side, <double *>data_of(self.base), <double *>data_of(self.first_step))
        return 0

    cpdef Py_ssize_t ask(self) except -1:
        """Fill `line` and `shift` with what to evaluate next, and return how many there are; 0 at the end."""
        if self.extended:
            self.asked = collect(&self.block, <Py_ssize_t *>data_of(self.line),
                                 <cnp.longdouble_t *>data_of(self.shift))
        else:
            self.asked = collect(&self.block, <Py_ssize_t *>data_of(self.line), <double *>data_of(self.shift))
        return self.asked

    def tell(self, cnp.ndarray values not None):
        """Take the values (count, m) of f at what was asked for, in that order; float64 or longdouble."""
        self.take_values(values)

    cdef int take_values(self, cnp.ndarray values) except -1:
        cdef int typenum = cnp.NPY_LONGDOUBLE if self.extended else cnp.NPY_DOUBLE
        cdef void *pv = reals(values, typenum, self.asked * self.block.m)
        if self.extended:
            take(&self.block, <cnp.longdouble_t *>pv)
        else:
            take(&self.block, <double *>pv)
        self.asked = 0
        return 0

    def climb(self, Caller function not None, Lines lines not None):
        """Let `function` evaluate what is asked for until nothing is; False where its values turn complex."""
        return self.climb_along(function, lines)

    cdef bint climb_along(self, Caller function, Lines lines) except -1:
        cdef cnp.ndarray values
        cdef Py_ssize_t count
        while self.ask():
            count = self.asked
            function.evaluate_along(lines, self.line, self.shift, count)
            values = function.values
            if cnp.PyArray_TYPE(values) != cnp.PyArray_TYPE(self.value) or (
                function.columns_last and self.block.m > 1
            ):
                if values.dtype.kind == "c" and function.m == self.block.m:
                    return False
                columns = values[:, :count].T if function.columns_last else values[:count]
                values = np.ascontiguousarray(columns).view(columns.real.dtype)
                values = np.ascontiguousarray(values, self.value.dtype)
            self.take_values(values)
        return True


cdef inline void *data_of(cnp.ndarray array):
    return cnp.PyArray_DATA(array)


cdef inline cnp.ndarray vector(cnp.npy_intp length, int typenum):
    return cnp.PyArray_EMPTY(1, &length, typenum, 0)


cdef inline cnp.ndarray matrix(Py_ssize_t rows, Py_ssize_t columns, int typenum):
    cdef cnp.npy_intp lengths[2]
    lengths[0], lengths[1] = rows, columns
    return cnp.PyArray_EMPTY(2, lengths, typenum, 0)


cdef Block new_block(
    int n, Py_ssize_t lines, Py_ssize_t m, Py_ssize_t item, double epsilon, double x_epsilon, double noise, double rtol,
    double atol, int most,
) noexcept nogil:
    """Ladders for numbers of `item` bytes, without memory."""
    cdef Block block
    cdef Block *b = &block
    cdef int i
    memset(b, 0, sizeof(Block))
    b.n_lines, b.m, b.n, b.item = lines, m, n, item
    for i in range(3):
        b.forms[i] = make_form(n, i - 1)
    b.stride = max(b.forms[0].window, b.forms[1].window)
    b.limits.epsilon, b.limits.believable, b.limits.slack, b.limits.stall = epsilon, BELIEVABLE, SLACK, STALL
    b.limits.safety, b.limits.lattice, b.limits.noise_factor = SAFETY, LATTICE, NOISE_FACTOR
    b.given, b.given_noise, b.x_epsilon, b.rtol, b.atol, b.most = noise >= 0, noise, x_epsilon, rtol, atol, most
    b.ratio = RATIO_FIRST if n == 1 else RATIO
    return block


cdef Py_ssize_t room(const Block *b) noexcept nogil:
    """Bytes for all that is not a result."""
    cdef Block nowhere = b[0]
    return settle_in(&nowhere, NULL)


cdef Py_ssize_t settle_in(Block *b, char *memory) noexcept nogil:
    """Spread over memory for numbers; returns how much that takes, in bytes."""
    cdef Py_ssize_t lines = b.n_lines, seen = 0, samples, steps, weights, noises, dropped, state, firsts
    samples = seen + lines * b.m * sizeof(Seen)
    steps = samples + lines * (FIRST_RUNG + 2 * MAX_RUNGS) * b.m * b.item
    weights = steps + lines * (MAX_RUNGS + MAX_PENDING) * b.item
    noises = weights + lines * (2 * b.stride + 1) * MAX_RUNGS * b.stride * b.item
    dropped = noises + 2 * lines * b.m * sizeof(double)
    state = dropped + 2 * lines * b.m * sizeof(double)
    firsts = state + lines * sizeof(Line)
    if memory is not NULL:
        b.seen = <Seen *>(memory + seen)
        b.samples, b.steps, b.weights = memory + samples, memory + steps, memory + weights
        b.noises, b.dropped = <double *>(memory + noises), <double *>(memory + dropped)
        b.state, b.firsts = <Line *>(memory + state), <int *>(memory + firsts)
    return firsts + lines * b.m * sizeof(int)


cdef void first_rungs(
    Block *b, const signed char *side, const real *base, const real *first_step
) noexcept nogil:
    # IN side, first_step [lines], base [lines, m]
    cdef Py_ssize_t i, o
    memset(b.state, 0, b.n_lines * sizeof(Line))
    memset(b.seen, 0, b.n_lines * b.m * sizeof(Seen))
    memset(b.firsts, 0, b.n_lines * b.m * sizeof(int))
    for i in range(b.n_lines):
        b.state[i].side = side[i]
        for o in range(b.m):
            (<real *>sample(b, i, BASE))[o] = base[i * b.m + o]
            (<real *>b.top)[i * b.m + o] = NAN
            b.noises[2 * i * b.m + o] = max(b.given_noise, 0)
            b.noises[(2 * i + 1) * b.m + o] = UNKNOWN
            b.dropped[2 * i * b.m + o] = NAN
        plan_down(b, i, first_step[i], <real>b.ratio, b.forms[b.state[i].side + 1].need)
        if b.state[i].exhausted:
            finish(b, i, base)
