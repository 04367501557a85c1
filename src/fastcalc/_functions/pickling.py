"""Functions, their other arguments, their outputs and their exceptions on the way to another process and back.

What pickle can't take, such as lambdas and what is defined in a notebook, cloudpickle takes where it is installed. An
exception comes back as itself, with the traceback it had over there as a note.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import pickle
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcalc._kernels import mapped

_PROTOCOL = 5


def packed(thing: Any, known: Sequence[Any] = ()) -> bytes:
    """The bytes to send; objects in `known`, which the receiver has, are sent as their number.

    Raises
    ------
    TypeError
        Where neither pickle nor cloudpickle can take it.
    """
    data, error = None, None
    try:
        data = _dumped(pickle.Pickler, thing, known)
    except Exception as why:
        error = why
    if data is None or b"__main__" in data:  # the receiver may have another main module, so send what is defined there
        try:
            cloudpickle = importlib.import_module("cloudpickle")
        except ImportError:
            advice = "install cloudpickle, which takes lambdas and local functions"
        else:
            try:
                data = _dumped(cloudpickle.Pickler, thing, known)
            except Exception as why:
                error = error or why
            advice = "define them at the top of a module, without what belongs to this process"
        if data is None:
            raise TypeError(
                f"`f` and its arguments must be picklable for `workers` in other processes; got {error}: {advice}, or "
                "use the map of a thread pool, as workers=concurrent.futures.ThreadPoolExecutor(2).map"
            ) from error
    return data


def unpacked(data: bytes, known: Sequence[Any] = ()) -> Any:
    """What was sent."""

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, number: int) -> Any:
            return known[number]

    return Unpickler(io.BytesIO(data)).load()


def _dumped(pickler_class: Any, thing: Any, known: Sequence[Any]) -> bytes:
    numbers = {id(one): number for number, one in enumerate(known)}

    class Pickler(pickler_class):  # type: ignore[misc]
        def persistent_id(self, one: Any) -> int | None:
            return numbers.get(id(one))

    file = io.BytesIO()
    Pickler(file, _PROTOCOL).dump(thing)
    return file.getvalue()


@functools.lru_cache(maxsize=4)
def unpacked_once(data: bytes) -> Any:
    """The same, kept for the next tasks of this process: f may be large, and may keep state from call to call."""
    return unpacked(data)


class Failure(mapped.Failure):
    """An exception of f in the place of its output."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _failed, (packed_error(self.error),)


def _failed(data: bytes) -> Failure:
    return Failure(pickle.loads(data))


def packed_error(error: BaseException) -> bytes:
    """An exception of this process, so that it comes out of the bytes as itself."""
    text = "".join(traceback.format_exception(error))
    error.add_note(f"\nIn process {os.getpid()}:\n{text}")
    own = type(error)
    # by its arguments as pickle does; without __init__, which may want others; else what it says
    state = {name: value for name, value in vars(error).items() if _travels(value)}
    for form in (error, _Remade(own, error.args, state), _Remade(own, (str(error),), {"__notes__": error.__notes__})):
        for dumps in _ways_to_dump():
            try:
                data: bytes = dumps(form)
                if type(pickle.loads(data)).__qualname__ == own.__qualname__:
                    return data
            except Exception:  # what pickling may raise is for the class to say: the next form, at last the substitute
                continue
    substitute = RuntimeError(f"{own.__module__}.{own.__qualname__}: {error}")
    substitute.__notes__ = error.__notes__
    return pickle.dumps(substitute, _PROTOCOL)


def _ways_to_dump() -> list[Any]:
    ways: list[Any] = [functools.partial(pickle.dumps, protocol=_PROTOCOL)]
    with contextlib.suppress(ImportError):
        ways.append(importlib.import_module("cloudpickle").dumps)
    return ways


def _travels(value: Any) -> bool:
    try:
        pickle.loads(pickle.dumps(value, _PROTOCOL))
    except Exception:
        return False
    return True


class _Remade:
    """An exception by its parts."""

    def __init__(self, own: type[BaseException], arguments: tuple[Any, ...], state: dict[str, Any]) -> None:
        self.parts = own, arguments, state

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, self.parts


def _remade(own: type[BaseException], arguments: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    error = own.__new__(own, *arguments)
    vars(error).update(state)
    return error


def kept(output: Any) -> Any:
    """An output in memory of its own, which f can't reach any more; what is no number stays, to be refused."""
    if output is None or isinstance(output, (float, complex, int, np.generic)):
        return output
    try:
        array = np.array(output)
    except ValueError:  # ragged
        return _sendable(output)
    return array if array.dtype.kind in "biufc" else _sendable(output)


def _sendable(output: Any) -> Any:
    return output if _travels(output) else _stand_in(type(output).__name__)


class _StandIn:
    """In the place of an object that does not leave its process, of a type of the same name."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _stand_in, (type(self).__name__,)


def _stand_in(name: str) -> Any:
    return type(name, (_StandIn,), {})()
