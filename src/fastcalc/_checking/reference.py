"""The derivative to compare with: extrapolated differences of f, with an error estimate, for what is checked only.

components    d/dz f(x with z in the place of some variables)
directions    d/dt f(x + sum_d t_d v_d)   at t = 0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.subject import Call, Subject
from fastcalc._differences.operators import Jacobian
from fastcalc._results import DerivativeResult

_Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Components:
    """Points with z in the place of some variables."""

    variables: NDArray[np.intp]

    def __call__(self, point: _Array, z: _Array, lanes: _Array | slice) -> _Array:
        point[self.variables] = z
        return point


@dataclass(frozen=True, slots=True)
class _Directions:
    """Points moved by t along directions (d, n, lanes), inside the bounds whatever rounding does."""

    directions: _Array
    lower: _Array
    upper: _Array

    def __call__(self, point: _Array, t: _Array, lanes: _Array | slice) -> _Array:
        for direction, distance in zip(self.directions, t, strict=True):
            if np.any(distance):
                point += distance * direction[:, lanes]
        return np.clip(point, self.lower[:, lanes], self.upper[:, lanes])


@dataclass(frozen=True, slots=True)
class _OfCoordinates:
    """f as a function of coordinates z (c,), or (c + 1, k) where f is vectorised: then the last coordinate, which never
    changes, is the number of the point in the batch. An object, and not a closure, for workers in other processes.
    """

    call_f: Call
    place: _Components | _Directions
    points: _Array
    shape: tuple[int, ...]
    vectorized: bool
    unit: _Array | None

    def __call__(self, z: _Array) -> Any:
        if self.vectorized:
            lanes = z[-1].astype(np.intp)
            return self.in_units(self.call_f(self.place(self.points[:, lanes], z[:-1], lanes)), lanes)
        point = self.place(self.points.copy(), z[:, None], slice(None))
        return self.in_units(self.call_f(point.reshape(self.shape)[()]), 0)

    def in_units(self, output: Any, lanes: Any) -> Any:
        """Outputs of f as multiples of their noise: one number then says how noisy all are."""
        if self.unit is None:
            return output
        numbers = np.asarray(output)
        return numbers / self.unit[:, lanes].reshape(numbers.shape)


class Reference(NamedTuple):
    """Reference values with what is known of them, each (m, c, lanes) for c components or directions."""

    value: _Array
    error: _Array  # NaN where unknown
    step: _Array
    status: _Array
    success: _Array
    evaluations: int

    def beside(self, other: Reference) -> Reference:
        """Both, side by side."""
        names = ("value", "error", "step", "status", "success")
        parts = {name: np.concatenate([getattr(self, name), getattr(other, name)], axis=1) for name in names}
        return Reference(**parts, evaluations=self.evaluations + other.evaluations)


def of_components(subject: Subject, variables: NDArray[np.intp], widen: float = 1.0) -> Reference:
    """Partial derivatives by some variables; ``widen`` above 1 gives other steps."""
    scale = None if subject.settings.scale is None and widen == 1 else widen * subject.size[variables]
    place = _Components(variables)
    return _along(subject, place, subject.points[variables], scale, subject.lower[variables], subject.upper[variables])


def of_directions(subject: Subject, directions: _Array, reach: _Array, widen: float = 1.0) -> Reference:
    """Derivatives along directions (d, n, lanes), whose steps t end at `reach` (2, d, lanes)."""
    place = _Directions(directions, subject.lower, subject.upper)
    start = np.zeros((len(directions), subject.lanes), subject.points.dtype)
    return _along(subject, place, start, np.full(start.shape, widen), reach[0], reach[1])


def _along(
    subject: Subject,
    place: _Components | _Directions,
    start: _Array,
    scale: _Array | None,
    lower: _Array,
    upper: _Array,
) -> Reference:
    """Derivatives of f by coordinates z (c, lanes), of which ``place`` makes points."""
    points, x, count = subject.points, subject.x, len(start)
    vectorized = subject.settings.vectorized
    f_of_coordinates = _OfCoordinates(subject.call_f, place, points, x.shape, vectorized, subject.unit)

    if vectorized:
        number = np.arange(subject.lanes, dtype=points.dtype)[None]
        start, lower, upper = (np.concatenate([part, number]) for part in (start, lower, upper))
        scale = None if scale is None else np.concatenate([scale, np.ones_like(number)])
    else:
        start, lower, upper = start[:, 0], lower[:, 0], upper[:, 0]
        scale = None if scale is None else scale[:, 0]
    options = {name: getattr(subject.settings, name) for name in ("vectorized", "on_error", "noise")} | {"scale": scale}
    if vectorized or np.isfinite(lower).any() or np.isfinite(upper).any():
        options["bounds"] = (lower, upper)
    if subject.unit is not None:
        options["noise"] = 1.0
    options["workers"] = subject.workers
    found = _differentiate(f_of_coordinates, start, options)
    unit = 1 if subject.unit is None else subject.unit[:, None]

    def of_user(part: Any) -> _Array:
        return np.reshape(part, (subject.function.m, -1, subject.lanes))[:, :count]

    value, error = unit * of_user(found.value), unit * of_user(found.error)
    status, success = of_user(found.status), of_user(found.success)
    return Reference(value, error, of_user(found.step), status, success, found.evaluations)


def _differentiate(f: Callable[..., Any], z: _Array, options: dict[str, Any]) -> DerivativeResult:
    result: DerivativeResult = Jacobian(f, method="adaptive", full_output=True, **options)(z)
    return result
