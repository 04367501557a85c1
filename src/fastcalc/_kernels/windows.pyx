"""Extrapolation to step 0 over windows of a ladder of steps, and the window to trust.

The samples of f at x and x +- h for the rungs h_0 > h_1 > ... give, without the value at x, the odd and the even part

    odd(t) = (f(x + h) - f(x - h)) / 2h,    even(t) = ((f(x + h) - f(x)) + (f(x - h) - f(x))) / 2h**2,    t = h**2,

power series in t whose coefficient j is f^(n)(x) / n! with n = 2j + 1 and n = 2j + 2. On one side of x it is
(f(x + h) - f(x)) / h, in t = h, with n = j + 1. The coefficient at t = 0 of the polynomial through a window of
consecutive rungs is a weighted sum of data (Fornberg, Math. Comp. 51 (1988) 699-706), whose error is

    truncation: the larger difference to two neighbours, the window without its first rung and the one a rung earlier;
    rounding:   n! sum(abs(weight) / h**q) times (eps max(size) + noise), where size is that of f at a rung.

The window with the smallest sum is taken among those which are believable: the truncation is small against the value,
or as small as the rounding, and the same holds for the companion, the derivative of the other parity one below (for
n = 1: the second), which a kink at x spoils while symmetry hides it from the derivative itself.
"""
from libc.math cimport INFINITY
from libc.string cimport memset

from fastcalc._kernels.arrays cimport absolute


cdef double SLOW = 0.3      # the ratio of consecutive differences, from which on they are summed up
cdef double SLOWEST = 0.9


cdef Form make_form(int n, int side) noexcept nogil:
    cdef Form form
    cdef int i
    form.side = side
    form.factor = 1
    for i in range(2, n + 1):
        form.factor *= i
    if side != 0:
        form.j, form.q, form.odd = n - 1, 1, True
        form.companion_j, form.companion_q, form.companion_factor = 0, 1, 1
    else:
        form.odd = n % 2 == 1
        form.j = (n - 1) // 2
        form.q = 1 if form.odd else 2
        form.companion_j = (n - 3) // 2 if form.odd and n > 1 else form.j
        form.companion_q = 3 - form.q
        form.companion_factor = 2 if n == 1 else form.factor / n
    form.window = min(form.j + 8, MAX_WINDOW)
    form.need = max(3, form.j + 3)
    return form


cdef real node(const Form *form, real h, real unit) noexcept nogil:
    # t, in units of that of another step
    h /= unit
    return h if form.side != 0 else h * h


cdef void weigh(
    const Form *form, const real *h, int k, int stride, real *weight, real *companion, real *amplify
) noexcept nogil:
    # IN h[k + 1]; OUT weight, companion [k, p, w], amplify[k, w] for the windows of w + 1 rungs k, k - 1, ..., k - w:
    # the weights of the coefficients j and companion_j at t = 0, which may share their memory, and how an error of f
    # grows in the derivative, n! sum(abs(weight) / h**q). A rung outside of a window has weight 0.
    memset(weight + k * stride * stride, 0, stride * stride * sizeof(real))
    if form.j == 0 and form.companion_j == 0:
        weigh_zeroth(form, h, k, stride, weight + k * stride * stride, amplify + k * stride)
        return
    if companion != weight:
        memset(companion + k * stride * stride, 0, stride * stride * sizeof(real))
    weigh_any(
        form, h, k, stride, weight + k * stride * stride, companion + k * stride * stride, amplify + k * stride
    )


