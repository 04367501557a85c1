cimport numpy as cnp
from libc.math cimport NAN
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from fastcalc._kernels.calling cimport Caller


ctypedef double (*one_variable)(double) noexcept nogil
ctypedef double (*one_variable_data)(double, void *) noexcept nogil
ctypedef double (*scalar)(int, double *) noexcept nogil
ctypedef double (*scalar_data)(int, double *, void *) noexcept nogil
ctypedef void (*vector)(int, int, double *, double *) noexcept nogil
ctypedef void (*vector_data)(int, int, double *, double *, void *) noexcept nogil
ctypedef int (*with_status)(int, int, double *, double *) noexcept nogil
ctypedef int (*with_status_data)(int, int, double *, double *, void *) noexcept nogil

cdef enum:
    FEW = 4  # components displaced at a time up to which they are restored one by one


cdef enum Form:
    OF_ONE_VARIABLE = 0  # double (double)
    SCALAR = 1           # double (int n, double *x)
    VECTOR = 2           # void (int m, int n, double *x, double *y)
    WITH_STATUS = 3      # int (int m, int n, double *x, double *y)


cdef enum Outcome:
    DONE, FAILED, INTERRUPTED


cdef struct Routine:
    void *address
    void *data      # the last argument, where it takes one
    Form form
    bint takes_data
    int m           # outputs; -1: not known yet


cdef struct Watch:
    int left         # calls until the clock is read
    int stride       # calls between two readings
    double read      # when it was last read, in seconds
    double checked   # when signals were last looked for


cdef struct Move:
    Py_ssize_t component
    double shift


cdef struct Work:
    Routine routine
    Watch watch
    Py_ssize_t n
    double *origin     # [n]: x
    double *point      # [n]: x, displaced: what f gets
    bint refill        # f writes into its point
    bint nan_on_error
    uint64_t changed   # not 0: f wrote into its point
    Py_ssize_t calls
    int status         # the first that was not 0


cdef int keep_watch(Watch *watch) noexcept nogil


cdef inline int call_as(
    Form form, bint takes_data, const Routine *f, int n, double *x, double *y
) noexcept nogil:
    # IN x[n], which f may write into all the same; OUT y[f.m]; returns the status
    if form == SCALAR:
        if takes_data:
            y[0] = (<scalar_data>f.address)(n, x, f.data)
        else:
            y[0] = (<scalar>f.address)(n, x)
    elif form == OF_ONE_VARIABLE:
        if takes_data:
            y[0] = (<one_variable_data>f.address)(x[0], f.data)
        else:
            y[0] = (<one_variable>f.address)(x[0])
    elif form == VECTOR:
        if takes_data:
            (<vector_data>f.address)(f.m, n, x, y, f.data)
        else:
            (<vector>f.address)(f.m, n, x, y)
    elif takes_data:
        return (<with_status_data>f.address)(f.m, n, x, y, f.data)
    else:
        return (<with_status>f.address)(f.m, n, x, y)
    return 0


cdef inline int call(const Routine *f, int n, double *x, double *y) noexcept nogil:
    return call_as(f.form, f.takes_data, f, n, x, y)


cdef inline uint64_t bits(double number) noexcept nogil:
    cdef uint64_t pattern
    memcpy(&pattern, &number, sizeof(double))
    return pattern


cdef inline uint64_t difference(const double *a, const double *b, Py_ssize_t n) noexcept nogil:
    """Not 0 where two rows differ in any bit."""
    cdef Py_ssize_t i
    cdef uint64_t differ = 0
    for i in range(n):
        differ |= bits(a[i]) ^ bits(b[i])
    return differ


cdef inline Outcome enter_as(Form form, bint takes_data, Work *w, double *y) noexcept nogil:
    # f at the point as it is; OUT y[m], NaN where f does not write
    cdef int i, status
    if form >= VECTOR:
        for i in range(w.routine.m):
            y[i] = NAN
    status = call_as(form, takes_data, &w.routine, <int>w.n, w.point, y)
    w.calls += 1
    if status != 0:
        if w.status == 0:
            w.status = status
        if not w.nan_on_error:
            return FAILED
        for i in range(w.routine.m):
            y[i] = NAN
    w.watch.left -= 1
    if w.watch.left <= 0 and keep_watch(&w.watch) != 0:
        return INTERRUPTED
    return DONE


cdef inline Outcome enter(Work *w, double *y) noexcept nogil:
    return enter_as(w.routine.form, w.routine.takes_data, w, y)


cdef inline Outcome visit_one(Work *w, Py_ssize_t c, double shift, double *y) noexcept nogil:
    cdef Outcome outcome
    w.changed |= bits(w.point[c]) ^ bits(w.origin[c])
    w.point[c] = w.origin[c] + shift
    outcome = enter(w, y)
    w.point[c] = w.origin[c]
    return outcome


cdef inline Outcome visit_few(Work *w, const Move *moves, Py_ssize_t count, double *y) noexcept nogil:
    # a component may be among them twice
    cdef Py_ssize_t j
    cdef Outcome outcome
    for j in range(count):
        w.changed |= bits(w.point[moves[j].component]) ^ bits(w.origin[moves[j].component])
    for j in range(count):
        w.point[moves[j].component] += moves[j].shift
    outcome = enter(w, y)
    for j in range(count):
        w.point[moves[j].component] = w.origin[moves[j].component]
    return outcome


cdef inline void renew(Work *w) noexcept nogil:
    # the point before many components of it are displaced
    if w.refill:
        memcpy(w.point, w.origin, w.n * sizeof(double))
    else:
        w.changed |= difference(w.point, w.origin, w.n)


cdef inline Outcome visit_many(Work *w, double *y) noexcept nogil:
    # the point is displaced already; what f writes into it does no harm
    cdef Outcome outcome = enter(w, y)
    if not w.refill:
        memcpy(w.point, w.origin, w.n * sizeof(double))
    return outcome


cdef inline void go_to(Work *w, const double *x, Py_ssize_t lanes) noexcept nogil:
    # IN x[n, lanes]: a new origin
    cdef Py_ssize_t i
    for i in range(w.n):
        w.origin[i] = w.point[i] = x[i * lanes]
    w.changed = 0


cdef inline void look_closely(Work *w, Py_ssize_t calls) noexcept nogil:
    # what one call changes the next may change back: all components after 1, 3, 7, 15, ... calls
    if calls & (calls + 1) == 0:
        w.changed |= difference(w.point, w.origin, w.n)


cdef inline bint was_changed(Work *w) noexcept nogil:
    """Whether f wrote into its point since `go_to`; if so, it gets a fresh one at each call from now on."""
    if w.refill or (w.changed | difference(w.point, w.origin, w.n)) == 0:
        return False
    w.refill = True
    return True


cdef class FunctionPointer:
    cdef Routine routine
    cdef readonly tuple shape
    cdef object owner
    cdef readonly object failure
    cdef object first

    cdef int set_data(self, data) except -1
    cdef int fail(self, int status, const double *point, Py_ssize_t n) except -1


cdef class CompiledCaller(Caller):
    cdef FunctionPointer pointer
    cdef Work work

    cdef int adopt_shape(self) except -1
    cdef int evaluate_first(self, Py_ssize_t column, Py_ssize_t columns) except -1
    cdef int stop(self, Outcome outcome) except -1
