"""The noise of computed values, from their difference table (Moré and Wild's ECNoise).

Values f_0 ... f_m at equal spacing, noise of standard deviation sigma on a smooth function. Differences take the
smooth part away, a power of the spacing at a time, and amplify the noise by a known factor:

    sigma_k**2 = gamma_k mean((Delta^k f_i)**2),    gamma_k = (k!)**2 / (2k)!,    sigma_k -> sigma.

The first k counts from which three levels agree and whose differences change sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.plans import base_plan
from fastcalc._differences.problem import Problem, open_problem
from fastcalc._differences.recipes import room_along

_AGREE = 4.0  # largest ratio between three consecutive levels that are noise
_NARROW = 2.0  # the same for two levels of which the larger may be a kink
_WIDE = 0.1  # range of the values over the largest of them, above which noise and variation are not told apart
_ROUNDING = 32.0  # levels up to this times eps times the largest value need no second look
_RELATIVE = 0.4  # the first spacing is eps to this power, times the size of a variable
_COARSE = 1e3  # values within so many times their rounding may be exact by chance
_LARGEST = 0.02  # largest spacing over the size of a variable, or over 1
_SMALLEST = 2.0**5  # smallest spacing over that of floating-point numbers of this size
_TRIES = 8
_FACTOR = 100.0  # between the spacings of two tries
_AGAIN = 30.0  # the same where a level is to be confirmed
_ASKEW = 0.5 * (5**0.5 - 1)  # the same where values are on a line: far from all ratios of small integers
_STRAIGHT = 4.0  # rounding errors of values in their second differences, over eps times the largest


class Verdict(IntEnum):
    """What equally spaced values say about their noise."""

    FOUND = 0  # the level is that of the noise
    EXACT = 1  # high differences vanish exactly: a polynomial without any noise; the level is 0
    TOO_CLOSE = 2  # half of the neighbours are equal: take a larger spacing; the level is 0 where all are, else NaN
    TOO_FAR = 3  # no level: the function varies too much, take a smaller spacing; NaN
    WIDE = 4  # a level, but in values that vary by more than a tenth: noise only if it is the same at smaller spacing
    NON_FINITE = 5  # NaN


def noise_level(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Noise of functions from their values at equally spaced points.

    Parameters
    ----------
    values : ndarray (m + 1, k) of real floats
        Values of k functions at m + 1 points, at least 4; 7 to 9 are enough. Not changed.

    Returns
    -------
    level : ndarray (k,)
        Standard deviation of the noise, in the units of the values; float64, or longdouble for such values.
    verdict : ndarray (k,) of int8
        A `Verdict` for each function.
    """
    table = np.array(values, np.result_type(values.dtype, np.float64))
    finite = np.isfinite(table).all(axis=0)
    table[:, ~finite] = 0
    # squares neither overflow nor underflow; powers of 2 add no rounding of their own
    _, exponent = np.frexp(np.abs(table).max(axis=0))
    table = np.ldexp(table, -exponent)
    span, largest = np.ptp(table, axis=0), np.abs(table).max(axis=0)
    m = len(table) - 1
    levels = np.empty((m, table.shape[1]), table.dtype)
    changes_sign = np.empty(levels.shape, np.bool_)
    equal = np.zeros(table.shape[1], np.intp)
    gamma = 1.0
    for k in range(1, m + 1):
        table = np.diff(table, axis=0)
        if k == 1:
            equal = (table == 0).sum(axis=0)
        gamma *= k / (4 * k - 2)
        levels[k - 1] = np.sqrt(gamma * (table * table).mean(axis=0))
        changes_sign[k - 1] = (table < 0).any(axis=0) & (table > 0).any(axis=0)
    three = np.stack([levels[:-2], levels[1:-1], levels[2:]])
    counts = changes_sign[:-2] & (three.max(axis=0) <= _AGREE * three.min(axis=0))
    first, found = counts.argmax(axis=0), counts.any(axis=0)
    level = np.where(found, np.ldexp(levels[first, np.arange(len(first))], exponent), np.nan)
    verdict = np.full(len(first), Verdict.TOO_FAR, np.int8)
    verdict[found] = Verdict.FOUND
    verdict[found & (span > _WIDE * largest)] = Verdict.WIDE
    for members, code, known in (
        (~found & (levels[-3] == 0), Verdict.EXACT, 0),
        (2 * equal > m, Verdict.TOO_CLOSE, np.nan),
        (span == 0, Verdict.TOO_CLOSE, 0),
        (~finite, Verdict.NON_FINITE, np.nan),
    ):
        level[members], verdict[members] = known, code
    return level, verdict


