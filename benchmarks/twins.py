"""The loops of `twins.c`, compiled with the system's compiler, and the functions they call.

Flags are those of fastcalc's kernels (setup.py): what differs is the loop alone.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SOURCE = Path(__file__).with_name("twins.c")
FLAGS = ["-O3", "-fno-trapping-math", "-fno-math-errno", "-ffp-contract=off", "-fPIC", "-shared"]
_DOUBLES = ctypes.POINTER(ctypes.c_double)


def compiler() -> list[str] | None:
    """The command, None where there is no C compiler."""
    named = shlex.split(os.environ.get("CC", ""))
    if named:
        return named
    return next(([found] for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


@functools.cache
def library() -> Any:
    """The shared library, built anew by each process; an OSError says that it can't be."""
    command = compiler()
    if command is None:
        raise OSError("no C compiler was found: install one, or name it in CC")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "twins.so")
        done = subprocess.run(
            [*command, *FLAGS, str(SOURCE), "-o", str(path), "-lm"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OSError(f"{shlex.join(command)} failed: {done.stderr.strip()}")
        built = ctypes.CDLL(str(path))  # stays mapped when its file is gone
    for name in ("wave", "parabola"):
        _declare(getattr(built, name), ctypes.c_double, ctypes.c_double)
        _declare(getattr(built, f"{name}_counted"), ctypes.c_double, ctypes.c_double, ctypes.c_void_p)
    for name in ("rosenbrock", "series"):
        _declare(getattr(built, name), ctypes.c_double, ctypes.c_int, _DOUBLES)
    _declare(built.rosenbrock_counted, ctypes.c_double, ctypes.c_int, _DOUBLES, ctypes.c_void_p)
    return built


def _declare(function: Any, result: Any, *arguments: Any) -> None:
    function.restype, function.argtypes = result, arguments


def function(name: str) -> Any:
    """A pointer to a function of the library, as ctypes has it."""
    return getattr(library(), name)


def _address(array: Any) -> Any:
    return ctypes.c_void_p(array.ctypes.data)


def gradient(name: str, x: Any, times: int) -> Callable[[], Any]:
    """`times` gradients at x (n,), or at the points x (n, k)."""
    loop, f, n = library().gradient, function(name), len(x)
    x, point, out = np.ascontiguousarray(x), np.empty(n), np.empty_like(x)
    counts = [ctypes.c_int(n)]
    if x.ndim == 2:
        loop = library().gradients
        counts.append(ctypes.c_long(x.shape[1]))
    arguments = (ctypes.c_long(times), f, *counts, _address(x), _address(point), _address(out))

    def run(kept: Any = (x, point)) -> Any:
        loop(*arguments)
        return out

    return run


def hessian(name: str, x: Any, times: int) -> Callable[[], Any]:
    """`times` Hessians at x (n,)."""
    loop, f, n = library().hessian, function(name), len(x)
    x, point, h, out = np.ascontiguousarray(x), np.empty(n), np.empty(3 * n), np.empty((n, n))
    arguments = (ctypes.c_long(times), f, ctypes.c_int(n), *map(_address, (x, point, h, out)))

    def run(kept: Any = (x, point, h)) -> Any:
        loop(*arguments)
        return out

    return run


def calls(name: str, x: float, count: int, times: int) -> Callable[[], Any]:
    """`times` times `count` calls of a function of one variable."""
    loop = library().calls
    loop.restype = ctypes.c_double
    arguments = (ctypes.c_long(times), function(name), ctypes.c_long(count), ctypes.c_double(x))
    return lambda: loop(*arguments)
