"""Ladders of steps, one per line through a point x, in lockstep: which samples each needs next, and what they tell.

A line is f(x + s d), a function of s; its n-th derivative at 0 is wanted for each output of f. A ladder takes rungs
h_0 > h_1 > ..., samples at s = +-h_k (or on one side), and asks after each round what `windows` makes of them:

    down    the best window is near the lower end: smaller steps may be better still; in larger strides where nothing is
            believable yet (x is far larger than the scale of f);
    up      the best window is at the upper end, and rounding limits it: larger steps may be better;
    noise   nothing is believable, or the misses of the best window below it contradict the rounding of f: eight values
            in close succession tell noise from structure that the rungs stepped over (Moré and Wild 2011);
    check   all outputs have their window: one more sample, off the ladder, must be where the polynomials say.

Two evaluations a rung, three policies' constants below. The truth is never closer than rounding and noise allow: the
error reported is twice the sum of the truncation estimate, or what the check point missed, and the rounding bound.
"""
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport INFINITY, NAN, nextafter, pow, sqrt
from libc.string cimport memcpy, memmove, memset

cimport numpy as cnp

import numpy as np

from fastcalc._kernels.arrays cimport absolute, real, reals
from fastcalc._kernels.windows cimport (
    MAX_RUNGS, Choice, Form, Limits, choose_window, extrapolate, interpolate, make_form, missed, weigh,
)

cnp.import_array()

cdef extern from "math.h" nogil:
    double floor(double)
    double ldexp(double, int)
    double frexp(double, int *)
    long double floorl(long double)
    long double ldexpl(long double, int)
    long double frexpl(long double, int *)

cdef enum Phase:
    RUNGS
    NOISE
    CHECK
    DONE

cdef enum:
    NOISE_POINTS = 8
    MAX_PENDING = 8
    MAX_REQUESTS = 16   # of a line: both sides of what is pending
    TURN_AFTER = 12

cdef enum Row:  # of the samples of a line
    BASE
    OFF_LADDER
    CLOSE
    FIRST_RUNG = 10  # CLOSE + NOISE_POINTS; two rows a rung

cdef enum Verdict:  # numbers of statuses
    CONVERGED = 0
    ROUNDING_LIMIT = 1
    NOISE_LIMIT = 2
    NOT_CONVERGED = 3
    NON_FINITE = 4
    NOT_SMOOTH = 6

cdef enum Action:  # what an output wants next; of several, a line does the last in this order
    READY
    UP
    LISTEN
    DOWN
    STRIDE_DOWN

cdef double RATIO_FIRST = 1.5  # of consecutive steps, for first derivatives; no power of 2
cdef double RATIO = 1.4        # for higher ones, which live from the larger steps
cdef double BELIEVABLE = 1e-2  # truncation over value of a window that is believed
cdef double SLACK = 10         # truncation over rounding of one that is as good as rounding allows
cdef double STALL = 0.6        # the slowest fall of the companion from window to window
cdef double NOISE_FACTOR = 3   # from the root mean square of misses to a bound
cdef double OFF = 0.83         # the check point, in units of the largest step in use
cdef double LONGEST = 16       # stride down
cdef double SAFETY = 2         # what f rounds inside, and luck with differences
cdef double ENOUGH = 300       # rounding over that of f itself: fewer digits are not worth a stride up
cdef double FAR_UP = 6         # the longest stride up while there is something of the derivative
cdef double FARTHER_UP = 30    # where there is nothing
cdef double GAP = 2.1          # strides that a rung is put between
cdef double LEAP = 1e3         # a stride up that begins a new ladder
cdef double TYPICAL = 0.19     # first step where f does not move in steps relative to x
cdef double LOUD = 100         # misses over rounding that want an explanation
cdef double PLATEAU = 1e-6     # the least width of a plateau, in first steps
cdef double LATTICE = 1e-5     # changes of f, over f, up to which they may be those of a lower precision
cdef double UNKNOWN = -1
cdef int UPS = 14              # strides up at most
cdef int STILL_UPS = 4         # of an f that does not move
cdef int ROUGH = 8             # rounds without a believable window before noise is looked for
cdef int TRIES = 3             # spacings at which it is looked for
cdef int RETRIES = 2           # fresh starts at smaller steps

cdef struct Line:
    int side, count, phase, pending, ups, slow, rough, tries, retries, evaluations
    bint listened, exhausted
    bint levels          # f does not move in small steps: it has levels, and misses are the distance between them


