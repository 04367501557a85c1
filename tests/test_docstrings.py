"""Help texts: the shared options are put into docstrings at import."""

import inspect
import re

import pytest

import fastcalc as fc

OPTIONS = {
    "method",
    "accuracy",
    "step",
    "scale",
    "bounds",
    "noise",
    "rtol, atol",
    "max_evaluations",
    "args, kwargs",
    "argnum",
    "vectorized",
    "workers",
    "on_error",
    "full_output",
}
OPERATORS = {"Derivative", "Gradient", "Jacobian", "Hessian"}
FUNCTIONS = {
    "curl",
    "derivative",
    "divergence",
    "gradient",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "laplacian",
    "partial",
    "value_and_gradient",
    "vjp",
}


def parameters(name):
    """Names in the section "Parameters"."""
    section = inspect.getdoc(getattr(fc, name)).split("Parameters\n----------\n")[1].split("\n\n")[0]
    return [line.split(" : ")[0] for line in section.splitlines() if not line.startswith(" ")]


@pytest.mark.parametrize("name", fc.__all__)
def test_lines_fit(name):
    doc = getattr(fc, name).__doc__
    assert doc
    assert "{options" not in doc
    assert max(map(len, doc.splitlines())) <= 120


@pytest.mark.parametrize("name", fc.__all__)
def test_headings_are_lines_of_their_own(name):
    thing = getattr(fc, name)
    classes = inspect.getmro(thing)[:-1] if inspect.isclass(thing) else ()
    members = [member for one in classes for member in vars(one).values() if callable(member)]
    for documented in [thing, *members]:
        doc = inspect.getdoc(documented) or ""
        assert not [line for line in doc.splitlines() if re.search(r"\w\s*-{4,}|-{4,}\s*\w", line)]


@pytest.mark.parametrize("name", [name for name in fc.__all__ if inspect.isfunction(getattr(fc, name))])
def test_help_of_the_package_lists_them(name):
    assert f"fc.{name}(" in fc.__doc__


@pytest.mark.parametrize("name", sorted(OPERATORS | FUNCTIONS))
def test_all_options_are_described_once(name):
    found = parameters(name)
    assert len(set(found)) == len(found)
    assert set(found) >= OPTIONS
    assert ("out" in found) == (name in FUNCTIONS)  # operators take it at the call


@pytest.mark.parametrize("name", sorted(OPERATORS | FUNCTIONS))
def test_defaults_are_those_of_the_operator(name):
    doc = inspect.getdoc(getattr(fc, name))
    of_one_variable = name in ("derivative", "Derivative")
    assert ('Default: "adaptive"; "central" where `accuracy` is given.\n' in doc) == of_one_variable
    assert ('Default: "central".\n' in doc) != of_one_variable
