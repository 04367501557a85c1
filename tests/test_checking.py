"""check_gradient and check_jacobian: what is right passes, what is wrong is found, and the rest is said to be open."""

import dataclasses
import pickle
import re
import sys
import types
import zlib

import numpy as np
import pytest

import fastcalc as fc
from fastcalc.checking import GradientReport, Verdict, WrongDerivativeError, check_gradient, check_jacobian
from tests.cases import MAPS, SURFACES
from tests.reference import Recorder

RIGHT, WRONG, INCONCLUSIVE = Verdict.RIGHT, Verdict.WRONG, Verdict.INCONCLUSIVE
X = np.array([0.5, 1.0, 2.0])


def f(x):
    return np.sum(x * np.sin(x)) + x[0] * x[-1] ** 2


def g(x):
    gradient = x * np.cos(x) + np.sin(x)
    gradient[0] += x[-1] ** 2
    gradient[-1] += 2 * x[0] * x[-1]
    return gradient


def changed(gradient, index, factor=1.0, plus=0.0):
    """The gradient with a mistake in one component."""

    def wrong(*args):
        value = np.array(gradient(*args))
        value[index] = value[index] * factor + plus
        return value

    return wrong


# --- what is right --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_right_gradients(surface):
    report = check_gradient(surface.f, surface.gradient, surface.x)
    assert (report.verdict == RIGHT).all(), report
    assert (report.direction_verdict == RIGHT).all(), report
    np.testing.assert_array_equal(report.value, surface.gradient(surface.x))
    assert (np.abs(report.value - report.reference) <= report.tolerance).all()


@pytest.mark.parametrize("surface", SURFACES, ids=str)
def test_vectorised_batches(surface):
    def columns(x):
        return np.stack([surface.gradient(column) for column in x.T], axis=1)

    x = surface.x[:, None] * np.array([1.0, 0.75, 1.25])
    report = check_gradient(surface.f, columns, x, vectorized=True)
    assert report.value.shape == report.verdict.shape == x.shape
    assert (report.verdict == RIGHT).all(), report
    np.testing.assert_array_equal(report.value, columns(x))
    one = check_gradient(surface.f, columns, surface.x, vectorized=True)
    assert one.counts == {"right": len(surface.x)}
    wrong = check_gradient(surface.f, changed(columns, (0, -1), factor=1.01), x, vectorized=True)
    np.testing.assert_array_equal(np.argwhere(wrong.verdict == WRONG), [[0, 2]])


REAL_MAPS = [case for case in MAPS if case.name not in ("complex-valued", "no output")]


@pytest.mark.parametrize("case", REAL_MAPS, ids=str)
def test_right_jacobians(case):
    report = check_jacobian(case.f, case.jacobian, case.x)
    assert report.verdict.shape == case.jacobian(case.x).shape
    assert (report.verdict == RIGHT).all(), report
    assert (report.direction_verdict == RIGHT).all(), report
    np.testing.assert_array_equal(report.value, case.jacobian(case.x))


@pytest.mark.parametrize("vectorized", [False, True])
def test_jacobians_of_many_shapes(vectorized):
    def field(x):
        return np.stack([x[0] * x[1], x[1] ** 3])

    def jacobian(x):
        zero = np.zeros_like(x[0])
        return np.stack([np.stack([x[1], x[0]]), np.stack([zero, 3 * x[1] ** 2])])

    x = np.array([[2.0, 1.0, -3.0], [0.5, 4.0, 1.5]])
    if vectorized:
        report = check_jacobian(field, jacobian, x, vectorized=True)
        assert report.counts == {"right": 12}
        assert report.direction_verdict.shape == (3, 2, 3)
    else:
        report = check_jacobian(
            lambda x: x @ x.T,
            lambda x: np.einsum("ik,jl->ijkl", np.eye(2), x) + np.einsum("jk,il->ijkl", np.eye(2), x),
            x,
        )
        assert report.value.shape == (2, 2, 2, 3)
        assert report.counts == {"right": 24}
        assert report.direction_verdict.shape == (3, 2, 2)


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
def test_shapes_of_x(shape):
    x = np.full(shape, 0.75)
    report = check_gradient(lambda x: np.sum(np.exp(x)), np.exp, x)
    assert np.shape(report.verdict) == np.shape(report.reference) == shape
    assert np.all(report.verdict == RIGHT)
    assert report.worst is None or len(report.worst) == len(shape)
    assert report.components.tolist() == list(range(x.size))


def test_a_jacobian_of_a_scalar_function_and_of_one_variable():
    assert check_jacobian(f, g, X).counts == {"right": 3}
    assert check_jacobian(lambda t: np.array([t, t * t]), lambda t: np.array([1.0, 2 * t]), 3.0).counts == {"right": 2}
    assert check_gradient(lambda x: np.array([f(x)]), g, X).passed  # one value in an array


def test_sparse_jacobians():
    sparse = pytest.importorskip("scipy.sparse")
    report = check_jacobian(lambda x: x**2, lambda x: sparse.diags_array(2 * x, format="csr"), X)
    assert report.counts == {"right": 9}


def test_exact_zeros_are_right():
    x = np.zeros(3)
    assert check_gradient(lambda x: x @ x, lambda x: 2 * x, x).counts == {"right": 3}
    assert check_gradient(lambda x: 7.0, np.zeros_like, x).counts == {"right": 3}
    assert check_gradient(lambda x: 0.0, np.zeros_like, x + 1).counts == {"right": 3}
    assert check_gradient(lambda x: (x - 1) @ (x - 1), lambda x: 2 * (x - 1), x + 1).counts == {"right": 3}