cdef struct Block:
    Py_ssize_t n_lines, m
    int n, stride, most
    bint given           # noise
    Py_ssize_t item      # bytes of a number
    double given_noise, x_epsilon, ratio, rtol, atol
    Form forms[3]        # by side + 1
    Limits limits
    Line *state
    void *samples        # [lines, rows, m]
    void *steps          # [lines, rungs and what is pending]
    void *weights        # [lines, 2 * stride + 1, rungs, stride]
    void *reach          # [lines], as the next two
    void *size
    void *finest
    void *value          # [lines, m], as the next three
    void *error
    void *step
    void *top
    void *history        # [lines, rungs, 1 + 2 m]
    signed char *verdict  # [lines, m]
    double *noises       # [lines, 2, m]: what the errors allow for; what was listened to, UNKNOWN before
    int *firsts          # [lines, m]: rungs before this one stepped over structure


cdef inline void *sample(const Block *b, Py_ssize_t i, int row) noexcept nogil:
    return <char *>b.samples + (i * (FIRST_RUNG + 2 * MAX_RUNGS) + row) * b.m * b.item


cdef inline void *ladder(const Block *b, Py_ssize_t i) noexcept nogil:
    return <char *>b.steps + i * (MAX_RUNGS + MAX_PENDING) * b.item


cdef inline void *table(const Block *b, Py_ssize_t i, int part) noexcept nogil:
    # 0: weights, 1: those of the companion, 2: amplifications
    cdef Py_ssize_t layer = MAX_RUNGS * b.stride
    return <char *>b.weights + ((2 * b.stride + 1) * i + part * b.stride) * layer * b.item


cdef inline void *companion_table(const Block *b, Py_ssize_t i, const Form *form) noexcept nogil:
    return table(b, i, 0 if form.companion_j == form.j else 1)


cdef inline bint is_finite(real a) noexcept nogil:
    return a - a == 0


cdef inline real quantized(real size, real h, double epsilon, real most) noexcept nogil:
    # A step close to h, not above `most`, that can be added to a number of this size without rounding; 0: there is none.
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


# --- which samples next ----------------------------------------------------------------------------------------------


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
            line[count], shift[count] = i, side * pending[0]
            count += 1
    return count


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
            memcpy(<real *>sample(b, i, OFF_LADDER), values, size)
            values += b.m
            s.evaluations += 1
            finish(b, i, pending[0])


cdef int insert(Block *b, Py_ssize_t i, real h, const real *plus, const real *minus) noexcept nogil:
    # a rung, in its place
    cdef Line *s = b.state + i
    cdef real *steps = <real *>ladder(b, i)
    cdef real *rows
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
    cdef int k
    for k in range(first, b.state[i].count):
        weigh(
            form, <real *>ladder(b, i), k, b.stride, <real *>table(b, i, 0), <real *>companion_table(b, i, form),
            <real *>table(b, i, 2),
        )


# --- what one output says --------------------------------------------------------------------------------------------


cdef struct Facts:
    # of one output, besides the data: rungs in use are those from `first` on; f is finite from `highest` on
    int first, highest
    bint still           # f does not move at all
    double tallest       # largest abs(f) of these rungs
    double spread        # largest abs(f - f(x))


cdef Facts gather(
    const Block *b, Py_ssize_t i, Py_ssize_t o, real *odd, real *even, real *size, char *flat
) noexcept nogil:
    # OUT data of the rungs; of a one-sided ladder in `odd`
    cdef const Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef const real *rows = <real *>sample(b, i, FIRST_RUNG)
    cdef real base = (<real *>sample(b, i, BASE))[o], plus, minus, a, c
    cdef Facts facts
    cdef int k
    facts.highest = 0
    facts.still = True
    facts.tallest = absolute(base)
    facts.spread = 0
    for k in range(s.count):
        plus = rows[2 * k * b.m + o]
        if s.side != 0:
            odd[k] = (plus - base) / (s.side * h[k])
            even[k] = 0
            minus = base
        else:
            minus = rows[(2 * k + 1) * b.m + o]
            odd[k] = (plus - minus) / (2 * h[k])
            even[k] = ((plus - base) + (minus - base)) / (2 * h[k] * h[k])
        size[k] = (absolute(plus) + absolute(minus)) / 2
        if s.side == 0 and b.n % 2 == 0:
            size[k] += absolute(base)
        flat[k] = plus == base and minus == base
        if not is_finite(size[k]) or not is_finite(odd[k]) or not is_finite(even[k]):
            facts.highest = k + 1
    facts.first = max(b.firsts[i * b.m + o], facts.highest)
    for k in range(facts.highest, s.count):
        plus = rows[2 * k * b.m + o]
        minus = base if s.side != 0 else rows[(2 * k + 1) * b.m + o]
        a, c = absolute(plus - base), absolute(minus - base)
        facts.spread = max(facts.spread, <double>a, <double>c)
        facts.tallest = max(facts.tallest, <double>size[k])
        if k >= facts.first and not flat[k]:
            facts.still = False
    facts.still |= facts.spread <= 16 * b.limits.epsilon * facts.tallest  # or jitters in its last bits
    return facts


