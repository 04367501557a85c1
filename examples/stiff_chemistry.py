"""Engineering: Robertson's stiff chemical kinetics, with the Jacobian of the right-hand side by fastcalc.

Time scales range over fifteen decades. An implicit integrator needs the Jacobian with respect to y, the second argument
of the right-hand side: argnum=1.
"""

import numpy as np
from scipy.integrate import solve_ivp

import fastcalc as fc


def rates(t, y):
    a, b, c = y
    slow, fast, autocatalytic = 0.04 * a, 3e7 * b * b, 1e4 * b * c
    return np.array([-slow + autocatalytic, slow - autocatalytic - fast, fast])


jacobian = fc.Jacobian(rates, argnum=1)
solution = solve_ivp(
    rates, (0, 1e11), [1.0, 0.0, 0.0], method="Radau", jac=jacobian, rtol=1e-8, atol=[1e-14, 1e-18, 1e-14]
)
final = solution.y[:, -1]
print(f"t = 1e11: y = {final}")
print(f"{solution.t.size - 1} steps, {solution.nfev} calls of the right-hand side, {solution.njev} Jacobians")

a, b, c = final
exact = np.array([[-0.04, 1e4 * c, 1e4 * b], [0.04, -1e4 * c - 6e7 * b, -1e4 * b], [0, 6e7 * b, 0]])
np.testing.assert_allclose(jacobian(1e11, final), exact, rtol=1e-9, atol=1e-9 * 0.04)
# The reference solution of the Test Set for IVP Solvers (Mazzia and Magherini, 2008).
np.testing.assert_allclose(final, [0.2083340149701255e-07, 0.8333360770334713e-13, 0.9999999791665050], rtol=1e-5)
np.testing.assert_allclose(final.sum(), 1, rtol=1e-12)
