"""Points where a function is not smooth: right, or NaN in exactly the terms that do not exist there."""

from __future__ import annotations

import numpy as np
import pytest

import fastcalc as fc

nan, inf, pi = np.nan, np.inf, np.pi
DEGREE = 6


@pytest.fixture(autouse=True)
def quiet():
    """NumPy may warn at a singularity, as it does for plain numbers."""
    with np.errstate(all="ignore"):
        yield


def variable(at=0.0, degree=DEGREE):
    space = fc.TaylorSpace(1, degree)
    return fc.TaylorPolynomial(space, np.array([at, 1.0, *[0.0] * degree])[: degree + 1], np.array([at]))


def terms(*given, degree=DEGREE):
    """Coefficients filled up with the last one given."""
    return np.array([*given, *[given[-1]] * (degree + 1 - len(given))])


# f at the point, and the coefficients: the last stands for all that follow.
EXACT = [
    ("x**2.0", lambda x: x**2.0, 0.0, (0, 0, 1, 0)),
    ("x**2", lambda x: x**2, 0.0, (0, 0, 1, 0)),
    ("np.power(x, 3.0)", lambda x: np.power(x, 3.0), 0.0, (0, 0, 0, 1, 0)),
    ("np.float_power(x, 2)", lambda x: np.float_power(x, 2), 0.0, (0, 0, 1, 0)),
    ("x**1.0", lambda x: x**1.0, 0.0, (0, 1, 0)),
    ("x**0", lambda x: x**0, 0.0, (1, 0)),
    ("x**0.0", lambda x: x**0.0, 0.0, (1, 0)),
    ("x**9", lambda x: x**9, 0.0, (0,)),
    ("(-x)**3.0", lambda x: (-x) ** 3.0, 0.0, (0, 0, 0, -1, 0)),
    ("negative base", lambda x: x**2.0, -3.0, (9, -6, 1, 0)),
    ("x**array of powers", lambda x: (x ** np.array([1.0, 2.0, 2.5]))[1], 0.0, (0, 0, 1, 0)),
    ("x**0.5", lambda x: x**0.5, 0.0, (0, nan)),
    ("sqrt", np.sqrt, 0.0, (0, nan)),
    ("cbrt", np.cbrt, 0.0, (0, nan)),
    ("x**1.5", lambda x: x**1.5, 0.0, (0, 0, nan)),
    ("x**2.5", lambda x: x**2.5, 0.0, (0, 0, 0, nan)),
    ("x**4.25", lambda x: x**4.25, 0.0, (0, 0, 0, 0, 0, nan)),
    ("(x**4)**0.5", lambda x: (x**4) ** 0.5, 0.0, (0, 0, 1, 0, 0, nan)),  # x**7 in x**4 is unknown, and moves x**5
    ("sqrt(x**4)", lambda x: np.sqrt(x**4), 0.0, (0, 0, 1, 0, 0, nan)),
    ("sqrt(x**4 + x**5)", lambda x: np.sqrt(x**4 + x**5), 0.0, (0, 0, 1, 0.5, -0.125, nan)),
    ("(4 x**4)**1.5", lambda x: (4 * x**4) ** 1.5, 0.0, (0, 0, 0, 0, 0, 0, 8)),
    ("(x**2)**0.5", lambda x: (x**2) ** 0.5, 0.0, (0, nan)),
    ("sqrt(x**2)", lambda x: np.sqrt(x * x), 0.0, (0, nan)),
    ("(x**2)**1.5", lambda x: (x**2) ** 1.5, 0.0, (0, 0, 0, nan)),
    ("abs", np.abs, 0.0, (0, nan)),
    ("abs(x**3)", lambda x: abs(x**3), 0.0, (0, 0, 0, nan)),
    ("sign", np.sign, 0.0, (0, nan)),
    ("heaviside", lambda x: np.heaviside(x, 0.5), 0.0, (0.5, nan)),
    ("maximum(x, 0)", lambda x: np.maximum(x, 0), 0.0, (0, nan)),
    ("minimum(x, 0)", lambda x: np.minimum(x, 0), 0.0, (0, nan)),
    ("maximum(0, x)", lambda x: np.maximum(0.0, x), 0.0, (0, nan)),
    ("maximum(x, x)", lambda x: np.maximum(x, x), 0.0, (0, 1, 0)),
    ("maximum off a tie", lambda x: np.maximum(x, 0), 0.5, (0.5, 1, 0)),
    ("clip at its bound", lambda x: np.clip(x, 0, 1), 0.0, (0, nan)),
    ("clip inside", lambda x: np.clip(x, 0, 1), 0.5, (0.5, 1, 0)),
    ("clip outside", lambda x: np.clip(x, 0, 1), 1.5, (1, 0)),
    ("floor", np.floor, 2.0, (2, nan)),
    ("floor between integers", np.floor, 2.5, (2, 0)),
    ("ceil", np.ceil, 2.0, (2, nan)),
    ("arcsin", np.arcsin, 1.0, (pi / 2, nan)),
    ("arccos", np.arccos, 1.0, (0, nan)),
    ("arccosh", np.arccosh, 1.0, (0, nan)),
    ("arccos(1 - x**2 / 2)", lambda x: np.arccos(1 - x * x / 2), 0.0, (0, nan)),
    ("arctan2(x**2, x**3)", lambda x: np.arctan2(x**2, x**3), 0.0, (0, nan)),
    ("hypot(x, 0)", lambda x: np.hypot(x, 0), 0.0, (0, nan)),
    ("hypot(x, 2x)", lambda x: np.hypot(x, 2 * x), 0.0, (0, nan)),
    ("hypot(x, 3)", lambda x: np.hypot(x, 3), 0.0, (3, 0, 1 / 6, 0, -1 / 216, 0, 1 / 3888)),
    ("arctan2(0, 1)", lambda x: np.arctan2(x, 1), 0.0, (0, 1, 0, -1 / 3, 0, 1 / 5, 0)),
    ("arctan2(0, -1)", lambda x: np.arctan2(x, -1), 1e-30, (pi, -1, 0, 1 / 3, 0, -1 / 5, 0)),
    ("arctan2(1, 0)", lambda x: np.arctan2(1, x), 0.0, (pi / 2, -1, 0, 1 / 3, 0, -1 / 5, 0)),
    ("arctan2(-1, 0)", lambda x: np.arctan2(-1, x), 0.0, (-pi / 2, 1, 0, -1 / 3, 0, 1 / 5, 0)),
    ("arctan2(0, 0)", lambda x: np.arctan2(x, x), 0.0, (0, nan)),
]


