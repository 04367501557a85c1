"""Finite-difference weights: exact rationals for integer offsets, Fornberg's recurrence for any other nodes.

The weights of the n-th derivative at 0 on offsets o_1, ..., o_N are the n-th derivatives of the Lagrange polynomials,

    w_j = n! [x**n] prod_{k != j} (x - o_k) / (o_j - o_k),

where [x**n] picks a coefficient. For integers, numerator and denominator are integers too, so the weights are computed
without any rounding and rounded once, at the end.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc._kernels.fornberg import fornberg_weights

__all__ = ["Stencil", "embedded", "fd_weights", "stencil"]

Kind = Literal["central", "forward", "backward", "custom"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stencil:
    """Finite-difference formula on integer offsets, with exact weights; made by `stencil`.

    ``sum(weights[j] * f(x + offsets[j] * h)) / h**n`` approximates the n-th derivative of f at x.

    Attributes
    ----------
    n : int
        Which derivative.
    accuracy : int
        Order p of the error, ``O(h**p)``.
    kind : {"central", "forward", "backward", "custom"}
        Where the offsets come from.
    offsets : ndarray of intp, shape (size,), read-only
        Sample positions in units of h, ascending; only those with a weight other than zero.
    weights : ndarray of float64, shape (size,), read-only
        Weights for h = 1: `exact`, correctly rounded.
    exact : tuple of Fraction, length size
        The weights as rational numbers.
    error_constant : Fraction
        C in ``approximation - derivative = C * h**p * f^(n + p)(x) + ...``.
    integer_weights : tuple of int, length size
        ``exact`` times `denominator`.
    denominator : int
        Least common denominator of the weights.

    Notes
    -----
    Stencils are equal when `n`, `kind` and `offsets` are: the weights follow from these. Copies and unpickled stencils
    come from the same cache as new ones.
    """

    n: int
    accuracy: int
    kind: Kind
    offsets: NDArray[np.intp]
    weights: NDArray[np.float64]
    exact: tuple[Fraction, ...]
    error_constant: Fraction
    integer_weights: tuple[int, ...]
    denominator: int

    def apply(self, values: ArrayLike, h: float | np.floating[Any] = 1.0) -> Any:
        """Differentiate samples.

        Parameters
        ----------
        values : array_like, shape (size, ...)
            ``f(x + offsets * h)`` along the first axis. Integers, bools and float16 promote to float64.
        h : float, default 1.0
            Distance between neighbouring offsets, in units of x; negative values mirror the stencil.

        Returns
        -------
        ndarray or scalar, shape ``values.shape[1:]``
            The n-th derivative at x, in the dtype of `values`; exactly 0 for constant finite values.

        Raises
        ------
        TypeError
            If `values` is not numeric.
        ValueError
            If the first axis of `values` does not match the offsets, or `h` is zero or not finite.

        Examples
        --------
        >>> import fastcalc as fc
        >>> second = fc.stencil(2)
        >>> float(second.apply([(3 + k) ** 2 for k in second.offsets]))
        2.0
        """
        f = np.asarray(values)
        if f.dtype.kind not in "biufc":
            raise TypeError(f"`values` must be numbers; got dtype {f.dtype}: convert them first")
        if f.dtype.kind in "biu" or f.dtype == np.float16:
            f = f.astype(np.float64)
        size = len(self.exact)
        if f.ndim == 0 or f.shape[0] != size:
            raise ValueError(
                f"`values` must have one entry per offset along its first axis, {size} of them; got shape {f.shape}: "
                "sample f at x + offsets * h"
            )
        step = np.asarray(h, dtype=f.real.dtype)
        if step.ndim or not np.isfinite(step) or step == 0:
            raise ValueError(f"`h` must be a finite number other than zero; got {h!r}: use 1.0 for unit spacing")

        weights: list[Any] = self.weights.tolist()
        if f.dtype.char in "gG":
            weights = [np.longdouble(q.numerator) / np.longdouble(q.denominator) for q in self.exact]
        # The weights sum to zero, so one sample may be subtracted from all: then a constant gives 0 whatever the
        # rounding of the weights. Pairing the ends cancels an even f in odd derivatives just as exactly.
        centre = f[np.argmin(abs(self.offsets))]
        terms = [w * (value - centre) for w, value in zip(weights, f, strict=True)]
        half = size // 2
        total = sum(terms[j] + terms[-1 - j] for j in range(half))
        if size % 2:
            total = total + terms[half]
        return total / step**self.n

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stencil):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int, Kind, tuple[int, ...]]:
        return self.n, self.kind, tuple(self.offsets.tolist())

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the cache: plain pickling would bring the arrays back writable.
        return _build, self._key()

    def __repr__(self) -> str:
        weights = ", ".join(map(str, self.exact))
        return (
            f"Stencil(n={self.n}, accuracy={self.accuracy}, kind={self.kind!r}, "
            f"offsets={self.offsets.tolist()}, weights=[{weights}])"
        )

    def __str__(self) -> str:
        name = "f" + ("'" * self.n if self.n < 4 else f"^({self.n})")
        step = "h" if self.n == 1 else f"h**{self.n}"
        error = "h" if self.accuracy == 1 else f"h**{self.accuracy}"
        divisor = step if self.denominator == 1 else f"({self.denominator} {step})"
        return f"{name}(x) = ({self._numerator()}) / {divisor} + O({error})"

    def _repr_latex_(self) -> str:
        name = "f" + ("'" * self.n if self.n < 4 else f"^{{({self.n})}}")
        step = "h" if self.n == 1 else f"h^{{{self.n}}}"
        error = "h" if self.accuracy == 1 else f"h^{{{self.accuracy}}}"
        divisor = step if self.denominator == 1 else rf"{self.denominator} \, {step}"
        return rf"$\displaystyle {name}(x) = \frac{{{self._numerator()}}}{{{divisor}}} + O({error})$"

    def _numerator(self) -> str:
        """Return the weighted sum over the common denominator, farthest offset ahead first."""
        text = ""
        for offset, weight in zip(self.offsets.tolist()[::-1], self.integer_weights[::-1], strict=True):
            factor = "" if abs(weight) == 1 else f"{abs(weight)} "
            multiple = "" if abs(offset) == 1 else f"{abs(offset)}"
            shift = f"{'-' if offset < 0 else '+'}{multiple}h" if offset else ""
            sign = (" - " if weight < 0 else " + ") if text else ("-" if weight < 0 else "")
            text += f"{sign}{factor}f(x{shift})"
        return text


def stencil(
    n: SupportsIndex = 1,
    *,
    accuracy: SupportsIndex = 2,
    kind: Literal["central", "forward", "backward"] = "central",
    offsets: Iterable[SupportsIndex] | None = None,
) -> Stencil:
    """Return the finite-difference formula of a derivative on equally spaced points.

    Parameters
    ----------
    n : int, default 1
        Which derivative, 1 or more.
    accuracy : int, default 2
        Order of the error, ``O(h**accuracy)``: even for ``kind="central"``, 1 or more otherwise.
    kind : {"central", "forward", "backward"}, default "central"
        Offsets -m to m with m = (n + 1) // 2 + accuracy // 2 - 1, or 0 to n + accuracy - 1, or their mirror image.
    offsets : iterable of int, optional
        Any distinct integers instead, at least n + 1, in any order. They fix `kind` ("custom") and `accuracy`.

    Returns
    -------
    Stencil
        Immutable; offsets whose weight is zero are dropped, whoever chose them, for f is not needed there.

    Raises
    ------
    TypeError
        If an argument is not of its kind, or `offsets` come with an `accuracy` or `kind` of their own.
    ValueError
        If a value breaks its rule, or a weight leaves the range of float64.

    See Also
    --------
    fd_weights : Weights for any nodes, and for interpolation (n = 0).

    Notes
    -----
    The weights are exact for polynomials of degree n + accuracy - 1. With N offsets, zero weights included, accuracy is
    N - n, or N - n + 1 where the coefficient of x**n in P(x) = prod (x - offset) vanishes, as it does for symmetric
    offsets when N - n is odd. Cost: O(N**2) operations on integers the first time, a microsecond or two afterwards.

    References
    ----------
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Math. Comp. 51 (1988) 699-706,
    tables 1 and 3, doi:10.1090/S0025-5718-1988-0935077-0.

    Examples
    --------
    >>> import fastcalc as fc
    >>> print(fc.stencil())
    f'(x) = (f(x+h) - f(x-h)) / (2 h) + O(h**2)
    >>> fc.stencil(2, kind="forward")
    Stencil(n=2, accuracy=2, kind='forward', offsets=[0, 1, 2, 3], weights=[2, -5, 4, -1])
    >>> fc.stencil(1, offsets=[-1, 0, 2]).weights.tolist()
    [-0.6666666666666666, 0.5, 0.16666666666666666]
    """
    n = _integer("n", n)
    if n < 1:
        raise ValueError(f"`n` must be a positive integer; got {n}: use `fd_weights` to interpolate (n=0)")
    accuracy = _integer("accuracy", accuracy)
    if offsets is not None:
        if accuracy != 2 or kind != "central":
            raise TypeError(
                "`offsets` fix `accuracy` and `kind`; "
                f"got accuracy={accuracy}, kind={kind!r} as well: leave them out or drop `offsets`"
            )
        return _build(n, "custom", _distinct_offsets(n, offsets))
    return _standard(n, accuracy, kind)


def embedded(stencil: Stencil) -> Stencil | None:
    """Return the stencil of the same derivative and kind, two orders less accurate, on a subset of the offsets.

    The difference of the two on the same samples estimates the truncation error. None where there is no such stencil:
    custom offsets, central accuracy 2, one-sided accuracy 1 and 2.

    Examples
    --------
    >>> import fastcalc as fc
    >>> from fastcalc._differences.stencils import embedded
    >>> embedded(fc.stencil(accuracy=4))
    Stencil(n=1, accuracy=2, kind='central', offsets=[-1, 1], weights=[-1/2, 1/2])
    """
    accuracy = stencil.accuracy - 2
    if stencil.kind == "custom" or accuracy < 1:
        return None
    return _standard(stencil.n, accuracy, stencil.kind)


def fd_weights(nodes: ArrayLike, at: float | np.floating[Any] | np.integer[Any], n: SupportsIndex) -> NDArray[Any]:
    """Return finite-difference weights on any distinct nodes, for all derivatives up to the n-th.

    Parameters
    ----------
    nodes : array_like, shape (size,)
        Distinct finite real numbers in any order, in units of x. Integers, bools and float16 promote to float64.
    at : float
        The point where the derivatives are wanted; it need not be a node.
    n : int
        Highest derivative, 0 (interpolation alone) to size - 1.

    Returns
    -------
    ndarray, shape (n + 1, size)
        ``weights[k] @ f(nodes)`` approximates the k-th derivative of f at `at`; columns in the order of `nodes`. The
        dtype is that of `nodes` and `at` together; float32 is computed in float64 and rounded at the end.

    Raises
    ------
    TypeError
        If `nodes` or `at` are not real numbers, or `n` is not an integer.
    ValueError
        If `nodes` are not one-dimensional, repeated, not finite, fewer than n + 1 or farther apart than the dtype's
        range, `at` is not a finite scalar, or `n` is negative.

    See Also
    --------
    stencil : Exact weights for equally spaced nodes.

    Notes
    -----
    Row k is exact for polynomials of degree size - 1, up to rounding; its error is O(h**(size - k)) for nodes within a
    distance h of `at`. The rounding error of a weight stays within ``size * eps`` times what the Lagrange formula gives
    with all its terms made positive; for regular nodes that is a few eps times the sum of the row's absolute values.
    Weights beyond the range of the dtype come out as inf or nan. Cost: O(size**2 (n + 1)) operations, without the GIL.

    References
    ----------
    B. Fornberg, "Calculation of weights in finite difference formulas", SIAM Review 40 (1998) 685-691,
    doi:10.1137/S0036144596322507.

    Examples
    --------
    >>> import fastcalc as fc
    >>> fc.fd_weights([-1, 0, 1], at=0, n=2)
    array([[ 0. ,  1. ,  0. ],
           [-0.5,  0. ,  0.5],
           [ 1. , -2. ,  1. ]])
    """
    x, z = _real_array("nodes", nodes), _real_array("at", at)
    n = _integer("n", n)
    # A Python number takes on the dtype of the nodes, as in any expression of NumPy's.
    dtype = np.result_type(x, at if isinstance(at, (int, float)) else z).newbyteorder("=")
    work = dtype if dtype.char == "g" else np.dtype(np.float64)
    x, z = x.astype(work), z.astype(dtype).astype(work)
    _check_nodes(x, z, n)

    # Nearest node first: no partial set of nodes extrapolates farther than it must, so the weights on the way there are
    # no larger than the final ones. The worst rows on 40 integers or Chebyshev nodes were off by 4 and 6 eps times
    # their sum of absolute values; in ascending order by 114 and 146, in a Leja order by 19 and 7.
    distances = x - z
    order = np.argsort(abs(distances), kind="stable")
    sorted_weights = np.zeros((n + 1, x.size), dtype=work)
    fornberg_weights(x[order], distances[order], sorted_weights)
    weights = np.empty((n + 1, x.size), dtype=dtype)
    weights[:, order] = sorted_weights + 0.0  # turns -0.0 into 0.0
    return weights


@functools.lru_cache(maxsize=1024)
def _build(n: int, kind: Kind, offsets: tuple[int, ...]) -> Stencil:
    """Return the stencil of the n-th derivative on distinct ascending offsets, n + 1 of them or more."""
    weights, accuracy, constant = _exact_weights(n, offsets)
    used = [j for j, weight in enumerate(weights) if weight]
    exact = tuple(weights[j] for j in used)
    denominator = math.lcm(*(weight.denominator for weight in exact))
    try:
        rounded = [float(weight) for weight in exact]
        positions = np.array([offsets[j] for j in used], dtype=np.intp)
    except OverflowError:
        raise ValueError(
            f"`n` and `offsets` must give weights within float64 and offsets within {np.dtype(np.intp)}; "
            f"got n={n} with {len(offsets)} offsets from {offsets[0]} to {offsets[-1]}: use fewer or smaller ones"
        ) from None
    return Stencil(
        n=n,
        accuracy=accuracy,
        kind=kind,
        offsets=_frozen(positions),
        weights=_frozen(np.array(rounded)),
        exact=exact,
        error_constant=constant,
        integer_weights=tuple(int(weight * denominator) for weight in exact),
        denominator=denominator,
    )


def _exact_weights(n: int, offsets: tuple[int, ...]) -> tuple[list[Fraction], int, Fraction]:
    """Return weights, accuracy and error constant of the n-th derivative, n >= 1, in exact arithmetic."""
    size = len(offsets)
    nodal = [1]  # coefficients of P(x) = prod (x - offset), the constant first
    for offset in offsets:
        nodal = [lower - offset * same for lower, same in zip([0, *nodal], [*nodal, 0], strict=True)]

    weights = []
    for offset in offsets:
        coefficient = 0  # of x**n in P(x) / (x - offset): Horner's rule from the highest power down
        for c in reversed(nodal[n + 1 :]):
            coefficient = c + offset * coefficient
        divisor = math.prod(offset - other for other in offsets if other != offset)
        weights.append(Fraction(math.factorial(n) * coefficient, divisor))

    # x**size is interpolated by x**size - P(x), and x**(size+1) by x**(size+1) - (x + s) P(x) with s the sum of the
    # offsets; what the n-th derivative of P (of x P, if that is zero) misses is the first term of the error. One of
    # the two is there: a polynomial with distinct real roots has no two vanishing coefficients in a row.
    m, lost = (size, nodal[n]) if nodal[n] else (size + 1, nodal[n - 1])
    return weights, m - n, Fraction(-math.factorial(n) * lost, math.factorial(m))


def _standard(n: int, accuracy: int, kind: str) -> Stencil:
    """Return a central, forward or backward stencil after checking `accuracy` and `kind`."""
    if not isinstance(kind, str):
        raise TypeError(f"`kind` must be a string; got {kind!r} of type {type(kind).__name__}: use 'central'")
    if kind == "central":
        if accuracy < 1 or accuracy % 2:
            remedy = f"use {accuracy - 1} or {accuracy + 1}" if accuracy > 1 else "use 2"
            raise ValueError(
                f"`accuracy` must be a positive even integer for central differences; got {accuracy}: {remedy}"
            )
        m = (n + 1) // 2 + accuracy // 2 - 1
        return _build(n, "central", tuple(range(-m, m + 1)))
    if kind not in ("forward", "backward"):
        raise ValueError(
            f"`kind` must be 'central', 'forward' or 'backward'; got {kind!r}: give `offsets` for any other stencil"
        )
    if accuracy < 1:
        raise ValueError(f"`accuracy` must be a positive integer for {kind} differences; got {accuracy}: use 1 or more")
    last = n + accuracy - 1
    if kind == "forward":
        return _build(n, "forward", tuple(range(last + 1)))
    return _build(n, "backward", tuple(range(-last, 1)))


def _distinct_offsets(n: int, offsets: Iterable[SupportsIndex]) -> tuple[int, ...]:
    """Return offsets given by the user as ascending integers."""
    try:
        given = list(offsets)
    except TypeError:
        raise TypeError(
            f"`offsets` must be a sequence of integers; got {offsets!r} of type {type(offsets).__name__}: use a list"
        ) from None
    values = sorted(_integer("offsets", offset, "use `fd_weights` for other nodes") for offset in given)
    for before, value in itertools.pairwise(values):
        if before == value:
            raise ValueError(f"`offsets` must be distinct; got {value} more than once: remove the repeats")
    if len(values) <= n:
        raise ValueError(
            f"`offsets` must hold at least n + 1 = {n + 1} integers for n={n}; got {len(values)}: "
            "add offsets or lower `n`"
        )
    return tuple(values)


def _check_nodes(x: NDArray[Any], z: NDArray[Any], n: int) -> None:
    """Raise ValueError unless the derivatives up to n at z have weights on the nodes x."""
    if x.ndim != 1:
        raise ValueError(f"`nodes` must be one-dimensional; got shape {x.shape}: pass one row of nodes at a time")
    if z.ndim != 0:
        raise ValueError(f"`at` must be a scalar; got shape {z.shape}: call once for each point")
    if n < 0:
        raise ValueError(f"`n` must be a non-negative integer; got {n}: use 0 for interpolation alone")
    if x.size <= n:
        raise ValueError(
            f"`nodes` must hold at least n + 1 = {n + 1} points for derivatives up to n={n}; got {x.size}: "
            "add nodes or lower `n`"
        )
    if not np.isfinite(z):
        raise ValueError(f"`at` must be finite; got {z}: choose a point near the nodes")
    if not np.isfinite(x).all():
        raise ValueError(f"`nodes` must be finite; got {x[~np.isfinite(x)][0]}: remove it")
    ascending = np.sort(x)
    with np.errstate(over="ignore"):
        span = max(ascending[-1], z) - min(ascending[0], z)
    if not np.isfinite(span):
        raise ValueError(
            f"`nodes` and `at` must have finite differences; got nodes from {ascending[0]} to {ascending[-1]} "
            f"and at={z}: scale them down"
        )
    repeated = ascending[1:] == ascending[:-1]
    if repeated.any():
        value = ascending[1:][repeated][0]
        raise ValueError(f"`nodes` must be distinct; got {value} more than once: remove the repeats")


def _real_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return an array of float32, float64 or longdouble."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must be real numbers; got dtype {array.dtype}: convert to float64 first")
    return array.astype(np.float64) if array.dtype.kind != "f" or array.dtype == np.float16 else array


def _integer(name: str, value: SupportsIndex, remedy: str = "use an int") -> int:
    """Return value as an int; floats and bools are not integers here."""
    try:
        if not isinstance(value, (bool, np.bool_)):
            return operator.index(value)
    except TypeError:
        pass
    raise TypeError(f"`{name}` must be an integer; got {value!r} of type {type(value).__name__}: {remedy}")


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that can't be made writable again: cached arrays are shared by all who ask."""
    return np.frombuffer(array.tobytes(), dtype=array.dtype)
