"""Arithmetic of truncated Taylor polynomials: each operation is one recurrence over the degrees.

With homogeneous parts a_k, every operation c = F(a, b) has the form

    c_k = (x A_k + y B_k + sum_(0 < p < k) w(p) u_p v_(k-p)) / d,    w(p) = w0 + wp p + wq (k - p),

where c is often u or v itself. They follow from D(uv) = u Dv + v Du for the derivation D that multiplies a_k by k:
c = exp(a) from Dc = c Da, c = a**r from a Dc = r c Da, and so on (Griewank, Walther, *Evaluating Derivatives*, SIAM
2008, table 13.2; here for homogeneous parts in many variables). The sum costs one product of polynomials, half of one
where u is v.

Coefficients are (n_terms, lanes). One lane is walked as it lies; of more, as many as fill a cache line are brought
together, unless the degree is so low that moving them would cost more than the arithmetic.
"""
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from fastcalc._kernels.series_loops cimport (
    begin, cross, finish, gather, longdouble, number, packed, scatter, square, triangle,
)
from fastcalc._kernels.tables cimport Tables

cnp.import_array()

cdef enum:
    MOST = 16  # lanes of a line, at most
    SERIES = 4  # inputs and outputs of an operation, at most
    TILED_FROM = 3  # degree from which lanes are brought together
    PANEL = 2097152  # bytes of what is brought together, for several tiles where it fits
    LONG = 20000  # multiplications for which the GIL is released
    PATIENCE = 100000000  # multiplications between two looks for Ctrl-C

cdef enum Operation:
    MULTIPLY, DIVIDE, PRODUCT_INTEGRAL, EXP, QUOTIENT_INTEGRAL, LOG, SQRT, POWER, SINCOS, RICCATI, COMPOSE


cdef struct Walk:
    bint wide  # a line of lanes, or one
    Py_ssize_t lanes  # of the sums
    Py_ssize_t ld  # between terms of a series
    Py_ssize_t countdown  # multiplications to the next look for Ctrl-C
    int interrupted
    int32_t *scratch  # a row of products, where they are not stored


