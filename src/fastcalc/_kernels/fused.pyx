"""Derivatives of compiled functions in one loop: where all axes are alike, no tables of a plan are read.

The points of every axis, and the terms of every result, are those of one stencil,

    sum_t weight[t] (f(x + offset[plus[t]] h e_i) - f(x + offset[minus[t]] h e_i)) / (denominator h**n),

and values are combined as soon as they are there: the same sums in the same order as `combine` has them, bit for bit.
A mixed second derivative is the stencil along the sum of two axes, less those of both.
"""
from libc.float cimport DBL_EPSILON
from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.calling cimport FLOAT64, empty
from fastcalc._kernels.compiled cimport (
    DONE, CompiledCaller, Outcome, Work, bits, difference, enter, go_to, look_closely, was_changed
)
from fastcalc._kernels.steps import true_steps

cnp.import_array()

cdef enum:
    MOST_POINTS = 16    # of a stencil
    MOST_OUTPUTS = 16   # beyond, results are combined in blocks that stay in the cache
    LANES = 512         # points x in a block of steps
    BASE = -1           # in the place of a point: x itself
    NOTHING = -2        # the value 0

ctypedef struct Stencil:
    int points, terms
    int order           # n: how often the step divides
    bint needs_base
    double denominator
    double[MOST_POINTS] offset
    double[MOST_POINTS] weight
    int[MOST_POINTS] plus
    int[MOST_POINTS] minus


cdef class LineStencil:
    """A stencil as the loops read it; `fits`: whether they do.

    Parameters
    ----------
    offsets : ndarray (points,)
        Multiples of the step.
    plus, minus : ndarrays (terms,) of intp
        Points of the differences; -1: x itself, other negative numbers: the value 0.
    weight : ndarray (terms,)
    denominator : float
    order : int
        Which derivative.
    """

    cdef Stencil stencil
    cdef readonly bint fits

    def __init__(self, offsets, plus, minus, weight, double denominator, int order):
        cdef Stencil *s = &self.stencil
        cdef int k
        self.fits = 0 < len(offsets) <= MOST_POINTS and 0 < len(weight) <= MOST_POINTS
        if not self.fits:
            return
        s.points, s.terms, s.order, s.denominator = len(offsets), len(weight), order, denominator
        s.needs_base = False
        for k in range(s.points):
            s.offset[k] = offsets[k]
        for k in range(s.terms):
            s.weight[k], s.plus[k], s.minus[k] = weight[k], plus[k], max(minus[k], NOTHING)
            if not (0 <= s.plus[k] < s.points and s.minus[k] < s.points):
                raise ValueError("a stencil got terms without points")
            s.needs_base |= s.minus[k] == BASE


cdef struct Place:
    # where in the results: at output o and target t, out[(o * targets + t) * lanes]
    double *out
    Py_ssize_t targets, lanes
    int m


cdef inline double term(const Stencil *s, int t, const double *y, const double *base, int m, int o) noexcept nogil:
    # IN y[points, m], base[m]
    cdef double value = y[s.plus[t] * m + o]
    if s.minus[t] == NOTHING:
        return s.weight[t] * value
    return s.weight[t] * (value - (base[o] if s.minus[t] == BASE else y[s.minus[t] * m + o]))


cdef inline double known(double value) noexcept nogil:
    # infinities become NaN: a difference that needs a non-finite value is unknown
    return value + (value - value)


cdef inline Outcome visit(Work *w, Py_ssize_t c, double displaced, double *y) noexcept nogil:
    # f where component c is displaced; the point stays so where that ends the loop
    cdef Outcome outcome
    w.changed |= bits(w.point[c]) ^ bits(w.origin[c])
    w.point[c] = displaced
    outcome = enter(w, y)
    if outcome != DONE:
        memcpy(w.point, w.origin, w.n * sizeof(double))
        w.point[c] = displaced
        return outcome
    w.changed |= bits(w.point[c]) ^ bits(displaced)
    w.point[c] = w.origin[c]
    return DONE


cdef Outcome lines(
    Work *w, const Stencil *s, const double *h, const double *divisor, Py_ssize_t step_lanes, const Place *at, double *y
) noexcept nogil:
    # All derivatives at the origin of w. IN h, divisor [n, step_lanes]; y[(points + 1) * m] is memory.
    cdef double *base = y + s.points * at.m
    cdef Py_ssize_t i
    cdef double value, factor
    cdef int p, t, o, d
    cdef Outcome outcome
    if s.needs_base:
        outcome = enter(w, base)
        if outcome != DONE:
            return outcome
        look_closely(w, 1)
    for i in range(w.n):
        for p in range(s.points):
            outcome = visit(w, i, w.origin[i] + s.offset[p] * h[i * step_lanes], y + p * at.m)
            if outcome != DONE:
                return outcome
        look_closely(w, i)
        factor = s.denominator * divisor[i * step_lanes]
        for o in range(at.m):
            value = term(s, 0, y, base, at.m, o)
            for t in range(1, s.terms):
                value += term(s, t, y, base, at.m, o)
            value /= factor
            for d in range(1, s.order):
                value /= divisor[i * step_lanes]
            at.out[(o * at.targets + i) * at.lanes] = known(value)
    return DONE


