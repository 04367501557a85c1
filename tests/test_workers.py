"""Calls of f by workers: the answer, to the last bit, and everything around it is that of a serial run."""

import concurrent.futures
import contextlib
import multiprocessing
import multiprocessing.dummy
import sys
import threading
import warnings

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._functions import progress, workers
from tests.c_functions import compiled_from, library  # noqa: F401

X = np.array([0.7, -1.3, 2.1, 0.4])
SHIFT = np.array([0.0, 2.0, 0.0, 0.0])


def wave(x):
    return np.sin(x).sum() * x[0] + np.exp(0.1 * x[-1])


def wave_gradient(x):
    slope = np.cos(x) * x[0]
    slope[0] += np.sin(x).sum()
    slope[-1] += 0.1 * np.exp(0.1 * x[-1])
    return slope


def field(x):
    return np.stack([x * x[0], np.cos(x)])


def flow(x):
    return np.sin(x) * x[0]


def of_columns(x):
    return np.sin(x).sum(axis=0) * x[0] + np.exp(0.1 * x[-1])


def field_of_columns(x):
    return np.cos(x) * x[0]


def scaled(x, factor, power=1):
    return factor * np.sum(x**power)


def in_threads(function, items):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        return list(pool.map(function, items))


OPERATORS = {
    "gradient": lambda **o: fc.gradient(wave, X, **o),
    "forward": lambda **o: fc.gradient(wave, X, method="forward", accuracy=3, **o),
    "complex step": lambda **o: fc.gradient(wave, X, method="complex", **o),
    "adaptive": lambda **o: fc.gradient(wave, X, method="adaptive", **o),
    "value and gradient": lambda **o: fc.value_and_gradient(wave, X, **o),
    "jacobian": lambda **o: fc.jacobian(field, X, **o),
    "adaptive jacobian": lambda **o: fc.jacobian(field, X, method="adaptive", **o),
    "hessian": lambda **o: fc.hessian(wave, X, **o),
    "hessian from a gradient": lambda **o: fc.hessian(wave, X, gradient=wave_gradient, **o),
    "adaptive hessian": lambda **o: fc.hessian(wave, X[:2], method="adaptive", **o),
    "derivative": lambda **o: fc.derivative(np.tanh, X, **o),
    "third derivative": lambda **o: fc.derivative(np.tanh, 0.3, 3, **o),
    "derivative at a point": lambda **o: fc.derivative(np.tanh, 0.3, method="central", **o),
    "partial": lambda **o: fc.partial(wave, X, (1, 0, 0, 2), **o),
    "jvp": lambda **o: fc.jvp(field, X, X, **o),
    "vjp": lambda **o: fc.vjp(flow, X, X, **o),
    "hvp": lambda **o: fc.hvp(wave, X, X, **o),
    "laplacian": lambda **o: fc.laplacian(wave, X, **o),
    "divergence": lambda **o: fc.divergence(flow, X, **o),
    "curl": lambda **o: fc.curl(flow, X[:3], **o),
    "bounds": lambda **o: fc.gradient(wave, X, bounds=(X - [0, 1, 0.001, 1], X + 1), **o),
    "a tiny component": lambda **o: fc.gradient(wave, X * [1e-9, 1, 1, 1], **o),
    "float32": lambda **o: fc.gradient(wave, X.astype(np.float32), **o),
    "longdouble": lambda **o: fc.gradient(wave, X.astype(np.longdouble), **o),
    "a matrix": lambda **o: fc.jacobian(lambda x: x @ x, X.reshape(2, 2), **o),
    "a scalar": lambda **o: fc.gradient(np.tanh, 0.5, **o),
    "nothing": lambda **o: fc.jacobian(lambda x: np.ones(3), np.zeros(0), **o),
}
VECTORIZED = {
    "gradient": lambda **o: fc.gradient(of_columns, X, vectorized=True, **o),
    "batch": lambda **o: fc.gradient(of_columns, np.linspace(0.2, 2, 4 * 90).reshape(4, 90), vectorized=True, **o),
    "jacobian": lambda **o: fc.jacobian(field_of_columns, X, vectorized=True, **o),
    "hessian": lambda **o: fc.hessian(of_columns, X, vectorized=True, **o),
    "adaptive": lambda **o: fc.jacobian(field_of_columns, X, method="adaptive", vectorized=True, **o),
    "complex step": lambda **o: fc.gradient(of_columns, X, method="complex", vectorized=True, **o),
    "derivative": lambda **o: fc.derivative(np.tanh, np.linspace(-1, 1, 50), vectorized=True, **o),
    "float32": lambda **o: fc.gradient(of_columns, X.astype(np.float32), vectorized=True, **o),
    "nothing": lambda **o: fc.jacobian(field_of_columns, np.zeros((4, 0)), vectorized=True, **o),
}


