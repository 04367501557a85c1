"""Is a sparsity pattern complete? One product with a random vector v, taken without the pattern, tells.

For a Jacobian J v is one derivative of f along v, which must be what the entries say, row by row. Truncation and
rounding make rows differ, too, and so do kinks; so a row that differs is asked: moving the variables without an entry
in it must not move it. If it does, halving their number finds one of them, whose derivative must then be above its own
error. For a Hessian from values of f, v' H v is a single number; halves of v find a row that explains it, which is
asked by mixed derivatives.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences import adaptive, methods
from fastcalc._differences.engine import values_at
from fastcalc._differences.problem import Problem
from fastcalc._differences.products import along
from fastcalc._differences.recipes import sure_room
from fastcalc._differences.solve import Solution
from fastcalc._differences.sparsity.pattern import Pattern
from fastcalc._differences.sparsity.probes import ABOVE, TREMBLES
from fastcalc._differences.sparsity.spots import spots_around
from fastcalc._differences.steps import TINY, is_tiny
from fastcalc._results import succeeded

_Array = NDArray[Any]
_Indices = NDArray[np.intp]
_AGREES = 1e-6  # of the terms of a row: what truncation makes of them is left out
_ROUNDING = 32  # units of rounding of f in a difference
_SHARE = 0.1  # of what is missed: the least that variables without an entry must explain
_ASKED = 16  # rows, at most
_TIMES = 3  # that rows are asked together, where there are more
_SHOWN = 6
_WITHOUT_ROUNDING = ("complex", "exact")


class _Entry(NamedTuple):
    """One that a pattern lacks."""

    row: int
    variable: int


def verify_rows(problem: Problem, pattern: Pattern, data: _Array, solution: Solution) -> None:
    """ValueError, with rows, where a pattern of first derivatives lacks entries; `data` are those of the others."""
    problem = _for_products(problem, problem.settings.accuracy)
    lacking = _lacking_along(problem, pattern, data, solution, _random_vector(problem))
    tiny = _tiny(problem)
    if not lacking and tiny.any():  # moved by their sizes they change no output beside others, which do
        v = np.where(tiny, _random_vector(problem, tiny), 0)
        # f may not be defined so far away, where nothing else needs it
        with contextlib.suppress(Exception):
            lacking = _lacking_along(problem, pattern, data, solution, v)
    if lacking:
        raise ValueError(lacking)


def _lacking_along(problem: Problem, pattern: Pattern, data: _Array, solution: Solution, v: _Array) -> str:
    """What the pattern lacks, as far as J v shows it; nothing where the two agree."""
    times = _product(pattern, data, solution, v)
    truth, error, step = _along(problem, v)
    with np.errstate(all="ignore"):
        missed = np.abs(truth - times.value)
        slack = _AGREES * times.size + times.error + error
        if not (missed > slack).any():
            return ""
        slack += np.sqrt(1 + np.diff(pattern.indptr)) * _rounding(problem, step)
        suspects = np.flatnonzero(missed > slack)
        suspects = suspects[np.argsort((slack / missed)[suspects], kind="stable")]
        if problem.settings.method == "exact":
            # a column that entries are missing in may share a colour with one of another size, by whose terms, now far
            # too large, nothing can be measured
            slack = np.minimum(slack, _AGREES * np.abs(truth))
    if len(suspects) > _ASKED:
        suspects = _moved_from_elsewhere(problem, pattern, suspects, v, slack)
    asked = suspects[:_ASKED]
    lacking = []
    for row in asked.tolist():
        others = _elsewhere(pattern, row, v)

        def response(w: _Array, row: int = row) -> float:
            return float(np.abs(_along(problem, w)[0][row]))

        if others.any() and response(others) > slack[row]:
            entry = _Entry(row, _locate(response, others))
            recipe = adaptive.Lines(_aim(problem), 1, chosen=np.array([entry.variable]))
            if _is_real(problem, entry, recipe, row) or _moves(problem, entry):
                lacking.append(entry)
    return _message(lacking, "depends on", len(suspects) - len(asked)) if lacking else ""


def verify_pairs(problem: Problem, pattern: Pattern, data: _Array, solution: Solution) -> None:
    """The same for second derivatives of a scalar function."""
    fixed_steps = problem.settings.method in ("central", "forward", "backward")
    accuracy = problem.settings.accuracy + 2 * fixed_steps  # so that truncation is that of the entries alone
    problem = _for_products(problem, accuracy)
    v = _random_vector(problem)
    times = _product(pattern, data, solution, v)
    truth, error, step = _curvature(problem, v)
    with np.errstate(all="ignore"):
        rounding = _rounding(problem, np.square(step))[0]
        slack = np.vdot(np.abs(v), _AGREES * times.size + times.error) + error + np.sqrt(pattern.size) * rounding
        if not np.abs(truth - np.vdot(v, times.value)) > slack:
            return

    def mixed(u: _Array, w: _Array) -> Any:
        """The form of H at u and w, by polarisation."""
        return (_curvature(problem, u + w)[0] - _curvature(problem, u)[0] - _curvature(problem, w)[0]) / 2

    def missed(u: _Array) -> float:
        """How far that is from what the entries say, for w = v."""
        return float(np.abs(mixed(u, v) - np.vdot(u, times.value)))

    row = _locate(missed, v)
    own, others = np.where(np.arange(len(v)) == row, v, 0), _elsewhere(pattern, row, v)
    others[row] = 0

    def response(w: _Array) -> float:
        return float(np.abs(mixed(own, w)))

    if others.any() and response(others) > max(_SHARE * missed(own), rounding):
        entry = _Entry(row, _locate(response, others))
        pair = (np.array([k], np.intp) for k in sorted(entry))
        if _is_real(problem, entry, adaptive.Pairs(_aim(problem), *pair), 0):
            raise ValueError(_message([entry], "has mixed derivatives with", 0))


def _for_products(problem: Problem, accuracy: int) -> Problem:
    """With errors; and with twice the steps that were given, since variables then move by one of them at least."""
    frame, settings = problem.frame, replace(problem.settings, full_output=True, accuracy=accuracy)
    if frame.step is not None:
        frame = frame._replace(step=2 * frame.step)
    return replace(problem, settings=settings, frame=frame)


class _Product(NamedTuple):
    """J v from entries (m,), the sum of the terms' magnitudes, and that of their errors, as far as they are known."""

    value: _Array
    size: _Array
    error: _Array


