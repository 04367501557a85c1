from fastcalc._kernels.windows cimport MAX_RUNGS, Form, Limits, Seen, real

# A parameter `kind` is never read: a fused function needs one that tells its type, and Block has none.

cdef enum Phase:  # of a line: what is asked for
    RUNGS
    NOISE
    CHECK
    DONE

cdef enum:
    NOISE_POINTS = 8
    MAX_PENDING = 8
    MAX_REQUESTS = 16   # of a line: both sides of what is pending
    TURN_AFTER = 12     # rungs with values on one side of x alone
    UPS = 14            # strides up at most
    RETRIES = 2         # fresh starts at smaller steps

cdef enum Row:  # of the samples of a line
    BASE
    OFF_LADDER       # check points, MAX_PENDING of them
    CLOSE = 9        # OFF_LADDER + MAX_PENDING; values in close succession
    FIRST_RUNG = 17  # CLOSE + NOISE_POINTS; two rows a rung

cdef struct Line:
    int side             # of x: 0 both, 1 and -1 one
    int count            # rungs with samples
    int phase
    int pending          # steps asked for
    int ups              # strides up so far, as all that follows
    int slow             # strides down in a row, which become longer
    int rough            # rounds without a believable window
    int tries            # spacings listened at, with the one that there was no room for
    int retries          # fresh starts at smaller steps
    int evaluations
    bint listened        # for noise, at all spacings that it takes
    bint exhausted       # no further rung is possible, or allowed
    bint levels          # f does not move in small steps: it has levels, and misses are the distance between them

cdef struct Block:
    Py_ssize_t n_lines, m
    int n                # which derivative
    int stride           # of the tables of weights: the largest window
    int most             # evaluations a line
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
    void *history        # [lines, rungs, 1 + 2 m], NULL if not wanted
    signed char *verdict  # [lines, m]
    double *noises       # [lines, 2, m]: what the errors allow for; what was listened to, UNKNOWN before
    Seen *seen           # [lines, m]
    int *firsts          # [lines, m]: rungs before this one stepped over structure
    double *dropped      # [lines, 2, m]: value of a window with such rungs, NaN if there is none; what it missed f by


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


cdef real quantized(real size, real h, double epsilon, real most) noexcept nogil
cdef void plan_down(Block *b, Py_ssize_t i, real first, real ratio, int wanted) noexcept nogil
cdef Py_ssize_t collect(Block *b, Py_ssize_t *line, real *shift) noexcept nogil
cdef int insert(Block *b, Py_ssize_t i, real h, const real *plus, const real *minus) noexcept nogil
cdef void turn(Block *b, Py_ssize_t i, const real *kind) noexcept nogil
cdef void weigh_from(Block *b, Py_ssize_t i, const real *kind, int first) noexcept nogil