@pytest.mark.parametrize(("f", "at", "expected"), [row[1:] for row in EXACT], ids=[row[0] for row in EXACT])
def test_terms(f, at, expected):
    got = f(variable(at)).coef
    wanted = terms(*expected)
    np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=2e-29)  # arctan2's third row is 1e-30 off its axis


@pytest.mark.parametrize("degree", range(5))
@pytest.mark.parametrize(("f", "at", "expected"), [row[1:] for row in EXACT], ids=[row[0] for row in EXACT])
def test_low_degrees(f, at, expected, degree):
    """What a lower degree knows it gives, and never a finite number in place of a NaN."""
    got = f(variable(at, degree)).coef
    wanted = terms(*expected)[: degree + 1]
    known = np.isfinite(got)
    np.testing.assert_allclose(got[known], wanted[known], rtol=1e-14, atol=2e-29)
    assert known[0]


@pytest.mark.parametrize(
    ("f", "value"),
    [
        (np.log, -inf),
        (np.log2, -inf),
        (np.log10, -inf),
        (lambda x: np.log1p(x - 1), -inf),
        (lambda x: 1 / x, inf),
        (np.reciprocal, inf),
        (lambda x: x**-1.0, inf),
        (lambda x: x**-0.5, inf),
        (lambda x: np.arctanh(x + 1), inf),
        (lambda x: np.sin(x) / x, nan),
        (lambda x: np.log(x - 1), nan),
        (lambda x: np.sqrt(x - 1), nan),
        (lambda x: (x - 1) ** 0.5, nan),
        (lambda x: np.arcsin(x + 2), nan),
        (lambda x: np.arccosh(x), nan),
    ],
)
def test_poles_and_outside_the_domain(f, value):
    """NumPy's value, and no finite number after it."""
    p = f(variable())
    np.testing.assert_equal(p.coef[0], value)
    assert not np.isfinite(p.coef[1:]).any()


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: abs(x**2), (0, 0, 1, 0)),
        (lambda x: np.maximum(x**2, x**3), (0, 0, 1, 0)),
        (lambda x: np.minimum(x**2, -(x**2)), (0, 0, -1, 0)),
        (lambda x: np.hypot(x**2, 0), (0, 0, 1, 0)),
        (lambda x: np.hypot(x**2, x**3), (0, 0, 1, 0, 0.5, 0)),
        (lambda x: x ** (x * 0 + 2), (0, 0, 1, 0)),
        (lambda x: np.sinc(x), (1, 0, -(pi**2) / 6, 0, pi**4 / 120, 0, -(pi**6) / 5040)),
    ],
)
def test_removable(f, expected):
    """Smooth in truth: right, or NaN from some degree on; never a wrong number."""
    try:
        got = f(variable()).coef
    except TypeError:
        return
    known = np.isfinite(got)
    assert (known == (np.cumsum(~known) == 0)).all()
    np.testing.assert_allclose(got[known], terms(*expected)[known], rtol=1e-14, atol=1e-15)


# --- several variables -----------------------------------------------------------------------------------------------


def plane(at=(0.0, 0.0), degree=5):
    return fc.TaylorSpace(2, degree).variables(np.array(at))


def split(p):
    """{multi-index: coefficient}."""
    return dict(zip(map(tuple, p.space.exponents.tolist()), p.coef.tolist(), strict=True))


def test_kink_along_one_variable():
    """|x| at (0, 1): no term with x in it exists; the value does."""
    x, _ = plane((0.0, 1.0))
    for f in (np.abs, lambda t: (t * t) ** 0.5, np.sqrt, lambda t: np.maximum(t, 0)):
        got = split(f(x))
        assert got[0, 0] == 0
        assert all(np.isnan(c) for alpha, c in got.items() if alpha[0] > 0)
        assert all(np.isnan(c) or c == 0 for alpha, c in got.items() if alpha[0] == 0)


