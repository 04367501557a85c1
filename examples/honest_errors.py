"""Errors to rely on: an iteration that stops early, float32 inside, fast oscillations, a kink, a jump.

All of them fool differences with steps of a usual size. The error that comes with an adaptive derivative holds, or the
status says that there is no derivative. What cannot be seen from values is told: the noise of an iteration whose stairs
are smooth. Needs NumPy only; with matplotlib it draws errors against steps.
"""

import importlib.util
import tempfile
from pathlib import Path

import numpy as np

import fastcalc as fc

ECCENTRICITY, TOLERANCE = 0.3, 1e-7


def bisect(t, low, high):
    """Kepler's equation E - e sin E = t, halving the interval until it is below the tolerance: E moves in jumps."""
    while high - low > TOLERANCE:
        middle = (low + high) / 2
        low, high = (middle, high) if middle - ECCENTRICITY * np.sin(middle) < t else (low, middle)
    return (low + high) / 2


def single(x):
    """Computed in float32, as on a graphics processor; the caller sees float64."""
    return np.float64(np.tanh(np.float32(x)))


anomaly = 1.0
for _ in range(60):  # E at t = 1 by fixed-point iteration, to the last digit
    anomaly = 1 + ECCENTRICITY * np.sin(anomaly)
kepler = 1 / (1 - ECCENTRICITY * np.cos(anomaly))

CASES = {  # function, point, derivative, options
    "bisection to 1e-7": (lambda t: bisect(t, 0.0, 4.0), 1.0, kepler, {}),
    "float32 inside": (single, 0.5, 1 / np.cosh(0.5) ** 2, {}),
    "sin(128 pi x)": (lambda x: np.sin(128 * np.pi * x), 0.0, 128 * np.pi, {}),
    "hinge at its kink": (lambda x: np.maximum(0, 1 - x), 1.0, np.nan, {}),
    "step at its jump": (np.floor, 1.0, np.nan, {}),
    # Intervals that begin at t: a staircase whose steps all have the slope 1. That they are stairs is for us to say.
    "stairs, noise=1e-7": (lambda t: bisect(t, t - 1, t + 1), 1.0, kepler, {"noise": TOLERANCE}),
}

print(f"{'':18} {'derivative':>15} {'error':>8} {'true error':>10} {'by hand':>8}  calls, status")
found = {}
for name, (f, x, exact, options) in CASES.items():
    r = found[name] = fc.derivative(f, x, full_output=True, **options)
    by_hand = (f(x + 1e-8) - f(x - 1e-8)) / 2e-8
    misses = f"{abs(r.value - exact):10.1g} {abs(by_hand - exact):8.1g}"
    print(f"{name:18} {r.value:15.10g} {r.error:8.1g} {misses}  {r.evaluations}, {r.message}")

if importlib.util.find_spec("matplotlib") is not None:
    import matplotlib as mpl

    mpl.use("Agg")  # no display
    picture = Path(tempfile.gettempdir()) / "honest_errors.png"
    found["bisection to 1e-7"].plot().figure.savefig(picture)
    print(f"errors against steps: {picture}")

for name in ("hinge at its kink", "step at its jump"):  # no derivative, and it says so
    assert not found[name].success
    assert found[name].status == fc.Status.NOT_SMOOTH
    assert np.isnan(found[name].error)
others = {name: exact for name, (_, _, exact, _) in CASES.items() if not np.isnan(exact)}
assert all(found[name].success for name in others)
assert all(abs(found[name].value - exact) <= found[name].error < 1e-3 for name, exact in others.items())
