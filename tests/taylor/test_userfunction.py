"""fc.taylor_function: functions that users add."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import fastcalc as fc

SPACE = fc.TaylorSpace(2, 3)


def sines(x, degree):
    return np.array([np.sin(x + k * np.pi / 2) for k in range(degree + 1)])


def cosine(x):
    return np.cos(x)


def minus_sine(x):
    return -np.sin(x)


def minus_cosine(x):
    return -np.cos(x)


ORDERS = [cosine, minus_sine, minus_cosine]


def plain_sine(x):
    """A sine that polynomials can't enter."""
    return np.sin(np.asarray(x, float))


def polynomial():
    x, y = SPACE.variables([0.3, 0.7])
    return x * y + 0.5 * x


@pytest.mark.parametrize("derivatives", [sines, ORDERS, tuple(ORDERS)], ids=["callable", "list", "tuple"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_as_the_known_function(derivatives, shape):
    p = polynomial() + np.linspace(0, 1, math.prod(shape)).reshape(shape) if shape else polynomial()
    got = fc.taylor_function(plain_sine, derivatives)(p)
    assert got.shape == shape
    assert got.space is SPACE
    np.testing.assert_allclose(got.coef, np.sin(p).coef, rtol=1e-14, atol=1e-15)


def test_numbers_and_arrays_go_to_f():
    sine = fc.taylor_function(plain_sine, sines)
    assert sine(0.5) == np.sin(0.5)
    np.testing.assert_array_equal(sine(np.array([0.5, 1.0])), np.sin([0.5, 1.0]))


def test_object_arrays_of_polynomials():
    x, y = SPACE.variables([0.3, 0.7])
    objects = np.empty(2, object)
    objects[:] = [x, y]
    got = fc.taylor_function(plain_sine, sines)(objects)
    np.testing.assert_allclose(got.coef, np.sin(SPACE.variables([0.3, 0.7])).coef, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_types_are_kept(dtype):
    p = SPACE.variables(np.array([0.25, 0.5], dtype))[0]
    got = fc.taylor_function(lambda x: np.sin(x), sines)(p)
    assert got.dtype == dtype
    np.testing.assert_allclose(got.coef, np.sin(p).coef, rtol=8 * float(np.finfo(dtype).eps), atol=1e-7)


def test_complex_values_of_real_polynomials():
    p = polynomial()
    turn = fc.taylor_function(lambda x: np.exp(1j * x), lambda x, n: [1j**k * np.exp(1j * x) for k in range(n + 1)])
    assert turn(p).dtype == np.complex128
    np.testing.assert_allclose(turn(p).coef, np.cos(p).coef + 1j * np.sin(p).coef, rtol=1e-14, atol=1e-16)


def test_constant_derivatives_may_be_numbers():
    double = fc.taylor_function(lambda x: 2 * np.asarray(x), [lambda x: 2.0, lambda x: 0.0, lambda x: 0.0])
    p = polynomial() + np.array([0.0, 1.0])
    np.testing.assert_array_equal(double(p).coef, (2 * p).coef)


def test_values_that_are_not_finite():
    x = fc.TaylorSpace(1, 2).variables([0.0])[0] + np.array([0.0, 1.0])

    def reciprocal(x):
        return np.where(x == 0, np.nan, 1 / np.where(x == 0, 1, x))

    inverse = fc.taylor_function(reciprocal, [lambda x: np.where(x == 0, 5.0, -1.0), lambda x: 2 + 0 * x])
    np.testing.assert_array_equal(inverse(x).coef, [[np.nan, 1], [np.nan, -1], [np.nan, 1]])


def test_a_ufunc_works_itself():
    sine = np.frompyfunc(math.sin, 1, 1)
    p = polynomial()
    with pytest.raises(TypeError, match="is not known"):
        sine(p)
    function = fc.taylor_function(sine, sines)
    np.testing.assert_allclose(sine(p).coef, np.sin(p).coef, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(function(p).coef, np.sin(p).coef, rtol=1e-14, atol=1e-16)
    fc.taylor_function(sine, [cosine])
    with pytest.raises(ValueError, match="has 1 derivatives"):
        sine(p)


def test_scipy_functions_that_are_missing():
    special = pytest.importorskip("scipy.special")
    p = fc.TaylorSpace(1, 2).variables([0.5])[0]
    fc.taylor_function(special.dawsn, [lambda x: 1 - 2 * x * special.dawsn(x),
                                       lambda x: (4 * x * x - 2) * special.dawsn(x) - 2 * x])  # fmt: skip
    value = special.dawsn(0.5)
    np.testing.assert_allclose(special.dawsn(p).coef, [value, 1 - value, (-value - 1) / 2], rtol=1e-14)


def test_pickle_and_names():
    sine = fc.taylor_function(plain_sine, ORDERS)
    again = pickle.loads(pickle.dumps(sine))
    np.testing.assert_array_equal(again(polynomial()).coef, sine(polynomial()).coef)
    assert sine.__name__ == "plain_sine"
    assert sine.__doc__ == plain_sine.__doc__
    assert repr(sine) == "taylor_function(plain_sine)"


def test_high_degrees():
    p = fc.TaylorSpace(1, 200).variables([0.0])[0]
    got = fc.taylor_function(np.exp.__call__, lambda x, n: np.ones(n + 1))(p)
    np.testing.assert_allclose(got.coef, np.exp(p).coef, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize(
    ("f", "derivatives", "error", "message"),
    [
        (3.0, sines, TypeError, "`f` must be callable; got 3.0"),
        (plain_sine, 3.0, TypeError, "`derivatives` must be a callable"),
        (plain_sine, "cos", TypeError, "`derivatives` must be a callable"),
        (plain_sine, [], TypeError, "give at least one derivative"),
        (plain_sine, [cosine, 2.0], TypeError, "list of the functions"),
        (np.sin, sines, ValueError, r"got np\.sin: call it as it is"),
        (np.isfinite, sines, ValueError, r"got np\.isfinite"),
        (np.frompyfunc(math.atan2, 2, 1), sines, ValueError, "one argument and one result"),
    ],
)
def test_arguments(f, derivatives, error, message):
    with pytest.raises(error, match=message):
        fc.taylor_function(f, derivatives)


@pytest.mark.parametrize(
    ("f", "derivatives", "error", "message"),
    [
        (
            plain_sine,
            [cosine],
            ValueError,
            "plain_sine has 1 derivatives, and a polynomial of degree 3 needs 3: give more",
        ),
        (plain_sine, lambda x, n: np.zeros(n), ValueError, r"shape \(4, 2\) at degree 3; got shape \(3,\)"),
        (
            plain_sine,
            [lambda x: np.zeros(5)] * 3,
            ValueError,
            r"derivative 1 of plain_sine made shape \(5,\) of \(2,\)",
        ),
        (np.sum, sines, ValueError, r"sum made shape \(\) of \(2,\): vectorize it"),
        (lambda x: "text", sines, TypeError, "must hold real or complex numbers"),
    ],
)
def test_calls(f, derivatives, error, message):
    with pytest.raises(error, match=message):
        fc.taylor_function(f, derivatives)(SPACE.variables([0.3, 0.7]))
