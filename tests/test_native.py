"""fastcalc.native: an extension module that differentiates its own functions, compiled against the package in use."""

import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import fastcalc as fc
from fastcalc import native

HERE = Path(__file__).parent / "native"
DECLARATIONS = Path(native.__file__).with_name("native.pxd")
CAN_BUILD = find_spec("Cython") is not None and find_spec("setuptools") is not None
NEEDS_CYTHON = pytest.mark.skipif(not CAN_BUILD, reason="needs Cython and setuptools")

POINTS = np.random.default_rng(5).normal(size=(6, 4))
# Sizes that say nothing of the scale of a function, and what is no number.
HARD = np.array(
    [
        [0.0, -0.0, 1.0, 2.0],
        [1e-9, -3e-7, 1e-300, 1.0],
        [5e-324, 1e8, -1e-6, 1e-12],
        [1e10, 1.0, -1e-9, 0.5],
        [np.nan, 1.0, 1e-9, 0.5],
        [1.0, np.inf, 1e-9, 0.5],
        [1e300, 1.0, -1e-9, 0.5],
    ]
)
FIXED = [
    {},
    {"accuracy": 4},
    {"method": "forward"},
    {"method": "backward", "accuracy": 3},
    {"step": 1e-3},
    {"step": [1e-2, 1e-3, 1e-4, 1e-5], "accuracy": 4},
    {"scale": 10.0},
    {"scale": [1.0, 1e-3, 1.0, 1e3], "method": "forward", "accuracy": 1},
]
ADAPTIVE = [{"rtol": 1e-6}, {"step": 0.1}, {"scale": 2.0}, {"noise": 1e-9}, {"max_evaluations": 9}]


