"""Compiled functions in all operators and methods: the same bits as the same functions called from Python."""

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import threading
import time
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._differences import plans as build
from fastcalc._kernels.compiled import CompiledCaller, FunctionPointer
from fastcalc._kernels.lines import Lines
from tests.c_functions import compiled_from, library, python_twin  # noqa: F401

FACTOR = np.array([-1.75])
X = np.array([0.5, -2.0, 3.0])
METHODS = ["central", "forward", "backward", "adaptive"]
pytestmark = pytest.mark.filterwarnings("error")


def pair(library, name, n_outputs=None, user_data=None):  # noqa: F811
    """A compiled function and the same one in Python."""
    made = compiled_from(library, name, n_outputs=n_outputs, user_data=user_data)
    return made, python_twin(library, name, n_outputs, user_data)


SCALARS = [("smooth", None), ("smooth_of", FACTOR)]
VECTORS = [("outputs", None), ("outputs_of", FACTOR), ("checked", None), ("checked_of", FACTOR)]


def assert_same(ours, theirs):
    """Equal to the last bit, field by field."""
    if isinstance(ours, tuple):
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
        return
    if not isinstance(ours, fc.DerivativeResult):
        assert type(ours) is type(theirs)
        np.testing.assert_array_equal(ours, theirs, strict=True)
        return
    for name in ("value", "error", "step", "success", "status", "fun"):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_array_equal(one, other, err_msg=name)
    assert ours.evaluations == theirs.evaluations
    assert ours.message == theirs.message


# --- operators and methods --------------------------------------------------------------------------------------------

V = np.array([1.0, -0.5, 2.0])
OF_SCALARS = {
    "gradient": lambda f, **options: fc.gradient(f, X, **options),
    "value_and_gradient": lambda f, **options: fc.value_and_gradient(f, X, **options),
    "hessian": lambda f, **options: fc.hessian(f, X, **options),
    "jacobian": lambda f, **options: fc.jacobian(f, X, **options),
    "jvp": lambda f, **options: fc.jvp(f, X, V, **options),
    "hvp": lambda f, **options: fc.hvp(f, X, V, **options),
    "vjp": lambda f, **options: fc.vjp(f, X, 2.5, **options),
    "laplacian": lambda f, **options: fc.laplacian(f, X, **options),
    "partial": lambda f, **options: fc.partial(f, X, (1, 0, 2), **options),
}
OF_VECTORS = {
    "jacobian": lambda f, **options: fc.jacobian(f, X, **options),
    "hessian": lambda f, **options: fc.hessian(f, X, **options),
    "jvp": lambda f, **options: fc.jvp(f, X, V, **options),
    "vjp": lambda f, **options: fc.vjp(f, X, V, **options),
    "hvp": lambda f, **options: fc.hvp(f, X, V, **options),
    "laplacian": lambda f, **options: fc.laplacian(f, X, **options),
    "divergence": lambda f, **options: fc.divergence(f, X, **options),
    "curl": lambda f, **options: fc.curl(f, X, **options),
    "partial": lambda f, **options: fc.partial(f, X, (1, 1, 0), **options),
}


@pytest.mark.parametrize("full_output", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("operator", OF_SCALARS)
@pytest.mark.parametrize(("name", "data"), SCALARS)
def test_scalar_functions(library, name, data, operator, method, full_output):  # noqa: F811
    ours, theirs = pair(library, name, user_data=data)
    call = OF_SCALARS[operator]
    assert_same(
        call(ours, method=method, full_output=full_output), call(theirs, method=method, full_output=full_output)
    )


@pytest.mark.parametrize("full_output", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("operator", OF_VECTORS)
@pytest.mark.parametrize(("name", "data"), VECTORS)
def test_functions_with_outputs(library, name, data, operator, method, full_output):  # noqa: F811
    ours, theirs = pair(library, name, n_outputs=3, user_data=data)
    call = OF_VECTORS[operator]
    assert_same(
        call(ours, method=method, full_output=full_output), call(theirs, method=method, full_output=full_output)
    )


@pytest.mark.parametrize("x", [0.0, -1.5, [0.5, -2.0, 1e-7], np.linspace(-1, 1, 12).reshape(3, 4)], ids=str)
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "data"), [("wave", None), ("wave_of", FACTOR)])
def test_functions_of_one_variable(library, name, data, method, n, x):  # noqa: F811
    ours, theirs = pair(library, name, user_data=data)
    for full_output in (False, True):
        options = {"method": method, "full_output": full_output}
        assert_same(fc.derivative(ours, x, n, **options), fc.derivative(theirs, x, n, **options))


