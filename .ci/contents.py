"""Check what an sdist or a wheel holds: ``contents.py sdist|wheel SOURCE_TREE ARCHIVE``."""

import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

TREES = ("tests", "benchmarks", "examples")
SOURCES = {".py", ".pyx", ".pxd", ".pyi", ".h", ".typed"}
# A kernel is compiled once more, from the same source, for each of these instruction sets (LEVELS in setup.py).
LEVELS = ("avx2",)
GENERATED = {".c", ".cpp", ".o", ".so", ".pyd", ".pyc", ".html"}


def package_files(source: Path) -> set[str]:
    """Source and data files of the package, relative to src."""
    files = [path.relative_to(source / "src") for path in (source / "src" / "fastcalc").rglob("*") if path.is_file()]
    return {path.as_posix() for path in files if path.suffix in SOURCES or "_data" in path.parts}


def suffixed(names: set[str], suffixes: set[str]) -> set[str]:
    return {name for name in names if PurePosixPath(name).suffix in suffixes}


def check_sdist(source: Path, archive: Path) -> list[str]:
    with tarfile.open(archive) as file:
        names = {member.name.partition("/")[2] for member in file.getmembers() if member.isfile()}
    wanted = {f"src/{name}" for name in package_files(source)}
    wanted |= {"pyproject.toml", "setup.py", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"}
    wanted |= {
        path.relative_to(source).as_posix() for tree in TREES for path in (source / tree).rglob("*") if path.is_file()
    }
    return [f"missing: {name}" for name in sorted(wanted - names)] + [
        f"generated: {name}" for name in sorted(suffixed(names, GENERATED) - wanted)
    ]


def check_wheel(source: Path, archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
    binaries = suffixed(names, {".so", ".pyd"})
    kernels = {name.removesuffix(".pyx") for name in package_files(source) if name.endswith(".pyx")}
    compiled = {name.partition(".")[0] for name in binaries} - {"fastcalc/_cyutility"}
    allowed = kernels | {f"{name}_{level}" for name in kernels for level in LEVELS}
    outside = {name for name in names if not name.startswith(("fastcalc/", "fastcalc-"))}
    return [
        *(f"missing: {name}" for name in sorted(package_files(source) - names)),
        *(f"not compiled: {name}" for name in sorted(kernels - compiled)),
        *(f"compiled from nothing: {name}" for name in sorted(compiled - allowed)),
        *(f"generated: {name}" for name in sorted(suffixed(names, GENERATED) - binaries)),
        *(f"outside the package: {name}" for name in sorted(outside)),
    ]


def main() -> int:
    kind, source, archive = sys.argv[1:]
    faults = {"sdist": check_sdist, "wheel": check_wheel}[kind](Path(source), Path(archive))
    print("\n".join(faults))
    return bool(faults)


sys.exit(main())
