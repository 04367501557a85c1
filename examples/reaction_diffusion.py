"""Physics: a reaction that diffuses, 2,000 unknowns in an implicit integrator, with a Jacobian in a dozen calls.

The Brusselator in one dimension, Hairer and Wanner, *Solving Ordinary Differential Equations II*, section IV.10. Each
rate depends on a concentration, its two neighbours and the other concentration at the same place: 4 entries in a row of
2,000. `detect_sparsity` finds them from calls of the right-hand side; with it, fc.Jacobian moves many unknowns at once.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import diags_array

import fastcalc as fc

N = 1000  # places; concentrations u at all of them, then v
SPREAD = 0.02 * (N + 1) ** 2
calls = 0


def rates(t, y):
    global calls
    calls += 1
    u, v = y[:N], y[N:]
    reaction = u * u * v
    return np.concatenate([1 + reaction - 4 * u + diffusion(u, 1.0), 3 * u - reaction + diffusion(v, 3.0)])


def diffusion(w, edge):
    inside = np.concatenate([[edge], w, [edge]])
    return SPREAD * (inside[2:] - 2 * w + inside[:-2])


def counted(text):
    global calls
    print(f"{text}: {calls} calls")
    last, calls = calls, 0
    return last


x = np.linspace(0, 1, N + 2)[1:-1]
start = np.concatenate([1 + np.sin(2 * np.pi * x), np.full(N, 3.0)])

sparsity = fc.detect_sparsity(rates, start, args=(0.0,), argnum=1)
detection = counted(f"{sparsity.nnz} entries of {2 * N} x {2 * N} detected")

jacobian = fc.Jacobian(rates, argnum=1, sparsity=sparsity)
jacobian(0.0, start)  # the first call compares a product J v with differences of the rates
counted("first Jacobian, verified")
J = jacobian(0.0, start)
evaluations = counted("any other")

options = {"method": "BDF", "rtol": 1e-7, "atol": 1e-9}
solution = solve_ivp(rates, (0, 10), start, jac=jacobian, **options)
counted(f"to t = 10, {solution.t.size - 1} steps with {solution.njev} Jacobians")
final = solution.y[:, -1]
print(f"there u is between {final[:N].min():.4f} and {final[:N].max():.4f}")


def by_hand(t, y):
    u, v = y[:N], y[N:]
    near = np.ones(2 * N - 1)
    near[N - 1] = 0
    diagonal = np.concatenate([2 * u * v - 4, -u * u]) - 2 * SPREAD
    bands = [diagonal, SPREAD * near, SPREAD * near, u * u, 3 - 2 * u * v]
    return diags_array(bands, offsets=[0, 1, -1, N, -N], format="csr")


exact = by_hand(0.0, start)
assert sparsity.nnz == exact.nnz == 8 * N - 4
assert abs(J - exact).max() < 1e-8 * SPREAD
assert detection < 500
assert evaluations <= 12  # instead of 2 * 2,000
reference = solve_ivp(rates, (0, 10), start, jac=by_hand, **options)
np.testing.assert_allclose(final, reference.y[:, -1], rtol=1e-6)
