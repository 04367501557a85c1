from typing import Any

from numpy.typing import NDArray

def choose_steps(
    x: NDArray[Any], relative: float, reach: int, scale: NDArray[Any] | None, tiny_below: float, h: NDArray[Any]
) -> bool: ...
def round_steps(x: NDArray[Any], reach: int, h: NDArray[Any]) -> None: ...
def true_steps(
    x: NDArray[Any],
    h: NDArray[Any],
    plus: NDArray[Any],
    minus: NDArray[Any],
    weight: NDArray[Any],
    denominator: float,
    out: NDArray[Any],
) -> None: ...