def assert_same(one, other):
    """Same types, shapes and bits."""
    if isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
        return
    assert type(one) is type(other)
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    assert np.array_equal(one, other, equal_nan=True)


def assert_same_result(one, other):
    for name in ("value", "error", "step", "fun"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    assert one.evaluations == other.evaluations
    assert np.array_equal(one.status, other.status)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("spread", [map, in_threads], ids=["map", "threads"])
def test_the_answer_is_that_of_a_serial_run(name, spread):
    run = OPERATORS[name]
    assert_same(run(workers=spread), run())
    if name != "value and gradient":
        assert_same_result(run(workers=spread, full_output=True), run(full_output=True))


@pytest.mark.parametrize("name", VECTORIZED)
@pytest.mark.parametrize("spread", [map, in_threads, 1, 3], ids=["map", "threads", "1", "3"])
def test_the_answer_of_a_vectorised_function_too(name, spread):
    run = VECTORIZED[name]
    assert_same(run(workers=spread), run())
    assert_same_result(run(workers=spread, full_output=True), run(full_output=True))


@pytest.mark.parametrize(
    "name", ["gradient", "adaptive jacobian", "hessian", "derivative", "jvp", "a matrix", "float32"]
)
def test_processes(name):
    run = OPERATORS[name]
    assert_same_result(run(workers=2, full_output=True), run(full_output=True))


def chain(x):
    y = x * x
    y[1:] += x[:-1]
    return y


def energy(x):
    return np.sum(x[1:] * x[:-1] ** 2)


def energy_gradient(x):
    slope = np.zeros_like(x)
    slope[1:] += x[:-1] ** 2
    slope[:-1] += 2 * x[1:] * x[:-1]
    return slope


@pytest.mark.parametrize("spread", [2, in_threads], ids=["processes", "threads"])
def test_sparse_derivatives(spread):
    pytest.importorskip("scipy")
    x = np.linspace(0.5, 1.5, 30)
    lower, band = np.eye(30) + np.eye(30, k=-1), np.eye(30) + np.eye(30, k=-1) + np.eye(30, k=1)
    for run in (
        lambda **o: fc.jacobian(chain, x, sparsity=lower, **o),
        lambda **o: fc.jacobian(chain, x, sparsity="detect", **o),
        lambda **o: fc.jacobian(chain, x, sparsity=lower, method="adaptive", **o),
        lambda **o: fc.hessian(energy, x, sparsity=band, **o),
        lambda **o: fc.hessian(energy, x, sparsity=band, gradient=energy_gradient, **o),
        lambda **o: fc.detect_sparsity(chain, x, **o),
    ):
        got, wanted = run(workers=spread), run()
        for name in ("data", "indices", "indptr"):
            assert_same(getattr(got, name), getattr(wanted, name))


def test_functions_over_operators():
    x, variances = X[:2], np.array([0.1, 0.2])
    for got, wanted in zip(
        fc.propagate(wave, x, variances, workers=map), fc.propagate(wave, x, variances), strict=True
    ):
        assert_same(got, wanted)
    assert fc.estimate_noise(wave, x, workers=map) == fc.estimate_noise(wave, x)
    polynomial = fc.taylor(wave, x, 3, method="numeric")
    assert_same(fc.taylor(wave, x, 3, method="numeric", workers=in_threads).coef, polynomial.coef)
    matrix, spread = (fc.Jacobian(flow, **o).as_linear_operator(X) for o in ({}, {"workers": in_threads}))
    assert_same(spread.matvec(X), matrix.matvec(X))
    assert_same(spread.rmatvec(X), matrix.rmatvec(X))


@pytest.mark.parametrize("vectorized", [False, True])
def test_checks(vectorized):
    f = of_columns if vectorized else wave
    reports = [
        fc.check_gradient(f, wave_gradient, X, vectorized=vectorized, **options)
        for options in ({}, {"workers": in_threads}, {"workers": 2})
    ]
    assert len({str(report) for report in reports}) == 1
    assert reports[0].passed


def test_a_check_of_a_closure_in_processes():
    factor = 2.0
    report = fc.check_gradient(lambda x: factor * wave(x), lambda x: factor * wave_gradient(x), X, workers=2)
    assert report.passed


# ---------------------------------------------------------------------------------------------- tasks


class Recorded:
    """A map that keeps the points of each task."""

    def __init__(self):
        self.sizes = []

    def __call__(self, function, items):
        items = list(items)
        self.sizes.append([points.shape for _, points in items])
        return map(function, items)


def test_points_of_a_dear_function_go_one_by_one():
    spread = Recorded()
    fc.gradient(wave, X, workers=spread)
    assert spread.sizes == [[(1, 4)] * 8]


def test_many_points_go_in_larger_tasks():
    spread = Recorded()
    fc.gradient(np.sum, np.ones(500), workers=spread)
    first, *rest = spread.sizes
    assert len(first) == workers._FEWEST  # until something is known of the outputs
    counts = [shape[0] for sizes in spread.sizes for shape in sizes]
    assert sum(counts) == 1000
    assert sum(map(len, rest)) >= 200
    assert max(counts) == 4


@pytest.mark.parametrize("n", [1, 3, 10, 100, 1000])
def test_blocks_of_columns(n):
    spread = Recorded()
    fc.gradient(lambda x: x.sum(axis=0), np.ones(n), vectorized=True, workers=spread)
    widths = [shape[1] for sizes in spread.sizes for shape in sizes]
    assert sum(widths) == 2 * n
    assert all(width >= min(4, 2 * n) for width in widths[:-1])
    assert all(width % 16 == 0 for width in widths[:-1] if width > 16)
    if n >= 10:
        assert len(widths) >= 4
    assert max(widths) * n * 8 <= 2**19


def test_blocks_do_not_depend_on_the_number_of_workers():
    seen = {}
    for count in (1, 2, 5):
        widths, lock = [], threading.Lock()

        def f(x, widths=widths, lock=lock):
            with lock:
                widths.append(x.shape)
            return x.sum(axis=0)

        fc.gradient(f, np.ones(120), vectorized=True, workers=count)
        seen[count] = sorted(widths)
    assert seen[1] == seen[2] == seen[5]


def test_memory_is_bounded():
    spread = Recorded()
    fc.jacobian(lambda x: np.repeat(x.sum(), 100_000), np.ones(60), workers=spread)
    assert max(map(len, spread.sizes)) <= workers._FEWEST


def test_all_threads_work():
    together = threading.Barrier(2, timeout=30)

    def f(x):
        if x.shape[1] == 4:
            together.wait()  # for the other task
        return x.sum(axis=0)

    assert fc.gradient(f, np.ones(4), vectorized=True, workers=2).shape == (4,)


# ---------------------------------------------------------------------------------------------- what f may do


def test_other_arguments_in_processes():
    expected = fc.gradient(lambda x: scaled(x, 3.0, 2), X)
    assert_same(fc.gradient(scaled, X, args=(3.0,), kwargs={"power": 2}, workers=2), expected)
    with fc.Gradient(scaled, workers=2) as g:
        assert_same(g(X, 3.0, power=2), expected)
        assert_same(g(X, 6.0, power=2), 2 * expected)


@pytest.mark.parametrize("spread", [2, map, in_threads], ids=["processes", "map", "threads"])
def test_arguments_before_x(spread):
    J = fc.Jacobian(lambda t, y: t * y**2, argnum=1, workers=spread)
    assert_same(J(2.0, X), fc.jacobian(lambda y: 2.0 * y**2, X))


@pytest.mark.parametrize("spread", [2, map], ids=["processes", "map"])
@pytest.mark.parametrize("vectorized", [False, True])
def test_f_may_return_the_same_buffer(spread, vectorized):
    buffer = {}

    def f(x):
        out = buffer.setdefault(x.shape, np.empty_like(x))
        return np.multiply(x, x[0], out=out)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # if two threads have a turn
        got = fc.jacobian(f, X, vectorized=vectorized, workers=spread)
    assert_same(got, fc.jacobian(lambda x: x * x[0], X))


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_buffer_that_threads_share_is_noticed(vectorized):
    buffer, turns = np.empty((4, 4) if vectorized else 4), threading.Barrier(2, timeout=30)

    def f(x):
        if x.shape != buffer.shape:
            return x * x[0]
        np.multiply(x, x[0], out=buffer)
        if not turns.broken and threading.current_thread() is not threading.main_thread():
            with contextlib.suppress(threading.BrokenBarrierError):
                turns.wait()  # both have written
        return buffer

    def two_threads(function, items):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(function, items))

    with pytest.warns(RuntimeWarning, match="in one thread instead"):
        got = fc.jacobian(f, X, vectorized=vectorized, workers=two_threads)
    assert_same(got, fc.jacobian(lambda x: x * x[0], X))


