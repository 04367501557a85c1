import numpy as np
from numpy.typing import NDArray

def star_fit(
    starts: NDArray[np.intp],
    neighbors: NDArray[np.intp],
    order: NDArray[np.intp],
    cautious: bool,
    limit: int,
    color: NDArray[np.intp],
) -> int: ...
def star_positions(
    starts: NDArray[np.intp],
    columns: NDArray[np.intp],
    color: NDArray[np.intp],
    n_colors: int,
    from_color: NDArray[np.intp],
    from_row: NDArray[np.intp],
) -> int: ...
