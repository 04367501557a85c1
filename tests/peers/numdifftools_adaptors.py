"""numdifftools' classes and functions, as thin adaptors over fastcalc."""

from __future__ import annotations

import importlib.util
import types

import numpy as np

import fastcalc as fc
from tests.peers import scipy_adaptors
from tests.peers.scipy_adaptors import ADAPTIVE
from tests.peers.suites import adaptor


class _Differentiator:
    """What numdifftools' classes have in common: options at the construction, the arguments of f at the call.

    Steps, their generators and the order of the rule say how numdifftools extrapolates; fastcalc decides that itself.
    """

    n = 1

    def __init__(self, fun=None, step=None, method="central", order=2, n=None, full_output=False, **step_options):
        self.fun, self.method, self.full_output = fun, method, full_output
        self.n = self.n if n is None else n

    @adaptor
    def __call__(self, x, *args, **kwds):
        x = np.asarray(x)
        x = x if x.dtype.kind in "fc" else x.astype(float)
        value, error, step = self._differentiate(lambda x: self.fun(x, *args, **kwds), x)
        if not self.full_output:
            return value
        return _result(value, error, step)

    def _differentiate(self, f, x):
        raise NotImplementedError

    def _options(self, x):
        """Extrapolation, on one side by a bound at x; complex steps for first derivatives without an error."""
        if self.method in ("complex", "multicomplex") and self.n == 1 and not self.full_output:
            return {"method": "complex", "full_output": True}
        return {**ADAPTIVE, "bounds": _sides(self.method, x), "full_output": True}


def _sides(method, x):
    lower = {"forward": x}.get(method, -np.inf)
    upper = {"backward": x}.get(method, np.inf)
    return None if np.iscomplexobj(x) else (lower, upper)


def _result(*fields):
    from numdifftools._typing import EstimateResult

    return EstimateResult(*fields, 0)


class Derivative(_Differentiator):
    """f maps an array to an array of its shape, element by element."""

    def _differentiate(self, f, x):
        if self.n == 0:
            return f(x), 0.0, 0.0
        results = [self._of_one(f, x, index) for index in np.ndindex(x.shape)]
        return tuple(
            np.reshape([getattr(result, name) for result in results], x.shape)[()]
            for name in ("value", "error", "step")
        )

    def _of_one(self, f, x, index):
        def element(t):
            moved = np.array(x, dtype=np.result_type(x, t))
            moved[index] = t
            return np.asarray(f(moved))[index]

        return fc.derivative(element, x[index], self.n, **self._options(x[index]))


class Jacobian(_Differentiator):
    """Points as columns where x has more than one axis; a row for a scalar f."""

    operator = staticmethod(fc.jacobian)

    def _differentiate(self, f, x):
        x = np.atleast_1d(x)
        result = self.operator(f, x, **self._options(x), vectorized=x.ndim > 1)
        return tuple(np.atleast_2d(field) for field in (result.value, result.error, result.step))


class Gradient(Jacobian):
    """x is a vector, and axes of length 1 are dropped."""

    operator = staticmethod(fc.gradient)

    def _differentiate(self, f, x):
        return tuple(np.squeeze(field) for field in super()._differentiate(f, np.ravel(x)))


class Hessian(_Differentiator):
    """f may return many values."""

    n = 2
    operator = staticmethod(fc.hessian)

    def _differentiate(self, f, x):
        x = np.atleast_1d(x)
        result = self.operator(f, x, **self._options(x))
        return tuple(field.reshape(field.shape[-2:]) if field.shape[0] == 1 else field for field in _fields(result))


class Hessdiag(Hessian):
    """The diagonal of the Hessian."""

    def _differentiate(self, f, x):
        return tuple(np.diagonal(field, axis1=-2, axis2=-1) for field in super()._differentiate(f, x))


def _fields(result):
    return result.value, result.error, result.step


@adaptor
def directionaldiff(f, x0, vec, *, full_output=False, **options):
    """Along the unit vector."""
    x, v = np.asarray(x0, float), np.asarray(vec, float)
    result = fc.jvp(f, x, v / np.linalg.norm(v), **ADAPTIVE, full_output=True)
    return _result(result.value, result.error, result.step) if full_output else result.value


def adaptive(module: types.ModuleType) -> types.SimpleNamespace:
    """numdifftools.core, or a module like it, with the classes above in it."""
    return _with(module, Derivative, Jacobian, Gradient, Hessian, Hessdiag, directionaldiff)


class _Exact:
    def _options(self, x):
        return {**ADAPTIVE, "full_output": True}


def exact() -> types.SimpleNamespace:
    """In the place of nd_algopy, whose methods "forward" and "reverse" are no sides."""
    classes = (Derivative, Jacobian, Gradient, Hessian, Hessdiag)
    return _with(None, *(type(cls.__name__, (_Exact, cls), {}) for cls in classes), directionaldiff)


def _with(module, *adaptors):
    others = vars(module) if module else {}
    return types.SimpleNamespace(**{**others, **{thing.__name__: thing for thing in adaptors}})


# --- fixed steps ------------------------------------------------------------------------------------------------------

FIXED = {"central": {}, "central2": {}, "forward": {"accuracy": 1}, "backward": {"accuracy": 1}, "complex": {}}


class _Fixed:
    def _options(self, x):
        method = "central" if self.method == "central2" else self.method
        return {"method": method, **FIXED[self.method], "full_output": True}


def fixed(module: types.ModuleType) -> types.SimpleNamespace:
    """nd_statsmodels with such classes in it."""
    return _with(module, *(type(cls.__name__, (_Fixed, cls), {}) for cls in (Jacobian, Gradient, Hessian)))


def over_scipy(module: types.ModuleType) -> types.ModuleType:
    """nd_scipy, whose classes call approx_derivative, over SciPy's adaptor."""
    fresh = importlib.util.module_from_spec(module.__spec__)
    module.__spec__.loader.exec_module(fresh)
    fresh.approx_derivative = scipy_adaptors.approx_derivative
    return fresh


# --- weights ----------------------------------------------------------------------------------------------------------


@adaptor
def fd_weights_all(x, x0=0, n=1):
    return fc.fd_weights(x, x0, n)


@adaptor
def fd_weights(x, x0=0, n=1):
    return fc.fd_weights(x, x0, n)[-1]
