"""Types in, types out: np.result_type(x, f(x)), for every kind of x and of values."""

import numpy as np
import pytest

import fastcalc as fc

REAL = [np.float32, np.float64, np.longdouble]
INEXACT = [*REAL, np.complex64, np.complex128, np.clongdouble]
EXACT = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint64, np.float16]

OPERATORS = {
    "derivative": lambda f, x, **o: fc.derivative(f, x, **o),
    "gradient": lambda f, x, **o: fc.gradient(f, x, **o),
    "value_and_gradient": lambda f, x, **o: fc.value_and_gradient(f, x, **o)[1],
    "jacobian": lambda f, x, **o: fc.jacobian(f, x, **o),
    "hessian": lambda f, x, **o: fc.hessian(f, x, **o),
    "laplacian": lambda f, x, **o: fc.laplacian(f, x, **o),
    "jvp": lambda f, x, **o: fc.jvp(f, x, np.ones_like(np.asarray(x), dtype=np.float32), **o),
    "hvp": lambda f, x, **o: fc.hvp(f, x, np.ones_like(np.asarray(x), dtype=np.float32), **o),
}


def tolerance(dtype, name):
    # squares of 1.5 and 2: only rounding, over h**2 = eps**(1/2) for second derivatives
    power = 0.4 if name in ("hessian", "laplacian", "hvp") else 0.6
    return 30 * float(np.finfo(dtype).eps) ** power


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("x_type", INEXACT)
@pytest.mark.parametrize("f_type", INEXACT)
def test_result_type(name, x_type, f_type):
    x = x_type(1.5) if name == "derivative" else np.array([1.5, 2.0], x_type)

    def f(x):
        total = np.sum(x * x)
        return f_type(total.real if np.issubdtype(f_type, np.floating) else total)

    if np.issubdtype(x_type, np.complexfloating) and np.issubdtype(f_type, np.floating):
        # the real part of an analytic function, differentiated along the real axis
        assert OPERATORS[name](f, x).dtype == np.result_type(x_type, f_type)
        return
    value = OPERATORS[name](f, x)
    assert value.dtype == np.result_type(x_type, f_type)
    coarse = x_type if np.finfo(x_type).eps > np.finfo(f_type).eps else f_type
    exact = {
        "derivative": 3.0,
        "gradient": [3.0, 4.0],
        "value_and_gradient": [3.0, 4.0],
        "jacobian": [3.0, 4.0],
        "hessian": 2 * np.eye(2),
        "laplacian": 4.0,
        "jvp": 7.0,
        "hvp": [2.0, 2.0],
    }[name]
    np.testing.assert_allclose(np.asarray(value, np.complex128), exact, atol=tolerance(coarse, name) * 10)


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("name", OPERATORS)
def test_integers_bools_and_half_floats_become_float64(dtype, name):
    seen = []

    def f(x):
        seen.append(np.asarray(x).dtype)
        return np.sum(x * x)

    x = dtype(1) if name == "derivative" else np.array([1, 1], dtype)
    value = OPERATORS[name](f, x)
    assert value.dtype == np.float64
    assert set(seen) == {np.dtype(np.float64)}


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int64, np.uint8, np.float16])
def test_values_of_exact_types_become_float64(dtype):
    value = fc.jacobian(lambda x: np.array([1, 0, 1], dtype), np.array([1.0, 2.0]))
    assert value.dtype == np.float64
    np.testing.assert_array_equal(value, 0)


def test_values_that_widen_on_the_way():
    for types in (
        [np.float32, np.float64],
        [np.float64, np.complex128],
        [np.float64, np.longdouble],
        [np.int64, np.float64],
    ):
        for start in range(1, 7):
            count = [0]

            def f(x):
                count[0] += 1  # noqa: B023
                return types[count[0] > start](np.round(4 * x.sum()))  # noqa: B023

            value = fc.gradient(f, np.array([1.0, 2.0, 4.0]), step=0.5)
            np.testing.assert_allclose(value, 4, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_complex_step(dtype):
    x = np.array([1.5, 2.0], dtype)
    seen = []

    def f(z):
        seen.append(z.dtype)
        return (z * z).sum()

    value = fc.gradient(f, x, method="complex")
    assert value.dtype == dtype
    np.testing.assert_array_equal(value, 2 * x)
    assert set(seen) == {np.result_type(dtype, np.complex64)}


@pytest.mark.parametrize("dtype", INEXACT)
def test_full_output_types(dtype):
    result = fc.gradient(lambda x: (x * x).sum(), np.array([1.5, 2.0], dtype), full_output=True, accuracy=4)
    real = np.finfo(dtype).dtype
    assert result.value.dtype == dtype
    assert result.error.dtype == real
    assert result.step.dtype == real
    assert result.success.dtype == np.bool_
    assert result.status.dtype == np.int8


def test_steps_and_bounds_of_any_type():
    x = np.array([1.5, 2.0], np.float32)
    for option in (2, 2.0, np.int8(2), np.float16(2), np.longdouble(2), [2, 2], np.array([2.0, 2.0], ">f8")):
        np.testing.assert_array_equal(fc.gradient(np.sum, x, step=option), [1, 1])
        assert fc.gradient(np.sum, x, scale=option).dtype == np.float32
        assert fc.gradient(np.sum, x, bounds=(0, option)).dtype == np.float32
