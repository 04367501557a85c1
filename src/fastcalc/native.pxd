"""Derivatives of C functions for Cython code, without the GIL.

A plan is made once, with the GIL, and checks all that can be checked. Its `at` differentiates a function at one point,
without the GIL, as often as is wanted. It works in the memory that the caller supplies and allocates none, so threads
share a plan where each has memory of its own. Results are those of the Python operators, bit for bit.

    from fastcalc.native cimport Function, Gradient, scalar_function

    cdef double rosenbrock(int n, double *x, void *user) noexcept nogil:
        cdef double b = (<double *>user)[0]
        return (1 - x[0])**2 + b * (x[1] - x[0]**2)**2

    def gradients(const double[:, ::1] points, double b):
        cdef Gradient plan = Gradient(2)
        cdef Function f = scalar_function(rosenbrock, &b)
        cdef double[:, ::1] result = np.empty_like(points)
        cdef double[::1] work = np.empty(plan.work_size)
        cdef Py_ssize_t k
        with nogil:
            for k in range(points.shape[0]):
                plan.at(&f, &points[k, 0], &result[k, 0], &work[0])
        return np.asarray(result)

The types of the functions below end in the VERSION that a module was compiled against. Cython compares them when that
module is imported: where they differ, that is a TypeError or an ImportError, whose remedy is to compile it again.
"""

cdef enum:
    VERSION = 1

cdef enum:
    WRONG_FORM = -2147483647  # `at`: the function has not the number of variables or outputs of the plan

# The three forms of functions. They may write into x, which is a copy; `user` is what was given with the function.
ctypedef double (*univariate_t "fastcalc_univariate_1")(double x, void *user) noexcept nogil
ctypedef double (*scalar_t "fastcalc_scalar_1")(int n, double *x, void *user) noexcept nogil
# Fills y[m] and returns 0; anything else ends the derivative, and is what its `at` returns.
ctypedef int (*vector_t "fastcalc_vector_1")(int m, int n, double *x, double *y, void *user) noexcept nogil

cdef struct Function "fastcalc_function_1":  # made by one of the next three
    int form
    void *address
    void *user

cdef Function univariate_function(univariate_t f, void *user) noexcept nogil
cdef Function scalar_function(scalar_t f, void *user) noexcept nogil
cdef Function vector_function(vector_t f, void *user) noexcept nogil

# The same function for Python: a fastcalc.CompiledFunction, which all operators accept. `n_outputs`: of a `vector_t`.
# `owner`, any object, lives as long as it does: whatever `user` points into.
cdef object compiled(const Function *f, object owner=*, int n_outputs=*)


cdef class Plan:
    cdef readonly int n_variables, n_outputs
    cdef readonly Py_ssize_t n_results  # derivatives at a point: the length of `value`
    cdef readonly Py_ssize_t work_size  # the length of `work`
    cdef object samples
    cdef bint adaptive

    # Differentiate f at x[n_variables]. Results go to value[n_results], outputs of f first, then variables: (m, n) for
    # a Jacobian. error[n_results] takes their absolute errors, NaN where there is no estimate, and status[n_results]
    # the numbers of fastcalc.Status; NULL: not wanted. `work` has room for work_size numbers. None of them overlap.
    # Returns 0, or what f returned instead, and all results are NaN; WRONG_FORM, and nothing was done.
    cdef int at(
        self, const Function *f, const double *x, double *value, double *work, double *error=*, signed char *status=*
    ) noexcept nogil


cdef class Gradient(Plan):  # Gradient(n, **options)
    pass


cdef class Jacobian(Plan):  # Jacobian(m, n, **options)
    pass


cdef class Hessian(Plan):  # Hessian(n, **options)
    pass


cdef class Derivative(Plan):  # Derivative(n=1, m=1, **options)
    pass
