"""Noise of function values: the level from equally spaced values, and `estimate_noise`."""

import math

import numpy as np
import pytest

from fastcalc._differences.noise import Verdict, noise_level

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
