"""What the samples of a ladder say of one output of f: its best window, and what it wants next."""
from libc.math cimport INFINITY, NAN, pow, sqrt

from fastcalc._kernels.arrays cimport absolute
from fastcalc._kernels.rungs cimport (
    BASE, FIRST_RUNG, RETRIES, UPS, Block, Line, companion_table, is_finite, ladder, sample, table
)
from fastcalc._kernels.windows cimport MAX_RUNGS, Choice, Form, choose_window, interpolate, missed, real

cdef double ENOUGH = 300       # rounding over that of f itself: fewer digits are not worth a stride up
cdef double FAR_UP = 6         # the longest stride up while there is something of the derivative
cdef double FARTHER_UP = 30    # where there is nothing
cdef double GAP = 2.1          # strides that a rung is put between
cdef double TYPICAL = 0.19     # first step where f does not move in steps relative to x
cdef double FEW_DIGITS = 1e-6  # rounding over the derivative, from which on a stride up may cross x = 0
cdef double LEAST = 1e-305     # what is added to f for its rounding, which ends at denormal numbers
cdef int AGAIN = -1            # no action: to choose once more, for the noise that was found
cdef int CHOICES = 4           # of a window, at most
cdef int STILL_UPS = 4         # of an f that does not move
cdef int FEW_ROUGH = 3         # rounds without a believable window that make one found below them suspicious
cdef int ROUGH = 8             # rounds without a believable window before noise is looked for


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
        size[k] = (absolute(plus) + absolute(minus)) / 2 + <real>LEAST
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
    cdef const real *other = NULL
    if s.side == 0 and not alone:
        other = even if form.odd else odd
    if facts.still:
        flat = NULL  # no rung says more than others
    return choose_window(
        form, &b.limits, <real *>ladder(b, i), <real *>table(b, i, 0), <real *>companion_table(b, i, form),
        <real *>table(b, i, 2), b.stride, facts.first, s.count, data, other, size, flat,
        b.noises[2 * i * b.m + o], b.seen + i * b.m + o, value, truncation, rounding,
    )


cdef double misses(
    const Block *b, Py_ssize_t i, const real *odd, const real *even, int k, int w, bint *steady
) noexcept nogil:
    # Root mean square of what the polynomial of a window misses f by at the rungs below it: noise, if there is no
    # structure. OUT steady: whether it does not fall with the step, as what truncation leaves does.
    cdef const Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef const real *data = odd if form.odd else even
    cdef real found[MAX_RUNGS]
    cdef real largest = 0, total = 0
    cdef int q, count = 0
    for q in range(k + 1, s.count):
        found[count] = h[q] * (data[q] - interpolate(form, h, data, k - w, k, h[q]))
        if form.q == 2:
            found[count] *= h[q]
        found[count] = absolute(found[count])
        count += 1
    steady[0] = False
    for q in range(count):
        largest = max(largest, found[q])
    if not 0 < largest < INFINITY:
        return 0
    for q in range(count):
        total += (found[q] / largest) * (found[q] / largest)
    total = largest * <real>sqrt(<double>total / count)
    steady[0] = h[s.count - 1] < <real>0.4 * h[k + 1] and 2 * found[count - 1] > total
    return <double>total


cdef real change(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *h, int k) noexcept nogil:
    # how far f moves in the step of rung k of h
    cdef real base = (<real *>sample(b, i, BASE))[o]
    cdef const real *rows = <real *>sample(b, i, FIRST_RUNG + 2 * k)
    cdef real right = absolute(rows[o] - base)
    return right if b.state[i].side != 0 else max(right, absolute(rows[b.m + o] - base))


cdef real moved(const Block *b, Py_ssize_t i, Py_ssize_t o, const real *h, int k) noexcept nogil:
    # the same over the n-th power of the step
    cdef real rate = change(b, i, o, h, k)
    for _ in range(b.n):
        rate /= h[k]
    return rate


