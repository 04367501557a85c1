"""Polynomials as text, LaTeX and SymPy's expressions."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.data import Data

_TERMS = 12  # written out
_ENTRIES = 10  # of an array in LaTeX, along each axis


class Text(Data):
    """``repr``, ``str``, LaTeX for notebooks, and ``to_sympy``."""

    __slots__ = ()

    def __repr__(self) -> str:
        kind = "" if self.dtype == np.float64 else f", dtype={self.dtype}"
        if self.ndim == 0:
            return _wrapped(f"TaylorPolynomial({_sum(self, _PLAIN)}{kind})", 4)
        value = np.array2string(self._coef[0], separator=", ", prefix=" " * 23)
        return (
            f"TaylorPolynomial(shape={self.shape}, degree={self.degree}, x0={_list(self.x0)}{kind},\n"
            f"                 value={value})"
        )

    def __str__(self) -> str:
        if self.ndim == 0:
            return _wrapped(_sum(self, _PLAIN), 4)
        if self.ndim > 1 or not 0 < self.size <= _ENTRIES:
            return repr(self)
        return "[" + ",\n ".join(_wrapped(_sum(self._like(c), _PLAIN), 5) for c in self._coef.T) + "]"

    def __format__(self, spec: str) -> str:
        """As ``str``; a format of numbers, such as ``.3f``, goes for the coefficients and for x0."""
        if not spec:
            return str(self)
        try:
            with np.printoptions(formatter={"all": lambda number: format(number, spec)}):
                return str(self)
        except ValueError as error:
            raise ValueError(f"`{spec}` is no format of numbers: write one such as .3f, or none") from error

    def _repr_latex_(self) -> str | None:
        """For notebooks; None for arrays that are too large."""
        if self.ndim == 0:
            return rf"$\displaystyle {_sum(self, _LATEX)}$"
        if self.ndim > 2 or self.size == 0 or max(self.shape) > _ENTRIES:
            return None
        rows = self._coef.reshape(len(self._coef), -1, 1) if self.ndim == 1 else self._coef
        lines = [
            " & ".join(_sum(self._like(rows[:, i, j]), _LATEX) for j in range(rows.shape[2]))
            for i in range(rows.shape[1])
        ]
        body = r" \\ ".join(lines)
        return rf"$\displaystyle \begin{{bmatrix}} {body} \end{{bmatrix}}$"

    def to_sympy(self, symbols: Sequence[Any] | None = None) -> Any:
        """An expression of SymPy: the sum of the terms, in powers of ``x - x0``.

        Parameters
        ----------
        symbols : sequence of Symbol or str, optional
            One for each variable. Default: x0, x1, ...

        Returns
        -------
        sympy.Expr or sympy.Array
            Of the polynomials' shape. Its numbers are Floats with the digits of the dtype, equal to the coefficients.

        Raises
        ------
        ImportError
            Without SymPy.
        ValueError
            For another number of symbols.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 2).variables([0.0, 0.5])
        >>> print((2 * x * y).to_sympy())
        2.0*x0*(x1 - 0.5) + 1.0*x0
        """
        try:
            sympy = importlib.import_module("sympy")
        except ImportError as error:
            raise ImportError("`to_sympy` needs SymPy, which can't be imported: pip install sympy") from error
        n = self._space.n_variables
        names = [f"x{v}" for v in range(n)] if symbols is None else list(np.atleast_1d(np.array(symbols, object)))
        if len(names) != n:
            raise ValueError(f"`symbols` must have one symbol for each of the {n} variables; got {len(names)}")
        variables = [sympy.Symbol(name) if isinstance(name, str) else name for name in names]
        displacements = [x - _exact(sympy, a) if a else x for x, a in zip(variables, self.x0, strict=True)]
        monomials = [
            sympy.Mul(*(d**e for d, e in zip(displacements, alpha, strict=True) if e))
            for alpha in self._space.exponents.tolist()
        ]

        def expression(coef: NDArray[Any]) -> Any:
            return sympy.Add(*(_exact(sympy, coef[row]) * monomials[row] for row in np.flatnonzero(coef != 0)))

        if self.ndim == 0:
            return expression(self._coef)
        flat = self._coef.reshape(len(self._coef), -1)
        return sympy.Array([expression(flat[:, j]) for j in range(self.size)], self.shape)


def _exact(sympy: Any, number: Any) -> Any:
    """A Float of the same value and as many bits; a sum of two for complex numbers."""
    if np.iscomplexobj(number):
        return _exact(sympy, number.real) + sympy.I * _exact(sympy, number.imag)
    if not np.isfinite(number):
        return sympy.nan if np.isnan(number) else sympy.oo if number > 0 else -sympy.oo
    return sympy.Float(sympy.Rational(*number.as_integer_ratio()), precision=np.finfo(number.dtype).nmant + 1)


class _Style(NamedTuple):
    """How the parts of a polynomial are written."""

    variable: str
    power: str
    times: str
    more: str
    neglected: str
    number: Callable[[str], str]


def _power_of_ten(size: str) -> str:
    """``1e-10`` in LaTeX, also inside a complex number."""
    return re.sub(r"([\d.]+)e([+-]\d+)", lambda found: rf"{found[1]} \cdot 10^{{{int(found[2])}}}", size)


_PLAIN = _Style("x{}", "**{}", "*", " + ... ({} more)", " + O({})", str)
_LATEX = _Style("x_{{{}}}", "^{{{}}}", r"\,", r" + \dots \text{{({} more)}}", r" + \mathcal{{O}}({})", _power_of_ten)


def _sum(p: Data, style: _Style) -> str:
    """The first terms of a 0-d polynomial that are not 0, how many more there are, and the degree neglected."""
    rows = np.flatnonzero(p._coef != 0)
    parts: list[str] = []
    for row in rows[:_TERMS].tolist():
        sign, text = _term(p, row, style)
        parts.append(f" {sign} {text}" if parts else f"{'-' if sign == '-' else ''}{text}")
    if not parts:
        parts.append("0")
    if len(rows) > _TERMS:
        parts.append(style.more.format(len(rows) - _TERMS))
    parts.append(style.neglected.format(p.degree + 1))
    return "".join(parts)


def _wrapped(text: str, indent: int) -> str:
    """A sum in lines as wide as NumPy's, broken in front of the signs between its terms."""
    width = np.get_printoptions()["linewidth"]
    if len(text) <= width:
        return text
    lines, line = [], ""
    for part in re.split(r" (?=[+-] )(?![^()]*\))", text):  # not inside parentheses
        joined = f"{line} {part}" if line else part
        if line and len(joined) > width:
            lines.append(line)
            joined = " " * indent + part
        line = joined
    return "\n".join([*lines, line])


