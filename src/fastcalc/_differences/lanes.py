"""Batches: the points (lanes) of a batch that can be treated alike, apart and together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def alike(patterns: NDArray[Any]) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
    """Lanes with the same column in `patterns` (rows, lanes), and that column; one empty set where there is no lane."""
    if patterns.shape[1] == 0:
        yield np.zeros(0, np.intp), np.zeros(len(patterns), patterns.dtype)
        return
    if patterns.shape[1] == 1:
        yield np.zeros(1, np.intp), patterns[:, 0]
        return
    columns, of_lane = np.unique(patterns, axis=1, return_inverse=True)
    for k in range(columns.shape[1]):
        yield np.flatnonzero(of_lane.reshape(-1) == k), columns[:, k]


def take(array: NDArray[Any], lanes: NDArray[np.intp]) -> NDArray[Any]:
    """Some lanes of an array (..., lanes), contiguous; the array itself if these are all, or if it has one for all."""
    if array.shape[-1] == 1 or len(lanes) == array.shape[-1]:
        return array
    return np.ascontiguousarray(array[..., lanes])


def together(parts: Sequence[tuple[NDArray[np.intp], NDArray[Any] | None]], lanes: int) -> NDArray[Any] | None:
    """The parts (..., some lanes) of an array in their places, NaN where there is none; None if there are no parts."""
    present = [array for _, array in parts if array is not None]
    if not present or (len(parts) == 1 and present[0].shape[-1] == lanes):
        return present[0] if present else None
    dtype = np.result_type(*present)
    whole: NDArray[Any] = np.full((*present[0].shape[:-1], lanes), np.nan if dtype.kind in "fc" else 0, dtype)
    for members, array in parts:
        if array is not None:
            whole[..., members] = array
    return whole
