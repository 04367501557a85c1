"""What kind of mistake it looks like: sign, factor, transposition, permutation, a missing term."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]
_LOOSE = 1e-3  # relative agreement that is enough for a hint
_TIGHT = 1e-5  # for one component, which agrees with one of so many constants by chance
_FEW = 0.1  # of the components
_SHOWN = 5
_LARGEST = 2000  # components to compare all with all
_FACTORS = {
    -1.0: "the opposite sign",
    2.0: "a factor of 2 too many",
    0.5: "a factor of 2 too few",
    3.0: "a factor of 3 too many",
    1 / 3: "a factor of 3 too few",
    4.0: "a factor of 4 too many",
    0.25: "a factor of 4 too few",
    np.pi: "a factor of pi too many",
    1 / np.pi: "a factor of pi too few",
    2 * np.pi: "a factor of 2 pi too many",
    0.5 / np.pi: "a factor of 2 pi too few",
    180 / np.pi: "degrees for radians, a factor of 180 / pi too many",
    np.pi / 180: "degrees for radians, a factor of 180 / pi too few",
    np.log(10.0): "a factor of log(10) too many",
    1 / np.log(10.0): "a factor of log(10) too few",
    np.log(2.0): "a factor of log(2) too many",
    1 / np.log(2.0): "a factor of log(2) too few",
}


class Findings(NamedTuple):
    """Derivatives of the outputs by the variables: all of them, and those compared with a reference."""

    all_values: _Array  # (m, n)
    variables: NDArray[np.intp]  # (c,), of those compared
    reference: _Array  # (m, c)
    allowed: _Array
    wrong: NDArray[np.bool_]
    right: NDArray[np.bool_]
    x: _Array  # (n,)
    square: int  # 0, or the length of the axes that could have been exchanged
    gradient: bool

    @property
    def value(self) -> _Array:
        """The values compared."""
        return np.asarray(self.all_values[:, self.variables])


def hints_for(found: Findings) -> tuple[str, ...]:
    """What explains the wrong components: the first that explains them all, and where they are."""
    if not found.wrong.any():
        return ()
    with np.errstate(all="ignore"):
        explanation = next(_explanations(found), None)
        place = _place(found)
    return tuple(hint for hint in (explanation, place) if hint is not None)


def _explanations(found: Findings) -> Iterator[str]:
    value, wrong = found.value, found.wrong
    if not np.isfinite(value[wrong]).all():
        count = int(np.sum(~np.isfinite(value[wrong])))
        yield f"{count} of the wrong components are not finite: overflow, or 0 / 0, in the formula"
        return
    if (value[wrong] == 0).all():
        yield "the wrong components are 0: they were never assigned, or a term is missing"
        return
    yield from _factor(found)
    yield from _transposed(found)
    yield from _permuted(found)
    yield from _added(found)


def _agree(a: _Array, b: _Array, allowed: _Array, relative: float = _LOOSE) -> _Array:
    return np.asarray(np.abs(a - b) <= allowed + relative * np.abs(b))


def _factor(found: Findings) -> Iterator[str]:
    used = found.wrong & (np.abs(found.reference) > 10 * found.allowed)
    if not used.any() or (found.wrong & ~used & ~_agree(found.value, found.reference, 10 * found.allowed)).any():
        return
    ratio = found.value[used] / found.reference[used]
    number = ratio.size
    names = dict(_FACTORS)
    m, n = found.all_values.shape
    for count, name in ((n, "variables"), (m, "outputs")):
        if count > 4:
            names |= {float(count): f"a factor of {count} too many, the number of {name}"}
            names |= {1 / count: f"a factor of {count} too few, the number of {name}: a mean for a sum"}
    whose = "all components have" if not (found.right & (found.reference != 0)).any() else "the wrong components have"
    uncertain = 10 * found.allowed[used] / np.abs(found.reference[used])
    for factor, name in names.items():
        if (np.abs(ratio / factor - 1) <= uncertain + (_LOOSE if number > 1 else _TIGHT)).all():
            yield f"{whose if number > 1 else 'the wrong component has'} {name}"
            return
    middle = float(np.median(ratio))
    if number > 2 and abs(middle - 1) > 10 * _LOOSE and (np.abs(ratio / middle - 1) <= uncertain + _LOOSE).all():
        yield f"{whose} the same factor, {middle:.6g}"


def _transposed(found: Findings) -> Iterator[str]:
    k, n = found.square, found.all_values.shape[1]
    if k < 2:
        return
    matrix = found.all_values.reshape(k, k).T if found.gradient else found.all_values.T
    other = matrix.reshape(-1, n)[:, found.variables]
    if _agree(other, found.reference, found.allowed).all():
        yield "it is transposed: exchange its rows and columns"


def _permuted(found: Findings) -> Iterator[str]:
    if found.all_values.size > _LARGEST:
        return
    if found.gradient:
        matches = _matches(found.all_values.T, found.value.T, found.reference.T, found.allowed.T, found.wrong.T)
        kind, numbers = "components", found.variables
    else:
        matches = _matches(found.value, found.value, found.reference, found.allowed, found.wrong)
        kind, numbers = "rows", np.arange(len(found.value))
        if not matches:
            matches = _matches(found.all_values.T, found.value.T, found.reference.T, found.allowed.T, found.wrong.T)
            kind, numbers = "columns", found.variables
    if len(matches) > 1:
        pairs = [f"{int(numbers[at])} is in place {other}" for at, other in matches[:_SHOWN]]
        yield f"the {kind} are permuted: {', '.join(pairs)}{', ...' if len(matches) > _SHOWN else ''}"


def _matches(
    everything: _Array, value: _Array, reference: _Array, allowed: _Array, wrong: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """For rows with wrong entries, the one row that holds their reference; nothing unless all have one of their own."""
    rows = np.flatnonzero(wrong.any(axis=1))
    found: list[tuple[int, int]] = []
    for row in rows:
        same = np.flatnonzero(_agree(everything, reference[row], allowed[row], _TIGHT).all(axis=1))
        if len(same) != 1:
            return []
        found.append((int(row), int(same[0])))
    return found if len({other for _, other in found}) == len(found) else []


def _added(found: Findings) -> Iterator[str]:
    """A difference that is the same for all variables, or in proportion to x."""
    if not found.gradient or not found.wrong.all() or found.wrong.size < 3:
        return
    difference, x = (found.value - found.reference)[0], found.x[found.variables]
    middle = float(np.median(difference))
    if _agree(difference, np.full_like(difference, middle), found.allowed[0]).all():
        yield f"all components differ by {middle:.6g}: a term c sum(x) is in one of both only"
        return
    middle = float(np.median((difference / x)[x != 0])) if (x != 0).any() else 0.0
    if _agree(difference, middle * x, found.allowed[0]).all():
        yield f"the difference is {middle:.6g} x: a term c/2 sum(x**2), a regularisation, is in one of both only"
    elif _agree(found.value[0], found.reference[0] * x, found.allowed[0]).all():
        yield "it is the reference times x: the derivative by log(x)"


def _place(found: Findings) -> str | None:
    """Where the wrong components are, if these are few or in one row or column."""
    rows, columns = (np.flatnonzero(found.wrong.any(axis=axis)) for axis in (1, 0))
    m, c = found.wrong.shape
    if not found.right.any():
        return None
    if m > 1 and len(rows) == 1 and len(columns) > 1:
        return f"all wrong components are in row {rows[0]}: look at the derivative of that output"
    if m > 1 and len(columns) == 1 and len(rows) > 1:
        return f"all wrong components are in column {found.variables[columns[0]]}: look at that variable"
    if len(columns) <= max(1, _FEW * c) and len(columns) <= _SHOWN and found.gradient:
        which = ", ".join(str(int(found.variables[column])) for column in columns)
        return f"only the derivatives by variables {which} are wrong: look for a term with these alone"
    return None
