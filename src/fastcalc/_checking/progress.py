"""A progress bar for long checks, where tqdm is installed; nothing where it is not."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_PARTS = 100


def in_parts(variables: NDArray[np.intp], label: str, *, shown: bool) -> Iterator[NDArray[np.intp]]:
    """The variables in one part or, to show progress between them, in up to 100."""
    if not shown or len(variables) == 0:
        yield variables
        return
    try:
        tqdm = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        yield variables
        return
    with tqdm(total=len(variables), desc=label, unit="component") as bar:
        for part in np.array_split(variables, min(_PARTS, len(variables))):
            yield part
            bar.update(len(part))