cdef void weigh_any(
    const Form *form, const real *h, int k, int stride, real *weight, real *companion, real *amplify
) noexcept nogil:
    # Fornberg's recurrence takes the rungs in one at a time.
    cdef real row[MAX_WINDOW][MAX_WINDOW]
    cdef real u[MAX_WINDOW]
    cdef real inverse[MAX_WINDOW]
    cdef real last = form.side * h[k] if form.side != 0 else h[k] * h[k]
    cdef real total, c1 = 1, c2, c3, c5, scale = 1, companion_scale = 1
    cdef int i, j, p, top = form.j if form.j > form.companion_j else form.companion_j
    cdef int size = k + 1 if k + 1 < form.window else form.window
    for j in range(1, top + 1):  # the nodes are in units of the last one; the weights are of derivatives: over j!
        if j <= form.j:
            scale /= j * last
        if j <= form.companion_j:
            companion_scale /= j * last
    for j in range(top + 1):
        for p in range(size):
            row[j][p] = 0
    row[0][0] = u[0] = 1
    for i in range(size):
        if i > 0:
            u[i] = node(form, h[k - i], h[k])
            c2, c5 = 1, u[i - 1]
            for p in range(i):
                c3 = u[i] - u[p]
                c2 *= c3
                if p == i - 1:
                    for j in range(i if i < top else top, 0, -1):
                        row[j][i] = c1 * (j * row[j - 1][i - 1] - c5 * row[j][i - 1]) / c2
                    row[0][i] = -c1 * c5 * row[0][i - 1] / c2
                c3 = 1 / c3
                for j in range(i if i < top else top, 0, -1):
                    row[j][p] = (u[i] * row[j][p] - j * row[j - 1][p]) * c3
                row[0][p] = u[i] * row[0][p] * c3
            c1 = c2
        inverse[i] = 1 / (h[k - i] if form.q == 1 else h[k - i] * h[k - i])
        total = 0
        for p in range(i + 1):
            weight[p * stride + i] = row[form.j][p] * scale
            total += absolute(row[form.j][p] * scale) * inverse[p]
        amplify[i] = total * <real>form.factor
        if companion != weight:
            for p in range(i + 1):
                companion[p * stride + i] = row[form.companion_j][p] * companion_scale


cdef void weigh_zeroth(
    const Form *form, const real *h, int k, int stride, real *weight, real *amplify
) noexcept nogil:
    # The same for the coefficient 0 alone, as first and second derivatives want it.
    cdef real row[PLAIN_WINDOW]
    cdef real u[PLAIN_WINDOW]
    cdef real inverse[PLAIN_WINDOW]
    cdef real total, newest, c1 = 1, c2
    cdef int i, p, size = k + 1 if k + 1 < PLAIN_WINDOW else PLAIN_WINDOW
    row[0] = weight[0] = u[0] = 1
    inverse[0] = 1 / (h[k] if form.q == 1 else h[k] * h[k])
    amplify[0] = inverse[0] * <real>form.factor
    for i in range(1, size):
        u[i] = node(form, h[k - i], h[k])
        inverse[i] = 1 / (h[k - i] if form.q == 1 else h[k - i] * h[k - i])
    for i in range(1, size):
        c2 = 1
        for p in range(i):
            c2 *= u[i] - u[p]
        newest = -c1 * u[i - 1] * row[i - 1] / c2
        for p in range(i):
            row[p] = u[i] * row[p] * (1 / (u[i] - u[p]))
        row[i] = newest
        c1 = c2
        total = 0
        for p in range(i + 1):
            weight[p * stride + i] = row[p]
            total += absolute(row[p]) * inverse[p]
        amplify[i] = total * <real>form.factor


cdef real extrapolate(
    const Form *form, const real *weight, int stride, int k, int w, const real *data, bint companion
) noexcept nogil:
    cdef const real *column = weight + k * stride * stride + w
    cdef real total = 0
    cdef int p
    for p in range(w + 1):
        total += column[p * stride] * data[k - p]
    return total * <real>(form.companion_factor if companion else form.factor)


cdef inline void extrapolate_row(
    const Form *form, const real *weight, int stride, int width, int first, int k, const real *data, real *values
) noexcept nogil:
    # OUT values[width] of the windows whose last rung is k; meaningless where they have rungs before the first
    cdef real total[MAX_WINDOW]
    cdef const real *row = weight + k * stride * stride
    cdef real datum
    cdef int p, w
    for w in range(width):
        total[w] = 0
    for p in range(min(k - first + 1, width)):
        datum = data[k - p]
        for w in range(width):
            total[w] += row[p * stride + w] * datum
    for w in range(width):
        values[w] = total[w] * <real>form.factor


cdef inline real largest(real a, real b) noexcept nogil:
    return a if a > b or a != a else b


cdef inline real truncated(const real *values, int k, int w, int first, real r) noexcept nogil:
    # The larger difference to two neighbours: the window without its first rung, and the one a rung earlier; at the top
    # of the ladder there is none, so one rung shorter. Where these differences fall slowly, as for a function with a
    # kink in some derivative, what is left of a geometric series is added.
    cdef const real *row = values + k * MAX_WINDOW
    cdef const real *before = row - MAX_WINDOW
    cdef real step, last, t, ratio
    step = absolute(row[w] - (before[w] if k - 1 - w >= first else before[w - 1]))
    t = largest(absolute(row[w] - row[w - 1]), step)
    if k - 2 - w >= first and step > 2 * r:
        last = absolute(before[w] - (before - MAX_WINDOW)[w])
        ratio = step / last
        if ratio > <real>SLOW:
            t /= 1 - (ratio if ratio < <real>SLOWEST else <real>SLOWEST)
    return t


