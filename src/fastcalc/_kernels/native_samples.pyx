"""Walk a sample plan for a C function, without Python, in memory that the caller supplies.

    where     steps by the rule of `Samples`; a point at a time in a private copy of x, whose moved components are
              restored by assignment: adding and subtracting a step is not exact
    call      through a function pointer; what it returns but 0 ends the walk
    combine   `walk`, a few groups of points at a time

A function that writes into its x is found out by comparing the copy with x, each component before it is displaced and
all of them once a block, and called again from the beginning with a fresh copy a call. Components too small to tell the
size of x are taken once more with steps for size 1 where the difference drowned in rounding, as `solve` does it: the
second result stands where it agrees with the first one within its rounding bound.
"""
from libc.float cimport DBL_EPSILON
from libc.math cimport INFINITY, NAN
from libc.string cimport memcmp, memcpy

import numpy as np

from fastcalc._kernels.arrays cimport absolute, inside
from fastcalc._kernels.combine cimport EMBEDDED, MAIN, ROUNDING, Layout, walk
from fastcalc._kernels.steps cimport choose, measure, round_all

cdef enum:
    POINTS = 64          # in a block
    NUMBERS = 32768      # values in a block

cdef struct Run:
    # what a walk needs besides its plan; pieces of the caller's memory
    Call call
    const void *context
    const double *x      # [n]
    double *point        # [n], which f sees
    double *values       # [points, m]
    double *found[3]     # [m, n_targets] each, by mode; NULL: not wanted
    Py_ssize_t m
    bint wrote           # f wrote into its x
    bint refill          # since it does so: a fresh copy for each call