cdef void interior(
    Tables t, Walk *walk, Py_ssize_t k, const number *u, const number *v, number w0, number wp, number wq, number *acc,
) noexcept nogil:
    # INOUT acc[N_k + 1, lanes]: plus the sum over 0 < p < k of (w0 + wp p + wq (k - p)) u_p v_(k-p); acc[N_k] is waste
    cdef Py_ssize_t p, q, i, n, rows, columns, step, ld = walk.ld
    cdef bint stored
    cdef const Py_ssize_t *starts = t.starts
    cdef const int32_t *table
    cdef const number *up
    cdef const number *uq
    cdef const number *vp
    cdef const number *vq
    cdef number w, x
    for p in range(1, k // 2 + 1):
        q = k - p
        rows = starts[p + 1] - starts[p]
        columns = starts[q + 1] - starts[q]
        if rows == 0 or columns == 0:
            continue
        up = u + starts[p] * ld
        vp = v + starts[p] * ld
        uq = u + starts[q] * ld
        vq = v + starts[q] * ld
        w = w0 + wp * <number>p + wq * <number>q
        x = w0 + wp * <number>q + wq * <number>p
        if t.packed and q == 1:
            packed(walk.wide, acc, columns, up, vp, ld, w)
            continue
        stored = t.products != NULL
        step = rows if stored else 1
        for n in range(1 if stored else rows):
            i = n * step
            if stored:
                table = t.products + t.offsets[p * (t.degree + 1) + q]
            else:
                table = t.row(starts[p] + i, q, walk.scratch)
            if p == q:
                triangle(walk.wide, acc, table, i, step, columns, up, vp, ld, w)
            elif u == v:
                square(walk.wide, acc, table, step, columns, up + i * ld, uq, ld, w + x)
            else:
                cross(walk.wide, acc, table, step, columns, up + i * ld, uq, vp + i * ld, vq, ld, w, x)
            walk.countdown -= step * columns * walk.lanes
            if walk.countdown < 0:
                look_for_signals(walk)
                if walk.interrupted:
                    return


cdef void look_for_signals(Walk *walk) noexcept with gil:
    walk.countdown = PATIENCE
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        pending.append(error)
        walk.interrupted = 1


cdef list pending = []  # what a signal handler raised; handlers run in the main thread alone


cdef inline void put(number *goal, Py_ssize_t lanes, number factor, const number *value) noexcept nogil:
    # goal[lanes] = factor * value
    cdef Py_ssize_t i
    for i in range(lanes):
        goal[i] = factor * value[i]


cdef inline void fill(number *goal, Py_ssize_t lanes, number value) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(lanes):
        goal[i] = value


cdef void run(
    Tables t, Walk *walk, Operation operation, number **s, const number *parameters, number *acc,
) noexcept nogil:
    # s: the series in the order of the functions below, with constant terms where these are given; acc[largest + 1]
    cdef number *a = s[0]
    cdef number *b = s[1]
    cdef number *c = s[2]
    cdef number *e = s[3]
    cdef number x[MOST]
    cdef number y[MOST]
    cdef number d[MOST]
    cdef number zero = 0, one = 1, two = 2, r = 0
    cdef Py_ssize_t i, k, n, at, lanes = walk.lanes, ld = walk.ld, degree = t.degree
    cdef const Py_ssize_t *starts = t.starts
    if operation == MULTIPLY:
        for i in range(lanes):
            c[i] = a[i] * b[i]
    elif operation == DIVIDE:
        for i in range(lanes):
            c[i] = a[i] / b[i]
    elif operation == POWER:
        r = parameters[0]
    elif operation == COMPOSE:
        horner(t, walk, a, b, c, acc)
        return
    for k in range(1, degree + 1):
        n = starts[k + 1] - starts[k]
        at = starts[k] * ld
        if n == 0:
            continue
        if operation == MULTIPLY:
            put(x, lanes, one, a)
            put(y, lanes, one, b)
            begin(walk.wide, acc, n, x, b + at, y, a + at, ld)
            interior(t, walk, k, a, b, one, zero, zero, acc)
            finish(walk.wide, c + at, n, acc, <const number *>NULL, ld)
        elif operation == DIVIDE:  # c b = a
            fill(y, lanes, -one)
            put(x, lanes, one, c)
            begin(walk.wide, acc, n, x, b + at, y, a + at, ld)
            interior(t, walk, k, b, c, one, zero, zero, acc)
            put(d, lanes, -one, b)
            finish(walk.wide, c + at, n, acc, d, ld)
        elif operation == PRODUCT_INTEGRAL or operation == EXP:  # Dc = b Da; for EXP b is c
            put(x, lanes, <number>k, b)
            begin(walk.wide, acc, n, x, a + at, y, <const number *>NULL, ld)
            interior(t, walk, k, a, b, zero, one, zero, acc)
            fill(d, lanes, <number>k)
            finish(walk.wide, c + at, n, acc, d, ld)
        elif operation == QUOTIENT_INTEGRAL or operation == LOG:  # b Dc = Da; for LOG b is a
            fill(x, lanes, -<number>k)
            begin(walk.wide, acc, n, x, a + at, y, <const number *>NULL, ld)
            interior(t, walk, k, c, b, zero, one, zero, acc)
            put(d, lanes, -<number>k, b)
            finish(walk.wide, c + at, n, acc, d, ld)
        elif operation == SQRT:  # c c = a
            fill(x, lanes, -one)
            begin(walk.wide, acc, n, x, a + at, y, <const number *>NULL, ld)
            interior(t, walk, k, c, c, one, zero, zero, acc)
            put(d, lanes, -two, c)
            finish(walk.wide, c + at, n, acc, d, ld)
        elif operation == POWER:  # a Dc = r c Da
            put(x, lanes, r * <number>k, c)
            begin(walk.wide, acc, n, x, a + at, y, <const number *>NULL, ld)
            interior(t, walk, k, a, c, zero, r, -one, acc)
            put(d, lanes, <number>k, a)
            finish(walk.wide, c + at, n, acc, d, ld)
        elif operation == SINCOS:  # Dc = e Da, De = sign c Da
            fill(d, lanes, <number>k)
            put(x, lanes, <number>k, e)
            begin(walk.wide, acc, n, x, a + at, y, <const number *>NULL, ld)
            interior(t, walk, k, a, e, zero, one, zero, acc)
            finish(walk.wide, c + at, n, acc, d, ld)
            put(x, lanes, <number>k, c)
            begin(walk.wide, acc, n, x, a + at, y, <const number *>NULL, ld)
            interior(t, walk, k, a, c, zero, one, zero, acc)
            fill(d, lanes, parameters[0] * <number>k)
            finish(walk.wide, e + at, n, acc, d, ld)
        elif operation == RICCATI:  # Dc = e Da, e = constant + beta c + gamma c**2
            put(x, lanes, <number>k, e)
            begin(walk.wide, acc, n, x, a + at, y, <const number *>NULL, ld)
            interior(t, walk, k, a, e, zero, one, zero, acc)
            fill(d, lanes, <number>k)
            finish(walk.wide, c + at, n, acc, d, ld)
            for i in range(lanes):
                x[i] = parameters[0] + two * parameters[1] * c[i]
            begin(walk.wide, acc, n, x, c + at, y, <const number *>NULL, ld)
            interior(t, walk, k, c, c, parameters[1], zero, zero, acc)
            finish(walk.wide, e + at, n, acc, <const number *>NULL, ld)
        if walk.interrupted:
            return


cdef void horner(Tables t, Walk *walk, const number *a, const number *g, number *c, number *acc) noexcept nogil:
    # c = sum g_m (a - a_0)**m by Horner's scheme; the sum so far is multiplied m more times, and needed to degree - m
    cdef Py_ssize_t k, m, n, at, lanes = walk.lanes, ld = walk.ld
    cdef const Py_ssize_t *starts = t.starts
    cdef number x[MOST]
    cdef number zero = 0, one = 1
    put(c, lanes, one, g + t.degree * ld)
    for at in range(1, t.n_terms):
        fill(c + at * ld, lanes, zero)
    for m in range(t.degree - 1, -1, -1):
        for k in range(t.degree - m, 0, -1):
            n = starts[k + 1] - starts[k]
            at = starts[k] * ld
            if n == 0:
                continue
            put(x, lanes, one, c)
            begin(walk.wide, acc, n, x, a + at, x, <const number *>NULL, ld)
            interior(t, walk, k, a, c, one, zero, zero, acc)
            finish(walk.wide, c + at, n, acc, <const number *>NULL, ld)
            if walk.interrupted:
                return
        put(c, lanes, one, g + m * ld)


cdef int sweep(
    Tables t, Operation operation, number **series, Py_ssize_t rows, const number *parameters, Py_ssize_t lanes,
) noexcept nogil:
    # IN series[0], series[1][rows, lanes]; INOUT series[2], series[3], constant terms given; NULL where there is none.
    # Returns 0, 1 without memory, 2 when interrupted
    cdef Py_ssize_t line = 4 if number is longdouble else 64 // <Py_ssize_t>sizeof(number)
    cdef bint wide = lanes > 1, tiled
    cdef Py_ssize_t plain = lanes if not wide else 0 if t.degree >= TILED_FROM else lanes - lanes % line
    cdef Py_ssize_t width = line if wide else 1, stride = t.n_terms * width, sums = (t.largest + 1) * width
    cdef Py_ssize_t size = SERIES * stride * <Py_ssize_t>sizeof(number), panel = max(1, min(8, PANEL // size))
    cdef Py_ssize_t first, tile, i, present
    cdef number *tiles
    cdef number *here[SERIES]
    cdef number *memory = <number *>malloc((sums + (plain < lanes) * panel * SERIES * stride) * sizeof(number) + 64)
    cdef number *acc = <number *>((<size_t>memory + 63) & ~<size_t>63)
    cdef Walk walk
    walk.scratch = <int32_t *>malloc((t.largest + 1) * sizeof(int32_t)) if t.products == NULL else NULL
    if memory == NULL or (t.products == NULL and walk.scratch == NULL):
        free(memory)
        free(walk.scratch)
        return 1
    tiles = acc + sums
    walk.wide = wide
    walk.lanes = width
    walk.interrupted = 0
    walk.countdown = PATIENCE
    first = 0
    while first < lanes and not walk.interrupted:
        tiled = first >= plain  # only the last lanes of low degrees, which fill no line
        walk.ld = width if tiled else lanes
        present = min(panel * width, (lanes if tiled else plain) - first)
        for i in range(SERIES):
            if tiled and series[i] != NULL:
                gather(
                    True, tiles + i * panel * stride, stride, (rows if i == 1 else t.n_terms) if i < 2 else 1,
                    series[i] + first, lanes, present,
                )
        for tile in range((present + width - 1) // width):
            for i in range(SERIES):
                here[i] = NULL
                if series[i] != NULL:
                    here[i] = tiles + (i * panel + tile) * stride if tiled else series[i] + first + tile * width
            if series[1] == series[0]:
                here[1] = here[0]
            if operation == EXP:
                here[1] = here[2]
            run(t, &walk, operation, here, parameters, acc)
        for i in range(2, SERIES):
            if tiled and series[i] != NULL:
                scatter(True, series[i] + first, stride, t.n_terms, tiles + i * panel * stride, lanes, present)
        first += present
    free(memory)
    free(walk.scratch)
    return 2 if walk.interrupted else 0


cdef object operate(
    Tables tables, Operation operation, cnp.ndarray a, cnp.ndarray b, object value, object second, object parameters,
):
    """One operation on arrays (n_terms, ...), None unless they have one shape and type; `value` and `second` are the
    constant terms of the results.
    """
    cdef int typenum = cnp.PyArray_TYPE(a)
    cdef cnp.ndarray c, e = None
    if b is not None and operation != COMPOSE:
        if cnp.PyArray_TYPE(b) != typenum or not cnp.PyArray_SAMESHAPE(a, b):
            return None
        b = cnp.PyArray_GETCONTIGUOUS(b)
    a = cnp.PyArray_GETCONTIGUOUS(a)
    c = empty_like(a)
    if second is not None:
        e = empty_like(a)
        start(e, second)
    if value is not None:
        start(c, value)
    if cnp.PyArray_DIM(a, 0) != tables.n_terms:
        raise ValueError(f"a series of this space has {tables.n_terms} terms; got {cnp.PyArray_DIM(a, 0)}")
    if typenum == cnp.NPY_DOUBLE:
        typed(tables, operation, a, b, c, e, parameters, <double *>NULL)
    elif typenum == cnp.NPY_FLOAT:
        typed(tables, operation, a, b, c, e, parameters, <float *>NULL)
    elif typenum == cnp.NPY_LONGDOUBLE:
        typed(tables, operation, a, b, c, e, parameters, <longdouble *>NULL)
    elif typenum == cnp.NPY_CDOUBLE:
        typed(tables, operation, a, b, c, e, parameters, <double complex *>NULL)
    else:
        raise TypeError(f"kernels take float32, float64, longdouble and complex128; got {a.dtype}")
    return (c, e) if operation == SINCOS else c


cdef object typed(
    Tables tables, Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray c, cnp.ndarray e, object parameters,
    number *unused,
):
    cdef number *series[SERIES]
    cdef number three[3]
    cdef Py_ssize_t i, lanes = cnp.PyArray_SIZE(a) // tables.n_terms, rows = tables.n_terms
    cdef int failed
    series[0] = <number *>contiguous(a, a)
    series[1] = NULL if b is None else <number *>contiguous(b, a)
    series[2] = <number *>cnp.PyArray_DATA(c)
    series[3] = NULL if e is None else <number *>cnp.PyArray_DATA(e)
    if lanes == 0:
        return None
    if operation == LOG:
        series[1] = series[0]
    elif operation == COMPOSE:
        rows = tables.degree + 1
    if parameters is not None:
        for i in range(3):
            three[i] = 0
        for i in range(len(parameters)):
            number_from(parameters, i, &three[i])
    if tables.n_pairs * lanes > LONG:
        with nogil:
            failed = sweep(tables, operation, series, rows, three, lanes)
    else:
        failed = sweep(tables, operation, series, rows, three, lanes)
    if failed == 1:
        raise MemoryError(f"no memory for the sums of a series of {tables.n_terms} terms")
    if failed == 2:
        raise pending.pop() if pending else KeyboardInterrupt
    return None


cdef inline int number_from(object parameters, Py_ssize_t i, number *goal) except -1:
    # a tuple of Python numbers, or an array of the series' type
    if isinstance(parameters, tuple):
        goal[0] = <number><double>parameters[i]
    else:
        goal[0] = (<number *>cnp.PyArray_DATA(<cnp.ndarray>parameters))[i]
    return 0


cdef inline cnp.ndarray empty_like(cnp.ndarray a):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a), 0)


cdef inline int start(cnp.ndarray c, object value) except -1:
    """Set the constant terms."""
    if isinstance(value, float) and cnp.PyArray_NDIM(c) == 1 and cnp.PyArray_TYPE(c) == cnp.NPY_DOUBLE:
        (<double *>cnp.PyArray_DATA(c))[0] = <double>value
    else:
        c[0] = value
    return 0


cdef inline void *contiguous(cnp.ndarray array, cnp.ndarray model) except? NULL:
    if cnp.PyArray_TYPE(array) != cnp.PyArray_TYPE(model) or not cnp.PyArray_IS_C_CONTIGUOUS(array):
        raise ValueError("series must be C-contiguous and of one type")
    return cnp.PyArray_DATA(array)


def multiply(Tables tables, cnp.ndarray a, cnp.ndarray b):
    """a b."""
    return operate(tables, MULTIPLY, a, b, None, None, None)


def divide(Tables tables, cnp.ndarray a, cnp.ndarray b):
    """a / b."""
    return operate(tables, DIVIDE, a, b, None, None, None)


def product_integral(Tables tables, cnp.ndarray a, cnp.ndarray b, value):
    """The c with c' = b a' and this constant term."""
    return operate(tables, PRODUCT_INTEGRAL, a, b, value, None, None)


def quotient_integral(Tables tables, cnp.ndarray a, cnp.ndarray b, value):
    """The c with c' = a' / b and this constant term."""
    return operate(tables, QUOTIENT_INTEGRAL, a, b, value, None, None)


def exp(Tables tables, cnp.ndarray a, value):
    """exp(a), whose constant term is `value`."""
    return operate(tables, EXP, a, None, value, None, None)


def log(Tables tables, cnp.ndarray a, value):
    """log(a), whose constant term is `value`."""
    return operate(tables, LOG, a, None, value, None, None)


def sqrt(Tables tables, cnp.ndarray a, value):
    """sqrt(a), whose constant term is `value`."""
    return operate(tables, SQRT, a, None, value, None, None)


def power(Tables tables, cnp.ndarray a, exponent, value):
    """a**r for r = exponent[0], whose constant term is `value`."""
    return operate(tables, POWER, a, None, value, None, exponent)


def sincos(Tables tables, cnp.ndarray a, sine, cosine, sign):
    """The pair s' = c a', c' = sign[0] s a' with these constant terms: sine and cosine for -1, hyperbolic for 1."""
    return operate(tables, SINCOS, a, None, sine, cosine, sign)


def riccati(Tables tables, cnp.ndarray a, value, slope, equation):
    """The c with c' = (constant + beta c + gamma c**2) a', equation (beta, gamma): this constant term, this c' / a'."""
    return operate(tables, RICCATI, a, None, value, slope, equation)


def compose(Tables tables, cnp.ndarray a, cnp.ndarray g):
    """sum(g[m] (a - a[0])**m) for g (degree + 1, ...)."""
    if cnp.PyArray_DIM(g, 0) != tables.degree + 1:
        raise ValueError(f"g must have {tables.degree + 1} coefficients; got {cnp.PyArray_DIM(g, 0)}")
    return operate(tables, COMPOSE, a, g, None, None, None)