def test_all_floating_point_types():
    report = check_gradient(f, g, X.astype(np.float32))
    assert report.counts == {"right": 3}
    assert report.value.dtype == np.float32
    assert check_gradient(f, g, X.astype(np.longdouble)).counts == {"right": 3}
    assert check_gradient(f, g, np.array([1, 2, 3])).counts == {"right": 3}  # as float64
    for dtype in (np.float32, np.longdouble):
        assert check_gradient(f, changed(g, 1, 1.01), X.astype(dtype)).counts == {"right": 2, "wrong": 1}


def test_float32_code_is_right_to_float32():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(20, 20)).astype(np.float32)
    x = rng.normal(size=20)

    def single(x):
        x = x.astype(np.float32)
        return np.sum(np.tanh(a @ x)) + x @ x

    def gradient(x):
        x = x.astype(np.float32)
        return (1 - np.tanh(a @ x) ** 2) @ a + 2 * x

    def double(x):
        return np.sum(np.tanh(a.astype(float) @ x)) + x @ x

    for dtype in (np.float32, np.float64):
        for function in (single, double):
            right = check_gradient(function, lambda x: gradient(x).astype(dtype), x)  # noqa: B023
            assert right.passed, right
            assert np.isin(right.verdict, (RIGHT, INCONCLUSIVE)).all()
        wrong = check_gradient(double, changed(gradient, 7, 1 + 1e-4), x)
        np.testing.assert_array_equal(np.flatnonzero(wrong.verdict == WRONG), [7])


def test_cancellation_in_the_gradient_is_allowed_for():
    def roundabout(x):
        return 2 * ((1 + x) - 1)  # right to 1e-16 absolute: one part in 1e10 at x = 1e-6

    report = check_gradient(lambda x: np.sum(x * x), roundabout, np.array([1e-6, 3e-6]))
    assert (np.abs(report.value - 2 * np.array([1e-6, 3e-6])) > 1e-17).all()
    assert report.passed, report


def test_a_solver_inside_the_gradient():
    def solve(x):  # Newton's square root, stopped early: relative error 1e-9
        root = 1.0
        for _ in range(4):
            root = (root + x / root) / 2
        return root

    rough = check_gradient(lambda x: np.sum(x**1.5), lambda x: np.array([1.5 * solve(t) for t in x]), [2.0])
    assert rough.passed or abs(rough.value - rough.reference)[0] > 1e-12


# --- what is wrong --------------------------------------------------------------------------------------------------


def test_one_component_of_a_hundred():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(100, 100)) / 10
    x = rng.normal(size=100)

    def smooth(x):
        return 0.5 * np.sum((a @ x) ** 2) + np.sum(np.log1p(x * x))

    def gradient(x):
        return a.T @ (a @ x) + 2 * x / (1 + x * x)

    assert check_gradient(smooth, gradient, x).counts == {"right": 100}
    report = check_gradient(smooth, changed(gradient, 42, 1 + 1e-4), x)
    assert report.counts == {"right": 99, "wrong": 1}
    assert report.worst == (42,)
    assert report.hints == ("only the derivatives by variables 42 are wrong: look for a term with these alone",)
    assert not report.passed


def _quadratic(rng, n):
    a = rng.normal(size=(n, n))
    return lambda x: 0.5 * x @ a @ x + 3, lambda x: 0.5 * (a + a.T) @ x


def _logistic(rng, n):
    z = rng.normal(size=(20, n))
    return lambda x: np.sum(np.log1p(np.exp(-(z @ x)))), lambda x: -z.T @ (1 / (1 + np.exp(z @ x)))


def _network(rng, n):
    w, a = rng.normal(size=(6, n)), rng.normal(size=6)
    return lambda x: a @ np.tanh(w @ x), lambda x: (a * (1 - np.tanh(w @ x) ** 2)) @ w


def _mixture(rng, n):
    c = rng.normal(size=(3, n))

    def parts(x):
        return np.exp(-0.5 * ((x - c) ** 2).sum(axis=1))

    return lambda x: -np.log(parts(x).sum()), lambda x: (parts(x) @ (x - c)) / parts(x).sum()


def _product(rng, n):
    def factors(x):
        return 1.5 + np.sin(x)

    return lambda x: np.prod(factors(x)), lambda x: np.prod(factors(x)) * np.cos(x) / factors(x)


def _scaled(rng, n):
    s = 10.0 ** rng.integers(-6, 7, n)
    b = rng.normal(size=n)

    def gradient(x):
        u = b * x * s
        return b * s * (np.cos(u) + 2 * u)

    return lambda x: np.sum(np.sin(b * (x * s)) + (b * (x * s)) ** 2), gradient, 1 / s


def _powers(rng, n):
    p = rng.uniform(-2, 3, n)
    return lambda x: np.sum(np.abs(x) ** p), lambda x: p * np.abs(x) ** (p - 1) * np.sign(x)


FAMILIES = [_quadratic, _logistic, _network, _mixture, _product, _scaled, _powers]


def draw(rng):
    """A smooth function with its gradient, at a point."""
    n = int(rng.integers(1, 9))
    function, gradient, *size = FAMILIES[rng.integers(len(FAMILIES))](rng, n)
    x = rng.normal(size=n) * (size[0] if size else 1.0)
    return function, gradient, x


