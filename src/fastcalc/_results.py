"""What a derivative comes with: its error, its steps, and a status per component in words."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc import _plots
from fastcalc import _validation as check

_ROWS_SHOWN = 12


class Status(IntEnum):
    """How a component of a derivative ended; `DerivativeResult.status` holds one per component.

    Fixed steps end with FIXED_STEP, AT_BOUND, NON_FINITE or FIXED_VARIABLE; EXACT belongs to exact methods. Their
    numbers are part of the interface.

    Attributes
    ----------
    CONVERGED
        As accurate as was asked for; or truncation is most of the error.
    ROUNDING_LIMIT, NOISE_LIMIT
        Rounding, or noise, of the values of f is most of the error.
    NOT_CONVERGED
        No steps gave a derivative to believe in: the error is NaN, or as large as all that is possible.
    NON_FINITE
        f is not finite at x, or at points that are needed.
    AT_BOUND
        A bound was near, and the stencil turned to one side or shrunk; an adaptive method succeeded.
    NOT_SMOOTH
        Left and right derivatives disagree, or differences grow without limit: there is no derivative. The value is
        that of the smallest steps of use, the mean of both sides at a kink; the error is NaN.
    FIXED_STEP
        One step, chosen beforehand.
    FIXED_VARIABLE
        The bounds leave this variable no room.
    EXACT
        No error but rounding.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> result = fc.gradient(np.sum, [1.0, 2.0], bounds=([0, 2], [9, 2]), full_output=True)
    >>> [fc.Status(code).name for code in result.status]
    ['FIXED_STEP', 'FIXED_VARIABLE']
    """

    CONVERGED = 0
    ROUNDING_LIMIT = 1
    NOISE_LIMIT = 2
    NOT_CONVERGED = 3
    NON_FINITE = 4
    AT_BOUND = 5
    NOT_SMOOTH = 6
    FIXED_STEP = 7
    FIXED_VARIABLE = 8
    EXACT = 9


MEANING = {
    Status.CONVERGED: "converged",
    Status.ROUNDING_LIMIT: "as accurate as the rounding of f allows",
    Status.NOISE_LIMIT: "as accurate as the noise of f allows",
    Status.NOT_CONVERGED: "not converged: the error is unknown, or an order of magnitude",
    Status.NON_FINITE: "f, or x, is not finite where it is needed",
    Status.AT_BOUND: "a bound is near: the stencil was turned to one side or shrunk",
    Status.NOT_SMOOTH: "not smooth: left and right derivatives disagree",
    Status.FIXED_STEP: "fixed step",
    Status.FIXED_VARIABLE: "the bounds leave this variable no room",
    Status.EXACT: "exact to rounding",
}


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What an adaptive method tried: arrays ``(k, *value.shape)`` over k rungs of a ladder of steps.

    Attributes
    ----------
    step : ndarray
        Step of each rung; NaN where a component did not get there.
    error : ndarray
        Estimated error of the best derivative whose smallest step is that one; NaN where it is unknown.
    rounding : ndarray or None
        The part of it that rounding and noise may have.
    """

    step: NDArray[Any]
    error: NDArray[Any]
    rounding: NDArray[Any] | None = None

    def reshaped(self, shape: tuple[int, ...]) -> History:
        """For results of this shape."""
        whole = (len(self.step), *shape)
        rounding = None if self.rounding is None else self.rounding.reshape(whole)
        return History(self.step.reshape(whole), self.error.reshape(whole), rounding)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DerivativeResult:
    """A derivative with what is known about it.

    Attributes
    ----------
    value : ndarray, scalar or csr_array
        The derivative, as without ``full_output``. For `taylor` a polynomial; the rest then has the shape of its coef.
        With `sparsity` a `scipy.sparse.csr_array`; the rest then has one number for each entry of ``value.data``, and
        ``csr_array((error, value.indices, value.indptr))`` is a matrix of them.
    error : ndarray or scalar
        Absolute error of `value`, in its units and of its shape; NaN where it is unknown. Adaptive methods mean it as a
        bound, usually tens of times the true error; for fixed steps it is an estimate, from accuracy 4 on.
    step : ndarray or scalar
        Step in the units of x, the smallest in use for adaptive methods. For a second derivative in two variables the
        geometric mean of both steps; for sums over variables (products, Laplacian, divergence) one per variable.
    fun : ndarray, scalar or None
        f(x) where it was evaluated, else None.
    evaluations : int
        Points at which f was evaluated.
    success : ndarray of bool, or bool
        Per component: whether `value` is finite and its status is none of NOT_CONVERGED, NOT_SMOOTH, NON_FINITE and
        FIXED_VARIABLE. The error of an adaptive method can then be relied on. Fixed steps succeed wherever they give a
        number; how good it is, `error` says.
    status : ndarray of int8, or Status
        A `Status` per component.
    message : str
        The same in words, with the number of components each applies to.
    history : History or None
        What an adaptive method tried: `step`, `error` and `rounding`, the part of the error that rounding may have, of
        shape ``(k, *value.shape)`` for k rungs, largest step first; errors without the last factor of 2. None for fixed
        steps, for what is combined of several lines (Hessians, products and sums), for complex values, and for more
        than 4096 columns. Not part of the text.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> result = fc.derivative(np.exp, 0.0, full_output=True)
    >>> bool(abs(result.value - 1) <= result.error <= 1e-11), result.success
    (True, True)
    >>> bool(np.nanargmin(result.history.error) > 2)  # large steps, with their truncation, are worse
    True

    Where there is no derivative:

    >>> result = fc.derivative(np.abs, 0.0, full_output=True)
    >>> result.error, result.success, result.message
    (np.float64(nan), False, 'not smooth: left and right derivatives disagree')
    """

    value: Any
    error: Any
    step: Any
    fun: Any
    evaluations: int
    success: Any
    status: Any
    message: str
    history: History | None = None

    def plot(self, component: int | tuple[int, ...] | None = None, ax: Any = None) -> Any:
        """Plot the estimated error against the step, on logarithmic axes, with the chosen step marked.

        Parameters
        ----------
        component : int or tuple of int, optional
            Index of a component of `value`; not needed where there is one alone.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default: a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            `ax`, or that of the new figure.

        Raises
        ------
        TypeError, ValueError
            For a `component` that does not exist or is missing, and for a result without a history: methods with
            fixed steps know a single one, and Hessians and results of more than 4096 components keep none.
        ImportError
            Without matplotlib, where no `ax` is given.

        Notes
        -----
        Where steps are large, truncation makes the error; where they are small, rounding. Errors of 0, which have no
        place on a logarithmic axis, are triangles at its lower end; unknown ones are left out.
        """
        if self.history is None:
            raise ValueError(
                "a plot of errors against steps needs a result with a `history`; got one without: take "
                "method='adaptive' and full_output=True (Hessians, and results of more than 4096 components, keep none)"
            )
        at = self._index(component)
        every: Any = (slice(None), *at)
        own = np.shape(self.step) == np.shape(self.value)
        ax = _plots.error_against_step(
            self.history.step[every],
            self.history.error[every],
            None if self.history.rounding is None else self.history.rounding[every],
            float(np.asarray(self.step)[at]) if own else None,
            float(np.asarray(self.error)[at]) if own else None,
            _plots.new_axes() if ax is None else ax,
        )
        if np.size(self.value) > 1:
            ax.set_title(f"component {at[0] if len(at) == 1 else at}")
        return ax

    @property
    def _numbers(self) -> Any:
        """The value, the coefficients of a polynomial, or the entries of a sparse array."""
        if hasattr(self.value, "indptr"):
            return self.value.data
        return getattr(self.value, "coef", self.value)

    def _index(self, component: Any) -> tuple[int, ...]:
        """`component` as an index of `value`."""
        shape = np.shape(self._numbers)
        if component is None:
            if np.size(self._numbers) != 1:
                raise ValueError(
                    f"`component` must be given for a value of shape {shape}: {self._example()} for the first one"
                )
            return (0,) * len(shape)
        given = component if isinstance(component, tuple) else (component,)
        if len(given) != len(shape):
            raise ValueError(
                f"`component` must have one index per axis of the value, of shape {shape}; got {component!r}: "
                f"{self._example()} is the first one"
            )
        remedy = f"it is an index of a value of shape {shape}"
        return tuple(check.integer("component", index, 0, n - 1, remedy) for index, n in zip(given, shape, strict=True))

    def _example(self) -> str:
        at = (0,) * np.ndim(self._numbers)
        return f"component={at[0] if len(at) == 1 else at}"

    def __repr__(self) -> str:
        width = max(len(field.name) for field in fields(self))
        lines = []
        for name, text in self._rows():
            head, *rest = text.splitlines() or [""]
            lines.append(f"{name:>{width}}: {head}")
            lines += [" " * (width + 2) + line for line in rest]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Facts, then a table of the components, for notebooks."""
        facts = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'><pre style='margin:0'>"
            f"{escape(text)}</pre></td></tr>"
            for name, text in self._rows()
            if np.ndim(self._numbers) == 0 or name in ("evaluations", "message", "fun")
        )
        if np.ndim(self._numbers) == 0:
            return f"<table>{facts}</table>"
        status = np.asarray(self.status)
        body = ""
        for at in list(np.ndindex(np.shape(self._numbers)))[:_ROWS_SHOWN]:
            cells = (
                str(at[0] if len(at) == 1 else at),
                f"{self._numbers[at]:.10g}",
                f"{self.error[at]:.2g}",
                f"{self.step[at]:.3g}" if np.shape(self.step) == np.shape(self._numbers) else "",
                MEANING[Status(int(status[at]))],
            )
            body += "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        heads = "".join(f"<th>{head}</th>" for head in ("component", "value", "error", "step", "status"))
        hidden = np.size(self._numbers) - _ROWS_SHOWN
        more = f"<p>and {hidden} more components</p>" if hidden > 0 else ""
        return f"<table>{facts}</table><table><tr>{heads}</tr>{body}</table>{more}"

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "history":
                continue
            if field.name == "status":
                names = [Status(int(code)).name for code in np.unique(np.asarray(value))]
                text = ", ".join(names) if np.ndim(value) == 0 or len(names) == 1 else np.array2string(value)
            else:
                text = np.array2string(value, threshold=60) if isinstance(value, np.ndarray) else str(value)
            rows.append((field.name, text))
        return rows


_FAILED = [Status.FIXED_VARIABLE, Status.NON_FINITE, Status.NOT_SMOOTH, Status.NOT_CONVERGED]
_BY_URGENCY = [
    *_FAILED,
    Status.AT_BOUND,
    Status.NOISE_LIMIT,
    Status.ROUNDING_LIMIT,
    Status.CONVERGED,
    Status.EXACT,
]


_SUCCEEDED = np.array([code not in _FAILED for code in Status])


def succeeded(status: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Whether `error` can be relied on; fixed steps always succeed where they give a number."""
    return _SUCCEEDED[status]


def worst(status: NDArray[np.int8], axis: int) -> NDArray[np.int8]:
    """The status of a sum over an axis: that of the summand that says most."""
    found = [(status == code).any(axis=axis) for code in _BY_URGENCY]
    return np.select(found, [np.int8(code) for code in _BY_URGENCY], np.int8(Status.FIXED_STEP))


def describe(status: NDArray[Any]) -> str:
    """All statuses in words; with counts where there is more than one."""
    counts = np.bincount(status.reshape(-1), minlength=len(Status)).tolist()
    found = {MEANING[code]: count for code, count in zip(Status, counts, strict=True) if count}
    if len(found) > 1:
        return "; ".join(f"{count} of {status.size}: {meaning}" for meaning, count in found.items())
    return next(iter(found), "nothing to differentiate: x, or f(x), has no components")
