"""Operators in the places where SciPy asks for derivatives, as they are."""

import numpy as np
import pytest

import fastcalc as fc
from tests.reference import Recorder

optimize = pytest.importorskip("scipy.optimize")
integrate = pytest.importorskip("scipy.integrate")
linalg = pytest.importorskip("scipy.sparse.linalg")


def rosenbrock(x, a=1.0, b=100.0):
    return float(np.sum(b * (x[1:] - x[:-1] ** 2) ** 2 + (a - x[:-1]) ** 2))


START = np.array([-1.2, 1.0, 0.5])


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "TNC", "SLSQP"])
def test_minimize_with_a_gradient(method):
    options = {"maxfun": 2000} if method == "TNC" else {}
    found = optimize.minimize(rosenbrock, START, jac=fc.Gradient(rosenbrock), method=method, options=options)
    # the tolerances of these methods, 1e-5 of the gradient with a Hessian whose smallest eigenvalue is about 0.5
    np.testing.assert_allclose(found.x, 1, atol=1e-3)


@pytest.mark.parametrize("method", ["Newton-CG", "dogleg", "trust-exact", "trust-ncg", "trust-krylov"])
def test_minimize_with_gradient_and_hessian(method):
    start = START if method != "dogleg" else np.array([1.1, 1.2, 1.4])  # needs a convex start
    found = optimize.minimize(
        rosenbrock, start, jac=fc.Gradient(rosenbrock), hess=fc.Hessian(rosenbrock), method=method
    )
    assert found.success
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


def test_minimize_with_other_arguments():
    # SciPy calls jac(x, *args)
    found = optimize.minimize(
        rosenbrock,
        START[:2],
        args=(2.0, 10.0),
        jac=fc.Gradient(rosenbrock),
        hess=fc.Hessian(rosenbrock),
        method="trust-exact",
    )
    np.testing.assert_allclose(found.x, [2, 4], rtol=1e-4)


def test_minimize_with_value_and_gradient_in_one():
    found = optimize.minimize(lambda x: fc.value_and_gradient(rosenbrock, x), START, jac=True, method="BFGS")
    np.testing.assert_allclose(found.x, 1, atol=1e-3)


def test_minimize_with_hessian_products():
    found = optimize.minimize(
        rosenbrock, START, jac=fc.Gradient(rosenbrock), hessp=lambda x, v: fc.hvp(rosenbrock, x, v), method="Newton-CG"
    )
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


def test_minimize_inside_bounds():
    bounds = optimize.Bounds([-2, -2, -2], [0.8, 0.5, 2])

    def f(x):
        assert (x >= bounds.lb).all()
        assert (x <= bounds.ub).all()
        return rosenbrock(x)

    start = np.array([-1.2, 0.5, 0.5])  # one of them at its bound
    found = optimize.minimize(f, start, jac=fc.Gradient(f, bounds=bounds), bounds=bounds, method="L-BFGS-B")
    exact = optimize.minimize(rosenbrock, start, jac=optimize.rosen_der, bounds=bounds, method="L-BFGS-B")
    np.testing.assert_allclose(found.x, exact.x, atol=1e-4)
    assert found.success


def test_constrained_minimize_with_jacobians_of_the_constraint():
    def circle(x):
        return np.array([x @ x])

    constraint = optimize.NonlinearConstraint(circle, 1, 1, jac=fc.Jacobian(circle))
    found = optimize.minimize(
        rosenbrock, [0.5, 0.5], jac=fc.Gradient(rosenbrock), hess=fc.Hessian(rosenbrock), constraints=[constraint],
        method="trust-constr",
    )  # fmt: skip
    assert found.x @ found.x == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(found.x, [0.78641515, 0.61769831], atol=1e-4)  # the literature's disk optimum


def residuals(p, t, y):
    return p[0] * np.exp(-p[1] * t) + p[2] - y


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares(method):
    t = np.linspace(0, 4, 30)
    y = residuals(np.array([2.0, 1.3, 0.5]), t, 0)
    found = optimize.least_squares(residuals, [1.0, 1.0, 0.0], jac=fc.Jacobian(residuals), args=(t, y), method=method)
    assert found.success
    # residuals vanish: quadratic convergence to rounding
    np.testing.assert_allclose(found.x, [2, 1.3, 0.5], rtol=1e-6)