def false_alarms(count, seed):
    rng = np.random.default_rng(seed)
    reports = [check_gradient(*draw(rng), seed=k) for k in range(count)]
    open_ = sum(int((report.verdict != RIGHT).sum()) for report in reports)
    return [report for report in reports if not report.passed], open_ / sum(report.verdict.size for report in reports)


def found_mistakes(count, seed):
    rng = np.random.default_rng(seed)
    found = 0
    for k in range(count):
        function, gradient, x = draw(rng)
        at = int(rng.integers(len(x)))
        report = check_gradient(function, changed(gradient, at, 1 + rng.choice([-1, 1]) * 1e-6), x, seed=k)
        others = np.delete(report.verdict, at)
        found += bool(report.verdict[at] == WRONG and not (others == WRONG).any())
    return found


def test_no_false_alarm():
    alarms, open_ = false_alarms(40, 1)
    assert alarms == []
    assert open_ < 0.02


def test_mistakes_of_a_millionth():
    assert found_mistakes(40, 2) >= 39


@pytest.mark.slow
def test_no_false_alarm_in_a_thousand():
    alarms, open_ = false_alarms(1000, 3)
    assert alarms == []
    assert open_ < 0.01


@pytest.mark.slow
def test_a_thousand_mistakes_of_a_millionth():
    assert found_mistakes(1000, 4) >= 990


def test_many_comparisons():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(300, 300)) / 10  # sums of 300 terms: f has more noise than its last bit
    x = rng.normal(size=300)

    def exact(x):
        return (1 - np.tanh(a @ x) ** 2)[:, None] * a

    assert check_jacobian(lambda x: np.tanh(a @ x), exact, x).counts == {"right": 60000, "not checked": 30000}


def test_a_second_look_is_taken_before_anything_is_called_wrong(monkeypatch):
    from fastcalc._checking import reference

    looks = []
    original = reference._differentiate

    def misled(function, z, options):
        """References whose errors are too small in the first look at the components."""
        result = original(function, z, options)
        looks.append(len(z))
        if len(looks) > 1:
            return result
        return dataclasses.replace(result, value=result.value + 1e-3, error=0 * result.value + 1e-12)

    monkeypatch.setattr(reference, "_differentiate", misled)
    report = check_gradient(f, g, X)
    assert looks == [3, 3, 3]  # components, directions, what seemed wrong
    assert report.passed
    assert (report.error >= 1e-3).all()


@pytest.mark.parametrize(
    ("value", "error", "status", "expected"),
    [
        (1.0, 1e-9, 0, RIGHT),
        (1.0 + 1e-6, 1e-9, 0, WRONG),
        (1.0 + 1e-9, 1e-9, 0, RIGHT),
        (1.5, 0.01, 2, WRONG),
        (1.01, 0.01, 2, INCONCLUSIVE),
        (1.0, np.nan, 0, INCONCLUSIVE),
        (1.0, 1e-9, 3, INCONCLUSIVE),  # not converged
        (1.0, 1e-9, 6, Verdict.NOT_SMOOTH),
        (np.nan, 1e-9, 0, WRONG),
        (np.inf, 1e-9, 0, WRONG),
    ],
)
def test_the_rule(value, error, status, expected):
    from fastcalc._checking.reference import Reference
    from fastcalc._checking.verdicts import judge, tolerance

    one = np.ones((1, 1, 1))
    reference = Reference(one, error * one, one, (status * one).astype(np.int8), one * status < 3, 0)
    allowed = tolerance(reference.error, 0 * one, 1)
    assert judge(value * one, reference, allowed, 0 * one, 0.01)[0, 0, 0] == expected
    np.testing.assert_array_equal(allowed, 3 * error)
    assert tolerance(one, one, 1000)[0, 0, 0] == pytest.approx(2 * (3 + np.sqrt(2 * np.log(1000))))


def test_zero_and_as_good_as_zero():
    from fastcalc._checking.reference import Reference
    from fastcalc._checking.verdicts import judge

    one = np.ones((1, 1, 1))
    for value, at, allowed, negligible, expected in [
        (0.0, 0.0, 1.0, 0.0, RIGHT),
        (0.0, 1e-20, 1e-12, 0.0, INCONCLUSIVE),
        (0.0, 1e-20, 1e-12, 1e-11, RIGHT),
        (0.0, 1e-11, 1e-12, 1e-9, WRONG),
    ]:
        reference = Reference(at * one, 0 * one, one, np.zeros(one.shape, np.int8), one > 0, 0)
        assert judge(value * one, reference, allowed * one, negligible * one, 0.01) == expected


JACOBIAN = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])


def linear(x):
    return JACOBIAN @ np.exp(x)


def right(x):
    return JACOBIAN * np.exp(x)


