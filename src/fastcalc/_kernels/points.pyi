from collections.abc import Callable
from typing import Any

import numpy as np

from fastcalc._kernels.calling import Caller

class PointCaller(Caller):
    def __init__(
        self,
        function: Callable[..., Any],
        point_dtype: np.dtype[Any],
        point_shape: tuple[int, ...],
        scalar: bool = False,
        imaginary: bool = False,
        nan_on_error: bool = False,
    ) -> None: ...
