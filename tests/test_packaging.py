"""What an installed fastcalc brings along, and what importing it costs."""

import importlib.metadata
import importlib.resources
import json
import subprocess
import sys
from pathlib import Path

import pytest

import fastcalc as fc

# The modules that importing fastcalc adds to those of NumPy, and the files they come from.
ADDED = """
import json, sys
import numpy
before = set(sys.modules)
import fastcalc
added = set(sys.modules) - before
print(json.dumps({name: getattr(sys.modules[name], "__file__", None) for name in added}))
"""
PACKAGE = Path(str(importlib.resources.files(fc)))


@pytest.fixture(scope="module")
def added_modules() -> dict[str, str | None]:
    done = subprocess.run([sys.executable, "-c", ADDED], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def root(module: str) -> str:
    return module.partition(".")[0]


def test_import_loads_no_third_party_module_but_numpy(added_modules):
    # No file: what Cython makes up at run time, to hold the types that its modules share.
    files = {name: Path(file) for name, file in added_modules.items() if file is not None}
    allowed = {"numpy", *sys.stdlib_module_names}
    assert not [name for name, file in files.items() if root(name) not in allowed and PACKAGE not in file.parents]


def test_import_loads_few_standard_modules(added_modules):
    assert len([name for name in added_modules if root(name) in sys.stdlib_module_names]) < 10


def test_numpy_is_the_only_runtime_dependency():
    requires = importlib.metadata.requires("fastcalc") or []
    assert [line for line in requires if "extra ==" not in line] == ["numpy>=2.0"]


def test_stubs_and_declarations_are_installed():
    assert (PACKAGE / "py.typed").exists()
    kernels = {path.with_suffix("") for path in PACKAGE.rglob("*.pyx")}
    assert kernels
    assert kernels == {path.with_suffix("") for path in PACKAGE.rglob("*.pyi")}
