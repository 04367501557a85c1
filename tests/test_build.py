"""The build's own promises, held by setup.py on a small package: complaints fail it, a checked build checks."""

import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[1] / "setup.py"

CAN_BUILD = SETUP.exists() and find_spec("Cython") and find_spec("setuptools")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_BUILD, reason="needs the source tree, Cython and setuptools"),
]

KERNELS = """
cdef double total(const double[::1] a, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef double s = 0
    for i in range(n):
        s += a[i]
    return s

def get(const double[::1] a, Py_ssize_t i):
    return a[i]

def quotient(double a, double b):
    return a / b

def product(int a, int b):
    return a * b

def sum_of(const double[::1] a, Py_ssize_t n):
    with nogil:
        s = total(a, n)
    return s
"""

WARNING = """
def unreachable():
    return 1
    return 2
"""

PERFORMANCE_HINT = """
cdef void checks_for_exceptions(double *x) nogil:
    x[0] = 1
"""


# A compiler that has no AVX2.
OLD_COMPILER = """#!/bin/sh
for argument; do if [ "$argument" = -mavx2 ]; then exit 1; fi; done
exec cc "$@"
"""


def build(
    tree: Path, source: str, *, kernel: str = "probe", checked: bool = False, **env: str
) -> subprocess.CompletedProcess[str]:
    """Build a package of one .pyx in place, with the project's setup.py."""
    package = tree / "src" / "fastcalc"
    (package / "_kernels").mkdir(parents=True, exist_ok=True)
    for folder in (package, package / "_kernels"):
        (folder / "__init__.py").touch()
    (package / "_kernels" / f"{kernel}.pyx").write_text(source)
    shutil.copy(SETUP, tree)
    (tree / "pyproject.toml").write_text('[project]\nname = "probe"\nversion = "0"\n')
    return subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=tree,
        env=os.environ | {"FASTCALC_CHECKED": str(int(checked))} | env,
        capture_output=True,
        text=True,
    )


def run(tree: Path, expression: str, kernel: str = "probe") -> str:
    """Value of an expression over the kernel's functions, or the exception it raises, and what went to stderr."""
    code = f"import numpy as np\nfrom fastcalc._kernels.{kernel} import *\nprint({expression})"
    done = subprocess.run([sys.executable, "-c", code], cwd=tree / "src", capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "complaint"),
    [(WARNING, "Unreachable code"), (PERFORMANCE_HINT, "Exception check on 'checks_for_exceptions'")],
)
def test_complaints_of_cython_fail_every_build(tmp_path, source, complaint):
    for _ in range(2):  # the second finds what the first has left
        done = build(tmp_path, source)
        assert done.returncode != 0
        assert "Cython complained" in done.stderr
        assert complaint in done.stderr
    assert build(tmp_path, KERNELS).returncode == 0


def test_normal_and_checked_builds_replace_each_other(tmp_path):
    assert build(tmp_path, KERNELS).returncode == 0
    assert run(tmp_path, "product(2**30, 4)") == "0\n"
    assert run(tmp_path, "quotient(1.0, 0.0)") == "inf\n"

    assert build(tmp_path, KERNELS, checked=True).returncode == 0
    assert "OverflowError" in run(tmp_path, "product(2**30, 4)")
    assert "IndexError" in run(tmp_path, "get(np.ones(3), 3)")
    assert "IndexError" in run(tmp_path, "get(np.ones(3), -1)")
    assert "IndexError" in run(tmp_path, "sum_of(np.ones(3), 4)")  # noexcept: printed, and pytest makes it an error
    assert run(tmp_path, "quotient(1.0, 0.0)") == "inf\n"

    assert build(tmp_path, KERNELS).returncode == 0
    assert run(tmp_path, "product(2**30, 4)") == "0\n"


@pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform == "win32" or not shutil.which("cc"),
    reason="the baseline is all there is, or there is no cc",
)
def test_an_arithmetic_kernel_is_built_for_each_level_that_the_compiler_has(tmp_path):
    def modules() -> set[str]:
        return {path.name.partition(".")[0] for path in (tmp_path / "src").rglob("*.so")} - {"_cyutility"}

    def run_both(expression: str) -> list[str]:
        return [run(tmp_path, expression, kernel) for kernel in ("series", "series_avx2")]

    assert build(tmp_path, KERNELS, kernel="series").returncode == 0
    assert modules() == {"series", "series_avx2"}
    assert run_both("quotient(1.0, 4.0), quotient.__module__") == [
        "0.25 fastcalc._kernels.series\n",
        "0.25 fastcalc._kernels.series_avx2\n",
    ]
    assert not list((tmp_path / "src").rglob("series_avx2.pyx"))

    same = build(tmp_path, KERNELS, kernel="series")
    assert same.returncode == 0
    assert "series_avx2" not in same.stdout  # the source is newer but the same

    assert build(tmp_path, KERNELS.replace("a / b", "b / a"), kernel="series").returncode == 0
    assert run_both("quotient(1.0, 4.0)") == ["4.0\n", "4.0\n"]

    assert build(tmp_path, KERNELS, kernel="series", checked=True).returncode == 0
    assert all("IndexError" in text for text in run_both("get(np.ones(3), 3)"))

    compiler = tmp_path / "old-compiler"
    compiler.write_text(OLD_COMPILER)
    compiler.chmod(0o755)
    assert build(tmp_path, KERNELS, kernel="series", CC=str(compiler)).returncode == 0
    assert modules() == {"series"}
    assert run(tmp_path, "quotient(1.0, 4.0)", "series") == "0.25\n"
