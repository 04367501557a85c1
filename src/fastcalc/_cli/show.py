"""Derivatives as text for a reader, and as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastcalc._results import DerivativeResult, Status

_ROWS_SHOWN = 60


def as_json(facts: Mapping[str, Any], results: Mapping[str, DerivativeResult], options: Mapping[str, Any]) -> str:
    """One JSON object: facts, then an object per derivative. What is not finite becomes null."""
    objects = {name: {**_fields(result), **options} for name, result in results.items()}
    return json.dumps(jsonable({**facts, **objects}), allow_nan=False)


def _fields(result: DerivativeResult) -> dict[str, Any]:
    status = np.asarray(result.status)
    names = np.array([Status(int(code)).name for code in status.flat], dtype=object).reshape(status.shape)
    return {
        "value": result.value,
        "error": result.error,
        "step": result.step,
        "evaluations": result.evaluations,
        "success": result.success,
        "status": names,
        "message": result.message,
    }


def jsonable(value: Any) -> Any:
    """The same of lists, numbers and strings only, as strict JSON has them.

    Examples
    --------
    >>> jsonable({"a": np.array([1.5, np.nan]), "b": 1j})
    {'a': [1.5, None], 'b': {'real': 0.0, 'imag': 1.0}}
    """
    if isinstance(value, Mapping):
        return {name: jsonable(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (complex, np.complexfloating)):
        return {"real": jsonable(float(value.real)), "imag": jsonable(float(value.imag))}
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value


def as_text(name: str, result: DerivativeResult, x: Any, how: str) -> str:
    """A headline and a table with a row per component; of a Hessian those on and above the diagonal."""
    value = np.asarray(result.value)
    indices = [at for at in np.ndindex(value.shape) if name != "hessian" or np.ndim(x) == 0 or at[-2] <= at[-1]]
    error, step, status = (np.broadcast_to(part, value.shape) for part in (result.error, result.step, result.status))
    rows = [("", "value", "error", "step", "status")]
    for at in indices[:_ROWS_SHOWN]:
        told = Status(int(status[at]))
        rows.append((
            _label(name, at, np.ndim(x)),
            f"{value[at]:#.12g}",
            f"{error[at]:.1e}" if np.isfinite(error[at]) else "unknown",
            f"{step[at]:.2g}",
            told.name.lower().replace("_", " "),
        ))  # fmt: skip
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    calls = f"{result.evaluations} call{'' if result.evaluations == 1 else 's'}"
    lines = [f"{name} ({how}; {calls})"]
    for label, *numbers, last in rows:
        columns = [cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True)]
        lines.append("  " + "   ".join([label.ljust(widths[0]), *columns, last]))
    if len(indices) > _ROWS_SHOWN:
        lines.append(f"  and {len(indices) - _ROWS_SHOWN} more components: --json prints them all")
    return "\n".join(line.rstrip() for line in lines)


def number(value: Any) -> str:
    """A number with 12 digits at most.

    Examples
    --------
    >>> number(np.float64(0.1)), number(1 + 2j)
    ('0.1', '1+2j')
    """
    return f"{value:.12g}"


def _label(name: str, at: tuple[int, ...], x_ndim: int) -> str:
    """df[2]/dx[0], d2f/dx[0]dx[1] and so on; no index where there is only one number."""
    inputs = (2 if name == "hessian" else 1) * x_ndim
    output, variables = at[: len(at) - inputs], at[len(at) - inputs :]
    f = f"f[{','.join(map(str, output))}]" if output else "f"
    if name == "hessian":
        return f"d2{f}/dx2" if not variables else f"d2{f}/" + "".join(f"dx[{i}]" for i in variables)
    return f"d{f}/dx" + "".join(f"[{i}]" for i in variables)
