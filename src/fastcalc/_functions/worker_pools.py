"""Pools of workers, for an integer `workers`: threads or processes, started when they are first needed.

A pool is called like `map`, ``pool(call, items)``, and gives the results in order. It ends with its owner, for the
executors of concurrent.futures end with the last reference to them, or when it is closed, or by Ctrl-C. A forked child
has none of the threads of its parent: it forgets their pools and starts its own when it needs them.
"""

from __future__ import annotations

import contextlib
import contextvars
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import Any

from fastcalc._functions.pickling import packed, unpacked
from fastcalc._functions.worker_tasks import Calls

_Call = Callable[[Any], Any]


def core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """What both kinds share: an executor that is there from the first call on, until the pool is closed."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._executor: Any = None
        self._lock = threading.Lock()
        _POOLS.add(self)

    def __call__(self, call: _Call, items: Iterable[Any]) -> Iterator[Any]:
        """Results of the call for all items, in order."""
        raise NotImplementedError

    def close(self) -> None:
        """End the workers, once they have done what they are at. A later call starts others."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True)

    def forget(self) -> None:
        """In a forked child: what was there belongs to the parent."""
        if self._executor is not None:
            _ABANDONED.append(self._executor)
        self._executor = None
        self._lock = threading.Lock()


_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()
_closing = 0  # the process that has been told to close its pools
_ABANDONED: list[Executor] = []  # of the parent of this process; their end would disturb it


def _forget_pools() -> None:
    for pool in list(_POOLS):
        pool.forget()


def _close_at_exit() -> None:
    """In a child of multiprocessing, which waits for its own children before it lets executors end them."""
    global _closing
    if multiprocessing.parent_process() is not None and _closing != os.getpid():
        _closing = os.getpid()
        before_queues_close = 100
        multiprocessing.util.Finalize(None, _close_pools, exitpriority=before_queues_close)


def _close_pools() -> None:
    for pool in list(_POOLS):
        pool.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pools)


class Threads(Pool):
    """Threads of this process, of which the one that calls is the first: it never waits while there is work to do.

    So a call inside a call ends, and a pool of one starts no thread at all.
    """

    def __call__(self, call: _Call, items: Iterable[Any]) -> Iterator[Any]:
        waiting = deque(enumerate(items))
        results: dict[int, Any] = {}
        count = len(waiting)

        def work() -> bool:
            try:
                place, item = waiting.popleft()
            except IndexError:
                return False
            try:
                results[place] = call(item)
            except BaseException:
                waiting.clear()
                raise
            return True

        def work_on() -> None:
            while work():
                pass

        helpers = self._start(work_on, min(self.count, count) - 1)
        given = 0
        try:
            while work():
                while given in results:
                    yield results.pop(given)
                    given += 1
        except GeneratorExit:
            waiting.clear()
            _join(helpers)
            raise
        except BaseException:  # Ctrl-C: do not wait for what the others are at
            for helper in helpers:
                helper.cancel()
            raise
        _join(helpers)
        while given < count:
            yield results.pop(given)
            given += 1

    def _start(self, work: Callable[[], None], count: int) -> list[Future[None]]:
        if count < 1:
            return []
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.count - 1, thread_name_prefix="fastcalc")
            # as the caller's floating-point warnings, which are context variables
            return [self._executor.submit(contextvars.copy_context().run, work) for _ in range(count)]


def _join(helpers: Iterable[Future[None]]) -> None:
    for helper in helpers:
        if not helper.cancel():  # those that have not begun have nothing to do any more
            helper.result()


