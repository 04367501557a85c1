"""Ordinary NumPy programs beside a scalar re-implementation in mpmath: models of statistics, physics and finance."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf


@dataclass(frozen=True)
class Program:
    """`f` takes an array of shape x0.shape; `reference` takes a list of mpf and returns one mpf or a flat list."""

    name: str
    f: Callable[[Any], Any]
    x0: Any
    reference: Callable[[list], Any]

    def __str__(self):
        return self.name


def dot(a, b):
    return mpmath.fsum(x * y for x, y in zip(a, b, strict=True))


DESIGN = np.array([[1.0, 0.5, -1.25], [1.0, -0.75, 0.5], [1.0, 2.0, 0.25], [1.0, 1.5, -2.0], [1.0, -1.0, 1.0]])
LABELS = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
TIMES = np.array([0.0, 0.5, 1.0, 2.0, 3.5])
COUNTS = np.array([3.0, 1.0, 4.0, 1.0, 5.0])


def logistic_regression(w):
    z = DESIGN @ w
    return np.mean(np.log1p(np.exp(-z)) + (1 - LABELS) * z) + 0.1 * np.sum(w**2)


def logistic_regression_exact(w):
    z = [dot(row, w) for row in DESIGN]
    loss = [mpmath.log(1 + mpmath.exp(-t)) + (1 - label) * t for t, label in zip(z, LABELS, strict=True)]
    return mpmath.fsum(loss) / 5 + mpf(0.1) * dot(w, w)


def network(theta):
    """Two inputs, three tanh units, three classes: mean cross entropy with a stable softmax."""
    w1, b1 = theta[:6].reshape(2, 3), theta[6:9]
    w2 = theta[9:].reshape(3, 3)
    hidden = np.tanh(DESIGN[:, 1:] @ w1 + b1)
    scores = hidden @ w2
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    softmax = shifted / shifted.sum(axis=1, keepdims=True)
    return -np.mean(np.log(softmax[np.arange(5), [0, 1, 2, 0, 1]]))


def network_exact(theta):
    total = mpf(0)
    for row, label in zip(DESIGN[:, 1:], [0, 1, 2, 0, 1], strict=True):
        hidden = [mpmath.tanh(row[0] * theta[j] + row[1] * theta[3 + j] + theta[6 + j]) for j in range(3)]
        scores = [dot(hidden, [theta[9 + 3 * i + c] for i in range(3)]) for c in range(3)]
        total -= scores[label] - mpmath.log(mpmath.fsum(map(mpmath.exp, scores)))
    return total / 5


def normal_cdf(z):
    """Abramowitz and Stegun 26.2.17: what people write without SciPy."""
    t = 1 / (1 + 0.2316419 * np.abs(z))
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    upper = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * poly
    return np.where(z > 0, 1 - upper, upper)


def black_scholes(x):
    spot, strike, rate, volatility, time = x
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * np.sqrt(time))
    d2 = d1 - volatility * np.sqrt(time)
    return spot * normal_cdf(d1) - strike * np.exp(-rate * time) * normal_cdf(d2)


def black_scholes_exact(x, cdf=None):
    def approximate(z):
        t = 1 / (1 + mpf(0.2316419) * abs(z))
        powers = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
        poly = mpmath.fsum(mpf(c) * t ** (k + 1) for k, c in enumerate(powers))
        upper = mpmath.exp(-z * z / 2) / mpmath.sqrt(2 * mpf(np.pi)) * poly
        return 1 - upper if z > 0 else upper

    cdf = cdf or approximate
    spot, strike, rate, volatility, time = x
    d1 = (mpmath.log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * mpmath.sqrt(time))
    d2 = d1 - volatility * mpmath.sqrt(time)
    return spot * cdf(d1) - strike * mpmath.exp(-rate * time) * cdf(d2)


def black_scholes_scipy(x):
    from scipy.special import erf

    spot, strike, rate, volatility, time = x
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * np.sqrt(time))
    d2 = d1 - volatility * np.sqrt(time)
    first, second = 0.5 * (1 + erf(d1 / np.sqrt(2))), 0.5 * (1 + erf(d2 / np.sqrt(2)))
    return spot * first - strike * np.exp(-rate * time) * second


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_exact(x):
    return mpmath.fsum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))


def kepler(x):
    """The eccentric anomaly by Newton's iteration, then the position on the orbit."""
    mean, eccentricity = x
    anomaly = mean
    for _ in range(10):
        anomaly = anomaly - (anomaly - eccentricity * np.sin(anomaly) - mean) / (1 - eccentricity * np.cos(anomaly))
    return np.array([np.cos(anomaly) - eccentricity, np.sqrt(1 - eccentricity**2) * np.sin(anomaly)])


def kepler_exact(x):
    mean, eccentricity = x
    anomaly = mean
    for _ in range(12):
        step = anomaly - eccentricity * mpmath.sin(anomaly) - mean
        anomaly -= step / (1 - eccentricity * mpmath.cos(anomaly))
    return [mpmath.cos(anomaly) - eccentricity, mpmath.sqrt(1 - eccentricity**2) * mpmath.sin(anomaly)]


