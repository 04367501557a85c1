"""fastcalc, hand-written NumPy and the peers, under one interface: from a problem to something that can be timed."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastcalc as fc
from benchmarks import by_hand
from benchmarks.functions import Problem

Run = Callable[[], Any]


@dataclass(frozen=True)
class Engine:
    """A way to compute a derivative; `build` does what a user does once, its result what a user does at each point."""

    name: str
    build: Callable[[Problem], Run]
    package: str | None = None  # that must be installed
    value: Callable[[Any], Any] | None = None  # the derivative in what it returns
    count: int = 1  # derivatives that a run computes

    def missing(self) -> str | None:
        """Why it cannot run, or None."""
        if self.package is None or load(self.package):
            return None
        return f"{self.package.partition('.')[0]} is not installed, or too old"

    def derivative(self, problem: Problem) -> Any:
        """Built and run once."""
        result = self.build(problem)()
        return result if self.value is None else self.value(result)


def load(name: str) -> Any:
    """A module, None if it is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError:
        return None


def _peer(
    name: str, module: str, build: Callable[[Any, Problem], Run], value: Callable[[Any], Any] | None = None
) -> Engine:
    return Engine(name, lambda problem: build(load(module), problem), module, value)


def _first(result: Any) -> Any:
    return result[0]


def _df(result: Any) -> Any:
    return result.df


def _ddf(result: Any) -> Any:
    return result.ddf


def fastcalc_function(name: str, **options: Any) -> Engine:
    """`fc.gradient(f, x)` and the like."""
    function = getattr(fc, name)
    if options.get("vectorized"):
        return Engine(f"fc.{name}", lambda p: lambda: function(p.vectorized, p.x, **options))
    return Engine(f"fc.{name}", lambda p: lambda: function(p.f, p.x, **options))


def fastcalc_operator(name: str, **options: Any) -> Engine:
    """`fc.Gradient(f)` and the like, called again and again."""

    def build(problem: Problem) -> Run:
        operator = getattr(fc, name)(problem.vectorized if options.get("vectorized") else problem.f, **options)
        x = problem.x
        return lambda: operator(x)

    return Engine(f"fc.{name}, reused", build)


def numpy_loop(name: str) -> Engine:
    """The loop by hand."""
    function = getattr(by_hand, name)
    return Engine("NumPy by hand", lambda p: lambda: function(p.f, p.x))


def _scipy_3_point(module: Any, p: Problem) -> Run:
    return lambda: module.approx_derivative(p.f, p.x, method="3-point")


def gradient_peers() -> list[Engine]:
    """Peers for R^n -> R."""
    return [
        _peer("SciPy 3-point", "scipy.optimize._numdiff", _scipy_3_point),
        _peer(
            "statsmodels",
            "statsmodels.tools.numdiff",
            lambda m, p: lambda: m.approx_fprime(p.x, p.f, centered=True),
        ),
        _peer("scipy.differentiate", "scipy.differentiate", lambda m, p: lambda: m.jacobian(p.vectorized, p.x), _df),
        _peer("numdifftools", "numdifftools", lambda m, p: _bound(m.Gradient(p.f), p.x)),
        _peer("jacobi", "jacobi", lambda m, p: lambda: m.jacobi(p.f, p.x), _first),
    ]


def jacobian_peers() -> list[Engine]:
    """Peers for R^n -> R^m."""
    peers = [engine for engine in gradient_peers() if engine.name != "numdifftools"]
    return [*peers, _peer("numdifftools", "numdifftools", lambda m, p: _bound(m.Jacobian(p.f), p.x))]


def hessian_peers() -> list[Engine]:
    """Peers for Hessians."""
    return [
        _peer("statsmodels", "statsmodels.tools.numdiff", lambda m, p: lambda: m.approx_hess3(p.x, p.f)),
        _peer("scipy.differentiate", "scipy.differentiate", lambda m, p: lambda: m.hessian(p.vectorized, p.x), _ddf),
        _peer("numdifftools", "numdifftools", lambda m, p: _bound(m.Hessian(p.f), p.x)),
    ]


def derivative_peers() -> list[Engine]:
    """Peers for R -> R."""
    return [
        _peer("SciPy 3-point", "scipy.optimize._numdiff", _scipy_3_point),
        _peer(
            "statsmodels",
            "statsmodels.tools.numdiff",
            lambda m, p: lambda: m.approx_fprime(np.atleast_1d(p.x), p.f, centered=True),
        ),
        _peer("scipy.differentiate", "scipy.differentiate", lambda m, p: lambda: m.derivative(p.f, p.x), _df),
        _peer("numdifftools", "numdifftools", lambda m, p: _bound(m.Derivative(p.f), p.x)),
        _peer("jacobi", "jacobi", lambda m, p: lambda: m.jacobi(p.f, p.x), _first),
    ]


def points_peers() -> list[Engine]:
    """Peers that take a function of one variable at many points at once."""
    several = [engine for engine in derivative_peers() if engine.name in ("scipy.differentiate", "numdifftools")]
    return [*several, _peer("jacobi", "jacobi", lambda m, p: lambda: m.jacobi(p.f, p.x, diagonal=True), _first)]


def _bound(function: Callable[[Any], Any], x: Any) -> Run:
    return lambda: function(x)
