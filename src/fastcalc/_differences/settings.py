"""The options that every operator on functions shares, checked once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any, Literal, TypedDict, TypeVar, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastcalc import _validation as check

Method = Literal["central", "forward", "backward", "complex", "adaptive", "exact"]
_HIGHEST = 10  # derivative in one variable
METHODS: tuple[Method, ...] = get_args(Method)


class Options(TypedDict, total=False):
    """Keyword options of the operators, as the user writes them."""

    method: Method
    accuracy: int
    step: ArrayLike | None
    scale: ArrayLike | None
    bounds: Any
    noise: float | None
    rtol: float | None
    atol: float
    max_evaluations: int | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any] | None
    argnum: int
    vectorized: bool
    workers: int | Callable[..., Any] | None
    on_error: Literal["raise", "nan"]
    full_output: bool


_OPTIONS = """method : {{"central", "forward", "backward", "complex", "adaptive", "exact"}}, optional
    Differences with one step per variable, on both sides of x or on one; "complex", the complex step: first
    derivatives of real-analytic functions that compute in complex arithmetic, exact to rounding (`abs`, `float()`
    and comparisons break it); "adaptive": as many steps as f asks for, extrapolated, with an error to rely on,
    see `derivative`; "exact": no steps, f runs on Taylor polynomials in the place of numbers, see
    `TaylorPolynomial`, and results are exact to rounding. It may use NumPy and branch on values, and is told where
    it leaves NumPy. Default: {method}.
accuracy : int, default 2
    Order p of the error, O(h**p): even for central differences, 1 or more for one-sided ones. The methods
    "complex", "adaptive" and "exact" have none.
step : float or array_like, optional
    Absolute step, in the units of x; a scalar or one per variable; for "adaptive" the first one. Default:
    eps**(1 / (n + accuracy)) times the size of the variable, which is max(abs(x), scale), and 1 where that is 0;
    n is the order of the derivative, eps that of the coarser of x and f(x). Where no `scale` is given,
    abs(x) < 1e-5 (about 2e-3 for second and 5e-2 for fourth derivatives) and the difference drowns in rounding,
    it is taken once more with size 1. "adaptive" begins with 0.19 times the size.
scale : float or array_like, optional
    Typical size of each variable.
bounds : (lower, upper) or scipy.optimize.Bounds, optional
    f is never called outside: stencils turn to one side or shrink. None means no bound. Equal bounds
    give NaN for that component.
noise : float, optional
    What the values of f may be wrong by beyond rounding, absolute. Default: measured, three standard deviations,
    where they contradict rounding. For "adaptive" alone, as the next three.
rtol, atol : float, optional
    Stop when the error is at most max(atol, rtol * abs(derivative)). Default: as accurate as f allows.
max_evaluations : int, default 150
    Points of f besides x along each line of steps: there is one for each variable, and for mixed derivatives one
    for each combination of variables.
args, kwargs : tuple, dict, optional
    Other arguments of f.
argnum : int, default 0
    Place of x among the arguments: f(*args[:argnum], x, *args[argnum:], **kwargs).
vectorized : bool, default False
    {vectorized}
workers : int or map-like callable, optional
    Who calls f. An integer: so many threads for a compiled or vectorised f, processes for others; -1 takes all
    cores. An operator keeps them until it is closed or gone. Where processes are not forked (Windows, macOS,
    Linux from Python 3.14 on), a script calls below ``if __name__ == "__main__":``. A callable is the map of a
    pool or of a cluster, called as ``workers(func, iterable)``. The result does not depend on how many there are.
on_error : {{"raise", "nan"}}, optional
    Whether an exception of f propagates or makes NaN of what needs the value.
full_output : bool, default False
    Return a `DerivativeResult`, with an error, a step and a status for each component. The errors of "adaptive"
    are meant as bounds. Those of fixed steps are estimates, from accuracy 4 on: the difference to the embedded
    stencil of accuracy - 2, plus the rounding bound; at lower accuracy, for "complex" and for "exact" they are
    unknown, NaN."""
_OUT = """
out : ndarray, optional
    Destination of the result, sharing no memory with x."""
_MANY = {
    "method": '"central"',
    "vectorized": """f takes points as columns, (n, k), and returns (k,) or (m, k). x may then hold a batch of points
    behind its first axis, for functions of C too, which are still called at one point at a time.""",
}
_ONE = {
    "method": '"adaptive"; "central" where `accuracy` is given',
    "vectorized": "f takes many points, (k,), and returns (k,) or (m, k). Compiled functions need it not.",
}
_PLACE = re.compile(r"^( *)\{(options|options of one variable)\}", re.MULTILINE)
_Documented = TypeVar("_Documented", bound=Callable[..., Any])


def documented(thing: _Documented) -> _Documented:
    """Put the shared options, as deep as it stands, in the place of ``{options}`` or ``{options of one variable}``.

    `out` is among them for functions; operators take it at the call.
    """

    def options(place: re.Match[str]) -> str:
        text = _OPTIONS.format(**(_MANY if place[2] == "options" else _ONE))
        return indent(text if isinstance(thing, type) else text + _OUT, place[1])

    if thing.__doc__:
        thing.__doc__ = _PLACE.sub(options, thing.__doc__)
    return thing


@dataclass(slots=True)
class Settings:
    """`Options`, validated and in one form. Shapes that depend on x are checked with x."""

    method: str = "central"
    accuracy: int = 2
    step: NDArray[Any] | None = None
    scale: NDArray[Any] | None = None
    bounds: tuple[NDArray[Any], NDArray[Any]] | None = None
    noise: float | None = None
    rtol: float | None = None
    atol: float = 0.0
    max_evaluations: int | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] | None = None
    argnum: int = 0
    vectorized: bool = False
    workers: int | Callable[..., Any] | None = None
    on_error: str = "raise"
    full_output: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing was asked for but a method and its accuracy."""
        if self is DEFAULT or self is ADAPTIVE or self is _VECTORIZED:
            return True
        free = ("method", "accuracy", "vectorized", "noise", "rtol", "atol", "max_evaluations")
        return self.method != "complex" and all(
            getattr(self, name) is getattr(DEFAULT, name) for name in self.__slots__ if name not in free
        )


