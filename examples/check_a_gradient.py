"""Machine learning: a gradient written by hand, checked against its loss, before and after a mistake is mended.

Softmax regression with a penalty. `raise_if_wrong` is the line for a test suite. Needs NumPy only.
"""

import numpy as np

import fastcalc as fc

rng = np.random.default_rng(0)
features, labels = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)
wanted = np.eye(3)[labels]
PENALTY = 0.1


def probabilities(w):
    score = np.exp(features @ w)
    return score / score.sum(axis=1, keepdims=True)


def loss(w):
    """Mean cross entropy, for weights (4, 3), and a penalty."""
    return -np.log(probabilities(w)[np.arange(60), labels]).mean() + PENALTY * np.sum(w**2)


def with_a_mistake(w):
    return features.T @ (probabilities(w) - wanted) / 60 + PENALTY * w  # the square has gone, and so has its 2


def gradient(w):
    return features.T @ (probabilities(w) - wanted) / 60 + 2 * PENALTY * w


w = rng.standard_normal((4, 3))  # in general position: at w = 0 the mistake would not show
report = fc.check_gradient(loss, with_a_mistake, w)
print(report)
try:
    report.raise_if_wrong()
    raised = False
except AssertionError:
    raised = True

print("\nmended:")
mended = fc.check_gradient(loss, gradient, w)
print(mended)
mended.raise_if_wrong(strict=True)

assert raised
assert report.counts == {"wrong": 12}
np.testing.assert_allclose(report.value - report.reference, -PENALTY * w, rtol=1e-9)  # what is missing
np.testing.assert_allclose(mended.rates, np.broadcast_to([1, 2, 3], mended.rates.shape), atol=0.2)
assert fc.check_gradient(loss, with_a_mistake, np.zeros((4, 3))).passed
