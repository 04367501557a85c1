"""Products and sums of derivatives: J v, w J, H v, Laplacian, divergence, curl, without the full matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests.cases import EPS, MAPS, SURFACES
from tests.reference import Recorder

STENCILS = [("central", 2), ("central", 4), ("forward", 1), ("forward", 2), ("backward", 3)]
SMOOTH = [s for s in SURFACES if s.name != "badly scaled"]


def directions(n):
    rng = np.random.default_rng(11)
    yield from np.eye(n)
    yield np.ones(n)
    yield rng.normal(size=n)
    yield rng.normal(size=n) * 1e-8
    yield rng.normal(size=n) * 1e8


def spread(x, v):
    """How much larger the error along v is than that of a single component: the step along v is that of the variable
    which moves fastest against its size, and the rounding error is over this step."""
    size = np.where(x == 0, 1, np.abs(x))
    return np.max(np.abs(v) / size) * np.max(size)


@pytest.mark.parametrize("case", MAPS, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_jvp_closed_forms(case, method, accuracy):
    jacobian = case.jacobian(case.x)
    for v in directions(len(case.x)):
        value = fc.jvp(case.f, case.x, v, method=method, accuracy=accuracy)
        assert value.shape == case.f(case.x).shape
        # a derivative along v of order p + 1 has n**(p + 1) terms at most
        allowed = 10 * case.tolerance(accuracy) * max(1, len(case.x)) ** 2 * spread(case.x, v)
        assert (np.abs(value - jacobian @ v) <= allowed).all()


@pytest.mark.parametrize("surface", SMOOTH, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_jvp_of_scalar_functions(surface, method, accuracy):
    for v in directions(len(surface.x)):
        value = fc.jvp(surface.f, surface.x, v, method=method, accuracy=accuracy)
        assert np.shape(value) == ()
        allowed = 10 * len(surface.x) ** 2 * surface.tolerance(1, accuracy) * spread(surface.x, v)
        assert abs(value - surface.gradient(surface.x) @ v) <= allowed


@pytest.mark.parametrize("case", [c for c in MAPS if c.name != "complex-valued"], ids=str)
def test_products_by_complex_step_are_exact_to_rounding(case):
    jacobian = case.jacobian(case.x)
    largest = np.abs(jacobian).max(initial=0)
    for v in directions(len(case.x)):
        value = fc.jvp(case.f, case.x, v, method="complex")
        np.testing.assert_allclose(value, jacobian @ v, rtol=0, atol=30 * EPS * largest * np.abs(v).sum())
    w = np.random.default_rng(12).normal(size=case.f(case.x).shape)
    value = fc.vjp(case.f, case.x, w, method="complex")
    np.testing.assert_allclose(
        value, np.tensordot(w, jacobian, w.ndim), rtol=0, atol=30 * EPS * largest * np.abs(w).sum()
    )


@pytest.mark.parametrize("case", MAPS, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_vjp_is_w_times_the_jacobian(case, method, accuracy, vectorized):
    if vectorized and not case.vectorized:
        pytest.skip("returns matrices")
    options = {"method": method, "accuracy": accuracy, "vectorized": vectorized}
    jacobian = fc.jacobian(case.f, case.x, **options)
    rng = np.random.default_rng(13)
    for w in (np.ones(case.f(case.x).shape), rng.normal(size=case.f(case.x).shape)):
        value = fc.vjp(case.f, case.x, w, **options)
        assert value.shape == case.x.shape
        np.testing.assert_allclose(
            value,
            np.tensordot(w, jacobian, w.ndim),
            rtol=0,
            atol=8 * EPS * np.abs(w).sum() * np.abs(jacobian).max(initial=0),
        )


@pytest.mark.parametrize("surface", SMOOTH, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_hvp_closed_forms(surface, method, accuracy, vectorized):
    hessian = surface.hessian(surface.x)
    for v in directions(len(surface.x)):
        value = fc.hvp(surface.f, surface.x, v, method=method, accuracy=accuracy, vectorized=vectorized)
        assert value.shape == surface.x.shape
        allowed = 100 * surface.tolerance(2, accuracy) * spread(surface.x, v) * len(surface.x)
        if "log" in surface.name:
            allowed *= 100  # the sizes differ by 300: the step along v serves both
        assert (np.abs(value - hessian @ v) <= allowed).all()


@pytest.mark.parametrize("surface", SMOOTH, ids=str)
def test_hvp_from_a_gradient(surface):
    hessian = surface.hessian(surface.x)
    for v in directions(len(surface.x)):
        gradient = Recorder(surface.gradient)
        value = fc.hvp(surface.f, surface.x, v, gradient=gradient)
        assert gradient.calls == 2
        # the gradient itself has sizes of roughness; each component moves by at most its own step
        allowed = 20 * surface.tolerance(2, 2) * EPS ** (2 / 3 - 1 / 2) * spread(surface.x, v) * len(surface.x)
        assert (np.abs(value - hessian @ v) <= allowed).all()


@pytest.mark.parametrize(
    ("options", "jvp", "hvp", "laplacian"),
    [
        ({}, 2, None, 2 * 4 + 1),
        ({"accuracy": 4}, 4, None, 4 * 4 + 1),
        ({"method": "forward", "accuracy": 1}, 2, None, 2 * 4 + 1),
        ({"method": "forward"}, 3, None, 3 * 4 + 1),
        ({"method": "complex"}, 1, None, None),
    ],
)
def test_number_of_calls(options, jvp, hvp, laplacian):
    x = np.linspace(0.5, 2, 4)
    v = np.array([1.0, 2.0, -1.0, 0.5])
    f = Recorder(lambda x: np.exp(x).sum())
    result = fc.jvp(f, x, v, full_output=True, **options)
    assert f.calls == result.evaluations == jvp
    g = Recorder(lambda x: x * x)
    result = fc.vjp(g, x, v, full_output=True, **options)
    gradient = fc.gradient(f, x, full_output=True, **options)
    assert g.calls == result.evaluations == gradient.evaluations
    g.points.clear()
    result = fc.divergence(g, x, full_output=True, **options)
    assert g.calls == result.evaluations == gradient.evaluations
    if laplacian is not None:
        f.points.clear()
        result = fc.laplacian(f, x, full_output=True, **options)
        assert f.calls == result.evaluations == laplacian
        f.points.clear()
        result = fc.hvp(f, x, v, full_output=True, **options)
        hessian = fc.hessian(f, x, full_output=True, **options)
        assert result.evaluations < hessian.evaluations or len(x) < 4


@pytest.mark.parametrize("surface", SMOOTH, ids=str)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_laplacian_closed_forms(surface, method, accuracy, vectorized):
    value = fc.laplacian(surface.f, surface.x, method=method, accuracy=accuracy, vectorized=vectorized)
    assert np.shape(value) == ()
    allowed = len(surface.x) * (4 if method == "central" else 100) * surface.tolerance(2, accuracy)
    assert abs(value - np.trace(surface.hessian(surface.x))) <= allowed


def test_laplacian_is_the_trace_of_the_hessian():
    for surface in SURFACES:
        trace = np.trace(fc.hessian(surface.f, surface.x))
        # the same second derivatives in a sum
        largest = np.abs(np.diagonal(fc.hessian(surface.f, surface.x))).max()
        np.testing.assert_allclose(fc.laplacian(surface.f, surface.x), trace, rtol=0, atol=8 * EPS * largest)


def test_laplacian_of_harmonic_functions_and_of_several():
    x = np.array([0.5, -1.5])
    value = fc.laplacian(lambda x: np.array([[np.exp(x[0]) * np.sin(x[1]), x[0] ** 2 - x[1] ** 2, x[0] ** 2]]), x)
    assert value.shape == (1, 3)
    np.testing.assert_allclose(value, [[0, 0, 2]], atol=1e-6)


def field(x):
    return np.stack([x[0] * x[1], np.sin(x[1]) * x[2], np.exp(x[0]) + x[2] ** 2])


def field_jacobian(x):
    return np.array([[x[1], x[0], 0], [0, np.cos(x[1]) * x[2], np.sin(x[1])], [np.exp(x[0]), 0, 2 * x[2]]])


@pytest.mark.parametrize(("method", "accuracy"), [*STENCILS, ("complex", 2)])
@pytest.mark.parametrize("vectorized", [False, True])
def test_divergence_and_curl(method, accuracy, vectorized):
    x = np.array([0.5, 1.2, -2.0])
    j = field_jacobian(x)
    options = {"method": method, "accuracy": accuracy, "vectorized": vectorized}
    # values up to 6, derivatives times abs(x)**k over abs(x) up to 30
    allowed = 300 * EPS ** (accuracy / (1 + accuracy)) if method != "complex" else 8 * EPS
    assert abs(fc.divergence(field, x, **options) - np.trace(j)) <= allowed
    curl = fc.curl(field, x, **options)
    assert curl.shape == (3,)
    np.testing.assert_allclose(curl, [j[2, 1] - j[1, 2], j[0, 2] - j[2, 0], j[1, 0] - j[0, 1]], rtol=0, atol=allowed)


@pytest.mark.parametrize("vectorized", [False, True])
def test_curl_in_the_plane_is_a_scalar(vectorized):
    x = np.array([0.5, 2.0])
    value = fc.curl(lambda x: np.stack([x[0] * x[1] ** 2, np.sin(x[0]) * x[1]]), x, vectorized=vectorized)
    assert np.shape(value) == ()
    assert value == pytest.approx(np.cos(0.5) * 2 - 2 * 0.5 * 2, rel=1e-9)


def test_divergence_of_a_curl_and_curl_of_a_gradient_vanish():
    x = np.array([0.5, 1.2, -2.0])
    # eps**(1/3) of an inner derivative over a step: 1e-10 / 1e-3
    assert abs(fc.divergence(lambda x: fc.curl(field, x, accuracy=4), x, accuracy=4)) < 1e-7
    curl = fc.curl(lambda x: fc.gradient(lambda x: np.sin(x[0]) * x[1] * x[2] ** 2, x, accuracy=4), x, accuracy=4)
    np.testing.assert_allclose(curl, 0, atol=1e-7)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_divergence_in_any_dimension(n):
    x = np.linspace(0.5, 2, n)
    np.testing.assert_allclose(fc.divergence(lambda x: x**3, x), (3 * x**2).sum(), rtol=1e-8)


def test_chunks_of_a_large_divergence_and_vjp():
    n = 3000  # 9e6 entries: more than one chunk of the Jacobian
    x = np.random.default_rng(14).integers(-4, 5, n).astype(float)
    w = np.random.default_rng(15).integers(-4, 5, n).astype(float)
    f = Recorder(lambda x: x * x)
    assert fc.divergence(f, x, step=0.25, vectorized=True) == 2 * x.sum()
    np.testing.assert_array_equal(fc.vjp(f, x, w, step=0.25, vectorized=True), 2 * x * w)
    np.testing.assert_array_equal(fc.vjp(lambda x: x * x, x[:2500], w[:2500], step=0.25), (2 * x * w)[:2500])


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 4))
def test_exact_for_affine_and_quadratic_functions(seed, n, m):
    rng = np.random.default_rng(seed)
    a, x = rng.integers(-9, 10, (m, n)).astype(float), rng.integers(-9, 10, n).astype(float)
    v, w = rng.integers(-4, 5, n).astype(float), rng.integers(-4, 5, m).astype(float)
    np.testing.assert_array_equal(fc.vjp(lambda x: a @ x, x, w, step=2.0**-6), w @ a)
    # a step along v is not a power of 2: an ulp of sums of up to 4 * 9 * 9 * n over the step
    np.testing.assert_allclose(fc.jvp(lambda x: a @ x, x, v, step=2.0**-6), a @ v, rtol=0, atol=1e-9)
    q = rng.integers(-9, 10, (n, n)).astype(float)
    assert fc.laplacian(lambda x: x @ q @ x, x, step=2.0**-6) == 2 * np.trace(q)
    np.testing.assert_allclose(fc.hvp(lambda x: x @ q @ x, x, v, step=2.0**-3), (q + q.T) @ v, rtol=0, atol=1e-7)


@given(st.integers(0, 2**32 - 1))
def test_linear_in_the_vector(seed):
    rng = np.random.default_rng(seed)
    x, u, v = rng.uniform(0.5, 2, (3, 3))
    for product in (fc.jvp, fc.vjp):
        together = product(field, x, 2 * u - v, accuracy=4)
        np.testing.assert_allclose(
            together, 2 * product(field, x, u, accuracy=4) - product(field, x, v, accuracy=4), atol=1e-9
        )
    f = SURFACES[0].f
    np.testing.assert_allclose(fc.hvp(f, x, 2 * u - v), 2 * fc.hvp(f, x, u) - fc.hvp(f, x, v), atol=1e-5)


def test_a_zero_vector_gives_zero():
    x = np.array([0.5, 1.2, -2.0])
    np.testing.assert_array_equal(fc.jvp(field, x, np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(fc.vjp(field, x, np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(fc.hvp(SURFACES[0].f, x, np.zeros(3)), np.zeros(3))


def test_directions_with_badly_scaled_variables():
    # v moves 1e-9 and 1e9 together: neither may get the other's step
    x = np.array([1e-9, 1e9])
    s = np.array([1e9, 1e-9])

    def f(x):
        return np.exp((s * x).sum())

    exact = np.exp(2.0)
    for v in (
        np.array([1e-9, 1e9]),
        np.array([1.0, 1.0]),
        np.array([1e9, 1e-9]),
        np.array([1.0, 0.0]),
        np.array([0.0, 1.0]),
    ):
        np.testing.assert_allclose(fc.jvp(f, x, v), exact * (s @ v), rtol=1e-8)
        np.testing.assert_allclose(fc.hvp(f, x, v), exact * s * (s @ v), rtol=1e-5)


def test_every_variable_moves_by_a_step_of_its_own_size():
    # two outputs, one per variable: with one step for both, the variable that v moves less is lost in its rounding
    x = np.array([1e-9, 1e9])
    for v in (np.array([1.0, 1.0]), np.array([1e-12, 1e9]), np.array([1e6, -1e-3])):
        value = fc.jvp(lambda x: np.stack([1e9 * x[0], 1e-9 * x[1]]), x, v)
        # the slower one of a group moves a million times less than its own step at the worst, here a thousand
        np.testing.assert_allclose(value, [1e9 * v[0], 1e-9 * v[1]], rtol=1e-7)
        value = fc.hvp(lambda x: (1e9 * x[0]) ** 2 + (1e-9 * x[1]) ** 2, x, v)
        # values of 2 over sizes of 1e-9 and 1e9, and the steps of the variable itself
        size = np.abs(x)
        np.testing.assert_allclose(value * size, 2 * v / size, atol=1e-6 * np.abs(v / size).max())


def test_products_with_constants_are_exactly_zero():
    x = np.array([0.1, 1 / 3, 1e9])
    v = np.array([0.3, -1.0, 7.0])
    for value in (
        fc.jvp(lambda x: np.full(2, 0.1), x, v),
        fc.vjp(lambda x: np.full(2, 0.1), x, v[:2]),
        fc.hvp(lambda x: 0.1, x, v),
        fc.laplacian(lambda x: 0.1, x),
        fc.divergence(lambda x: np.full(3, 0.1), x),
        fc.curl(lambda x: np.full(3, 0.1), x),
        fc.partial(lambda x: 0.1, x, (1, 1, 0)),
    ):
        np.testing.assert_array_equal(value, np.zeros_like(value))


def test_shapes_of_matrices_and_points():
    x = np.arange(1.0, 7).reshape(2, 3)
    v = np.ones((2, 3))
    assert fc.jvp(lambda x: x @ x.T, x, v).shape == (2, 2)
    np.testing.assert_allclose(fc.jvp(lambda x: x @ x.T, x, v), v @ x.T + x @ v.T, rtol=1e-8)
    assert fc.vjp(lambda x: x @ x.T, x, np.eye(2)).shape == (2, 3)
    np.testing.assert_allclose(fc.vjp(lambda x: x @ x.T, x, np.eye(2)), 2 * x, rtol=1e-8)
    np.testing.assert_allclose(fc.hvp(lambda x: (x**3).sum(), x, v), 6 * x, rtol=1e-6)
    np.testing.assert_allclose(fc.laplacian(lambda x: (x**3).sum(), x), (6 * x).sum(), rtol=1e-6)
    assert fc.jvp(lambda x: x * x, 3.0, 2.0) == pytest.approx(12, rel=1e-9)
    assert fc.vjp(lambda x: x * x, 3.0, 2.0) == pytest.approx(12, rel=1e-9)
    assert fc.hvp(lambda x: x * x, 3.0, 2.0) == pytest.approx(4, rel=1e-6)
    assert fc.laplacian(lambda x: x * x, 3.0) == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_no_variables(shape):
    x = np.zeros(shape)
    for value, expected in (
        (fc.jvp(lambda x: np.ones(2), x, x), (2,)),
        (fc.vjp(lambda x: np.ones(2), x, np.ones(2)), shape),
        (fc.hvp(np.sum, x, x), shape),
        (fc.hvp(np.sum, x, x, gradient=lambda x: x), shape),
        (fc.laplacian(np.sum, x), ()),
        (fc.divergence(lambda x: x, x), ()),
        (fc.partial(np.sum, x, x.astype(int)), ()),
    ):
        assert np.shape(value) == expected
        np.testing.assert_array_equal(value, 0)


@pytest.mark.parametrize("bounds", [None, (-1, 1)])
def test_no_points(bounds):
    x, o = np.zeros((3, 0)), {"vectorized": True, "full_output": True, "bounds": bounds}
    for result, expected in (
        (fc.jvp(lambda x: x[:2], x, np.ones(3), **o), (2, 0)),
        (fc.vjp(lambda x: x[:2], x, np.ones(2), **o), (3, 0)),
        (fc.hvp(lambda x: x.sum(axis=0), x, np.ones(3), **o), (3, 0)),
        (fc.laplacian(lambda x: x.sum(axis=0), x, **o), (0,)),
        (fc.divergence(lambda x: x, x, **o), (0,)),
        (fc.curl(lambda x: x, x, **o), (3, 0)),
        (fc.partial(lambda x: x.sum(axis=0), x, (1, 1, 0), **o), (0,)),
    ):
        assert result.value.shape == result.status.shape == result.error.shape == expected
        assert "nothing to differentiate" in result.message


def test_options_reach_the_products():
    x, v = np.array([0.5, 1.2, -2.0]), np.array([1.0, -1.0, 2.0])

    def f(t, x, a):
        return t * a * field(x)

    options = {"args": (2.0, 3.0), "argnum": 1}
    np.testing.assert_array_equal(fc.jvp(f, x, v, **options), fc.jvp(lambda x: 6 * field(x), x, v))
    np.testing.assert_array_equal(fc.vjp(f, x, v, **options), fc.vjp(lambda x: 6 * field(x), x, v))
    np.testing.assert_array_equal(fc.divergence(f, x, **options), fc.divergence(lambda x: 6 * field(x), x))
    np.testing.assert_array_equal(fc.curl(f, x, **options), fc.curl(lambda x: 6 * field(x), x))
    for product, size in ((fc.jvp, 3), (fc.vjp, 3)):
        out = np.empty(size)
        assert product(field, x, v, out=out) is out
        np.testing.assert_array_equal(out, product(field, x, v))


@pytest.mark.parametrize("accuracy", [4, 6])
def test_errors_cover_the_truth(accuracy):
    x = np.array([0.5, 1.2, -2.0])
    v = np.array([1.0, -1.0, 2.0])
    j = field_jacobian(x)
    surface = SURFACES[4]
    exact = {
        "jvp": (fc.jvp(field, x, v, accuracy=accuracy, full_output=True), j @ v),
        "vjp": (fc.vjp(field, x, v, accuracy=accuracy, full_output=True), v @ j),
        "divergence": (fc.divergence(field, x, accuracy=accuracy, full_output=True), np.trace(j)),
        "curl": (
            fc.curl(field, x, accuracy=accuracy, full_output=True),
            [j[2, 1] - j[1, 2], j[0, 2] - j[2, 0], j[1, 0] - j[0, 1]],
        ),
        "hvp": (
            fc.hvp(surface.f, surface.x, v, accuracy=accuracy, full_output=True), surface.hessian(surface.x) @ v
        ),
        "laplacian": (
            fc.laplacian(surface.f, surface.x, accuracy=accuracy, full_output=True),
            np.trace(surface.hessian(surface.x)),
        ),
    }  # fmt: skip
    for name, (result, truth) in exact.items():
        assert (np.abs(result.value - truth) <= result.error).all(), name
        assert (result.error < 1e-3).all(), name


def test_at_accuracy_2_the_error_is_unknown():
    x, v = np.array([0.5, 1.2, -2.0]), np.ones(3)
    for result in (
        fc.jvp(field, x, v, full_output=True),
        fc.vjp(field, x, v, full_output=True),
        fc.divergence(field, x, full_output=True),
        fc.curl(field, x, full_output=True),
        fc.laplacian(SURFACES[0].f, x, full_output=True),
        fc.hvp(SURFACES[0].f, x, v, full_output=True),
        fc.partial(SURFACES[0].f, x, (1, 1, 0), full_output=True),
    ):
        assert np.isnan(result.error).all()
        assert np.all(result.success)
        assert np.shape(result.value) == np.shape(result.error) == np.shape(result.status)


def test_non_finite_values():
    x, v = np.array([0.5, 1.2, -2.0]), np.array([1.0, 0.0, 0.0])

    def f(x):
        return np.stack([x[0] * np.nan, x[1], np.inf + x[2]])

    result = fc.jvp(f, x, v, full_output=True)
    np.testing.assert_array_equal(np.isnan(result.value), [True, False, True])
    np.testing.assert_array_equal(result.status == fc.Status.NON_FINITE, [True, False, True])
    assert np.isnan(fc.divergence(f, x))
    assert fc.divergence(f, x, full_output=True).status == fc.Status.NON_FINITE
    # variables that v does not move need not be finite
    bad = np.array([0.5, np.nan, -2.0])
    assert fc.jvp(lambda x: x[0] ** 2, bad, v) == pytest.approx(1, rel=1e-9)
