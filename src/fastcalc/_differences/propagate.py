"""First-order propagation of errors: y = f(x) has the covariance matrix J C J^T, where C is that of x."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences.operators import Jacobian
from fastcalc._differences.plans import base_plan
from fastcalc._differences.problem import open_problem
from fastcalc._differences.settings import Options

_OF_THE_CALL = ("args", "kwargs", "argnum", "vectorized", "on_error")


def propagate(f: Callable[..., Any], x: ArrayLike, cov: ArrayLike, **options: Unpack[Options]) -> tuple[Any, Any]:
    """Value of a function of uncertain variables, and its variance or covariance matrix, to first order.

    Parameters
    ----------
    f : callable or compiled function
        Function of a scalar or of an array ``(n,)``, with any shape of output; with ``vectorized=True`` of ``(n, k)``.
    x : array_like of real numbers
        The variables, a scalar or ``(n,)``; bool, integer and float16 become float64.
    cov : array_like of real numbers
        Their covariance, in units of x squared: a scalar, the variance of each of them; ``(n,)``, their variances (not
        standard deviations), uncorrelated; or ``(n, n)``, symmetric and positive semidefinite. Variables of variance 0
        are exactly known: derivatives by them are not used and may be NaN.
    **options
        Those of `jacobian`, except `out` and `full_output`.

    Returns
    -------
    y : scalar or ndarray
        f(x).
    ycov : scalar or ndarray
        Its covariance, in units of y squared, of shape ``f(x).shape + f(x).shape`` and symmetric to the last bit: the
        variance of a scalar, ``(m, m)`` for an f(x) of shape ``(m,)``. NaN where it needs a derivative without success:
        adaptive methods find none at kinks and jumps, or where noise hides it.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    ``ycov = J cov J^T`` with the Jacobian J at x; exact for linear f. Else it holds where f is close to linear over a
    few standard deviations: for one variable of standard deviation s, what is left out is of relative order s**2, and
    f(x) is off the mean of y by ``f'' s**2 / 2``. For a complex f it is ``J cov J^H``.

    As many calls of f as `jacobian` makes, and one at x where that is not among them: 2n + 1 by default.

    References
    ----------
    Joint Committee for Guides in Metrology, *Guide to the expression of uncertainty in measurement*, JCGM 100:2008,
    equations 10 to 13; for several outputs JCGM 102:2011, section 6.2.

    Examples
    --------
    A resistance from a voltage and a current, with standard deviations of 0.1 V and 0.02 A:

    >>> import numpy as np
    >>> import fastcalc as fc
    >>> r, variance = fc.propagate(lambda x: x[0] / x[1], [12.0, 2.0], np.array([0.1, 0.02]) ** 2)
    >>> print(r, "+-", np.sqrt(variance).round(6))
    6.0 +- 0.078102

    Polar to Cartesian coordinates; correlations appear:

    >>> polar = lambda p: p[0] * np.array([np.cos(p[1]), np.sin(p[1])])
    >>> xy, cov = fc.propagate(polar, [2.0, np.pi / 4], [0.01, 0.0004])
    >>> cov.round(6)
    array([[0.0058, 0.0042],
           [0.0042, 0.0058]])
    """
    jacobian = Jacobian(f, **options)
    if options.get("full_output"):
        raise ValueError(
            "`full_output` must be False for `propagate`; got True: ask `jacobian` for more than its value"
        )
    point = check.as_real("x", x)
    if point.ndim > 1:
        raise ValueError(f"`x` must be a scalar or of shape (n,); got shape {point.shape}: wrap f for a flat array")
    covariance = _covariance(cov, point.size)
    result = jacobian(point, full_output=True)
    slopes = np.array(result.value)
    slopes[~np.asarray(result.success)] = np.nan  # the number there is no derivative to rely on
    shape = slopes.shape[: slopes.ndim - point.ndim]
    y = _value(jacobian, f, point, shape, options) if result.fun is None else result.fun
    return y, _transformed(slopes.reshape(math.prod(shape), point.size), covariance).reshape(shape + shape)[()]


def _covariance(cov: ArrayLike, n: int) -> NDArray[Any]:
    """`cov` checked: the variances (n,), or the matrix (n, n)."""
    given = check.as_real("cov", cov)
    if given.shape not in ((), (n,), (n, n)):
        raise ValueError(
            f"`cov` must be a scalar, variances of shape ({n},) or a matrix of shape ({n}, {n}), for {n} variables; "
            f"got shape {given.shape}: give one variance per variable, or all covariances"
        )
    if not np.isfinite(given).all():
        raise ValueError(f"`cov` must be finite; got {check.short(cov)}: exactly known variables have variance 0")
    variances = np.diagonal(given) if given.ndim == 2 else np.broadcast_to(given, (n,))
    negative = np.flatnonzero(variances < 0)
    if len(negative):
        raise ValueError(
            f"`cov` must have variances of at least 0; got {variances[negative[0]]!s} for variable {negative[0]}: "
            "they are squares of standard deviations"
        )
    if given.ndim == 2:
        _require_covariance(given, variances)
    return given if given.ndim == 2 else variances


def _require_covariance(matrix: NDArray[Any], variances: NDArray[Any]) -> None:
    """Require a symmetric, positive semidefinite matrix, up to what rounding may have done to one."""
    tolerance = np.sqrt(np.finfo(matrix.dtype).eps)
    sigma = np.sqrt(variances)
    one = np.where(sigma > 0, sigma, 1)
    with np.errstate(over="ignore", invalid="ignore"):
        correlation = matrix / one[:, None] / one
        skew = np.argwhere(np.abs(correlation - correlation.T) > tolerance)
    if len(skew):
        i, j = skew[0]
        raise ValueError(
            f"`cov` must be symmetric; got {matrix[i, j]!s} at ({i}, {j}) and {matrix[j, i]!s} at ({j}, {i}): give "
            "(cov + cov.T) / 2 if that is what is meant"
        )
    limit = np.where((sigma > 0)[:, None] & (sigma > 0), 1 + tolerance, 0)
    if (np.abs(correlation) > limit).any() or not _is_definite(correlation + tolerance * np.eye(len(matrix))):
        raise ValueError(
            "`cov` must be positive semidefinite; got a matrix by which a combination of the variables has a negative "
            "variance: check the correlations, cov[i, j] / sqrt(cov[i, i] cov[j, j])"
        )


def _is_definite(matrix: NDArray[Any]) -> bool:
    try:
        np.linalg.cholesky(matrix.astype(np.float64))
    except np.linalg.LinAlgError:
        return False
    return True


def _value(jacobian: Jacobian, f: Callable[..., Any], x: NDArray[Any], shape: tuple[int, ...], options: Any) -> Any:
    """f(x) itself, by the workers of its Jacobian; NaN where it fails and that is allowed."""
    kept = {name: options[name] for name in _OF_THE_CALL if name in options} | {"workers": jacobian._workers}
    problem = open_problem(f, x, kept, None)
    function, points = problem.function, problem.points
    function.start()
    function.evaluate(base_plan(len(points)), 0, 1, points, np.zeros_like(points), 1, 0, 1, 0)
    if function.values is None:
        return np.full(shape, np.nan, problem.x.dtype)[()]
    values = function.values[:, 0] if function.columns_last else function.values[0]
    return values.reshape(shape).copy()[()]


def _transformed(slopes: NDArray[Any], covariance: NDArray[Any]) -> NDArray[Any]:
    """J C J^H for the Jacobian (m, n), in its precision."""
    variances = covariance if covariance.ndim == 1 else np.diagonal(covariance)
    used = np.flatnonzero(variances)
    slopes = slopes[:, used]
    if covariance.ndim == 1:
        product = (slopes * variances[used]) @ slopes.conj().T
    else:
        product = slopes @ covariance[np.ix_(used, used)] @ slopes.conj().T
    mean: NDArray[Any] = (product + product.conj().T) / 2
    return mean.astype(slopes.dtype)
