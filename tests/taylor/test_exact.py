"""The method "exact" of all operators: values, shapes, types, options, and errors that name the line."""

import math
import statistics
import threading
import warnings
from functools import reduce
from operator import add

import mpmath
import numpy as np
import pytest

import fastcalc as fc
from fastcalc import Status
from fastcalc._differences import exact
from tests.cases import CURVES, EPS, MAPS, SURFACES


def total(x):
    return reduce(add, list(x))


def valley(x):
    """Rosenbrock's, in slices; along the first axis."""
    return total(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def valley_gradient(x):
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def valley_hessian(x):
    n = len(x)
    d = np.zeros(n)
    d[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    d[1:] += 200
    return np.diag(d) + np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)


def field(x):
    return [x[0] * x[1], np.sin(x[1]) * x[2], np.exp(x[2]) * x[0]]


def field_jacobian(x):
    a, b, c = x
    return np.array([[b, a, 0], [0, np.cos(b) * c, np.sin(b)], [np.exp(c), 0, a * np.exp(c)]])


X = np.array([0.4, -1.2, 0.7])
FAR = np.linspace(-1.5, 1.5, 7)


def close(actual, expected, ulps=50):
    expected = np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=ulps * EPS, atol=ulps * EPS * np.abs(expected).max(initial=0))


class TestValues:
    @pytest.mark.parametrize("surface", SURFACES, ids=str)
    def test_gradients_and_hessians(self, surface):
        close(fc.gradient(surface.f, surface.x, method="exact"), surface.gradient(surface.x))
        hessian = fc.hessian(surface.f, surface.x, method="exact")
        close(hessian, surface.hessian(surface.x))
        assert np.array_equal(hessian, hessian.T)

    @pytest.mark.parametrize("vectorized", [False, True])
    @pytest.mark.parametrize("case", MAPS[:3], ids=str)
    def test_jacobians(self, case, vectorized):
        close(fc.jacobian(case.f, case.x, method="exact", vectorized=vectorized), case.jacobian(case.x))

    @pytest.mark.parametrize("curve", CURVES, ids=str)
    @pytest.mark.parametrize("n", [1, 2, 5, 10])
    def test_higher_derivatives_of_curves(self, curve, n):
        with mpmath.workdps(50):
            expected = float(mpmath.taylor(curve.precise, mpmath.mpf(curve.x), n)[n] * math.factorial(n))
        # a relative error of each coefficient; those that are 0, mpmath has by differences
        assert fc.derivative(curve.f, curve.x, n, method="exact") == pytest.approx(expected, rel=1e-11, abs=1e-24)

    def test_value_and_gradient(self):
        value, slope = fc.value_and_gradient(valley, FAR, method="exact")
        assert value == valley(FAR)
        close(slope, valley_gradient(FAR))

    def test_products(self):
        J, v, w = field_jacobian(X), np.array([1.0, -2.0, 0.5]), np.array([0.3, 2.0, -1.0])
        close(fc.jvp(field, X, v, method="exact"), J @ v)
        close(fc.vjp(field, X, w, method="exact"), w @ J)
        close(fc.hvp(valley, FAR, FAR[::-1].copy(), method="exact"), valley_hessian(FAR) @ FAR[::-1])
        close(fc.hvp(valley, FAR, FAR, gradient=gradient_of_valley, method="exact"), valley_hessian(FAR) @ FAR)

    def test_fields(self):
        J = field_jacobian(X)
        close(fc.divergence(field, X, method="exact"), np.trace(J))
        close(fc.curl(field, X, method="exact"), [J[2, 1] - J[1, 2], J[0, 2] - J[2, 0], J[1, 0] - J[0, 1]])
        close(fc.curl(lambda x: [-(x[1] ** 2), x[0]], [1.0, 2.0], method="exact"), 1 + 2 * 2.0)
        close(fc.laplacian(valley, FAR, method="exact"), np.trace(valley_hessian(FAR)))

    @pytest.mark.parametrize("alpha", [(0, 0, 0), (1, 0, 0), (0, 2, 0), (1, 2, 0), (2, 1, 3), (0, 0, 4)])
    def test_partial_derivatives(self, alpha):
        def f(x):
            return np.exp(2 * x[0]) * np.sin(x[1]) * x[2] ** 3

        a, b, c = alpha
        cube = [X[2] ** 3, 3 * X[2] ** 2, 6 * X[2], 6.0, 0.0][c]
        expected = 2.0**a * np.exp(2 * X[0]) * np.sin(X[1] + b * np.pi / 2) * cube
        result = fc.partial(f, X, alpha, method="exact", full_output=True)
        assert result.value == pytest.approx(expected, rel=1e-14, abs=1e-300)
        assert (result.status, result.evaluations) == (Status.EXACT, 1)

    def test_propagation(self):
        cov = np.diag([0.01, 0.02, 0.03])
        y, ycov = fc.propagate(field, X, cov, method="exact")
        close(y, field(X))
        close(ycov, field_jacobian(X) @ cov @ field_jacobian(X).T)

    def test_hessian_of_a_gradient(self):
        hessian = fc.hessian(valley, FAR, gradient=gradient_of_valley, method="exact", full_output=True)
        close(hessian.value, valley_hessian(FAR))
        assert (hessian.status == Status.EXACT).all()

    def test_linear_operator(self):
        A = fc.Jacobian(field, method="exact").as_linear_operator(X)
        close(A.matvec(np.ones(3)), field_jacobian(X) @ np.ones(3))
        close(A.rmatvec(np.ones(3)), np.ones(3) @ field_jacobian(X))

    def test_it_beats_differences(self):
        """exp(30 x) at 0: central differences at accuracy 2 have nine digits."""
        assert fc.derivative(lambda x: np.exp(30 * x), 0.0, 3, method="exact") == pytest.approx(27000, rel=1e-15)


