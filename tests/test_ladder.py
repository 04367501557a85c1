"""Ladders: what they ask for, when they stop, and what they say; driven from Python by ask and tell."""

import functools
import math
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastcalc._kernels.coordinates import coordinate_start
from fastcalc._kernels.ladder import Ladders
from tests.ladders import Climb, exactly

EPS = np.finfo(np.float64).eps
# statuses by number
CONVERGED, ROUNDING_LIMIT, NOISE_LIMIT, NOT_CONVERGED, NON_FINITE, NOT_SMOOTH = 0, 1, 2, 3, 4, 6
FEW = (CONVERGED, ROUNDING_LIMIT, NOISE_LIMIT)
SIDES = [0, 1, -1]


def noise(s):
    """Uniform in -1 to 1, the same at each call with the same s."""
    return np.random.default_rng(np.float64(s).view(np.uint64)).uniform(-1, 1)


# all kinds of functions, of every kind of ending
FUNCTIONS = {
    "exp": np.exp,
    "sin": lambda s: np.sin(3 * s + 1),
    "fast": lambda s: np.cos(300 * s + 0.3),
    "square": lambda s: s * s,
    "constant": lambda s: s * 0 + 7.25,
    "zero": lambda s: s * 0,
    "noise": lambda s: np.sin(s + 1) + 1e-7 * noise(s),
    "nothing but noise": lambda s: 1e-7 * noise(s),
    "float32": lambda s: np.float64(np.float32(np.sin(s + 1))),
    "steps": lambda s: np.floor(1e4 * np.sin(s + 1)) / 1e4,
    "abs": abs,
    "relu": lambda s: max(s, 0.0),
    "jump": lambda s: float(s > 0),
    "root": lambda s: np.sqrt(abs(s)),
    "kink above": lambda s: abs(s - 1e-3),
    "plateau": lambda s: np.tanh(1000 * (s - 0.02)),
    "NaN above": lambda s: np.exp(s) if s < 0.05 else np.nan,
    "NaN right of 0": lambda s: np.exp(s) if s <= 0 else np.nan,
    "infinite left of 0": lambda s: np.exp(s) if s >= 0 else np.inf,
    "NaN but at 0": lambda s: 1.0 if s == 0 else np.nan,
    "NaN": lambda s: np.nan,
    "infinite at 0": lambda s: np.inf if s == 0 else s,
    "large": lambda s: 1e140 * np.exp(s),
    "small": lambda s: 1e-140 * np.exp(s),
}


@functools.cache
def climb(name, n=1, side=0, **options):
    return Climb([FUNCTIONS[name]], n, side=side, **options)


EVERY = pytest.mark.parametrize("name", FUNCTIONS)
OPTIONS = [
    {},
    {"n": 2},
    {"n": 5, "side": 1},
    {"side": -1, "reach": 0.3},
    {"reach": 1e-3, "first": 1e-3},
    {"size": 1e6},
    {"size": 0.0, "first": 1e-9},
    {"noise": 1e-6},
    {"rtol": 1e-4},
    {"rtol": 0.0, "atol": 1e-3, "n": 3},
    {"most": 20},
    {"n": 10, "most": 40},
]


def label(options):
    return ", ".join(f"{name} {value}" for name, value in options.items()) or "default"


ANY = pytest.mark.parametrize("options", OPTIONS, ids=label)


def kinds(c, i=0):
    """The rounds of a line as (kind, shifts): rungs, eight values close to x, or a check off the ladder."""
    found, known = [], set()
    for asked in c.rounds[i]:
        steps = {abs(s) for s in asked}
        if len(asked) == len(steps) == 8 and np.allclose(asked, asked[0] * np.arange(1, 9), rtol=1e-9, atol=0):
            kind = "noise"
        elif len(asked) == 1 and (steps <= known or not steps <= set(c.steps(i))):
            kind = "check"
        else:
            kind = "rungs"
            known |= steps
        found.append((kind, asked))
    return found


# --- requests ---------------------------------------------------------------------------------------------------------


