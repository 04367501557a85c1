"""Extensions and the one table of Cython directives; all metadata is in pyproject.toml.

Every ``src/fastcalc/**/*.pyx`` becomes an extension module. ``FASTCALC_CHECKED=1`` in the environment builds them all
with bounds, overflow, None and initialisation checks, and defines the C macro ``FASTCALC_CHECKED``. A warning or a
performance hint of Cython fails the build. Kernels bound by arithmetic are built once more for each instruction set
beyond the baseline, where the compiler has it.
"""

import contextlib
import os
import shutil
import subprocess
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

# Kernels bound by arithmetic. Each becomes the module NAME and, from the same source, NAME_LEVEL for each level below;
# fastcalc/_instructions.py chooses at import. They have no .pxd: nothing can cimport what is chosen later.
ARITHMETIC_KERNELS = ["fastcalc._kernels.series", "fastcalc._kernels.evaluation"]
# Complex products inline, without the branch and the call that turn a NaN into the infinity of C's Annex G; division
# still scales against overflow, as with -fcx-limited-range it does not. Clang has the flag from version 18.
# Lanes in vector registers: what the headers say by "omp simd" needs no run-time library.
ARITHMETIC_FLAGS = ["-fcx-fortran-rules", "-fopenmp-simd"]
# Level: its flags, and what the preprocessor must find with them, so that other processors build the baseline alone.
# Contraction is what FMA is for; results of these kernels then differ between levels, by rounding.
LEVELS = {
    "avx2": (
        ["-mavx2", "-mfma", "-ffp-contract=fast"],
        # not MinGW: GCC aligns AVX registers wrongly on the stack of 64-bit Windows
        "defined __x86_64__ && defined __AVX2__ && defined __FMA__ && !defined __MINGW32__",
    ),
}
COPIES = Path("build", "levels")  # Cython wants a source of its own for each module

MACROS = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"), *([("FASTCALC_CHECKED", "1")] if CHECKED else [])]

# Cython's memoryview type, compiled once for all kernels instead of once in each; Cython writes the source.
SHARED_UTILITY = "fastcalc._cyutility"
SHARED_UTILITY_SOURCE = "src/fastcalc/_cyutility.c"


def extension_of(name: str, source: Path | str) -> Extension:
    """One module of one source, which may use all headers."""
    return Extension(
        name,
        [str(source)],
        include_dirs=[np.get_include(), str(PACKAGE / "_kernels")],
        define_macros=MACROS,
        depends=sorted(str(path) for path in PACKAGE.rglob("*.h")),
        libraries=[] if sys.platform == "win32" else ["m"],
    )


def pyx_of(name: str, folder: Path) -> Path:
    """Where the source of a module is."""
    return Path(folder, *name.split(".")).with_suffix(".pyx")


def find_extensions() -> list[Extension]:
    """One extension per .pyx, named after its path, and the one that holds what they share."""
    sources = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path.as_posix()
        for path in sorted(PACKAGE.rglob("*.pyx"))
    }
    if sources:
        sources[SHARED_UTILITY] = SHARED_UTILITY_SOURCE
    return [extension_of(name, source) for name, source in sources.items()]


def level_modules() -> dict[str, tuple[str, str]]:
    """Modules that arithmetic kernels become besides their own: name -> the kernel, and the level."""
    return {
        f"{kernel}_{level}": (kernel, level)
        for kernel in ARITHMETIC_KERNELS
        if pyx_of(kernel, PACKAGE.parent).exists()
        for level in LEVELS
    }


def level_extensions() -> list[Extension]:
    """One extension for each of these; the sources are copied when they are built."""
    return [extension_of(name, pyx_of(name, COPIES)) for name in level_modules()]


def refresh_copies() -> None:
    """Copy the sources of the level modules where they differ: a newer time stamp would translate them again."""
    for name, (kernel, _) in level_modules().items():
        source, copy = pyx_of(kernel, PACKAGE.parent), pyx_of(name, COPIES)
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())


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
        flags, special = self.choose_flags()
        self.drop([name for name in level_modules() if name not in special])
        for extension in self.extensions:
            extension.extra_compile_args = special.get(extension.name, flags)
        generated = Path("build", "cython-checked" if CHECKED else "cython")
        # Time stamps don't show that a flag, a directive or a compiler version changed: this file does.
        stamp = Path("build", f"settings{self.get_ext_filename('')}.txt")
        settings = repr((DIRECTIVES, flags, special, MACROS, Cython.__version__, np.__version__))
        if not stamp.exists() or stamp.read_text() != settings:
            self.force = True
            stamp.unlink(missing_ok=True)
        refresh_copies()
        self.translate(generated)
        super().build_extensions()
        stamp.write_text(settings)

    def choose_flags(self) -> tuple[list[str], dict[str, list[str]]]:
        """The usual flags, and those of arithmetic kernels by module, for the levels that the compiler has."""
        if self.compiler.compiler_type == "msvc":
            return MSVC_FLAGS, {}
        arithmetic = [*GNU_FLAGS, *(flag for flag in ARITHMETIC_FLAGS if self.accepts([flag]))]
        levels = {level: flags for level, (flags, condition) in LEVELS.items() if self.accepts(flags, condition)}
        special = dict.fromkeys(ARITHMETIC_KERNELS, arithmetic)
        for name, (_, level) in level_modules().items():
            if level in levels:
                special[name] = [*arithmetic, *levels[level]]
        return GNU_FLAGS, special

    def accepts(self, flags: list[str], condition: str = "1") -> bool:
        """Whether the compiler takes these flags, and the condition then holds on every processor it compiles for."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(f"#if !({condition})\n#error\n#endif\nint probe;\n")
            command = [*self.compiler.compiler_so, *flags, "-c", str(source), "-o", str(source.with_suffix(".o"))]
            try:
                return subprocess.run(command, capture_output=True).returncode == 0
            except OSError:
                return False  # there is no compiler, which the build will tell

    def drop(self, names: list[str]) -> None:
        """Leave modules out of this build, and remove what other compilers have made of them."""
        self.extensions[:] = [extension for extension in self.extensions if extension.name not in names]
        for name in names:
            for folder in (str(PACKAGE.parent), self.build_lib):
                Path(folder, self.get_ext_filename(name)).unlink(missing_ok=True)

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


setup(ext_modules=[*find_extensions(), *level_extensions()], cmdclass={"build_ext": BuildKernels})