def gradient_of_valley(x):
    inner = [-400 * x[i] * (x[i + 1] - x[i] ** 2) - 2 * (1 - x[i]) for i in range(len(x) - 1)] + [0.0]
    return [g + (200 * (x[i] - x[i - 1] ** 2) if i else 0) for i, g in enumerate(inner)]


class TestChunks:
    @pytest.mark.parametrize("budget", [1, 900, 2000, 2**18])
    @pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 17])
    def test_all_sizes(self, monkeypatch, n, budget):
        monkeypatch.setattr(exact, "_BYTES", budget)
        monkeypatch.setattr(exact, "_BYTES_OF_PAIRS", budget)
        x = np.linspace(-1.3, 1.7, n + 1)
        close(fc.gradient(valley, x, method="exact"), valley_gradient(x))
        hessian = fc.hessian(valley, x, method="exact")
        close(hessian, valley_hessian(x))
        assert np.array_equal(hessian, hessian.T)
        close(fc.hvp(valley, x, x, method="exact"), valley_hessian(x) @ x)
        close(fc.laplacian(valley, x, method="exact"), np.trace(valley_hessian(x)))

    def test_calls(self):
        calls = []
        fc.gradient(lambda x: calls.append(x.shape) or total(x), np.ones(100), method="exact")
        assert calls == [(100,)]

    def test_many_variables(self):
        x = np.linspace(-1, 1, 600)

        def f(x):
            y = x * x
            return y[0] * y[-1] + y[300] * 3

        expected = np.zeros(600)
        expected[[0, 300, -1]] = 2 * x[0] * x[-1] ** 2, 6 * x[300], 2 * x[-1] * x[0] ** 2
        result = fc.gradient(f, x, method="exact", full_output=True)
        close(result.value, expected)
        assert 5 < result.evaluations < 60

    def test_batches_are_split(self):
        x = np.linspace(0.1, 2.0, 3 * 40000).reshape(3, -1)
        sizes = []

        def f(x):
            sizes.append(x.shape)
            return x[0] * np.sin(x[1]) * x[2]

        got = fc.gradient(f, x, method="exact", vectorized=True)
        close(got, [np.sin(x[1]) * x[2], x[0] * np.cos(x[1]) * x[2], x[0] * np.sin(x[1])])
        assert len(sizes) > 3


