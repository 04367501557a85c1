"""Functions with their exact derivatives: one table that all tests draw from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

EPS = np.finfo(np.float64).eps


@dataclass(frozen=True)
class Curve:
    """A function of one variable, in NumPy and in mpmath."""

    name: str
    f: Callable[[Any], Any]
    precise: Callable[[Any], Any]
    x: float

    def __str__(self):
        return f"{self.name} at {self.x:g}"


CURVES = [
    Curve("exp", np.exp, mpmath.exp, 0.0),
    Curve("exp", np.exp, mpmath.exp, 1.0),
    Curve("exp", np.exp, mpmath.exp, -3.0),
    Curve("sin", np.sin, mpmath.sin, 1.0),
    Curve("sin", np.sin, mpmath.sin, 0.0),
    Curve("cos(100 x)", lambda x: np.cos(100 * x), lambda x: mpmath.cos(100 * x), 1.0),
    Curve("sin(128 pi x)", lambda x: np.sin(128 * np.pi * x), lambda x: mpmath.sin(128 * mpmath.mpf(np.pi) * x), 0.0),
    Curve("log", np.log, mpmath.log, 0.1),
    Curve("log", np.log, mpmath.log, 1e-10),
    Curve("1/x", lambda x: 1 / x, lambda x: 1 / x, 1e-3),
    Curve("1/x", lambda x: 1 / x, lambda x: 1 / x, -2.5),
    Curve("sqrt", np.sqrt, mpmath.sqrt, 4.0),
    Curve("atan", np.arctan, mpmath.atan, 0.5),
    Curve("tanh", np.tanh, mpmath.tanh, 0.25),
    Curve("x**2", lambda x: x * x, lambda x: x * x, 1e20),
    Curve("x**5 - 3 x", lambda x: x * x * x * x * x - 3 * x, lambda x: x**5 - 3 * x, 2.0),
    Curve("exp(-x**2)", lambda x: np.exp(-x * x), lambda x: mpmath.exp(-x * x), 0.7),
]


@dataclass(frozen=True)
class Surface:
    """A scalar function of x (n,) or, for vectorised calls, (n, k), with closed forms.

    ``roughness`` bounds (abs(f) + the derivatives up to the fourth times abs(x)**k) / abs(x)**n, for n = 1 and 2: with
    steps eps**(1/(n + p)) * abs(x) the error is below a small multiple of roughness * eps**(p/(n + p)).
    """

    name: str
    f: Callable[[Any], Any]
    x: np.ndarray
    gradient: Callable[[Any], np.ndarray]
    hessian: Callable[[Any], np.ndarray]
    roughness: tuple[float, float]

    def __str__(self):
        return self.name

    def tolerance(self, n, accuracy, eps=EPS):
        return self.roughness[n - 1] * eps ** (accuracy / (n + accuracy))


def _rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(axis=0)


def _rosenbrock_gradient(x):
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def _rosenbrock_hessian(x):
    n = len(x)
    h = np.zeros((n, n), x.dtype)
    for i in range(n - 1):
        h[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        h[i + 1, i + 1] += 200
        h[i, i + 1] = h[i + 1, i] = -400 * x[i]
    return h


def _trig(x):
    return np.sin(x[0]) * np.cos(x[1] * x[2])


def _trig_gradient(x):
    a, b, c = x
    sine = -np.sin(a) * np.sin(b * c)
    return np.array([np.cos(a) * np.cos(b * c), c * sine, b * sine])


def _trig_hessian(x):
    a, b, c = x
    cos, sin = np.cos(b * c), np.sin(b * c)
    mixed = -np.sin(a) * (sin + b * c * cos)
    return np.array(
        [
            [-np.sin(a) * cos, -c * np.cos(a) * sin, -b * np.cos(a) * sin],
            [-c * np.cos(a) * sin, -np.sin(a) * c * c * cos, mixed],
            [-b * np.cos(a) * sin, mixed, -np.sin(a) * b * b * cos],
        ]
    )


def _norm_hessian(x):
    r = np.sqrt(1 + (x * x).sum())
    return np.eye(len(x)) / r - np.outer(x, x) / r**3


_W = np.array([1.0, 2.0, -1.0])


def _weighted(x):
    return x[0] + 2 * x[1] - x[2]


SURFACES = [
    Surface(
        "quadratic",
        lambda x: x[0] * x[0] + 3 * x[0] * x[1] - 2 * x[1] * x[1] + x[2] * (x[0] + 5),
        np.array([1.5, -2.0, 4.0]),
        lambda x: np.array([2 * x[0] + 3 * x[1] + x[2], 3 * x[0] - 4 * x[1], x[0] + 5]),
        lambda x: np.array([[2.0, 3, 1], [3, -4, 0], [1, 0, 0]]),
        (60, 60),  # abs(f) = 11 over abs(x) = 1.5 and over 1.5**2, second derivatives up to 4
    ),
    Surface(
        "Rosenbrock",
        _rosenbrock,
        np.array([-1.2, 1.0, 0.8, 1.5]),
        _rosenbrock_gradient,
        _rosenbrock_hessian,
        (2e4, 2e4),  # f = 150; third derivative 2400 x, fourth 2400
    ),
    Surface(
        "exp of a sum",
        lambda x: np.exp(_weighted(x)),
        np.array([0.5, -1.0, 2.0]),
        lambda x: _W * np.exp(_weighted(x)),
        lambda x: np.outer(_W, _W) * np.exp(_weighted(x)),
        (8, 8),  # f = 0.03; each derivative 2 f
    ),
    Surface(
        "logarithms",
        lambda x: np.log(x[0]) + x[0] * np.log(x[1]),
        np.array([0.01, 3.0]),
        lambda x: np.array([1 / x[0] + np.log(x[1]), x[0] / x[1]]),
        lambda x: np.array([[-1 / x[0] ** 2, 1 / x[1]], [1 / x[1], -x[0] / x[1] ** 2]]),
        (2e3, 4e5),  # f = -4.6, and its n-th derivative is of the order of f / 0.01**n
    ),
    Surface("trigonometric", _trig, np.array([0.3, 2.0, -1.5]), _trig_gradient, _trig_hessian, (80, 300)),  # 3**4 = 81
    Surface(
        "badly scaled",
        lambda x: np.sin(1e9 * x[0]) + (1e-9 * x[1]) ** 3 + x[0] * x[1],
        np.array([1e-9, 1e9]),
        lambda x: np.array([1e9 * np.cos(1e9 * x[0]) + x[1], 3e-27 * x[1] ** 2 + x[0]]),
        lambda x: np.array([[-1e18 * np.sin(1e9 * x[0]), 1.0], [1.0, 6e-27 * x[1]]]),
        (1e10, 1e19),  # f = 3 over 1e-9, and over 1e-9**2; tests compare component by component
    ),
    Surface(
        "x with a zero",
        lambda x: np.cos(x[0]) + x[0] * x[1] + x[1] ** 3,
        np.array([0.0, -2.0]),
        lambda x: np.array([-np.sin(x[0]) + x[1], x[0] + 3 * x[1] ** 2]),
        lambda x: np.array([[-np.cos(x[0]), 1.0], [1.0, 6 * x[1]]]),
        (30, 30),
    ),
    Surface(
        "norm",
        lambda x: np.sqrt(1 + (x * x).sum(axis=0)),
        np.array([3.0, -0.5, 1.0, 0.25, 2.0]),
        lambda x: x / np.sqrt(1 + (x * x).sum()),
        _norm_hessian,
        (40, 250),  # f = 4 over 0.25, and over 0.25**2
    ),
    Surface(
        "cube of one variable",
        lambda x: x[0] ** 3,
        np.array([-1.25]),
        lambda x: 3 * x**2,
        lambda x: np.array([[6 * x[0]]]),
        (15, 30),
    ),
]


@dataclass(frozen=True)
class Map:
    """A function with more than one output; ``jacobian`` is ``f(x).shape + x.shape``."""

    name: str
    f: Callable[[Any], Any]
    x: np.ndarray
    jacobian: Callable[[Any], np.ndarray]
    roughness: float
    vectorized: bool = True  # f also takes (n, k) and returns (m, k)

    def __str__(self):
        return self.name

    def tolerance(self, accuracy, eps=EPS):
        return self.roughness * eps ** (accuracy / (1 + accuracy))


_A = np.array([[2.0, -1.0], [0.5, 4.0], [0.0, 3.0]])


def _polar(x):
    return np.stack([x[0] * np.cos(x[1]), x[0] * np.sin(x[1])])


def _polar_jacobian(x):
    r, t = x
    return np.array([[np.cos(t), -r * np.sin(t)], [np.sin(t), r * np.cos(t)]])


def _spherical(x):
    r, theta, phi = x
    return np.stack([r * np.sin(theta) * np.cos(phi), r * np.sin(theta) * np.sin(phi), r * np.cos(theta)])


def _spherical_jacobian(x):
    r, t, p = x
    st, ct, sp, cp = np.sin(t), np.cos(t), np.sin(p), np.cos(p)
    return np.array([[st * cp, r * ct * cp, -r * st * sp], [st * sp, r * ct * sp, r * st * cp], [ct, -r * st, 0]])


def _broyden(x):
    f = (3 - 2 * x) * x + 1
    f[1:] -= x[:-1]
    f[:-1] -= 2 * x[1:]
    return f


def _broyden_jacobian(x):
    n = len(x)
    return np.diag(3 - 4 * x) + np.diag(-np.ones(n - 1), -1) + np.diag(-2 * np.ones(n - 1), 1)


def _outer_jacobian(x):
    eye = np.eye(len(x))
    return eye[:, None, :] * x[None, :, None] + x[:, None, None] * eye[None, :, :]


MAPS = [
    Map("polar", _polar, np.array([2.0, 0.7]), _polar_jacobian, 8),
    Map("spherical", _spherical, np.array([1.5, 0.6, -2.0]), _spherical_jacobian, 20),
    Map(
        "affine, tall",
        lambda x: np.stack([r[0] * x[0] + r[1] * x[1] + 1 for r in _A]),
        np.array([0.3, -7.0]),
        lambda x: _A.copy(),
        200,
    ),  # values up to 28 over abs(x) = 0.3
    Map(
        "wide: one output",
        lambda x: np.stack([x[0] * x[1] * x[2]]),
        np.array([2.0, 3.0, -4.0]),
        lambda x: np.array([[x[1] * x[2], x[0] * x[2], x[0] * x[1]]]),
        30,
    ),
    Map("Broyden's tridiagonal", _broyden, np.array([-1.0, 0.5, 2.0, -0.25, 1.0, 3.0]), _broyden_jacobian, 100),
    Map("matrix-valued", lambda x: x[:, None] * x[None, :], np.array([1.0, -2.0, 0.5]), _outer_jacobian, 20, False),
    Map("complex-valued", lambda x: np.exp(1j * x), np.array([0.5, 2.0]), lambda x: np.diag(1j * np.exp(1j * x)), 8),
    Map("no output", lambda x: x[:0], np.array([1.0, 2.0]), lambda x: np.zeros((0, 2)), 0),
]


def layouts(x):
    """The same numbers in every memory layout: (name, array)."""
    x = np.asarray(x)
    wide = np.zeros((*x.shape, 2), x.dtype)
    wide[..., 0] = x
    raw = np.zeros(x.nbytes + 1, np.uint8)
    misaligned = raw[1:].view(x.dtype).reshape(x.shape)
    misaligned[...] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    reversed_memory = np.ascontiguousarray(x[(slice(None, None, -1),) * x.ndim])[(slice(None, None, -1),) * x.ndim]
    return [
        ("contiguous", x.copy()),
        ("strided", wide[..., 0]),
        ("Fortran", np.asfortranarray(x)),
        ("negative strides", reversed_memory),
        ("misaligned", misaligned),
        ("byte-swapped", x.astype(x.dtype.newbyteorder("S"))),
        ("read-only", read_only),
        ("subclass", x.copy().view(Subclass)),
    ]


class Subclass(np.ndarray):
    """An array type of the user's own."""


def smooth(x):
    return np.exp(x[0] - 0.5 * x[1]) * np.cos(x[2]) + x[1] * x[2]


def smooth_gradient(x):
    e, c, s = np.exp(x[0] - 0.5 * x[1]), np.cos(x[2]), np.sin(x[2])
    return np.array([e * c, -0.5 * e * c + x[2], -e * s + x[1]])


def smooth_hessian(x):
    e, c, s = np.exp(x[0] - 0.5 * x[1]), np.cos(x[2]), np.sin(x[2])
    return np.array(
        [
            [e * c, -0.5 * e * c, -e * s],
            [-0.5 * e * c, 0.25 * e * c, 0.5 * e * s + 1],
            [-e * s, 0.5 * e * s + 1, -e * c],
        ]
    )