DEFAULT = Settings()
ADAPTIVE = Settings(method="adaptive")
_VECTORIZED = Settings(vectorized=True)


def parse(options: Mapping[str, Any]) -> Settings:
    """Check the user's options; a TypeError names one that does not exist."""
    if not options:
        return DEFAULT
    if len(options) == 1 and options.get("vectorized") is True:
        return _VECTORIZED
    settings = Settings()
    for name, value in options.items():
        if name not in _CHECKS:
            raise TypeError(f"unknown option {name!r}{_guess(name)}: the options are {', '.join(_CHECKS)}")
        setattr(settings, name, _CHECKS[name](value))
    settings.accuracy = _accuracy(settings.method, options.get("accuracy"))
    if settings.method != "adaptive":
        for name in ("noise", "rtol", "atol", "max_evaluations"):
            if getattr(settings, name) != getattr(DEFAULT, name):
                raise ValueError(
                    f"`{name}` is for method 'adaptive'; got {options[name]!r} with method {settings.method!r}: write "
                    "method='adaptive', or leave it out"
                )
    if settings.method == "exact":
        for name, why in (
            ("step", "takes no steps"), ("scale", "takes no steps"), ("workers", "calls f once or a few times"),
        ):  # fmt: skip
            if getattr(settings, name) is not None:
                raise ValueError(
                    f"`{name}` has no effect on method 'exact', which {why}; got {check.short(options[name])}: leave "
                    "it out"
                )
    if settings.args and settings.argnum > len(settings.args):
        raise ValueError(
            f"`argnum` must be at most the number of other arguments, {len(settings.args)}; got {settings.argnum}: x "
            "goes before, between or after `args`"
        )
    return settings


def parse_for_one_variable(options: Mapping[str, Any]) -> Settings:
    """The same for derivatives in one variable, which are adaptive where nothing else is asked for."""
    if not options:
        return ADAPTIVE
    by_default = "method" not in options and options.get("accuracy") is None
    return parse({"method": "adaptive", **options} if by_default else options)


def which_derivative(n: Any) -> int:
    """The number of a derivative in one variable."""
    remedy = "it says which derivative; higher ones are p.partial(n) of p = fc.taylor(f, x, n)"
    return check.integer("n", n, 1, _HIGHEST, remedy)


def _guess(name: str) -> str:
    """The option that was meant, in words, if it can be told."""
    import difflib  # only where it is needed

    if name == "sparsity":
        return ", which jacobian and hessian alone take"
    others = {"rel_step": "step", "abs_step": "step", "epsilon": "step", "h": "step", "order": "accuracy"}
    others |= {"n_jobs": "workers", "max_workers": "workers", "processes": "workers", "jac_sparsity": "sparsity"}
    close = [others[name]] if name in others else difflib.get_close_matches(name, _CHECKS, 1)
    return f", did you mean {close[0]!r}?" if close else ""


def _accuracy(method: str, value: Any) -> int:
    if value is None:
        return DEFAULT.accuracy
    accuracy = check.integer("accuracy", value, 1, 60, "it is the order of the error, O(h**accuracy)")
    if method == "central" and accuracy % 2:
        raise ValueError(
            f"`accuracy` must be a positive even integer for central differences; got {accuracy}: use {accuracy + 1}, "
            "or a one-sided method"
        )
    if method in ("complex", "exact") and accuracy != 2:
        raise ValueError(
            f"`accuracy` has no effect on method {method!r}, whose error is rounding; got {accuracy}: leave it out"
        )
    if method == "adaptive" and accuracy != 2:
        raise ValueError(
            f"`accuracy` has no effect on method 'adaptive', which finds its own; got {accuracy}: leave it out, or use "
            "`rtol`"
        )
    return accuracy