@EVERY
@ANY
def test_no_point_is_asked_for_twice_in_a_round_and_no_rung_at_all(name, options):
    c = climb(name, **options)
    for asked in c.rounds[0]:
        assert len(set(asked)) == len(asked)
        assert 0 not in asked
    rungs = [s for kind, asked in kinds(c) for s in asked if kind == "rungs"]
    assert len(set(rungs)) == len(rungs)


@EVERY
@ANY
def test_requests_are_inside_the_reach_and_on_the_side(name, options):
    c = climb(name, **options)
    shifts = np.array([s for asked in c.rounds[0] for s in asked])
    assert (np.abs(shifts) <= options.get("reach", np.inf)).all()
    if side := options.get("side"):
        assert (shifts * side > 0).all()


@EVERY
@ANY
def test_rungs_come_on_both_sides_until_one_of_them_is_known_to_be_of_no_use(name, options):
    c = climb(name, **options)
    if options.get("side"):
        return
    turned = False
    for kind, asked in kinds(c):
        if kind == "rungs":
            both = sorted(asked) == sorted(-np.array(asked))
            assert both or (len({np.sign(s) for s in asked}) == 1 and "of 0" in name)
            assert not (both and turned)
            turned |= not both


@EVERY
@ANY
def test_evaluations_stay_below_the_most(name, options):
    c = climb(name, **options)
    assert c.evaluations() <= options.get("most", 150)


@EVERY
def test_steps_are_such_that_x_plus_h_is_exact(name):
    for size in (1.0, 0.7, 1e6 / 3, 1e-3):
        c = Climb([lambda s, size=size: FUNCTIONS[name](s / size)], size=size, first=0.19 * size)
        for s in c.samples[0]:
            for x in (size, -size):
                # to the spacing of the larger number: what is added is a multiple of it
                spacing = np.spacing(size + abs(s))
                assert s % spacing == 0
                assert abs(exactly(x + s) - exactly(x) - exactly(s)) <= exactly(spacing) / 2
                if np.spacing(size) >= spacing:
                    assert (x + s) - x == s


def test_steps_of_x_in_float32_are_exact_in_float32():
    eps = float(np.finfo(np.float32).eps)
    x = np.float32(0.7)
    c = Climb([lambda s: np.exp(np.float64(x) + s)], size=float(x), first=0.1, x_epsilon=eps, finest=2 * np.spacing(x))
    for s in c.samples[0]:
        assert np.float64(np.float32(s)) == s
        if np.spacing(np.float32(abs(x) + abs(s))) <= np.spacing(x):
            assert np.float64(x + np.float32(s)) == np.float64(x) + s


def test_no_step_is_below_the_finest():
    for finest in (1e-3, 1e-8):
        for name in FUNCTIONS:
            c = Climb([FUNCTIONS[name]], finest=finest)
            rungs = [s for kind, asked in kinds(c) for s in asked if kind == "rungs"]
            assert min(map(abs, rungs)) >= finest


def test_first_step():
    for first in (1e-3, 0.2, 50.0):
        for name in FUNCTIONS:
            c = Climb([FUNCTIONS[name]], first=first)
            assert max(c.rounds[0][0]) == pytest.approx(first, rel=1e-12)
            assert min(map(abs, c.rounds[0][0])) > first / 50


# --- a block of lines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3])
def test_lines_of_a_block_are_as_each_alone(n):
    names = list(FUNCTIONS)
    sides = [SIDES[k % 3] for k in range(len(names))]
    first = [10.0 ** -(k % 4) for k in range(len(names))]
    reach = [np.inf if k % 5 else 2 * first[k] for k in range(len(names))]
    size = [float(k % 3) for k in range(len(names))]
    together = Climb([FUNCTIONS[name] for name in names], n, side=sides, first=first, reach=reach, size=size)
    for i, name in enumerate(names):
        alone = Climb([FUNCTIONS[name]], n, side=sides[i], first=first[i], reach=reach[i], size=size[i])
        assert together.rounds[i] == alone.rounds[0]
        np.testing.assert_array_equal(together.outcome(i), alone.outcome())
        np.testing.assert_array_equal(together.ladders.history[i], alone.ladders.history[0])


