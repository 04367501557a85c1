"""hessian: closed forms, symmetry, calls, from values and from a gradient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests import reference
from tests.cases import EPS, SURFACES, layouts
from tests.reference import Recorder

STENCILS = [("central", 2), ("central", 4), ("forward", 1), ("forward", 2), ("backward", 1), ("backward", 3)]


def assert_symmetric(h):
    np.testing.assert_array_equal(h, h.swapaxes(0, 1))


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_closed_forms(surface, method, accuracy, vectorized):
    value = fc.hessian(surface.f, surface.x, method=method, accuracy=accuracy, vectorized=vectorized)
    exact = surface.hessian(surface.x)
    assert_symmetric(value)
    # one-sided stencils weigh up to 4 values of up to 5; a mixed derivative has the error of three lines
    allowed = (4 if method == "central" else 100) * surface.tolerance(2, accuracy)
    if surface.name == "badly scaled":
        # the same law, entry by entry: f = 3, in units of 1 / (x_i x_j)
        allowed = 100 * EPS ** (accuracy / (2 + accuracy)) * 3 / np.abs(np.outer(surface.x, surface.x))
    assert (np.abs(value - exact) <= allowed).all()


@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_is_the_plain_loop(surface):
    result = fc.hessian(surface.f, surface.x, full_output=True)
    h = np.diagonal(result.step)
    twin = reference.hessian(surface.f, surface.x, h)
    # the order of at most seven terms may differ: an ulp of each
    largest = 7 * np.abs([surface.f(surface.x + s * h) for s in (-1, 0, 1)]).max()
    assert (np.abs(result.value - twin) <= 4 * EPS * largest / np.outer(h, h)).all()
    assert result.fun == surface.f(surface.x)


@pytest.mark.parametrize("surface", SURFACES, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), [("central", 2), ("central", 4), ("forward", 2), ("complex", 2)])
def test_from_a_gradient(surface, method, accuracy):
    # stacked into a complex array where the method needs it
    value = fc.hessian(
        surface.f, surface.x, gradient=lambda x: _complex_safe(surface, x), method=method, accuracy=accuracy
    )
    exact = surface.hessian(surface.x)
    assert_symmetric(value)
    allowed = 20 * surface.tolerance(2, accuracy) * EPS ** (accuracy / (1 + accuracy) - accuracy / (2 + accuracy))
    if surface.name == "badly scaled":
        allowed = 20 * EPS ** (accuracy / (1 + accuracy)) * 3 / np.abs(np.outer(surface.x, surface.x))
        allowed = np.maximum(allowed, allowed.T)
    assert (np.abs(value - exact) <= allowed).all()


def _complex_safe(surface, x):
    return np.asarray(surface.gradient(x), x.dtype)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 30])
def test_number_of_calls(n):
    x = np.linspace(0.5, 1.5, n)
    f = Recorder(lambda x: np.exp(x).sum())
    result = fc.hessian(f, x, full_output=True)
    assert f.calls == result.evaluations == 1 + n + n**2
    gradient = Recorder(np.exp)
    result = fc.hessian(f, x, gradient=gradient, full_output=True)
    assert gradient.calls == result.evaluations == 2 * n
    assert f.calls == 1 + n + n**2


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
@pytest.mark.parametrize("accuracy", [2, 4])
@given(seed=st.integers(0, 2**32 - 1))
def test_symmetric_to_the_last_bit(method, accuracy, seed):
    rng = np.random.default_rng(seed)
    a, x = rng.normal(size=(4, 4)), rng.normal(size=4)
    assert_symmetric(fc.hessian(lambda x: np.sin(a @ x).sum(), x, method=method, accuracy=accuracy))


@pytest.mark.parametrize("method", ["central", "forward"])
def test_symmetric_to_the_last_bit_from_a_gradient(method):
    rng = np.random.default_rng(5)
    a, x = rng.normal(size=(6, 5)), rng.normal(size=5)
    h = fc.hessian(np.sum, x, gradient=lambda x: a.T @ np.cos(a @ x), method=method)
    assert_symmetric(h)
    exact = -a.T @ np.diag(np.sin(a @ x)) @ a
    np.testing.assert_allclose(h, exact, atol=1e-7)  # third derivatives of about 20 times eps**(2/3)


@given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(["central", "forward", "backward"]))
def test_exact_for_quadratic_functions(seed, method):
    rng = np.random.default_rng(seed)
    a = rng.integers(-9, 10, (4, 4)).astype(float)
    x = rng.integers(-9, 10, 4).astype(float)
    # multiples of 2**-12 below 2**12: exact in every operation of f and of the formula
    h = fc.hessian(lambda x: x @ a @ x + x.sum(), x, method=method, accuracy=2, step=2.0**-6)
    np.testing.assert_array_equal(h, a + a.T)


@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_error_falls_with_the_accuracy(method, accuracy):
    x = np.array([0.5, 0.25], np.longdouble)

    def error(h):
        value = fc.hessian(lambda x: np.exp(x[0] + 2 * x[1]), x, method=method, accuracy=accuracy, step=h)
        return value - np.exp(x[0] + 2 * x[1]) * np.array([[1, 2], [2, 4]])

    h = 2.0**-4 if method == "central" else 2.0**-8
    order = np.log2(np.abs(error(h) / error(h / 2)).astype(float))
    # the next term is smaller by 3 h (one-sided) or 9 h**2, times a constant of a few
    np.testing.assert_allclose(order, accuracy, atol=0.3)


def test_constant_and_linear_functions():
    x = np.array([0.1, 1 / 3, 1e9, 0.0])
    for method in ("central", "forward", "backward"):
        np.testing.assert_array_equal(fc.hessian(lambda x: 0.1, x, method=method), 0)
        np.testing.assert_array_equal(fc.hessian(lambda x: x[0], x, method=method)[1:, 1:], 0)


@pytest.mark.parametrize("x_shape", [(), (1,), (0,), (3,), (2, 3), (2, 0)])
@pytest.mark.parametrize("f_shape", [(), (1,), (2,), (2, 3), (0,)])
def test_shape_is_that_of_f_then_twice_that_of_x(x_shape, f_shape):
    x = np.random.default_rng(6).uniform(1, 2, x_shape)
    factors = np.arange(1.0, 1 + np.prod(f_shape)).reshape(f_shape)
    value = fc.hessian(lambda x: factors * np.sum(x * x), x)
    assert np.shape(value) == f_shape + x_shape + x_shape
    exact = np.multiply.outer(factors, 2 * np.eye(x.size).reshape(x_shape + x_shape))
    # f up to 24 * 6 over h**2 = eps**(1/2)
    np.testing.assert_allclose(value, exact, atol=2e-5)


def test_a_hessian_per_output():
    x = np.array([0.5, 2.0, -1.0])
    surfaces = [lambda x: x[0] * x[1] ** 2, lambda x: np.exp(x[2]), lambda x: np.sin(x[0] * x[2])]
    value = fc.hessian(lambda x: np.array([f(x) for f in surfaces]), x)
    np.testing.assert_array_equal(value, [fc.hessian(f, x) for f in surfaces])


@pytest.mark.parametrize("n", [64, 65, 100, 150])
@pytest.mark.parametrize("vectorized", [False, True])
def test_more_entries_than_a_block(n, vectorized):
    rng = np.random.default_rng(7)
    x = rng.integers(-3, 4, n).astype(float)
    a = rng.integers(-3, 4, n).astype(float)

    def f(x):
        return (a @ x) ** 2 + (x * x).sum(axis=0)

    value = fc.hessian(f, x, vectorized=vectorized, step=2.0**-5)
    # multiples of 2**-10 below 2**20: exact
    np.testing.assert_array_equal(value, 2 * np.outer(a, a) + 2 * np.eye(n))


def test_badly_scaled_variables_do_not_touch_each_other():
    x = np.array([1e-9, 1e9, 1.0])
    s = np.array([1e9, 1e-9, 1.0])
    value = fc.hessian(lambda x: np.exp((s * x).sum() / 3), x)
    scaled = value / np.outer(s, s)
    np.testing.assert_allclose(scaled, np.full((3, 3), np.e / 9), rtol=2e-6)  # eps**(1/2) times 9 * a few


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_layout_of_x_does_not_matter(dtype):
    plain = np.arange(1, 7).reshape(2, 3).astype(dtype)

    def f(x):
        return (x * x * x).sum() + x[0, 0] * x[1, 2]

    expected = fc.hessian(f, plain)
    assert expected.dtype == dtype
    for name, x in layouts(plain):
        np.testing.assert_array_equal(fc.hessian(f, x), expected, err_msg=name)


def test_complex_functions_and_points():
    x = np.array([0.5, 2.0])
    value = fc.hessian(lambda x: np.exp(1j * x[0] * x[1]), x)
    e = np.exp(1j * x[0] * x[1])
    exact = np.array([[-(x[1] ** 2) * e, 1j * e - x[0] * x[1] * e], [1j * e - x[0] * x[1] * e, -(x[0] ** 2) * e]])
    np.testing.assert_allclose(value, exact, atol=1e-6)  # eps**(1/2) times derivatives up to 2**4
    z = np.array([0.5 + 1j, 2.0])
    np.testing.assert_allclose(
        fc.hessian(lambda z: z[0] ** 2 * z[1], z), [[2 * z[1], 2 * z[0]], [2 * z[0], 0]], atol=1e-6
    )


def test_operator_equals_function():
    for surface in SURFACES:
        h = fc.Hessian(surface.f)
        for _ in range(2):
            np.testing.assert_array_equal(h(surface.x), fc.hessian(surface.f, surface.x))
