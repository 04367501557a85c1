from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._kernels.calling import Caller
from fastcalc._kernels.plan import Plan

class BlockCaller(Caller):
    def __init__(
        self,
        function: Callable[..., Any],
        point_dtype: np.dtype[Any],
        n: int,
        one_row: bool,
        scalar: bool = False,
        imaginary: bool = False,
        nan_on_error: bool = False,
    ) -> None: ...
    def one_by_one(
        self,
        plan: Plan,
        first: int,
        last: int,
        x: NDArray[Any],
        h: NDArray[Any],
        all_lanes: int,
        lane0: int,
        lanes: int,
        column: int,
    ) -> bool: ...
