"""Physics: a fit whose optimum lies on a bound, beyond which the model does not exist.

Counts in 20 bins, a flat background and a peak whose strength cannot be negative. The data fluctuate down where the
peak should be: the best strength is 0. With `bounds` fastcalc never calls the function outside; its stencils turn to
one side, component by component.
"""

import numpy as np
from scipy.optimize import Bounds, minimize

import fastcalc as fc

counts = np.array([9, 12, 11, 8, 10, 13, 9, 11, 6, 5, 4, 7, 10, 12, 9, 10, 11, 8, 12, 13])
centres = np.arange(20)
peak = np.exp(-0.5 * ((centres - 9.5) / 1.5) ** 2)


def negative_log_likelihood(p):
    background, strength = p
    if background <= 0 or strength < 0:
        raise ValueError(f"no such model: {p}")
    expected = background + strength * peak
    return np.sum(expected - counts * np.log(expected))


bounds = Bounds([1e-3, 0], [100, 100])
gradient = fc.Gradient(negative_log_likelihood, bounds=bounds, accuracy=4)
fit = minimize(
    negative_log_likelihood, [5.0, 5.0], jac=gradient, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14}
)

slopes = gradient(fit.x, full_output=True)
print(f"background {fit.x[0]:.6f}, strength {fit.x[1]:.6f}")
for name, slope, status in zip(["background", "strength"], slopes.value, slopes.status, strict=True):
    print(f"slope along the {name}: {slope:.6f} ({fc.Status(status).name})")

# Without a peak, the best flat background is the mean; the slope along the strength is sum(peak (1 - counts / mean)).
mean = counts.mean()
np.testing.assert_allclose(fit.x, [mean, 0], rtol=1e-5)
np.testing.assert_allclose(slopes.value, [0, np.sum(peak * (1 - counts / mean))], rtol=1e-4, atol=1e-4)
assert slopes.value[1] > 0
assert slopes.status[1] == fc.Status.AT_BOUND
