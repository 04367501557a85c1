"""Signatures of compiled functions, read from text: C declarations as capsules, cffi and users write them.

    type (type name, type name, ...)        with const, spaces, names and typedefs that change nothing

A type is a kind and a number of ``*``; the kinds that matter are ``void``, ``double`` and integers, these by width.
"""

from __future__ import annotations

import enum
import re
import struct
from dataclasses import dataclass
from functools import lru_cache


class Form(enum.IntEnum):
    """How a compiled function takes x and gives its outputs; any form may end with a ``void *`` for user data."""

    ONE_VARIABLE = 0  # double (double)
    SCALAR = 1  # double (int n, double *x)
    VECTOR = 2  # void (int m, int n, double *x, double *y)
    STATUS = 3  # int (int m, int n, double *x, double *y), 0 for success


_TEXTS = {
    Form.ONE_VARIABLE: "double (double)",
    Form.SCALAR: "double (int, double *)",
    Form.VECTOR: "void (int, int, double *, double *)",
    Form.STATUS: "int (int, int, double *, double *)",
}
_SUPPORTED = [
    "double (double)                             one variable",
    "double (int n, double *x)                   n variables, one output",
    "void (int m, int n, double *x, double *y)   n variables, m outputs",
    "int (int m, int n, double *x, double *y)    the same, and a status: 0 for success",
]


@dataclass(frozen=True, slots=True)
class Signature:
    """A supported signature: its form, and whether user data come last."""

    form: Form
    user_data: bool

    @property
    def text(self) -> str:
        """The signature as C writes it, every type in one way."""
        text = _TEXTS[self.form]
        return f"{text[:-1]}, void *)" if self.user_data else text

    @property
    def scalar(self) -> bool:
        """Whether the output is returned, one number, instead of being written into y."""
        return self.form in (Form.ONE_VARIABLE, Form.SCALAR)


_FORMS = {
    signature.text: signature
    for signature in (Signature(form, user_data) for form in Form for user_data in (False, True))
}


def _integers() -> dict[str, str]:
    """Name of each integer type -> ``int`` with its number of bytes."""
    pointer = struct.calcsize("P")
    sizes = {"char": 1, "byte": 1, "bool": 1, "_Bool": 1, "boolean": 1}
    sizes |= {name: struct.calcsize(code) for name, code in (("short", "h"), ("int", "i"), ("intc", "i"))}
    sizes |= {name: struct.calcsize(code) for name, code in (("long", "l"), ("longlong", "q"))}
    sizes |= dict.fromkeys(("size_t", "ssize_t", "Py_ssize_t", "intp", "intptr_t", "ptrdiff_t"), pointer)
    sizes |= {f"int{8 * size}": size for size in (1, 2, 4, 8)}
    kinds = {}
    for name, size in sizes.items():
        for prefix in ("", "npy_", "c_"):
            for one in (f"{prefix}{name}", f"{prefix}u{name}"):
                kinds[one] = kinds[f"{one}_t"] = f"int{size}"
    return kinds


_KINDS = {
    **_integers(),
    **dict.fromkeys(("double", "float64", "float64_t", "npy_double", "npy_float64", "c_double"), "double"),
    **dict.fromkeys(("void", "None", "none"), "void"),  # numba's "none", the restype None of ctypes
}
_INT = _KINDS["int"]
_INTEGER_WORDS = {"signed", "unsigned", "char", "short", "int", "long"}
_QUALIFIERS = {"const", "volatile", "restrict", "__restrict", "__restrict__", "extern", "static", "inline"}
_NO_NAMES = {"float", "complex", "_Complex", *_INTEGER_WORDS, *_KINDS}  # so that `long double` is no long
_OTHER_SPELLINGS = [
    (re.compile(r"CPointer\(([^()]*)\)"), r"\1 *"),  # of numba, as is voidptr
    (re.compile(r"\b(?:voidptr|c_void_p)\b"), "void *"),
    (re.compile(r"\s*\(([^()]*?),?\s*\)\s*->\s*([^()]+)"), r"\2 (\1)"),
]
_DECLARATION = re.compile(
    r"""
    (?P<result>[^()]+)
    (?:\(\s*\*\s*\w*\s*\)\s*)?                         # (*) or (*name), of a pointer
    \((?P<arguments>[^()]*)\)\s*
    (?:(?:noexcept|nogil)\s*)*;?\s*
    """,
    re.VERBOSE,
)


def _unmangled(name: str) -> str:
    """The type's own name in what Cython makes of a typedef: ``__pyx_t_5numpy_float64_t``."""
    if not name.startswith("__pyx_t_"):
        return name
    name = name.removeprefix("__pyx_t_")
    while length := re.match(r"\d+", name):
        name = name[length.end() + int(length[0]) :].removeprefix("_")
    return name


def _type(text: str) -> str:
    """One type in its normal form, as ``int4 *`` for a pointer to integers of 4 bytes; leaves out a name after it."""
    text = re.sub(r"\[[^\[\]]*\]", "*", text)
    words = [_unmangled(word) for word in re.findall(r"[^\s*]+", text) if word not in _QUALIFIERS]
    count = 0
    while count < len(words) and words[count] in _INTEGER_WORDS:
        count += 1
    kind = _KINDS.get(words[0]) if words else None
    if count:
        head = words[:count]
        kind = _KINDS[next((word for word in ("char", "short") if word in head), "long" * head.count("long") or "int")]
    names = words[max(count, 1) :]
    if kind is None or len(names) > 1 or not all(name.isidentifier() and name not in _NO_NAMES for name in names):
        raise LookupError(" ".join(text.split()) or "an empty type")
    stars = text.count("*")
    return f"{kind} {'*' * stars}" if stars else kind


@lru_cache(maxsize=256)
def parse_signature(text: str) -> Signature:
    """The signature that a text declares; ValueError that lists the supported ones for any other."""
    plain = text
    for spelling, replacement in _OTHER_SPELLINGS:
        plain = spelling.sub(replacement, plain)
    declaration = _DECLARATION.fullmatch(plain)
    if declaration is None:
        raise ValueError(_unsupported(text, "it is no declaration of a function"))
    result, arguments = declaration["result"], declaration["arguments"]
    try:
        types = [_type(one) for one in (result, *arguments.split(","))]
    except LookupError as error:
        raise ValueError(_unsupported(text, f"`{error.args[0]}` is none of its types")) from None
    normal = f"{types[0]} ({', '.join(types[1:])})".replace(_INT, "int")
    if normal not in _FORMS:
        raise ValueError(_unsupported(text, _hint(text, normal)))
    return _FORMS[normal]


def _hint(text: str, normal: str) -> str:
    """What is wrong with a signature of known types."""
    if "__pyx_skip_dispatch" in text:
        return "a cpdef function takes a hidden argument, a cdef function does not"
    wide = re.search(r"int(\d)", normal)
    if wide and normal.replace(wide[0], "int") in _FORMS:
        return f"its integers must be C's int, of {struct.calcsize('i')} bytes; got {wide[1]}: use int, intc or int32"
    if normal.startswith("int ") and normal.replace("int ", "double ", 1) in _FORMS:
        return "it returns an int, as ctypes takes it where the restype of a function is not set: set it to c_double"
    return "no form has these arguments and this result"


def _unsupported(text: str, why: str) -> str:
    return f"the signature {text!r} is not supported: {why}. {the_supported()}"


def the_supported() -> str:
    """The end of a message: what could be."""
    lines = "\n    ".join(_SUPPORTED)
    return f"These are, each with or without a last argument `void *user_data`:\n    {lines}"
