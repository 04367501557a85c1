"""Powers: products for integers, a recurrence for other numbers, exp(b log(a)) for polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._instructions import series
from fastcalc._taylor import roots, singular
from fastcalc._taylor.data import Data
from fastcalc._taylor.elementary import exp_with, log, product, reciprocal, replaced, sqrt, square
from fastcalc._taylor.operands import aligned, as_polynomial, scaled

_HIGHEST_POWER = 1024  # of repeated multiplication


def power(a: Any, b: Any) -> Data:
    """a**b: products for integers b, a recurrence for other numbers, exp(b log(a)) for polynomials."""
    if b.__class__ is int or b.__class__ is float:
        return number_power(a, b)
    if not isinstance(b, Data):
        if np.ndim(b) == 0:
            return number_power(a, b[()] if isinstance(b, np.ndarray) else b)
        return _powers(a, b)
    if not isinstance(a, Data):
        return _number_to(a, b)
    if not b._coef[1:].any():
        return power(a, b._coef[0])
    a, b = aligned(a, b)
    base = a._coef[0]
    value = np.power(base, b._coef[0])
    smooth = base != 0 if a.dtype.kind == "c" else base > 0
    c = exp_with(product(b, log(replaced(a.copy(), np.where(smooth, base, 1)))), value, a, b)
    for at in np.argwhere(~smooth):
        lane = (slice(1, None), *at)
        c._coef[lane] = _power_of_no_logarithm(a[tuple(at)], b[tuple(at)])[1:]
    return c


def _number_to(base: Any, b: Data) -> Data:
    """A number, or an array of them, to the power b: near b's constant term, 0 to a positive power is 0."""
    numbers = np.asarray(base, np.result_type(base, b.dtype))
    value = np.power(numbers, b._coef[0])
    smooth = numbers != 0 if numbers.dtype.kind == "c" else numbers > 0
    c = exp_with(scaled(b, np.log(np.where(smooth, numbers, 1))), value, b)
    return singular.undefined(c, ~smooth & ~((numbers == 0) & (b._coef[0].real > 0)), b)


def _power_of_no_logarithm(a: Data, b: Data) -> NDArray[Any]:
    """Terms of one a**b for a that is not positive: those without the variables of b are those of a number's power."""
    space, exponent = a._space, b._coef[0]
    moving = space.exponents[1:][b._coef[1:] != 0].any(axis=0)
    still = ~space.exponents[:, moving].any(axis=1)
    nan = a.dtype.type(np.nan)
    with np.errstate(all="ignore"):  # the value, and NumPy's warnings, are known
        coef = np.where(still, number_power(a, exponent)._coef, nan)
    if a._coef[0] == 0 and exponent.real > 0:
        coef[~still & ~roots.affected(space, a._coef, float(exponent.real))] = 0
    return coef


def number_power(a: Data, r: Any) -> Data:
    """a**r for one number r."""
    if r.__class__ is not int and r.__class__ is not float:  # these take a's type
        a = a.astype(np.result_type(a.dtype, r), copy=False)
    if isinstance(r, (complex, np.complexfloating)):
        if r.imag != 0:
            poles = a._coef[0] == 0
            base = replaced(a.copy(), np.where(poles, 1, a._coef[0]))
            return singular.undefined(exp_with(scaled(log(base), r), np.power(a._coef[0], r)), poles)
        r = r.real
    if float(r).is_integer() and abs(r) <= _HIGHEST_POWER:
        # The reciprocal of the base, not of the power: division would amplify the rounding of all the products.
        return _integer_power(a if r >= 0 else reciprocal(a), abs(int(r)))
    if r == 0.5:
        return sqrt(a)
    if not a._coef.flags.c_contiguous:
        a = a.copy()
    exponent = (float(r),) if a.dtype != np.longdouble else np.array([r], a.dtype)
    c = a._like(series.power(a._space.tables, a._coef, exponent, np.power(a._coef[0], r)))
    return roots.powers(c, a, r)


def _integer_power(a: Data, n: int) -> Data:
    """a**n by repeated squaring, whatever the constant term."""
    if n == 0:
        return as_polynomial(np.ones(a.shape, a.dtype), a, a.dtype)
    result: Data | None = None
    while True:
        if n & 1:
            result = a if result is None else product(result, a)
        n >>= 1
        if n == 0:
            return result.copy() if result is a else result  # type: ignore[return-value]  # set by the highest bit
        a = square(a)


def _powers(a: Data, b: NDArray[Any]) -> Data:
    """a**b for an array of numbers b: one power for each number among them."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    exponents = np.broadcast_to(b, shape)
    base = aligned(a, np.zeros(shape, np.result_type(a.dtype, b.dtype)))[0]
    coef = np.empty_like(base._coef)
    different, which = np.unique(exponents, return_inverse=True)
    for i, r in enumerate(different):
        mine = which.reshape(shape) == i
        coef[:, mine] = number_power(base._like(np.ascontiguousarray(base._coef[:, mine])), r)._coef
    return base._like(coef)
