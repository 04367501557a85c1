"""Coefficients of every function of one variable against certified series, with bounds at the level of an ulp."""

from __future__ import annotations

import importlib.util
import zlib

import numpy as np
import pytest

import fastcalc as fc
from tests.taylor import references, samples
from tests.taylor.functions import FUNCTIONS

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
CASES = {np.float64: 30, np.float32: 10, np.longdouble: 10, np.complex128: 10}


def supported(dtype):
    chosen = []
    for function in FUNCTIONS:
        if function.scipy and not HAS_SCIPY:
            continue
        analytic = function.name not in {"absolute", "fabs"} or np.dtype(dtype).kind != "c"
        if analytic and function.supports(dtype):
            chosen.append(pytest.param(function, dtype, id=f"{function.name}-{np.dtype(dtype).name}"))
    return chosen


EVERY = [case for dtype in samples.DTYPES for case in supported(dtype)]


def check(function, p, value):
    """Every element of f(p) against the certified series composed with the same polynomial."""
    assert value.shape == p.shape
    assert value.space is p.space
    assert value.dtype == p.dtype
    depth = references.indices(p.space).degree
    for index in np.ndindex(p.shape):
        coef = p.coef[(slice(None), *index)]
        known = references.series(function.series, coef[0], depth + 2)
        inner = references.nilpotent(references.exact(coef))
        expected = references.compose(p.space, known, inner)
        envelope = references.envelope(known, start=function.start)
        majorant = references.absolute_compose(p.space, envelope, references.absolute(inner))
        bound = references.tolerance(p.space, p.dtype, majorant, function.steps, function.depth)
        if function.scipy:  # constant terms are SciPy's, and so are their errors
            bound[0] += references.errors([function.ufunc(coef[0])], expected[:1])[0]
        references.assert_close(
            p.space, value.coef[(slice(None), *index)], expected, bound, f"{function} at {coef[0]!r}, {p.space}"
        )


@pytest.mark.parametrize(("function", "dtype"), EVERY)
def test_random_arguments(function, dtype):
    rng = np.random.default_rng(zlib.crc32(f"{function} {np.dtype(dtype)}".encode()))
    for _ in range(CASES[dtype]):
        space = samples.random_space(rng)
        constant, radius = samples.draw(rng, function, dtype, samples.SHAPES[rng.integers(len(samples.SHAPES))])
        p = samples.polynomial(rng, space, samples.random_coef(rng, space, constant, radius, dtype))
        check(function, p, function.ufunc(p))


def in_reach(function, constant):
    """Whether the dtype holds the point, tells it from a singularity, and holds the first few coefficients there."""
    info = np.finfo(constant.dtype)
    outside = function.domain[0] > 0 and constant.real <= 0
    lost = constant != 0 and (abs(constant) < 1e3 * info.tiny or abs(abs(constant) - 1) < 100 * info.eps)
    overflows = abs(constant) > 80 and info.dtype.itemsize == 4 and function.name not in {"sin", "cos"}
    # Complex functions of NumPy and SciPy are themselves off there, and constant terms are theirs.
    off = function.name == "log1p" or (function.name in {"exp2", "gamma"} and abs(constant) > 100)
    inexact = constant.dtype.kind == "c" and off
    return not (outside or lost or overflows or inexact)


@pytest.mark.parametrize(("function", "dtype"), [case for case in EVERY if case.values[0].extremes])
def test_extreme_constant_terms(function, dtype):
    """Near singularities, far from the origin, where a naive formula cancels, overflows or underflows."""
    rng = np.random.default_rng(7)
    info = np.finfo(dtype)
    for at in function.extremes:
        if abs(at) > float(info.max) or not in_reach(function, constant := np.asarray(at, dtype=dtype)):
            continue
        radius = min(function.radius(float(at)) or abs(at), 1e4)
        for n_variables, degree in ((1, 6), (2, 3)):
            if abs(at) <= 1e-200 and function.name not in {"expm1", "log1p", "absolute", "fabs"}:
                degree = 1  # the next coefficients overflow
            elif info.dtype.itemsize == 4:
                degree = min(degree, 3)
            space = fc.TaylorSpace(n_variables, degree)
            coef = samples.random_coef(rng, space, constant, radius, dtype)
            coef[0] = constant
            p = samples.polynomial(rng, space, coef)
            check(function, p, function.ufunc(p))


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if HAS_SCIPY or not f.scipy], ids=str)
def test_large_dense_arguments(function):
    """Spaces that the random cases leave out: degree 8 in 3 variables, 6 in 4."""
    rng = np.random.default_rng(zlib.crc32(f"large {function}".encode()))
    n_variables, degree = ((3, 8), (4, 6))[rng.integers(2)]
    space = fc.TaylorSpace(n_variables, degree)
    constant, radius = samples.draw(rng, function, np.float64, ())
    p = samples.polynomial(rng, space, samples.random_coef(rng, space, constant, radius, np.float64))
    check(function, p, function.ufunc(p))
