import numpy as np
from numpy.typing import NDArray

def saturation_fit(
    starts: NDArray[np.intp],
    rows: NDArray[np.intp],
    row_starts: NDArray[np.intp],
    columns: NDArray[np.intp],
    order: NDArray[np.intp],
    limit: int,
    color: NDArray[np.intp],
) -> int: ...
