"""A progress bar for runs that take long, where tqdm is installed and somebody looks: on a terminal, after a while."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 5.0  # seconds


class Progress:
    """Counts points; shows them from some seconds on."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._begun = time.monotonic()
        self._bar: Any = None
        self._wanted = True

    def advance(self, points: int) -> None:
        """So many more points are done."""
        self._done += points
        if self._bar is not None:
            self._bar.update(points)
        elif self._wanted and time.monotonic() - self._begun > PATIENCE:
            self._wanted = False
            if sys.stderr is not None and sys.stderr.isatty():
                self._open()

    def _open(self) -> None:
        try:
            tqdm = importlib.import_module("tqdm").tqdm
        except ImportError:
            return
        self._bar = tqdm(total=self._total, initial=self._done, desc="points of f", unit="point", leave=False)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """Progress towards `total` points."""
    shown = Progress(total)
    try:
        yield shown
    finally:
        shown.close()
