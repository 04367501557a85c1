"""Derivative, Gradient, Jacobian and Hessian: operators built once and called often.

Each call reads: validate, plan, evaluate and combine, return. The formulas are in the recipes that the operators name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self, Unpack, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check
from fastcalc._differences import adaptive, exact, methods
from fastcalc._differences.engine import Function
from fastcalc._differences.problem import (
    Problem,
    as_function,
    as_points,
    deliver,
    frame_at,
    make_function,
    open_workers,
    split_arguments,
)
from fastcalc._differences.products import linear_operator
from fastcalc._differences.recipes import NO_FRAME, Recipe
from fastcalc._differences.settings import (
    DEFAULT,
    Options,
    Settings,
    documented,
    parse,
    parse_for_one_variable,
    which_derivative,
)
from fastcalc._differences.solve import Solution, solve_at_once, solve_fixed
from fastcalc._differences.sparsity.sparse import Sparse
from fastcalc._functions.compiled_calls import as_doubles
from fastcalc._functions.recognition import recognised
from fastcalc._functions.taylor import PolynomialFunction
from fastcalc._results import worst

_FLOAT64 = np.dtype(np.float64)
_Kind = tuple[tuple[int, ...], np.dtype[Any], bool]  # shape and type of x; whether f has other arguments
_A_NUMBER: _Kind = (), _FLOAT64, False


class Operator:
    """A function with its options, and the plans and buffers of its last call.

    A call takes the spare buffers and puts them back at its end; a nested or concurrent call finds none and makes its
    own. So operators can be shared between threads.
    """

    _scalar: ClassVar[bool] = False  # f must return a scalar
    _one_variable: ClassVar[bool] = False  # x is an array of points of one variable
    _square: ClassVar[bool] = False  # the result has more axes than those of f(x) and of x
    _sparse: Sparse | None = None  # the pattern of the result, where it has one

    def __init__(self, f: Callable[..., Any], **options: Unpack[Options]) -> None:
        self._settings = self._parse(options)
        self._f = as_function(f, self._settings)
        self._plain = self._settings is DEFAULT or self._settings.plain
        self._takes_scalars = self._settings.method in ("adaptive", "exact")
        self._spare: list[tuple[_Kind, Function, methods.AnyRecipe]] = []
        self._workers = open_workers(self._f, self._settings)

    def _parse(self, options: Any) -> Settings:
        return parse(options)

    def _recipe(self, n: int) -> methods.AnyRecipe:
        """What to sample for n variables."""
        raise NotImplementedError

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the result, for the shapes of f(x) and x."""
        raise NotImplementedError

    def __call__(
        self, *args: Any, out: NDArray[Any] | None = None, full_output: bool | None = None, **kwargs: Any
    ) -> Any:
        """Differentiate at x, which is argument number `argnum`; the other arguments, by place or name, go to f."""
        if self._plain and len(args) == 1 and out is None and full_output is None and not kwargs:
            x = args[0]
            if self._one_variable and type(x) in (float, np.float64):
                number = self._number_at_once(x)
                if number is not None:
                    return number
                x = np.asarray(x)
            if (
                type(x) is np.ndarray
                and x.dtype is _FLOAT64
                and x.flags.c_contiguous
                and (x.ndim or self._takes_scalars)
            ):
                result = self._at_once(x)
                if result is not None:
                    return result
        settings = self._settings
        full = settings.full_output if full_output is None else check.flag("full_output", full_output)
        point, before, after = split_arguments(settings, args)
        if kwargs and settings.kwargs:
            raise TypeError(
                f"arguments of f by name are stored in `kwargs` already; got {', '.join(kwargs)} at the call: give all "
                "of them at one place"
            )
        x = as_doubles(self._f, "x", check.as_numbers("x", point))
        if out is not None:
            check.check_destination(out, (x,))
            if self._scalar:
                check.known_shape(out, x.shape)
        points = as_points(x, settings, one_variable=self._one_variable)
        frame = frame_at(settings, x, points)
        if self._sparse is not None:
            self._sparse.require(x, settings, out)
            if self._sparse.detects:
                others = before, after, kwargs or settings.kwargs
                function = make_function(self._f, settings, x, len(points), scalar=False, one_variable=False)
                self._sparse.detect(self._f, Problem(settings, x, points, frame, function), others, self._workers)
                self._sparse.require(x, settings, out)
        kind = x.shape, x.dtype, bool(before or after or kwargs or settings.kwargs)
        function, recipe = self._take(x, len(points), kind)
        function.evaluations = 0
        function.bind(before, after, kwargs or settings.kwargs)
        solution = methods.solve(recipe, function, points, frame, full=full)
        result = self._finish(Problem(settings, x, points, frame, function, self._one_variable), solution, out)
        if before or after or kwargs:
            function.bind((), (), settings.kwargs)
        self._spare.append((kind, function, recipe))
        return result

    def _number_at_once(self, x: float) -> Any:
        """The result at a number, for default options, where the last call was at a number too; else None."""
        if self._spare:
            try:
                spare = self._spare.pop()
            except IndexError:  # another thread was faster
                return None
            known, function, recipe = spare
            result = None
            if known == _A_NUMBER and type(recipe) is adaptive.Lines:
                result = recipe.number_at_once(function, x)
            self._spare.append(spare)
            return result
        return None

    def _at_once(self, x: NDArray[Any]) -> Any:
        """The result for float64 x and default options, None where that takes more than one look."""
        shape = x.shape
        n = 1 if self._one_variable else shape[0] if self._settings.vectorized else x.size
        if x.size == 0:
            return None
        kind = shape, x.dtype, False
        function, recipe = self._take(x, n, kind)
        if not isinstance(recipe, Recipe):
            result = self._unfixed_at_once(recipe, function, x, n)
            self._spare.append((kind, function, recipe))
            return result
        result = solve_at_once(recipe, function, x, x.size // n, self._shape((), shape) if self._square else shape)
        if result is None and function.kept is not None:
            again = solve_fixed(recipe, function, function.kept.reshape(n, -1), NO_FRAME, full=False)
            result = deliver(again.value, self._shape(function.shape, shape), None)
        self._spare.append((kind, function, recipe))
        return result

    def _unfixed_at_once(self, recipe: methods.AnyRecipe, function: Function, x: NDArray[Any], n: int) -> Any:
        """The same for methods without fixed steps."""
        value: NDArray[Any] | None = None
        if isinstance(recipe, exact.Exact):
            value = recipe.at_once(cast(PolynomialFunction, function), x)
            if value is not None:
                value = value.reshape(self._shape(function.shape, x.shape))
        elif isinstance(recipe, adaptive.Lines):
            value = recipe.at_once(function, x.reshape(n, -1).copy(), x.shape)
        return value[()] if value is not None and value.ndim == 0 else value

    def _take(self, x: NDArray[Any], n: int, kind: _Kind) -> tuple[Function, methods.AnyRecipe]:
        """The spare buffers and plans if they fit x, or new ones."""
        if self._spare:
            try:
                known, function, recipe = self._spare.pop()
            except IndexError:  # another thread was faster
                pass
            else:
                if known == kind:
                    return function, recipe
        function = make_function(
            self._f,
            self._settings,
            x,
            n,
            scalar=self._scalar,
            one_variable=self._one_variable,
            others=kind[2],
            workers=self._workers,
        )
        function.guess_scalar |= self._square
        return function, self._recipe(n)

    def _finish(self, problem: Problem, solution: Solution, out: NDArray[Any] | None) -> Any:
        if self._sparse is not None:
            return self._sparse.finish(problem, solution)
        return problem.finish(solution, self._shape(problem.function.shape, problem.x.shape), out)

    def __repr__(self) -> str:
        settings = self._settings
        changed = [
            f"{name}={getattr(settings, name)!r}"
            for name in Settings.__slots__
            if repr(getattr(settings, name)) != repr(getattr(DEFAULT, name))
        ]
        if self._sparse is not None:
            changed.append(f"sparsity={self._sparse!r}")
        return f"{type(self).__name__}({', '.join([repr(self._f), *changed])})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_spare": [], "_workers": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._workers = open_workers(self._f, self._settings)

    def close(self) -> None:
        """End the threads or processes that an integer `workers` started; a later call starts others."""
        if isinstance(self._settings.workers, int):
            cast(Any, self._workers).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@documented
class Derivative(Operator):
    """n-th derivative of a function of one real variable, as an operator: built once, called often.

    ``fc.Derivative(f, n, **options)(x)`` is ``fc.derivative(f, x, n, **options)``; see there for shapes and errors, and
    `Gradient` for other arguments at the call.

    Parameters
    ----------
    f : callable or compiled function
        Function of a scalar; vectorised, of an array ``(k,)``.
    n : int, default 1
        Which derivative, 1 to 10.
    {options of one variable}

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> slope = fc.Derivative(np.sin)
    >>> slope(0.0).round(12), slope([0.0, np.pi]).round(12)
    (np.float64(1.0), array([ 1., -1.]))
    """

    _one_variable = True

    def __init__(self, f: Callable[..., Any], n: int = 1, **options: Unpack[Options]) -> None:
        self._n = which_derivative(n)
        super().__init__(f, **options)
        if self._settings.method == "complex" and self._n != 1:
            raise ValueError(
                f"method 'complex' gives first derivatives; got n = {self._n}: use method 'central' with a higher "
                "accuracy"
            )

    def _parse(self, options: Any) -> Settings:
        return parse_for_one_variable(options)

    def _recipe(self, n: int) -> methods.AnyRecipe:
        return methods.lines(self._settings, self._n, n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        return output + x

    def __repr__(self) -> str:
        head, _, tail = super().__repr__().partition(repr(self._f))
        return f"{head}{self._f!r}, n={self._n}{tail}"


@documented
class Gradient(Operator):
    """Gradient of a scalar function, as an operator: built once, called often, shared between threads.

    ``fc.Gradient(f, **options)(x)`` is ``fc.gradient(f, x, **options)``; see there for shapes and errors. At the call,
    ``out`` and ``full_output`` are accepted, and the other arguments of f in their places: ``g(x, *args)``.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array that returns a scalar.
    {options}

    Examples
    --------
    As ``jac`` of an optimiser:

    >>> import numpy as np
    >>> import fastcalc as fc
    >>> g = fc.Gradient(lambda x, a: np.sum((x - a) ** 2))
    >>> g(np.array([1.0, 2.0]), 0.5).round(9)
    array([1., 3.])
    """

    _scalar = True

    def _recipe(self, n: int) -> methods.AnyRecipe:
        return methods.lines(self._settings, 1, n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        return x


class ValueAndGradient(Gradient):
    """Gradient with f(x), which is evaluated once."""

    def __init__(self, f: Callable[..., Any], **options: Unpack[Options]) -> None:
        super().__init__(f, **options)
        self._plain = False  # two results

    def _recipe(self, n: int) -> methods.AnyRecipe:
        return methods.lines(self._settings, 1, n, base=True)

    def _finish(self, problem: Problem, solution: Solution, out: NDArray[Any] | None) -> Any:
        result = super()._finish(problem, solution, out)
        return (problem.fun(solution), result) if solution.known is None else result


@documented
class Jacobian(Operator):
    """Jacobian of a function with any shape of output, as an operator: built once, called often.

    ``fc.Jacobian(f, **options)(x)`` is ``fc.jacobian(f, x, **options)``; see there for shapes and errors.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array.
    sparsity : sparse array, array_like of bool or "detect", optional
        Where the Jacobian may be other than 0; results are then `scipy.sparse.csr_array`. The pattern is coloured, or
        found, at the first call, and verified at the first call for each shape of x.
    {options}

    Examples
    --------
    For a differential equation ``y' = rhs(t, y)``, the derivative by y:

    >>> import numpy as np
    >>> import fastcalc as fc
    >>> J = fc.Jacobian(lambda t, y: np.array([y[1], -t * y[0]]), argnum=1)
    >>> J(2.0, np.array([1.0, 0.0])).round(9)
    array([[ 0.,  1.],
           [-2.,  0.]])

    As ``jac`` of `scipy.optimize.least_squares`, or of a stiff `scipy.integrate.solve_ivp`, it may be sparse:

    >>> J = fc.Jacobian(lambda x: x**2 - np.append(x[1:], 1), sparsity=np.eye(1000) + np.eye(1000, k=1))
    >>> J(np.ones(1000)).nnz
    1999
    """

    def __init__(self, f: Callable[..., Any], *, sparsity: Any = None, **options: Unpack[Options]) -> None:
        super().__init__(f, **options)
        if sparsity is not None:
            self._sparse, self._plain = Sparse(sparsity), False

    def _recipe(self, n: int) -> methods.AnyRecipe:
        if self._sparse is not None:
            return self._sparse.recipe(self._settings)
        return methods.lines(self._settings, 1, n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        return output + x

    def as_linear_operator(self, x: ArrayLike, *args: Any) -> Any:
        """The Jacobian at x as a scipy.sparse.linalg.LinearOperator (m, n), never formed.

        Parameters
        ----------
        x : array_like
            The point.
        *args
            Other arguments of f, where they are not stored in the options; x is then in the place `argnum` says.

        Returns
        -------
        scipy.sparse.linalg.LinearOperator
            ``matvec`` is `jvp`, 2 calls of f for central differences of accuracy 2; ``rmatvec`` is `vjp`, 2n calls. f
            is called once here, for m.

        Raises
        ------
        ImportError
            Without SciPy.
        ValueError
            For a vectorised f.

        Examples
        --------
        >>> import numpy as np
        >>> import fastcalc as fc
        >>> A = fc.Jacobian(lambda x: np.array([x[0] * x[1], x[1] ** 2])).as_linear_operator([2.0, 3.0])
        >>> A.matvec(np.array([1.0, 0.0])).round(8)
        array([3., 0.])
        """
        return linear_operator(self._f, self._settings, (x, *args))


@documented
class Hessian(Operator):
    """Hessian of a function, from its values or its gradient, as an operator: built once, called often.

    ``fc.Hessian(f, **options)(x)`` is ``fc.hessian(f, x, **options)``; see there for shapes and errors.

    Parameters
    ----------
    f : callable or compiled function
        Function of an array; usually scalar.
    gradient : callable or compiled function, optional
        Gradient of f, which is then differentiated instead of f.
    sparsity : sparse array, array_like of bool or "detect", optional
        Where the Hessian may be other than 0, as for `Jacobian`; one triangle is enough.
    {options}

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> H = fc.Hessian(lambda x: x[0] ** 2 * x[1])
    >>> H(np.array([1.0, 2.0])).round(4)
    array([[4., 2.],
           [2., 0.]])
    """

    _square = True

    def __init__(
        self,
        f: Callable[..., Any],
        *,
        gradient: Callable[..., Any] | None = None,
        sparsity: Any = None,
        **options: Unpack[Options],
    ) -> None:
        given = f if gradient is None else recognised(f)
        super().__init__(f if gradient is None else recognised(gradient, "gradient"), **options)
        self._from_gradient = gradient is not None
        self._plain &= not self._from_gradient  # the result is symmetrised
        if gradient is not None:
            self._given = given
        elif self._settings.method == "complex":
            raise ValueError(
                "method 'complex' gives first derivatives; got a Hessian: give `gradient`, or use 'central'"
            )
        if sparsity is not None:
            self._sparse = Sparse(sparsity, square=True, from_values=not self._from_gradient)
            self._plain = False

    def __repr__(self) -> str:
        text = super().__repr__()
        if not self._from_gradient:
            return text
        return text.replace(repr(self._f), f"{self._given!r}, gradient={self._f!r}", 1)

    def _recipe(self, n: int) -> methods.AnyRecipe:
        if self._sparse is not None:
            return self._sparse.recipe(self._settings)
        if self._from_gradient:
            return methods.lines(self._settings, 1, n)
        return methods.hessian(self._settings, n)

    def _shape(self, output: tuple[int, ...], x: tuple[int, ...]) -> tuple[int, ...]:
        own = () if self._from_gradient else output
        return own + (x[:1] if self._settings.vectorized else x) + x

    def _finish(self, problem: Problem, solution: Solution, out: NDArray[Any] | None) -> Any:
        if self._from_gradient:
            problem.require_gradient()
            if self._sparse is None:
                solution = symmetrised(solution)
        return super()._finish(problem, solution, out)


def symmetrised(jacobian: Solution) -> Solution:
    """(J + J^T) / 2 for the Jacobian J (n, n, lanes) of a gradient; steps are the geometric means."""
    mean = jacobian.reduced(
        value=lambda a: (a + a.swapaxes(0, 1)) / 2,
        status=lambda a: worst(np.stack([a, a.swapaxes(0, 1)]), axis=0),
    )
    roots = np.sqrt(mean.step)
    return replace(mean, step=roots[:, None] * roots[None])