cdef inline int judge(
    const Form *form, const Limits *limits, const real *amplify, int first, int k, const real *values,
    const real *size, const char *flat, double noise, real *truncation, real *rounding
) noexcept nogil:
    # OUT truncation, rounding [width] of the windows from w = j + 1 on whose last rung is k; those that are not
    # believable get an infinite truncation. Returns how many windows there are: rungs where f does not move end them.
    cdef real tallest = size[k], r, t
    cdef int w, widest = min(k - first + 1, form.window)
    if flat != NULL:
        for w in range(widest):
            if flat[k - w]:
                widest = w
                break
    for w in range(1, min(form.j + 1, widest)):
        tallest = largest(size[k - w], tallest)
    for w in range(form.j + 1, widest):
        tallest = largest(size[k - w], tallest)
        r = (tallest * <real>limits.epsilon + <real>noise) * amplify[w]
        t = truncated(values, k, w, first, r)
        truncation[w], rounding[w] = t, r
        if not t <= largest(<real>limits.believable * absolute(values[k * MAX_WINDOW + w]), <real>limits.slack * r):
            truncation[w] = INFINITY
    return widest


cdef inline void compare(
    const Form *form, const Limits *limits, const real *weight, const real *amplify, int stride, int width, int first,
    int count, const real *data, const real *size, const char *flat, double noise, Seen *seen
) noexcept nogil:
    # the best of all windows; those that were compared before are not again
    cdef real values[MAX_RUNGS][MAX_WINDOW]
    cdef real t[MAX_WINDOW]
    cdef real r[MAX_WINDOW]
    cdef real best
    cdef int k, w
    if seen.rungs > count or seen.first != first or seen.noise != noise or seen.flat != (flat != NULL):
        seen.rungs = 0
    if seen.rungs <= first:
        seen.first, seen.noise, seen.flat, seen.best = first, noise, flat != NULL, INFINITY
        seen.rungs = first
    best = <real>seen.best
    for k in range(max(first, seen.rungs - 2), count):
        extrapolate_row(form, weight, stride, width, first, k, data, &values[k][0])
        if k < seen.rungs or k == first:
            continue
        for w in range(
            form.j + 1, judge(form, limits, amplify + k * stride, first, k, &values[0][0], size, flat, noise, t, r)
        ):
            if t[w] + r[w] < best:
                seen.best = best = t[w] + r[w]
                seen.k, seen.w = k, w
                seen.value, seen.truncation, seen.rounding = values[k][w], t[w], r[w]
    seen.rungs = count


cdef Choice choose_window(
    const Form *form, const Limits *limits, const real *h, const real *weight, const real *companion,
    const real *amplify, int stride, int first, int count, const real *data, const real *other, const real *size,
    const char *flat, double noise, Seen *seen, real *value, real *truncation, real *rounding
) noexcept nogil:
    # IN tables of `weigh` for `count` rungs, of which those from `first` on are used; data, other[count]: of the
    # derivative and of its companion, NULL for one-sided ladders; size[count]: what rounding is relative to;
    # flat[count]: rungs where f does not move, which say nothing where it does at others, NULL if they are to count.
    # INOUT seen: what is known of the rungs that were there before. OUT value, truncation, rounding of the window
    # chosen.
    cdef Choice choice
    choice.found = choice.alone = False
    choice.k = choice.w = 0
    if form.window == PLAIN_WINDOW:  # a constant, for which loops turn into vector instructions
        compare(
            form, limits, weight, amplify, stride, PLAIN_WINDOW, first, count, data, size, flat, noise, seen
        )
    else:
        compare(form, limits, weight, amplify, stride, form.window, first, count, data, size, flat, noise, seen)
    if not seen.best < INFINITY:
        return choice
    if other == NULL or has_companion(
        form, limits, h, companion, stride, first, other, size, noise, seen.k, seen.w
    ):
        choice.found, choice.k, choice.w = True, seen.k, seen.w
        value[0], truncation[0], rounding[0] = <real>seen.value, <real>seen.truncation, <real>seen.rounding
        return choice
    return choose_unspoilt(
        form, limits, h, weight, companion, amplify, stride, first, count, data, other, size, flat, noise, value,
        truncation, rounding
    )