def test_cone():
    x, y = plane()
    for p in (np.hypot(x, y), np.sqrt(x * x + y * y), (x**2 + y**2) ** 0.5, np.linalg.norm(plane())):
        assert p.coef[0] == 0
        assert np.isnan(p.coef[1:]).all()


def test_powers_of_a_cone():
    """r**3 is twice differentiable at its tip; r**4 is a polynomial."""
    x, y = plane()
    square = x * x + y * y
    cubed = square**1.5
    degrees = cubed.space.exponents.sum(axis=1)
    assert (cubed.coef[degrees < 3] == 0).all()
    assert np.isnan(cubed.coef[degrees == 3]).all()
    assert split(square**2.0) == split(square * square)


def test_even_leading_forms_of_several_variables():
    """sqrt((x**2 + y**2)**2) is smooth, sqrt((x y)**2) is not: right or NaN, and right below degree 2."""
    x, y = plane()
    smooth, kinked = np.sqrt((x * x + y * y) ** 2), np.sqrt((x * y) ** 2)
    for p in (smooth, kinked):
        assert (p.coef[:3] == 0).all()
    known = {alpha: c for alpha, c in split(smooth).items() if np.isfinite(c)}
    assert all(c == pytest.approx(1.0 if alpha in {(2, 0), (0, 2)} else 0.0) for alpha, c in known.items())
    assert np.isnan(split(kinked)[1, 1])


def test_powers_with_roots_in_other_variables():
    """x**4 (1 + y) to the half: x**2 sqrt(1 + y), to the degree that is known."""
    x, y = plane(degree=6)
    got = split((x**4 * (1 + y)) ** 0.5)
    for j, c in enumerate((1, 0.5, -0.125)):
        assert got[2, j] == pytest.approx(c) or np.isnan(got[2, j])
    assert all(got[alpha] == 0 for alpha in got if sum(alpha) < 2)
    assert all(np.isnan(c) or c == 0 or alpha[0] == 2 for alpha, c in got.items())
    assert all(np.isnan(c) for alpha, c in got.items() if sum(alpha) > 4 and alpha[0] > 1)


def test_only_the_singular_elements_of_a_batch_are_affected():
    space = fc.TaylorSpace(2, 4)
    x = space.variables(np.array([0.0, 2.0]))
    for f in (np.sqrt, np.abs, np.log, np.reciprocal, lambda t: t**1.5, lambda t: np.maximum(t, 0), np.floor):
        whole = f(x + np.array([0.0, 0.25]))
        assert whole.shape == (2,)
        alone = f(x[1] + 0.25)
        np.testing.assert_array_equal(whole.coef[:, 1], alone.coef)
        assert np.isfinite(alone.coef).all()
        assert np.isnan(whole.coef[1:, 0]).any()


@pytest.mark.parametrize(
    ("f", "finite"),
    [(np.sqrt, 2), (np.cbrt, 2), (lambda p: p**1.5, 6), (abs, 6), (lambda p: np.maximum(p, p), 6), (np.arccos, None)],
)
def test_zeros_alone_may_hide_anything_beyond_the_degree(f, finite):
    """A series cut off before its first term: what its root starts with is unknown, what it is below is 0."""
    x, y = plane(degree=3)
    zero = (x + 2 * y) ** 4  # what it is in truth
    assert not zero.coef.any()
    if finite is None:
        p, known = f(1 - zero), 1
    else:
        p, known = f(zero), min(int((x.space.exponents.sum(axis=1) < finite).sum()), 10)
    assert (p.coef[:known] == 0).all()
    assert np.isnan(p.coef[known:]).all()


def test_squares_stay_exact_in_a_batch_with_zeros():
    space = fc.TaylorSpace(2, 4)
    x = space.variables(np.array([0.0, 2.0]))
    for power in (2.0, 2, np.float64(2), np.array([2.0, 2.0]), 3.0):
        expected = x * x if np.all(np.asarray(power) == 2) else x * x * x
        np.testing.assert_array_equal((x**power).coef, expected.coef)


@pytest.mark.parametrize("f", [lambda x: 1 / x**3, np.reciprocal, lambda x: np.arctan(1 / x), lambda x: x / x])
def test_poles_of_what_seems_constant_have_no_derivatives(f):
    """x**3 in a space of degree 2 has no terms: that it is 0 at x0 does not mean that it is 0 beside it."""
    x = variable(degree=2)
    assert not (x**3).coef.any()
    assert np.isnan(f(x**3).coef[1:]).all()
    stacked = f(np.stack([x**3, x + 2]))
    assert np.isnan(stacked.coef[1:, 0]).all()
    assert np.isfinite(stacked.coef[:, 1]).all()


def test_exact_derivatives_at_a_pole_are_not_called_exact():
    found = fc.derivative(lambda x: np.arctan(1 / x**3), 0.0, method="exact", full_output=True)
    assert found.status == fc.Status.NON_FINITE
    assert not found.success
