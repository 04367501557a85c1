"""Ladders of steps: driven from Python, with all that they asked for, and a twin of their windows in rational numbers.

The twin is written from the formulas, not from the kernel: coefficients of Lagrange polynomials in exact fractions of
the samples. With t = h**2 the odd part (f(h) - f(-h)) / 2h and the even part (f(h) + f(-h) - 2 f(0)) / 2h**2 of a
function are power series in t, of coefficients f^(2j+1)(0) / (2j+1)! and f^(2j+2)(0) / (2j+2)!; on one side
(f(h) - f(0)) / h is one in t = h, of coefficients f^(j+1)(0) / (j+1)!.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from fastcalc._kernels.ladder import Ladders

# the constants of the kernels
BELIEVABLE = Fraction(1, 100)  # truncation over value
SLACK = 10  # truncation over rounding
STALL = Fraction(6, 10)  # of consecutive differences of a companion
SLOW, SLOWEST = Fraction(3, 10), Fraction(9, 10)  # of consecutive differences: from which on they are summed up
SAFETY = 2  # of the error
WIDEST = 8  # rungs of a window beyond the power it is for, and 16 at most


class Outcome(NamedTuple):
    """Of one output of one line."""

    value: Any
    error: Any
    step: Any
    top: Any
    status: int


class Climb:
    """Ladders for functions of a displacement, one a line, each returning m values, and all that they asked for.

    Options with a value for each line may be lists. ``rounds[i]`` has the displacements asked for along line i, a list
    for each round; ``samples[i]`` the values there.
    """

    def __init__(
        self, functions, n=1, *, dtype=np.float64, first=0.2, reach=np.inf, size=1.0, finest=None, side=0, epsilon=None,
        x_epsilon=None, noise=-1.0, rtol=-1.0, atol=0.0, most=150, history=True,
    ):  # fmt: skip
        eps = float(np.finfo(dtype).eps)
        lines = len(functions)

        def each(value, kind=dtype):
            return np.array(np.broadcast_to(np.asarray(value, kind), lines))

        size = each(size)
        self.n, self.noise, self.epsilon = n, noise, eps if epsilon is None else epsilon
        finest = 2 * np.spacing(size) if finest is None else each(finest)
        self.base = np.array([f(dtype(0)) for f in functions], dtype).reshape(lines, -1)
        self.ladders = Ladders(
            n, self.base, each(first), each(reach), size, finest, each(side, np.int8), self.epsilon,
            eps if x_epsilon is None else x_epsilon, noise, rtol, atol, most, history,
        )  # fmt: skip
        self.rounds, self.samples = [[] for _ in functions], [{} for _ in functions]
        while count := self.ladders.ask():
            asked = list(zip(self.ladders.line[:count].tolist(), self.ladders.shift[:count].copy(), strict=True))
            values = np.array([functions[i](s) for i, s in asked], dtype).reshape(count, -1)
            for i in dict.fromkeys(i for i, _ in asked):
                self.rounds[i].append([s for j, s in asked if j == i])
            for (i, s), value in zip(asked, values, strict=True):
                self.samples[i][s] = value
            self.ladders.tell(values)

    def outcome(self, i=0, o=0):
        """Value, error, smallest and largest step of the window, and status of an output."""
        names = ("value", "error", "step", "top", "verdict")
        return Outcome(*(getattr(self.ladders, name)[i, o] for name in names))

    def evaluations(self, i=0):
        """Points along a line, without f(x)."""
        return sum(map(len, self.rounds[i]))

    def steps(self, i=0):
        """The rungs that are left at the end, from the largest down."""
        steps = self.ladders.history[i, :, 0]
        return steps[steps > 0]

    def rungs(self, i=0, o=0, side=0):
        """The same with their samples, for the twin."""
        steps = self.steps(i)
        plus = [self.samples[i][h if side >= 0 else -h][o] for h in steps]
        minus = [self.samples[i][-h][o] if side == 0 else self.base[i, o] for h in steps]
        return Rungs(self.n, side, steps, self.base[i, o], plus, minus, self.epsilon, max(self.noise, 0))

    def check_points(self, i=0):
        """Displacements of the single samples off the ladder; after all but the last it was climbed on."""
        rungs = set(self.steps(i))
        return [asked[0] for asked in self.rounds[i] if len(asked) == 1 and abs(asked[0]) not in rungs]


class Window(NamedTuple):
    """The rungs k - w to k, the extrapolated derivative, and the two parts of its error."""

    k: int
    w: int
    value: Fraction
    truncation: Fraction
    rounding: Fraction
    believable: bool


def exactly(number):
    """A float as a fraction, longdouble too."""
    mantissa, exponent = np.frexp(np.longdouble(number))
    return Fraction(int(np.ldexp(mantissa, 64))) * Fraction(2) ** (int(exponent) - 64)


def product(roots):
    """Coefficients of prod(t - root), constant first."""
    coefficients = [1]
    for root in roots:
        coefficients = [high - root * low for high, low in zip([0, *coefficients], [*coefficients, 0], strict=True)]
    return coefficients


def lagrange(nodes, j):
    """Weights of the values at the nodes in coefficient j of the polynomial through them."""
    unit = math.lcm(*(node.denominator for node in nodes))
    whole = [int(node * unit) for node in nodes]  # integers are faster than fractions
    coefficients = product(whole)
    weights = []
    for node in whole:
        quotient = 0  # of the product by t - node, down to coefficient j
        for c in coefficients[:j:-1]:
            quotient = quotient * node + c
        others = math.prod(node - other for other in whole if other != node)
        weights.append(Fraction(quotient * unit**j, others))
    return weights


@dataclass(eq=False)
class Rungs:
    """A ladder with its samples, all finite, from the largest step down; `side` 0 for both."""

    n: int
    side: int
    steps: Any
    base: Any
    plus: Any
    minus: Any
    epsilon: float
    noise: float

    def __post_init__(self):
        self.h = [exactly(h) for h in self.steps]
        f0, plus, minus = exactly(self.base), [exactly(f) for f in self.plus], [exactly(f) for f in self.minus]
        self.samples = f0, plus, minus
        if self.side:
            self.t = [self.side * h for h in self.h]
            self.odd = [(f - f0) / t for f, t in zip(plus, self.t, strict=True)]
            self.even = [Fraction(0)] * len(plus)
            self.main = (self.odd, self.n - 1, 1)
            self.other = None
        else:
            self.t = [h * h for h in self.h]
            self.odd = [(a - b) / (2 * h) for a, b, h in zip(plus, minus, self.h, strict=True)]
            self.even = [(a + b - 2 * f0) / (2 * t) for a, b, t in zip(plus, minus, self.t, strict=True)]
            parts = {1: self.odd, 0: self.even}
            below = self.n - 1 or 2  # the companion is a derivative of the other parity
            self.main = parts[self.n % 2], (self.n - 1) // 2, 2 - self.n % 2
            self.other = parts[below % 2], (below - 1) // 2, 2 - below % 2
            self.below = below
        self.sizes = [(abs(a) + abs(b)) / 2 for a, b in zip(plus, minus, strict=True)]
        if self.side == 0 and self.n % 2 == 0:
            self.sizes = [size + abs(f0) for size in self.sizes]

    @functools.cache  # noqa: B019
    def extrapolated(self, k, w, *, companion=False):
        """The derivative, or its companion, from the rungs k - w to k, and the amplification of errors of f."""
        (data, j, q), order = (self.other, self.below) if companion else (self.main, self.n)
        weights = lagrange(self.t[k - w : k + 1], j)
        factorial = math.factorial(order)
        value = sum(c * d for c, d in zip(weights, data[k - w : k + 1], strict=True))
        amplification = sum(abs(c) / h**q for c, h in zip(weights, self.h[k - w : k + 1], strict=True))
        return factorial * value, factorial * amplification

    def window(self, k, w, *, companion=False):
        """A window with its error: the larger difference to two neighbours, and the rounding bound.

        Neighbours are the window without its first rung and the one a rung earlier; at the top of the ladder, where
        there is none, that a rung shorter. Differences that fall slowly are summed up as a geometric series.
        """

        def value(k, w):
            return self.extrapolated(k, w, companion=companion)[0]

        own, amplification = self.extrapolated(k, w, companion=companion)
        step = abs(own - value(k - 1, w if k - w > 0 else w - 1))
        truncation = max(abs(own - value(k, w - 1)), step)
        tallest = max(self.sizes[k - w : k + 1])
        rounding = (tallest * exactly(self.epsilon) + exactly(self.noise)) * amplification
        stalls = False
        if k - w > 1 and step > 2 * rounding:
            last = abs(value(k - 1, w) - value(k - 2, w))
            if companion:
                stalls = step > SLACK * rounding and step > STALL * last
            elif step > SLOW * last:
                truncation /= 1 - (min(step / last, SLOWEST) if last else SLOWEST)
        believable = not stalls and truncation <= max(BELIEVABLE * abs(own), SLACK * rounding)
        return Window(k, w, own, truncation, rounding, believable)

    def windows(self):
        """All of those that have neighbours."""
        j = self.main[1]
        widest = min(j + WIDEST, 16)
        return [self.window(k, w) for k in range(1, len(self.h)) for w in range(j + 1, min(k + 1, widest))]

    def best(self):
        """The window of the smallest error among those which are believable, as their companions are."""
        for window in sorted(self.windows(), key=lambda window: window.truncation + window.rounding):
            if window.believable and (self.side or self.window(window.k, window.w, companion=True).believable):
                return window
        return None

    def place(self, outcome):
        """Indices (k, w) of the window that an outcome names by its steps."""
        steps = list(self.steps)
        k = steps.index(outcome.step)
        return k, k - steps.index(outcome.top)

    def data_error(self, k, w):
        """How far the rounding of odd and even parts to floats can move the extrapolated value, in units of epsilon."""
        data, j, q = self.main
        f0, plus, minus = self.samples
        weights = lagrange(self.t[k - w : k + 1], j)
        total = Fraction(0)
        for p, weight in zip(range(k - w, k + 1), weights, strict=True):
            moved = abs(plus[p] - f0) + abs(minus[p] - f0) if q == 2 else abs(plus[p] - minus[p])
            total += abs(weight) * (abs(data[p]) + moved / self.h[p] ** q)
        return math.factorial(self.n) * total

    def missed(self, k, w, at, value):
        """The error of the derivative that a sample off the ladder tells of."""
        odd, even = self.odd[k - w : k + 1], self.even[k - w : k + 1]
        nodes, at = self.t[k - w : k + 1], exactly(at)
        t = at if self.side else at * at
        miss = exactly(value) - self.samples[0] - at * interpolated(nodes, odd, t)
        if not self.side:
            miss -= t * interpolated(nodes, even, t)
        j, q = self.main[1:]
        miss /= abs(at) ** q
        share = product(nodes)[j] / math.prod(t - node for node in nodes)
        return math.factorial(self.n) * abs(miss * share)


def interpolated(nodes, data, at):
    """The polynomial through the nodes, at a point: Lagrange's formula."""
    total = Fraction(0)
    for p, node in enumerate(nodes):
        others = nodes[:p] + nodes[p + 1 :]
        total += data[p] * math.prod((at - q) / (node - q) for q in others)
    return total
