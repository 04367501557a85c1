from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from fastcalc._kernels.blocks import BlockCaller
from fastcalc._kernels.points import PointCaller

class Failure:
    @property
    def error(self) -> BaseException: ...
    def __init__(self, error: BaseException) -> None: ...

class MappedPoints(PointCaller):
    def outputs(self, points: NDArray[Any]) -> Iterator[Any]: ...

class MappedBlocks(BlockCaller):
    def outputs(self, points: NDArray[Any]) -> Iterator[tuple[int, Any]]: ...
