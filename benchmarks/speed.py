"""The rows of the speed table: a problem, the floor under every engine, the engines, and the target.

The floor is the calls of f alone: a plain loop of as many calls as the derivative needs, on an array that is there
already, in blocks of the best size where f is vectorised.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import by_hand, engines, timing
from benchmarks.engines import Engine, Run
from benchmarks.functions import (
    Problem,
    ring_problem,
    ring_sum_problem,
    rosenbrock_curvature,
    rosenbrock_problem,
    sine,
    trivial,
)

FLOOR, BY_HAND, FASTCALC, PEER = "floor", "by hand", "fastcalc", "peer"


@dataclass(frozen=True)
class Target:
    """A limit on the ratio to the baseline, with some microseconds to spare, or on the microseconds above it, or on
    those in all.
    """

    limit: float
    above: bool = False
    strict: bool = False
    spare: float = 0.0
    absolute: bool = False

    def met(self, ratio: float, above: float, base: float) -> bool:
        """`base`: the microseconds of the baseline."""
        reached = above if self.above else ratio * base if self.absolute else ratio
        limit = self.limit + (self.spare / base if self.spare else 0.0)
        return reached < limit if self.strict else reached <= limit

    def __str__(self) -> str:
        unit = " us above" if self.above else " us" if self.absolute else "x"
        spare = f" + {self.spare:g} us" if self.spare else ""
        return f"{'<' if self.strict else '<='} {self.limit:g}{unit}{spare}"


@dataclass(frozen=True)
class Row:
    """One comparison. `baseline`: the group whose fastest member is 1."""

    name: str
    title: str
    problem: Problem
    groups: dict[str, list[Engine]]
    targets: dict[str, Target] = field(default_factory=dict)  # by engine
    baseline: str = FLOOR
    clock: Callable[[], float] = time.thread_time


@dataclass
class Line:
    """What was measured of one engine; times in seconds, `spread`: quartiles of the ratio."""

    engine: str
    group: str
    seconds: float = math.nan
    ratio: float = math.nan
    spread: tuple[float, float] = (math.nan, math.nan)
    above: float = math.nan
    calls: int = 0
    points: int = 0
    error: float = math.nan
    target: str = ""
    met: bool | None = None
    note: str = ""
    count: int = 1  # of derivatives in a run


@dataclass
class Table:
    """The lines of one row, the baseline first among its group."""

    name: str
    title: str
    baseline: str
    lines: list[Line]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def bare_calls(count: int, x: Any = None) -> Engine:
    """`count` calls of f."""

    def build(problem: Problem) -> Run:
        f, point = problem.f, problem.x if x is None else x

        def loop() -> None:
            for _ in range(count):
                f(point)

        return loop

    return Engine(f"bare {count} calls", build, value=_no_value)


def bare_blocks(total: int, size: int, block: Callable[[Any, int], Any]) -> Engine:
    """Calls of a vectorised f on blocks of `size` points until it has seen `total` of them."""

    def build(problem: Problem) -> Run:
        f, points = problem.vectorized, np.ascontiguousarray(block(problem.x, size))
        rest = np.ascontiguousarray(points[..., : total % size])

        def loop() -> None:
            for _ in range(total // size):
                f(points)
            if total % size:
                f(rest)

        return loop

    return Engine(f"bare {-(-total // size)} calls of {size} points", build, value=_no_value)


def _no_value(result: Any) -> None:
    return None


def _batch(name: str, function: Callable[..., Any]) -> Engine:
    return Engine(f"NumPy batch: {name}", lambda p: lambda: function(p.vectorized, p.x))


def _pair(function: str, operator: str, **options: Any) -> list[Engine]:
    return [engines.fastcalc_function(function, **options), engines.fastcalc_operator(operator, **options)]


def _both(function: str, operator: str, target: Target, reused: Target | None = None) -> dict[str, Target]:
    return {f"fc.{function}": target, f"fc.{operator}, reused": reused or target}


def gradient_row(n: int) -> Row:
    return Row(
        f"gradient-{n}",
        f"gradient of Rosenbrock, n = {n}",
        rosenbrock_problem(n),
        {
            FLOOR: [bare_calls(2 * n)],
            FASTCALC: _pair("gradient", "Gradient"),
            BY_HAND: [engines.numpy_loop("gradient")],
            PEER: engines.gradient_peers(),
        },
        _both("gradient", "Gradient", Target(1.25 if n == 2 else 1.05)),
    )


def overhead_row() -> Row:
    x = np.array([1.3, 0.7])
    return Row(
        "overhead",
        "overhead: gradient of f(x) = 1.0, n = 2",
        Problem("1.0", trivial, x, np.zeros(2), lambda x: np.ones(x.shape[1:])),
        {
            FLOOR: [bare_calls(4)],
            FASTCALC: _pair("gradient", "Gradient"),
            BY_HAND: [engines.numpy_loop("gradient")],
            PEER: engines.gradient_peers(),
        },
        _both("gradient", "Gradient", Target(4.0, above=True), Target(2.0, above=True)),
    )


def hessian_row(n: int) -> Row:
    return Row(
        f"hessian-{n}",
        f"Hessian of Rosenbrock, n = {n}",
        rosenbrock_curvature(n),
        {
            FLOOR: [bare_calls(1 + n + n * n)],
            FASTCALC: _pair("hessian", "Hessian"),
            BY_HAND: [engines.numpy_loop("hessian")],
            PEER: engines.hessian_peers(),
        },
        _both("hessian", "Hessian", Target(1.05)),
    )


def jacobian_row(n: int) -> Row:
    # the others hold arrays of n**2 numbers for each of their steps
    light = [engine for engine in engines.jacobian_peers() if engine.name in ("SciPy 3-point", "statsmodels")]
    return Row(
        f"jacobian-{n}",
        f"Jacobian R^{n} -> R^{n}" + (", f of about 20 us" if n == 1000 else ""),
        ring_problem(n),
        {
            FLOOR: [bare_calls(2 * n)],
            FASTCALC: _pair("jacobian", "Jacobian"),
            BY_HAND: [engines.numpy_loop("jacobian")],
            PEER: light if n > 100 else engines.jacobian_peers(),
        },
        _both("jacobian", "Jacobian", Target(1.2)),
    )


def vectorized_row(n: int) -> Row:
    sizes = [size for size in (8, 16, 24, 32, 48, 64, 128, 256) if size < n]
    batches = [
        _batch("eye", by_hand.batch_with_eye),
        _batch("diag", by_hand.batch_with_diag),
        _batch("tile", by_hand.batch_with_tile),
        _batch("repeat", by_hand.batch_with_repeat),
        _batch("one array, in place", by_hand.batch_in_place(n)),
        *(_batch(f"blocks of {2 * size} points", by_hand.batch_in_blocks(n, size)) for size in sizes),
    ]

    def block(x: Any, size: int) -> Any:
        return np.broadcast_to(x[:, None], (n, size))

    return Row(
        f"vectorized-{n}",
        f"gradient of vectorised Rosenbrock, n = {n}",
        rosenbrock_problem(n),
        {
            BY_HAND: batches,
            FLOOR: [bare_blocks(2 * n, 2 * size, block) for size in (*sizes, n)],
            FASTCALC: _pair("gradient", "Gradient", vectorized=True),
            PEER: [engine for engine in engines.gradient_peers() if engine.name == "scipy.differentiate"],
        },
        _both("gradient", "Gradient", Target(1.0, strict=n >= 1000)),
        baseline=BY_HAND,
    )


_BLOCKS = (1000, 2000, 5000, 10_000, 20_000, 40_000, 100_000)


def batch_row(name: str, problem: Problem) -> Row:
    k = problem.x.shape[1]
    sizes = [size for size in _BLOCKS if size <= k] or [k]

    def block(x: Any, size: int) -> Any:
        return x[:, :size]

    return Row(
        name,
        f"gradients at {k} points, vectorised {problem.name}",
        problem,
        {
            FLOOR: [bare_blocks(6 * k, size, block) for size in sizes],
            FASTCALC: _pair("gradient", "Gradient", vectorized=True),
            BY_HAND: [
                _batch("all points at once", by_hand.points_whole),
                *(
                    _batch(f"blocks of {size} points", functools.partial(by_hand.points_in_blocks, size=size))
                    for size in sizes[:-1]
                ),
            ],
            PEER: [engine for engine in engines.gradient_peers() if engine.name == "scipy.differentiate"],
        },
        _both("gradient", "Gradient", Target(1.3)),
    )


def batch_rows(k: int) -> list[Row]:
    """A function that costs next to nothing at a point, and one that takes sines and exponentials."""
    return [batch_row("batch", rosenbrock_problem(3, k)), batch_row("batch-dear", ring_sum_problem(3, k))]


def derivative_row() -> Row:
    return Row(
        "derivative",
        "derivative of np.sin at one point",
        sine(),
        {
            FLOOR: [bare_calls(4, np.float64(1.0))],
            FASTCALC: _pair("derivative", "Derivative", accuracy=4),
            BY_HAND: [engines.numpy_loop("derivative")],
            PEER: engines.derivative_peers(),
        },
    )


def derivatives_row(k: int) -> Row:
    sizes = [size for size in _BLOCKS if size <= k] or [k]

    def block(x: Any, size: int) -> Any:
        return x[:size]

    return Row(
        "derivatives",
        f"derivative of np.sin at {k} points, vectorised",
        sine(k),
        {
            FLOOR: [bare_blocks(4 * k, size, block) for size in sizes],
            FASTCALC: _pair("derivative", "Derivative", accuracy=4, vectorized=True),
            BY_HAND: [
                engines.numpy_loop("derivative"),
                *(
                    _batch(f"blocks of {size} points", functools.partial(by_hand.derivative_in_blocks, size=size))
                    for size in sizes[:-1]
                ),
            ],
            PEER: engines.points_peers(),
        },
    )


def rows(*, tiny: bool = False) -> list[Row]:
    """All of them; tiny: sizes that only show that they run."""
    if tiny:
        return [
            overhead_row(), gradient_row(2), hessian_row(3), jacobian_row(4), vectorized_row(5), *batch_rows(20),
            derivative_row(), derivatives_row(20),
        ]  # fmt: skip
    return [
        overhead_row(),
        *(gradient_row(n) for n in (2, 10, 100, 1000)),
        hessian_row(20),
        jacobian_row(1000),
        *(vectorized_row(n) for n in (10, 100, 1000)),
        *batch_rows(100_000),
        derivative_row(),
        derivatives_row(100_000),
    ]


def measure(row: Row, effort: timing.Effort) -> Table:
    """Build, count and check each engine once, then time them all together."""
    lines: list[Line] = []
    runs: list[Run] = []
    timed: list[Line] = []
    for group, members in row.groups.items():
        candidates = [(line, run) for line, run in (_prepare(row, group, engine) for engine in members)]
        lines += [line for line, run in candidates if run is None]
        ready = [(line, run) for line, run in candidates if run is not None]
        if group in (FLOOR, BY_HAND):  # the others of these groups are variants of the best
            ready = _fastest(ready, effort)
        lines += [line for line, _ in ready]
        timed += [line for line, _ in ready]
        runs += [run for _, run in ready]
    seconds = timing.interleaved(runs, effort, row.clock) / [line.count for line in timed]
    _fill(row, timed, seconds)
    return Table(row.name, row.title, _best(timed, row.baseline).engine, _in_order(row, lines))


def _prepare(row: Row, group: str, engine: Engine) -> tuple[Line, Run | None]:
    line = Line(engine.name, group, count=engine.count)
    reason = engine.missing()
    if reason:
        line.note = reason
        return line, None
    try:
        with timing.quiet():
            counted, counters = row.problem.counted()
            value = engine.derivative(counted)
            line.calls, line.points = sum(c.calls for c in counters), sum(c.points for c in counters)
            if value is not None:
                line.error = row.problem.error(value)
            return line, engine.build(row.problem)
    except Exception as error:  # an engine that cannot do it gets a line, not the last word
        line.note = f"{type(error).__name__}: {error}"
        return line, None


def _fastest(candidates: Sequence[tuple[Line, Run]], effort: timing.Effort, keep: int = 2) -> list[tuple[Line, Run]]:
    """The best of several variants, after a few rounds."""
    if len(candidates) <= keep:
        return list(candidates)
    brief = dataclasses.replace(effort, rounds=max(3, effort.rounds // 4))
    seconds = timing.interleaved([run for _, run in candidates], brief)
    medians = np.nanmedian(seconds / [line.count for line, _ in candidates], axis=0)
    return [candidates[k] for k in np.argsort(medians)[:keep]]


def _best(lines: Sequence[Line], group: str) -> Line:
    return min((line for line in lines if line.group == group), key=lambda line: line.seconds)


def _fill(row: Row, lines: Sequence[Line], seconds: np.ndarray) -> None:
    for line, column in zip(lines, seconds.T, strict=True):
        line.seconds = float(np.nanmedian(column))
    base = seconds[:, lines.index(_best(lines, row.baseline))]
    for line, column in zip(lines, seconds.T, strict=True):
        ratios = column / base
        line.ratio = float(np.nanmedian(ratios))
        low, high = np.nanquantile(ratios, (0.25, 0.75))
        line.spread = (float(low), float(high))
        line.above = float(np.nanmedian(column - base))
        target = row.targets.get(line.engine)
        if target is not None:
            base_time = float(np.nanmedian(base)) * 1e6
            line.target, line.met = str(target), target.met(line.ratio, line.above * 1e6, base_time)


def _in_order(row: Row, lines: Sequence[Line]) -> list[Line]:
    """Baseline, fastcalc, hand-written, peers; of the variants only the best."""
    chosen: list[Line] = []
    for group in (row.baseline, *(g for g in (FLOOR, FASTCALC, BY_HAND, PEER) if g != row.baseline)):
        members = [line for line in lines if line.group == group]
        if group in (FLOOR, BY_HAND) and len(members) > 1:
            members = [_best(members, group)]
        chosen += members
    return chosen
