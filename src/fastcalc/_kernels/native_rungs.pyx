"""Climb ladders of steps for a C function, without Python, in memory that the caller supplies: along one coordinate of
x after the other, each as `Coordinates` climbs all of them.
"""
from libc.float cimport DBL_EPSILON
from libc.math cimport NAN
from libc.string cimport memcmp, memcpy

from fastcalc._kernels.arrays cimport absolute
from fastcalc._kernels.coordinates cimport fill_start
from fastcalc._kernels.ladder cimport first_rungs, new_block, room, settle_in, take
from fastcalc._kernels.outcome cimport NON_FINITE
from fastcalc._kernels.rungs cimport MAX_REQUESTS, collect

cdef struct Run:
    # what a climb needs besides its ladder; pieces of the caller's memory
    Call call
    const void *context
    const double *x      # [n]
    double *point        # [n], which f sees
    Py_ssize_t n, m
    bint refill          # f writes into its x: a fresh copy for each call


cdef class Rungs:
    """Ladders for n-th derivatives along all coordinates. Immutable, shared between threads.

    Parameters
    ----------
    order : int
        Which derivative.
    n, m : int
        Numbers of variables and of outputs of f.
    relative, smallest : float
        First step over the size of a component; up to which it counts as 0.
    noise, rtol, atol, most
        As for `Ladders`.
    step, scale : ndarray (n,) or None
        First steps instead; typical sizes.
    """

    def __init__(
        self, int order, Py_ssize_t n, Py_ssize_t m, double relative, double smallest, double noise, double rtol,
        double atol, int most, step, scale,
    ):
        if not (1 <= order <= 10 and n >= 1 and m >= 1):
            raise ValueError("a ladder got a wrong order or size")
        for given in (step, scale):
            if given is not None and len(given) != n:
                raise ValueError("steps or sizes of the wrong length")
        self.n, self.m, self.n_results = n, m, n * m
        self.relative, self.smallest = relative, smallest
        self.step, self.scale = step, scale
        self.block = new_block(order, 1, m, sizeof(double), DBL_EPSILON, DBL_EPSILON, noise, rtol, atol, most)
        self.work_size = (
            n + m + (MAX_REQUESTS + 5) * m + 4 + 2 * MAX_REQUESTS + room(&self.block) // sizeof(double) + 1
        )


cdef int climb(
    Rungs s, Call call, const void *context, const double *x, double *value, double *error, signed char *status,
    double *work,
) noexcept nogil:
    # IN x[n]; OUT value, error, status [m, n], the last two may be NULL; SCRATCH work[s.work_size]. Returns what f
    # returned.
    cdef Block b = s.block
    cdef Run run
    cdef Py_ssize_t i, o, n = s.n, m = s.m
    cdef double *base = work + n
    cdef double *samples = base + m           # [MAX_REQUESTS, m]
    cdef double *found = samples + MAX_REQUESTS * m  # value, error, step, top, verdict [m]
    cdef double *start = found + 5 * m        # first, reach, size, finest
    cdef double *shift = start + 4            # [MAX_REQUESTS]
    cdef Py_ssize_t *line = <Py_ssize_t *>(shift + MAX_REQUESTS)
    cdef int outcome
    run.call, run.context, run.x, run.point, run.n, run.m, run.refill = call, context, x, work, n, m, False
    b.value, b.error, b.step, b.top = found, found + m, found + 2 * m, found + 3 * m
    b.verdict = <signed char *>(found + 4 * m)
    b.reach, b.size, b.finest = start + 1, start + 2, start + 3
    settle_in(&b, <char *>(line + MAX_REQUESTS))
    memcpy(work, x, n * sizeof(double))
    for o in range(m):
        base[o] = NAN
    shift[0] = 0
    outcome = evaluate(&run, 0, shift, 1, base)
    for i in range(n):
        if outcome == 0 and begin(s, &b, x, i, base, start):
            outcome = finish(&run, &b, i, line, shift, samples)
        else:
            for o in range(m):
                found[o] = found[m + o] = NAN
                b.verdict[o] = NON_FINITE
        for o in range(m):
            value[o * n + i] = found[o]
            if error is not NULL:
                error[o * n + i] = found[m + o]
            if status is not NULL:
                status[o * n + i] = b.verdict[o]
    if outcome != 0:
        for i in range(n * m):
            value[i] = NAN
            if error is not NULL:
                error[i] = NAN
            if status is not NULL:
                status[i] = NON_FINITE
    return outcome


cdef inline bint begin(
    Rungs s, Block *b, const double *x, Py_ssize_t i, const double *base, double *start
) noexcept nogil:
    # from the bottom of the ladder along coordinate i; False where x is not finite there
    cdef double size = x[i]
    cdef signed char both = 0
    if not fill_start(&size, 1, s.relative, s.smallest, start, start + 1, start + 2, start + 3):
        return False
    if s.step is not None:
        start[0] = s.step[i]
    elif s.scale is not None:
        size = max(absolute(size), s.scale[i])
        start[0] = s.relative * (size if size > s.smallest else 1)
    first_rungs(b, &both, base, <const double *>start)
    return True


cdef int finish(
    Run *run, Block *b, Py_ssize_t i, Py_ssize_t *line, double *shift, double *samples
) noexcept nogil:
    # rounds of samples until none is asked for
    cdef Py_ssize_t count = collect(b, line, shift)
    cdef int outcome = 0
    while count > 0 and outcome == 0:
        outcome = evaluate(run, i, shift, count, samples)
        take(b, <const double *>samples)
        count = collect(b, line, shift)
    return outcome


cdef int evaluate(Run *run, Py_ssize_t i, const double *shift, Py_ssize_t count, double *y) noexcept nogil:
    # f at x with its component i displaced; OUT y[count, m]
    cdef int outcome = evaluate_once(run, i, shift, count, y)
    if not run.refill and memcmp(run.point, run.x, run.n * sizeof(double)) != 0:
        run.refill = True
        outcome = evaluate_once(run, i, shift, count, y)
    return outcome


cdef int evaluate_once(Run *run, Py_ssize_t i, const double *shift, Py_ssize_t count, double *y) noexcept nogil:
    cdef Py_ssize_t p
    cdef int outcome = 0
    for p in range(count):
        if run.refill:
            memcpy(run.point, run.x, run.n * sizeof(double))
        if shift[p] != 0:
            run.point[i] += shift[p]
        outcome = run.call(run.context, <int>run.m, <int>run.n, run.point, y + p * run.m)
        run.point[i] = run.x[i]
        if outcome != 0:
            break
    return outcome
