"""``np.einsum`` of polynomials: one by one the operands become matrices, whose products sum over labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastcalc._taylor.arrays.handlers import Table, array, delivered, model_of, serves
from fastcalc._taylor.arrays.products import matrices, permuted, reshaped
from fastcalc._taylor.data import Data, series_dtype

FUNCTIONS: Table = {}
_Labels = list[Any]


@serves(FUNCTIONS, "einsum")
def einsum(
    *operands: Any, out: Any = None, dtype: Any = None, order: Any = "K", casting: Any = "safe", optimize: Any = False
) -> Any:
    """``np.einsum``."""
    labels, target, factors = _parsed(operands)
    if dtype is not None:
        factors = [factor.astype(dtype) for factor in factors]
    factors = _same_lengths(factors, labels)
    if not any(isinstance(factor, Data) for factor in factors):  # only `out` is a polynomial
        raise TypeError("np.einsum of arrays of numbers can't be written into a Taylor polynomial: use np.copyto")
    if sum(isinstance(factor, Data) for factor in factors) == 1:
        return delivered(_linear(factors, labels, target, optimize), out)
    model_of(factors)
    current, mine = factors[0], labels[0]
    for i in range(1, len(factors)):
        kept = {label for later in [target, *labels[i + 1 :]] for label in later}
        current, mine = _pair(current, mine, factors[i], labels[i], kept)
    result = _linear([current], [mine], target, False)
    return delivered(result.copy() if result is current else result, out)


def _parsed(operands: tuple[Any, ...]) -> tuple[list[_Labels], _Labels, list[Any]]:
    """Labels of the axes of each operand, those of the result, and the operands."""
    if isinstance(operands[0], str):
        subscripts = operands[0].replace(" ", "")
        factors = [array(one) for one in operands[1:]]
        inputs, arrow, output = subscripts.partition("->")
        terms = [_letters(term) for term in inputs.split(",")]
        target = _letters(output) if arrow else None
    else:
        count = len(operands) // 2
        factors = [array(one) for one in operands[: 2 * count : 2]]
        terms = [list(one) for one in operands[1 : 2 * count : 2]]
        target = list(operands[-1]) if len(operands) % 2 else None
    if len(terms) != len(factors):
        raise ValueError(f"np.einsum has subscripts for {len(terms)} operands; got {len(factors)}")
    labels = [_expanded(term, factor) for term, factor in zip(terms, factors, strict=True)]
    broadcast = max((sum(isinstance(label, tuple) for label in one) for one in labels), default=0)
    dots: _Labels = [("axis", k) for k in range(broadcast, 0, -1)]
    if target is None:
        named = [label for one in labels for label in one if not isinstance(label, tuple)]
        return labels, dots + sorted(label for label in set(named) if named.count(label) == 1), factors
    if Ellipsis not in target and dots:
        raise ValueError("np.einsum has '...' in operands only: put it into the result as well")
    place = target.index(Ellipsis) if Ellipsis in target else 0
    target = target[:place] + dots + target[place + 1 :] if Ellipsis in target else target
    known = {label for one in labels for label in one}
    if len(set(target)) != len(target) or not set(target) <= known:
        raise ValueError(f"labels of the result of np.einsum must be different ones of the operands; got {target}")
    return labels, target, factors


def _letters(term: str) -> _Labels:
    """Letters and Ellipsis."""
    ahead, dots, behind = term.partition("...")
    if not (ahead + behind).isalpha() and ahead + behind:
        raise ValueError(f"subscripts of np.einsum are letters and '...'; got {term!r}")
    return [*ahead, Ellipsis, *behind] if dots else [*ahead]


def _expanded(term: _Labels, factor: Any) -> _Labels:
    """Labels with one for each axis under an Ellipsis, numbered from the last."""
    named = len([label for label in term if label is not Ellipsis])
    free = factor.ndim - named
    if free < 0 or (free > 0 and Ellipsis not in term):
        raise ValueError(f"an operand of np.einsum has {factor.ndim} axes; got subscripts for {named}")
    if Ellipsis not in term:
        return term
    place = term.index(Ellipsis)
    return term[:place] + [("axis", k) for k in range(free, 0, -1)] + term[place + 1 :]


def _same_lengths(factors: list[Any], labels: list[_Labels]) -> list[Any]:
    """Operands with axes of length 1 repeated where another operand has a longer axis of the same label."""
    lengths: dict[Any, int] = {}
    for factor, mine in zip(factors, labels, strict=True):
        for length, label in zip(factor.shape, mine, strict=True):
            if lengths.get(label, 1) != length and length != 1 and lengths.get(label, 1) != 1:
                raise ValueError(f"np.einsum has lengths {lengths[label]} and {length} for one label, {label!r}")
            lengths[label] = length if lengths.get(label, 1) == 1 else lengths[label]
    return [
        np.broadcast_to(factor, tuple(lengths[label] for label in mine))
        for factor, mine in zip(factors, labels, strict=True)
    ]


def _linear(factors: list[Any], labels: list[_Labels], target: _Labels, optimize: Any) -> Any:
    """NumPy's einsum of the terms, for at most one polynomial."""
    numbers = {label: k + 1 for k, label in enumerate(dict.fromkeys(label for one in labels for label in one))}
    arguments: list[Any] = []
    model: Any = None
    for factor, mine in zip(factors, labels, strict=True):
        axes = [numbers[label] for label in mine]
        if isinstance(factor, Data):
            model, axes = factor, [0, *axes]
        arguments += [factor._coef if isinstance(factor, Data) else factor, axes]
    head = [] if model is None else [0]
    coef = np.einsum(*arguments, head + [numbers[label] for label in target], optimize=optimize)
    if model is None:
        return coef
    coef = coef.astype(series_dtype(coef.dtype), copy=False)
    fresh = coef.flags.c_contiguous and not np.may_share_memory(coef, model._coef)
    return model._like(coef if fresh else coef.copy())


def _pair(a: Any, mine: _Labels, b: Any, theirs: _Labels, kept: set[Any]) -> tuple[Any, _Labels]:
    """The product of two operands, summed over the labels that nobody needs any more."""
    left = [label for label in dict.fromkeys(mine) if label in kept or label in theirs]
    right = [label for label in dict.fromkeys(theirs) if label in kept or label in mine]
    a, b = _linear([a], [mine], left, False), _linear([b], [theirs], right, False)
    both = [label for label in left if label in right and label in kept]
    inner = [label for label in left if label in right and label not in kept]
    rows, columns = [label for label in left if label not in right], [label for label in right if label not in left]
    length = dict(zip(left + right, a.shape + b.shape, strict=True))
    batch, height, width = (tuple(length[label] for label in group) for group in (both, rows, columns))
    size = int(np.prod([length[label] for label in inner]))
    a = permuted(a, [left.index(label) for label in both + rows + inner])
    b = permuted(b, [right.index(label) for label in both + inner + columns])
    product = matrices(
        reshaped(a, (*batch, int(np.prod(height)), size)), reshaped(b, (*batch, size, int(np.prod(width))))
    )
    return reshaped(product, batch + height + width), both + rows + columns