cdef Choice choose(
    const Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, const real *size,
    const char *flat, bint alone, real *value, real *truncation, real *rounding
) noexcept nogil:
    # `alone`: whatever the companion
    cdef const Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *data = odd if form.odd else even
    cdef const real *other = NULL if s.side != 0 or alone else even if form.odd else odd
    return choose_window(
        form, &b.limits, <real *>ladder(b, i), <real *>table(b, i, 0), <real *>companion_table(b, i, form),
        <real *>table(b, i, 2), b.stride, facts.first, s.count, data, other, size, NULL if facts.still else flat,
        b.noises[2 * i * b.m + o], value, truncation, rounding,
    )


cdef double misses(
    const Block *b, Py_ssize_t i, const real *odd, const real *even, int k, int w
) noexcept nogil:
    # Root mean square of what the polynomials of a window miss f by at the rungs below it: noise, if there is no
    # structure.
    cdef const Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef real found[2 * MAX_RUNGS]
    cdef real largest = 0, total = 0
    cdef int q, count = 0
    for q in range(k + 1, s.count):
        found[count] = absolute(h[q] * (odd[q] - interpolate(form, h, odd, k - w, k, h[q])))
        count += 1
        if s.side == 0:
            found[count] = absolute(h[q] * (h[q] * (even[q] - interpolate(form, h, even, k - w, k, h[q]))))
            count += 1
    for q in range(count):
        largest = max(largest, found[q])
    if not 0 < largest < INFINITY:
        return 0
    for q in range(count):
        total += (found[q] / largest) * (found[q] / largest)
    return <double>largest * sqrt(<double>total / count)


cdef real gap(const Block *b, const real *h, int first, int last) noexcept nogil:
    # a step within the first gap of these rungs that is wider than usual, 0 if there is none
    cdef int k
    for k in range(first, last):
        if h[k] > <real>(1.2 * b.ratio) * h[k + 1]:
            return sqrt(<double>(h[k] * h[k + 1]))
    return 0


cdef real higher(
    const Block *b, Py_ssize_t i, const Facts *facts, const real *h, int top, real r, real v, double noise
) noexcept nogil:
    # The step wanted above the rung `top` of a window whose error is rounding, which falls with the n-th power of the
    # step; 0: none.
    cdef const Line *s = b.state + i
    cdef double stride = b.ratio
    cdef real up = h[top]
    if s.ups >= (STILL_UPS if facts.still else UPS):
        return 0
    if facts.still:  # what abs(x) says of the scale may be wrong
        up = <real>TYPICAL if up < <real>TYPICAL else 0
    elif 10 * r > v and noise <= 0:
        up *= <real>FARTHER_UP
    else:
        if noise <= 0:
            stride = max(stride, min(FAR_UP, pow(<double>(r / v) / (ENOUGH * b.limits.epsilon), 1.0 / b.n)))
        up *= <real>stride
    if top > 0 and up >= h[top - 1] / <real>1.2:  # between two rungs
        if h[top - 1] < <real>GAP * h[top]:
            return 0
        up = sqrt(<double>(h[top] * h[top - 1]))
    up = min(up, (<real *>b.reach)[i])
    return up if up > <real>1.2 * h[top] else 0


