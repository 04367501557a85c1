"""Sparse Hessians from values of f: second derivatives for the pairs of variables in a pattern, and for no others.

One number f(x) says nothing of which variable it came from, so that nothing can be compressed: each pair costs samples
of its own, by polarisation as in a dense Hessian. From a gradient, colours do far better.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences import adaptive, exact, recipes
from fastcalc._differences import plans as build
from fastcalc._differences.climb import Aim
from fastcalc._differences.engine import Function, Plans
from fastcalc._differences.recipes import Frame, Sides
from fastcalc._differences.solve import Known, Solution, solve_fixed
from fastcalc._differences.sparsity.pattern import Pattern
from fastcalc._differences.steps import Rule
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._kernels.plan import Plan
from fastcalc._taylor.space import TaylorSpace

_Array = NDArray[Any]
_Indices = NDArray[np.intp]


class Triangle:
    """The upper triangle of a symmetric pattern, as pairs of variables; `place`: where in it each entry is."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        upper = pattern.rows <= pattern.indices
        self.first, self.second = pattern.rows[upper], pattern.indices[upper]
        place = np.cumsum(upper) - 1
        mirror = np.lexsort((pattern.rows, pattern.indices))  # of entry (i, j): the number of (j, i)
        self.place = np.where(upper, place, place[mirror])


class FromValues:
    """Sparse Hessian of a scalar function; results are the entries of the pattern, as (1, entries, 1)."""

    def __init__(self, triangle: Triangle, recipe: recipes.Recipe | adaptive.Adaptive | exact.Exact) -> None:
        self.triangle, self.recipe = triangle, recipe

    def solve(self, function: Any, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """The upper triangle, mirrored."""
        recipe = self.recipe
        if isinstance(recipe, adaptive.Adaptive):
            upper = recipe.solve(cast(Function, function), x, frame, full=full)
        elif isinstance(recipe, exact.Exact):
            upper = recipe.solve(cast(PolynomialFunction, function), x, frame, full=full)
        else:
            upper = solve_fixed(recipe, cast(Function, function), x, frame, full=full)
        if len(upper.value) != 1:
            raise ValueError(
                f"a sparse Hessian is that of a scalar function; got an `f` with {len(upper.value)} outputs: leave out "
                "`sparsity`, or take one output at a time"
            )
        place = self.triangle.place
        known = upper.known and Known(upper.known.error[:, place], upper.known.status[:, place])
        step = upper.step[:, place] if upper.step.ndim == 3 else upper.step[place] if full else upper.step
        return Solution(upper.value[:, place], step, upper.base, known)


class Pairs(recipes.Recipe):
    """Second derivatives for some pairs of variables, by polarisation."""

    def __init__(self, rule: Rule, n: int, first: _Indices, second: _Indices) -> None:
        super().__init__(rule, n)
        self.first, self.second = first, second

    @property
    def n_targets(self) -> int:
        """One per pair."""
        return len(self.first)

    def involves(self, axes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Both variables of the pair."""
        return axes[self.first] | axes[self.second]

    def target_steps(self, h: _Array) -> _Array:
        """Geometric mean of both steps."""
        roots = np.sqrt(h)
        pure = (self.first == self.second)[:, None]
        steps: _Array = np.where(pure, h[self.first], roots[self.first] * roots[self.second])
        return steps

    def _build(self, sides: Sides, targets: _Indices | None) -> Plans:
        first, second = (self.first, self.second) if targets is None else (self.first[targets], self.second[targets])
        retained = np.unique(np.concatenate([first, second]))
        block = max(build.PAIRS_IN_A_BLOCK, self.n)  # each plan holds the lines of all variables, too

        def plans() -> Iterator[Plan]:
            for start in range(0, max(1, len(first)), block):
                own = slice(start, start + block)
                each = np.arange(len(first), dtype=np.intp)[own]
                pairs = build.Pairs(first[own], second[own], each, each)
                accuracy = self.rule.accuracy
                yield build.pairs_plan(self.axes, *sides, accuracy, pairs, len(first), retained)

        if len(first) > block:
            return plans
        stored = tuple(plans())
        return lambda: stored


class ExactPairs(exact.Exact):
    """The same exactly: runs of the variables of two neighbouring groups that have entries in common."""

    def __init__(self, n: int, first: _Indices, second: _Indices) -> None:
        super().__init__(n, len(first))
        self.first, self.second = first, second

    def runs(self, itemsize: int) -> Iterator[exact.Run]:
        """One run, or one for each pair of groups."""
        most = exact.fitting(2, self.n, itemsize)
        width = self.n if most >= self.n else max(1, most // 2)
        a, b = self.first // max(1, width), self.second // max(1, width)
        count = -(-self.n // max(1, width))
        keys, which = np.unique(np.where(a == b, -1, a * count + b), return_inverse=True)
        members = [np.flatnonzero(which == k) for k in range(len(keys)) if keys[k] >= 0]
        own = {int(g): np.flatnonzero((a == g) & (b == g)) for g in np.unique(a[a == b])}
        for some in members:  # pairs of two groups, and with them those within each, if nobody had them before
            groups = int(a[some[0]]), int(b[some[0]])
            yield self._run(np.concatenate([some, *(own.pop(g) for g in groups if g in own)]))
        alone = list(own.values())
        for k in range(0, len(alone), 2):
            yield self._run(np.concatenate(alone[k : k + 2]))
        if not len(self.first):
            yield self._run(np.zeros(0, np.intp))

    def _run(self, targets: _Indices) -> exact.Run:
        first, second = self.first[targets], self.second[targets]
        variables = np.unique(np.concatenate([first, second]))
        c = len(variables)
        i, j = np.searchsorted(variables, first), np.searchsorted(variables, second)
        terms = exact.quadratic(max(1, c))[i, j]
        factor = np.where(i == j, 2.0, 1.0)[:, None]
        return exact.Run(TaylorSpace(max(1, c), 2), (np.arange(1, 1 + c), variables, 1), terms, targets, factor)

    def touched(self, fixed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Both variables of the pair."""
        return fixed[self.first] | fixed[self.second]


def from_values(method: str, rule: Rule, aim: Aim, triangle: Triangle) -> FromValues:
    """The recipe of a method."""
    n, first, second = triangle.pattern.shape[1], triangle.first, triangle.second
    recipe: recipes.Recipe | adaptive.Adaptive | exact.Exact
    if method == "adaptive":
        recipe = adaptive.Pairs(aim, first, second)
    elif method == "exact":
        recipe = ExactPairs(n, first, second)
    else:
        recipe = Pairs(rule, n, first, second)
    return FromValues(triangle, recipe)