cdef int close(CompiledCaller f, Outcome outcome) except -1:
    # count the calls; raise what ended the loop early
    f.evaluations += f.work.calls
    if outcome != DONE:
        f.stop(outcome)
    return 0


cdef bint is_common(CompiledCaller f) except -1:
    """Whether there is nothing to look at but values of f, in the order in which they come."""
    return not f.work.refill and not f.work.nan_on_error and 0 < f.m <= MOST_OUTPUTS and f.epsilon == DBL_EPSILON


def lines_at_once(
    CompiledCaller f not None, LineStencil stencil not None, cnp.ndarray x not None, Py_ssize_t lanes, double relative,
    Py_ssize_t reach, double tiny_below, tuple measured, tuple shape,
):
    """Derivatives along all coordinates of x (n, lanes) of float64, in `shape` behind that of f's output.

    The arguments are those of `Caller.at_once`, as is what is left in ``f.suspects``. None where f wants its points
    copied anew for each call, and where a single x has a component too small to tell its size.
    """
    cdef Py_ssize_t n = f.n_components, lane, width, b
    cdef const double *ph
    cdef const double *pd
    cdef const double *po
    cdef double *y
    cdef Work *w = &f.work
    cdef Place at
    cdef cnp.ndarray out, divisors
    cdef bint tiny, changed = False
    cdef Outcome outcome = DONE
    f.kept = None
    if not stencil.fits or not is_common(f):
        return None
    out = empty(f.shape + shape if f.shape else shape, FLOAT64)
    at.m, at.targets, at.lanes = <int>f.m, n, lanes
    if cnp.PyArray_SIZE(out) != f.m * n * lanes:
        raise ValueError("a kernel got an array of the wrong size")
    f.reserve(stencil.stencil.points + 1)
    y = <double *>cnp.PyArray_DATA(f.values)
    f.suspects = []
    w.calls = w.status = 0
    for lane in range(0, lanes, LANES):
        width = min(LANES, lanes - lane)
        tiny = f.place_block(x, lanes, lane, width, relative, reach, tiny_below)
        if tiny:
            if lanes == 1:
                return None
            f.suspects.append((lane, f.origin.copy()))
        divisors = f.steps
        if measured is not None:
            divisors = np.empty_like(f.steps)
            true_steps(f.origin, f.steps, *measured, divisors)
        po, ph = <const double *>cnp.PyArray_DATA(f.origin), <const double *>cnp.PyArray_DATA(f.steps)
        pd = <const double *>cnp.PyArray_DATA(divisors)
        at.out = <double *>cnp.PyArray_DATA(out) + lane
        with nogil:
            for b in range(width):
                go_to(w, po + b, width)
                outcome = lines(w, &stencil.stencil, ph + b, pd + b, width, &at, y)
                changed = outcome == DONE and was_changed(w)
                if outcome != DONE or changed:
                    break
                at.out += 1
        if outcome != DONE or changed:
            break
    close(f, outcome)
    return None if changed else out


cdef inline Outcome visit_pair(
    Work *w, Py_ssize_t i, Py_ssize_t j, double first, double second, double *y
) noexcept nogil:
    # the same for two components
    cdef Outcome outcome
    w.changed |= (bits(w.point[i]) ^ bits(w.origin[i])) | (bits(w.point[j]) ^ bits(w.origin[j]))
    w.point[i], w.point[j] = first, second
    outcome = enter(w, y)
    if outcome != DONE:
        memcpy(w.point, w.origin, w.n * sizeof(double))
        w.point[i], w.point[j] = first, second
        return outcome
    w.changed |= (bits(w.point[i]) ^ bits(first)) | (bits(w.point[j]) ^ bits(second))
    w.point[i], w.point[j] = w.origin[i], w.origin[j]
    return DONE


