"""Step sizes: rounding against truncation, by dtype and stencil, and the room that bounds leave.

A stencil of error O(h**p) for the n-th derivative has the rounding error eps |f| / h**n, so that

    h = eps**(1 / (n + p)) * size,    size = max(abs(x), scale), and 1 where that is 0,

balances both. Steps are rounded so that the displaced points are floating-point numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.plans import BACKWARD, CENTRAL, COMPLEX, FIXED, FORWARD, line, reach
from fastcalc._kernels.steps import round_steps, true_steps

TINY = 1e-5  # below this, abs(x) alone is no reliable guide to the size of x

_Floats = NDArray[Any]
Distances = tuple[_Floats, _Floats, _Floats, float]


class Rule(NamedTuple):
    """How steps are chosen for one kind of line: n-th derivative, accuracy, kind, and what the user fixed."""

    kind: int
    n: int
    accuracy: int
    order: int  # of the whole derivative, where it is mixed: the power of h that divides rounding errors
    across: bool  # lines along pairs of axes go to one side by the one-sided reach, even where the axis is central

    def relative(self, epsilon: float) -> float:
        """Step over size."""
        if self.kind == COMPLEX:  # its square is far below the rounding of any real part
            return 2.0**-67 if epsilon < 1e-10 else 2.0**-30
        return float(epsilon ** (1.0 / (self.order + self.accuracy)))

    def floor(self, dtype: np.dtype[Any]) -> Any:
        """Smallest step: f' h of a complex step must not lose digits to gradual underflow."""
        if self.kind != COMPLEX:
            return 0
        limits = np.finfo(dtype)
        return limits.smallest_normal / limits.eps

    def tiny_below(self, epsilon: float) -> float:
        """Size below which steps are not to be relied on: 1e-5, and for higher derivatives where less than two digits
        would be left for a function of typical size and scale 1.
        """
        if self.order == 1:
            return TINY
        return max(TINY, min(0.5, float((400 * epsilon) ** (1.0 / self.order)) / self.relative(epsilon)))

    @property
    def reach(self) -> int:
        """Largest multiple of the step in use; 0 where x itself is not displaced."""
        return 0 if self.kind == COMPLEX else reach(self.kind, self.n, self.accuracy)


def is_tiny(size: _Floats, below: float) -> NDArray[np.bool_]:
    """Sizes that alone are no reliable guide to a step."""
    tiny: NDArray[np.bool_] = (size > 0) & (size < below)
    return tiny


def given_steps(rule: Rule, x: _Floats, step: _Floats) -> _Floats:
    """The user's steps, rounded to what x allows."""
    h = np.array(np.broadcast_to(step, x.shape), x.real.dtype, order="C")
    if rule.reach:
        round_steps(x, rule.reach, h)
    require_moved(x, x + h, np.ones(x.shape, np.bool_), np.broadcast_to(step, x.shape))
    return h


def require_moved(x: _Floats, moved: _Floats, wanted: NDArray[np.bool_], step: _Floats) -> None:
    """ValueError where a user's step is lost in x (n, lanes)."""
    lost = np.argwhere((moved == x) & wanted & np.isfinite(x))
    if len(lost):
        at = tuple(lost[0])
        where = "x" if x.size == 1 else f"component {at[0]} of x" if x.shape[1] == 1 else f"x[{at[0]}, {at[1]}]"
        raise ValueError(
            f"`step` must change x: {where}, {x[at]!s}, plus {step[at]!s} is the same floating-point number; take a "
            f"step of at least {np.spacing(abs(x[at].real))!s}"
        )


def line_distances(rule: Rule, kind: int) -> Distances:
    """Offsets, weights and denominator of a line, as the kernel `true_steps` takes them."""
    formula = line(kind, rule.n, rule.accuracy)
    minus = np.where(formula.minus >= 0, formula.offsets[formula.minus], 0.0)
    return formula.offsets[formula.plus], minus, formula.weight, float(formula.denominator)


