"""Paired timing: A B C, then B C A, ... in random order, and the ratios within each round.

What disturbs a machine disturbs the candidates of a round alike, so that the median of the ratios of rounds stays put
where a ratio of medians wanders. Time is processor time of the thread, user and system: while others have the
processor, it stands still.
"""

from __future__ import annotations

import gc
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

_LARGE = 31 * 2**20


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int = 51
    slot: float = 0.005  # seconds for a candidate in a round; one run where that takes longer
    slow: float = 0.1  # seconds: candidates that take longer are in few rounds only
    few: int = 3


QUICK = Effort(rounds=9, slot=0.003, slow=0.05, few=1)
clock = time.thread_time


@contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection, no warnings from the engines."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        if was_enabled:
            gc.enable()


def settle_allocator() -> None:
    """Bring malloc to the state of a process that has been at work for a while.

    Until a process has freed its first large array, glibc asks the system for fresh pages for each array above 128 kB:
    functions that make temporaries then run twice slower or not, by luck.
    """
    np.ones(_LARGE // 8)


def repetitions(
    run: Callable[[], Any], slot: float, clock: Callable[[], float] = time.thread_time
) -> tuple[int, float]:
    """How often to run in a slot, and about how long one run takes."""
    run()
    count = 1
    while True:
        begin = clock()
        for _ in range(count):
            run()
        took = clock() - begin
        if took >= slot / 2:
            return max(1, round(count * slot / took)), took / count
        count *= 2 if took < slot / 20 else max(2, round(slot / took))


def interleaved(
    runs: Sequence[Callable[[], Any]], effort: Effort, clock: Callable[[], float] = time.thread_time
) -> np.ndarray:
    """Seconds of one run, (rounds, candidates); NaN in the rounds that a slow candidate sits out.

    `clock` is `time.process_time` where a candidate has threads of its own.
    """
    gc.collect()
    with quiet():
        plan = [repetitions(run, effort.slot, clock) for run in runs]
        seconds = np.full((effort.rounds, len(runs)), np.nan)
        order = list(range(len(runs)))
        shuffle = random.Random(0)
        for number in range(effort.rounds):
            shuffle.shuffle(order)
            # moves the small objects of this round to other places in memory: no candidate keeps a lucky one
            padding = [object() for _ in range(shuffle.randrange(1000))]
            for k in order:
                count, estimate = plan[k]
                if estimate > effort.slow and number >= effort.few:
                    continue
                run, times = runs[k], range(count)
                begin = clock()
                for _ in times:
                    run()
                seconds[number, k] = (clock() - begin) / count
            del padding
    return seconds
