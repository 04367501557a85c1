"""From references to verdicts: tolerances, a second look at what seems wrong, the search for what was not sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.reference import Reference
from fastcalc._checking.remainder import Directions
from fastcalc._checking.subject import Subject
from fastcalc._checking.targets import Components, Products, Target
from fastcalc._checking.verdicts import Verdict, judge, tolerance

_Array = NDArray[Any]
_WIDER = 1.3  # sizes in the second look over those in the first
_ROUNDINGS = 16


@dataclass(slots=True)
class Compared:
    """Derivatives beside their references, all (m, c, lanes)."""

    target: Target
    value: _Array
    reference: Reference
    error: _Array  # of the reference, with the noise between calls of f
    rounding: _Array  # of the value
    allowed: _Array
    verdict: NDArray[np.int8]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Where the verdict is wrong."""
        return np.asarray(self.verdict == Verdict.WRONG)

    @property
    def excess(self) -> _Array:
        """Difference over tolerance; 0 where it is not known."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            ratio = np.abs(self.value - self.reference.value) / self.allowed
        ratio = np.where(np.isnan(self.value) & np.isfinite(self.reference.value), np.inf, ratio)
        return np.where(np.isnan(ratio) | ~self.reference.success, 0, ratio)

    def beside(self, other: Compared) -> Compared:
        """More components beside these."""
        assert isinstance(self.target, Components)
        assert isinstance(other.target, Components)
        names = ("value", "error", "rounding", "allowed", "verdict")
        arrays = {name: np.concatenate([getattr(self, name), getattr(other, name)], axis=1) for name in names}
        return Compared(self.target.beside(other.target), reference=self.reference.beside(other.reference), **arrays)


@dataclass(slots=True)
class Judge:
    """All that tolerances depend on.

    ``derivative`` is (m, n, lanes); ``spread`` (m, lanes) and ``drift`` (m, n, lanes) are how far f and its derivative
    at one point differ from call to call; ``variation`` (m, lanes) is how much f varies where each variable changes by
    its size.
    """

    subject: Subject
    derivative: _Array
    spread: _Array
    drift: _Array
    variation: _Array
    comparisons: int
    rtol: float
    evaluations: int = 0

    def compare(
        self, target: Target, reference: Reference, rounding: _Array, parts: Compared | None = None
    ) -> Compared:
        """Verdicts at first sight; ``parts`` are the components that a product is made of."""
        self.evaluations += reference.evaluations
        rounding = rounding + target.magnitude(self.drift)
        if parts is not None:  # what is tolerated in the parts is tolerated in their sum
            assert isinstance(parts.target, Components)
            tolerated = np.zeros_like(self.derivative)
            tolerated[:, parts.target.variables] = np.where(np.isfinite(parts.allowed), parts.allowed, 0)
            rounding = rounding + target.magnitude(tolerated)
        return self._judged(target, target.of(self.derivative), reference, rounding)

    def _judged(self, target: Target, value: _Array, reference: Reference, rounding: _Array) -> Compared:
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            moved = 2 * self.spread[:, None] + target.misplaced(self.derivative)
            error = reference.error + np.where(moved > 0, moved / reference.step, 0)
            negligible = np.sqrt(self.subject.epsilon) * self.variation[:, None] / target.size
        allowed = tolerance(error, rounding, self.comparisons)
        verdict = judge(value, reference, allowed, negligible, self.rtol)
        unsteady = (verdict == Verdict.INCONCLUSIVE) & (self.spread[:, None] > 0)
        verdict[unsteady] = Verdict.NOT_DETERMINISTIC
        return Compared(target, value, reference, error, rounding, allowed, verdict)

    def look_twice(self, found: Compared) -> Compared:
        """What seems wrong, with references from other steps too: their difference counts as an error."""
        places = np.flatnonzero(found.wrong.any(axis=(0, 2)))
        if len(places) == 0:
            return found
        second = found.target.some(places).reference(_WIDER)
        self.evaluations += second.evaluations
        first = found.reference
        with np.errstate(invalid="ignore"):
            apart = np.abs(first.value[:, places] - second.value)
            error = np.fmax(first.error[:, places], second.error) + apart
        merged = first._replace(error=first.error.copy(), status=first.status.copy(), success=first.success.copy())
        merged.error[:, places] = error
        merged.status[:, places] = np.where(second.success, first.status[:, places], second.status)
        merged.success[:, places] &= second.success
        return self._judged(found.target, found.value, merged, found.rounding)

    def locate(self, found: Compared, candidates: NDArray[np.intp]) -> int | None:
        """The variable, of those not compared, whose derivative makes a product wrong: by halving their set."""
        worst = np.unravel_index(found.excess.argmax(), found.excess.shape)[1]
        assert isinstance(found.target, Products)
        vectors, reach = found.target.directions
        epsilon = np.finfo(self.derivative.dtype).eps
        while len(candidates) > 1:
            halves = np.array_split(candidates, 2)
            split = np.zeros((2, *vectors.shape[1:]), vectors.dtype)
            for part, half in zip(split, halves, strict=True):
                part[half] = vectors[worst, half]
            both = Products(self.subject, Directions(split, reach[:, [worst, worst]]))
            compared = self.compare(both, both.reference(), _ROUNDINGS * epsilon * both.magnitude(self.derivative))
            excess = compared.excess.max(axis=(0, 2))
            if not excess.max() > 1:
                return None
            candidates = halves[int(excess.argmax())]
        return int(candidates[0]) if len(candidates) else None
