from typing import Any

import numpy as np
from numpy import int8
from numpy.typing import NDArray

from fastcalc._kernels.calling import Caller

class Coordinates:
    def __init__(
        self,
        order: int,
        n: int,
        lanes: int,
        relative: float,
        smallest: float,
        noise: float,
        rtol: float,
        atol: float,
        most: int,
    ) -> None: ...
    def fits(self, n: int, lanes: int) -> bool: ...
    def place(self, function: Caller, x: NDArray[Any]) -> bool: ...
    def place_number(self, function: Caller, x: float) -> bool: ...
    def climb(self, function: Caller) -> NDArray[Any] | None: ...
    def climb_number(self, function: Caller) -> np.float64 | None: ...

def coordinate_start(
    x: NDArray[Any], relative: float, smallest: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[int8]] | None: ...
