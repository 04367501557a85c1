"""NumPy's functions of arrays on polynomials: at displaced points they are NumPy's functions of displaced arrays."""

import contextlib
import itertools

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._taylor.arrays import dispatch
from tests.taylor.array_functions import EXACT, METHODS, OF_VALUES, SMOOTH

SPACE = fc.TaylorSpace(2, 3)
EPS = np.finfo(float).eps


def at(p, u):
    """Polynomials or arrays at a displacement, by their definition."""
    if isinstance(p, (list, tuple)):
        return type(p)(at(one, u) for one in p)
    if not isinstance(p, fc.TaylorPolynomial):
        return p
    return np.tensordot(np.prod(np.asarray(u) ** p.space.exponents, axis=1), p.coef, 1)


def linear(seed, shape, dtype=float):
    """Polynomials of degree 1 with distinct, positive constant terms, each a tenth from the next one or more."""
    rng = np.random.default_rng(seed)
    coef = np.zeros((SPACE.n_terms, *shape))
    size = int(np.prod(shape))
    coef[0] = rng.permutation(0.53 + 0.03 * seed + 0.111 * np.arange(size)).reshape(shape)
    coef[1:3] = rng.uniform(-1, 1, (2, *shape))
    if np.dtype(dtype).kind == "c":
        coef = coef + 1j * rng.uniform(-1, 1, coef.shape) * (coef != 0)
    return fc.TaylorPolynomial(SPACE, coef.astype(dtype))


def mixtures(shapes, dtype=float):
    """Arguments of these shapes, a polynomial for each one in turn and for all."""
    series = [linear(seed, shape, dtype) for seed, shape in enumerate(shapes)]
    chosen = {tuple(i == j for j in range(len(shapes))) for i in range(len(shapes))} | {(True,) * len(shapes)}
    for which in sorted(chosen):
        yield [p if polynomial else p.value for p, polynomial in zip(series, which, strict=True)]


def check(result, expected, u, tolerance):
    if isinstance(expected, (list, tuple)):
        assert type(result) is type(expected)
        for one, reference in zip(result, expected, strict=True):
            check(one, reference, u, tolerance)
        return
    assert result.shape == np.shape(expected)
    if isinstance(result, fc.TaylorPolynomial):
        assert result.coef.shape == (SPACE.n_terms, *result.shape)
    size = max(1.0, np.max(np.abs(expected), initial=0))
    np.testing.assert_allclose(at(result, u), expected, rtol=0, atol=tolerance * size)


def case(row):
    return pytest.param(*row[1:], id=row[0])


@pytest.mark.parametrize(("function", "shapes"), [case(row) for row in EXACT])
def test_polynomial_functions_are_numpys_at_displaced_points(function, shapes):
    for arguments in mixtures(shapes):
        for u in ((0.5, -0.25), (-0.03, 0.4)):
            check(function(*arguments), function(*at(arguments, u)), u, 200 * EPS)


@pytest.mark.parametrize(("function", "shapes"), [case(row) for row in SMOOTH])
def test_smooth_functions_are_numpys_up_to_the_degree(function, shapes):
    for arguments in mixtures(shapes):
        result = function(*arguments)
        check(result, function(*at(arguments, (0, 0))), (0, 0), 200 * EPS)
        for u in ((1e-2, -5e-3), (-2e-3, 8e-3)):  # what is left out is of degree 4: 256 times less at a quarter
            near, far = (error(result, function(*at(arguments, np.multiply(u, t))), u, t) for t in (0.25, 1))
            assert near <= far / 100 + 1e-13


def error(result, expected, u, t):
    """Largest difference at a displacement, relative to the largest number."""
    if isinstance(expected, (list, tuple)):
        return max(error(one, reference, u, t) for one, reference in zip(result, expected, strict=True))
    size = max(1.0, np.max(np.abs(expected), initial=0))
    return np.max(np.abs(at(result, np.multiply(u, t)) - expected), initial=0) / size


@pytest.mark.parametrize("function", [case(row) for row in OF_VALUES])
def test_functions_of_the_constant_terms(function):
    p = linear(0, (3, 4))
    result, expected = function(p), function(p.value)
    assert type(result) is type(expected)
    np.testing.assert_equal(result, expected)


@pytest.mark.parametrize("function", [case(row) for row in METHODS])
def test_methods_are_those_of_arrays(function):
    p, u = linear(0, (3, 4)), (1e-3, -1e-3)
    check(function(p), function(at(p, u)), u, 1e-11)


@pytest.mark.parametrize(
    ("method", "function"),
    [
        (lambda a: a.put([0, 5], [2.0, 3.0]), lambda a: np.put(a, [0, 5], [2.0, 3.0])),
        (lambda a: a.fill(3.0), lambda a: np.copyto(a, 3.0)),
        (lambda a: a.sort(axis=0), lambda a: np.copyto(a, np.sort(a, axis=0))),
    ],
)
def test_methods_that_write(method, function):
    p, q = linear(0, (3, 4)), linear(0, (3, 4))
    method(p)
    function(q)
    np.testing.assert_array_equal(p.coef, q.coef)


def test_methods_of_the_constant_terms():
    p = linear(0, (3, 4))
    for name, arguments in (
        ("argmax", (1,)), ("argmin", ()), ("argsort", (0,)), ("nonzero", ()), ("any", (0,)), ("all", ()),
    ):  # fmt: skip
        np.testing.assert_equal(getattr(p, name)(*arguments), getattr(p.value, name)(*arguments))
    assert np.sort(p[0]).searchsorted(1.0) == np.sort(p[0].value).searchsorted(1.0)
    assert p.nbytes == p.coef.nbytes
    assert p.reshape(4, 3, copy=True).coef.base is not p.coef


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, complex])
@pytest.mark.parametrize(("name", "function", "shapes"), EXACT)
def test_types_of_results(name, function, shapes, dtype):
    if dtype is complex and any(word in name for word in ("interp", "unwrap", "rfft", "ihfft")):
        pytest.skip("functions of real numbers")
    if dtype is np.longdouble and any(word in name for word in ("fft", "interp", "det")) and "shift" not in name:
        pytest.skip("NumPy has no version of these in long double")
    for arguments in mixtures(shapes, dtype):
        with contextlib.suppress(np.exceptions.ComplexWarning):
            check_types(function(*arguments), function(*(getattr(one, "value", one) for one in arguments)))


def check_types(result, expected):
    if isinstance(expected, (list, tuple)):
        for one, reference in zip(result, expected, strict=True):
            check_types(one, reference)
    elif isinstance(result, fc.TaylorPolynomial):
        kind = np.asarray(expected).dtype
        assert result.dtype == (complex if kind == np.complex64 else kind)
        np.testing.assert_allclose(result.value, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max(initial=0)))


def test_every_function_has_a_case(monkeypatch):
    asked = set()

    class Recording(dict):
        def get(self, function, default=None):
            asked.add(function)
            return super().get(function, default)

    monkeypatch.setattr(dispatch, "FUNCTIONS", Recording(dispatch.FUNCTIONS))
    for _, function, shapes in EXACT + SMOOTH:
        for arguments in itertools.islice(mixtures(shapes), 4):
            function(*arguments)
    for _, function in OF_VALUES:
        function(linear(0, (3, 4)))
    for function in (np.array_repr, np.array_str, np.array2string):
        assert str(function(linear(0, (2,))))
    missing = {f"{f.__module__}.{f.__name__}" for f in dispatch.FUNCTIONS.keys() - asked}
    assert missing == set()