def estimate_noise(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    points: int = 9,
    step: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    bounds: Any = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    argnum: int = 0,
    vectorized: bool = False,
    workers: int | Callable[..., Any] | None = None,
) -> float:
    """Noise of the values of a function near x: the standard deviation of what varies without regularity.

    Rounding errors, tolerances of iterations and adaptive algorithms, pseudo-random numbers: what limits the accuracy
    of differences.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array of x's shape that returns a scalar, shape () or (1,).
    x : array_like of real numbers
        The point, of any shape; bool, integer and float16 become float64. With ``vectorized=True`` ``(n,)``.
    direction : array_like, optional
        Along which line to move, of the shape of x; its length does not matter. Default: one that moves every variable
        by between half of its step and its step, the same at each call.
    points : int, default 9
        How many equally spaced points, 5 to 100.
    step : float or array_like, optional
        Absolute spacing to start from, in the units of x; a scalar or one per variable, the most that a variable moves
        from point to point. Default: eps**0.4 times the size of the variable, which is max(abs(x), scale), and 1 where
        that is 0; eps is that of the coarser of x and f(x).
    scale : float or array_like, optional
        Typical size of each variable.
    bounds : (lower, upper) or scipy.optimize.Bounds, optional
        f is never called outside: the points move to one side of x, or closer together.
    args, kwargs : tuple, dict, optional
        Other arguments of f.
    argnum : int, default 0
        Place of x among the arguments: f(*args[:argnum], x, *args[argnum:], **kwargs).
    vectorized : bool, default False
        f takes points as columns, (n, k), and returns (k,): one call per spacing.
    workers : int or map-like callable, optional
        Who calls f, as for `gradient`.

    Returns
    -------
    float
        Absolute, in the units of f(x). 0 where the values show none: f is constant, or exact at all points. NaN where
        no spacing shows it: f is not finite, varies too fast, or bounds leave no room.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called; for an f that does not
        return a real scalar after it ran.

    Notes
    -----
    From the differences of `points` values at spacing h: with ``gamma_k = (k!)**2 / (2k)!``, ``sigma_k**2 = gamma_k
    mean((Delta^k f)**2)`` estimates the noise for every k at which the smooth part of f, of size h**k, is gone. The
    first k counts for which the differences change sign and sigma_k, sigma_{k+1} and sigma_{k+2} are within a factor of
    4. Where half of the neighbours are equal, h becomes 100 times larger, where no k counts 100 times smaller.

    A level above the rounding of f(x) must show again at a 30th of the spacing, for kinks look like noise too, at a
    level in proportion to h. Where the values vary by more than a tenth it must show again at the smallest spacing that
    x allows, for oscillations that are faster than the points look like it as well; the published algorithm gives no
    answer there, and so at no root of f. Where x is at a kink, the smallest spacing and 100 times that decide. A jump
    of f among the points still counts as noise of its size.

    Values rounded to a lattice, such as a number of decimals, may all move by the same number of its steps and so be on
    a straight line, or on a parabola. Values that are must show the same slope, or curvature, at another spacing,
    (sqrt(5) - 1) / 2 times the first, before they are believed to have no noise but rounding. The level of a lattice of
    spacing q is that of uniform errors, about q / sqrt(12).

    `points` calls of f where the noise is rounding, twice as many for most others, including a linear f, at most 8
    times as many.

    References
    ----------
    J. J. Moré, S. M. Wild, *Estimating computational noise*, SIAM J. Sci. Comput. 33 (2011) 1292-1314, algorithm
    ECNoise; *Estimating derivatives of noisy simulations*, ACM Trans. Math. Softw. 38 (2012) 19, on steps from it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> rounded = lambda x: np.exp(x).round(7)  # errors up to 5e-8, of standard deviation 2.9e-8
    >>> 1e-8 < fc.estimate_noise(rounded, 1.0) < 1e-7
    True
    >>> fc.estimate_noise(np.exp, 1.0) < 1e-15
    True
    """
    points = check.integer("points", points, 5, 100, "it says from how many values the noise is estimated")
    options = {"step": step, "scale": scale, "bounds": bounds, "args": args, "kwargs": kwargs, "argnum": argnum}
    problem = open_problem(f, x, options | {"vectorized": vectorized, "workers": workers}, None)
    if problem.x.dtype.kind == "c":
        raise TypeError(f"`x` must be real; got dtype {problem.x.dtype}: give its real part")
    if problem.points.shape[1] != 1:
        raise ValueError(f"`x` must be one point, of shape (n,); got shape {problem.x.shape}: take one column")
    along = None if direction is None else _direction(direction, problem)
    if not np.isfinite(problem.points).all():
        return float("nan")
    return _search(_Line(problem, along, points))


