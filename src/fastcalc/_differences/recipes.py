"""Where to sample, one recipe per kind of operator: axes and their steps, and the plans over them.

A new operator is a new recipe. Its parts: `place` chooses a step, a kind and a side for each axis at x; `plans` gives
the sample plans for these; `slots` turns the steps of axes into
displacements.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences import plans as build
from fastcalc._differences.engine import Plans
from fastcalc._differences.lanes import take
from fastcalc._differences.plans import BACKWARD, FIXED
from fastcalc._differences.steps import (
    Distances,
    Rule,
    fit_bounds,
    given_steps,
    is_tiny,
    line_distances,
    measured_steps,
    require_moved,
)
from fastcalc._kernels.plan import Plan
from fastcalc._kernels.steps import choose_steps

_Array = NDArray[Any]
_CACHED_UP_TO = 2048  # variables: larger recipes live with their operator alone
_STORED_HESSIAN = 64  # variables: plans of larger Hessians are made block by block
EPSILON = float(np.finfo(np.float64).eps)


class Frame(NamedTuple):
    """The options that depend on x, as (n, 1) or (n, lanes) arrays of x's precision; None where they are not given."""

    step: _Array | None = None
    scale: _Array | None = None
    bounds: tuple[_Array, _Array] | None = None  # lower, upper

    def at(self, lanes: NDArray[np.intp]) -> Frame:
        """The same for some of the points."""
        return self._map(lambda option: take(option, lanes))

    def rows(self, chosen: NDArray[np.intp]) -> Frame:
        """The same for some of the variables."""
        return self._map(lambda option: np.ascontiguousarray(option[chosen]))

    def _map(self, change: Callable[[_Array], _Array]) -> Frame:
        step, scale = (None if option is None else change(option) for option in self[:2])
        return Frame(step, scale, None if self.bounds is None else (change(self.bounds[0]), change(self.bounds[1])))


NO_FRAME = Frame()


class Sides(NamedTuple):
    """How each axis is sampled: its kind, and the side to which a one-sided line goes that it is part of."""

    kinds: NDArray[np.uint8]
    signs: NDArray[np.int8]

    @classmethod
    def alike(cls, kind: int, axes: int) -> Sides:
        """All of one kind."""
        return cls(np.full(axes, kind, np.uint8), np.full(axes, -1 if kind == BACKWARD else 1, np.int8))

    @classmethod
    def of(cls, pattern: NDArray[Any]) -> Sides:
        """From a column of `Turned.patterns`."""
        kinds, signs = np.split(pattern, 2)
        return cls(kinds.astype(np.uint8), signs.astype(np.int8))


class Turned(NamedTuple):
    """What bounds make of the axes (n_axes, lanes): kinds and sides, and where a stencil was turned or shrunk."""

    kinds: NDArray[np.uint8]
    signs: NDArray[np.int8]
    bent: NDArray[np.bool_]

    def patterns(self) -> NDArray[np.int8]:
        """One column per lane: kinds, then signs."""
        return np.concatenate([self.kinds.astype(np.int8), self.signs])


@dataclass(slots=True)
class Sample:
    """Steps (n_axes, lanes) and how each axis is sampled; `turned` None: all as the rule says."""

    h: _Array
    turned: Turned | None = None
    has_tiny: bool = False  # whether the size of a variable was too small to be relied on


