"""Laws of derivatives, integrals, evaluation, changes of the center and composition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests.taylor import references
from tests.taylor.strategies import EPS, quick, same, seeds, shapes, spaces, tame, whole

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


@given(spaces(), shapes, seeds)
@quick
def test_values_and_gradients(space, shape, seed):
    """The gradient at a point is that of the polynomial recentered there."""
    rng = np.random.default_rng(seed)
    p = whole(space, shape, rng, 1.0)
    points = rng.integers(-1, 4, (space.n_variables, 3)).astype(float)
    values, gradients = p.value_and_gradient(points)
    np.testing.assert_array_equal(values, p(points))
    assert gradients.shape == (*shape, space.n_variables, 3)
    for k in range(3):
        moved = p.recenter(points[:, k])
        for i in range(space.n_variables):
            unit = [int(i == j) for j in range(space.n_variables)]
            expected = moved.partial(unit) if unit in space.exponents.tolist() else 0.0
            np.testing.assert_array_equal(gradients[..., i, k], expected)


@given(spaces(), shapes, seeds, st.integers(0, 3))
@quick
def test_tensors_hold_the_partial_derivatives(space, shape, seed, order):
    p = whole(space, shape, np.random.default_rng(seed))
    n = space.n_variables
    terms = space.exponents.tolist()
    if sum(sum(alpha) == order for alpha in terms) < math.comb(n + order - 1, order):
        with pytest.raises(ValueError, match=f"derivatives of degree {order} need all terms of that degree"):
            p.tensor(order)
        return
    tensor = p.tensor(order)
    assert tensor.shape == shape + (n,) * order
    for index in np.ndindex((n,) * order):
        alpha = np.bincount(np.array(index, dtype=int), minlength=n).tolist()
        np.testing.assert_array_equal(tensor[(..., *index)], p.partial(alpha))
        factorials = math.prod(math.factorial(a) for a in alpha)
        np.testing.assert_array_equal(p.partial(alpha), p.coefficient(alpha) * factorials)


@given(spaces(), shapes, seeds, st.data())
@quick
def test_substituted_numbers_are_evaluated(space, shape, seed, data):
    rng = np.random.default_rng(seed)
    p = whole(space, shape, rng, 1.0)
    i = data.draw(st.integers(0, space.n_variables - 1))
    x = rng.integers(-1, 4, space.n_variables).astype(float)
    fixed = p.substitute({i: x[i]})
    assert not fixed.coef[space.exponents[:, i] > 0].any()
    elsewhere = x.copy()
    elsewhere[i] = 7.0  # what stands there does not matter any more
    np.testing.assert_array_equal(fixed(elsewhere), p(x))


@given(st.integers(1, 3), st.integers(1, 5), seeds)
@quick
def test_swapping_variables(n, degree, seed):
    """Substituting all variables by others permutes the exponents."""
    rng = np.random.default_rng(seed)
    space = fc.TaylorSpace(n, degree)
    p = whole(space, (2,), rng)
    order = rng.permutation(n)
    x = space.variables(np.zeros(n))
    swapped = p.substitute({i: x[order[i]] for i in range(n)})
    for alpha, c in p.to_dict().items():
        beta = [0] * n
        for i, exponent in enumerate(alpha):
            beta[order[i]] += exponent
        np.testing.assert_array_equal(swapped.coefficient(beta), c)


@given(spaces(), seeds)
@quick
def test_bounds_hold(space, seed):
    """At any point of the box the polynomial lies between its bounds, and these touch at a box without width."""
    rng = np.random.default_rng(seed)
    p = whole(space, (3,), rng, 0.5)
    lower = rng.uniform(-1, 1, space.n_variables)
    upper = lower + rng.uniform(0, 1, space.n_variables)
    low, high = p.bound((lower, upper))
    corners = rng.integers(0, 2, (space.n_variables, 20))
    points = lower[:, None] + (upper - lower)[:, None] * np.hstack([corners, rng.random((space.n_variables, 50))])
    values = p(np.clip(points, lower[:, None], upper[:, None]))
    room = 1e-13 * np.abs(p.coef).sum(axis=0) * 2.0 ** (2 * space.degree)  # rounding of the values
    assert (values >= (low - room)[:, None]).all()
    assert (values <= (high + room)[:, None]).all()
    low, high = p.bound((lower, lower))
    np.testing.assert_allclose(low, high, rtol=1e-10, atol=1e-300 + 1e-10 * np.abs(p.coef).sum())


@given(st.integers(1, 2), st.integers(1, 2), st.integers(1, 4), seeds)
@quick
def test_implicit_functions_solve_their_equation(n, m, degree, seed):
    """F(x, y(x)) = 0 to the degree: with the linear part of F in y near 3 times the identity."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-0.5, 0.5, (m, n)), rng.uniform(-0.25, 0.25, (m, m))

    def F(x, y):
        return 3 * y + a @ np.sin(x) + b @ (y * y) + np.exp(x[0] * y) - 1

    x0, y0 = np.zeros(n), np.zeros(m)
    y = fc.implicit(F, x0, y0, degree)
    assert y.shape == (m,)
    x = fc.TaylorSpace(n, degree).variables(x0)
    assert y.space is x.space
    rest = F(x, y)
    np.testing.assert_allclose(rest.coef, 0, rtol=0, atol=512 * (degree + 2) * EPS)
