"""Windows of a ladder: the extrapolated derivative, its error and the choice among them, against exact fractions.

`tests.ladders` holds the twin. Rounding of the kernel: odd and even parts are differences of samples, rounded to
floats, and the weighted sum of them is; `data_error` is what one rounding of each can do, and a handful of it is
allowed.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ladders import SAFETY, Climb, exactly, interpolated, lagrange, product

EPS = np.finfo(np.float64).eps
ROUNDINGS = 4  # of each part, its weight and its term in the sum
# statuses by number
CONVERGED, ROUNDING_LIMIT, NOISE_LIMIT, NOT_CONVERGED, NON_FINITE, NOT_SMOOTH = 0, 1, 2, 3, 4, 6

FUNCTIONS = {
    "exp": lambda s: np.exp(s + np.float64(0.5)),
    "sin": lambda s: np.sin(3 * s + 1),
    "log": lambda s: np.log(s * s / 2 + s / 3 + 1),
    "pole": lambda s: 1 / (1.3 + s * s + s),
    "root": lambda s: np.sqrt(2 + s * s + s),
    "quintic": lambda s: ((((s - 2) * s + 3) * s - 5) * s + 7) * s - 1,
    "fast": lambda s: np.cos(40 * s + 0.3),
    "bump": lambda s: np.exp(-((s - 0.4) ** 2)),
}
SIDES = [0, 1, -1]


# --- the twin itself --------------------------------------------------------------------------------------------------


def test_twin_is_exact_for_polynomials():
    nodes = [Fraction(3), Fraction(1), Fraction(1, 4), Fraction(-2)]
    coefficients = [Fraction(5), Fraction(-1, 3), Fraction(0), Fraction(7)]
    values = [sum(c * t**k for k, c in enumerate(coefficients)) for t in nodes]
    for j, c in enumerate(coefficients):
        assert sum(w * v for w, v in zip(lagrange(nodes, j), values, strict=True)) == c
    assert interpolated(nodes, values, Fraction(1, 7)) == sum(
        c * Fraction(1, 7) ** k for k, c in enumerate(coefficients)
    )
    assert product([Fraction(2), Fraction(3)]) == [6, -5, 1]


def test_twin_takes_floats_exactly():
    for value in (0.1, -3.5, 5e-324, 1e300, np.longdouble(1) / 3, np.float32(0.1)):
        assert exactly(value) == Fraction(*value.as_integer_ratio())


# --- value, error and choice ------------------------------------------------------------------------------------------


def climbed(name, n, side, **options):
    """A ladder of one function with its twin; the noise is given, so that errors don't depend on misses."""
    c = Climb([FUNCTIONS[name]], n, side=side, **{"noise": 0.0, **options})
    rungs = c.rungs(side=side)
    outcome = c.outcome()
    k, w = rungs.place(outcome)
    return c, rungs, outcome, rungs.window(k, w)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 10])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", ["exp", "log", "pole", "fast"])
def test_value_is_the_coefficient_of_the_polynomial_through_the_window(name, n, side):
    _, rungs, outcome, window = climbed(name, n, side)
    allowed = ROUNDINGS * exactly(EPS) * rungs.data_error(window.k, window.w)
    assert abs(exactly(outcome.value) - window.value) <= allowed
    # and that is no wide margin: it is below what the kernel itself allows for rounding
    assert allowed <= 100 * window.rounding


def expected_error(c, rungs, window):
    """Truncation, or what the check point tells of, and rounding."""
    miss = Fraction(0)
    if points := c.check_points():
        miss = rungs.missed(window.k, window.w, points[-1], c.samples[0][points[-1]][0])
    return SAFETY * (max(window.truncation, miss) + window.rounding)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_error_is_that_of_the_formula(name, n, side):
    c, rungs, outcome, window = climbed(name, n, side)
    assert outcome.status in (CONVERGED, ROUNDING_LIMIT)
    expected = expected_error(c, rungs, window)
    slop = 2 * ROUNDINGS * exactly(EPS) * rungs.data_error(window.k, window.w)
    assert float(abs(exactly(outcome.error) - expected)) <= float(slop + expected / 10**6)


