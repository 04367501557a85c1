"""Sample plans: which points are needed, in which blocks, and that inconsistent plans never reach a kernel."""

import itertools

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._differences import plans as build
from fastcalc._functions import python, vectorized
from fastcalc._kernels.blocks import BlockCaller
from fastcalc._kernels.combine import combine
from fastcalc._kernels.plan import Plan
from fastcalc._kernels.points import PointCaller
from fastcalc._kernels.steps import choose_steps, round_steps, true_steps
from tests import reference
from tests.cases import EPS
from tests.reference import Recorder

X = np.array([1.0, -2.0, 4.0])
H = np.array([0.5, 0.25, 2.0])


def f(x):
    return x[0] ** 3 * x[1] / (2 + x[2] * x[2]) + x[2]


def multiples(points):
    """Displacements in steps, as a set; the number of points is checked apart."""
    return {tuple(((p - X) / H).tolist()) for p in points}


def unit(i, k=1):
    return tuple(float(k) if j == i else 0.0 for j in range(3))


@pytest.mark.parametrize("accuracy", [2, 4, 6])
def test_points_of_central_gradients(accuracy):
    recorder = Recorder(f)
    fc.gradient(recorder, X, step=H, accuracy=accuracy)
    expected = {unit(i, k) for i in range(3) for k in range(-accuracy // 2, accuracy // 2 + 1) if k}
    assert multiples(recorder.points) == expected
    assert recorder.calls == len(expected)


@pytest.mark.parametrize(("method", "sign"), [("forward", 1), ("backward", -1)])
@pytest.mark.parametrize("accuracy", [1, 2, 5])
def test_points_of_one_sided_gradients(method, sign, accuracy):
    recorder = Recorder(f)
    fc.gradient(recorder, X, step=H, accuracy=accuracy, method=method)
    expected = {unit(i, sign * k) for i in range(3) for k in range(1, accuracy + 1)} | {(0.0, 0.0, 0.0)}
    assert multiples(recorder.points) == expected
    assert recorder.calls == len(expected)


def test_points_of_hessians():
    recorder = Recorder(f)
    fc.hessian(recorder, X, step=H)
    expected = {(0.0, 0.0, 0.0)}
    expected |= {unit(i, s) for i in range(3) for s in (1, -1)}
    for i, j in itertools.combinations(range(3), 2):
        expected |= {tuple(s * (a + b) for a, b in zip(unit(i), unit(j), strict=True)) for s in (1, -1)}
    assert multiples(recorder.points) == expected
    assert recorder.calls == len(expected) == 1 + 3 + 9


@pytest.mark.parametrize(("method", "sign"), [("forward", 1), ("backward", -1)])
def test_points_of_one_sided_hessians(method, sign):
    recorder = Recorder(f)
    fc.hessian(recorder, X, step=H, method=method, accuracy=1)
    assert all(sign * m >= 0 for point in multiples(recorder.points) for m in point)
    assert len(multiples(recorder.points)) == recorder.calls


def test_points_of_the_laplacian_and_of_products():
    recorder = Recorder(f)
    fc.laplacian(recorder, X, step=H)
    assert multiples(recorder.points) == {unit(i, s) for i in range(3) for s in (1, -1)} | {(0.0, 0.0, 0.0)}
    recorder = Recorder(f)
    fc.jvp(recorder, X, np.array([1.0, 0.0, 2.0]), step=H)
    assert recorder.calls == 2
    a, b = (p - X for p in recorder.points)
    np.testing.assert_allclose(a, -b, rtol=4 * EPS)
    assert a[1] == 0
    assert a[2] == pytest.approx(2 * a[0])
    assert (np.abs(a) <= H * (1 + 1e-9)).all()  # no component farther than its own step


def test_points_of_partials():
    recorder = Recorder(f)
    fc.partial(recorder, X, (1, 1, 0), step=H)
    assert multiples(recorder.points) == {(s, t, 0.0) for s in (1.0, -1.0) for t in (1.0, -1.0)}
    recorder = Recorder(f)
    fc.partial(recorder, X, (2, 0, 1), step=H)
    assert multiples(recorder.points) == {(s, 0.0, t) for s in (1.0, 0.0, -1.0) for t in (1.0, -1.0)}


@pytest.mark.parametrize("operator", [fc.gradient, fc.hessian])
@pytest.mark.parametrize("vectorized", [False, True])
def test_no_point_is_evaluated_twice(operator, vectorized):
    for method, accuracy in (("central", 2), ("central", 6), ("forward", 3), ("backward", 1)):
        recorder = Recorder(f)
        operator(recorder, X, method=method, accuracy=accuracy, vectorized=vectorized)
        points = recorder.array().T if vectorized else np.array(recorder.points)
        assert len({tuple(p) for p in points}) == len(points)


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
@pytest.mark.parametrize("accuracy", [2, 4])
def test_values_follow_from_the_points_alone(method, accuracy):
    # an integer-valued f: all sums are exact, so the result is the rational stencil, rounded once
    def g(x):
        return x[0] ** 3 * x[1] + 2 * x[2] ** 2 * x[0]

    result = fc.gradient(g, X, step=H, method=method, accuracy=accuracy)
    at = reference.offsets(1, accuracy, method)
    w = reference.weights(tuple(at), 1)
    for i in range(3):
        total = 0
        for c, k in zip(w, at, strict=True):
            moved = X.copy()
            moved[i] += k * H[i]
            total += c * int(g(moved) * 4096)
        assert result[i] == pytest.approx(float(total) / 4096 / H[i], rel=2 * EPS)


# --- blocks -----------------------------------------------------------------------------------------------------------

CASES = {
    "gradient": lambda **o: fc.gradient(f, X, **o),
    "jacobian": lambda **o: fc.jacobian(lambda x: np.stack([f(x), x[0] * x[1], x[2]]), X, **o),
    "hessian": lambda **o: fc.hessian(f, X, **o),
    "hessian in full": lambda **o: fc.hessian(f, X, accuracy=4, full_output=True, **o),
    "laplacian": lambda **o: fc.laplacian(f, X, **o),
    "hvp": lambda **o: fc.hvp(f, X, H, **o),
    "partial": lambda **o: fc.partial(f, X, (1, 1, 1), **o),
    "bounds": lambda **o: fc.hessian(f, X, bounds=(X, X + 9), **o),
    "tiny": lambda **o: fc.gradient(lambda x: 1 + f(x + 1), X * 1e-9, **o),
}
BATCHES = {
    "gradient": lambda **o: fc.gradient(f, BATCH, **o),
    "hessian": lambda **o: fc.hessian(f, BATCH, **o),
    "jacobian in full": lambda **o: fc.jacobian(
        lambda x: np.stack([f(x), x[0] * x[1]]), BATCH, accuracy=4, full_output=True, **o
    ),
    "bounds": lambda **o: fc.gradient(f, BATCH, bounds=(BATCH.min(axis=1), BATCH.max(axis=1)), **o),
    "tiny": lambda **o: fc.gradient(lambda x: 1 + f(x + 1), BATCH * 1e-9, **o),
}
BATCH = X[:, None] * np.linspace(0.9, 1.1, 11)


def numbers(result):
    if isinstance(result, fc.DerivativeResult):
        return [result.value, result.error, result.step, result.status, result.fun, result.evaluations]
    return [result]


@pytest.mark.parametrize("size", [1, 100, 200, 1000])
@pytest.mark.parametrize("name", CASES)
def test_the_size_of_blocks_changes_nothing(name, size, monkeypatch):
    whole = numbers(CASES[name]())
    blocks = numbers(CASES[name](vectorized=True))
    monkeypatch.setattr(python.PythonFunction, "_BLOCK_BYTES", size)
    monkeypatch.setattr(vectorized.VectorizedFunction, "_BLOCK_BYTES", size)
    for a, b in zip(numbers(CASES[name]()), whole, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(numbers(CASES[name](vectorized=True)), blocks, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("size", [1, 100, 500, 3000])
@pytest.mark.parametrize("name", BATCHES)
def test_the_size_of_blocks_changes_nothing_in_a_batch(name, size, monkeypatch):
    whole = numbers(BATCHES[name](vectorized=True))
    monkeypatch.setattr(vectorized.VectorizedFunction, "_BLOCK_BYTES", size)
    for a, b in zip(numbers(BATCHES[name](vectorized=True)), whole, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("entries", [1, 2, 5, 8192])
def test_pairs_come_in_any_blocks(entries, monkeypatch):
    monkeypatch.setattr(build, "PAIRS_IN_A_BLOCK", entries)
    for n in (1, 2, 5, 9):
        found = np.zeros((n, n), int)
        blocks = list(build.hessian_pairs(n))
        for pairs in blocks:
            np.testing.assert_array_equal(pairs.target, pairs.first * n + pairs.second)
            np.testing.assert_array_equal(pairs.mirror, pairs.second * n + pairs.first)
            np.add.at(found, (pairs.first, pairs.second), 1)
        np.testing.assert_array_equal(found, np.triu(np.ones((n, n), int)))
        assert entries > 5 or n < 5 or len(blocks) > 2


def test_walks_over_many_blocks_of_pairs(monkeypatch):
    monkeypatch.setattr(build, "PAIRS_IN_A_BLOCK", 7)
    x = np.linspace(1, 2, 70)  # above what is kept with the operator
    monkeypatch.setattr(vectorized.VectorizedFunction, "_BLOCK_BYTES", 50_000)

    def g(x):
        return (x.sum(axis=0)) ** 2

    h = fc.hessian(g, np.round(x * 8) / 8, step=2.0**-4, vectorized=True)
    np.testing.assert_array_equal(h, 2)


# --- inconsistent plans -----------------------------------------------------------------------------------------------


def description():
    """Two components, f(x), f(x + h_0), f(x + h_1): two forward differences in groups of one point."""
    return {
        "n_components": 2, "component": [0, 1], "point_start": [0, 0, 1, 2], "entry_slot": [0, 1], "multiple": [1, 1],
        "n_retained": 1, "base": True, "group_point": [1, 2, 3], "group_result": [0, 1, 2], "term_start": [0, 1, 2],
        "plus": [1, 2], "minus": [0, 0], "weight": [1, 1], "embedded": None, "divisor_start": [0, 1, 2],
        "divisor_slot": [0, 1], "denominator": [1, 1], "target": [0, 1], "mirror": [0, 1], "n_targets": 2,
    }  # fmt: skip


def test_a_consistent_plan():
    plan = Plan(**description())
    assert (plan.n_points, plan.n_retained, plan.n_groups, plan.n_results, plan.n_slots) == (3, 1, 2, 2, 2)
    assert plan.block(0, 1) == (1, 1, 2)
    assert plan.block(0, 2) == (2, 1, 3)
    assert plan.block(1, 100) == (2, 2, 3)
    assert plan.block(0, 0) == (1, 1, 2)  # at least one group
    with pytest.raises(AttributeError):
        plan.n_points = 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"component": [0, 2]}, "components"),
        ({"component": [0, -1]}, "components"),
        ({"component": [[0], [1]]}, "`component` must be one-dimensional"),
        ({"point_start": [0, 0, 1, 3]}, "entries of points"),
        ({"point_start": [0, 0, 2, 1]}, "entries of points"),
        ({"multiple": [1]}, "entries of points"),
        ({"entry_slot": [0, 2]}, "slots of points"),
        ({"n_retained": 4}, "retained points"),
        ({"n_retained": 0}, "the first point is x itself"),
        ({"point_start": [0, 1, 1, 2]}, "the first point is x itself"),
        ({"group_point": [1, 2, 2]}, "points of groups"),
        ({"group_point": [0, 2, 3]}, "points of groups"),
        ({"group_result": [0, 1, 1]}, "results of groups"),
        ({"group_result": [0, 2]}, "results of groups"),
        ({"term_start": [0, 2]}, "terms of results"),
        ({"term_start": [0, 1, 3]}, "terms of results"),
        ({"minus": [0]}, "terms"),
        ({"weight": [1, 1, 1]}, "terms"),
        ({"divisor_start": [0, 2]}, "divisors"),
        ({"divisor_slot": [0, 2]}, "slots of divisors"),
        ({"target": [0]}, "targets of results"),
        ({"target": [0, 2]}, "targets"),
        ({"mirror": [0, -1]}, "targets"),
        ({"plus": [1, 3]}, "points of terms"),
        ({"minus": [-2, 0]}, "points of terms"),
        ({"plus": [2, 2]}, "a group is closed"),
        ({"minus": [0, 1]}, "a group is closed"),
        ({"embedded": [1]}, "embedded weights"),
    ],
)
def test_inconsistent_plans(changes, message):
    with pytest.raises(ValueError, match=message):
        Plan(**(description() | changes))


# --- kernels refuse what does not fit: a mistake of the package ends in a message, not in foreign memory --------------


def combined(**changes):
    plan = Plan(**description())
    arguments = {
        "plan": plan, "group": 0, "stop": 2, "mode": 0, "values": np.array([[1.0], [3.0], [5.0]]),
        "columns_last": False, "m": 1, "all_lanes": 1, "lane0": 0, "lanes": 1, "steps": np.ones((2, 1)),
        "step_lane0": 0,
        "out": np.zeros((1, 2, 1)),
    }  # fmt: skip
    arguments |= changes
    combine(*arguments.values())
    return arguments["out"]


def test_the_smallest_combination():
    np.testing.assert_array_equal(combined()[0, :, 0], [2, 4])
    np.testing.assert_array_equal(combined(mode=2)[0, :, 0], [4, 6])
    assert combined(stop=1)[0, 1, 0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": -1}, "groups outside the plan"),
        ({"stop": 3}, "groups outside the plan"),
        ({"group": 2, "stop": 1}, "groups outside the plan"),
        ({"mode": 3}, "unknown mode, or a plan without embedded weights"),
        ({"mode": 1}, "unknown mode, or a plan without embedded weights"),
        ({"step_lane0": 1}, "lanes outside the steps"),
        ({"lane0": 1}, "lanes or components outside their arrays"),
        ({"lanes": 0}, "lanes or components outside their arrays"),
        ({"m": 2}, "lanes or components outside their arrays"),
        ({"values": np.ones((2, 1))}, "more points than columns of values"),
        ({"values": np.ones((3, 1), np.float32)}, "a kernel got an array of the wrong type, layout or size"),
        ({"steps": np.ones((1, 1))}, "a kernel got an array of the wrong type, layout or size"),
        ({"out": np.ones((1, 1, 1))}, "a kernel got an array of the wrong type, layout or size"),
        ({"out": np.ones((1, 2, 2))[..., ::2]}, "a kernel got an array of the wrong type, layout or size"),
    ],
)
def test_combinations_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        combined(**changes)


