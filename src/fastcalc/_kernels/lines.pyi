from typing import Any

from numpy import intp
from numpy.typing import NDArray

class Lines:
    n_components: int
    n_lanes: int
    n_lines: int
    def __init__(
        self,
        x: NDArray[Any],
        start: NDArray[intp] | None = None,
        component: NDArray[intp] | None = None,
        coefficient: NDArray[Any] | None = None,
        axis: NDArray[intp] | None = None,
        lane: NDArray[intp] | None = None,
    ) -> None: ...
