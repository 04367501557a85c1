"""Batches of polynomials: every lane is right, however many there are and however they lie in memory."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

import fastcalc as fc
from tests.taylor import samples
from tests.taylor.test_coefficients import EVERY, check

BINARY = [np.add, np.subtract, np.multiply, np.divide, np.power, np.arctan2, np.hypot, np.logaddexp]
UNARY = [np.exp, np.log, np.sqrt, np.sin, np.tan, np.arctan, np.tanh, np.square, np.reciprocal, np.negative, np.cbrt]


@pytest.mark.parametrize(("function", "dtype"), [case for case in EVERY if case.values[1] is not np.longdouble])
def test_every_lane(function, dtype):
    """A number of lanes that no vector register divides."""
    rng = np.random.default_rng(zlib.crc32(f"lanes {function} {np.dtype(dtype)}".encode()))
    space = fc.TaylorSpace(2, 3)
    constant, radius = samples.draw(rng, function, dtype, (23,))
    p = samples.polynomial(rng, space, samples.random_coef(rng, space, constant, radius, dtype))
    check(function, p, function.ufunc(p))


@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("lanes", [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130])
def test_numbers_of_lanes(lanes, dtype):
    """Products, quotients and exponentials of many lanes, against each lane alone, to rounding."""
    rng = np.random.default_rng(lanes)
    space = fc.TaylorSpace(3, 4)
    coef = samples.in_dtype(rng, samples.normal(rng, (2, space.n_terms, lanes), dtype) / 8, dtype)
    coef[:, 0] = 1 + abs(coef[:, 0])
    p, q = (fc.TaylorPolynomial(space, c, np.zeros(3)) for c in coef)
    bound = 200 * np.finfo(dtype).eps  # coefficients up to 10, sums of up to 35 products
    for f in (np.multiply, np.divide, lambda a, _: np.exp(a), lambda a, b: np.log(a) * np.sqrt(b)):
        together = f(p, q)
        for lane in {0, 1 % lanes, lanes // 2, lanes - 1}:
            alone = f(p[lane], q[lane])
            np.testing.assert_allclose(together.coef[:, lane], alone.coef, rtol=0, atol=10 * bound)


def views():
    """(name, view of a (4, 6) array of polynomials)."""
    return {
        "rows": lambda p: p[::2],
        "columns": lambda p: p[:, 1::2],
        "one row": lambda p: p[1],
        "one column": lambda p: p[:, 2],
        "one element": lambda p: p[2, 3],
        "backwards": lambda p: p[::-1, ::-3],
        "transposed": lambda p: p.T,
        "new axes": lambda p: p[:, None, ::2],
        "nothing": lambda p: p[2:2],
        "repeated": lambda p: p[[1, 1, 3]],
        "masked": lambda p: p[np.arange(24).reshape(4, 6) % 5 == 0],
        "ellipsis": lambda p: p[..., -1],
    }


@pytest.mark.parametrize("view", views().values(), ids=views().keys())
@pytest.mark.parametrize("dtype", samples.DTYPES, ids=lambda d: np.dtype(d).name)
def test_layouts(view, dtype):
    """Views give what their contiguous copies give, and stay as they are: to rounding, as NumPy's loops for strided
    arrays differ in the last bit from those for contiguous ones.
    """

    def assert_same(found, expected):
        scale = 256 * np.finfo(dtype).eps * np.abs(expected.coef).max(initial=0)
        np.testing.assert_allclose(found.coef, expected.coef, rtol=0, atol=scale)

    rng = np.random.default_rng(2)
    space = fc.TaylorSpace(2, 4)
    coef = samples.in_dtype(rng, samples.normal(rng, (2, space.n_terms, 4, 6), dtype) / 4, dtype)
    coef[:, 0] = 1 + abs(coef[:, 0])
    p, q = (fc.TaylorPolynomial(space, c, np.zeros(2)) for c in coef)
    left, right = view(p), view(q)
    assert left.shape == view(p.coef[0]).shape
    np.testing.assert_array_equal(left.coef[0], view(p.coef[0]))
    copies = [fc.TaylorPolynomial(space, np.array(v.coef, order="C"), np.zeros(2)) for v in (left, right)]
    for ufunc in UNARY:
        if np.dtype(dtype).kind == "c" and ufunc is np.cbrt:
            continue
        assert_same(ufunc(left), ufunc(copies[0]))
    for ufunc in BINARY:
        if np.dtype(dtype).kind == "c" and ufunc in (np.arctan2, np.hypot, np.logaddexp):
            continue
        assert_same(ufunc(left, right), ufunc(*copies))
        assert_same(ufunc(left, copies[1]), ufunc(*copies))
    np.testing.assert_array_equal(p.coef, coef[0])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["plain", "byte-swapped", "read-only", "misaligned", "strided", "integers", "float16"])
def test_constructors_take_any_array(kind, order):
    """Whatever the memory of the coefficients is like, the polynomial owns a plain copy of them."""
    space = fc.TaylorSpace(2, 2)
    plain = np.array(np.arange(space.n_terms * 6.0).reshape(space.n_terms, 2, 3), order=order)
    given = plain
    if kind == "byte-swapped":
        given = plain.astype(plain.dtype.newbyteorder())
    elif kind == "read-only":
        given = plain.copy()
        given.flags.writeable = False
    elif kind == "misaligned":
        given = np.frombuffer(b"x" + plain.tobytes(), dtype=np.uint8)[1:].view(float).reshape(plain.shape)
    elif kind == "strided":
        given = np.repeat(plain, 2, axis=0)[::2]
    elif kind == "integers":
        given = plain.astype(int)
    elif kind == "float16":
        given = plain.astype(np.float16)
    p = fc.TaylorPolynomial(space, given, np.zeros(2))
    assert p.dtype == np.float64
    assert p.coef.flags.c_contiguous
    assert p.coef.flags.aligned
    assert p.coef.flags.writeable
    assert not np.shares_memory(p.coef, given)
    np.testing.assert_array_equal(p.coef, plain)
    np.testing.assert_array_equal((p * p).coef, (p * p.copy()).coef)
