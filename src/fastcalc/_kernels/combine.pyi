from typing import Any

from numpy.typing import NDArray

from fastcalc._kernels.plan import Plan

def combine(
    plan: Plan,
    group: int,
    stop: int,
    mode: int,
    values: NDArray[Any],
    columns_last: bool,
    m: int,
    all_lanes: int,
    lane0: int,
    lanes: int,
    steps: NDArray[Any],
    step_lane0: int,
    out: NDArray[Any],
) -> None: ...
