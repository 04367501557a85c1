"""The outcome of a ladder for one output of f: the derivative, its error, and a verdict in the numbers of statuses."""
from libc.math cimport INFINITY, NAN, sqrt

from fastcalc._kernels.arrays cimport absolute
from fastcalc._kernels.outputs cimport LOUD, Facts, choose, gap, gather, misses
from fastcalc._kernels.rungs cimport (
    BASE, OFF_LADDER, RETRIES, UPS, Block, Line, is_finite, ladder, sample, table
)
from fastcalc._kernels.windows cimport MAX_RUNGS, Choice, Form, extrapolate, interpolate, missed, real

cdef double PLATEAU = 1e-6     # the least width of a plateau, in first steps


cdef int settle(Block *b, Py_ssize_t i, Py_ssize_t o, int checks, real *between) noexcept nogil:
    # The result of one output; or what else must tell where it is wrong at the check point: other steps, smaller ones
    # or one `between` rungs far apart, or values in close succession.
    cdef const Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef real odd[MAX_RUNGS]
    cdef real even[MAX_RUNGS]
    cdef real size[MAX_RUNGS]
    cdef char flat[MAX_RUNGS]
    cdef real v = NAN, t, r, miss, step, raw = 0, distance = 0
    cdef Py_ssize_t place = i * b.m + o
    cdef double *dropped = b.dropped + 2 * i * b.m + o
    cdef double *noise = b.noises + 2 * i * b.m + o
    cdef Facts facts
    cdef Choice choice
    (<real *>b.value)[place] = (<real *>b.error)[place] = NAN
    (<real *>b.step)[place] = (<real *>b.top)[place] = NAN
    b.verdict[place] = NOT_CONVERGED  # for what comes back for other steps, of which there may be none
    if not is_finite((<real *>sample(b, i, BASE))[o]):
        b.verdict[place] = NON_FINITE
        return SETTLED
    facts = gather(b, i, o, odd, even, size, flat)
    record(b, i, o, &facts, odd, even, size)
    if s.count - facts.first < b.forms[s.side + 1].need:
        b.verdict[place] = NON_FINITE if facts.first == s.count > 0 else NOT_CONVERGED
        return SETTLED
    choice = last_choice(b, i, o, &facts, odd, even, size, flat, &v, &t, &r, &distance)
    if not choice.found:
        describe_failure(b, i, o, &facts, odd, even, size)
        return SETTLED
    miss = missed_off(b, i, o, checks, odd, even, choice.k, choice.w, &raw)
    if miss > LOUD * (t + r) and raw > <real>(LOUD * b.limits.epsilon * facts.tallest) and not b.given:
        # neither truncation nor rounding: noise, or structure between the rungs
        if not s.listened:
            return CLOSE_UP
        if b.limits.noise_factor * noise[b.m] < 0.05 * raw and not s.levels and s.retries < RETRIES and not s.exhausted:
            b.firsts[place] = s.count
            dropped[0], dropped[b.m] = <double>v, b.limits.noise_factor * <double>raw
            return OTHER_STEPS
        noise[0] = max(noise[0], b.limits.noise_factor * <double>raw)
        choice = choose(b, i, o, &facts, odd, even, size, flat, False, &v, &t, &r)
        if not choice.found:
            describe_failure(b, i, o, &facts, odd, even, size)
            return SETTLED
        miss = 0
    if miss > t + r and miss > <real>0.05 * absolute(v) and s.retries < RETRIES and not s.exhausted:
        step = gap(b, h, choice.k - choice.w, choice.k) if s.ups < UPS else 0
        if step > 0:
            between[0] = max(between[0], step)
        else:
            b.firsts[place] = s.count
        return OTHER_STEPS
    conclude(b, i, o, &facts, odd, even, size, flat, choice, v, t, r, miss, distance)
    return SETTLED


