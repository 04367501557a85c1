"""Extensions and the one table of Cython directives; all metadata is in pyproject.toml.

Every ``src/fastcalc/**/*.pyx`` becomes an extension module. ``FASTCALC_CHECKED=1`` in the environment builds them all
with bounds, overflow, None and initialisation checks, and defines the C macro ``FASTCALC_CHECKED``. A warning or a
performance hint of Cython fails the build.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import Cython
import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

PACKAGE = Path("src", "fastcalc")
CHECKED = os.environ.get("FASTCALC_CHECKED", "0") not in ("", "0")

DIRECTIVES = {
    "language_level": 3,
    # A division by zero gives inf or nan, as the formulas want. Off, it raises, and in a noexcept kernel that is a 0.
    "cdivision": True,
    # An index below 0 never counts from the end: out of bounds for a checked build, undefined in others.
    "wraparound": False,
    "boundscheck": CHECKED,
    "initializedcheck": CHECKED,
    "nonecheck": CHECKED,
    "overflowcheck": CHECKED,
    # Signatures that inspect, help and stubtest read, for the methods of extension types too.
    "embedsignature": True,
    "embedsignature.format": "clinic",
    "show_performance_hints": not CHECKED,  # the first of them would be to drop the checks
}

# Value-preserving: without the two -fno- flags GCC does not turn branches into selects; contraction would make
# results depend on the processor. Never -ffast-math, never -march=native.
GNU_FLAGS = ["-O1" if CHECKED else "-O3", "-fno-trapping-math", "-fno-math-errno", "-ffp-contract=off"]
MSVC_FLAGS = ["/Od" if CHECKED else "/O2", "/fp:precise"]

MACROS = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), *([("FASTCALC_CHECKED", "1")] if CHECKED else [])]

# Cython's memoryview type, compiled once for all kernels instead of once in each; Cython writes the source.
SHARED_UTILITY = "fastcalc._cyutility"
SHARED_UTILITY_SOURCE = "src/fastcalc/_cyutility.c"


def find_extensions() -> list[Extension]:
    """One extension per .pyx, named after its path, and the one that holds what they share."""
    headers = sorted(str(path) for path in PACKAGE.rglob("*.h"))
    sources = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path.as_posix()
        for path in sorted(PACKAGE.rglob("*.pyx"))
    }
    if sources:
        sources[SHARED_UTILITY] = SHARED_UTILITY_SOURCE
    return [
        Extension(
            name,
            [source],
            include_dirs=[np.get_include(), str(PACKAGE / "_kernels")],
            define_macros=MACROS,
            depends=headers,
            libraries=[] if sys.platform == "win32" else ["m"],
        )
        for name, source in sources.items()
    ]


@contextlib.contextmanager
def captured_stderr() -> Iterator[list[str]]:
    """Collect the lines written to file descriptor 2, by worker processes too, and pass them on at the end."""
    lines: list[str] = []
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            text = file.read().decode(errors="replace")
            lines += text.splitlines()
            sys.stderr.write(text)


class BuildKernels(build_ext):
    """Translate with Cython, strictly, then compile in parallel."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self) -> None:
        """Translate all the .pyx together, then compile."""
        flags = MSVC_FLAGS if self.compiler.compiler_type == "msvc" else GNU_FLAGS
        for extension in self.extensions:
            extension.extra_compile_args = flags
        generated = Path("build", "cython-checked" if CHECKED else "cython")
        # Time stamps don't show that a flag, a directive or a compiler version changed: this file does.
        stamp = Path("build", f"settings{self.get_ext_filename('')}.txt")
        settings = repr((DIRECTIVES, flags, MACROS, Cython.__version__, np.__version__))
        if not stamp.exists() or stamp.read_text() != settings:
            self.force = True
            stamp.unlink(missing_ok=True)
        self.translate(generated)
        super().build_extensions()
        stamp.write_text(settings)

    def translate(self, generated: Path) -> None:
        """Turn .pyx into .c in `generated`; a warning or performance hint is an error."""
        if not self.extensions:
            return
        try:
            with captured_stderr() as lines:
                translated = cythonize(
                    self.extensions,
                    build_dir=str(generated),
                    include_path=[str(PACKAGE.parent)],
                    compiler_directives=DIRECTIVES,
                    shared_utility_qualified_name=SHARED_UTILITY,
                    nthreads=self.parallel,
                    force=self.force,
                )
            complaints = [line for line in lines if line.startswith(("warning:", "performance hint:"))]
            if complaints:
                raise CompileError("Cython complained, which fails this build:\n" + "\n".join(complaints))
        except BaseException:
            # Kept, the generated code would be up to date for the next build, and the complaint lost.
            shutil.rmtree(generated, ignore_errors=True)
            raise
        sources = {extension.name: extension.sources for extension in translated}
        for extension in self.extensions:
            extension.sources = sources[extension.name]


setup(ext_modules=find_extensions(), cmdclass={"build_ext": BuildKernels})
