"""Spaces and polynomials survive pickling, also into other processes, and copying."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastcalc as fc

SPACES = [(1, 0, {}), (1, 5, {}), (3, 4, {}), (2, 5, {"max_degrees": (2, 5)}), (2, 6, {"weights": (1, 3)})]


def make(n=2, degree=4, options=None, dtype=np.float64, shape=(2, 3)):
    space = fc.TaylorSpace(n, degree, **(options or {}))
    rng = np.random.default_rng(9)
    coef = rng.standard_normal((space.n_terms, *shape)).astype(dtype)
    return fc.TaylorPolynomial(space, coef, rng.standard_normal(n))


def assert_same(p, q):
    assert type(p) is type(q)
    assert p.space is q.space
    assert p.dtype == q.dtype
    np.testing.assert_array_equal(p.x0, q.x0)
    np.testing.assert_array_equal(p.coef, q.coef)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(("n", "degree", "options"), SPACES)
def test_there_and_back(n, degree, options, protocol):
    p = make(n, degree, options)
    space, q = pickle.loads(pickle.dumps((p.space, p), protocol))
    assert space is p.space
    assert_same(q, p)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_dtypes_and_shapes(dtype):
    for shape in ((), (0,), (1,), (4,), (2, 1, 3)):
        p = make(dtype=dtype, shape=shape)
        assert_same(pickle.loads(pickle.dumps(p)), p)


def test_what_arrives_can_be_used_and_written():
    p = make(shape=(3,))
    q = pickle.loads(pickle.dumps(p))
    assert_same(p * q, p * p.copy())
    q[0] = 1.0
    q.coef[1, 1] = 5.0
    assert not q.x0.flags.writeable


def test_views_pickle_as_what_they_show():
    p = make(shape=(4, 3))
    for view in (p[1], p[::2, 1:], p.T, p[0, 0]):
        q = pickle.loads(pickle.dumps(view))
        assert_same(q, view)
        assert len(pickle.dumps(p[0, 0])) < len(pickle.dumps(p)) / 4


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda p: p.copy()], ids=["copy", "deepcopy", "method"]
)
def test_copies_are_independent(duplicate):
    p = make(shape=(3,))
    before = p.coef.copy()
    q = duplicate(p)
    assert_same(q, p)
    q[0] = 0.0
    q += 1.0
    np.testing.assert_array_equal(p.coef, before)
    assert copy.copy(p.space) is p.space
    assert copy.deepcopy(p.space) is p.space


def square(p):
    """Run in another process: its space is the one that is interned there."""
    assert p.space is fc.TaylorSpace(p.space.n_variables, p.space.degree, max_degrees=p.space.max_degrees)
    return p * p


def test_across_processes():
    """Into a process that has never seen the space, and back."""
    polynomials = [make(2, 5, {"max_degrees": (2, 5)}), make(3, 3)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for p, q in zip(polynomials, pool.map(square, polynomials), strict=True):
            assert_same(q, p * p)


def test_in_a_fresh_interpreter(tmp_path):
    p = make(2, 3)
    path = tmp_path / "p.pickle"
    path.write_bytes(pickle.dumps([p, p.space, p[0]]))
    code = (
        "import pickle, sys\n"
        "p, space, first = pickle.load(open(sys.argv[1], 'rb'))\n"
        "import fastcalc as fc\n"
        "assert p.space is space is first.space is fc.TaylorSpace(2, 3)\n"
        "print((p * p).coef.sum())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert float(done.stdout) == (p * p).coef.sum()
