"""Taylor polynomials of black boxes: Taylor coefficients along lines, and from them those of many variables.

First the axes are fitted, which gives every variable the length up to which f is resolved, and every output its noise;
then, in variables u = (y - x) / length, the lines that the highest degree needs and a few more. The part of degree k
along the line ``u = t s`` is ``t**k sum_alpha b_alpha s**alpha``: least squares give b_alpha, and c_alpha is that over
``length**alpha``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.engine import values_at
from fastcalc._differences.problem import Problem
from fastcalc._differences.solve import Expansion
from fastcalc._expansions.directions import Directions, count, directions, exponents, recover
from fastcalc._expansions.fits import Nodes, nodes
from fastcalc._expansions.ladders import Accuracy, Ladder, Lines, Range, Sample
from fastcalc._results import Status, succeeded, worst
from fastcalc._taylor.data import series_dtype

_Array = NDArray[Any]
_FIRST = 0.5  # first length along an axis, over the size of its variable
_MOST = 3.0  # largest one where the highest degree is lost in rounding
_TINY = 0.05  # size of a variable below which it tells little about f
_LEAP = 4.0, 1e4  # what lengths grow by at once; where the size tells little
_ROUNDS = 4, 9  # fits of a line for which there is room by default, on average; of an axis
_LINES = 4000  # the most that are reasonable: a matrix of their size is factorised
_INEXACT = 4 * np.finfo(np.float64).eps  # of the weights of lines
_DISAGREE = 10.0  # residual over the largest error, above which no polynomial agrees with all lines
_ENOUGH = 1e-2  # error over the largest coefficient of a degree, below which unresolved lines have converged


def numeric_taylor(problem: Problem, degree: int) -> Expansion:
    """Coefficients of the Taylor polynomial of f from values alone.

    Parameters
    ----------
    problem : Problem
        At a single point. Used of its settings: scale, step (the first lengths), bounds, noise, max_evaluations (of
        all points).
    degree : int
        At least 0.

    Returns
    -------
    Expansion
        Errors are bounds, usually ten times the true ones, NaN where unknown.

    Raises
    ------
    ValueError
        Before f is called, for bounds that leave no room on both sides of x, `max_evaluations` that do not suffice,
        and sizes that are out of reach.

    Notes
    -----
    The number of lines is binomial(n + degree - 1, degree) and a tenth more, each with two fits or more at about
    degree + 14 points. Where values have errors of eps, and coefficients fall like ``r**-abs(alpha)``, those of
    coefficients of degree k are about ``eps * 20**k / k! / r**k``, times the condition of the directions.
    """
    n, budget = len(problem.points), problem.settings.max_evaluations
    _check_settings(problem)
    pairs = _pairs(n, degree, budget)
    span, bounded = _lengths(problem)
    value = values_at(problem.function, problem.points)[:, 0]
    if degree == 0 or not np.isfinite(value).any():
        return _value_alone(problem, degree, value)
    found, grid = directions(n, degree), nodes(degree, pairs)
    points = 2 * pairs
    if budget is None:
        budget = 1 + points * (_ROUNDS[0] * (len(found.vectors) - n) + _ROUNDS[1] * n)
    lines, size = _along_lines(problem, found, grid, value, span, budget - 1)
    with np.errstate(all="ignore"):
        return _combine(found, lines, value, size, bounded)


def _check_settings(problem: Problem) -> None:
    settings = problem.settings
    for name, given in (("rtol", settings.rtol), ("atol", settings.atol or None)):
        if given is not None:
            raise ValueError(
                f"`{name}` has no effect on method 'numeric', which is as accurate as f allows; got {given}: leave it "
                "out, or limit the work by `max_evaluations`"
            )


def _pairs(n: int, degree: int, budget: int | None) -> int:
    """Pairs of nodes on a line: as many as serve well, fewer where the budget asks for it."""
    if degree == 0:
        return 0
    lines = count(n, degree)
    if lines > _LINES:
        raise ValueError(
            f"`degree` must be lower for method 'numeric': degree {degree} in {n} variables needs {lines} lines, more "
            f"than {_LINES}; take method 'exact', or fewer variables"
        )
    pairs, least = degree // 2 + 7, degree // 2 + 3
    if budget is None:
        return pairs
    if budget < 1 + 2 * least * lines:
        raise ValueError(
            f"`max_evaluations` must be at least {1 + 2 * least * lines} for degree {degree} in {n} variables; got "
            f"{budget}: allow more, or take a lower degree"
        )
    return min(pairs, max(least, (budget - 1) // (4 * lines)))  # two fits of each


def _lengths(problem: Problem) -> tuple[Range, NDArray[np.bool_]]:
    """Lengths of the axes, and which of them bounds have cut; ValueError where bounds leave no room."""
    x, frame = problem.points[:, 0], problem.frame
    size = np.abs(x).astype(np.float64)
    if frame.scale is not None:
        size = np.maximum(size, _each(frame.scale, len(x)))
    size[size == 0] = 1
    first, usual, most, leap = _FIRST * size, size, _MOST * size, np.full(len(x), _LEAP[0])
    if frame.step is not None:
        first = _each(frame.step, len(x)).astype(np.float64)
        usual, most = np.maximum(usual, first), np.maximum(most, first)
    elif frame.scale is None:
        usual, most = np.maximum(usual, 1), np.maximum(most, _MOST)
        leap[size < _TINY] = _LEAP[1]
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
    return Range(first, usual, most, leap), bounded


def _each(value: _Array, n: int) -> _Array:
    """An option of shape (n, 1) or (1, 1) for each variable."""
    each: _Array = np.broadcast_to(value, (n, 1))[:, 0]
    return each


def _value_alone(problem: Problem, degree: int, value: _Array) -> Expansion:
    """f(x) is all that is asked for, or known."""
    noise = problem.settings.noise
    coef = np.full((math.comb(len(problem.points) + degree, degree), len(value)), np.nan, series_dtype(value.dtype))
    error = np.full(coef.shape, np.nan, coef.real.dtype)
    status = np.full(coef.shape, Status.NON_FINITE, np.int8)
    coef[0], error[0] = value, problem.function.epsilon * np.abs(value) + (noise or 0)
    status[0, np.isfinite(value)] = Status.NOISE_LIMIT if noise else Status.ROUNDING_LIMIT
    return Expansion(coef, error, np.where(np.isfinite(error), 0, np.nan), status, value)


def _as_real(values: _Array) -> _Array:
    """Values (m, ...) with real and imaginary parts as outputs of their own, at least in double precision."""
    if values.dtype.kind == "c":
        values = np.concatenate([values.real, values.imag])
    return values.astype(np.result_type(values.dtype, np.float64))


def _sampler(problem: Problem, grid: Nodes, moves: _Array, outputs: NDArray[np.bool_]) -> Sample:
    """Values of some outputs along lines: `moves` (n_lines, n) are their displacements over one length."""
    x = problem.points[:, 0]
    t = np.concatenate([grid.t, -grid.t]).astype(np.result_type(x.real.dtype, np.float64))

    def sample(at: NDArray[np.intp], h: _Array) -> _Array:
        far = np.outer(t, h)[..., None] * moves[at]  # (nodes, lines, n)
        # nodes are so far from 1 that no rounding takes a point over a bound
        where = np.moveaxis(x + far, -1, 0).reshape(len(x), -1)
        with np.errstate(all="ignore"):
            values = values_at(problem.function, np.ascontiguousarray(where, x.dtype))
        values = _as_real(values)
        if len(values) < len(outputs):  # real where f(x) is complex
            values = np.concatenate([values, np.zeros_like(values)])
        taken: _Array = values[: len(outputs)][outputs]
        return taken.T.reshape(2, len(grid.t), len(at), len(taken))

    return sample


def _along_lines(
    problem: Problem, found: Directions, grid: Nodes, value: _Array, span: Range, budget: int
) -> tuple[Lines, _Array]:
    """Coefficients along all lines of scaled variables, and the lengths that scale them."""
    x, base, epsilon = problem.points[:, 0], _as_real(value[:, None])[:, 0], problem.function.epsilon
    finite, others = np.isfinite(base), len(found.vectors) - len(x)
    base = base[finite]
    given = problem.settings.noise
    noise = np.full(len(base), np.nan if given is None else given)
    place = np.finfo(x.dtype).eps * np.abs(x).astype(np.float64)  # how exact points are

    accuracy = Accuracy(epsilon, np.zeros(len(base)), place, noise)
    axes = Ladder(_sampler(problem, grid, np.eye(len(x)), finite), grid, base, span, accuracy)
    axes.climb(budget - 2 * len(grid.t) * others)
    axes.give_up()
    size, lines, value_error = axes.best(), axes.lines(), axes.value_error()
    slopes = place @ np.abs(lines.coef[1])
    power = size[:, None] ** np.arange(len(lines.coef))[:, None, None]
    lines = lines.scaled(power)
    if others:
        moves = found.vectors[len(x) :] * size
        with np.errstate(divide="ignore"):
            most = (span.most / np.abs(moves)).min(axis=1)
        span = Range(np.minimum(1, most), np.ones(others), most, np.full(others, _LEAP[0]))
        accuracy = Accuracy(epsilon, slopes, np.zeros(others), axes.noise)
        rest = Ladder(_sampler(problem, grid, moves, finite), grid, base, span, accuracy)
        rest.matters = axes.matters
        rest.climb(budget - axes.spent)
        lines = Lines(*(np.concatenate(pair, axis=1) for pair in zip(lines, rest.lines(), strict=True)))
        value_error = np.maximum(value_error, rest.value_error())
    lines.coef[0], lines.noise[0] = base, axes.noise
    # what rounding inside f does to x shows along the lines as slopes do, and not as errors of values
    lines.rounding[0] = np.maximum(epsilon * np.abs(base), value_error) + slopes
    lines.error[0] = lines.rounding[0] + lines.noise[0]
    return lines.spread(finite), size


def _combine(found: Directions, lines: Lines, value: _Array, size: _Array, bounded: NDArray[np.bool_]) -> Expansion:
    """Coefficients of many variables from those along lines."""
    blocks = []
    smooth = np.ones(lines.coef.shape[2], np.bool_)
    for k in range(len(lines.coef)):
        alpha = exponents(len(size), k)
        along = Lines(*(part[k] for part in lines))
        if k == 0:
            along = Lines(*(part[:1] for part in along))
            coef, weights = along.coef, np.ones((1, 1))
        else:
            coef, weights = recover(found, k, along.coef), np.abs(found.weights[k])
            apart = np.abs(along.coef - np.tensordot(found.monomials[k], coef, 1))
            largest, inexact = np.abs(along.coef).max(axis=0), _INEXACT * np.abs(along.coef)
            smooth &= ~(apart.max(axis=0) > np.maximum(_DISAGREE * along.error.max(axis=0), _ENOUGH * largest))
            along = along._replace(error=np.maximum(along.error, apart) + inexact, rounding=along.rounding + inexact)
        error, rounding, noise = (weights @ part for part in (along.error, along.rounding, along.noise))
        takes_part = weights > _INEXACT * weights.max()
        rough = (takes_part @ along.rough) | ~smooth
        status = _status(coef, error, rounding, noise, rough, takes_part @ along.open)
        limited = np.any(bounded & (alpha > 0), axis=1, keepdims=True)
        status[limited & succeeded(status)] = Status.AT_BOUND
        error = np.where(rough | ~np.isfinite(coef), np.nan, error)
        unit = np.prod(size**alpha, axis=1)[:, None]
        step = np.broadcast_to(unit ** (1 / k) if k else 0.0, coef.shape)
        blocks.append((coef / unit, error / unit, step, status))
    coef, error, step, status = (np.concatenate(part) for part in zip(*blocks, strict=True))
    if value.dtype.kind == "c":
        m = len(value)
        coef, error, step = coef[:, :m] + 1j * coef[:, m:], np.hypot(error[:, :m], error[:, m:]), step[:, :m]
        status = worst(np.stack([status[:, :m], status[:, m:]]), axis=0)
    dtype = series_dtype(value.dtype)
    return Expansion(coef.astype(dtype), error.astype(dtype.type(0).real.dtype), step, status, value)


def _status(
    coef: _Array,
    error: _Array,
    rounding: _Array,
    noise: _Array,
    rough: NDArray[np.bool_],
    unresolved: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """What the error of each coefficient (n_coefficients, m) of one degree is made of."""
    status = np.where(noise > rounding, Status.NOISE_LIMIT, Status.ROUNDING_LIMIT).astype(np.int8)
    truncated = error > 3 * (rounding + noise)
    status[truncated] = Status.CONVERGED
    status[unresolved & truncated & (error > _ENOUGH * np.abs(coef).max(axis=0))] = Status.NOT_CONVERGED
    status[rough] = Status.NOT_SMOOTH
    status[~np.isfinite(coef)] = Status.NON_FINITE
    return status
