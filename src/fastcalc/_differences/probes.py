"""Which outputs of f notice a group of variables: three kinds of probes, of which none sees all that the others see.

* NaN in the place of the variables spreads to all that is computed from them, however small its effect. Branches hide
  it: comparisons with NaN are false, so that ``np.where(x > 0, ...)``, ``np.fmax`` and ``np.nan_to_num`` return numbers.
  It takes ``0 * x`` for a dependence.
* Finite moves of the variables, at several points. They miss what is lost in rounding, saturated, or on another branch
  at all of the points.
* Exact first derivatives, where f runs on Taylor polynomials: of the branch at the point, without rounding.

A move counts where an output changes by more than it does when all variables move by a few units in the last place:
that has the rounding errors of f in it, its noise, and how results depend on the place in a block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.engine import Function
from fastcalc._differences.plans import base_plan
from fastcalc._differences.problem import Problem, make_function
from fastcalc._differences.recipes import Frame
from fastcalc._differences.steps import TINY
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._taylor.data import series_dtype
from fastcalc._taylor.space import TaylorSpace

KINDS = "nan", "perturbation", "exact"

_Array = NDArray[Any]
_Mask = NDArray[np.bool_]
_Groups = Sequence[NDArray[np.intp]]

_MOVE = 0.125  # largest move of a variable over its size
_FAR = 0.5  # how far away the last point is, over the size of a variable; the others half as far, a quarter, ...
_TREMBLES = 8  # how often all variables move by
_ULPS = 4  # up to so many units in the last place
_ABOVE = 16.0  # a change that counts, over the largest one of these
_BYTES = 2**23  # of points in a block
_BYTES_OF_SERIES = 2**18  # of coefficients of x in a run, of at least
_FEWEST = 4  # groups
_FAILURES = 32  # of f at points of one kind, after which there are no more of it


class Probe(Protocol):
    """One way to tell which outputs notice groups of variables."""

    def mark(self, groups: _Groups, noticed: _Mask) -> bool:
        """Set ``noticed[k]`` (m,) where outputs notice group k. False where f fails too often for that."""


class Probes:
    """All kinds of probes together; calling it tests groups.

    Parameters
    ----------
    f, problem : callable, Problem
        The function and where; its adapter is not used.
    others : tuple
        Arguments of f before and after x, and those by name.
    kinds : sequence of str, optional
        Some of `KINDS`, whose failures are raised; None: all of which f is capable.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        problem: Problem,
        others: tuple[tuple[Any, ...], tuple[Any, ...], dict[str, Any] | None],
        *,
        kinds: Sequence[str] | None,
        points: int,
        noise: float,
    ) -> None:
        settings = replace(problem.settings, method="central")
        self._n = len(problem.points)

        def adapter(**changes: Any) -> Any:
            made = make_function(
                f, replace(settings, **changes), problem.x, self._n, scalar=False, one_variable=problem.one_variable
            )
            made.bind(*others)
            return made

        self._required = kinds is not None
        kinds = KINDS if kinds is None else kinds
        values = Values(adapter(), self._n)
        places = list(surroundings(problem.points, problem.frame, points))
        trembling = "perturbation" in kinds
        bases = [values.around(place, _TREMBLES if trembling else 0) for place in places]
        self.m, self.shape = values.m, values.shape
        self._require_numbers(bases)
        self._probes: list[Probe] = []
        if "nan" in kinds:
            clear = int(np.argmin([np.isnan(base.value).sum() for base in bases]))
            fixed = self._required and settings.on_error == "raise"
            lenient = values if fixed else Values(adapter(on_error="nan"), self._n)
            self._probes.append(Spreading(lenient, places[clear], bases[clear]))
        if "perturbation" in kinds:
            for place, base in zip(places, bases, strict=True):
                self._probes.append(Moving(values, place, base, noise))
        if "exact" in kinds:
            try:
                function = adapter(method="exact")
            except (TypeError, ValueError):
                if self._required:
                    raise
            else:
                self._probes.append(Differentiated(function, places[min(1, points - 1)].x, required=self._required))
        self._at_once = max(_FEWEST, values.width)

    def _require_numbers(self, bases: list[Base]) -> None:
        unknown = np.flatnonzero(np.all([np.isnan(base.value) for base in bases], axis=0))
        if len(unknown):
            raise ValueError(
                f"`f` must have values other than NaN near x to depend on anything; got NaN at all of {len(bases)} "
                f"points for {len(unknown)} of its {self.m} outputs, first output {unknown[0]}: give another x, or "
                "`bounds` inside which f is defined"
            )

    def __call__(self, groups: _Groups) -> Iterator[_Mask]:
        """The outputs (m,) that notice each of the groups."""
        for first in range(0, len(groups), self._at_once):
            some = groups[first : first + self._at_once]
            noticed = np.zeros((len(some), self.m), np.bool_)
            self._probes = [probe for probe in self._probes if probe.mark(some, noticed)]
            yield from noticed