@pytest.mark.parametrize("vectorized", [False, True])
def test_f_may_keep_and_change_its_points(vectorized):
    kept = []

    def f(x):
        y = x * x[0]
        kept.append(x)
        x[...] = np.nan
        return y

    assert_same(fc.jacobian(f, X, vectorized=vectorized, workers=in_threads), fc.jacobian(lambda x: x * x[0], X))
    assert not any(np.shares_memory(a, b) for i, a in enumerate(kept) for b in kept[:i])


def test_a_function_of_one_variable_gets_scalars():
    types = set()

    def f(x):
        types.add(type(x))
        return x * x

    fc.derivative(f, np.float32([1, 2]), workers=map)
    assert types == {np.float32}


@pytest.mark.parametrize("vectorized", [False, True])
def test_outputs_coarser_than_x(vectorized):
    def f(x):
        return (x.astype(np.float32) ** 2).sum(axis=0)

    x = np.linspace(1, 2, 80)
    serial = fc.gradient(f, x, vectorized=vectorized, full_output=True)
    result = fc.gradient(f, x, vectorized=vectorized, workers=map, full_output=True)
    assert_same(result.value, serial.value)
    assert result.evaluations <= serial.evaluations + 16 * workers._FEWEST


def test_lists_and_numbers_of_python():
    for f in (lambda x: [x[0] ** 2, 3], lambda x: (x**2).tolist(), lambda x: [1j * x[0], 2]):
        assert_same(fc.jacobian(f, X, workers=2), fc.jacobian(f, X))


