"""Derivatives of C functions for Cython code: ``from fastcalc.native cimport Function, Gradient, scalar_function``.

The declarations, and how to use them, are in ``native.pxd``, which is installed with the package. From Python there is
nothing here to call: `fastcalc.gradient` and the others take compiled functions themselves.
"""
from libc.limits cimport INT_MAX
from libc.stdint cimport uintptr_t

from fastcalc._kernels.native_samples cimport Samples, differentiate
from fastcalc._kernels.native_rungs cimport Rungs, climb

from fastcalc import _validation as check
from fastcalc._differences import native_plans
from fastcalc._differences.settings import which_derivative
from fastcalc._results import Status

cdef enum Form:
    UNIVARIATE = 1
    SCALAR = 2
    VECTOR = 3

cdef signed char FIXED_STEP = Status.FIXED_STEP, NON_FINITE = Status.NON_FINITE
_SIGNATURES = {
    UNIVARIATE: "double (double, void *)",
    SCALAR: "double (int, double *, void *)",
    VECTOR: "int (int, int, double *, double *, void *)",
}


cdef Function univariate_function(univariate_t f, void *user) noexcept nogil:
    return of(UNIVARIATE, <void *>f, user)


cdef Function scalar_function(scalar_t f, void *user) noexcept nogil:
    return of(SCALAR, <void *>f, user)


cdef Function vector_function(vector_t f, void *user) noexcept nogil:
    return of(VECTOR, <void *>f, user)


cdef inline Function of(Form form, void *address, void *user) noexcept nogil:
    cdef Function function
    function.form, function.address, function.user = form, address, user
    return function


cdef int call(const void *function, int m, int n, double *x, double *y) noexcept nogil:
    cdef const Function *f = <const Function *>function
    if f.form == SCALAR:
        y[0] = (<scalar_t>f.address)(n, x, f.user)
    elif f.form == VECTOR:
        return (<vector_t>f.address)(m, n, x, y, f.user)
    else:
        y[0] = (<univariate_t>f.address)(x[0], f.user)
    return 0


cdef object compiled(const Function *f, object owner=None, int n_outputs=0):
    from fastcalc import compiled as compile_function  # not before it is wanted

    return compile_function(
        <uintptr_t>f.address, _SIGNATURES[f.form], n_outputs=n_outputs if f.form == VECTOR else None,
        user_data=<uintptr_t>f.user or None, owner=owner,
    )


cdef class Plan:
    """What Gradient, Jacobian, Hessian and Derivative share: numbers of variables, outputs and results, and the numbers
    that `at` wants for its work.
    """

    def __init__(self, *args, **options):
        raise TypeError(f"{type(self).__name__} is no plan: take Gradient, Jacobian, Hessian or Derivative")

    cdef int at(
        self, const Function *f, const double *x, double *value, double *work, double *error=NULL,
        signed char *status=NULL,
    ) noexcept nogil:
        cdef Py_ssize_t i
        cdef int outcome
        if (f.form != VECTOR and self.n_outputs != 1) or (f.form == UNIVARIATE and self.n_variables != 1):
            return WRONG_FORM
        if self.adaptive:
            return climb(<Rungs>self.samples, call, f, x, value, error, status, work)
        outcome = differentiate(
            <Samples>self.samples, (<Samples>self.samples).plan, call, f, x, value, error, work
        )
        if status is not NULL:
            for i in range(self.n_results):
                status[i] = FIXED_STEP if value[i] == value[i] else NON_FINITE
        return outcome

    def __repr__(self):
        return f"<{type(self).__name__}: n_variables={self.n_variables}, n_outputs={self.n_outputs}>"


cdef class Gradient(Plan):
    """Plan for the gradient of a scalar function of n variables; `fastcalc.gradient` tells the options.

    Parameters
    ----------
    n : int
        Number of variables.
    method, accuracy, step, scale, noise, rtol, atol, max_evaluations
        As for `fastcalc.gradient`; without "complex" and "exact".
    """

    def __init__(self, n, **options):
        n = variables(n)
        fill(self, native_plans.lines(native_plans.settings_of(options), n, 1), n, 1)


cdef class Jacobian(Plan):
    """Plan for the Jacobian (m, n) of a function with m outputs of n variables; `fastcalc.jacobian` tells the options.

    Parameters
    ----------
    m, n : int
        Number of outputs, and of variables.
    method, accuracy, step, scale, noise, rtol, atol, max_evaluations
        As for `fastcalc.jacobian`; without "complex" and "exact".
    """

    def __init__(self, m, n, **options):
        m, n = outputs(m), variables(n)
        fill(self, native_plans.lines(native_plans.settings_of(options), n, m), n, m)


cdef class Hessian(Plan):
    """Plan for the Hessian (n, n) of a scalar function of n variables; `fastcalc.hessian` tells the options.

    Parameters
    ----------
    n : int
        Number of variables.
    method, accuracy, step, scale
        As for `fastcalc.hessian`; without "complex", "adaptive" and "exact".
    """

    def __init__(self, n, **options):
        n = variables(n)
        fill(self, native_plans.hessian(native_plans.settings_of(options), n), n, 1)


cdef class Derivative(Plan):
    """Plan for the n-th derivative of a function of one variable; `fastcalc.derivative` tells the options.

    Parameters
    ----------
    n : int, default 1
        Which derivative, 1 to 10.
    m : int, default 1
        Number of outputs of f.
    method, accuracy, step, scale, noise, rtol, atol, max_evaluations
        As for `fastcalc.derivative`; without "complex" and "exact".
    """

    def __init__(self, n=1, m=1, **options):
        n, m = which_derivative(n), outputs(m)
        fill(self, native_plans.lines(native_plans.settings_of(options, one_variable=True), 1, m, n), 1, m)


cdef int fill(Plan plan, samples, Py_ssize_t n, Py_ssize_t m) except -1:
    plan.samples, plan.adaptive = samples, isinstance(samples, Rungs)
    plan.n_variables, plan.n_outputs = <int>n, <int>m
    plan.n_results, plan.work_size = samples.n_results, samples.work_size
    return 0


cdef object variables(object n):
    return check.integer("n", n, 1, INT_MAX, "it is the number of variables")


cdef object outputs(object m):
    return check.integer("m", m, 1, INT_MAX, "it is the number of outputs of f")
