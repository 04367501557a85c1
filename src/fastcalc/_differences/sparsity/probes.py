"""Which outputs of f notice a group of variables: three kinds of probes, of which none sees all that the others see.

* NaN in the place of the variables spreads to all that is computed from them, however small its effect. Branches hide
  it: comparisons with NaN are false, so that ``np.where(x > 0, 1, 0)``, ``np.fmax`` and ``np.nan_to_num`` return
  numbers. It takes ``0 * x`` for a dependence.
* Finite moves of the variables, at several points. They miss what is lost in rounding, saturated, or on another branch
  at all of the points.
* Exact first derivatives, where f runs on Taylor polynomials: of the branch at the point, without rounding.

A move counts where an output changes by more than it does when all variables move by a few units in the last place:
that has the rounding errors of f in it, its noise, and how results depend on the place in a block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.engine import Function
from fastcalc._differences.plans import base_plan
from fastcalc._differences.settings import Method
from fastcalc._differences.sparsity.spots import Spot
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._taylor.data import series_dtype
from fastcalc._taylor.space import TaylorSpace

KINDS = "nan", "perturbation", "exact"

_Array = NDArray[Any]
_Mask = NDArray[np.bool_]
_Groups = Sequence[NDArray[np.intp]]
Adapters = Callable[[Method, str], Any]

TREMBLES = 8  # how often all variables move by a few units in the last place
ABOVE = 8.0  # a change that counts, over the largest one of these
_BYTES = 2**23  # of points in a block
_BYTES_OF_SERIES = 2**18  # of coefficients of x in a run, of at least
_FEWEST = 4  # groups
_FAILURES = 64  # of f at points of one kind, after which there are no more of it


class Probe(Protocol):
    """One way to tell which outputs notice groups of variables."""

    error: BaseException | None  # the last one of f
    answered: bool  # whether it told anything

    def mark(self, groups: _Groups, noticed: _Mask) -> bool:
        """Set ``noticed[k]`` (m,) where outputs notice group k. False where f fails too often for that."""


class Probes:
    """All kinds of probes together; calling it tests groups.

    Parameters
    ----------
    make : callable
        Makes an adapter of f for a method and what to do on errors; for the method "exact" it may raise.
    spots : list of Spot
        Where to move variables.
    kinds : sequence of str, optional
        Some of `KINDS`, whose failures are raised; None: all of which f is capable.
    noise : float
        What values of f may be wrong by.
    on_error : str
        "nan" where points at which f fails are to tell nothing.
    """

    def __init__(
        self, make: Adapters, spots: Sequence[Spot], kinds: Sequence[str] | None, *, noise: float, on_error: str
    ) -> None:
        n = len(spots[0].x)
        self._required = kinds is not None
        kinds = KINDS if kinds is None else kinds
        strict = Values(make("central", "raise"), n)
        places = known_places(strict, spots, on_error)
        self.m = strict.m
        lenient = Values(make("central", "nan"), n, strict)
        self._probes: list[Probe] = []
        if "perturbation" in kinds:
            self._probes += [Moving(strict if on_error == "raise" else lenient, known, noise) for known in places]
        if "exact" in kinds:
            try:
                function = make("exact", "raise")
            except (TypeError, ValueError):
                if self._required:
                    raise
            else:
                self._probes.append(Differentiated(function, places[min(1, len(places) - 1)].spot.x, self._required))
        if "nan" in kinds:
            clearest = min(places, key=lambda known: int(np.isnan(known.value).sum()))
            self._probes.append(Spreading(strict if self._required and on_error == "raise" else lenient, clearest))
        self._all = self._probes
        self.seen = self.seen_by_nan_alone = 0
        self._at_once = max(_FEWEST, strict.width)

    def __call__(self, groups: _Groups) -> Iterator[_Mask]:
        """The outputs (m,) that notice each of the groups."""
        for first in range(0, len(groups), self._at_once):
            some = groups[first : first + self._at_once]
            noticed = np.zeros((len(some), self.m), np.bool_)
            self._probes = [probe for probe in self._probes if self._mark(probe, some, noticed)]
            yield from noticed

    def _mark(self, probe: Probe, groups: _Groups, noticed: _Mask) -> bool:
        """Let a probe mark, and count what it sees of single variables; NaN comes last, after all others."""
        single = np.array([len(group) == 1 for group in groups])
        before = int(noticed[single].sum())
        goes_on = probe.mark(groups, noticed)
        news = int(noticed[single].sum()) - before
        self.seen += news
        if isinstance(probe, Spreading):
            self.seen_by_nan_alone += news
        return goes_on

    def require_answers(self) -> None:
        """Require, once all is done, that at least one kind of probe told anything."""
        errors = [probe.error for probe in self._all if probe.error is not None and not probe.answered]
        if len(errors) == len(self._all) and self.m:
            raise ValueError(
                "`f` must have values where variables are moved; got errors at all of these points, with all `probes`: "
                "give another x, or `bounds` inside which f is defined"
            ) from errors[-1]


@dataclass(frozen=True)
class Known:
    """A spot where f is defined: its values there (m,), and by how much they change from rounding and noise."""

    spot: Spot
    value: _Array
    change: _Array


def known_places(values: Values, spots: Sequence[Spot], on_error: str) -> list[Known]:
    """The spots at which f is defined, with its values there."""
    found: list[Known] = []
    for spot in spots:
        try:
            found.append(values.around(spot))
        except Exception as error:
            if on_error == "raise":
                raise
            failure = error
    if not found:
        raise failure
    unknown = np.flatnonzero(np.all([np.isnan(known.value) for known in found], axis=0))
    if len(unknown):
        raise ValueError(
            f"`f` must have values other than NaN near x to tell what they depend on; got NaN at all points for "
            f"{len(unknown)} of its {values.m} outputs, first output {unknown[0]}: give another x, or `bounds` inside "
            "which f is defined"
        )
    return found


class Values:
    """f at points as columns, whatever kind of function it is; ``error`` is what it raised where that makes NaN."""

    def __init__(self, function: Function, n: int, like: Values | None = None) -> None:
        self.function = function
        self.plan = base_plan(n)
        self.shape: tuple[int, ...] | None = None if like is None else like.shape
        self.m: int = -1 if like is None else like.m
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
        if function.values is None:  # f failed at all of the points there were
            return np.full((self.m, k), np.nan)
        if self.shape is None:
            self.shape, self.m = function.shape, function.m
        elif function.shape != self.shape:
            raise ValueError(f"`f` must return the same shape at every point; got {self.shape}, then {function.shape}")
        values: _Array = function.values
        return values[:, :k] if function.columns_last else values[:k].T

    def around(self, spot: Spot) -> Known:
        """At a spot, and how much that changes as x trembles."""
        value = self(spot.x[:, None].copy())[:, 0].copy()
        change = np.zeros(len(value), np.abs(value).dtype)
        width = self.width
        for first in range(0, spot.trembling.shape[1], width):
            block = self(np.ascontiguousarray(spot.trembling[:, first : first + width]))
            with np.errstate(all="ignore"):
                change = np.fmax(change, np.fmax.reduce(np.abs(block - value[:, None]), axis=1))
        return Known(spot, value, np.where(np.isnan(change), 0, change))

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
        self.takes = np.ones(len(x), np.bool_)  # False for variables with which f fails
        self.failures = 0
        self.error: BaseException | None = None
        self.answered = False

    def shows(self, values: _Array) -> _Mask:
        """Where values (m, k) show a dependence."""
        raise NotImplementedError

    def mark(self, groups: _Groups, noticed: _Mask) -> bool:
        """See `Probe`."""
        width = self.values.width
        for first in range(0, len(groups), width):
            some = [group[self.takes[group]] for group in groups[first : first + width]]
            values = self.values.moved(self.x, self.target, some)
            shown: _Mask = self.shows(values).T
            if self.values.error is None:
                noticed[first : first + width] |= shown
                self.answered = True
                continue
            failed: _Mask = np.all(np.isnan(values), axis=0)
            self.answered |= not failed.all()
            for k, group in enumerate(some):
                noticed[first + k] |= self._alone(group) if failed[k] else shown[k]
            if self.failures > _FAILURES:
                return False
        return True

    def _alone(self, group: NDArray[np.intp]) -> _Mask:
        """One group, in ever smaller parts where f fails."""
        nothing: _Mask = np.zeros(self.values.m, np.bool_)
        if self.failures > _FAILURES:
            return nothing
        values = self.values.moved(self.x, self.target, [group])
        if self.values.error is None:
            self.answered = True
            return self.shows(values)[:, 0]
        self.failures, self.error = self.failures + 1, self.values.error
        half = len(group) // 2
        if half == 0:
            self.takes[group] = False
            return nothing
        return self._alone(group[:half]) | self._alone(group[half:])


class Spreading(Displaced):
    """NaN in the place of variables."""

    def __init__(self, values: Values, known: Known) -> None:
        x = known.spot.x
        super().__init__(values, x, np.full_like(x, np.nan if x.dtype.kind != "c" else complex(np.nan, np.nan)))
        self.number = ~np.isnan(known.value)[:, None]

    def shows(self, values: _Array) -> _Mask:
        """NaN where there is a number at x."""
        shown: _Mask = np.isnan(values) & self.number
        return shown


class Moving(Displaced):
    """Finite moves of variables."""

    def __init__(self, values: Values, known: Known, noise: float) -> None:
        super().__init__(values, known.spot.x, known.spot.moved)
        self.base = known.value[:, None]
        self.tolerance = np.maximum(ABOVE * known.change, 2 * noise)[:, None]

    def shows(self, values: _Array) -> _Mask:
        """A change above all that rounding and noise do."""
        with np.errstate(all="ignore"):
            same: _Mask = (np.abs(values - self.base) <= self.tolerance) | (values == self.base)
        return ~(same | (np.isnan(values) & np.isnan(self.base)))


class Differentiated:
    """Derivatives along the groups, by Taylor arithmetic."""

    def __init__(self, function: PolynomialFunction, x: _Array, required: bool) -> None:
        self.error: BaseException | None = None
        self.answered = False
        self.function, self.required = function, required
        function.remedy = "probes=('nan', 'perturbation')"
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
            except Exception as error:
                if self.required:
                    raise
                self.error = error
                return False
            self.answered = True
            noticed[first : first + len(some)] |= (series[1:] != 0) & ~np.isnan(series[1:])
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
