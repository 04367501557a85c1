"""Compiled functions at default options: which stencils the loops of the kernel of the same name need for a recipe."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.plans import BACKWARD, CENTRAL, FORWARD, line
from fastcalc._differences.recipes import Hessian, Lines, Recipe
from fastcalc._functions.compiled_calls import CompiledCalls
from fastcalc._kernels.compiled_loops import LineStencil, hessian_at_once, lines_at_once


@functools.lru_cache(maxsize=64)
def _line(kind: int, n: int, accuracy: int) -> LineStencil:
    one = line(kind, n, accuracy)
    return LineStencil(one.offsets, one.plus, one.minus, one.weight, one.denominator, n)


@functools.lru_cache(maxsize=64)
def _polarised(kind: int, accuracy: int) -> tuple[LineStencil, LineStencil, LineStencil]:
    """Along an axis; the same in a mixed derivative; along the sum of two axes, for one-sided ones on that side."""
    own, across = line(kind, 2, accuracy), line(CENTRAL if kind == CENTRAL else FORWARD, 2, accuracy)
    common = math.lcm(own.denominator, across.denominator)
    side = -1.0 if kind == BACKWARD else 1.0
    return (
        _line(kind, 2, accuracy),
        LineStencil(own.offsets, own.plus, own.minus, own.weight * (-common / own.denominator), 1.0, 2),
        LineStencil(
            side * across.offsets,
            across.plus,
            across.minus,
            across.weight * (common / across.denominator),
            2.0 * common,
            2,
        ),
    )


def at_once(
    recipe: Recipe, function: CompiledCalls, x: NDArray[np.float64], lanes: int, shape: tuple[int, ...]
) -> NDArray[Any] | None:
    """The result at x for default options, None where it takes more than that: see `solve_at_once`."""
    rule = recipe.rule
    if type(recipe) is Lines and recipe.chosen is None and not recipe.base:
        stencil = _line(rule.kind, rule.n, rule.accuracy)
        return lines_at_once(
            function, stencil, x, lanes, recipe.relative, recipe.reach, recipe.tiny_below, recipe.measured, shape
        )
    if type(recipe) is Hessian:
        stencils = _polarised(rule.kind, rule.accuracy)
        return hessian_at_once(function, *stencils, x, lanes, recipe.relative, recipe.reach, recipe.tiny_below, shape)
    return None
