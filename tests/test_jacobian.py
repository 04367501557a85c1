"""jacobian: closed forms, shapes f(x).shape + x.shape, blocks of outputs, kinds of outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests import reference
from tests.cases import EPS, MAPS, SURFACES
from tests.reference import Recorder

STENCILS = [("central", 2), ("central", 4), ("forward", 1), ("forward", 2), ("backward", 2)]


@pytest.mark.parametrize("case", MAPS, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_closed_forms(case, method, accuracy, vectorized):
    if vectorized and not case.vectorized:
        pytest.skip("returns matrices")
    value = fc.jacobian(case.f, case.x, method=method, accuracy=accuracy, vectorized=vectorized)
    exact = case.jacobian(case.x)
    assert value.shape == exact.shape
    assert value.dtype == exact.dtype
    allowed = (2 if method == "central" else 10) * case.tolerance(accuracy)
    assert (np.abs(value - exact) <= allowed).all()


@pytest.mark.parametrize("case", [case for case in MAPS if case.name != "complex-valued"], ids=str)
def test_complex_step_is_exact_to_rounding(case):
    exact = case.jacobian(case.x)
    value = fc.jacobian(case.f, case.x, method="complex")
    np.testing.assert_allclose(value, exact, rtol=8 * EPS, atol=8 * EPS * np.abs(exact).max(initial=0))
    assert value.dtype == np.float64


@pytest.mark.parametrize("case", MAPS, ids=str)
def test_is_the_plain_loop_bit_for_bit(case):
    result = fc.jacobian(case.f, case.x, full_output=True)
    step = fc.gradient(np.sum, case.x, full_output=True).step
    # part by part: NumPy divides complex numbers by another formula
    for part in (np.real, np.imag):
        twin = reference.gradient(lambda x: part(case.f(x)), case.x, step)  # noqa: B023
        np.testing.assert_array_equal(part(result.value), twin)
    np.testing.assert_array_equal(result.step, np.broadcast_to(step, result.value.shape))


@pytest.mark.parametrize("x_shape", [(), (1,), (0,), (3,), (3, 4), (2, 1, 2)])
@pytest.mark.parametrize("f_shape", [(), (1,), (0,), (5,), (3, 2), (1, 1), (2, 0)])
def test_shape_is_never_squeezed(x_shape, f_shape):
    x = np.random.default_rng(3).uniform(1, 2, x_shape)
    factors = np.arange(1.0, 1 + np.prod(f_shape)).reshape(f_shape)
    value = fc.jacobian(lambda x: factors * np.sum(x * x), x)
    assert np.shape(value) == f_shape + x_shape
    # squares: only the rounding of f, at most 48 * 6, over a step
    np.testing.assert_allclose(value, np.multiply.outer(factors, 2 * x), rtol=1e-8)


def test_of_a_scalar_function_is_the_gradient():
    for surface in SURFACES:
        np.testing.assert_array_equal(fc.jacobian(surface.f, surface.x), fc.gradient(surface.f, surface.x))


@pytest.mark.parametrize(
    ("wrap", "shape"),
    [
        (lambda a, b: [a, b], (2,)),
        (lambda a, b: (a, b), (2,)),
        (lambda a, b: [float(a), 2], (2,)),
        (lambda a, b: [[a, b], [b, 1]], (2, 2)),
        (lambda a, b: np.array([a, b])[::-1], (2,)),
        (lambda a, b: np.array([[a, b], [b, a]], order="F"), (2, 2)),
        (lambda a, b: np.array([a, b], ">f8"), (2,)),
        (lambda a, b: np.array(a), ()),
        (lambda a, b: np.array([a]), (1,)),
        (lambda a, b: float(a), ()),
        (lambda a, b: np.ma.array([a, b]), (2,)),
        (lambda a, b: range(3), (3,)),
    ],
)
def test_kinds_of_outputs(wrap, shape):
    x = np.array([0.5, 2.0])

    def f(x):
        return wrap(np.sin(x[0]) * x[1], x[0] * x[1])

    value = fc.jacobian(f, x)
    assert value.shape == (*shape, 2)
    np.testing.assert_array_equal(value, fc.jacobian(lambda x: np.array(f(x), float), x))


@pytest.mark.parametrize(
    ("options", "calls"),
    [({}, 8), ({"accuracy": 4}, 16), ({"method": "forward", "accuracy": 1}, 5), ({"method": "forward"}, 9),
     ({"method": "complex"}, 4)],
)  # fmt: skip
def test_number_of_calls(options, calls):
    f = Recorder(lambda x: x * x)
    result = fc.jacobian(f, [1.0, 2.0, 3.0, 4.0], full_output=True, **options)
    assert f.calls == result.evaluations == calls


@pytest.mark.parametrize(("m", "n"), [(1, 300), (300, 1), (70, 70), (3000, 40), (200_000, 2), (20, 500)])
@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize("vectorized", [False, True])
def test_outputs_larger_than_a_block(m, n, method, vectorized):
    rng = np.random.default_rng(4)
    rows, x = rng.integers(-4, 5, (m, 1)).astype(float), rng.integers(1, 9, n).astype(float)
    columns = rng.integers(-4, 5, n).astype(float)

    def f(x):
        total = (columns if x.ndim == 1 else columns[:, None]) * x
        return rows * total.sum(axis=0) if x.ndim > 1 else rows[:, 0] * total.sum()

    value = fc.jacobian(f, x, method=method, vectorized=vectorized, step=2.0**-10)
    # all numbers are small multiples of 2**-10: nothing rounds
    np.testing.assert_array_equal(value, rows * columns)


@given(st.integers(1, 6), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_affine_functions_are_exact(n, m, seed):
    rng = np.random.default_rng(seed)
    matrix, x = rng.integers(-9, 10, (m, n)).astype(float), rng.integers(-9, 10, n).astype(float)
    value = fc.jacobian(lambda x: matrix @ x + 1, x, step=2.0**-8)
    np.testing.assert_array_equal(value, matrix)


@given(st.integers(0, 2**32 - 1))
def test_chain_rule(seed):
    rng = np.random.default_rng(seed)
    a, b, x = rng.uniform(-1, 1, (4, 3)), rng.uniform(-1, 1, (2, 4)), rng.uniform(0.5, 1.5, 3)

    def f(x):
        return np.sin(a @ x)

    def g(y):
        return np.exp(b @ y)

    whole = fc.jacobian(lambda x: g(f(x)), x, accuracy=4)
    parts = fc.jacobian(g, f(x), accuracy=4, scale=1.0) @ fc.jacobian(f, x, accuracy=4)
    # accuracy 4: eps**(4/5) = 3e-13, times exp(4) and up to five factors of 3 or 4
    np.testing.assert_allclose(whole, parts, atol=3e-9)


def test_constant_outputs_have_derivative_exactly_zero():
    x = np.array([0.1, 1 / 3, 1e9])
    value = fc.jacobian(lambda x: np.array([0.1, x[0], 1e300]), x)
    np.testing.assert_array_equal(value[[0, 2]], 0)
    np.testing.assert_array_equal(value[1, 1:], 0)