cdef Choice choose_unspoilt(
    const Form *form, const Limits *limits, const real *h, const real *weight, const real *companion,
    const real *amplify, int stride, int first, int count, const real *data, const real *other, const real *size,
    const char *flat, double noise, real *value, real *truncation, real *rounding
) noexcept nogil:
    # the best of the windows whose companion holds, in the order of their errors
    cdef real values[MAX_RUNGS][MAX_WINDOW]
    cdef real t[MAX_RUNGS][MAX_WINDOW]
    cdef real r[MAX_RUNGS][MAX_WINDOW]
    cdef int widest[MAX_RUNGS]
    cdef real best
    cdef int k, w
    cdef Choice choice
    choice.found = choice.alone = False
    choice.k = choice.w = 0
    for k in range(first, count):
        extrapolate_row(form, weight, stride, form.window, first, k, data, &values[k][0])
        widest[k] = 0 if k == first else judge(
            form, limits, amplify + k * stride, first, k, &values[0][0], size, flat, noise, &t[k][0], &r[k][0]
        )
    while True:
        best = INFINITY
        for k in range(first, count):
            for w in range(form.j + 1, widest[k]):
                if t[k][w] + r[k][w] < best:
                    best = t[k][w] + r[k][w]
                    choice.k, choice.w = k, w
        if not best < INFINITY:
            return choice
        k, w = choice.k, choice.w
        if has_companion(form, limits, h, companion, stride, first, other, size, noise, k, w):
            break
        choice.alone = True
        t[k][w] = INFINITY
    choice.found = True
    value[0], truncation[0], rounding[0] = values[k][w], t[k][w], r[k][w]
    return choice


cdef bint has_companion(
    const Form *form, const Limits *limits, const real *h, const real *weight, int stride, int first,
    const real *data, const real *size, double noise, int k, int w
) noexcept nogil:
    cdef real v, t, r, step, last, amplify = 0, tallest = 0
    cdef const real *column = weight + k * stride * stride + w
    cdef int p
    v = extrapolate(form, weight, stride, k, w, data, True)
    t = absolute(v - extrapolate(form, weight, stride, k, w - 1, data, True))
    if k - 1 - w >= first:
        step = absolute(v - extrapolate(form, weight, stride, k - 1, w, data, True))
    else:
        step = absolute(v - extrapolate(form, weight, stride, k - 1, w - 1, data, True))
    t = largest(step, t)
    for p in range(w + 1):
        amplify += absolute(column[p * stride]) / (h[k - p] if form.companion_q == 1 else h[k - p] * h[k - p])
        tallest = largest(size[k - p], tallest)
    r = (tallest * <real>limits.epsilon + <real>noise) * amplify * <real>form.companion_factor
    if k - 2 - w >= first and step > <real>limits.slack * r:
        last = absolute(
            extrapolate(form, weight, stride, k - 1, w, data, True)
            - extrapolate(form, weight, stride, k - 2, w, data, True)
        )
        if step > <real>limits.stall * last:
            return False  # falls like the step, not like its square: the next derivative jumps
    return t <= largest(<real>limits.believable * absolute(v), <real>limits.slack * r)


cdef real interpolate(
    const Form *form, const real *h, const real *data, int first, int last, real at
) noexcept nogil:
    # the polynomial in t through the rungs first to last, at the step `at`, by Neville's recurrence
    cdef real value[MAX_WINDOW]
    cdef real u[MAX_WINDOW]
    cdef int i, level, size = last - first + 1
    at = node(form, at, h[first])
    for i in range(size):
        value[i] = data[first + i]
        u[i] = node(form, h[first + i], h[first])
    for level in range(1, size):
        for i in range(size - level):
            value[i] = ((at - u[i + level]) * value[i] - (at - u[i]) * value[i + 1]) / (u[i] - u[i + level])
    return value[0]


cdef real missed(const Form *form, const real *h, int first, int last, real at, real miss) noexcept nogil:
    # The truncation error of the derivative that a miss at the step `at` of the polynomial through the rungs first to
    # last tells of: both are the same remainder times prod(t - t_i), or times its coefficient j.
    cdef real product[MAX_WINDOW + 1]
    cdef real u, distance = 1
    cdef int i, j, size = last - first + 1
    at = node(form, at, h[first])
    product[0] = 1
    for i in range(size):
        u = node(form, h[first + i], h[first])
        distance *= absolute(at - u)
        product[i + 1] = product[i]
        for j in range(i, 0, -1):
            product[j] = product[j - 1] - u * product[j]
        product[0] = -u * product[0]
    for _ in range(form.j):
        distance *= h[first] if form.side != 0 else h[first] * h[first]
    return absolute(miss * product[form.j] / distance) * <real>form.factor
