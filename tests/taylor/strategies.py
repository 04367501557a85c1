"""Random spaces and polynomials for the laws of the algebra.

Small integers make sums and products exact, so that laws of rings hold to the last bit. For the others arguments are
tame, a constant plus a part n of norm sum |n_alpha| <= 1/4: norms of products are at most products of norms, so
everything is of size 1, and the bound is a small integer times eps times the degree.
"""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

import fastcalc as fc
from tests.taylor import references

EPS = np.finfo(float).eps
EXPLORING = settings.default.max_examples > 1000  # see conftest.py
quick = settings() if EXPLORING else settings(max_examples=40)


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
