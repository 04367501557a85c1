"""Mixed partial derivatives of any multi-index: products of stencils."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc._differences import methods
from fastcalc._differences.problem import open_problem
from fastcalc._differences.settings import Options, documented
from fastcalc._differences.solve import Known, Solution
from fastcalc._results import Status

_Array = NDArray[Any]


@documented
def partial(
    f: Callable[..., Any], x: ArrayLike, alpha: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]
) -> Any:
    """One mixed partial derivative, of any multi-index.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array, with any shape of output.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    alpha : array_like of int
        How many times to differentiate by each variable: the shape of x; with ``vectorized=True`` ``(n,)``. All 0 gives
        f(x).
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape of f(x); with ``vectorized=True`` ``(m, ...)`` or ``(...)``. The reported step is the geometric mean of
        those that were multiplied.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    The product of one stencil per variable, with as many calls of f as it has points: 2 for each first derivative and 3
    for each second, multiplied, for central differences of accuracy 2. The error is O(h**accuracy).

    ``method="adaptive"`` combines derivatives of order N, the sum of alpha, along lines,

        D^alpha f = (1 / N!) sum_(0 <= k <= alpha) (-1)^(N - |k|) C(alpha, k) D_k^N f,

    where D_k goes along sum(k_i h_i e_i) / h_i: prod(alpha + 1) - 1 lines, and one for each variable for its step h_i,
    of about 20 calls each. The errors add up, with these weights.

    ``method="exact"`` runs f once, on polynomials with prod(alpha + 1) coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> print(round(fc.partial(lambda x: np.exp(x[0]) * x[1] ** 3, [0.0, 2.0], (1, 2), accuracy=4), 4))
    12.0
    """
    problem = open_problem(f, x, options, out)
    powers = np.asarray(alpha)
    if powers.dtype.kind not in "iu":
        raise TypeError(f"`alpha` must hold integers; got {alpha!r}: give one order per variable")
    if powers.shape != problem.variables:
        raise ValueError(
            f"`alpha` must have one entry per variable, shape {problem.variables}; got shape {powers.shape}"
        )
    if (powers < 0).any():
        raise ValueError(f"`alpha` must not be negative; got {alpha!s}")
    index = tuple(int(power) for power in powers.reshape(-1))
    total = sum(index)
    if problem.settings.method == "complex" and total > 1:
        raise ValueError(f"method 'complex' gives first derivatives; got alpha = {alpha!s}: use method 'central'")
    involved = np.flatnonzero(index).astype(np.intp)
    exact = problem.settings.method == "exact"
    if exact:
        recipe = methods.partial(problem.settings, index)
    elif total == 0:
        recipe = methods.some_lines(replace(problem.settings, method="central"), 1, len(index), involved, base=True)
    elif len(involved) == 1:
        recipe = methods.some_lines(problem.settings, total, len(index), involved)
    else:
        recipe = methods.partial(problem.settings, index)
    solution = methods.solve(recipe, problem.function, problem.points, problem.frame, full=problem.settings.full_output)
    if total == 0 and not exact:
        solution = _value_alone(solution)
    return problem.finish(solution, problem.function.shape + problem.batch, out)


def _value_alone(solution: Solution) -> Solution:
    """f(x) as the derivative of order 0."""
    assert solution.base is not None
    value = solution.base[:, None].copy()
    unknown = np.full(value.shape, np.nan, value.real.dtype)
    status = np.where(np.isfinite(value), Status.FIXED_STEP, Status.NON_FINITE).astype(np.int8)
    return Solution(value, unknown, solution.base, solution.known and Known(unknown, status))
