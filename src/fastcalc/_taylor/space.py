"""The space of truncated polynomials: which monomials there are, in which order, and where products of them go.

Terms are ordered by degree, then lexicographically with the first variable first. A space is the quotient of all
polynomials by the monomials it leaves out: with one monomial it leaves out all multiples, so that sums, products and
the derivation ``sum(weights * x * d/dx)``, on which the recurrences for elementary functions rest, are those of rings.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastcalc import _validation as check
from fastcalc._kernels.tables import Tables
from fastcalc._taylor.tables import index_tables

if TYPE_CHECKING:
    from fastcalc._taylor.polynomial import TaylorPolynomial

_Exponents = NDArray[np.int16]
_Key = tuple[int, int, tuple[int, ...] | None, tuple[int, ...] | None]

_HIGHEST_MEMORY = 4 * 2**30  # bytes of all that describes a space
_HIGHEST_DEGREE = 2**15 - 1
_KEPT = 64  # spaces kept alive though nobody uses them

_spaces: weakref.WeakValueDictionary[_Key, TaylorSpace] = weakref.WeakValueDictionary()
_recent: OrderedDict[_Key, TaylorSpace] = OrderedDict()
_lock = threading.Lock()


class TaylorSpace:
    """Truncated polynomials in `n_variables` variables: multi-indices, and the tables of their products.

    The same arguments give the same object. Spaces are immutable, and can be shared between threads and pickled.

    Parameters
    ----------
    n_variables : int
        Number of variables, at least 1.
    degree : int
        Highest degree of a term: ``sum(weights * alpha) <= degree``.
    max_degrees : sequence of int, optional
        Highest exponent of each variable. Default: `degree` for all.
    weights : sequence of int, optional
        What each variable counts in the degree, at least 1. Default: 1 for all.

    Attributes
    ----------
    n_variables, degree, n_terms : int
        ``n_terms`` is binomial(n_variables + degree, degree) without caps and weights.
    exponents : ndarray of int16 (n_terms, n_variables)
        The multi-indices, by degree, then lexicographically with the first variable first. Read-only.
    starts : ndarray of intp (degree + 2,)
        Terms of degree k are numbers ``starts[k]`` to ``starts[k + 1] - 1``. Read-only.
    max_degrees, weights : tuple of int or None
        As given; None where they change nothing.

    Raises
    ------
    TypeError, ValueError
        For arguments that are no integers or too small, and for spaces that do not fit into memory.

    Notes
    -----
    Tables of products take 4 bytes for about half the pairs of terms whose product is in the space, of which there are
    binomial(2 n_variables + degree, degree). Above 64 MB they are not stored but walked at each product, which then
    takes a few times as long.

    Examples
    --------
    >>> import fastcalc as fc
    >>> space = fc.TaylorSpace(2, 2)
    >>> space.exponents.tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    >>> space is fc.TaylorSpace(2, 2), space.index((1, 1))
    (True, 4)
    >>> x, y = space.variables([1.0, 2.0])
    >>> (x * y).coef
    array([2., 2., 1., 0., 1., 0.])
    """

    n_variables: int
    degree: int
    n_terms: int
    max_degrees: tuple[int, ...] | None
    weights: tuple[int, ...] | None
    exponents: _Exponents
    starts: NDArray[np.intp]

    def __new__(
        cls,
        n_variables: int,
        degree: int,
        *,
        max_degrees: Sequence[int] | None = None,
        weights: Sequence[int] | None = None,
    ) -> TaylorSpace:
        """The one space with these arguments."""
        if type(n_variables) is int and type(degree) is int and max_degrees is None and weights is None:
            known = _recent.get((n_variables, degree, None, None))
            if known is not None:
                return known
        key = _parse(n_variables, degree, max_degrees, weights)
        with _lock:
            space = _spaces.get(key)
            if space is None:
                space = _spaces[key] = _build(super().__new__(cls), key)
            _recent[key] = space
            if len(_recent) > _KEPT:
                _recent.popitem(last=False)
        return space

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a TaylorSpace is immutable; `{name}` can't be set: make another space")

    def __reduce__(self) -> Any:
        return _rebuild, (self.n_variables, self.degree, self.max_degrees, self.weights)

    def __copy__(self) -> TaylorSpace:
        return self

    def __deepcopy__(self, memo: Any) -> TaylorSpace:
        return self

    def __len__(self) -> int:
        return self.n_terms

    def __repr__(self) -> str:
        names = {"max_degrees": self.max_degrees, "weights": self.weights}
        more = "".join(f", {name}={value}" for name, value in names.items() if value is not None)
        return f"TaylorSpace(n_variables={self.n_variables}, degree={self.degree}{more})"

    @cached_property
    def tables(self) -> Tables:
        """Index tables for the kernels, made at the first use."""
        with _lock:
            known = self.__dict__.get("tables")
            return known if known is not None else index_tables(self)

    def index(self, alpha: ArrayLike) -> int:
        """Number of the term with the multi-index `alpha`; its coefficient is ``p.coef[space.index(alpha)]``.

        Parameters
        ----------
        alpha : array_like of int (n_variables,)
            Exponents; an integer for one variable.

        Returns
        -------
        int

        Raises
        ------
        TypeError, ValueError
            For a multi-index of the wrong kind or length, with negative exponents, or outside the space.

        Examples
        --------
        >>> import fastcalc as fc
        >>> fc.TaylorSpace(3, 4).index((1, 0, 2))
        15
        """
        exponents = multi_index(alpha, self.n_variables)
        number = self.find(exponents[None, :])[0]
        if number == self.n_terms:
            raise ValueError(f"`alpha` must be a term of {self!r}; got {tuple(exponents.tolist())}: raise the degree")
        return int(number)

    def find(self, exponents: NDArray[Any]) -> NDArray[np.intp]:
        """Numbers of the terms with these exponents (k, n_variables), n_terms where there is none."""
        keys, order = self._keys
        wanted = _hashed(exponents)
        place = np.searchsorted(keys, wanted)
        number = np.append(order, 0)[place]
        found = (self.exponents[number] == exponents).all(axis=1)
        return np.where(found, number, self.n_terms)

    @cached_property
    def _keys(self) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
        """A number for each term, additive under products, sorted; and the terms in that order."""
        keys = _hashed(self.exponents)
        order = np.argsort(keys, kind="stable")
        if (np.diff(keys[order]) == 0).any():
            raise RuntimeError(f"two terms of {self!r} have one key: change the constants of _mixers")
        return keys[order], order

    def variables(self, x0: ArrayLike, dtype: DTypeLike | None = None) -> TaylorPolynomial:
        """The variables as polynomials around x0: ``x0[i]`` and coefficient 1 at the i-th linear term.

        Parameters
        ----------
        x0 : array_like (n_variables,)
            Point of expansion; a scalar for one variable.
        dtype : dtype, optional
            Of the coefficients; default: that of x0, float64 for integers.

        Returns
        -------
        TaylorPolynomial
            Of shape ``(n_variables,)``.

        Raises
        ------
        TypeError, ValueError
            For an x0 that is not numeric, or of another length; for degree 0, which has no linear terms.

        Examples
        --------
        >>> import fastcalc as fc
        >>> fc.TaylorSpace(2, 1).variables([3.0, 4.0]).coef
        array([[3., 4.],
               [1., 0.],
               [0., 1.]])
        """
        from fastcalc._taylor.polynomial import variables  # it builds on this module

        return variables(self, x0, dtype)

    def embed(self, p: TaylorPolynomial, variables: Sequence[int] | None = None, x0: ArrayLike | None = None) -> Any:
        """A polynomial of another space as one of this space: terms outside are dropped, missing ones are 0.

        Parameters
        ----------
        p : TaylorPolynomial
            With at most as many variables.
        variables : sequence of int, optional
            Number of p's i-th variable here; needed where the numbers of variables differ.
        x0 : array_like (n_variables,), optional
            Point of expansion here, equal to p's for p's variables; needed where the numbers of variables differ.

        Returns
        -------
        TaylorPolynomial
            Of p's shape and dtype.

        Raises
        ------
        TypeError, ValueError
            For `variables` or `x0` that do not fit.

        Examples
        --------
        >>> import fastcalc as fc
        >>> x = fc.TaylorSpace(1, 2).variables([1.0])[0]
        >>> fc.TaylorSpace(2, 2).embed(x * x, variables=[1], x0=[5.0, 1.0]).coef
        array([1., 0., 2., 0., 0., 1.])
        """
        from fastcalc._taylor.polynomial import embed

        return embed(self, p, variables, x0)


def multi_index(alpha: ArrayLike, n_variables: int) -> NDArray[np.int64]:
    """A multi-index as an array of that many integers, none negative."""
    exponents = np.asarray(alpha)
    if exponents.dtype.kind not in "iu":
        raise TypeError(f"`alpha` must hold integers; got {alpha!r}: give one exponent per variable")
    if exponents.ndim == 0 and n_variables == 1:
        exponents = exponents[None]
    if exponents.shape != (n_variables,):
        raise ValueError(
            f"`alpha` must have one exponent per variable, shape ({n_variables},); got shape {exponents.shape}"
        )
    if (exponents < 0).any():
        raise ValueError(f"`alpha` must not be negative; got {alpha!s}")
    return exponents.astype(np.int64)


def _rebuild(n: int, degree: int, caps: tuple[int, ...] | None, weights: tuple[int, ...] | None) -> TaylorSpace:
    return TaylorSpace(n, degree, max_degrees=caps, weights=weights)


def _parse(n_variables: Any, degree: Any, max_degrees: Any, weights: Any) -> _Key:
    """Checked arguments, with what changes nothing left out."""
    n = check.integer("n_variables", n_variables, 1, None, "it is the number of variables")
    d = check.integer("degree", degree, 0, _HIGHEST_DEGREE, "it is the highest degree of a term")

    def per_variable(name: str, value: Any, lowest: int) -> tuple[int, ...] | None:
        if value is None:
            return None
        if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) != n:
            raise ValueError(f"`{name}` must have one integer per variable, {n}; got {check.short(value)}")
        return tuple(check.integer(name, entry, lowest, None, "it has one integer per variable") for entry in value)

    sizes = per_variable("weights", weights, 1)
    caps = per_variable("max_degrees", max_degrees, 0)
    if sizes is not None and all(size == 1 for size in sizes):
        sizes = None
    if caps is not None:
        free = [d // size for size in sizes or (1,) * n]
        caps = tuple(min(pair) for pair in zip(caps, free, strict=True))
        caps = None if list(caps) == free else caps
    return n, d, caps, sizes


def _count(key: _Key) -> list[int]:
    """Number of terms of each degree."""
    n, degree, caps, weights = key
    if caps is None and weights is None:
        counts = [1]
        for k in range(1, degree + 1):
            counts.append(counts[-1] * (n + k - 1) // k)
        return counts
    counts = [1] + [0] * degree
    for v in range(n):
        size = 1 if weights is None else weights[v]
        cap = degree // size if caps is None else caps[v]
        for k in range(degree, -1, -1):
            counts[k] = sum(counts[k - m * size] for m in range(min(cap, k // size) + 1))
    return counts


def _build(space: TaylorSpace, key: _Key) -> TaylorSpace:
    """Fill a new space."""
    n, degree, caps, weights = key
    counts = _count(key)
    n_terms = sum(counts)
    lower = sum(counts[:degree])
    memory = n_terms * (2 * n + 8) + 4 * n * lower
    if memory > _HIGHEST_MEMORY or n_terms >= 2**31 - 1:
        raise ValueError(
            f"a space of degree {degree} in {n} variables has {n_terms:,} terms, and its indices alone take "
            f"{memory / 2**30:,.1f} GiB, more than the {_HIGHEST_MEMORY / 2**30:.0f} GiB allowed: lower the degree or "
            "set `max_degrees`"
        )
    starts = np.zeros(degree + 2, np.intp)
    starts[1:] = np.cumsum(counts)
    exponents = _exponents(n, degree, caps, weights, starts)
    for array in (starts, exponents):
        array.flags.writeable = False
    space.__dict__.update(
        n_variables=n,
        degree=degree,
        n_terms=n_terms,
        max_degrees=caps,
        weights=weights,
        exponents=exponents,
        starts=starts,
    )
    return space


def _exponents(
    n: int, degree: int, caps: tuple[int, ...] | None, weights: tuple[int, ...] | None, starts: NDArray[np.intp]
) -> _Exponents:
    """All multi-indices in order: block k is, for each variable v in turn, x_v times the terms of block k - weights[v]
    without variables before v.
    """
    exponents = np.zeros((starts[-1], n), np.int16)
    first = np.full(starts[-1], n - 1, np.int32)  # the first variable of each term
    for k in range(1, degree + 1):
        place = starts[k]
        for v in range(n):
            size = 1 if weights is None else weights[v]
            if k < size:
                continue
            begin, end = starts[k - size], starts[k - size + 1]
            keep = first[begin:end] >= v
            if caps is not None:
                keep &= exponents[begin:end, v] < caps[v]
            chosen = exponents[begin:end][keep]
            stop = place + len(chosen)
            exponents[place:stop] = chosen
            exponents[place:stop, v] += 1
            first[place:stop] = v
            place = stop
    return exponents


@functools.cache
def _mixers(n: int) -> NDArray[np.uint64]:
    """Random 64-bit constants, one per variable: sums of them tell multi-indices apart.

    From a generator without arithmetic structure: with splitmix64, of which f(2 i) is nearly 2 f(i), terms collide.
    """
    from random import Random  # here, as it brings four modules along

    draw = Random(0).getrandbits
    return np.array([draw(64) for _ in range(n)], np.uint64)


def _hashed(exponents: NDArray[Any]) -> NDArray[np.uint64]:
    """A number for each row of exponents, the sum of those of its variables; in pieces that stay in the cache."""
    mixers = _mixers(exponents.shape[1])
    keys = np.empty(len(exponents), np.uint64)
    step = max(1, 2**15 // len(mixers))
    for i in range(0, len(keys), step):
        keys[i : i + step] = exponents[i : i + step].astype(np.uint64) @ mixers
    return keys
