from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._kernels.calling import Caller

class FunctionPointer:
    shape: tuple[int, ...] | None
    failure: Callable[[int, NDArray[np.float64]], BaseException]
    def __init__(
        self,
        address: int,
        form: int,
        data: int | None,
        shape: tuple[int, ...] | None,
        owner: Any = None,
        failure: Callable[[int, NDArray[np.float64]], BaseException] = ...,
        first: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    ) -> None: ...
    def learn(self, shape: tuple[int, ...], data: int | None) -> None: ...
    @property
    def one_variable(self) -> bool: ...
    def values_at(self, points: NDArray[np.float64], nan_on_error: bool = False) -> NDArray[np.float64]: ...

class CompiledCaller(Caller):
    def __init__(self, pointer: FunctionPointer, n: int, scalar: bool = False, nan_on_error: bool = False) -> None: ...
