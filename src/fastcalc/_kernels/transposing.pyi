import numpy as np
from numpy.typing import NDArray

def transpose(
    starts: NDArray[np.intp], columns: NDArray[np.intp], n_columns: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]: ...