cdef int act(Block *b, Py_ssize_t i, Py_ssize_t o, int *more, real *up) noexcept nogil:
    # OUT more: rungs wanted; up: the step wanted
    cdef Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef real odd[MAX_RUNGS]
    cdef real even[MAX_RUNGS]
    cdef real size[MAX_RUNGS]
    cdef char flat[MAX_RUNGS]
    cdef Facts facts = gather(b, i, o, odd, even, size, flat)
    cdef Choice choice
    cdef real v, t, r
    cdef int wanted, k, w
    cdef double miss, amplify
    cdef double *noise = b.noises + 2 * i * b.m + o
    cdef real *top = (<real *>b.top) + i * b.m + o
    top[0] = NAN
    more[0] = 1
    if s.count - facts.first < form.need:
        more[0] = form.need - (s.count - facts.first)
        return STRIDE_DOWN if facts.first == s.count else DOWN
    for _ in range(4):
        choice = choose(b, i, o, &facts, odd, even, size, flat, False, &v, &t, &r)
        top[0] = h[choice.k - choice.w] if choice.found else <real>NAN
        if not choice.found:
            if flat[s.count - 1] and facts.spread < LATTICE * facts.tallest and s.ups < STILL_UPS:
                up[0] = min(max(<real>TYPICAL, <real>FARTHER_UP * h[0]), (<real *>b.reach)[i])
                if up[0] > h[0]:
                    return UP  # a step or two of a lattice of low precision
            return LISTEN if s.rough >= ROUGH and not s.listened and not b.given else STRIDE_DOWN
        k, w = choice.k, choice.w
        if b.rtol >= 0 and <real>SAFETY * (t + r) <= max(<real>b.atol, <real>b.rtol * absolute(v)):
            return READY
        if r > <real>0.3 * t and r > <real>(ENOUGH * b.limits.epsilon) * absolute(v):
            up[0] = higher(b, i, &facts, h, k - w, r, absolute(v), noise[0])
            if up[0] > 0:
                return UP
        if t > 3 * r and s.ups < UPS:
            up[0] = gap(b, h, k - w, k)
            if up[0] > 0:
                return UP
        wanted = 2 if r < 3 * t else 0
        if r < <real>0.03 * t:
            wanted = 4 if t + r < <real>1e-8 * absolute(v) else 7
        more[0] = wanted - (s.count - 1 - k)
        if more[0] > 0:
            return DOWN
        if b.given or facts.still:
            return READY
        miss = NOISE_FACTOR * misses(b, i, odd, even, k, w)
        amplify = <double>(<real *>table(b, i, 2))[k * b.stride + w]
        if miss <= 1.5 * noise[0] or not miss * amplify > <double>(t + r):
            return READY
        if miss > LOUD * b.limits.epsilon * facts.tallest:
            if not s.listened:
                return LISTEN
            if NOISE_FACTOR * noise[b.m] < 0.05 * miss and s.retries < RETRIES and not s.levels:
                b.firsts[i * b.m + o] = s.count  # what was missed is no noise: smaller steps must tell
                s.retries += 1
                return STRIDE_DOWN
        noise[0] = miss
    return READY


# --- what the line does next -----------------------------------------------------------------------------------------


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
        if action == UP:
            highest = max(highest, up)
        elif action == DOWN or action == STRIDE_DOWN:
            most = max(most, more)
        strongest = max(strongest, action)
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
    elif strongest == UP:
        s.ups += 1
        if highest > LEAP * h[0]:  # from the beginning
            s.count = 0
        plan_down(b, i, highest, ratio, 1 if s.count > 0 else b.forms[s.side + 1].need)
    elif strongest == LISTEN:
        begin_listening(b, i, kind)
        return
    if strongest == READY or s.exhausted:
        begin_check(b, i, kind)


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


