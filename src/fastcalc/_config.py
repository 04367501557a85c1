"""What is running: versions, how fastcalc was built, the instruction set in use."""

from __future__ import annotations

import os
import platform
from typing import Any, Literal, overload

import numpy as np

from fastcalc import _instructions
from fastcalc._kernels import machine

_OPTIONAL = ("matplotlib", "scipy", "sympy")

Config = dict[str, dict[str, Any]]


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> Config: ...
def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> Config | None:
    """Versions, the build, and the instruction set in use: what a report of a problem needs.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Print, or return a dict.

    Returns
    -------
    dict of dicts, or None
        With ``mode="dicts"`` the sections "versions", "build" (by which compiler, and whether it checks indices and
        overflow), "instructions" (those of the build and those of the processor, best first, the one in use, and the
        environment variable that forces one, None where it is not set) and "optional packages" (the versions that are
        installed, None where there is none).

    Raises
    ------
    ValueError
        `mode` is something else.

    Notes
    -----
    Kernels bound by arithmetic are built for AVX2 and FMA too where the compiler can, and the best that the processor
    has is chosen at import. ``FASTCALC_INSTRUCTIONS=baseline`` in the environment forces the baseline; results of the
    two differ by rounding.

    Examples
    --------
    >>> import fastcalc as fc
    >>> fc.show_config()
    versions
      fastcalc: ...
    >>> fc.show_config("dicts")["instructions"]["in use"] in ("avx2", "baseline")
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f'`mode` must be "stdout" or "dicts"; got {mode!r}: leave it out to print')
    config: Config = {
        "versions": _versions(),
        "build": {"compiler": machine.COMPILER, "Cython": machine.CYTHON, "checked": machine.CHECKED},
        "instructions": _instruction_sets(),
        "optional packages": {name: _version(name) for name in _OPTIONAL},
    }
    if mode == "dicts":
        return config
    print(_text(config))
    return None


def _versions() -> dict[str, str]:
    import fastcalc  # here, as it imports this module

    return {
        "fastcalc": fastcalc.__version__,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "NumPy": np.__version__,
        "platform": platform.platform(),
    }


def _instruction_sets() -> dict[str, Any]:
    return {
        "build": _instructions.levels_of_build(),
        "processor": _instructions.levels_of_processor(),
        "in use": _instructions.IN_USE,
        _instructions.VARIABLE: os.environ.get(_instructions.VARIABLE),
    }


def _version(distribution: str) -> str | None:
    """The version installed, without importing the package."""
    from importlib import metadata  # here, as it brings the e-mail package along

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _text(config: Config) -> str:
    lines = []
    for section, entries in config.items():
        lines += [section, *(f"  {name}: {_word(value)}" for name, value in entries.items())]
    return "\n".join(lines)


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return {None: "-", True: "yes", False: "no"}.get(value, str(value))