@pytest.mark.parametrize(
    "options",
    [
        {"accuracy": 4},
        {"accuracy": 3, "method": "forward"},
        {"step": 1e-3},
        {"step": np.array([1e-3, 1e-5, 0.125])},
        {"scale": 10.0},
        {"bounds": (X - 1e-9, X + 1)},
        {"bounds": (X, [0.5, 4, 4])},
        {"bounds": (X - 1, X), "method": "adaptive"},
        {"method": "adaptive", "rtol": 1e-4},
        {"method": "adaptive", "max_evaluations": 7},
        {"method": "adaptive", "noise": 1e-6},
    ],
    ids=str,
)
def test_options(library, options):  # noqa: F811
    for full_output in (False, True):
        chosen = {**options, "full_output": full_output}
        ours, theirs = pair(library, "smooth")
        assert_same(fc.gradient(ours, X, **chosen), fc.gradient(theirs, X, **chosen))
        assert_same(fc.hessian(ours, X, **chosen), fc.hessian(theirs, X, **chosen))
        ours, theirs = pair(library, "outputs", 4)
        assert_same(fc.jacobian(ours, X, **chosen), fc.jacobian(theirs, X, **chosen))


@pytest.mark.parametrize("x", [[0.0, -0.0, 1e-9], [1e-7, 1.0, 0.0], [np.nan, 1.0, 2.0], [np.inf, 1.0, 2.0]], ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_points_that_take_a_second_look(library, method, x):  # noqa: F811
    for name, count in (("smooth", None), ("outputs", 2)):
        ours, theirs = pair(library, name, count)
        for call in (fc.jacobian, fc.hessian):
            options = {"method": method, "full_output": True}
            assert_same(call(ours, x, **options), call(theirs, x, **options))
            assert_same(call(ours, x, method=method), call(theirs, x, method=method))


@pytest.mark.parametrize("count", [1, 2, 5, 17, 40])
def test_numbers_of_variables(library, count):  # noqa: F811
    x = np.sin(np.arange(count)) + 2
    for name, outputs in (("smooth", None), ("outputs", 3)):
        ours, theirs = pair(library, name, outputs)
        for method in ("central", "adaptive"):
            assert_same(fc.jacobian(ours, x, method=method), fc.jacobian(theirs, x, method=method))
        assert_same(fc.jvp(ours, x, x[::-1]), fc.jvp(theirs, x, x[::-1]))
        assert_same(fc.hessian(ours, x), fc.hessian(theirs, x))
    assert_same(fc.gradient(*pair(library, "smooth")[:1], x), fc.gradient(pair(library, "smooth")[1], x))


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (1, 1, 4)])
def test_shapes_of_x(library, shape):  # noqa: F811
    x = 1 + np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    ours, theirs = pair(library, "smooth")
    for method in ("central", "adaptive"):
        assert_same(fc.gradient(ours, x, method=method), fc.gradient(theirs, x, method=method))
        assert_same(fc.hessian(ours, x, method=method), fc.hessian(theirs, x, method=method))
    ours, theirs = pair(library, "outputs", 5)
    assert_same(fc.jacobian(ours, x), fc.jacobian(theirs, x))
    assert fc.jacobian(ours, x).shape == (5, *shape)


def test_no_variables(library):  # noqa: F811
    ours, theirs = pair(library, "rosenbrock")
    empty = np.empty(0)
    for call in (fc.gradient, fc.jacobian, fc.hessian):
        assert_same(call(ours, empty), call(theirs, empty))
    assert_same(fc.value_and_gradient(ours, empty), fc.value_and_gradient(theirs, empty))
    ours, theirs = pair(library, "checked", 0)
    assert_same(fc.jacobian(ours, X), fc.jacobian(theirs, X))
    assert fc.jacobian(ours, X).shape == (0, 3)
    assert fc.derivative(compiled_from(library, "wave"), np.empty((0, 2))).shape == (0, 2)


def test_one_variable_in_the_other_operators(library):  # noqa: F811
    wave, theirs = pair(library, "wave")
    for x in (0.7, [0.7]):
        assert_same(fc.gradient(wave, x), fc.gradient(theirs, x))
        assert_same(fc.hessian(wave, x), fc.hessian(theirs, x))
    smooth = compiled_from(library, "smooth")
    python = python_twin(library, "smooth")
    assert_same(fc.derivative(smooth, [0.5, 0.75]), fc.derivative(python, [0.5, 0.75]))
    outputs, python = pair(library, "outputs", 2)
    assert_same(fc.derivative(outputs, [0.5, 0.75, 1]), fc.derivative(python, [0.5, 0.75, 1]))
    assert fc.derivative(outputs, [0.5, 0.75, 1]).shape == (2, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, int, bool, ">f8"])
def test_other_types_of_x_are_promoted_before_steps_are_chosen(library, dtype):  # noqa: F811
    smooth = compiled_from(library, "smooth")
    x = np.array([1, 0, 1]).astype(dtype)
    for call in (fc.gradient, fc.hessian, fc.jacobian):
        assert_same(call(smooth, x), call(smooth, x.astype(float)))
        assert_same(call(smooth, x, method="adaptive"), call(smooth, x.astype(float), method="adaptive"))
    operator = fc.Gradient(smooth)
    assert_same(operator(x), operator(x.astype(float)))
    assert fc.derivative(compiled_from(library, "wave"), np.float32(0.3)).dtype == np.float64


