"""Numerical calculus over NumPy arrays: derivatives, gradients, Jacobians and Hessians of any function."""

from fastcalc._differences.fields import curl, divergence, laplacian
from fastcalc._differences.functions import derivative, gradient, hessian, jacobian, value_and_gradient
from fastcalc._differences.mixed import partial
from fastcalc._differences.operators import Derivative, Gradient, Hessian, Jacobian
from fastcalc._differences.products import hvp, jvp, vjp
from fastcalc._differences.stencils import Stencil, fd_weights, stencil
from fastcalc._results import DerivativeResult, Status

__version__ = "0.1.0"

__all__ = [
    "Derivative",
    "DerivativeResult",
    "Gradient",
    "Hessian",
    "Jacobian",
    "Status",
    "Stencil",
    "curl",
    "derivative",
    "divergence",
    "fd_weights",
    "gradient",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "laplacian",
    "partial",
    "stencil",
    "value_and_gradient",
    "vjp",
]
