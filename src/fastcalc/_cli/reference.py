"""The reference problem, differentiated and checked: what ``python -m fastcalc`` prints.

Every part returns its lines, and what is wrong with its numbers if they are not as good as they must be; then the
command fails.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastcalc as fc
from fastcalc._cli import misra1a, plain
from fastcalc._cli.misra1a import Misra1a

Floats = NDArray[np.float64]

_CERTIFIED_DIGITS = 11
_LAST_PLACES = np.array([1e-8, 1e-14])  # of the certified parameters
_ROUNDS = 300
_WARM_UP = 20


class Part(NamedTuple):
    """Lines to print, and a word on what failed in them, or an empty string."""

    lines: list[str]
    failure: str = ""


def report() -> tuple[str, bool]:
    """The text, and whether everything in it is as it must be."""
    problem = misra1a.load()
    parts = [_head(problem), _gradient(problem), _jacobian(problem), _standard_errors(problem), _hessian(problem)]
    parts.append(_times(problem))
    failures = [part.failure for part in parts if part.failure]
    verdict = "FAILED: " + "; ".join(failures) if failures else "All of it agrees with the closed forms and with NIST."
    lines = [line for part in parts for line in [*part.lines, ""]]
    return "\n".join([*lines, verdict]), not failures


def _head(problem: Misra1a) -> Part:
    b1, b2 = problem.parameters
    return Part([
        f"fastcalc {fc.__version__} (NumPy {np.__version__}, Python {platform.python_version()}) on a real problem:",
        "Misra1a of the NIST Statistical Reference Datasets, adsorbed volume y at pressure x",
        "  model     y = b1 (1 - exp(-b2 x)), 14 observations",
        "  S(b)      sum of squares of the residuals",
        f"  optimum   b1 = {b1}, b2 = {b2}, S = {problem.squares} (certified, 11 digits)",
    ])  # fmt: skip


def _gradient(problem: Misra1a) -> Part:
    b = problem.parameters
    found = fc.gradient(problem.sum_of_squares, b, accuracy=6, full_output=True)
    exact, terms = problem.exact_gradient(b), np.abs(problem.gradient_terms(b)).sum(axis=0)
    to_zero = np.abs(np.linalg.solve(problem.exact_hessian(b), found.value))
    vanishes = bool((to_zero <= _LAST_PLACES / 2).all())
    lines = [
        f"Gradient of S at the optimum (central, accuracy 6, {found.evaluations} calls of S)",
        "              fastcalc   closed form   sum of |its 14 terms|   value / sum",
    ]
    lines += [
        f"  dS/db{i + 1}  {found.value[i]:11.4e}  {exact[i]:12.4e}  {terms[i]:22.4e}  {found.value[i] / terms[i]:12.1e}"
        for i in range(2)
    ]
    lines += [
        "  It vanishes: its zero is only |H^-1 gradient| = {:.1e} and {:.1e} away, less than half".format(*to_zero),
        "  a unit in the last certified digit of b1 and b2 ({:.0e} and {:.0e}).".format(*_LAST_PLACES / 2),
    ]
    return Part(lines, "" if vanishes else "the gradient does not vanish at the certified optimum")


def _jacobian(problem: Misra1a) -> Part:
    b = problem.parameters
    exact = problem.exact_jacobian(b)
    lines = [
        "Jacobian of the model, 14 x 2, against its closed form",
        "  method    accuracy   calls   largest relative error   largest error bar",
    ]
    errors = {}
    choices: list[dict[str, Any]] = [{"accuracy": 2}, {"accuracy": 4}, {"accuracy": 6}, {"method": "complex"}]
    for options in choices:
        found = fc.jacobian(problem.model, b, full_output=True, **options)
        method, accuracy = options.get("method", "central"), options.get("accuracy", "-")
        errors[accuracy] = _largest_error(found.value, exact)
        bar = np.max(np.abs(found.error / exact))
        told = f"{bar:.1e}" if np.isfinite(bar) else "unknown"
        lines.append(f"  {method:8}  {accuracy!s:>8}   {found.evaluations:5}   {errors[accuracy]:22.1e}   {told:>17}")
    lines += [
        "  Two more calls a parameter buy a digit or two, and from accuracy 4 on an error bar;",
        "  the complex step loses nothing, with functions that take complex numbers.",
    ]
    good = errors[6] < 1e-11 and errors["-"] < 1e-14
    return Part(lines, "" if good else "the Jacobian is not its closed form")


def _standard_errors(problem: Misra1a) -> Part:
    b = problem.parameters
    jacobian = fc.jacobian(problem.model, b, accuracy=6)
    found = problem.standard_errors(jacobian, problem.sum_of_squares(b))
    digits = agreeing_digits(found, problem.deviations)
    lines = [
        "Standard errors of the parameters, from the Jacobian of accuracy 6",
        "              fastcalc       NIST certified   digits that agree (of 11)",
    ]
    lines += [f"  b{i + 1}  {found[i]:.10e}     {problem.deviations[i]:.10e}   {digits[i]:17.1f}" for i in range(2)]
    enough = bool((digits >= 6).all())
    return Part(lines, "" if enough else f"the standard errors agree with NIST's in {digits.min():.1f} digits, below 6")


def _hessian(problem: Misra1a) -> Part:
    b = problem.parameters
    found = fc.hessian(problem.sum_of_squares, b, accuracy=4, full_output=True)
    error = _largest_error(found.value, problem.exact_hessian(b))
    lines = [
        f"Hessian of S (central, accuracy 4, {found.evaluations} calls of S)",
        *(f"  {row[0]:17.10e}  {row[1]:17.10e}" for row in found.value),
        f"  largest relative error against the closed form: {error:.1e}",
    ]
    return Part(lines, "" if error < 1e-9 else "the Hessian is not its closed form")


def _times(problem: Misra1a) -> Part:
    b, squares, model = problem.parameters, problem.sum_of_squares, problem.model
    gradient, jacobian = fc.Gradient(squares, accuracy=6), fc.Jacobian(model, accuracy=6)
    hessian = fc.Hessian(squares, accuracy=4)
    rows: list[tuple[str, int, list[Callable[[], Any]]]] = [
        ("gradient", 12, [lambda: gradient(b), lambda: plain.jacobian(squares, b), lambda: _repeat(squares, b, 12)]),
        ("Jacobian", 12, [lambda: jacobian(b), lambda: plain.jacobian(model, b), lambda: _repeat(model, b, 12)]),
        ("Hessian", 13, [lambda: hessian(b), lambda: plain.hessian(squares, b), lambda: _repeat(squares, b, 13)]),
    ]
    lines = [
        f"Time in microseconds (medians of {_ROUNDS} interleaved rounds); pure NumPy is the same by hand",
        "              calls   fastcalc   pure NumPy   the calls alone   pure NumPy / fastcalc",
    ]
    totals = np.zeros(3)
    for name, calls, functions in rows:
        times = np.array(list(interleaved_medians(functions, _ROUNDS))) * 1e6
        totals += times
        lines.append(_time_row(name, calls, times))
    lines.append(_time_row("all three", sum(calls for _, calls, _ in rows), totals))
    return Part([*lines, f"  {verdict_on_speed(totals[1] / totals[0])}"])


def _time_row(name: str, calls: int, times: Floats) -> str:
    ours, plain_numpy, bare = times
    return f"  {name:10}  {calls:5}  {ours:9.1f}  {plain_numpy:11.1f}  {bare:16.1f}  {plain_numpy / ours:22.2f}"


def verdict_on_speed(ratio: float) -> str:
    """The ratio of the time of pure NumPy to ours, in words.

    Examples
    --------
    >>> verdict_on_speed(1.25), verdict_on_speed(0.8)
    ('fastcalc is 1.25 times as fast as pure NumPy here.', 'fastcalc takes 1.25 times as long as pure NumPy here.')
    """
    if ratio >= 1:
        return f"fastcalc is {ratio:.2f} times as fast as pure NumPy here."
    return f"fastcalc takes {1 / ratio:.2f} times as long as pure NumPy here."


def interleaved_medians(functions: list[Callable[[], Any]], rounds: int) -> Iterator[float]:
    """Median seconds of each function, one call of each a round, so that a slow moment of the machine hits them all."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(_WARM_UP + rounds):
        for function, spent in zip(functions, times, strict=True):
            begin = perf_counter()
            function()
            spent.append(perf_counter() - begin)
    return (median(spent[_WARM_UP:]) for spent in times)


def _repeat(f: Callable[[Floats], Any], x: Floats, calls: int) -> None:
    for _ in range(calls):
        f(x)


def agreeing_digits(values: Floats, certified: Floats) -> Floats:
    """-log10 of the relative error, at most the digits that the certified values have.

    Examples
    --------
    >>> agreeing_digits(np.array([2.0002, 3.0]), np.array([2.0, 3.0])).round(1).tolist()
    [4.0, 11.0]
    """
    smallest = 10.0**-_CERTIFIED_DIGITS
    digits: Floats = -np.log10(np.maximum(np.abs(values / certified - 1), smallest))
    return digits


def _largest_error(values: Floats, exact: Floats) -> float:
    return float(np.max(np.abs(values / exact - 1)))