@pytest.mark.parametrize("spread", [2, map], ids=["processes", "map"])
@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: None, "got None: is a `return` missing"),
        (lambda x: (i for i in x), "got generator of dtype object"),
        (lambda x: [[1.0], [1.0, 2.0]], "ragged list"),
        (lambda x: "1", "got str of dtype"),
    ],
)
def test_outputs_that_are_no_numbers(f, message, spread):
    for options in ({}, {"workers": spread}):
        with pytest.raises(TypeError, match=message):
            fc.jacobian(f, X, **options)


def test_outputs_of_a_wrong_shape():
    for options in ({}, {"workers": map}):
        with pytest.raises(ValueError, match="must return a scalar"):
            fc.gradient(flow, X, **options)
        with pytest.raises(ValueError, match="the same shape at every point"):
            fc.jacobian(lambda x: np.ones(1 + (x[0] > X[0])), X, **options)
        with pytest.raises(ValueError, match="one column per point"):
            fc.jacobian(lambda x: np.ones(3), X, vectorized=True, **options)


def test_warnings_away_from_x_are_silent():
    fc.gradient(lambda x: np.log(x - X).sum(), X, workers=map)
    fc.gradient(lambda x: np.log(x - X).sum(), X, workers=2)
    fc.gradient(lambda x: np.log(x - X[:, None]).sum(axis=0), X, vectorized=True, workers=2)


