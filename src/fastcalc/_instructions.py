"""Which instruction set is in use: the best that the build and the processor have, chosen once, at import.

Kernels bound by arithmetic are compiled from one source into one module for each level (``setup.py``). Everybody else
writes ``from fastcalc._instructions import series`` and gets the module of the level in use; importing another one
could end the process with an illegal instruction. The environment variable ``FASTCALC_INSTRUCTIONS`` forces a level.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import PathFinder  # not importlib.util, which nothing else at import needs
from typing import TYPE_CHECKING

from fastcalc import _kernels
from fastcalc._kernels.machine import HAS_AVX2_FMA

__all__ = ["evaluation", "series"]

VARIABLE = "FASTCALC_INSTRUCTIONS"
BASELINE = "baseline"
LEVELS = ("avx2", BASELINE)  # best first; avx2 stands for AVX2 and FMA


def module_of(kernel: str, level: str) -> str:
    """Name of the module that a kernel is at a level."""
    return f"fastcalc._kernels.{kernel}" if level == BASELINE else f"fastcalc._kernels.{kernel}_{level}"


def levels_of_build() -> list[str]:
    """Levels that this build has modules for, best first."""
    folder = _kernels.__path__
    return [level for level in LEVELS if PathFinder.find_spec(module_of("series", level), folder)]


def levels_of_processor() -> list[str]:
    """Levels that the processor and its operating system have, best first."""
    return [level for level in LEVELS if level == BASELINE or HAS_AVX2_FMA]


def choose(forced: str | None, build: Sequence[str], processor: Sequence[str]) -> str:
    """The level to use: the one that is forced, or else the best of both.

    Raises
    ------
    ImportError
        The forced level is unknown, or missing in the build or the processor.
    """
    if not forced:
        return next(level for level in LEVELS if level in build and level in processor)
    if forced not in LEVELS:
        names = " or ".join(map(repr, LEVELS))
        raise ImportError(f"the environment variable {VARIABLE} must be {names}; got {forced!r}: correct or unset it")
    if forced not in processor:
        raise ImportError(
            f"the environment variable {VARIABLE} must name instructions that this processor has, "
            f"{', '.join(processor)}; got {forced!r}: unset it"
        )
    if forced not in build:
        raise ImportError(
            f"the environment variable {VARIABLE} must name instructions that fastcalc was built for, "
            f"{', '.join(build)}; got {forced!r}: unset it, or build with GCC or Clang for x86-64"
        )
    return forced


IN_USE = choose(os.environ.get(VARIABLE), levels_of_build(), levels_of_processor())

if TYPE_CHECKING:
    from fastcalc._kernels import evaluation, series
else:
    evaluation = import_module(module_of("evaluation", IN_USE))
    series = import_module(module_of("series", IN_USE))
