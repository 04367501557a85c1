"""gradient and value_and_gradient: closed forms, laws, shapes, layouts, calls."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import fastcalc as fc
from tests import reference
from tests.cases import EPS, SURFACES, layouts
from tests.reference import Recorder

STENCILS = [
    ("central", 2),
    ("central", 4),
    ("central", 6),
    ("forward", 1),
    ("forward", 2),
    ("backward", 1),
    ("backward", 3),
]


def call(surface, vectorized):
    return {"f": surface.f, "x": surface.x, "vectorized": vectorized}


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_closed_forms(surface, method, accuracy, vectorized):
    value = fc.gradient(**call(surface, vectorized), method=method, accuracy=accuracy)
    exact = surface.gradient(surface.x)
    assert value.shape == surface.x.shape
    # one-sided stencils reach farther on one side: their constants grow to about 10
    allowed = (2 if method == "central" else 10) * surface.tolerance(1, accuracy)
    if surface.name == "badly scaled":
        # the same law, component by component: f = 3, in units of 1 / x
        allowed = 10 * EPS ** (accuracy / (1 + accuracy)) * 3 / np.abs(surface.x)
    assert (np.abs(value - exact) <= allowed).all()


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize("vectorized", [False, True])
def test_complex_step_is_exact_to_rounding(surface, vectorized):
    value = fc.gradient(**call(surface, vectorized), method="complex")
    exact = surface.gradient(surface.x)
    # cancellation inside the derivative's own formula: 16 eps of its largest term
    np.testing.assert_allclose(value, exact, rtol=16 * EPS, atol=16 * EPS * np.abs(exact).max())


@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_is_the_plain_loop_bit_for_bit(surface):
    result = fc.gradient(surface.f, surface.x, full_output=True)
    np.testing.assert_array_equal(result.value, reference.gradient(surface.f, surface.x, result.step))


@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_vectorised_is_the_plain_one(surface):
    plain, block = (fc.gradient(surface.f, surface.x, vectorized=v, full_output=True) for v in (False, True))
    np.testing.assert_array_equal(plain.step, block.step)
    # sums over (n, k) may run in another order: an ulp of the values over the step
    allowed = 4 * EPS * np.abs(surface.f(surface.x)) / plain.step
    assert (np.abs(plain.value - block.value) <= allowed).all()


@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_error_falls_with_the_accuracy(method, accuracy):
    x = np.array([0.5, 1.0], np.longdouble)

    def error(h):
        return fc.gradient(lambda x: np.exp(x).sum(), x, method=method, accuracy=accuracy, step=h) - np.exp(x)

    h = 2.0**-3 if method == "central" else 2.0**-7
    order = np.log2(np.abs(error(h) / error(h / 2)).astype(float))
    np.testing.assert_allclose(order, accuracy, atol=0.2)


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({}, 2 * 5),
        ({"accuracy": 4}, 4 * 5),
        ({"accuracy": 6}, 6 * 5),
        ({"method": "forward", "accuracy": 1}, 5 + 1),
        ({"method": "backward", "accuracy": 1}, 5 + 1),
        ({"method": "forward", "accuracy": 2}, 2 * 5 + 1),
        ({"method": "forward", "accuracy": 4}, 4 * 5 + 1),
        ({"method": "complex"}, 5),
    ],
)
@pytest.mark.parametrize("full_output", [False, True])
def test_number_of_calls(options, calls, full_output):
    f = Recorder(np.sum)
    result = fc.gradient(f, np.arange(1.0, 6), full_output=full_output, **options)
    assert f.calls == calls
    if full_output:
        assert result.evaluations == calls


def test_number_of_calls_of_value_and_gradient():
    for n in (1, 2, 10):
        f = Recorder(lambda x: np.exp(x).sum())
        x = np.linspace(0.5, 1, n)
        value, gradient = fc.value_and_gradient(f, x)
        assert f.calls == 2 * n + 1
        assert value == np.exp(x).sum()
        np.testing.assert_array_equal(gradient, fc.gradient(lambda x: np.exp(x).sum(), x))


def test_value_and_gradient_of_a_batch():
    x = np.linspace(0.5, 2, 12).reshape(3, 2, 2)
    value, gradient = fc.value_and_gradient(lambda x: (x**2).sum(axis=0), x, vectorized=True)
    np.testing.assert_array_equal(value, (x**2).sum(axis=0))
    np.testing.assert_allclose(gradient, 2 * x, rtol=1e-9)


def test_value_and_gradient_with_options():
    x = np.array([1.0, 2.0])
    out = np.empty(2)
    value, gradient = fc.value_and_gradient(lambda x, a: a * np.exp(x).sum(), x, out=out, args=(3,), method="forward")
    assert value == 3 * np.exp(x).sum()
    assert gradient is out
    result = fc.value_and_gradient(lambda x: np.exp(x).sum(), x, full_output=True)
    assert result.fun == np.exp(x).sum()
    assert result.evaluations == 5


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 4), (2, 1, 3), (2, 0), (1, 1)])
@pytest.mark.parametrize("method", ["central", "forward", "complex"])
def test_has_the_shape_of_x(shape, method):
    x = np.random.default_rng(2).uniform(1, 2, shape)
    value = fc.gradient(lambda x: (x * x).sum() if np.ndim(x) else x * x, x, method=method)
    assert np.shape(value) == shape
    # f is at most 48 over a step of eps**(1/3) or, complex, exact; squares have no third derivative
    np.testing.assert_allclose(value, 2 * x, rtol=1e-9)


@pytest.mark.parametrize("shape", [(1,), (3, 4), (2, 1, 3)])
def test_f_gets_x_in_its_own_shape(shape):
    f = Recorder(np.sum)
    fc.gradient(f, np.ones(shape))
    assert {point.shape for point in f.points} == {shape}


@pytest.mark.parametrize(
    "x", [2, 2.0, np.float64(2), np.array(2.0), [2.0], np.array([[2.0]]), (2,), True, np.array([2])]
)
def test_kinds_of_x(x):
    value = fc.gradient(lambda x: 3 * np.sum(x), x)
    assert np.shape(value) == np.shape(x)
    assert value.dtype == np.float64
    np.testing.assert_allclose(value, 3, rtol=1e-10)


@pytest.mark.parametrize(
    "wrap",
    [float, np.float64, np.array, lambda v: np.array([v]), lambda v: [v], lambda v: (v,), lambda v: np.array([v])[0]],
)
def test_kinds_of_scalar_outputs(wrap):
    x = np.array([1.0, -2.0])
    np.testing.assert_array_equal(
        fc.gradient(lambda x: wrap(np.exp(x).sum()), x), fc.gradient(lambda x: np.exp(x).sum(), x)
    )


@pytest.mark.parametrize("constant", [0, 1, 7, -2.5, 0.1, 1e300, True, 3 + 4j, np.float32(0.1), np.longdouble(1) / 3])
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_a_constant_has_gradient_exactly_zero(constant, method, accuracy):
    x = np.array([0.0, 1.0, 1 / 3, -1e-7, 1e10])
    value = fc.gradient(lambda x: constant, x, method=method, accuracy=accuracy)
    np.testing.assert_array_equal(value, 0)


@given(
    x=arrays(np.float64, 3, elements=st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-3)),
    slope=arrays(np.float64, 3, elements=st.integers(-9, 9).map(float)),
    stencil=st.sampled_from(STENCILS),
)
def test_exact_for_linear_functions(x, slope, stencil):
    method, accuracy = stencil
    value = fc.gradient(lambda x: slope @ x, x, method=method, accuracy=accuracy)
    # products and sums of f round: 3 eps sum |slope x|, over the smallest step, times weights whose sum is below 12
    size = np.where(x == 0, 1, np.abs(x))
    allowed = 12 * 3 * EPS * (np.abs(slope) @ np.abs(x) + np.abs(slope) @ size) / (EPS ** (1 / (1 + accuracy)) * size)
    assert (np.abs(value - slope) <= allowed).all()


@pytest.mark.parametrize("x", [1 - 1e-6, 1.0, 2 - 1e-6, 0.5, 3.9999999, 0.1, 1e6, -1 + 1e-6, 1024 - 1e-3])
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_linear_functions_are_exact_across_powers_of_two(x, method, accuracy):
    # the identity itself: no rounding in f, so that any error is one of the distances between points
    allowed = (accuracy > 2) * 4 * EPS  # the few terms of the stencil round
    assert abs(fc.gradient(lambda x: x, x, method=method, accuracy=accuracy) - 1) <= allowed
    gradient = fc.Gradient(lambda x: x[0], method=method, accuracy=accuracy)
    for _ in range(2):
        assert abs(gradient(np.array([x]))[0] - 1) <= allowed
    gradient = fc.Gradient(lambda x: x[0], method=method, accuracy=accuracy, vectorized=True)
    for _ in range(2):
        np.testing.assert_allclose(gradient(np.array([[x, 3.0, 2 * x]])), 1, rtol=0, atol=allowed)


@given(
    x=arrays(np.float64, 4, elements=st.floats(0.1, 3)),
    a=st.floats(-10, 10),
    b=st.floats(-10, 10),
)
def test_linear_in_f(x, a, b):
    def f(x):
        return np.sin(x).sum()

    def g(x):
        return (x * x).sum()

    together = fc.gradient(lambda x: a * f(x) + b * g(x), x)
    apart = a * fc.gradient(f, x) + b * fc.gradient(g, x)
    # the same steps: only the rounding of the values differs, four eps of them over the step
    allowed = 4 * EPS * (abs(a) * 4 + abs(b) * 36) / (EPS ** (1 / 3) * x)
    assert (np.abs(together - apart) <= allowed + 4 * EPS * np.abs(apart)).all()


def test_product_and_chain_rule():
    x = np.array([0.4, 1.5, 2.0])

    def f(x):
        return np.sin(x).sum()

    def g(x):
        return np.exp(0.3 * x).prod()

    df, dg = (fc.gradient(h, x, accuracy=6) for h in (f, g))
    product = fc.gradient(lambda x: f(x) * g(x), x, accuracy=6)
    # accuracy 6: eps**(6/7) = 4e-14 times sizes of 1 to 30
    np.testing.assert_allclose(product, df * g(x) + f(x) * dg, rtol=1e-11)
    np.testing.assert_allclose(fc.gradient(lambda x: np.log(g(x)), x, accuracy=6), dg / g(x), rtol=1e-11)


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.int32, np.uint8]
)
@pytest.mark.parametrize("vectorized", [False, True])
def test_layout_of_x_does_not_matter(shape, dtype, vectorized):
    plain = np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)

    def f(x):
        return (x * x * x).sum(axis=0) if vectorized else (x * x * x).sum()

    expected = fc.gradient(f, plain, vectorized=vectorized)
    for name, x in layouts(plain):
        before = x.copy()
        value = fc.gradient(f, x, vectorized=vectorized)
        assert type(value) is np.ndarray
        np.testing.assert_array_equal(value, expected, err_msg=name)
        np.testing.assert_array_equal(x, before, err_msg=name)


def test_f_always_gets_an_ordinary_array():
    def f(x):
        assert type(x) is np.ndarray
        assert x.flags.c_contiguous
        assert x.flags.aligned
        assert x.flags.writeable
        assert x.dtype.isnative
        return x.sum()

    for _, x in layouts(np.arange(1.0, 7).reshape(2, 3)):
        fc.gradient(f, x)


def test_results_are_fresh_and_writable():
    gradient = fc.Gradient(np.sum)
    first = gradient([1.0, 2.0])
    kept = first.copy()
    first[:] = -5
    second = gradient([1.0, 2.0])
    np.testing.assert_array_equal(second, kept)
    assert second.flags.writeable
    assert second.flags.owndata or second.base.flags.owndata


def test_operator_equals_function_for_changing_shapes_and_types():
    gradient = fc.Gradient(lambda x: (x * x).sum())
    for x in (np.ones(3), np.ones(4), np.ones((2, 2)), np.ones(3, np.float32), np.ones(3), np.ones(4) * 1j, np.ones(0)):
        value = gradient(x)
        np.testing.assert_array_equal(value, fc.gradient(lambda x: (x * x).sum(), x))
        assert value.dtype == x.dtype


def test_operator_does_not_remember_the_shape_of_an_earlier_f():
    shape = [()]
    jacobian = fc.Jacobian(lambda x: np.full(shape[0], x.sum()))
    for wanted in [(), (2,), (3, 2), (0,), ()]:
        shape[0] = wanted
        assert jacobian([1.0, 2.0]).shape == (*wanted, 2)


def test_gradient_of_a_complex_function():
    x = np.array([0.5, 2.0])
    value = fc.gradient(lambda x: np.exp(1j * x).sum(), x)
    assert value.dtype == np.complex128
    # values of size 1 over steps of eps**(1/3) / 2
    np.testing.assert_allclose(value, 1j * np.exp(1j * x), atol=1e-9)


@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_gradient_at_complex_points(method, accuracy):
    z = np.array([0.5 + 1j, -2j, 3.0])
    value = fc.gradient(lambda z: (z**3).sum(), z, method=method, accuracy=accuracy)
    assert value.dtype == np.complex128
    # third derivative 6, abs(z) from 1 to 3, f = 27
    np.testing.assert_allclose(value, 3 * z**2, rtol=0, atol=500 * EPS ** (accuracy / (1 + accuracy)))
