"""Plans for C functions that Cython code differentiates without the GIL: the recipes of the operators, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences import methods, plans
from fastcalc._differences.climb import START, smallest
from fastcalc._differences.recipes import EPSILON, Hessian, Lines, Recipe, Sides
from fastcalc._differences.settings import Settings, parse, parse_for_one_variable
from fastcalc._differences.solve import lost
from fastcalc._kernels.native_rungs import Rungs
from fastcalc._kernels.native_samples import Samples
from fastcalc._kernels.plan import Plan

_Method = Literal["central", "forward", "backward", "adaptive"]
_METHODS: tuple[_Method, ...] = get_args(_Method)


class PlanOptions(TypedDict, total=False):
    """The options of plans; those of the operators that need more than x and f(x) are missing."""

    method: _Method
    accuracy: int
    step: ArrayLike | None
    scale: ArrayLike | None
    noise: float | None
    rtol: float | None
    atol: float
    max_evaluations: int | None


def settings_of(options: Mapping[str, Any], *, one_variable: bool = False) -> Settings:
    """The options of a plan, checked as those of the operators are, with the same defaults."""
    known = PlanOptions.__annotations__
    for name in options:
        if name not in known:
            raise TypeError(
                f"unknown option {name!r}: those of plans for C functions are {', '.join(known)}; for others hand the "
                "function to the operators, by `compiled`"
            )
    settings = (parse_for_one_variable if one_variable else parse)(options)
    _one_of(settings, _METHODS)
    return settings


def _one_of(settings: Settings, methods: Sequence[str]) -> None:
    if settings.method not in methods:
        raise ValueError(
            f"`method` must be one of {', '.join(map(repr, methods))} here; got {settings.method!r}: hand the function "
            "to the operators, by `compiled`"
        )


def lines(settings: Settings, n: int, m: int, order: int = 1) -> Samples | Rungs:
    """Derivatives of an order by each of n variables, of m outputs."""
    step, scale = _sizes("step", settings.step, n), _sizes("scale", settings.scale, n)
    if settings.method == "adaptive":
        aim = methods.aim(settings)
        return Rungs(order, n, m, START, smallest(order), *aim.numbers(), step, scale)
    recipe = methods.lines(settings, order, n)
    assert isinstance(recipe, Lines)
    (plan,) = recipe.plans()()
    return _samples(recipe, plan, m, step, scale)


def hessian(settings: Settings, n: int) -> Samples:
    """All second derivatives: one plan for all pairs of variables."""
    _one_of(settings, _METHODS[:-1])
    step, scale = _sizes("step", settings.step, n), _sizes("scale", settings.scale, n)
    recipe = methods.hessian(settings, n)
    assert isinstance(recipe, Hessian)
    pairs = plans.Pairs(*map(np.concatenate, zip(*plans.hessian_pairs(n), strict=True)))
    every = np.arange(n, dtype=np.intp)
    sides = Sides.alike(recipe.rule.kind, n)
    plan = plans.pairs_plan(recipe.axes, *sides, settings.accuracy, pairs, n * n, every)
    return _samples(recipe, plan, 1, step, scale)


def _samples(
    recipe: Recipe, plan: Plan, m: int, step: NDArray[np.float64] | None, scale: NDArray[np.float64] | None
) -> Samples:
    few = lost(recipe.rule, EPSILON)
    return Samples(plan, m, recipe.relative, recipe.reach, recipe.tiny_below, few, step, scale, recipe.measured)


def _sizes(name: str, value: NDArray[Any] | None, n: int) -> NDArray[np.float64] | None:
    """A step or a size for each variable."""
    if value is None:
        return None
    return np.array(np.broadcast_to(check.per_variable(name, value, (n,), n), (n, 1)), np.float64).reshape(n)
