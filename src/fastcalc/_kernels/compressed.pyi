from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._kernels.plan import Plan

def gather(
    plan: Plan,
    group: int,
    stop: int,
    mode: int,
    values: NDArray[Any],
    columns_last: bool,
    m: int,
    place: NDArray[np.int32] | None,
    row: NDArray[np.int32],
    column: NDArray[np.int32],
    first: int,
    last: int,
    result: NDArray[np.int32],
    whole: bool,
    steps: NDArray[Any],
    out: NDArray[Any],
) -> None: ...
def recover(
    compressed: NDArray[Any],
    row: NDArray[np.int32],
    column: NDArray[np.int32],
    group: NDArray[np.int32],
    entries: NDArray[np.int32] | None,
    out: NDArray[Any],
) -> None: ...
def transpose(
    indptr: NDArray[np.intp], columns: NDArray[np.intp], n: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]: ...
