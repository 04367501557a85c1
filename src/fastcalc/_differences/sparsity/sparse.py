"""Operators with a sparse result: the pattern and its colours, found once, and SciPy's arrays around the entries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from fastcalc._differences import methods
from fastcalc._differences.problem import Problem
from fastcalc._differences.settings import Settings
from fastcalc._differences.solve import Solution
from fastcalc._differences.sparsity.compressed_hessian import Triangle
from fastcalc._differences.sparsity.detection import detected
from fastcalc._differences.sparsity.pattern import Pattern, parse_pattern
from fastcalc._differences.sparsity.structure import Structure, hessian_structure, jacobian_structure
from fastcalc._differences.sparsity.verification import verify_pairs, verify_rows
from fastcalc._functions.arguments import Arguments
from fastcalc._results import DerivativeResult


class Sparse:
    """What an operator with `sparsity` knows besides f and its options; shared by the threads that call it.

    Parameters
    ----------
    square : bool
        A Hessian: the pattern is made symmetric.
    from_values : bool
        A Hessian from values of f, without a gradient.
    """

    def __init__(self, sparsity: Any, *, square: bool = False, from_values: bool = False) -> None:
        _require_scipy()
        self.square, self.from_values = square, from_values
        self._pattern: Pattern | None = None
        self._plan: Structure | Triangle | None = None
        self._verified: set[tuple[int, ...]] = set()
        self._lock = threading.RLock()
        if not (isinstance(sparsity, str) and sparsity == "detect"):
            self._take(parse_pattern(sparsity))

    def _take(self, pattern: Pattern) -> None:
        if self.square:
            m, n = pattern.shape
            if m != n:
                raise ValueError(
                    f"`sparsity` of a Hessian must be square, one row and one column per variable; got shape "
                    f"{pattern.shape}"
                )
            pattern = pattern.symmetric
        self._pattern = pattern

    @property
    def detects(self) -> bool:
        """Whether the pattern is still to be found."""
        return self._pattern is None

    def detect(self, f: Callable[..., Any], problem: Problem, others: Arguments, workers: Any) -> None:
        """Find the pattern of f, which is the gradient for a Hessian from one, at the point of a problem."""
        with self._lock:
            if self._pattern is None:
                gradient = self.square and not self.from_values
                self._take(detected(f, problem, others, workers, symmetric=gradient, hessian=self.from_values))

    def require(self, x: NDArray[Any], settings: Settings, out: Any) -> None:
        """What must hold before f is called."""
        if out is not None:
            raise ValueError("`out` is for dense results; got it with `sparsity`, whose results are new sparse arrays")
        if settings.vectorized and x.ndim > 1:
            raise ValueError(
                f"`sparsity` is for one point, x of shape (n,) where f is vectorised; got a batch of shape {x.shape}: "
                "call the operator point by point, it keeps pattern and colours"
            )
        if self._pattern is not None and self._pattern.shape[1] != x.size:
            raise ValueError(
                f"`sparsity` must have one column per variable, {x.size} for x of shape {x.shape}; got "
                f"{self._pattern.shape[1]} columns"
            )

    def recipe(self, settings: Settings) -> methods.AnyRecipe:
        """What to sample, for a pattern that is settled."""
        assert self._pattern is not None
        with self._lock:
            if self._plan is None:
                if self.from_values:
                    self._plan = Triangle(self._pattern)
                else:
                    make = hessian_structure if self.square else jacobian_structure
                    self._plan = make(self._pattern)
        if isinstance(self._plan, Triangle):
            return methods.pairs(settings, self._plan)
        return methods.compressed(settings, self._plan)

    def finish(self, problem: Problem, solution: Solution) -> Any:
        """Verify at the first point of each shape, and give the entries SciPy's form."""
        assert self._pattern is not None
        pattern, data = self._pattern, solution.value[0, :, 0]
        shape = problem.x.shape
        if shape not in self._verified and pattern.shape[0] and pattern.shape[1]:
            (verify_pairs if self.from_values else verify_rows)(problem, pattern, data, solution)
            self._verified.add(shape)
        result = problem.finish(solution, (pattern.size,), None)
        if isinstance(result, DerivativeResult):
            return replace(result, value=self._matrix(result.value))
        return self._matrix(result)

    def _matrix(self, data: NDArray[Any]) -> Any:
        """A csr_array with index arrays of its own: what its user does to them is no matter of ours."""
        from scipy.sparse import csr_array

        assert self._pattern is not None
        indices, indptr = (array.copy() for array in self._pattern.as_scipy)
        matrix = csr_array((data, indices, indptr), shape=self._pattern.shape)
        matrix.has_canonical_format = True
        return matrix

    def __repr__(self) -> str:
        if self._pattern is None:
            return "'detect'"
        m, n = self._pattern.shape
        return f"<pattern {m} x {n} with {self._pattern.size} entries>"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


def _require_scipy() -> None:
    try:
        import scipy.sparse  # noqa: F401
    except ImportError as error:
        raise ImportError("`sparsity` needs SciPy, whose sparse arrays are the results: pip install scipy") from error
