"""Random Taylor polynomials: spaces, constant terms and coefficients of many sizes and patterns."""

from __future__ import annotations

import numpy as np

import fastcalc as fc

# (variables, largest degree): from one variable to four, degrees 0 to 10, as far as the slow references take them.
LIMITS = ((1, 10), (2, 10), (3, 7), (4, 5))
SHAPES = ((), (), (), (2,), (1, 2))
DTYPES = (np.float64, np.float32, np.longdouble, np.complex128)


def random_space(rng):
    n_variables, largest = LIMITS[rng.integers(len(LIMITS))]
    return fc.TaylorSpace(n_variables, int(rng.integers(largest + 1)))


def in_dtype(rng, values, dtype):
    """Values in a dtype, with random last digits where it has more than a double."""
    values = np.asarray(values)
    if np.dtype(dtype) == np.longdouble:
        return values.astype(dtype) * (1 + rng.standard_normal(values.shape).astype(dtype) * np.longdouble(2) ** -50)
    return values.astype(dtype)


def normal(rng, shape, dtype):
    values = rng.standard_normal(shape)
    return values + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else values


def random_coef(rng, space, constant, size, dtype):
    """Coefficients (n_terms, *shape) with given constant terms: dense, sparse or linear, decaying, level or growing."""
    constant = np.asarray(constant)
    degrees = space.exponents.sum(axis=1)
    growth = rng.choice([0.1, 1.0, 3.0])
    scale = np.multiply.outer(growth ** np.maximum(degrees - 1.0, 0.0), np.broadcast_to(size, constant.shape))
    coef = normal(rng, (space.n_terms, *constant.shape), dtype) * scale
    pattern = rng.choice(["dense", "sparse", "linear"])
    if pattern == "sparse":
        coef = coef * (rng.random((space.n_terms,) + (1,) * constant.ndim) < 0.4)
    elif pattern == "linear":
        coef[degrees > 1] = 0
    coef[0] = constant
    return in_dtype(rng, coef, dtype)


def polynomial(rng, space, coef):
    return fc.TaylorPolynomial(space, coef, rng.standard_normal(space.n_variables))


def draw(rng, function, dtype, shape):
    """Constant terms (shape) in a function's domain, and the radius there."""
    low, high = function.domain
    constant = rng.uniform(low, high, shape)
    radius = np.vectorize(function.radius, otypes=[float])(constant)
    if np.dtype(dtype).kind == "c":
        constant = constant + 1j * rng.uniform(-0.5, 0.5, shape)
    return constant, radius
