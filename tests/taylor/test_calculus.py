"""Derivatives, integrals, other degrees and points of expansion, remainders and bounds."""

import math

import numpy as np
import pytest

import fastcalc as fc

SPACES = [
    fc.TaylorSpace(1, 0),
    fc.TaylorSpace(1, 8),
    fc.TaylorSpace(2, 5),
    fc.TaylorSpace(4, 3),
    fc.TaylorSpace(3, 6, max_degrees=(1, 6, 2)),
    fc.TaylorSpace(3, 6, weights=(2, 1, 3)),
]
EPS = 2.0**-52


def random(space, shape=(), dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    coef = rng.normal(size=(space.n_terms, *shape)).astype(dtype)
    return fc.TaylorPolynomial(space, coef, rng.normal(size=space.n_variables))


# Derivatives and integrals


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_deriv_is_the_gradient_of_the_values(space):
    p = random(space, (2,))
    x = p.x0[:, None] + np.random.default_rng(3).uniform(-1, 1, (space.n_variables, 5))
    gradient = p.value_and_gradient(x)[1]
    for i in range(space.n_variables):
        np.testing.assert_allclose(p.deriv(i)(x), gradient[:, i], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_deriv_of_integ_is_the_polynomial_below_the_highest_terms(space):
    p = random(space)
    for i in range(space.n_variables):
        raised = space.exponents.astype(int)
        raised[:, i] += 1
        kept = space.find(raised) < space.n_terms
        again = p.integ(i).deriv(i)
        np.testing.assert_allclose(again.coef[kept], p.coef[kept], rtol=2 * EPS)
        assert not again.coef[~kept].any()
        assert (p.integ(i).coef[space.exponents[:, i] == 0] == 0).all()


def test_deriv_many_times_and_mixed():
    p = random(fc.TaylorSpace(3, 7), (2,))
    np.testing.assert_allclose(p.deriv(1, 3).coef, p.deriv(1).deriv(1).deriv(1).coef, rtol=4 * EPS)
    np.testing.assert_array_equal(p.deriv(1, 0).coef, p.coef)
    assert not p.deriv(0, 8).coef.any()
    np.testing.assert_allclose(p.deriv(0).deriv(2).coef, p.deriv(2).deriv(0).coef, rtol=4 * EPS)
    np.testing.assert_allclose(p.deriv(0, 2).deriv(2).value, p.partial((2, 0, 1)), rtol=4 * EPS)


def test_deriv_does_not_overflow_before_its_result():
    coef = np.zeros(201)
    coef[180] = 2.0**-1000
    p = fc.TaylorPolynomial(fc.TaylorSpace(1, 200), coef)
    np.testing.assert_allclose(p.deriv(0, 175).coef[5], math.perm(180, 175) / 2**1000, rtol=4 * EPS)


def test_known_calculus():
    x = fc.TaylorSpace(2, 9).variables([0.3, -0.2])
    p = np.exp(x[0]) * np.sin(x[1])
    np.testing.assert_allclose(p.deriv(0).coef[:45], p.coef[:45], rtol=1e-13, atol=1e-18)
    np.testing.assert_allclose(p.deriv(1, 2).coef[:36], -p.coef[:36], rtol=1e-13, atol=1e-18)
    whole = np.exp(x[0]).integ(0)
    np.testing.assert_allclose(whole.coef, (np.exp(x[0]) - math.exp(0.3)).coef, rtol=1e-14, atol=1e-17)


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_dtypes_stay(dtype):
    p = random(fc.TaylorSpace(2, 3), (2,), dtype)
    for q in (p.deriv(0), p.integ(1), p.truncate(1), p.recenter([0.5, 0.25])):
        assert q.dtype == dtype
        assert q.shape == (2,)
        assert q.coef.flags.c_contiguous
    assert p.recenter([0.5j, 0.25]).dtype == np.complex128
    if dtype != np.complex128:
        assert p.bound((0, 1))[0].dtype == dtype
    assert p.error_estimate(0.1).dtype == np.empty(0, dtype).real.dtype


# Degrees and points


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_truncate(space):
    p = random(space, (2,))
    for degree in range(space.degree + 1):
        q = p.truncate(degree)
        assert q.space.degree == degree
        assert q.x0 is p.x0 or np.array_equal(q.x0, p.x0)
        alphas = [tuple(alpha) for alpha in q.space.exponents.tolist()]
        np.testing.assert_array_equal(q.coef, [p.coefficient(alpha) for alpha in alphas])
        assert q.space.weights == p.space.weights
    p.truncate(0).coef[0] = 99
    assert (p.value != 99).all()


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_recenter_keeps_values(space):
    p = random(space, (2,))
    rng = np.random.default_rng(5)
    x1 = p.x0 + rng.uniform(-1, 1, space.n_variables)
    q = p.recenter(x1)
    np.testing.assert_array_equal(q.x0, x1)
    x = p.x0[:, None] + rng.uniform(-1, 1, (space.n_variables, 20))
    sizes = fc.TaylorPolynomial(space, abs(p.coef), p.x0).recenter(p.x0 + abs(x1 - p.x0))
    size = fc.TaylorPolynomial(space, sizes.coef)(abs(x.T - x1).T)
    assert (abs(q(x) - p(x)) <= 8 * (space.degree + 1) * EPS * size).all()
    back = q.recenter(p.x0)
    np.testing.assert_allclose(back.coef, p.coef, atol=1e-11)


def test_recenter_of_integers_is_exact():
    x, y = fc.TaylorSpace(2, 5).variables([0.0, 0.0])
    p = (1 + x) * (2 + y) * (x - y) * (3 - x)
    u, v = fc.TaylorSpace(2, 5).variables([2.0, -3.0])
    np.testing.assert_array_equal(p.recenter([2, -3]).coef, ((1 + u) * (2 + v) * (u - v) * (3 - u)).coef)
    np.testing.assert_array_equal(p.recenter([2, -3]).recenter([0, 0]).coef, p.coef)
    np.testing.assert_array_equal(p.coef[0], 0)  # nothing was written to


def test_recenter_makes_polynomials_mix():
    x = fc.TaylorSpace(1, 2).variables([1.0])[0]
    y = fc.TaylorSpace(1, 2).variables([2.0])[0]
    with pytest.raises(ValueError, match="recenter"):
        x + y
    np.testing.assert_array_equal((x.recenter(2.0) + y).coef, (2 * y).coef)


def test_views():
    p = random(fc.TaylorSpace(2, 3), (3, 2))[1]
    assert not p.coef.flags.c_contiguous
    q = p.copy()
    for verb in (
        lambda p: p.deriv(1).coef,
        lambda p: p.integ(1).coef,
        lambda p: p.truncate(2).coef,
        lambda p: p.recenter([0.0, 1.0]).coef,
        lambda p: p.bound((0, 1)),
        lambda p: p.error_estimate(0.1),
        lambda p: p([0.0, 1.0]),
        lambda p: p.tensor(3),
    ):
        np.testing.assert_array_equal(verb(p), verb(q))


# Neglected terms

ESTIMATED = [  # function, radius, at most this much too large and this much too small a factor, degrees
    (np.exp, 1.0, 8, 1.0, range(2, 16)),
    (np.exp, 3.0, 30, 1.0, range(6, 16)),
    (lambda x: 1 / (1 - x), 0.5, 1.01, 1.01, range(2, 30)),
    (lambda x: 1 / (1 - x), 0.9, 1.01, 1.01, range(2, 30)),
    (lambda x: 1 / (1 - x) ** 2, 0.5, 3, 1.01, range(4, 30)),
    (np.sin, 1.0, 30, 1.0, range(4, 20)),
    (np.cos, 1.0, 30, 1.0, range(4, 20)),
    (lambda x: 1 / (1 + x * x), 0.5, 3.1, 1.01, range(4, 30)),
    (lambda x: x / (1 + x * x), 0.5, 3.1, 1.01, range(4, 30)),
    (lambda x: 1 / (1 + x**3), 0.5, 8, 1.01, range(6, 30)),
    (lambda x: np.log(1 + x), 0.5, 3, 2.0, range(3, 30)),
    (lambda x: np.sqrt(1 - x), 0.5, 3, 3.0, range(4, 30)),
    (lambda x: 1000 + 1 / (1 - x), 0.5, 1.01, 1.01, range(2, 30)),
]


@pytest.mark.parametrize(("f", "radius", "above", "below", "degrees"), ESTIMATED)
def test_error_estimates_hold(f, radius, above, below, degrees):
    full = f(fc.TaylorSpace(1, 150).variables([0.0])[0])
    sizes = abs(full.coef) * radius ** np.arange(len(full.coef))
    for degree in degrees:
        truth = sizes[degree + 1 :].sum()
        estimate = full.truncate(degree).error_estimate(radius)
        assert truth / below <= estimate * (1 + 1e-9) <= above * truth, degree


def test_where_parts_do_not_decay():
    x = fc.TaylorSpace(1, 10).variables([0.0])[0]
    assert (1 / (1 - x)).error_estimate(1.0) == np.inf
    assert (1 / (1 - x)).error_estimate(2.0) == np.inf
    assert np.exp(x).error_estimate(30.0) == np.inf


def test_what_can_not_be_told():
    def at(degree, f):
        return f(fc.TaylorSpace(1, degree).variables([0.0])[0]).error_estimate(0.5)

    assert np.isnan(at(1, np.exp))
    assert np.isnan(at(2, np.sin))  # x and nothing: is x**3 next?
    assert np.isnan(at(3, np.sin))
    assert np.isnan(at(4, lambda x: 1 / (1 + x**3)))
    assert np.isnan(at(5, lambda x: 1 / (1 + x**3)))
    assert np.isnan(at(5, lambda x: x**2))
    assert at(6, lambda x: x**2) == 0
    assert at(9, lambda x: 1 + x + x**3) == 0
    nan = fc.TaylorPolynomial(fc.TaylorSpace(1, 4), [1, 1, np.nan, 0, 0])
    assert np.isnan(nan.error_estimate(0.1))


def test_error_estimate_in_many_variables():
    x = fc.TaylorSpace(3, 8).variables([0.0, 0.0, 0.0])
    p = 1 / (1 - x[0] - x[1] - x[2])
    np.testing.assert_allclose(p.error_estimate([0.1, 0.2, 0.3]), 0.6**9 / 0.4, rtol=1e-12)
    q = p * np.array([[1.0, 2.0]])
    np.testing.assert_allclose(q.error_estimate(0.2), [[0.6**9 / 0.4, 2 * 0.6**9 / 0.4]], rtol=1e-12)
    assert p.error_estimate(0.0) == 0
    assert isinstance(p.error_estimate(0.1), np.float64)


# Bounds


def corners_and_more(rng, lower, upper, k):
    """Random points of a box, many of them on its faces and corners."""
    t = rng.uniform(-0.5, 1.5, (len(lower), k)).clip(0, 1)
    return np.clip(lower[:, None] + t * (upper - lower)[:, None], lower[:, None], upper[:, None])


@pytest.mark.parametrize("space", SPACES, ids=repr)
@pytest.mark.parametrize("width", [0.0, 1e-9, 0.1, 3.0])
def test_bounds_hold(space, width):
    rng = np.random.default_rng(7)
    p = random(space, (2,))
    lower = p.x0 + rng.uniform(-1, 1, space.n_variables)
    upper = lower + width * rng.uniform(0, 1, space.n_variables)
    low, high = p.bound((lower, upper))
    assert low.shape == high.shape == (2,)
    exact = fc.TaylorPolynomial(space, p.coef.astype(np.longdouble), p.x0.astype(np.longdouble))
    values = exact(corners_and_more(rng, lower, upper, 200).astype(np.longdouble))
    assert (low[:, None] <= values).all()
    assert (values <= high[:, None]).all()


def test_bounds_are_rigorous_to_the_last_bit():
    from fractions import Fraction

    rng = np.random.default_rng(11)
    space = fc.TaylorSpace(1, 6)
    for _ in range(50):
        coef, x0, x = rng.normal(size=7), rng.normal(), rng.normal()
        low, high = fc.TaylorPolynomial(space, coef, [x0]).bound((x, x))
        exact = sum(Fraction(c) * (Fraction(x) - Fraction(x0)) ** k for k, c in enumerate(coef))
        assert Fraction(float(low)) <= exact <= Fraction(float(high))
        size = sum(abs(c) * (abs(x - x0)) ** k for k, c in enumerate(coef))
        assert high - low <= 300 * EPS * size


TIGHT = [  # polynomial, box, true range
    (lambda x: x[0], ([-1, 2], [3, 4]), (-1, 3)),
    (lambda x: x[0] ** 2, ([-1, 0], [2, 1]), (0, 4)),
    (lambda x: x[0] * x[1], ([-1, 2], [3, 4]), (-4, 12)),
    (lambda x: x[0] ** 2 + x[1] ** 2, ([-1, -1], [1, 1]), (0, 2)),
    (lambda x: x[0] ** 3 + x[1] ** 4, ([0, 0], [2, 2]), (0, 24)),
    (lambda x: (x[0] - x[1]) * x[0], ([1, 0], [2, 1]), (0, 4)),
]


@pytest.mark.parametrize(("f", "box", "truth"), TIGHT)
def test_bounds_are_tight_for_simple_polynomials(f, box, truth):
    for x0 in ([0.0, 0.0], [0.5, 2.0]):
        low, high = f(fc.TaylorSpace(2, 4).variables(x0)).bound(box)
        width = truth[1] - truth[0]
        assert truth[0] - 0.5 * width <= low <= truth[0]
        assert truth[1] <= high <= truth[1] + 0.26 * width


def test_bounds_converge_with_the_square_of_the_width():
    p = random(fc.TaylorSpace(2, 5), seed=3)
    p.coef[1:3] = 0  # a saddle point: the extremes are in no corner
    excess = []
    for h in (0.01, 0.001):
        grid = np.stack(np.meshgrid(*(c + np.linspace(-h, h, 101) for c in p.x0))).reshape(2, -1)
        low, high = p.bound((p.x0 - h, p.x0 + h))
        excess.append((high - low) - np.ptp(p(grid)))
    assert excess[1] <= 0.02 * excess[0] + 1e-14


def test_bounds_of_many_variables_go_without_bernstein():
    space = fc.TaylorSpace(24, 1)
    x = space.variables(np.zeros(24))
    total = 1.0
    for v in range(24):
        total = total + (-1) ** v * x[v]
    low, high = total.bound((-1.0, 1.0))
    assert -23 - 1e-10 <= low <= -23
    assert 25 <= high <= 25 + 1e-10


def test_bounds_where_coefficients_are_not_finite():
    p = fc.TaylorPolynomial(fc.TaylorSpace(1, 2), np.array([[1, 1, 1], [np.nan, np.inf, 1e308], [0, 0, 1e308]]))
    low, high = p.bound((0.0, 100.0))
    assert np.isnan(low[:2]).all()
    assert np.isnan(high[:2]).all()
    assert low[2] <= 1
    assert high[2] == np.inf


def test_errors():
    p = random(fc.TaylorSpace(2, 3))
    with pytest.raises(ValueError, match="`i` must be between 0 and 1; got 2"):
        p.deriv(2)
    with pytest.raises(TypeError, match="`m` must be an integer"):
        p.deriv(0, 1.0)
    with pytest.raises(ValueError, match="`i` must be between"):
        p.integ(-1)
    with pytest.raises(ValueError, match=r"`degree` must be between 0 and 3; got 4: .*space.embed"):
        p.truncate(4)
    with pytest.raises(ValueError, match=r"`x1` must have one entry per variable, shape \(2,\); got shape \(3,\)"):
        p.recenter([0, 0, 0])
    with pytest.raises(ValueError, match="`radius` must not be negative"):
        p.error_estimate(-1.0)
    with pytest.raises(ValueError, match=r"`radius` must be a number or one per variable, shape \(2,\)"):
        p.error_estimate([1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"`box` must be a pair \(lower, upper\)"):
        p.bound(1.0)
    with pytest.raises(ValueError, match="`box` must be finite with lower <= upper"):
        p.bound((1.0, 0.0))
    with pytest.raises(ValueError, match=r"shape \(2,\), in each half; got upper of shape \(3,\)"):
        p.bound((0.0, [1.0, 1.0, 1.0]))
    with pytest.raises(TypeError, match="`bound` needs real coefficients; got complex128"):
        p.astype(complex).bound((0, 1))


def test_no_polynomials_and_no_degree():
    x = fc.TaylorSpace(2, 3).variables([1.0, 2.0])
    none = x[:0]
    assert none.bound((0, 1))[1].shape == none.error_estimate(0.1).shape == (0,)
    assert none.tensor(2).shape == (0, 2, 2)
    assert none.compose(x).shape == none.recenter([0, 0]).shape == none.deriv(1).shape == none([1, 2]).shape == (0,)
    constant = fc.TaylorPolynomial(fc.TaylorSpace(2, 0), [3.0])
    assert constant.deriv(0).value == constant.integ(1).value == 0
    assert constant.recenter([5, 6]).value == constant([7, 8]) == 3
    assert np.isnan(constant.error_estimate(0.1))
    low, high = constant.bound((0, 1))
    assert 3 - 1e-13 < low <= 3 <= high < 3 + 1e-13
