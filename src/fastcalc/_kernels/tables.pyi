import numpy as np
from numpy.typing import NDArray

class Tables:
    def __init__(
        self,
        *,
        degree: int,
        starts: NDArray[np.intp],
        successors: NDArray[np.int32],
        offsets: NDArray[np.intp] | None,
        products: NDArray[np.int32] | None,
        row_start: NDArray[np.intp],
        row_variable: NDArray[np.int32],
        runs: NDArray[np.intp],
        packed: bool,
    ) -> None: ...
    @property
    def degree(self) -> int: ...
    @property
    def n_variables(self) -> int: ...
    @property
    def n_terms(self) -> int: ...
    @property
    def largest(self) -> int: ...
    @property
    def packed(self) -> bool: ...
    @property
    def n_lower(self) -> int: ...
    @property
    def n_pairs(self) -> int: ...
    @property
    def n_runs(self) -> int: ...
