"""What f may do with the memory it gets and gives, and how it is called: nothing of it changes a result."""

import sys
import warnings

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._functions.vectorized import VectorizedFunction
from tests.reference import Recorder

X = np.array([0.5, -2.0, 3.0])


def scalar(x):
    return np.sin(x).sum() + x[0] * x[1] * x[2]


def several(x):
    return np.stack([np.sin(x[0]) * x[1], x[1] * x[2], x[0] + x[2] ** 2])


def scribble(x):
    x[...] = np.nan


def reverse(x):
    x[...] = x[::-1].copy()


def freeze(x):
    x.flags.writeable = False


def flatten_out(x):
    with warnings.catch_warnings():  # deprecated since NumPy 2.5, and still done
        warnings.simplefilter("ignore", DeprecationWarning)
        x.shape = (x.size, 1, 1)


def reinterpret(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        x.dtype = np.uint8


def shrink(x):
    x.resize((1,) * x.ndim, refcheck=False)


def grow(x):
    x.resize((50 * x.shape[0], *x.shape[1:]), refcheck=False)


def sort(x):
    x.sort(axis=0)


MISDEEDS = [scribble, reverse, freeze, flatten_out, reinterpret, shrink, grow, sort]


def misbehaving(f, misdeed):
    def g(x):
        value = f(x.copy())
        misdeed(x)
        return value

    return g


OPERATORS = [
    (fc.gradient, scalar),
    (fc.jacobian, several),
    (fc.hessian, scalar),
    (fc.value_and_gradient, scalar),
]


def equal(a, b):
    if isinstance(a, tuple):
        assert a[0] == b[0]
        a, b = a[1], b[1]
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("misdeed", MISDEEDS, ids=lambda m: m.__name__)
@pytest.mark.parametrize(("operator", "f"), OPERATORS)
@pytest.mark.parametrize("method", ["central", "forward"])
def test_f_may_do_anything_to_its_argument(misdeed, operator, f, method):
    x = X.copy()
    equal(operator(misbehaving(f, misdeed), x, method=method), operator(f, X, method=method))
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("misdeed", [m for m in MISDEEDS if m not in (shrink, grow)], ids=lambda m: m.__name__)
@pytest.mark.parametrize(("operator", "f"), OPERATORS)
def test_a_vectorised_f_may_do_anything_to_its_block(misdeed, operator, f):
    def plain(x):
        # sums over rows in one order, whatever the shape
        return np.sin(x[0]) + x[0] * x[1] * x[2] if f is scalar else several(x)

    x = X.copy()
    wild = operator(misbehaving(plain, misdeed), x, vectorized=True)
    equal(wild, operator(plain, X, vectorized=True))
    np.testing.assert_array_equal(x, X)


def memoised(f):
    """By reference: it compares with the arrays it was given, and finds them all equal if they are one and the same."""
    seen = []

    def g(x):
        for point, value in seen:
            if np.array_equal(point, x):
                return value
        value = f(x)
        seen.append((x, value))
        return value

    g.seen = seen
    return g


@pytest.mark.parametrize(("operator", "f"), OPERATORS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_f_may_keep_its_argument(operator, f, vectorized):
    def plain(x):
        return np.sin(x[0]) + x[0] * x[1] * x[2] if f is scalar else several(x)

    wild = memoised(plain)
    points = Recorder(plain)
    expected = operator(points, X, vectorized=vectorized)
    equal(operator(wild, X, vectorized=vectorized), expected)
    # all points are still what they were
    for (point, _), expected_point in zip(wild.seen, points.points, strict=True):
        np.testing.assert_array_equal(point, expected_point)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[1:],
        lambda x: x.T,
        lambda x: x.reshape(-1)[::2],
        lambda x: memoryview(x),
        lambda x: np.nditer(x),
        lambda x: x.flat,
        lambda x: lambda: x,
        lambda x: {"nested": [x]},
        lambda x: x.view(np.uint8),
        lambda x: np.asarray(x.data),
    ],
)
@pytest.mark.parametrize("vectorized", [False, True])
def test_f_may_keep_a_view(view, vectorized):
    kept, copies = [], []

    def f(x):
        kept.append(view(x))
        copies.append(np.array(x))
        return x[0] * x[1] * x[2]

    gradient = fc.Gradient(f, vectorized=vectorized)
    for x in (X, 2 * X, X):
        exact = fc.gradient(lambda x: x[0] * x[1] * x[2], x, vectorized=vectorized)
        np.testing.assert_array_equal(gradient(x), exact)
    if view(X) is not None and not isinstance(view(X), (np.flatiter, np.nditer, dict)) and not callable(view(X)):
        for held, copy in zip(kept, copies, strict=True):
            np.testing.assert_array_equal(np.asarray(held), np.asarray(view(copy)))


