"""Machine learning: exact gradient and Hessian of a small neural network, written in plain NumPy, for Newton's method.

A network with one hidden layer learns the exclusive or. Its loss runs unchanged on Taylor polynomials; no step size is
chosen, and no derivative written by hand. Needs NumPy only.
"""

import numpy as np

import fastcalc as fc

rng = np.random.default_rng(3)
corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
inputs = np.repeat(corners, 25, axis=0) + 0.1 * rng.standard_normal((100, 2))
labels = np.repeat([0, 1, 1, 0], 25)
SIZES = (2, 5, 2)


def unpack(w):
    """Weights and offsets of both layers from one vector."""
    n, h, m = SIZES
    cut = np.cumsum([n * h, h, h * m])
    return w[: cut[0]].reshape(n, h), w[cut[0] : cut[1]], w[cut[1] : cut[2]].reshape(h, m), w[cut[2] :]


def scores(w, data):
    first, offset, second, last = unpack(w)
    return np.tanh(data @ first + offset) @ second + last


def loss(w):
    """Mean cross entropy of softmax, with a small penalty."""
    score = scores(w, inputs)
    score = score - np.max(score, axis=1, keepdims=True)  # against overflow
    logs = score - np.log(np.sum(np.exp(score), axis=1, keepdims=True))
    return -np.mean(logs[np.arange(100), labels]) + 1e-3 * np.sum(w**2)


gradient = fc.Gradient(loss, method="exact")
hessian = fc.Hessian(loss, method="exact")

w = 0.5 * rng.standard_normal(27)
for step in range(60):
    g, H = gradient(w), hessian(w)
    if step % 10 == 0:
        print(f"step {step:2}: loss {loss(w):.6f}, gradient {np.abs(g).max():.1e}")
    if np.abs(g).max() < 1e-13:
        break
    eigenvalues, directions = np.linalg.eigh(H)
    bowl = directions / np.maximum(np.abs(eigenvalues), 1e-3) @ directions.T  # downhill where H is indefinite, too
    move = bowl @ g
    while loss(w - move) > loss(w) + 1e-15:
        move /= 2
    w = w - move
right = np.argmax(scores(w, inputs), axis=1) == labels
print(f"after {step} steps: gradient {np.abs(g).max():.1e}, {right.mean():.0%} of the points right")
print("smallest eigenvalue of the exact Hessian:", np.linalg.eigvalsh(hessian(w))[0].round(6), "- a minimum")

result = fc.gradient(loss, w, method="adaptive", full_output=True)
print("adaptive differences agree to", np.abs(result.value - g).max(), "and expect", result.error.max())

assert np.abs(g).max() < 1e-12
assert right.mean() > 0.95
assert (np.abs(result.value - gradient(w)) <= result.error + 1e-14).all()
np.testing.assert_allclose(hessian(w), fc.hessian(loss, w, method="adaptive"), atol=1e-8)