def log_sum_exp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def pendulum(x):
    """Three Runge-Kutta steps of a damped pendulum: angle, velocity, damping, step."""

    def rate(state):
        angle, velocity = state
        return np.array([velocity, -np.sin(angle) - x[2] * velocity])

    state, h = x[:2], x[3]
    for _ in range(3):
        k1 = rate(state)
        k2 = rate(state + h / 2 * k1)
        k3 = rate(state + h / 2 * k2)
        k4 = rate(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state


def pendulum_exact(x):
    angle, velocity, damping, h = x

    def rate(a, v):
        return v, -mpmath.sin(a) - damping * v

    for _ in range(3):
        a1, v1 = rate(angle, velocity)
        a2, v2 = rate(angle + h / 2 * a1, velocity + h / 2 * v1)
        a3, v3 = rate(angle + h / 2 * a2, velocity + h / 2 * v2)
        a4, v4 = rate(angle + h * a3, velocity + h * v3)
        angle, velocity = angle + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4), velocity + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
    return [angle, velocity]


def gaussian_process(theta):
    """Negative log likelihood of a squared-exponential kernel: length, amplitude, noise as logarithms."""
    length, amplitude, noise = np.exp(theta)
    difference = TIMES[:, None] - TIMES[None, :]
    kernel = amplitude * np.exp(-((difference / length) ** 2) / 2) + noise * np.eye(5)
    _, logdet = np.linalg.slogdet(kernel)
    return 0.5 * COUNTS @ np.linalg.solve(kernel, COUNTS) + 0.5 * logdet + 2.5 * np.log(2 * np.pi)


def gaussian_process_exact(theta):
    length, amplitude, noise = map(mpmath.exp, theta)
    kernel = mpmath.matrix(5, 5)
    for i, s in enumerate(TIMES):
        for j, t in enumerate(TIMES):
            kernel[i, j] = amplitude * mpmath.exp(-(((mpf(s) - mpf(t)) / length) ** 2) / 2) + noise * (i == j)
    counts = mpmath.matrix(COUNTS.tolist())
    quadratic = (counts.T * mpmath.lu_solve(kernel, counts))[0]
    return (quadratic + mpmath.log(mpmath.det(kernel)) + 5 * mpmath.log(2 * mpf(np.pi))) / 2


def poisson_likelihood(x):
    rate = np.exp(x[0] + x[1] * TIMES)
    return np.sum(rate) - np.dot(COUNTS, np.log(rate))


def poisson_likelihood_exact(x):
    logs = [x[0] + x[1] * mpf(t) for t in TIMES]
    return mpmath.fsum(map(mpmath.exp, logs)) - dot(COUNTS, logs)


def lennard_jones(x):
    """Three atoms in the plane, all pairs."""
    atoms = x.reshape(3, 2)
    difference = atoms[:, np.newaxis, :] - atoms[np.newaxis, :, :]
    i, j = np.triu_indices(3, k=1)
    square = np.sum(difference[i, j] ** 2, axis=-1)
    return np.sum(4 * (square**-6 - square**-3))


def lennard_jones_exact(x):
    total = mpf(0)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        square = (x[2 * i] - x[2 * j]) ** 2 + (x[2 * i + 1] - x[2 * j + 1]) ** 2
        total += 4 * (square**-6 - square**-3)
    return total


def least_squares(x):
    model = x[0] * np.exp(-x[1] * TIMES) * np.cos(x[2] * TIMES)
    residual = model - COUNTS / 5
    return np.sqrt(np.mean(np.square(residual)))


def least_squares_exact(x):
    total = mpf(0)
    for t, c in zip(TIMES, COUNTS / 5, strict=True):
        t = mpf(t)
        total += (x[0] * mpmath.exp(-x[1] * t) * mpmath.cos(x[2] * t) - mpf(c)) ** 2
    return mpmath.sqrt(total / 5)


def spherical(x):
    radius = np.sqrt(x @ x)
    return np.stack([radius, np.arccos(x[2] / radius), np.arctan2(x[1], x[0])])


def spherical_exact(x):
    radius = mpmath.sqrt(dot(x, x))
    return [radius, mpmath.acos(x[2] / radius), mpmath.atan2(x[1], x[0])]


THETA = np.array([0.3, -0.8, 0.5, 0.9, 0.1, -0.4, 0.2, -0.1, 0.3, 0.7, -0.6, 0.2, 0.4, 0.1, -0.9, -0.3, 0.8, 0.5])

MODELS = [
    Program("logistic regression", logistic_regression, [0.2, -0.5, 0.8], logistic_regression_exact),
    Program("neural network with softmax", network, THETA, network_exact),
    Program("Black-Scholes, NumPy only", black_scholes, [100.0, 105.0, 0.03, 0.25, 0.75], black_scholes_exact),
    Program(
        "Black-Scholes, scipy erf",
        black_scholes_scipy,
        [100.0, 105.0, 0.03, 0.25, 0.75],
        lambda x: black_scholes_exact(x, mpmath.ncdf),
    ),
    Program("Rosenbrock", rosenbrock, [-1.2, 1.0, 0.7, 1.3, -0.4], rosenbrock_exact),
    Program("Kepler's equation", kepler, [0.8, 0.3], kepler_exact),
    Program(
        "log-sum-exp",
        log_sum_exp,
        [0.5, 2.0, -1.0, 1.5],
        lambda x: mpmath.log(mpmath.fsum(map(mpmath.exp, x))),
    ),
    Program("pendulum", pendulum, [0.6, -0.3, 0.1, 0.2], pendulum_exact),
    Program("Gaussian process", gaussian_process, [0.1, 0.4, -1.0], gaussian_process_exact),
    Program("Poisson likelihood", poisson_likelihood, [0.3, 0.25], poisson_likelihood_exact),
    Program("Lennard-Jones", lennard_jones, [0.0, 0.1, 1.1, 0.0, 0.4, 1.2], lennard_jones_exact),
    Program("least squares", least_squares, [0.9, 0.3, 1.1], least_squares_exact),
    Program("spherical coordinates", spherical, [0.4, -0.7, 1.1], spherical_exact),
]
