"""Which pairs of variables interact in a scalar function: the entries of its Hessian off the diagonal, from values.

Two groups of variables, A and B, do not interact where

    f(A and B moved) - f(A moved) - f(B moved) + f(x) = 0

up to rounding and noise. A number f(x) tells of one pair of groups at a time, so that each costs a call; but if two
large groups do not interact, none of their variables do. Groups are halved from level to level, and those parts are
tested that belong to groups that interact, or to one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.sparsity.group_testing import Groups
from fastcalc._differences.sparsity.pattern import Pattern, from_entries
from fastcalc._differences.sparsity.probes import ABOVE, Known, Values

_Indices = NDArray[np.intp]
_Mask = NDArray[np.bool_]
Test = Callable[[Groups, _Indices, _Indices], _Mask]


def find_pairs(n: int, test: Test) -> Pattern:
    """The pattern (n, n) with the whole diagonal.

    Parameters
    ----------
    test : callable
        Takes groups, and two arrays with the numbers of those that may interact; returns which pairs do.
    """
    groups = Groups(np.arange(n), np.array([0, n]))
    first = second = np.zeros(0, np.intp)
    while not groups.are_single:
        groups, part = groups.cut(2)
        halved = np.flatnonzero(np.diff(part) == 2)
        inside = part[:-1][halved]
        own, other = _parts_of_pairs(part, first, second)
        first, second = np.concatenate([inside, own]), np.concatenate([inside + 1, other])
        interact = test(groups, first, second)
        first, second = first[interact], second[interact]
    every = np.arange(n)
    return from_entries((n, n), np.concatenate([every, first, second]), np.concatenate([every, second, first]))


def _parts_of_pairs(part: _Indices, first: _Indices, second: _Indices) -> tuple[_Indices, _Indices]:
    """All pairs of a part of the first group and one of the second."""
    counts = np.diff(part)
    width, times = counts[second], counts[first] * counts[second]
    pair = np.repeat(np.arange(len(first)), times)
    number = np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times)
    return part[first[pair]] + number // width[pair], part[second[pair]] + number % width[pair]


class Mixed:
    """Mixed differences at several spots; pairs that interact at one are not tested at the others."""

    def __init__(self, values: Values, places: Sequence[Known], noise: float) -> None:
        self.values, self.places, self.noise = values, places, noise

    def __call__(self, groups: Groups, first: _Indices, second: _Indices) -> _Mask:
        """Which pairs of groups interact; those of which f tells nothing, since it is NaN, may do so."""
        interact = np.zeros(len(first), np.bool_)
        unknown = np.zeros(len(first), np.intp)
        used = np.unique(np.concatenate([first, second]))
        members = [groups.order[groups.starts[g] : groups.starts[g + 1]] for g in used]
        a, b = np.searchsorted(used, first), np.searchsorted(used, second)
        for known in self.places:
            left = np.flatnonzero(~interact)
            alone = self._values(known, members)
            both = self._values(known, [np.concatenate([members[a[p]], members[b[p]]]) for p in left])
            own, other, start = alone[a[left]], alone[b[left]], known.value[0]
            with np.errstate(all="ignore"):
                mixed = np.abs((both - own) - (other - start))
                rounding = np.abs(both) + np.abs(own) + np.abs(other) + np.abs(start)
                rounding = rounding * self.values.function.epsilon
                tolerance = np.maximum(ABOVE * np.maximum(known.change[0], rounding), 4 * self.noise)
                interact[left] = mixed > tolerance
            unknown[left] += np.isnan(mixed)
        most = 1 if not groups.are_single else len(self.places)
        mask: _Mask = interact | (unknown >= most)
        return mask

    def _values(self, known: Known, groups: Sequence[_Indices]) -> NDArray[np.floating]:
        """Values where each of the groups is moved."""
        width = self.values.width
        found = [
            self.values.moved(known.spot.x, known.spot.moved, groups[start : start + width])[0].copy()
            for start in range(0, len(groups), width)
        ]
        return np.concatenate(found) if found else np.zeros(0)
