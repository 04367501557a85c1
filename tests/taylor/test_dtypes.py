"""Types of results are those that NumPy gives for plain arrays, among the types that polynomials have."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import fastcalc as fc
from tests.taylor import samples

OPERANDS = [
    2,
    2.5,
    True,
    np.float16(2),
    np.float32(2.5),
    np.float64(2.5),
    np.longdouble(2.5),
    np.int8(2),
    np.int64(2),
    np.uint32(2),
    np.bool_(True),
    2.5 + 0.5j,
    np.complex64(2),
    np.complex128(2),
    np.array([2, 3]),
    np.array([2, 3], np.int16),
    np.array([True, True]),
    np.array([2.0, 3.0], np.float16),
    np.array([2.0, 3.0], np.float32),
    np.array([2.0, 3.0]),
    np.array([2.0, 3.0], np.longdouble),
    np.array([2.0 + 1j, 3.0]),
    np.array(2.5),
    [2.0, 3.0],
]
OPERATIONS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    np.maximum,
    np.hypot,
    np.arctan2,
]


def kept(dtype):
    """The type of coefficients for results that NumPy has in this one."""
    if dtype in map(np.dtype, samples.DTYPES):
        return np.dtype(dtype)
    return np.dtype(np.complex128) if dtype.kind == "c" else np.dtype(np.float64)


def described(value):
    return f"{type(value).__name__}-{value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__


@pytest.mark.parametrize("operand", OPERANDS, ids=described)
@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
def test_results_have_numpys_types(dtype, operand):
    space = fc.TaylorSpace(2, 2)
    coef = np.ones((space.n_terms, 2), dtype)
    coef[0] = 2
    p = fc.TaylorPolynomial(space, coef, np.zeros(2))
    plain = np.asarray(coef[0])
    for operation in OPERATIONS:
        for flip in (False, True):
            arguments, numbers = ((operand, p), (operand, plain)) if flip else ((p, operand), (plain, operand))
            try:
                expected = operation(*numbers)
            except TypeError:  # NumPy has no such loop for complex numbers
                continue
            if expected.dtype == np.clongdouble:
                with pytest.raises(TypeError, match=r"float32, float64, longdouble (or|and) complex128"):
                    operation(*arguments)
                continue
            found = operation(*arguments)
            assert found.dtype == kept(expected.dtype), (operation, flip)
            np.testing.assert_allclose(found.value, expected, rtol=1e-2 if expected.dtype == np.float16 else 1e-6)


@pytest.mark.parametrize("left", samples.DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("right", samples.DTYPES, ids=lambda d: np.dtype(d).name)
def test_two_polynomials(left, right):
    space = fc.TaylorSpace(1, 2)
    p, q = (fc.TaylorPolynomial(space, np.array([2, 1, 1], dtype), [0.0]) for dtype in (left, right))
    wide = np.result_type(left, right)
    for operation in OPERATIONS[:5]:
        if wide == np.clongdouble:
            with pytest.raises(TypeError, match=r"float32, float64, longdouble (or|and) complex128"):
                operation(p, q)
        else:
            assert operation(p, q).dtype == wide


@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
def test_in_place_keeps_the_type(dtype):
    """y += x writes into y, in y's type, as for arrays; a type that does not fit is NumPy's error."""
    space = fc.TaylorSpace(1, 2)
    y = fc.TaylorPolynomial(space, np.array([[2, 2], [1, 3], [1, 1]], dtype), [0.0])
    same = y
    coef = y.coef
    y += np.ones(2, np.float32)
    y *= 2
    y /= dtype(4)
    assert y is same
    assert y.coef is coef or np.shares_memory(y.coef, coef)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.coef, np.array([[1.5, 1.5], [0.5, 1.5], [0.5, 0.5]], dtype))
    if np.dtype(dtype).kind != "c":
        with pytest.raises(TypeError):
            y += 1j * np.ones(2)


def test_types_of_variables():
    space = fc.TaylorSpace(2, 1)
    for given, expected in (
        ([1, 2], np.float64),
        (np.array([1, 2], np.float32), np.float32),
        (np.array([1, 2], np.float16), np.float64),
        (np.array([1, 2], np.longdouble), np.longdouble),
        (np.array([1, 2], np.complex64), np.complex128),
        ([True, False], np.float64),
    ):
        assert space.variables(given).dtype == expected
    with pytest.raises(TypeError):
        space.variables(["a", "b"])
    with pytest.raises(TypeError):
        space.variables(np.array([1, None], dtype=object))
