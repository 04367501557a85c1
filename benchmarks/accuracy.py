"""The accuracy table: correct digits of every engine on functions with exact derivatives, default settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import engines, functions, timing
from benchmarks.engines import Engine
from benchmarks.functions import Problem

MOST_DIGITS = 16.0


@dataclass
class Digits:
    """Correct digits by engine and function: NaN where an engine gave none, None where it is missing or failed."""

    subject: str
    functions: list[str]
    engines: dict[str, list[float | None]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def digits(engine: Engine, problem: Problem) -> float | None:
    """-log10 of the relative error."""
    if engine.missing():
        return None
    try:
        with timing.quiet():
            error = problem.error(engine.derivative(problem))
    except Exception:  # an engine that cannot do it
        return None
    if math.isnan(error):
        return math.nan
    return min(MOST_DIGITS, max(0.0, -math.log10(error))) if error > 0 else MOST_DIGITS


def measure(subject: str, problems: Sequence[Problem], contenders: Sequence[Engine]) -> Digits:
    return Digits(
        subject,
        [problem.name for problem in problems],
        {engine.name: [digits(engine, problem) for problem in problems] for engine in contenders},
    )


def tables() -> list[Digits]:
    """Derivatives, gradients, Hessians and Jacobians."""
    ours, loop = engines.fastcalc_function, engines.numpy_loop
    return [
        measure(
            "derivative",
            functions.derivative_problems(),
            [ours("derivative"), loop("derivative"), *engines.derivative_peers()],
        ),
        measure(
            "gradient", functions.gradient_problems(), [ours("gradient"), loop("gradient"), *engines.gradient_peers()]
        ),
        measure("hessian", functions.hessian_problems(), [ours("hessian"), loop("hessian"), *engines.hessian_peers()]),
        measure(
            "jacobian", functions.jacobian_problems(), [ours("jacobian"), loop("jacobian"), *engines.jacobian_peers()]
        ),
    ]
