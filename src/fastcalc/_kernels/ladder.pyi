from typing import Any

from numpy import int8
from numpy.typing import NDArray

from fastcalc._kernels.calling import Caller
from fastcalc._kernels.lines import Lines

class Ladders:
    line: NDArray[Any]
    shift: NDArray[Any]
    value: NDArray[Any]
    error: NDArray[Any]
    step: NDArray[Any]
    top: NDArray[Any]
    verdict: NDArray[int8]
    history: NDArray[Any] | None
    def __init__(
        self,
        n: int,
        base: NDArray[Any],
        first_step: NDArray[Any],
        reach: NDArray[Any],
        size: NDArray[Any],
        finest: NDArray[Any],
        side: NDArray[int8],
        epsilon: float,
        x_epsilon: float,
        noise: float,
        rtol: float,
        atol: float,
        most: int,
        keep_history: bool,
    ) -> None: ...
    def ask(self) -> int: ...
    def tell(self, values: NDArray[Any]) -> None: ...
    def climb(self, function: Caller, lines: Lines) -> bool: ...
