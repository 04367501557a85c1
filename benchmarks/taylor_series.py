"""The tables of Taylor arithmetic: operations on one series, on small ones, on batches; evaluation.

Sizes are (degree, number of variables). Series are dense and random, and all engines get the same.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import fastcalc as fc
from benchmarks import taylor_peers as peers
from benchmarks.taylor_numpy import Algebra, random_series
from benchmarks.taylor_peers import BINARY, EXPONENT, OPERATIONS
from benchmarks.taylor_reference import reference
from benchmarks.taylor_rows import DACE, FASTCALC, MADNG, MADNG_IN_PLACE, NUMPY, Candidate, Group, Row, Target

LARGE = ((10, 4), (8, 6), (20, 3), (10, 6))
SMALL = ((10, 2), (2, 10), (1, 10))
OURS: dict[str, Callable[..., Any]] = {
    "product": operator.mul,
    "division": operator.truediv,
    "power": lambda a: a**EXPONENT,
    **{name: getattr(np, name) for name in OPERATIONS if hasattr(np, name) and name != "power"},
}
SHARES = {
    "product": 0.75, "division": 0.2, **dict.fromkeys(("exp", "log", "sqrt", "power"), 0.3),
    **dict.fromkeys(("sin", "cos", "tan", "sinh", "arctan"), 0.45),
}  # fmt: skip
FEW = 64  # series of a batch that are given to engines that take one at a time


@functools.cache
def algebra(degree: int, n_variables: int) -> Algebra:
    return Algebra(n_variables, degree)


@functools.lru_cache(maxsize=2)
def operands(name: str, degree: int, n_variables: int, shape: tuple[int, ...] = ()) -> tuple[Any, ...]:
    """Coefficients of the one or two series that the operation takes, the same for all engines of a row."""
    a = random_series(n_variables, degree, shape, constant=1.2)
    return (a, random_series(n_variables, degree, shape, constant=0.7, seed=1)) if name in BINARY else (a,)


def polynomials(degree: int, n_variables: int, coefs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Polynomials around one point, as all are that stem from one call of `variables`."""
    space = fc.TaylorSpace(n_variables, degree)
    together = fc.TaylorPolynomial(space, np.stack(coefs, axis=1), np.zeros(n_variables))
    return tuple(together[k].copy() for k in range(len(coefs)))


def _bound(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], Any]:
    """Without the cost of unpacking at each call: small series take a microsecond."""
    if len(arguments) == 1:
        (a,) = arguments
        return lambda: function(a)
    a, b = arguments
    return lambda: function(a, b)


# --- one series ------------------------------------------------------------------------------------------------------


def series_row(name: str, size: tuple[int, int], target: Target | None) -> Row:
    """One operation on one series, in all ways that there are."""

    def ours() -> Candidate:
        return Candidate(_bound(OURS[name], polynomials(*size, operands(name, *size))), lambda p: p.coef)

    def madng(in_place: bool) -> Candidate | None:
        peer = peers.madng(size[1], size[0], algebra(*size).exponents)
        if peer is None:
            return None
        function = peer.operation_in_place(name) if in_place else peer.operation(name)
        return Candidate(_bound(function, tuple(map(peer.series, operands(name, *size)))), peer.coefficients)

    def dace() -> Candidate | None:
        peer = peers.dace(size[1], size[0], algebra(*size).exponents)
        if peer is None:
            return None
        arguments = tuple(map(peer.series, operands(name, *size)))
        return Candidate(_bound(peer.operation(name), arguments), peer.coefficients)

    engines: dict[str, Callable[[], Candidate | None]] = {
        FASTCALC: ours,
        MADNG: lambda: madng(False),
        MADNG_IN_PLACE: lambda: madng(True),
        DACE: dace,
    }
    if name == "product":
        engines[NUMPY] = lambda: Candidate(_bound(algebra(*size).product, operands(name, *size)), np.asarray)

    def terms() -> Any:
        return reference(algebra(*size), name, *operands(name, *size))[1]

    return Row(f"{name} ({size[0]}, {size[1]})", engines, target, terms)


def dense(sizes: tuple[tuple[int, int], ...] = LARGE) -> Group:
    rows = [series_row(name, size, Target(SHARES[name], MADNG)) for name in OPERATIONS for size in sizes]
    return Group("dense", "one dense series (degree, variables)", (MADNG, MADNG_IN_PLACE, DACE, NUMPY), rows)


def small(sizes: tuple[tuple[int, int], ...] = SMALL) -> Group:
    rows = [series_row(name, size, Target(1.5e-6)) for name in ("product", "exp") for size in sizes]
    return Group("small", "small series (degree, variables)", (MADNG, MADNG_IN_PLACE, DACE, NUMPY), rows)


