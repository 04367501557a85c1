"""Laplacian, divergence and curl: sums of derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc._differences.problem import Problem, open_problem
from fastcalc._differences.settings import Options, documented
from fastcalc._differences.sums import chunks, needs_values, sum_targets, total
from fastcalc._results import worst

_Array = NDArray[Any]


@documented
def laplacian(f: Callable[..., Any], x: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Laplacian of f: the sum of its second derivatives, the trace of the Hessian.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array, with any shape of output.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape of f(x); with ``vectorized=True`` ``(m, ...)`` or ``(...)``. Steps are reported in the shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    2n + 1 calls of f for central differences of accuracy 2, about 20 per variable for "adaptive", one per chunk of
    variables for "exact" (23 for n = 100). The error is O(h**accuracy), its estimate the sum of those of the second
    derivatives.

    Examples
    --------
    >>> import fastcalc as fc
    >>> print(round(fc.laplacian(lambda x: x[0] ** 2 + x[1] ** 3, [1.0, 2.0]), 5))
    14.0
    """
    problem = open_problem(f, x, options, out)
    needs_values(problem, "a Laplacian", "take the divergence of the gradient")
    whole = total([sum_targets(part) for part in chunks(problem, 2, 1)])
    return problem.finish(whole, problem.function.shape + problem.batch, out, steps_of_x=True)


@documented
def divergence(f: Callable[..., Any], x: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Divergence of a vector field: the trace of its Jacobian.

    Parameters
    ----------
    f : callable or compiled function
        Vector field: its output has the shape of its argument; vectorised ``(n, k)`` to ``(n, k)``.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    {options}

    Returns
    -------
    scalar, ndarray or DerivativeResult
        A scalar; with ``vectorized=True`` of shape ``x.shape[1:]``. Steps are reported in the shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape; for an f that is no vector field after it ran.

    Notes
    -----
    2n calls of f for central differences of accuracy 2, error O(h**accuracy); about 20 per variable for "adaptive"; one
    per chunk of variables for "exact", see `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> print(round(fc.divergence(lambda x: np.array([x[0] ** 2, x[0] * x[1]]), [1.0, 2.0]), 8))
    3.0
    """
    problem = open_problem(f, x, options, out)
    sums, done = [], 0
    for part in chunks(problem, 1, len(problem.points)):
        _require_field(problem)
        own = np.arange(done, done + part.value.shape[1]), np.arange(part.value.shape[1])
        done += part.value.shape[1]
        sums.append(part.reduced(lambda a, own=own: a[own].sum(axis=0), lambda s, own=own: worst(s[own], axis=0)))  # type: ignore[misc]
    return problem.finish(total(sums), problem.batch, out, steps_of_x=True)


def _require_field(problem: Problem) -> None:
    if problem.function.shape != problem.variables:
        raise ValueError(
            f"`f` must return a vector field, an output of shape {problem.variables} like its argument; got shape "
            f"{problem.function.shape}: use `jacobian` for other functions"
        )


@documented
def curl(f: Callable[..., Any], x: ArrayLike, *, out: _Array | None = None, **options: Unpack[Options]) -> Any:
    """Curl of a vector field in three dimensions, a vector, or in two, a scalar.

    Parameters
    ----------
    f : callable or compiled function
        Vector field of 3 or 2 variables: ``(3,)`` to ``(3,)`` or ``(2,)`` to ``(2,)``; vectorised ``(n, k)`` to
        ``(n, k)``.
    x : array_like
        The point, of shape ``(3,)`` or ``(2,)``; with ``vectorized=True`` ``(3, ...)`` or ``(2, ...)``.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        The shape of x for three variables; a scalar, or the shape of the batch, for two. Steps in the shape of x.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape; for an f that is no vector field after it ran.

    Notes
    -----
    2n calls of f for central differences of accuracy 2, error O(h**accuracy); about 20 per variable for "adaptive", one
    in all for "exact". In two dimensions ``dF_1/dx_0 - dF_0/dx_1``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> fc.curl(lambda x: np.array([-x[1], x[0], 0.0]), [1.0, 2.0, 3.0]).round(8)
    array([0., 0., 2.])
    """
    problem = open_problem(f, x, options, out)
    n = len(problem.points)
    if n not in (2, 3) or len(problem.variables) != 1:
        raise ValueError(f"`x` must have 3 or 2 variables for a curl; got shape {problem.x.shape}")
    (jacobian,) = chunks(problem, 1, 1)
    _require_field(problem)
    plus = np.array([2, 0, 1] if n == 3 else [1]), np.array([1, 2, 0] if n == 3 else [0])
    minus = plus[::-1]
    solution = jacobian.reduced(
        value=lambda a: a[plus] - a[minus],
        error=lambda a: a[plus] + a[minus],
        status=lambda a: worst(np.stack([a[plus], a[minus]]), axis=0),
    )
    return problem.finish(solution, problem.x.shape if n == 3 else problem.batch, out, steps_of_x=True)