def _direction(direction: ArrayLike, problem: Problem) -> NDArray[Any]:
    array = check.as_real("direction", direction)
    if array.shape != problem.x.shape:
        raise ValueError(
            f"`direction` must have the shape of x, {problem.x.shape}; got {array.shape}: give one entry per variable"
        )
    if not (np.isfinite(array).all() and array.any()):
        raise ValueError(f"`direction` must be finite and not 0; got {check.short(direction)}: give the way to go")
    unit: NDArray[Any] = array / np.abs(array).max()
    return unit.reshape(-1, 1)


class _Line:
    """Equally spaced points through x, at a spacing in multiples of the first one, and f there."""

    def __init__(self, problem: Problem, direction: NDArray[Any] | None, points: int) -> None:
        self.problem = problem
        self.direction = direction
        self.points = points
        self.size = np.abs(problem.points)
        if problem.frame.scale is not None:
            self.size = np.maximum(self.size, problem.frame.scale)
        self.size[self.size == 0] = 1
        self.plan = base_plan(len(self.size))
        self._choose_spacing(problem.function.epsilon)

    def _choose_spacing(self, epsilon: float) -> None:
        """The first spacing of each variable and its limits, for values with relative rounding errors of `epsilon`."""
        self.epsilon = self.problem.function.epsilon = epsilon
        step = self.problem.frame.step
        self.first = epsilon**_RELATIVE * self.size if step is None else np.broadcast_to(step, self.size.shape)
        self.most = np.maximum(self.first, _LARGEST * np.maximum(self.size, 1))
        resolved = _SMALLEST * np.finfo(self.size.dtype).eps * self.size
        self.smallest = min(1.0, float((resolved / self.first).max(initial=0)))
        self.largest = float((self.most / self.first).max(initial=1))

    def values(self, factor: float) -> NDArray[Any] | None:
        """Values at the points, None where bounds leave no room for them."""
        function = self.problem.function
        with np.errstate(all="ignore"):
            where = self._where(factor)
            if where is None:
                return None
            function.start()
            finer = function.evaluate(self.plan, 0, 1, where, np.zeros_like(where), self.points, 0, self.points, 0)
        if not finer:
            self._choose_spacing(function.coarse)
            return self.values(factor)
        if function.shape not in ((), (1,)):
            raise ValueError(
                f"`f` must return a scalar, shape () or (1,), to have one noise; got shape {function.shape}: take one "
                "of its outputs"
            )
        if function.dtype.kind == "c":
            raise TypeError(f"`f` must return a real number; got dtype {function.dtype}: take its real part")
        values: NDArray[Any] = function.values[0] if function.columns_last else function.values[:, 0]
        return values[: self.points]

    def _where(self, factor: float) -> NDArray[Any] | None:
        """The points (n, points)."""
        x, last = self.problem.points, self.points - 1
        step = np.minimum(self.first * factor, self.most)
        move = self._usual() * step if self.direction is None else self._along(self.direction, step)
        move = move.astype(x.dtype)
        start, bounds = -(last // 2), self.problem.frame.bounds
        if bounds is not None:
            every = np.arange(len(x), dtype=np.intp)
            backward, forward = (float(room[0]) for room in room_along(x, move, every, *bounds))
            shrink = (backward + forward) / (last + 1)  # so that both, rounded down, still make up `last`
            if shrink == 0:
                return None
            if shrink < 1:
                move, backward, forward = move * shrink, backward / shrink, forward / shrink
            start = int(min(max(start, -np.floor(backward)), np.floor(forward) - last))
        # all points on one lattice: the spacing is exact
        lattice = np.spacing(np.abs(x) + last * np.abs(move))
        move = np.rint(move / lattice) * lattice
        if not move.any():
            return None
        self.spacing = float((np.abs(move) / self.first).sum())
        self.inexact = float((lattice[move != 0] / np.abs(move[move != 0])).max())
        where = np.rint(x / lattice) * lattice + np.arange(start, start + self.points) * move
        if bounds is not None:
            where = np.clip(where, *bounds)
        return np.ascontiguousarray(where, x.dtype)

    def _usual(self) -> NDArray[Any]:
        """A direction of random signs and sizes from 1/2 to 1; away from bounds that are near."""
        n = len(self.size)
        if n == 1:
            return np.ones((1, 1))
        rng = np.random.default_rng(0)
        sign, size = rng.choice([-1.0, 1.0], (n, 1)), rng.uniform(0.5, 1, (n, 1))
        if self.problem.frame.bounds is not None:
            lower, upper = self.problem.frame.bounds
            below, above = self.problem.points - lower, upper - self.problem.points
            sign = np.where(above == below, sign, np.where(above > below, 1, -1))
            sign = np.where(lower == upper, 0, sign)
        return sign * size

    def _along(self, direction: NDArray[Any], step: NDArray[Any]) -> NDArray[Any]:
        """In a given direction as far as no variable exceeds its step."""
        moves = direction != 0
        move: NDArray[Any] = direction * (step[moves] / np.abs(direction[moves])).min()
        return move


def _pattern(line: _Line, values: NDArray[Any], rounding: float) -> tuple[int, float, float] | None:
    """(1, slope, its error) of values on a straight line, (2, curvature, its error) on a parabola, else None.

    Only where they vary by so much more than their rounding that a smooth f would hardly look like that by chance.
    """
    high = np.diff(values)
    for degree in (1, 2):
        low, high = high, np.diff(high)
        rise = float(np.abs(low).max())
        if np.abs(high).max() <= 2**degree * _STRAIGHT * rounding and rise >= _COARSE**degree * rounding:
            error = _COARSE * rounding + _AGAIN * rise * line.inexact
            return degree, float(low.mean()) / line.spacing**degree, error / line.spacing**degree
    return None


def _agree(one: tuple[int, float, float], other: tuple[int, float, float]) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) <= one[2] + other[2]