@pytest.mark.parametrize("spread", [map, in_threads], ids=["map", "threads"])
def test_warnings_at_x_are_the_users(spread):
    f = lambda x: np.log(x - x).sum() + np.sum(x)  # noqa: E731
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        fc.value_and_gradient(f, X, workers=spread)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        fc.value_and_gradient(f, X, workers=spread)


# ---------------------------------------------------------------------------------------------- exceptions


class Odd(Exception):
    """Pickle makes exceptions from their `args`, which are not what this one takes."""

    def __init__(self, place, why):
        super().__init__(f"{why} at {place}")
        self.place = place
        self.why = why


def fails(x):
    if x[1] < X[1]:
        raise Odd(float(x[1]), "no")
    return np.sum(x)


@pytest.mark.parametrize("spread", [map, in_threads, 2], ids=["map", "threads", "processes"])
def test_exceptions_arrive_as_themselves(spread):
    with pytest.raises(Odd, match=r"no at -1\.3") as caught:
        fc.gradient(fails, X, workers=spread)
    assert (caught.value.why, caught.value.place < X[1]) == ("no", True)
    if spread == 2:
        assert "in fails" in caught.value.__notes__[0]  # its traceback over there


def test_exceptions_of_local_classes():
    class Local(ValueError):
        pass

    def f(x):
        raise Local("here")

    with pytest.raises(ValueError, match="here") as caught:
        fc.gradient(f, X, workers=2)
    assert type(caught.value).__name__ == "Local"


def test_exceptions_that_hold_what_does_not_travel():
    def f(x):
        error = OSError(2, "gone")
        error.lock = threading.Lock()
        raise error

    with pytest.raises(OSError, match="gone") as caught:
        fc.gradient(f, X, workers=2)
    assert caught.value.errno == 2


def test_the_first_exception_in_order_counts():
    started = threading.Event()

    def f(x):
        if x[0] != X[0]:
            started.wait(30)
            raise ValueError("first")
        started.set()
        raise ValueError("later")

    with pytest.raises(ValueError, match="first"):
        fc.gradient(f, X, workers=in_threads)


@pytest.mark.parametrize("operator", [fc.jacobian, fc.hessian])
def test_no_variables_and_no_outputs(operator):
    for vectorized, shape in ((False, (0,)), (True, (0,)), (True, (0, 3))):
        for given in (map, 2):
            ours = operator(np.sin, np.zeros(shape), vectorized=vectorized, workers=given)
            np.testing.assert_array_equal(ours, operator(np.sin, np.zeros(shape), vectorized=vectorized), strict=True)