@pytest.mark.parametrize(
    ("gradient", "hint"),
    [
        (lambda x: -g(x), "all components have the opposite sign"),
        (lambda x: 2 * g(x), "all components have a factor of 2 too many"),
        (lambda x: g(x) / 2, "all components have a factor of 2 too few"),
        (lambda x: g(x) * np.pi / 180, "degrees for radians, a factor of 180 / pi too few"),
        (lambda x: g(x) * 1.7, "all components have the same factor, 1.7"),
        (lambda x: np.zeros(3), "the wrong components are 0: they were never assigned, or a term is missing"),
        (lambda x: g(x)[::-1], "the components are permuted: 0 is in place 2, 2 is in place 0"),
        (lambda x: g(x)[[1, 2, 0]], "the components are permuted: 0 is in place 2, 1 is in place 0, 2 is in place 1"),
        (lambda x: g(x) + 0.25 * x, "the difference is 0.25 x: a term c/2 sum(x**2), a regularisation, is in one"),
        (lambda x: g(x) - 3, "all components differ by -3: a term c sum(x) is in one of both only"),
        (lambda x: g(x) * x, "it is the reference times x: the derivative by log(x)"),
        (changed(g, 1, plus=0.125), "only the derivatives by variables 1 are wrong: look for a term with these alone"),
        (changed(g, 1, factor=-1), "the wrong component has the opposite sign"),
        (changed(g, 2, plus=np.nan), "1 of the wrong components are not finite: overflow, or 0 / 0, in the formula"),
    ],
)
def test_hints_for_gradients(gradient, hint):
    x = np.array([0.5, 1.25, 2.0])
    report = check_gradient(f, gradient, x)
    assert not report.passed
    assert hint in " | ".join(report.hints)


@pytest.mark.parametrize(
    ("jacobian", "hint"),
    [
        (lambda x: right(x).T, "it is transposed: exchange its rows and columns"),
        (lambda x: right(x)[[1, 0, 2]], "the rows are permuted: 0 is in place 1, 1 is in place 0"),
        (lambda x: right(x)[:, [0, 2, 1]], "the columns are permuted: 1 is in place 2, 2 is in place 1"),
        (
            lambda x: right(x) * np.array([[1], [1], [3]]),
            "all wrong components are in row 2: look at the derivative of",
        ),
        (lambda x: right(x) * np.array([3, 1, 1]), "all wrong components are in column 0: look at that variable"),
        (lambda x: right(x) / 3, "all components have a factor of 3 too few"),
    ],
)
def test_hints_for_jacobians(jacobian, hint):
    report = check_jacobian(linear, jacobian, np.array([0.1, 0.2, 0.3]))
    assert not report.passed
    assert hint in " | ".join(report.hints)


def test_a_matrix_variable_with_its_gradient_transposed():
    a = np.arange(9.0).reshape(3, 3)
    report = check_gradient(lambda x: np.sum(a * x**2), lambda x: (2 * a * x).T, np.eye(3) + 0.25)
    assert report.hints[0] == "it is transposed: exchange its rows and columns"


def test_the_number_of_variables_as_a_factor():
    report = check_gradient(lambda x: np.mean(x**2), lambda x: 2 * x, np.arange(1.0, 8.0))
    assert report.hints == ("all components have a factor of 7 too many, the number of variables",)
    report = check_gradient(lambda x: np.sum(x**2), lambda x: 2 * x / 7, np.arange(1.0, 8.0))
    assert "a factor of 7 too few, the number of variables: a mean for a sum" in report.hints[0]


# --- what can't be told ---------------------------------------------------------------------------------------------


def rounded(x):
    """A quadratic with noise of 1e-7 that is the same at each call."""
    return np.round(x @ x, 7)


def test_noise():
    x = np.array([1.3, -0.7, 2.1])
    report = check_gradient(rounded, lambda x: 2 * x, x)
    assert (report.verdict == RIGHT).all(), report
    assert report.deterministic
    assert (report.tolerance > 1e-9).all()
    wrong = check_gradient(rounded, changed(lambda x: 2 * x, 2, 1.02), x)
    np.testing.assert_array_equal(wrong.verdict, [RIGHT, RIGHT, WRONG])


def test_noise_that_hides_everything():
    x = np.array([1.3, -0.7, 2.1])
    report = check_gradient(lambda x: x @ x + 3.0 * zlib.crc32(x.tobytes()) / 2**32, lambda x: 2 * x, x)
    assert (report.verdict == INCONCLUSIVE).all(), report
    assert "3 inconclusive: error bars above rtol = 0.01 of the component, for f is noisy or rough" in report.notes


@pytest.mark.parametrize("digits", [1, 2, 3, 5, 8])
def test_values_in_steps(digits):
    x = np.array([1.3, -0.7, 2.1])
    report = check_gradient(lambda x: np.round(x @ x, digits), lambda x: 2 * x, x)
    assert report.passed, report
    assert digits < 3 or (report.verdict == RIGHT).all()


def test_a_dead_branch_is_smooth():
    def kept(x):
        return np.sum(np.maximum(x - 1, 0) ** 2)

    x = np.array([0.5, 0.25, 3.0])
    masked = check_gradient(kept, lambda x: 2 * np.maximum(x - 1, 0), x)
    assert masked.counts == {"right": 3}
    forgotten = check_gradient(kept, lambda x: 2 * (x - 1), x)
    np.testing.assert_array_equal(forgotten.verdict, [WRONG, WRONG, RIGHT])


def test_a_kink():
    x = np.array([1.0, 0.0, -2.0])
    report = check_gradient(lambda x: np.sum(np.abs(x)) + x @ x, lambda x: np.sign(x) + 2 * x, x)
    np.testing.assert_array_equal(report.verdict, [RIGHT, Verdict.NOT_SMOOTH, RIGHT])
    assert report.passed
    assert "1 not smooth" in str(report)
    with pytest.raises(WrongDerivativeError, match="not smooth"):
        report.raise_if_wrong(strict=True)


