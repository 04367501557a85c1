"""Noise of function values: the level from equally spaced values, and `estimate_noise`."""

import hashlib
import math
import re
import statistics

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._differences.noise import Verdict, noise_level
from tests.cases import CURVES, EPS, SURFACES
from tests.reference import Recorder

FUNCTIONS = {
    "exp": np.exp,
    "sin": np.sin,
    "cubic": lambda x: x**3 + 2,
    "sqrt": np.sqrt,
    "fast": lambda x: 2 + np.cos(20 * x),
    "1/x": lambda x: 1 / x,
}


def twin(values):
    """Moré and Wild, section 3: (sigma_k, 1), or (0, 2) where the spacing is too small, (0, 3) where it is too large.

    From the text: differences by their binomial sums, one function at a time.
    """
    m = len(values) - 1
    largest, smallest = max(values), min(values)
    if largest - smallest > 0.1 * max(abs(largest), abs(smallest)):
        return 0.0, 3
    if 2 * sum(values[i] == values[i + 1] for i in range(m)) >= m + 1:
        return 0.0, 2
    sigma, signs = {}, {}
    for k in range(1, m + 1):
        delta = [
            math.fsum((-1) ** (k - j) * math.comb(k, j) * values[i + j] for j in range(k + 1)) for i in range(m + 1 - k)
        ]
        gamma = math.factorial(k) ** 2 / math.factorial(2 * k)
        sigma[k] = math.sqrt(gamma * sum(d * d for d in delta) / (m + 1 - k))
        signs[k] = min(delta) < 0 < max(delta)
    for k in range(1, m - 1):
        three = [sigma[k], sigma[k + 1], sigma[k + 2]]
        if signs[k] and max(three) <= 4 * min(three):
            return sigma[k], 1
    return 0.0, 3


def drawn(rng, points, k, sigma, shape):
    """k functions with noise at equally spaced points, as columns."""
    x = rng.uniform(0.5, 3, k) + np.arange(points)[:, None] * 10.0 ** rng.uniform(-8, -5, k)
    noise = rng.normal(size=x.shape) if shape == "normal" else rng.uniform(-1, 1, x.shape) * np.sqrt(3)
    names = rng.choice(sorted(FUNCTIONS), k)
    values = np.stack([FUNCTIONS[name](x[:, i]) for i, name in enumerate(names)], axis=1)
    return values + sigma * noise


# --- the level from values --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", [4, 7, 9, 12])
def test_level_is_that_of_the_paper(points):
    rng = np.random.default_rng(points)
    columns = [drawn(rng, points, 200, 10.0 ** rng.uniform(-9, -1, 200), "normal")]
    columns.append(np.round(columns[0], 6))  # many of them equal
    columns.append(columns[0] - columns[0].mean(axis=0))  # varying by more than a tenth
    columns.append(10 + np.exp(np.arange(points)[:, None] * rng.uniform(0.01, 0.1, 200)))  # no noise to be seen
    values = np.rint(np.concatenate(columns, axis=1) * 2.0**36) / 2.0**36  # their differences are exact
    seen = set()
    for column, level, verdict in zip(values.T, *noise_level(values), strict=True):
        expected, inform = twin(column.tolist())
        seen.add((inform, Verdict(verdict)))
        assert (verdict == Verdict.FOUND) == (inform == 1)
        if inform == 1:
            np.testing.assert_allclose(level, expected, rtol=1e-13)
        if inform == 2:
            assert verdict == Verdict.TOO_CLOSE
    assert {inform for inform, _ in seen} == {1, 2, 3}
    assert {verdict for _, verdict in seen} >= {Verdict.FOUND, Verdict.TOO_CLOSE, Verdict.TOO_FAR, Verdict.WIDE}


@pytest.mark.parametrize("shape", ["normal", "uniform"])
@pytest.mark.parametrize("points", [7, 9])
def test_known_noise_is_recovered(points, shape):
    rng = np.random.default_rng(7)
    for exponent in range(-12, -1):
        sigma = 10.0**exponent
        level, verdict = noise_level(drawn(rng, points, 500, sigma, shape))
        within = (level >= sigma / 4) & (level <= 4 * sigma)
        assert within.mean() >= 0.95
        assert (verdict[within] != Verdict.TOO_FAR).all()


