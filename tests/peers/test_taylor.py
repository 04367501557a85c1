"""Agreement with madng-tpsa and daceypy on dense random series, of either sign, in up to ten variables.

A coefficient is a sum of many terms; differences are measured against the sum of their sizes (the majorant), which is
what rounding errors are proportional to: the coefficient itself may be small by cancellation. Each engine stays within
some ten eps of it. madng-tpsa takes powers by way of exp and log, where more cancels: up to 3e-12 of the sum.
"""

import numpy as np
import pytest

import fastcalc as fc
from benchmarks import taylor_peers
from benchmarks.engines import load
from benchmarks.taylor_blackbox import smooth
from benchmarks.taylor_numpy import Algebra, random_series
from benchmarks.taylor_peers import BINARY, OPERATIONS
from benchmarks.taylor_reference import reference, size_through_log
from benchmarks.taylor_series import OURS

TOLERANCE = 1e-13
PEERS = {"madng-tpsa": taylor_peers.madng, "daceypy": taylor_peers.dace}
SIZES = [(10, 4), (8, 6), (20, 3), (10, 2), (2, 10), (1, 10), (15, 1)]  # degree, variables


@pytest.fixture(scope="module", params=SIZES, ids=str)
def algebra(request):
    degree, n_variables = request.param
    return Algebra(n_variables, degree)


@pytest.fixture(params=PEERS)
def peer(request, algebra):
    found = PEERS[request.param](algebra.n_variables, algebra.degree, algebra.exponents)
    if found is None:
        pytest.skip(f"{request.param} is not installed: it comes with the extra bench")
    return found


def polynomial(algebra, coef):
    space = fc.TaylorSpace(algebra.n_variables, algebra.degree)
    assert np.array_equal(space.exponents, algebra.exponents)
    return fc.TaylorPolynomial(space, coef, np.zeros(algebra.n_variables))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(algebra, peer, name, seed):
    constants = np.random.default_rng(seed).uniform(0.5, 1.4, 2)
    size = (algebra.n_variables, algebra.degree)
    coefs = [random_series(*size, constant=constants[k], seed=2 * seed + k) for k in range(2 if name in BINARY else 1)]
    found = OURS[name](*(polynomial(algebra, coef) for coef in coefs)).coef
    expected = peer.coefficients(peer.operation(name)(*(peer.series(coef) for coef in coefs)))
    _, terms = reference(algebra, name, *coefs)
    if name == "power" and peer.name == "madng-tpsa":
        terms = size_through_log(algebra, *coefs)
    assert np.all(np.abs(found - expected) <= TOLERANCE * terms)


@pytest.mark.parametrize("peer", ["daceypy"], indirect=True)  # madng-tpsa does not evaluate
def test_evaluation(algebra, peer):
    coef = random_series(algebra.n_variables, algebra.degree, constant=0.7)
    x = np.random.default_rng(3).uniform(-1.0, 1.0, (algebra.n_variables, 5))
    compiled = peer.compiled(peer.series(coef), with_gradient=True)
    expected = np.transpose([compiled(np.ascontiguousarray(column)) for column in x.T])
    terms = np.abs(algebra.derivatives(coef)) @ np.abs(algebra.monomials(x))
    p = polynomial(algebra, coef)
    value, gradient = p.value_and_gradient(x)
    assert np.all(np.abs(p(x) - expected[0]) <= TOLERANCE * terms[0])
    assert np.all(np.abs(np.vstack([value, gradient]) - expected) <= TOLERANCE * terms)


def test_one_function_for_both():
    madng_tpsa = load("madng_tpsa")
    if madng_tpsa is None:
        pytest.skip("madng-tpsa is not installed: it comes with the extra bench")
    degree, x0 = 9, np.array([0.3, -0.2, 0.5])
    found = fc.taylor(smooth, x0, degree)
    expected = smooth(madng_tpsa.Descriptor(3, degree).vars(list(x0)))
    expected = np.array([expected.get(tuple(map(int, alpha))) for alpha in found.space.exponents])
    degrees = found.space.exponents.sum(axis=1)
    for k in range(degree + 1):
        block = degrees == k
        assert np.all(np.abs(found.coef - expected)[block] <= TOLERANCE * np.max(np.abs(expected[block])))
