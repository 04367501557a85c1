"""Statistics: standard errors of a nonlinear fit, from the Jacobian of the model, against certified values.

Data and certified values: DanWood, NIST Statistical Reference Datasets (energy radiated by a carbon filament lamp).
"""

import numpy as np
from scipy.optimize import least_squares

import fastcalc as fc

temperature = np.array([1.309, 1.471, 1.490, 1.565, 1.611, 1.680])  # 1000 K
energy = np.array([2.138, 3.421, 3.597, 4.340, 4.882, 5.660])


def residuals(b):
    return b[0] * temperature ** b[1] - energy


# The model is analytic and NumPy computes it with complex numbers: the complex step is exact to rounding.
jacobian = fc.Jacobian(residuals, method="complex")
fit = least_squares(residuals, [1.0, 5.0], jac=jacobian, xtol=1e-15, ftol=1e-15, gtol=1e-15)

J = jacobian(fit.x)
variance = 2 * fit.cost / (len(energy) - len(fit.x))
errors = np.sqrt(np.diag(np.linalg.inv(J.T @ J)) * variance)
for name, value, error in zip(["b1", "b2"], fit.x, errors, strict=True):
    print(f"{name} = {value:.10f} +- {error:.10f}")

np.testing.assert_allclose(fit.x, [7.6886226176e-01, 3.8604055871e00], rtol=1e-9)
np.testing.assert_allclose(errors, [1.8281973860e-02, 5.1726610913e-02], rtol=1e-8)