def test_layouts_of_x(library):  # noqa: F811
    smooth = compiled_from(library, "smooth")
    wide = np.arange(24.0).reshape(4, 6) / 7
    for x in (wide[::2, ::-1], wide.T, np.asfortranarray(wide)):
        assert_same(fc.gradient(smooth, x), fc.gradient(smooth, x.copy()))
    read_only = X.copy()
    read_only.flags.writeable = False
    assert_same(fc.gradient(smooth, read_only), fc.gradient(smooth, X))


def test_functions_over_operators(library):  # noqa: F811
    smooth, python = pair(library, "smooth")
    outputs, python_outputs = pair(library, "outputs", 2)
    cov = np.diag([0.1, 0.2, 0.3])
    assert_same(fc.propagate(smooth, X, cov), fc.propagate(python, X, cov))
    assert_same(fc.propagate(outputs, X, cov), fc.propagate(python_outputs, X, cov))
    assert fc.estimate_noise(smooth, X) == fc.estimate_noise(python, X)
    ours, theirs = (fc.taylor(f, X, 2, method="numeric").coef for f in (smooth, python))
    np.testing.assert_array_equal(ours, theirs)
    linear = fc.Jacobian(outputs).as_linear_operator(X)
    np.testing.assert_array_equal(linear.matvec(V), fc.jvp(outputs, X, V))
    np.testing.assert_array_equal(linear.rmatvec(V[:2]), fc.vjp(outputs, X, V[:2]))


def test_gradients_in_c(library):  # noqa: F811
    f = compiled_from(library, "rosenbrock")
    x = np.array([1.2, -0.7, 0.3, 2.0])
    gradient, python = pair(library, "rosenbrock_gradient", 4)
    assert_same(fc.hessian(f, x, gradient=gradient), fc.hessian(f, x, gradient=python))
    assert_same(fc.hvp(f, x, x, gradient=gradient), fc.hvp(f, x, x, gradient=python))
    square = x.reshape(2, 2)
    flat = fc.hessian(f, x, gradient=gradient)
    np.testing.assert_array_equal(fc.hessian(f, square, gradient=gradient), flat.reshape(2, 2, 2, 2))
    np.testing.assert_array_equal(
        fc.hvp(f, square, square, gradient=gradient), (fc.hvp(f, x, x, gradient=gradient)).reshape(2, 2)
    )
    assert_same(
        fc.hessian(f, x, gradient=gradient, method="adaptive"), fc.hessian(f, x, gradient=python, method="adaptive")
    )
    for wrong in (compiled_from(library, "outputs", n_outputs=3), f):
        with pytest.raises(ValueError, match="`gradient` must return one component per variable"):
            fc.hessian(f, x, gradient=wrong)
    batch = np.stack([x, x + 0.5, x - 0.25], axis=1)
    hessians = fc.hessian(f, batch, gradient=gradient, vectorized=True)
    for k in range(3):
        np.testing.assert_array_equal(hessians[..., k], fc.hessian(f, batch[:, k], gradient=gradient))


def test_gradients_that_are_checked(library):  # noqa: F811
    f = compiled_from(library, "rosenbrock")
    x = np.array([1.2, -0.7, 0.3, 2.0])
    gradient = compiled_from(library, "rosenbrock_gradient", n_outputs=4)
    wrong = compiled_from(library, "outputs", n_outputs=4)
    for given in (f, python_twin(library, "rosenbrock")):
        assert fc.check_gradient(given, gradient, x).passed
        assert not fc.check_gradient(given, wrong, x).passed
    assert fc.check_gradient(f, gradient, x.reshape(2, 2)).passed
    batch = np.stack([x, x + 0.5, x - 0.25], axis=1)
    assert fc.check_gradient(f, gradient, batch, vectorized=True).passed
    assert not fc.check_gradient(f, wrong, batch, vectorized=True).passed
    assert fc.check_jacobian(gradient, lambda x: fc.hessian(f, x, gradient=gradient, method="adaptive"), x).passed


