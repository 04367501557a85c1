"""Exact derivatives: f runs on Taylor polynomials, and derivatives are coefficients of the result times factorials.

With ``x_i + t_i`` in the place of x_i, the coefficient of f at t**alpha is D^alpha f / alpha!. As many variables t_i
are taken at once as keep the coefficients in the cache: each operation inside f is one pass over them. A recipe says
which variables go together; a run is one call of f. A. Griewank, A. Walther, *Evaluating Derivatives*, SIAM 2008,
sections 3.1 and 13.2.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._differences.recipes import Frame
from fastcalc._differences.solve import Known, Solution
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._results import Status
from fastcalc._taylor.data import series_dtype
from fastcalc._taylor.space import TaylorSpace

_Array = NDArray[Any]
_Mask = NDArray[np.bool_]
_Places = NDArray[np.intp]
_BYTES = 2**18  # of coefficients of x in a run
_BYTES_OF_PAIRS = 2**22  # the same for Hessians too large for one run
_FEWEST = 4  # variables in a run, whatever they take: f itself is computed in each run


@dataclass(slots=True)
class Run:
    """One call of f: which coefficients of x are not 0 beside its values, and which ones of f are results.

    ``seeds[0]``: terms, ``seeds[1]``: components, ``seeds[2]``: 1 or (len(terms), lanes). Results number `targets` are
    the terms `terms` times `factor`, a number or (len(terms), 1).
    """

    space: TaylorSpace
    seeds: tuple[_Places, _Places, _Array | int]
    terms: _Places | slice
    targets: _Places | slice
    factor: _Array | float = 1.0

    def seeded(self, x: _Array, start: int, stop: int) -> _Array:
        """Fresh coefficients (n_terms, n, stop - start) for some of the points x (n, lanes)."""
        terms, components, values = self.seeds
        coef = np.zeros((self.space.n_terms, len(x), stop - start), series_dtype(x.dtype))
        coef[0] = x[:, start:stop]
        coef[terms, components] = values if isinstance(values, int) else values[:, start:stop]
        return coef

    def results(self, series: _Array) -> _Array:
        """Results (m, ...) from coefficients of f (n_terms, m, ...)."""
        results = series[self.terms].swapaxes(0, 1)
        return results if isinstance(self.factor, float) and self.factor == 1 else results * self.factor


class Exact:
    """What all exact recipes share: calls of f, and their results put in place."""

    def __init__(self, n: int, n_targets: int) -> None:
        self.n, self.n_targets = n, n_targets
        self._alone: tuple[Run, _Array] | None = None

    def runs(self, itemsize: int) -> Iterator[Run]:
        """The runs, for x of that many bytes an entry; at least one."""
        raise NotImplementedError

    def touched(self, fixed: _Mask) -> _Mask:
        """Which results (n_targets, lanes) need the variables (n, lanes) to which bounds leave no room."""
        raise NotImplementedError

    def solve(self, function: PolynomialFunction, x: _Array, frame: Frame, *, full: bool) -> Solution:
        """Derivatives at x (n, lanes); with ``full`` their statuses. Errors and steps are unknown, NaN."""
        n, lanes = x.shape
        function.start()
        found = _Found(self.n_targets, lanes)
        for run in self.runs(x.itemsize):
            width = max(1, _BYTES // max(1, run.space.n_terms * n * x.itemsize)) if function.takes_blocks else 1
            for start in range(0, lanes, width):
                stop = min(start + width, lanes)
                coef = run.seeded(x, start, stop)
                series = function(run.space, coef.reshape(len(coef), *function.point_shape(stop - start)), stop - start)
                if series is not None:
                    found.put(function, run, series, start, stop)
        value, base = found.finish(function, x.dtype)
        fixed = None
        if frame.bounds is not None:
            fixed = self.touched(np.broadcast_to(frame.bounds[0] == frame.bounds[1], x.shape))
            value[:, fixed] = np.nan
        step = np.full((self.n_targets, lanes), np.nan, x.real.dtype)
        return Solution(value, step, base, _known(value, fixed) if full else None)

    def at_once(self, function: PolynomialFunction, x: _Array) -> _Array | None:
        """Results (m, n_targets) at one float64 point of a plain function, None where it takes more than one run.

        A single run has all results, in their order.
        """
        if function.takes_blocks or function.point_shape(1) != x.shape:
            return None
        if self._alone is None:
            first, *more = self.runs(x.itemsize)
            if more:
                return None
            coef = first.seeded(x.reshape(-1, 1), 0, 1)
            self._alone = first, coef.reshape(len(coef), *x.shape)
        run, template = self._alone
        coef = template.copy()
        coef[0] = x
        function.start()
        series = function(run.space, coef, 1)
        if series is None:
            return None
        return np.array(run.results(series.reshape(len(series), -1, 1)), function.dtype, order="C")


def _known(value: _Array, fixed: _Mask | None) -> Known:
    status = np.where(np.isfinite(value), Status.EXACT, Status.NON_FINITE).astype(np.int8)
    if fixed is not None:
        status[:, fixed] = Status.FIXED_VARIABLE
    return Known(np.full(value.shape, np.nan, value.real.dtype), status)


class _Found:
    """Results (m, n_targets, lanes) and f(x) (m, lanes) as they come in; NaN before that."""

    def __init__(self, n_targets: int, lanes: int) -> None:
        self.n_targets, self.lanes = n_targets, lanes
        self.value = self.base = np.zeros(0)

    def put(self, function: PolynomialFunction, run: Run, series: _Array, start: int, stop: int) -> None:
        """The results of a run at some of the points."""
        self._reserve(function, function.dtype)
        flat = series.reshape(len(series), len(self.base), stop - start)
        self.base[:, start:stop] = flat[0]
        self.value[:, run.targets, start:stop] = run.results(flat)

    def _reserve(self, function: PolynomialFunction, dtype: np.dtype[Any] | None) -> None:
        if self.value.ndim == 1:
            assert function.shape is not None
            m = math.prod(function.shape)
            self.value = np.full((m, self.n_targets, self.lanes), np.nan, dtype)
            self.base = np.full((m, self.lanes), np.nan, dtype)
        elif self.value.dtype != dtype:
            self.value, self.base = self.value.astype(dtype), self.base.astype(dtype)

    def finish(self, function: PolynomialFunction, dtype: np.dtype[Any]) -> tuple[_Array, _Array]:
        """All results and f(x); of a scalar where f gave nothing at all."""
        if function.shape is None:
            function.shape = ()
        self._reserve(function, function.dtype or dtype)
        return self.value, self.base


class Lines(Exact):
    """Derivatives of one order along the coordinates, all or those chosen."""

    def __init__(self, order: int, n: int, chosen: _Places | None = None) -> None:
        self.order = order
        self.chosen = np.arange(n) if chosen is None else chosen
        super().__init__(n, len(self.chosen))

    def runs(self, itemsize: int) -> Iterator[Run]:
        """Runs of as many variables as fit."""
        for start, stop in spans(self.n_targets, fitting(self.order, self.n, itemsize)):
            c = stop - start
            space = TaylorSpace(max(1, c), self.order)
            linear = np.arange(1, 1 + c)
            terms = slice(1, 1 + c) if self.order == 1 else _pure(c, self.order)
            factor = float(math.factorial(self.order))
            yield Run(space, (linear, self.chosen[start:stop], 1), terms, slice(start, stop), factor)

    def touched(self, fixed: _Mask) -> _Mask:
        """Their own variables."""
        return fixed[self.chosen]


class Hessian(Exact):
    """All second derivatives."""

    def __init__(self, n: int) -> None:
        super().__init__(n, n * n)

    def runs(self, itemsize: int) -> Iterator[Run]:
        """One run, or one for each pair of chunks of variables."""
        whole = spans(self.n, fitting(2, self.n, itemsize, _BYTES_OF_PAIRS))
        if len(whole) == 1:
            every = np.arange(self.n)
            yield self._run(every, every, every)
            return
        half = spans(self.n, max(2, (whole[0][1] - whole[0][0]) // 2))
        parts = [np.arange(start, stop) for start, stop in half]
        for i, rows in enumerate(parts):
            for j, columns in enumerate(parts[:i]):
                both = np.concatenate([columns, rows])
                # the blocks on the diagonal come with their neighbours
                yield self._run(both, both if j == i - 1 else rows, both if j == i - 1 else columns)

    def _run(self, variables: _Places, rows: _Places, columns: _Places) -> Run:
        """A run of some variables; of the results those in some rows and columns, and their mirror image."""
        c = len(variables)
        place = {int(v): k for k, v in enumerate(variables)}
        i = np.array([place[int(v)] for v in rows], np.intp)
        j = np.array([place[int(v)] for v in columns], np.intp)
        terms = quadratic(c)[np.ix_(i, j)].reshape(-1)
        factor = np.where(np.equal.outer(i, j), 2.0, 1.0).reshape(-1, 1)
        targets = (rows[:, None] * self.n + columns).reshape(-1)
        if rows is not columns:
            mirrored = (columns * self.n + rows[:, None]).reshape(-1)
            terms, targets, factor = np.tile(terms, 2), np.concatenate([targets, mirrored]), np.tile(factor, (2, 1))
        return Run(TaylorSpace(max(1, c), 2), (np.arange(1, 1 + c), variables, 1), terms, targets, factor)

    def touched(self, fixed: _Mask) -> _Mask:
        """Rows and columns of their variables."""
        return (fixed[:, None] | fixed[None]).reshape(self.n_targets, -1)


class Direction(Exact):
    """Derivative of some order along v (n, lanes)."""

    def __init__(self, v: _Array, order: int = 1) -> None:
        super().__init__(len(v), 1)
        self.v, self.order = v, order

    def runs(self, itemsize: int) -> Iterator[Run]:
        """One variable, by which x moves along v."""
        every, last = np.arange(self.n), slice(self.order, self.order + 1)
        factor = float(math.factorial(self.order))
        yield Run(TaylorSpace(1, self.order), (np.ones_like(every), every, self.v), last, slice(0, 1), factor)

    def touched(self, fixed: _Mask) -> _Mask:
        """All that v moves."""
        return _moved(fixed, self.v)


class HessianDirection(Exact):
    """Products H v for v (n, lanes): derivatives by t and by x_i at x + t v."""

    def __init__(self, v: _Array) -> None:
        super().__init__(len(v), len(v))
        self.v = v

    def runs(self, itemsize: int) -> Iterator[Run]:
        """Runs of as many variables as fit, with the terms 1, t, x_i and t x_i."""
        n = self.n
        every, ones = np.arange(n), np.ones_like(self.v)
        for start, stop in spans(n, fitting(1, n, 2 * itemsize)):
            c = stop - start
            own = np.arange(start, stop)
            terms = np.concatenate([np.ones_like(every), 2 + own - start])
            seeds = terms, np.concatenate([every, own]), np.concatenate([self.v, ones[start:stop]])
            yield Run(_tangents(c), seeds, slice(2 + c, 2 + 2 * c), slice(start, stop))

    def touched(self, fixed: _Mask) -> _Mask:
        """Their own variables, and all that v moves."""
        return fixed | _moved(fixed, self.v)


class Partial(Exact):
    """One partial derivative."""

    def __init__(self, alpha: tuple[int, ...]) -> None:
        super().__init__(len(alpha), 1)
        self.alpha = alpha
        self.involved = np.flatnonzero(alpha)

    def runs(self, itemsize: int) -> Iterator[Run]:
        """One run, in a space whose last term is the one in question."""
        orders = [power for power in self.alpha if power]
        c = len(orders)
        space = TaylorSpace(c, sum(orders), max_degrees=orders) if c else TaylorSpace(1, 0)
        # linear terms of a space with caps come in the order of the variables, too
        seeds = np.arange(1, 1 + c), self.involved, 1
        factor = float(math.prod(map(math.factorial, orders)))
        yield Run(space, seeds, slice(space.n_terms - 1, space.n_terms), slice(0, 1), factor)

    def touched(self, fixed: _Mask) -> _Mask:
        """The variables involved."""
        moved: _Mask = np.any(fixed[self.involved], axis=0)
        return moved[None]


def _moved(fixed: _Mask, v: _Array) -> _Mask:
    """Whether v moves a fixed variable (1, lanes)."""
    moved: _Mask = np.any(fixed & (v != 0), axis=0, keepdims=True)
    return moved


def fitting(degree: int, n: int, itemsize: int, budget: int = _BYTES) -> int:
    """How many of n variables a run has room for, with coefficients of this many bytes."""
    c = _FEWEST
    while c < n and math.comb(c + 1 + degree, degree) * n * itemsize <= budget:
        c += 1
    return c


def spans(n: int, most: int) -> list[tuple[int, int]]:
    """Starts and ends of chunks of n things, of nearly the same size; at least one."""
    count = max(1, -(-n // most))
    ends = [n * k // count for k in range(count + 1)]
    return list(itertools.pairwise(ends))


@functools.lru_cache(64)
def _pure(c: int, order: int) -> _Places:
    """Places of the pure powers of this order."""
    return TaylorSpace(max(1, c), order).find(order * np.eye(max(1, c), dtype=np.int64))[:c]


@functools.lru_cache(8)
def quadratic(c: int) -> _Places:
    """Places (c, c) of the products of two variables."""
    place = np.empty((c, c), np.intp)
    i, j = np.triu_indices(c)
    place[i, j] = place[j, i] = 1 + c + np.arange(len(i))
    return place


@functools.lru_cache(16)
def _tangents(c: int) -> TaylorSpace:
    """The space of the terms 1, t, x_i, t x_i, in this order."""
    c = max(1, c)
    return TaylorSpace(1 + c, 3, max_degrees=(1,) * (1 + c), weights=(1,) + (2,) * c)