def _args(args: Any) -> tuple[Any, ...]:
    if isinstance(args, (str, bytes)) or not isinstance(args, Sequence):
        raise TypeError(f"`args` must be a tuple of the other arguments of f; got {args!r}: write (value,) for one")
    return tuple(args)


def _kwargs(kwargs: Any) -> dict[str, Any] | None:
    if kwargs is not None and not (isinstance(kwargs, Mapping) and all(isinstance(name, str) for name in kwargs)):
        raise TypeError(f"`kwargs` must map argument names to values; got {kwargs!r}")
    return dict(kwargs) if kwargs else None


def _limits(bounds: Any) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """`(lower, upper)`, or anything with `lb` and `ub` as scipy.optimize.Bounds has."""
    if bounds is None:
        return None
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        pair = (bounds.lb, bounds.ub)
    elif (
        isinstance(bounds, (str, bytes))
        or not hasattr(bounds, "__len__")
        or len(bounds) != 2
        or (isinstance(bounds, list) and all(isinstance(pair, tuple) for pair in bounds))
    ):
        raise TypeError(
            f"`bounds` must be a pair (lower, upper) or a scipy.optimize.Bounds; got {check.short(bounds)}: for one "
            "pair per variable write tuple(zip(*bounds))"
        )
    else:
        pair = tuple(bounds)
    lower, upper = (_side(limit, missing) for limit, missing in zip(pair, (-np.inf, np.inf), strict=True))
    if np.isnan(lower).any() or np.isnan(upper).any():
        raise ValueError("`bounds` must not be NaN; got NaN: use -inf and inf for no bound")
    try:
        crossed = (lower > upper).any()
    except ValueError:
        raise ValueError(f"`bounds` must have matching shapes; got {lower.shape} and {upper.shape}") from None
    if crossed:
        raise ValueError(f"`bounds` must have lower <= upper; got lower {pair[0]} and upper {pair[1]}")
    return lower, upper


def _sizes(name: str) -> Callable[[Any], NDArray[Any] | None]:
    return lambda value: None if value is None else check.positive(name, value)


def _flag(name: str) -> Callable[[Any], bool]:
    return lambda value: value if value is True or value is False else check.flag(name, value)


def _level(name: str) -> Callable[[Any], float | None]:
    def checked(value: Any) -> float | None:
        if value is None:
            return 0.0 if name == "atol" else None
        number = check.as_real(name, value)
        if number.ndim or not (np.isfinite(number) and number >= 0):
            raise ValueError(f"`{name}` must be a finite number of at least 0; got {check.short(value)}")
        return float(number)

    return checked


def _most(value: Any) -> int | None:
    if value is None:
        return None
    return check.integer("max_evaluations", value, 1, None, "it limits the points of f for each component")


_MOST_WORKERS = 1024  # all processes of a pool start together: a mistyped number would stop the machine


def _workers(value: Any) -> int | Callable[..., Any] | None:
    function: Callable[..., Any] | None = value if callable(value) else None
    if value is None or function is not None:
        return function
    remedy = "give a number of threads or processes, -1 for all cores, or a function like map"
    if hasattr(value, "map"):
        its_map = "get_executor().map" if hasattr(value, "get_executor") else "map"  # a dask Client's gives futures
        raise TypeError(
            f"`workers` must be an integer or a function like map; got {check.short(value)}: give its {its_map}"
        )
    count = check.integer("workers", value, -1, _MOST_WORKERS, remedy)
    if count == 0:
        raise ValueError(f"`workers` must be positive, or -1; got 0: {remedy}")
    return count


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "method": lambda value: check.one_of("method", value, METHODS),
    "accuracy": lambda value: value,  # depends on the method
    "step": _sizes("step"),
    "scale": _sizes("scale"),
    "bounds": _limits,
    "noise": _level("noise"),
    "rtol": _level("rtol"),
    "atol": _level("atol"),
    "max_evaluations": _most,
    "args": _args,
    "kwargs": _kwargs,
    "argnum": lambda value: check.integer("argnum", value, 0, None, "it is the place of x among the arguments of f"),
    "vectorized": _flag("vectorized"),
    "workers": _workers,
    "on_error": lambda value: check.one_of("on_error", value, ("raise", "nan")),
    "full_output": _flag("full_output"),
}


def _side(limit: Any, missing: float) -> NDArray[Any]:
    """Lower or upper limits; None stands for no limit, as in SciPy."""
    if limit is None:
        return np.asarray(missing)
    if isinstance(limit, (list, tuple)) and any(entry is None for entry in limit):
        limit = [missing if entry is None else entry for entry in limit]
    return check.as_real("bounds", limit)


def inward(limit: NDArray[Any], dtype: np.dtype[Any], towards: float) -> NDArray[Any]:
    """A bound in the precision of x, rounded to the inside so that no point of that precision crosses it."""
    with np.errstate(over="ignore"):
        rounded = limit.astype(dtype)
        outside = rounded < limit if towards > 0 else rounded > limit
        return np.where(outside, np.nextafter(rounded, np.asarray(towards, dtype)), rounded)
