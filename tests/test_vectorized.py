"""vectorized=True: batches of points, blocks of any size, and the same numbers as a loop over single points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests.cases import EPS, MAPS, SURFACES
from tests.reference import Recorder

# rational functions: the same bits for arrays and for scalars, in any order of evaluation


def scalar(x):
    return x[0] * x[1] / (1 + x[2] * x[2]) + x[0]


def several(x):
    return np.stack([x[0] * x[1], x[1] / (1 + x[2] * x[2])])


V = np.array([1.0, -2.0, 0.5])
OPERATORS = {
    "gradient": lambda x, **o: fc.gradient(scalar, x, **o),
    "jacobian": lambda x, **o: fc.jacobian(several, x, **o),
    "jacobian of a scalar": lambda x, **o: fc.jacobian(scalar, x, **o),
    "hessian": lambda x, **o: fc.hessian(scalar, x, **o),
    "hessian of several": lambda x, **o: fc.hessian(several, x, **o),
    "hessian from a gradient": lambda x, **o: fc.hessian(scalar, x, gradient=lambda x: x * x, **o),
    "laplacian": lambda x, **o: fc.laplacian(scalar, x, **o),
    "laplacian of several": lambda x, **o: fc.laplacian(several, x, **o),
    "divergence": lambda x, **o: fc.divergence(lambda x: x * x * x[::-1], x, **o),
    "curl": lambda x, **o: fc.curl(lambda x: x * x * x[::-1], x, **o),
    "jvp": lambda x, **o: fc.jvp(
        several, x, V if x.ndim < 2 else np.broadcast_to(V.reshape(3, *[1] * (x.ndim - 1)), x.shape), **o
    ),
    "hvp": lambda x, **o: fc.hvp(
        scalar, x, V if x.ndim < 2 else np.broadcast_to(V.reshape(3, *[1] * (x.ndim - 1)), x.shape), **o
    ),
    "vjp": lambda x, **o: fc.vjp(
        several,
        x,
        V[:2] if x.ndim < 2 else np.broadcast_to(V[:2].reshape(2, *[1] * (x.ndim - 1)), (2, *x.shape[1:])),
        **o,
    ),
    "partial": lambda x, **o: fc.partial(scalar, x, (1, 0, 2), **o),
    "partial of several": lambda x, **o: fc.partial(several, x, (0, 1, 1), **o),
}
STENCILS = [("central", 2), ("central", 4), ("forward", 1), ("backward", 2)]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(("method", "accuracy"), STENCILS)
@pytest.mark.parametrize("batch", [(1,), (7,), (2, 3), (300,)])
def test_a_batch_is_a_loop_over_points_bit_for_bit(name, method, accuracy, batch):
    rng = np.random.default_rng(8)
    x = rng.uniform(-2, 2, (3, *batch))
    x[:, ..., 0] = np.reshape([1e-9, 0.0, 1 - 1e-7], (3,) + (1,) * (len(batch) - 1))
    options = {"method": method, "accuracy": accuracy}
    whole = OPERATORS[name](x, vectorized=True, **options)
    for at in np.ndindex(batch) if len(whole) < 50 else [(0,), (17,), (299,)]:
        point = np.ascontiguousarray(x[(slice(None), *at)])
        np.testing.assert_array_equal(whole[(..., *at)], OPERATORS[name](point, **options), err_msg=str(at))


@pytest.mark.parametrize("case", MAPS, ids=str)
def test_maps_in_a_batch(case):
    if not case.vectorized:
        pytest.skip("returns matrices")
    x = np.stack([case.x, case.x * 1.1, case.x - 0.25], axis=1)
    whole = fc.jacobian(case.f, x, vectorized=True)
    exact = np.stack([case.jacobian(column) for column in x.T], axis=-1)
    assert whole.shape == exact.shape
    assert (np.abs(whole - exact) <= 5 * case.tolerance(2)).all()


@pytest.mark.parametrize("surface", [s for s in SURFACES if s.name != "badly scaled"], ids=str)
def test_surfaces_in_a_batch(surface):
    x = np.stack([surface.x, surface.x * 1.1, surface.x * 0.9], axis=1)
    gradient, hessian = fc.gradient(surface.f, x, vectorized=True), fc.hessian(surface.f, x, vectorized=True)
    exact = np.stack([surface.gradient(column) for column in x.T], axis=-1)
    assert (np.abs(gradient - exact) <= 5 * surface.tolerance(1, 2)).all()
    exact = np.stack([surface.hessian(column) for column in x.T], axis=-1)
    assert (np.abs(hessian - exact) <= 10 * surface.tolerance(2, 2)).all()


@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (3, 0), (0, 4), (0, 0), (3, 1), (1, 1), (2, 3, 4), (3, 0, 2)])
def test_shapes_of_results(shape):
    x = np.full(shape, 1.5)
    n = shape[:1]
    assert np.shape(fc.gradient(lambda x: (x * x).sum(axis=0), x, vectorized=True)) == shape
    assert np.shape(fc.hessian(lambda x: (x * x).sum(axis=0), x, vectorized=True)) == n + shape
    assert np.shape(fc.jacobian(lambda x: np.stack([(x * x).sum(axis=0)] * 2), x, vectorized=True)) == (2, *shape)
    assert np.shape(fc.jacobian(lambda x: np.empty((0, x.shape[-1])), x, vectorized=True)) == (0, *shape)
    assert np.shape(fc.derivative(lambda t: t * t, x, vectorized=True)) == shape
    assert np.shape(fc.derivative(lambda t: np.stack([t, t]), x, vectorized=True)) == (2, *shape)


@pytest.mark.parametrize("shape", [(3,), (3, 5), (2, 3, 4)])
def test_f_gets_points_as_columns(shape):
    f = Recorder(lambda x: x.sum(axis=0))
    fc.gradient(f, np.ones(shape), vectorized=True)
    assert all(p.ndim == 2 and len(p) == shape[0] for p in f.points)
    assert f.array().shape[1] == 2 * np.prod(shape)


@pytest.mark.parametrize("lead", [(1,), ()])
def test_scalar_outputs_may_be_a_row(lead):
    x = np.linspace(1, 2, 6).reshape(3, 2)
    f = (lambda x: scalar(x)[None]) if lead else scalar
    np.testing.assert_array_equal(fc.gradient(f, x, vectorized=True), fc.gradient(scalar, x, vectorized=True))


@pytest.mark.parametrize(("n", "lanes"), [(1, 1), (1, 3), (2, 3), (30, 1), (30, 3), (200, 3), (700, 3), (3000, 1)])
@pytest.mark.parametrize("method", ["central", "forward"])
def test_gradients_larger_than_a_block(n, lanes, method):
    rng = np.random.default_rng(9)
    x = rng.integers(-8, 9, (n, lanes)).astype(float)
    w = rng.integers(-8, 9, n).astype(float)
    f = Recorder(lambda x: w @ x)
    value = fc.gradient(f, x, vectorized=True, method=method, step=2.0**-9)
    # small multiples of 2**-9: nothing rounds
    np.testing.assert_array_equal(value, np.broadcast_to(w[:, None], x.shape))
    assert sum(p.shape[1] for p in f.points) == 2 * n * lanes + (method == "forward") * lanes
    assert max(p.nbytes for p in f.points) <= max(2**19, 16 * n * 2)


@pytest.mark.parametrize("lanes", [1, 1000, 20_000])
def test_long_batches(lanes):
    x = np.random.default_rng(10).integers(-8, 9, (3, lanes)).astype(float)
    options = {"vectorized": True, "step": 2.0**-8}
    np.testing.assert_array_equal(fc.gradient(lambda x: x[0] * x[1] + x[2], x, **options), [x[1], x[0], np.ones(lanes)])
    h = fc.hessian(lambda x: x[0] * x[1] * 2 + x[2] * x[2], x, **options)
    np.testing.assert_array_equal(h, np.broadcast_to([[[0.0], [2], [0]], [[2], [0], [0]], [[0], [0], [2]]], h.shape))


def test_kept_and_overwritten_blocks_over_several_calls():
    n = 1500  # several blocks
    x = np.arange(1.0, n + 1)
    kept, copies = [], []

    def f(block):
        kept.append(block)
        copies.append(block.copy())
        return (block * block).sum(axis=0)

    def g(block):
        value = (block * block).sum(axis=0)
        block[...] = np.nan
        return value

    expected = fc.gradient(lambda x: (x * x).sum(axis=0), x, vectorized=True)
    np.testing.assert_array_equal(fc.gradient(f, x, vectorized=True), expected)
    np.testing.assert_array_equal(fc.gradient(g, x, vectorized=True), expected)
    assert len(kept) > 2
    for block, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(block, copy)


def test_a_reused_output_block():
    buffer = np.empty(100_000)

    def f(x):
        out = buffer[: x.shape[1]]
        np.sum(x * x, axis=0, out=out)
        return out

    x = np.arange(1.0, 801)
    expected = fc.gradient(lambda x: np.sum(x * x, axis=0), x, vectorized=True)
    np.testing.assert_array_equal(fc.gradient(f, x, vectorized=True), expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_layout_of_outputs(order):
    def f(x):
        return np.asarray(np.stack([x[0] * x[1], x[1], x[2]]), order=order)

    x = np.linspace(1, 2, 12).reshape(3, 4)
    np.testing.assert_array_equal(
        fc.jacobian(f, x, vectorized=True),
        fc.jacobian(lambda x: np.stack([x[0] * x[1], x[1], x[2]]), x, vectorized=True),
    )


def test_outputs_of_other_kinds():
    x = np.linspace(1, 2, 6).reshape(3, 2)
    expected = fc.gradient(scalar, x, vectorized=True)
    for wrap in (list, tuple, lambda y: y.astype(">f8"), lambda y: np.repeat(y, 2)[::2], np.ma.array):
        np.testing.assert_array_equal(fc.gradient(lambda x: wrap(scalar(x)), x, vectorized=True), expected)  # noqa: B023


@pytest.mark.parametrize(
    ("f", "got"),
    [
        (lambda x: x.sum(), r"\(\)"),
        (lambda x: x.sum(axis=1), r"\(3,\)"),
        (lambda x: 1.0, r"\(\)"),
        (lambda x: np.zeros((x.shape[1], 2)), r"\(12, 2\)"),
        (lambda x: np.zeros(x.shape[1] - 1), r"\(11,\)"),
    ],
)
def test_outputs_of_a_wrong_shape(f, got):
    for operator in (fc.gradient, fc.jacobian):
        with pytest.raises(ValueError, match=rf"must return shape \(k,\) or \(m, k\).*\(3, 12\); got shape {got}"):
            operator(f, np.ones((3, 2)), vectorized=True)
    with pytest.raises(ValueError, match=r"for points of shape \(1,\); got shape \(\)"):
        fc.derivative(lambda t: t.sum(), 1.0, vectorized=True)


def test_a_row_for_each_variable_is_no_scalar():
    with pytest.raises(ValueError, match="use `jacobian`"):
        fc.gradient(lambda x: x, np.ones((3, 2)), vectorized=True)


def test_a_batch_is_not_guessed_from_a_shape():
    x = np.ones((3, 4))
    assert fc.gradient(np.sum, x).shape == (3, 4)
    assert fc.hessian(np.sum, x).shape == (3, 4, 3, 4)
    assert fc.hessian(lambda x: x.sum(axis=0), x, vectorized=True).shape == (3, 3, 4)


@pytest.mark.parametrize("failing", [0, 3, 11])
@pytest.mark.parametrize("operator", [fc.gradient, fc.hessian])
def test_a_failing_block_is_called_again_point_by_point(failing, operator):
    x = np.linspace(1, 2, 12).reshape(3, 4)
    recorded = Recorder(scalar)
    expected = operator(recorded, x, vectorized=True)
    bad = recorded.array()[:, failing]

    def f(x):
        if (x == bad[:, None]).all(axis=0).any():
            raise ValueError
        return scalar(x)

    value = operator(f, x, vectorized=True, on_error="nan")
    lost = np.isnan(value)
    assert lost.any()
    assert not lost.all()
    np.testing.assert_array_equal(value[~lost], expected[~lost])
    assert np.flatnonzero(lost.any(axis=tuple(range(lost.ndim - 1)))).size == 1  # one lane


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_points_and_values_stay_in_their_lane(bad):
    x = np.linspace(1, 2, 12).reshape(3, 4)
    x[1, 2] = bad
    for operator in (fc.gradient, fc.hessian):
        value = operator(scalar, x, vectorized=True)
        assert np.isnan(value[..., 2]).any()
        assert np.isfinite(value[..., [0, 1, 3]]).all()


@pytest.mark.parametrize("operator", [fc.gradient, fc.jacobian])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_infinite_on_one_side_only(operator, bad):
    # an infinite difference is no derivative
    x = np.linspace(1, 2, 12).reshape(3, 4)

    def f(points):
        return np.where(
            points[0] > x[0, 2], np.where(points[0] < x[0, 3] - 0.05, bad, points.sum(axis=0)), points.sum(axis=0)
        )

    value = operator(f, x, vectorized=True)
    lost = np.zeros(x.shape, bool)
    lost[0, 2] = True
    np.testing.assert_array_equal(np.isnan(value), lost)
    np.testing.assert_allclose(value[~lost], 1, rtol=1e-9)


def test_results_in_full():
    x = np.linspace(1, 2, 12).reshape(3, 4)
    for method, calls in (("central", 24), ("forward", 28)):
        result = fc.gradient(scalar, x, vectorized=True, method=method, full_output=True)
        assert result.evaluations == calls
        for field in ("value", "error", "step", "success", "status"):
            assert getattr(result, field).shape == x.shape, field
    assert result.fun.shape == (4,)
    np.testing.assert_array_equal(result.fun, scalar(x))
    result = fc.hessian(several, x, vectorized=True, full_output=True)
    assert result.fun.shape == (2, 4)
    np.testing.assert_array_equal(result.fun, several(x))
    assert result.evaluations == (1 + 3 + 9) * 4
    assert result.step.shape == result.value.shape == (2, 3, 3, 4)


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_lanes_do_not_mix(n, lanes, seed):
    rng = np.random.default_rng(seed)
    x = np.ldexp(rng.uniform(0.5, 1, (n, lanes)), rng.integers(-30, 30, (n, lanes)))
    value = fc.gradient(lambda x: np.log(x).sum(axis=0), x, vectorized=True)
    # log up to 21 n over h = eps**(1/3) x, and h**2 / 3 of the truncation
    assert (np.abs(value * x - 1) <= 30 * n * EPS ** (2 / 3)).all()


def test_a_function_may_change_the_rank_of_its_output_between_calls():
    rank = [2, 2, 1, 1, 2]

    def f(points):
        values = (points**2).sum(axis=0)
        return values[None] if current == 2 else values

    jacobian = fc.Jacobian(f, vectorized=True)
    x = np.array([1.0, 2.0, 3.0])
    for current in rank:
        result = jacobian(x)
        assert result.shape == ((1, 3) if current == 2 else (3,))
        # the rounding of values up to 14 over steps of 6e-6
        np.testing.assert_allclose(result.reshape(3), 2 * x, rtol=0, atol=1e-8)
