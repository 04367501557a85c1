"""Taylor polynomials of black boxes: Taylor coefficients along lines, and from them those of many variables.

First the axes are fitted, which gives every variable the distance up to which f is resolved, and every output its noise;
then the other lines, which the highest degree needs, in variables scaled by these distances.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.directions import Directions, count, directions, exponents, recover
from fastcalc._differences.engine import values_at
from fastcalc._differences.fits import Nodes, nodes
from fastcalc._differences.ladders import Accuracy, Ladder, Lines, Range, Sample
from fastcalc._differences.problem import Problem
from fastcalc._results import Status

_Array = NDArray[Any]
_FIRST = 0.5  # first length along an axis, over the size of its variable
_MOST = 3.0  # largest one, over the size, or over 1
_TINY = 0.05  # size of a variable below which it tells little about f
_LEAP = 4.0, 1e4  # what lengths grow by at once; where the size tells little
_ENOUGH = 1e-2  # error over the largest coefficient of a degree, up to which unresolved lines have converged
_DISAGREE = 10.0  # residual over the largest error, above which no polynomial agrees with all lines
_ROUNDS = 4  # for which `max_evaluations` allows, on average


class Expansion(NamedTuple):
    """Coefficients and what is known of them: (n_terms, m) in graded lexicographic order."""

    coef: _Array
    error: _Array
    step: _Array
    status: NDArray[np.int8]
    base: _Array  # f(x) (m,)


class _Sizes(NamedTuple):
    """Lengths of the axes."""

    span: Range
    bounded: NDArray[np.bool_]  # cut by bounds


def numeric_taylor(problem: Problem, degree: int) -> Expansion:
    """Coefficients of the Taylor polynomial of f from values alone.

    Parameters
    ----------
    problem : Problem
        At a single point.
    degree : int
        At least 0.

    Returns
    -------
    Expansion
    """
    n = len(problem.points)
    budget = problem.settings.max_evaluations
    pairs = _pairs(n, degree, budget)
    sizes = _sizes(problem)
    value = values_at(problem.function, problem.points)[:, 0]
    if degree == 0 or n == 0 or not np.isfinite(value).all():
        return _constant(problem, degree, value)
    return _expand(problem, degree, value, nodes(degree, pairs), sizes, budget)


def _pairs(n: int, degree: int, budget: int | None) -> int:
    """Pairs of nodes on a line: as many as serve well, fewer where the budget asks for it."""
    pairs = max(7, degree // 2 + 7)
    if budget is None or degree == 0:
        return pairs
    least, lines = degree // 2 + 3, count(n, degree)
    if budget < 1 + 2 * least * lines:
        raise ValueError(
            f"`max_evaluations` must be at least {1 + 2 * least * lines} for degree {degree} in {n} variables; got "
            f"{budget}: allow more, or take a lower degree"
        )
    return min(pairs, max(least, (budget - 1) // (4 * lines)))


def _sizes(problem: Problem) -> _Sizes:
    """From what to what length the axes are fitted; ValueError where bounds leave no room."""
    x, frame = problem.points[:, 0], problem.frame
    own = np.abs(x).astype(np.float64)
    if frame.scale is not None:
        own = np.maximum(own, _each(frame.scale, len(x)))
    own[own == 0] = 1
    first, usual, most = _FIRST * own, own.copy(), _MOST * own
    tells_little = np.zeros(len(x), np.bool_)
    if frame.scale is None and frame.step is None:
        tells_little = own < _TINY
        usual, most = np.maximum(usual, 1), np.maximum(most, _MOST)
    if frame.step is not None:
        first = _each(frame.step, len(x)).copy()
        usual, most = np.maximum(usual, first), np.maximum(most, first)
    bounded = np.zeros(len(x), np.bool_)
    if frame.bounds is not None:
        lower, upper = (_each(side, len(x)) for side in frame.bounds)
        room = np.minimum(x.real - lower, upper - x.real).astype(np.float64)
        if (room <= 0).any():
            i = int(np.argmin(room))
            raise ValueError(
                f"x must have room on both sides inside `bounds` for method 'numeric'; got {x[i]!s} for variable {i}, "
                f"whose bounds are {lower[i]!s} and {upper[i]!s}: move x, or leave out the bounds"
            )
        bounded = room < first
        first, usual, most = (np.minimum(length, room) for length in (first, usual, most))
    return _Sizes(Range(first, usual, most, np.where(tells_little, _LEAP[1], _LEAP[0])), bounded)


def _each(value: _Array, n: int) -> _Array:
    return np.broadcast_to(value, (n, 1))[:, 0]


def _constant(problem: Problem, degree: int, value: _Array) -> Expansion:
    """f(x) alone is known."""
    terms = sum(count(len(problem.points), k) for k in range(1, degree + 1)) + 1
    coef = np.full((terms, len(value)), np.nan, value.dtype)
    coef[0] = value
    error = np.full(coef.shape, np.nan, coef.real.dtype)
    noise = problem.settings.noise
    error[0] = problem.function.epsilon * np.abs(value) + (noise or 0)
    status = np.full(coef.shape, Status.NON_FINITE, np.int8)
    status[0, np.isfinite(value)] = Status.ROUNDING_LIMIT if noise is None else Status.NOISE_LIMIT
    return Expansion(coef, error, np.where(np.isnan(error), np.nan, 0), status, value)


def _as_real(values: _Array) -> _Array:
    """Values (m, ...) with real and imaginary parts as outputs of their own, at least in double precision."""
    if values.dtype.kind == "c":
        values = np.concatenate([values.real, values.imag])
    return values.astype(np.result_type(values.dtype, np.float64))


def _sampler(problem: Problem, grid: Nodes, moves: _Array) -> Sample:
    """Values along lines: `moves` (n_lines, n) are the displacements of one length."""

    def sample(at: NDArray[np.intp], h: _Array) -> _Array:
        x = problem.points[:, 0]
        t = np.concatenate([grid.t, -grid.t]).astype(np.float64)
        far = (t[:, None] * h)[..., None] * moves[at]  # (nodes, lines, n)
        where = np.moveaxis(x + far, -1, 0).reshape(len(x), -1)
        if problem.frame.bounds is not None:
            where = np.clip(where, *problem.frame.bounds)
        with np.errstate(all="ignore"):
            values = values_at(problem.function, np.ascontiguousarray(where, x.dtype))
        values = _as_real(values).T
        return values.reshape(2, len(grid.t), len(at), values.shape[1])

    return sample


def _expand(
    problem: Problem, degree: int, value: _Array, grid: Nodes, sizes: _Sizes, budget: int | None
) -> Expansion:
    x, n, base = problem.points[:, 0], len(problem.points), _as_real(value[:, None])[:, 0]
    found = directions(n, degree)
    cost, others = 2 * len(grid.t), len(found.vectors) - n
    left = budget - 1 if budget is not None else cost * (_ROUNDS * others + 2 * _ROUNDS * n)
    given = problem.settings.noise
    noise = np.full(len(base), np.nan if given is None else given)
    place = np.finfo(x.dtype).eps * np.abs(x).astype(np.float64)

    epsilon = problem.function.epsilon
    accuracy = Accuracy(epsilon, np.zeros(len(base)), place, noise)
    axes = Ladder(_sampler(problem, grid, np.eye(n)), grid, base, sizes.span, accuracy)
    axes.climb(left - cost * others)
    size, along = axes.best(), axes.lines()
    power = size[:, None] ** np.arange(degree + 1)[:, None, None]
    parts = [Lines(*(part * power for part in along[:4]), *along[4:])]
    value_error = axes.value_error()
    if others:
        moves = found.vectors[n:] * size
        with np.errstate(divide="ignore"):
            most = (sizes.span.most / np.abs(moves)).min(axis=1)
        span = Range(np.minimum(1, most), np.ones(others), most, np.full(others, _LEAP[0]))
        accuracy = Accuracy(epsilon, place @ np.abs(along.coef[1]), np.zeros(others), axes.noise)
        rest = Ladder(_sampler(problem, grid, moves), grid, base, span, accuracy)
        rest.climb(left - axes.spent)
        parts.append(rest.lines())
        value_error = np.maximum(value_error, rest.value_error())
    lines = Lines(*(np.concatenate(part, axis=1) for part in zip(*parts, strict=True)))
    lines.coef[0] = base
    lines.noise[0] = axes.noise
    lines.rounding[0] = np.maximum(epsilon * np.abs(base), value_error)
    lines.error[0] = lines.rounding[0] + lines.noise[0]
    return _combine(found, lines, value, size, sizes.bounded)


def _combine(
    found: Directions, lines: Lines, value: _Array, size: _Array, bounded: NDArray[np.bool_]
) -> Expansion:
    """Coefficients of many variables from those along lines."""
    n = len(size)
    coefs, errors, steps, statuses = [], [], [], []
    for k in range(len(lines.coef)):
        alpha = np.array(exponents(n, k))
        unit = np.prod(size**alpha, axis=1)[:, None]
        if k == 0:
            coef = lines.coef[0, :1]
            parts = [part[0, :1] for part in (lines.error, lines.rounding, lines.noise)]
            rough, unresolved = lines.rough[0, :1], lines.open[0, :1]
        else:
            coef = recover(found, k, lines.coef[k])
            weights = np.abs(found.weights[k])
            weights[weights < 1e-12 * weights.max()] = 0
            apart = np.abs(lines.coef[k] - np.tensordot(found.monomials[k], coef, 1))
            errors_along = np.maximum(lines.error[k], apart)
            parts = [weights @ part for part in (errors_along, lines.rounding[k], lines.noise[k])]
            rough, unresolved = ((weights > 0) @ flag for flag in (lines.rough[k], lines.open[k]))
            largest = np.abs(lines.coef[k]).max(axis=0)
            rough |= apart.max(axis=0) > np.maximum(_DISAGREE * lines.error[k].max(axis=0), _ENOUGH * largest)
        status = _status(coef, *parts, rough, unresolved)
        limited = (bounded & (alpha > 0)).any(axis=1)[:, None] & (status < Status.NOT_CONVERGED)
        status[limited] = Status.AT_BOUND
        coefs.append(coef / unit)
        errors.append(np.where(rough | ~np.isfinite(coef), np.nan, parts[0]) / unit)
        steps.append(np.broadcast_to(unit ** (1 / k) if k else np.zeros((1, 1)), coef.shape))
        statuses.append(status)
    coef, error, step, status = (np.concatenate(part) for part in (coefs, errors, steps, statuses))
    if value.dtype.kind == "c":
        m = len(value)
        coef = coef[:, :m] + 1j * coef[:, m:]
        error = np.hypot(error[:, :m], error[:, m:])
        step, status = step[:, :m], np.maximum(status[:, :m], status[:, m:])
    return Expansion(coef.astype(value.dtype), error.astype(value.real.dtype), step, status, value)


def _status(
    coef: _Array,
    error: _Array,
    rounding: _Array,
    noise: _Array,
    rough: NDArray[np.bool_],
    unresolved: NDArray[np.bool_],
) -> NDArray[np.int8]:
    truncation = error - rounding - noise
    status = np.where(noise > rounding, Status.NOISE_LIMIT, Status.ROUNDING_LIMIT).astype(np.int8)
    truncated = truncation > 2 * (rounding + noise)
    status[truncated] = Status.CONVERGED
    status[unresolved & truncated & (error > _ENOUGH * np.abs(coef).max(axis=0))] = Status.NOT_CONVERGED
    status[rough] = Status.NOT_SMOOTH
    status[~np.isfinite(coef)] = Status.NON_FINITE
    return status