def test_level_scales_exactly_with_the_values():
    values = drawn(np.random.default_rng(1), 9, 50, 1e-6, "normal")
    level, verdict = noise_level(values)
    for scale in (2.0**900, 2.0**-900, 2.0**-3):
        again, same = noise_level(values * scale)
        np.testing.assert_array_equal(again, level * scale)
        np.testing.assert_array_equal(same, verdict)
    for part in (noise_level(values[:, 3:4]), noise_level(np.asfortranarray(values)[:, 3:4])):
        assert part[0] == level[3]


def test_values_are_not_changed():
    values = drawn(np.random.default_rng(1), 9, 5, 1e-6, "normal")
    values[2, 1] = np.nan
    kept = values.copy()
    noise_level(values)
    np.testing.assert_array_equal(values, kept)


@pytest.mark.parametrize(
    ("values", "level", "verdict"),
    [
        (np.full(9, 0.1), 0, Verdict.TOO_CLOSE),
        (np.zeros(9), 0, Verdict.TOO_CLOSE),
        (np.repeat([1.0, 1 + 1e-9, 1 + 2e-9], 3), np.nan, Verdict.TOO_CLOSE),
        (1000 + np.arange(9.0), 0, Verdict.EXACT),
        (np.arange(9.0), 0, Verdict.EXACT),
        (1000 + np.arange(9.0) ** 2, 0, Verdict.EXACT),
        (1 + 1e-3 * np.exp(np.arange(9.0) / 4), np.nan, Verdict.TOO_FAR),
        ([1, 1, 1, 1, np.nan, 1, 1, 1, 1], np.nan, Verdict.NON_FINITE),
        ([1, 2, 1, 2, np.inf, 2, 1, 1, 1], np.nan, Verdict.NON_FINITE),
    ],
)
def test_verdicts(values, level, verdict):
    found, kind = noise_level(np.array(values, float)[:, None])
    np.testing.assert_array_equal(found, [level])
    assert kind[0] == verdict
    assert kind.dtype == np.int8


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_dtypes_of_values(dtype):
    rng = np.random.default_rng(3)
    values = np.asarray(1 + 1e-3 * rng.normal(size=(9, 40)), dtype)
    level, verdict = noise_level(values)
    assert level.dtype == np.result_type(dtype, float)
    assert (verdict == Verdict.FOUND).all()
    assert ((level > 2e-4) & (level < 4e-3)).all()


def test_no_functions():
    level, verdict = noise_level(np.zeros((9, 0)))
    assert level.shape == verdict.shape == (0,)


# --- estimate_noise ---------------------------------------------------------------------------------------------------


class Noisy:
    """A function plus noise that is a pure function of the bits of x: normal, or uniform, of standard deviation 1."""

    def __init__(self, f, sigma, seed=0, shape="normal"):
        self.f, self.sigma, self.seed, self.shape = f, sigma, seed, shape

    def noise(self, x):
        digest = hashlib.blake2b(np.ascontiguousarray(x).tobytes(), digest_size=8, salt=self.seed.to_bytes(4, "big"))
        u = (int.from_bytes(digest.digest(), "big") + 0.5) / 2**64
        return math.sqrt(3) * (2 * u - 1) if self.shape == "uniform" else statistics.NormalDist().inv_cdf(u)

    def __call__(self, x):
        return self.f(x) + self.sigma * self.noise(x)


SHARE = 0.95  # of the estimates that must be within a factor of 4


def within(estimates, sigma, factor=4):
    estimates = np.asarray(estimates)
    return (estimates >= sigma / factor) & (estimates <= sigma * factor)


