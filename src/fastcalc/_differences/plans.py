"""Sample plans: one builder per operator, from exact stencils to the index arrays that the kernels walk.

A plan is built over *axes*: an axis is a direction with one step, and moves one component of x (a coordinate) or many
(the direction of a product J v). Each axis has a kind: central, forward, backward, complex, or fixed (no samples, no
result). With the second differences S along an axis or along the sum of two,

    S(u) = h_u**2 f_uu + O(h**(2 + accuracy)),    f_uv = (S(u + v) - S(u) - S(v)) / (2 h_u h_v),

which for accuracy 2 is the Hessian in 1 + n + n**2 points.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.stencils import Stencil, embedded, stencil
from fastcalc._kernels.plan import Plan

CENTRAL, FORWARD, BACKWARD, COMPLEX, FIXED = range(5)
KINDS = {"central": CENTRAL, "forward": FORWARD, "backward": BACKWARD, "complex": COMPLEX}
_NAMES: dict[int, Literal["central", "forward", "backward"]] = {
    CENTRAL: "central",
    FORWARD: "forward",
    BACKWARD: "backward",
}

BASE, NOTHING = -1, -2  # in a line: the point x itself, and the value 0
PAIRS_IN_A_BLOCK = 8192
_Indices = NDArray[np.intp]


class Line(NamedTuple):
    """A stencil as differences of values: offsets other than 0, then terms that point into them."""

    offsets: NDArray[np.float64]
    plus: _Indices
    minus: _Indices
    weight: NDArray[np.float64]
    embedded: NDArray[np.float64] | None  # weight less that of the embedded stencil, in the same denominator
    denominator: int

    @property
    def needs_base(self) -> bool:
        """Whether the value at x itself is part of the formula."""
        return bool((self.minus == BASE).any())


@functools.lru_cache(maxsize=256)
def line(kind: int, n: int, accuracy: int) -> Line:
    """Differences for the n-th derivative along one axis: mirrored points first, or each point less the base."""
    if kind == COMPLEX:
        one, zero = np.ones(1), np.zeros(1, np.intp)
        return Line(one, zero, np.full(1, NOTHING, np.intp), one, None, 1)
    formula = stencil(n, accuracy=accuracy, kind=_NAMES[kind])
    weights = dict(zip(formula.offsets.tolist(), formula.integer_weights, strict=True))
    smaller = _embedded_weights(formula)
    offsets = sorted((k for k in weights if k != 0), key=lambda k: (abs(k), -k))
    place = {k: i for i, k in enumerate(offsets)}
    mirrored = kind == CENTRAL and n % 2 == 1
    terms = [k for k in offsets if k > 0] if mirrored else offsets
    difference = None
    if smaller is not None:
        difference = np.array([float(weights[k] - smaller.get(k, 0) * formula.denominator) for k in terms])
    return Line(
        offsets=np.array(offsets, np.float64),
        plus=np.array([place[k] for k in terms], np.intp),
        minus=np.array([place[-k] if mirrored else BASE for k in terms], np.intp),
        weight=np.array([float(weights[k]) for k in terms]),
        embedded=difference,
        denominator=formula.denominator,
    )


def _embedded_weights(formula: Stencil) -> dict[int, Fraction] | None:
    """Weights of the embedded stencil, where the error estimate is defined: accuracy 4 and more."""
    smaller = embedded(formula) if formula.accuracy >= 4 else None
    return None if smaller is None else dict(zip(smaller.offsets.tolist(), smaller.exact, strict=True))


@functools.lru_cache(maxsize=256)
def reach(kind: int, n: int, accuracy: int) -> int:
    """Largest multiple of the step that a line of this kind uses."""
    return int(np.abs(line(kind, n, accuracy).offsets).max())


class Axes(NamedTuple):
    """Directions to sample along: axis a moves the slots ``slot[start[a]:start[a + 1]]`` together; its step is the one
    of the slot ``step[a]``; slot s moves ``component[s]`` of x.
    """

    n_components: int
    component: _Indices
    start: _Indices
    slot: _Indices
    step: _Indices

    @property
    def size(self) -> int:
        """Number of axes."""
        return len(self.step)


@functools.lru_cache(maxsize=32)
def coordinate_axes(n: int) -> Axes:
    """One axis per component."""
    each = np.arange(n, dtype=np.intp)
    return Axes(n, each, np.arange(n + 1, dtype=np.intp), each, each)


def some_axes(n: int, chosen: _Indices) -> Axes:
    """One axis for each of the chosen components."""
    each = np.arange(len(chosen), dtype=np.intp)
    return Axes(n, chosen, np.arange(len(chosen) + 1, dtype=np.intp), each, each)


def direction_axes(n: int, directions: Sequence[_Indices], *, coordinates: bool = False) -> Axes:
    """One axis per direction, given by the components that it moves, after the coordinate axes where these are wanted.

    A direction has a slot per component, for its displacement, and a last slot for its step alone, component -1.
    """
    used = n if coordinates else 0
    component, slot = [np.arange(used)], [np.arange(used)]
    start, step = [*range(used + 1)], [*range(used)]
    for moved in directions:
        component += [moved, np.full(1, -1, np.intp)]
        slot.append(np.arange(used, used + len(moved)))
        start.append(start[-1] + len(moved))
        used += len(moved) + 1
        step.append(used - 1)
    return Axes(n, np.concatenate(component), np.array(start, np.intp), np.concatenate(slot), np.array(step, np.intp))


def gather(start: _Indices, rows: _Indices) -> tuple[_Indices, _Indices]:
    """Positions of the entries of `rows` in a CSR array with these starts, and their number per row."""
    counts = start[rows + 1] - start[rows]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(start[rows], counts) + within, counts


def starts(counts: NDArray[np.integer] | NDArray[np.bool_]) -> _Indices:
    """Where runs of these lengths begin, and the end of the last."""
    return np.concatenate([np.zeros(1, np.intp), np.cumsum(counts, dtype=np.intp)])


class _Lines(NamedTuple):
    """Lines along several axes at once; points are numbered from `first`, in the order of the axes."""

    owner: _Indices  # axis (its place in the list) of each point
    offset: NDArray[np.float64]
    point_start: _Indices  # first point of each axis, and one more
    term_start: _Indices
    plus: _Indices
    minus: _Indices
    weight: NDArray[np.float64]
    embedded: NDArray[np.float64] | None
    denominator: NDArray[np.float64]


def _lay_lines(kinds: NDArray[np.uint8], n: int, accuracy: int, first: int) -> _Lines:
    """Points and terms of one line per entry of `kinds`; the base is point 0, the value 0 is -1."""
    n_points, n_terms = np.zeros(len(kinds), np.intp), np.zeros(len(kinds), np.intp)
    denominator = np.ones(len(kinds))
    pieces = {code: line(code, n, accuracy) for code in np.unique(kinds).tolist() if code != FIXED}
    for code, piece in pieces.items():
        n_points[kinds == code] = len(piece.offsets)
        n_terms[kinds == code] = len(piece.weight)
        denominator[kinds == code] = piece.denominator
    point_start, term_start = starts(n_points), starts(n_terms)
    offset, weight, difference = (np.zeros(total) for total in (point_start[-1], term_start[-1], term_start[-1]))
    plus, minus = np.zeros(term_start[-1], np.intp), np.zeros(term_start[-1], np.intp)
    for code, piece in pieces.items():
        members = np.flatnonzero(kinds == code)
        offset[gather(point_start, members)[0]] = np.tile(piece.offsets, len(members))
        terms = gather(term_start, members)[0]
        origin = np.repeat(first + point_start[members], len(piece.weight))
        plus[terms] = origin + np.tile(piece.plus, len(members))
        other = np.tile(piece.minus, len(members))
        minus[terms] = np.where(other >= 0, origin + other, np.where(other == BASE, 0, -1))
        weight[terms] = np.tile(piece.weight, len(members))
        if piece.embedded is not None:
            difference[terms] = np.tile(piece.embedded, len(members))
    has_embedded = accuracy >= 4 and all(piece.embedded is not None for piece in pieces.values())
    owner = np.repeat(np.arange(len(kinds)), n_points)
    return _Lines(
        owner, offset, point_start, term_start, plus, minus, weight, difference if has_embedded else None, denominator
    )


def needs_base(kinds: NDArray[np.uint8], n: int, accuracy: int) -> bool:
    """Whether lines of these kinds use the value at x itself."""
    return any(line(code, n, accuracy).needs_base for code in np.unique(kinds).tolist() if code != FIXED)


def lines_plan(
    axes: Axes, kinds: NDArray[np.uint8], n: int, accuracy: int, *, chosen: _Indices | None = None, base: bool = False
) -> Plan:
    """n-th derivatives along the axes `chosen` (None: all), one result each, in their order."""
    chosen = np.arange(axes.size) if chosen is None else chosen
    base = base or needs_base(kinds[chosen], n, accuracy)
    lines = _lay_lines(kinds[chosen], n, accuracy, int(base))
    targets = np.flatnonzero(kinds[chosen] != FIXED)
    places, slots_of_point = gather(axes.start, chosen[lines.owner])
    counts = np.concatenate([np.zeros(int(base), np.intp), slots_of_point])
    return Plan(
        n_components=axes.n_components,
        component=axes.component,
        point_start=starts(counts),
        entry_slot=axes.slot[places],
        multiple=np.repeat(lines.offset, slots_of_point),
        n_retained=int(base),
        base=base,
        group_point=int(base) + np.append(lines.point_start[targets], lines.point_start[-1]),
        group_result=np.arange(len(targets) + 1),
        term_start=np.append(lines.term_start[targets], lines.term_start[-1]),
        plus=lines.plus,
        minus=lines.minus,
        weight=lines.weight,
        embedded=lines.embedded,
        divisor_start=np.arange(0, n * len(targets) + 1, n),
        divisor_slot=np.repeat(axes.step[chosen[targets]], n),
        denominator=lines.denominator[targets],
        target=targets,
        mirror=targets,
        n_targets=len(chosen),
    )


@functools.lru_cache(maxsize=16)
def base_plan(n_components: int) -> Plan:
    """The value at x alone."""
    nothing = np.zeros(0, np.intp)
    return Plan(
        n_components=n_components,
        component=np.arange(n_components),
        point_start=[0, 0],
        entry_slot=nothing,
        multiple=nothing,
        n_retained=1,
        base=True,
        group_point=[1],
        group_result=[0],
        term_start=[0],
        plus=nothing,
        minus=nothing,
        weight=nothing,
        embedded=None,
        divisor_start=[0],
        divisor_slot=nothing,
        denominator=nothing,
        target=nothing,
        mirror=nothing,
        n_targets=0,
    )


class Pairs(NamedTuple):
    """Second derivatives wanted, as pairs of axes; result k goes to ``target[k]`` and ``mirror[k]``."""

    first: _Indices
    second: _Indices
    target: _Indices
    mirror: _Indices


def hessian_pairs(n: int) -> Iterator[Pairs]:
    """All entries of a Hessian: the diagonal, then the upper triangle in blocks of rows."""
    each = np.arange(n, dtype=np.intp)
    yield Pairs(each, each, each * (n + 1), each * (n + 1))
    row = 0
    while row < n - 1:
        stop = row + 1
        while stop < n - 1 and (stop - row + 1) * (n - 1 - row) <= PAIRS_IN_A_BLOCK:
            stop += 1
        first = np.repeat(each[row:stop], n - 1 - each[row:stop])
        second = np.concatenate([each[i + 1 :] for i in range(row, stop)])
        yield Pairs(first, second, first * n + second, second * n + first)
        row = stop


def pairs_plan(
    axes: Axes,
    kinds: NDArray[np.uint8],
    signs: NDArray[np.int8],
    accuracy: int,
    pairs: Pairs,
    n_targets: int,
    retained: _Indices,
) -> Plan:
    """Second derivatives f_uv by polarisation; the lines along the axes `retained` are shared by all pairs.

    `signs` says to which side of x a one-sided line along a pair goes. Pairs with a fixed axis have no result.
    """
    alive = (kinds[pairs.first] != FIXED) & (kinds[pairs.second] != FIXED)
    first, second, target, mirror = (part[alive] for part in pairs)
    lines = _lay_lines(kinds[retained], 2, accuracy, 1)
    place = np.full(axes.size, -1, np.intp)
    place[retained] = np.arange(len(retained))
    n_retained = 1 + len(lines.offset)

    # a pair is sampled along the sum of its axes, centrally only where both are central
    mixed = first != second
    central = (kinds[first] == CENTRAL) & (kinds[second] == CENTRAL)
    pair_kinds = np.where(mixed, np.where(central, CENTRAL, FORWARD), FIXED).astype(np.uint8)
    across = _lay_lines(pair_kinds, 2, accuracy, n_retained)
    sign_first, sign_second = (np.where(central, 1.0, signs[axes_of]) for axes_of in (first, second))

    # entries: the retained lines, then for each point of a pair the slots of both axes
    places, counts = gather(axes.start, retained[lines.owner])
    slots, multiples = [axes.slot[places]], [np.repeat(lines.offset, counts)]
    per_point = [np.zeros(1, np.intp), counts]
    both = np.stack([first[across.owner], second[across.owner]], axis=1)
    factors = np.stack([sign_first[across.owner], sign_second[across.owner]], axis=1) * across.offset[:, None]
    places, counts = gather(axes.start, both.reshape(-1))
    slots.append(axes.slot[places])
    multiples.append(np.repeat(factors.reshape(-1), counts))
    per_point.append(counts.reshape(-1, 2).sum(axis=1))

    # terms: S(u + v) - S(u) - S(v), or S(u) on the diagonal, in one common denominator
    used_kinds = {*np.unique(kinds).tolist(), *np.unique(pair_kinds).tolist()} - {FIXED}
    common = math.lcm(*(line(code, 2, accuracy).denominator for code in used_kinds))
    order = sign_first * sign_second
    parts = [_terms(across, np.arange(len(first)), order * common / across.denominator)]
    for axis, factor in ((first, np.where(mixed, -order, 1)), (second, np.where(mixed, -order, 0))):
        used = place[axis]
        parts.append(_terms(lines, used, factor * common / lines.denominator[used]))
    owner = np.concatenate([part[0] for part in parts])
    by_result = np.argsort(owner, kind="stable")
    plus, minus, weight = (np.concatenate([part[k] for part in parts])[by_result] for k in (1, 2, 3))
    difference = None
    if lines.embedded is not None:
        difference = np.concatenate([part[4] for part in parts])[by_result]
    return Plan(
        n_components=axes.n_components,
        component=axes.component,
        point_start=starts(np.concatenate(per_point)),
        entry_slot=np.concatenate(slots),
        multiple=np.concatenate(multiples),
        n_retained=n_retained,
        base=True,
        group_point=n_retained + across.point_start,
        group_result=np.arange(len(first) + 1),
        term_start=starts(np.bincount(owner, minlength=len(first))),
        plus=plus,
        minus=minus,
        weight=weight,
        embedded=difference,
        divisor_start=np.arange(0, 2 * len(first) + 1, 2),
        divisor_slot=np.stack([axes.step[first], axes.step[second]], axis=1).reshape(-1),
        denominator=np.where(mixed, 2.0 * common, 1.0 * common),
        target=target,
        mirror=mirror,
        n_targets=n_targets,
    )


def _terms(lines: _Lines, which: _Indices, factor: NDArray[np.float64]) -> tuple[Any, ...]:
    """Owner, plus, minus, weight and embedded weight of the terms of lines `which`, each line times its factor."""
    which_used = np.flatnonzero(factor)
    places, counts = gather(lines.term_start, which[which_used])
    owner = np.repeat(which_used, counts)
    factors = factor[owner]
    difference = None if lines.embedded is None else lines.embedded[places] * factors
    return owner, lines.plus[places], lines.minus[places], lines.weight[places] * factors, difference


def product_plan(axes: Axes, kinds: NDArray[np.uint8], alpha: tuple[int, ...], accuracy: int) -> Plan:
    """The mixed partial derivative of multi-index alpha, at least two of its entries not 0: a product of stencils."""
    involved = [a for a, power in enumerate(alpha) if power]
    if any(kinds[a] == FIXED for a in involved):
        return lines_plan(axes, np.full(axes.size, FIXED, np.uint8), 1, accuracy, chosen=np.zeros(1, np.intp))
    formulas = [stencil(alpha[a], accuracy=accuracy, kind=_NAMES[int(kinds[a])]) for a in involved]
    odd = next((k for k, a in enumerate(involved) if kinds[a] == CENTRAL and alpha[a] % 2), None)
    smaller = [_embedded_weights(formula) for formula in formulas]
    denominator = math.prod(formula.denominator for formula in formulas)

    weights: dict[tuple[int, ...], int] = {(): 1}
    for formula in formulas:
        single = list(zip(formula.offsets.tolist(), formula.integer_weights, strict=True))
        weights = {(*at, k): w * v for at, w in weights.items() for k, v in single}
    origin = (0,) * len(involved)
    points = [at for at in weights if at != origin and (odd is None or at[odd] > 0)]
    weight = [float(weights[at]) for at in points]
    difference = None
    if all(part is not None for part in smaller):
        exact = [
            math.prod(part.get(k, Fraction(0)) for part, k in zip(smaller, at, strict=True) if part is not None)
            for at in points
        ]
        difference = [float(weights[at] - e * denominator) for at, e in zip(points, exact, strict=True)]
    n_terms = len(points)
    if odd is None:
        plus, minus, base = np.arange(1, n_terms + 1), np.zeros(n_terms, np.intp), True
    else:  # mirrored in an odd central axis, where the weights change sign
        points = [q for at in points for q in (at, (*at[:odd], -at[odd], *at[odd + 1 :]))]
        plus, minus, base = np.arange(0, 2 * n_terms, 2), np.arange(1, 2 * n_terms, 2), False
    offsets = np.array(points, np.float64).reshape(-1, len(involved))
    which, entry = np.nonzero(offsets)
    slot = np.array(involved, np.intp)[entry]
    return Plan(
        n_components=axes.n_components,
        component=axes.component,
        point_start=starts(np.append(np.zeros(int(base), np.intp), np.bincount(which, minlength=len(points)))),
        entry_slot=axes.step[slot],
        multiple=offsets[which, entry],
        n_retained=int(base),
        base=base,
        group_point=[int(base), int(base) + len(points)],
        group_result=[0, 1],
        term_start=[0, n_terms],
        plus=plus,
        minus=minus,
        weight=weight,
        embedded=difference,
        divisor_start=[0, sum(alpha)],
        divisor_slot=np.repeat(axes.step[involved], [alpha[a] for a in involved]),
        denominator=[float(denominator)],
        target=[0],
        mirror=[0],
        n_targets=1,
    )