def test_kinks_beside_x_do_not_make_directions_wrong():
    x, slopes = np.array([-0.677, 1.953, 1.134]), np.array([0.552, -0.279, 0.721])
    at = x - np.array([-1e-11, 1e-13, -1e-15]) * np.abs(x)

    def kinks(x):
        return np.sum(slopes * np.abs(x[:3] - at)) + np.sum(np.sin(x))

    def gradient(x):
        value = np.cos(x)
        value[:3] += slopes * np.sign(x[:3] - at)
        return value

    for seed in (36, 37, 38):
        assert check_gradient(kinks, gradient, x, seed=seed).passed
    more = np.concatenate([x, [0.5, 1.0, 2.0]])
    report = check_gradient(kinks, changed(gradient, 4, plus=0.01), more, components=[0, 1, 2, 3])
    assert report.verdict[4] == WRONG


@pytest.mark.parametrize("seed", range(12))
def test_near_bounds(seed):
    rng = np.random.default_rng(seed)
    function, gradient, x = draw(rng)
    room = 10.0 ** rng.uniform(-6, 0, (2, len(x))) * np.abs(x) * rng.integers(0, 2, (2, len(x)))
    lower, upper = x - room[0], np.where(room[0] + room[1] == 0, np.inf, x + room[1])

    def inside(call):
        def called(y):
            assert (y >= lower).all()
            assert (y <= upper).all()
            return call(y)

        return called

    report = check_gradient(inside(function), inside(gradient), x, bounds=(lower, upper))
    assert report.counts == {"right": len(x)}, report
    wrong = check_gradient(inside(function), changed(inside(gradient), 0, 1 + 1e-6), x, bounds=(lower, upper))
    assert wrong.verdict[0] == WRONG, wrong


def test_noise_between_calls():
    rng = np.random.default_rng(0)

    def noisy(level):
        return lambda x: (x @ x) * (1 + level * rng.normal())

    x = np.array([1.0, 3.0, -2.0])
    bits = check_gradient(noisy(1e-15), lambda x: 2 * x, x)
    assert bits.counts == {"right": 3}
    assert not bits.deterministic
    assert any(note.startswith("f(x) differs from call to call, by up to ") for note in bits.notes)
    wrong = check_gradient(noisy(1e-15), lambda x: -2 * x, x)
    assert wrong.counts == {"wrong": 3}
    lost = check_gradient(noisy(0.1), lambda x: 2 * x, x)
    assert lost.passed
    assert lost.counts == {"f not deterministic": 3}


def test_a_function_that_changes_in_the_end():
    calls = []

    def drifting(x):
        calls.append(1)
        return x @ x + (0.01 if len(calls) > 3 else 0)

    report = check_gradient(drifting, lambda x: 2 * x, X)
    assert not report.deterministic
    assert report.passed


def test_a_gradient_that_is_not_deterministic():
    rng = np.random.default_rng(0)
    report = check_gradient(f, lambda x: g(x) * (1 + 1e-5 * rng.normal(size=3)), X)
    assert report.passed
    assert any("the gradient at x differs from call to call, by up to" in note for note in report.notes)


def test_not_finite():
    with np.errstate(invalid="ignore"):
        report = check_gradient(lambda x: np.sum(np.sqrt(x)), lambda x: 0.5 / np.sqrt(x), np.array([1.0, -1.0, 4.0]))
    assert report.passed
    assert (report.verdict == INCONCLUSIVE).all()
    assert any("f, or x, is not finite where it is needed" in note for note in report.notes)
    assert "nan" in str(report)


def test_variables_without_room():
    report = check_gradient(f, g, X, bounds=([0, 1, 0], [9, 1, 9]))
    np.testing.assert_array_equal(report.verdict, [RIGHT, INCONCLUSIVE, RIGHT])
    assert any("the bounds leave this variable no room" in note for note in report.notes)


def test_exceptions():
    def fails(x):
        if x[1] != 1:
            raise KeyError("no")
        return f(x)

    with pytest.raises(KeyError, match="no"):
        check_gradient(fails, g, X)
    report = check_gradient(fails, g, X, on_error="nan")
    np.testing.assert_array_equal(report.verdict, [RIGHT, INCONCLUSIVE, RIGHT])

    def never_works(x):
        raise KeyError("gradient")

    with pytest.raises(KeyError, match="gradient"):
        check_gradient(f, never_works, X, on_error="nan")


# --- how f and the derivative are called ----------------------------------------------------------------------------


def test_other_arguments():
    def shifted(a, x, b=0.0):
        return np.sum((x - a) ** 3) + b * np.sum(x)

    def gradient(a, x, b=0.0):
        return 3 * (x - a) ** 2 + b

    report = check_gradient(shifted, gradient, X, args=(0.25,), argnum=1, kwargs={"b": 2.0})
    assert report.counts == {"right": 3}
    assert check_gradient(shifted, gradient, X, args=(0.25,), argnum=1, components=[2]).passed


@pytest.mark.parametrize("vectorized", [False, True])
def test_bounds_hold_for_both(vectorized):
    lower, upper = np.array([0.5, 0.9, -np.inf]), np.array([0.7, 1.0, 2.0])
    function = Recorder(lambda x: np.sum(np.exp(x) * x[0], axis=0))

    def exact(x):
        value = np.exp(x) * x[0]
        value[0] += np.sum(np.exp(x), axis=0)
        return value

    gradient = Recorder(exact)
    report = check_gradient(function, gradient, X, bounds=(lower, upper), vectorized=vectorized)
    assert report.counts == {"right": 3}
    for points in (function.array(), gradient.array()):
        assert (points >= lower[:, None]).all()
        assert (points <= upper[:, None]).all()
    assert report.rates.min(axis=0) == pytest.approx([1, 2, 3], abs=0.2)  # the trapezoidal rule


