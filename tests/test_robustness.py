"""Threads, nested use, exceptions, interrupts, leaks: an operator is always usable, and nothing is left behind."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastcalc as fc
from tests.reference import Recorder

X = np.array([0.5, -2.0, 3.0])


def f(x):
    return np.sin(x[0]) * x[1] + x[1] * x[2] ** 2


def field(x):
    return np.stack([np.sin(x[0]) * x[1], x[1] * x[2] ** 2])


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize(
    ("cls", "function"), [(fc.Gradient, f), (fc.Jacobian, field), (fc.Hessian, f), (fc.Derivative, np.sin)]
)
def test_eight_threads_share_one_operator(cls, function, vectorized):
    operator = cls(function, vectorized=vectorized)
    points = [X * (1 + k / 7) for k in range(8)]
    expected = [cls(function, vectorized=vectorized)(x) for x in points]
    start = threading.Barrier(8)

    def work(k):
        start.wait()
        for _ in range(100):
            np.testing.assert_array_equal(operator(points[k]), expected[k])
        return True

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(interval)


def test_threads_with_different_shapes_types_and_options_at_once():
    operator = fc.Gradient(lambda x: np.sum(x * x * x))
    points = [
        np.ones(3),
        np.ones(5),
        np.ones((2, 2)),
        np.ones(3, np.float32),
        np.ones(3) * 1j,
        np.arange(4),
        np.ones(()),
    ]
    expected = [fc.gradient(lambda x: np.sum(x * x * x), x) for x in points]
    start = threading.Barrier(len(points))

    def work(k):
        start.wait()
        for _ in range(100):
            np.testing.assert_array_equal(operator(points[k]), expected[k])
        return True

    with ThreadPoolExecutor(len(points)) as pool:
        assert all(pool.map(work, range(len(points))))


def test_threads_inside_one_call():
    # all threads are inside f at the same moment
    inside = threading.Barrier(4, timeout=30)
    first = threading.local()

    def slow(x):
        if not getattr(first, "seen", False):
            first.seen = True
            inside.wait()
        return f(x)

    operator = fc.Gradient(slow)
    points = [X + k for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(operator, points))
    for x, value in zip(points, values, strict=True):
        np.testing.assert_array_equal(value, fc.gradient(f, x))


# --- nested use -------------------------------------------------------------------------------------------------------


def test_f_may_use_a_derivative():
    # the gradient of abs(grad f)**2 is 2 H grad f
    def outer(x):
        g = fc.gradient(f, x, accuracy=4)
        return g @ g

    value = fc.gradient(outer, X, accuracy=4, step=1e-3)
    exact = 2 * fc.hessian(f, X, accuracy=4) @ fc.gradient(f, X, accuracy=4)
    np.testing.assert_allclose(value, exact, rtol=1e-6)  # 1e-12 of inner errors over 1e-3, and Hessians of eps**(2/3)


def test_f_may_use_the_same_operator():
    depth = []

    def f(x):
        if x[0] > 10:
            return (x * x).sum()
        depth.append(1)
        return gradient(x + 20).sum()

    gradient = fc.Gradient(f)
    # gradient(x + 20) = 2 (x + 20): its sum has derivative 2
    np.testing.assert_allclose(gradient(np.array([1.0, 2.0, 3.0])), 2, atol=1e-2)  # 1e-9 of inner errors over 6e-6
    assert len(depth) == 6
    np.testing.assert_allclose(gradient(np.array([20.0, 2.0, 3.0])), [40, 4, 6], rtol=1e-7)


def test_nested_jacobian_is_the_hessian():
    jacobian = fc.jacobian(fc.Gradient(f, accuracy=6), X, step=1e-3, accuracy=4)
    np.testing.assert_allclose(jacobian, fc.hessian(f, X, accuracy=6), atol=1e-6)


def test_recursion_error_leaves_the_operator_usable():
    calls = []

    def f(x):
        calls.append(1)
        return gradient(x)[0] if x[0] > 0 else x.sum()

    gradient = fc.Gradient(f)
    with pytest.raises(RecursionError):
        gradient(np.array([1.0, 2.0]))
    np.testing.assert_allclose(gradient(np.array([-1.0, -2.0])), 1, rtol=1e-9)


# --- exceptions -------------------------------------------------------------------------------------------------------


class Mistake(Exception):
    pass


OPERATORS = {
    "derivative": lambda g, **o: fc.Derivative(lambda t: g(np.array([t, 1.0, 2.0])), **o),
    "gradient": lambda g, **o: fc.Gradient(g, **o),
    "jacobian": lambda g, **o: fc.Jacobian(g, **o),
    "hessian": lambda g, **o: fc.Hessian(g, **o),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize("error", [Mistake("here"), KeyboardInterrupt(), SystemExit(3), StopIteration(), MemoryError()])
def test_exceptions_at_every_call_are_the_same_object(name, method, error):
    x = X if name != "derivative" else 0.5
    recorder = Recorder(f)
    expected = OPERATORS[name](recorder, method=method)(x)
    calls = recorder.calls
    fail_at = [0]
    count = [0]

    def failing(x):
        count[0] += 1
        if count[0] == fail_at[0]:
            raise error
        return f(x)

    operator = OPERATORS[name](failing, method=method)
    for at in range(1, calls + 1):
        fail_at[0], count[0] = at, 0
        with pytest.raises(type(error)) as caught:
            operator(x)
        assert caught.value is error
        assert count[0] == at  # no call after the failure
        fail_at[0], count[0] = 0, 0
        np.testing.assert_array_equal(operator(x), expected)
        error.__traceback__ = error.__context__ = None


@pytest.mark.parametrize("call", [fc.jvp, fc.vjp, fc.hvp, fc.laplacian, fc.divergence, fc.curl, fc.partial])
def test_exceptions_in_the_functions(call):
    error = Mistake()

    def failing(x):
        raise error

    extra = {fc.jvp: (X,), fc.vjp: (X,), fc.hvp: (X,), fc.partial: ((1, 1, 0),)}.get(call, ())
    with pytest.raises(Mistake) as caught:
        call(failing, X, *extra)
    assert caught.value is error


def test_exceptions_in_blocks():
    count = [0]

    def failing(x):
        count[0] += 1
        if count[0] == 3:
            raise Mistake
        return (x * x).sum(axis=0)

    gradient = fc.Gradient(failing, vectorized=True)
    x = np.ones(3000)
    with pytest.raises(Mistake):
        gradient(x)
    np.testing.assert_allclose(gradient(x), 2, rtol=1e-6)  # 3000 over a step of 6e-6, relative to 2


def test_the_traceback_shows_the_line_of_f():
    import traceback

    def failing(x):
        return 1 / 0  # this line

    with pytest.raises(ZeroDivisionError) as caught:
        fc.gradient(failing, X)
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[-1].line == "return 1 / 0  # this line"


# --- interrupts -------------------------------------------------------------------------------------------------------

INTERRUPTED = """
    import sys, time
    import numpy as np
    import fastcalc as fc

    def plain(x):
        tell()
        time.sleep(0.002)
        return x.sum()

    def block(x):
        tell()
        return x.sum(axis=0)

    told = []
    def tell():
        if not told:
            told.append(1)
            print("running", flush=True)

    operator = {operator}
    try:
        operator({x})
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        value = fc.Gradient(lambda x: (x * x).sum(), step=0.5)(np.array([1.0, 2.0]))
        told.append(1)
        again = operator.__class__(operator._f if False else (lambda x: x.sum(axis=0)), **{again})
        print(value.tolist(), again(np.array([1.0, 2.0])).tolist(), flush=True)
    else:
        print("finished", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
@pytest.mark.parametrize(
    ("operator", "x", "again", "last"),
    [
        ("fc.Gradient(plain)", "np.ones(20_000)", '{"step": 0.5}', "[1.0, 1.0]"),
        ("fc.Hessian(plain)", "np.ones(500)", '{"step": 0.5}', "[[0.0, 0.0], [0.0, 0.0]]"),
        ("fc.Hessian(block, vectorized=True)", "np.ones(4000)", '{"step": 0.5}', "[[0.0, 0.0], [0.0, 0.0]]"),
        ("fc.Gradient(np.add.reduce)", "(tell(), np.ones(20_000))[1]", '{"step": 0.5}', "[1.0, 1.0]"),
    ],
)
def test_control_c_in_the_middle(operator, x, again, last):
    """The last function is compiled: only the package itself can notice the signal between its calls."""
    script = textwrap.dedent(INTERRUPTED).format(operator=operator, x=x, again=again)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "running\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out.splitlines() == ["interrupted", f"[2.0, 4.0] {last}"], err


# --- leaks ------------------------------------------------------------------------------------------------------------


def failing(x):
    raise Mistake


def sometimes(x):
    if x[0] > X[0]:
        raise Mistake
    return f(x)


def keeping(x, kept=[]):  # noqa: B006
    kept[:] = [x]
    return f(x)


def outcome(call):
    """A call, whatever comes out of it."""

    def run():
        with contextlib.suppress(Mistake, ValueError, TypeError):
            call()

    return run


REUSED = fc.Gradient(f)
SCENARIOS = {
    "gradient": lambda: fc.gradient(f, X),
    "reused operator": lambda: REUSED(X),
    "jacobian, full output": lambda: fc.jacobian(field, X, full_output=True, accuracy=4),
    "hessian": lambda: fc.hessian(f, X),
    "vectorised": lambda: fc.gradient(f, X, vectorized=True),
    "hessian, vectorised": lambda: fc.hessian(f, X, vectorized=True),
    "derivative of a scalar": lambda: fc.derivative(np.sin, 0.5),
    "jvp": lambda: fc.jvp(field, X, X),
    "vjp": lambda: fc.vjp(field, X, X[:2]),
    "hvp": lambda: fc.hvp(f, X, X),
    "bounds": lambda: fc.gradient(f, X, bounds=(X, X + 1)),
    "other arguments": lambda: fc.gradient(lambda x, a, b: f(x), X, args=(object(),), kwargs={"b": object()}),
    "failing": lambda: fc.gradient(failing, X),
    "failing in the middle": lambda: fc.gradient(sometimes, X),
    "failing, vectorised": lambda: fc.gradient(failing, X, vectorized=True),
    "failing to NaN": lambda: fc.gradient(sometimes, X, on_error="nan"),
    "keeping its argument": lambda: fc.gradient(keeping, X),
    "wrong shape": lambda: fc.gradient(field, X),
    "wrong output": lambda: fc.gradient(lambda x: "text", X),
    "wrong option": lambda: fc.gradient(f, X, accuracy=3),
    "wrong destination": lambda: fc.jacobian(field, X, out=np.empty(3)),
    "float32 values": lambda: fc.gradient(lambda x: np.float32(f(x)), X),
    "widening values": lambda: fc.gradient(lambda x: f(x) if x[0] > X[0] else f(x) * 1j, X),
    "complex step": lambda: fc.gradient(f, X, method="complex"),
    "retaken": lambda: fc.gradient(lambda x: 1 + np.sin(x[0]), np.array([1e-9])),
    "pickled shapes": lambda: [REUSED(np.ones(n)) for n in (3, 4, 5)],
}


DEAR = {"jvp", "vjp", "hvp", "bounds", "retaken", "jacobian, full output"}  # a millisecond a call under tracemalloc


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_python_memory_is_left_behind(name):
    run = outcome(SCENARIOS[name])
    calls = 80 if name in DEAR else 200
    grown = []
    tracemalloc.start()
    try:
        for _ in range(2 * calls):  # fills the caches of NumPy and Python with memory that is traced
            run()
        while not grown or (min(grown) >= 24 * calls and len(grown) < 12):
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(calls):
                run()
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    # a leak of the smallest object, 24 bytes, at every call would show each time
    assert min(grown) < 24 * calls, grown


@pytest.mark.parametrize("name", ["gradient", "vectorised", "failing", "failing in the middle", "keeping its argument"])
def test_no_reference_is_left_behind(name):
    x, token = np.array([0.5, -2.0, 3.0]), object()

    def g(x, token):
        return {"failing": failing, "failing in the middle": sometimes, "keeping its argument": keeping}.get(name, f)(x)

    operators = [fc.Gradient(g, vectorized=name == "vectorised"), fc.Hessian(g), fc.Jacobian(g, on_error="nan")]

    def run():
        for operator in operators:
            outcome(lambda: operator(x, token))()  # noqa: B023
            outcome(lambda: operator(x, token=token))()  # noqa: B023

    run()
    things = [x, token, g, X.dtype, None, Mistake]
    gc.collect()
    before = [sys.getrefcount(thing) for thing in things]
    for _ in range(100):
        run()
    gc.collect()
    after = [sys.getrefcount(thing) for thing in things]
    # six calls a run: one reference a call would be 600. Types and None are used by others too
    assert max(abs(a - b) for a, b in zip(after, before, strict=True)) < 90, (before, after)
    assert before[:3] == after[:3] or "keeping" in name


def test_an_operator_in_a_cycle_with_its_function_is_collected():
    class Model:
        def __init__(self):
            self.gradient = fc.Gradient(self.loss)
            self.hessian = fc.Hessian(self.loss)
            self.jacobian = fc.Jacobian(self.loss, kwargs={"other": self}, vectorized=True)

        def loss(self, x, other=None):
            return (x * x).sum(axis=0)

    model = Model()
    model.gradient(X), model.hessian(X), model.jacobian(X)
    model.gradient(X, model)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_outputs_are_released():
    class Output(np.ndarray):
        alive = 0

        def __array_finalize__(self, other):
            type(self).alive += 1

        def __del__(self):
            type(self).alive -= 1

    def g(x):
        return np.array([x.sum(), 1.0]).view(Output)

    jacobian = fc.Jacobian(g)
    for _ in range(5):
        jacobian(X)
    gc.collect()
    assert Output.alive <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_memory_of_the_process_does_not_grow(name):
    psutil = pytest.importorskip("psutil")
    run = outcome(SCENARIOS[name])
    calls = 10_000 if name in DEAR else 100_000
    process = psutil.Process()
    for _ in range(calls // 5):
        run()
    gc.collect()
    before = process.memory_info().rss
    for _ in range(calls):
        run()
    gc.collect()
    # 1e5 leaked objects of 24 bytes, the smallest, are 2.4 MB; the allocator itself may move by some pages
    assert process.memory_info().rss - before < 2_000_000
