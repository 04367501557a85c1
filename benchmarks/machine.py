"""What ran the benchmarks: versions, processor, compiler."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("fastcalc", "numpy", "scipy", "numdifftools", "jacobi", "statsmodels")


def version(package: str) -> str | None:
    """Version of an installed package, None if it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The model, where the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def compiler() -> str:
    """The compiler of fastcalc's kernels, as it signed them; else that of Python."""
    from fastcalc._kernels import combine

    found = re.search(rb"(GCC: \([^)]*\) [\d.]+|clang version [\d.]+)", Path(combine.__file__).read_bytes())
    return found[1].decode() if found else f"unknown (Python: {platform.python_compiler()})"


def describe(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """All of it, by name."""
    return {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "compiler": compiler(),
        **{name: version(name) or "not installed" for name in packages},
    }


def instruction_set() -> str:
    """That of the kernels which are built for several."""
    import fastcalc as fc

    return str(fc.show_config("dicts")["instructions"]["in use"])
