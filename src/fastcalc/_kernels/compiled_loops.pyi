from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._kernels.compiled import CompiledCaller

class LineStencil:
    fits: bool
    def __init__(
        self,
        offsets: NDArray[np.float64],
        plus: NDArray[np.intp],
        minus: NDArray[np.intp],
        weight: NDArray[np.float64],
        denominator: float,
        order: int,
    ) -> None: ...

def lines_at_once(
    f: CompiledCaller,
    stencil: LineStencil,
    x: NDArray[Any],
    lanes: int,
    relative: float,
    reach: int,
    tiny_below: float,
    measured: tuple[Any, ...] | None,
    shape: tuple[int, ...],
) -> NDArray[Any] | None: ...
def hessian_at_once(
    f: CompiledCaller,
    own: LineStencil,
    less: LineStencil,
    across: LineStencil,
    x: NDArray[Any],
    lanes: int,
    relative: float,
    reach: int,
    tiny_below: float,
    shape: tuple[int, ...],
) -> NDArray[Any] | None: ...