@pytest.mark.parametrize("shape", ["normal", "uniform"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_noise_of_curves_is_recovered(name, shape):
    x = np.random.default_rng(5).uniform(0.5, 3, 10)
    found = []
    for exponent in range(-12, -1):
        sigma = 10.0**exponent
        found += [
            fc.estimate_noise(Noisy(FUNCTIONS[name], sigma, i, shape), point) / sigma for i, point in enumerate(x)
        ]
    assert within(found, 1).mean() >= SHARE
    assert 0.8 < np.median(found) < 1.2


@pytest.mark.parametrize("case", SURFACES, ids=str)
@pytest.mark.parametrize("sigma", [1e-10, 1e-6, 1e-3])
def test_noise_of_surfaces_is_recovered(case, sigma):
    sigma *= max(1, abs(case.f(case.x)))
    found = [fc.estimate_noise(Noisy(case.f, sigma, i), case.x) for i in range(20)]
    assert within(found, sigma).mean() >= SHARE


@pytest.mark.parametrize("sigma", [1e-12, 1e-8, 1e-4])
def test_noise_at_a_root_is_recovered(sigma):
    # the values vary by more than a tenth: the published rule alone gives no answer
    found = [fc.estimate_noise(Noisy(lambda x: x - 1.5, sigma, i), 1.5) for i in range(20)]
    assert within(found, sigma).mean() >= SHARE
    found = [fc.estimate_noise(Noisy(lambda x: 0 * x, sigma, i), 1.5) for i in range(20)]
    assert within(found, sigma).mean() >= SHARE


@pytest.mark.parametrize("case", CURVES + SURFACES, ids=str)
def test_rounding_noise(case):
    f = Recorder(case.f)
    noise = fc.estimate_noise(f, case.x)
    assert f.calls in (9, 18)
    values = np.abs([case.f(x) for x in f.points])
    # a correctly rounded value is off by up to half a spacing, of standard deviation eps/4 to eps/7 of the value; what
    # f does to rounding errors of 100 x, or of its terms, adds to it
    assert EPS / 40 * values.min() < noise < 32 * EPS * values.max()


def test_scale_of_the_values():
    # 2**1000 or 2**-1000 times f has that noise, exactly
    noise = fc.estimate_noise(Noisy(np.exp, 1e-6), 1.0)
    for scale in (2.0**1000, 2.0**-1000):
        assert fc.estimate_noise(lambda x, scale=scale: scale * Noisy(np.exp, 1e-6)(x), 1.0) == scale * noise


def test_rounded_values():
    # of a spacing q: uniform errors, of standard deviation q / sqrt(12)
    for digits in (2, 5, 9):
        noise = fc.estimate_noise(lambda x, digits=digits: np.round(np.exp(x), digits), 1.0)
        assert within(noise, 10.0**-digits / np.sqrt(12), 3)
    noise = fc.estimate_noise(lambda x: np.floor(1000 * x) / 1000, 1.0)  # flat between the jumps
    assert within(noise, 1e-3 / np.sqrt(12), 3)


LATTICES = {
    "exp": np.exp,
    "sin": np.sin,
    "line": lambda x: 2 * x,
    "steep": lambda x: 20 * np.cos(3 * x),
    "several": lambda x: np.sum(np.sin(x) * x),
}


@pytest.mark.parametrize("decimals", [3, 6, 7, 9])
@pytest.mark.parametrize("name", LATTICES)
def test_noise_of_decimals_is_recovered(name, decimals):
    # equally spaced values often move by whole steps of the lattice, and are on a line up to the rounding of decimals
    rng = np.random.default_rng(decimals)
    f, shape = LATTICES[name], (40, 3) if name == "several" else (40,)
    points = rng.uniform(0.3, 3, shape)
    found = [fc.estimate_noise(lambda x: np.round(f(x), decimals), x) for x in points]
    assert within(found, 10.0**-decimals / np.sqrt(12)).mean() >= 0.9


def test_values_that_move_by_whole_steps():
    # 5 steps from value to value; or 38, 39, ... of them, on a parabola
    spacing = 2.0**-20
    for f in (lambda x: np.floor(5 * x / spacing + 0.5), lambda x: np.rint((x / spacing) * (x / spacing + 83) / 2)):
        recorded = Recorder(lambda x, f=f: 2.0**-20 * f(x) + 1)
        noise = fc.estimate_noise(recorded, 0.0, step=spacing)
        assert within(noise, spacing / np.sqrt(12))
        assert recorded.calls > 18
    # the same slope, or curvature, at two spacings: no lattice
    for f in (lambda x: 5 * x / 3 + 1, lambda x: (x / spacing) ** 2 / 3 + 1):
        recorded = Recorder(f)
        assert fc.estimate_noise(recorded, 0.0, step=spacing) < 1e-14
        assert recorded.calls == 18
        np.testing.assert_allclose(recorded.points[10] - recorded.points[9], 0.618034 * spacing, rtol=1e-6)


def test_float32():
    single = float(np.finfo(np.float32).eps)
    x = np.array([1.5, 2.5])
    for f, at in (
        (lambda x: np.float32(np.exp(x)), 1.0),  # float32 values: the spacing is made for these
        (lambda x: float(np.float32(np.exp(x))), 1.0),  # in disguise
        (np.exp, np.float32(1)),
        (lambda x: np.exp(x).sum(), x.astype(np.float32)),
        (lambda x: np.exp(x).astype(np.float32).sum(), x),
    ):
        value = float(f(at))
        assert single / 40 < fc.estimate_noise(f, at) / value < 4 * single
    assert type(fc.estimate_noise(np.exp, np.float32(1))) is float


def test_longdouble():
    eps = np.finfo(np.longdouble).eps
    noise = fc.estimate_noise(np.exp, np.longdouble(1))
    assert type(noise) is float
    assert eps / 40 < noise / np.e < 4 * eps


EXACTLY = {"constant": lambda x: 3.0, "zero": lambda x: 0 * x, "identity": lambda x: x, "doubled": lambda x: 2 * x}


@pytest.mark.parametrize("name", EXACTLY)
def test_no_noise_is_zero(name):
    assert fc.estimate_noise(EXACTLY[name], 1.0) == 0


def test_linear_functions_have_the_noise_of_rounding():
    assert EPS / 40 < fc.estimate_noise(lambda x: 3 * x + 1, 1.0) / 4 < EPS
    assert EPS / 40 < fc.estimate_noise(lambda x: 1e12 + x, 1.0) / 1e12 < EPS


def test_cancellation():
    # (x - 1)**6 multiplied out: the noise is that of its terms, far above eps times its value
    def f(x):
        return 1 - 6 * x + 15 * x**2 - 20 * x**3 + 15 * x**4 - 6 * x**5 + x**6

    for x in (1.0, 1.01):
        assert 1 < fc.estimate_noise(f, x) / EPS < 50


def test_kinks_are_no_noise():
    for slope in (1e-3, 1.0):
        assert not fc.estimate_noise(lambda x, slope=slope: 1 + slope * abs(x - 1), 1.0) > 1e-13
        assert not fc.estimate_noise(lambda x, slope=slope: slope * abs(x), 0.0) > 1e-13
    assert fc.estimate_noise(lambda x: 1 + max(0.0, x - 1) ** 2, 1.0) < 1e-14


@pytest.mark.parametrize("sigma", [1e-12, 1e-9, 1e-6])
def test_noise_at_a_kink_is_recovered(sigma):
    for x in (0.0, 1.5):
        found = [fc.estimate_noise(Noisy(lambda z, x=x: abs(z - x), sigma, i), x) for i in range(40)]
        assert within(found, sigma).mean() >= 0.7  # no levels of nine values agree in a tenth of all draws
        assert (within(found, sigma) | np.isnan(found)).all()
    for power in (1.0, 0.5, 0.25):  # without noise, but not smooth at any spacing
        assert np.isnan(fc.estimate_noise(lambda x, power=power: abs(x) ** power, 0.0))


def test_jumps():
    # half of the values equal at every spacing: unknown; else the jump is noise of its size
    assert np.isnan(fc.estimate_noise(lambda x: float(x > 1), 1.0))
    noise = fc.estimate_noise(lambda x: x + 1e-3 * (x > 1), 1.0)
    assert 1e-4 < noise < 1e-3
    assert fc.estimate_noise(lambda x: x**2 + 1e-3 * (x > 1.1), 1.0) < 1e-15  # beyond the points


def test_oscillations_faster_than_the_points_are_no_noise():
    for x in (1e5, 1e10):
        assert fc.estimate_noise(np.cos, x) < 1e-15
    assert fc.estimate_noise(lambda x: 1 + 1e-6 * np.sin(1e6 * x), 1.0) < 1e-14
    assert fc.estimate_noise(lambda x: np.sin(1 / x), 1e-4) < 1e-10


def test_small_x():
    # the spacing grows until f moves
    assert EPS / 40 < fc.estimate_noise(lambda x: np.exp(-x - x * x), 1e-13) < EPS
    assert EPS / 40 < fc.estimate_noise(lambda x: np.exp(x), 1e-20) < EPS
    f = Recorder(lambda x: np.exp(x) + 1)
    assert EPS / 40 < fc.estimate_noise(f, 1e-20, scale=1.0) < 4 * EPS
    assert f.calls == 9


def test_spacings_between_too_small_and_too_large():
    # rounded to 5 digits: flat at the first spacing, 5e-7, and outside the domain at 100 times that
    f = Recorder(lambda x: np.round(x, 5) if abs(x - 1) < 3e-5 else np.nan)
    assert within(fc.estimate_noise(f, 1.0), 1e-5 / np.sqrt(12))
    spacings = [float(f.points[k + 1] - f.points[k]) for k in range(0, 36, 9)]
    first = EPS**0.4
    np.testing.assert_allclose(spacings, [first, 100 * first, 10 * first, first / 3], rtol=1e-5)
    f = Recorder(lambda x: 1.0 if abs(x - 1) < 1e-5 else np.nan)
    assert np.isnan(fc.estimate_noise(f, 1.0))
    assert f.calls == 36  # 100 times, 10 times and 10**0.5 times the first spacing


def test_unknown_is_nan():
    for f, x in (
        (np.sqrt, 0.0),  # half of the points are outside the domain
        (lambda x: np.nan, 1.0),
        (lambda x: 1 / (0 * x), 1.0),
        (np.exp, np.nan),
        (np.exp, np.inf),
        (np.sum, []),
    ):
        assert np.isnan(fc.estimate_noise(f, x))
    f = Recorder(np.exp)
    fc.estimate_noise(f, np.inf)
    assert f.calls == 0


def test_at_most_eight_spacings():
    for function, x in ((lambda x: 1.0, 1.0), (lambda x: 1.0, 1e-30), (np.sqrt, 0.0), (abs, 0.0), (np.cbrt, 0.0)):
        f = Recorder(function)
        fc.estimate_noise(f, x)
        assert f.calls <= 72


# --- where f is called ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", [5, 8, 9, 20])
@pytest.mark.parametrize("x", [1.0, np.pi, -1e5, 0.0, np.float32(0.3), np.array([3.0, 1e-3, 0.0])])
def test_points_are_equally_spaced_through_x(points, x):
    f = Recorder(lambda x: np.exp(-np.sum(x * x)) if np.ndim(x) else np.exp(-x))
    fc.estimate_noise(f, x, points=points, step=1e-5)
    at = np.stack([np.ravel(p) for p in f.points[:points]])
    spacing = np.diff(at, axis=0)
    assert (spacing == spacing[0]).all()
    assert (np.abs(spacing[0]) <= 1.01e-5).all()
    assert (np.abs(spacing[0]) >= 0.49e-5).all()
    assert (np.abs(at[(points - 1) // 2] - x) <= 2 * np.spacing(np.abs(at).max(axis=0))).all()
    assert at.dtype == np.asarray(x).dtype


def test_the_first_spacing():
    for x, size in ((1.0, 1.0), (-30.0, 30.0), (0.0, 1.0), (1e-8, 1e-8)):
        f = Recorder(np.exp)
        fc.estimate_noise(f, x)
        np.testing.assert_allclose(f.points[1] - f.points[0], EPS**0.4 * size, rtol=1e-5)
    f = Recorder(np.exp)
    fc.estimate_noise(f, 1e-3, scale=2.0)
    np.testing.assert_allclose(f.points[1] - f.points[0], EPS**0.4 * 2)
    f = Recorder(lambda x: x[0] * np.exp(x[1]))
    fc.estimate_noise(f, [1.0, 2.0], step=[1e-3, 1e-6])
    spacing = np.abs(f.points[1] - f.points[0])
    assert ((spacing <= [1e-3, 1e-6]) & (spacing >= [5e-4, 5e-7])).all()


def test_direction():
    x = np.array([1.0, 2.0, 0.0])
    for direction in ([1, 0, 0], [0, -3.0, 1.0], np.array([1e300, 1e300, 0]), [1e-300, 0, 1e-301]):
        f = Recorder(lambda x: np.exp(x.sum()))
        assert EPS / 40 < fc.estimate_noise(f, x, direction=direction, step=1e-6) / np.exp(3) < 10 * EPS
        move = f.points[1] - f.points[0]
        unit = np.asarray(direction, float) / np.abs(direction).max()
        np.testing.assert_allclose(move, 1e-6 * unit, rtol=0, atol=1e-15)
    # along a line on which f is constant, or has noise
    assert fc.estimate_noise(lambda x: np.exp(x[0] - x[1]), [1.0, 1.0], direction=[1, 1]) == 0
    noisy = Noisy(lambda x: 1.0, 1e-3)
    assert fc.estimate_noise(lambda x: x[0] + noisy(x[1]), [1.0, 1.0], direction=[1, 0]) < 1e-15
    assert within(fc.estimate_noise(lambda x: x[0] + noisy(x[1]), [1.0, 1.0], direction=[0, 1]), 1e-3)
    # default spacings: no variable exceeds its own
    f = Recorder(lambda x: np.exp(x[0]) + x[1])
    fc.estimate_noise(f, [1.0, 1e-6], direction=[1, 1])
    np.testing.assert_allclose(f.points[1] - f.points[0], EPS**0.4 * 1e-6, rtol=1e-2)


BOXES = [
    (1.0, (1, 9)),
    (1.0, (0, 1)),
    (1.0, (1 - 1e-7, 1 + 1e-12)),
    (1.0, (-np.inf, 1)),
    ([1.0, 2.0, 3.0], ([1, 2, 3], [9, 9, 9])),
    ([1.0, 2.0, 3.0], ([1, 1, 3], [9, 2, 3])),
    ([1.0, 2.0, 3.0], ([1, 1, 3 - 1e-9], [9, 2, 3 + 1e-8])),
    (np.array([0.25, 0.5], np.float32), (0.25, [1, 0.5])),
]


@pytest.mark.parametrize(("x", "bounds"), BOXES)
@pytest.mark.parametrize("points", [5, 9, 16])
@pytest.mark.parametrize("sigma", [0, 1e-4])
def test_bounds_are_not_crossed(x, bounds, points, sigma):
    def smooth(x):
        return np.exp(-np.sum(np.asarray(x, float)))

    f = Recorder(Noisy(smooth, sigma) if sigma else smooth)
    noise = fc.estimate_noise(f, x, bounds=bounds, points=points)
    lower, upper = bounds
    assert all((p >= np.asarray(lower)).all() and (p <= np.asarray(upper)).all() for p in f.points)
    assert f.calls >= points
    assert within(noise, sigma) if sigma else not noise > 1e-5  # 32 eps of float32, or unknown


def test_no_room():
    never = Recorder(np.exp)
    assert np.isnan(fc.estimate_noise(never, 1.0, bounds=(1, 1)))
    assert np.isnan(fc.estimate_noise(never, [1.0, 2.0], bounds=([1, 0], [1, 5]), direction=[1, 1]))
    assert never.calls == 0


def test_vectorized_is_one_call():
    noisy = Noisy(lambda x: np.exp(x[0]) + x[1], 1e-6)
    widths = []

    def f(x):
        widths.append(x.shape)
        return np.array([noisy(np.ascontiguousarray(column)) for column in x.T])

    x = np.array([1.0, 2.0])
    assert fc.estimate_noise(f, x, vectorized=True) == fc.estimate_noise(noisy, x)
    assert widths == [(2, 9), (2, 9)]
    assert fc.estimate_noise(lambda x: np.exp(x)[0], 1.0, vectorized=True) == fc.estimate_noise(np.exp, 1.0)


def test_shapes_of_x_and_f():
    def f(x):
        return np.exp(np.sum(x))

    x = np.arange(6.0).reshape(2, 3) / 7
    expected = fc.estimate_noise(f, x.ravel())
    assert fc.estimate_noise(f, x) == expected
    assert fc.estimate_noise(f, np.asfortranarray(x)) == expected
    assert fc.estimate_noise(f, x[::-1, ::-1][::-1, ::-1]) == expected
    assert fc.estimate_noise(lambda x: np.array([f(x)]), x) == expected
    assert fc.estimate_noise(f, x.tolist()) == expected
    assert type(expected) is float
    assert fc.estimate_noise(np.exp, 1) == fc.estimate_noise(np.exp, 1.0)
    assert fc.estimate_noise(lambda x: np.exp(x[0]), [1.0]) == fc.estimate_noise(np.exp, 1.0)


def test_arguments_of_f():
    def f(a, x, b, c=0.0):
        return a * np.exp(x) + b + c

    expected = fc.estimate_noise(lambda x: f(2.0, x, 3.0, 4.0), 1.0)
    assert fc.estimate_noise(f, 1.0, args=(2.0, 3.0), argnum=1, kwargs={"c": 4.0}) == expected


def test_the_arrays_of_the_caller_are_untouched():
    x = np.array([1.0, 2.0])
    kept = x.copy()

    def f(x):
        x *= 2
        return np.exp(x.sum())

    direction = np.array([1.0, 3.0])
    fc.estimate_noise(f, x, direction=direction)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(direction, [1, 3])
    x.flags.writeable = False
    fc.estimate_noise(f, x)


def test_exceptions_of_f_propagate():
    error = RuntimeError("no value here")

    def f(x):
        raise error

    with pytest.raises(RuntimeError, match="no value here") as caught:
        fc.estimate_noise(f, 1.0)
    assert caught.value is error


def test_estimates_are_repeatable():
    noisy = Noisy(lambda x: x.sum(), 1e-3)
    x = np.linspace(0.5, 3, 7)
    assert fc.estimate_noise(noisy, x) == fc.estimate_noise(noisy, x)


# --- errors -----------------------------------------------------------------------------------------------------------


def never(*args, **kwargs):
    raise AssertionError("f was called")


WRONG = [
    (
        1.0,
        {"points": 4},
        ValueError,
        "`points` must be between 5 and 100; got 4: it says from how many values the noise",
    ),
    (1.0, {"points": 101}, ValueError, "`points` must be between 5 and 100; got 101"),
    (1.0, {"points": 9.0}, TypeError, "`points` must be an integer; got 9.0 of type float"),
    (1j, {}, TypeError, "`x` must be real; got dtype complex128: give its real part"),
    ("a", {}, TypeError, "`x` must hold real or complex numbers; got dtype <U1"),
    (
        np.ones((2, 3)),
        {"vectorized": True},
        ValueError,
        "`x` must be one point, of shape (n,); got shape (2, 3): take one column",
    ),
    (
        [1.0, 2.0],
        {"direction": [1.0]},
        ValueError,
        "`direction` must have the shape of x, (2,); got (1,): give one entry per variable",
    ),
    (1.0, {"direction": 0.0}, ValueError, "`direction` must be finite and not 0; got 0.0: give the way to go"),
    ([1.0, 2.0], {"direction": [1.0, np.nan]}, ValueError, "`direction` must be finite and not 0; got [1.0, nan]"),
    (1.0, {"direction": 1j}, TypeError, "`direction` must be real; got dtype complex128: give its real part"),
    (1.0, {"step": 0.0}, ValueError, "`step` must be positive and finite; got 0.0"),
    ([1.0, 2.0], {"step": [1.0, 2.0, 3.0]}, ValueError, "`step` must be a scalar, or have one entry per variable"),
    (1.0, {"scale": -1.0}, ValueError, "`scale` must be positive and finite; got -1.0"),
    (3.0, {"bounds": (0, 1)}, ValueError, "x must be inside `bounds`; got 3.0 for variable 0"),
    (1.0, {"args": 3}, TypeError, "`args` must be a tuple of the other arguments of f; got 3"),
    (1.0, {"kwargs": [1]}, TypeError, "`kwargs` must map argument names to values; got [1]"),
    (1.0, {"argnum": -1}, ValueError, "`argnum` must be at least 0; got -1"),
    (1.0, {"vectorized": 1}, TypeError, "`vectorized` must be True or False; got 1"),
]


@pytest.mark.parametrize(("x", "options", "error", "message"), WRONG)
def test_errors_before_f_is_called(x, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        fc.estimate_noise(never, x, **options)


def test_errors_of_f():
    with pytest.raises(TypeError, match=re.escape("`f` must be callable; got 3")):
        fc.estimate_noise(3, 1.0)
    message = "`f` must return a scalar, shape () or (1,), to have one noise; got shape (2,): take one of its outputs"
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.estimate_noise(lambda x: x, [1.0, 2.0])
    with pytest.raises(ValueError, match=re.escape("got shape (2,): take one of its outputs")):
        fc.estimate_noise(lambda x: x, [1.0, 2.0], vectorized=True)
    message = "`f` must return a real number; got dtype complex128: take its real part"
    with pytest.raises(TypeError, match=re.escape(message)):
        fc.estimate_noise(lambda x: 1j * x, 1.0)