def _above(line: _Line, level: float) -> float:
    """A level of the smallest spacing, below what a kink or an oscillation shows at the first, if larger ones have it.

    Kinks have levels in proportion to the spacing, other powers of it grow more slowly: the limit is narrower than for
    two levels of noise.
    """
    values = line.values(_FACTOR * line.smallest)
    if values is None:
        return float("nan")
    other = float(noise_level(values[:, None])[0][0])
    same = max(level, other) <= _NARROW * min(level, other)
    return float(np.hypot(level, other) / np.sqrt(2)) if same else float("nan")


def _search(line: _Line) -> float:
    """Try spacings, in multiples of the first one, until one shows the noise."""
    factor, too_small, too_large = 1.0, 0.0, np.inf
    seen: list[float] = []  # levels that are still to be confirmed
    patterns: list[tuple[int, float, float]] = []  # those of a lattice differ from spacing to spacing
    silent = True
    for left in reversed(range(_TRIES)):
        values = line.values(factor)
        if values is None:
            return float("nan")
        levels, verdicts = noise_level(values[:, None])
        level, verdict = float(levels[0]), Verdict(int(verdicts[0]))
        silent &= level == 0
        rounding = line.epsilon * float(np.abs(values).max())
        if verdict == Verdict.EXACT and np.ptp(values) < _COARSE * rounding:
            verdict = Verdict.TOO_CLOSE  # a few spacings of floating-point numbers show a line by chance
        noisy = verdict in (Verdict.FOUND, Verdict.WIDE)
        if verdict == Verdict.EXACT or (noisy and level <= _ROUNDING * rounding):
            pattern = _pattern(line, values, rounding)
            if pattern is None or factor == line.smallest or any(_agree(pattern, other) for other in patterns):
                return level
            patterns.append(pattern)
            silent, factor = False, max(factor * _ASKEW, line.smallest)
            continue
        if noisy:
            if not seen and factor <= 10 * line.smallest:
                return level
            for other in seen:
                if max(level, other) <= _AGREE * min(level, other):
                    return float(np.hypot(level, other) / np.sqrt(2))
            if seen and left and factor == line.smallest:
                return _above(line, level)
            following = line.smallest if verdict == Verdict.WIDE or seen else factor / _AGAIN
            seen.append(level)
        elif verdict == Verdict.TOO_CLOSE and seen:  # values rounded to a coarse lattice are flat in between
            return seen[0] if len(seen) == 1 else float("nan")
        else:
            if verdict == Verdict.TOO_CLOSE:
                too_small, following = factor, factor * _FACTOR
            else:
                too_large, following = factor, factor / _FACTOR
            if too_small > 0 and too_large < np.inf:
                following = float(np.sqrt(too_small * too_large))
        following = min(max(following, line.smallest), line.largest)
        if 0.5 < following / factor < 2:
            break
        factor = following
    return 0.0 if silent else float("nan")
