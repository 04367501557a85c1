"""Checks of gradients and Jacobians, written by hand or generated, against the function itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._checking.examine import Request, examine
from fastcalc._checking.report import GradientReport, WrongDerivativeError, report_of
from fastcalc._checking.subject import Kind, Options, open_subject
from fastcalc._checking.verdicts import Verdict

__all__ = ["GradientReport", "Verdict", "WrongDerivativeError", "check_gradient", "check_jacobian"]

_MOST = 200  # variables checked one by one where nothing was asked for
_RTOL = 0.01


def check_gradient(
    f: Callable[..., Any],
    gradient: Callable[..., Any],
    x: ArrayLike,
    *,
    components: int | ArrayLike | None = None,
    directions: int = 3,
    rtol: float = _RTOL,
    seed: Any = 0,
    progress: bool | None = None,
    **options: Unpack[Options],
) -> GradientReport:
    """Whether a function is the gradient of another, component by component, with error bars.

    Parameters
    ----------
    f : callable
        Function of an array of x's shape that returns a scalar, shape ``()`` or ``(1,)``.
    gradient : callable
        Its supposed gradient: takes the same arguments and returns x's shape.
    x : array_like of real numbers
        The point, of any shape; bool, integer and float16 become float64. Take one in general position: at 0 or 1 many
        mistakes don't show. With ``vectorized=True`` ``(n, ...)``, a batch of points behind the first axis.
    components : int or array_like of int, optional
        Which variables to check one by one: their indices into ``x.ravel()`` (``vectorized=True``: into the first axis
        of x), or how many to draw at random. Default: all, 200 at random if there are more.
    directions : int, default 3
        Number of random directions, which check all variables together. If these find a mistake and the components
        don't, the variable is searched for.
    rtol : float, default 0.01
        A component counts as right only if its tolerance is below this, relative to the component; see Notes.
    seed : int or numpy.random.Generator, default 0
        Of the random choices: the same check each time. None: another one each time.
    progress : bool, optional
        Whether to show a progress bar, if tqdm is installed. Default: for checks that take more than about 10 seconds.
    scale : float or array_like, optional
        Typical size of each variable; else ``abs(x)``, and 1 where that is 0.
    bounds : (lower, upper) or scipy.optimize.Bounds, optional
        Neither f nor the gradient is called outside.
    noise : float, optional
        Absolute noise of f's values; by default it is found where it matters.
    args, kwargs : tuple, dict, optional
        Other arguments of f and of the gradient.
    argnum : int, default 0
        Place of x among the arguments: f(*args[:argnum], x, *args[argnum:], **kwargs).
    vectorized : bool, default False
        Both take points as columns, (n, k); f returns (k,), the gradient (n, k).
    workers : int or map-like callable, optional
        Who calls f, as for `gradient`; the gradient is called here.
    on_error : {"raise", "nan"}, optional
        Whether an exception of f propagates or makes components inconclusive; those of the gradient propagate.

    Returns
    -------
    GradientReport
        To be printed; ``report.raise_if_wrong()`` is for tests, ``report.plot()`` for the eye.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called; for a gradient of the wrong
        shape after its first call.

    Notes
    -----
    The reference r of a component is the adaptive derivative of f, and e its error estimate, for f with the noise that
    it shows along a random direction, at five spacings. The gradient's own code rounds too: rho is how far its value
    spreads at four neighbours x (1 +- eps), or scatters about a smooth curve on nine points a little farther apart
    (both by differences of high order, Moré and Wild), and at least 8 eps of the value, those of float32 if all its
    values are float32 numbers. With N comparisons in all, a difference is tolerated up to

        tolerance = (3 + sqrt(2 log N)) (e + rho).

    A component is *wrong* if it differs by more, where e has been raised by the difference of r to a second reference
    with other steps. It is *right* if it differs by less and the tolerance is below ``rtol`` times the component, or
    below sqrt(eps) times what f varies by over the size of the variable, or if both are exactly 0. Else the *difference
    is inconclusive*: f is too noisy, or too rough, for anything to be said. *Not smooth*: left and right derivatives of
    f differ. If f(x) is not the same bits at the beginning (twice) and at the end, e contains twice the spread over the
    step, and what is then inconclusive is called *f not deterministic*: noise of the last bits spoils no check.

    Along each random direction v, with components of half to once the size of the variables, the product with v is
    compared by the same rule, and the Taylor remainders are sampled: f(x + t v) - f(x), the same less t g.v, and
    ``(f(x + t v) - f(x - t v)) / 2 - t g.v`` (trapezoidal rule where bounds leave one side only) vanish like t, t**2
    and t**3 where g is right, like t where it is not. Their rates are evidence for the reader, not part of the verdict.

    About 20 calls of f per component, twice as many for those that seem wrong, 55 per direction, and 40 for its noise;
    14 calls of the gradient, and 17 more per direction where bounds leave one side only.

    References
    ----------
    P. E. Farrell, D. A. Ham, S. W. Funke, M. E. Rognes, *Automated derivation of the adjoint of high-level transient
    finite element programs*, SIAM J. Sci. Comput. 35 (2013) C369-C393, for the remainder test; A. Griewank,
    A. Walther, *Evaluating Derivatives*, SIAM 2008; J. J. Moré, S. M. Wild, *Estimating computational noise*, SIAM J.
    Sci. Comput. 33 (2011) 1292-1314.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> f = lambda x: np.sum(np.sin(x) * x)
    >>> report = fc.check_gradient(f, lambda x: np.cos(x) * x + np.sin(x), np.array([0.5, 1.0, 2.0]))
    >>> report.raise_if_wrong()
    >>> print(report)  # doctest: +ELLIPSIS
    gradient right: 3 right
    ...
    >>> report = fc.check_gradient(f, lambda x: -(np.cos(x) * x + np.sin(x)), np.array([0.5, 1.0, 2.0]))
    >>> report.passed, report.hints
    (False, ('all components have the opposite sign',))
    """
    return _check("gradient", f, gradient, x, components, directions, rtol, seed, progress, options)


def check_jacobian(
    f: Callable[..., Any],
    jacobian: Callable[..., Any],
    x: ArrayLike,
    *,
    components: int | ArrayLike | None = None,
    directions: int = 3,
    rtol: float = _RTOL,
    seed: Any = 0,
    progress: bool | None = None,
    **options: Unpack[Options],
) -> GradientReport:
    """Whether a function is the Jacobian of another, component by component, with error bars.

    Parameters
    ----------
    f : callable
        Function of an array of x's shape, with any shape of output.
    jacobian : callable
        Its supposed Jacobian: takes the same arguments and returns ``f(x).shape + x.shape``, dense or a SciPy sparse
        matrix.
    x : array_like of real numbers
        The point, as for `check_gradient`.
    components : int or array_like of int, optional
        Which variables, columns of the Jacobian, to check one by one, as for `check_gradient`.
    directions, rtol, seed, progress, **options
        As for `check_gradient`. Vectorised, f returns (k,) or (m, k), the Jacobian (n, k) or (m, n, k).

    Returns
    -------
    GradientReport
        With arrays of the Jacobian's shape.

    Raises
    ------
    TypeError, ValueError
        As for `check_gradient`.

    Notes
    -----
    Rule and cost are those of `check_gradient`, whatever the number of outputs.
    Memory is some ten times that of the columns that are compared.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> report = fc.check_jacobian(lambda x: A @ np.exp(x), lambda x: (A * np.exp(x)).T, np.array([0.1, 0.2]))
    >>> report.counts
    {'right': 2, 'wrong': 2}
    >>> report.hints
    ('it is transposed: exchange its rows and columns',)
    """
    return _check("jacobian", f, jacobian, x, components, directions, rtol, seed, progress, options)


def _check(
    kind: Kind,
    f: Callable[..., Any],
    derivative: Callable[..., Any],
    x: ArrayLike,
    components: Any,
    directions: Any,
    rtol: Any,
    seed: Any,
    progress: Any,
    options: Mapping[str, Any],
) -> GradientReport:
    """Validate, examine, report."""
    subject = open_subject(kind, f, derivative, x, options)
    rng = _generator(seed)
    request = Request(
        _chosen(components, subject.n, rng),
        check.integer("directions", directions, 1, 1000, "each checks all variables together"),
        _tolerance(rtol),
        None if progress is None else check.flag("progress", progress),
        rng,
    )
    return report_of(examine(subject, request))


def _generator(seed: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"`seed` must be a non-negative integer, a numpy.random.Generator or None; got {check.short(seed)}"
        ) from error


def _tolerance(rtol: Any) -> float:
    number = check.positive("rtol", rtol)
    if number.ndim or number >= 1:
        raise ValueError(f"`rtol` must be one number between 0 and 1; got {rtol!s}: it is relative to each component")
    return float(number)


def _chosen(components: Any, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of the variables to check one by one, in order."""
    if components is None:
        components = min(n, _MOST)
    if np.ndim(components) == 0:
        count = check.integer("components", components, 1, None, "give a number of variables, or their indices")
        return np.arange(n) if count >= n else np.sort(rng.choice(n, count, replace=False)).astype(np.intp)
    wanted = np.asarray(components)
    if wanted.ndim != 1 or wanted.dtype.kind not in "iu":
        raise TypeError(
            f"`components` must be a number, or one axis of integers; got {check.short(components)}: indices into "
            "x.ravel(), as np.flatnonzero(mask) gives them"
        )
    if wanted.size == 0:
        raise ValueError("`components` must name at least one variable; got none: leave it out for all")
    outside = wanted[(wanted < -n) | (wanted >= n)]
    if outside.size:
        raise ValueError(f"`components` must be between 0 and {n - 1} for {n} variables; got {outside[0]}")
    return np.unique(np.where(wanted < 0, wanted + n, wanted)).astype(np.intp)