cdef Outcome diagonal(
    Work *w, const Stencil *s, const Stencil *less, const double *h, Py_ssize_t step_lanes, const Place *at, double *y,
    double *parts,
) noexcept nogil:
    # Second derivatives along the axes. OUT y[(n points + 1) * m], f(x) last; parts[n, terms, m]: the terms of `less`.
    cdef Py_ssize_t i, n = w.n
    cdef double *base = y + n * s.points * at.m
    cdef double value
    cdef int p, t, o
    cdef Outcome outcome = enter(w, base)
    if outcome != DONE:
        return outcome
    look_closely(w, 1)
    for i in range(n):
        for p in range(s.points):
            outcome = visit(
                w, i, w.origin[i] + s.offset[p] * h[i * step_lanes], y + (i * s.points + p) * at.m
            )
            if outcome != DONE:
                return outcome
        look_closely(w, i)
    for i in range(n):
        for o in range(at.m):
            value = term(s, 0, y + i * s.points * at.m, base, at.m, o)
            for t in range(1, s.terms):
                value += term(s, t, y + i * s.points * at.m, base, at.m, o)
            for t in range(s.terms):
                parts[(i * s.terms + t) * at.m + o] = term(less, t, y + i * s.points * at.m, base, at.m, o)
            value /= s.denominator * h[i * step_lanes]
            value /= h[i * step_lanes]
            at.out[(o * at.targets + i * (n + 1)) * at.lanes] = known(value)
    return DONE


cdef Outcome pairs(
    Work *w, const Stencil *across, int terms, const double *h, Py_ssize_t step_lanes, const Place *at,
    const double *base, const double *parts, double *y,
) noexcept nogil:
    # Mixed second derivatives. IN base[m], parts[n, terms, m]; y[points * m] is memory.
    cdef Py_ssize_t i, j, n = w.n, visited = 0
    cdef double value, hi, hj, origin
    cdef int p, t, o
    cdef Outcome outcome
    for i in range(n):
        origin, hi = w.origin[i], h[i * step_lanes]
        for j in range(i + 1, n):
            hj = h[j * step_lanes]
            for p in range(across.points):
                outcome = visit_pair(
                    w, i, j, origin + across.offset[p] * hi, w.origin[j] + across.offset[p] * hj, y + p * at.m
                )
                if outcome != DONE:
                    return outcome
            visited += 1
            look_closely(w, visited)
            for o in range(at.m):
                value = term(across, 0, y, base, at.m, o)
                for t in range(1, across.terms):
                    value += term(across, t, y, base, at.m, o)
                for t in range(terms):
                    value += parts[(i * terms + t) * at.m + o]
                for t in range(terms):
                    value += parts[(j * terms + t) * at.m + o]
                value /= across.denominator * hi
                value /= hj
                value = known(value)
                at.out[(o * at.targets + i * n + j) * at.lanes] = value
                at.out[(o * at.targets + j * n + i) * at.lanes] = value
    return DONE


def hessian_at_once(
    CompiledCaller f not None, LineStencil own not None, LineStencil less not None, LineStencil across not None,
    cnp.ndarray x not None, Py_ssize_t lanes, double relative, Py_ssize_t reach, double tiny_below, tuple shape,
):
    """Hessians at x (n, lanes) of float64, in `shape` behind that of f's output: as `lines_at_once`.

    `own` is the stencil along an axis, `less` the same with the weights that it has in a mixed derivative, `across` the
    one along the sum of two axes; all use f(x).
    """
    cdef Py_ssize_t n = f.n_components, b, m = f.m, points = own.stencil.points
    cdef const double *px
    cdef const double *ph
    cdef double *y
    cdef Work *w = &f.work
    cdef Place at
    cdef cnp.ndarray out, parts
    cdef double *pp
    cdef bint changed = False
    cdef Outcome outcome = DONE
    f.kept = None
    if not (own.fits and across.fits and is_common(f)) or not (own.stencil.needs_base and across.stencil.needs_base):
        return None
    if less.stencil.points != points or less.stencil.terms != own.stencil.terms:
        raise ValueError("a Hessian got stencils that differ")
    if f.place_block(x, lanes, 0, lanes, relative, reach, tiny_below):
        return None
    out = empty(f.shape + shape if f.shape else shape, FLOAT64)
    at.m, at.targets, at.lanes = <int>m, n * n, lanes
    if cnp.PyArray_SIZE(out) != m * n * n * lanes:
        raise ValueError("a kernel got an array of the wrong size")
    f.reserve(n * points + 1 + across.stencil.points)
    parts = empty((n * own.stencil.terms * m,), FLOAT64)
    y, pp = <double *>cnp.PyArray_DATA(f.values), <double *>cnp.PyArray_DATA(parts)
    px, ph = <const double *>cnp.PyArray_DATA(f.origin), <const double *>cnp.PyArray_DATA(f.steps)
    at.out = <double *>cnp.PyArray_DATA(out)
    f.suspects = []
    w.calls = w.status = 0
    with nogil:
        for b in range(lanes):
            go_to(w, px + b, lanes)
            outcome = diagonal(w, &own.stencil, &less.stencil, ph + b, lanes, &at, y, pp)
            if outcome == DONE:
                outcome = pairs(
                    w, &across.stencil, own.stencil.terms, ph + b, lanes, &at, y + n * points * m, pp,
                    y + (n * points + 1) * m,
                )
            changed = outcome == DONE and was_changed(w)
            if outcome != DONE or changed:
                break
            at.out += 1
    close(f, outcome)
    return None if changed else out
