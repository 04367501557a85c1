"""A check from beginning to end: sample, compare with references, look twice at what seems wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.judging import Compared, Judge
from fastcalc._checking.progress import in_parts
from fastcalc._checking.reference import Reference
from fastcalc._checking.remainder import Directions, Remainders, choose_directions, measure
from fastcalc._checking.rounding import rounding_of
from fastcalc._checking.scatter import noise_of
from fastcalc._checking.subject import Subject
from fastcalc._checking.targets import Components, Products
from fastcalc._checking.verdicts import Verdict

_Array = NDArray[Any]
_LONG = 10.0  # seconds
_CALLS = 20  # of f per component, about


@dataclass(slots=True)
class Request:
    """What the user asked for, checked."""

    variables: NDArray[np.intp]
    directions: int
    rtol: float
    progress: bool | None
    rng: np.random.Generator


@dataclass(slots=True)
class Evidence:
    """What was found: everything that the report tells."""

    subject: Subject
    components: Compared
    products: Compared
    remainders: Remainders
    judge: Judge

    @property
    def evaluations(self) -> int:
        """Points at which f was evaluated."""
        return self.subject.function.evaluations + self.judge.evaluations


def examine(subject: Subject, request: Request) -> Evidence:
    """All of it; f and its derivative are first called here."""
    started = time.perf_counter()
    base = subject.values(subject.points)
    if base.size == 0:
        raise ValueError(f"`f` must return at least one number; got shape {subject.function.shape}: nothing to check")
    with np.errstate(all="ignore"):
        again = subject.values(subject.points)
    seconds = (time.perf_counter() - started) / 2
    derivative = subject.derivatives(subject.points)
    directions = choose_directions(subject, request.directions, request.rng)
    noise = np.fmax(noise_of(subject, base, directions.vectors[0]), _apart(base, again))
    remainders = measure(subject, base, derivative, directions, np.fmax(noise, subject.settings.noise or 0))
    subject.unit = _unit(subject, base, remainders.noise)

    components, products = Components(subject, request.variables), Products(subject, directions)
    long = seconds * _CALLS * len(request.variables) > _LONG
    references = _in_parts(components, shown=long if request.progress is None else request.progress)
    slopes = products.reference()

    with np.errstate(all="ignore"):
        spread = np.fmax(_apart(base, again), _apart(base, subject.values(subject.points)))
        drift = _apart(derivative, subject.derivatives(subject.points))
    roundings = rounding_of(subject, derivative, (components, products), directions.vectors[0], request.rng)
    variation = _variation(subject, derivative, remainders)
    comparisons = references.value.size + slopes.value.size
    judge = Judge(subject, derivative, spread, drift, variation, comparisons, request.rtol)
    compared = judge.look_twice(judge.compare(components, references, roundings[0]))
    along = judge.look_twice(judge.compare(products, slopes, roundings[1], compared))
    if not compared.wrong.any():
        compared, along = _look_further(judge, compared, along, directions, request)
    return Evidence(subject, compared, along, remainders, judge)


def _look_further(
    judge: Judge, compared: Compared, along: Compared, directions: Directions, request: Request
) -> tuple[Compared, Compared]:
    """Where a direction is wrong but no component that was compared, look for one among the others."""
    subject = judge.subject
    sampled = len(request.variables) < subject.n
    if along.wrong.any() or (sampled and (along.verdict != Verdict.RIGHT).any()):
        along = _without_doubts(judge, compared, along, directions, request)
    if along.wrong.any():
        found = judge.locate(along, np.setdiff1d(np.arange(subject.n), request.variables))
        if found is not None:
            one = Components(subject, np.array([found]))
            (rounding,) = rounding_of(subject, judge.derivative, (one,), directions.vectors[0], request.rng)
            compared = compared.beside(judge.look_twice(judge.compare(one, one.reference(), rounding)))
    return compared, along


def _without_doubts(
    judge: Judge, compared: Compared, along: Compared, directions: Directions, request: Request
) -> Compared:
    """Products along directions without the variables at which f is not smooth, or nothing can be said."""
    doubtful = request.variables[(compared.verdict != Verdict.RIGHT).any(axis=(0, 2))]
    if len(doubtful) == 0:
        return along
    vectors = directions.vectors.copy()
    vectors[:, doubtful] = 0
    products = Products(judge.subject, Directions(vectors, directions.reach))
    (rounding,) = rounding_of(judge.subject, judge.derivative, (products,), vectors[0], request.rng)
    return judge.look_twice(judge.compare(products, products.reference(), rounding, compared))


def _unit(subject: Subject, base: _Array, noise: _Array) -> _Array | None:
    """Powers of 2 (m, lanes) near the noise of each output, where that is not rounding; None if all of it is."""
    rounding = subject.function.epsilon * np.abs(base)
    if subject.settings.noise is not None or not (noise > 2 * rounding).any():
        return None
    level = np.fmax(noise, rounding)
    level = np.where((level > 0) & np.isfinite(level), level, np.min(level[level > 0], initial=1))
    return np.asarray(2.0 ** np.ceil(np.log2(level)), base.dtype)


def _in_parts(components: Components, *, shown: bool) -> Reference:
    """The references, with a progress bar between parts."""
    places = np.arange(len(components.variables))
    parts = [components.some(part).reference() for part in in_parts(places, "check", shown=shown)]
    found = parts[0]
    for part in parts[1:]:
        found = found.beside(part)
    return found


def _apart(first: _Array, second: _Array) -> _Array:
    """Distance of values that should be the same bits; infinite where only one is finite."""
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(second - first)
    return np.where(same, 0, np.where(np.isfinite(distance), distance, np.inf))


def _variation(subject: Subject, derivative: _Array, remainders: Remainders) -> _Array:
    """How much f (m, lanes) varies where each variable changes by its size."""

    def finite(values: _Array) -> _Array:
        return np.where(np.isfinite(values), np.abs(values), 0)

    with np.errstate(invalid="ignore", over="ignore"):
        slopes: _Array = finite(derivative * subject.size).max(axis=1)
    return np.asarray(np.fmax(slopes, finite(remainders.variation)))
