"""Where a sparse matrix has entries: the pattern of a Jacobian or a Hessian, in the one form that kernels walk.

Row i has entries in the columns ``indices[indptr[i]:indptr[i + 1]]``, in ascending order: compressed sparse rows, CSR.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc import _validation as check
from fastcalc._differences.plans import starts
from fastcalc._kernels.compressed import transpose

_Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pattern:
    """The entries of a matrix of this shape, row by row; its arrays are sorted, without duplicates, and read-only."""

    shape: tuple[int, int]
    indptr: _Indices
    indices: _Indices

    def __post_init__(self) -> None:
        self.indptr.flags.writeable = self.indices.flags.writeable = False

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self.indices)

    @functools.cached_property
    def rows(self) -> _Indices:
        """The row of each entry."""
        m = self.shape[0]
        rows: _Indices = np.repeat(np.arange(m, dtype=np.intp), np.diff(self.indptr))
        rows.flags.writeable = False
        return rows

    @functools.cached_property
    def as_scipy(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """``indices`` and ``indptr`` in the type that SciPy takes for this size."""
        small = max(*self.shape, self.size) <= np.iinfo(np.int32).max
        kind = np.int32 if small else np.int64
        return self.indices.astype(kind), self.indptr.astype(kind)

    @functools.cached_property
    def transposed(self) -> Pattern:
        """The entries column by column (CSC), as the pattern of the transposed matrix."""
        m, n = self.shape
        return Pattern((n, m), *transpose(self.indptr, self.indices, n))

    @functools.cached_property
    def symmetric(self) -> Pattern:
        """With the mirror image of each entry: itself where these are there already."""
        mirrored = self.transposed
        if np.array_equal(self.indptr, mirrored.indptr) and np.array_equal(self.indices, mirrored.indices):
            return self
        rows = np.concatenate([self.rows, mirrored.rows])
        return from_entries(self.shape, rows, np.concatenate([self.indices, mirrored.indices]))


def from_entries(shape: tuple[int, int], rows: NDArray[Any], columns: NDArray[Any]) -> Pattern:
    """The pattern with these entries, in any order, each as often as one likes."""
    m, n = shape
    order = np.lexsort((columns, rows))
    rows, columns = rows[order].astype(np.intp), columns[order].astype(np.intp)
    first = np.ones(len(rows), np.bool_)
    first[1:] = (rows[1:] != rows[:-1]) | (columns[1:] != columns[:-1])
    return Pattern((m, n), starts(np.bincount(rows[first], minlength=m)), columns[first])


def parse_pattern(sparsity: Any) -> Pattern:
    """The pattern that a user gives: a SciPy sparse matrix or array, whose stored entries count whatever their values,
    or a dense matrix, whose entries count where they are not 0.
    """
    if isinstance(sparsity, Pattern):
        return sparsity
    if hasattr(sparsity, "tocoo") and hasattr(sparsity, "nnz"):
        return _stored(sparsity)
    if isinstance(sparsity, str):
        if sparsity == "detect":
            raise ValueError("`sparsity` must be a matrix here; got 'detect': give detect_sparsity(f, x)")
        raise ValueError(f"`sparsity` must be a matrix, or 'detect'; got {sparsity!r}")
    try:
        dense = np.asarray(sparsity)
    except ValueError as error:
        raise TypeError("`sparsity` must be a matrix; got a ragged sequence: give its rows one length") from error
    if sparsity is None or dense.dtype.kind not in "biufc":
        raise TypeError(
            f"`sparsity` must be a matrix of bools or numbers; got {check.short(sparsity)}: give a scipy.sparse array "
            "or a dense bool array, True where a derivative may be other than 0"
        )
    _require_matrix(dense.shape)
    rows, columns = np.nonzero(dense)
    m, n = dense.shape
    return Pattern((m, n), starts(np.bincount(rows, minlength=m)), columns.astype(np.intp))


def _stored(matrix: Any) -> Pattern:
    """Of anything that SciPy calls sparse."""
    _require_matrix(matrix.shape)
    m, n = matrix.shape
    rows = matrix.tocsr()  # the user's own memory where it is one
    if not _is_canonical(rows.indptr, rows.indices):
        rows = rows.copy()
        rows.sum_duplicates()
    indices = np.array(rows.indices, np.intp)
    if len(indices) and not 0 <= indices.min() <= indices.max() < n:
        raise ValueError(
            f"`sparsity` must have column indices from 0 to {n - 1}; got {indices.min()} to {indices.max()}"
        )
    return Pattern((m, n), np.array(rows.indptr, np.intp), indices)


def _is_canonical(indptr: NDArray[Any], indices: NDArray[Any]) -> bool:
    """Whether columns rise in each row; SciPy's own answer is kept with the matrix, and may be out of date."""
    rises = np.diff(indices) > 0
    starts = indptr[1:-1]
    rises[starts[(starts > 0) & (starts < len(indices))] - 1] = True
    return bool(rises.all()) and len(indices) == indptr[-1]


def _require_matrix(shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ValueError(
            f"`sparsity` must be a matrix, one row for each output of f and one column for each variable; got shape "
            f"{shape}: where x or f(x) has several axes, all count as one, the last fastest"
        )