class Processes(Pool):
    """Processes of multiprocessing's default kind; `known` objects are sent to each of them once, when it starts."""

    def __init__(self, count: int, known: Sequence[Any]) -> None:
        super().__init__(count)
        self._known = known
        self._stopped: Any = None

    def __call__(self, call: Any, items: Iterable[Any]) -> Iterator[Any]:
        data = packed(call.parts, self._known)
        items = list(items)
        with self._lock, _quiet_forks():
            try:
                executor, waiting = self._submit(data, items)
            except BrokenProcessPool:  # a worker died while it had nothing to do
                self._executor = None
                executor, waiting = self._submit(data, items)
            stopped = self._stopped
        return self._results(executor, waiting, stopped)

    def _submit(self, data: bytes, items: Sequence[Any]) -> tuple[ProcessPoolExecutor, deque[Future[Any]]]:
        if self._executor is None:
            self._executor, self._stopped = _start(self.count, self._known)
            _close_at_exit()
        return self._executor, deque(self._executor.submit(_run, data, item) for item in items)

    def _results(self, executor: ProcessPoolExecutor, waiting: deque[Future[Any]], stopped: Any) -> Iterator[Any]:
        try:
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            self._drop(executor)
            reason = "killed, out of memory, or crashed in compiled code; run it without `workers` to find out"
            if multiprocessing.get_start_method() != "fork":
                reason += (
                    ". If it died at its start: processes import the main program here, so that it must be a file, or "
                    'a notebook, whose calls with `workers` are below `if __name__ == "__main__":`'
                )
            raise BrokenProcessPool(f"a worker process died while it ran `f`: {reason}") from error
        except KeyboardInterrupt:
            stopped.value = 1
            _interrupt(executor)
            self._drop(executor)
            raise
        finally:
            for future in waiting:
                future.cancel()

    def _drop(self, executor: Executor) -> None:
        with self._lock:
            if self._executor is executor:
                self._executor = None
        executor.shutdown(wait=False, cancel_futures=True)


class ThreadsOrProcesses(Pool):
    """For functions of njit: threads where they run compiled, processes where they are called from Python."""

    def __init__(self, count: int, known: Sequence[Any]) -> None:
        super().__init__(count)
        self.threads, self._processes = Threads(count), Processes(count, known)

    def __call__(self, call: Any, items: Iterable[Any]) -> Iterator[Any]:
        return self._processes(call, items)

    def close(self) -> None:
        self.threads.close()
        self._processes.close()


def _start(count: int, known: Sequence[Any]) -> tuple[ProcessPoolExecutor, Any]:
    """Processes, and a number in memory shared with them that is not 0 as soon as they are to stop."""
    context = multiprocessing.get_context()
    stopped = context.Value("b", 0, lock=False)
    if context.get_start_method() == "fork":  # they have the objects as they are
        return ProcessPoolExecutor(count, context, _begin, (known, stopped)), stopped
    most = 61 if sys.platform == "win32" else count
    return ProcessPoolExecutor(min(count, most), context, _begin, (packed(tuple(known)), stopped)), stopped


@contextlib.contextmanager
def _quiet_forks() -> Iterator[None]:
    """Python 3.12 and later warn of forks beside other threads, as those of earlier pools: these have no locks of f."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is multi-threaded, use of fork", DeprecationWarning)
        yield


def _interrupt(executor: ProcessPoolExecutor) -> None:
    """Pass Ctrl-C on, for it may have come to this process alone."""
    for process in list((executor._processes or {}).values()):
        if process.pid is not None and process.is_alive():
            os.kill(process.pid, signal.SIGINT)


# In the worker processes:


class _Worker:
    """What a process is to know of its work."""

    known: Sequence[Any] | bytes = ()
    data: bytes | None = None
    parts: tuple[Any, ...] = ()
    stopped: Any
    at_work = False


def _begin(known: Sequence[Any] | bytes, stopped: Any) -> None:
    _Worker.stopped = stopped
    _Worker.known, _Worker.data = known, None  # a worker inside a worker inherits what that one is at
    signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Ctrl-C is for f, once; a worker that waits for work goes on waiting."""
    if _Worker.at_work:
        _Worker.at_work = False
        raise KeyboardInterrupt


def _run(data: bytes, item: Any) -> Any:
    if isinstance(_Worker.known, bytes):
        _Worker.known = _received(_Worker.known, ())
    if data != _Worker.data:
        _Worker.parts, _Worker.data = _received(data, _Worker.known), data
    try:
        _Worker.at_work = True
        if _Worker.stopped.value:  # after Ctrl-C: tasks that were on their way
            raise KeyboardInterrupt
        return Calls.of(_Worker.parts)(item)
    finally:
        _Worker.at_work = False


def _received(data: bytes, known: Sequence[Any]) -> Any:
    try:
        return unpacked(data, known)
    except Exception as error:
        raise TypeError(
            f"`f` and its arguments must be importable in worker processes; got {error}: define them in a module, or "
            "install cloudpickle"
        ) from error