# --- batches of points ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [1, 7, 3000])
@pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
def test_batches(library, method, lanes):  # noqa: F811
    if method == "adaptive" and lanes > 100:
        lanes = 300
    batch = np.random.default_rng(3).normal(size=(4, lanes)) * [[1], [1e-3], [10], [1]]
    some = [0, lanes // 2, lanes - 1]
    for f, operators in (
        (compiled_from(library, "smooth"), (fc.gradient, fc.hessian, fc.jacobian, fc.laplacian)),
        (compiled_from(library, "outputs", n_outputs=3), (fc.jacobian,)),
    ):
        for operator in operators:
            whole = operator(f, batch, vectorized=True, method=method)
            for k in some:
                np.testing.assert_array_equal(whole[..., k], operator(f, batch[:, k], method=method))


def test_a_batch_of_several_axes_with_bounds(library):  # noqa: F811
    smooth = compiled_from(library, "smooth")
    batch = np.random.default_rng(5).uniform(-1, 1, (3, 4, 5))
    bounds = (np.array([-1.0, -0.2, -1]), np.array([1.0, 1, 0.3]))
    batch = np.clip(batch, bounds[0][:, None, None], bounds[1][:, None, None])
    whole = fc.gradient(smooth, batch, vectorized=True, bounds=bounds)
    for place in np.ndindex(4, 5):
        point = batch[:, *place]
        np.testing.assert_array_equal(whole[:, *place], fc.gradient(smooth, point, bounds=bounds))


def test_one_variable_and_batches(library):  # noqa: F811
    wave = compiled_from(library, "wave")
    x = np.linspace(0, 3, 11)
    slopes = fc.derivative(wave, x)
    np.testing.assert_array_equal(fc.derivative(wave, x, vectorized=True), slopes)
    rows = fc.gradient(wave, x[None], vectorized=True, method="adaptive")
    np.testing.assert_array_equal(rows, slopes[None])
    with pytest.raises(ValueError, match=r"has one variable; got an x of 11: for an array of points use `derivative`"):
        fc.gradient(wave, x)


def test_results_of_many_blocks(library):  # noqa: F811
    x = np.cos(np.arange(60.0))
    ours, theirs = pair(library, "outputs", 3000)  # some 10 points a block
    assert_same(fc.jacobian(ours, x), fc.jacobian(theirs, x))
    ours, theirs = pair(library, "smooth")
    x = np.cos(np.arange(140.0))  # 19,601 points
    assert_same(fc.hessian(ours, x), fc.hessian(theirs, x))
    ours, theirs = pair(library, "outputs", 50)
    assert_same(fc.hessian(ours, x[:20]), fc.hessian(theirs, x[:20]))


# --- functions that write into x --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clears", "doubles_the_last", "sorts", "negates_zeros", "normalises"])
@pytest.mark.parametrize("method", METHODS)
def test_functions_that_write_into_x(library, name, method):  # noqa: F811
    ours, theirs = pair(library, name)
    for x in (X, np.array([1.0, 1.0, 1.0]), np.array([0.0, 2.0, -0.0]), np.arange(12.0), np.array([2.0])):
        kept = x.copy()
        for call in (fc.gradient, fc.hessian, fc.laplacian):
            np.testing.assert_array_equal(call(ours, x, method=method), call(theirs, x, method=method))
        np.testing.assert_array_equal(fc.jvp(ours, x, np.ones_like(x)), fc.jvp(theirs, x, np.ones_like(x)))
        np.testing.assert_array_equal(x, kept)
    batch = np.random.default_rng(1).normal(size=(6, 9))
    whole = fc.gradient(ours, batch, vectorized=True, method=method)
    for k in range(9):
        np.testing.assert_array_equal(whole[:, k], fc.gradient(theirs, batch[:, k], method=method))


@pytest.mark.parametrize("call", range(40))
def test_a_function_that_writes_into_x_once(library, call):  # noqa: F811
    # whichever call it is, components restored since then must not hide it
    count = np.array([call], np.intc)
    writing = compiled_from(library, "writes_once", user_data=count)
    smooth = compiled_from(library, "smooth")
    for x in (X, np.arange(1.0, 8)):
        for operator in (
            fc.gradient,
            fc.hessian,
            lambda f, x: fc.jvp(f, x, x),
            lambda f, x: fc.gradient(f, x, method="adaptive"),
        ):
            count[0] = call
            np.testing.assert_array_equal(operator(writing, x), operator(smooth, x))


@pytest.mark.parametrize("component", range(5))
@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_a_function_that_writes_one_component_once(library, method, component):  # noqa: F811
    # which is soon overwritten, because it is displaced next
    data = np.array([0, component], np.intc)
    writing = compiled_from(library, "writes_one_component", user_data=data)
    smooth = compiled_from(library, "smooth")
    x = np.arange(1.0, 6)
    expected = fc.gradient(smooth, x, method=method), fc.hessian(smooth, x, method=method)
    for call in range(40):
        for operator, result in zip((fc.gradient, fc.hessian), expected, strict=True):
            data[0] = call
            np.testing.assert_array_equal(operator(writing, x, method=method), result)
    product = fc.hvp(smooth, x, x[::-1])
    for call in range(31):  # not in one loop with the combination; points with one component displaced, and with all
        data[0] = call
        np.testing.assert_array_equal(fc.gradient(writing, x, full_output=True).value, fc.gradient(smooth, x))
        data[0] = call
        np.testing.assert_array_equal(fc.hvp(writing, x, x[::-1]), product)
        data[0] = call
        np.testing.assert_array_equal(fc.hessian(writing, x, full_output=True).value, fc.hessian(smooth, x))


def test_a_status_that_its_own_writing_brings_about(library):  # noqa: F811
    ours, theirs = pair(library, "shrinks_and_fails", 3)
    for method in METHODS:
        for on_error in ("raise", "nan"):
            options = {"method": method, "on_error": on_error}
            np.testing.assert_array_equal(fc.jacobian(ours, X, **options), fc.jacobian(theirs, X, **options))


def test_a_function_that_writes_into_x_costs_a_block_more(library):  # noqa: F811
    result = fc.gradient(compiled_from(library, "clears"), X, full_output=True)
    assert 6 < result.evaluations <= 12
    operator = fc.Gradient(compiled_from(library, "clears"), full_output=True)
    operator(X)
    assert operator(X).evaluations == 6  # it is known by now


# --- statuses, and values that are not finite -------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1, 3, 5])
def test_a_status_is_raised_with_its_point(library, place):  # noqa: F811
    left = np.array([place], np.intc)
    f = compiled_from(library, "fails_at_call", n_outputs=2, user_data=left)
    operator = fc.Jacobian(f)
    with pytest.raises(fc.CallbackError) as caught:
        operator(X)
    error = caught.value
    assert error.status == -7
    moved = np.flatnonzero(error.point != X)
    assert moved.tolist() == [place // 2]
    assert (error.point[moved] > X[moved]) == (place % 2 == 0)
    np.testing.assert_array_equal(operator(X), fc.jacobian(compiled_from(library, "outputs", n_outputs=2), X))


@pytest.mark.parametrize("method", METHODS)
def test_statuses_at_some_points(library, method):  # noqa: F811
    limit = np.array([2.9])
    x = np.array([0.5, 2.9, 1.0])  # any step up in x[1] is one too many
    ours, theirs = pair(library, "fails_beyond", 4, limit)
    for operator in (fc.jacobian, fc.hessian):
        options = {"method": method, "on_error": "nan"}
        for full_output in (False, True):
            assert_same(
                operator(ours, x, full_output=full_output, **options),
                operator(theirs, x, full_output=full_output, **options),
            )
    if method != "backward":
        with pytest.raises(
            fc.CallbackError, match=r"status 2 at x = \[0\.5[ 0]*, [23]\.\d*, 1\.[ 0]*\], .* on_error='nan'"
        ):
            fc.jacobian(ours, x, method=method)
    limit[0] = -9.0
    assert np.isnan(fc.jacobian(ours, x, method=method, on_error="nan")).all()


def test_statuses_in_a_batch(library):  # noqa: F811
    limit = np.array([2.9])
    f = compiled_from(library, "fails_beyond", n_outputs=2, user_data=limit)
    batch = np.array([[0.5, 3.5, 1.0], [1.0, 1.0, 2.9]])
    whole = fc.jacobian(f, batch, vectorized=True, on_error="nan")
    assert np.isnan(whole).tolist() == [[[False, True, False], [False, True, True]]] * 2
    with pytest.raises(fc.CallbackError) as caught:
        fc.jacobian(f, batch, vectorized=True)
    assert caught.value.status == 1
    assert caught.value.point[1] == 1.0


def test_callback_errors_can_be_pickled_and_read():
    error = fc.CallbackError(4, np.array([1.0, 2.0]))
    again = pickle.loads(pickle.dumps(error))
    assert (again.status, again.point.tolist(), str(again)) == (4, [1.0, 2.0], str(error))
    assert isinstance(error, RuntimeError)
    assert "status 4, where 0 means success" in str(fc.CallbackError(4))
    assert len(str(fc.CallbackError(4, np.arange(1e6)))) < 300


def test_values_that_are_not_finite_are_data(library):  # noqa: F811
    ours, theirs = pair(library, "first_is_not_finite")
    for x in ([1.0, 2.0, 0.5], [-1.0, 2.0, 0.5], [1.5, 2.0, 0.5], [-3.0, 1.0, 1.0]):
        for method in METHODS:
            for operator in (fc.gradient, fc.hessian):
                options = {"method": method, "full_output": True}
                assert_same(operator(ours, x, **options), operator(theirs, x, **options))


@pytest.mark.parametrize("name", ["forgets_the_last", "adds"])
def test_outputs_that_are_not_written_are_nan(library, name):  # noqa: F811
    f = compiled_from(library, name, n_outputs=3)
    for result in (fc.jacobian(f, X), fc.jacobian(f, X, method="adaptive")):
        assert np.isnan(result).all(axis=1).tolist() == [name == "adds", name == "adds", True]


def test_outputs_that_are_not_written_are_not_those_of_another_point(library):  # noqa: F811
    f = compiled_from(library, "forgets_beyond_one", n_outputs=3)
    for options in ({}, {"full_output": True}, {"method": "adaptive"}):
        operator = fc.Jacobian(f, **options)
        for x, missing in ((X, False), (X + 2, True), (X, False)):
            result = operator(x)
            value = getattr(result, "value", result)
            assert np.isnan(value).all(axis=1).tolist() == [False, False, missing]
    values = f.values_at(np.tile([[0.5, 1.0], [2.0, 1.0]], (5, 1)))
    assert np.isnan(values).tolist() == [[False] * 3, [False, False, True]] * 5


# --- what compiled functions can't do ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.longdouble, np.complex128, np.complex64, np.clongdouble])
def test_types_of_x_that_are_no_doubles(library, dtype):  # noqa: F811
    if np.dtype(dtype) == np.float64:
        pytest.skip("longdouble is double here")
    smooth = compiled_from(library, "smooth")
    x = np.ones(3, dtype)
    for call in (
        lambda: fc.gradient(smooth, x),
        lambda: fc.Jacobian(smooth)(x),
        lambda: fc.jvp(smooth, x, V),
        lambda: fc.hessian(smooth, x, gradient=compiled_from(library, "outputs", n_outputs=3)),
        lambda: fc.derivative(compiled_from(library, "wave"), x),
    ):
        with pytest.raises(TypeError, match=rf"`x` must be float64 for a compiled f; got dtype {np.dtype(dtype)}: use"):
            call()


@pytest.mark.parametrize(
    ("method", "remedy"), [("complex", "use method 'central'"), ("exact", "use method 'adaptive'")]
)
def test_methods_that_are_not_for_doubles(library, method, remedy):  # noqa: F811
    smooth = compiled_from(library, "smooth")
    gradient = compiled_from(library, "outputs", n_outputs=3)
    message = rf"method '{method}' runs f on .*; got a compiled `f`, which computes in double precision: {remedy}"
    for call in (
        lambda: fc.Gradient(smooth, method=method),
        lambda: fc.derivative(compiled_from(library, "wave"), 0.5, method=method),
        lambda: fc.jvp(smooth, X, V, method=method),
        lambda: fc.hessian(lambda x: x[0], X, gradient=gradient, method=method),
        lambda: fc.hvp(lambda x: x[0], X, V, gradient=gradient, method=method),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match="of `taylor` 'numeric'"):
        fc.taylor(smooth, X, 2)
    exact = fc.hessian(smooth, X, gradient=lambda x: x * x, method=method)  # which does not call f
    np.testing.assert_allclose(exact, np.diag(2 * X))


def test_other_arguments(library):  # noqa: F811
    smooth = compiled_from(library, "smooth")
    stored = r"`args` and `kwargs` are for functions of Python; got them with a compiled `f`, which takes x alone"
    for options in ({"args": (1,)}, {"kwargs": {"a": 1}}):
        for call in (fc.gradient, fc.laplacian, fc.check_gradient):
            given = (smooth, X) if call is not fc.check_gradient else (smooth, np.sin, X)
            with pytest.raises(TypeError, match=stored):
                call(*given, **options)
    operator = fc.Gradient(smooth)
    for call in (lambda: operator(X, 1), lambda: operator(X, a=1), lambda: fc.Gradient(smooth, argnum=1)(0.0, X)):
        with pytest.raises(
            TypeError, match="a compiled function takes x alone; got 1 other arguments: give them as `user_data`"
        ):
            call()
    np.testing.assert_array_equal(operator(X), fc.gradient(smooth, X))


def test_outputs_where_a_scalar_is_needed(library):  # noqa: F811
    with pytest.raises(ValueError, match=r"must return a scalar .* outputs of shape \(3,\): use `jacobian`"):
        fc.gradient(compiled_from(library, "outputs", n_outputs=3), X)
    one = compiled_from(library, "outputs", n_outputs=1)
    assert fc.gradient(one, X).shape == (3,)
    np.testing.assert_array_equal(fc.gradient(one, X), fc.jacobian(one, X)[0])
    with pytest.raises(ValueError, match="must return a scalar, shape"):
        fc.estimate_noise(compiled_from(library, "outputs", n_outputs=2), X)


def test_operators_with_pointers_cannot_be_pickled(library):  # noqa: F811
    for operator in (fc.Gradient(compiled_from(library, "smooth")), fc.Derivative(compiled_from(library, "wave"))):
        with pytest.raises(TypeError, match=r"cannot pickle .* means nothing in another process"):
            pickle.dumps(operator)


# --- threads, interrupts, nested use, lifetimes -----------------------------------------------------------------------


def test_eight_threads_share_one_operator(library):  # noqa: F811
    for operator in (
        fc.Gradient(compiled_from(library, "smooth")),
        fc.Jacobian(compiled_from(library, "checked", n_outputs=5)),
        fc.Hessian(compiled_from(library, "clears")),
        fc.Gradient(compiled_from(library, "smooth"), method="adaptive"),
    ):
        points = [X * (1 + k / 7) for k in range(8)]
        expected = [operator(x) for x in points]

        def work(k, operator=operator, points=points, expected=expected):
            for _ in range(100):
                np.testing.assert_array_equal(operator(points[k]), expected[k])

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))


