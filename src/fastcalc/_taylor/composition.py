"""Polynomials put into polynomials: the chain rule to any degree, by Horner's scheme over the tree of terms.

Each term but 1 is a variable x_v, not after its first, times one other term, its parent. With u_v for the displacement
that is put in for x_v, from the highest terms down

    r_parent = c_parent + sum over its children of u_v r_child,

and what remains at the term 1 is the composition. The u_v have no constant terms, so that of an r at depth k, which k
of them will be multiplied with, terms above degree D - k are not needed: most products are short.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastcalc import _validation as check
from fastcalc._instructions import series
from fastcalc._taylor.data import Data, lifted, require_same, series_dtype
from fastcalc._taylor.operands import operand
from fastcalc._taylor.space import TaylorSpace
from fastcalc._taylor.terms import lower_space, shifted_terms

_CLOSE = 16  # units in the last place
_FEW = 12  # degrees for which the tables are cheap
_CHUNK = 2**21  # numbers in a block of products


class Composition(Data):
    """``compose`` and ``substitute``."""

    __slots__ = ()

    def compose(self, q: Any) -> Self:
        """The polynomials of polynomials: ``p(q(t))`` for an inner map q, whose values at its x0 are p's x0.

        Parameters
        ----------
        q : TaylorPolynomial (n_variables, ...) or a sequence of them
            One for each variable of p, in any space, of any number of variables; trailing axes are a batch of inner
            maps. For one variable it may be 0-d.

        Returns
        -------
        TaylorPolynomial
            In q's space around q's x0, of shape ``p.shape + q.shape[1:]``.

        Raises
        ------
        TypeError, ValueError
            For a q that is no polynomial or not one for each variable, or whose constant terms are not p's x0 to
            rounding.

        Notes
        -----
        A Taylor polynomial of the composed function up to p's degree; where q's space goes further, p's neglected terms
        are missing from it. One product for each term of p, most of them of a low degree.

        References
        ----------
        Griewank, Walther, *Evaluating Derivatives*, SIAM 2008, chapter 13, on the propagation of Taylor series.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcalc as fc
        >>> y = fc.TaylorSpace(1, 4).variables([4.0])[0]
        >>> s, t = fc.TaylorSpace(2, 2).variables([2.0, 2.0])
        >>> np.sqrt(y).compose(s * t)
        TaylorPolynomial(2 + 0.5*(x0 - 2) + 0.5*(x1 - 2) - 0.0625*(x0 - 2)**2 + 0.125*(x0 - 2)*(x1 - 2)
            - 0.0625*(x1 - 2)**2 + O(3))
        """
        inner = operand(q)
        n = self._space.n_variables
        if not isinstance(inner, Data):
            raise TypeError(f"`q` must hold Taylor polynomials; got {check.short(q)}: values are p(x)")
        if inner.ndim == 0 and n == 1:
            inner = inner._like(inner._coef[:, None])
        if inner.ndim == 0 or inner.shape[0] != n:
            raise ValueError(
                f"`q` must have one polynomial for each of p's {n} variables along its first axis; got shape "
                f"{inner.shape}"
            )
        require_values("q", inner, self.x0)
        return self._make(inner._space, composed(self._space, self._coef, inner._space, inner._coef), inner._x0)

    def substitute(self, values: Mapping[int, Any]) -> Self:
        """The polynomials with numbers or polynomials in the place of some variables; the others stay.

        Parameters
        ----------
        values : mapping of int to number or TaylorPolynomial
            By the number of the variable: a number, or a polynomial of the same space around the same point, 0-d or of
            any shape (they are broadcast), whose constant term is the variable's x0.

        Returns
        -------
        TaylorPolynomial
            In the same space around the same point, of shape ``p.shape`` followed by that of the polynomials. What had
            a number put in does not depend on that variable any more.

        Raises
        ------
        TypeError, ValueError
            For keys that are no variables, values that are neither, and constant terms that are not x0.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 2).variables([0.0, 0.0])
        >>> p = 1 + x + x * y
        >>> p.substitute({1: 3.0}).coef                     # 1 + 4 x
        array([1., 4., 0., 0., 0., 0.])
        >>> p.substitute({0: y + x * y}).coef               # 1 + y + x y + y**2
        array([1., 0., 1., 0., 1., 1.])
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"`values` must map numbers of variables to values; got {check.short(values)}")
        numbers: dict[int, Any] = {}
        polynomials: dict[int, Data] = {}
        for key, value in values.items():
            v = check.integer("values", key, 0, self._space.n_variables - 1, "its keys number variables of the space")
            value = operand(value)
            if isinstance(value, Data):
                require_same(self, value)
                require_values(f"values[{v}]", value._like(value._coef[:, None]), self.x0[v : v + 1])
                polynomials[v] = value
            elif np.ndim(value) == 0:
                numbers[v] = value
            else:
                raise ValueError(
                    f"`values[{v}]` must be one number; got shape {np.shape(value)}: substitute them in turn"
                )
        result = self._with_numbers(numbers) if numbers else self.copy()
        return result._with_polynomials(polynomials) if polynomials else result

    def _with_numbers(self, numbers: Mapping[int, Any]) -> Self:
        """The polynomials at these values of some variables: expanded around them, and only terms without them kept."""
        space = self._space
        step = np.zeros(space.n_variables, np.result_type(self.dtype, self.x0, *numbers.values()))
        for v, number in numbers.items():
            step[v] = step.dtype.type(number) - self.x0[v]
        kind = np.dtype(np.complex128) if step.dtype.kind == "c" else self.dtype
        coef = shifted_terms(space, self._coef.astype(kind, order="C"), step.astype(kind))
        coef[(space.exponents[:, list(numbers)] != 0).any(axis=1)] = 0
        return self._like(coef)

    def _with_polynomials(self, polynomials: Mapping[int, Data]) -> Self:
        space = self._space
        shape = np.broadcast_shapes(*(q.shape for q in polynomials.values()))
        units = space.find(np.eye(space.n_variables, dtype=np.int64))
        inner = np.zeros(
            (space.n_terms, space.n_variables, *shape), np.result_type(*(q.dtype for q in polynomials.values()))
        )
        for v, unit in enumerate(units):
            if v in polynomials:
                inner[:, v] = lifted(polynomials[v]._coef, len(shape))
            elif unit < space.n_terms:
                inner[unit, v] = 1
        return self._like(composed(space, self._coef, space, inner))


