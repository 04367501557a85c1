import numpy as np
from numpy.typing import NDArray

def first_fit(
    starts: NDArray[np.intp],
    rows: NDArray[np.intp],
    n_rows: int,
    order: NDArray[np.intp],
    blocks: NDArray[np.intp],
    owner: NDArray[np.intp],
    color: NDArray[np.intp],
) -> int: ...