class TestShapes:
    """Section 1 of the interface: f(x).shape + x.shape, for every shape of x and f(x)."""

    @pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,), (2, 0)])
    def test_gradients(self, shape):
        x = np.arange(1.0, 1 + math.prod(shape)).reshape(shape)
        value = fc.gradient(cubes, x, method="exact")
        assert np.shape(value) == shape
        close(value, 3 * x**2)

    @pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
    def test_jacobians(self, shape):
        x = np.arange(1.0, 1 + math.prod(shape)).reshape(shape)
        n = x.size
        value = fc.jacobian(lambda x: x * x, x, method="exact")
        assert np.shape(value) == shape + shape
        close(np.reshape(value, (n, n)), np.diag(2 * x.reshape(-1)))
        hessian = fc.hessian(lambda x: x * x, x, method="exact")
        assert np.shape(hessian) == shape * 3

    def test_vectorized(self):
        x = np.arange(1.0, 13.0).reshape(3, 2, 2)
        assert fc.gradient(lambda x: x[0] * x[1] * x[2], x, method="exact", vectorized=True).shape == (3, 2, 2)
        jacobian = fc.jacobian(lambda x: x[:2] * x[2], x, method="exact", vectorized=True)
        assert jacobian.shape == (2, 3, 2, 2)
        close(jacobian[0, 2], x[0])
        hessian = fc.hessian(lambda x: x[0] * x[1] * x[2], x, method="exact", vectorized=True)
        assert hessian.shape == (3, 3, 2, 2)
        close(hessian[0, 1], x[2])
        assert fc.laplacian(lambda x: x[0] ** 2 * x[1], x, method="exact", vectorized=True).shape == (2, 2)
        assert fc.jvp(lambda x: x[:2] * x[2], x, np.ones(3), method="exact", vectorized=True).shape == (2, 2, 2)
        assert fc.hvp(lambda x: x[0] * x[1], x, np.ones(3), method="exact", vectorized=True).shape == (3, 2, 2)
        assert fc.partial(lambda x: x[0] * x[1], x, (1, 1, 0), method="exact", vectorized=True).shape == (2, 2)

    def test_derivatives(self):
        x = np.linspace(0, 1, 6).reshape(2, 3)
        close(fc.derivative(np.sin, x, 3, method="exact"), -np.cos(x))
        close(fc.derivative(np.sin, x, 3, method="exact", vectorized=True), -np.cos(x))
        assert fc.derivative(lambda t: [t, t * t], x, method="exact").shape == (2, 2, 3)
        assert type(fc.derivative(np.sin, 0.5, method="exact")) is np.float64
        assert fc.derivative(np.sin, np.zeros(0), method="exact").shape == (0,)

    def test_layouts(self):
        x = np.arange(1.0, 25.0).reshape(4, 6)
        for other in (x.T, x[::-1, ::2], np.asfortranarray(x), x.astype(">f8")):
            close(fc.gradient(cubes, other, method="exact"), 3 * other**2)


def cubes(x):
    if x.ndim == 0:
        return x**3
    rows = [cubes(row) for row in x]
    return reduce(add, rows, 0.0)


class TestTypes:
    @pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble, np.complex64, np.complex128])
    def test_results_have_the_type_of_x(self, kind):
        x = np.array([0.5, 1.5, 2.0], kind)
        eps = 20 * np.finfo(kind).eps
        for value, expected in [
            (fc.gradient(valley, x, method="exact"), valley_gradient(x)),
            (fc.derivative(np.sin, x, method="exact"), np.cos(x)),
            (fc.jvp(np.exp, x, np.ones(3), method="exact"), np.exp(x)),
        ]:
            assert value.dtype == kind
            np.testing.assert_allclose(value, expected, rtol=eps, atol=eps * np.abs(expected).max())

    def test_integers_become_float64(self):
        assert fc.gradient(valley, [1, 2, 3], method="exact").dtype == np.float64

    def test_complex_outputs(self):
        got = fc.derivative(lambda t: np.exp(1j * t), 0.5, method="exact")
        assert got == pytest.approx(1j * np.exp(0.5j), rel=1e-15)

    def test_clongdouble(self):
        with pytest.raises(TypeError, match=r"`x` must be .* for method 'exact'; got dtype complex256"):
            fc.gradient(valley, np.ones(3, np.clongdouble), method="exact")


