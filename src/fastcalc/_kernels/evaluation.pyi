from typing import Any

from numpy.typing import NDArray

from fastcalc._kernels.tables import Tables

def evaluate(tables: Tables, coef: NDArray[Any], d: NDArray[Any]) -> NDArray[Any]: ...
def evaluate_with_gradient(
    tables: Tables, coef: NDArray[Any], d: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]: ...
