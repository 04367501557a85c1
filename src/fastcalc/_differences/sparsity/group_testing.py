"""Which outputs depend on which variables, from tests of many variables at a time.

A test moves a group of variables and tells the outputs that notice: those that depend on any of the group. Output i
may depend on the groups that are its candidates; each level cuts the groups in four and tests the parts that are still
candidates, until a group is one variable. Groups without a common candidate row share a test, for each output that
notices tells which of them it was. So a pattern of c colours takes at most about 4 c tests a level, of which there are
log4(n).

Where no colours fit (outputs that depend on distant variables, in no order), groups are put together at random,
again and again: an output that notices nothing drops all its candidates in the test. With d of them true, 1.5 d tests
at random drop half of the false ones. R. Dorfman, *The detection of defective members of large populations*, Ann. Math.
Statist. 14 (1943) 436-440; A. Griewank, C. Mitev, *Detecting Jacobian sparsity patterns by Bayesian probing*, Math.
Program. 93 (2002) 1-25.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.plans import starts
from fastcalc._differences.sparsity.coloring import column_colors
from fastcalc._differences.sparsity.pattern import Pattern, from_entries

_Indices = NDArray[np.intp]
Test = Callable[[Sequence[_Indices]], Iterator[NDArray[np.bool_]]]

_FIRST, _PARTS = 16, 4  # parts of all variables at the first level, of a group at the others
_PATIENCE = 10.0  # tests at random that are worth trying, for each entry of a typical row
_SPREAD = 1.5  # groups of tests at random, for each entry of a typical row: half of the tests notice nothing
_FUTILE = 0.9  # share of the candidates left by tests at random, above which there are hardly false ones
_DENSE = 1024  # groups, or an eighth of the variables, at which rows that are half full end the search
_MOST = 2**25  # candidates, which take about 40 bytes each
_HEAVY = 4  # entries of a row that is better tested as a column, over those of a typical row


def find_pattern(m: int, n: int, test: Test, *, symmetric: bool = False) -> Pattern:
    """The entries (m, n) of which tests tell.

    Parameters
    ----------
    test : callable
        Takes groups, each an array of different variables, and yields the outputs (m,) that notice, group by group.
    symmetric : bool
        Entry (j, i) is there where (i, j) is: a row that is nearly full is found as a column, in one test. Only one of
        the two may then be found.
    """
    found: list[tuple[_Indices, _Indices]] = []  # entries of columns that were tested alone
    groups = Groups(np.arange(n), np.array([0, n]))
    candidates = Pattern((m, 1), np.arange(m + 1), np.zeros(m, np.intp))
    parts, at_random = _FIRST, False
    while parts == _FIRST or not groups.are_single:
        groups, first_part = groups.cut(parts)
        candidates = _cut(candidates, first_part)
        if candidates.size > _MOST:
            return _one_by_one(m, n, test)
        typical = _typical(candidates) / min(parts, _PARTS)
        colors = None if at_random else column_colors(candidates)
        at_random = colors is None or colors.max(initial=0) >= _PATIENCE * typical
        if at_random:
            candidates = _sifted(candidates, groups, test, int(_SPREAD * typical) + 2)
            colors = column_colors(candidates) if groups.are_single else None
        if colors is not None:
            candidates = _passed(candidates, groups, colors, test)
        hopeless = len(groups) >= min(n / 8, _DENSE) and candidates.size > m * len(groups) / 2
        if hopeless and not groups.are_single:
            return _one_by_one(m, n, test)
        if symmetric:
            before = len(groups.order)
            groups, candidates = _without_heavy(groups, candidates, test, found)
            at_random &= len(groups.order) == before
        parts = _PARTS if candidates.size * _PARTS <= _MOST else 2
    found.append((candidates.rows, groups.order[groups.starts[candidates.indices]]))
    return from_entries((m, n), *(np.concatenate(side) for side in zip(*found, strict=True)))


@dataclass(frozen=True)
class Groups:
    """Variables in groups: group g holds ``order[starts[g]:starts[g + 1]]``, and may be empty."""

    order: _Indices
    starts: _Indices

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def are_single(self) -> bool:
        """Whether no group has two variables."""
        return bool((np.diff(self.starts) <= 1).all())

    def cut(self, parts: int) -> tuple[Groups, _Indices]:
        """The groups in up to so many parts each, and the first part of each group, (len + 1,)."""
        sizes = np.diff(self.starts)
        counts = np.minimum(sizes, parts)
        first = starts(counts)
        group = np.repeat(np.arange(len(self)), counts)
        number = np.arange(first[-1]) - first[group]
        begins = self.starts[group] + sizes[group] * number // counts[group]
        return Groups(self.order, np.append(begins, len(self.order))), first

    def without(self, variables: _Indices) -> Groups:
        """The groups, in their places, without some variables."""
        stays = ~np.isin(self.order, variables)
        return Groups(self.order[stays], starts(stays)[self.starts])

    def together(self, color: _Indices) -> list[_Indices]:
        """The variables of groups of each colour, in the order of colours; those of colour -1 are left out."""
        own = np.repeat(color, np.diff(self.starts))
        order = np.argsort(own, kind="stable")
        ends = np.searchsorted(own[order], np.arange(color.max(initial=-1) + 2))
        return [self.order[order[start:end]] for start, end in itertools.pairwise(ends)]


def _cut(candidates: Pattern, first_part: _Indices) -> Pattern:
    """All parts of groups that are candidates."""
    counts = np.diff(first_part)[candidates.indices]
    begins = starts(counts)
    parts = np.repeat(first_part[candidates.indices] - begins[:-1], counts) + np.arange(begins[-1])
    return Pattern((candidates.shape[0], int(first_part[-1])), begins[candidates.indptr], parts)


def _sifted(candidates: Pattern, groups: Groups, test: Test, tests: int) -> Pattern:
    """The candidates that pass so many tests of groups put together at random, and others, until these drop few."""
    rng = np.random.default_rng(0)
    before = 2 * candidates.size
    while candidates.size < _FUTILE * before:
        before = candidates.size
        candidates = _passed(candidates, groups, rng.integers(0, tests, len(groups)), test)
    return candidates


def _typical(candidates: Pattern) -> float:
    """How many candidates a row has, where it has many but is none of the few fullest."""
    counts = np.diff(candidates.indptr)
    return float(np.quantile(counts[counts > 0], 0.9)) if candidates.size else 0.0


def _passed(candidates: Pattern, groups: Groups, colors: _Indices, test: Test) -> Pattern:
    """The candidates whose rows notice the groups of their colour."""
    used = np.zeros(len(groups), np.bool_)
    used[candidates.indices] = True
    own = colors[candidates.indices]
    order = np.argsort(own, kind="stable")
    pools = groups.together(np.where(used, colors, -1))
    ends = np.searchsorted(own[order], np.arange(len(pools) + 1))
    tested = [color for color in range(len(pools)) if len(pools[color])]
    passes = np.zeros(candidates.size, np.bool_)
    for color, noticed in zip(tested, test([pools[color] for color in tested]), strict=True):
        entries = order[ends[color] : ends[color + 1]]
        passes[entries] = noticed[candidates.rows[entries]]
    return _selected(candidates, passes)


def _selected(candidates: Pattern, stays: NDArray[np.bool_]) -> Pattern:
    return Pattern(candidates.shape, starts(stays)[candidates.indptr], candidates.indices[stays])


def _without_heavy(
    groups: Groups, candidates: Pattern, test: Test, found: list[tuple[_Indices, _Indices]]
) -> tuple[Groups, Pattern]:
    """Test the variables of rows with by far the most candidates alone, and take these rows and columns away."""
    counts = np.diff(candidates.indptr)
    typical = float(np.median(counts[counts > 0])) if candidates.size else 0.0
    limit = max(_FIRST, _HEAVY * typical)
    heavy = np.flatnonzero(counts > limit)
    if not 0 < len(heavy) < counts.max() - limit:
        return groups, candidates
    for variable, noticed in zip(heavy, test([heavy[i : i + 1] for i in range(len(heavy))]), strict=True):
        rows = np.flatnonzero(noticed)
        found.append((rows, np.full_like(rows, variable)))
    groups = groups.without(heavy)
    light = np.ones(len(counts), np.bool_)
    light[heavy] = False
    has_more = np.diff(groups.starts) > 0
    return groups, _selected(candidates, light[candidates.rows] & has_more[candidates.indices])


def _one_by_one(m: int, n: int, test: Test) -> Pattern:
    """Each variable alone."""
    every = np.arange(n)
    columns = [np.flatnonzero(noticed) for noticed in test([every[j : j + 1] for j in range(n)])]
    ends = starts(np.array([len(rows) for rows in columns], np.intp))
    return Pattern((n, m), ends, np.concatenate([*columns, np.zeros(0, np.intp)])).transposed
