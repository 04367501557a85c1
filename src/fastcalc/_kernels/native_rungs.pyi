import numpy as np
from numpy.typing import NDArray

class Rungs:
    def __init__(
        self,
        order: int,
        n: int,
        m: int,
        relative: float,
        smallest: float,
        noise: float,
        rtol: float,
        atol: float,
        most: int,
        step: NDArray[np.float64] | None,
        scale: NDArray[np.float64] | None,
    ) -> None: ...
    @property
    def n(self) -> int: ...
    @property
    def m(self) -> int: ...
    @property
    def n_results(self) -> int: ...
    @property
    def work_size(self) -> int: ...