cdef bint moves(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil:
    cdef int k
    cdef const real *rows
    for k in range(b.state[i].count):
        rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
        if rows[o] != (<real *>sample(b, i, BASE))[o]:
            return True
    return False


cdef void listen(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # ECNoise: the difference table of equidistant values (Moré, Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314)
    cdef Line *s = b.state + i
    cdef Py_ssize_t o
    cdef double level
    cdef double *noise
    cdef bint heard = False, equal = False
    for o in range(b.m):
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
    # take what was found for the noise, or the distance of the levels of an f that moves in jumps
    cdef Py_ssize_t o
    cdef double *noise
    b.state[i].listened = True
    for o in range(b.m):
        noise = b.noises + 2 * i * b.m + o
        if not noise[b.m] > 0:
            noise[b.m] = quantum(b, i, o, kind) / NOISE_FACTOR
        noise[0] = max(noise[0], NOISE_FACTOR * noise[b.m])
    decide(b, i, kind)


cdef double quantum(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil:
    # the smallest change of an f that does not move in small steps, 0 if it moves, or is a step beside a plateau
    cdef const Line *s = b.state + i
    cdef const real *rows
    cdef const real *base = <real *>sample(b, i, BASE)
    cdef double change, least = INFINITY, least_close = INFINITY, most = 0
    cdef bint flat = False, flat_close = False
    cdef int k
    for k in range(s.count):
        rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
        change = <double>absolute(rows[o] - base[o])
        if s.side == 0:
            change = max(change, <double>absolute(rows[b.m + o] - base[o]))
        flat |= change == 0
        if 0 < change < INFINITY:
            least, most = min(least, change), max(most, change)
    if s.tries > 0:
        rows = <real *>sample(b, i, CLOSE)
        for k in range(NOISE_POINTS):
            flat_close |= rows[k * b.m + o] == base[o]
            change = <double>absolute(rows[k * b.m + o] - base[o])
            if 0 < change < INFINITY:
                least_close = min(least_close, change)
        if s.tries > 1 and not flat_close:  # f did not move at a shorter distance: its levels are a little finer
            for k in range(1, NOISE_POINTS - 1):
                change = <double>absolute(rows[(k + 1) * b.m + o] - 2 * rows[k * b.m + o] + rows[(k - 1) * b.m + o])
                if 0 < change < INFINITY:
                    least_close = min(least_close, change)
                    flat_close = True
    least = min(least if flat else INFINITY, least_close if flat_close else INFINITY)
    return least if least < 0.1 * most else 0


cdef double noise_level(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *kind) noexcept nogil:
    # standard deviation of the noise; 0: none can be told, NaN: the values lie too close together
    cdef real difference[NOISE_POINTS]
    cdef real largest = 0
    cdef double sigma[NOISE_POINTS]
    cdef bint changes[NOISE_POINTS]
    cdef double gamma = 1, total, low, high
    cdef int k, q, equal = 0
    cdef bint up, down
    for q in range(NOISE_POINTS):
        difference[q] = (<real *>sample(b, i, CLOSE + q))[o]
        if not is_finite(difference[q]):
            return 0
        equal += q > 0 and difference[q] == difference[q - 1]
        largest = max(largest, absolute(difference[q]))
    if 2 * equal >= NOISE_POINTS - 1:
        return NAN
    for q in range(NOISE_POINTS):
        difference[q] /= largest
    for k in range(1, NOISE_POINTS):
        gamma *= 0.5 * k / (2 * k - 1)
        total = 0
        up = down = False
        for q in range(NOISE_POINTS - k):
            difference[q] = difference[q + 1] - difference[q]
            total += <double>(difference[q] * difference[q])
            up |= difference[q] > 0
            down |= difference[q] < 0
        sigma[k] = sqrt(gamma * total / (NOISE_POINTS - k))
        changes[k] = up and down
    for k in range(1, NOISE_POINTS - 2):
        low, high = min(sigma[k], sigma[k + 1], sigma[k + 2]), max(sigma[k], sigma[k + 1], sigma[k + 2])
        if changes[k] and high <= 4 * low:
            return sigma[k] * <double>largest
    return 0


# --- results ---------------------------------------------------------------------------------------------------------


cdef void begin_check(Block *b, Py_ssize_t i, const real *kind) noexcept nogil:
    # a point between the largest steps in use, once all windows are chosen
    cdef real top = 0
    cdef Py_ssize_t o
    for o in range(b.m):
        if is_finite((<real *>b.top)[i * b.m + o]):
            top = max(top, (<real *>b.top)[i * b.m + o])
    top = quantized((<real *>b.size)[i], <real>OFF * top, b.x_epsilon, (<real *>b.reach)[i])
    (<real *>ladder(b, i))[MAX_RUNGS] = top
    b.state[i].phase = CHECK
    if top == 0:
        finish(b, i, top)


cdef void finish(Block *b, Py_ssize_t i, real off) noexcept nogil:
    # results of all outputs; `off`: the step of the check point, 0 if there is none
    cdef Line *s = b.state + i
    cdef Py_ssize_t o
    cdef bint again = False
    cdef real between = 0
    for o in range(b.m):
        again |= settle(b, i, o, off, &between)
    s.phase = DONE
    if between > 0:
        s.ups += 1
        plan_down(b, i, between, <real>b.ratio, 1)
    elif again:
        s.retries += 1
        s.slow = 3
        plan_down(b, i, (<real *>ladder(b, i))[s.count - 1] / 4, <real>b.ratio, 1)
    else:
        return
    if s.exhausted:
        s.phase = DONE


cdef bint settle(Block *b, Py_ssize_t i, Py_ssize_t o, real off, real *between) noexcept nogil:
    # The result of one output; returns whether it is so wrong at the check point that other steps must tell: one between
    # rungs far apart, or smaller ones.
    cdef Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef real odd[MAX_RUNGS]
    cdef real even[MAX_RUNGS]
    cdef real size[MAX_RUNGS]
    cdef char flat[MAX_RUNGS]
    cdef real v = NAN, t, r, error, miss, step, lone, lone_t, lone_r, scale, usual
    cdef Py_ssize_t place = i * b.m + o
    cdef real *base = <real *>sample(b, i, BASE)
    cdef Facts facts
    cdef Choice choice, rival
    cdef int k, steady = 0
    (<real *>b.value)[place] = (<real *>b.error)[place] = NAN
    (<real *>b.step)[place] = (<real *>b.top)[place] = NAN
    if not is_finite(base[o]):
        b.verdict[place] = NON_FINITE
        return False
    facts = gather(b, i, o, odd, even, size, flat)
    record(b, i, o, &facts, odd, even, size)
    if s.count - facts.first < form.need:
        b.verdict[place] = NON_FINITE if facts.first == s.count else NOT_CONVERGED
        return False
    choice = choose(b, i, o, &facts, odd, even, size, flat, False, &v, &t, &r)
    if not choice.found:  # a plateau, if f does not move at the small steps
        while steady < s.count - facts.first and flat[s.count - 1 - steady]:
            steady += 1
        # where only steps near the resolution of f's own arguments don't move it, that is no plateau
        if (
            steady > form.need and h[s.count - steady] > <real>PLATEAU * h[facts.first]
            and facts.spread > LATTICE * facts.tallest
        ):
            facts.still = True
            facts.first = s.count - steady
            choice = choose(b, i, o, &facts, odd, even, size, flat, False, &v, &t, &r)
            r = max(r, <real>(facts.tallest * b.limits.epsilon) / h[choice.k])
    if not choice.found:
        describe_failure(b, i, o, &facts, odd, even, size)
        return False
    k = choice.k
    error = t + r
    if off > 0 and is_finite((<real *>sample(b, i, OFF_LADDER))[o]):
        miss = (<real *>sample(b, i, OFF_LADDER))[o] - base[o]
        if s.side != 0:
            miss = miss / off - s.side * interpolate(form, h, odd, k - choice.w, k, off)
        else:
            miss -= off * interpolate(form, h, odd, k - choice.w, k, off)
            miss -= off * (off * interpolate(form, h, even, k - choice.w, k, off))
            miss /= off
            if form.q == 2:
                miss /= off
        miss = missed(form, h, k - choice.w, k, off, miss)
        if miss > error and miss > <real>0.05 * absolute(v) and s.retries < RETRIES and not s.exhausted:
            step = gap(b, h, k - choice.w, k) if s.ups < UPS else 0
            if step > 0:
                between[0] = max(between[0], step)
            else:
                b.firsts[place] = s.count
            return True
        error = max(error, miss + r)
    error *= <real>SAFETY
    (<real *>b.value)[place] = v
    (<real *>b.step)[place] = h[k]
    (<real *>b.top)[place] = h[k - choice.w]
    b.verdict[place] = NOT_CONVERGED
    rival = choice
    if choice.alone:
        rival = choose(b, i, o, &facts, odd, even, size, flat, True, &lone, &lone_t, &lone_r)
    if choice.alone and rival.found and lone_t + lone_r < <real>1e-3 * error and absolute(lone - v) <= 3 * error:
        b.verdict[place] = NOT_SMOOTH  # where rounding hides less, the companion is spoilt
        return False
    scale = usual = 1
    for _ in range(b.n):
        scale /= h[facts.highest]
        usual /= h[facts.highest if b.noises[2 * i * b.m + o] > 0 else k - choice.w]
    if error > max(
        <real>0.5 * absolute(v), <real>0.5 * <real>facts.spread * scale,
        1000 * <real>(b.limits.epsilon * facts.tallest) * usual
    ):
        (<real *>b.error)[place] = 2 * max(error, absolute(v), <real>facts.spread * scale)
        return False  # hardly anything is known
    (<real *>b.error)[place] = error
    if b.rtol >= 0 and error <= max(<real>b.atol, <real>b.rtol * absolute(v)):
        b.verdict[place] = CONVERGED
    elif error > <real>(2 * SAFETY) * r:
        b.verdict[place] = CONVERGED
    elif b.noises[2 * i * b.m + o] > 10 * b.limits.epsilon * facts.tallest:
        b.verdict[place] = NOISE_LIMIT
    else:
        b.verdict[place] = ROUNDING_LIMIT
    return False


cdef void describe_failure(
    Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, const real *size
) noexcept nogil:
    # The derivative does not exist where the difference of the slopes to both sides, or the derivative itself, does
    # not become smaller with the step.
    cdef const Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef Py_ssize_t place = i * b.m + o
    cdef const real *data = odd if form.odd else even
    cdef const real *weights = <real *>table(b, i, 0)
    cdef real gap, gap_before, slope, slope_before, strictest, bound
    cdef int k, gaps = 0, growths = 0, pairs = 0
    b.verdict[place] = NOT_CONVERGED
    (<real *>b.value)[place] = extrapolate(
        form, weights, b.stride, s.count - 1, min(form.j + 1, s.count - 1), data, False
    )
    (<real *>b.step)[place] = (<real *>b.top)[place] = h[s.count - 1]
    if s.evaluations + 3 > b.most:
        return  # steps that were only too large
    for k in range(facts.first + 1 + form.j, s.count):
        gap, gap_before = absolute(even[k]) * h[k], absolute(even[k - 1]) * h[k - 1]
        slope = absolute(extrapolate(form, weights, b.stride, k, form.j, data, False))
        slope_before = absolute(extrapolate(form, weights, b.stride, k - 1, form.j, data, False))
        bound = 20 * (size[k] * <real>b.limits.epsilon + <real>b.noises[2 * i * b.m + o]) / h[k]
        if gap < bound and slope < bound:
            continue
        pairs += 1
        strictest = sqrt(<double>(h[k] / h[k - 1]))
        gaps += s.side == 0 and b.n == 1 and gap > bound and gap >= strictest * gap_before
        growths += slope * strictest >= slope_before
    if pairs >= 3 and 4 * max(gaps, growths) >= 3 * pairs:
        b.verdict[place] = NOT_SMOOTH
        if gaps >= growths and 4 * gaps >= 3 * pairs:
            k = s.count - 1
            while k > facts.first and not absolute(even[k]) * h[k] > 20 * size[k] * <real>b.limits.epsilon / h[k]:
                k -= 1
            (<real *>b.value)[place] = odd[k]
            (<real *>b.step)[place] = (<real *>b.top)[place] = h[k]


cdef void record(
    Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, const real *size
) noexcept nogil:
    # the error of the best window that ends at each rung, believable or not
    cdef const Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef const real *data = odd if form.odd else even
    cdef const real *weights = <real *>table(b, i, 0)
    cdef real *history = <real *>b.history
    cdef real v, t, r, best, rounding, tallest
    cdef int k, w
    if history == NULL:
        return
    history += i * MAX_RUNGS * (1 + 2 * b.m)
    for k in range(s.count):
        history[0] = h[k]
        best, rounding, tallest = INFINITY, NAN, 0
        for w in range(min(k - facts.first + 1, form.window)):
            tallest = max(tallest, size[k - w])
            if w > form.j and k > facts.first:
                v = extrapolate(form, weights, b.stride, k, w, data, False)
                t = absolute(v - extrapolate(form, weights, b.stride, k, w - 1, data, False))
                r = tallest * <real>b.limits.epsilon + <real>b.noises[2 * i * b.m + o]
                r *= (<real *>table(b, i, 2))[k * b.stride + w]
                if t + r < best:
                    best, rounding = t + r, r
        history[1 + o] = best if best < INFINITY else <real>NAN
        history[1 + b.m + o] = rounding
        history += 1 + 2 * b.m


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

    cdef readonly cnp.ndarray line, shift, value, error, step, top, verdict, history
    cdef tuple owned
    cdef char *memory
    cdef bint extended
    cdef Py_ssize_t asked
    cdef Block block

    def __cinit__(self, *args):
        self.memory = NULL

    def __dealloc__(self):
        PyMem_Free(self.memory)

    def __init__(
        self, int n, cnp.ndarray base not None, cnp.ndarray first_step not None, cnp.ndarray reach not None,
        cnp.ndarray size not None, cnp.ndarray finest not None, cnp.ndarray side not None, double epsilon,
        double x_epsilon, double noise, double rtol, double atol, int most, bint keep_history,
    ):
        cdef Py_ssize_t i, lines = cnp.PyArray_DIM(base, 0), m = cnp.PyArray_DIM(base, 1)
        cdef int typenum = cnp.PyArray_TYPE(base)
        cdef Block *b = &self.block
        self.extended = typenum == cnp.NPY_LONGDOUBLE
        if not self.extended and typenum != cnp.NPY_DOUBLE:
            raise TypeError(f"ladders are of float64 or longdouble; got {base.dtype}")
        if not 1 <= n <= 10 or cnp.PyArray_SIZE(side) != lines or cnp.PyArray_TYPE(side) != cnp.NPY_INT8:
            raise ValueError("a ladder got a wrong n or side")
        b.n_lines, b.m, b.n, b.item = lines, m, n, cnp.PyArray_ITEMSIZE(base)
        for i in range(3):
            b.forms[i] = make_form(n, <int>i - 1)
        b.stride = max(b.forms[0].window, b.forms[1].window)
        b.limits.epsilon, b.limits.believable, b.limits.slack, b.limits.stall = epsilon, BELIEVABLE, SLACK, STALL
        b.given, b.given_noise, b.x_epsilon, b.rtol, b.atol, b.most = noise >= 0, noise, x_epsilon, rtol, atol, most
        b.ratio = RATIO_FIRST if n == 1 else RATIO
        b.reach, b.size, b.finest = (
            reals(reach, typenum, lines), reals(size, typenum, lines), reals(finest, typenum, lines)
        )
        self.owned = (reach, size, finest)
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
        self.reserve()
        for i in range(lines):
            b.state[i].side = (<signed char *>data_of(side))[i]
        if self.extended:
            begin(b, <cnp.longdouble_t *>reals(base, typenum, lines * m),
                  <cnp.longdouble_t *>reals(first_step, typenum, lines))
        else:
            begin(b, <double *>reals(base, typenum, lines * m), <double *>reals(first_step, typenum, lines))

    cdef int reserve(self) except -1:
        # one piece of memory for all that is not a result
        cdef Block *b = &self.block
        cdef Py_ssize_t lines = b.n_lines
        cdef Py_ssize_t numbers[3]
        numbers[0] = lines * (FIRST_RUNG + 2 * MAX_RUNGS) * b.m
        numbers[1] = lines * (MAX_RUNGS + MAX_PENDING)
        numbers[2] = lines * (2 * b.stride + 1) * MAX_RUNGS * b.stride
        self.memory = <char *>PyMem_Malloc(
            (numbers[0] + numbers[1] + numbers[2]) * b.item + lines * sizeof(Line)
            + lines * b.m * (2 * sizeof(double) + sizeof(int)) + 1
        )
        if self.memory is NULL:
            raise MemoryError
        b.samples = self.memory
        b.steps = <char *>b.samples + numbers[0] * b.item
        b.weights = <char *>b.steps + numbers[1] * b.item
        b.noises = <double *>(<char *>b.weights + numbers[2] * b.item)
        b.state = <Line *>(b.noises + 2 * lines * b.m)
        b.firsts = <int *>(b.state + lines)
        memset(b.state, 0, lines * sizeof(Line))
        memset(b.firsts, 0, lines * b.m * sizeof(int))
        return 0

    def ask(self):
        """Fill `line` and `shift` with what to evaluate next, and return how many there are; 0 at the end."""
        if self.extended:
            self.asked = collect(&self.block, <Py_ssize_t *>data_of(self.line),
                                 <cnp.longdouble_t *>data_of(self.shift))
        else:
            self.asked = collect(&self.block, <Py_ssize_t *>data_of(self.line), <double *>data_of(self.shift))
        return self.asked

    def tell(self, cnp.ndarray values not None):
        """Take the values (count, m) of f at what was asked for, in that order; float64 or longdouble."""
        cdef int typenum = cnp.NPY_LONGDOUBLE if self.extended else cnp.NPY_DOUBLE
        cdef void *pv = reals(values, typenum, self.asked * self.block.m)
        if self.extended:
            take(&self.block, <cnp.longdouble_t *>pv)
        else:
            take(&self.block, <double *>pv)
        self.asked = 0

    def climb(self, function, lines):
        """Let `function` evaluate what is asked for until nothing is; False where its values turn complex."""
        cdef Py_ssize_t count
        while self.ask():
            count = self.asked
            function.evaluate_along(lines, self.line, self.shift, count)
            values = function.values
            if values.dtype is not self.value.dtype or (function.columns_last and self.block.m > 1):
                if values.dtype.kind == "c" and function.m == self.block.m:
                    return False
                columns = values[:, :count].T if function.columns_last else values[:count]
                values = np.ascontiguousarray(columns).view(columns.real.dtype)
                values = np.ascontiguousarray(values, self.value.dtype)
            self.tell(values)
        return True


def coordinate_start(cnp.ndarray x not None, double relative, double smallest):
    """What `Ladders` want to know of lines along the coordinates of x, of float64, without any options: first step,
    reach, size, finest step and side. A component up to `smallest` counts as 0, whose size is 1.
    """
    cdef Py_ssize_t i, count = cnp.PyArray_SIZE(x)
    cdef const double *numbers = <double *>reals(x, cnp.NPY_DOUBLE, count)
    cdef cnp.ndarray first = vector(count, cnp.NPY_DOUBLE), reach = vector(count, cnp.NPY_DOUBLE)
    cdef cnp.ndarray size = vector(count, cnp.NPY_DOUBLE), finest = vector(count, cnp.NPY_DOUBLE)
    cdef cnp.ndarray side = vector(count, cnp.NPY_INT8)
    cdef double length
    for i in range(count):
        length = absolute(numbers[i])
        (<double *>data_of(reach))[i] = INFINITY
        (<double *>data_of(size))[i] = length
        (<double *>data_of(finest))[i] = 2 * (nextafter(length, INFINITY) - length)
        (<double *>data_of(first))[i] = relative * (length if length > smallest else 1)
        (<signed char *>data_of(side))[i] = 0
    return first, reach, size, finest, side


cdef inline void *data_of(cnp.ndarray array):
    return cnp.PyArray_DATA(array)


cdef inline cnp.ndarray vector(cnp.npy_intp length, int typenum):
    return cnp.PyArray_EMPTY(1, &length, typenum, 0)


cdef inline cnp.ndarray matrix(Py_ssize_t rows, Py_ssize_t columns, int typenum):
    cdef cnp.npy_intp lengths[2]
    lengths[0], lengths[1] = rows, columns
    return cnp.PyArray_EMPTY(2, lengths, typenum, 0)


cdef void begin(Block *b, const real *base, const real *first_step) noexcept nogil:
    cdef Py_ssize_t i, o
    for i in range(b.n_lines):
        for o in range(b.m):
            (<real *>sample(b, i, BASE))[o] = base[i * b.m + o]
            (<real *>b.top)[i * b.m + o] = NAN
            b.noises[2 * i * b.m + o] = max(b.given_noise, 0)
            b.noises[(2 * i + 1) * b.m + o] = UNKNOWN
        plan_down(b, i, first_step[i], <real>b.ratio, b.forms[b.state[i].side + 1].need)
        if b.state[i].exhausted:
            finish(b, i, <real>0)
