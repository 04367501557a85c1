"""Spaces whose product tables are too large to store: the same numbers by walking the rows of the tables."""

from __future__ import annotations

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._taylor import space as spaces
from fastcalc._taylor import tables
from tests.taylor import references, samples
from tests.taylor.pairs import Pair, divide

# Used nowhere else: their tables are made here.
SPACES = [
    (1, 9, {"max_degrees": (9,), "weights": (2,)}),
    (2, 7, {"max_degrees": (7, 6)}),
    (3, 5, {"max_degrees": (5, 2, 4)}),
    (3, 7, {"weights": (1, 2, 3)}),
    (5, 3, {"max_degrees": (3, 3, 3, 3, 2)}),
]


@pytest.mark.parametrize("shape", [(), (3,), (17,)], ids=str)
@pytest.mark.parametrize(("n", "degree", "options"), SPACES)
def test_walked_rows(n, degree, options, shape, monkeypatch):
    monkeypatch.setattr(tables, "_STORED", -1)
    space = fc.TaylorSpace(n, degree, **options)
    rng = np.random.default_rng(n)
    a, b = (samples.random_coef(rng, space, np.full(shape, 1.5), 0.75, np.float64) for _ in range(2))
    p, q = (fc.TaylorPolynomial(space, c, np.zeros(n)) for c in (a, b))
    results = (p * q, p / q, np.exp(p), np.log(q), p**1.5)
    for lane in {(), *np.ndindex(shape)} if shape == () else {(0,), (shape[0] - 1,)}:
        at = (slice(None), *lane)
        x, y = Pair.of(space, a[at]), Pair.of(space, b[at])
        expected = (
            x * y,
            divide(x, y),
            x.apply(lambda t: t.exp()),
            y.apply(lambda t: t.log()),
            x.apply(lambda t: (t.log() * 3 / 2).exp()),
        )
        for found, wanted in zip(results, expected, strict=True):
            bound = references.tolerance(space, np.float64, wanted.majorant, 8)
            references.assert_close(space, found.coef[at], wanted.coef, bound)


def test_multi_indices_in_many_variables_keep_their_keys_apart():
    """x_a**2 x_b for all pairs of 300 variables: generators with arithmetic structure give some of them one key."""
    n = 300
    exponents = np.zeros((n, n, n), np.int16)
    for i in range(n):
        exponents[i, :, i] += 2
        exponents[:, i, i] += 1
    keys = spaces._hashed(exponents.reshape(-1, n))
    assert len(np.unique(keys)) == n * n


def test_terms_of_a_space_of_many_variables():
    found = fc.TaylorSpace(60, 3)
    rng = np.random.default_rng(1)
    for number in rng.integers(0, found.n_terms, 20):
        assert found.index(found.exponents[number]) == number
    x = found.variables(rng.standard_normal(60))
    direction = rng.standard_normal(60)
    linear = fc.TaylorPolynomial(found, np.tensordot(x.coef, direction, axes=1), x.x0) - x.x0 @ direction
    cube = linear * linear * linear
    for alpha, factor in (((0, 1, 2), 6), ((7, 7, 59), 3), ((5, 5, 5), 1)):
        exponents = np.bincount(alpha, minlength=60)
        expected = factor * np.prod(direction[list(alpha)])
        np.testing.assert_allclose(cube.coef[found.index(exponents)], expected, rtol=1e-13, atol=1e-13)