@pytest.mark.parametrize("nearest", [1e-4, 1e-3, 1e-2, 0.1])
def test_failures_in_later_rounds_keep_no_values_of_those_before(nearest):
    def f(x):
        if nearest < abs(x[0] - X[0]) < 0.5 * nearest**0.5:
            raise ValueError
        return np.exp(x)

    options = {"method": "adaptive", "on_error": "nan", "full_output": True}
    assert_same_result(fc.jacobian(f, X, workers=map, **options), fc.jacobian(f, X, **options))
    for part in range(2, 12):  # whichever call of a late round it is

        def at(x, low=2.0**-part):
            if 0.6 * low < abs(x[1] - X[1]) < 1.2 * low:
                raise ValueError
            return np.exp(x)

        assert_same_result(fc.jacobian(at, X, workers=map, **options), fc.jacobian(at, X, **options))


def test_nothing_more_is_called_after_a_failure():
    calls = []

    def f(x):
        calls.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fc.gradient(f, np.ones(500), workers=map)
    assert len(calls) == 1


@pytest.mark.parametrize("spread", [map, in_threads, 2], ids=["map", "threads", "processes"])
def test_exceptions_as_nan(spread):
    serial = fc.gradient(fails, X, on_error="nan", full_output=True)
    result = fc.gradient(fails, X, on_error="nan", workers=spread, full_output=True)
    assert np.isnan(serial.value).sum() == 1
    assert_same_result(result, serial)


@pytest.mark.parametrize("spread", [map, 2], ids=["map", "threads"])
@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_only_points_that_fail_become_nan(spread, method):
    def f(x):
        if (x[1] < X[1]).any():
            raise ValueError("no")
        return x.sum(axis=0)

    options = {"on_error": "nan", "vectorized": True, "method": method}
    serial = fc.gradient(f, X, **options)
    assert_same(fc.gradient(f, X, workers=spread, **options), serial)
    assert np.isfinite(serial[0])


def test_a_function_that_always_fails():
    def f(x):
        raise ValueError("never")

    assert_same(fc.gradient(f, X, on_error="nan", workers=map), fc.gradient(f, X, on_error="nan"))
    with pytest.raises(ValueError, match="never"):
        fc.jacobian(f, X, on_error="nan", workers=map)


@pytest.mark.parametrize("on_error", ["raise", "nan"])
def test_exit_is_no_failure_of_f(on_error):
    def f(x):
        raise SystemExit(3)

    for spread in (map, 2):
        with pytest.raises(SystemExit):
            fc.gradient(f, X, workers=spread, on_error=on_error)


def test_nan_is_data():
    f = lambda x: np.sum(np.where(x < X[2], np.nan, x)) if x[2] != X[2] else np.sum(x)  # noqa: E731
    serial = fc.gradient(f, X, full_output=True)
    assert_same_result(fc.gradient(f, X, workers=2, full_output=True), serial)
    assert np.isnan(serial.value[2])


def test_an_operator_works_again_after_an_exception():
    with fc.Gradient(fails, workers=2) as g:
        with pytest.raises(Odd):
            g(X)
        assert_same(g(X + SHIFT), fc.gradient(fails, X + SHIFT))


# ---------------------------------------------------------------------------------------------- the option


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (0, ValueError, "`workers` must be positive, or -1; got 0: give a number"),
        (-2, ValueError, "`workers` must be between -1 and 1024; got -2: give a number"),
        (10**6, ValueError, "`workers` must be between -1 and 1024; got 1000000: give a number"),
        (2.0, TypeError, "`workers` must be an integer; got 2.0 of type float: give a number"),
        (True, TypeError, "`workers` must be an integer; got True"),
        ("all", TypeError, "`workers` must be an integer; got 'all'"),
    ],
)
def test_values_of_the_option(value, kind, message):
    with pytest.raises(kind, match=message):
        fc.Gradient(wave, workers=value)


def test_a_pool_is_no_map():
    with (
        multiprocessing.dummy.Pool(1) as pool,
        pytest.raises(TypeError, match=r"function like map; got .*: give its map"),
    ):
        fc.gradient(wave, X, workers=pool)


