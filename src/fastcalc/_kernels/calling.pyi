from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._kernels.lines import Lines
from fastcalc._kernels.plan import Plan

def evaluate_quietly(caller: Caller, *arguments: Any) -> bool: ...

class Caller:
    columns_last: bool
    guess_scalar: bool
    n_components: int
    m: int
    evaluations: int
    suspects: list[tuple[int, NDArray[Any]]]
    kept: NDArray[Any] | None
    epsilon: float
    coarse: float
    error: BaseException | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    values: NDArray[Any]
    def __init__(
        self,
        function: Callable[..., Any],
        point_dtype: np.dtype[Any],
        scalar: bool,
        imaginary: bool,
        nan_on_error: bool,
    ) -> None: ...
    def bind(self, before: tuple[Any, ...], after: tuple[Any, ...], keywords: dict[str, Any] | None) -> None: ...
    def start(self) -> None: ...
    def columns(self) -> int: ...
    def forget(self, columns: int) -> None: ...
    def reserve(self, columns: int) -> None: ...
    def width(self, plan: Plan, lanes: int) -> int: ...
    def evaluate_along(self, lines: Lines, line: NDArray[Any], shift: NDArray[Any], count: int) -> None: ...
    def assume_scalar(self) -> None: ...
    def at_once(
        self,
        plan: Plan,
        x: NDArray[Any],
        lanes: int,
        relative: float,
        reach: int,
        tiny_below: float,
        measured: tuple[Any, ...] | None,
        shape: tuple[int, ...],
        quiet: bool,
    ) -> NDArray[Any] | None: ...
    def evaluate(
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