def test_arrays_of_the_caller_are_left_alone():
    def writes(x):
        value = f(x)
        x[:] = np.nan
        return value

    def gradient(x):
        value = g(x)
        x[:] = np.nan
        return value

    x = X.copy()
    assert check_gradient(writes, gradient, x).counts == {"right": 3}
    np.testing.assert_array_equal(x, X)
    kept = []
    check_gradient(f, lambda x: kept.append(x) or g(x), x)
    assert not any(np.may_share_memory(point, x) for point in kept)
    np.testing.assert_array_equal(kept[0], X)


def test_layouts_of_the_derivative():
    assert check_jacobian(linear, lambda x: np.asfortranarray(right(x)), X).passed
    assert check_jacobian(linear, lambda x: right(x).tolist(), X).passed
    assert check_gradient(f, lambda x: np.repeat(g(x), 2)[::2], X[::-1]).passed
    buffer = np.empty(3)

    def reuses(x):
        buffer[:] = g(x)
        return buffer

    assert check_gradient(f, reuses, X).passed


@pytest.mark.parametrize("vectorized", [False, True])
def test_evaluations_are_counted(vectorized):
    function = Recorder(lambda x: np.sum(np.exp(x), axis=0))
    gradient = Recorder(changed(np.exp, 0, 2.0))
    report = check_gradient(function, gradient, X, vectorized=vectorized)
    points = (recorder.array().shape[1] if vectorized else recorder.calls for recorder in (function, gradient))
    assert (report.evaluations, report.derivative_evaluations) == tuple(points)


def test_scale_and_noise_are_used():
    tiny = np.array([1e-9, -3e-9])
    assert check_gradient(lambda x: np.sum(np.cos(x)), lambda x: -np.sin(x), tiny, scale=1.0).passed
    assert check_gradient(rounded, lambda x: 2 * x, X, noise=1e-7).counts == {"right": 3}


# --- large problems -------------------------------------------------------------------------------------------------

N = 1000


def chain(x):
    return np.sum(np.sin(x)) + np.sum(x[1:] * x[:-1], axis=0)


def chain_gradient(x):
    gradient = np.cos(x)
    gradient[:-1] += x[1:]
    gradient[1:] += x[:-1]
    return gradient


LONG = np.random.default_rng(5).normal(size=N)


def test_many_variables_are_sampled():
    report = check_gradient(chain, chain_gradient, LONG)
    assert report.counts == {"right": 200, "not checked": 800}
    assert len(report.components) == 200
    np.testing.assert_array_equal(np.flatnonzero(report.verdict == RIGHT), report.components)
    assert np.isnan(report.reference[report.verdict == Verdict.NOT_CHECKED]).all()
    assert "200 of 1000 variables checked one by one, all along the directions" in report.notes
    assert report.evaluations < 40 * 200
    again = check_gradient(chain, chain_gradient, LONG, seed=np.random.default_rng(0))
    np.testing.assert_array_equal(again.components, report.components)
    other = check_gradient(chain, chain_gradient, LONG, seed=1)
    assert (other.components != report.components).any()


@pytest.mark.parametrize("index", [0, 517, 999])
def test_a_mistake_outside_the_sample_is_searched_for(index):
    report = check_gradient(chain, changed(chain_gradient, index, plus=1e-3), LONG, components=[3, 4])
    assert report.components.tolist() == sorted({3, 4, index})
    assert report.verdict[index] == WRONG
    assert (report.direction_verdict == WRONG).any()
    assert report.worst == (index,)


def test_mistakes_that_cancel_one_another_less_than_they_are_many():
    report = check_gradient(chain, lambda x: chain_gradient(x) + 1e-6, LONG, components=[3])
    assert not report.passed
    assert "wrong along" in str(report)


def test_components_by_number_and_by_index():
    one = check_gradient(f, g, X, components=[-1])
    np.testing.assert_array_equal(one.verdict, [Verdict.NOT_CHECKED, Verdict.NOT_CHECKED, RIGHT])
    assert check_gradient(f, g, X, components=2).counts == {"right": 2, "not checked": 1}
    assert check_gradient(f, g, X, components=99).counts == {"right": 3}
    grid = check_gradient(np.sum, np.ones_like, np.ones((2, 3)), components=np.array([1, 5]))
    np.testing.assert_array_equal(np.argwhere(grid.verdict == RIGHT), [[0, 1], [1, 2]])
    columns = check_jacobian(linear, right, X, components=[1])
    np.testing.assert_array_equal(columns.verdict == RIGHT, [[False, True, False]] * 3)
    batch = np.stack([X, X + 1], axis=1)
    lanes = check_gradient(
        lambda x: np.sum(x**3, axis=0), changed(lambda x: 3 * x**2, (1, 1), 2.0), batch, components=[1], vectorized=True
    )
    np.testing.assert_array_equal(lanes.verdict, [[5, 5], [0, 1], [5, 5]])


def test_only_what_is_asked_for_is_displaced_one_by_one():
    function = Recorder(chain)
    check_gradient(function, chain_gradient, LONG, components=[17])
    alone = [point for point in function.points if (point != LONG).sum() == 1]
    assert len(alone) > 4
    assert all(point[17] != LONG[17] for point in alone)


