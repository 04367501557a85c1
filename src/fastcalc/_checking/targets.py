"""What is compared: some components of the derivative, or its products with directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking import reference as references
from fastcalc._checking.reference import Reference
from fastcalc._checking.remainder import Directions, along
from fastcalc._checking.subject import Subject

_Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Components:
    """The derivatives by some variables (c,)."""

    subject: Subject
    variables: NDArray[np.intp]

    def of(self, derivative: _Array) -> _Array:
        """What is compared (m, c, lanes), from a derivative (m, n, lanes)."""
        return np.asarray(derivative[:, self.variables])

    def magnitude(self, derivative: _Array) -> _Array:
        """Size of what is compared, or of the summands it is made of."""
        return np.abs(self.of(derivative))

    def misplaced(self, derivative: _Array) -> _Array:
        """Change of f from the rounding of the points that the reference uses: they are floating-point numbers."""
        return np.zeros_like(self.of(derivative))

    @property
    def count(self) -> int:
        """How many, c."""
        return len(self.variables)

    @property
    def size(self) -> _Array:
        """Size of the variables (c, lanes)."""
        return self.subject.size[self.variables]

    def beside(self, other: Components) -> Components:
        """These, then others."""
        return Components(self.subject, np.concatenate([self.variables, other.variables]))

    def some(self, places: NDArray[np.intp]) -> Components:
        """Those at some places."""
        return Components(self.subject, self.variables[places])

    def reference(self, widen: float = 1.0) -> Reference:
        """The derivatives from f."""
        return references.of_components(self.subject, self.variables, widen)


@dataclass(frozen=True, slots=True)
class Products:
    """The derivatives along directions."""

    subject: Subject
    directions: Directions

    def of(self, derivative: _Array) -> _Array:
        """What is compared (m, c, lanes), from a derivative (m, n, lanes)."""
        return np.stack([along(derivative, v) for v in self.directions.vectors], axis=1)

    def magnitude(self, derivative: _Array) -> _Array:
        """Size of the summands: their norm, since their rounding errors are independent."""
        return _norm(derivative, self.directions.vectors)

    def misplaced(self, derivative: _Array) -> _Array:
        """Change of f from the rounding of the points that the reference uses."""
        points = np.broadcast_to(self.subject.points, self.directions.vectors.shape)
        return np.asarray(np.finfo(derivative.dtype).eps * _norm(derivative, points))

    @property
    def count(self) -> int:
        """How many, c."""
        return len(self.directions.vectors)

    @property
    def size(self) -> _Array:
        """Size of the coordinates along the directions (c, lanes)."""
        vectors = self.directions.vectors
        return np.ones((len(vectors), vectors.shape[2]), vectors.dtype)

    def some(self, places: NDArray[np.intp]) -> Products:
        """Those at some places."""
        vectors, reach = self.directions
        return Products(self.subject, Directions(vectors[places], reach[:, places]))

    def reference(self, widen: float = 1.0) -> Reference:
        """The derivatives from f."""
        return references.of_directions(self.subject, *self.directions, widen)


Target = Components | Products


def _norm(derivative: _Array, vectors: _Array) -> _Array:
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        return np.stack([np.sqrt(along(derivative**2, v**2)) for v in vectors], axis=1)
