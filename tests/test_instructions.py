"""The instruction set is chosen at import, can be forced, and is told by show_config."""

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

import fastcalc as fc
from fastcalc import _config, _instructions
from fastcalc._instructions import choose, levels_of_build, levels_of_processor
from fastcalc._kernels import machine

BOTH = ["avx2", "baseline"]
AVAILABLE = [level for level in levels_of_build() if level in levels_of_processor()]

REPORT = """
import json, sys
import fastcalc as fc
from fastcalc._instructions import series
modules = [name for name in sys.modules if name.startswith("fastcalc._kernels.series")]
print(json.dumps([fc.show_config("dicts")["instructions"], series.__name__, modules]))
"""
# As on a processor without AVX2.
WITHOUT_AVX2 = """
import sys, types
from importlib import import_module
sys.modules["fastcalc"] = package = types.ModuleType("fastcalc")
package.__path__ = [{path!r}]
machine = import_module("fastcalc._kernels.machine")
machine.HAS_AVX2_FMA = False
del sys.modules["fastcalc"]
"""


def python(code: str, forced: str | None) -> subprocess.CompletedProcess[str]:
    """Run code in a process with the environment variable set, or unset."""
    env = {name: value for name, value in os.environ.items() if name != _instructions.VARIABLE}
    if forced is not None:
        env[_instructions.VARIABLE] = forced
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def module_name(level: str) -> str:
    return "fastcalc._kernels.series" + ("" if level == "baseline" else f"_{level}")


@pytest.mark.parametrize("forced", [None, "", *AVAILABLE])
def test_the_level_that_is_forced_runs_or_else_the_best(forced):
    level = forced or AVAILABLE[0]
    done = python(REPORT, forced)
    assert done.returncode == 0, done.stderr
    section, name, modules = json.loads(done.stdout)
    assert section == {
        "build": levels_of_build(),
        "processor": levels_of_processor(),
        "in use": level,
        "FASTCALC_INSTRUCTIONS": forced,
    }
    assert name == module_name(level)
    assert modules == [name]  # importing another could be an illegal instruction


def test_an_older_processor_gets_the_baseline():
    done = python(WITHOUT_AVX2.format(path=fc.__path__[0]) + REPORT, None)
    assert done.returncode == 0, done.stderr
    section, _, modules = json.loads(done.stdout)
    assert section["processor"] == ["baseline"]
    assert section["in use"] == "baseline"
    assert modules == ["fastcalc._kernels.series"]


@pytest.mark.parametrize(
    ("preparation", "forced", "message"),
    [
        ("", "sse9", "FASTCALC_INSTRUCTIONS must be 'avx2' or 'baseline'; got 'sse9': correct or unset it"),
        (WITHOUT_AVX2.format(path=fc.__path__[0]), "avx2", "this processor has, baseline; got 'avx2': unset it"),
    ],
)
def test_importing_fastcalc_fails_where_the_forced_level_is_not_there(preparation, forced, message):
    done = python(preparation + "import fastcalc", forced)
    assert done.returncode != 0
    assert "ImportError: the environment variable" in done.stderr
    assert message in done.stderr


@pytest.mark.parametrize(
    ("forced", "build", "processor", "message"),
    [
        ("AVX2", BOTH, BOTH, "must be 'avx2' or 'baseline'; got 'AVX2': correct or unset it"),
        ("avx2", BOTH, ["baseline"], "must name instructions that this processor has, baseline; got 'avx2': unset it"),
        ("avx2", ["baseline"], BOTH, "that fastcalc was built for, baseline; got 'avx2': unset it, or build with GCC"),
    ],
)
def test_what_cannot_be_forced(forced, build, processor, message):
    with pytest.raises(ImportError, match=message):
        choose(forced, build, processor)


@pytest.mark.parametrize(
    ("forced", "build", "processor", "level"),
    [
        (None, BOTH, BOTH, "avx2"),
        (None, BOTH, ["baseline"], "baseline"),
        (None, ["baseline"], BOTH, "baseline"),
        ("baseline", BOTH, BOTH, "baseline"),
        ("avx2", BOTH, BOTH, "avx2"),
    ],
)
def test_choice(forced, build, processor, level):
    assert choose(forced, build, processor) == level


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="another processor")
def test_gcc_and_clang_build_both_levels():
    gnu = machine.COMPILER.startswith(("GCC", "Clang")) and sys.platform != "win32"
    assert levels_of_build() == (BOTH if gnu else ["baseline"])


def test_show_config_tells_versions_and_build():
    config = fc.show_config("dicts")
    assert list(config) == ["versions", "build", "instructions", "optional packages"]
    assert config["versions"] == {
        "fastcalc": fc.__version__,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "NumPy": np.__version__,
        "platform": platform.platform(),
    }
    assert config["build"] == {"compiler": machine.COMPILER, "Cython": machine.CYTHON, "checked": machine.CHECKED}
    assert len(machine.CYTHON.split(".")) == 3
    assert set(config["optional packages"]) == {"matplotlib", "scipy", "sympy"}


def test_show_config_prints_what_it_returns(capsys, monkeypatch):
    monkeypatch.setattr(_config, "_OPTIONAL", ("numpy", "no-such-package"))
    monkeypatch.setenv("FASTCALC_INSTRUCTIONS", "baseline")
    monkeypatch.setattr(_instructions, "levels_of_build", lambda: BOTH)
    assert fc.show_config() is None
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["versions", f"  fastcalc: {fc.__version__}"]
    assert "  checked: " + ("yes" if machine.CHECKED else "no") in lines
    assert lines[lines.index("instructions") + 1] == "  build: avx2, baseline"
    assert "  FASTCALC_INSTRUCTIONS: baseline" in lines
    assert lines[-3:] == ["optional packages", f"  numpy: {np.__version__}", "  no-such-package: -"]


def test_show_config_imports_no_optional_package():
    done = python("import sys, fastcalc as fc; fc.show_config(); print(*sys.modules, sep='\\n')", None)
    assert done.returncode == 0, done.stderr
    assert not {"matplotlib", "scipy", "sympy"} & set(done.stdout.split())


def test_mode_is_one_of_two():
    with pytest.raises(ValueError, match=r'`mode` must be "stdout" or "dicts"; got \'dict\': leave it out to print'):
        fc.show_config("dict")
