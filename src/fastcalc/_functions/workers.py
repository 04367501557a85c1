"""Functions called by workers: the adapters for points spread over threads, processes or a cluster.

Points are placed and outputs taken in as in a serial run; between the two, they are cut into tasks. How large a task is
depends on the number of points alone, never on the number of workers or on the clock: a vectorised f, whose last bits
may depend on the points beside, gives the same answer on any machine.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from fastcalc._functions.arguments import Arguments
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.compiled_calls import CompiledCalls
from fastcalc._functions.numba_functions import NumbaCompiled, NumbaFunction
from fastcalc._functions.pickling import Failure
from fastcalc._functions.progress import progress
from fastcalc._functions.warning import warn
from fastcalc._functions.worker_pools import Pool, Processes, Threads, ThreadsOrProcesses, core_count
from fastcalc._functions.worker_tasks import BlockCalls, Calls, PointCalls
from fastcalc._kernels.compiled import FunctionPointer
from fastcalc._kernels.lines import Lines
from fastcalc._kernels.mapped import MappedBlocks, MappedPoints
from fastcalc._kernels.plan import Plan

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]

_BYTES = 2**24  # of points and outputs kept before they are combined
_FEWEST = 32  # points at a time, however large they are; tasks to begin with, before anything is known of the outputs
_NARROW, _WIDE = 4, 16  # columns of a block: at least; from there on, as many as fill vector registers and caches
_TASKS_PER_ROOT = 8  # for points one by one, which are dear: tasks over the root of the number of points


def opened(workers: int | Map, f: Callable[..., Any], known: Sequence[Any], *, vectorized: bool) -> Map:
    """The map to use for f: a pool of threads or of processes, which have the objects `known`, or the one given."""
    if not isinstance(workers, int):
        return workers
    count = core_count() if workers == -1 else workers
    if count == 1 or vectorized or isinstance(f, CompiledFunction):
        return Threads(count)
    if isinstance(f, NumbaFunction):
        return ThreadsOrProcesses(count, known)
    return Processes(count, known)


def _width(points: int) -> int:
    """Points in a task, so that there are as many tasks as points in each."""
    return math.isqrt(max(0, points - 1)) + 1


def _cuts(points: int, width: int) -> list[tuple[int, int]]:
    return [(start, min(start + width, points)) for start in range(0, points, width)]


class _Spread:
    """The part that does not depend on the kind of function: tasks to a map, results in order."""

    __slots__ = ("arguments", "known", "map")

    def __init__(self, workers: Map) -> None:
        self.map = workers
        self.arguments: Arguments = (), (), None
        self.known = False  # whether f has given an output yet

    def results(
        self, call: Calls, pieces: Sequence[tuple[int, int]], part: Callable[[int, int], NDArray[Any]]
    ) -> Iterator[list[Any]]:
        """What the call gives for the parts, in order; it ends with the first that failed.

        Before anything is known of the outputs, a few tasks go first: they may show that all have to be done again.
        """
        first = 0
        while first < len(pieces):
            last = len(pieces) if self.known else min(_FEWEST, len(pieces))
            yield from self._round(call, pieces[first:last], part)
            first, self.known = last, True

    def _round(
        self, call: Calls, pieces: Sequence[tuple[int, int]], part: Callable[[int, int], NDArray[Any]]
    ) -> list[list[Any]]:
        found: list[list[Any]] = []
        results = _in_order(self.map(call, [(start, part(start, stop)) for start, stop in pieces]))
        try:
            with progress(pieces[-1][1] - pieces[0][0]) as shown:
                for start, stop in pieces:
                    found.append(_checked(next(results, None), start))
                    if call.has_failed(found[-1]):
                        break
                    shown.advance(stop - start)
        finally:
            if hasattr(results, "close"):
                results.close()  # cancels what is left, where the map knows how to
        if not call.reused:
            return found
        warn(
            "f returns the same array at each call, which threads write into at the same time: it is called in one "
            "thread instead. Return a new array, or use processes"
        )
        self.map = map
        again = Calls.of(call.parts)
        return [again((start, part(start, stop)))[1] for start, stop in pieces]


def _in_order(results: Any) -> Iterator[Any]:
    """What a map returned, to be taken one by one."""
    try:
        return iter(results)
    except TypeError:
        got, remedy = f"one {type(results).__name__}", "give a map that waits for its results, as that of an executor"
    raise TypeError(f"`workers` must return what the function returns for each item, in order; got {got}: {remedy}")


def _checked(result: Any, start: int) -> list[Any]:
    """The outputs of a task, if it is the one that begins there."""
    if isinstance(result, tuple) and len(result) == 2 and result[0] == start:
        outputs: list[Any] = result[1]
        return outputs
    if hasattr(result, "result") and callable(result.result):
        got, remedy = "futures", "give the map of an executor; of a dask Client, client.get_executor().map"
    elif isinstance(result, tuple):
        got, remedy = "results in another order", "give an ordered map, as pool.map or pool.imap"
    else:
        got = "too few results" if result is None else f"a {type(result).__name__}"
        remedy = "give a function as the built-in `map`, that calls the first argument at each item of the second"
    raise TypeError(f"`workers` must return what the function returns for each item, in order; got {got}: {remedy}")


class _Bound:
    """What adapters of Python functions share: the other arguments of f, which go along with its tasks."""

    __slots__ = ()
    _spread: _Spread

    def bind(self, before: tuple[Any, ...], after: tuple[Any, ...], keywords: dict[str, Any] | None) -> None:
        """Set the arguments before and after x, and those by name."""
        self._spread.arguments = before, after, keywords

    @property
    def workers(self) -> Map:
        """The map that spreads the calls."""
        return self._spread.map


class MappedPython(_Bound, MappedPoints):
    """Adapter for ``f(x)`` with one point x."""

    __slots__ = ("_f", "_go_on", "_spread")

    def __init__(
        self,
        f: Callable[..., Any],
        point_dtype: np.dtype[Any],
        point_shape: tuple[int, ...],
        scalar: bool,
        imaginary: bool,
        nan_on_error: bool,
        workers: Map,
    ) -> None:
        self._f, self._go_on, self._spread = f, nan_on_error, _Spread(workers)
        super().__init__(f, point_dtype, point_shape, scalar, imaginary, nan_on_error)

    def columns(self) -> int:
        """Values to keep in a block: enough for all workers, as far as memory allows."""
        return max(_FEWEST, _BYTES // (8 * (max(0, self.m) + self.n_components + 1))) if self.m >= 0 else _FEWEST

    def outputs(self, points: NDArray[Any]) -> Iterator[Any]:
        """What f returns at the points (k, *shape), or a Failure."""
        pieces = _cuts(len(points), max(1, _width(len(points)) // _TASKS_PER_ROOT))
        call = PointCalls(self._f, self._spread.arguments, go_on=self._go_on)
        for outputs in self._spread.results(call, pieces, lambda start, stop: points[start:stop]):
            self.evaluations += len(outputs)
            yield from outputs


class MappedVectorized(_Bound, MappedBlocks):
    """Adapter for ``f(X)`` with X (n, k), or (k,) for one variable."""

    __slots__ = ("_f", "_go_on", "_most", "_spread")
    _BLOCK_BYTES = 5 * 2**16  # of a task

    def __init__(
        self,
        f: Callable[..., Any],
        point_dtype: np.dtype[Any],
        n: int,
        one_row: bool,
        scalar: bool,
        imaginary: bool,
        nan_on_error: bool,
        workers: Map,
    ) -> None:
        self._f, self._go_on, self._spread = f, nan_on_error, _Spread(workers)
        super().__init__(f, point_dtype, n, one_row, scalar, imaginary, nan_on_error)

    def columns(self) -> int:
        """Values to keep in a block: enough for all workers, as far as memory allows."""
        return max(_FEWEST, _BYTES // (8 * max(1, self.m) + 8 * self.n_components))

    def outputs(self, points: NDArray[Any]) -> Iterator[tuple[int, Any]]:
        """What f returns at the points (n, k), in parts of them."""
        most = max(_WIDE, super().columns())
        width = min(most, max(_NARROW, _width(points.shape[-1])))
        if width > _WIDE:
            width = -(-width // _WIDE) * _WIDE
        pieces = _cuts(points.shape[-1], width) or [(0, 0)]  # f at no point shows the shape of its outputs
        call = BlockCalls(self._f, self._spread.arguments, go_on=self._go_on)
        for outputs in self._spread.results(call, pieces, lambda start, stop: points[..., start:stop]):
            count = sum(k for k, _ in outputs)
            self.evaluations += count if len(outputs) == 1 else 2 * count
            yield from outputs


def mapped_compiled(
    f: CompiledFunction, shape: tuple[int, ...], scalar: bool, nan_on_error: bool, workers: Map
) -> MappedCompiled | MappedPython:
    """The adapter for a compiled function of points x of this shape.

    One that can be sent to other processes is called from Python where the workers may be there.
    """
    if isinstance(f, NumbaCompiled) and not isinstance(workers, Pool):
        return MappedPython(f, np.dtype(np.float64), shape, scalar, False, nan_on_error, workers)
    threads = workers.threads if isinstance(workers, ThreadsOrProcesses) else workers
    return MappedCompiled(f.pointer, math.prod(shape), scalar, nan_on_error, threads)


class MappedCompiled(CompiledCalls):
    """Adapter for a `CompiledFunction`: serial adapters, each in one thread at a time, for some of the points each."""

    __slots__ = ("_idle", "_make", "_map")

    def __init__(self, pointer: FunctionPointer, n: int, scalar: bool, nan_on_error: bool, workers: Map) -> None:
        super().__init__(pointer, n, scalar, nan_on_error)
        self._map = workers
        self._make = lambda: CompiledCalls(pointer, n, scalar, nan_on_error)
        self._idle: deque[CompiledCalls] = deque()

    @property
    def workers(self) -> Map:
        """The map that spreads the calls."""
        return self._map

    def columns(self) -> int:
        """Values to keep in a block: enough for all workers, as far as memory allows."""
        return super().columns() if self.m < 0 else max(_FEWEST, _BYTES // (8 * self.m + 8))

    def evaluate(
        self,
        plan: Plan,
        first: int,
        last: int,
        x: NDArray[Any],
        h: NDArray[Any],
        all_lanes: int,
        lane0: int,
        lanes: int,
        column: int,
    ) -> bool:
        """Fill the columns from `column` with the values at points `first` to `last`, lanes innermost."""
        if self.m < 0:  # f shows the size of its outputs first
            return super().evaluate(plan, first, last, x, h, all_lanes, lane0, lanes, column)
        points = last - first
        self.reserve(column + points * lanes)
        goal = self.values[column : column + points * lanes].reshape(points, lanes, self.m)

        def some(caller: CompiledCalls, piece: tuple[int, int, int, int]) -> None:
            begin, end, lane, stop = piece
            caller.evaluate(plan, first + begin, first + end, x, h, all_lanes, lane0 + lane, stop - lane, 0)
            values = caller.values[: (end - begin) * (stop - lane)]
            goal[begin:end, lane:stop] = values.reshape(end - begin, stop - lane, self.m)

        width = _compiled_width(points * lanes)
        of_lanes, of_points = _cuts(lanes, max(1, width // max(1, points))), _cuts(points, width)
        self._run(some, [(*part, *lane) for lane in of_lanes for part in of_points])  # the order of a serial run
        return True

    def evaluate_along(self, lines: Lines, line: NDArray[Any], shift: NDArray[Any], count: int) -> None:
        """Fill the first `count` columns with the values at the displacements `shift` along the lines `line`."""
        if self.m < 0:
            super().evaluate_along(lines, line, shift, count)
            return
        self.reserve(count)
        goal = self.values

        def some(caller: CompiledCalls, piece: tuple[int, ...]) -> None:
            begin, end = piece
            caller.evaluate_along(lines, line[begin:end], shift[begin:end], end - begin)
            goal[begin:end] = caller.values[: end - begin]

        self._run(some, _cuts(count, _compiled_width(count)))

    def _run(self, some: Callable[[CompiledCalls, Any], None], pieces: Sequence[tuple[int, ...]]) -> None:
        results = _in_order(self._map(_SharedMemory(self._idle, self._make, some), list(enumerate(pieces))))
        try:
            with progress(len(pieces)) as shown:
                for place in range(len(pieces)):
                    (outcome,) = _checked(next(results, None), place)
                    if isinstance(outcome, Failure):
                        raise outcome.error
                    self.evaluations += outcome
                    shown.advance(1)
        finally:
            if hasattr(results, "close"):
                results.close()


def _compiled_width(points: int) -> int:
    return max(8, _width(points))


class _SharedMemory:
    """Some of the points by an adapter that is idle, into memory that all threads see; counts the calls of f."""

    def __init__(
        self, idle: deque[CompiledCalls], make: Callable[[], CompiledCalls], some: Callable[[CompiledCalls, Any], None]
    ) -> None:
        self._idle, self._make, self._some = idle, make, some
        self._failed_at = math.inf

    def __call__(self, task: tuple[int, Any]) -> tuple[int, list[int | Failure]]:
        place, piece = task
        if place > self._failed_at:
            return place, [0]
        try:
            caller = self._idle.pop()
        except IndexError:
            caller = self._make()
        caller.evaluations = 0
        try:
            self._some(caller, piece)
        except Exception as error:
            self._failed_at = min(place, self._failed_at)
            return place, [Failure(error)]
        self._idle.append(caller)
        return place, [caller.evaluations]

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a compiled function can't be sent to other processes, where its address means nothing; got `workers` that "
            "are processes: use threads, as by an integer, or a function of numba.njit"
        )
