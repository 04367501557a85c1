"""The operators as functions, one call each: ``fc.gradient(f, x, **options)`` is ``fc.Gradient(f, **options)(x)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from numpy.typing import ArrayLike, NDArray

from fastcalc._differences.operators import Derivative, Gradient, Hessian, Jacobian, ValueAndGradient
from fastcalc._differences.settings import Options, documented


@documented
def derivative(
    f: Callable[..., Any], x: ArrayLike, n: int = 1, *, out: NDArray[Any] | None = None, **options: Unpack[Options]
) -> Any:
    """n-th derivative of a function of one real variable, at one point or many.

    Parameters
    ----------
    f : callable or compiled function
        Function of one variable, called with one NumPy scalar at a time, with any shape of output. Vectorised, it is
        called with arrays ``(k,)`` and returns ``(k,)`` or ``(m, k)``.
    x : array_like
        A point or an array of points; bool, integer and float16 become float64.
    n : int, default 1
        Which derivative, 1 to 10.
    {options of one variable}

    Returns
    -------
    scalar, ndarray or DerivativeResult
        Shape of f's output followed by that of x; dtype ``np.result_type(x, f(x))``.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called.

    Notes
    -----
    The default, "adaptive", takes f at x and x +- h for a ladder of steps h, a factor of 1.5 apart (1.4 for n > 1), and
    extrapolates its odd or its even part, whichever has the parity of n,

        (f(x + h) - f(x - h)) / 2h,    (f(x + h) - 2 f(x) + f(x - h)) / 2h**2,

    as a polynomial in h**2, whose coefficient (n - 1) // 2 at h = 0 is f^(n)(x) / n!. Over a window of w consecutive
    steps (at most (n - 1) // 2 + 8 of them) the error is

        truncation: proportional to the square of each step but (n - 1) // 2 of them, so O(h**16) at most; estimated as
            the larger difference to two neighbouring windows, and as a geometric series where these fall slowly;
        rounding: at most sum(abs(weights) / h**q) (eps max(abs(f)) + noise), q = 1 or 2.

    The window with the smallest sum is taken, if its truncation is below a hundredth of the derivative or ten times the
    rounding, and if the part of the other parity is as regular: that is where a kink at x shows. The ladder goes on to
    smaller steps while truncation is what limits, in strides where f varies over far less than abs(x), and to
    larger ones while rounding does. Where the values contradict their rounding, eight in close succession tell noise
    from structure that the steps missed. In the end f at one more point must be what the window says. `error` is twice
    the sum of both errors, or of what that point missed and the rounding. One-sided ladders, near bounds and where f is
    not finite on one side of x, extrapolate ``(f(x + h) - f(x)) / h`` in h, with error O(h**8) at most.

    About 20 calls of f per point, 8 to 16 for an easy f; each further step costs 2, and noise, kinks and an x far
    larger than the scale of f cost 50 or more. Where rounding leaves fewer than six digits, steps may grow beyond
    abs(x): give `bounds` to an f that must not be called there. About 14, 12, 10 and 9 digits of 16 are right for
    n = 1 to 4, for an f that varies on the scale of its argument and rounds as floats do.

    With fixed steps, ``sum(weights * f(x + offsets * h)) / h**n`` for integer offsets and exact rational weights:
    `accuracy` calls of f per point for n = 1 and 2 and central differences, one more for even n. The error is
    C h**accuracy f^(n+accuracy)(x), see `Stencil.error_constant`, plus eps abs(f) sum(abs(weights)) / h**n from
    rounding.

    ``method="exact"`` calls f once per point, or block of points, on a Taylor polynomial in one variable of degree n:
    operations inside f take about n**2 / 2 multiplications instead of one. Errors are those of rounding.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988) 699-706,
    for the weights; J. N. Lyness, C. B. Moler, "Van der Monde systems and numerical differentiation", Numer. Math. 8
    (1966) 458-464, and C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Softw. 4 (1982)
    75-76, for extrapolation; J. J. Moré, S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011)
    1292-1314, for the noise.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> print(round(fc.derivative(np.exp, 0.0), 12))
    1.0
    >>> fc.derivative(np.sin, [0.0, np.pi / 2], 2).round(9)
    array([ 0., -1.])

    The error that comes with it holds for noisy functions, too:

    >>> result = fc.derivative(lambda x: np.exp(x).round(7), 1.0, full_output=True)
    >>> bool(abs(result.value - np.e) <= result.error < 1e-4), result.message
    (True, 'as accurate as the noise of f allows')
    """
    return Derivative(f, n, **options)(x, out=out)


@documented
def gradient(
    f: Callable[..., Any], x: ArrayLike, *, out: NDArray[Any] | None = None, **options: Unpack[Options]
) -> Any:
    """Gradient of a scalar function of many variables.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array of x's shape that returns a scalar, shape ``()`` or ``(1,)``. It gets a private copy of x.
    x : array_like
        The point, of any shape; bool, integer and float16 become float64. With ``vectorized=True`` ``(n, ...)``.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape of x; dtype ``np.result_type(x, f(x))``. Components that need a value of f that is not finite are NaN.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called; for an f that returns no
        scalar, after its first call.

    Notes
    -----
    ``(f(x + h_i e_i) - f(x - h_i e_i)) / 2 h_i``: 2n calls of f, and `accuracy` times n in general; one-sided
    ``accuracy * n + 1``, complex step n. The error is O(h**accuracy) plus eps abs(f) / h from rounding: about
    eps**(2/3) relative to well-scaled functions at accuracy 2, eps**(4/5) at accuracy 4.

    ``method="adaptive"`` takes about 20 calls per variable, 8 to 16 for an easy f, and one at x: the errors are then
    those of rounding, a few eps abs(f) / size, and known; see `derivative`.

    ``method="exact"`` calls f on Taylor polynomials of degree 1, arrays of f(x) and c partial derivatives: once for
    each chunk of c variables, all of them up to n = 180 or so, 32 for n = 1000. Each operation inside f takes 1 + c
    numbers for one, which is far faster than 2c calls as long as f consists of many short operations. Forward mode:
    Griewank, Walther, *Evaluating Derivatives*, SIAM 2008, section 3.1.

    References
    ----------
    J. Nocedal, S. Wright, *Numerical Optimization*, Springer 2006, section 8.1; for the complex step J. N. Lyness,
    C. B. Moler, "Numerical differentiation of analytic functions", SIAM J. Numer. Anal. 4 (1967) 202-210, and
    W. Squire, G. Trapp, SIAM Review 40 (1998) 110-112.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> f = lambda x: x[0] ** 2 + np.sin(x[1])
    >>> fc.gradient(f, [3.0, 0.0]).round(9)
    array([6., 1.])
    >>> result = fc.gradient(f, [3.0, 0.0], method="adaptive", full_output=True)
    >>> bool((abs(result.value - [6, 1]) <= result.error).all() and (result.error < 1e-11).all())
    True
    """
    return Gradient(f, **options)(x, out=out)


@documented
def value_and_gradient(
    f: Callable[..., Any], x: ArrayLike, *, out: NDArray[Any] | None = None, **options: Unpack[Options]
) -> Any:
    """f(x) and the gradient of a scalar function.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array of x's shape that returns a scalar.
    x : array_like
        The point, of any shape; with ``vectorized=True`` ``(n, ...)``.
    {options}

    Returns
    -------
    value : scalar or ndarray
        f(x); with ``vectorized=True`` of the shape of the batch.
    gradient : ndarray or scalar
        Shape of x. With ``full_output=True`` one `DerivativeResult` instead of both, whose ``fun`` is the value.

    Raises
    ------
    TypeError, ValueError
        As `gradient`.

    Notes
    -----
    One call of f more than `gradient`, none more where that is one-sided, adaptive or exact. Error as for `gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> value, slope = fc.value_and_gradient(lambda x: x @ x, np.array([1.0, 2.0]))
    >>> float(value), slope.round(9)
    (5.0, array([2., 4.]))
    """
    return ValueAndGradient(f, **options)(x, out=out)


@documented
def jacobian(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    sparsity: Any = None,
    out: NDArray[Any] | None = None,
    **options: Unpack[Options],
) -> Any:
    """Jacobian of a function with any shape of output.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array of x's shape that returns numbers, an array or a list of them, always of one shape.
    x : array_like
        The point, of any shape; bool, integer and float16 become float64. With ``vectorized=True`` ``(n, ...)``.
    sparsity : sparse array, array_like of bool or "detect", optional
        Where the Jacobian may be other than 0, one row for each output, one column for each variable: all entries that
        a SciPy sparse array stores, whatever their values, or what is not 0 of a dense one. "detect" finds it at the
        first x, see `detect_sparsity`. For one point x; takes no `out`.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape ``f(x).shape + x.shape``, never squeezed: ``(m, n)`` for a function from R^n to R^m. With
        ``vectorized=True`` ``(m, n, ...)``. dtype ``np.result_type(x, f(x))``. With `sparsity` a
        `scipy.sparse.csr_array` of shape ``(f(x).size, x.size)``, whose entries are those of the pattern; with
        ``full_output=True`` its errors, steps and statuses are arrays in the order of ``value.data``.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called; for outputs that are no
        numbers or change their shape, when they come; for a `sparsity` that does not fit f, or lacks entries.
    ImportError
        For `sparsity` without SciPy.

    Notes
    -----
    One column per variable, as for `gradient`: 2n calls of f, the same errors. Results are combined in blocks of
    columns: the values of f are never all in memory. ``method="adaptive"`` goes on with a column until the last of its
    outputs is content, each with steps of its own choice: about 20 calls per column for outputs that are alike.
    ``method="exact"`` calls f once for each chunk of variables, as for `gradient`.

    With `sparsity`, columns that share no row are displaced together, see `color_columns`: 2 calls of f per colour, 6
    for a tridiagonal Jacobian of any size, with the same entries as without it, one-sided near bounds as each variable
    wants. The first use takes 2 calls more, or a few: a derivative along a random vector, which must be what the
    entries say. A pattern that lacks an entry raises, with the row; one that changes its row by less than 1e-6, or by
    less than rounding, goes unnoticed, as do entries that are 0 at this x. An operator, `Jacobian`, finds colours once.

    References
    ----------
    A. R. Curtis, M. J. D. Powell, J. K. Reid, "On the estimation of sparse Jacobian matrices", J. Inst. Math. Appl. 13
    (1974) 117-119.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> fc.jacobian(lambda x: np.array([x[0] * x[1], x[0], x[1] ** 2]), [2.0, 3.0]).round(9)
    array([[3., 2.],
           [1., 0.],
           [0., 6.]])

    A pattern, here with two entries in each row, makes it sparse:

    >>> pattern = np.eye(5) + np.eye(5, k=1)
    >>> f = lambda x: x**2 + np.append(x[1:], 0)
    >>> J = fc.jacobian(f, np.arange(5.0), sparsity=pattern)
    >>> type(J).__name__, J.nnz, J.diagonal().round(6), J.diagonal(1).round(6)
    ('csr_array', 9, array([0., 2., 4., 6., 8.]), array([1., 1., 1., 1.]))
    """
    return Jacobian(f, sparsity=sparsity, **options)(x, out=out)


@documented
def hessian(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    gradient: Callable[..., Any] | None = None,
    sparsity: Any = None,
    out: NDArray[Any] | None = None,
    **options: Unpack[Options],
) -> Any:
    """Hessian of a function, from its values or from its gradient.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array of x's shape; usually scalar.
    x : array_like
        The point, of any shape; bool, integer and float16 become float64. With ``vectorized=True`` ``(n, ...)``.
    gradient : callable or compiled function, optional
        Gradient of f, returning x's shape: its Jacobian, symmetrised, is more accurate and costs 2n calls.
    sparsity : sparse array, array_like of bool or "detect", optional
        Where the Hessian of a scalar f may be other than 0, ``(n, n)``, as for `jacobian`; one triangle is enough.
        "detect" takes far fewer calls with a `gradient`.
    {options}

    Returns
    -------
    ndarray, scalar or DerivativeResult
        Shape ``f(x).shape + x.shape + x.shape``, symmetric to the last bit; ``(n, n, ...)`` with ``vectorized=True``.
        Steps of mixed derivatives are reported as geometric means. With `sparsity` a `scipy.sparse.csr_array`
        ``(x.size, x.size)``, and errors, steps and statuses in the order of ``value.data``; from a gradient the steps
        are those of the variable that moved.

    Raises
    ------
    TypeError, ValueError
        For arguments of the wrong kind, or of a wrong value or shape, before f is called; for a `gradient` that does
        not return the shape of x, after its first call; for a `sparsity` that does not fit f, or lacks entries.
    ImportError
        For `sparsity` without SciPy.

    Notes
    -----
    ``1 + n + n**2`` calls of f for central differences of accuracy 2, by polarisation: with second differences S along
    h_i e_i, h_j e_j and their sum, ``f_ij = (S_ij - S_i - S_j) / 2 h_i h_j`` uses f(x), f(x +- h_i e_i) and
    f(x +- (h_i e_i + h_j e_j)). In general ``1 + accuracy * n (n + 1) / 2`` calls, for one-sided differences
    ``1 + (accuracy + 1) * n (n + 1) / 2``. The error is O(h**accuracy) plus eps abs(f) / h**2 from rounding: about
    eps**(1/2) relative at accuracy 2, eps**(2/3) at accuracy 4.

    ``method="exact"`` calls f once, on Taylor polynomials of degree 2 with (n + 1) (n + 2) / 2 coefficients; from
    n = 101 or so on several times, for the variables of two chunks each.

    ``method="adaptive"`` finds S by extrapolation, see `derivative`, for each of the n (n + 1) / 2 variables and pairs
    of them with about 20 calls, 8 to 16 for an easy f, and relative errors of about eps**(3/4) that are known: those of
    f_ij contain those of f_ii and f_jj.

    With `sparsity` and `gradient`, variables of one colour of a star colouring move together, 2 calls of the gradient
    per colour, and each entry is read off the row of one variable along the colour of the other: 6 calls for a
    tridiagonal Hessian. Without a gradient, 2 calls for each variable and 2 for each pair in the pattern, and one at
    x. Patterns are verified at the first use as for `jacobian`; from values of f alone by one second derivative along a
    random vector, which notices only what is above the rounding of f.

    References
    ----------
    T. F. Coleman, J. J. Moré, "Estimation of sparse Hessian matrices and graph coloring problems", Math. Program. 28
    (1984) 243-270, for star colourings; M. Abramowitz, I. Stegun, *Handbook of Mathematical
    Functions*, 1964, formula 25.3.27, for accuracy 2.

    Examples
    --------
    >>> import fastcalc as fc
    >>> fc.hessian(lambda x: x[0] ** 2 * x[1] ** 3, [1.0, 2.0]).round(3)
    array([[16., 24.],
           [24., 12.]])

    With a pattern, from a gradient; H is a `scipy.sparse.csr_array`:

    >>> import numpy as np
    >>> gradient = lambda x: 4 * x**3 + np.append(x[1:], 0) + np.append(0, x[:-1])
    >>> pattern = np.eye(4) + np.eye(4, k=1)
    >>> H = fc.hessian(lambda x: (x**4).sum() + x[1:] @ x[:-1], np.ones(4), gradient=gradient, sparsity=pattern)
    >>> H.diagonal().round(6), H.diagonal(1).round(6)
    (array([12., 12., 12., 12.]), array([1., 1., 1.]))
    """
    return Hessian(f, gradient=gradient, sparsity=sparsity, **options)(x, out=out)