# --- batches ---------------------------------------------------------------------------------------------------------


def batch_row(name: str, size: tuple[int, int], count: int, target: Target) -> Row:
    """All series of a batch at once; peers take a few of them in a loop. Per series."""
    few = min(count, FEW)
    last = few - 1  # the one that results are compared for
    coefs = functools.partial(operands, name, *size, (count,))

    def ours() -> Candidate:
        return Candidate(_bound(OURS[name], polynomials(*size, coefs())), lambda p: p.coef[:, last], count)

    def one_at_a_time(peer: Any, function: Callable[..., Any]) -> Candidate:
        columns = [[peer.series(coef[:, k]) for k in range(few)] for coef in coefs()]
        arguments = list(zip(*columns, strict=True))

        def run() -> Any:
            for each in arguments:
                result = function(*each)
            return result

        return Candidate(run, peer.coefficients, few)

    def madng(in_place: bool) -> Candidate | None:
        peer = peers.madng(size[1], size[0], algebra(*size).exponents)
        return peer and one_at_a_time(peer, peer.operation_in_place(name) if in_place else peer.operation(name))

    engines: dict[str, Callable[[], Candidate | None]] = {
        FASTCALC: ours,
        MADNG: lambda: madng(False),
        MADNG_IN_PLACE: lambda: madng(True),
    }
    if name == "product":
        engines[NUMPY] = lambda: Candidate(_bound(algebra(*size).products, coefs()), lambda c: c[:, last], count)

    def terms() -> Any:
        return reference(algebra(*size), name, *(np.ascontiguousarray(coef[:, last]) for coef in coefs()))[1]

    return Row(f"{name} of {count} series ({size[0]}, {size[1]})", engines, target, terms)


def batch(
    sizes: tuple[tuple[int, int], ...] = ((10, 4), (2, 10)), counts: tuple[int, ...] = (64, 4096), *, share: float
) -> Group:
    rows = [
        batch_row(name, size, count, Target(share, MADNG))
        for name in ("product", "exp")
        for size in sizes
        for count in counts
    ]
    return Group("batch", "batches, time per series (degree, variables)", (MADNG, MADNG_IN_PLACE, NUMPY), rows)


# --- evaluation ------------------------------------------------------------------------------------------------------

ALONE = "value alone"
AT_ONCE = 20  # points for daceypy, which takes half a millisecond for each


def evaluation(size: tuple[int, int] = (10, 4), count: int = 100_000) -> Group:
    """Values, and values with gradients, at many points; per point. Nearly all points differ from the centre."""
    (coef,) = operands("exp", *size)
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (size[1], count))
    few = min(count, AT_ONCE)
    points = [np.ascontiguousarray(x[:, k]) for k in range(few)]

    def ours(name: str, value: Callable[[Any], Any] | None) -> Candidate:
        (p,) = polynomials(*size, (coef,))
        return Candidate(functools.partial(_evaluate, p, name, x), value, count)

    def dace(with_gradient: bool) -> Candidate | None:
        peer = peers.dace(size[1], size[0], algebra(*size).exponents)
        if peer is None:
            return None
        compiled = peer.compiled(peer.series(coef), with_gradient)
        return Candidate(lambda: [compiled(point) for point in points], lambda rows: np.transpose(rows), few)

    def in_numpy(table: Any) -> Candidate:
        run = functools.partial(algebra(*size).evaluate, table, x)
        return Candidate(run, lambda values: np.atleast_2d(values)[:, :few], count)

    def bounds(table: Any) -> Any:
        return np.abs(np.atleast_2d(table)) @ np.abs(algebra(*size).monomials(x[:, :few]))

    slopes = algebra(*size).derivatives(coef)
    rows = [
        Row(
            "p(x)",
            {
                FASTCALC: lambda: ours("value", lambda values: values[None, :few]),
                DACE: lambda: dace(False),
                NUMPY: lambda: in_numpy(coef),
            },
            Target(0.4e-6), lambda: bounds(coef),
        ),
        Row(
            "p.value_and_gradient(x)",
            {
                FASTCALC: lambda: ours("both", lambda pair: np.vstack([pair[0][None, :few], pair[1][:, :few]])),
                ALONE: lambda: ours("value", None),
                DACE: lambda: dace(True),
                NUMPY: lambda: in_numpy(slopes),
            },
            Target(2.3, ALONE), lambda: bounds(slopes),
        ),
    ]  # fmt: skip
    title = f"evaluation at {count} points, time per point ({size[0]}, {size[1]})"
    return Group("evaluation", title, (ALONE, DACE, NUMPY), rows)


def _evaluate(p: Any, name: str, x: Any) -> Any:
    return p(x) if name == "value" else p.value_and_gradient(x)
