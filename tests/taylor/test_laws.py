"""Laws of the algebra over shapes, degrees, variables, caps and weights.

Small integers make sums and products exact, so ring laws hold to the last bit. For the others the arguments are tame,
a constant plus a part n of norm sum |n_alpha| <= 1/4: norms of products are at most products of norms, so everything
is of size 1, and the bound is a small integer times eps times the degree.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcalc as fc
from tests.taylor import references

EPS = np.finfo(float).eps
quick = settings(max_examples=40)


@st.composite
def spaces(draw, lowest=0):
    n = draw(st.integers(1, 4))
    degree = draw(st.integers(lowest, (8, 6, 5, 4)[n - 1]))
    kind = draw(st.sampled_from(["full", "caps", "weights", "both"]))
    several = {"min_size": n, "max_size": n}
    caps = draw(st.lists(st.integers(0, degree), **several)) if kind in {"caps", "both"} else None
    weights = draw(st.lists(st.integers(1, 3), **several)) if kind in {"weights", "both"} else None
    return fc.TaylorSpace(n, degree, max_degrees=caps, weights=weights)


shapes = st.sampled_from([(), (1,), (3,), (2, 2), (0,), (2, 1, 3)])
seeds = st.integers(0, 2**32 - 1)


def whole(space, shape, rng, x0=0.0):
    """Random integers from -4 to 4, about half of them 0."""
    coef = rng.integers(-4, 5, (space.n_terms, *shape)) * rng.integers(0, 2, (space.n_terms, *shape))
    return fc.TaylorPolynomial(space, coef.astype(float), np.full(space.n_variables, x0))


def tame(space, shape, rng, constant=1.0):
    """A constant plus a part of norm 1/4 at most."""
    coef = rng.uniform(-0.25, 0.25, (space.n_terms, *shape)) / space.n_terms
    coef[0] = constant
    return fc.TaylorPolynomial(space, coef, np.zeros(space.n_variables))


def same(p, q):
    assert p.space is q.space
    assert p.shape == q.shape
    np.testing.assert_array_equal(p.coef, q.coef)


def close(p, q, factor=8):
    assert p.space is q.space
    assert p.shape == q.shape
    depth = references.indices(p.space).degree + 2
    np.testing.assert_allclose(p.coef, q.coef, rtol=0, atol=factor * depth * EPS)


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
@settings(max_examples=15)
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


# --- derivatives and integrals ---------------------------------------------------------------------------------------


def inside(p, i, times=1):
    """Which terms of p stay in the space when multiplied by x_i: derivatives of what was cut off are not among them."""
    shifted = p.space.exponents.astype(int).copy()
    shifted[:, i] += times
    known = references.indices(p.space).position
    return np.array([tuple(alpha) in known for alpha in shifted.tolist()])


@given(spaces(lowest=1), shapes, seeds, st.data())
@quick
def test_derivatives_and_integrals(space, shape, seed, data):
    rng = np.random.default_rng(seed)
    i = data.draw(st.integers(0, space.n_variables - 1))
    a, b = whole(space, shape, rng), whole(space, shape, rng)
    keep = inside(a, i)

    def same_inside(p, q):
        np.testing.assert_array_equal(p.coef[keep], q.coef[keep])

    same_inside((a * b).deriv(i), a.deriv(i) * b + a * b.deriv(i))
    same_inside((a + 2 * b).deriv(i), a.deriv(i) + 2 * b.deriv(i))
    back = a.integ(i).deriv(i)
    np.testing.assert_allclose(back.coef[keep], a.coef[keep], rtol=4 * EPS)
    rest = a.deriv(i).integ(i)
    moves = space.exponents[:, i] > 0
    np.testing.assert_allclose(rest.coef[moves], a.coef[moves], rtol=4 * EPS)
    assert not rest.coef[~moves].any()
    j = data.draw(st.integers(0, space.n_variables - 1))
    same(a.deriv(i).deriv(j), a.deriv(j).deriv(i))
    same(a.deriv(i, 2), a.deriv(i).deriv(i))


@given(spaces(lowest=1), seeds, st.data())
@quick
def test_chain_rule_in_one_step(space, seed, data):
    """d f(p) = f'(p) dp."""
    p = tame(space, (), np.random.default_rng(seed))
    i = data.draw(st.integers(0, space.n_variables - 1))
    keep = inside(p, i)
    largest = space.degree  # a derivative multiplies by an exponent
    for f, derivative in (
        (np.exp, np.exp),
        (np.log, np.reciprocal),
        (np.sin, np.cos),
        (np.tan, lambda t: 1 / np.cos(t) ** 2),
        (np.arctan, lambda t: 1 / (1 + t * t)),
        (np.sqrt, lambda t: 0.5 / np.sqrt(t)),
        (lambda t: t**2.5, lambda t: 2.5 * t**1.5),
    ):
        left, right = f(p).deriv(i), derivative(p) * p.deriv(i)
        depth = references.indices(space).degree + 2
        np.testing.assert_allclose(left.coef[keep], right.coef[keep], rtol=0, atol=64 * depth * largest * EPS)


