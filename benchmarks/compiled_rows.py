"""The rows of the table of compiled functions: derivatives of functions of C, over the same loops written in C."""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import fastcalc as fc
from benchmarks import engines, twins
from benchmarks.engines import Engine, Run, load
from benchmarks.functions import Problem, rosenbrock_curvature, rosenbrock_problem
from benchmarks.speed import FASTCALC, FLOOR, PEER, Row, Target


class Counter:
    """What a function of C counts in its user data."""

    def __init__(self) -> None:
        self.number = ctypes.c_long(0)

    @property
    def calls(self) -> int:
        return self.number.value

    points = calls  # one a call


@dataclass(frozen=True)
class CompiledProblem(Problem):
    """A problem whose function is in `twins.c` too."""

    c_name: str = ""
    pointer: Any = field(default=None, compare=False)

    def counted(self) -> tuple[Problem, list[Any]]:
        counted, counters = super().counted()
        counter = Counter()
        function = twins.function(f"{self.c_name}_counted")
        pointer = fc.compiled(function, user_data=ctypes.addressof(counter.number), owner=counter)
        return replace(counted, pointer=pointer), [*counters, counter]


def with_twin(problem: Problem, c_name: str) -> CompiledProblem:
    parts = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    return CompiledProblem(**parts, c_name=c_name, pointer=twins.function(c_name))


def operator(name: str, **options: Any) -> Engine:
    """`fc.Gradient(pointer)` and the like, called again and again."""

    def build(problem: Any) -> Run:
        return functools.partial(getattr(fc, name)(problem.pointer, **options), problem.x)

    return Engine(f"fc.{name}, reused", build)


def function(name: str, **options: Any) -> Engine:
    """`fc.gradient(pointer, x)` and the like."""
    whole = getattr(fc, name)
    return Engine(f"fc.{name}", lambda p: lambda: whole(p.pointer, p.x, **options))


def loop(name: str, build: Callable[..., Run], times: int) -> Engine:
    """A twin, repeated in C."""
    return Engine(name, lambda p: build(p.c_name, p.x, times), count=times)  # type: ignore[attr-defined]


def by_numba(name: str) -> Engine:
    """The operator on a function of numba's, which it compiles to one of C."""

    def build(problem: Any) -> Run:
        numba = load("numba")

        @numba.njit  # type: ignore[untyped-decorator]
        def rosenbrock(x: Any) -> Any:
            total = 0.0
            for i in range(len(x) - 1):
                a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
                total += 100.0 * a * a + b * b
            return total

        return functools.partial(getattr(fc, name)(rosenbrock), problem.x)

    return Engine(f"fc.{name}, reused, of numba's njit", build, "numba")


def by_jax(name: str) -> Engine:
    """jax, compiled, in double precision, on an array of its own."""

    def build(module: Any, problem: Problem) -> Run:
        module.config.update("jax_enable_x64", True)
        xp = load("jax.numpy")

        def rosenbrock(x: Any) -> Any:
            return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

        derivative, x = module.jit(getattr(module, name)(rosenbrock)), xp.asarray(problem.x)
        return lambda: derivative(x).block_until_ready()

    return Engine(f"jax.{name}, jit", lambda p: build(load("jax"), p), "jax")


def only(peers: list[Engine], *names: str) -> list[Engine]:
    return [engine for engine in peers if engine.name in names]


def gradient_row(n: int) -> Row:
    within = Target(1.1, spare=2.0)
    return Row(
        f"gradient-{n}",
        f"gradient of Rosenbrock, n = {n}",
        with_twin(rosenbrock_problem(n), "rosenbrock"),
        {
            FLOOR: [loop("the loop in C", twins.gradient, max(1, 1000 // n))],
            FASTCALC: [operator("Gradient"), function("gradient"), by_numba("Gradient")],
            PEER: [*only(engines.gradient_peers(), "SciPy 3-point", "numdifftools"), by_jax("grad")],
        },
        {"fc.Gradient, reused": within},
        clock=time.process_time,  # jax has threads of its own
    )


def hessian_row(n: int) -> Row:
    return Row(
        f"hessian-{n}",
        f"Hessian of Rosenbrock, n = {n}",
        with_twin(rosenbrock_curvature(n), "rosenbrock"),
        {
            FLOOR: [loop("the loop in C", twins.hessian, 1)],
            FASTCALC: [operator("Hessian"), function("hessian"), by_numba("Hessian")],
            PEER: [*only(engines.hessian_peers(), "scipy.differentiate", "numdifftools"), by_jax("hessian")],
        },
        {"fc.Hessian, reused": Target(1.1)},
        clock=time.process_time,
    )


def batch_row(k: int) -> Row:
    return Row(
        "batch",
        f"gradients of Rosenbrock at {k} points, n = 3",
        with_twin(rosenbrock_problem(3, k), "rosenbrock"),
        {
            FLOOR: [loop("the loop in C", twins.gradient, 1)],
            FASTCALC: [operator("Gradient", vectorized=True), function("gradient", vectorized=True)],
            PEER: only(engines.gradient_peers(), "scipy.differentiate"),
        },
        {"fc.Gradient, reused": Target(1.15)},
        clock=time.process_time,
    )


def wave(x):
    return np.exp(-0.5 * x) * np.sin(3.0 * x)


def parabola(x):
    return x * x - 3.0 * x


def derivative_row(name: str, x: float, exact: float) -> Row:
    """At one number, with as many steps as it takes."""
    f = {"wave": wave, "parabola": parabola}[name]
    text = {"wave": "exp(-x / 2) sin(3 x)", "parabola": "x**2 - 3 x"}[name]
    problem = with_twin(Problem(text, f, x, exact, f, one_variable=True), name)
    count = fc.derivative(f, x, full_output=True).evaluations
    return Row(
        f"derivative-{name}",
        f"adaptive derivative of {text} at {x}",
        problem,
        {
            FLOOR: [
                Engine(f"{count} bare calls in C", lambda p: twins.calls(name, p.x, count, 100), count=100,
                       value=lambda result: None),
            ],
            FASTCALC: [operator("Derivative"), function("derivative")],
            PEER: only(engines.derivative_peers(), "scipy.differentiate", "numdifftools", "jacobi"),
        },
        {"fc.Derivative, reused": Target(3.0, absolute=True)},
        clock=time.process_time,
    )  # fmt: skip


def rows(*, tiny: bool = False) -> list[Row]:
    """All of them; tiny: sizes that only show that they run."""
    x = 1.3
    slope = float(np.exp(-0.5 * x) * (3.0 * np.cos(3.0 * x) - 0.5 * np.sin(3.0 * x)))
    derivatives = [derivative_row("wave", x, slope), derivative_row("parabola", x, 2.0 * x - 3.0)]
    if tiny:
        return [gradient_row(3), hessian_row(3), batch_row(20), *derivatives]
    return [*(gradient_row(n) for n in (10, 100, 1000)), hessian_row(100), batch_row(100_000), *derivatives]