def test_threads_run_side_by_side(library):  # noqa: F811
    inside = np.zeros(1, np.intc)
    f = compiled_from(library, "meets", user_data=inside)
    for call in (lambda: f.values_at(np.ones((1, 2))), lambda: fc.propagate(f, [1.0], [[0.0]])[0]):
        inside[0] = 0
        with ThreadPoolExecutor(2) as pool:
            assert [np.ravel(met)[0] for met in pool.map(lambda _, call=call: call(), range(2))] == [1, 1]


def test_nested_use(library):  # noqa: F811
    inner = compiled_from(library, "rosenbrock")
    operators = []

    def python(n, x):
        point = np.ctypeslib.as_array(x, (n,)).copy()
        return float(operators[0](point)[0]) if np.abs(point).max() < 100 else 0.0

    callback = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double))(python)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    outer = compiled_from(library, "calls", user_data=address)
    operators.append(fc.Gradient(inner))
    expected = fc.gradient(lambda x: operators[0](x)[0], X)
    np.testing.assert_array_equal(fc.gradient(outer, X), expected)


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("pause", [0, 30, 1000, 40_000])
def test_interrupts(library, pause):  # noqa: F811
    data = np.array([pause], np.intc)
    f = compiled_from(library, "sleeps" if pause else "smooth_of", user_data=data if pause else FACTOR)
    x = np.ones(4 if pause > 2000 else 50)
    batch = np.tile(x[:, None], 20_000 if pause < 2000 else 1000)
    calls = {
        "batch": lambda: fc.gradient(f, batch, vectorized=True),
        "adaptive": lambda: fc.gradient(f, batch, vectorized=True, method="adaptive"),
        "hessian": lambda: fc.hessian(f, np.tile(batch[:8], 20), vectorized=True),
        "values": lambda: f.values_at(np.ascontiguousarray(np.tile(batch.T, (50, 1)))),
    }
    operators = [fc.Gradient(f, vectorized=True)]
    calls["operator"] = lambda: operators[0](batch)
    for name, call in calls.items():
        assert shortest_delay(call) < 0.1 + pause * 1e-6, name
    small = batch[:, :2]
    assert operators[0](small).shape == small.shape  # usable again


