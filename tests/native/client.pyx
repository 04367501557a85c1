# What a user of fastcalc.native writes, compiled by tests/test_native.py: C functions, differentiated without the GIL,
# and the same functions for Python, to compare with.
from libc.math cimport cos, exp, sin, sqrt

import numpy as np

from fastcalc.native cimport (
    VERSION, WRONG_FORM, Function, Gradient, Plan, compiled, scalar_function, univariate_function, vector_function
)

versions = (VERSION, WRONG_FORM)


cdef struct Parameters:
    double shift
    int calls      # where that can be counted
    int fail_at    # the call that fails, 0: none
    int failure


cdef double wave(double x, void *user) noexcept nogil:
    return sin(x + (<Parameters *>user).shift)


cdef double root(double x, void *user) noexcept nogil:
    return sqrt(x)


cdef double rosenbrock(int n, double *x, void *user) noexcept nogil:
    cdef double total = 0, a, b
    cdef int i
    for i in range(n - 1):
        a, b = 1 - x[i], x[i + 1] - x[i] * x[i]
        total += a * a + 100 * b * b
    return total + (<Parameters *>user).shift * x[0]


cdef double mixed(int n, double *x, void *user) noexcept nogil:
    # every variable with every other one, and a scale of 1 that small numbers do not tell
    cdef double total = 1 + (<Parameters *>user).shift
    cdef int i
    for i in range(n):
        total += (i + 1) * x[i]
    return exp(sin(total)) + cos(total) * x[0]


cdef double scribbler(int n, double *x, void *user) noexcept nogil:
    # writes into its x, as it may
    cdef double total = 0
    cdef int i
    for i in range(n):
        x[i] = x[i] * x[i] + 1
        total += sin(x[i])
    return total


cdef double doubler(int n, double *x, void *user) noexcept nogil:
    # writes into one component, the last, which is the last to be displaced
    cdef double total = 0
    cdef int i
    for i in range(n):
        total += sin((i + 1) * x[i])
    x[n - 1] *= 2
    return total * x[0]


cdef double negator(int n, double *x, void *user) noexcept nogil:
    # a write that changes no value, but that of 1 / 0
    cdef int i
    for i in range(n):
        if x[i] == 0:
            x[i] = -x[i]
    return cos(x[0]) + x[n - 1] * x[n - 1]


cdef double holed(int n, double *x, void *user) noexcept nogil:
    # not finite where the first variable is below 1
    return sqrt(x[0] - 1) + x[1]


cdef int circle(int m, int n, double *x, double *y, void *user) noexcept nogil:
    # m waves of the sum of n variables; counts its calls, and fails where it is told to
    cdef Parameters *own = <Parameters *>user
    cdef double total = own.shift
    cdef int i
    own.calls += 1
    if own.calls == own.fail_at:
        return own.failure
    for i in range(n):
        total += x[i] * (i + 1)
    for i in range(m):
        y[i] = sin((i + 1) * total) + x[0] * x[n - 1]
    return 0


cdef Function pick(name, Parameters *user):
    if name == "wave":
        return univariate_function(wave, user)
    if name == "root":
        return univariate_function(root, user)
    if name == "rosenbrock":
        return scalar_function(rosenbrock, user)
    if name == "mixed":
        return scalar_function(mixed, user)
    if name == "scribbler":
        return scalar_function(scribbler, user)
    if name == "doubler":
        return scalar_function(doubler, user)
    if name == "negator":
        return scalar_function(negator, user)
    if name == "holed":
        return scalar_function(holed, user)
    if name == "circle":
        return vector_function(circle, user)
    raise ValueError(name)


cdef class Parameter:
    """User data with an owner."""

    cdef Parameters own

    def __init__(self, double shift=0, int fail_at=0, int failure=0):
        self.own.shift, self.own.fail_at, self.own.failure, self.own.calls = shift, fail_at, failure, 0

    @property
    def calls(self):
        return self.own.calls


def evaluate(name, x, Parameter parameter, int m=1):
    """f(x) for Python: the same machine code."""
    cdef Function f = pick(name, &parameter.own)
    cdef double[::1] point = np.array(x, dtype=float).reshape(-1), y = np.empty(m)
    cdef int n = <int>point.shape[0]
    if name in ("wave", "root"):
        return (<double (*)(double, void *) noexcept nogil>f.address)(point[0], f.user)
    if name != "circle":
        return (<double (*)(int, double *, void *) noexcept nogil>f.address)(n, &point[0], f.user)
    if (<int (*)(int, int, double *, double *, void *) noexcept nogil>f.address)(m, n, &point[0], &y[0], f.user):
        raise RuntimeError("the function failed")
    return np.array(y)


def hand_over(name, Parameter parameter, int m=1):
    """A fastcalc.CompiledFunction."""
    cdef Function f = pick(name, &parameter.own)
    return compiled(&f, parameter, m)


def differentiate(Plan plan, name, const double[:, ::1] x, Parameter parameter):
    """Values, errors, statuses at points (k, n), and what `at` returned, in a loop without the GIL. One number more
    than is needed each: it must stay as it is.
    """
    results = np.full((x.shape[0], plan.n_results + 1), 7.0)
    errors, statuses = results.copy(), results.astype(np.int8)
    codes, scratch = np.zeros(x.shape[0], np.intc), np.full(plan.work_size + 1, 7.0)
    cdef Function f = pick(name, &parameter.own)
    cdef double[:, ::1] value = results, error = errors
    cdef signed char[:, ::1] status = statuses
    cdef int[::1] code = codes
    cdef double[::1] work = scratch
    cdef Py_ssize_t k
    with nogil:
        for k in range(x.shape[0]):
            code[k] = plan.at(&f, &x[k, 0], &value[k, 0], &work[0], &error[k, 0], &status[k, 0])
    for array in (results, errors, statuses, scratch):
        assert (array[..., -1] == 7).all()
    return results[:, :-1], errors[:, :-1], statuses[:, :-1], codes


def values_alone(Plan plan, name, points, Parameter parameter):
    """The same without errors and statuses."""
    cdef const double[:, ::1] x = np.ascontiguousarray(points, dtype=float)
    cdef Function f = pick(name, &parameter.own)
    cdef double[:, ::1] value = np.empty((x.shape[0], plan.n_results))
    cdef double[::1] work = np.empty(plan.work_size)
    cdef Py_ssize_t k
    with nogil:
        for k in range(x.shape[0]):
            plan.at(&f, &x[k, 0], &value[k, 0], &work[0])
    return np.asarray(value)


# The example of native.pxd, under other names.

cdef double valley(int n, double *x, void *user) noexcept nogil:
    cdef double b = (<double *>user)[0]
    return (1 - x[0])**2 + b * (x[1] - x[0]**2)**2


def readme_example(const double[:, ::1] points, double b):
    cdef Gradient plan = Gradient(2)
    cdef Function f = scalar_function(valley, &b)
    cdef double[:, ::1] result = np.empty_like(points)
    cdef double[::1] work = np.empty(plan.work_size)
    cdef Py_ssize_t k
    with nogil:
        for k in range(points.shape[0]):
            plan.at(&f, &points[k, 0], &result[k, 0], &work[0])
    return np.asarray(result)