def build(source: Path, folder: Path, *include: Path) -> Path:
    """Compile a module; where it is."""
    command = [sys.executable, str(HERE / "build.py"), str(source), str(folder), *map(str, include)]
    found = os.pathsep.join([str(Path(fc.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONPATH": found})
    assert done.returncode == 0, done.stdout + done.stderr
    (module,) = (path for path in folder.glob(f"{source.stem}.*") if path.suffix in (".so", ".pyd"))
    return module


def load(path: Path):
    name = path.name.partition(".")[0]
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """tests/native/client.pyx, which offers its functions for comparison."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    return load(build(HERE / "client.pyx", tmp_path_factory.mktemp("client")))


@pytest.fixture
def parameter(client):
    return client.Parameter(0.25)


def same(got, wanted) -> bool:
    """To the last bit, NaN for NaN."""
    return np.array_equal(np.ravel(got), np.ravel(wanted), equal_nan=True)


def agree(found, results) -> bool:
    """Values, errors and statuses with those of the Python operator."""
    values, errors, statuses, codes = found
    return (
        not codes.any()
        and same(values, [r.value for r in results])
        and same(errors, [r.error for r in results])
        and same(statuses, [r.status for r in results])
    )


def within_reach(points, options):
    """Python refuses a given step that does not change x."""
    return points[np.abs(points).max(axis=1) != 1e300] if "step" in options else points


@pytest.mark.parametrize("points", [POINTS, HARD], ids=["usual", "hard"])
@pytest.mark.parametrize("options", FIXED, ids=repr)
@pytest.mark.parametrize("name", ["rosenbrock", "mixed", "scribbler", "doubler", "negator"])
@pytest.mark.parametrize(
    ("of", "operator"), [(native.Gradient, fc.gradient), (native.Hessian, fc.hessian)], ids=["gradient", "hessian"]
)
def test_gradients_and_hessians_are_those_of_python(client, parameter, of, operator, name, options, points):
    def f(x):
        return client.evaluate(name, x, parameter)

    plan, points = of(4, **options), within_reach(points, options)
    found = client.differentiate(plan, name, points, parameter)
    assert agree(found, [operator(f, x, full_output=True, **options) for x in points])
    assert same(client.values_alone(plan, name, points, parameter), [operator(f, x, **options) for x in points])


@pytest.mark.parametrize("points", [POINTS, HARD], ids=["usual", "hard"])
@pytest.mark.parametrize("options", [*FIXED, {"method": "adaptive"}], ids=repr)
def test_jacobians_are_those_of_python(client, parameter, options, points):
    def f(x):
        return client.evaluate("circle", x, parameter, 3)

    plan, points = native.Jacobian(3, 4, **options), within_reach(points, options)
    found = client.differentiate(plan, "circle", points, parameter)
    assert agree(found, [fc.jacobian(f, x, full_output=True, **options) for x in points])
    assert same(client.values_alone(plan, "circle", points, parameter), [fc.jacobian(f, x, **options) for x in points])


@pytest.mark.parametrize("n", [1, 2, 5, 10])
@pytest.mark.parametrize("options", [{}, *ADAPTIVE, {"accuracy": 4}, {"method": "forward"}], ids=repr)
@pytest.mark.parametrize("name", ["wave", "root"])
def test_derivatives_are_those_of_python(client, parameter, name, options, n):
    def f(x):
        return client.evaluate(name, x, parameter)

    points = within_reach(np.append(POINTS, HARD[~np.isnan(HARD)])[:, None], options)
    plan = native.Derivative(n, **options)
    found = client.differentiate(plan, name, points, parameter)
    assert agree(found, [fc.derivative(f, x, n, full_output=True, **options) for x in points[:, 0]])
    assert same(
        client.values_alone(plan, name, points, parameter), [fc.derivative(f, x, n, **options) for x in points[:, 0]]
    )


@pytest.mark.parametrize("options", ADAPTIVE, ids=repr)
@pytest.mark.parametrize("name", ["mixed", "scribbler", "doubler", "negator"])
def test_adaptive_gradients_are_those_of_python(client, parameter, name, options):
    def f(x):
        return client.evaluate(name, x, parameter)

    options = {"method": "adaptive", **options}
    points = within_reach(np.concatenate([POINTS, HARD]), options)
    found = client.differentiate(native.Gradient(4, **options), name, points, parameter)
    assert agree(found, [fc.gradient(f, x, full_output=True, **options) for x in points])


def test_curves_have_derivatives_too(client, parameter):
    """A function of one variable with several outputs."""
    values = client.values_alone(native.Derivative(2, 3), "circle", [[0.3]], parameter)
    total = 0.3 + 0.25
    exact = [-((i + 1) ** 2) * np.sin((i + 1) * total) + 2 for i in range(3)]
    # extrapolated second derivatives lose a few digits
    np.testing.assert_allclose(values[0], exact, rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 65, 100])
def test_numbers_of_variables(client, parameter, n):
    """Python's Hessians of more than 64 variables are made in blocks."""

    def f(x):
        return client.evaluate("rosenbrock", x, parameter)

    x = np.random.default_rng(n).normal(size=(1, n))
    x[0, ::7] *= 1e-12
    assert same(client.values_alone(native.Gradient(n), "rosenbrock", x, parameter), fc.gradient(f, x[0]))
    assert same(client.values_alone(native.Hessian(n), "rosenbrock", x, parameter), fc.hessian(f, x[0]))


def test_many_outputs(client, parameter):
    """A few groups of points fill a block."""

    def f(x):
        return client.evaluate("circle", x, parameter, 5000)

    wanted = fc.jacobian(f, POINTS[0])
    assert same(client.values_alone(native.Jacobian(5000, 4), "circle", POINTS[:1], parameter), wanted)


def test_results_are_right(client, parameter):
    """Against the formulas."""
    x = np.linspace(-3, 3, 7)
    values, errors, _, _ = client.differentiate(native.Derivative(3), "wave", x[:, None], parameter)
    exact = -np.cos(x + 0.25)
    assert (np.abs(values[:, 0] - exact) <= errors[:, 0]).all()
    assert (errors < 1e-6).all()


@pytest.mark.parametrize("plan", [native.Jacobian(3, 4), native.Jacobian(3, 4, method="adaptive")], ids=repr)
@pytest.mark.parametrize("failure", [1, -1, 7, -(2**31), 2**31 - 1])
@pytest.mark.parametrize("fail_at", [1, 2, 8])
def test_status_of_a_function_ends_its_derivative(client, plan, failure, fail_at):
    parameter = client.Parameter(0, fail_at, failure)
    values, errors, statuses, codes = client.differentiate(plan, "circle", POINTS[:2], parameter)
    assert codes.tolist() == [failure, 0]
    assert np.isnan(values[0]).all()
    assert np.isnan(errors[0]).all()
    assert (statuses[0] == fc.Status.NON_FINITE).all()
    assert np.isfinite(values[1]).all()


@pytest.mark.parametrize(("plan", "calls"), [(native.Jacobian(3, 4), 8), (native.Jacobian(3, 4, method="forward"), 9)])
def test_number_of_calls(client, plan, calls):
    """The copy of x is as it was after each of them, or they would be made again."""
    parameter = client.Parameter(0.25)
    client.differentiate(plan, "circle", POINTS[:1], parameter)
    assert parameter.calls == calls


@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
@pytest.mark.parametrize("x", [POINTS[0], np.array([1e-9, 0.5, 2.0, -1e-12])], ids=["usual", "tiny"])
def test_as_many_calls_as_from_python(client, method, x):
    """Only what drowned in rounding is taken again."""
    parameter = client.Parameter(0.25)
    client.differentiate(native.Jacobian(3, 4, method=method), "circle", x[None], parameter)

    def f(x):
        return client.evaluate("circle", x, client.Parameter(0.25), 3)

    assert parameter.calls == fc.jacobian(f, x, method=method, full_output=True).evaluations


def test_failed_call_is_the_last(client):
    parameter = client.Parameter(0, 3, 1)
    client.differentiate(native.Jacobian(3, 4), "circle", POINTS[:1], parameter)
    assert parameter.calls == 3


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_non_finite_values_are_data(client, parameter, method):
    points = np.array([[0.5, 1.0], [1.5, 1.0]])
    found = client.differentiate(native.Gradient(2, method=method), "holed", points, parameter)
    values, _, statuses, codes = found
    assert not codes.any()
    assert np.isnan(values[0]).all()
    assert (statuses[0] == fc.Status.NON_FINITE).all()
    np.testing.assert_allclose(values[1], [0.5 / np.sqrt(0.5), 1.0], rtol=1e-9)


def test_step_that_is_lost_in_x_gives_nan(client, parameter):
    plan = native.Gradient(4, step=1e-3)
    values, _, statuses, _ = client.differentiate(plan, "mixed", np.array([[1e300, 1.0, 2.0, 3.0]]), parameter)
    assert np.isnan(values[0, 0])
    assert statuses[0, 0] == fc.Status.NON_FINITE


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        (native.Jacobian(2, 4), "mixed"),
        (native.Jacobian(2, 1), "wave"),
        (native.Gradient(4), "wave"),
        (native.Derivative(1, 2), "wave"),
    ],
    ids=repr,
)
def test_function_that_does_not_fit_the_plan(client, parameter, plan, name):
    _, wrong_form = client.versions
    values, _, _, codes = client.differentiate(plan, name, POINTS, parameter)
    assert (codes == wrong_form).all()
    assert (values == 7).all()


def test_threads_share_a_plan(client, parameter):
    plan, points = native.Hessian(4), np.random.default_rng(0).normal(size=(500, 4))
    alone = client.values_alone(plan, "mixed", points, parameter)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: client.values_alone(plan, "mixed", points, parameter), range(8)))
    assert all(same(run, alone) for run in runs)


