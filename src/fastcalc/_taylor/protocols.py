"""NumPy's protocols: ufuncs and functions of NumPy called with polynomials come here and find their own versions."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastcalc._taylor import special, ufuncs, userfunction
from fastcalc._taylor.arrays import dispatch
from fastcalc._taylor.data import Data, lifted
from fastcalc._taylor.operands import as_polynomial, operand, store

_IGNORED = {"order", "subok", "casting"}


class Protocols(Data):
    """``__array_ufunc__`` and ``__array_function__``."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """The ufunc of polynomials, as NumPy calls it."""
        if method != "__call__":
            return dispatch.ufunc_method(ufunc, method, *inputs, **options)
        if not options:
            function = ufuncs.UFUNCS.get(ufunc)
            if function is None:
                return _other(ufunc, inputs)
            return function(*inputs) if len(inputs) == 1 else function(*map(operand, inputs))
        out, where, dtype = options.pop("out", None), options.pop("where", True), options.pop("dtype", None)
        unknown = options.keys() - _IGNORED
        if unknown:
            raise TypeError(f"np.{ufunc.__name__} of polynomials has no option {sorted(unknown)[0]!r}: leave it out")
        result = self.__array_ufunc__(ufunc, method, *inputs)
        if dtype is not None and isinstance(result, Data):
            result = result.astype(dtype)
        if out is not None:
            return store(result, out[0], where)
        return result if where is True else _masked(result, where)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """The function of NumPy for polynomials."""
        handler = dispatch.FUNCTIONS.get(function)
        if handler is None:
            name = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
            raise TypeError(
                f"{name} is not available for Taylor polynomials: write it with other NumPy functions, or take "
                "method='adaptive' or method='numeric', which need values alone"
            )
        return handler(*args, **kwargs)


def _other(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
    """Predicates, functions of array_like arguments, those of SciPy, and those of users."""
    operands = tuple(map(operand, inputs))
    if ufunc in ufuncs.PREDICATES:
        return ufunc(*(value._coef[0] if isinstance(value, Data) else value for value in operands))
    if ufunc in dispatch.UFUNCS:
        return dispatch.UFUNCS[ufunc](*operands)
    handler = userfunction.find(ufunc) or special.find(ufunc)
    if handler is not None:
        return handler(*operands)
    raise TypeError(
        f"{ufunc.__name__} is not known for Taylor polynomials: give its derivatives with fc.taylor_function, or take "
        "method='adaptive' or method='numeric', which need values alone"
    )


def _masked(result: Any, where: Any) -> Any:
    """A result of which only a part was asked for; the rest is NaN."""
    if not isinstance(result, Data):
        raise TypeError("`where` without `out` is not available for functions of the constant terms: give `out`")
    shape = np.broadcast_shapes(result.shape, np.shape(where))
    coef = np.where(where, lifted(result._coef, len(shape)), result.dtype.type(np.nan))
    return as_polynomial(result._like(coef), result)
