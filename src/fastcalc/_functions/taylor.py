"""Functions on Taylor polynomials: NumPy code runs on them unchanged, and errors name the line that does not."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._taylor.data import Data, series_dtype
from fastcalc._taylor.operands import operand
from fastcalc._taylor.polynomial import TaylorPolynomial
from fastcalc._taylor.space import TaylorSpace

_Array = NDArray[Any]
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # of the package
_LIBRARIES = _HERE, os.path.dirname(os.path.abspath(np.__file__)) + os.sep
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_FUNCTIONS = os.path.join(_HERE, "_functions", "")
_ALGEBRA = os.path.join(_HERE, "_taylor", "")
_MENTIONS = re.compile(
    r"TaylorPolynomial|dtype\('O'\)|dtype object|object array|setting an array element|loop of ufunc does not support"
    r"|not supported for the input types"
)
_LINE = 100  # characters of a line of code, in messages
_make = TaylorPolynomial._make


@functools.cache
def _retain_memory() -> None:
    """Let the C library keep memory that is freed, up to this size, for the next operation.

    glibc returns large blocks to the system, and gets them back page by page, which takes ten times as long as the
    arithmetic; the largest block that was ever freed is what it takes for large.
    """
    np.empty(24 * 2**20, np.uint8)


class TaylorFunction:
    """Adapter for ``f(p)`` with polynomials p in the place of x: one point, or a block of them where f is vectorised.

    ``shape`` is that of one output, ``dtype`` the result type of x and of all outputs so far, None before the first.
    """

    __slots__ = (
        "_after", "_before", "_f", "_keywords", "_nan_on_error", "_one_row", "_point_dtype", "_point_shape", "_scalar",
        "dtype", "evaluations", "guess_scalar", "remedy", "shape", "takes_blocks",
    )  # fmt: skip

    def __init__(
        self,
        f: Callable[..., Any],
        point_dtype: np.dtype[Any],
        point_shape: tuple[int, ...],
        *,
        takes_blocks: bool = False,
        one_row: bool = False,
        scalar: bool = False,
        nan_on_error: bool = False,
    ) -> None:
        if point_dtype == np.clongdouble and point_dtype != np.complex128:
            raise TypeError(
                f"`x` must be float32, float64, longdouble, complex64 or complex128 for method 'exact'; got dtype "
                f"{point_dtype}: convert it, or use method='adaptive'"
            )
        self._f = f
        self._point_dtype, self._point_shape = point_dtype, point_shape
        self.takes_blocks, self._one_row = takes_blocks, one_row
        self._scalar = self.guess_scalar = scalar
        self._nan_on_error = nan_on_error
        self.remedy = "method='adaptive'"
        self.shape: tuple[int, ...] | None = () if scalar else None
        self.dtype: np.dtype[Any] | None = None
        self.evaluations = 0
        self.bind((), (), None)
        _retain_memory()

    def bind(self, before: tuple[Any, ...], after: tuple[Any, ...], keywords: dict[str, Any] | None) -> None:
        """Set the arguments before and after x, and those by name."""
        self._before, self._after, self._keywords = before, after, keywords or {}

    def start(self) -> None:
        """Begin anew: what was found of f's output may not hold any more."""
        self.shape, self.dtype = () if self._scalar else None, None

    def point_shape(self, points: int) -> tuple[int, ...]:
        """Shape of what f takes: that of a point, or for blocks (n, points), or (points,) for one variable."""
        if not self.takes_blocks:
            return self._point_shape
        return (points,) if self._one_row else (*self._point_shape, points)

    def __call__(self, space: TaylorSpace, coef: _Array, points: int, x0: _Array | None = None) -> _Array | None:
        """Coefficients of f at the polynomials with these: (n_terms, *shape), a last axis for the points of a block.

        Around x0; None stands for displacements. None comes back where f failed and that is allowed. f may keep or
        change the polynomials: nobody else has them.
        """
        self.evaluations += points
        try:
            output = self._f(*self._before, _make(space, coef, x0), *self._after, **self._keywords)
            if output.__class__ is TaylorPolynomial and output._space is space:
                series = output._coef
            else:
                series = self._series(output, space)
        except Exception as error:
            refused = refusal(error, "f", f"{self.remedy}, which needs values of f alone")
            if refused is not None:
                raise refused from error
            if not self._nan_on_error:
                raise
            return None
        self._meet(series, points)
        return series

    def _series(self, output: Any, space: TaylorSpace) -> _Array:
        """Coefficients of an output that is no polynomial itself: a list of them, or a constant."""
        if output is None:
            raise TypeError("`f` must return numbers; got None: is a `return` missing?")
        if isinstance(output, (str, bytes, dict, set)):
            raise TypeError(f"`f` must return numbers; got {type(output).__name__}: return an array")
        try:
            output = operand(output)
        except ValueError as error:
            if "inhomogeneous" not in str(error):
                raise
            raise TypeError(
                f"`f` must return numbers, an array or nested lists of one shape; got a ragged {type(output).__name__}"
            ) from error
        if isinstance(output, Data):
            if output._space is not space:
                raise ValueError(
                    f"`f` must return polynomials that come from its argument, of {space!r}; got some of "
                    f"{output._space!r}"
                )
            return output._coef
        if isinstance(output, (float, int, complex)) and not isinstance(output, np.generic):
            output = np.asarray(output, np.result_type(self._point_dtype, output))
        constant = np.asarray(output)
        series = np.zeros((space.n_terms, *constant.shape), series_dtype(constant.dtype))
        series[0] = constant
        return series

    def _meet(self, series: _Array, points: int) -> None:
        """Take the first output's shape and type, or check a later one against them."""
        shape = series.shape[1:]
        if self.takes_blocks:
            if not shape or shape[-1] != points:
                raise ValueError(
                    "a vectorized `f` must return shape (k,) or (m, k), one column per point; got shape "
                    f"{shape} for {points} points: points are columns, so reduce over axis 0, or leave out "
                    "`vectorized=True`"
                )
            shape = shape[:-1]
        if self._scalar:
            if shape and shape != (1,):
                raise ValueError(
                    "`f` must return a scalar for a gradient or a Hessian product, shape () or (1,); got shape "
                    f"{shape}: use `jacobian`, or vectorized=True if f takes many points as columns"
                )
        elif self.shape is None:
            self.shape = shape
        elif shape != self.shape:
            raise ValueError(f"`f` must return the same shape at every point; got {self.shape}, then {shape}")
        if series.dtype is not self.dtype:
            own = self._point_dtype
            kind = series.dtype if own != np.complex64 or series.dtype == np.longdouble else own  # it has no series
            kind = np.result_type(own, kind)
            self.dtype = kind if self.dtype is None else np.result_type(self.dtype, kind)


