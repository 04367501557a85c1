"""The user's function: found by its name, called with what it takes, its own exceptions told apart from all others."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastcalc._functions.recognition import recognised

_WRONG_KIND = (TypeError, IndexError)  # what a function raises that wants an array and gets a number, or the reverse
# Files below these, and compiled code, whose names are relative, are not the user's.
_INSTALLED = (
    *(sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")),
    os.path.dirname(os.path.dirname(__file__)),
)


class UsageError(Exception):
    """The command line is wrong: one line for the user, exit code 2."""


class FunctionError(Exception):
    """The user's own code raised: one line for the user, exit code 1."""


class Target:
    """The user's function, with its calls counted and its last exception kept.

    Parameters
    ----------
    function : callable
    name : str
        As the user wrote it, for messages.

    Attributes
    ----------
    calls : int
        How often the function was called.
    raised : Exception or None
        What the last failed call raised.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function, self.name = function, name
        self.calls = 0
        self.raised: BaseException | None = None

    def __call__(self, x: Any) -> Any:
        """Call the function."""
        self.calls += 1
        try:
            return self.function(x)
        except (Exception, SystemExit) as error:
            self.raised = error
            raise

    def failure(self, error: BaseException) -> FunctionError:
        """The error to show for an exception of the function."""
        return FunctionError(f"{self.name} raised {told(error)}")


def find(name: str) -> Target:
    """The function called ``module:function``; dots after the colon go into classes and instances.

    Examples
    --------
    >>> import math
    >>> find("math:sin").function is math.sin
    True
    """
    module_name, colon, path = name.partition(":")
    if not colon:
        owner, dot, last = name.rpartition(".")
        example = f"{owner}:{last}" if dot and last != "py" else f"{name.removesuffix('.py')}:f"
        raise UsageError(f"give the function as module:function, for example {example}; got {name!r}")
    for part, what in ((module_name, "module"), (path, "function")):
        if not all(piece.isidentifier() for piece in part.split(".")):
            remedy = f": leave out .py in {part!r}" if part.endswith(".py") else ""
            raise UsageError(f"{part!r} is no name of a {what}{remedy}; give the function as module:function")
    found: Any = _module(module_name)
    seen = module_name
    for piece in path.split("."):
        try:
            found = getattr(found, piece)
        except AttributeError:
            raise UsageError(f"{seen} has no {piece!r}{_similar(piece, dir(found))}") from None
        seen = f"{seen}{':' if seen == module_name else '.'}{piece}"
    try:
        function = recognised(found)
    except (TypeError, ValueError) as error:
        if not callable(found) and "must be callable" in str(error):
            raise UsageError(
                f"{name} is not a function: it is of type {type(found).__name__} and cannot be called"
            ) from None
        raise UsageError(f"{name}: {error}") from error
    return Target(function, name)


def _module(name: str) -> Any:
    """Import a module, also from the current directory."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise FunctionError(f"importing {name} raised {told(error)}") from error
        known = {*sys.stdlib_module_names, *sys.modules, *(found.name for found in pkgutil.iter_modules([here]))} - {
            name
        }
        hint = _similar(name, known) or "; it must be installed, or a file in the current directory"
        raise UsageError(f"no module named {error.name!r}{hint}") from None
    except (Exception, SystemExit) as error:
        raise FunctionError(f"importing {name} raised {told(error)}") from error


def _similar(name: str, names: Iterable[str]) -> str:
    matches = get_close_matches(name, [known for known in names if not known.startswith("_")], n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def told(error: BaseException) -> str:
    r"""An exception in one line: its name, its message, and the line of the user's code that raised it.

    Examples
    --------
    >>> told(ValueError("two\nlines"))
    'ValueError: two lines'
    """
    message = " ".join(str(error).split())
    places = [
        f" ({os.path.basename(frame.filename)}, line {frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.isabs(frame.filename) and not frame.filename.startswith(_INSTALLED)
    ]
    return f"{type(error).__name__}{': ' if message else ''}{message}{''.join(places[-1:])}"


def settle_argument(target: Target, numbers: list[float]) -> tuple[Any, NDArray[Any]]:
    """What the function is called with, and what it then returns, as an array.

    Several numbers make one array. One number is given as it is; to a function that takes no plain number, as an array
    of one.

    Examples
    --------
    >>> settle_argument(find("math:sin"), [0.0])
    (0.0, array(0.))
    >>> settle_argument(find("builtins:sum"), [3.0])
    (array([3.]), array(3.))
    """
    array: NDArray[np.float64] = np.array(numbers)
    if array.size > 1:
        value, error = _attempt(target, array.copy())
        if error is None:
            return array, _kept(target, value)
        hint = f"; it was called with one array of {array.size} numbers" if isinstance(error, _WRONG_KIND) else ""
        raise FunctionError(f"{target.failure(error)}{hint}")
    value, as_number = _attempt(target, array[0])
    if as_number is None:
        return numbers[0], _kept(target, value)
    value, as_array = _attempt(target, array.copy())
    if as_array is None:
        return array, _kept(target, value)
    # The refusal of the wrong kind of argument says nothing about the function.
    refused = isinstance(as_number, _WRONG_KIND) and not isinstance(as_array, _WRONG_KIND)
    raise target.failure(as_array if refused else as_number)


def _attempt(target: Target, x: Any) -> tuple[Any, BaseException | None]:
    """What the function returns, or else what it raises."""
    try:
        return target(x), None
    except (Exception, SystemExit) as error:
        return None, error


def _kept(target: Target, value: Any) -> NDArray[Any]:
    """A copy, for the function may use its output again."""
    try:
        return np.array(value)
    except ValueError as error:
        raise UsageError(f"{target.name} must return a number or an array of one shape: {error}") from error