# --- points and spaces -----------------------------------------------------------------------------------------------


@given(spaces(), shapes, seeds)
@quick
def test_recenter_there_and_back(space, shape, seed):
    """All polynomials of the space are exact at any center: integers stay integers."""
    rng = np.random.default_rng(seed)
    p = whole(space, shape, rng, x0=1.0)
    there = rng.integers(-2, 4, space.n_variables).astype(float)
    moved = p.recenter(there)
    np.testing.assert_array_equal(moved.x0, there)
    same(moved.recenter(p.x0), p)
    x = rng.integers(-2, 3, space.n_variables).astype(float)
    np.testing.assert_array_equal(moved(x), p(x))


@given(spaces(), shapes, seeds)
@quick
def test_values(space, shape, seed):
    """p(x) is the sum of its terms, at one point and at many; sums and (untruncated) products go through."""
    rng = np.random.default_rng(seed)
    p, q = whole(space, shape, rng, 1.0), whole(space, shape, rng, 1.0)
    points = rng.integers(-1, 4, (space.n_variables, 5)).astype(float)
    powers = np.prod((points - 1.0)[None] ** space.exponents.astype(int)[:, :, None], axis=1)
    expected = np.tensordot(p.coef, powers, axes=(0, 0))
    np.testing.assert_array_equal(p(points), expected)
    np.testing.assert_array_equal(p(points[:, 2]), expected[..., 2])
    np.testing.assert_array_equal((p - 3 * q)(points), p(points) - 3 * q(points))
    if space.max_degrees is None and space.weights is None:
        large = fc.TaylorSpace(space.n_variables, 2 * space.degree)
        product = large.embed(p) * large.embed(q)
        np.testing.assert_array_equal(product(points), p(points) * q(points))


@given(spaces(lowest=1), shapes, seeds)
@quick
def test_embed_and_truncate(space, shape, seed):
    rng = np.random.default_rng(seed)
    p, q = whole(space, shape, rng), whole(space, shape, rng)
    larger = fc.TaylorSpace(space.n_variables, space.degree + 2, weights=space.weights)
    up = larger.embed(p)
    assert up.space is larger
    assert np.count_nonzero(up.coef) == np.count_nonzero(p.coef)
    same(space.embed(up), p)
    same(space.embed(up * larger.embed(q)), p * q)  # cutting off first or last is the same
    low = p.truncate(space.degree - 1)
    for alpha in low.space.exponents.tolist():
        np.testing.assert_array_equal(low.coef[low.space.index(alpha)], p.coef[space.index(alpha)])
    same((p * q).truncate(space.degree - 1), p.truncate(space.degree - 1) * q.truncate(space.degree - 1))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), seeds)
@quick
def test_composition_is_the_chain_rule(n, m, degree, seed):
    """The polynomial of f composed with that of g is the polynomial of f(g)."""
    rng = np.random.default_rng(seed)
    outer, inner = fc.TaylorSpace(n, degree), fc.TaylorSpace(m, degree)
    a, b = rng.uniform(-1, 1, (n, n)) / n, rng.uniform(-0.5, 0.5, (n, m)) / m

    def f(y):
        return np.exp(a @ y) / (2 + np.sin(y))

    def g(x):
        return np.tanh(b @ x) + 0.25

    x0 = rng.uniform(-0.5, 0.5, m)
    middle = g(inner.variables(x0))
    composed = f(outer.variables(middle.coef[0])).compose(middle)
    expected = f(middle)
    assert composed.space is inner
    np.testing.assert_array_equal(composed.x0, x0)
    scale = np.abs(expected.coef).max()
    np.testing.assert_allclose(composed.coef, expected.coef, rtol=0, atol=64 * (degree + 2) * EPS * max(scale, 1))


@given(spaces(), shapes, seeds)
@quick
def test_dictionaries_there_and_back(space, shape, seed):
    p = whole(space, shape, np.random.default_rng(seed))
    found = p.to_dict()
    assert all(np.array_equal(value, p.coefficient(alpha)) for alpha, value in found.items())
    assert sum(np.count_nonzero(value) for value in found.values()) == np.count_nonzero(p.coef)


@given(st.integers(1, 3), st.integers(1, 5), seeds)
@quick
def test_inverse_maps(n, degree, seed):
    rng = np.random.default_rng(seed)
    space = fc.TaylorSpace(n, degree)
    x = space.variables(np.zeros(n))
    p = (np.eye(n) + rng.uniform(-0.25, 0.25, (n, n)) / n) @ x + np.sin(x) ** 2 / 4 + 1.0
    q = fc.inverse_map(p)
    there = p.compose(q)
    np.testing.assert_allclose(q.x0, p.coef[0])
    expected = space.variables(p.coef[0]).coef
    np.testing.assert_allclose(there.coef, expected, rtol=0, atol=1e3 * (degree + 2) * EPS * np.abs(q.coef).max() ** 2)
