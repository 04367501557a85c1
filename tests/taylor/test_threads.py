"""Threads share spaces and polynomials: the same objects, the same numbers, no torn tables."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastcalc as fc

THREADS = 8


@pytest.fixture(autouse=True)
def eager_switching():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(work, n=THREADS):
    """Run work(i) in n threads that start at one moment; their results in order."""
    barrier = threading.Barrier(n)

    def run(i):
        barrier.wait(timeout=30)
        return work(i)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(run, range(n)))


@pytest.mark.parametrize(
    "options", [{}, {"max_degrees": (5, 3, 2)}, {"weights": (1, 2, 1)}], ids=["full", "caps", "weights"]
)
def test_one_space_however_many_threads_construct_it(options):
    for degree in range(3, 9):
        found = together(lambda _, d=degree: fc.TaylorSpace(3, d, **options))
        assert all(space is found[0] for space in found)


def test_first_products_in_a_new_space():
    """Tables are made at the first product: by one thread, while the others wait or make the same."""
    for degree in (7, 9, 11):
        coef = np.arange(1.0, len(fc.TaylorSpace(2, degree)) + 1)

        def work(_, degree=degree, coef=coef):
            p = fc.TaylorPolynomial(fc.TaylorSpace(2, degree, max_degrees=(degree, degree - 1)), coef[:-1], np.zeros(2))
            return p * p, np.exp(p / 1e3), p(np.array([[0.1, 0.2], [0.3, -0.1]]))

        product, exponential, values = work(0)
        for other in together(work):
            np.testing.assert_array_equal(other[0].coef, product.coef)
            np.testing.assert_array_equal(other[1].coef, exponential.coef)
            np.testing.assert_array_equal(other[2], values)


def test_many_threads_compute_in_one_space():
    space = fc.TaylorSpace(3, 6)
    x = space.variables(np.array([0.3, -0.2, 0.5]))
    dense = np.exp(x[0] - 2 * x[1]) * np.sin(x[2])

    def f(shift):
        y = np.array([1.0, 2.0, 3.0]) + shift + x * dense
        return np.log(y) / np.sqrt(y) + np.tan(dense) ** 3

    expected = [f(i) for i in range(THREADS)]
    before = dense.coef.copy()
    for _ in range(5):
        for found, wanted in zip(together(f), expected, strict=True):
            np.testing.assert_array_equal(found.coef, wanted.coef)
    np.testing.assert_array_equal(dense.coef, before)


def test_threads_use_different_spaces_at_once():
    """No state of one space is another's; spaces come and go meanwhile."""

    def work(i):
        sums = []
        for degree in range(1, 12):
            x, y = fc.TaylorSpace(2, degree + i % 3).variables(np.array([0.5, 1.5]))
            sums.append(np.exp(x * y).coef.sum())
        return sums

    expected = [work(i) for i in range(THREADS)]
    assert together(work) == expected


def test_threads_write_into_their_own_parts():
    space = fc.TaylorSpace(2, 5)
    x, y = space.variables(np.array([0.5, 1.5]))
    whole = fc.TaylorPolynomial(space, np.zeros((space.n_terms, THREADS)), np.array([0.5, 1.5]))

    def work(i):
        for k in range(50):
            whole[i] = np.sin(x * (i + k % 3)) + y
        return np.sin(x * (i + 49 % 3)) + y

    for i, wanted in enumerate(together(work)):
        np.testing.assert_array_equal(whole[i].coef, wanted.coef)
