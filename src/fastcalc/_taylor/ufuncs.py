"""NumPy's ufuncs and what they are for polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastcalc._taylor import elementary, pieces, powers

# Every function on polynomials, by the ufunc that calls it. Arguments are polynomials, numbers or arrays of numbers.
UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: elementary.add,
    np.subtract: elementary.subtract,
    np.multiply: elementary.multiply,
    np.divide: elementary.divide,
    np.negative: elementary.negative,
    np.positive: elementary.positive,
    np.power: powers.power,
    np.float_power: powers.power,
    np.square: elementary.square,
    np.reciprocal: elementary.reciprocal,
    np.sqrt: elementary.sqrt,
    np.cbrt: elementary.cbrt,
    np.exp: elementary.exp,
    np.exp2: elementary.exp2,
    np.expm1: elementary.expm1,
    np.log: elementary.log,
    np.log2: elementary.log2,
    np.log10: elementary.log10,
    np.log1p: elementary.log1p,
    np.logaddexp: elementary.logaddexp,
    np.logaddexp2: elementary.logaddexp2,
    np.sin: elementary.sin,
    np.cos: elementary.cos,
    np.tan: elementary.tan,
    np.arcsin: elementary.arcsin,
    np.arccos: elementary.arccos,
    np.arctan: elementary.arctan,
    np.arctan2: elementary.arctan2,
    np.sinh: elementary.sinh,
    np.cosh: elementary.cosh,
    np.tanh: elementary.tanh,
    np.arcsinh: elementary.arcsinh,
    np.arccosh: elementary.arccosh,
    np.arctanh: elementary.arctanh,
    np.hypot: elementary.hypot,
    np.absolute: elementary.absolute,
    np.fabs: elementary.absolute,
    np.maximum: pieces.maximum,
    np.minimum: pieces.minimum,
    np.fmax: pieces.fmax,
    np.fmin: pieces.fmin,
    np.floor: pieces.floor,
    np.ceil: pieces.ceil,
    np.trunc: pieces.trunc,
    np.rint: pieces.rint,
    np.sign: elementary.sign,
    np.heaviside: pieces.heaviside,
    np.floor_divide: pieces.floor_divide,
    np.remainder: pieces.remainder,
    np.fmod: pieces.fmod,
    np.divmod: pieces.divmod_,
    np.modf: pieces.modf,
    np.copysign: elementary.copysign,
    np.conjugate: elementary.conjugate,
    np.deg2rad: elementary.deg2rad,
    np.radians: elementary.deg2rad,
    np.rad2deg: elementary.rad2deg,
    np.degrees: elementary.rad2deg,
}

# Functions of the constant terms alone.
PREDICATES = frozenset({
    np.less, np.less_equal, np.equal, np.not_equal, np.greater, np.greater_equal, np.logical_and, np.logical_or,
    np.logical_xor, np.logical_not, np.isfinite, np.isinf, np.isnan, np.signbit,
})  # fmt: skip
