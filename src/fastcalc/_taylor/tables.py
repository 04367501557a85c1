"""The index tables of a space: where products of its terms go. See `fastcalc._kernels.tables` for their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastcalc._kernels.tables import Tables

if TYPE_CHECKING:
    from fastcalc._taylor.space import TaylorSpace

_STORED = 64 * 2**20  # bytes of product tables kept; larger ones are walked row by row


def index_tables(space: TaylorSpace) -> Tables:
    """Index tables of a space."""
    successors = _successors(space)
    offsets, products = _products(space, successors)
    row_start, row_variable = _rows(space)
    return Tables(
        degree=space.degree,
        starts=space.starts,
        successors=successors,
        offsets=offsets,
        products=products,
        row_start=row_start,
        row_variable=row_variable,
        runs=_runs(space, successors),
        packed=space.max_degrees is None and space.weights is None,
    )


def _successors(space: TaylorSpace) -> NDArray[np.int32]:
    """Number of the product of each term below the highest degree with each variable; n_terms where it is outside."""
    n, lower = space.n_variables, int(space.starts[space.degree])
    successors = np.full((n, lower + 1), space.n_terms, np.int32)
    if lower == 0:
        return successors
    for v in range(n):
        raised = space.exponents[:lower].copy()
        raised[:, v] += 1
        successors[v, :lower] = space.find(raised)
    return successors


def _products(
    space: TaylorSpace, successors: NDArray[np.int32]
) -> tuple[NDArray[np.intp] | None, NDArray[np.int32] | None]:
    """Where products of terms of degrees p <= q go, see `Tables`; None where they would be too large to store."""
    degree, starts, sizes = space.degree, space.starts, np.diff(space.starts)
    weights = (1,) * space.n_variables if space.weights is None else space.weights
    pairs = [(p, q) for q in range(1, degree) for p in range(1, min(q, degree - q) + 1)]
    if 4 * sum(int(sizes[p]) * int(sizes[q]) for p, q in pairs) > _STORED:
        return None, None
    if space.n_variables == 1:  # blocks of a single term
        return np.arange((degree + 1) ** 2, dtype=np.intp), np.zeros((degree + 1) ** 2, np.int32)
    first = (space.exponents != 0).argmax(axis=1)
    offsets = np.full((degree + 1) ** 2, -1, np.intp)
    parts: list[NDArray[np.int32]] = []
    place = 0
    for q in range(1, degree):
        known = {0: np.arange(starts[q], starts[q + 1], dtype=np.int32)[None, :]}
        for p in range(1, min(q, degree - q) + 1):
            rows = np.empty((sizes[p], sizes[q]), np.int32)
            variables = first[starts[p] : starts[p + 1]]
            for v in np.unique(variables):
                mine = variables == v
                before = space.exponents[starts[p] : starts[p + 1]][mine].copy()
                before[:, v] -= 1
                parents = space.find(before) - starts[p - weights[v]]
                from_parent = known[p - weights[v]][parents]
                rows[mine] = successors[v][np.minimum(from_parent, successors.shape[1] - 1)]
            known[p] = rows
            offsets[p * (degree + 1) + q] = place
            parts.append(np.minimum(rows - np.int32(starts[p + q]), np.int32(sizes[p + q])).reshape(-1))
            place += rows.size
    return offsets, np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _rows(space: TaylorSpace) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """The variables of each term, as often as its exponents say."""
    exponents = space.exponents
    row_start = np.zeros(space.n_terms + 1, np.intp)
    np.cumsum(exponents.sum(axis=1, dtype=np.intp), out=row_start[1:])
    term, variable = np.nonzero(exponents)
    return row_start, np.repeat(variable.astype(np.int32), exponents[term, variable])


def children(
    space: TaylorSpace, successors: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Parent, variable and child for each term but 1, by parent: it is one other, times a variable up to its first."""
    n, lower = space.n_variables, successors.shape[1] - 1
    first = np.where(space.exponents.any(axis=1), (space.exponents != 0).argmax(axis=1), n - 1)
    mine = (np.arange(n)[None, :] <= first[:lower, None]) & (space.n_terms != successors[:, :lower].T)
    parent, variable = np.nonzero(mine)
    return parent, variable, successors[variable, parent].astype(np.intp)


def _runs(space: TaylorSpace, successors: NDArray[np.int32]) -> NDArray[np.intp]:
    """`children` in runs, see `Tables`: parents, first children, lengths and variables."""
    parent, variable, child = children(space, successors)
    order = np.argsort(child)
    parent, variable, child = parent[order], variable[order], child[order]
    degree = np.searchsorted(space.starts, child, side="right")
    broken = (np.diff(parent) != 1) | (np.diff(variable) != 0) | (np.diff(degree) != 0) | (np.diff(child) != 1)
    begin = np.flatnonzero(np.append(True, broken)[: len(child)])
    lengths = np.diff(np.append(begin, len(child)))
    return np.ascontiguousarray(np.stack([parent[begin], child[begin], lengths, variable[begin]])[:, ::-1], np.intp)