cdef class Samples:
    """A plan with the rule for its steps. Immutable, shared between threads.

    Parameters
    ----------
    plan : Plan
        For points x (n,).
    m : int
        Outputs of f.
    relative, reach, tiny_below
        As `choose_steps` takes them.
    lost : float
        With this times its rounding bound above it, a result is poor.
    step, scale : ndarray (n,) or None
        Steps instead; typical sizes.
    measured : tuple or None
        Arguments of `true_steps`; None: divide by the steps themselves.
    """

    def __init__(
        self, Plan plan not None, Py_ssize_t m, double relative, Py_ssize_t reach, double tiny_below, double lost,
        step, scale, measured,
    ):
        cdef Py_ssize_t g, largest = 0, n = plan.n_components
        for g in range(plan.n_groups):
            largest = max(largest, plan.group_point[g + 1] - plan.group_point[g])
        if m < 1 or plan.n_slots != n or not np.array_equal(plan.component, np.arange(n)):
            raise ValueError("samples are along the coordinates")
        self.plan, self.m = plan, m
        self.relative, self.reach, self.tiny_below, self.lost = relative, reach, tiny_below, lost
        self.step, self.scale = step, scale
        for given in (step, scale):
            if given is not None and len(given) != n:
                raise ValueError("steps or sizes of the wrong length")
        if measured is not None:
            self.plus, self.minus, self.weight, self.denominator = measured
            self.terms = self.weight.shape[0]
            if not 0 < self.terms == self.plus.shape[0] == self.minus.shape[0]:
                raise ValueError("terms without offsets or weights")
        self.block = max(largest, min(<Py_ssize_t>POINTS, NUMBERS // m))
        self.n_results = m * plan.n_targets
        self.work_size = (
            5 * n + (plan.n_retained + self.block) * m + (5 if plan.has_embedded else 2) * self.n_results + flags(plan)
        )


cdef int differentiate(
    Samples s, Plan plan, Call call, const void *context, const double *x, double *value, double *error, double *work
) noexcept nogil:
    # IN x[n]; OUT value, error[m, n_targets], error may be NULL; SCRATCH work[s.work_size]. Returns what f returned.
    cdef Py_ssize_t i, n = plan.n_components, size = s.n_results
    cdef double *h = work + n
    cdef double *divisors = work + 2 * n
    cdef double *rounding
    cdef double *truncation = NULL
    cdef bint tiny = False
    cdef int status
    cdef Run run
    run.call, run.context, run.x, run.m = call, context, x, s.m
    run.wrote = run.refill = False
    run.point = work
    run.values = work + 5 * n
    rounding = run.values + (plan.n_retained + s.block) * s.m
    if error is not NULL and plan.has_embedded:
        truncation = rounding + size
    if s.step is not None:
        memcpy(h, &s.step[0], n * sizeof(double))
        round_all(x, 1, n, s.reach, h)
    else:
        tiny = choose(x, 1, n, 1, s.relative, s.reach, &s.scale[0] if s.scale is not None else NULL, 0, s.tiny_below, h)
        tiny = tiny and s.scale is None
    run.found[MAIN] = value
    run.found[EMBEDDED] = truncation
    run.found[ROUNDING] = rounding if tiny or truncation is not NULL else NULL
    status = sweep(&run, plan, s.block, h, measured(s, x, n, h, divisors), NULL)
    if status == 0 and tiny:
        status = look_again(s, plan, &run, work)
    if status != 0:
        for i in range(size):
            value[i] = NAN
    if error is not NULL:
        for i in range(size):
            error[i] = NAN if status != 0 or truncation is NULL else (
                absolute(truncation[i]) + rounding[i] * DBL_EPSILON
            )
    return status


cdef inline const double *measured(
    Samples s, const double *x, Py_ssize_t n, const double *h, double *out
) noexcept nogil:
    # what to divide by
    if s.terms == 0:
        return h
    measure(x, 1, n, h, &s.plus[0], &s.minus[0], &s.weight[0], s.terms, s.denominator, out)
    return out


cdef int sweep(
    Run *run, Plan plan, Py_ssize_t block, const double *h, const double *divisors, const char *wanted
) noexcept nogil:
    # f at all points, and its values combined; with `wanted` [n_groups] only those groups, one at a time
    cdef int status = sweep_once(run, plan, block, h, divisors, wanted)
    if run.wrote and not run.refill:
        run.refill = True
        status = sweep_once(run, plan, block, h, divisors, wanted)
    return status


cdef int sweep_once(
    Run *run, Plan plan, Py_ssize_t block, const double *h, const double *divisors, const char *wanted
) noexcept nogil:
    cdef Py_ssize_t group = 0, stop, first, retained = plan.n_retained
    cdef int mode, status
    cdef Layout at
    at.column, at.component, at.parts, at.m = run.m, 1, 1, run.m
    at.lanes = at.all_lanes = at.step_lanes = 1
    at.lane0 = at.step_lane0 = 0
    memcpy(run.point, run.x, plan.n_components * sizeof(double))
    status = evaluate(run, plan, 0, retained, h, run.values)
    while status == 0 and group < plan.n_groups and run.refill >= run.wrote:
        first, stop = plan.group_point[group], group + 1
        if wanted is NULL:
            while stop < plan.n_groups and plan.group_point[stop + 1] - first <= block:
                stop += 1
        elif not wanted[group]:
            group = stop
            continue
        status = evaluate(run, plan, first, plan.group_point[stop], h, run.values + retained * run.m)
        if status != 0:
            break
        at.n_points = retained + plan.group_point[stop] - first
        for mode in range(3):
            if run.found[mode] is not NULL:
                walk(plan, group, stop, mode, run.values, &at, divisors, run.found[mode])
        group = stop
    return status


cdef int evaluate(
    Run *run, Plan plan, Py_ssize_t first, Py_ssize_t last, const double *h, double *y
) noexcept nogil:
    # OUT y[last - first, m]
    cdef Py_ssize_t p, e, s, n = plan.n_components
    cdef double *point = run.point
    cdef int status = 0
    for p in range(first, last):
        if run.refill:
            memcpy(point, run.x, n * sizeof(double))
        for e in range(plan.point_start[p], plan.point_start[p + 1]):  # restored below, which would hide what f wrote
            s = inside(plan.entry_slot[e], n)
            run.wrote = run.wrote or memcmp(point + s, run.x + s, sizeof(double)) != 0
        for e in range(plan.point_start[p], plan.point_start[p + 1]):
            s = inside(plan.entry_slot[e], n)
            point[s] += plan.multiple[e] * h[s]
        status = run.call(run.context, <int>run.m, <int>n, point, y)
        for e in range(plan.point_start[p], plan.point_start[p + 1]):
            s = inside(plan.entry_slot[e], n)
            point[s] = run.x[s]
        if status != 0:
            break
        y += run.m
    run.wrote = run.wrote or memcmp(point, run.x, n * sizeof(double)) != 0
    return status


cdef int look_again(Samples s, Plan plan, Run *run, double *work) noexcept nogil:
    # Take poor results that involve a tiny component again, with steps for size 1; updates what was found.
    cdef Py_ssize_t i, c, g, r, n = plan.n_components, size = s.n_results
    cdef double *h = work + 3 * n
    cdef double *sizes = work + 4 * n
    cdef double *spare = run.values + (plan.n_retained + s.block) * s.m + size
    cdef char *wanted = <char *>(work + s.work_size - flags(plan))
    cdef Run again = run[0]
    cdef int mode, status
    cdef bint any_poor = False
    if run.found[EMBEDDED] is not NULL:
        spare += size
    for g in range(plan.n_groups):
        wanted[g] = has_poor(s, plan, run, g)
        any_poor |= wanted[g]
    if not any_poor:
        return 0
    for i in range(n):
        sizes[i] = 1 if is_tiny(s, run.x[i]) else absolute(run.x[i])
    choose(run.x, 1, n, 1, s.relative, s.reach, <const double *>sizes, 0, s.tiny_below, h)
    again.found[MAIN] = spare
    for mode in range(1, 3):
        again.found[mode] = NULL if run.found[EMBEDDED] is NULL else spare + mode * size
    status = sweep(&again, plan, 1, h, measured(s, run.x, n, h, work + 2 * n), wanted)
    if status != 0:
        return status
    for g in range(plan.n_groups):
        if not wanted[g]:
            continue
        for r in range(plan.group_result[g], plan.group_result[g + 1]):
            for c in range(s.m):
                i = c * plan.n_targets + plan.target[r]
                # the truth is within the first bound, so a second result that is not has lost more than it gained
                if is_poor(s, plan, run, r, i) and absolute(spare[i] - run.found[MAIN][i]) <= bound(run, i):
                    for mode in range(3):
                        if again.found[mode] is not NULL:
                            run.found[mode][i] = again.found[mode][i]
                            run.found[mode][i + plan.mirror[r] - plan.target[r]] = again.found[mode][i]
    return 0


cdef inline bint is_tiny(Samples s, double x) noexcept nogil:
    return 0 < absolute(x) < s.tiny_below


cdef inline bint has_poor(Samples s, Plan plan, const Run *run, Py_ssize_t group) noexcept nogil:
    cdef Py_ssize_t r, c
    for r in range(plan.group_result[group], plan.group_result[group + 1]):
        for c in range(s.m):
            if is_poor(s, plan, run, r, c * plan.n_targets + plan.target[r]):
                return True
    return False


cdef inline bint is_poor(Samples s, Plan plan, const Run *run, Py_ssize_t r, Py_ssize_t i) noexcept nogil:
    cdef Py_ssize_t d
    if not absolute(run.found[MAIN][i]) <= bound(run, i) * s.lost:
        return False
    for d in range(plan.divisor_start[r], plan.divisor_start[r + 1]):
        if is_tiny(s, run.x[plan.divisor_slot[d]]):
            return True
    return False


cdef inline double bound(const Run *run, Py_ssize_t i) noexcept nogil:
    # of the rounding error; one that overflowed is NaN: no bound at all, where steps are far too small
    cdef double rounding = run.found[ROUNDING][i], value = run.found[MAIN][i]
    return INFINITY if rounding != rounding and value == value else rounding * DBL_EPSILON


cdef inline Py_ssize_t flags(Plan plan) noexcept nogil:
    # room for one a group, in numbers
    return plan.n_groups // sizeof(double) + 1