@dataclass(frozen=True)
class Place:
    """A point x (n,), and where each of its variables moves to."""

    x: _Array
    moved: _Array
    trembling: Callable[[int], _Array]  # so many points (n, k) within a few units in the last place


@dataclass(frozen=True)
class Base:
    """Values of f (m,) at a place, and how much they change from nothing but rounding and noise."""

    value: _Array
    change: _Array


def surroundings(x: _Array, frame: Frame, count: int) -> Iterator[Place]:
    """The point x (n, 1) and points at random around it, inside the bounds; the same at each call."""
    rng = np.random.default_rng(0)
    real = x.real.dtype
    x = x[:, 0]
    limits = np.finfo(real)
    lower, upper = (np.full(len(x), limit, real) for limit in (limits.min, limits.max))
    if frame.bounds is not None:
        lower, upper = (np.clip(np.broadcast_to(side[:, 0], x.shape), lower, upper) for side in frame.bounds)
    scale = np.zeros_like(lower) if frame.scale is None else np.broadcast_to(frame.scale[:, 0], x.shape)

    def random(low: float, high: float) -> _Array:
        """A number of either sign, or a complex one, for each variable."""
        number = rng.uniform(low, high, len(x)) * rng.choice([-1.0, 1.0], len(x))
        if x.dtype.kind == "c":
            number = number + 1j * rng.uniform(low, high, len(x)) * rng.choice([-1.0, 1.0], len(x))
        return number.astype(x.dtype)

    def inside(point: _Array) -> _Array:
        return point if x.dtype.kind == "c" else np.clip(point, lower, upper)

    with np.errstate(over="ignore"):
        for number in range(count):
            size = np.maximum(np.abs(x), scale)
            tiny = (size == 0) if number == 0 else (size < np.where(scale > 0, 0, TINY)) | (size == 0)
            size = np.where(tiny, 1, size)
            away = _FAR * 2.0 ** (number + 1 - count) if number else 0.0
            at = inside(x + away * size * random(0, 1))
            step = _MOVE * size * random(0.5, 1)
            if x.dtype.kind != "c":
                above, below = upper / 2 - at / 2, at / 2 - lower / 2  # halves don't overflow
                back = np.where(step > 0, (above < step / 2) & (below > above), (below < -step / 2) & (above > below))
                step = np.where(back, -step, step)

            def trembling(k: int, at: _Array = at, size: _Array = size) -> _Array:
                ulps = rng.integers(1, _ULPS + 1, (len(x), k)) * rng.choice([-1, 1], (len(x), k))
                points = at[:, None] + (ulps * (limits.eps * size)[:, None]).astype(x.dtype)
                return points if x.dtype.kind == "c" else np.clip(points, lower[:, None], upper[:, None])

            yield Place(at, inside(at + step), trembling)