def _term(p: Data, row: int, style: _Style) -> tuple[str, str]:
    """Sign and text of a term, as in ``0.5*(x0 - 0.3)**2*x1``."""
    factors = [
        name + (style.power.format(e) if e > 1 else "")
        for name, e in zip(_displacements(p, style), p._space.exponents[row].tolist(), strict=True)
        if e
    ]
    sign, size = _number(p._coef[row])
    return sign, style.times.join(factors if factors and size == "1" else [style.number(size), *factors])


def _displacements(p: Data, style: _Style) -> list[str]:
    """``x0 - 0.3`` in parentheses, or ``x0`` around 0, for all variables."""
    names = []
    for v, center in enumerate(p.x0):
        sign, size = _number(center)
        name, opposite = style.variable.format(v), "+" if sign == "-" else "-"
        names.append(f"({name} {opposite} {style.number(size)})" if center != 0 else name)
    return names


def _number(number: Any) -> tuple[str, str]:
    """Sign and size of a number with NumPy's print options, without a decimal point at the end."""
    if np.iscomplexobj(number):
        if number.imag == 0:
            return _number(number.real)
        (sign, real), (other, imaginary) = _number(number.real), _number(number.imag)
        return "+", f"({'-' if sign == '-' else ''}{real}{other}{imaginary}j)"
    size = np.array2string(np.abs(np.atleast_1d(number)))[1:-1].strip()
    sign = "-" if number < 0 else "+"
    mantissa, e, exponent = size.partition("e")
    return sign, mantissa.rstrip(".") + e + exponent


def _list(x0: NDArray[Any]) -> str:
    return np.array2string(x0, separator=", ")
