import numpy as np
from numpy.typing import NDArray

def count_neighbors(
    starts: NDArray[np.intp], rows: NDArray[np.intp], row_starts: NDArray[np.intp]
) -> NDArray[np.intp]: ...
def smallest_last(
    starts: NDArray[np.intp],
    rows: NDArray[np.intp],
    row_starts: NDArray[np.intp] | None,
    columns: NDArray[np.intp] | None,
    degree: NDArray[np.intp],
) -> NDArray[np.intp]: ...