class Values:
    """f at points as columns, whatever kind of function it is; ``error`` is what it raised where that makes NaN."""

    def __init__(self, function: Function, n: int) -> None:
        self.function = function
        self.plan = base_plan(n)
        self.shape: tuple[int, ...] | None = None
        self.m = -1
        self._n = n
        self._still = np.zeros((n, 0))

    @property
    def width(self) -> int:
        """Points in a block."""
        itemsize = 8 * max(1, self._n, self.m)
        return max(1, min(self.function.columns(), _BYTES // itemsize))

    @property
    def error(self) -> BaseException | None:
        """Of the last block."""
        return self.function.error

    def __call__(self, points: _Array) -> _Array:
        """Values (m, k) at points (n, k), good until the next call."""
        function, k = self.function, points.shape[1]
        if self._still.shape[1] != k or self._still.dtype != points.real.dtype:
            self._still = np.zeros((self._n, k), points.real.dtype)
        with np.errstate(all="ignore"):
            function.start()
            while not function.evaluate(self.plan, 0, 1, points, self._still, k, 0, k, 0):
                function.epsilon = function.coarse
                function.start()
        if function.shape is None:  # f failed at all of the points there were
            assert function.error is not None
            raise function.error
        if self.shape is None:
            self.shape, self.m = function.shape, function.m
        elif function.shape != self.shape:
            raise ValueError(
                f"`f` must return the same shape at every point; got {self.shape}, then {function.shape}"
            )
        values: _Array = function.values
        return values[:, :k] if function.columns_last else values[:k].T

    def around(self, place: Place, trembles: int) -> Base:
        """At a place, and how much that changes as it trembles."""
        points = np.concatenate([place.x[:, None], place.trembling(trembles)], axis=1)
        value: _Array | None = None
        change: Any = 0.0
        width = max(1, self.width if self.m >= 0 else 1)
        for first in range(0, points.shape[1], width):
            block = self(np.ascontiguousarray(points[:, first : first + width]))
            value = block[:, 0].copy() if value is None else value
            with np.errstate(all="ignore"):
                change = np.fmax(change, np.abs(block - value[:, None]).max(axis=1))
        assert value is not None
        return Base(value, np.nan_to_num(change, nan=0.0))

    def moved(self, x: _Array, target: _Array, groups: _Groups) -> _Array:
        """With each of the groups at `target`."""
        points = np.empty((self._n, len(groups)), x.dtype)
        points[...] = x[:, None]
        for k, group in enumerate(groups):
            points[group, k] = target[group]
        return self(points)


class Displaced:
    """What probes that call f at displaced points share: blocks of points, and failures of f."""

    def __init__(self, values: Values, x: _Array, target: _Array) -> None:
        self.values, self.x, self.target = values, x, target
        self.failures = 0

    def shows(self, values: _Array) -> _Mask:
        """Where values (m, k) show a dependence."""
        raise NotImplementedError

    def mark(self, groups: _Groups, noticed: _Mask) -> bool:
        """See `Probe`."""
        width = self.values.width
        for first in range(0, len(groups), width):
            some = groups[first : first + width]
            values = self.values.moved(self.x, self.target, some)
            shown = self.shows(values).T
            if self.values.error is None:
                noticed[first : first + width] |= shown
                continue
            failed = np.isnan(values).all(axis=0)
            for k, group in enumerate(some):
                noticed[first + k] |= self._alone(group) if failed[k] else shown[k]
            if self.failures > _FAILURES:
                return False
        return True

    def _alone(self, group: NDArray[np.intp]) -> _Mask:
        """One group, in ever smaller parts where f fails."""
        nothing = np.zeros(self.values.m, np.bool_)
        if self.failures > _FAILURES:
            return nothing
        values = self.values.moved(self.x, self.target, [group])
        if self.values.error is None:
            return self.shows(values)[:, 0]
        self.failures += 1
        half = len(group) // 2
        return self._alone(group[:half]) | self._alone(group[half:]) if half else nothing


class Spreading(Displaced):
    """NaN in the place of variables."""

    def __init__(self, values: Values, place: Place, base: Base) -> None:
        nothing = np.nan if place.x.dtype.kind != "c" else complex(np.nan, np.nan)
        super().__init__(values, place.x, np.full_like(place.x, nothing))
        self.number = ~np.isnan(base.value)[:, None]

    def shows(self, values: _Array) -> _Mask:
        """NaN where there is a number at x."""
        shown: _Mask = np.isnan(values) & self.number
        return shown


class Moving(Displaced):
    """Finite moves of variables."""

    def __init__(self, values: Values, place: Place, base: Base, noise: float) -> None:
        super().__init__(values, place.x, place.moved)
        self.base = base.value[:, None]
        self.tolerance = np.maximum(_ABOVE * base.change, 2 * noise)[:, None]

    def shows(self, values: _Array) -> _Mask:
        """A change above all that rounding and noise do."""
        with np.errstate(all="ignore"):
            same = (np.abs(values - self.base) <= self.tolerance) | (values == self.base)
        return ~(same | (np.isnan(values) & np.isnan(self.base)))


class Differentiated:
    """Derivatives along the groups, by Taylor arithmetic."""

    def __init__(self, function: PolynomialFunction, x: _Array, *, required: bool) -> None:
        self.function, self.required = function, required
        self.x = x.astype(series_dtype(x.dtype))
        rng = np.random.default_rng(0)
        self.seed = rng.uniform(1, 2, len(x)) * rng.choice([-1.0, 1.0], len(x))
        self.at_once = max(_FEWEST, _BYTES_OF_SERIES // (self.x.itemsize * max(1, len(x))) - 1)

    def mark(self, groups: _Groups, noticed: _Mask) -> bool:
        """See `Probe`."""
        for first in range(0, len(groups), self.at_once):
            some = groups[first : first + self.at_once]
            try:
                series = self._series(some).reshape(1 + len(some), noticed.shape[1])
            except Exception:
                if self.required:
                    raise
                return False
            noticed[first : first + len(some)] |= (series[1:] != 0) & ~np.isnan(series[1:]) & ~np.isnan(series[0])
        return True

    def _series(self, groups: _Groups) -> _Array:
        """Coefficients of f, 1 + one for each group."""
        coef = np.zeros((1 + len(groups), len(self.x)), self.x.dtype)
        coef[0] = self.x
        for k, group in enumerate(groups, 1):
            coef[k, group] = self.seed[group]
        space = TaylorSpace(len(groups), 1)
        self.function.start()
        with np.errstate(all="ignore"):
            series = self.function(space, coef.reshape(len(coef), *self.function.point_shape(1)), 1)
        assert series is not None
        return series