def require_values(name: str, q: Data, x0: NDArray[Any]) -> None:
    """Require that the constant terms of q (n, ...) are x0 (n,), to some units in the last place of its terms."""
    expected = x0.reshape((-1,) + (1,) * (q.ndim - 1))
    with np.errstate(invalid="ignore"):
        terms = np.where(np.isfinite(q._coef), np.abs(q._coef), 0)
        size = np.maximum(np.abs(expected), terms.max(axis=0, initial=0))
        close = np.abs(q._coef[0] - expected) <= _CLOSE * np.finfo(q.dtype).eps * size
    if not close.all():
        raise ValueError(
            f"`{name}` must have the constant terms x0 = {x0} of the polynomials it is put into; got "
            f"{check.short(q._coef[0])}: move these with p.recenter(x1), or expand them there in the first place"
        )


def composed(outer: TaylorSpace, coef: NDArray[Any], inner: TaylorSpace, q: NDArray[Any]) -> NDArray[Any]:
    """Coefficients (n_terms of inner, *S, *T) of the polynomials coef (n_terms of outer, *S) of the maps q
    (n_terms of inner, n_variables of outer, *T), whose constant terms count as 0.
    """
    kind = series_dtype(np.result_type(coef, q))
    entries, batch = coef.shape[1:], q.shape[2:]
    # results are (terms of inner, rows, S, T)
    c = coef.reshape(len(coef), -1, 1).astype(kind, copy=False)  # (terms, S, 1)
    u = q.reshape(*q.shape[:2], -1).astype(kind)  # (terms of inner, variables, T)
    u[0] = 0
    size = (c.shape[1], u.shape[2])
    depth = outer.exponents.sum(axis=1, dtype=np.intp)
    top = min(int(depth.max()), inner.degree)
    rows = np.flatnonzero(depth == top)
    stages = _stages(inner.degree)
    space = lower_space(inner, stages[inner.degree - top])
    level = np.zeros((space.n_terms, len(rows), *size), kind)
    level[0] = c[rows]
    for k in range(top, 0, -1):
        space = lower_space(inner, stages[inner.degree - k + 1])
        parents = np.flatnonzero(depth == k - 1)
        higher = np.zeros((space.n_terms, len(parents), *size), kind)
        higher[0] = c[parents]
        first = (outer.exponents[rows] != 0).argmax(axis=1)
        for v in np.unique(first):
            children = np.flatnonzero(first == v)
            above = outer.exponents[rows[children]].astype(np.int32)
            above[:, v] -= 1
            goals = np.searchsorted(parents, outer.find(above))
            _add_products(space, higher, goals, level, children, u[: space.n_terms, v])
        level, rows = higher, parents
    return np.ascontiguousarray(level.reshape(inner.n_terms, *entries, *batch))


def _stages(degree: int) -> list[int]:
    """For each degree that is needed the one to compute with: not all of them, as each takes the tables of a space."""
    stages = [degree]
    while stages[-1] > 0:
        stages.append(stages[-1] - 1 if stages[-1] <= _FEW else stages[-1] * 4 // 5)
    return [min(stage for stage in stages if stage >= needed) for needed in range(degree + 1)]


def _add_products(
    space: TaylorSpace,
    goal: NDArray[Any],
    goals: NDArray[np.intp],
    factor: NDArray[Any],
    factors: NDArray[np.intp],
    u: NDArray[Any],
) -> None:
    """INOUT goal: at `goals` plus u times factor at `factors`, whose higher terms are 0; in blocks that fit a cache."""
    width = goal.shape[2] * goal.shape[3]
    block = max(_CHUNK // max(space.n_terms * width, 1), 1)
    for begin in range(0, len(goals), block):
        some = slice(begin, begin + block)
        shape = (space.n_terms, len(goals[some]), *goal.shape[2:])
        lower = np.zeros(shape, goal.dtype)
        lower[: len(factor)] = factor[:, factors[some]]
        repeated = np.ascontiguousarray(np.broadcast_to(u[:, None, None, :], shape))
        goal[:, goals[some]] += series.multiply(space.tables, repeated, lower)
