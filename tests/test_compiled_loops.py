"""The fused loops of compiled functions: the bits of the plans, point by point, wherever both can be had.

``full_output=True`` walks plans; without it, at default options, compiled functions run in loops of their own.
"""

import threading

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._differences import compiled_loops
from fastcalc._differences.plans import BACKWARD, CENTRAL, FORWARD, line
from fastcalc._kernels.compiled_loops import LineStencil
from tests.c_functions import compiled_from, library, python_twin  # noqa: F401

RNG = np.random.default_rng(5)
FORMS = {  # name -> outputs
    "smooth": None,
    "smooth_of": None,
    "outputs": 4,
    "outputs_of": 3,
    "checked": 2,
    "checked_of": 16,
}
FACTOR = np.array([0.75])
ACCURACIES = [("central", 2), ("central", 4), ("central", 6), ("forward", 1), ("forward", 2), ("forward", 5),
              ("backward", 1), ("backward", 3)]  # fmt: skip


def points(*shape):
    """Whose sizes tell the sizes of steps."""
    return RNG.uniform(0.5, 2.0, shape) * RNG.choice([-1.0, 1.0], shape)


def function(library, name):  # noqa: F811
    return compiled_from(library, name, n_outputs=FORMS.get(name), user_data=FACTOR if name.endswith("_of") else None)


@pytest.fixture
def counted(monkeypatch):
    """How often the fused loops had a result."""
    count = []
    at_once = compiled_loops.at_once

    def counting(*arguments):
        result = at_once(*arguments)
        count.append(result is not None)
        return result

    monkeypatch.setattr(compiled_loops, "at_once", counting)
    return count


def assert_same_as_plans(operator, x):
    result = operator(x, full_output=True)
    np.testing.assert_array_equal(operator(x), result.value, strict=True)
    return result


@pytest.mark.parametrize(("method", "accuracy"), ACCURACIES)
@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("operator", [fc.Gradient, fc.Jacobian, fc.Hessian])
def test_points(library, counted, operator, name, method, accuracy):  # noqa: F811
    if operator is fc.Gradient and FORMS[name]:
        return
    of = operator(function(library, name), method=method, accuracy=accuracy)
    for n in (1, 2, 5):
        for shape in ((n,), (1, n)):
            assert_same_as_plans(of, points(*shape))
    assert counted == [True] * 6


@pytest.mark.parametrize(("method", "accuracy"), ACCURACIES)
@pytest.mark.parametrize("name", ["smooth", "smooth_of", "checked"])
@pytest.mark.parametrize("operator", [fc.Jacobian, fc.Hessian])
def test_batches(library, counted, operator, name, method, accuracy):  # noqa: F811
    of = operator(function(library, name), method=method, accuracy=accuracy, vectorized=True)
    for shape in ((3, 1), (3, 511), (3, 513), (2, 2, 4)):
        assert_same_as_plans(of, points(*shape))
    tiny = points(3, 1030)
    tiny[1, [0, 511, 512, 1029]] = 1e-9, -1e-7, 0.0, 1e-8
    assert_same_as_plans(of, tiny)
    assert counted[:4] == [True] * 4


