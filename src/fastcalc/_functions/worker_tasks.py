"""What runs in workers: f at some of the points, one a call or all of them in one call.

A task is ``(place, points)``, its result ``(place, outputs)``: so that an unordered or incomplete map is noticed.
These objects are sent to other processes where that is where the workers are. Exceptions of f come back as results.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._functions.arguments import Arguments
from fastcalc._functions.pickling import Failure, kept, packed, unpacked_once

Task = tuple[int, NDArray[Any]]


class Calls:
    """f with its other arguments, called as the serial adapters call it.

    ``reused`` says that f returned the same array in two threads: one may have written into the output of the other.
    """

    def __init__(self, f: Callable[..., Any], arguments: Arguments, *, go_on: bool) -> None:
        self.f, self.arguments, self.go_on = f, arguments, go_on
        # what is asked of NumPy is known to this thread alone; functions to call can't be taken along
        self.errstate: Any = {kind: "warn" if how in ("call", "log") else how for kind, how in np.geterr().items()}
        self.reused = False
        self._last: dict[int, Any] = {}
        self._failed_at = math.inf
        self._packed: bytes | None = None

    @property
    def parts(self) -> tuple[Any, ...]:
        """What it takes to make it again."""
        return type(self), self.f, self.arguments, self.go_on, self.errstate

    @staticmethod
    def of(parts: tuple[Any, ...]) -> Calls:
        """Made again from its parts."""
        own, f, arguments, go_on, errstate = parts
        calls: Calls = own(f, arguments, go_on=go_on)
        calls.errstate = errstate
        return calls

    def __reduce__(self) -> tuple[Any, ...]:
        if self._packed is None:  # a map may send it with each task
            self._packed = packed(self.parts)
        return _received, (self._packed,)

    def __call__(self, task: Task) -> tuple[int, list[Any]]:
        place, points = task
        if place > self._failed_at:  # nobody will look at what comes after
            return place, []
        with np.errstate(**self.errstate):
            outputs = self.outputs(points)
        if self.has_failed(outputs):
            self._failed_at = min(place, self._failed_at)
        return place, outputs

    def outputs(self, points: NDArray[Any]) -> list[Any]:
        """What f returns at the points, or a Failure; it ends with the first one, unless f may go on."""
        raise NotImplementedError

    def one(self, point: Any) -> Any:
        """One call of f: its output, in memory of its own, or a Failure."""
        before, after, keywords = self.arguments
        try:
            output = self.f(*before, point, *after, **(keywords or {}))
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            return Failure(error)
        self._compare(output)
        return kept(output)

    def _compare(self, output: Any) -> None:
        if isinstance(output, (float, complex, int, np.generic)) or output is None:
            return
        owner = output
        while isinstance(owner, np.ndarray) and owner.base is not None:
            owner = owner.base
        mine = threading.get_ident()
        self._last[mine] = owner  # alive, so that no other array is where it is
        if len(self._last) > 1:
            self.reused |= any(other is owner for thread, other in list(self._last.items()) if thread != mine)

    def has_failed(self, outputs: list[Any]) -> bool:
        """Whether f raised what ends the run."""
        raise NotImplementedError

    def ends(self, output: Any) -> bool:
        """Whether an output is a failure that ends the run."""
        return isinstance(output, Failure) and not (self.go_on and isinstance(output.error, Exception))


def _received(data: bytes) -> Calls:
    return Calls.of(unpacked_once(data))


class PointCalls(Calls):
    """One point a call; points are (k, *shape), outputs a list of what f returned."""

    def outputs(self, points: NDArray[Any]) -> list[Any]:
        outputs = []
        for point in points:  # scalars where the points are
            outputs.append(self.one(point.copy() if points.ndim > 1 else point))
            if self.ends(outputs[-1]):
                break
        return outputs

    def has_failed(self, outputs: list[Any]) -> bool:
        return self.ends(outputs[-1])


class BlockCalls(Calls):
    """All points in one call; points are (n, k) or (k,), outputs a list of numbers of points and what f returned."""

    def outputs(self, points: NDArray[Any]) -> list[Any]:
        k = points.shape[-1]
        output = self.one(points.copy())
        if k == 1 or not isinstance(output, Failure) or self.ends(output):
            return [(k, output)]
        outputs = []
        for i in range(k):  # so that only those that fail become NaN
            outputs.append((1, self.one(points[..., i : i + 1].copy())))
            if self.ends(outputs[-1][1]):
                break
        return outputs

    def has_failed(self, outputs: list[Any]) -> bool:
        return self.ends(outputs[-1][1])
