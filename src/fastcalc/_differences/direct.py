"""Plans for C functions that Cython code differentiates without the GIL: the recipes of the operators, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc import _validation as check
from fastcalc._differences import methods, plans
from fastcalc._differences.recipes import EPSILON, Hessian, Lines, Recipe, Sides
from fastcalc._differences.settings import Settings, parse
from fastcalc._differences.solve import lost
from fastcalc._kernels.direct import Samples
from fastcalc._kernels.plan import Plan

_FIXED_STEPS = ("central", "forward", "backward")
_OPTIONS = ("method", "accuracy", "step", "scale")


def settings_of(options: Mapping[str, Any]) -> Settings:
    """The options of a plan, checked as those of the operators are."""
    for name in options:
        if name not in _OPTIONS:
            raise TypeError(
                f"unknown option {name!r}: the options of plans for C functions are {', '.join(_OPTIONS)}; for others "
                "hand the function to the operators, by `compiled`"
            )
    settings = parse(options)
    if settings.method not in _FIXED_STEPS:
        raise ValueError(
            f"`method` must be one of {', '.join(map(repr, _FIXED_STEPS))}; got {settings.method!r}: hand the function "
            "to the operators, by `compiled`"
        )
    return settings


def lines(settings: Settings, n: int, m: int, order: int = 1) -> Samples:
    """n-th derivatives by each of n variables, of m outputs."""
    recipe = methods.lines(settings, order, n)
    assert isinstance(recipe, Lines)
    (plan,) = recipe.plans()()
    return _samples(settings, recipe, plan, m)


def hessian(settings: Settings, n: int, m: int) -> Samples:
    """All second derivatives: one plan for all pairs of variables."""
    recipe = methods.hessian(settings, n)
    assert isinstance(recipe, Hessian)
    pairs = plans.Pairs(*map(np.concatenate, zip(*plans.hessian_pairs(n), strict=True)))
    every = np.arange(n, dtype=np.intp)
    sides = Sides.alike(recipe.rule.kind, n)
    plan = plans.pairs_plan(recipe.axes, *sides, settings.accuracy, pairs, n * n, every)
    return _samples(settings, recipe, plan, m)


def _samples(settings: Settings, recipe: Recipe, plan: Plan, m: int) -> Samples:
    return Samples(
        plan,
        m,
        recipe.relative,
        recipe.reach,
        recipe.tiny_below,
        lost(recipe.rule, EPSILON),
        _sizes("step", settings.step, recipe.n),
        _sizes("scale", settings.scale, recipe.n),
        recipe.measured,
    )


def _sizes(name: str, value: NDArray[Any] | None, n: int) -> NDArray[np.float64] | None:
    """A step or a size for each variable."""
    if value is None:
        return None
    return np.array(np.broadcast_to(check.per_variable(name, value, (n,), n), (n, 1)), np.float64).reshape(n)