def test_the_exact_method_has_no_calls_to_spread():
    with pytest.raises(ValueError, match="`workers` has no effect on method 'exact', which calls f once"):
        fc.gradient(wave, X, method="exact", workers=2)


def test_all_cores(monkeypatch):
    counts = []
    monkeypatch.setattr(workers, "Threads", lambda count: counts.append(count) or map)
    monkeypatch.setattr(workers, "core_count", lambda: 7)
    fc.gradient(of_columns, X, vectorized=True, workers=-1)
    assert counts == [7]


def test_one_worker_is_this_process():
    seen = set()
    fc.gradient(lambda x: seen.add(threading.get_ident()) or x[0], X, workers=1)
    assert seen == {threading.get_ident()}


class Future:
    def result(self):
        return None


@pytest.mark.parametrize(
    ("spread", "message"),
    [
        (lambda function, items: [Future() for _ in items], "got futures: .* client.get_executor"),
        (lambda function, items: reversed([function(item) for item in items]), "got results in another order"),
        (lambda function, items: [function(item) for item in items][:3], "got too few results"),
        (lambda function, items: [5.0 for _ in items], "got a float: give a function as the built-in `map`"),
        (lambda function, items: None, "got one NoneType: give a map that waits"),
        (lambda function, items: Future(), "got one Future: give a map that waits"),
    ],
)
def test_maps_that_are_none(spread, message):
    with pytest.raises(TypeError, match=message):
        fc.gradient(wave, X, workers=spread)


@pytest.mark.parametrize("kind", ["thread map", "thread imap", "executor", "processes", "process executor"])
def test_maps_of_pools(kind):
    expected = fc.hessian(wave, X)
    f = lambda x: wave(x)  # noqa: E731 # one that pickle alone does not take
    if kind.startswith("thread"):
        with multiprocessing.dummy.Pool(2) as pool:
            got = fc.hessian(f, X, workers=pool.map if kind == "thread map" else pool.imap)
    elif kind == "executor":
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            got = fc.hessian(f, X, workers=pool.map)
    else:
        pytest.importorskip("cloudpickle")
        context = multiprocessing.get_context("spawn")
        if kind == "processes":
            with context.Pool(1) as pool:
                got = fc.hessian(f, X, workers=pool.map)
        else:
            with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
                got = fc.hessian(f, X, workers=pool.map)
    assert_same(got, expected)


def test_joblib():
    joblib = pytest.importorskip("joblib")

    def spread(function, items):
        return joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(function)(item) for item in items)

    assert_same(fc.gradient(wave, X, workers=spread), fc.gradient(wave, X))


# ---------------------------------------------------------------------------------------------- compiled functions

COMPILED = {
    "gradient": lambda f, **o: fc.gradient(f, X, **o),
    "adaptive": lambda f, **o: fc.gradient(f, X, method="adaptive", **o),
    "many": lambda f, **o: fc.gradient(f, np.linspace(0.1, 1, 150), **o),
    "hessian": lambda f, **o: fc.hessian(f, X, **o),
    "batch": lambda f, **o: fc.gradient(f, np.linspace(0.1, 1, 600).reshape(3, 200), vectorized=True, **o),
    "few in a batch": lambda f, **o: fc.gradient(f, np.linspace(0.1, 1, 300).reshape(150, 2), vectorized=True, **o),
    "value": lambda f, **o: fc.value_and_gradient(f, X, **o),
    "laplacian": lambda f, **o: fc.laplacian(f, X, **o),
}