def test_kernels_know_their_types():
    with pytest.raises(
        TypeError, match="kernels take float32, float64, longdouble and their complex types; got type number"
    ):
        combined(values=np.ones((3, 1), int))


def evaluated(caller, **changes):
    arguments = {
        "plan": Plan(**description()), "first": 0, "last": 3, "x": np.ones((2, 1)), "h": np.ones((2, 1)),
        "all_lanes": 1, "lane0": 0, "lanes": 1, "column": 0,
    }  # fmt: skip
    arguments |= changes
    return caller.evaluate(*arguments.values())


@pytest.mark.parametrize(
    "make",
    [
        lambda: PointCaller(np.sum, np.dtype(float), (2,)),
        lambda: BlockCaller(lambda x: x.sum(axis=0), np.dtype(float), 2, False),
    ],
)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": -1}, "points outside the plan"),
        ({"last": 4}, "points outside the plan"),
        ({"first": 3, "last": 2}, "points outside the plan"),
        ({"lane0": -1}, "points outside the plan"),
        ({"lanes": 2}, "lanes outside x or h"),
        ({"x": np.ones((2, 1), np.float32), "h": np.ones((2, 1), np.float32)}, "x and the buffer differ in type"),
        ({"h": np.ones((1, 1))}, "a kernel got an array of the wrong type, layout or size"),
        ({"x": np.ones((1, 1))}, "a kernel got an array of the wrong type, layout or size"),
    ],
)
def test_evaluations_that_do_not_fit(make, changes, message):
    caller = make()
    caller.start()
    assert evaluated(caller)
    np.testing.assert_array_equal(caller.values.reshape(-1), [2, 3, 3])
    with pytest.raises(ValueError, match=message):
        evaluated(caller, **changes)


def test_steps_that_do_not_fit():
    one = np.ones(1)
    with pytest.raises(ValueError, match="terms without offsets or weights"):
        true_steps(one, one, one, np.ones(2), one, 1.0, one.copy())
    for kernel in (
        lambda h: choose_steps(np.ones((2, 2)), 1e-5, 1, None, 1e-5, h),
        lambda h: round_steps(np.ones(3), 1, h),
    ):
        with pytest.raises(ValueError, match="a kernel got an array of the wrong type, layout or size"):
            kernel(np.ones((2, 4))[:, ::2])
