"""fc.taylor: polynomials of functions, exactly."""

import math

import numpy as np
import pytest

import fastcalc as fc
from fastcalc import Status


def test_coefficients():
    p = fc.taylor(lambda x: np.exp(x[0]) * np.sin(x[1]), [0.3, -0.7], 5)
    assert isinstance(p, fc.TaylorPolynomial)
    assert p.shape == ()
    assert p.space is fc.TaylorSpace(2, 5)
    assert p.x0.tolist() == [0.3, -0.7]
    a, b = p.space.exponents.T
    factorials = [math.factorial(i) * math.factorial(j) for i, j in p.space.exponents.tolist()]
    expected = np.exp(0.3) * np.sin(-0.7 + b * np.pi / 2) / factorials
    assert a.max() == 5
    np.testing.assert_allclose(p.coef, expected, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2)])
def test_shapes(shape):
    x0 = np.arange(1.0, 1 + math.prod(shape)).reshape(shape)
    p = fc.taylor(lambda x: x * x, x0, 2)
    n = x0.size
    assert p.shape == shape
    assert p.x0.shape == (n,)
    assert p.space.n_variables == n
    assert np.array_equal(p.coef[0], x0**2)
    flat = p.coef.reshape(len(p.coef), n)
    for i in range(n):
        unit = np.eye(n, dtype=int)[i]
        assert flat[p.space.index(unit), i] == 2 * x0.reshape(-1)[i]
        assert flat[p.space.index(2 * unit), i] == 1


def test_degree_0_is_the_value():
    p = fc.taylor(np.exp, 0.5, 0)
    assert p.coef.tolist() == [np.exp(0.5)]


def test_outputs():
    p = fc.taylor(lambda x: [x[0], 2.0, x[0] * x[1]], [1.0, 3.0], 2)
    assert p.shape == (3,)
    assert p.coef[:, 1].tolist() == [2, 0, 0, 0, 0, 0]
    assert fc.taylor(lambda x: 7, [1.0, 3.0], 1).coef.tolist() == [7, 0, 0]
    own = fc.taylor(lambda x: x, [1.0, 3.0], 1)
    assert own.coef.flags.c_contiguous
    assert own.coef.tolist() == [[1, 3], [1, 0], [0, 1]]
    part = fc.taylor(lambda x: x[1], [1.0, 3.0], 1)
    assert part.coef.flags.c_contiguous
    assert part.coef.flags.writeable


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble, np.complex128])
def test_types(kind):
    assert fc.taylor(np.exp, kind(0.5), 3).dtype == kind
    assert fc.taylor(np.exp, 1, 3).dtype == np.float64


def test_spaces():
    p = fc.taylor(lambda x: (x[0] + x[1]) ** 3, [1.0, 2.0], 3, max_degrees=[1, 3])
    assert p.space is fc.TaylorSpace(2, 3, max_degrees=[1, 3])
    assert p.coef[p.space.index((1, 2))] == 3
    q = fc.taylor(lambda x: (x[0] + x[1]) ** 3, [1.0, 2.0], 3, weights=[2, 1])
    assert q.space is fc.TaylorSpace(2, 3, weights=[2, 1])
    assert q.coef[q.space.index((1, 1))] == 18


def test_the_argument_is_around_x0():
    seen = []
    fc.taylor(lambda x: seen.append(x.x0) or x[0], [[1.0, 2.0]], 1)
    assert seen[0].tolist() == [1, 2]


def test_full_output():
    result = fc.taylor(lambda x: [x[0] * x[1], x[1]], [1.0, 2.0], 2, full_output=True)
    assert result.value.coef.tolist() == fc.taylor(lambda x: [x[0] * x[1], x[1]], [1.0, 2.0], 2).coef.tolist()
    assert result.error.shape == result.step.shape == result.status.shape == (6, 2)
    assert np.isnan(result.error).all()
    assert np.isnan(result.step).all()
    assert result.success.all()
    assert (result.status == Status.EXACT).all()
    assert result.fun.tolist() == [2, 2]
    assert result.evaluations == 1
    assert result.message == "exact to rounding"
    repr(result), result._repr_html_()