def test_least_squares_with_a_linear_operator():
    t = np.linspace(0, 4, 30)
    y = residuals(np.array([2.0, 1.3, 0.5]), t, 0)
    jacobian = fc.Jacobian(residuals)
    found = optimize.least_squares(
        residuals, [1.0, 1.0, 0.0], jac=jacobian.as_linear_operator, args=(t, y), method="trf", tr_solver="lsmr"
    )
    np.testing.assert_allclose(found.x, [2, 1.3, 0.5], rtol=1e-5)


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root(method):
    def f(x, c):
        return [x[0] * np.cos(x[1]) - c, x[1] * x[0] - x[1] - 5]

    found = optimize.root(f, [1.0, 1.0], args=(4.0,), jac=fc.Jacobian(f), method=method)
    assert found.success
    np.testing.assert_allclose(f(found.x, 4.0), 0, atol=1e-7)


def test_scalar_roots():
    def f(x):
        return x**3 - 2

    derivative, second = fc.Derivative(f), fc.Derivative(f, 2)
    assert optimize.newton(f, 1.0, fprime=derivative) == pytest.approx(2 ** (1 / 3), rel=1e-12)
    assert optimize.newton(f, 1.0, fprime=derivative, fprime2=second) == pytest.approx(2 ** (1 / 3), rel=1e-12)
    found = optimize.root_scalar(f, x0=1.0, fprime=derivative, method="newton")
    assert found.root == pytest.approx(2 ** (1 / 3), rel=1e-12)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_solve_ivp(method):
    def robertson(t, y):
        a, b = 0.04 * y[0], 1e4 * y[1] * y[2]
        c = 3e7 * y[1] ** 2
        return np.array([-a + b, a - b - c, c])

    f = Recorder(robertson)
    jacobian = fc.Jacobian(lambda t, y: f(t, y), argnum=1)
    found = integrate.solve_ivp(robertson, (0, 40), [1.0, 0, 0], method=method, jac=jacobian, rtol=1e-6, atol=1e-10)
    assert found.success
    assert f.calls > 0
    # the usual reference solution at t = 40
    np.testing.assert_allclose(found.y[:, -1], [0.7158271, 9.185535e-6, 0.2841637], rtol=1e-4)


def test_solve_ivp_with_other_arguments():
    def f(t, y, k):
        return np.array([y[1], -k * y[0]])

    found = integrate.solve_ivp(
        f, (0, 1), [1.0, 0.0], method="Radau", jac=fc.Jacobian(f, argnum=1), args=(4.0,), rtol=1e-8
    )
    assert found.success
    np.testing.assert_allclose(found.y[:, -1], [np.cos(2), -2 * np.sin(2)], rtol=1e-5)


# --- the Jacobian as a linear operator --------------------------------------------------------------------------------


def field(x):
    return np.array([x[0] * x[1], np.sin(x[2]), x[0] ** 2, x[1] * x[2]])


X = np.array([0.5, 2.0, -1.0])


def test_linear_operator_is_the_jacobian():
    a = fc.Jacobian(field).as_linear_operator(X)
    j = fc.jacobian(field, X)
    assert a.shape == (4, 3)
    assert a.dtype == np.float64
    rng = np.random.default_rng(16)
    v, w = rng.normal(size=3), rng.normal(size=4)
    # values up to 4 over steps of eps**(1/3) / 2
    np.testing.assert_allclose(a @ v, j @ v, atol=1e-9)
    np.testing.assert_allclose(a.rmatvec(w), w @ j, atol=1e-9)
    np.testing.assert_allclose(a.T @ w, j.T @ w, atol=1e-9)
    np.testing.assert_allclose(a @ np.eye(3), j, atol=1e-9)
    assert abs(w @ (a @ v) - v @ (a.rmatvec(w))) < 1e-9


def test_linear_operator_of_matrices_with_arguments():
    def f(a, x):
        return a * (x @ x.T)

    x = np.arange(1.0, 7).reshape(2, 3)
    j = fc.jacobian(lambda x: 2 * (x @ x.T), x).reshape(4, 6)
    for operator, arguments in (
        (fc.Jacobian(f, argnum=1), (2.0, x)),
        (fc.Jacobian(f, argnum=1, args=(2.0,)), (x,)),
        (fc.Jacobian(lambda x, a: f(a, x), kwargs={"a": 2.0}), (x,)),
    ):
        a = operator.as_linear_operator(*arguments)
        assert a.shape == (4, 6)
        np.testing.assert_allclose(a @ np.eye(6), j, atol=1e-7)


