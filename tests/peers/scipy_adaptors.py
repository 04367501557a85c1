"""SciPy's functions for derivatives, as thin adaptors over fastcalc."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

import fastcalc as fc
from tests.peers.suites import adaptor

ADAPTIVE = {"method": "adaptive"}
EPS = np.finfo(np.float64).eps
METHODS = {"2-point": {"accuracy": 1}, "3-point": {"method": "central"}, "cs": {"method": "complex"}}
RELATIVE = {"2-point": EPS ** (1 / 2), "3-point": EPS ** (1 / 3), "cs": EPS ** (1 / 2)}


@adaptor
def approx_derivative(
    fun,
    x0,
    method="3-point",
    rel_step=None,
    abs_step=None,
    f0=None,
    bounds=(-np.inf, np.inf),
    sparsity=None,
    as_linear_operator=False,
    args=(),
    kwargs=None,
    full_output=False,
    workers=None,
):
    """scipy.optimize._numdiff.approx_derivative: the Jacobian, a gradient (n,) where there is one output.

    A negative step of the 2-point method asks for backward differences, variable by variable. f0 is not needed; `map`
    is no parallel computing; what fastcalc has no option for is passed on, and refused.
    """
    x = np.atleast_1d(x0)
    step = _steps(x, method, rel_step, abs_step)
    options: dict[str, Any] = {**METHODS[method], "bounds": bounds, "args": args, "kwargs": kwargs}
    options |= {"step": np.abs(step)} if step is not None and not as_linear_operator else {}
    if sparsity is not None:  # of a pair, the second are SciPy's groups
        options |= {"sparsity": sparsity[0] if isinstance(sparsity, tuple) else sparsity}
    options |= {"workers": workers} if workers not in (None, map) else {}
    if as_linear_operator:
        side = {"method": "forward"} if method == "2-point" else {}
        return fc.Jacobian(fun, **options, **side).as_linear_operator(x)
    if method != "2-point":
        result = fc.jacobian(fun, x, **options, full_output=True)
    else:
        backward = np.zeros(x.shape, bool) if step is None else np.broadcast_to(step < 0, x.shape)
        sides = ["forward"] * (not backward.all()) + ["backward"] * bool(backward.any())
        results = [fc.jacobian(fun, x, **options, method=side, full_output=True) for side in sides]
        result = results[0]
        if len(results) == 2:
            return _one_output(np.where(backward, results[1].value, results[0].value))
    value = _one_output(result.value)
    return (value, {"nfev": result.evaluations}) if full_output else value


def _steps(x, method, rel_step, abs_step):
    """Steps with their sign; None for the default."""
    if abs_step is not None:
        return np.asarray(abs_step)
    if rel_step is None:
        return None
    step = np.asarray(rel_step) * np.abs(x) * np.where(x < 0, -1, 1)
    return np.where(step == 0, RELATIVE[method], step)


def _one_output(jacobian):
    return jacobian[0] if jacobian.ndim == 2 and jacobian.shape[0] == 1 else jacobian


@adaptor
def check_derivative(fun, jac, x0, bounds=(-np.inf, np.inf), args=(), kwargs=None):
    """scipy.optimize._numdiff.check_derivative: the largest difference, relative above 1."""
    report = fc.check_jacobian(fun, jac, np.atleast_1d(x0), bounds=bounds, args=args, kwargs=kwargs)
    report.raise_if_wrong()
    return np.max(np.abs(report.value - report.reference) / np.maximum(1, np.abs(report.reference)))


# --- scipy.differentiate ----------------------------------------------------------------------------------------------


@adaptor
def derivative(
    f, x, *, args=(), kwargs=None, tolerances=None, order=8, initial_step=None, step_direction=0, preserve_shape=False,
    callback=None, **foreign,
):  # fmt: skip
    """scipy.differentiate.derivative: point by point, each with the arguments and the direction broadcast to it.

    The order of SciPy's formulas and a callback between its iterations have no counterpart, and are left out.
    """
    x = _floating(x)
    bounds = _reach(x, initial_step, step_direction)
    args = args if isinstance(args, tuple) else (args,)
    others = {} if preserve_shape else {**dict(enumerate(args)), **(kwargs or {})}
    shape = np.broadcast_shapes(np.shape(bounds[0]), *map(np.shape, others.values()))
    points, lower, upper = (np.ravel(np.broadcast_to(array, shape)) for array in (x, *bounds))
    others = {name: np.ravel(np.broadcast_to(other, shape)) for name, other in others.items()}
    results = []
    for i, point in enumerate(points):
        given = {name: other[i : i + 1] for name, other in others.items()}

        def of_point(t, given=given):
            if preserve_shape:
                return f(t, *args, **(kwargs or {}))
            named = {name: value for name, value in given.items() if isinstance(name, str)}
            return np.reshape(f(np.reshape(t, 1), *(given[i] for i in range(len(args))), **named), ())

        options = {**ADAPTIVE, **(tolerances or {}), **foreign, "bounds": (lower[i], upper[i])}
        results.append(fc.derivative(of_point, point, **options, full_output=True))
    return _scipy_result("df", results, x, shape)


@adaptor
def jacobian(f, x, *, tolerances=None, order=8, initial_step=None, step_direction=0, **foreign):
    """scipy.differentiate.jacobian: f takes points as columns."""
    x = _floating(x)
    axes = (-1,) + (1,) * (x.ndim - 1)
    bounds = _reach(x, *(np.reshape(a, axes) if np.ndim(a) else a for a in (initial_step, step_direction)))
    options = {**ADAPTIVE, **(tolerances or {}), **foreign, "bounds": bounds, "vectorized": True}
    return _scipy_result("df", [fc.jacobian(f, x, **options, full_output=True)], x)


@adaptor
def hessian(f, x, *, tolerances=None, order=8, **foreign):
    """scipy.differentiate.hessian: f takes points as columns."""
    x = _floating(x)
    options = {**ADAPTIVE, **(tolerances or {}), **foreign, "vectorized": True}
    return _scipy_result("ddf", [fc.hessian(f, x, **options, full_output=True)], x)


def _floating(x):
    x = np.asarray(x)
    return x.astype(float) if x.dtype.kind in "biu" else x


def _reach(x, initial_step, direction):
    """Bounds: SciPy samples no farther than the initial step, and on one side where the direction is not 0."""
    farthest = np.inf if initial_step is None else np.asarray(initial_step)
    direction = np.asarray(direction)
    lower, upper = np.where(direction > 0, x, x - farthest), np.where(direction < 0, x, x + farthest)
    return np.broadcast_arrays(lower, upper)


def _scipy_result(name, results, x, shape=None):
    """An object with SciPy's fields: of one result, or of one for each point."""

    def field(of):
        values = [np.asarray(of(result)) for result in results]
        return values[0] if shape is None else np.stack(values, axis=-1).reshape(values[0].shape + shape)[()]

    return types.SimpleNamespace(
        **{name: field(lambda result: result.value)},
        x=np.broadcast_to(x, shape or x.shape)[()],
        error=field(lambda result: result.error),
        success=field(lambda result: result.success),
        status=field(lambda result: result.status),
        nfev=field(lambda result: result.evaluations),
    )