def test_not_finite():
    with np.errstate(divide="ignore"):
        result = fc.taylor(lambda x: np.log(x[0]) + x[1], [0.0, 2.0], 1, full_output=True)
    assert result.status[0] == Status.NON_FINITE
    assert not result.success[0]


def test_options():
    p = fc.taylor(lambda a, x, b: a * x + b, 2.0, 1, args=(3.0,), kwargs={"b": 1.0}, argnum=1)
    assert p.coef.tolist() == [7, 3]
    v = fc.taylor(lambda x: x[0] * x[1], [2.0, 3.0], 2, vectorized=True)
    assert v.shape == ()
    assert v.coef.tolist() == [6, 3, 2, 0, 1, 0]
    result = fc.taylor(lambda x: x[0] * x[1], [2.0, 3.0], 2, bounds=([0, 3], [9, 3]), full_output=True)
    assert np.array_equal(result.value.coef, [6, 3, np.nan, 0, np.nan, np.nan], equal_nan=True)
    assert result.status[2] == Status.FIXED_VARIABLE
    lost = fc.taylor(lambda x: 1 // 0, [2.0, 3.0], 1, on_error="nan")
    assert np.isnan(lost.coef).all()


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((np.exp, 0.0, -1), {}, ValueError, "`degree` must be at least 0"),
        ((np.exp, 0.0, 2.0), {}, TypeError, "`degree` must be an integer"),
        ((np.exp, 0.0, 2), {"method": "adaptive"}, ValueError, "`method` must be one of 'exact', 'numeric'"),
        ((np.exp, 0.0, 2), {"step": 0.1}, ValueError, "`step` has no effect on method 'exact'"),
        ((np.exp, 0.0, 2), {"noise": 0.1}, ValueError, "`noise` is for method 'adaptive'"),
        ((np.exp, 0.0, 2), {"out": None}, TypeError, "unknown option 'out'"),
        ((np.exp, 0.0, 2), {"order": 2}, TypeError, "unknown option 'order'"),
        ((np.exp, [], 2), {}, ValueError, "`x0` must have variables"),
        ((np.exp, "a", 2), {}, TypeError, "`x0` must hold real or complex numbers"),
        ((np.exp, np.ones((2, 3)), 2), {"vectorized": True}, ValueError, "`x0` must be one point"),
        ((1, 0.0, 2), {}, TypeError, "`f` must be callable"),
        ((np.exp, 0.0, 2), {"max_degrees": [1, 2]}, ValueError, "`max_degrees` must have one integer per variable"),
        ((np.exp, np.ones(40), 12), {}, ValueError, "terms"),
        ((np.exp, 0.0, 2), {"method": "numeric", "weights": [2]}, ValueError, "are for method 'exact'"),
        ((np.exp, 0.0, 2), {"method": "numeric", "rtol": 1e-3}, ValueError, "`rtol` has no effect on method 'numeric'"),
    ],
)
def test_errors(arguments, options, error, message):
    with pytest.raises(error, match=message):
        fc.taylor(*arguments, **options)


def test_leaving_names_the_line_and_the_numeric_method():
    def f(x):
        return math.exp(x[0])

    with pytest.raises(TypeError, match=r"at .*test_expansion.py:\d+, `return math.exp\(x\[0\]\)`.*method='numeric'"):
        fc.taylor(f, [0.0], 2)


def test_numeric():
    def f(x):
        return [math.exp(x[0]) * math.sin(x[1]), float(x[0])]

    numeric = fc.taylor(f, [0.3, -0.7], 3, method="numeric")
    exact = fc.taylor(lambda x: [np.exp(x[0]) * np.sin(x[1]), x[0]], [0.3, -0.7], 3)
    assert numeric.space is exact.space
    np.testing.assert_allclose(numeric.coef, exact.coef, atol=1e-9)
    assert numeric.x0.tolist() == [0.3, -0.7]
    result = fc.taylor(f, [0.3, -0.7], 3, method="numeric", full_output=True)
    assert (np.abs(result.value.coef - exact.coef) <= result.error).all()
    assert result.error.shape == result.step.shape == result.status.shape == (10, 2)
    assert result.evaluations > 10
