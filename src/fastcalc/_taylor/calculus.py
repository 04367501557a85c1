"""Calculus of polynomials: derivatives and integrals as polynomials, lower degrees, other points of expansion."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from fastcalc import _validation as check
from fastcalc._taylor.data import Data, as_center
from fastcalc._taylor.enclosure import Box, enclosure
from fastcalc._taylor.factors import times_integers
from fastcalc._taylor.remainder import tail
from fastcalc._taylor.space import TaylorSpace
from fastcalc._taylor.terms import lower_space, neighbours, shifted_terms


class Calculus(Data):
    """``deriv, integ, truncate, recenter, error_estimate, bound``."""

    __slots__ = ()

    def deriv(self, i: int, m: int = 1) -> Self:
        """Partial derivative by a variable, as a polynomial of the same space.

        Parameters
        ----------
        i : int
            Number of the variable.
        m : int, optional
            How often to differentiate.

        Returns
        -------
        TaylorPolynomial
            Derivative of the truncated polynomial. Its terms of the highest m degrees are 0: those of the function
            would come from terms that the space has not got.

        Raises
        ------
        TypeError, ValueError
            For an `i` that is no variable, and an `m` that is no integer or negative.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x, y = fc.TaylorSpace(2, 2).variables([1.0, 2.0])
        >>> (x * x * y).deriv(0).coef                   # 2 x y = 4 + 4 dx + 2 dy + 2 dx dy, without the last
        array([4., 4., 2., 0., 0., 0.])
        """
        i = _variable(self._space, i)
        m = check.integer("m", m, 0, None, "it is the number of differentiations")
        space = self._space
        coef = np.zeros_like(self._coef, order="C")
        if m > space.degree:
            return self._like(coef)
        goal = neighbours(space, i, m)
        inside = np.flatnonzero(goal < space.n_terms)
        falling = [1] * (space.degree + 1)  # (e + 1) ... (e + m)
        for e in range(m):
            falling[0] *= e + 1
        for e in range(1, space.degree - m + 1):
            falling[e] = falling[e - 1] * (e + m) // e
        coef[inside] = times_integers(self._coef[goal[inside]], falling, space.exponents[inside, i].astype(np.intp))
        return self._like(coef)

    def integ(self, i: int) -> Self:
        """Integral over a variable from x0 on: 0 where that variable has its value at x0.

        Parameters
        ----------
        i : int
            Number of the variable.

        Returns
        -------
        TaylorPolynomial
            Of the same space: terms that integration lifts beyond its degree are dropped.

        Raises
        ------
        TypeError, ValueError
            For an `i` that is no variable.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x = fc.TaylorSpace(1, 3).variables([1.0])[0]
        >>> (x * x).integ(0).coef
        array([0.        , 1.        , 1.        , 0.33333333])
        """
        i = _variable(self._space, i)
        space = self._space
        goal = neighbours(space, i, 1)
        inside = np.flatnonzero(goal < space.n_terms)
        exponents = space.exponents[inside, i].astype(self.dtype)
        coef = np.zeros_like(self._coef, order="C")
        coef[goal[inside]] = self._coef[inside] / (exponents + 1).reshape((-1,) + (1,) * self.ndim)
        return self._like(coef)

    def truncate(self, degree: int) -> Self:
        """The polynomials without the terms above a degree, in the space of that degree.

        Parameters
        ----------
        degree : int
            At most that of the space.

        Returns
        -------
        TaylorPolynomial
            Of ``TaylorSpace(n_variables, degree)``, with the caps and weights of this one.

        Raises
        ------
        TypeError, ValueError
            For a degree that is no integer, negative, or above that of the space.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcalc as fc
        >>> x = fc.TaylorSpace(1, 5).variables([0.0])[0]
        >>> np.exp(x).truncate(2).coef
        array([1. , 1. , 0.5])
        """
        degree = check.integer(
            "degree", degree, 0, self._space.degree, "a space of higher degree takes polynomials by space.embed(p)"
        )
        space = lower_space(self._space, degree)
        return self._make(space, self._coef[: space.n_terms].copy(), self._x0)

    def recenter(self, x1: ArrayLike) -> Self:
        """The same truncated polynomials, expanded around another point.

        Parameters
        ----------
        x1 : array_like (n_variables,)
            New point of expansion; a scalar for one variable.

        Returns
        -------
        TaylorPolynomial
            With the values of this one everywhere, up to rounding. These are not the Taylor polynomials of a function
            around x1 of which this is one: what was neglected around x0 is missing in all terms.

        Raises
        ------
        TypeError, ValueError
            For an x1 that is not numeric, or of another length.

        Notes
        -----
        One Horner scheme for each variable: ``n_variables * degree / 2`` multiplications for each term. The dtype is
        kept, unless ``x1 - x0`` is complex.

        References
        ----------
        Knuth, *The Art of Computer Programming*, volume 2, section 4.6.4, on the coefficients of u(x + x0).

        Examples
        --------
        >>> import fastcalc as fc
        >>> x = fc.TaylorSpace(1, 2).variables([0.0])[0]
        >>> (x * x).recenter([3.0]).coef
        array([9., 6., 1.])
        """
        center = as_center(self._space, x1, "x1")
        step = center.astype(np.result_type(self.dtype.char.lower(), center, self.x0)) - self.x0
        kind = np.dtype(np.complex128) if step.dtype.kind == "c" else self.dtype
        return self._make(self._space, shifted_terms(self._space, self._coef.astype(kind), step.astype(kind)), center)

    def error_estimate(self, radius: ArrayLike) -> Any:
        """What the neglected terms may amount to near x0, judged by the decay of those that are there.

        Parameters
        ----------
        radius : float or array_like (n_variables,)
            Size of the neighbourhood: ``abs(x - x0) <= radius`` for each variable.

        Returns
        -------
        ndarray or scalar
            Of the polynomials' shape: absolute, in their units. ``inf`` where the terms do not decay, NaN where that
            can't be told: degree below 2, terms that are not finite, or too few of them other than 0. 0 where, at
            degree 6 or more, there are none above a third of the degree, as for a polynomial.

        Raises
        ------
        TypeError, ValueError
            For a radius that is not real, negative, or of another length.

        Notes
        -----
        With S_k the sum of ``abs(coef) * radius**alpha`` over the terms of degree k, the largest of the last w of them
        is compared with the largest of the w before. The geometric sequence through both, raised until it lies above
        all of them, is summed beyond the degree of the space. From degree 4 on w is at least 2, and as large as is
        needed where terms are 0, so that even and odd functions are judged by every second part.

        It is an estimate, no bound (see `bound` for the polynomial itself): sharp for poles, too large for entire
        functions, too small by a factor where parts decay more slowly the higher their degree, as for log close to the
        radius of convergence. Rounding errors of the coefficients are not counted.

        References
        ----------
        Jorba and Zou, "A software package for the numerical integration of ODEs by means of high-order Taylor methods",
        Experimental Mathematics 14 (2005), section 3, which takes the last two terms.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x = fc.TaylorSpace(1, 9).variables([0.0])[0]
        >>> f"{(1 / (1 - x)).error_estimate(0.5):.6f}", 2 - sum(0.5**k for k in range(10))
        ('0.001953', 0.001953125)
        """
        radii = check.as_real("radius", radius)
        n = self._space.n_variables
        if radii.shape not in ((), (n,)):
            raise ValueError(f"`radius` must be a number or one per variable, shape ({n},); got shape {radii.shape}")
        if not (radii >= 0).all():
            raise ValueError(
                f"`radius` must not be negative or NaN; got {check.short(radius)}: give sizes, without sign"
            )
        return tail(self._space, self._coef, np.broadcast_to(radii, (n,)))[()]

    def bound(self, box: Any) -> tuple[Any, Any]:
        """Bounds of the polynomials in a box, rigorous despite rounding.

        Parameters
        ----------
        box : (lower, upper)
            Two array_like (n_variables,) or scalars: absolute, not displacements.

        Returns
        -------
        lower, upper : ndarray or scalar
            Of the polynomials' shape and dtype: the truncated polynomials with exactly these coefficients, at any real
            point of the box, are between them. NaN where coefficients are NaN, infinite where they overflow. What a
            function's neglected terms add is not covered: see `error_estimate`.

        Raises
        ------
        TypeError, ValueError
            For complex polynomials, and for a box that is no pair, not finite, or empty.

        Notes
        -----
        Expanded around the middle of the box, even powers count from 0 on, and up to a million coefficients of
        Bernstein's form narrow it down: that one is sharp wherever a polynomial takes its extremes in corners of the
        box, and converges with the square of the box's width. Rounding errors are bounded a priori and added, except
        for underflow.

        References
        ----------
        Garloff, "The Bernstein algorithm", Interval Computations 2 (1993), theorem 2.
        Higham, *Accuracy and Stability of Numerical Algorithms*, section 3.1, on error bounds.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcalc as fc
        >>> x = fc.TaylorSpace(1, 2).variables([0.0])[0]
        >>> lower, upper = (x * x - x).bound((0.0, 1.0))
        >>> np.round([lower, upper], 12)
        array([-0.25,  0.  ])
        """
        if self.dtype.kind == "c":
            raise TypeError("`bound` needs real coefficients; got complex128: bound the real and the imaginary part")
        return enclosure(self._space, self._coef, Box.around(self.x0, box))


def _variable(space: TaylorSpace, i: Any) -> int:
    return check.integer("i", i, 0, space.n_variables - 1, "it numbers a variable of the space")