def _product(pattern: Pattern, data: _Array, solution: Solution, v: _Array) -> _Product:
    factor = v[pattern.indices]
    terms = np.where(factor == 0, 0, data * factor)  # columns of fixed variables are NaN
    value = _row_sums(pattern, terms)
    error = np.zeros(pattern.shape[0])
    if solution.known is not None:
        error = _row_sums(pattern, np.nan_to_num(solution.known.error[0, :, 0]) * np.abs(factor))
    return _Product(value, _row_sums(pattern, np.abs(terms)), error)


def _row_sums(pattern: Pattern, terms: _Array) -> _Array:
    totals: _Array = np.add.reduceat(np.append(terms, terms.dtype.type(0)), pattern.indptr[:-1])
    totals[np.diff(pattern.indptr) == 0] = 0
    return totals


def _tiny(problem: Problem) -> NDArray[np.bool_]:
    """Variables (n,) whose size is unknown: x alone says too little of it."""
    frame = problem.frame
    if frame.step is not None or frame.scale is not None:
        return np.zeros(len(problem.points), np.bool_)
    return is_tiny(np.abs(problem.points[:, 0]), TINY)


@np.errstate(all="ignore")
def _random_vector(problem: Problem, unknown: NDArray[np.bool_] | None = None) -> _Array:
    """A direction (n,) in which every variable moves by about its size, to the side where it has room.

    Variables of `unknown` (n,) size move as those of size 1.
    """
    x, frame = problem.points, problem.frame
    rng = np.random.default_rng(20260)  # the same at every call
    size, sign = np.abs(x), rng.choice([-1.0, 1.0], x.shape)
    if frame.step is not None:
        size = np.broadcast_to(frame.step, x.shape)
    elif frame.scale is not None:
        size = np.maximum(size, frame.scale)
    size = np.where(size == 0, 1, size)
    if unknown is not None:
        size = np.where(unknown[:, None], 1, size).astype(size.dtype)
    if frame.bounds is not None:
        lower, upper = frame.bounds
        below, above = sure_room(x, lower), sure_room(x, upper)
        size, sign = np.minimum(size, np.maximum(below, above)), np.where(above >= below, 1, -1)
        size = np.where(lower == upper, 0, size)
    v: _Array = np.where(np.isfinite(x), size * sign * rng.uniform(0.5, 1, x.shape), 0)[:, 0]
    return v.astype(x.real.dtype)


def _along(problem: Problem, v: _Array) -> tuple[_Array, _Array, float]:
    """The derivative along v (m,), its error as far as it is known, and the step."""
    found = along(problem, v[:, None])
    assert found.known is not None
    return found.value[:, 0], np.nan_to_num(found.known.error[:, 0]), float(np.min(found.step))


