"""Functions with exact derivatives: what every engine is timed and judged on.

A vectorised function takes (n, ...) with the variables first, and works on any trailing axes, as SciPy's does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


class Counted:
    """A function that counts its calls, and the points of `n` variables that it was given."""

    def __init__(self, f: Callable[..., Any], n: int) -> None:
        self.f, self.n = f, n
        self.calls = self.points = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        self.points += np.size(x) // self.n
        return self.f(x)


@dataclass(frozen=True)
class Problem:
    """A function, a point, or points (n, k), and the exact derivative that is asked for."""

    name: str
    f: Callable[..., Any]
    x: Any
    exact: Any
    vectorized: Callable[..., Any] | None = None
    weights: Any = 1.0  # on errors, where the components differ in size
    one_variable: bool = False  # then x is a point, or points (k,)

    def counted(self) -> tuple[Problem, list[Counted]]:
        """The same with functions that count their calls."""
        n = 1 if self.one_variable else len(self.x)
        counters = [Counted(f, n) for f in (self.f, self.vectorized) if f is not None]
        return replace(self, f=counters[0], vectorized=counters[1] if self.vectorized else None), counters

    def error(self, value: Any) -> float:
        """Largest error relative to the largest component of the derivative."""
        value, exact = np.asarray(value, float), np.asarray(self.exact, float)
        if value.shape != exact.shape:
            value = value.reshape(exact.shape)  # some engines drop or add axes of length 1
        largest = np.max(np.abs(exact * self.weights))
        return float(np.max(np.abs(value - exact) * self.weights) / (largest or 1.0))


def trivial(x):
    return 1.0


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def rosenbrock_vectorized(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


def rosenbrock_gradient(x):
    exact = np.zeros_like(x)
    exact[1:] = 200.0 * (x[1:] - x[:-1] ** 2)
    exact[:-1] -= 400.0 * x[:-1] * (x[1:] - x[:-1] ** 2) + 2.0 * (1.0 - x[:-1])
    return exact


def rosenbrock_hessian(x):
    exact = np.diag(np.append(1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0, 0.0))
    exact += np.diag(np.append(0.0, np.full(len(x) - 1, 200.0)))
    return exact + np.diag(-400.0 * x[:-1], 1) + np.diag(-400.0 * x[:-1], -1)


def ring(x):
    """R^n -> R^n, each output of two neighbours; about 20 us at n = 1000."""
    return np.sin(x) * np.exp(np.cos(x)) + np.roll(x, 1) * np.arctan(x)


def ring_vectorized(x):
    return np.sin(x) * np.exp(np.cos(x)) + np.roll(x, 1, axis=0) * np.arctan(x)


def ring_jacobian(x):
    exact = np.diag(np.exp(np.cos(x)) * (np.cos(x) - np.sin(x) ** 2) + np.roll(x, 1) / (1.0 + x * x))
    each = np.arange(len(x))
    exact[each, each - 1] += np.arctan(x)
    return exact


def points(n: int, *shape: int) -> Any:
    """Points between 0.5 and 1.5, always the same."""
    return np.random.default_rng(n).uniform(0.5, 1.5, (n, *shape))


def rosenbrock_problem(n: int, *shape: int) -> Problem:
    x = points(n, *shape)
    return Problem(f"Rosenbrock n = {n}", rosenbrock, x, rosenbrock_gradient(x), rosenbrock_vectorized)


def rosenbrock_curvature(n: int) -> Problem:
    x = points(n)
    return Problem(f"Rosenbrock n = {n}", rosenbrock, x, rosenbrock_hessian(x), rosenbrock_vectorized)


def decaying_product(x):
    return np.exp(-np.sum(x, axis=0) / 10.0) * np.prod(x, axis=0)


def decaying_product_hessian(x):
    slope = 1.0 / x - 0.1
    return decaying_product(x) * (np.outer(slope, slope) - np.diag(1.0 / x**2))


def decaying_product_problem(n: int) -> Problem:
    x = points(n)
    exact = decaying_product(x) * (1.0 / x - 0.1)
    return Problem(f"exp(-sum x / 10) prod x, n = {n}", decaying_product, x, exact, decaying_product)


def ring_sum(x):
    """R^n -> R, a few sines and exponentials for each variable."""
    return np.sum(ring_vectorized(x), axis=0)


def ring_sum_problem(n: int, *shape: int) -> Problem:
    x = points(n, *shape)
    exact = np.exp(np.cos(x)) * (np.cos(x) - np.sin(x) ** 2) + np.roll(x, 1, axis=0) / (1.0 + x * x)
    exact += np.arctan(np.roll(x, -1, axis=0))
    return Problem(f"sum of sin(x) exp(cos(x)) + ..., n = {n}", ring_sum, x, exact, ring_sum)


def ring_problem(n: int) -> Problem:
    x = points(n)
    return Problem(f"R^{n} -> R^{n}", ring, x, ring_jacobian(x), ring_vectorized)


def sine(k: int | None = None) -> Problem:
    x = 1.0 if k is None else np.linspace(0.0, 3.0, k)
    name = "np.sin at 1" if k is None else f"np.sin at {k} points"
    return Problem(name, np.sin, x, np.cos(x), np.sin, one_variable=True)


def _of_one(name: str, f: Callable[..., Any], x: float, exact: Any) -> Problem:
    return Problem(name, f, x, exact, f, one_variable=True)


def derivative_problems() -> list[Problem]:
    return [
        _of_one("sin at 1", np.sin, 1.0, np.cos(1.0)),
        _of_one("exp at -2", np.exp, -2.0, np.exp(-2.0)),
        _of_one("exp(-x**2) at 3", lambda x: np.exp(-x * x), 3.0, -6.0 * np.exp(-9.0)),
        _of_one("arctan at 100", np.arctan, 100.0, 1.0 / 10001.0),
        _of_one("1/x at 1e-3", lambda x: 1.0 / x, 1e-3, -1e6),
        _of_one("log at 1e-10", np.log, 1e-10, 1e10),
        _of_one("x**2 at 1e20", lambda x: x * x, 1e20, 2e20),
        _of_one("cos(100 x) at 1", lambda x: np.cos(100.0 * x), 1.0, -100.0 * np.sin(100.0)),
    ]


_SIZES = np.array([1e-6, 1e-3, 1.0, 1e3, 1e6])


def _uneven(x):
    return np.sum(np.sin(x.T / _SIZES).T, axis=0)


def gradient_problems() -> list[Problem]:
    small = points(5) * _SIZES
    return [
        rosenbrock_problem(10),
        decaying_product_problem(5),
        Problem("sum sin(x / s), s = 1e-6 ... 1e6", _uneven, small, np.cos(small / _SIZES) / _SIZES, _uneven, _SIZES),
    ]


def hessian_problems() -> list[Problem]:
    return [
        rosenbrock_curvature(10),
        replace(decaying_product_problem(5), exact=decaying_product_hessian(points(5))),
    ]


def jacobian_problems() -> list[Problem]:
    return [ring_problem(20)]
