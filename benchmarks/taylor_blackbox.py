"""Taylor polynomials of a function that is only called: time, evaluations, errors, and whether the estimates hold."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import fastcalc as fc
from benchmarks import report, timing

NAME = "numeric"
HEADS = ('method="numeric" of f(x, y, z), one row per degree', "time", "points of f", "error", "target", "verdict")
LIMITS = {4: (1e-8, 1200), 6: (1e-5, 2500)}  # degree: error of its coefficients, points of f


def smooth(x: Any) -> Any:
    """exp(.7x - .3y) sin(y + 1.3z + .4) + log(2.2 + xz + .5y)."""
    x, y, z = x
    return np.exp(0.7 * x - 0.3 * y) * np.sin(y + 1.3 * z + 0.4) + np.log(2.2 + x * z + 0.5 * y)


def row(degree: int) -> list[str]:
    """Errors are those of the coefficients of the highest degree, relative to the largest of them."""
    points = 0

    def counted(x: Any) -> Any:
        nonlocal points
        points += 1
        return smooth(x)

    x0 = np.zeros(3)
    exact = fc.taylor(smooth, x0, degree)
    fitted = fc.taylor(counted, x0, degree, method="numeric")
    with timing.quiet():
        begin = time.thread_time()
        fc.taylor(smooth, x0, degree, method="numeric")
        seconds = time.thread_time() - begin
    last = exact.space.exponents.sum(axis=1) == degree
    error = np.max(np.abs(fitted.coef - exact.coef)[last]) / np.max(np.abs(exact.coef[last]))
    target = verdict = ""
    if degree in LIMITS:
        most_error, most_points = LIMITS[degree]
        target = f"<= {most_error:g}, <= {most_points} points"
        verdict = "met" if error <= most_error and points <= most_points else "MISSED"
    return [f"degree {degree}", report.duration(seconds), str(points), f"{error:.1e}", target, verdict]


def table(degrees: tuple[int, ...], *, markdown: bool) -> str:
    return report.aligned([list(HEADS), *(row(degree) for degree in degrees)], markdown=markdown) + "\n"