def test_history_changes_nothing():
    for name in FUNCTIONS:
        plain = climb(name, history=False)
        assert plain.ladders.history is None
        np.testing.assert_array_equal(plain.outcome(), climb(name).outcome())
        assert plain.rounds == climb(name).rounds


def test_copies_of_an_output_change_nothing():
    for name in FUNCTIONS:
        f = FUNCTIONS[name]
        c = Climb([lambda s, f=f: [f(s)] * 3], 2)
        assert c.rounds == climb(name, 2).rounds
        for o in range(3):
            np.testing.assert_array_equal(c.outcome(0, o), climb(name, 2).outcome())


def test_outputs_of_different_scales_are_all_served():
    def f(s):
        return [np.exp(s), np.sin(100 * s), 1e9 * s * s, 5.0, np.exp(-1e-3 * s)]

    c = Climb([f])
    outcomes = [c.outcome(0, o) for o in range(5)]
    for o, exact in enumerate([1, 100, 0, 0, -1e-3]):
        assert outcomes[o].status in FEW
        assert abs(outcomes[o].value - exact) <= outcomes[o].error
        alone = Climb([lambda s, o=o: f(s)[o]]).outcome()
        assert outcomes[o].error <= 100 * alone.error
    assert outcomes[1].top < outcomes[4].top


def test_an_output_that_is_not_finite_or_not_smooth_leaves_the_others_alone():
    def f(s):
        return [np.exp(s), np.nan, abs(s), np.inf if s else 0.0]

    outcomes = [Climb([f]).outcome(0, o) for o in range(4)]
    assert outcomes[0].status in FEW
    assert abs(outcomes[0].value - 1) <= outcomes[0].error <= 1e-12
    assert [outcome.status for outcome in outcomes[1:]] == [NON_FINITE, NOT_SMOOTH, NON_FINITE]


def test_no_lines_and_no_outputs():
    arguments = parts(lines=0)
    ladders = Ladders(*arguments)
    assert ladders.ask() == 0
    assert ladders.value.shape == (0, 1)


# --- endings ----------------------------------------------------------------------------------------------------------

