"""Numerical calculus over NumPy arrays: derivatives, gradients, Jacobians and Hessians of any function.

    import fastcalc as fc
    fc.gradient(f, x)                      # f: R^n to R; fc.value_and_gradient(f, x): both
    fc.jacobian(f, x)                      # any shape of output
    fc.hessian(f, x)
    fc.derivative(f, x, n)                 # of one variable, at one or many points
    fc.jvp(f, x, v), fc.vjp(f, x, w), fc.hvp(f, x, v)
    fc.laplacian(f, x), fc.divergence(f, x), fc.curl(f, x), fc.partial(f, x, alpha)
    fc.gradient(f, x, method="exact")      # NumPy code on Taylor polynomials: no steps; all of these take it
    fc.taylor(f, x0, degree)               # a TaylorPolynomial p: p(x), p.hessian(), p.compose(q) and more
    fc.implicit(F, x0, y0, degree)         # the y(x) with F(x, y) = 0, around x0
    fc.inverse_map(p)                      # the q with q(p(x)) = x
    fc.TaylorSpace(n_variables, degree)    # .variables(x0): the algebra itself
    fc.taylor_function(f, derivatives)     # makes a function of one variable known to polynomials
    fc.propagate(f, x, cov)                # first-order error propagation
    fc.estimate_noise(f, x)                # of the values of f
    fc.check_gradient(f, gradient, x)      # is it right? also fc.check_jacobian(f, jacobian, x)
    g = fc.Gradient(f); g(x)               # built once, called often; also Derivative, Jacobian, Hessian
    fc.gradient(f, x)                      # f of numba.njit, a LowLevelCallable and others: without the interpreter
    fc.compiled(address, signature)        # such an f of an address of C, of many outputs, or with user data
    fc.gradient(f, x, workers=2)           # calls of f by two processes; also threads, pools and clusters
    fc.jacobian(f, x, sparsity="detect")   # a scipy.sparse.csr_array, by few calls of f; also hessian
    fc.detect_sparsity(f, x)               # the pattern: which outputs depend on which variables
    fc.color_columns(sparsity)             # variables that can be displaced together
    fc.stencil(n), fc.fd_weights(nodes, at, n)  # weights of finite differences
    fc.show_config()                       # versions, build, instruction set in use

All take the same options, which ``help(fc.gradient)`` describes: method, accuracy, step, scale, bounds, noise, rtol,
atol, max_evaluations, args, kwargs, argnum, vectorized, workers, on_error, full_output. With ``full_output=True`` they
return a `DerivativeResult`: the derivative with its error, step and `Status`. `derivative` has the method "adaptive" by
default, whose errors can be relied on; the others take one step per variable unless they are asked for it. Cython code
finds the same for its own functions in `fastcalc.native`.
"""

from fastcalc._config import show_config
from fastcalc._differences.fields import curl, divergence, laplacian
from fastcalc._differences.functions import derivative, gradient, hessian, jacobian, value_and_gradient
from fastcalc._differences.mixed import partial
from fastcalc._differences.noise import estimate_noise
from fastcalc._differences.operators import Derivative, Gradient, Hessian, Jacobian
from fastcalc._differences.products import hvp, jvp, vjp
from fastcalc._differences.propagate import propagate
from fastcalc._differences.sparsity.coloring import color_columns
from fastcalc._differences.sparsity.detection import detect_sparsity
from fastcalc._differences.stencils import Stencil, fd_weights, stencil
from fastcalc._errors import CallbackError
from fastcalc._expansions.expansion import taylor
from fastcalc._expansions.implicit import implicit
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.compiled_construction import compiled
from fastcalc._results import DerivativeResult, Status
from fastcalc._taylor.inversion import inverse_map
from fastcalc._taylor.polynomial import TaylorPolynomial
from fastcalc._taylor.space import TaylorSpace
from fastcalc._taylor.userfunction import taylor_function
from fastcalc.checking import GradientReport, check_gradient, check_jacobian

__version__ = "0.1.0"

__all__ = [
    "CallbackError",
    "CompiledFunction",
    "Derivative",
    "DerivativeResult",
    "Gradient",
    "GradientReport",
    "Hessian",
    "Jacobian",
    "Status",
    "Stencil",
    "TaylorPolynomial",
    "TaylorSpace",
    "check_gradient",
    "check_jacobian",
    "color_columns",
    "compiled",
    "curl",
    "derivative",
    "detect_sparsity",
    "divergence",
    "estimate_noise",
    "fd_weights",
    "gradient",
    "hessian",
    "hvp",
    "implicit",
    "inverse_map",
    "jacobian",
    "jvp",
    "laplacian",
    "partial",
    "propagate",
    "show_config",
    "stencil",
    "taylor",
    "taylor_function",
    "value_and_gradient",
    "vjp",
]
