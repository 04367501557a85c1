"""Derivative, Gradient, Jacobian and Hessian: operators built once and called often, and the functions over them.

Each call reads: validate, plan, evaluate and combine, return. The formulas are in the recipes that the operators name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences import recipes
from fastcalc._differences.engine import Function
from fastcalc._differences.plans import KINDS
from fastcalc._differences.problem import as_points, deliver, frame_at, make_function, report, split_arguments
from fastcalc._differences.settings import DEFAULT, Options, Settings, parse
from fastcalc._differences.solve import Solution, solve
from fastcalc._differences.steps import Rule
from fastcalc._results import Status

_HIGHEST = 10
_BY_URGENCY = [Status.FIXED_VARIABLE, Status.NON_FINITE, Status.AT_BOUND]


class Operator:
    """A function with its options, and the plans and buffers of its last call.

    A call takes the spare buffers and puts them back at its end; a nested or concurrent call finds none and makes its
    own. So operators can be shared between threads.
    """

    _scalar: ClassVar[bool] = False  # f must return a scalar
    _one_variable: ClassVar[bool] = False  # x is an array of points of one variable

    def __init__(self, f: Callable[..., Any], **options: Unpack[Options]) -> None:
        if not callable(f):
            raise TypeError(f"`f` must be callable; got {f!r}: pass the function itself, not its value")
        self._f = f
        self._settings = self._parse(options)
        self._spare: list[tuple[tuple[int, ...], np.dtype[Any], Function, recipes.Recipe]] = []

    def _parse(self, options: Any) -> Settings:
        return parse(options) if options else DEFAULT

    def _recipe(self, n: int) -> recipes.Recipe:
        """What to sample for n variables."""
        raise NotImplementedError

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the result, for the shapes of f(x) and x."""
        raise NotImplementedError

    def _rule(self, n: int) -> Rule:
        settings = self._settings
        return Rule(KINDS[settings.method], n, settings.accuracy, order=n, across=False)

    def __call__(self, *args: Any, out: NDArray[Any] | None = None, full_output: bool | None = None) -> Any:
        """Differentiate at x, which is argument number `argnum`; the other arguments go to f."""
        settings = self._settings
        point, before, after = split_arguments(settings, args)
        x = check.as_numbers("x", point)
        if out is not None:
            check.check_destination(out, (x,))
        full = settings.full_output if full_output is None else check.flag("full_output", full_output)
        points = as_points(x, settings, one_variable=self._one_variable)
        frame = frame_at(settings, x, points)
        function, recipe = self._take(x, points)
        function.bind(before, after, settings.kwargs or {})
        solution = solve(recipe, function, points, frame, full=full)
        result = self._finish(function, solution, x.shape, out, full)
        self._spare.append((x.shape, x.dtype, function, recipe))
        return result

    def _take(self, x: NDArray[Any], points: NDArray[Any]) -> tuple[Function, recipes.Recipe]:
        """The spare buffers and plans if they fit x, or new ones."""
        try:
            shape, dtype, function, recipe = self._spare.pop()
        except IndexError:
            pass
        else:
            if shape == x.shape and dtype == x.dtype:
                return function, recipe
        function = make_function(
            self._f, self._settings, x, points, scalar=self._scalar, one_variable=self._one_variable
        )
        return function, self._recipe(len(points))

    def _finish(
        self, function: Function, solution: Solution, x: tuple[int, ...], out: NDArray[Any] | None, full: bool
    ) -> Any:
        shape = self._shape(function.shape, x)
        value = deliver(solution.value, shape, out)
        if not full:
            return value
        step = np.array(np.broadcast_to(solution.step, solution.value.shape)).reshape(shape)
        return report(function, value, shape, solution.error, step, solution.status, self._fun(function, solution, x))

    def _fun(self, function: Function, solution: Solution, x: tuple[int, ...]) -> Any:
        """f(x) in its own shape, if it was evaluated."""
        if solution.base is None:
            return None
        lanes = x if self._one_variable else x[1:] if self._settings.vectorized else ()
        return solution.base.reshape(function.shape + lanes)[()]

    def __repr__(self) -> str:
        settings = self._settings
        changed = [
            f"{name}={getattr(settings, name)!r}"
            for name in Settings.__slots__
            if getattr(settings, name) is not getattr(DEFAULT, name)
        ]
        return f"{type(self).__name__}({', '.join([repr(self._f), *changed])})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_spare": []}


