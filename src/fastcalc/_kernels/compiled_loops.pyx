"""Derivatives of compiled functions in one loop: where all axes are alike, no tables of a plan are read.

The points of every axis, and the terms of every result, are those of one stencil,

    sum_t weight[t] (f(x + offset[plus[t]] h e_i) - f(x + offset[minus[t]] h e_i)) / (denominator h**n),

and values are combined as soon as they are there: the same sums in the same order as `combine` has them, bit for bit.
A mixed second derivative is the stencil along the sum of two axes, less those of both.
"""
from libc.float cimport DBL_EPSILON
from libc.stdint cimport uint64_t

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.calling cimport FLOAT64, empty
from fastcalc._kernels.compiled cimport (
    DONE, INTERRUPTED, SCALAR, CompiledCaller, Form, Outcome, Work, bits, difference, enter, enter_as, go_to,
    keep_watch, look_closely, scalar, scalar_data
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
    w.changed |= bits(w.point[c]) ^ bits(displaced)
    w.point[c] = w.origin[c]
    if outcome != DONE:
        w.changed |= difference(w.point, w.origin, w.n)
        w.point[c] = displaced
    return outcome


cdef Outcome lines(
    Work *w, const Stencil *s, const double *h, Py_ssize_t step_lanes, const Place *at, double *y
) noexcept nogil:
    # The sums of all lines at the origin of w. IN h[n, step_lanes]; y[(points + 1) * m] is memory.
    cdef double *base = y + s.points * at.m
    cdef Py_ssize_t i
    cdef double value
    cdef int p, t, o
    cdef Outcome outcome
    if s.needs_base:
        outcome = enter(w, base)
        if outcome != DONE:
            w.changed |= difference(w.point, w.origin, w.n)
            return outcome
    for i in range(w.n):
        for p in range(s.points):
            look_closely(w, i * s.points + p)
            outcome = visit(w, i, w.origin[i] + s.offset[p] * h[i * step_lanes], y + p * at.m)
            if outcome != DONE:
                return outcome
        for o in range(at.m):
            value = term(s, 0, y, base, at.m, o)
            for t in range(1, s.terms):
                value += term(s, t, y, base, at.m, o)
            at.out[(o * at.targets + i) * at.lanes] = value
    return DONE


cdef Outcome lines_everywhere(
    Work *w, const Stencil *s, const double *x, const double *h, Py_ssize_t width, const Place *block, double *y
) noexcept nogil:
    # The same at all points x[n, width].
    cdef Py_ssize_t b
    cdef Place at = block[0]
    cdef Outcome outcome
    for b in range(width):
        go_to(w, x + b, width)
        outcome = lines(w, s, h + b, width, &at, y)
        if outcome == DONE:
            w.changed |= difference(w.point, w.origin, w.n)
        if outcome != DONE or w.changed != 0:
            return outcome
        at.out += 1
    return DONE


cdef inline Outcome scalar_lines(
    bint takes_data, int points, int terms, bint closely, Work *w, const Stencil *s, const double *x, const double *h,
    Py_ssize_t lanes, Py_ssize_t width, double *out, Py_ssize_t out_lanes, double *y,
) noexcept nogil:
    # The same of a function that returns its one value, at the first `width` points x[n, lanes], with all that `visit`
    # needs in local variables: compilers read anew after each call what f could have changed. `closely`: look for
    # what f does to its point, and the next call may undo, after some calls too.
    cdef double *point = w.point
    cdef double *origin = w.origin
    cdef void *address = w.routine.address
    cdef void *data = w.routine.data
    cdef double *base = y + points
    cdef Py_ssize_t i, b, n = w.n
    cdef uint64_t changed = 0
    cdef double value, displaced
    cdef int p, t, left = w.watch.left
    for b in range(width):
        for i in range(n):
            changed |= bits(point[i]) ^ bits(origin[i])
            origin[i] = point[i] = x[i * lanes + b]
        for i in range(n):
            if i == 0 and s.needs_base:
                base[0] = called(takes_data, address, data, n, point)
                left -= 1
            changed |= bits(point[i]) ^ bits(origin[i])
            for p in range(points):
                if closely:
                    look_closely(w, i * points + p)
                displaced = origin[i] + s.offset[p] * h[i * lanes + b]
                point[i] = displaced
                y[p] = called(takes_data, address, data, n, point)
                changed |= bits(point[i]) ^ bits(displaced)
                point[i] = origin[i]
                left -= 1
                if left <= 0:
                    if keep_watch(&w.watch) != 0:
                        return INTERRUPTED
                    left = w.watch.left
            value = term(s, 0, y, base, 1, 0)
            for t in range(1, terms):
                value += term(s, t, y, base, 1, 0)
            out[i * out_lanes + b] = value
    w.watch.left = left
    w.changed |= changed
    w.calls += width * (n * points + s.needs_base)
    return DONE


cdef inline double called(bint takes_data, void *address, void *data, Py_ssize_t n, double *point) noexcept nogil:
    if takes_data:
        return (<scalar_data>address)(<int>n, point, data)
    return (<scalar>address)(<int>n, point)


cdef Outcome scalar_lines_everywhere(
    Work *w, const Stencil *s, const double *x, const double *h, Py_ssize_t width, const Place *at, double *y
) noexcept nogil:
    cdef bint takes_data = w.routine.takes_data
    cdef Outcome outcome
    go_to(w, x, width)
    if s.points == 2 and s.terms == 1 and not takes_data:  # constants, for compilers: the usual gradient
        outcome = scalar_lines(False, 2, 1, True, w, s, x, h, width, 1, at.out, at.lanes, y)
        if outcome == DONE:
            outcome = scalar_lines(
                False, 2, 1, False, w, s, x + 1, h + 1, width, width - 1, at.out + 1, at.lanes, y
            )
    else:
        outcome = scalar_lines(takes_data, s.points, s.terms, True, w, s, x, h, width, 1, at.out, at.lanes, y)
        if outcome == DONE:
            outcome = scalar_lines(
                takes_data, s.points, s.terms, False, w, s, x + 1, h + 1, width, width - 1, at.out + 1, at.lanes, y
            )
    if outcome == DONE:
        w.changed |= difference(w.point, w.origin, w.n)
    return outcome


cdef void divide(const Stencil *s, const double *h, Py_ssize_t n, Py_ssize_t width, const Place *at) noexcept nogil:
    # Sums into derivatives, IN h[n, width]. Not in the loop that calls f: where f reads two components of its point in
    # one instruction, it waits until both are in the cache, and so for all divisions before.
    cdef Py_ssize_t i, b
    cdef double *out
    cdef const double *step
    cdef int o
    if at.lanes == 1:  # one long row
        n, width = 1, n
    for o in range(at.m):
        for i in range(n):
            out = at.out + (o * at.targets + i) * at.lanes
            step = h + i * width
            for b in range(width):
                out[b] /= s.denominator * step[b]
            for _ in range(1, s.order):
                for b in range(width):
                    out[b] /= step[b]
            for b in range(width):
                out[b] = known(out[b])


cdef bint finish(CompiledCaller f, Outcome outcome) except -1:
    """Count the calls, and raise what ended the loop early; False where f wrote into its points: from now on, it gets
    a fresh one for each call, and what it returned so far is worth nothing."""
    f.evaluations += f.work.calls
    if outcome != INTERRUPTED and f.work.changed != 0:
        f.work.refill = True
        return False
    if outcome != DONE:
        f.stop(outcome)
    return True


cdef bint is_common(CompiledCaller f) except -1:
    """Whether there is nothing to look at but values of f, in the order in which they come."""
    cdef const Work *w = &f.work
    return not w.refill and not w.nan_on_error and 0 < w.routine.m <= MOST_OUTPUTS and f.epsilon == DBL_EPSILON


def lines_at_once(
    CompiledCaller f not None, LineStencil stencil not None, cnp.ndarray x not None, Py_ssize_t lanes, double relative,
    Py_ssize_t reach, double tiny_below, tuple measured, tuple shape,
):
    """Derivatives along all coordinates of x (n, lanes) of float64, in `shape` behind that of f's output.

    The arguments are those of `Caller.at_once`, as is what is left in ``f.suspects``. None where f wants its points
    copied anew for each call, and where a single x has a component too small to tell its size.
    """
    cdef Py_ssize_t n = f.n_components, lane, width
    cdef const double *ph
    cdef const double *pd
    cdef const double *po
    cdef double *y
    cdef Work *w = &f.work
    cdef Place at
    cdef cnp.ndarray out, divisors
    cdef bint tiny
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
            if w.routine.form == SCALAR:
                outcome = scalar_lines_everywhere(w, &stencil.stencil, po, ph, width, &at, y)
            else:
                outcome = lines_everywhere(w, &stencil.stencil, po, ph, width, &at, y)
            divide(&stencil.stencil, pd, n, width, &at)
        if outcome != DONE or w.changed != 0:
            break
    return out if finish(f, outcome) else None


cdef inline Outcome visit_pair(
    Form form, bint takes_data, Work *w, Py_ssize_t i, Py_ssize_t j, double first, double second, double *y
) noexcept nogil:
    # the same for two components, which are compared with those of x before
    cdef Outcome outcome
    w.point[i], w.point[j] = first, second
    outcome = enter_as(form, takes_data, w, y)
    w.changed |= (bits(w.point[i]) ^ bits(first)) | (bits(w.point[j]) ^ bits(second))
    w.point[i], w.point[j] = w.origin[i], w.origin[j]
    if outcome != DONE:
        w.changed |= difference(w.point, w.origin, w.n)
        w.point[i], w.point[j] = first, second
    return outcome


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
    w.changed |= difference(w.point, w.origin, w.n)
    if outcome != DONE:
        return outcome
    for i in range(n):
        for p in range(s.points):
            look_closely(w, i * s.points + p)
            outcome = visit(
                w, i, w.origin[i] + s.offset[p] * h[i * step_lanes], y + (i * s.points + p) * at.m
            )
            if outcome != DONE:
                return outcome
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


cdef inline void finish_row(
    double *out, Py_ssize_t lanes, Py_ssize_t n, Py_ssize_t i, double factor, const double *h, Py_ssize_t step_lanes
) noexcept nogil:
    # Of a Hessian out[n, n, lanes]: divide the sums right of the diagonal in row i; mirror them. See `divide`.
    cdef Py_ssize_t j
    cdef double *row = out + i * n * lanes
    if lanes == 1:
        for j in range(i + 1, n):
            row[j] = known(row[j] / factor / h[j])
    else:
        for j in range(i + 1, n):
            row[j * lanes] = known(row[j * lanes] / factor / h[j * step_lanes])
    for j in range(i + 1, n):
        out[(j * n + i) * lanes] = row[j * lanes]


cdef inline Outcome pairs(
    Form form, bint takes_data, int points, int m, Work *w, const Stencil *across, int terms, const double *h,
    Py_ssize_t step_lanes, const Place *at, const double *base, const double *parts, double *y,
) noexcept nogil:
    # Mixed second derivatives. IN base[m], parts[n, terms, m]; y[points * m] is memory. The first arguments are for
    # compilers, where they are constants.
    cdef Py_ssize_t i, j, n = w.n, visited = 0
    cdef double value, hi, hj, origin
    cdef int p, t, o
    cdef Outcome outcome
    for i in range(n):
        origin, hi = w.origin[i], h[i * step_lanes]
        w.changed |= bits(w.point[i]) ^ bits(origin)
        for j in range(i + 1, n):
            hj = h[j * step_lanes]
            w.changed |= bits(w.point[j]) ^ bits(w.origin[j])
            for p in range(points):
                outcome = visit_pair(
                    form, takes_data, w, i, j, origin + across.offset[p] * hi, w.origin[j] + across.offset[p] * hj,
                    y + p * m,
                )
                if outcome != DONE:
                    return outcome
                visited += 1
                look_closely(w, visited)
            for o in range(m):
                value = term(across, 0, y, base, m, o)
                for t in range(1, across.terms):
                    value += term(across, t, y, base, m, o)
                for t in range(terms):
                    value += parts[(i * terms + t) * m + o]
                for t in range(terms):
                    value += parts[(j * terms + t) * m + o]
                at.out[(o * at.targets + i * n + j) * at.lanes] = value
        for o in range(m):
            finish_row(
                at.out + o * at.targets * at.lanes, at.lanes, n, i, across.denominator * hi, h, step_lanes
            )
    return DONE


cdef Outcome hessian(
    Work *w, const Stencil *own, const Stencil *less, const Stencil *across, const double *h, Py_ssize_t step_lanes,
    const Place *at, double *y, double *parts,
) noexcept nogil:
    # At the origin of w. y[n own.points + 1 + across.points, m] and parts[n, own.terms, m] are memory.
    cdef double *base = y + w.n * own.points * at.m
    cdef double *rest = base + at.m
    cdef Outcome outcome = diagonal(w, own, less, h, step_lanes, at, y, parts)
    if outcome != DONE:
        return outcome
    if w.routine.form == SCALAR and not w.routine.takes_data and across.points == 2:
        return pairs(SCALAR, False, 2, 1, w, across, own.terms, h, step_lanes, at, base, parts, rest)
    return pairs(
        w.routine.form, w.routine.takes_data, across.points, at.m, w, across, own.terms, h, step_lanes, at, base, parts,
        rest,
    )


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
            outcome = hessian(w, &own.stencil, &less.stencil, &across.stencil, ph + b, lanes, &at, y, pp)
            if outcome == DONE:
                w.changed |= difference(w.point, w.origin, w.n)
            if outcome != DONE or w.changed != 0:
                break
            at.out += 1
    return out if finish(f, outcome) else None