def measured_steps(rule: Rule, x: _Floats, h: _Floats, kinds: NDArray[np.uint8] | None) -> _Floats:
    """The steps to divide first differences by; `kinds` None: all as the rule says."""
    out = np.empty_like(h)
    if kinds is None:
        true_steps(x, h, *line_distances(rule, rule.kind), out)
        return out
    distances = h
    for code in np.unique(kinds).tolist():
        if code != FIXED:
            true_steps(x, h, *line_distances(rule, code), out)
            distances = np.where(kinds == code, out, distances)
    return distances


def fit_bounds(
    rule: Rule, x: _Floats, h: _Floats, lower: _Floats, upper: _Floats
) -> tuple[_Floats, NDArray[np.uint8], NDArray[np.int8]]:
    """Steps, kinds and sides for which no point leaves the bounds.

    A central stencil shrinks to a quarter of its step before it turns one-sided; a one-sided one turns to the side with
    more room. Equal bounds, and bounds with no floating-point number between, fix a component.
    """
    one_sided = rule.kind if rule.kind in (FORWARD, BACKWARD) else FORWARD
    far = reach(one_sided, rule.n, rule.accuracy)
    lower, upper = np.broadcast_to(lower, x.shape), np.broadcast_to(upper, x.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        above, below = upper - x, x - lower
        roomier = np.maximum(above, below)
        if rule.kind == CENTRAL:
            centred = np.minimum(h, np.minimum(above, below) / rule.reach)
            if rule.across:
                centred = np.minimum(centred, roomier / far)
            turned = np.minimum(h, roomier / far)
            stays = ~(4 * centred < turned)
            kinds = np.where(stays, CENTRAL, np.where(above >= below, FORWARD, BACKWARD))
            fitted = np.where(stays, centred, turned)
        elif rule.kind == COMPLEX:
            kinds, fitted = np.full(x.shape, COMPLEX), h
        else:
            room, other = (above, below) if rule.kind == FORWARD else (below, above)
            asked, turned = np.minimum(h, room / far), np.minimum(h, other / far)
            stays = ~(4 * asked < turned)
            kinds = np.where(stays, rule.kind, FORWARD + BACKWARD - rule.kind)
            fitted = np.where(stays, asked, turned)
    kinds[lower == upper] = FIXED
    if rule.kind == COMPLEX:
        return h, kinds.astype(np.uint8), np.ones(x.shape, np.int8)
    signs = np.where(kinds == BACKWARD, -1, np.where((kinds == CENTRAL) & (below > above), -1, 1)).astype(np.int8)
    changed = (fitted != h) | (kinds != rule.kind)
    fitted = np.where(changed, _shrink_into(fitted, x, lower, upper, kinds, signs, rule, far), h)
    kinds[~(fitted > 0) & np.isfinite(x)] = FIXED
    return fitted, kinds.astype(np.uint8), signs


def _shrink_into(
    h: _Floats,
    x: _Floats,
    lower: _Floats,
    upper: _Floats,
    kinds: NDArray[Any],
    signs: NDArray[np.int8],
    rule: Rule,
    far: int,
) -> _Floats:
    """Round the steps, then take off spacings until the farthest points stand inside."""
    h = np.ascontiguousarray(h)
    outer = far if rule.across or rule.kind != CENTRAL else max(far, rule.reach)
    round_steps(np.ascontiguousarray(x), outer, h)
    for _ in range(4):
        to_right = np.where(kinds == CENTRAL, rule.reach, np.where(kinds == FORWARD, far, 0))
        to_left = np.where(kinds == CENTRAL, rule.reach, np.where(kinds == BACKWARD, far, 0))
        if rule.across:
            to_right = np.where(signs > 0, far, to_right)
            to_left = np.where(signs < 0, far, to_left)
        outside = (x + to_right.astype(h.dtype) * h > upper) | (x - to_left.astype(h.dtype) * h < lower)
        if not outside.any():
            break
        h = np.where(outside, h - np.spacing(np.abs(x) + outer * np.abs(h)), h)
    return np.where(outside, 0, h)
