"""Steps: the rule, what the user fixes, what floating-point numbers allow, and when a difference is taken again."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcalc as fc
from tests.cases import EPS
from tests.reference import Recorder


def steps(f, x, **options):
    return fc.gradient(f, x, full_output=True, **options).step


ORDERS = [
    ("central", 2, 1 / 3),
    ("central", 4, 1 / 5),
    ("forward", 1, 1 / 2),
    ("forward", 2, 1 / 3),
    ("backward", 3, 1 / 4),
]


@pytest.mark.parametrize(("method", "accuracy", "power"), ORDERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("vectorized", [False, True])
def test_default_rule(method, accuracy, power, dtype, vectorized):
    x = np.array([1.0, -3.0, 0.0, 1e5, -2e-3], dtype)
    eps = np.finfo(dtype).eps
    h = steps(lambda x: x.sum(axis=0), x, method=method, accuracy=accuracy, vectorized=vectorized)
    size = np.where(x == 0, 1, np.abs(x))
    assert h.dtype == dtype
    # rounded to the spacing of x + far * h
    np.testing.assert_allclose(h, eps**power * size, rtol=float(4 * eps ** (1 - power)))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 10])
@pytest.mark.parametrize(("method", "accuracy"), [("central", 2), ("central", 6), ("forward", 1)])
def test_default_rule_of_the_nth_derivative(n, method, accuracy):
    for x in (1.0, -40.0, 0.0):
        h = fc.derivative(np.sin, x, n, method=method, accuracy=accuracy, full_output=True).step
        assert h == pytest.approx(EPS ** (1 / (n + accuracy)) * (abs(x) or 1), rel=1e-6)


@pytest.mark.parametrize("accuracy", [2, 4])
def test_default_rule_of_a_hessian(accuracy):
    x = np.array([1.0, -4.0, 0.0])
    result = fc.hessian(lambda x: (x * x).sum(), x, accuracy=accuracy, full_output=True)
    h = EPS ** (1 / (2 + accuracy)) * np.array([1.0, 4.0, 1.0])
    np.testing.assert_allclose(result.step, np.sqrt(np.outer(h, h)), rtol=1e-6)


def test_default_rule_at_complex_points():
    z = np.array([3 + 4j, 1j, 0, -2])
    np.testing.assert_allclose(steps(np.sum, z), EPS ** (1 / 3) * np.array([5, 1, 1, 2]), rtol=1e-9)


@given(
    x=st.floats(-1e300, 1e300, allow_subnormal=True),
    stencil=st.sampled_from([("central", 2), ("central", 4), ("forward", 1), ("forward", 2), ("backward", 3)]),
    exponent=st.one_of(st.none(), st.integers(-40, 5)),
)
def test_displaced_points_are_exact_and_distinct(x, stencil, exponent):
    method, accuracy = stencil
    step = None if exponent is None or abs(x) < 1e-290 else 2.0**exponent * abs(x)
    f = Recorder(lambda t: 0.25 * t)
    result = fc.derivative(f, x, method=method, accuracy=accuracy, step=step, full_output=True)
    points = [float(p) for p in f.points if np.isfinite(p)]
    half = len(points) // (2 if result.evaluations > {"central": accuracy}.get(method, accuracy + 1) else 1)
    assert len(set(points[:half])) == half
    if np.isfinite(result.value):
        # a quarter of x is exact unless it is subnormal: any error is that of the distances
        assert result.value == pytest.approx(0.25, rel=20 * EPS, abs=0) or abs(x) < 1e-290


def test_step_is_absolute_and_per_variable():
    x = np.array([1.0, 100.0, 0.0])
    np.testing.assert_array_equal(steps(np.sum, x, step=0.5), [0.5] * 3)
    np.testing.assert_array_equal(steps(np.sum, x, step=[0.5, 4.0, 2.0**-20]), [0.5, 4.0, 2.0**-20])
    f = Recorder(np.sum)
    fc.gradient(f, x, step=[0.5, 4.0, 0.25])
    moved = [tuple(p - x) for p in f.points]
    assert sorted(moved) == sorted(
        tuple(row) for row in np.concatenate([np.diag([0.5, 4, 0.25]), -np.diag([0.5, 4, 0.25])])
    )


def test_step_of_a_matrix_and_of_its_rows():
    x = np.ones((2, 3))
    h = 2.0 ** -np.arange(1, 7).reshape(2, 3)
    np.testing.assert_array_equal(steps(np.sum, x, step=h), h)
    np.testing.assert_array_equal(steps(np.sum, x, step=[0.5, 0.25]), [[0.5] * 3, [0.25] * 3])


def test_step_and_scale_of_a_batch_align_with_the_first_axis():
    x = np.ones((3, 4, 2))

    def f(x):
        return x.sum(axis=0)

    h = np.array([0.5, 0.25, 0.125])
    np.testing.assert_array_equal(steps(f, x, step=h, vectorized=True), np.broadcast_to(h[:, None, None], x.shape))
    scaled = steps(f, x, scale=1 / h, vectorized=True)
    np.testing.assert_allclose(scaled, np.broadcast_to(EPS ** (1 / 3) / h[:, None, None], x.shape), rtol=1e-9)
    whole = np.linspace(1, 2, 24).reshape(3, 4, 2).round(2)
    np.testing.assert_allclose(steps(f, x, step=whole, vectorized=True), whole, rtol=EPS)
    # a square batch: (n,) is still one per variable
    square = np.ones((3, 3))
    np.testing.assert_array_equal(steps(f, square, step=h, vectorized=True), np.broadcast_to(h[:, None], (3, 3)))


def test_step_of_derivatives_at_many_points():
    x = np.array([1.0, 2.0, 3.0])
    h = fc.derivative(np.sin, x, method="central", step=[0.5, 0.25, 0.125], full_output=True).step
    np.testing.assert_array_equal(h, [0.5, 0.25, 0.125])


def test_scale_raises_small_steps_only():
    x = np.array([1e-12, 1e-3, 50.0, 0.0])
    h = steps(np.sum, x, scale=[1.0, 1e-3, 10.0, 0.5])
    np.testing.assert_allclose(h, EPS ** (1 / 3) * np.array([1.0, 1e-3, 50.0, 0.5]), rtol=1e-6)


def test_step_option_wins_over_scale():
    np.testing.assert_array_equal(steps(np.sum, [1.0, 2.0], step=0.5, scale=1e6), [0.5, 0.5])


def test_scale_makes_a_huge_step_of_a_small_x():
    # x**2 at 1e-30 with a typical size of 1: the step is much larger than x
    result = fc.gradient(lambda x: x * x, 1e-30, scale=1.0, full_output=True)
    assert result.step == pytest.approx(EPS ** (1 / 3), rel=1e-9)
    assert result.evaluations == 2


# --- what floats allow ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [1.0, 0.1, 1 / 3, 7e8, 1e-4, 123456.789])
@pytest.mark.parametrize("step", [1e-3, 1e-5, 0.7e-7])
def test_steps_are_what_the_points_really_have(x, step):
    f = Recorder(np.sin)
    h = fc.derivative(f, x, method="forward", accuracy=1, step=step, full_output=True).step
    assert h == f.points[1] - f.points[0]
    assert abs(h - step) <= np.spacing(x)


@pytest.mark.parametrize("x", [0.7, 1 - 1e-3, 1 - 1e-5, -2 + 1e-3, 0.1, 3e7 / 7])
@pytest.mark.parametrize(
    ("n", "method", "accuracy"),
    [(2, "central", 2), (2, "central", 6), (2, "forward", 3), (4, "backward", 2), (3, "central", 4), (1, "forward", 1)],
)
def test_points_are_whole_multiples_of_the_step_away(x, n, method, accuracy):
    f = Recorder(np.sin)
    step = 1e-3 / 3 * abs(x)
    h = fc.derivative(f, x, n, method=method, accuracy=accuracy, step=step, full_output=True).step
    for p in f.points:
        k = round((p - x) / h)
        missed = abs(Fraction(float(p)) - Fraction(x) - k * Fraction(float(h)))
        # exact, but for half an ulp beyond a power of 2, where x itself is no float of that spacing
        assert missed <= (np.spacing(abs(p)) / 2 if np.spacing(abs(p)) > np.spacing(abs(x)) else 0)


def test_float32_functions_of_float64_points():
    calls = Recorder(lambda x: np.float32((x * x).sum()))
    x = np.array([1.0, 3.0])
    result = fc.gradient(calls, x, full_output=True)
    eps = float(np.finfo(np.float32).eps)
    np.testing.assert_allclose(result.step, eps ** (1 / 3) * x, rtol=1e-6)
    assert result.value.dtype == np.float64
    # one call finds out, then the 2n
    assert calls.calls == result.evaluations == 5
    np.testing.assert_allclose(result.value, 2 * x, rtol=10 * eps ** (2 / 3))
    # much closer than with steps of float64, where one ulp of 10 moves the result by 0.1
    assert fc.gradient(lambda x: np.float32((x * x).sum()), x, step=6e-6)[0] != pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("operator", [fc.gradient, fc.jacobian, fc.hessian])
def test_float32_functions_cost_one_call_more(vectorized, operator):
    for dtype in (np.float32, np.float16, np.complex64):
        f = Recorder(lambda x: (x[0] * x[1]).astype(dtype))  # noqa: B023
        g = Recorder(lambda x: x[0] * x[1])
        x = np.array([1.5, 2.0])
        operator(f, x, vectorized=vectorized)
        operator(g, x, vectorized=vectorized)
        assert f.calls == g.calls + 1


def test_an_operator_remembers_the_precision_of_f():
    f = Recorder(lambda x: np.float32((x * x).sum()))
    gradient = fc.Gradient(f)
    first = gradient([1.0, 3.0])
    f.points.clear()
    np.testing.assert_array_equal(gradient([1.0, 3.0]), first)
    assert f.calls <= 5


def test_an_operator_notices_that_f_became_finer_or_coarser():
    kind = [np.float32]
    gradient = fc.Gradient(lambda x: kind[0]((x * x).sum()))
    x = np.array([1.0, 3.0])
    expected = {k: fc.gradient(lambda x, k=k: k((x * x).sum()), x) for k in (np.float32, np.float64)}
    for k in (np.float32, np.float64, np.float64, np.float32, np.float32, np.float64):
        kind[0] = k
        np.testing.assert_array_equal(gradient(x), expected[k])


def test_python_floats_have_the_precision_of_x():
    f = Recorder(lambda x: float((x * x).sum()))
    x = np.array([1.0, 3.0], np.float32)
    result = fc.gradient(f, x, full_output=True)
    assert f.calls == 4
    assert result.value.dtype == np.float32
    assert fc.gradient(lambda x: 1, x).dtype == np.float32
    assert fc.gradient(lambda x: 1.5j, x).dtype == np.complex64


def test_wide_values_of_narrow_points():
    x = np.array([1.0, 3.0], np.float32)
    result = fc.gradient(lambda x: np.float64((x.astype(float) ** 2).sum()), x, full_output=True)
    assert result.value.dtype == np.float64
    np.testing.assert_allclose(result.step, np.finfo(np.float32).eps ** (1 / 3) * x, rtol=1e-2)
    np.testing.assert_allclose(result.value, 2 * x, rtol=1e-5)  # squares: exact but for the rounding of the points


def test_longdouble_uses_its_precision():
    x = np.longdouble(1) / 3
    eps = np.finfo(np.longdouble).eps
    value = fc.derivative(np.exp, x, accuracy=4)
    assert value.dtype == np.longdouble
    assert abs(value - np.exp(x)) <= 20 * eps ** np.longdouble(0.8)


# --- sizes that cannot be told from x ------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [1e-6, 1e-10, 1e-30, 1e-300, 5e-324, -1e-10])
@pytest.mark.parametrize("method", ["central", "forward", "backward"])
@pytest.mark.parametrize("vectorized", [False, True])
def test_a_tiny_x_that_is_a_zero(x, method, vectorized):
    # 1 + sin(x): the difference over a step of 1e-5 * abs(x) is nothing but rounding
    result = fc.gradient(
        lambda x: 1 + np.sin(x[0]), np.array([x]), method=method, vectorized=vectorized, full_output=True
    )
    np.testing.assert_allclose(result.value, [1], rtol=100 * EPS ** (2 / 3))
    np.testing.assert_allclose(result.step, EPS ** (1 / 3), rtol=1e-3)
    assert result.evaluations <= 6


@pytest.mark.parametrize("x", [1e-6, 1e-10, 1e-100])
def test_a_tiny_x_that_is_no_zero(x):
    f = Recorder(np.log)
    result = fc.gradient(f, x, full_output=True)
    assert result.value == pytest.approx(1 / x, rel=1e-9)
    assert result.step == pytest.approx(EPS ** (1 / 3) * x, rel=1e-6)
    assert f.calls == 2


def test_a_poor_result_is_kept_where_a_wider_step_contradicts_it():
    # a thousandth of the digits are left at the step of x; the step for size 1 strides over a thousand waves
    result = fc.gradient(lambda t: 1 + 1e-5 * np.sin(t / 1e-8), 1e-9, full_output=True)
    assert result.evaluations == 4
    assert result.value == pytest.approx(1e3 * np.cos(0.1), abs=0.2)  # an ulp of 1 over 6e-15
    assert result.step == pytest.approx(EPS ** (1 / 3) * 1e-9, rel=1e-3)


def test_a_tiny_x_is_not_retaken_where_its_size_is_given():
    f = Recorder(lambda t: 1 + np.sin(t))
    for options in ({"scale": 1e-10}, {"step": 1e-16}):
        f.points.clear()
        fc.gradient(f, 1e-10, **options)
        assert f.calls == 2
        assert all(abs(p) < 2e-10 for p in f.points)


def test_retaking_one_component_leaves_the_others():
    f = Recorder(lambda x: 1 + np.sin(x[0]) + np.log(x[1]) + x[2] ** 2)
    x = np.array([1e-9, 1e-9, 2.0])
    result = fc.gradient(f, x, full_output=True)
    # the first is retaken; the second is log and large, the third no question
    np.testing.assert_allclose(result.value, [1, 1e9, 4], rtol=1e-7)
    assert f.calls == result.evaluations == 8


def test_retaking_in_a_batch_leaves_the_other_lanes():
    x = np.array([[1e-9, 0.5, 1e-9, 3.0], [1.0, 1.0, 1e-8, 2.0]])

    def f(x):
        return 1 + np.sin(x[0]) + x[1] ** 2

    result = fc.gradient(f, x, vectorized=True, full_output=True)
    np.testing.assert_allclose(result.value, [np.cos(x[0]), 2 * x[1]], rtol=1e-8, atol=1e-9)
    for k in range(4):
        single = fc.gradient(f, x[:, [k]], vectorized=True)
        np.testing.assert_array_equal(result.value[:, [k]], single)


def test_retaking_in_a_hessian():
    x = np.array([1e-9, 2.0])
    h = fc.hessian(lambda x: 1 + np.cos(x[0]) + x[0] * x[1] ** 2, x, full_output=True)
    np.testing.assert_allclose(h.value, [[-1, 4], [4, 2e-9]], atol=1e-5)
    np.testing.assert_array_equal(h.value, h.value.T)
    np.testing.assert_array_equal(h.step, h.step.T)


def test_retaking_in_a_jacobian_goes_row_by_row():
    x = np.array([1e-9])
    value = fc.jacobian(lambda x: np.array([1 + np.sin(x[0]), np.log(x[0]), 5.0]), x)
    np.testing.assert_allclose(value[:, 0], [1, 1e9, 0], rtol=1e-9)


@pytest.mark.parametrize("name", ["step", "scale"])
def test_options_that_float32_cannot_hold(name):
    x = np.ones(2, np.float32)
    if name == "step":
        with pytest.raises(ValueError, match="`step` must"):
            fc.gradient(np.sum, x, step=1e-300)
    result = fc.gradient(np.sum, x, full_output=True, **{name: 1e300})
    assert (result.status == fc.Status.NON_FINITE).all()
    assert np.isnan(result.value).all()


def test_huge_x():
    assert fc.gradient(lambda t: t * t, 1e20) == pytest.approx(2e20, rel=1e-9)
    assert fc.gradient(lambda t: 2 * t, 1e300) == pytest.approx(2, rel=1e-9)
    result = fc.gradient(lambda t: t, np.finfo(float).max, full_output=True)
    assert result.status == fc.Status.NON_FINITE  # x + h overflows
    assert not result.success


def test_badly_scaled_variables_have_their_own_steps():
    x = np.array([1e-9, 1e9, 1.0, -1e-4])
    np.testing.assert_allclose(steps(lambda x: np.log(np.abs(x)).sum(), x), EPS ** (1 / 3) * np.abs(x), rtol=1e-6)
    np.testing.assert_allclose(fc.gradient(lambda x: np.log(np.abs(x)).sum(), x), 1 / x, rtol=1e-8)


def test_fast_functions_of_large_arguments_need_the_step_option():
    # sin at 1e10: no rule can guess the wavelength, the user can
    value = fc.derivative(np.sin, 1e10, step=1e-3)
    assert value == pytest.approx(np.cos(1e10), abs=1e-2)  # the points are 2e-6 apart
