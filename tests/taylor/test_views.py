"""What shares memory and what doesn't is as in NumPy: programs that write in place run on polynomials as on arrays."""

from __future__ import annotations

import numpy as np
import pytest

import fastcalc as fc

X0 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])

DERIVED = {
    "entry": lambda x: x[0, 1],
    "entry of a row": lambda x: x[1][2],
    "loop": lambda x: next(iter(x[0])),
    "unpacking": lambda x: (lambda a, b, c: b)(*x[1]),
    "row": lambda x: x[0],
    "rows of a loop": lambda x: next(iter(x)),
    "slice": lambda x: x[:, 1:],
    "backwards": lambda x: x[::-1],
    "all": lambda x: x[...],
    "new axis": lambda x: x[None],
    "list of indices": lambda x: x[[0, 1]],
    "mask": lambda x: x[np.array([[True, False, True], [False, True, False]])],
    "transpose": lambda x: x.T,
    "np.transpose": np.transpose,
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "reshape": lambda x: x.reshape(3, 2),
    "np.reshape": lambda x: np.reshape(x, -1),
    "reshape of a transpose": lambda x: x.T.reshape(2, 3),
    "ravel": lambda x: x.ravel(),
    "np.ravel": np.ravel,
    "flatten": lambda x: x.flatten(),
    "squeeze": lambda x: x[None].squeeze(),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "atleast_2d": np.atleast_2d,
    "atleast_3d": np.atleast_3d,
    "flip": np.flip,
    "split": lambda x: np.split(x, 3, axis=1)[1],
    "copy": lambda x: x.copy(),
    "np.copy": np.copy,
    "astype": lambda x: x.astype(float),
    "plus": lambda x: +x,
    "abs": abs,
    "roll": lambda x: np.roll(x, 1),
    "take": lambda x: np.take(x, [0, 1], axis=0),
    "repeat": lambda x: np.repeat(x, 1, axis=0),
    "concatenate": lambda x: np.concatenate([x]),
    "stack": lambda x: np.stack([x]),
    "where": lambda x: np.where(True, x, x),
    "maximum": lambda x: np.maximum(x, 0),
    "clip": lambda x: np.clip(x, 0, 10),
    "sum": lambda x: x.sum(),
    "sum over an axis of length 1": lambda x: x[:, :1].sum(axis=1),
    "max": lambda x: x.max(),
    "max over an axis of length 1": lambda x: x[:1].max(axis=0),
    "power 1": lambda x: x**1,
    "product with 1": lambda x: x * 1,
    "quotient by 1": lambda x: x / 1,
    "diff of no order": lambda x: np.diff(x, n=0),
}


def polynomial():
    x = fc.TaylorSpace(6, 2).variables(X0.ravel())
    return x.reshape(2, 3)


@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED.keys())
def test_operators_in_place(derive):
    """y = derived(x); y += 10: y is right, and x changes if and only if an array does."""
    plain, x = X0.copy(), polynomial().copy()
    y, p = derive(plain), derive(x)
    y += 10.0
    p += 10.0
    np.testing.assert_array_equal(p.value, y)
    np.testing.assert_array_equal(x.value, plain)


ARRAYS = {name: derive for name, derive in DERIVED.items() if isinstance(derive(X0), np.ndarray)}


@pytest.mark.parametrize("derive", ARRAYS.values(), ids=ARRAYS.keys())
def test_assignment(derive):
    plain, x = X0.copy(), polynomial().copy()
    y, p = derive(plain), derive(x)
    y[...] = -1.0
    p[...] = -1.0
    np.testing.assert_array_equal(p.value, y)
    np.testing.assert_array_equal(x.value, plain)


def swap(x):
    kept = x[0]
    x[0] = x[1]
    x[1] = kept


def swap_at_once(x):
    x[0], x[2] = x[2], x[0]


def reverse_in_place(x):
    x[:] = x[::-1]


def shift(x):
    x[1:] = x[:-1]


def shift_and_add(x):
    x[1:] += x[:-1]


def running_total(x):
    total = x[0]
    for k in range(1, len(x)):
        total += x[k]
        x[k] = total


def sort_by_bubbles(x):
    for i in range(len(x)):
        for k in range(len(x) - 1 - i):
            if x[k] > x[k + 1]:
                x[k], x[k + 1] = x[k + 1], x[k]


def gauss_elimination(x):
    m = x.reshape(2, 3)
    factor = m[1, 0] / m[0, 0]
    m[1] -= factor * m[0]
    x[0] = m[1, 2] / m[1, 1]


def doubled_diagonal(x):
    m = x[:4].reshape(2, 2)
    for i in range(2):
        m[i, i] *= 2


def permuted(x):
    x[[0, 2, 4]] = x[[4, 0, 2]]


def masked(x):
    x[x > 2.5] *= -1.0


@pytest.mark.parametrize(
    "program",
    [swap, swap_at_once, reverse_in_place, shift, shift_and_add, running_total, sort_by_bubbles, gauss_elimination,
     doubled_diagonal, permuted, masked],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_programs_that_write(program):
    """Values, and derivatives by differences of the program itself."""
    start = np.array([2.0, -1.0, 3.5, 0.5, 4.0, 1.5])

    def run(v):
        v = v.copy()
        program(v)
        return v

    p = run(fc.TaylorSpace(6, 2).variables(start))
    np.testing.assert_allclose(p.value, run(start), rtol=1e-15)
    h = 1e-6
    columns = [(run(start + h * unit) - run(start - h * unit)) / (2 * h) for unit in np.eye(6)]
    np.testing.assert_allclose(p.jacobian(), np.stack(columns, axis=-1), atol=1e-8)
