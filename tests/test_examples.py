"""The example scripts run as they are, warnings as errors; each ends with assertions against a known answer."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
SLOW = ("cluster",)


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem in SLOW)) for path in EXAMPLES],
)
def test_example(path, tmp_path):
    source = path.read_text()
    assert re.search(r"^(np\.testing\.)?assert", source, re.MULTILINE), "an example ends with a check"
    if re.search(r"^(from|import) scipy", source, re.MULTILINE) and importlib.util.find_spec("scipy") is None:
        pytest.skip("this example needs SciPy, which is not installed: pip install scipy")
    command = [sys.executable, "-W", "error", str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