def shortest_delay(call, enough=0.05, tries=5):
    """Of some tries: a machine that is busy with other things delays everything."""
    shortest = np.inf
    for _ in range(tries):
        shortest = min(shortest, delay_of_interrupt(call))
        if shortest < enough:
            break
    return shortest


def delay_of_interrupt(call):
    """Seconds from Ctrl-C to its exception."""
    sent = []

    def send():
        time.sleep(0.15)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        call()
        pytest.fail("was not interrupted")
    except KeyboardInterrupt:
        received = time.perf_counter()
    thread.join()
    return received - sent[0]


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_interrupts_where_calls_become_expensive(library):  # noqa: F811
    pause = np.array([400], np.intc)
    f = compiled_from(library, "slow_beyond_one", user_data=pause)
    batch = np.ones((1, 50_000))
    batch[0, :30_000] = 0.25
    assert shortest_delay(lambda: fc.gradient(f, batch, vectorized=True)) < 0.2


def test_pointers_keep_their_owners_alive(library):  # noqa: F811
    class Owner:
        pass

    owner = Owner()
    seen = weakref.ref(owner)
    operator = fc.Gradient(fc.compiled(compiled_from(library, "smooth").address, "double (int, double *)", owner=owner))
    operator(X)
    del owner
    gc.collect()
    assert seen() is not None
    del operator
    gc.collect()
    assert seen() is None


