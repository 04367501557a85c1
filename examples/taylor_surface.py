"""Taylor polynomials of a surface at degrees 1 to 4: from the tangent plane to a good likeness, and how far it reaches.

With Matplotlib it draws them; needs NumPy only for the rest.
"""

import importlib.util
import tempfile
from pathlib import Path

import numpy as np

import fastcalc as fc

X0 = np.array([0.5, 0.5])
REACH = 0.6


def surface(x):
    """A hill on a wave, as ordinary NumPy code."""
    return np.exp(-2 * (x[0] ** 2 + x[1] ** 2)) + 0.7 * np.sin(2 * x[0]) * np.cos(x[1])


whole = fc.taylor(surface, X0, 4)  # all derivatives up to the fourth, exact to rounding
print("p =", whole.truncate(2))

side = np.linspace(-REACH, REACH, 41)
u, v = np.meshgrid(X0[0] + side, X0[1] + side, indexing="ij")
points = np.stack([u.ravel(), v.ravel()])
exact = surface(points).reshape(u.shape)
likeness = {degree: whole.truncate(degree)(points).reshape(u.shape) for degree in (1, 2, 3, 4)}
near = np.hypot(u - X0[0], v - X0[1]) <= 0.2
for degree, values in likeness.items():
    error = np.abs(values - exact)
    print(f"degree {degree}: largest error {error.max():.3f} in the square, {error[near].max():.1e} within 0.2 of x0")

if importlib.util.find_spec("matplotlib") is not None:
    import matplotlib as mpl

    mpl.use("Agg")  # no display
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 4, figsize=(14, 7), layout="constrained", subplot_kw={"projection": "3d"})
    for (degree, values), (top, bottom) in zip(likeness.items(), axes.T, strict=True):
        top.plot_surface(u, v, exact, color="lightgrey", alpha=0.5)
        top.plot_wireframe(u, v, values, rstride=4, cstride=4, color="tab:blue", linewidth=0.7)
        top.scatter(*X0, float(whole.value), color="tab:red")
        top.set(title=f"degree {degree}", zlim=(-0.5, 1.5), xlabel="x", ylabel="y")
        bottom.plot_surface(u, v, np.log10(np.abs(values - exact) + 1e-6), cmap="viridis", vmin=-6, vmax=0)
        bottom.set(title="log10 of the error", zlim=(-6, 1), xlabel="x", ylabel="y")
    figure.suptitle("A surface (grey) and its Taylor polynomials (blue) around the red point")
    picture = Path(tempfile.gettempdir()) / "taylor_surface.png"
    figure.savefig(picture, dpi=100)
    print(f"the polynomials and their errors: {picture}")

errors = [np.abs(values - exact).max() for values in likeness.values()]
assert errors == sorted(errors, reverse=True)
assert errors[-1] < 0.25
np.testing.assert_allclose(whole.value, surface(X0), rtol=1e-15)
np.testing.assert_allclose(whole.gradient(), fc.gradient(surface, X0, method="adaptive"), rtol=1e-10)
close = X0[:, None] + 1e-2 * np.array([[1.0, -1.0, 0.5], [0.5, 1.0, -1.0]])
np.testing.assert_allclose(whole(close), surface(close), rtol=1e-8)
