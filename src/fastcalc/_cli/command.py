"""The command line: what was asked, done in order: parse, find the function, differentiate, print.

Exit codes: 0 done; 1 the user's function raised, or the reference problem came out wrong; 2 the command line is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

import fastcalc as fc
from fastcalc._cli import reference, show
from fastcalc._cli.target import FunctionError, Target, UsageError, find, settle_argument

PROG = "python -m fastcalc"
_OPERATORS = {"gradient": fc.Gradient, "jacobian": fc.Jacobian, "hessian": fc.Hessian}
_DIFFERENCES = ("central", "forward", "backward")
_ACCURACY = 4  # two more calls a variable than the library's default, for an error bar with every number

_EPILOG = """\
Without arguments: a regression problem of NIST, differentiated and checked against its certified values.

The function is any that can be imported, from the current directory too; names after the colon may have dots.
It gets one array of the numbers. A single number is given as it is, or as an array of one to a function that
refuses that.

examples:
  python -m fastcalc math:sin 1.0
  python -m fastcalc scipy.optimize:rosen -1.2 1.0 --gradient --hessian
  python -m fastcalc mymodel:Model.residuals 1 2e-3 --method complex --json

exit codes: 0 done, 1 the function raised an exception, 2 wrong arguments
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0, 1 or 2; see the top of this module.
    """
    try:
        text, code = _run(sys.argv[1:] if argv is None else argv)
        return _print(text) or code
    except UsageError as error:
        return _complain(error, 2)
    except FunctionError as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)


def _run(argv: Sequence[str]) -> tuple[str, int]:
    """Text to print, and the exit code."""
    if not argv:
        text, good = reference.report()
        return text, 0 if good else 1
    asked = parse(argv)
    if asked.json:  # whatever the function prints, standard output stays one JSON object
        with contextlib.redirect_stdout(sys.stderr):
            return _differentiate(asked), 0
    return _differentiate(asked), 0


def _print(text: str) -> int:
    """Print, and be quiet when the reader has gone (``| head``)."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _complain(error: Exception | str, code: int) -> int:
    sys.stderr.write(f"fastcalc: {' '.join(str(error).split())}\n")
    return code


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Arguments of a command line, with `function` and `numbers` checked; UsageError for a wrong one.

    Examples
    --------
    >>> asked = parse(["math:sin", "-1e-3", "--hessian"])
    >>> asked.function, asked.numbers, asked.hessian
    ('math:sin', [-0.001], True)
    """
    parser = _Parser(
        prog=PROG,
        usage=f"{PROG} [module:function NUMBER [NUMBER ...]] [options]",
        description="Derivatives of a function at a point.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("words", nargs="*", metavar="module:function NUMBER ...", help="the function and the point")
    add("--gradient", action="store_true", help="gradient (the default for functions that return one number)")
    add("--jacobian", action="store_true", help="Jacobian (the default for all others)")
    add("--hessian", action="store_true", help="Hessian")
    add("--method", default="central", help="central (default), adaptive, exact, forward, backward or complex")
    add("--accuracy", type=int, help=f"order of the differences (default {_ACCURACY}, which gives error bars)")
    add("--step", type=float, help="step, in the units of x (default: chosen by rounding against truncation)")
    add("--json", action="store_true", help="print one JSON object; what is not finite is null")
    add("--version", action="version", version=f"fastcalc {fc.__version__}")
    # Behind a space, a negative number is no option to argparse.
    tokens = [f" {token}" if re.match(r"-(\.?\d|inf|nan)", token, re.IGNORECASE) else token for token in argv]
    asked, extras = parser.parse_known_args(tokens)
    # What stands behind an option is among the extras, in order.
    unknown = [token for token in extras if token.startswith("-")]
    if unknown:
        raise UsageError(f"unknown option {unknown[0]}; {PROG} --help lists the options")
    words = [*asked.words, *extras]
    if not words:
        raise UsageError(f"{argv[0]} needs a function and a point, for example {PROG} math:sin 1.0")
    asked.function, asked.numbers = words[0].strip(), [_number(word.strip()) for word in words[1:]]
    if not asked.numbers:
        raise UsageError(f"give the point after the function, for example {PROG} {asked.function} 1.0 2.0")
    return asked


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise UsageError(f"the point must be numbers; got {word!r}") from None
    if not np.isfinite(value):
        raise UsageError(f"the point must be finite; got {word!r}")
    return value


def _differentiate(asked: argparse.Namespace) -> str:
    target = find(asked.function)
    options = _options(asked)
    wanted = [name for name in _OPERATORS if getattr(asked, name)]
    operators = _operators(target, wanted, options)
    x, fun = settle_argument(target, asked.numbers)
    scalar = fun.shape in ((), (1,))
    if not wanted:
        wanted = ["gradient" if scalar else "jacobian"]
        operators = _operators(target, wanted, options)
    if "gradient" in wanted and not scalar:
        raise UsageError(
            f"--gradient needs a function that returns one number; {target.name} returns shape {fun.shape}: "
            "use --jacobian"
        )
    results = {name: _evaluate(target, operator, x) for name, operator in operators.items()}
    accuracy = options.get("accuracy")
    called_with = "one number" if np.ndim(x) == 0 else f"one array of {np.size(x)} number{'s' * (np.size(x) > 1)}"
    if asked.json:
        facts = {"function": target.name, "x": x, "called_with": called_with, "fun": fun, "calls": target.calls}
        return show.as_json(facts, results, {"method": asked.method, "accuracy": accuracy})
    how = f"method {asked.method}" + (f", accuracy {accuracy}" if accuracy else "")
    at = show.number(x) if np.ndim(x) == 0 else f"[{', '.join(map(show.number, x))}]"
    value = np.array2string(fun, precision=12, threshold=60, prefix="f(x) = ")
    head = f"{target.name} at x = {at}, called with {called_with}\nf(x) = {value}"
    return "\n\n".join([head, *(show.as_text(name, result, x, how) for name, result in results.items())])


def _options(asked: argparse.Namespace) -> dict[str, Any]:
    options = {"method": asked.method, "accuracy": asked.accuracy, "step": asked.step}
    if asked.accuracy is None and asked.method in _DIFFERENCES:
        options["accuracy"] = _ACCURACY
    return {name: value for name, value in options.items() if value is not None}


def _operators(target: Target, wanted: list[str], options: dict[str, Any]) -> dict[str, Any]:
    """The operators, which check the options; with none wanted yet, the options are checked all the same."""
    try:
        return {name: _OPERATORS[name](target, full_output=True, **options) for name in wanted or ["jacobian"]}
    except (TypeError, ValueError) as error:
        raise _wrong_option(error) from error


def _evaluate(target: Target, operator: Any, x: Any) -> fc.DerivativeResult:
    target.raised = None
    try:
        with warnings.catch_warnings():
            # A function that drops imaginary parts is told so by the complex step itself.
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            result: fc.DerivativeResult = operator(x)
    except (Exception, SystemExit) as error:
        if error is target.raised:
            raise target.failure(error) from error
        if isinstance(error, (TypeError, ValueError)):
            raise _wrong_option(error) from error
        raise
    return result


def _wrong_option(error: BaseException) -> UsageError:
    """The library's complaint, in the words of the command line: `step` is --step."""
    return UsageError(re.sub(r"`(method|accuracy|step)`", r"--\1", str(error)))
