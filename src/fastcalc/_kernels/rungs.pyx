"""The rungs of ladders, in lockstep: which steps are next, and the samples at them, in their order.

Steps are multiples of the spacing of the numbers that they are added to, so that x + h and x - h are exact; they stay
inside `reach`, and above the smallest step that moves x.
"""
from libc.string cimport memcpy, memmove

from fastcalc._kernels.windows cimport MAX_RUNGS, Form, real, weigh

cdef extern from "math.h" nogil:
    double floor(double)
    double ldexp(double, int)
    double frexp(double, int *)
    long double floorl(long double)
    long double ldexpl(long double, int)
    long double frexpl(long double, int *)


cdef real quantized(real size, real h, double epsilon, real most) noexcept nogil:
    # a step close to h, not above `most`, that can be added to a number of this size without rounding; 0: there is none
    cdef int exponent
    cdef real unit, count
    if real is double:
        frexp(size + h, &exponent)
        unit = ldexp(epsilon, exponent)
        count = floor(h / unit + 0.5)
        if count * unit > most:
            count = floor(most / unit)
    else:
        frexpl(size + h, &exponent)
        unit = ldexpl(epsilon, exponent)
        count = floorl(h / unit + 0.5)
        if count * unit > most:
            count = floorl(most / unit)
    if count == 0 and unit <= most:
        return unit
    return count * unit


cdef void plan_down(Block *b, Py_ssize_t i, real first, real ratio, int wanted) noexcept nogil:
    # further rungs from `first` downwards
    cdef Line *s = b.state + i
    cdef real *pending = (<real *>ladder(b, i)) + MAX_RUNGS
    cdef real h = first
    cdef int cost = 2 if s.side == 0 else 1
    s.pending = 0
    s.phase = RUNGS
    while s.pending < wanted and s.pending < MAX_PENDING:
        if s.count + s.pending >= MAX_RUNGS or s.evaluations + cost * (s.pending + 1) + 1 > b.most:
            break
        pending[s.pending] = quantized((<real *>b.size)[i], h, b.x_epsilon, (<real *>b.reach)[i])
        if not pending[s.pending] > 0 or pending[s.pending] < (<real *>b.finest)[i]:
            break
        if is_rung(b, i, pending[s.pending]) or (s.pending > 0 and pending[s.pending] >= pending[s.pending - 1]):
            break
        s.pending += 1
        h = h / ratio
    s.exhausted = s.pending == 0


cdef bint is_rung(const Block *b, Py_ssize_t i, real h) noexcept nogil:
    cdef const real *steps = <real *>ladder(b, i)
    cdef int k
    for k in range(b.state[i].count):
        if steps[k] == h:
            return True
    return False


cdef Py_ssize_t collect(Block *b, Py_ssize_t *line, real *shift) noexcept nogil:
    cdef Py_ssize_t i, count = 0
    cdef int q
    cdef Line *s
    cdef real *pending
    cdef real side
    for i in range(b.n_lines):
        s = b.state + i
        if s.phase == DONE:
            continue
        pending = (<real *>ladder(b, i)) + MAX_RUNGS
        side = -1 if s.side < 0 else 1
        if s.phase == RUNGS:
            for q in range(s.pending):
                line[count], shift[count] = i, side * pending[q]
                count += 1
                if s.side == 0:
                    line[count], shift[count] = i, -pending[q]
                    count += 1
        elif s.phase == NOISE:
            for q in range(NOISE_POINTS):
                line[count], shift[count] = i, side * (q + 1) * pending[0]
                count += 1
        else:
            for q in range(s.pending):
                line[count], shift[count] = i, side * pending[q]
                count += 1
    return count


cdef int insert(Block *b, Py_ssize_t i, real h, const real *plus, const real *minus) noexcept nogil:
    # a rung, in its place
    cdef Line *s = b.state + i
    cdef real *steps = <real *>ladder(b, i)
    cdef real *rows
    cdef Py_ssize_t o
    cdef int k = s.count, q
    while k > 0 and steps[k - 1] < h:
        k -= 1
    rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
    memmove(rows + 2 * b.m, rows, 2 * (s.count - k) * b.m * sizeof(real))
    memcpy(rows, plus, b.m * sizeof(real))
    if s.side == 0:
        memcpy(rows + b.m, minus, b.m * sizeof(real))
    for q in range(s.count, k, -1):
        steps[q] = steps[q - 1]
    steps[k] = h
    s.count += 1
    for o in range(b.m):
        if b.firsts[i * b.m + o] > k:
            b.firsts[i * b.m + o] += 1
    return k


cdef void turn(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # To one side, where f is not finite on the other one at any of the rungs so far, for any output.
    cdef Line *s = b.state + i
    cdef bint left = False, right = False, good_left, good_right
    cdef Py_ssize_t o
    cdef int k
    cdef real *rows
    if s.side != 0 or s.count < TURN_AFTER:
        return
    for k in range(s.count):
        rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
        good_right = good_left = False
        for o in range(b.m):
            good_right |= is_finite(rows[o])
            good_left |= is_finite(rows[b.m + o])
        right |= good_right
        left |= good_left
    if left == right:
        return
    s.side = 1 if right else -1
    if left:
        for k in range(s.count):
            rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
            memcpy(rows, rows + b.m, b.m * sizeof(real))
    weigh_from(b, i, kind, 0)


cdef void weigh_from(Block *b, Py_ssize_t i, const real *kind, int first) noexcept nogil:
    cdef const Form *form = &b.forms[b.state[i].side + 1]
    cdef Py_ssize_t o
    cdef int k
    for o in range(i * b.m, (i + 1) * b.m):
        if b.seen[o].rungs > first:
            b.seen[o].rungs = 0
    for k in range(first, b.state[i].count):
        weigh(
            form, <real *>ladder(b, i), k, b.stride, <real *>table(b, i, 0), <real *>companion_table(b, i, form),
            <real *>table(b, i, 2),
        )
