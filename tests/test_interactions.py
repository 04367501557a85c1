"""Patterns of Hessians from values: the pairs of variables that interact, and no others."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from fastcalc._differences.sparsity.interactions import find_pairs
from tests.reference import Recorder

pytest.importorskip("scipy", reason="SciPy is not installed: pip install scipy")


def pattern(f, x, **options):
    found = fc.detect_sparsity(f, x, hessian=True, **options)
    assert found.format == "csr"
    return found.toarray().astype(int)


def bands(n, offsets):
    return sum(np.eye(n, n, k, dtype=int) for k in offsets)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


@given(n=st.integers(0, 40), share=st.sampled_from([0, 0.02, 0.1, 0.5, 1]), seed=st.integers(0, 9999))
def test_finds_any_pairs(n, share, seed):
    linked = np.random.default_rng(seed).random((n, n)) < share
    linked = linked | linked.T

    def test(groups, first, second):
        members = [groups.order[start:end] for start, end in zip(groups.starts[:-1], groups.starts[1:], strict=True)]
        assert (first != second).all()
        return np.array(
            [linked[np.ix_(members[a], members[b])].any() for a, b in zip(first, second, strict=True)], bool
        )

    found = find_pairs(n, test)
    dense = np.zeros((n, n), bool)
    dense[found.rows, found.indices] = True
    np.testing.assert_array_equal(dense, linked | np.eye(n, dtype=bool))


@given(n=st.integers(1, 25), share=st.sampled_from([0, 0.1, 0.5]), seed=st.integers(0, 999))
def test_finds_what_a_function_was_made_of(n, share, seed):
    rng = np.random.default_rng(seed)
    first, second = np.nonzero(np.triu(rng.random((n, n)) < share, 1))
    weight = rng.uniform(0.5, 2, len(first))
    expected = np.eye(n, dtype=int)
    expected[first, second] = expected[second, first] = 1

    def f(x):
        return np.sum(np.exp(np.sin(x))) + np.sum(weight * np.cos(x[first] * x[second] + weight))

    np.testing.assert_array_equal(pattern(f, rng.normal(size=n)), expected)


CASES = [
    ("separable", lambda x: np.sum(np.exp(x)), np.zeros(20), np.eye(20, dtype=int)),
    ("separable up to rounding", lambda x: np.log(np.prod(x)), np.linspace(1, 2, 20), np.eye(20, dtype=int)),
    ("a product at zero", lambda x: x[2] * x[11], np.zeros(12), np.eye(12, dtype=int) + 0),
    ("full", lambda x: np.sum(x) ** 2, np.linspace(0, 1, 17), np.ones((17, 17), int)),
    ("a chain", rosenbrock, -np.ones(50), bands(50, [-1, 0, 1])),
    ("one variable", lambda x: x[0] ** 2, [1.0], np.ones((1, 1), int)),
    ("a kink", lambda x: np.abs(x[0] - x[1]) + x[2], np.ones(3), np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])),
    ("an output with an axis", lambda x: [x[0] * x[1]], np.ones(2), np.ones((2, 2), int)),
    ("axes of x", lambda x: np.sum(x[1:] * x[:-1]), np.ones((3, 2)), bands(6, [-2, 0, 2])),
]
CASES[2][3][2, 11] = CASES[2][3][11, 2] = 1


@pytest.mark.parametrize(("f", "x", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_known_patterns(f, x, expected):
    np.testing.assert_array_equal(pattern(f, x), expected)


@pytest.mark.parametrize(
    "options",
    [{}, {"vectorized": True}, {"workers": map}, {"probes": "perturbation"}, {"bounds": (-1.0, -0.99)}],
    ids=str,
)
def test_options(options):
    f = Recorder(rosenbrock)
    np.testing.assert_array_equal(pattern(f, -np.ones(40), **options), bands(40, [-1, 0, 1]))
    if "bounds" in options:
        points = np.array(f.points)
        assert points.min() >= -1
        assert points.max() <= -0.99


@pytest.mark.parametrize("level", [1e-12, 1e-6, 1e-3])
def test_noise_is_no_interaction(level):
    rng = np.random.default_rng(0)
    found = pattern(lambda x: rosenbrock(x) + level * rng.normal(), -np.ones(100))
    np.testing.assert_array_equal(found, bands(100, [-1, 0, 1]))


def test_noise_that_is_known():
    def f(x):
        return rosenbrock(x) + 1e-3 * np.cos(1e4 * x.sum())

    assert pattern(f, -np.ones(20)).all()
    np.testing.assert_array_equal(pattern(f, -np.ones(20), noise=1e-3), bands(20, [-1, 0, 1]))


def test_large_and_small_terms():
    def f(x):  # what is below 1e-13 of f is missed
        return 1e6 + x[0] * x[1] + 1e-5 * x[2] * x[3] + 1e-12 * x[4] * x[5]

    expected = np.eye(6, dtype=int)
    for i in (0, 2):
        expected[i, i + 1] = expected[i + 1, i] = 1
    np.testing.assert_array_equal(pattern(f, np.ones(6)), expected)


@pytest.mark.parametrize("n", [64, 500])
def test_calls_as_documented(n):
    f = Recorder(rosenbrock)
    pattern(f, -np.ones(n))
    assert f.calls <= 17.5 * n + 27


def test_calls_of_a_full_hessian():
    f = Recorder(lambda x: np.sum(x) ** 2)
    pattern(f, np.ones(64))
    assert f.calls <= 0.9 * 64**2


class Fault(Exception):
    pass


def test_failures():
    def f(x):
        if (x > 1.1).any():
            raise Fault
        return rosenbrock(x)

    x = np.full(20, 0.9)
    x[7] = 1.0999
    with pytest.raises(Fault):
        pattern(f, x)
    found = pattern(f, x, on_error="nan")
    assert (found >= bands(20, [-1, 0, 1])).all()  # what f does not tell may be an interaction

    def fail(x):
        raise Fault

    with pytest.raises(Fault):
        pattern(fail, x, on_error="nan")


def test_pairs_of_which_f_tells_nothing_may_interact():
    def f(x):
        return np.nan if x[0] != 1 and x[1] != 1 else x.sum()

    expected = np.eye(5, dtype=int)
    expected[0, 1] = expected[1, 0] = 1
    np.testing.assert_array_equal(pattern(f, np.ones(5), points=1), expected)


@pytest.mark.parametrize("method", ["central", "exact", "adaptive"])
def test_hessians_that_detect(method):
    x = np.linspace(1, 2, 40)
    found = fc.hessian(rosenbrock, x, sparsity="detect", method=method)
    assert found.nnz == 40 + 2 * 39
    np.testing.assert_allclose(found.toarray(), fc.hessian(rosenbrock, x, method="exact"), atol=1e-2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"symmetric": True},
            "`symmetric` is for Jacobians, of gradients too; got True with hessian=True: leave it out",
        ),
        (
            {"probes": "nan"},
            "`probes` is for Jacobians, of gradients too; got 'nan' with hessian=True: leave it out, or",
        ),
        ({"hessian": 1}, "`hessian` must be True or False; got 1"),
    ],
)
def test_messages(options, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        fc.detect_sparsity(lambda x: pytest.fail("f was called"), np.ones(3), **{"hessian": True, **options})


def test_a_function_of_several_outputs():
    message = "a Hessian without a gradient is that of a scalar function; got an `f` with 3 outputs: take one output at"
    with pytest.raises(ValueError, match=re.escape(message)):
        pattern(lambda x: x, np.ones(3))
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.hessian(lambda x: x, np.ones(3), sparsity="detect")
