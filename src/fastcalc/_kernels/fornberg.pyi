from typing import Any

import numpy as np
from numpy.typing import NDArray

def fornberg_weights(
    nodes: NDArray[np.floating[Any]], distances: NDArray[np.floating[Any]], weights: NDArray[np.floating[Any]]
) -> None: ...