cdef Choice last_choice(
    Block *b, Py_ssize_t i, Py_ssize_t o, Facts *facts, const real *odd, const real *even, const real *size,
    const char *flat, real *value, real *truncation, real *rounding, real *distance
) noexcept nogil:
    # The window to take in the end, of which some are known to be wrong, or none believable, until then. OUT distance:
    # to the value of one that was dropped and that nothing replaces, else 0.
    cdef const Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef double *dropped = b.dropped + 2 * i * b.m + o
    cdef double *noise = b.noises + 2 * i * b.m + o
    cdef real apart = INFINITY
    cdef int steady = 0
    cdef Choice choice = choose(b, i, o, facts, odd, even, size, flat, False, value, truncation, rounding)
    distance[0] = 0
    if choice.found:
        apart = absolute(value[0] - <real>dropped[0])
    if dropped[0] == dropped[0] and not (choice.found and apart <= truncation[0] + rounding[0]):
        # A window was dropped since what it missed f by did not sound like noise; yet smaller steps do not confirm it
        # or tell of something else: as noise, then, and no closer than both are.
        distance[0] = apart if choice.found else 0
        facts.first = facts.highest
        noise[0] = max(noise[0], dropped[b.m])
        choice = choose(b, i, o, facts, odd, even, size, flat, False, value, truncation, rounding)
    elif not choice.found:  # a plateau, if f does not move at the small steps
        while steady < s.count - facts.first and flat[s.count - 1 - steady]:
            steady += 1
        # where only steps near the resolution of f's own arguments don't move it, that is no plateau
        if (
            steady > b.forms[s.side + 1].need and h[s.count - steady] > <real>PLATEAU * h[facts.first]
            and facts.spread > b.limits.lattice * facts.tallest
        ):
            facts.still = True
            facts.first = s.count - steady
            choice = choose(b, i, o, facts, odd, even, size, flat, False, value, truncation, rounding)
            rounding[0] = max(rounding[0], <real>(facts.tallest * b.limits.epsilon) / h[choice.k])
    return choice


cdef void conclude(
    Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, const real *size,
    const char *flat, Choice choice, real v, real t, real r, real miss, real distance
) noexcept nogil:
    # value, error and verdict from a window and what it misses the check point by
    cdef const Line *s = b.state + i
    cdef const real *h = <real *>ladder(b, i)
    cdef Py_ssize_t place = i * b.m + o
    cdef int k = choice.k
    cdef real error = max(t + r, miss + r), scale = 1
    cdef bint steady
    if s.exhausted and not b.given:  # nobody asked what it misses f by at the rungs below
        miss = <real>(b.limits.noise_factor * misses(b, i, odd, even, k, choice.w, &steady))
        error = max(error, miss * (<real *>table(b, i, 2))[k * b.stride + choice.w])
    error = max(error * <real>b.limits.safety, distance)
    (<real *>b.value)[place] = v
    (<real *>b.step)[place] = h[k]
    (<real *>b.top)[place] = h[k - choice.w]
    b.verdict[place] = NOT_CONVERGED
    if choice.alone and is_spoilt(b, i, o, facts, odd, even, size, flat, v, error):
        b.verdict[place] = NOT_SMOOTH
        return
    for _ in range(b.n):
        scale /= h[facts.highest]
    if facts.spread > 16 * b.limits.epsilon * facts.tallest and error > max(
        <real>0.5 * absolute(v), <real>0.5 * <real>facts.spread * scale,
        1000 * <real>(b.forms[s.side + 1].factor * b.limits.epsilon) * <real>facts.tallest * scale
    ):
        (<real *>b.error)[place] = 2 * max(error, absolute(v), <real>facts.spread * scale)
        return  # hardly anything is known
    if error == 0 and facts.still:
        error = <real>5e-324  # of numbers below the smallest
    if not 0 < error < INFINITY:
        return
    (<real *>b.error)[place] = error
    if b.rtol >= 0 and error <= max(<real>b.atol, <real>b.rtol * absolute(v)):
        b.verdict[place] = CONVERGED
    elif error > <real>(2 * b.limits.safety) * r:
        b.verdict[place] = CONVERGED
    elif b.noises[2 * i * b.m + o] > 10 * b.limits.epsilon * facts.tallest:
        b.verdict[place] = NOISE_LIMIT
    else:
        b.verdict[place] = ROUNDING_LIMIT


