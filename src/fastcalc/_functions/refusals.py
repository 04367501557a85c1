"""Errors of functions that leave Taylor arithmetic: which line does, why, and what to write instead."""

from __future__ import annotations

import os
import re
from types import FrameType

import numpy as np

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
