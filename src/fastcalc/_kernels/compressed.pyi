from typing import Any

import numpy as np
from numpy.typing import NDArray

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