cdef bint is_spoilt(
    const Block *b, Py_ssize_t i, Py_ssize_t o, const Facts *facts, const real *odd, const real *even, const real *size,
    const char *flat, real v, real error
) noexcept nogil:
    # Whether the window that is best without regard to its companion has the same value at far less rounding: there
    # the companion shows that f is not smooth.
    cdef real value, t, r
    cdef Choice rival = choose(b, i, o, facts, odd, even, size, flat, True, &value, &t, &r)
    return rival.found and t + r < <real>1e-3 * error and absolute(value - v) <= 3 * error


cdef real missed_off(
    const Block *b, Py_ssize_t i, Py_ssize_t o, int checks, const real *odd, const real *even, int k, int w, real *raw
) noexcept nogil:
    # The truncation error that the check point nearest to the window tells of, 0 where there is none: from what it
    # misses f(x + h) - f(x) by, OUT raw, in the dimension of the part that is wanted.
    cdef const Line *s = b.state + i
    cdef const Form *form = &b.forms[s.side + 1]
    cdef const real *h = <real *>ladder(b, i)
    cdef const real *off = h + MAX_RUNGS
    cdef real miss, distance, nearest = 2
    cdef int q, best = -1
    for q in range(checks):
        distance = max(off[q] / h[k - w], h[k - w] / off[q])
        if distance < nearest and is_finite((<real *>sample(b, i, OFF_LADDER + q))[o]):
            nearest = distance
            best = q
    if best < 0:
        return 0
    for q in range(k - w, k + 1):
        if h[q] == off[best]:
            return 0
    miss = (<real *>sample(b, i, OFF_LADDER + best))[o] - (<real *>sample(b, i, BASE))[o]
    if s.side != 0:
        miss = miss / off[best] - s.side * interpolate(form, h, odd, k - w, k, off[best])
        raw[0] = absolute(miss * off[best])
    else:
        miss -= off[best] * interpolate(form, h, odd, k - w, k, off[best])
        miss -= off[best] * (off[best] * interpolate(form, h, even, k - w, k, off[best]))
        raw[0] = absolute(miss)
        miss /= off[best]
        if form.q == 2:
            miss /= off[best]
    return missed(form, h, k - w, k, off[best], miss)


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
    cdef real corner, corner_before, slope, slope_before, strictest, bound
    cdef int k, corners = 0, growths = 0, pairs = 0
    b.verdict[place] = NOT_CONVERGED
    (<real *>b.value)[place] = extrapolate(
        form, weights, b.stride, s.count - 1, min(form.j + 1, s.count - 1), data, False
    )
    (<real *>b.step)[place] = (<real *>b.top)[place] = h[s.count - 1]
    if s.evaluations + 3 > b.most:
        return  # steps that were only too large
    for k in range(facts.first + 1 + form.j, s.count):
        corner, corner_before = absolute(even[k]) * h[k], absolute(even[k - 1]) * h[k - 1]
        slope = absolute(extrapolate(form, weights, b.stride, k, form.j, data, False))
        slope_before = absolute(extrapolate(form, weights, b.stride, k - 1, form.j, data, False))
        bound = 20 * (size[k] * <real>b.limits.epsilon + <real>b.noises[2 * i * b.m + o]) / h[k]
        if corner < bound and slope < bound:
            continue
        pairs += 1
        strictest = sqrt(<double>(h[k] / h[k - 1]))
        corners += s.side == 0 and b.n == 1 and corner > bound and corner >= strictest * corner_before
        growths += slope * strictest >= slope_before
    if pairs >= 3 and 4 * max(corners, growths) >= 3 * pairs:
        b.verdict[place] = NOT_SMOOTH
        if corners >= growths and 4 * corners >= 3 * pairs:
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