@pytest.mark.parametrize("text", [DECLARATIONS, HERE.parents[1] / "README.md"], ids=lambda path: path.name)
def test_examples_are_compiled_here(text):
    example = re.search(
        r"^( *)cdef double rosenbrock.*?np.asarray\(result\)\n", text.read_text(), re.DOTALL | re.MULTILINE
    )
    lines = [line.removeprefix(example[1]) for line in example[0].splitlines() if line.strip()]
    compiled = (HERE / "client.pyx").read_text().replace("valley", "rosenbrock").replace("readme_example", "gradients")
    assert [line for line in lines if line not in compiled.splitlines()] == []


def test_example(client):
    np.testing.assert_allclose(client.readme_example(np.array([[0.0, 2.0]]), 10.0), [[-2.0, 40.0]], atol=1e-8)


@pytest.mark.parametrize("name", ["rosenbrock", "mixed", "scribbler"])
def test_functions_are_handed_to_python(client, parameter, name):
    f = client.hand_over(name, parameter)
    assert f.signature == "double (int, double *, void *)"
    assert f.owner is parameter or parameter in f.owner
    assert f(POINTS[0]) == client.evaluate(name, POINTS[0], parameter)
    assert same(fc.gradient(f, POINTS[0]), client.values_alone(native.Gradient(4), name, POINTS[:1], parameter))
    assert same(fc.hessian(f, POINTS[0]), client.values_alone(native.Hessian(4), name, POINTS[:1], parameter))