class Recipe:
    """Recipe over the coordinates: an axis per variable."""

    def __init__(self, rule: Rule, n: int) -> None:
        self.rule = rule
        self.n = n
        self.axes = build.coordinate_axes(n)
        self.reach = rule.reach
        self.relative, self.tiny_below = rule.relative(EPSILON), rule.tiny_below(EPSILON)  # for float64
        self._plans: Plans | None = None

    @functools.cached_property
    def one_block(self) -> Plan | None:
        """The plan for axes that are all alike, if it is a single one."""
        plans = tuple(itertools.islice(self.plans()(), 2)) if 0 < self.n <= _CACHED_UP_TO else ()
        return plans[0] if len(plans) == 1 else None

    @functools.cached_property
    def measured(self) -> Distances | None:
        """Arguments of the kernel `true_steps` where steps must be measured, None where h is what the floats have."""
        exact = self.rule.n != 1 or self.reach < 2
        return None if exact else line_distances(self.rule, self.rule.kind)

    @property
    def n_targets(self) -> int:
        """Number of results per component of f."""
        raise NotImplementedError

    def place(self, x: _Array, frame: Frame, epsilon: float) -> Sample:
        """Steps at x (n, lanes) for a function whose values have relative rounding errors of `epsilon`."""
        if frame.step is not None:
            return self._inside(x, given_steps(self.rule, x, frame.step), frame)
        h = np.empty(x.shape, x.real.dtype)
        floor = self.rule.floor(h.dtype)
        has_tiny = choose_steps(
            x, self.rule.relative(epsilon), self.reach, frame.scale, self.rule.tiny_below(epsilon), h
        )
        sample = self._inside(x, np.maximum(h, floor) if floor else h, frame)
        sample.has_tiny = has_tiny
        return sample

    def _inside(self, x: _Array, h: _Array, frame: Frame) -> Sample:
        if frame.bounds is None:
            return Sample(h)
        fitted, kinds, signs = fit_bounds(self.rule, x, h, *frame.bounds)
        return Sample(fitted, Turned(kinds, signs, (fitted != h) | (kinds != self.rule.kind)))

    def tiny(self, x: _Array, frame: Frame, epsilon: float) -> NDArray[np.bool_] | None:
        """Axes (n_axes, lanes) along which abs(x) is too small to tell the size of x, None if there are none."""
        if frame.step is not None or frame.scale is not None or self.rule.kind == build.COMPLEX:
            return None
        small = is_tiny(np.abs(x), self.rule.tiny_below(epsilon))
        return small if small.any() else None

    def involves(self, axes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which targets (n_targets, lanes) use any of these axes (n_axes, lanes)."""
        return axes

    def slots(self, h: _Array) -> _Array:
        """Displacements (n_slots, lanes) from the steps of the axes."""
        return h

    def divisors(self, x: _Array, sample: Sample) -> _Array:
        """What to divide by, per slot."""
        if self.rule.n != 1 or self.reach == 0 or (self.measured is None and sample.turned is None):
            return self.slots(sample.h)
        return measured_steps(self.rule, x, sample.h, None if sample.turned is None else sample.turned.kinds)

    def target_steps(self, h: _Array) -> _Array:
        """The step (n_targets, lanes) to report for each result."""
        return h

    def plans(self, sides: Sides | None = None, targets: NDArray[np.intp] | None = None) -> Plans:
        """Plans for axes with these sides, None: all alike, as the rule says; for some targets, numbered from 0 in
        their order, None: for all. What is usual, all targets and axes alike, is kept.
        """
        if sides is None and targets is None and self._plans is not None:
            return self._plans
        usual = Sides.alike(self.rule.kind, self.axes.size)
        if targets is not None or not (sides is None or all(map(np.array_equal, sides, usual))):
            return self._build(usual if sides is None else sides, targets)
        self._plans = self._build(usual, None)
        return self._plans

    def _build(self, sides: Sides, targets: NDArray[np.intp] | None) -> Plans:
        raise NotImplementedError

    def at(self, lanes: NDArray[np.intp]) -> Recipe:
        """The recipe for some of the points."""
        return self

    def mirror(self, targets: NDArray[np.intp]) -> NDArray[np.intp]:
        """The targets that have the same values by symmetry."""
        return targets


class Lines(Recipe):
    """n-th derivatives along each axis: gradients, Jacobians, derivatives in one variable."""

    def __init__(self, rule: Rule, n: int, *, chosen: NDArray[np.intp] | None = None, base: bool = False) -> None:
        super().__init__(rule, n)
        self.base = base
        self.chosen = chosen
        if chosen is not None:
            self.axes = build.some_axes(n, chosen)

    @property
    def n_targets(self) -> int:
        """One per axis."""
        return self.axes.size

    def place(self, x: _Array, frame: Frame, epsilon: float) -> Sample:
        """Steps for the chosen components."""
        if self.chosen is not None:
            x, frame = self._chosen(x), frame.rows(self.chosen)
        return super().place(x, frame, epsilon)

    def tiny(self, x: _Array, frame: Frame, epsilon: float) -> NDArray[np.bool_] | None:
        """The chosen components with tiny values."""
        return super().tiny(self._chosen(x), frame, epsilon)

    def divisors(self, x: _Array, sample: Sample) -> _Array:
        """The distances that the floats have."""
        return super().divisors(self._chosen(x), sample)

    def _chosen(self, rows: Any) -> Any:
        return rows if self.chosen is None or rows is None else np.ascontiguousarray(rows[self.chosen])

    def _build(self, sides: Sides, targets: NDArray[np.intp] | None) -> Plans:
        rule = self.rule
        plans = (build.lines_plan(self.axes, sides.kinds, rule.n, rule.accuracy, chosen=targets, base=self.base),)
        return lambda: plans


class Hessian(Recipe):
    """All second derivatives by polarisation."""

    @property
    def n_targets(self) -> int:
        """n**2, row by row."""
        return self.n * self.n

    def involves(self, axes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Entry (i, j) uses the axes i and j."""
        return (axes[:, None] | axes[None, :]).reshape(self.n * self.n, axes.shape[1])

    def target_steps(self, h: _Array) -> _Array:
        """Geometric mean of both steps."""
        roots = np.sqrt(h)
        steps = roots[:, None] * roots[None, :]
        diagonal = np.arange(self.n)
        steps[diagonal, diagonal] = h
        return steps.reshape(self.n * self.n, h.shape[1])

    def mirror(self, targets: NDArray[np.intp]) -> NDArray[np.intp]:
        """Entry (j, i)."""
        return (targets % self.n) * self.n + targets // self.n

    def _build(self, sides: Sides, targets: NDArray[np.intp] | None) -> Plans:
        make = functools.partial(build.pairs_plan, self.axes, *sides, self.rule.accuracy)
        if targets is not None:
            each = np.arange(len(targets), dtype=np.intp)
            pairs = build.Pairs(targets // self.n, targets % self.n, each, each)
            used = np.unique(np.concatenate([pairs.first, pairs.second]))
            plans = (make(pairs=pairs, n_targets=len(targets), retained=used),)
            return lambda: plans
        every = np.arange(self.n, dtype=np.intp)

        def blocks() -> Iterable[Plan]:
            for pairs in build.hessian_pairs(self.n):
                yield make(pairs=pairs, n_targets=self.n_targets, retained=every)

        if self.n > _STORED_HESSIAN:
            return blocks
        stored = tuple(blocks())
        return lambda: stored


@functools.lru_cache(maxsize=64)
def _kept_lines(kind: int, order: int, accuracy: int, n: int, base: bool) -> Lines:
    return Lines(Rule(kind, order, accuracy, order, across=False), n, base=base)


@functools.lru_cache(maxsize=64)
def _kept_hessian(kind: int, accuracy: int, n: int) -> Hessian:
    return Hessian(Rule(kind, 2, accuracy, 2, across=True), n)


def lines(kind: int, order: int, accuracy: int, n: int, base: bool = False) -> Lines:
    """Recipe for derivatives of this order along n coordinates, shared between operators where it is small."""
    make = _kept_lines if n <= _CACHED_UP_TO else _kept_lines.__wrapped__
    return make(kind, order, accuracy, n, base)


def hessian(kind: int, accuracy: int, n: int) -> Hessian:
    """Recipe for a Hessian, shared between operators where it is small."""
    make = _kept_hessian if n <= _STORED_HESSIAN else _kept_hessian.__wrapped__
    return make(kind, accuracy, n)


class Partial(Recipe):
    """One mixed partial derivative: a product of stencils."""

    def __init__(self, rule: Rule, alpha: tuple[int, ...]) -> None:
        super().__init__(rule, len(alpha))
        self.alpha = alpha

    @property
    def n_targets(self) -> int:
        """One."""
        return 1

    def involves(self, axes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Any axis with a power."""
        return np.asarray(axes[np.flatnonzero(self.alpha)].any(axis=0, keepdims=True))

    def target_steps(self, h: _Array) -> _Array:
        """Geometric mean of the steps, so that its power |alpha| is the divisor."""
        powers = np.array(self.alpha, h.dtype)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            mean: _Array = np.exp((powers * np.log(h)).sum(axis=0, keepdims=True) / powers.sum())
        return mean.astype(h.dtype)

    def _build(self, sides: Sides, targets: NDArray[np.intp] | None) -> Plans:
        plans = (build.product_plan(self.axes, sides.kinds, self.alpha, self.rule.accuracy),)
        return lambda: plans


class Direction(Lines):
    """Derivatives along directions v, the first ones being products J v. The step t is in multiples of v.

    Along v the displacement of component i is t v_i, where t = relative / max(abs(v_i) / size_i): no component moves
    farther than in a partial derivative.
    """

    def __init__(self, rule: Rule, v: _Array, groups: list[NDArray[np.intp]]) -> None:
        super().__init__(rule, len(v))
        self.v = v
        self.groups = groups
        self.axes = build.direction_axes(len(v), groups)

    def at(self, lanes: NDArray[np.intp]) -> Recipe:
        """With v at these points."""
        return Direction(self.rule, take(self.v, lanes), self.groups)

    def place(self, x: _Array, frame: Frame, epsilon: float) -> Sample:
        """One step per direction."""
        t = np.stack([direction_step(self.rule, x, self.v, group, frame, epsilon) for group in self.groups])
        if frame.step is not None:
            for group, own in zip(self.groups, t, strict=True):
                require_moved(x[group], x[group] + own * self.v[group], self.v[group] != 0, own * self.v[group])
        has_tiny = bool(is_tiny(np.abs(x), self.rule.tiny_below(epsilon)).any())
        if frame.bounds is None:
            return Sample(t, has_tiny=has_tiny)
        rooms = [room_along(x, self.v, group, *frame.bounds) for group in self.groups]
        below, above = (np.stack(side) for side in zip(*rooms, strict=True))
        at_origin = Frame(bounds=(-below, above))
        sample = self._inside(np.zeros_like(t), t, at_origin)
        sample.has_tiny = has_tiny
        return sample

    def tiny(self, x: _Array, frame: Frame, epsilon: float) -> NDArray[np.bool_] | None:
        """Directions that move a tiny component."""
        small = super().tiny(x, frame, epsilon)
        if small is None:
            return None
        small &= self.v != 0
        return np.stack([small[group].any(axis=0) for group in self.groups]) if small.any() else None

    def slots(self, h: _Array) -> _Array:
        """T v_i for the components of each direction, and t itself."""
        parts = []
        for group, t in zip(self.groups, h, strict=True):
            parts += [t * self.v[group], t[None]]
        return np.ascontiguousarray(np.concatenate(parts), h.dtype)

    def divisors(self, x: _Array, sample: Sample) -> _Array:
        """The steps themselves: points along a direction are rounded in every component."""
        return self.slots(sample.h)


class HessianDirection(Recipe):
    """The products H v: a mixed second derivative along each coordinate and v."""

    def __init__(self, rule: Rule, v: _Array, moved: NDArray[np.intp]) -> None:
        super().__init__(rule, len(v))
        self.v = v
        self.moved = moved
        self.axes = build.direction_axes(len(v), [self.moved], coordinates=True)

    @property
    def n_targets(self) -> int:
        """One per coordinate."""
        return self.n

    def at(self, lanes: NDArray[np.intp]) -> Recipe:
        """With v at these points."""
        return HessianDirection(self.rule, take(self.v, lanes), self.moved)

    def place(self, x: _Array, frame: Frame, epsilon: float) -> Sample:
        """Steps of the coordinates, then of the direction; both together use the room that bounds leave."""
        half = frame
        if frame.bounds is not None:
            lower, upper = frame.bounds
            half = frame._replace(bounds=(x - sure_room(x, lower) / 2, x + sure_room(x, upper) / 2))
        coordinates = Recipe.place(self, x, half, epsilon)
        along = Direction(self.rule, self.v, [self.moved]).place(x, half, epsilon)
        h = np.concatenate([coordinates.h, along.h])
        if coordinates.turned is None or along.turned is None:
            return Sample(h, None, coordinates.has_tiny)
        turned = Turned(*map(np.concatenate, zip(coordinates.turned, along.turned, strict=True)))  # type: ignore[arg-type]
        turned.kinds[: self.n][np.broadcast_to(lower == upper, x.shape)] = FIXED
        return Sample(h, turned, coordinates.has_tiny)

    def tiny(self, x: _Array, frame: Frame, epsilon: float) -> NDArray[np.bool_] | None:
        """Coordinates, and the direction if it moves any of them."""
        small = super().tiny(x, frame, epsilon)
        return None if small is None else np.concatenate([small, (small & (self.v != 0)).any(axis=0, keepdims=True)])

    def involves(self, axes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Its coordinate, and the direction."""
        return axes[:-1] | axes[-1:]

    def target_steps(self, h: _Array) -> _Array:
        """Steps of the coordinates."""
        return h[:-1]

    def slots(self, h: _Array) -> _Array:
        """Steps of the coordinates, displacements t v_i, and t."""
        return np.ascontiguousarray(np.concatenate([h[:-1], h[-1:] * self.v[self.moved], h[-1:]]), h.dtype)

    def _build(self, sides: Sides, targets: NDArray[np.intp] | None) -> Plans:
        first = np.arange(self.n, dtype=np.intp) if targets is None else targets
        each = np.arange(len(first), dtype=np.intp)
        pairs = build.Pairs(first, np.full(len(first), self.n, np.intp), each, each)
        plans = (
            build.pairs_plan(
                self.axes, *sides, self.rule.accuracy, pairs, len(first), np.append(first, self.n).astype(np.intp)
            ),
        )
        return lambda: plans


def direction_step(rule: Rule, x: _Array, v: _Array, group: NDArray[np.intp], frame: Frame, epsilon: float) -> _Array:
    """Step t (lanes,) along v such that no component of the group moves farther than its own step."""
    speed = np.abs(v[group])
    if frame.step is not None:
        own = np.broadcast_to(frame.step, x.shape)[group]
    else:
        size = np.abs(x[group])
        if frame.scale is not None:
            size = np.maximum(size, np.broadcast_to(frame.scale, x.shape)[group])
        own = rule.relative(epsilon) * np.where(size == 0, 1, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(speed > 0, own / speed, np.inf).min(axis=0, initial=np.inf)
    return np.where(np.isfinite(t) & (t > 0), t, 1).astype(x.real.dtype)


def sure_room(x: _Array, bound: _Array) -> _Array:
    """Distance from x to a bound, less what the rounding of a few additions on the way there can add."""
    distance = np.abs(bound - x)
    with np.errstate(invalid="ignore"):
        spare = 4 * np.spacing(np.maximum(np.abs(x), np.abs(bound)))
    room: _Array = np.where(np.isfinite(distance), np.maximum(distance - spare, 0), distance)
    return room


def room_along(x: _Array, v: _Array, group: NDArray[np.intp], lower: _Array, upper: _Array) -> tuple[_Array, _Array]:
    """How far (lanes,) one can go from x along -v and along v before a bound."""
    x, v = x[group], v[group]
    lower, upper = (np.broadcast_to(side, v.shape) if side.shape[0] == 1 else side[group] for side in (lower, upper))
    above, below = sure_room(x, upper), sure_room(x, lower)
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = np.where(v > 0, above / np.abs(v), np.where(v < 0, below / np.abs(v), np.inf)).min(
            axis=0, initial=np.inf
        )
        backward = np.where(v > 0, below / np.abs(v), np.where(v < 0, above / np.abs(v), np.inf)).min(
            axis=0, initial=np.inf
        )
    return backward, forward
