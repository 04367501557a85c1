"""Statistics, machine learning: maximum likelihood with SciPy's optimizer, gradient and Hessian by fastcalc.

A logistic regression on one group variable has its solution in closed form: the log odds of each group.
Standard errors come from the Hessian at the optimum.
"""

import numpy as np
from scipy.optimize import minimize

import fastcalc as fc

# 40 untreated, 12 of them recovered; 60 treated, 39 of them recovered.
treated = np.repeat([0.0, 1.0], [40, 60])
recovered = np.concatenate([np.arange(40) < 12, np.arange(60) < 39])
sign = np.where(recovered, 1.0, -1.0)


def negative_log_likelihood(b):
    return np.logaddexp(0, -sign * (b[0] + b[1] * treated)).sum()


# Built once, called in every iteration.
gradient = fc.Gradient(negative_log_likelihood, accuracy=4)
hessian = fc.Hessian(negative_log_likelihood, accuracy=4)
fit = minimize(negative_log_likelihood, [0.0, 0.0], jac=gradient, hess=hessian, method="trust-exact")

standard_errors = np.sqrt(np.diag(np.linalg.inv(hessian(fit.x))))
print("           estimate   standard error")
for name, value, error in zip(["intercept", "treatment"], fit.x, standard_errors, strict=True):
    print(f"{name:10} {value:8.6f}   {error:14.6f}")
print(f"{fit.nit} iterations, |gradient| = {np.abs(gradient(fit.x)).max():.1e}")

# A log odds ln(a/b) has the variance 1/a + 1/b; a difference of two has the sum.
base, effect = np.log(12 / 28), np.log(39 / 21) - np.log(12 / 28)
np.testing.assert_allclose(fit.x, [base, effect], rtol=1e-6)
np.testing.assert_allclose(standard_errors, np.sqrt([1 / 12 + 1 / 28, 1 / 12 + 1 / 28 + 1 / 39 + 1 / 21]), rtol=1e-6)