class TestOptions:
    @pytest.mark.parametrize(
        "option", [{"step": 0.1}, {"scale": 1.0}, {"accuracy": 4}, {"noise": 0.1}, {"rtol": 0.1}, {"atol": 0.1},
                   {"max_evaluations": 9}], ids=lambda option: next(iter(option)))  # fmt: skip
    def test_what_makes_no_sense(self, option):
        (name,) = option
        with pytest.raises(ValueError, match=f"`{name}` (has no effect on method 'exact'|is for method 'adaptive')"):
            fc.gradient(valley, FAR, method="exact", **option)

    def test_other_arguments(self):
        def f(a, x, b, *, c):
            return a * x[0] * b + c * x[1]

        options = {"argnum": 1, "kwargs": {"c": 5.0}, "method": "exact"}
        close(fc.gradient(f, [1.0, 1.0], args=(2.0, 3.0), **options), [6, 5])
        g = fc.Gradient(f, **options)
        for a in (2.0, 4.0):
            close(g(a, np.ones(2), 3.0), [3 * a, 5])
        close(fc.Gradient(f, method="exact", argnum=1)(2.0, np.ones(2), 3.0, c=1.0), [6, 1])

    def test_out(self):
        out = np.empty(7)
        assert fc.gradient(valley, FAR, method="exact", out=out) is out
        close(out, valley_gradient(FAR))
        with pytest.raises(ValueError, match="`out` must have the shape of the result"):
            fc.gradient(valley, FAR, method="exact", out=np.empty(3))

    def test_full_output(self):
        result = fc.gradient(valley, FAR, method="exact", full_output=True)
        close(result.value, valley_gradient(FAR))
        assert np.isnan(result.error).all()
        assert np.isnan(result.step).all()
        assert result.fun == valley(FAR)
        assert result.evaluations == 1
        assert result.success.all()
        assert (result.status == Status.EXACT).all()
        assert result.message == "exact to rounding"
        assert "EXACT" in repr(result)

    @pytest.mark.parametrize("name", ["divergence", "laplacian", "curl"])
    def test_full_output_of_sums(self, name):
        f = field if name != "laplacian" else lambda x: field(x)[0]
        result = getattr(fc, name)(f, X, method="exact", full_output=True)
        assert np.all(result.status == Status.EXACT)
        assert np.all(result.success)
        assert np.isnan(result.error).all()
        assert np.shape(result.step) == (3,)

    def test_unused_outputs_may_be_nan(self):
        f = lambda x: [x[0] * x[1], x[0] * np.nan]  # noqa: E731
        result = fc.vjp(f, [2.0, 3.0], [1.0, 0.0], method="exact", full_output=True)
        close(result.value, [3, 2])
        assert (result.status == Status.EXACT).all()

    def test_not_finite(self):
        with np.errstate(divide="ignore"):
            result = fc.gradient(lambda x: np.log(x[0]) + x[1], [0.0, 1.0], method="exact", full_output=True)
        assert Status(int(result.status[0])) is Status.NON_FINITE
        assert not result.success[0]

    def test_warnings_are_those_of_values(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fc.hessian(lambda x: [np.log(x[0]), np.sqrt(x[1]) * x[0], 1 / x[0], x[1] ** 0.5], [0, 0], method="exact")
        assert len(caught) == 2
        assert all("divide by zero" in str(w.message) for w in caught)

    @pytest.mark.parametrize(
        ("f", "x", "count"),
        [
            (lambda x: x / 0, 1.0, 1),
            (lambda x: x**x, 0.0, 0),
            (lambda x: np.logaddexp(x, x), np.inf, 0),
            (lambda x: np.maximum(x, x), np.inf, 0),
            (lambda x: np.log10(x), 0.0, 1),
            (lambda x: np.arccosh(x), 0.5, 1),
            (lambda x: np.arctan2(x, x), 0.0, 0),
            (lambda x: np.hypot(x, 0), 1e-320, 0),
            (lambda x: np.fmod(x, np.inf), 1.0, 0),
        ],
    )
    def test_derivatives_add_no_warnings(self, f, x, count):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fc.derivative(f, x, 2, method="exact")
        assert len(caught) == count

    def test_bounds(self):
        with pytest.raises(ValueError, match="x must be inside `bounds`"):
            fc.gradient(valley, FAR, method="exact", bounds=(-1, 1))
        bounds = ([0, 2], [5, 2])
        result = fc.gradient(lambda x: x[0] * x[1], [1.0, 2.0], method="exact", bounds=bounds, full_output=True)
        assert result.value[0] == 2
        assert np.isnan(result.value[1])
        assert [Status(int(code)) for code in result.status] == [Status.EXACT, Status.FIXED_VARIABLE]

    @pytest.mark.parametrize("vectorized", [False, True])
    def test_fixed_variables(self, vectorized):
        f, x = lambda x: x[0] * x[1] * x[2], np.array([1.0, 2.0, 3.0])
        options = {"method": "exact", "bounds": ([0, 2, 0], [5, 2, 5]), "vectorized": vectorized}
        lost = np.isnan(fc.hessian(f, x, **options))
        assert lost.tolist() == [[False, True, False], [True, True, True], [False, True, False]]
        assert np.isnan(fc.jvp(f, x, np.ones(3), **options))
        assert fc.jvp(f, x, np.array([1.0, 0.0, 1.0]), **options) == 8
        assert np.isnan(fc.hvp(f, x, np.ones(3), **options)).all()
        assert np.isnan(fc.hvp(f, x, np.array([1.0, 0, 0]), **options)).tolist() == [False, True, False]
        assert np.isnan(fc.partial(f, x, (1, 1, 0), **options))
        assert fc.partial(f, x, (1, 0, 1), **options) == 2

    def test_errors_of_f_may_be_nan(self):
        def f(x):
            if x > 1:
                raise ArithmeticError("too far")
            return x * x

        result = fc.derivative(f, [0.5, 1.5, 0.25], method="exact", on_error="nan", full_output=True)
        assert np.array_equal(result.value, [1.0, np.nan, 0.5], equal_nan=True)
        assert [Status(int(s)) for s in result.status] == [Status.EXACT, Status.NON_FINITE, Status.EXACT]

        def always(x):
            raise ArithmeticError

        assert np.isnan(fc.gradient(always, X, method="exact", on_error="nan")).all()
        assert np.isnan(fc.jacobian(always, X, method="exact", on_error="nan")).all()

    def test_leaving_is_never_nan(self):
        with pytest.raises(TypeError, match="leaves Taylor arithmetic"):
            fc.gradient(lambda x: math.sin(x[0]), X, method="exact", on_error="nan")

    def test_repr_and_pickle(self):
        import pickle

        g = fc.Gradient(valley, method="exact")
        assert "method='exact'" in repr(g)
        g(FAR)
        close(pickle.loads(pickle.dumps(g))(FAR), valley_gradient(FAR))


class TestReuse:
    def test_operators_are_called_again(self):
        g, h = fc.Gradient(valley, method="exact"), fc.Hessian(valley, method="exact")
        j = fc.Jacobian(field, method="exact")
        for x in (FAR, FAR + 1, FAR[:3], FAR[::2], FAR):
            close(g(x), valley_gradient(np.array(x)))
            close(h(x), valley_hessian(np.array(x)))
        for _ in range(2):
            close(j(X), field_jacobian(X))
        d = fc.Derivative(np.sin, 2, method="exact")
        assert d(0.5) == d(0.5) == pytest.approx(-np.sin(0.5), rel=1e-15)

    def test_results_are_independent(self):
        g = fc.Gradient(lambda x: x[0], method="exact")
        first = g(np.ones(3))
        first[:] = 7
        assert g(np.ones(3)).tolist() == [1, 0, 0]

    def test_f_keeps_and_changes_its_argument(self):
        kept = []

        def f(x):
            if kept:
                kept[-1][...] = 99.0
            kept.append(x)
            y = x[0] * x[1]
            x[0] = 5.0
            x[1] *= 3.0
            return y

        x = np.array([2.0, 3.0])
        g = fc.Gradient(f, method="exact")
        for _ in range(3):
            got = g(x)
            assert got.tolist() == [3, 2]
        assert x.tolist() == [2, 3]

    def test_f_returns_its_argument(self):
        j = fc.Jacobian(lambda x: x, method="exact")
        first = j(np.ones(3))
        assert np.array_equal(first, np.eye(3))
        assert np.array_equal(j(np.ones(3)), np.eye(3))
        first[:] = 3
        assert np.array_equal(j(np.ones(3)), np.eye(3))

    def test_shape_of_the_output_may_change_between_calls(self):
        size = [2]
        j = fc.Jacobian(lambda x: x[: size[0]], method="exact")
        assert j(np.ones(3)).shape == (2, 3)
        size[0] = 1
        assert j(np.ones(3)).shape == (1, 3)

    def test_threads(self):
        g, wrong = fc.Gradient(valley, method="exact"), []

        def work(x):
            for _ in range(50):
                if not np.allclose(g(x), valley_gradient(x), rtol=1e-13):
                    wrong.append(x)

        threads = [threading.Thread(target=work, args=(np.linspace(-1, 1, 5 + k % 2) + k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_exact_inside_adaptive(self):
        slope = lambda t: fc.derivative(np.sin, t, method="exact")  # noqa: E731
        assert fc.derivative(slope, 0.5) == pytest.approx(-np.sin(0.5), rel=1e-11)

    def test_inside_exact(self):
        with pytest.raises(TypeError, match=r"leaves Taylor arithmetic at .*test_exact.py.*fc.gradient\(valley, x\)"):
            fc.gradient(lambda x: fc.gradient(valley, x)[0], FAR, method="exact")


class TestOutputs:
    def test_lists_and_constants(self):
        got = fc.jacobian(lambda x: [x[0] * x[1], 3.0, [x[1]][0]], [2.0, 5.0], method="exact")
        assert got.tolist() == [[5, 2], [0, 0], [0, 1]]
        assert fc.gradient(lambda x: 3, X, method="exact").tolist() == [0, 0, 0]
        assert fc.gradient(lambda x: 3.0, X.astype(np.float32), method="exact").dtype == np.float32
        assert fc.jacobian(lambda x: np.ones((2, 2)), X, method="exact").tolist() == np.zeros((2, 2, 3)).tolist()
        assert fc.jacobian(lambda x: (x[:2], x[1:]), X, method="exact").shape == (2, 2, 3)
        assert fc.derivative(lambda t: 4, [1.0, 2.0], method="exact").tolist() == [0, 0]

    def test_object_arrays(self):
        got = fc.jacobian(lambda x: np.array([[x[0], x[1] * x[1]]]), [2.0, 5.0], method="exact")
        assert got.tolist() == [[[1, 0], [0, 10]]]

    def test_branches_on_scalars(self):
        f = lambda t: t * t if t > 0 else -t  # noqa: E731
        assert fc.derivative(f, [2.0, -2.0], method="exact").tolist() == [4, -1]

    @pytest.mark.parametrize(
        ("f", "message"),
        [
            (lambda x: None, "got None: is a `return` missing"),
            (lambda x: "no", "`f` must return numbers; got str"),
            (lambda x: {}, "`f` must return numbers; got dict"),
            (lambda x: [x[0], [x[1], x[2]]], "got a ragged list"),
        ],
    )
    def test_no_numbers(self, f, message):
        with pytest.raises(TypeError, match=message):
            fc.jacobian(f, X, method="exact")

    def test_gradients_are_of_scalars(self):
        with pytest.raises(ValueError, match="`f` must return a scalar for a gradient"):
            fc.gradient(lambda x: x, X, method="exact")
        assert fc.gradient(lambda x: x[:1], X, method="exact").tolist() == [1, 0, 0]

    def test_polynomials_of_other_spaces(self):
        p = fc.TaylorSpace(2, 3).variables([0.0, 0.0])[0]
        with pytest.raises(ValueError, match="must return polynomials that come from its argument"):
            fc.gradient(lambda x: p, X, method="exact")

    def test_vectorized_shapes(self):
        with pytest.raises(ValueError, match=r"must return shape \(k,\) or \(m, k\)"):
            fc.gradient(lambda x: x[0, 0], np.ones((3, 4)), method="exact", vectorized=True)


class TestLeaving:
    """Errors name the line and the remedy."""

    def check(self, f, what, line, remedy="method='adaptive'"):
        with pytest.raises(TypeError) as caught:
            fc.gradient(f, X, method="exact")
        message = str(caught.value)
        assert message.startswith("`f` leaves Taylor arithmetic at ")
        assert "test_exact.py:" in message
        assert f"`{line}`" in message
        assert what in message
        assert message.endswith(f"or use {remedy}, which needs values of f alone")
        assert message.count("which needs") == 1
        assert caught.value.__cause__ is not None

    def test_float(self):
        def f(x):
            return float(x[0])

        self.check(f, "no float", "return float(x[0])")

    def test_math(self):
        def f(x):
            inner = lambda t: math.sin(t)  # noqa: E731
            return inner(x[0])

        self.check(f, "no float", "inner = lambda t: math.sin(t)  # noqa: E731")

    def test_assignment_to_numbers(self):
        def f(x):
            y = np.zeros(2)
            y[0] = x[0]
            return y[0]

        self.check(f, "np.zeros_like", "y[0] = x[0]")

    def test_assignment_of_many(self):
        def f(x):
            y = np.zeros(3)
            y[:] = x
            return y[0]

        self.check(f, "np.zeros_like", "y[:] = x")

    def test_functions_that_are_missing(self):
        def f(x):
            return np.roots(x)[0]

        self.check(f, "is not available", "return np.roots(x)[0]")

    def test_in_place_into_numbers(self):
        def f(x):
            y = np.zeros(3)
            y += x
            return y[0]

        def g(x):
            y = np.zeros(3)
            y += np.array([x[0], x[1], 0])
            return y[0]

        self.check(f, "y = y + x adds them", "y += x")
        self.check(g, "y = y + x adds them", "y += np.array([x[0], x[1], 0])")

    def test_arrays_of_objects(self):
        def mean(x):
            return np.mean([x[0], x[1]])

        def det(x):
            return np.linalg.det(np.array([[x[0], 1], [2, x[1]]]))

        def finite(x):
            return np.isfinite(np.array([x[0], x[1]])).all() * x[0]

        self.check(mean, "by np.stack", "return np.mean([x[0], x[1]])")
        self.check(det, "np.stack or np.block", "return np.linalg.det(np.array([[x[0], 1], [2, x[1]]]))")
        self.check(finite, "np.stack or np.block", "return np.isfinite(np.array([x[0], x[1]])).all() * x[0]")
        assert fc.gradient(lambda x: np.linalg.det(np.block([[x[0], 1], [2, x[1]]])), X, method="exact")[1] == X[0]

    def test_functions_of_scipy_in_python(self):
        from scipy.special import logsumexp

        def f(x):
            return logsumexp(x)

        self.check(f, "np.stack", "return logsumexp(x)")

    def test_compiled_sources(self):
        def f(x):
            return np.random.default_rng(0).normal(x[0])

        self.check(f, "can't hold polynomials", "return np.random.default_rng(0).normal(x[0])")

    def test_long_lines_are_cut(self):
        def f(x):
            return math.sin(x[0]) + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18

        self.check(
            f,
            "no float",
            "return math.sin(x[0]) + 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 1 ...",
        )

    def test_conversion(self):
        def f(x):
            return np.asarray(x, dtype=float).sum()

        self.check(f, "np.zeros_like", "return np.asarray(x, dtype=float).sum()")

    def test_compiled_code(self):
        import scipy.linalg.blas

        def f(x):
            return scipy.linalg.blas.ddot(x, x)

        with pytest.raises(TypeError, match=r"leaves Taylor arithmetic at .*blas.ddot\(x, x\)"):
            fc.gradient(f, X, method="exact")

    def test_standard_library(self):
        def f(x):
            return statistics.fmean([x[0], x[1]])

        self.check(f, "no float", "return statistics.fmean([x[0], x[1]])")

    def test_integers(self):
        def f(x):
            return x.astype(int)[0]

        self.check(f, "can't become int64", "return x.astype(int)[0]")

    def test_truth_of_many(self):
        def f(x):
            return x[0] if x else x[1]

        self.check(f, "the truth value of 3 polynomials is ambiguous", "return x[0] if x else x[1]")

    def test_attributes(self):
        def f(x):
            return x.magnitude

        self.check(f, "no attribute 'magnitude'", "return x.magnitude")

    @pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, RuntimeError])
    def test_errors_of_f_are_its_own(self, kind):
        mine = kind("mine")

        def f(x):
            raise mine

        with pytest.raises(kind) as caught:
            fc.gradient(f, X, method="exact")
        assert caught.value is mine

    def test_operators_work_after_an_error(self):
        fail = [True]

        def f(x):
            return math.sin(x[0]) if fail[0] else x[0] * 2

        g = fc.Gradient(f, method="exact")
        with pytest.raises(TypeError):
            g(X)
        fail[0] = False
        assert g(X).tolist() == [2, 0, 0]

    def test_shapes_that_do_not_fit_are_errors_of_f(self):
        with pytest.raises(ValueError, match="broadcast"):
            fc.gradient(lambda x: x * np.ones(2), X, method="exact")