cdef double broken_off(
    const Block *b, Py_ssize_t i, Py_ssize_t o, const real *odd, const real *even, int first, int k, int w, real error,
    real *between
) noexcept nogil:
    # What the polynomial of a window misses f by at the first rung above it where that is far more than the error of
    # the window allows for: f does not bend there but jumps, as a lattice of numbers does; 0 if there is none, -1 if f
    # moves the more the longer the step is, which tells nothing. OUT between: a step to look at first where these rungs
    # are far apart, else 0.
    cdef const Form *form = &b.forms[b.state[i].side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef const real *data = odd if form.odd else even
    cdef int above = k - w - 1
    cdef real miss
    between[0] = 0
    if above <= first or change(b, i, o, h, first) > <real>0.05 * (h[first] / h[above]) * change(b, i, o, h, above):
        return -1
    while above >= first:
        miss = absolute(data[above] - interpolate(form, h, data, k - w, k, h[above]))
        if miss > <real>LOUD * error and h[above] > <real>GAP * h[above + 1]:
            between[0] = sqrt(<double>(h[above] * h[above + 1]))
            return -1
        if missed(form, h, k - w, k, h[above], miss) > <real>LOUD * error:
            return <double>(miss * h[above] if form.q == 1 else miss * h[above] * h[above])
        above -= 1
    return 0


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
    cdef real up = h[top], size
    if s.ups >= UPS:
        return 0
    if 10 * r > v and noise <= 0:
        up *= <real>FARTHER_UP
    else:
        if noise <= 0:
            stride = max(stride, min(FAR_UP, pow(<double>(r / v) / (ENOUGH * b.limits.epsilon), 1.0 / b.n)))
        up *= <real>stride
    if top > 0 and up >= h[top - 1] / <real>1.2:  # between two rungs
        if h[top - 1] < <real>GAP * h[top]:
            return 0
        up = sqrt(<double>(h[top] * h[top - 1]))
    if r < <real>FEW_DIGITS * v:  # good enough to stay on this side of 0, where the domain of f may end
        size = (<real *>b.size)[i] * <real>0.9
        if up > size and size > 0:
            up = size
    up = min(up, (<real *>b.reach)[i])
    return up if up > <real>1.2 * h[top] else 0


cdef int without_window(
    const Block *b, Py_ssize_t i, const Facts *facts, const real *h, const char *flat, real *up
) noexcept nogil:
    # what an output wants while no window is believable
    cdef const Line *s = b.state + i
    if flat[s.count - 1] and facts.spread < b.limits.lattice * facts.tallest and s.ups < STILL_UPS:
        up[0] = min(max(<real>TYPICAL, <real>FARTHER_UP * h[0]), (<real *>b.reach)[i])
        if up[0] > h[0]:
            return STILL_UP  # perhaps a few steps of a lattice of low precision
    return LISTEN if s.rough >= ROUGH and not s.listened and not b.given else STRIDE_DOWN


cdef int look_up(
    Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, int k, int w, real v,
    real t, real r, real *up
) noexcept nogil:
    # Whether a window wants a step above it, or between its rungs: UP. AGAIN: there is more noise than was known.
    cdef const Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef double *noise = b.noises + 2 * i * b.m + o
    cdef double *dropped = b.dropped + 2 * i * b.m + o
    cdef real scale = absolute(v)
    cdef double miss
    if scale <= r:  # perhaps 0, by symmetry: what f does in other ways tells its scale
        scale = max(scale, moved(b, i, o, h, k - w) / 10)
    if r > <real>0.1 * t and r > <real>(ENOUGH * b.limits.epsilon) * scale:
        up[0] = higher(b, i, facts, h, k - w, r, scale, noise[0])
        if up[0] > 0:
            return UP
    if (s.rough >= FEW_ROUGH or dropped[0] == dropped[0]) and r > <real>0.3 * t:
        # what the rungs above do is believed to be structure: it must come gradually
        miss = broken_off(b, i, o, odd, even, facts.highest, k, w, t + r, up)
        if up[0] > 0 and s.ups < UPS:
            return UP
        if miss > noise[0]:
            noise[0] = miss
            return AGAIN
        if miss == 0:
            dropped[0] = NAN  # structure it is
    if t > 3 * r and s.ups < UPS:
        up[0] = gap(b, h, k - w, k)
        if up[0] > 0:
            return UP
    return READY


cdef int rungs_below(real v, real t, real r, bint enough) noexcept nogil:
    # how many rungs a window wants below it: none where rounding grows already, more the faster truncation falls
    cdef int wanted = 2 if r < 3 * t else 0
    if r < <real>0.03 * t:
        wanted = 4 if t + r < <real>1e-8 * absolute(v) else 7
    return min(wanted, 1) if enough else wanted


cdef int explain(
    Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, int k, int w, real v,
    real t, real r
) noexcept nogil:
    # What a window misses f by at the rungs below it: rounding, which is READY; else it is listened to, and is noise,
    # AGAIN, or where nothing sounds like that structure, which only smaller steps can tell of.
    cdef Line *s = b.state + i
    cdef double *noise = b.noises + 2 * i * b.m + o
    cdef double *dropped = b.dropped + 2 * i * b.m + o
    cdef bint steady
    cdef double miss = b.limits.noise_factor * misses(b, i, odd, even, k, w, &steady)
    cdef double amplify = <double>(<real *>table(b, i, 2))[k * b.stride + w]
    cdef bint loud = miss > LOUD * b.limits.epsilon * facts.tallest
    steady &= t > 10 * r and loud
    if miss <= 1.5 * noise[0] or not (miss * amplify > <double>(t + r) or steady):
        return READY
    if loud:
        if not s.listened:
            return LISTEN
        if b.limits.noise_factor * noise[b.m] < 0.05 * miss and s.retries < RETRIES and not s.levels:
            b.firsts[i * b.m + o] = s.count
            dropped[0], dropped[b.m] = <double>v, miss
            s.retries += 1
            return STRIDE_DOWN
    noise[0] = miss
    return AGAIN


cdef int act(Block *b, Py_ssize_t i, Py_ssize_t o, int *more, real *up) noexcept nogil:
    # OUT more: rungs wanted; up: the step wanted
    cdef const Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef real odd[MAX_RUNGS]
    cdef real even[MAX_RUNGS]
    cdef real size[MAX_RUNGS]
    cdef char flat[MAX_RUNGS]
    cdef Facts facts = gather(b, i, o, odd, even, size, flat)
    cdef Choice choice
    cdef real v, t, r
    cdef bint enough
    cdef int action, need = b.forms[s.side + 1].need
    cdef real *top = (<real *>b.top) + i * b.m + o
    top[0] = NAN
    more[0] = 1
    if s.count - facts.first < need:
        more[0] = need - (s.count - facts.first)
        return STRIDE_DOWN if facts.first == s.count else DOWN
    for _ in range(CHOICES):
        choice = choose(b, i, o, &facts, odd, even, size, flat, False, &v, &t, &r)
        top[0] = h[choice.k - choice.w] if choice.found else <real>NAN
        if not choice.found:
            return without_window(b, i, &facts, h, flat, up)
        if facts.still:  # what abs(x) says of the scale may be wrong
            up[0] = min(<real>TYPICAL, (<real *>b.reach)[i])
            return STILL_UP if s.ups < STILL_UPS and up[0] > <real>1.2 * h[facts.first] else READY
        enough = b.rtol >= 0 and <real>b.limits.safety * (t + r) <= max(<real>b.atol, <real>b.rtol * absolute(v))
        action = READY if enough else look_up(b, i, o, &facts, odd, even, choice.k, choice.w, v, t, r, up)
        if action == READY:
            more[0] = rungs_below(v, t, r, enough) - (s.count - 1 - choice.k)
            if enough and s.count > b.forms[s.side + 1].need:
                more[0] = 0  # they were asked for once
            if more[0] > 0:
                return DOWN
            if b.given:
                return READY
            action = explain(b, i, o, &facts, odd, even, choice.k, choice.w, v, t, r)
        if action != AGAIN:
            return action
    return READY
