"""Sample plans along colours: columns of one colour move together, each with its own kind of stencil.

At point t of a colour column j is at ``x_j + offsets[kind(j)][t] * h_j``. All stencils of first differences of one
accuracy have as many points, so that a colour takes no more of them where bounds turn some of its columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.plans import BASE, FIXED, gather, line, starts
from fastcalc._kernels.plan import Plan

_Indices = NDArray[np.intp]


class ColoredPlan(NamedTuple):
    """A plan with one group of points for each colour, and one result for each kind of stencil in it.

    Its results have no divisors: they are divided by the steps of the columns, one by one.
    """

    plan: Plan
    color: _Indices  # of each group
    result: NDArray[np.int32]  # of each column, -1: none
    whole: bool  # every column has a result


def colored_plan(colors: _Indices, columns: _Indices, kinds: NDArray[np.uint8], accuracy: int) -> ColoredPlan:
    """First differences along the colours of `columns`, which come colour by colour; fixed ones do not move."""
    n = len(colors)
    moving = columns[kinds[columns] != FIXED]
    kind = kinds[moving].astype(np.intp)
    lines = {code: line(code, 1, accuracy) for code in np.unique(kind).tolist()}
    base = any(piece.needs_base for piece in lines.values())
    per_color = max((len(piece.offsets) for piece in lines.values()), default=0)
    offsets, denominator = np.zeros((FIXED, per_color)), np.ones(FIXED)
    for code, piece in lines.items():
        offsets[code], denominator[code] = piece.offsets, piece.denominator

    # points of a colour: all of its columns, once per offset
    begins = np.flatnonzero(np.diff(colors[moving], prepend=-1))
    sizes = np.diff(np.append(begins, len(moving)))
    points = int(base) + per_color * np.arange(len(begins) + 1)
    moved, counts = gather(np.append(begins, len(moving)), np.repeat(np.arange(len(begins)), per_color))
    which = np.repeat(np.tile(np.arange(per_color), len(begins)), counts)

    # results of a colour: its kinds, on the same points
    place = np.repeat(np.arange(len(begins)), sizes)
    keys, of_moving = np.unique(place * FIXED + kind, return_inverse=True)
    owner, codes = np.divmod(keys, FIXED)
    result = np.full(n, -1, np.int32)
    result[moving] = of_moving
    lengths = np.zeros(FIXED, np.intp)
    for code, piece in lines.items():
        lengths[code] = len(piece.weight)
    term_start = starts(lengths[codes])
    plus, minus = np.zeros(term_start[-1], np.intp), np.zeros(term_start[-1], np.intp)
    weight, embedded = np.zeros(term_start[-1]), np.zeros(term_start[-1])
    for code, piece in lines.items():
        members = np.flatnonzero(codes == code)
        terms = gather(term_start, members)[0]
        origin = np.repeat(points[owner[members]], lengths[code])
        other = np.tile(piece.minus, len(members))
        plus[terms] = origin + np.tile(piece.plus, len(members))
        minus[terms] = np.where(other >= 0, origin + other, np.where(other == BASE, 0, -1))
        weight[terms] = np.tile(piece.weight, len(members))
        if piece.embedded is not None:
            embedded[terms] = np.tile(piece.embedded, len(members))
    each = np.arange(len(keys))
    plan = Plan(
        n_components=n,
        component=np.arange(n),
        point_start=np.concatenate([np.zeros(1 + int(base), np.intp), np.cumsum(counts)]),
        entry_slot=moving[moved],
        multiple=offsets[kind[moved], which],
        n_retained=int(base),
        base=base,
        group_point=points,
        group_result=np.searchsorted(owner, np.arange(len(begins) + 1)),
        term_start=term_start,
        plus=plus,
        minus=minus,
        weight=weight,
        embedded=embedded if lines and all(piece.embedded is not None for piece in lines.values()) else None,
        divisor_start=np.zeros(len(keys) + 1, np.intp),
        divisor_slot=np.zeros(0, np.intp),
        denominator=denominator[codes],
        target=each,
        mirror=each,
        n_targets=len(keys),
    )
    return ColoredPlan(plan, colors[moving[begins]], result, len(moving) == n)
