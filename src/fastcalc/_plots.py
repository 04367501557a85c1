"""Pictures of results, with matplotlib, which is imported when one is drawn and not before."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def new_axes() -> Any:
    """Axes of a new figure."""
    try:
        pyplot: Any = importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise ImportError("a plot needs matplotlib: pip install matplotlib") from error
    return pyplot.subplots()[1]


def error_against_step(
    steps: ArrayLike,
    errors: ArrayLike,
    rounding: ArrayLike | None,
    chosen_step: float | None,
    chosen_error: float | None,
    ax: Any,
) -> Any:
    """Errors against steps, on logarithmic axes, with the chosen one marked.

    Parameters
    ----------
    steps, errors : array_like (k,)
        Steps, and estimated errors; unknown ones, NaN, leave a gap, and errors of 0, which have no place on the axis,
        stand as triangles at its lower end.
    rounding : array_like (k,) or None
        The part of the errors that rounding may have.
    chosen_step, chosen_error : float or None
        Those of the result.
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The same.
    """
    order = np.argsort(steps)
    h, error = np.asarray(steps, float)[order], np.asarray(errors, float)[order]
    ax.set_xscale("log")
    if (error > 0).any():
        ax.set_yscale("log")
        ax.plot(h, np.where(error > 0, error, np.nan), ".-", color="C0", label="estimated error")
    else:
        ax.set_yticks([])
    zero = error == 0
    if zero.any():
        bottom = np.full(zero.sum(), 0.02)
        ax.plot(h[zero], bottom, "v", color="C0", transform=ax.get_xaxis_transform(), label="estimated error 0")
    if rounding is not None:
        bound = np.asarray(rounding, float)[order]
        ax.plot(h, np.where(bound > 0, bound, np.nan), "--", color="0.6", label="rounding", zorder=1)
    if chosen_step is not None and chosen_step > 0:
        known = "unknown" if chosen_error is None or np.isnan(chosen_error) else f"{chosen_error:.2g}"
        label = f"chosen: step {chosen_step:.2g}, error {known}"
        ax.axvline(chosen_step, color="C3", linewidth=1, linestyle=":", zorder=0, label=label)
        if chosen_error is not None and chosen_error > 0:
            ax.plot(chosen_step, chosen_error, "o", color="C3", markersize=9, markerfacecolor="none")
    ax.tick_params(axis="x", which="minor", labelbottom=False)  # they overlap within a few decades
    ax.set_xlabel("step")
    ax.set_ylabel("estimated error")
    ax.legend()
    return ax
