"""Functions that users add, with their derivatives: a polynomial is put into the Taylor series of the function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc import _validation as check
from fastcalc._instructions import series
from fastcalc._taylor import singular, ufuncs
from fastcalc._taylor.data import Data, series_dtype
from fastcalc._taylor.operands import operand

Derivatives = Callable[[Any, int], Any] | Sequence[Callable[[Any], Any]]

_registered: dict[np.ufunc, TaylorFunction] = {}
_lock = threading.Lock()


def taylor_function(f: Callable[[Any], Any], derivatives: Derivatives) -> TaylorFunction:
    """A function of one variable that works on Taylor polynomials too, from its derivatives.

    Parameters
    ----------
    f : callable
        ``f(x)`` for a number or an array, entry by entry. If it is a ufunc, it works on polynomials itself from then
        on, in the whole process; to do so again replaces the derivatives.
    derivatives : callable or list of callables
        Either ``derivatives(x, degree)``, which returns f(x), f'(x), ... up to that order, an array of shape
        ``(degree + 1, *x.shape)``; or functions like f, ``[f', f'', ...]``, for polynomials of at most that many
        degrees. They are derivatives proper, not divided by factorials.

    Returns
    -------
    callable
        Calls f for numbers and arrays. For polynomials, the constant term is that of f, and the others follow from the
        derivatives; where f is not finite, they are NaN.

    Raises
    ------
    TypeError, ValueError
        For arguments of another kind; for a ufunc that is known anyway, or of several variables. At a call, for
        derivatives of another shape, and for polynomials of a higher degree than there are derivatives.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> erf = fc.taylor_function(
    ...     np.vectorize(math.erf, otypes=[float]),
    ...     [lambda x: 1.1283792 * np.exp(-x * x), lambda x: -2.2567583 * x * np.exp(-x * x)],
    ... )
    >>> x = fc.TaylorSpace(1, 2).variables([0.0])[0]
    >>> erf(2 * x).coef.round(6)
    array([0.      , 2.256758, 0.      ])
    >>> sine = fc.taylor_function(np.sin, lambda x, degree: [np.sin(x + k * np.pi / 2) for k in range(degree + 1)])
    Traceback (most recent call last):
        ...
    ValueError: `f` must be a function that polynomials don't know; got np.sin: call it as it is
    """
    if not callable(f):
        raise TypeError(f"`f` must be callable; got {check.short(f)}: give a function of one variable")
    if not callable(derivatives):
        entries = derivatives if isinstance(derivatives, (list, tuple)) else ()
        if not entries or not all(map(callable, entries)):
            raise TypeError(
                "`derivatives` must be a callable (x, degree), or a list of the functions f', f'', ...; got "
                f"{check.short(derivatives)}: give at least one derivative"
            )
        derivatives = tuple(derivatives)
    function = TaylorFunction(f, derivatives)
    if isinstance(f, np.ufunc):
        if f in ufuncs.UFUNCS or f in ufuncs.PREDICATES:
            raise ValueError(
                f"`f` must be a function that polynomials don't know; got np.{f.__name__}: call it as it is"
            )
        if (f.nin, f.nout) != (1, 1):
            raise ValueError(f"`f` must have one argument and one result; got {f.__name__} with {f.nin} and {f.nout}")
        with _lock:
            _registered[f] = function
    return function


def find(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """The version for polynomials of a ufunc that a user has added."""
    return _registered.get(ufunc)


class TaylorFunction:
    """What `taylor_function` returns: f with its derivatives. Pickles if they do."""

    f: Callable[[Any], Any]
    derivatives: Callable[[Any, int], Any] | tuple[Callable[[Any], Any], ...]

    def __init__(self, f: Any, derivatives: Any) -> None:
        update_wrapper(self, f, updated=())
        self.f, self.derivatives = f, derivatives

    def __repr__(self) -> str:
        return f"taylor_function({_name(self.f)})"

    def __call__(self, x: Any) -> Any:
        """f(x) of a number, an array or a polynomial."""
        if isinstance(x, Data):
            return self._of_polynomial(x)
        if isinstance(x, np.ndarray) and x.dtype == object:
            x = operand(x)
            if isinstance(x, Data):
                return self._of_polynomial(x)
        return self.f(x)

    def _of_polynomial(self, a: Data) -> Data:
        x, degree = a._coef[0], a._space.degree
        value = check.as_numbers(_name(self.f), _plain(self.f(x)))
        if value.shape != a.shape:
            raise ValueError(
                f"`f` must work entry by entry; {_name(self.f)} made shape {value.shape} of {a.shape}: vectorize it"
            )
        rows = self._derivatives(x, degree)
        dtype = a.dtype if value.dtype.kind != "c" else np.dtype(np.complex128)
        g = np.empty((degree + 1, *a.shape), series_dtype(np.result_type(a.dtype, dtype)))
        g[0] = value
        for k in range(1, degree + 1):
            g[k] = rows[k]
            for j in range(2, k + 1):  # k! itself may be beyond the numbers
                g[k] /= j
        coef = np.ascontiguousarray(a._coef, g.dtype)
        return singular.settled(a._like(series.compose(a._space.tables, coef, g)), g[0])

    def _derivatives(self, x: Any, degree: int) -> Any:
        """Derivatives by their order, from 1 on, each of the shape of x."""
        if isinstance(self.derivatives, tuple):
            if len(self.derivatives) < degree:
                raise ValueError(
                    f"{_name(self.f)} has {len(self.derivatives)} derivatives, and a polynomial of degree {degree} "
                    f"needs {degree}: give more to fc.taylor_function, give a callable (x, degree), or lower the degree"
                )
            orders = [check.as_numbers("derivatives", _plain(d(x))) for d in self.derivatives[:degree]]
            for k, row in enumerate(orders, 1):
                if row.shape not in ((), np.shape(x)):
                    raise ValueError(
                        f"`derivatives` must work entry by entry; derivative {k} of {_name(self.f)} made shape "
                        f"{row.shape} of {np.shape(x)}: vectorize it"
                    )
            return [None, *orders]
        rows: NDArray[Any] = check.as_numbers("derivatives", _plain(self.derivatives(x, degree)))
        if rows.shape != (degree + 1, *np.shape(x)):
            raise ValueError(
                f"`derivatives` must return f and its derivatives, shape {(degree + 1, *np.shape(x))} at degree "
                f"{degree}; got shape {rows.shape}: one row for each order from 0 on"
            )
        return rows


def _name(f: Any) -> str:
    return getattr(f, "__name__", None) or type(f).__name__


def _plain(values: Any) -> NDArray[Any]:
    """Numbers as an array; those of np.frompyfunc come as objects."""
    array = np.asarray(values)
    return np.asarray(array.tolist()) if array.dtype == object else array