@pytest.mark.parametrize("name", COMPILED)
@pytest.mark.parametrize("spread", [1, 3, map, in_threads], ids=["1", "3", "map", "threads"])
def test_compiled_functions(library, name, spread):  # noqa: F811
    f, run = compiled_from(library, "smooth"), COMPILED[name]
    assert_same(run(f, workers=spread), run(f))
    if name != "value":
        assert_same_result(run(f, workers=spread, full_output=True), run(f, full_output=True))


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_compiled_functions_of_many_outputs(library, method):  # noqa: F811
    f = compiled_from(library, "outputs", n_outputs=5)
    x = np.linspace(0.3, 1, 40)
    serial = fc.jacobian(f, x, method=method, full_output=True)
    assert_same_result(fc.jacobian(f, x, method=method, workers=2, full_output=True), serial)


def test_compiled_functions_of_one_variable(library):  # noqa: F811
    f, x = compiled_from(library, "wave"), np.linspace(-1, 1, 300)
    assert_same(fc.derivative(f, x, workers=2), fc.derivative(f, x))


def test_compiled_failures(library):  # noqa: F811
    f = compiled_from(library, "fails_beyond", n_outputs=2, user_data=np.array([0.7]))
    x = np.linspace(0.1, 0.7, 60)  # the last variable is at the limit
    with pytest.raises(fc.CallbackError) as serial:
        fc.jacobian(f, x)
    expected = fc.jacobian(f, x, on_error="nan", full_output=True)
    assert np.isnan(expected.value[:, -1]).all()
    assert np.isfinite(expected.value[:, :-1]).all()
    for spread in (3, in_threads):
        with pytest.raises(fc.CallbackError) as caught:
            fc.jacobian(f, x, workers=spread)
        assert caught.value.status == serial.value.status == 60
        assert_same(caught.value.point, serial.value.point)
        assert_same_result(fc.jacobian(f, x, on_error="nan", workers=spread, full_output=True), expected)


def test_a_compiled_function_stays_in_its_process(library):  # noqa: F811
    f = compiled_from(library, "smooth")
    with (
        concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
        pytest.raises(TypeError, match="a compiled function can't be sent to other processes"),
    ):
        fc.gradient(f, X, workers=pool.map)


def test_functions_of_numba():
    numba = pytest.importorskip("numba")

    @numba.njit
    def f(x):
        total = 0.0
        for i in range(x.size):
            total += np.sin(x[i]) * x[0]
        return total

    @numba.njit
    def pair(x):
        return np.array([x[0] * x[1], x[0]])

    x = np.linspace(0.1, 1, 50)
    for spread in (2, map, in_threads):
        assert_same(fc.gradient(f, x, workers=spread), fc.gradient(f, x))
        assert_same(fc.jacobian(pair, x, workers=spread), fc.jacobian(pair, x))
    with fc.Gradient(f, workers=2) as g, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for got in pool.map(g, [x] * 8):
            assert_same(got, fc.gradient(f, x))


# ---------------------------------------------------------------------------------------------- progress


class Terminal:
    def isatty(self):
        return True

    def write(self, text):
        pass

    def flush(self):
        pass


def test_progress_shows_after_a_while_on_a_terminal(monkeypatch):
    tqdm = pytest.importorskip("tqdm")
    bars = []

    class Bar:
        def __init__(self, **options):
            self.options, self.done, self.closed = options, options["initial"], False
            bars.append(self)

        def update(self, count):
            self.done += count

        def close(self):
            self.closed = True

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    for patience, terminal in ((1e9, True), (-1.0, False)):
        monkeypatch.setattr(progress, "PATIENCE", patience)
        if terminal:
            monkeypatch.setattr("sys.stderr", Terminal())
        fc.gradient(wave, X, workers=map)
        monkeypatch.undo()
        monkeypatch.setattr(tqdm, "tqdm", Bar)
        assert not bars
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr("sys.stderr", Terminal())
    fc.gradient(wave, X, workers=2)
    assert [(bar.options["total"], bar.done, bar.closed) for bar in bars] == [(8, 8, True)]


def test_no_progress_without_tqdm(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    monkeypatch.setattr("sys.stderr", Terminal())
    assert_same(fc.gradient(wave, X, workers=map), fc.gradient(wave, X))