def test_f_may_keep_an_argument_by_a_cycle():
    class Cycle:
        pass

    def f(x):
        cycle = Cycle()
        cycle.me, cycle.x = cycle, x
        return float((x * x).sum())

    np.testing.assert_array_equal(fc.gradient(f, X), fc.gradient(lambda x: (x * x).sum(), X))


def test_f_may_start_to_keep_its_argument_at_any_call():
    for start in range(7):
        kept = []

        def f(x):
            kept.append(x if len(kept) >= start else None)  # noqa: B023
            return x.sum()

        expected = Recorder(np.sum)
        fc.gradient(expected, X)
        fc.gradient(f, X)
        for got, point in list(zip(kept, expected.points, strict=True))[start:]:
            np.testing.assert_array_equal(got, point)


@pytest.mark.parametrize("operator", [fc.jacobian, fc.hessian])
@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("method", ["central", "forward"])
def test_f_may_reuse_its_output(operator, vectorized, method):
    buffer = {}

    def reusing(x):
        out = buffer.setdefault(x.shape, np.empty(x.shape))
        out[...] = several(x)
        return out

    equal(
        operator(reusing, X, vectorized=vectorized, method=method),
        operator(several, X, vectorized=vectorized, method=method),
    )


def test_f_may_reuse_a_scalar_array_or_a_list():
    zero_d, one, some = np.empty(()), np.empty(1), [0.0]

    def into(store):
        def f(x):
            store[...] = scalar(x)
            return store

        return f

    def into_list(x):
        some[0] = scalar(x)
        return some

    for f in (into(zero_d), into(one), into_list):
        np.testing.assert_array_equal(fc.gradient(f, X), fc.gradient(scalar, X))


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[::-1], lambda x: x[1:], lambda x: x.reshape(-1, 1)])
def test_f_may_return_its_argument(view):
    exact = view(np.eye(3))
    for method in ("central", "forward", "complex"):
        f = (lambda x: view(x)) if method != "complex" else (lambda x: view(x) * 1)
        value = fc.jacobian(f, X, method=method)
        np.testing.assert_allclose(value.reshape(-1, 3), exact.reshape(-1, 3), atol=4e-16)


def test_f_may_return_its_block():
    np.testing.assert_allclose(fc.jacobian(lambda x: x, X, vectorized=True), np.eye(3), atol=4e-16)
    np.testing.assert_allclose(fc.jacobian(lambda x: x[::-1], X, vectorized=True), np.eye(3)[::-1], atol=4e-16)