class Derivative(Operator):
    """n-th derivative of a function of one real variable, at one point or many."""

    _one_variable = True

    def __init__(self, f: Callable[..., Any], n: int = 1, **options: Unpack[Options]) -> None:
        self._n = check.integer("n", n, 1, _HIGHEST, "it says which derivative")
        super().__init__(f, **options)
        if self._settings.method == "complex" and self._n != 1:
            raise ValueError(
                f"method 'complex' gives first derivatives; got n = {self._n}: use method 'central' with a higher accuracy"
            )

    def _parse(self, options: Any) -> Settings:
        plain = options.get("method") is None and options.get("accuracy") is None
        return parse(options, default_accuracy=4 if plain else 2)

    def _recipe(self, n: int) -> recipes.Recipe:
        return recipes.Lines(self._rule(self._n), n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        return output + x

    def __repr__(self) -> str:
        head, _, tail = super().__repr__().partition(repr(self._f))
        return f"{head}{self._f!r}, n={self._n}{tail}"


class Gradient(Operator):
    """Gradient of a scalar function."""

    _scalar = True

    def _recipe(self, n: int) -> recipes.Recipe:
        return recipes.Lines(self._rule(1), n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        return x


class _ValueAndGradient(Gradient):
    """Gradient with f(x), which is evaluated once."""

    def _recipe(self, n: int) -> recipes.Recipe:
        return recipes.Lines(self._rule(1), n, base=True)

    def _finish(
        self, function: Function, solution: Solution, x: tuple[int, ...], out: NDArray[Any] | None, full: bool
    ) -> Any:
        result = super()._finish(function, solution, x, out, full)
        return result if full else (self._fun(function, solution, x), result)


class Jacobian(Operator):
    """Jacobian of a function with any shape of output."""

    def _recipe(self, n: int) -> recipes.Recipe:
        return recipes.Lines(self._rule(1), n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        return output + x


class Hessian(Operator):
    """Hessian, from values of f or from its gradient."""

    def __init__(
        self, f: Callable[..., Any], *, gradient: Callable[..., Any] | None = None, **options: Unpack[Options]
    ) -> None:
        if gradient is not None and not callable(gradient):
            raise TypeError(f"`gradient` must be callable; got {gradient!r}: pass the function itself")
        super().__init__(f, **options)
        self._from_gradient = gradient is not None
        if gradient is not None:
            self._f = gradient
        elif self._settings.method == "complex":
            raise ValueError("method 'complex' gives first derivatives; got a Hessian: give `gradient`, or use 'central'")

    def _recipe(self, n: int) -> recipes.Recipe:
        if self._from_gradient:
            return recipes.Lines(self._rule(1), n)
        settings = self._settings
        return recipes.Hessian(Rule(KINDS[settings.method], 2, settings.accuracy, order=2, across=True), n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        if self._from_gradient:
            return output + x
        return output + (x[:1] if self._settings.vectorized else x) + x

    def _finish(
        self, function: Function, solution: Solution, x: tuple[int, ...], out: NDArray[Any] | None, full: bool
    ) -> Any:
        if self._from_gradient:
            variables = x[:1] if self._settings.vectorized else x
            if function.shape != variables:
                raise ValueError(
                    f"`gradient` must return one component per variable, shape {variables}; got shape {function.shape}: is "
                    "it the gradient of f?"
                )
            solution = symmetrised(solution)
        return super()._finish(function, solution, x, out, full)


def symmetrised(jacobian: Solution) -> Solution:
    """(J + J^T) / 2 for the Jacobian J (n, n, lanes) of a gradient."""

    def transposed(array: NDArray[Any]) -> NDArray[Any]:
        return array.swapaxes(0, 1)

    value = (jacobian.value + transposed(jacobian.value)) / 2
    if jacobian.error is None or jacobian.status is None:
        return Solution(value, None, jacobian.step, None, None)
    either = [(jacobian.status == code) | transposed(jacobian.status == code) for code in _BY_URGENCY]
    status = np.select(either, _BY_URGENCY, Status.FIXED_STEP).astype(np.int8)
    roots = np.sqrt(jacobian.step)
    return Solution(value, (jacobian.error + transposed(jacobian.error)) / 2, roots[:, None] * roots[None], status, None)


def derivative(
    f: Callable[..., Any], x: ArrayLike, n: int = 1, *, out: NDArray[Any] | None = None, **options: Unpack[Options]
) -> Any:
    """n-th derivative of a function of one real variable."""
    return Derivative(f, n, **options)(x, out=out)


def gradient(
    f: Callable[..., Any], x: ArrayLike, *, out: NDArray[Any] | None = None, **options: Unpack[Options]
) -> Any:
    """Gradient of a scalar function."""
    return Gradient(f, **options)(x, out=out)


def value_and_gradient(
    f: Callable[..., Any], x: ArrayLike, *, out: NDArray[Any] | None = None, **options: Unpack[Options]
) -> Any:
    """f(x) and its gradient."""
    return _ValueAndGradient(f, **options)(x, out=out)


def jacobian(
    f: Callable[..., Any], x: ArrayLike, *, out: NDArray[Any] | None = None, **options: Unpack[Options]
) -> Any:
    """Jacobian of a function with any shape of output."""
    return Jacobian(f, **options)(x, out=out)


def hessian(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    gradient: Callable[..., Any] | None = None,
    out: NDArray[Any] | None = None,
    **options: Unpack[Options],
) -> Any:
    """Hessian of a function, from its values or from its gradient."""
    return Hessian(f, gradient=gradient, **options)(x, out=out)