def refusal(error: Exception, name: str, remedy: str) -> TypeError | None:
    """The error to raise where a function left Taylor arithmetic, with its line; None for errors of its own."""
    if not isinstance(error, (TypeError, ValueError, AttributeError)):
        return None
    frames = []
    entry = error.__traceback__
    while entry is not None:
        frames.append((entry.tb_frame, entry.tb_lineno))
        entry = entry.tb_next
    raised_in = frames[-1][0].f_code.co_filename
    message = str(error)
    ours = raised_in.startswith(_ALGEBRA) and (isinstance(error, TypeError) or "truth value" in message)
    if not ours and (raised_in.startswith(_FUNCTIONS) or not _MENTIONS.search(message)):
        return None
    advice = "Keep to NumPy functions of its argument"
    if "fc.taylor_function" in message:
        advice = f"Give its derivatives with fc.taylor_function, k{advice[1:]}"
    return TypeError(
        f"`{name}` leaves Taylor arithmetic{_place(frames)}: {_what(message, raised_in)}. {advice}, or use {remedy}"
    )


def _what(message: str, raised_in: str) -> str:
    """What went wrong, in words of polynomials, where NumPy speaks of objects."""
    what = message.partition(":")[0].rstrip(". ")
    in_place = "output from dtype('O')" in what or what.startswith("`out` must be a Taylor polynomial")  # y += ...
    if in_place or what.startswith("setting an array element"):
        if os.path.basename(raised_in) == "_methods.py":  # of NumPy: np.mean, var and std
            return "no mean, var or std of a list or np.array([...]) of polynomials: make it one by np.stack"
        what = "an array of numbers can't hold polynomials, np.zeros_like(x) or np.array([...]) of polynomials can"
        return what + ", and y = y + x adds them where y += x can't" if in_place else what
    if "dtype('O')" in what or "loop of ufunc" in what or "not supported for the input types" in what:
        name = re.search(r"ufunc '(\w+)'", what)
        function = name[1] if name else "a function"
        return f"{function} takes no list or np.array([...]) of polynomials: make it one by np.stack or np.block"
    return what


def _place(frames: list[tuple[FrameType, int]]) -> str:
    """The line to look at, in words: the last one of the user, or else of a library but NumPy and this one."""
    import linecache  # only where it is needed

    outside = [
        (frame, line)
        for frame, line in frames
        if not frame.f_code.co_filename.startswith(_LIBRARIES) and not frame.f_code.co_filename.endswith(".pyx")
    ]
    own = [
        (frame, line)
        for frame, line in outside
        if not frame.f_code.co_filename.startswith(_STANDARD) and "site-packages" not in frame.f_code.co_filename
    ]
    if not outside:
        return ""
    frame, line = (own or outside)[-1]
    name = frame.f_code.co_filename
    text = linecache.getline(name, line, frame.f_globals).strip()
    if len(text) > _LINE:
        text = text[: _LINE - 4].rstrip() + " ..."
    return f" at {name}:{line}" + (f", `{text}`" if text else "")
