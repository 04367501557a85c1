"""The report of a check: verdicts in words and tables, and the plot of the Taylor remainders."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._checking.examine import Evidence
from fastcalc._checking.hints import Findings, hints_for
from fastcalc._checking.judging import Compared
from fastcalc._checking.targets import Components
from fastcalc._checking.verdicts import Verdict
from fastcalc._plots import new_axes
from fastcalc._results import MEANING, Status

_ROWS_SHOWN = 10
_EXPECTED = (1, 2, 3)
_REMAINDERS = ("|f(x + t v) - f(x)|", "less t g v", "second order")


class WrongDerivativeError(AssertionError):
    """A derivative that was checked is wrong; its text is that of the report, which is in the attribute `report`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcalc.checking import WrongDerivativeError, check_gradient
    >>> report = check_gradient(lambda x: x @ x, lambda x: 3 * x, np.array([1.0, 2.0]))
    >>> try:
    ...     report.raise_if_wrong()
    ... except WrongDerivativeError as error:
    ...     print(error.report.verdict)
    [1 1]
    """

    report: GradientReport


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GradientReport:
    """What a check of a gradient or a Jacobian found.

    Arrays have the shape of the derivative unless said otherwise; those of a scalar are NumPy scalars.

    Attributes
    ----------
    kind : str
        "gradient" or "jacobian".
    verdict : ndarray of int8, or int8
        A `fastcalc.checking.Verdict` per component: RIGHT, WRONG, INCONCLUSIVE, NOT_SMOOTH, NOT_DETERMINISTIC,
        NOT_CHECKED.
    value : ndarray or scalar
        The derivative that was checked.
    reference : ndarray or scalar
        The one from f; NaN where not checked or not known.
    error : ndarray or scalar
        Error bar of `reference`; NaN where unknown.
    tolerance : ndarray or scalar
        Differences up to this are no evidence against `value`.
    worst : tuple of int or None
        Index of the component with the largest difference over tolerance; None if no component is known.
    components : ndarray of int
        Variables whose derivatives were compared, as indices into ``x.ravel()``, or into the first axis of x with
        ``vectorized=True``.
    direction_verdict : ndarray of int8
        `Verdict` of the product of the derivative with each direction, which concerns all variables:
        ``(directions,) + f(x).shape``, and the shape of the batch. Variables at which f is not smooth are left out
        where they seem to make it wrong.
    steps : ndarray (k,)
        Steps t of the Taylor remainders.
    remainders : ndarray (directions, 3, k)
        The remainders, norms over all outputs.
    rates : ndarray (directions, 3)
        With which power of t they vanish: 1, 2 and 3, or more, where the derivative is right. inf: they are rounding.
    hints : tuple of str
        What the mistake looks like.
    notes : tuple of str
        What else should be known.
    deterministic : bool
        Whether f gave the same bits each time at x.
    evaluations, derivative_evaluations : int
        Points at which f, and the derivative, were evaluated.

    Examples
    --------
    >>> import numpy as np
    >>> import fastcalc as fc
    >>> report = fc.check_gradient(lambda x: np.sum(x**3), lambda x: 3 * x**2, np.array([1.0, 2.0, 3.0]))
    >>> report.passed, report.counts
    (True, {'right': 3})
    >>> report.rates.min(axis=0).round(1)
    array([1., 2., 3.])
    """

    kind: str
    verdict: Any
    value: Any
    reference: Any
    error: Any
    tolerance: Any
    worst: tuple[int, ...] | None
    components: NDArray[np.intp]
    direction_verdict: NDArray[np.int8]
    steps: NDArray[Any]
    remainders: NDArray[Any]
    rates: NDArray[Any]
    hints: tuple[str, ...]
    notes: tuple[str, ...]
    deterministic: bool
    evaluations: int
    derivative_evaluations: int

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong; what is inconclusive is not wrong."""
        return not (np.any(self.verdict == Verdict.WRONG) or np.any(self.direction_verdict == Verdict.WRONG))

    @property
    def counts(self) -> dict[str, int]:
        """How many components there are of each verdict, in words."""
        codes, counts = np.unique(np.asarray(self.verdict), return_counts=True)
        return {str(Verdict(int(code))): int(count) for code, count in zip(codes, counts, strict=True)}

    def raise_if_wrong(self, *, strict: bool = False) -> None:
        """Raise an error with the text of this report if something is wrong, for tests.

        Parameters
        ----------
        strict : bool, default False
            Raise also where a component that was compared is not known to be right.

        Raises
        ------
        fastcalc.checking.WrongDerivativeError
            An AssertionError, so that test runners count a failure; `report` is this report.
        """
        doubtful = ~np.isin(self.verdict, (Verdict.RIGHT, Verdict.NOT_CHECKED))
        if not self.passed or (strict and doubtful.any()):
            error = WrongDerivativeError(str(self))
            error.report = self
            raise error

    def plot(self, ax: Any = None) -> Any:
        """Taylor remainders against the step, both on logarithmic axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            With a line per direction and remainder, and thin lines of slopes 1, 2 and 3.

        Raises
        ------
        ImportError
            Without Matplotlib.
        """
        return _draw(self, new_axes() if ax is None else ax)

    def __repr__(self) -> str:
        head, rows, facts = self._head(), self._rows(), self._facts()
        lines = [head]
        if rows:
            widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
            for row in rows:
                cells = [cell.rjust(width) for cell, width in zip(row[:-1], widths, strict=False)]
                lines.append("  ".join(["", *cells, row[-1]]))
        return "\n".join([*lines, *(f"{name}: {text}" for name, text in facts)])

    def _repr_html_(self) -> str:
        """The same as tables, for notebooks."""
        heads, *rows = self._rows() or [()]
        table = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        titles = "".join(f"<th>{escape(head)}</th>" for head in heads)
        facts = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{escape(text)}</td></tr>"
            for name, text in self._facts()
        )
        return f"<p>{escape(self._head())}</p><table><tr>{titles}</tr>{table}</table><table>{facts}</table>"

    def _head(self) -> str:
        """The result in a line."""
        counts = self.counts
        parts = [f"{count} {word}" for word, count in counts.items()]
        if not self.passed:
            state = "wrong"
        else:
            state = "right" if set(counts) <= {"right", "not checked"} else "not known to be wrong"
        along = int(np.sum(np.any(_per_direction(self.direction_verdict) == Verdict.WRONG, axis=1)))
        if along:
            parts.append(f"wrong along {along} of {len(self.rates)} random directions")
        return f"{self.kind} {state}: {', '.join(parts)}"

    def _rows(self) -> list[tuple[str, ...]]:
        """Heads, then the components in the order of concern."""
        verdict, value, reference, error = (
            np.asarray(part) for part in (self.verdict, self.value, self.reference, self.error)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            excess = np.nan_to_num(np.abs(value - reference) / np.asarray(self.tolerance), nan=0, posinf=np.inf)
        rank = np.array([2, 0, 1, 1, 1, 3])[verdict.reshape(-1)]
        order = np.lexsort((-excess.reshape(-1), rank))[:_ROWS_SHOWN]
        rows: list[tuple[str, ...]] = []
        for flat in order:
            at = np.unravel_index(flat, verdict.shape)
            if verdict[at] == Verdict.NOT_CHECKED:
                break
            where = tuple(int(i) for i in at)
            cells = (f"{value[at]:.10g}", f"{reference[at]:.10g}", f"{error[at]:.2g}")
            difference = f"{value[at] - reference[at]:.2g}"
            rows.append(
                (str(where[0] if len(where) == 1 else where), *cells, difference, str(Verdict(int(verdict[at]))))
            )
        heads = ("component", self.kind, "reference", "error bar", "difference", "verdict")
        return [heads, *rows] if rows else []

    def _facts(self) -> list[tuple[str, str]]:
        rates = "; ".join(" ".join(_rate(rate) for rate in line) for line in self.rates)
        calls = f"{self.evaluations} of f, {self.derivative_evaluations} of the {self.kind}"
        return [
            *(("hint", hint) for hint in self.hints),
            *(("note", note) for note in self.notes),
            ("Taylor remainders", f"rates {rates} along random directions; 1 2 3 are expected"),
            ("evaluations", calls),
        ]


def _per_direction(verdict: NDArray[np.int8]) -> NDArray[np.int8]:
    return verdict.reshape(len(verdict), -1)


def _rate(rate: float) -> str:
    return "rounding" if np.isinf(rate) else f"{rate:.2f}"


def _draw(report: GradientReport, ax: Any) -> Any:
    """The lines of the plot, with slopes that end where the remainders do."""
    steps = report.steps.astype(float)
    positive = np.where(report.remainders > 0, report.remainders, np.nan)
    lowest = report.remainders[report.remainders > 0].min(initial=np.inf)
    for order, (name, expected) in enumerate(zip(_REMAINDERS, _EXPECTED, strict=True)):
        lines = positive[:, order]
        for d, line in enumerate(lines):
            label = f"{name}, expected rate {expected}" if d == 0 else None
            ax.loglog(steps, line, "o-", color=f"C{order}", markersize=3, linewidth=1, label=label)
        slope = 2 * lines[lines > 0].max(initial=0) * (steps / steps[0]) ** expected
        ax.loglog(steps, np.where(slope > lowest, slope, np.nan), "--", color=f"C{order}", linewidth=0.7)
    ax.set_xlabel("step t along the direction v, in sizes of x")
    ax.set_ylabel("Taylor remainder")
    ax.set_title(report._head())
    ax.legend()
    return ax


def report_of(evidence: Evidence) -> GradientReport:
    """The report in the shapes of the user."""
    subject, found = evidence.subject, evidence.components
    assert isinstance(found.target, Components)
    variables = found.target.variables
    whole = evidence.judge.derivative
    gradient = subject.kind == "gradient"
    outputs = () if gradient else subject.function.shape
    shape = outputs + subject.x.shape
    batch = subject.x.shape[1:] if subject.settings.vectorized else ()

    def spread_out(values: NDArray[Any], missing: Any) -> Any:
        everything = np.full(whole.shape, missing, values.dtype)
        everything[:, variables] = values
        return everything.reshape(shape)[()]

    verdict = spread_out(found.verdict, np.int8(Verdict.NOT_CHECKED))
    excess = spread_out(found.excess, np.nan)
    worst = None
    if (found.excess > 0).any():
        worst = tuple(int(i) for i in np.unravel_index(np.nanargmax(excess), shape))
    return GradientReport(
        subject.kind,
        verdict,
        whole.reshape(shape)[()],
        spread_out(found.reference.value, np.nan),
        spread_out(found.error, np.nan),
        spread_out(found.allowed, np.nan),
        worst,
        np.sort(variables),
        evidence.products.verdict.swapaxes(0, 1).reshape(-1, *outputs, *batch),
        evidence.remainders.steps,
        evidence.remainders.values,
        evidence.remainders.rates,
        hints_for(_findings(evidence, found, variables)),
        _notes(evidence),
        not evidence.judge.spread.any(),
        evidence.evaluations,
        subject.derivative.evaluations,
    )


def _findings(evidence: Evidence, found: Compared, variables: NDArray[np.intp]) -> Findings:
    """For hints the points of a batch are treated as further outputs."""
    subject, whole = evidence.subject, evidence.judge.derivative
    gradient = subject.kind == "gradient" and subject.lanes == 1

    def flat(values: NDArray[Any]) -> NDArray[Any]:
        return np.moveaxis(values, 2, 0).reshape(-1, values.shape[1])

    sides = subject.x.shape if gradient else (subject.function.m, subject.n)
    square = sides[0] if len(sides) == 2 and sides[0] == sides[1] and subject.lanes == 1 else 0
    return Findings(
        flat(whole),
        variables,
        flat(found.reference.value),
        flat(found.allowed),
        flat(found.wrong),
        flat(found.verdict == Verdict.RIGHT),
        subject.points[:, 0],
        square,
        gradient,
    )


def _notes(evidence: Evidence) -> tuple[str, ...]:
    """What keeps components from being decided, and what was not looked at."""
    subject, found, judge = evidence.subject, evidence.components, evidence.judge
    notes = []
    if judge.spread.any():
        notes.append(f"f(x) differs from call to call, by up to {judge.spread.max():.2g}")
    if judge.drift.any():
        notes.append(f"the {subject.kind} at x differs from call to call, by up to {judge.drift.max():.2g}")
    open_ = found.verdict == Verdict.INCONCLUSIVE
    unknown = open_ & ~found.reference.success
    for code in np.unique(found.reference.status[unknown]):
        count = int(np.sum(unknown & (found.reference.status == code)))
        notes.append(f"{count} inconclusive: {MEANING[Status(int(code))]}")
    vague = int(np.sum(open_ & found.reference.success))
    if vague:
        notes.append(
            f"{vague} inconclusive: error bars above rtol = {judge.rtol:g} of the component, for f is noisy or rough"
        )
    if len(found.reference.value[0]) < subject.n:
        notes.append(
            f"{len(found.reference.value[0])} of {subject.n} variables checked one by one, all along the directions"
        )
    along = np.any(evidence.products.wrong)
    if along and not found.wrong.any():
        notes.append("wrong along a direction though no component compared is: raise `components`")
    return tuple(notes)