class FakeBar:
    log: list

    def __init__(self, total, **kwargs):
        self.log = [total]
        FakeBar.last = self

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.log.append("end")

    def update(self, count):
        self.log.append(count)


def test_progress(monkeypatch):
    module = types.ModuleType("tqdm.auto")
    module.tqdm = FakeBar
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    FakeBar.last = None
    plain = check_gradient(chain, chain_gradient, LONG)
    assert FakeBar.last is None  # not a long one
    shown = check_gradient(chain, chain_gradient, LONG, progress=True)
    total, *steps, end = FakeBar.last.log
    assert (total, sum(steps), len(steps), end) == (200, 200, 100, "end")
    np.testing.assert_array_equal(shown.reference, plain.reference)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.delitem(sys.modules, "tqdm.auto")
    assert check_gradient(chain, chain_gradient, LONG, progress=True).passed  # silent


# --- the report -----------------------------------------------------------------------------------------------------


def test_rates():
    report = check_gradient(f, g, X)
    assert report.rates.shape == (3, 3)
    np.testing.assert_allclose(report.rates, np.broadcast_to([1, 2, 3], (3, 3)), atol=0.15)
    assert report.remainders.shape == (3, 3, len(report.steps))
    np.testing.assert_array_equal(report.steps[:-1] / report.steps[1:], 2)
    wrong = check_gradient(f, lambda x: 2 * g(x), X, directions=5)
    np.testing.assert_allclose(wrong.rates, np.ones((5, 3)), atol=0.15)
    line = check_gradient(lambda x: 3.0 * x[0] - 2.0 * x[1], lambda x: np.array([3.0, -2.0]), np.array([1.0, 5.0]))
    assert np.isinf(line.rates[:, 1:]).all()
    assert "rounding" in str(line)


def test_text():
    report = check_gradient(f, changed(g, 1, 1.5), X)
    lines = str(report).splitlines()
    assert lines[0] == "gradient wrong: 2 right, 1 wrong, wrong along 3 of 3 random directions"
    assert lines[1].split() == ["component", "gradient", "reference", "error", "bar", "difference", "verdict"]
    assert lines[2].split()[0] == "1"
    assert lines[2].endswith("wrong")
    assert lines[-1] == f"evaluations: {report.evaluations} of f, {report.derivative_evaluations} of the gradient"
    assert "hint: only the derivatives by variables 1 are wrong" in str(report)
    many = str(check_jacobian(linear, right, X)).splitlines()
    assert many[0] == "jacobian right: 9 right"
    assert re.match(r" +\(\d, \d\) ", many[2])


def test_html():
    html = check_gradient(f, changed(g, 1, 1.5), X)._repr_html_()
    assert html.startswith("<p>gradient wrong: 2 right, 1 wrong")
    assert html.count("<tr>") == 1 + 3 + 3
    assert "<td>wrong</td>" in html
    assert "&lt;" not in html
    assert "<" in check_gradient(f, g, X)._repr_html_()


def test_raise_if_wrong():
    check_gradient(f, g, X).raise_if_wrong()
    check_gradient(f, g, X).raise_if_wrong(strict=True)
    report = check_gradient(f, changed(g, 1, 1.5), X)
    with pytest.raises(WrongDerivativeError, match="gradient wrong: 2 right, 1 wrong") as caught:
        report.raise_if_wrong()
    assert isinstance(caught.value, AssertionError)
    assert caught.value.report is report
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(report)
    assert isinstance(again.report, GradientReport)


def test_reports_are_the_same_each_time():
    first, second = (check_gradient(f, g, X) for _ in range(2))
    np.testing.assert_array_equal(first.remainders, second.remainders)
    np.testing.assert_array_equal(first.tolerance, second.tolerance)
    assert repr(first) == repr(second)


def test_plot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    report = check_gradient(f, g, X, directions=2)
    axes = report.plot()
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert len(axes.get_lines()) == 3 * (2 + 1)
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), report.remainders[0, 0])
    assert [text.get_text() for text in axes.get_legend().get_texts()][1] == "less t g v, expected rate 2"
    _, own = pyplot.subplots()
    assert check_gradient(lambda x: 0.0, np.zeros_like, X).plot(own) is own  # nothing above zero
    pyplot.close("all")


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="a plot needs matplotlib: pip install matplotlib"):
        check_gradient(f, g, X).plot()


# --- messages -------------------------------------------------------------------------------------------------------