@pytest.mark.parametrize("n", [4, 5, 6])
@pytest.mark.parametrize("side", SIDES)
def test_error_where_hardly_anything_is_known(n, side):
    c, rungs, outcome, window = climbed("exp", n, side, noise=1e-2)
    assert outcome.status == NOT_CONVERGED
    expected = 2 * max(expected_error(c, rungs, window), abs(window.value))
    assert outcome.error >= float(expected) * (1 - 1e-6)


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-4])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_window_of_the_smallest_error_among_the_believable_is_chosen(name, side, n, noise):
    c, rungs, _, window = climbed(name, n, side, noise=noise)
    if len(c.check_points()) == 1:  # else rungs before a check that failed may be out of use
        is_the_best(rungs, window)


def is_the_best(rungs, window):
    best = rungs.best()
    # differences of windows are rounded as they are: ties may be broken either way
    slop = 2 * ROUNDINGS * exactly(EPS) * max(rungs.data_error(*at) for at in (window[:2], best[:2]))
    least = best.truncation + best.rounding
    assert float(window.truncation + window.rounding) <= float(least * (1 + Fraction(1, 10**6)) + slop)
    assert float(window.truncation) <= float(max(abs(window.value) / 100, 10 * window.rounding) + slop)
    assert rungs.side or rungs.window(window.k, window.w, companion=True).believable


@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("noise", [0.0, 1e-9])
@pytest.mark.parametrize("power", [1.5, 2, 2.5, 3])
def test_the_choice_where_a_higher_derivative_jumps(power, noise, size):
    """The even part, which is the companion, falls as slowly as a power of the step; the derivative is 1."""
    c = Climb([lambda s: np.exp(s) + size * abs(s) ** power], noise=noise)
    rungs, outcome = c.rungs(), c.outcome()
    if outcome.status in (CONVERGED, ROUNDING_LIMIT, NOISE_LIMIT):
        assert abs(outcome.value - 1) <= outcome.error
        is_the_best(rungs, rungs.window(*rungs.place(outcome)))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("side", SIDES)
def test_history_has_the_best_window_that_ends_at_each_rung(side, n):
    """Whether believable or not; its truncation is the difference to the window without its first rung."""
    c = Climb([FUNCTIONS["exp"]], n, side=side, noise=0.0)
    rungs = c.rungs(side=side)
    _, error, rounding = c.ladders.history[0, : len(rungs.h)].T
    assert (c.ladders.history[0, len(rungs.h) :] == 0).all()
    j = rungs.main[1]
    for k in range(len(rungs.h)):
        found = []
        for w in range(j + 1, min(k + 1, j + 8)):
            window = rungs.window(k, w)
            shorter, _ = rungs.extrapolated(k, w - 1)
            slop = 2 * ROUNDINGS * exactly(EPS) * rungs.data_error(k, w)
            found.append((abs(window.value - shorter) + window.rounding, window.rounding, slop))
        if not found:
            assert np.isnan(error[k])
            assert np.isnan(rounding[k])
            continue
        least = min(found)
        assert abs(exactly(error[k]) - least[0]) <= max(slop for *_, slop in found) + least[0] / 10**6
        close = [r for total, r, slop in found if total <= least[0] * (1 + Fraction(1, 10**6)) + slop]
        assert any(abs(exactly(rounding[k]) - r) <= r / 10**6 for r in close)


# --- polynomials: windows that are long enough are exact --------------------------------------------------------------


def rounded(coefficients, dtype=np.float64):
    """A polynomial whose values are rounded once: to be within epsilon / 2 of the truth."""

    def f(s):
        t = exactly(s)
        return dtype(sum(c * t**k for k, c in enumerate(coefficients)))

    return f


@given(
    coefficients=st.lists(st.integers(-9, 9), min_size=1, max_size=7),
    n=st.integers(1, 6),
    side=st.sampled_from(SIDES),
    first=st.sampled_from([1e-3, 0.2, 7.0]),
)
@settings(max_examples=150)
def test_polynomials(coefficients, n, side, first):
    c = Climb([rounded(coefficients)], n, side=side, first=first)
    outcome = c.outcome()
    exact = math.factorial(n) * coefficients[n] if n < len(coefficients) else 0
    if np.isfinite(outcome.error):
        assert abs(outcome.value - exact) <= outcome.error
    else:
        assert outcome.status in (NOT_CONVERGED, NOT_SMOOTH)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("side", SIDES)
