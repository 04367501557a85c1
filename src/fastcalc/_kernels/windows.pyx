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

from fastcalc._kernels.arrays cimport absolute


cdef double SLOW = 0.3      # the ratio of consecutive differences, from which on they are summed up
cdef double SLOWEST = 0.9


cdef Form make_form(int n, int side):
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
    # IN h[k + 1]; OUT weight, companion [k, w, p], amplify[k, w] for the windows of w + 1 rungs k, k - 1, ..., k - w:
    # the weights of the coefficients j and companion_j at t = 0, which may share their memory, and how an error of f
    # grows in the derivative, n! sum(abs(weight) / h**q). Fornberg's recurrence takes the rungs in one at a time.
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
            weight[(k * stride + i) * stride + p] = row[form.j][p] * scale
            total += absolute(row[form.j][p] * scale) * inverse[p]
        amplify[k * stride + i] = total * <real>form.factor
        if companion != weight:
            for p in range(i + 1):
                companion[(k * stride + i) * stride + p] = row[form.companion_j][p] * companion_scale


cdef real extrapolate(
    const Form *form, const real *weight, int stride, int k, int w, const real *data, bint companion
) noexcept nogil:
    cdef const real *row = weight + (k * stride + w) * stride
    cdef real total = 0
    cdef int p
    for p in range(w + 1):
        total += row[p] * data[k - p]
    return total * <real>(form.companion_factor if companion else form.factor)


cdef inline real largest(real a, real b) noexcept nogil:
    return a if a > b or a != a else b


cdef Choice choose_window(
    const Form *form, const Limits *limits, const real *h, const real *weight, const real *companion,
    const real *amplify, int stride, int first, int count, const real *data, const real *other, const real *size,
    const char *flat, double noise, real *value, real *truncation, real *rounding
) noexcept nogil:
    # IN tables of `weigh` for `count` rungs, of which those from `first` on are used; data, other[count]: of the
    # derivative and of its companion, NULL for one-sided ladders; size[count]: what rounding is relative to;
    # flat[count]: rungs where f does not move, which say nothing where it does at others, NULL if they are to count.
    # OUT value, truncation, rounding of the window chosen.
    cdef real values[MAX_RUNGS][MAX_WINDOW]
    cdef real errors[MAX_RUNGS][MAX_WINDOW]
    cdef real v, t, r, best
    cdef int k, w, p, widest, moving
    cdef real tallest
    cdef Choice choice
    choice.found = choice.alone = False
    choice.k = choice.w = 0
    for k in range(first, count):
        widest = min(k - first + 1, form.window)
        tallest = 0
        moving = 0
        for w in range(widest):
            errors[k][w] = INFINITY
            tallest = largest(size[k - w], tallest)
            if flat != NULL and flat[k - w]:
                moving = -1
            if w < form.j:
                continue
            values[k][w] = v = extrapolate(form, weight, stride, k, w, data, False)
            if moving < 0 or w == form.j or k == first:
                continue
            r = (tallest * <real>limits.epsilon + <real>noise) * amplify[k * stride + w]
            t = truncated(&values[0][0], k, w, first, r)
            if t <= largest(<real>limits.believable * absolute(v), <real>limits.slack * r):
                errors[k][w] = t + r
    while True:
        best = INFINITY
        for k in range(first, count):
            for w in range(form.j + 1, min(k - first + 1, form.window)):
                if errors[k][w] < best:
                    best = errors[k][w]
                    choice.k, choice.w = k, w
        if not best < INFINITY:
            return choice
        k, w = choice.k, choice.w
        if other == NULL or has_companion(form, limits, h, companion, stride, first, other, size, noise, k, w):
            break
        choice.alone = True
        errors[k][w] = INFINITY
    choice.found = True
    value[0] = v = values[k][w]
    tallest = 0
    for p in range(w + 1):
        tallest = largest(size[k - p], tallest)
    rounding[0] = (tallest * <real>limits.epsilon + <real>noise) * amplify[k * stride + w]
    truncation[0] = truncated(&values[0][0], k, w, first, rounding[0])
    return choice


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


cdef bint has_companion(
    const Form *form, const Limits *limits, const real *h, const real *weight, int stride, int first,
    const real *data, const real *size, double noise, int k, int w
) noexcept nogil:
    cdef real v, t, r, step, last, amplify = 0, tallest = 0
    cdef const real *row = weight + (k * stride + w) * stride
    cdef int p
    v = extrapolate(form, weight, stride, k, w, data, True)
    t = absolute(v - extrapolate(form, weight, stride, k, w - 1, data, True))
    if k - 1 - w >= first:
        step = absolute(v - extrapolate(form, weight, stride, k - 1, w, data, True))
    else:
        step = absolute(v - extrapolate(form, weight, stride, k - 1, w - 1, data, True))
    t = largest(step, t)
    for p in range(w + 1):
        amplify += absolute(row[p]) / (h[k - p] if form.companion_q == 1 else h[k - p] * h[k - p])
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