def test_other_forms_are_handed_to_python(client, parameter):
    f = client.hand_over("wave", parameter)
    assert same(fc.derivative(f, 0.5), client.values_alone(native.Derivative(), "wave", [[0.5]], parameter))
    F = client.hand_over("circle", parameter, 3)
    assert same(fc.jacobian(F, POINTS[0]), client.values_alone(native.Jacobian(3, 4), "circle", POINTS[:1], parameter))
    failing = client.hand_over("circle", client.Parameter(0, 2, 11), 3)
    with pytest.raises(fc.CallbackError, match="11"):
        fc.jacobian(failing, POINTS[0])


def test_function_that_was_handed_over_keeps_its_data(client):
    f = client.hand_over("wave", client.Parameter(0.25))
    assert f(0.5) == np.sin(0.75)


@NEEDS_CYTHON
def test_module_of_another_version_is_not_imported(tmp_path):
    (tmp_path / "fastcalc").mkdir()
    (tmp_path / "fastcalc" / "__init__.pxd").touch()
    other = re.sub(r'_1"', '_0"', DECLARATIONS.read_text())
    (tmp_path / "fastcalc" / "native.pxd").write_text(other)
    module = build(HERE / "stale.pyx", tmp_path, tmp_path)
    with pytest.raises(TypeError, match=r"fastcalc\.native\.scalar_function has wrong signature"):
        load(module)


def test_types_carry_the_version():
    text = DECLARATIONS.read_text()
    version = re.search(r"VERSION = (\d+)", text)[1]
    named = re.findall(r'"fastcalc_\w+_(\d+)"', text)
    assert len(named) == 4
    assert set(named) == {version}


def test_modules_know_the_version(client):
    assert client.versions[0] == 1


def test_attributes_of_plans():
    plan = native.Jacobian(3, 4)
    assert (plan.n_variables, plan.n_outputs, plan.n_results) == (4, 3, 12)
    assert native.Hessian(4).n_results == 16
    assert native.Derivative(2).n_results == native.Derivative(2).n_variables == 1
    assert plan.work_size > 0
    assert repr(plan) == "<Jacobian: n_variables=4, n_outputs=3>"


def test_plan_itself_is_none():
    with pytest.raises(TypeError, match="Plan is no plan: take Gradient, Jacobian, Hessian or Derivative"):
        native.Plan()


@pytest.mark.parametrize("make", [native.Gradient, native.Hessian, lambda n, **o: native.Jacobian(2, n, **o)])
def test_wrong_arguments(make):
    with pytest.raises(ValueError, match="`n` must be between 1 and 2147483647; got 0: it is the number of variables"):
        make(0)
    with pytest.raises(TypeError, match=r"`n` must be an integer; got 2\.5"):
        make(2.5)
    with pytest.raises(TypeError, match=r"unknown option 'bounds': those of plans for C functions are .* `compiled`"):
        make(2, bounds=(0, 1))
    with pytest.raises(ValueError, match=r"`method` must be one of .* here; got 'exact': hand the function to the"):
        make(2, method="exact")
    with pytest.raises(ValueError, match="`accuracy` must be a positive even integer for central differences; got 3"):
        make(2, accuracy=3)
    with pytest.raises(ValueError, match="`step` must be a scalar, or have one entry per variable"):
        make(2, step=[1e-3, 1e-3, 1e-3])


def test_wrong_arguments_of_single_plans():
    with pytest.raises(ValueError, match="`m` must be between 1 and 2147483647; got 0: it is the number of outputs"):
        native.Jacobian(0, 2)
    with pytest.raises(ValueError, match="`method` must be one of 'central', 'forward', 'backward' here; got 'adapt"):
        native.Hessian(2, method="adaptive")
    with pytest.raises(ValueError, match="`n` must be between 1 and 10; got 11: it says which derivative"):
        native.Derivative(11)
