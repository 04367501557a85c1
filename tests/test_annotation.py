"""Kernels do not talk to Python: what `cython -a` paints yellow is not inside a loop without the GIL."""

import html
import os
import re
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CAN_BUILD = (ROOT / "setup.py").exists() and find_spec("Cython") and find_spec("setuptools")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_BUILD, reason="needs the source tree, Cython and setuptools"),
]

# One source line of an annotated page: its score (0: plain C), its number, its text.
LINE = re.compile(r'<pre class="cython line score-(\d+)"[^>]*>[^<]*<span class="">(\d+)</span>: (.*?)</pre>')
OPENS_NOGIL = re.compile(r"^\s*(cdef\b.*\bnogil:|with nogil:|.*\bnoexcept nogil:)\s*(#.*)?$")


def indentation(text: str) -> int:
    return len(text) - len(text.lstrip())


def yellow_lines_without_gil(page: str) -> list[str]:
    """Lines of bodies without the GIL that Cython translates into calls of Python's C API."""
    found = []
    block = None  # indentation of the line that opened the block we are in
    for score, number, marked in LINE.findall(page):
        text = html.unescape(re.sub(r"<[^>]+>", "", marked))
        if not text.strip():
            continue
        if block is not None and indentation(text) <= block and not text.lstrip().startswith(("#", ")")):
            block = None
        if block is None:
            if OPENS_NOGIL.match(text):
                block = indentation(text)
        elif int(score):
            found.append(f"{number}: {text}")
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """Annotated pages of all kernels, by module, with the directives of setup.py."""
    from Cython.Build import cythonize

    build_dir = tmp_path_factory.mktemp("annotated")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.delenv("FASTCALC_CHECKED", raising=False)
        patch.setattr("setuptools.setup", lambda **_: None)
        build = runpy.run_path("setup.py")
        cythonize(
            [extension for extension in build["find_extensions"]() if extension.sources[0].endswith(".pyx")],
            build_dir=str(build_dir),
            include_path=["src"],
            compiler_directives=build["DIRECTIVES"],
            annotate=True,
            force=True,
            quiet=True,
            nthreads=os.cpu_count(),
        )
    return {path.stem: path.read_text() for path in build_dir.rglob("*.html")}


def test_the_probe_sees_python():
    page = (
        '<pre class="cython line score-0">&#xA0;<span class="">1</span>: cdef void f() noexcept nogil:</pre>\n'
        '<pre class="cython line score-0">&#xA0;<span class="">2</span>:     x = 1</pre>\n'
        '<pre class="cython line score-9" onclick="t()">+<span class="">3</span>:     y = <span>o</span></pre>\n'
        '<pre class="cython line score-9" onclick="t()">+<span class="">4</span>: def g():</pre>\n'
    )
    assert yellow_lines_without_gil(page) == ["3:     y = o"]


def test_loops_without_the_gil_are_plain_c(pages):
    assert pages
    assert {name: lines for name, page in pages.items() if (lines := yellow_lines_without_gil(page))} == {}
