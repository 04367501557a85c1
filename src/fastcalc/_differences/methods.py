"""Which recipe serves a method: fixed steps, one stencil a result; adaptive ones, a ladder a line; or none at all."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences import adaptive, exact, recipes
from fastcalc._differences.climb import Aim
from fastcalc._differences.engine import Function
from fastcalc._differences.plans import CENTRAL, KINDS
from fastcalc._differences.recipes import Frame
from fastcalc._differences.settings import Settings
from fastcalc._differences.solve import Solution, solve_fixed
from fastcalc._differences.sparsity.compressed import Compressed, Differences
from fastcalc._differences.sparsity.compressed_hessian import FromValues, Triangle, from_values
from fastcalc._differences.sparsity.compressed_ladders import Ladders
from fastcalc._differences.sparsity.compressed_series import Series
from fastcalc._differences.sparsity.structure import Structure
from fastcalc._differences.steps import Rule
from fastcalc._functions.taylor import PolynomialFunction

AnyRecipe = recipes.Recipe | adaptive.Adaptive | exact.Exact | Compressed | FromValues


def solve(recipe: AnyRecipe, function: Function, x: NDArray[Any], frame: Frame, *, full: bool) -> Solution:
    """Derivatives at x (n, lanes); with ``full`` their errors, steps and statuses."""
    if isinstance(recipe, (adaptive.Adaptive, Compressed, FromValues)):
        return recipe.solve(function, x, frame, full=full)
    if isinstance(recipe, exact.Exact):
        return recipe.solve(cast(PolynomialFunction, function), x, frame, full=full)
    return solve_fixed(recipe, function, x, frame, full=full)


def aim(settings: Settings) -> Aim:
    """What the user asked an adaptive method for."""
    return Aim(settings.rtol, settings.atol, settings.noise, settings.max_evaluations)


def rule(settings: Settings, n: int, order: int | None = None, *, across: bool = False) -> Rule:
    """The rule for fixed steps of an n-th derivative, part of one of this order."""
    return Rule(KINDS.get(settings.method, CENTRAL), n, settings.accuracy, order or n, across)


def lines(settings: Settings, order: int, n: int, *, base: bool = False) -> AnyRecipe:
    """Derivatives of this order along n coordinates; kept and shared where it pays."""
    if settings.method == "adaptive":
        return adaptive.Lines(aim(settings), order)
    if settings.method == "exact":
        return exact.Lines(order, n)
    return recipes.lines(KINDS[settings.method], order, settings.accuracy, n, base)


def some_lines(
    settings: Settings, order: int, n: int, chosen: NDArray[np.intp] | None, *, base: bool = False
) -> AnyRecipe:
    """The same along some of the coordinates."""
    if settings.method == "adaptive":
        return adaptive.Lines(aim(settings), order, chosen=chosen)
    if settings.method == "exact":
        return exact.Lines(order, n, chosen)
    return recipes.Lines(rule(settings, order), n, chosen=chosen, base=base)


def compressed(settings: Settings, structure: Structure) -> AnyRecipe:
    """First derivatives at the entries of a pattern."""
    if settings.method == "adaptive":
        return Ladders(aim(settings), structure)
    if settings.method == "exact":
        return Series(structure)
    return Differences(rule(settings, 1), structure)


def pairs(settings: Settings, triangle: Triangle) -> AnyRecipe:
    """Second derivatives of a scalar function at the entries of a pattern."""
    return from_values(settings.method, rule(settings, 2, across=True), aim(settings), triangle)


def hessian(settings: Settings, n: int) -> AnyRecipe:
    """All second derivatives."""
    if settings.method == "adaptive":
        return adaptive.Hessian(aim(settings), n)
    if settings.method == "exact":
        return exact.Hessian(n)
    return recipes.hessian(KINDS[settings.method], settings.accuracy, n)


def direction(settings: Settings, v: NDArray[Any], groups: list[NDArray[np.intp]], order: int = 1) -> AnyRecipe:
    """Derivatives of this order along v, a result for each group of variables."""
    if settings.method == "adaptive":
        return adaptive.Lines(aim(settings), order, v=v, groups=groups)
    if settings.method == "exact":
        return exact.Direction(v, order)
    return recipes.Direction(rule(settings, order), v, groups)


def hessian_direction(settings: Settings, v: NDArray[Any], group: NDArray[np.intp]) -> AnyRecipe:
    """The products H v, v restricted to a group of variables."""
    if settings.method == "adaptive":
        return adaptive.HessianDirection(aim(settings), v, group)
    if settings.method == "exact":
        return exact.HessianDirection(v)
    return recipes.HessianDirection(rule(settings, 2, across=True), v, group)


def partial(settings: Settings, alpha: tuple[int, ...]) -> AnyRecipe:
    """One mixed partial derivative in at least two variables; exact ones in any number."""
    if settings.method == "adaptive":
        return adaptive.Partial(aim(settings), alpha)
    if settings.method == "exact":
        return exact.Partial(alpha)
    return recipes.Partial(rule(settings, max(alpha), sum(alpha)), alpha)