def test_nothing_is_left_behind(library):  # noqa: F811
    limit = np.array([2.0])
    failing = compiled_from(library, "fails_beyond", n_outputs=2, user_data=limit)
    smooth, clears, wave = (compiled_from(library, name) for name in ("smooth", "clears", "wave"))
    kept = fc.Gradient(smooth)

    def run():
        kept(X)
        fc.gradient(clears, X)
        fc.derivative(wave, 0.5)
        compiled_from(library, "smooth").values_at(X[None])
        fc.jacobian(failing, X, on_error="nan")
        with contextlib.suppress(fc.CallbackError):
            fc.jacobian(failing, X)
        with contextlib.suppress(fc.CallbackError):
            failing.values_at(X[None])

    calls, grown = 100, []
    tracemalloc.start()
    try:
        for _ in range(2 * calls):  # fills the caches of NumPy and Python with memory that is traced
            run()
        while not grown or (min(grown) >= 24 * calls and len(grown) < 8):
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(calls):
                run()
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    assert min(grown) < 24 * calls, grown


# --- the kernel -------------------------------------------------------------------------------------------------------


def caller_of(library, name="smooth", n=2, **options):  # noqa: F811
    return CompiledCaller(compiled_from(library, name).pointer, n, **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": -1}, "points outside the plan"),
        ({"last": 6}, "points outside the plan"),
        ({"lane0": -1}, "points outside the plan"),
        ({"lanes": 2}, "lanes outside x or h"),
        ({"x": np.ones((2, 1), complex)}, "x and the buffer differ in type"),
        ({"x": np.ones((2, 1), np.float32)}, "a kernel got an array of the wrong type, layout or size"),
        ({"h": np.ones((2, 1), np.longdouble)}, "a kernel got an array of the wrong type, layout or size"),
        ({"h": np.ones((1, 1))}, "a kernel got an array of the wrong type, layout or size"),
        ({"x": np.ones((1, 1))}, "a kernel got an array of the wrong type, layout or size"),
        ({"plan": build.base_plan(3)}, "a kernel got an array of the wrong type, layout or size"),
    ],
)
def test_evaluations_that_do_not_fit(library, changes, message):  # noqa: F811
    plan = build.lines_plan(build.coordinate_axes(2), np.full(2, build.CENTRAL, np.uint8), 1, 2)
    arguments = {
        "plan": plan, "first": 0, "last": 4, "x": np.ones((2, 1)), "h": np.ones((2, 1)), "all_lanes": 1, "lane0": 0,
        "lanes": 1, "column": 0,
    }  # fmt: skip
    caller = caller_of(library)
    caller.start()
    assert caller.evaluate(*arguments.values())
    with pytest.raises(ValueError, match=message):
        caller.evaluate(*(arguments | changes).values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lines": Lines(np.ones((3, 1)))}, "lines and the buffer differ in size or type"),
        ({"lines": Lines(np.ones((2, 1), np.float32))}, "a compiled function takes float64"),
        ({"lines": Lines(np.ones((2, 1), complex))}, "a compiled function takes float64"),
        ({"line": np.zeros(1, np.int8)}, "indices of the wrong type, or too few"),
        ({"count": 3}, "indices of the wrong type, or too few"),
        ({"line": np.array([0, 2])}, "a line outside the set"),
        ({"shift": np.zeros(1)}, "a kernel got an array of the wrong type, layout or size"),
        ({"shift": np.zeros(2, np.float32)}, "a kernel got an array of the wrong type, layout or size"),
    ],
)
def test_lines_that_do_not_fit(library, changes, message):  # noqa: F811
    arguments = {"lines": Lines(np.ones((2, 1))), "line": np.array([0, 1]), "shift": np.array([0.5, 0.25]), "count": 2}
    caller = caller_of(library)
    caller.evaluate_along(*arguments.values())
    twin = python_twin(library, "smooth")
    np.testing.assert_array_equal(caller.values[:, 0], [twin([1.5, 1.0]), twin([1.0, 1.25])])
    signed = caller_of(library, "negates_zeros")
    signed.evaluate_along(Lines(np.full((2, 1), -0.0)), np.array([0]), np.zeros(1), 1)
    assert signed.values[0, 0] == -2  # x itself, with its signs
    with pytest.raises(ValueError, match=message):
        caller.evaluate_along(*(arguments | changes).values())