@pytest.mark.parametrize(("method", "accuracy"), ACCURACIES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_one_variable(library, counted, method, accuracy, n):  # noqa: F811
    of = fc.Derivative(function(library, "wave"), n, method=method, accuracy=accuracy)
    for x in (np.array([1.3]), points(3, 400), np.array([0.0, -0.0, 2.5])):
        assert_same_as_plans(of, x)
    assert counted == [True] * 3


def test_larger_hessians(library, counted):  # noqa: F811
    of = fc.Hessian(function(library, "rosenbrock"))
    x = points(80)  # whose plans are made in blocks
    result = assert_same_as_plans(of, x)
    np.testing.assert_array_equal(result.value, result.value.T)
    assert counted == [True]


@pytest.mark.parametrize("place", [0, 3, 5, 6, 10, 11])
def test_failures_are_raised_at_their_point(library, place):  # noqa: F811
    x = np.array([0.5, -2.0, 3.0])
    left = np.array([place], np.intc)
    failing = compiled_from(library, "fails_at_call", n_outputs=2, user_data=left)
    seen = []

    def recording(x):
        seen.append(x.copy())
        return np.zeros(2)

    fc.hessian(recording, x)
    with pytest.raises(fc.CallbackError) as caught:
        fc.Hessian(failing)(x)
    np.testing.assert_array_equal(caught.value.point, seen[place])


def test_values_that_are_not_finite(library):  # noqa: F811
    for x in ([1.0, 0.5], [-1.0, 0.5], [1.5, 0.5], [-2.0, 1.0]):
        for of in (fc.Gradient, fc.Hessian):
            assert_same_as_plans(of(function(library, "first_is_not_finite")), np.array(x))
    batch = np.array([[0.5, 1.0, -1.0, 0.2], [1.0, 1.0, 1.0, np.nan]])
    assert_same_as_plans(fc.Gradient(function(library, "first_is_not_finite"), vectorized=True), batch)


@pytest.mark.parametrize("name", ["clears", "doubles_the_last", "sorts", "negates_zeros", "normalises"])
def test_functions_that_write_into_their_point(library, counted, name):  # noqa: F811
    for x in (np.array([0.5, -2.0, 3.0]), np.array([3.0, 0.0, 1.0])):
        ours, theirs = function(library, name), python_twin(library, name)
        for of in (fc.gradient, fc.hessian):
            np.testing.assert_array_equal(of(ours, x), of(theirs, x))
        batch = np.stack([x, x, -x], axis=1)
        own = np.stack([fc.gradient(theirs, row) for row in batch.T], axis=1)
        np.testing.assert_array_equal(fc.gradient(ours, batch, vectorized=True), own)
    assert not any(counted) or name == "negates_zeros"


@pytest.mark.parametrize("call", range(36))
def test_functions_that_write_into_one_point_of_a_batch(library, call):  # noqa: F811
    count = np.array([0], np.intc)
    writing, smooth = compiled_from(library, "writes_once", user_data=count), function(library, "smooth")
    batch = points(3, 6)
    for of in (fc.gradient, fc.hessian):
        count[0] = call
        np.testing.assert_array_equal(of(writing, batch, vectorized=True), of(smooth, batch, vectorized=True))


def test_evaluations_are_as_many(library):  # noqa: F811
    for of, expected in ((fc.Gradient, 6), (fc.Hessian, 13)):
        operator = of(function(library, "smooth"))
        for _ in range(2):
            operator(np.ones(3))
            assert operator._spare[-1][1].evaluations % expected == 0
            assert operator._spare[-1][1].evaluations > 0


def test_many_outputs_walk_their_plan(library, counted):  # noqa: F811
    of = fc.Jacobian(compiled_from(library, "outputs", n_outputs=17))
    assert_same_as_plans(of, np.ones(3))
    assert counted == [False]


def test_long_stencils_walk_their_plan(library, counted):  # noqa: F811
    of = fc.Gradient(function(library, "smooth"), accuracy=20)
    assert_same_as_plans(of, np.ones(3))
    assert counted == [False]


def test_stencils_are_checked():
    whole = line(CENTRAL, 1, 4)
    parts = [whole.offsets, whole.plus, whole.minus, whole.weight, whole.denominator, 1]
    assert LineStencil(*parts).fits
    for kind in (FORWARD, BACKWARD):
        one_sided = line(kind, 2, 3)
        assert LineStencil(one_sided.offsets, one_sided.plus, one_sided.minus, one_sided.weight, 1.0, 2).fits
    for k, wrong in ((1, whole.plus + 9), (2, whole.minus + 9), (1, -whole.plus - 1)):
        with pytest.raises(ValueError, match="terms without points"):
            LineStencil(*parts[:k], wrong, *parts[k + 1 :])


# --- adaptive derivatives at numbers, whose memory is kept ------------------------------------------------------------

NUMBERS = [1.3, -0.2, 0.0, 1e-7, 1e8, 2.5, -40.0, 1e-300]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("options", [{}, {"rtol": 1e-5}, {"noise": 1e-9}, {"max_evaluations": 9}], ids=str)
def test_numbers_one_after_the_other(library, n, options):  # noqa: F811
    ours, theirs = function(library, "wave"), python_twin(library, "wave")
    operators = [fc.Derivative(f, n, **options) for f in (ours, theirs)]
    for _ in range(2):
        for x in NUMBERS:
            fresh = fc.derivative(theirs, x, n, **options)
            for operator in operators:
                value = operator(x)
                assert type(value) is np.float64
                np.testing.assert_array_equal(value, fresh)
                np.testing.assert_array_equal(operator(np.float64(x)), fresh)
                np.testing.assert_array_equal(operator(x, full_output=True).value, fresh)


def test_numbers_that_are_not_finite(library):  # noqa: F811
    operator = fc.Derivative(function(library, "wave"))
    for x in (1.0, np.inf, 1.0, np.nan, -np.inf, 1.0):
        assert np.isnan(operator(x)) == (not np.isfinite(x))


def test_points_and_numbers_in_turn(library):  # noqa: F811
    for f in (function(library, "wave"), python_twin(library, "wave")):
        operator = fc.Derivative(f)
        for x in (1.0, np.linspace(0.0, 1.0, 5), 0.25, [0.5], np.ones((2, 20)), 1):
            each = [fc.derivative(f, float(t)) for t in np.ravel(x)]
            np.testing.assert_array_equal(np.ravel(operator(x)), each)
            assert np.shape(operator(x)) == np.shape(x)


def test_outputs_that_change_their_shape():
    shapes = [(), (2,), (), (3, 2), (1,)]

    def f(x):
        return np.sin(x) * np.arange(1.0, np.prod(shape) + 1).reshape(shape)

    operator = fc.Derivative(f)
    for shape in shapes:
        value = operator(0.5)
        assert np.shape(value) == shape
        np.testing.assert_allclose(value, np.cos(0.5) * np.arange(1.0, np.prod(shape) + 1).reshape(shape), rtol=1e-12)


def test_results_do_not_share_memory(library):  # noqa: F811
    operator = fc.Jacobian(compiled_from(library, "outputs", n_outputs=2), method="adaptive")
    first = operator(np.ones(3))
    kept = first.copy()
    operator(np.zeros(3))
    np.testing.assert_array_equal(first, kept)


def test_functions_that_fail_leave_the_operator_usable():
    def f(x):
        if x > 1.05:
            raise ArithmeticError("too large")
        return x * x

    operator = fc.Derivative(f)
    for _ in range(2):
        assert operator(0.2) == pytest.approx(0.4, rel=1e-12)
        with pytest.raises(ArithmeticError, match="too large"):
            operator(1.0)


def test_nested_and_concurrent_numbers(library):  # noqa: F811
    inner = fc.Derivative(python_twin(library, "wave"))
    outer = fc.Derivative(lambda x: inner(x))
    second = fc.derivative(function(library, "wave"), 0.7, 2)
    for _ in range(3):
        assert outer(0.7) == pytest.approx(second, rel=1e-6)
    operator = fc.Derivative(function(library, "wave"))
    expected = [operator(0.01 * k) for k in range(200)]
    found = {}

    def run(number):
        found[number] = [[operator(0.01 * k) for k in range(200)] for _ in range(20)]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(values == [expected] * 20 for values in found.values())
    assert len(found) == 4


@pytest.mark.parametrize("component", range(3))
@pytest.mark.parametrize("call", range(6))
def test_outputs_of_a_function_that_writes_into_its_point_once(library, call, component):  # noqa: F811
    x, data = np.array([0.5, -2.0, 3.0]), np.array([call, component], np.intc)
    writes = compiled_from(library, "writes_beside_outputs", n_outputs=2, user_data=data)
    expected = fc.jacobian(compiled_from(library, "outputs", n_outputs=2), x)
    np.testing.assert_array_equal(fc.jacobian(writes, x), expected)