ENDINGS = {
    "exp": FEW,
    "sin": FEW,
    "fast": FEW,
    "square": FEW,
    "constant": FEW,
    "zero": FEW,
    "noise": (NOISE_LIMIT,),
    "float32": (NOISE_LIMIT,),
    "steps": (CONVERGED, NOISE_LIMIT),
    "abs": (NOT_SMOOTH,),
    "relu": (NOT_SMOOTH,),
    "jump": (NOT_SMOOTH,),
    "root": (NOT_SMOOTH, NOT_CONVERGED),
    "kink above": FEW,
    "plateau": FEW,
    "NaN above": FEW,
    "NaN right of 0": FEW,
    "infinite left of 0": FEW,
    "NaN but at 0": (NON_FINITE,),
    "NaN": (NON_FINITE,),
    "infinite at 0": (NON_FINITE,),
    "large": FEW,
    "small": FEW,
}
SLOPES = {
    "exp": 1, "sin": 3 * math.cos(1), "fast": -300 * math.sin(0.3), "square": 0, "constant": 0, "zero": 0,
    "noise": math.cos(1), "float32": math.cos(1), "kink above": -1, "plateau": 1000 / math.cosh(20) ** 2,
    "NaN above": 1, "NaN right of 0": 1, "infinite left of 0": 1, "large": 1e140, "small": 1e-140,
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_status(name):
    assert climb(name).outcome().status in ENDINGS[name]


@pytest.mark.parametrize("name", SLOPES)
def test_first_derivatives_are_within_their_errors(name):
    outcome = climb(name).outcome()
    assert abs(outcome.value - SLOPES[name]) <= outcome.error
    # and not by knowing nothing
    assert outcome.error <= 1e-2 * abs(SLOPES[name]) or outcome.error <= 1e-9


@pytest.mark.parametrize(
    "f", [lambda s: np.sqrt(abs(s)), np.cbrt, lambda s: np.log(abs(s)) if s else -50.0], ids=range(3)
)
def test_slopes_that_grow_with_every_step_are_not_smooth(f):
    for n in (1, 2):
        for side in (1, -1):
            outcome = Climb([f], n, side=side).outcome()
            assert outcome.status == NOT_SMOOTH
            assert np.isnan(outcome.error)


@EVERY
@ANY
def test_results_belong_together(name, options):
    outcome = climb(name, **options).outcome()
    good = outcome.status in FEW
    assert good <= bool(np.isfinite(outcome.value) and np.isfinite(outcome.error))
    if outcome.status == NON_FINITE:
        assert np.isnan(outcome.value)
        assert np.isnan(outcome.error)
    if good:
        assert outcome.error > 0 or outcome.value == 0
        assert 0 < outcome.step <= outcome.top
        assert {outcome.step, outcome.top} <= {abs(s) for s in climb(name, **options).samples[0]}


@pytest.mark.parametrize("side", SIDES)
def test_f_that_is_infinite_or_nan_at_x(side):
    for bad in (np.nan, np.inf, -np.inf):
        c = Climb([lambda s, bad=bad: s if s else bad], side=side)
        assert c.outcome().status == NON_FINITE


@pytest.mark.parametrize("good", [1, -1])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_side_where_f_is_not_finite_is_given_up(n, bad, good):
    c = Climb([lambda s: np.exp(s) if s * good >= 0 else bad], n)
    outcome = c.outcome()
    assert abs(outcome.value - 1) <= outcome.error <= 1e-5
    check = c.rounds[0][-1]
    assert len(check) == 1
    assert check[0] * good > 0


# --- accuracy that is wanted ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("side", SIDES)
def test_rtol_saves_evaluations(n, side):
    before = 0
    for rtol in (1e-2, 1e-4, 1e-6):
        c = Climb([np.exp], n, side=side, rtol=rtol)
        outcome = c.outcome()
        if outcome.status == CONVERGED:
            assert abs(outcome.value - 1) <= outcome.error <= rtol * abs(outcome.value)
        assert c.evaluations() >= before
        before = c.evaluations()
    assert before <= climb("exp", n, side).evaluations()
    assert Climb([np.exp], n, side=side, rtol=1e-2).outcome().status == CONVERGED


def test_atol():
    for atol in (1.0, 1e-3):
        c = Climb([lambda s: 100 * np.sin(s)], 2, rtol=0.0, atol=atol)
        assert abs(c.outcome().value) <= c.outcome().error <= atol
        assert c.outcome().status == CONVERGED


def test_what_can_not_be_had_is_not_claimed():
    for options in ({"rtol": 1e-17}, {"rtol": 0.0, "atol": 1e-30}):
        outcome = Climb([lambda s: np.exp(s / 3)], **options).outcome()
        assert outcome.status == ROUNDING_LIMIT
        assert abs(outcome.value - 1 / 3) <= outcome.error <= 1e-13


BUDGETS = [2, 3, 4, 5, 6, 8, 10, 14, 20, 40, 149]
FAST = [-300 * math.sin(0.3), -9e4 * math.cos(0.3), math.nan, 81e8 * math.cos(0.3)]


@pytest.mark.parametrize("most", BUDGETS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("n", [1, 2, 4])
def test_most(n, side, most):
    for name, exact in (("exp", 1.0), ("fast", FAST[n - 1])):
        c = climb(name, n, side, most=most)
        assert c.evaluations() <= most
        outcome = c.outcome()
        if outcome.status in FEW:
            # an error is a difference of a few windows then, and f is rounded inside
            assert abs(outcome.value - exact) <= 10 * outcome.error
        elif most > 2:
            assert outcome.status in (NOT_CONVERGED, NOT_SMOOTH)


@pytest.mark.parametrize("side", SIDES)
def test_next_to_nothing(side):
    for most in (1, 2):
        assert climb("exp", 1, side, most=most).outcome().status == NOT_CONVERGED


# --- noise ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1e-12, 1e-9, 1e-6])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("n", [1, 2])
def test_noise(level, given, n):
    exact = [math.cos(1), -math.sin(1)][n - 1]
    missed, errors, statuses = [], [], []
    for k in range(20):
        c = Climb([lambda s, k=k: np.sin(s + 1) + level * noise(s + k)], n, noise=level if given else -1.0)
        outcome = c.outcome()
        missed.append(abs(outcome.value - exact) / outcome.error)
        errors.append(outcome.error)
        statuses.append(outcome.status)
    assert set(statuses) <= {CONVERGED, NOISE_LIMIT}
    assert statuses.count(NOISE_LIMIT) >= 10
    assert max(missed) <= 1
    # the level over steps of 0.1 and their square, amplified by extrapolation
    assert level < np.median(errors) <= 100 * level / 0.1**n


def test_noise_that_leaves_little():
    for level in (-1.0, 1e-2):
        for k in range(20):
            c = Climb([lambda s, k=k: np.sin(s + 1) + 1e-2 * noise(s + k)], 2, noise=level)
            assert abs(c.outcome().value + math.sin(1)) <= c.outcome().error


def test_noise_that_is_given_is_not_listened_for():
    heard = [kind for name in FUNCTIONS for kind, _ in kinds(climb(name))]
    assert "noise" in heard
    assert "noise" not in [kind for name in FUNCTIONS for kind, _ in kinds(climb(name, noise=1e-8))]


def test_listening_is_eight_values_at_equal_distances_on_one_side():
    for name in FUNCTIONS:
        for kind, asked in kinds(climb(name)):
            if kind == "noise":
                np.testing.assert_allclose(asked, asked[0] * np.arange(1, 9), rtol=1e-12)
                assert max(map(abs, asked)) <= max(climb(name).steps())


def test_where_close_values_are_equal_it_listens_farther_out():
    """A lattice has no noise at distances below its own: three tries, each a thousand times as far."""
    distances = [abs(asked[0]) for kind, asked in kinds(climb("steps")) if kind == "noise"]
    assert 2 <= len(distances) <= 3
    np.testing.assert_allclose(np.diff(np.log10(distances)), 3, rtol=1e-3)
    for quantum in (1e-3, 1e-5, 1e-7, 1e-9):
        outcome = Climb([lambda s, q=quantum: np.round(np.sin(s + 1) / q) * q]).outcome()
        assert outcome.status in (CONVERGED, NOISE_LIMIT)
        assert quantum < outcome.error < 1e3 * quantum
        assert abs(outcome.value - math.cos(1)) <= outcome.error


def test_more_noise_is_more_error():
    errors = [Climb([np.exp], noise=level).outcome().error for level in (0.0, 1e-12, 1e-9, 1e-6, 1e-3)]
    assert errors == sorted(errors)
    assert errors[-1] > 1e6 * errors[0]


# --- laws -------------------------------------------------------------------------------------------------------------


@given(
    a=st.floats(-3, 3), b=st.floats(0.1, 20), c=st.floats(-2, 2), n=st.integers(1, 4), side=st.sampled_from(SIDES),
    first=st.sampled_from([1e-4, 0.2, 3.0]),
)  # fmt: skip
@settings(max_examples=100)
@example(a=0.0, b=1.0, c=0.0, n=2, side=0, first=0.2)
def test_sines(a, b, c, n, side, first):
    outcome = Climb([lambda s: a + np.sin(b * s + c)], n, side=side, first=first).outcome()
    exact = b**n * math.sin(c + n * math.pi / 2)
    assert outcome.status not in (NON_FINITE, NOT_SMOOTH)
    if outcome.status in FEW:
        assert abs(outcome.value - exact) <= 2 * outcome.error


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", ["exp", "sin", "abs", "noise", "NaN above", "NaN right of 0"])
def test_powers_of_2_scale_everything(name, n):
    """f and s in other units: the same points, the same digits."""
    plain = climb(name, n)
    f = FUNCTIONS[name]
    scaled = Climb([lambda s: 64 * f(8 * s)], n, first=0.2 / 8, size=1 / 8)
    if name in ("exp", "sin"):
        np.testing.assert_array_equal(8 * np.concatenate(scaled.rounds[0]), np.concatenate(plain.rounds[0]))
    factor = 64 * 8**n
    assert scaled.outcome().value == pytest.approx(factor * plain.outcome().value, rel=1e-6, nan_ok=True) or n > 1


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["exp", "sin", "fast"])
def test_a_mirror_image_has_the_derivative_of_the_other_sign(name, n):
    f = FUNCTIONS[name]
    for side in SIDES:
        here, there = climb(name, n, side), Climb([lambda s: f(-s)], n, side=-side)
        assert here.outcome().value * (-1) ** n == there.outcome().value or np.isnan(here.outcome().value)
        assert here.outcome().status == there.outcome().status


# --- the start along coordinates --------------------------------------------------------------------------------------


def test_coordinate_start():
    x = np.array([[1.0, -4.0], [0.0, 1e-200], [1e-3, 1e300]])
    first, reach, size, finest, side = coordinate_start(x, 0.25, 1e-140)
    np.testing.assert_array_equal(first, [0.25, 1.0, 0.25, 0.25, 0.25e-3, 0.25e300])
    np.testing.assert_array_equal(reach, np.inf)
    np.testing.assert_array_equal(size, np.abs(x).ravel())
    np.testing.assert_array_equal(finest, 2 * np.spacing(np.abs(x)).ravel())
    np.testing.assert_array_equal(side, 0)
    assert side.dtype == np.int8


# --- wrong input ------------------------------------------------------------------------------------------------------


def parts(lines=2, m=1, dtype=np.float64, n=1):
    ones = np.ones(lines, dtype)
    sides = np.zeros(lines, np.int8)
    return [n, np.ones((lines, m), dtype), ones, ones, ones, ones / 1e9, sides, EPS, EPS, -1.0, -1.0, 0.0, 50, False]


@pytest.mark.parametrize(
    ("place", "value", "error", "message"),
    [
        (0, 0, ValueError, "a ladder got a wrong n or side"),
        (0, 11, ValueError, "a ladder got a wrong n or side"),
        (1, np.ones((2, 1), np.float32), TypeError, "ladders are of float64 or longdouble; got float32"),
        (1, np.ones((2, 1), np.complex128), TypeError, "ladders are of float64 or longdouble; got complex128"),
        (1, np.ones((4, 1))[::2], ValueError, "a kernel got an array of the wrong type, layout or size"),
        (2, np.ones(1), ValueError, "a kernel got an array of the wrong type, layout or size"),
        (2, np.ones(2, np.longdouble), ValueError, "a kernel got an array of the wrong type, layout or size"),
        (3, np.ones(4)[::2], ValueError, "a kernel got an array of the wrong type, layout or size"),
        (4, np.ones(1), ValueError, "a kernel got an array of the wrong type, layout or size"),
        (5, np.ones(2, np.float32), ValueError, "a kernel got an array of the wrong type, layout or size"),
        (6, np.zeros(3, np.int8), ValueError, "a ladder got a wrong n or side"),
        (6, np.zeros(2, np.int64), ValueError, "a ladder got a wrong n or side"),
        (1, None, TypeError, "expected numpy.ndarray, got NoneType"),
        (6, None, TypeError, "expected numpy.ndarray, got NoneType"),
    ],
)
def test_wrong_input(place, value, error, message):
    arguments = parts()
    Ladders(*arguments)
    arguments[place] = value
    with pytest.raises(error, match=re.escape(message)):
        Ladders(*arguments)


def test_too_few_or_wrong_values():
    ladders = Ladders(*parts())
    count = ladders.ask()
    for values in (np.ones((count - 1, 1)), np.ones((count, 1), np.float32), np.ones((2 * count, 1))[::2]):
        with pytest.raises(ValueError, match="a kernel got an array of the wrong type, layout or size"):
            ladders.tell(values)
    ladders.tell(np.ones((count, 1)))
