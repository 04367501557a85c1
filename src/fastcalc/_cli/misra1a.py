"""Misra1a, a regression of the NIST Statistical Reference Datasets, with its derivatives in closed form.

    y = b1 (1 - exp(-b2 x)) + noise,    S(b) = sum (y - model)**2

The certified values have 11 digits and come from computations in extended precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Misra1a:
    """Data and certified values, and the functions of the parameters b (2,).

    Attributes
    ----------
    x, y : ndarray (14,)
        Pressure and volume.
    parameters, deviations : ndarray (2,)
        Certified optimum, and the standard deviations of the parameters there.
    squares : float
        Certified sum of squares of the residuals.

    Examples
    --------
    >>> problem = load()
    >>> problem.parameters.tolist()
    [238.94212918, 0.00055015643181]
    >>> round(problem.sum_of_squares(problem.parameters), 11) == problem.squares
    True
    """

    x: Floats
    y: Floats
    parameters: Floats
    deviations: Floats
    squares: float

    def model(self, b: Floats) -> Floats:
        """Volumes (14,) that the model expects."""
        volumes: Floats = b[0] * (1 - np.exp(-b[1] * self.x))
        return volumes

    def sum_of_squares(self, b: Floats) -> float:
        """S(b)."""
        residuals = self.y - self.model(b)
        return float(residuals @ residuals)

    def exact_jacobian(self, b: Floats) -> Floats:
        """Derivatives (14, 2) of the model."""
        return np.stack([-np.expm1(-b[1] * self.x), b[0] * self.x * np.exp(-b[1] * self.x)], axis=1)

    def gradient_terms(self, b: Floats) -> Floats:
        """Terms (14, 2) of the gradient of S, one per observation: -2 r_i dm_i/db_j."""
        terms: Floats = -2 * (self.y - self.model(b))[:, None] * self.exact_jacobian(b)
        return terms

    def exact_gradient(self, b: Floats) -> Floats:
        """Gradient (2,) of S."""
        gradient: Floats = self.gradient_terms(b).sum(axis=0)
        return gradient

    def exact_hessian(self, b: Floats) -> Floats:
        """Hessian (2, 2) of S: 2 J^T J - 2 sum r_i H_i, with the Hessians H_i of the model."""
        residuals = self.y - self.model(b)
        decay = np.exp(-b[1] * self.x)
        mixed, second = residuals @ (self.x * decay), -b[0] * residuals @ (self.x**2 * decay)
        jacobian = self.exact_jacobian(b)
        hessian: Floats = 2 * jacobian.T @ jacobian - 2 * np.array([[0, mixed], [mixed, second]])
        return hessian

    def standard_errors(self, jacobian: Floats, squares: float) -> Floats:
        """Standard deviations (2,): the roots of the diagonal of (J^T J)^-1 S / (m - n), by J = QR.

        J^T J = R^T R is never formed: its condition is the square of that of J.
        """
        m, n = jacobian.shape
        inverse = np.linalg.inv(np.linalg.qr(jacobian, mode="r"))
        errors: Floats = np.sqrt(np.square(inverse).sum(axis=1) * (squares / (m - n)))
        return errors


def load() -> Misra1a:
    """The problem, read from the file that NIST distributes; its head says on which lines the parts stand."""
    text = resources.files("fastcalc").joinpath("_data", "Misra1a.dat").read_text(encoding="ascii")
    lines = text.splitlines()
    certified = np.array([line.split()[-2:] for line in lines[40:42]], np.float64)
    data = np.array([line.split() for line in lines[60:74]], np.float64)
    (squares,) = (line.split()[-1] for line in lines if line.startswith("Residual Sum of Squares:"))
    return Misra1a(data[:, 1], data[:, 0], certified[:, 0], certified[:, 1], float(squares))