def test_linear_operator_keeps_its_point():
    x = X.copy()
    a = fc.Jacobian(field).as_linear_operator(x)
    before = a @ np.ones(3)
    x[:] = 7
    np.testing.assert_array_equal(a @ np.ones(3), before)


def test_linear_operator_solves():
    def f(x):
        return np.array([x[0] + x[1] ** 2, x[1] - 0.5 * x[2], x[2] * 3 + x[0]])

    a = fc.Jacobian(f, accuracy=4).as_linear_operator(X)
    b = np.array([1.0, 2.0, 3.0])
    solution, info = linalg.gmres(a, b, rtol=1e-10, atol=0)
    assert info == 0
    np.testing.assert_allclose(fc.jacobian(f, X) @ solution, b, rtol=1e-7)


def test_linear_operator_calls():
    f = Recorder(field)
    a = fc.Jacobian(f).as_linear_operator(X)
    assert f.calls == 1
    a @ np.ones(3)
    assert f.calls == 3
    a.rmatvec(np.ones(4))
    assert f.calls == 3 + 6


class TestReactionDiffusion:
    """Operators with sparse results in SciPy's solvers: 2,000 unknowns in one dimension."""

    N = 2000
    H = 1 / (N + 1)
    GRID = np.linspace(0, 1, N + 2)[1:-1]
    DIFFUSION = 1e-5

    @pytest.fixture
    def tridiagonal(self):
        sparse = pytest.importorskip("scipy.sparse")
        return sparse.diags_array([np.ones(self.N)] * 3, offsets=(-1, 0, 1), shape=(self.N, self.N))

    def laplacian(self, u):
        padded = np.concatenate([0 * u[:1], u, 0 * u[-1:]])
        return (padded[2:] - 2 * u + padded[:-2]) / self.H**2

    def residual(self, u):
        return u + u**3 - self.DIFFUSION * self.laplacian(u) - np.sin(np.pi * self.GRID)

    def energy(self, u):
        padded = np.concatenate([[0], u, [0]])
        gradient = np.diff(padded) / self.H
        wells = u**2 / 2 + u**4 / 4 - u * np.sin(np.pi * self.GRID)
        return self.DIFFUSION * (gradient @ gradient) / 2 + wells.sum()

    @pytest.mark.parametrize("sparsity", ["given", "detect"])
    def test_least_squares(self, sparsity, tridiagonal):
        J = fc.Jacobian(self.residual, sparsity=tridiagonal if sparsity == "given" else "detect")
        found = optimize.least_squares(self.residual, np.zeros(self.N), jac=J, xtol=1e-12, ftol=1e-12, gtol=1e-10)
        assert found.success
        assert found.njev < 12
        np.testing.assert_allclose(self.residual(found.x), 0, atol=1e-6)
        assert found.jac.nnz == 3 * self.N - 2

    def test_stiff_equation(self, tridiagonal):
        def rhs(t, u):
            return 1e-2 * self.laplacian(u) + u * (1 - u) * np.exp(-t)

        u0 = np.exp(-100 * (self.GRID - 0.5) ** 2)
        J = fc.Jacobian(rhs, argnum=1, sparsity=tridiagonal)
        own = integrate.solve_ivp(rhs, (0, 1), u0, method="BDF", jac=J, rtol=1e-6, atol=1e-9)
        theirs = integrate.solve_ivp(rhs, (0, 1), u0, method="BDF", jac_sparsity=tridiagonal, rtol=1e-6, atol=1e-9)
        assert own.success
        assert own.nfev <= 1.2 * theirs.nfev
        np.testing.assert_allclose(own.y[:, -1], theirs.y[:, -1], atol=1e-6)

    def test_minimize_with_a_sparse_hessian(self, tridiagonal):
        H = fc.Hessian(self.energy, gradient=self.residual, sparsity=tridiagonal)
        found = optimize.minimize(
            self.energy, np.zeros(self.N), method="trust-constr", jac=self.residual, hess=H, options={"gtol": 1e-8}
        )
        assert found.success
        assert found.nit < 40
        np.testing.assert_allclose(self.residual(found.x), 0, atol=1e-7)