def test_polynomials_to_rounding(side, n):
    """Of as many rungs as the degree asks for, the error is that of rounding, over steps of about 1."""
    c = Climb([rounded([3, -2, 5, 1, -4])], n, side=side)
    outcome = c.outcome()
    exact = [0, -2, 10, 6, -96][n]
    assert abs(outcome.value - exact) <= outcome.error
    assert outcome.error <= (1e-11 if side == 0 else 1e-8) * abs(exact)
    assert outcome.status == ROUNDING_LIMIT


def test_longdouble():
    def f(s):
        return np.exp(s / 3 + np.longdouble(1))

    for n in (1, 2, 3):
        for side in SIDES:
            c = Climb([f], n, dtype=np.longdouble, side=side, noise=0.0)
            rungs, outcome = c.rungs(side=side), c.outcome()
            k, w = rungs.place(outcome)
            eps = exactly(np.finfo(np.longdouble).eps)
            assert abs(exactly(outcome.value) - rungs.window(k, w).value) <= ROUNDINGS * eps * rungs.data_error(k, w)
            assert abs(outcome.value - np.exp(np.longdouble(1)) / 3**n) <= outcome.error
            if np.finfo(np.longdouble).eps < EPS:
                assert outcome.error < EPS * (0.5 if n == 1 and side == 0 else 1e6)


# --- what a companion sees --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tilt", [0.0, 0.25, -3.0])
@pytest.mark.parametrize(("n", "f"), [(1, abs), (1, lambda s: np.sqrt(abs(s))), (3, lambda s: abs(s) ** 3)])
def test_symmetric_kinks_that_the_derivative_itself_does_not_see(n, f, tilt):
    """Odd differences of an even function are 0 at all steps: only the even part tells."""
    outcome = Climb([lambda s: f(s) + tilt * s]).outcome() if n == 1 else Climb([f], n).outcome()
    assert outcome.status in (NOT_SMOOTH, NOT_CONVERGED)


def test_the_same_on_one_side_is_smooth():
    for side in (1, -1):
        outcome = Climb([lambda s: abs(s) + s * s], side=side).outcome()
        assert abs(outcome.value - side) <= outcome.error <= 1e-11
        assert outcome.status in (CONVERGED, ROUNDING_LIMIT)


@pytest.mark.parametrize("n", [1, 2])
def test_companions_of_a_derivative_that_vanishes(n):
    """cos has no odd part, sin no even one: 0 within rounding is a companion too."""
    for f, exact in ((np.cos, [0, -1]), (np.sin, [1, 0])):
        outcome = Climb([f], n).outcome()
        assert abs(outcome.value - exact[n - 1]) <= outcome.error <= 1e-5
        assert outcome.status in (CONVERGED, ROUNDING_LIMIT, NOISE_LIMIT)


# --- rungs that say nothing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_rungs_beyond_which_f_is_not_finite_are_left_out(n, side, bad):
    def f(s):
        return bad if abs(s) > 0.1 else np.exp(s)

    c = Climb([f], n, side=side, noise=0.0, first=1.0)
    outcome = c.outcome()
    assert abs(outcome.value - 1) <= outcome.error <= 1e-2
    assert outcome.top <= 0.1
    assert np.isfinite(c.ladders.history[0, : len(c.steps()), 1][c.steps() <= outcome.step]).all()


@pytest.mark.parametrize("n", [1, 2])
def test_flat_rungs_are_left_out_where_f_moves_at_others(n):
    """exp in float32 stands still in steps below its resolution: those rungs would give 0 +- 0."""
    outcome = Climb([lambda s: np.float64(np.float32(np.exp(s)))], n, first=1e-3).outcome()
    assert abs(outcome.value - 1) <= outcome.error
    assert outcome.value != 0