def _curvature(problem: Problem, v: _Array) -> tuple[Any, float, float]:
    """The second derivative of a scalar function along v, its error as far as it is known, and the step."""
    recipe = methods.direction(problem.settings, v[:, None], [np.flatnonzero(v)], 2)
    found = methods.solve(recipe, problem.function, problem.points, problem.frame, full=True)
    assert found.known is not None
    return found.value[0, 0, 0], float(np.nan_to_num(found.known.error[0, 0, 0])), float(np.min(found.step))


def _rounding(problem: Problem, divisor: float) -> _Array:
    """What rounding makes of differences of values (m,) over powers of the step."""
    if problem.settings.method in _WITHOUT_ROUNDING:
        return np.zeros(1)
    values = np.abs(values_at(problem.function, problem.points)[:, 0])
    with np.errstate(all="ignore"):
        rounding: _Array = np.nan_to_num(_ROUNDING * problem.function.epsilon * values / divisor)
    return rounding


def _elsewhere(pattern: Pattern, row: int, v: _Array) -> _Array:
    """V without the variables that have an entry in the row."""
    others = v.copy()
    others[pattern.indices[pattern.indptr[row] : pattern.indptr[row + 1]]] = 0
    return others


def _moved_from_elsewhere(problem: Problem, pattern: Pattern, rows: _Indices, v: _Array, slack: _Array) -> _Indices:
    """Those of the rows that variables move which have no entry in them: at kinks, all rows differ from J v, and those
    that lack entries must not be lost among them.

    Rows are asked together, as many as leave three quarters of the variables to move, in batches put together anew each
    time.
    """
    rng = np.random.default_rng(20261)
    lengths = np.diff(pattern.indptr)[rows]
    moved = np.zeros(len(rows), np.bool_)
    for _ in range(_TIMES):
        order = rng.permutation(len(rows))
        batch = np.cumsum(lengths[order]) // max(1, len(v) // 4)
        for some in np.split(order, np.flatnonzero(np.diff(batch)) + 1):
            own = np.zeros(pattern.shape[0], np.bool_)
            own[rows[some]] = True
            others = v.copy()
            others[pattern.indices[own[pattern.rows]]] = 0
            if others.any():
                moved[some] |= np.abs(_along(problem, others)[0][rows[some]]) > slack[rows[some]]
    return rows[moved]


def _locate(response: Callable[[_Array], float], v: _Array) -> int:
    """The variable that answers, by halves."""
    left = np.flatnonzero(v)
    while len(left) > 1:
        halves = np.array_split(left, 2)
        answers = []
        for half in halves:
            w = np.zeros_like(v)
            w[half] = v[half]
            answers.append(response(w))
        left = halves[int(np.nanargmax([*answers, -1.0])) % 2]
    return int(left[0])


def _aim(problem: Problem) -> Any:
    return methods.aim(problem.settings)


def _is_real(problem: Problem, entry: _Entry, recipe: adaptive.Adaptive, output: int) -> bool:
    """Whether the derivative in question is above its error, noise of f and all."""
    if problem.settings.method in _WITHOUT_ROUNDING:
        return True
    frame = problem.frame._replace(step=None)
    found = recipe.solve(problem.function, problem.points, frame, full=True)
    assert found.known is not None
    value, error, status = found.value[output, 0, 0], found.known.error[output, 0, 0], found.known.status[output, 0, 0]
    return bool(np.abs(value) > error and succeeded(status))


def _moves(problem: Problem, entry: _Entry) -> bool:
    """Whether an output changes with a variable by more than it trembles, at a kink, too, where it has no derivative.

    NaN is no answer.
    """
    spot = spots_around(problem.points, problem.frame, 1, TREMBLES)[0]
    moved = spot.x.copy()
    moved[entry.variable] = spot.moved[entry.variable]
    points = np.ascontiguousarray(np.column_stack([spot.x, moved, spot.trembling]))
    with np.errstate(all="ignore"):
        values = values_at(problem.function, points)[entry.row]
        change, trembling = np.abs(values[1] - values[0]), np.abs(values[2:] - values[0])
        return bool(change > ABOVE * np.fmax.reduce(trembling, initial=0))


def _message(lacking: list[_Entry], how: str, unasked: int) -> str:
    rows = ", ".join(str(entry.row) for entry in lacking[:_SHOWN])
    more = len(lacking) - _SHOWN + unasked if len(lacking) > _SHOWN else unasked
    first = lacking[0]
    return (
        f"`sparsity` lacks entries in row{'s' if len(lacking) > 1 else ''} {rows}"
        f"{f' and perhaps {more} more' if more > 0 else ''}: output {first.row}, for example, {how} variable "
        f"{first.variable}, where it has none; add them, or let sparsity='detect' find them"
    )
