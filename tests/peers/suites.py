"""The peers' own tests, with fastcalc in the place of the functions they test.

A module of tests is executed afresh, so that the peer's own stays as it is. Then adaptors take the places of the
functions it tests, and its classes and functions become members of one class, which pytest collects. What is expected
of each case says the table, see `tests.peers.tables`.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest

from tests.peers.tables import Table

_calls = [0]
_NEW_MARK = re.compile(r"'(\w+)' not found in `markers`")
pytest_config: list[pytest.Config] = []  # the one there is


def adaptor(function: Callable[..., Any]) -> Callable[..., Any]:
    """Count the calls of what stands for a peer's function: a case that makes none tests nothing of fastcalc."""

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        _calls[0] += 1
        return function(*args, **kwargs)

    return counted


def calls() -> int:
    """Calls of adaptors so far."""
    return _calls[0]


def without_counterpart(name: str) -> Callable[..., Any]:
    """In the place of a peer's function that fastcalc does not have."""

    def absent(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"fastcalc has no {name}")

    return absent


class Unhurried:
    """hypothesis.settings for the peers: drawn cases may take as long as a busy machine makes them.

    The profile stays what it is.
    """

    def __init__(self, settings: type[hypothesis.settings]) -> None:
        self._settings = settings

    def __call__(self, *args: Any, **options: Any) -> hypothesis.settings:
        return self._settings(*args, **{**options, "deadline": None})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._settings, name)

    def load_profile(self, name: str) -> None:
        pass


@dataclass(frozen=True)
class Suite:
    """A module of a peer's tests.

    `adaptors` gives what takes the places of names in it; called with the module, so that it may look at these.
    `own_marks` is False where the module's ``pytestmark`` asks for what the adaptors replace.
    """

    module: str
    table: Table
    adaptors: Callable[[ModuleType], Mapping[str, Any]]
    own_marks: bool = True
    collected: set[str] = field(default_factory=set)  # names of its cases, as pytest finds them

    @property
    def name(self) -> str:
        return "Test_" + self.module.rpartition(".")[2].removeprefix("test").strip("_")

    @property
    def version(self) -> str:
        """Of the peer, up to patches."""
        return ".".join(version(self.module.partition(".")[0]).split(".")[:2])

    @property
    def known_version(self) -> bool:
        """Whether the table was made for it."""
        return self.version in self.table.versions

    def spec(self) -> ModuleSpec | None:
        """Where the tests are; None without the peer, or where it was installed without its tests."""
        try:
            return importlib.util.find_spec(self.module)
        except ImportError:
            return None

    def cases(self) -> type:
        """A class of the cases, or of one that is skipped and says why."""
        spec = self.spec()
        if spec is None or spec.loader is None:
            return self._absent(f"{self.module} is not installed")
        try:
            module = self._execute(spec)
            put(module, self.adaptors(module))
        except Exception as error:
            if self.known_version and not isinstance(error, ImportError):
                raise
            return self._absent(f"{self.module} cannot be imported: {error}")
        found = {name: value for name, value in vars(module).items() if name.startswith(("test_", "Test"))}
        members = {name: value if isinstance(value, type) else staticmethod(value) for name, value in found.items()}
        marks = getattr(module, "pytestmark", []) if self.own_marks else []
        return type(self.name, (), {**members, "suite": self, "pytestmark": marks, "__module__": __name__})

    def _execute(self, spec: ModuleSpec) -> ModuleType:
        """The module, executed again for each of its marks that is new to pytest."""
        module = importlib.util.module_from_spec(spec)
        try:
            with warnings.catch_warnings(), patch.object(hypothesis, "settings", Unhurried(hypothesis.settings)):
                warnings.simplefilter("ignore")
                spec.loader.exec_module(module)
        except pytest.fail.Exception as failure:
            mark = _NEW_MARK.match(str(failure))
            if mark is None:
                raise
            pytest_config[0].addinivalue_line("markers", f"{mark[1]}: of a peer's tests")
            return self._execute(spec)
        return module

    def _absent(self, reason: str) -> type:
        def test_suite(self: Any) -> None:
            pytest.skip(reason)

        return type(self.name, (), {"test_suite": test_suite, "__module__": __name__})


def put(module: ModuleType, adaptors: Mapping[str, Any]) -> None:
    """Put adaptors in the places of names, and wherever classes or parameters of the tests hold what these were.

    A name of a module, like numdifftools' ``nd``, gets a namespace, whose names count likewise.
    """
    places = {}  # what was there -> its adaptor
    for name, new in adaptors.items():
        old = getattr(module, name, None)
        setattr(module, name, new)
        if isinstance(new, SimpleNamespace):
            before = getattr(old, "__dict__", {})
            places |= {id(before[key]): value for key, value in vars(new).items() if key in before}
        else:
            places[id(old)] = new
    for value in list(vars(module).values()):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        for part in (value, *vars(value).values()) if isinstance(value, type) else (value,):
            for mark in getattr(part, "pytestmark", []):
                if mark.name == "parametrize" and isinstance(mark.args[1], list):
                    mark.args[1][:] = [places.get(id(parameter), parameter) for parameter in mark.args[1]]
        if isinstance(value, type):
            for key, held in list(vars(value).items()):
                if id(held) in places:
                    setattr(value, key, places[id(held)])