def never(*args, **kwargs):
    raise AssertionError("called")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"f": 3}, TypeError, "`f` must be callable; got 3: pass the function itself, not its value"),
        (
            {"gradient": X},
            TypeError,
            "`gradient` must be callable; got array([0.5, 1. , 2. ]): pass the function itself",
        ),
        ({"x": X + 1j}, TypeError, "`x` must be real; got dtype complex128: give its real part"),
        ({"x": []}, ValueError, "`x` must have at least one component; got shape (0,): there is nothing to check"),
        ({"x": ["a"]}, TypeError, "`x` must hold real or complex numbers; got dtype <U1"),
        ({"method": "central"}, TypeError, "unknown option 'method': the options are components, seed, rtol, dir"),
        (
            {"step": 1e-3},
            TypeError,
            "noise, args, kwargs, argnum, vectorized, workers, on_error; the reference chooses its steps",
        ),
        ({"scale": -1}, ValueError, "`scale` must be positive and finite; got -1: give sizes, without sign"),
        ({"noise": -1.0}, ValueError, "`noise` must be a finite number of at least 0; got -1.0"),
        ({"bounds": (1, 9)}, ValueError, "x must be inside `bounds`; got 0.5 for variable 0"),
        ({"args": 3}, TypeError, "`args` must be a tuple of the other arguments of f; got 3"),
        ({"argnum": 1}, TypeError, "x is argument number 1 (`argnum`)"),
        ({"vectorized": "yes"}, TypeError, "`vectorized` must be True or False; got 'yes'"),
        ({"components": 0}, ValueError, "`components` must be at least 1; got 0: give a number of variables, or their"),
        ({"components": 1.5}, TypeError, "`components` must be an integer; got 1.5 of type float"),
        ({"components": []}, TypeError, "`components` must be a number, or one axis of integers; got []: indices into"),
        ({"components": np.zeros(0, int)}, ValueError, "`components` must name at least one variable; got none"),
        ({"components": [[1]]}, TypeError, "`components` must be a number, or one axis of integers; got [[1]]"),
        ({"components": [True, False, True]}, TypeError, "as np.flatnonzero(mask) gives them"),
        ({"components": [1, 3]}, ValueError, "`components` must be between 0 and 2 for 3 variables; got 3"),
        ({"directions": 0}, ValueError, "`directions` must be between 1 and 1000; got 0: each checks all variables"),
        ({"rtol": 0}, ValueError, "`rtol` must be positive and finite; got 0"),
        ({"rtol": 2.0}, ValueError, "`rtol` must be one number between 0 and 1; got 2.0: it is relative to each"),
        ({"rtol": [0.1, 0.2]}, ValueError, "`rtol` must be one number between 0 and 1; got [0.1, 0.2]"),
        ({"seed": -1}, ValueError, "`seed` must be a non-negative integer, a numpy.random.Generator or None; got -1"),
        ({"seed": "a"}, TypeError, "`seed` must be a non-negative integer, a numpy.random.Generator or None; got 'a'"),
        ({"progress": 1}, TypeError, "`progress` must be True or False; got 1"),
    ],
)
def test_arguments_are_checked_before_f_runs(change, error, message):
    arguments = {"f": never, "gradient": never, "x": X} | change
    with pytest.raises(error, match=re.escape(message)):
        check_gradient(**arguments)


def test_callable_jacobian():
    with pytest.raises(TypeError, match=re.escape("`jacobian` must be callable; got None: pass the function itself")):
        check_jacobian(never, None, X)


@pytest.mark.parametrize(
    ("check", "function", "derivative", "options", "error", "message"),
    [
        (
            check_gradient,
            f,
            lambda x: g(x)[None],
            {},
            ValueError,
            "`gradient` must return the shape of its points, (3,); got shape (1, 3): reshape it",
        ),
        (check_gradient, f, lambda x: g(x)[:2], {}, ValueError, "(3,); got shape (2,): one entry per variable"),
        (check_gradient, f, lambda x: None, {}, TypeError, "`gradient(x)` must hold numbers; got None"),
        (check_gradient, f, lambda x: g(x) + 0j, {}, TypeError, "`gradient(x)` must be real; got dtype complex128"),
        (check_gradient, f, lambda x: "abc", {}, TypeError, "`gradient(x)` must hold real or complex numbers; got"),
        (check_gradient, linear, right, {}, ValueError, "`f` must return a scalar for a gradient"),
        (check_gradient, lambda x: 1j * f(x), g, {}, TypeError, "`f` must return real numbers here; got dtype compl"),
        (
            check_gradient,
            lambda x: np.sum(x * x, axis=0),
            lambda x: 2 * x[:, 0],
            {"vectorized": True},
            ValueError,
            "`gradient` must return the shape of its points, points being columns (n, k), (3, 1); got shape (3,)",
        ),
        (
            check_jacobian,
            lambda x: linear(x)[:2],
            lambda x: right(x)[:2].T,
            {},
            ValueError,
            "shape f(x).shape + x.shape, (2, 3); got shape (3, 2): it looks transposed, outputs of f come first",
        ),
        (
            check_jacobian,
            f,
            lambda x: g(x)[None],
            {},
            ValueError,
            "(3,); got shape (1, 3): f returns a scalar, so this",
        ),
        (
            check_jacobian,
            linear,
            lambda x: right(x)[:2],
            {},
            ValueError,
            "`jacobian` must return shape f(x).shape + x.shape, (3, 3); got shape (2, 3): one entry per output and var",
        ),
        (check_jacobian, lambda x: x[:0], never, {}, ValueError, "`f` must return at least one number; got shape (0,)"),
        (check_jacobian, linear, lambda x: right(x).ravel(), {}, ValueError, "(3, 3); got shape (9,): reshape it"),
    ],
)
def test_what_functions_return_is_checked(check, function, derivative, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        check(function, derivative, X, **options)


def test_public_names():
    assert fc.check_gradient is check_gradient
    assert fc.check_jacobian is check_jacobian
    assert fc.GradientReport is GradientReport
    assert issubclass(WrongDerivativeError, AssertionError)
    assert [str(verdict) for verdict in Verdict] == [
        "right",
        "wrong",
        "difference inconclusive",
        "not smooth",
        "f not deterministic",
        "not checked",
    ]
