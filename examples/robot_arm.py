"""Engineering: a planar robot arm of two links, its Jacobian, and the angles that reach a point. Needs NumPy only."""

import numpy as np

import fastcalc as fc

LINKS = 1.0, 0.7  # metres


def hand(angles):
    """Position (2,) of the hand for the angles of shoulder and elbow."""
    first, second = angles[0], angles[0] + angles[1]
    return np.array([
        LINKS[0] * np.cos(first) + LINKS[1] * np.cos(second),
        LINKS[0] * np.sin(first) + LINKS[1] * np.sin(second),
    ])  # fmt: skip


jacobian = fc.Jacobian(hand, accuracy=4)
target = np.array([0.9, 0.8])
angles = np.array([0.3, 1.0])
for _ in range(6):  # Newton's method doubles the digits each time
    angles = angles - np.linalg.solve(jacobian(angles), hand(angles) - target)

print(f"angles {np.degrees(angles)} degrees, miss {np.abs(hand(angles) - target).max():.0e} m")
print(f"area swept per unit of joint motion: det J = {np.linalg.det(jacobian(angles)):.9f} m^2")

# The law of cosines gives the elbow; the determinant is l1 l2 sin(elbow).
elbow = np.arccos((target @ target - LINKS[0] ** 2 - LINKS[1] ** 2) / (2 * LINKS[0] * LINKS[1]))
np.testing.assert_allclose(angles[1], elbow, rtol=1e-12)
np.testing.assert_allclose(np.linalg.det(jacobian(angles)), LINKS[0] * LINKS[1] * np.sin(elbow), rtol=1e-9)
