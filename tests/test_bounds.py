"""bounds: f is never called outside, components at a bound or between narrow ones are still right, or say why not."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import fastcalc as fc
from tests.cases import EPS, smooth, smooth_gradient, smooth_hessian
from tests.reference import Recorder

INF = np.inf


def field(x):
    return np.stack([np.sin(x[0]) * x[1], x[1] * x[2], x[0] + x[2] ** 2])


V = np.array([1.0, -2.0, 0.5])

OPERATORS = {
    "gradient": lambda f, x, **o: fc.gradient(f, x, **o),
    "value_and_gradient": lambda f, x, **o: fc.value_and_gradient(f, x, **o),
    "jacobian": lambda f, x, **o: fc.jacobian(lambda x: np.stack([f(x), 2 * f(x)]), x, **o),
    "hessian": lambda f, x, **o: fc.hessian(f, x, **o),
    "laplacian": lambda f, x, **o: fc.laplacian(f, x, **o),
    "divergence": lambda f, x, **o: fc.divergence(lambda x: np.stack([f(x)] * 3), x, **o),
    "curl": lambda f, x, **o: fc.curl(lambda x: np.stack([f(x)] * 3), x, **o),
    "partial": lambda f, x, **o: fc.partial(f, x, (2, 1, 1), **o),
    "partial of one variable": lambda f, x, **o: fc.partial(f, x, (0, 3, 0), **o),
    "jvp": lambda f, x, **o: fc.jvp(f, x, V, **o),
    "jvp of a zero": lambda f, x, **o: fc.jvp(f, x, np.array([0.0, 1e6, 0.0]), **o),
    "vjp": lambda f, x, **o: fc.vjp(lambda x: np.stack([f(x), 2 * f(x)]), x, np.array([1.0, -1.0]), **o),
    "hvp": lambda f, x, **o: fc.hvp(f, x, V, **o),
    "hvp from a gradient": lambda f, x, **o: fc.hvp(f, x, V, gradient=lambda x: np.stack([f(x)] * 3), **o),
    "hessian from a gradient": lambda f, x, **o: fc.hessian(f, x, gradient=lambda x: np.stack([f(x)] * 3), **o),
}
STENCILS = [("central", 2), ("central", 4), ("forward", 1), ("forward", 2), ("backward", 1), ("backward", 3)]


def boxes(finite=True):
    """x with bounds around it: wide, narrow, as narrow as a few floats, equal, at x."""
    size = st.sampled_from([0.0, 5e-324, 1e-300, 1e-9, 1e-6, 0.1, 1 - 1e-7, 1.0, 1 + EPS, 3.7, 1e9, 1e300])
    position = st.builds(lambda s, sign: sign * s, size, st.sampled_from([1.0, -1.0]))
    room = st.one_of(
        st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0]).map(lambda ulps: ("ulps", ulps)),
        st.sampled_from([1e-12, 1e-8, 1e-6, 3e-6, 1e-5, 1e-4, 1e-3, 0.1, 10.0]).map(lambda r: ("relative", r)),
        st.just(("infinite", INF)),
    )

    def bound(x, how, sign):
        kind, amount = how
        if kind == "infinite":
            return sign * INF
        if kind == "ulps":
            for _ in range(int(amount)):
                x = np.nextafter(x, sign * INF)
            return float(x)
        return float(x + sign * amount * (abs(x) or 1))

    def box(x, below, above):
        return x, bound(x, below, -1), bound(x, above, 1)

    return st.lists(st.builds(box, position, room, room), min_size=3, max_size=3)


def inside_recorder(lower, upper):
    def f(x):
        columns = np.reshape(x, (3, -1))
        assert (columns >= lower[:, None]).all(), (columns, lower)
        assert (columns <= upper[:, None]).all(), (columns, upper)
        return x[0] * 0.5 + x[1] - x[2]

    return Recorder(f)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("vectorized", [False, True])
@given(box=boxes(), stencil=st.sampled_from(STENCILS), step=st.sampled_from([None, 1.0, 1e-3]))
@example(box=[(1.0, 1.0, 1.0), (0.0, 0.0, 5e-324), (-1.0, -1.0, -1.0 + EPS)], stencil=("central", 2), step=None)
@example(box=[(0.0, -1e-9, 1e-9), (0.0, 0.0, 1.0), (1e-9, 0.0, INF)], stencil=("forward", 1), step=None)
def test_f_is_never_called_outside(name, vectorized, box, stencil, step):
    x, lower, upper = (np.array(side) for side in zip(*box, strict=True))
    if step is not None and (np.abs(x) >= 1e9).any():
        step = None  # lost in x: an error of its own
    method, accuracy = stencil
    f = inside_recorder(lower, upper)
    options = {"method": method, "accuracy": accuracy, "step": step, "vectorized": vectorized, "full_output": True}
    result = OPERATORS[name](f, x, bounds=(lower, upper), **options)
    status = np.asarray(result.status)
    value = np.asarray(result.value)
    assert (np.isfinite(value) | (status == fc.Status.FIXED_VARIABLE) | (status == fc.Status.NON_FINITE)).all()
    assert (np.isnan(value) | ~np.isin(status, [fc.Status.FIXED_VARIABLE, fc.Status.NON_FINITE])).all()


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("vectorized", [False, True])
@given(box=boxes(), stencil=st.sampled_from(STENCILS))
def test_derivative_is_never_evaluated_outside(n, vectorized, box, stencil):
    x, lower, upper = box[0]
    method, accuracy = stencil
    points = []

    def f(t):
        points.extend(np.atleast_1d(t))
        return 0.5 * t

    fc.derivative(f, x, n, method=method, accuracy=accuracy, bounds=(lower, upper), vectorized=vectorized)
    assert all(lower <= p <= upper for p in points)


@pytest.mark.parametrize("side", ["lower", "upper", "both corners"])
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_gradient_at_a_bound(side, method, accuracy, vectorized):
    x = np.array([0.5, 1.5, -2.0])
    lower = x if side != "upper" else x - 5
    upper = x + 5 if side == "lower" else x
    if side == "both corners":
        lower, upper = np.where([True, False, True], x, x - 5), np.where([True, False, True], x + 5, x)
    result = fc.gradient(
        smooth, x, method=method, accuracy=accuracy, bounds=(lower, upper), vectorized=vectorized, full_output=True
    )
    # accuracy is kept; one-sided constants up to 10, derivatives times abs(x)**k over abs(x) up to 30
    np.testing.assert_allclose(result.value, smooth_gradient(x), rtol=0, atol=300 * EPS ** (accuracy / (1 + accuracy)))
    natural = {"central": np.zeros(3, bool), "forward": lower == x, "backward": upper == x}[method]
    np.testing.assert_array_equal(result.status == fc.Status.AT_BOUND, ~natural)
    assert result.success.all()


@pytest.mark.parametrize("corner", range(27))
@pytest.mark.parametrize(("method", "accuracy"), [("central", 2), ("central", 4), ("forward", 2), ("backward", 1)])
def test_hessian_at_every_face_and_corner(corner, method, accuracy):
    place = np.array([corner % 3, corner // 3 % 3, corner // 9])  # at the lower bound, inside, at the upper bound
    x = np.array([0.5, 1.5, -2.0])
    lower, upper = np.where(place == 0, x, x - 1), np.where(place == 2, x, x + 1)

    def f(x):
        assert ((lower <= x) & (x <= upper)).all()
        return smooth(x)

    result = fc.hessian(f, x, method=method, accuracy=accuracy, bounds=(lower, upper), full_output=True)
    # values and derivatives up to 30 over abs(x)**2 = 0.25, one-sided constants up to 30
    np.testing.assert_allclose(result.value, smooth_hessian(x), rtol=0, atol=4000 * EPS ** (accuracy / (2 + accuracy)))
    np.testing.assert_array_equal(result.value, result.value.T)
    assert result.success.all()


def test_equal_bounds_lose_that_component_only():
    x = np.array([0.5, 1.5, -2.0])
    fixed = np.array([False, True, False])
    bounds = (np.where(fixed, x, x - 1), np.where(fixed, x, x + 1))
    f = Recorder(smooth)
    result = fc.gradient(f, x, bounds=bounds, full_output=True)
    np.testing.assert_array_equal(np.isnan(result.value), fixed)
    np.testing.assert_array_equal(result.status == fc.Status.FIXED_VARIABLE, fixed)
    np.testing.assert_array_equal(result.success, ~fixed)
    np.testing.assert_array_equal(result.value[~fixed], fc.gradient(smooth, x)[~fixed])
    assert f.calls == result.evaluations == 4  # none for the fixed variable
    h = fc.hessian(smooth, x, bounds=bounds, full_output=True)
    touched = fixed[:, None] | fixed[None, :]
    np.testing.assert_array_equal(np.isnan(h.value), touched)
    np.testing.assert_array_equal(h.status == fc.Status.FIXED_VARIABLE, touched)
    np.testing.assert_array_equal(h.value[~touched], fc.hessian(smooth, x)[~touched])


def test_all_variables_fixed():
    f = Recorder(lambda x: np.stack([x.sum(), x[0]]))
    x = np.array([1.0, 2.0])
    result = fc.jacobian(f, x, bounds=(x, x), full_output=True)
    assert result.value.shape == (2, 2)
    assert np.isnan(result.value).all()
    assert (result.status == fc.Status.FIXED_VARIABLE).all()
    assert all((p == x).all() for p in f.points)
    assert np.isnan(fc.gradient(np.sum, x, bounds=(x, x))).all()
    assert np.isnan(fc.hessian(np.sum, x, bounds=(x, x))).all()
    assert np.isnan(fc.derivative(np.sin, 1.0, bounds=(1, 1)))


@pytest.mark.parametrize("width", [1e-3, 1e-5, 1e-7, 1e-9, 1e-12, 1e-14])
@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
def test_bounds_narrower_than_the_step(width, place, method, accuracy):
    x = 1.0
    lower, upper = x - place * width, x + (1 - place) * width
    f = Recorder(lambda t: 3 * t)
    value = fc.gradient(f, x, method=method, accuracy=accuracy, bounds=(lower, upper))
    assert all(lower <= p <= upper for p in f.points)
    # nothing but the rounding of 3 t, an ulp of 4, over what is left of the step, at least a tenth of the width
    assert abs(value - 3) <= 20 * 4 * EPS / (width / 10)


def test_a_far_bound_changes_nothing():
    x = np.array([0.5, 1.5, -2.0])
    for bounds in [(-INF, INF), (-100, 100), (x - 1, x + 1), ([-INF, 0, -3], INF)]:
        for operator in (fc.gradient, fc.hessian):
            with_bounds = operator(smooth, x, bounds=bounds, full_output=True)
            np.testing.assert_array_equal(with_bounds.value, operator(smooth, x))
            assert (with_bounds.status == fc.Status.FIXED_STEP).all()


def test_forms_of_bounds():
    from scipy.optimize import Bounds

    x = np.array([0.5, 1.5, -2.0])
    lower, upper = x - np.array([0, 1, 1]), x + np.array([1, 0, 1])
    expected = fc.gradient(smooth, x, bounds=(lower, upper))
    for bounds in [
        Bounds(lower, upper),
        [lower, upper],
        (lower.tolist(), tuple(upper)),
        np.array([lower, upper]),
        (lower.astype(object).astype(float), upper[:, None][:, 0]),
        tuple(zip(*[(0.5, 1.5), (0.5, 1.5), (-3, -1)], strict=True)),
    ]:
        np.testing.assert_array_equal(fc.gradient(smooth, x, bounds=bounds), expected)
    np.testing.assert_array_equal(
        fc.gradient(smooth, x, bounds=(-2, 3)), fc.gradient(smooth, x, bounds=([-2] * 3, [3, 3, 3]))
    )


def test_bounds_of_a_matrix():
    x = np.array([[0.5, 1.0], [2.0, 3.0]])
    lower, upper = x - np.array([[0, 1], [1, 1]]), x + np.array([[1, 1], [1, 0]])

    def f(x):
        assert ((lower <= x) & (x <= upper)).all()
        return np.exp(x).sum()

    result = fc.gradient(f, x, bounds=(lower, upper), full_output=True)
    np.testing.assert_allclose(result.value, np.exp(x), rtol=1e-8)  # h**2 / 3 * 27 with h = 2e-5
    np.testing.assert_array_equal(result.status == fc.Status.AT_BOUND, [[True, False], [False, True]])


def test_bounds_in_a_batch():
    """Each lane stands elsewhere: at the lower bound, at the upper one, between, close to one, at equal bounds."""
    x = np.array([[0.0, 1.0, 0.5, 1e-7, 1 - 1e-7], [2.0, 3.0, 2.5, 2.0, 2.1]])
    lower, upper = np.array([0.0, 2.0]), np.array([1.0, 3.0])

    def f(x):
        assert ((x >= lower[:, None]) & (x <= upper[:, None])).all()
        return np.exp(x[0]) * x[1] ** 2

    for method, accuracy in STENCILS:
        options = {"bounds": (lower, upper), "method": method, "accuracy": accuracy}
        whole = fc.gradient(f, x, vectorized=True, **options)
        h = fc.hessian(f, x, vectorized=True, **options)
        for k in range(x.shape[1]):
            np.testing.assert_allclose(
                whole[:, k], fc.gradient(f, x[:, [k]], vectorized=True, **options)[:, 0], rtol=1e-13
            )
            single = fc.hessian(f, x[:, [k]], vectorized=True, **options)[..., 0]
            # the same values in other sums: eps over h**2 = eps**(2/3), or h = 1e-7 beside a bound
            np.testing.assert_allclose(h[..., k], single, rtol=1e-13, atol=1e-9)
        exact = np.stack([np.exp(x[0]) * x[1] ** 2, 2 * np.exp(x[0]) * x[1]])
        np.testing.assert_allclose(whole, exact, rtol=0, atol=3000 * EPS ** (accuracy / (1 + accuracy)))


def test_bounds_of_an_empty_batch():
    for operator, shape in ((fc.gradient, (3, 0)), (fc.hessian, (3, 3, 0)), (fc.laplacian, (0,))):
        result = operator(smooth, np.empty((3, 0)), vectorized=True, bounds=(-1, 1), full_output=True)
        assert result.value.shape == result.status.shape == result.error.shape == shape
    assert fc.derivative(np.sin, np.zeros(0), bounds=(-1, 1)).shape == (0,)


def test_equal_bounds_in_a_batch():
    x = np.array([[0.5, 0.5], [1.0, 2.0]])
    lower, upper = np.array([[0.5, 0.0], [0.0, 0.0]]), np.array([[0.5, 1.0], [3.0, 3.0]])
    result = fc.gradient(lambda x: (x * x).sum(axis=0), x, vectorized=True, bounds=(lower, upper), full_output=True)
    np.testing.assert_array_equal(np.isnan(result.value), [[True, False], [False, False]])
    np.testing.assert_array_equal(result.status == fc.Status.FIXED_VARIABLE, [[True, False], [False, False]])


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
@pytest.mark.parametrize(("lower", "upper"), [(0.1, 0.3), (0.7, 0.9), (1 / 3, 2 / 3), (-0.3, -0.1), (-0.9, -0.7)])
@pytest.mark.parametrize("share", [0, 0.1, 0.6, 3, 50])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_bounds_in_another_precision(dtype, lower, upper, share, side):
    # float64 bounds that float32 cannot hold are taken to the inside; stencils that shrink reach exactly up to them
    step = float(np.finfo(dtype).eps) ** (1 / 3)
    x = dtype(lower + share * step * abs(lower) if side == "lower" else upper - share * step * abs(upper))
    if not lower < x < upper and share:
        pytest.skip("another step would be outside")
    wide = np.longdouble(x)
    x = np.nextafter(x, dtype(1)) if wide < lower else np.nextafter(x, dtype(-1)) if wide > upper else x
    f = Recorder(lambda x: (x * x).sum())
    value = fc.gradient(f, np.array([x], dtype), bounds=(lower, upper))
    assert value.dtype == dtype
    assert all(lower <= np.longdouble(p[0]) <= upper for p in f.points)
    # what is left of the step is a quarter of it, or it is turned to the other side
    np.testing.assert_allclose(value, [2 * x], atol=float(30 * np.finfo(dtype).eps ** (2 / 3)))


def test_float32_values_widen_the_steps_inside_the_bounds():
    lower, upper = np.array([0.5, 1.0]), np.array([0.5 + 1e-4, 2.0])

    def f(x):
        assert ((lower <= x) & (x <= upper)).all()
        return np.float32(x.sum())

    result = fc.gradient(f, [0.5, 1.5], bounds=(lower, upper), full_output=True)
    assert 1e-5 < result.step[0] < 1e-4
    # an ulp of 2 in float32 over the steps
    assert (np.abs(result.value - 1) <= 4 * np.finfo(np.float32).eps * 2 / result.step).all()


@pytest.mark.parametrize("x", [1e-8, 1e-300, 5e-324, 0.0])
def test_tiny_x_beside_a_bound_is_retaken_inside(x):
    f = Recorder(lambda t: 1 + np.sin(t))
    value = fc.gradient(f, x, bounds=(0, 1))
    assert all(0 <= p <= 1 for p in f.points)
    assert value == pytest.approx(1, rel=1e-9)


def test_complex_step_stays_at_x():
    x = np.array([0.5, 1.5])
    f = Recorder(lambda z: (z * z).sum())
    result = fc.gradient(f, x, method="complex", bounds=([0.5, 0.0], [1.0, 1.5]), full_output=True)
    assert all((p.real == x).all() for p in f.points)
    np.testing.assert_array_equal(result.value, 2 * x)


def test_complex_step_at_equal_bounds():
    result = fc.gradient(
        lambda z: (z * z).sum(), [0.5, 1.5], method="complex", bounds=([0.5, 0], [0.5, 2]), full_output=True
    )
    np.testing.assert_array_equal(result.value, [np.nan, 3])
    np.testing.assert_array_equal(result.status, [fc.Status.FIXED_VARIABLE, fc.Status.FIXED_STEP])


def test_domain_edges_need_no_nan():
    # sqrt and log at the edge of their domain, where every step to the wrong side is NaN
    value = fc.gradient(lambda x: np.sqrt(x[0]) + np.log(1 - x[1]), [1e-4, 1 - 1e-4], bounds=([0, 0], [1, 1 - 1e-9]))
    # h**2 / 3 times 1 / 1e-4**2 with h = eps**(1/3)
    np.testing.assert_allclose(value, [50, -1e4], rtol=2e-3)


def test_nan_in_x_is_not_outside():
    result = fc.gradient(lambda x: x[0] ** 2, [1.0, np.nan], bounds=(0, 2), full_output=True)
    np.testing.assert_allclose(result.value, [2, np.nan], rtol=1e-9)
    np.testing.assert_array_equal(result.status, [fc.Status.FIXED_STEP, fc.Status.NON_FINITE])
