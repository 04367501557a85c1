"""What an installed fastcalc brings along, and what importing it costs."""

import importlib.metadata
import importlib.resources
import json
import subprocess
import sys
from pathlib import Path

import pytest

import fastcalc as fc

# Modules that importing fastcalc adds to those of NumPy.
ADDED = """
import json, sys
import numpy
before = set(sys.modules)
import fastcalc
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(scope="module")
def added_modules() -> list[str]:
    done = subprocess.run([sys.executable, "-c", ADDED], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def root(module: str) -> str:
    return module.partition(".")[0]


def test_import_loads_no_third_party_module_but_numpy(added_modules):
    # Cython keeps the types that its modules share in modules of its own making.
    own = {"numpy", "fastcalc", "cython_runtime"}
    foreign = {name for name in added_modules if root(name) not in own | set(sys.stdlib_module_names)}
    assert not {name for name in foreign if not name.startswith("_cython_")}


def test_import_loads_few_standard_modules(added_modules):
    assert len([name for name in added_modules if root(name) in sys.stdlib_module_names]) < 10


def test_numpy_is_the_only_runtime_dependency():
    requires = importlib.metadata.requires("fastcalc") or []
    assert [line for line in requires if "extra ==" not in line] == ["numpy>=2.0"]


def test_stubs_and_declarations_are_installed():
    package = Path(str(importlib.resources.files(fc)))
    assert (package / "py.typed").exists()
    kernels = {path.with_suffix("") for path in package.rglob("*.pyx")}
    assert kernels
    assert kernels == {path.with_suffix("") for path in package.rglob("*.pyi")}
