"""Laws of the algebra over shapes, degrees, variables, caps and weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests.taylor import references
from tests.taylor.strategies import close, quick, same, seeds, shapes, spaces, tame, whole

# --- a commutative ring ----------------------------------------------------------------------------------------------


@given(spaces(), shapes, seeds)
@quick
def test_ring(space, shape, seed):
    rng = np.random.default_rng(seed)
    a, b, c = (whole(space, shape, rng) for _ in range(3))
    same(a + b, b + a)
    same((a + b) + c, a + (b + c))
    same(a * b, b * a)
    same((a * b) * c, a * (b * c))
    same(a * (b + c), a * b + a * c)
    same(a - b, a + -b)
    same(a * 1, a)
    same(a + 0, a)
    same(a - a, a * 0)
    same(2 * a, a + a)
    same(a**3, a * a * a)
    same(np.square(a), a * a)
    same(a**0, a * 0 + 1)


@given(spaces(), seeds)
@quick
def test_products_agree_with_the_definition(space, seed):
    rng = np.random.default_rng(seed)
    a, b = (whole(space, (), rng) for _ in range(2))
    expected = references.product(space, references.exact(a.coef), references.exact(b.coef))
    np.testing.assert_array_equal((a * b).coef, [float(c) for c in expected])


@given(spaces(), st.sampled_from([((), (3,)), ((2, 1), (3,)), ((1,), ()), ((2, 1, 3), (2, 1)), ((3, 0), (1,))]), seeds)
@quick
def test_broadcasting(space, pair, seed):
    """Operations on arrays are those on their elements."""
    rng = np.random.default_rng(seed)
    a, b = whole(space, pair[0], rng), whole(space, pair[1], rng)
    shape = np.broadcast_shapes(*pair)
    for result, operation in ((a * b, "__mul__"), (a + b, "__add__"), (a - b, "__sub__")):
        assert result.shape == shape
        for index in np.ndindex(shape):
            left = a[_own(index, pair[0])]
            right = b[_own(index, pair[1])]
            np.testing.assert_array_equal(result[index].coef, getattr(left, operation)(right).coef)


def _own(index, shape):
    """The element of an operand that broadcasting takes to `index`."""
    return tuple(0 if size == 1 else i for i, size in zip(index[len(index) - len(shape) :], shape, strict=True))


@given(spaces(), shapes, seeds)
@quick
def test_numbers_and_arrays_act_as_constants(space, shape, seed):
    rng = np.random.default_rng(seed)
    a = whole(space, shape, rng)
    numbers = rng.integers(-3, 4, shape).astype(float)
    constant = fc.TaylorPolynomial(space, np.concatenate([numbers[None], np.zeros((space.n_terms - 1, *shape))]), a.x0)
    same(a * numbers, a * constant)
    same(numbers * a, a * constant)
    same(a + numbers, a + constant)
    same(numbers - a, constant - a)


@given(spaces(), shapes, seeds)
@quick
def test_division_undoes_multiplication(space, shape, seed):
    rng = np.random.default_rng(seed)
    a, b = tame(space, shape, rng), tame(space, shape, rng)
    close(a * b / b, a)
    close(1 / b * b, b * 0 + 1)
    close(a / b, a * b**-1)


# --- functions -------------------------------------------------------------------------------------------------------

IDENTITIES = [
    ("exp(log)", lambda p: (np.exp(np.log(p)), p)),
    ("log(exp)", lambda p: (np.log(np.exp(p)), p)),
    ("exp2(log2)", lambda p: (np.exp2(np.log2(p)), p)),
    ("expm1(log1p)", lambda p: (np.expm1(np.log1p(p)), p)),
    ("log1p(expm1)", lambda p: (np.log1p(np.expm1(p)), p)),
    ("log10", lambda p: (np.log10(p) * np.log(10), np.log(p))),
    ("sin**2 + cos**2", lambda p: (np.sin(p) ** 2 + np.cos(p) ** 2, p * 0 + 1)),
    ("cosh**2 - sinh**2", lambda p: (np.cosh(p) ** 2 - np.sinh(p) ** 2, p * 0 + 1)),
    ("tan", lambda p: (np.tan(p / 2) * np.cos(p / 2), np.sin(p / 2))),
    ("tanh", lambda p: (np.tanh(p) * np.cosh(p), np.sinh(p))),
    ("double angle", lambda p: (np.sin(2 * p), 2 * np.sin(p) * np.cos(p))),
    ("sqrt**2", lambda p: (np.sqrt(p) ** 2, p)),
    ("sqrt(square)", lambda p: (np.sqrt(p * p), p)),
    ("cbrt**3", lambda p: (np.cbrt(p) ** 3, p)),
    ("reciprocal twice", lambda p: (np.reciprocal(np.reciprocal(p)), p)),
    ("powers add", lambda p: (p**0.3 * p**1.2, p**1.5)),
    ("powers multiply", lambda p: ((p**0.3) ** 4.0, p**1.2)),
    ("power of polynomials", lambda p: (p**p, np.exp(p * np.log(p)))),
    ("sin(arcsin)", lambda p: (np.sin(np.arcsin(p / 2)), p / 2)),
    ("arcsin(sin)", lambda p: (np.arcsin(np.sin(p / 2)), p / 2)),
    ("cos(arccos)", lambda p: (np.cos(np.arccos(p / 2)), p / 2)),
    ("arcsin + arccos", lambda p: (np.arcsin(p / 2) + np.arccos(p / 2), p * 0 + np.pi / 2)),
    ("tan(arctan)", lambda p: (np.tan(np.arctan(p / 2)), p / 2)),
    ("arctan(tan)", lambda p: (np.arctan(np.tan(p / 2)), p / 2)),
    ("sinh(arcsinh)", lambda p: (np.sinh(np.arcsinh(p)), p)),
    ("arcsinh(sinh)", lambda p: (np.arcsinh(np.sinh(p)), p)),
    ("cosh(arccosh)", lambda p: (np.cosh(np.arccosh(1 + p)), 1 + p)),
    ("arccosh(cosh)", lambda p: (np.arccosh(np.cosh(p)), p)),
    ("tanh(arctanh)", lambda p: (np.tanh(np.arctanh(p / 2)), p / 2)),
    ("arctanh(tanh)", lambda p: (np.arctanh(np.tanh(p)), p)),
    ("hypot", lambda p: (np.hypot(p, 2 * p), np.sqrt(5) * p)),
    ("arctan2", lambda p: (np.arctan2(p, 2 - p), np.arctan(p / (2 - p)))),
    ("logaddexp", lambda p: (np.logaddexp(p, -p), np.log(2 * np.cosh(p)))),
    ("radians", lambda p: (np.deg2rad(np.rad2deg(p)), p)),
]


@pytest.mark.parametrize("law", [row[1] for row in IDENTITIES], ids=[row[0] for row in IDENTITIES])
@given(spaces(), shapes, seeds)
@quick
def test_identities(law, space, shape, seed):
    left, right = law(tame(space, shape, np.random.default_rng(seed)))
    close(left, right, factor=32)  # conditions of at most 4 in each of the two or three functions of a law


@given(spaces(), shapes, seeds)
@quick
def test_exponentials_turn_sums_into_products(space, shape, seed):
    rng = np.random.default_rng(seed)
    a, b = tame(space, shape, rng, 0.5), tame(space, shape, rng, -0.25)
    close(np.exp(a + b), np.exp(a) * np.exp(b))
    a, b = tame(space, shape, rng), tame(space, shape, rng)
    close(np.log(a * b), np.log(a) + np.log(b), factor=16)