def test_pointers_that_do_not_fit(library):  # noqa: F811
    address = compiled_from(library, "smooth").address
    for arguments, message in (
        ((0, 1, None, ()), "needs an address and a form"),
        ((address, 4, None, ()), "needs an address and a form"),
        ((address, 1, None, (2,)), "returns its value has one; got outputs of shape"),
        ((address, 2, None, (2**40,)), "counts its outputs with a C int"),
        ((address, 2, None, (2**20, 2**20)), "counts its outputs with a C int"),
        ((address, 2, None, (-1,)), "counts its outputs with a C int"),
    ):
        with pytest.raises(ValueError, match=message):
            FunctionPointer(*arguments)


def test_values_at_points(library):  # noqa: F811
    points = np.random.default_rng(2).normal(size=(7, 4))
    smooth, outputs = compiled_from(library, "smooth").pointer, compiled_from(library, "outputs", n_outputs=3).pointer
    twin, twins = python_twin(library, "smooth"), python_twin(library, "outputs", 3)
    np.testing.assert_array_equal(smooth.values_at(points), [[twin(x)] for x in points])
    np.testing.assert_array_equal(outputs.values_at(points), [twins(x) for x in points])
    kept = points.copy()
    np.testing.assert_array_equal(compiled_from(library, "clears").pointer.values_at(points), smooth.values_at(points))
    np.testing.assert_array_equal(points, kept)
    assert smooth.values_at(np.empty((0, 4))).shape == (0, 1)
    limit = np.array([1.0])
    failing = compiled_from(library, "fails_beyond", n_outputs=2, user_data=limit).pointer
    bad = (points > 1).any(axis=1)
    assert bad.any()
    with pytest.raises(fc.CallbackError) as caught:
        failing.values_at(points)
    np.testing.assert_array_equal(caught.value.point, points[bad.argmax()])
    np.testing.assert_array_equal(np.isnan(failing.values_at(points, True)).all(axis=1), bad)
    for wrong in (points.astype(np.float32), points.astype(complex), points.T, points[0]):
        with pytest.raises((ValueError, TypeError)):
            smooth.values_at(wrong)
    with pytest.raises(ValueError, match="one variable"):
        compiled_from(library, "wave").pointer.values_at(points)


def test_failures_are_told_by_the_function(library):  # noqa: F811
    limit = np.array([-100.0])
    made = compiled_from(library, "fails_beyond", n_outputs=2, user_data=limit)
    told = []

    def failure(status, point):
        told.append((status, point.tolist()))
        return KeyError("of its own")

    pointer = FunctionPointer(made.address, made.form, made.user_data, (2,), made, failure)
    caller = CompiledCaller(pointer, 3)
    with pytest.raises(KeyError, match="of its own"):
        caller.evaluate(build.base_plan(3), 0, 1, X[:, None], np.ones((3, 1)), 1, 0, 1, 0)
    assert told == [(1, X.tolist())]
