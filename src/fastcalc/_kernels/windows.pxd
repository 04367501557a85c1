ctypedef fused real:  # of ladders: samples in float32 become double
    double
    long double

cdef enum:
    MAX_RUNGS = 48
    MAX_WINDOW = 16
    PLAIN_WINDOW = 8  # of first and second derivatives

cdef struct Form:
    # of an n-th derivative, on both sides of x (side 0) or on one: q and j as in windows.pyx, factor n!
    int j, q, side
    int window, need   # rungs of the largest window; rungs before there is anything to tell
    bint odd           # of the odd part, or of the one part that a side has
    int companion_j, companion_q
    double factor, companion_factor

cdef struct Limits:
    double epsilon     # relative rounding of f's values
    double believable  # truncation over value of a window that is believed
    double slack       # truncation over rounding of one that is as good as rounding allows
    double stall       # the slowest fall of the companion from window to window
    double safety      # for what f rounds inside, and luck with differences
    double noise_factor  # from the root mean square of misses to a bound
    double lattice     # changes of f, over f, up to which they may be those of a lower precision

cdef struct Choice:
    bint found
    bint alone         # some better window was passed over since its companion is spoilt
    int k, w           # the last rung of the window, rungs before it

cdef struct Seen:
    # the best window of one output so far, for some data: any companion
    long double best, value, truncation, rounding  # best: the sum of the last two, INFINITY where there is none
    double noise
    int first, rungs   # those used; those whose windows were compared, 0 where data changed
    int k, w
    bint flat

cdef Form make_form(int n, int side) noexcept nogil
cdef void weigh(
    const Form *form, const real *h, int k, int stride, real *weight, real *companion, real *amplify
) noexcept nogil
cdef real extrapolate(
    const Form *form, const real *weight, int stride, int k, int w, const real *data, bint companion
) noexcept nogil
cdef Choice choose_window(
    const Form *form, const Limits *limits, const real *h, const real *weight, const real *companion,
    const real *amplify, int stride, int first, int count, const real *data, const real *other, const real *size,
    const char *flat, double noise, Seen *seen, real *value, real *truncation, real *rounding
) noexcept nogil
cdef real interpolate(const Form *form, const real *h, const real *data, int first, int last, real at) noexcept nogil
cdef real missed(const Form *form, const real *h, int first, int last, real at, real miss) noexcept nogil