def test_f_may_work_in_its_argument_and_return_it():
    def f(x):
        x *= x
        x += 1
        return x

    np.testing.assert_array_equal(fc.jacobian(f, X), fc.jacobian(lambda x: x * x + 1, X))
    np.testing.assert_array_equal(
        fc.jacobian(f, X, vectorized=True), fc.jacobian(lambda x: x * x + 1, X, vectorized=True)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_protection_in_every_type(dtype):
    x = X.astype(dtype)
    for misdeed in (scribble, reverse, freeze):
        value = fc.gradient(misbehaving(lambda x: (x * x).sum(), misdeed), x)
        np.testing.assert_array_equal(value, fc.gradient(lambda x: (x * x).sum(), x))


def test_every_refilled_buffer_is_whole():
    # what f wrote at the last call must not show at the next, in any component
    seen = Recorder(lambda x: x.sum())

    def f(x):
        value = seen(x)
        x[...] = 1e6
        return value

    expected = Recorder(np.sum)
    for operator in (fc.gradient, fc.hessian):
        for recorder, g in ((expected, expected), (seen, f)):
            recorder.points.clear()
            operator(g, X)
        np.testing.assert_array_equal(seen.points, expected.points)


def test_the_caller_can_change_x_afterwards():
    x = X.copy()
    gradient = fc.Gradient(scalar)
    first = gradient(x).copy()
    x[:] = 7
    np.testing.assert_array_equal(gradient(X), first)


@pytest.mark.parametrize("misdeed", MISDEEDS, ids=lambda m: m.__name__)
def test_every_call_gets_an_ordinary_array(misdeed):
    def f(x):
        assert type(x) is np.ndarray
        assert x.shape == (3,)
        assert x.dtype == np.float64
        assert x.flags.c_contiguous
        assert x.flags.aligned
        assert x.flags.writeable
        assert x.flags.owndata
        value = scalar(x)
        misdeed(x)
        return value

    np.testing.assert_array_equal(fc.gradient(f, X), fc.gradient(scalar, X))


@pytest.mark.parametrize(("operator", "f"), OPERATORS)
@pytest.mark.parametrize("vectorized", [False, True])
def test_f_may_set_the_callers_own_x(operator, f, vectorized):
    # a model whose parameters are x, and are set before it is evaluated
    parameters = X.copy()

    def plain(x):
        return np.sin(x[0]) + x[0] * x[1] * x[2] if f is scalar else several(x)

    def model(point):
        parameters[:] = point[:, -1] if vectorized else point
        return plain(point) if vectorized else plain(parameters)

    equal(operator(model, parameters, vectorized=vectorized), operator(plain, X, vectorized=vectorized))


def test_f_may_set_the_callers_own_x_whatever_path_is_taken():
    # an operator that has been called before; lanes that are looked at twice; values that turn coarser
    def run(convert, start, vectorized):
        parameters = start.copy()
        kinds = [convert[0]]

        def model(point):
            value = kinds[0](1 + np.sin(point[0]) + point[1] ** 2)
            parameters[...] = 9 if vectorized else point
            return value

        gradient = fc.Gradient(model, vectorized=vectorized)
        results = []
        for kinds[0] in convert:
            parameters[...] = start
            results.append(gradient(parameters))
        return results

    for vectorized, start in (
        (False, np.array([0.5, 2.0])),
        (False, np.array([1e-9, 2.0])),
        (True, np.array([[0.5, 1e-9, 0.25], [2.0, 3.0, -1.0]])),
    ):
        for convert in ([np.float64] * 3, [np.float64, np.float32, np.float64], [np.float64, np.complex128]):
            for found, kind in zip(run(convert, start, vectorized), convert, strict=True):
                exact = np.stack([np.cos(start[0]), 2 * start[1]])
                # f up to 10 over steps of eps**(1/3) / 4
                atol = 200 * np.finfo(kind).eps ** (2 / 3)
                np.testing.assert_allclose(found, exact, rtol=0, atol=atol)


def test_f_may_set_the_callers_own_x_between_blocks(monkeypatch):
    monkeypatch.setattr(VectorizedFunction, "_BLOCK_BYTES", 200)
    start = np.linspace(0.5, 4, 60).reshape(3, 20)
    x = start.copy()

    def model(points):
        x[...] = -7
        return points[0] * points[1] / points[2]

    for operator in (fc.Gradient(model, vectorized=True), fc.Hessian(model, vectorized=True)):
        x[...] = start
        expected = type(operator)(lambda x: x[0] * x[1] / x[2], vectorized=True)(start)
        for _ in range(2):
            x[...] = start
            np.testing.assert_array_equal(operator(x), expected)


def test_no_copy_is_made_for_a_function_that_behaves():
    addresses = set()

    def f(x):
        addresses.add(x.__array_interface__["data"][0])
        return x.sum()

    fc.gradient(f, np.ones(20))
    assert len(addresses) == 1


# --- other arguments --------------------------------------------------------------------------------------------------


def test_args_and_kwargs():
    f = Recorder(lambda x, a, b, c=0: a * (x * x).sum() + b * x[0] + c * x[1])
    expected = fc.gradient(lambda x: 2 * (x * x).sum() + 3 * x[0] + 5 * x[1], X)
    np.testing.assert_array_equal(fc.gradient(f, X, args=(2, 3), kwargs={"c": 5}), expected)
    np.testing.assert_array_equal(fc.gradient(f, X, args=[2, 3], kwargs={"c": 5}), expected)
    np.testing.assert_array_equal(fc.Gradient(f, kwargs={"c": 5})(X, 2, 3), expected)


@pytest.mark.parametrize("argnum", [0, 1, 2])
def test_argnum(argnum):
    places = []

    def f(*arguments):
        places.append([i for i, a in enumerate(arguments) if isinstance(a, np.ndarray)])
        others = [a for a in arguments if not isinstance(a, np.ndarray)]
        assert others == ["first", "second"]
        return arguments[argnum].sum()

    fc.gradient(f, X, args=("first", "second"), argnum=argnum)
    call = ["first", "second"]
    call.insert(argnum, X)
    fc.Gradient(f, argnum=argnum)(*call)
    assert places == [[argnum]] * 12


def test_argnum_of_scalars():
    value = fc.derivative(lambda a, t, b: a * t**2 + b, 3.0, args=(2.0, 1.0), argnum=1)
    assert value == pytest.approx(12, rel=1e-11)
    assert fc.Derivative(lambda a, t: a * t, argnum=1)(2.0, 5.0) == pytest.approx(2, rel=1e-11)


def test_call_time_arguments_change_from_call_to_call():
    gradient = fc.Gradient(lambda x, a: a * x.sum(), step=1.0)
    for a in (1.0, 2.0, -3.0):
        np.testing.assert_array_equal(gradient(X, a), [a] * 3)


def test_arguments_are_not_kept_alive():
    gradient = fc.Gradient(lambda x, a: x.sum())
    token = object()
    before = sys.getrefcount(token)
    for _ in range(50):
        gradient(X, token)
        gradient(X, a=token)
    assert sys.getrefcount(token) == before


def test_caller_can_change_the_containers_afterwards():
    args, kwargs = [2.0], {"b": 1.0}
    gradient = fc.Gradient(lambda x, a, b: (a + b) * x.sum(), args=args, kwargs=kwargs, step=1.0)
    args[0], kwargs["b"] = 100.0, 100.0
    np.testing.assert_array_equal(gradient(X), [3] * 3)


def test_callables_of_every_kind():
    class Callable:
        def __call__(self, x):
            return (x * x).sum()

        def method(self, x):
            return (x * x).sum()

        @staticmethod
        def static(x):
            return (x * x).sum()

    import functools

    expected = fc.gradient(lambda x: (x * x).sum(), X)
    both = Callable()
    partial = functools.partial(lambda a, x: (x * x).sum(), None)
    for f in (both, both.method, Callable.static, partial):
        np.testing.assert_array_equal(fc.gradient(f, X), expected)
    np.testing.assert_array_equal(fc.gradient(np.sum, X), fc.gradient(lambda x: x.sum(), X))
    np.testing.assert_array_equal(fc.jacobian(np.sin, X), fc.jacobian(lambda x: np.sin(x), X))


# --- warnings and failures --------------------------------------------------------------------------------------------


def test_floating_point_warnings_are_silent_away_from_x():
    # warnings are errors in this suite: log at a negative point would raise
    result = fc.derivative(np.log, 0.0, step=0.5, method="central", accuracy=2, full_output=True)
    assert np.isnan(result.value)
    assert result.status == fc.Status.NON_FINITE
    assert np.isnan(fc.gradient(lambda x: np.sqrt(x[0]), [1e-3], step=1.0)[0])


@pytest.mark.parametrize("vectorized", [False, True])
def test_floating_point_warnings_are_not_silent_at_x(vectorized):
    f = (lambda x: np.log(x[0])) if vectorized else (lambda x: np.log(x[0]) + 0)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        fc.gradient(f, np.array([0.0]), method="forward", step=0.5, vectorized=vectorized)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        fc.hessian(f, np.array([0.0]), step=0.5, vectorized=vectorized)


def test_the_callers_floating_point_state_is_kept():
    with np.errstate(all="raise"):
        before = np.geterr()
        fc.gradient(lambda x: np.exp(x).sum(), X)
        assert np.geterr() == before
    with np.errstate(divide="warn"), pytest.raises(ZeroDivisionError):
        fc.gradient(lambda x: 1 / 0, X)
    assert np.geterr()["divide"] == "warn"


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("failing", [{0}, {1}, {2}, {5}, {0, 3}, {4, 5}])
def test_on_error_nan_loses_only_what_needed_the_failed_call(vectorized, failing):
    """Six calls: component i needs calls 2i and 2i + 1. A vectorised f is called again point by point."""
    recorded = Recorder(lambda x: x.sum(axis=0))
    expected = fc.gradient(recorded, X, vectorized=vectorized)
    points = recorded.array().T if vectorized else recorded.points
    bad = [points[k] for k in failing]

    def f(x):
        columns = x.T if vectorized else [x]
        if any(np.array_equal(column, b) for column in columns for b in bad):
            raise ArithmeticError
        return x.sum(axis=0)

    result = fc.gradient(f, X, vectorized=vectorized, on_error="nan", full_output=True)
    lost = {k // 2 for k in failing}
    for i in range(3):
        if i in lost:
            assert np.isnan(result.value[i])
            assert result.status[i] == fc.Status.NON_FINITE
            assert not result.success[i]
        else:
            assert result.value[i] == expected[i]
            assert result.status[i] == fc.Status.FIXED_STEP
    assert result.evaluations >= 6


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("operator", [fc.gradient, fc.hessian])
def test_all_calls_failing(vectorized, operator):
    def f(x):
        raise ArithmeticError

    result = operator(f, X, vectorized=vectorized, on_error="nan", full_output=True)
    assert np.isnan(result.value).all()
    assert (result.status == fc.Status.NON_FINITE).all()
    assert result.value.shape == (3,) * (1 + (operator is fc.hessian))


def test_on_error_nan_in_a_hessian():
    recorded = Recorder(scalar)
    expected = fc.hessian(recorded, X)
    for k, point in enumerate(recorded.points):

        def f(x):
            if np.array_equal(x, point):  # noqa: B023
                raise ValueError
            return scalar(x)

        value = fc.hessian(f, X, on_error="nan")
        moved = point != X
        needs = np.outer(moved, moved) if moved.sum() == 2 else moved[:, None] | moved[None, :]
        if moved.sum() == 2:
            needs &= ~np.eye(3, dtype=bool)
        elif not moved.any():
            needs = np.ones((3, 3), bool)
        np.testing.assert_array_equal(np.isnan(value), needs, err_msg=str(k))
        np.testing.assert_array_equal(value[~needs], expected[~needs])


def test_all_calls_of_a_function_of_unknown_shape_failing():
    error = ValueError("everywhere")

    def f(x):
        raise error

    with pytest.raises(ValueError, match="everywhere") as caught:
        fc.jacobian(f, X, on_error="nan")
    assert caught.value is error


@pytest.mark.parametrize("operator", [fc.jacobian, fc.hessian])
@pytest.mark.parametrize("vectorized", [False, True])
def test_on_error_nan_where_x_itself_fails(operator, vectorized):
    def f(x):
        if (x.reshape(3, -1) == X[:, None]).all(axis=0).any():
            raise ValueError
        return several(x)

    result = operator(f, X, on_error="nan", method="forward", vectorized=vectorized, full_output=True)
    assert result.value.shape == (3,) * (2 + (operator is fc.hessian))
    assert np.isnan(result.value).all()
    assert (result.status == fc.Status.NON_FINITE).all()


@pytest.mark.parametrize("vectorized", [False, True])
def test_f_may_keep_its_argument_and_fail(vectorized):
    kept, copies = [], []

    def f(x):
        kept.append(x)
        copies.append(x.copy())
        raise ValueError

    fc.gradient(f, X, on_error="nan", vectorized=vectorized)
    for point, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(point, copy)


def test_on_error_nan_does_not_swallow_interrupts():
    def f(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fc.gradient(f, X, on_error="nan")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_outputs_are_data(bad):
    points = Recorder(np.sum)
    expected = fc.jacobian(lambda x: np.array([x.sum(), 2 * x.sum()]), X)
    fc.gradient(points, X)
    for k in range(6):

        def f(x):
            broken = np.array_equal(x, points.points[k])  # noqa: B023
            return np.array([bad if broken else x.sum(), 2 * x.sum()])

        result = fc.jacobian(f, X, full_output=True)
        needs = np.zeros((2, 3), bool)
        needs[0, k // 2] = True
        np.testing.assert_array_equal(np.isnan(result.value), needs)
        np.testing.assert_array_equal(result.value[~needs], expected[~needs])
        np.testing.assert_array_equal(result.status == fc.Status.NON_FINITE, needs)
        np.testing.assert_array_equal(result.success, ~needs)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("vectorized", [False, True])
def test_non_finite_x(bad, vectorized):
    x = np.array([1.0, bad, 2.0])
    f = Recorder(lambda x: x[0] ** 2 + x[2])  # does not need x[1]
    result = fc.gradient(f, x, full_output=True, vectorized=vectorized)
    assert np.isnan(result.value[1])
    np.testing.assert_allclose(result.value[[0, 2]], [2, 1], rtol=1e-9)
    np.testing.assert_array_equal(result.status == fc.Status.NON_FINITE, [False, True, False])
    everything = fc.gradient(lambda x: x.sum(axis=0), x, vectorized=vectorized)
    assert np.isnan(everything).all()


def test_infinite_values_at_all_points_are_no_derivative():
    # inf - inf and inf / h: never a silent infinity or zero
    value = fc.gradient(lambda x: np.inf, X)
    assert np.isnan(value).all()
    assert np.isnan(fc.hessian(lambda x: -np.inf, X)).all()
    assert np.isnan(fc.gradient(lambda x: np.inf * np.sign(x[0] - X[0]), X)[0])
