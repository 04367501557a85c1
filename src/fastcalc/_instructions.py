"""Which build of the arithmetic kernels is in use."""

from fastcalc._kernels import series

__all__ = ["series"]
