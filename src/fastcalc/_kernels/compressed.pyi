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
    place: NDArray[np.intp] | None,
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    first: int,
    last: int,
    result: NDArray[np.intp],
    steps: NDArray[Any],
    out: NDArray[Any],
) -> None: ...
def recover(
    compressed: NDArray[Any],
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    group: NDArray[np.intp],
    divisor: NDArray[Any],
    entries: NDArray[np.intp] | None,
    out: NDArray[Any],
) -> None: ...
def transpose(
    indptr: NDArray[np.intp], columns: NDArray[np.intp], n: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]: ...
