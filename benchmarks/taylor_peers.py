"""madng-tpsa and daceypy: dense series in and out by exponents, and their operations under NumPy's names.

Peers order coefficients in their own ways; here they go in and come out in the order of the exponents they are given.
Operations are timed in the fastest way that the packages offer. madng-tpsa has two: the operators and methods of its
class `Tpsa`, which check and allocate, and the functions of its library, which it exports (`madng_tpsa.lib`) and which
write to a series that is there already. daceypy's methods take `out`, as do the functions of `daceypy.core` for
products and quotients.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.engines import load

EXPONENT = 1.7  # of "power"
UNARY = ("exp", "log", "sqrt", "power", "sin", "cos", "tan", "sinh", "arctan")
BINARY = ("product", "division")
OPERATIONS = (*BINARY, *UNARY)
_SHORT = {"product": "mul", "division": "div", "arctan": "atan"}


class Madng:
    """One space of madng-tpsa."""

    name, in_place = "madng-tpsa", "its C function"

    def __init__(self, module: Any, n_variables: int, degree: int, exponents: Any) -> None:
        self.lib = module.lib
        self.space = module.Descriptor(n_variables, degree)
        self.exponents = [tuple(map(int, alpha)) for alpha in exponents]

    def series(self, coef: Any) -> Any:
        series = self.space.zero()
        for alpha, value in zip(self.exponents, coef, strict=True):
            series.set(alpha, value)
        return series

    def coefficients(self, series: Any) -> Any:
        return np.array([series.get(alpha) for alpha in self.exponents])

    def operation(self, name: str) -> Callable[..., Any]:
        """A function of one or two series."""
        if name == "power":
            return lambda a: a**EXPONENT
        if name in BINARY:
            return {"product": operator.mul, "division": operator.truediv}[name]
        return operator.methodcaller(_SHORT.get(name, name))

    def operation_in_place(self, name: str) -> Callable[..., Any]:
        """The same into a series of its own."""
        out = self.space.zero()
        target = out.ptr
        function = getattr(self.lib, f"mad_tpsa_{_SHORT.get(name, name) if name != 'power' else 'pown'}")
        if name == "power":

            def run(a: Any) -> Any:
                function(a.ptr, EXPONENT, target)
                return out
        elif name in BINARY:

            def run(a: Any, b: Any) -> Any:
                function(a.ptr, b.ptr, target)
                return out
        else:

            def run(a: Any) -> Any:
                function(a.ptr, target)
                return out

        return run


class Dace:
    """The one space of daceypy: each new one takes the place of the last, and of all series in it."""

    name = "daceypy"

    def __init__(self, module: Any, n_variables: int, degree: int, exponents: Any) -> None:
        self.module, self.core = module, load("daceypy.core")
        module.DA.init(degree, n_variables)
        self.exponents = [list(map(int, alpha)) for alpha in exponents]

    def series(self, coef: Any) -> Any:
        series = self.module.DA()
        for alpha, value in zip(self.exponents, coef, strict=True):
            series.setCoefficient(alpha, value)
        return series

    def coefficients(self, series: Any) -> Any:
        return np.array([series.getCoefficient(alpha) for alpha in self.exponents])

    def operation(self, name: str) -> Callable[..., Any]:
        """A function of one or two series that writes to a series of its own."""
        out = self.module.DA()
        if name in BINARY or name == "power":
            core = {"product": "Multiply", "division": "Divide", "power": "PowerDouble"}[name]
            function = getattr(self.core, core)

            def run(a: Any, b: Any = EXPONENT) -> Any:
                function(a, b, out)
                return out

            return run
        method = getattr(self.module.DA, _SHORT.get(name, name))
        return lambda a: method(a, out=out)

    def compiled(self, series: Any, with_gradient: bool) -> Callable[[Any], Any]:
        """Its compiled evaluation at one displacement (n_variables,): an array of the value, then the gradient."""
        outputs = [series, *series.gradient()] if with_gradient else [series]
        return self.module.compiledDA(outputs).eval


def madng(n_variables: int, degree: int, exponents: Any) -> Madng | None:
    """None where it is not installed."""
    module = load("madng_tpsa")
    return module and Madng(module, n_variables, degree, exponents)


def dace(n_variables: int, degree: int, exponents: Any) -> Dace | None:
    """None where it is not installed."""
    module = load("daceypy")
    return module and Dace(module, n_variables, degree, exponents)
