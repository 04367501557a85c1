"""The other arguments of f: those before x, those after it, and those by name."""

from __future__ import annotations

from typing import Any

Arguments = tuple[tuple[Any, ...], tuple[Any, ...], dict[str, Any] | None]
