import numpy as np
from numpy.typing import NDArray

from fastcalc._kernels.plan import Plan

class Samples:
    def __init__(
        self,
        plan: Plan,
        m: int,
        relative: float,
        reach: int,
        tiny_below: float,
        lost: float,
        step: NDArray[np.float64] | None,
        scale: NDArray[np.float64] | None,
        measured: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float] | None,
    ) -> None: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def m(self) -> int: ...
    @property
    def n_results(self) -> int: ...
    @property
    def work_size(self) -> int: ...
