"""Functions of numba: njit, recognised and compiled on first use, and cfunc, with their exceptions kept."""

import gc
import pickle
import subprocess
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._functions.compiled import CompiledFunction
from fastcalc._functions.compiled_calls import CompiledCalls
from fastcalc._functions.numba_functions import NumbaCompiled, NumbaFunction, numba_function
from fastcalc._functions.recognition import recognised

numba = pytest.importorskip("numba")
from numba import carray, cfunc, njit, prange  # noqa: E402

pytestmark = pytest.mark.filterwarnings("error")

X = np.array([0.5, -2.0, 3.0])
METHODS = ["central", "forward", "backward", "adaptive"]


@njit
def rosenbrock(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
    return total


@njit
def outputs(x):
    y = np.empty(4)
    y[0], y[1], y[2], y[3] = x[0] * x[1], np.sin(x[1]), x[2] ** 3, x[0] + x[2]
    return y


@njit
def table(x):
    y = np.empty((len(x), 2))
    for i in range(len(x)):
        y[i, 0], y[i, 1] = x[i] * x[0], x[i] - x[1]
    return y


@njit
def of_matrix(x):
    y = np.empty((x.shape[1], x.shape[0])).T  # not C-contiguous
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] = x[i, j] * x[0, j] + x[i, 0]
    return y


@njit
def sum_of_matrix(x):
    return x[0, 0] * x[0, 1] + x[1, 2] ** 2


@njit
def of_cube(x):
    return x[0, 1] * x[1, 0]


@njit
def pair(x):
    return x[0] * x[1], x[2] ** 2


@njit
def integers(x):
    y = np.empty(2, np.int64)
    y[0], y[1] = 3 * x[0], x[1]
    return y


@njit
def nullary(x):
    return np.array(x[0] * x[2])


@njit
def itself(x):
    return x


@njit
def backwards(x):
    return x[::-1]


@njit
def wave(t):
    return np.sin(t) * np.exp(t / 2)


@njit
def curve(t):
    y = np.empty((1, 3))
    y[0, 0], y[0, 1], y[0, 2] = np.cos(t), t * t, 1.0
    return y


@njit
def picky(x):
    if x[0] < 0.25:
        raise ValueError("x[0] must not be small", 17)
    return x[0] * x[1]


@njit
def picky_outputs(x):
    if x[0] < 0.25:
        raise ValueError("x[0] must not be small", 17)
    return x


@njit
def bounded_outputs(x):
    if x[0] > 0.25:
        raise ValueError("x[0] must not be large")
    return x


AT_THE_EDGE = np.array([0.25, 1.0, -1.0])


@njit
def scaled(x, factor, power=2):
    return factor * x[0] ** power * x[1]


def assert_same(ours, theirs):
    """Equal to the last bit, with the same evaluations."""
    np.testing.assert_array_equal(ours.value, theirs.value, strict=True)
    np.testing.assert_array_equal(ours.error, theirs.error)
    np.testing.assert_array_equal(ours.status, theirs.status)
    assert ours.evaluations == theirs.evaluations
    if theirs.fun is not None:
        np.testing.assert_array_equal(ours.fun, theirs.fun)


def called_from_python(f):
    """The same machine code as a Python function, which nothing can tell from any other."""
    return lambda *args: f(*args)


def warnings_of(call):
    """The messages of warnings, and the result."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    assert all(one.category is RuntimeWarning and one.filename == __file__ for one in caught)
    return [str(one.message) for one in caught], result


# --- the same answers -------------------------------------------------------------------------------------------------

CASES = [
    (fc.gradient, rosenbrock, X),
    (fc.gradient, sum_of_matrix, np.arange(6.0).reshape(2, 3) + 0.5),
    (fc.gradient, nullary, X),
    (fc.jacobian, outputs, X),
    (fc.jacobian, table, X),
    (fc.jacobian, of_matrix, np.arange(6.0).reshape(2, 3)),
    (fc.jacobian, of_cube, np.arange(8.0).reshape(2, 2, 2)),
    (fc.jacobian, pair, X),
    (fc.jacobian, integers, X + 0.25),
    (fc.jacobian, itself, X),
    (fc.jacobian, backwards, X),
    (fc.hessian, rosenbrock, X),
    (fc.hessian, outputs, X),
    (fc.laplacian, rosenbrock, X),
    (fc.derivative, wave, np.array([0.5, 1.5])),
    (fc.derivative, wave, np.array(0.5)),
    (fc.derivative, curve, np.linspace(0, 1, 4).reshape(2, 2)),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("operator", "f", "x"), CASES)
def test_the_bits_and_evaluations_are_those_of_calls_from_python(operator, f, x, method):
    if operator is fc.laplacian and method in ("forward", "backward"):
        pytest.skip("central differences alone")
    ours = operator(f, x, method=method, full_output=True)
    assert_same(ours, operator(called_from_python(f), x, method=method, full_output=True))


@pytest.mark.parametrize(("f", "x", "one_variable"), [(f, x, operator is fc.derivative) for operator, f, x in CASES])
def test_they_are_compiled(f, x, one_variable):
    found = numba_function(f).at(() if one_variable else x.shape, x.dtype, False, False)
    assert isinstance(found, NumbaCompiled)
    assert found.one_variable == one_variable


@pytest.mark.parametrize(("operator", "f"), [(fc.Gradient, rosenbrock), (fc.Jacobian, outputs)])
def test_the_operator_calls_them_in_c(operator, f):
    built = operator(f)
    built(X)
    assert [one for one in built._spare[0] if isinstance(one, CompiledCalls)]


@pytest.mark.parametrize("method", ["central", "adaptive"])
def test_products_and_other_functions(method):
    twin, v = called_from_python(outputs), np.array([1.0, 0.5, -2.0])
    for call in (
        lambda f: fc.jvp(f, X, v, method=method, full_output=True),
        lambda f: fc.vjp(f, X, np.arange(4.0), method=method, full_output=True),
        lambda f: fc.partial(f, X, (1, 0, 1), full_output=True),
    ):
        assert_same(call(outputs), call(twin))
    assert fc.estimate_noise(rosenbrock, X) == fc.estimate_noise(called_from_python(rosenbrock), X)
    assert fc.check_gradient(rosenbrock, njit(lambda x: rosen_der(x)), X)
    ours, theirs = fc.propagate(outputs, X, np.eye(3)), fc.propagate(twin, X, np.eye(3))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@njit
def rosen_der(x):
    y = np.zeros_like(x)
    for i in range(len(x)):
        if i > 0:
            y[i] += 200 * (x[i] - x[i - 1] ** 2)
        if i < len(x) - 1:
            y[i] += -400 * x[i] * (x[i + 1] - x[i] ** 2) - 2 * (1 - x[i])
    return y


def test_hessians_from_gradients():
    ours = fc.hessian(rosenbrock, X, gradient=rosen_der, full_output=True)
    assert_same(ours, fc.hessian(rosenbrock, X, gradient=called_from_python(rosen_der), full_output=True))
    x = np.arange(4.0).reshape(2, 2)
    of_a_matrix = itself
    ours = fc.hessian(sum_of_matrix, x, gradient=of_a_matrix)
    np.testing.assert_array_equal(ours, fc.hessian(sum_of_matrix, x, gradient=called_from_python(of_a_matrix)))


def test_exact_derivatives_run_the_python_function():
    np.testing.assert_array_equal(
        fc.gradient(rosenbrock, X, method="exact"), fc.gradient(rosenbrock.py_func, X, method="exact"), strict=True
    )
    assert fc.taylor(rosenbrock, X, 2).hessian().shape == (3, 3)


def test_vectorised_functions_are_called_in_blocks():
    blocks = njit(lambda x: x[0] * x[2])
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(
        fc.gradient(blocks, x, vectorized=True), fc.gradient(called_from_python(blocks), x, vectorized=True)
    )


def test_shapes_are_those_of_python():
    for f, shape in ((outputs, (4,)), (table, (3, 2)), (pair, (2,)), (rosenbrock, ()), (nullary, ())):
        assert fc.jacobian(f, X).shape == (*shape, 3)
    with pytest.raises(ValueError, match="`f` must return a scalar for a gradient"):
        fc.gradient(outputs, X)
    one = njit(lambda x: x[1:2])
    np.testing.assert_array_equal(fc.gradient(one, X), fc.gradient(called_from_python(one), X), strict=True)


def test_functions_with_given_signatures():
    of_scalars = njit("float64(float64)")(lambda t: t**3)
    np.testing.assert_allclose(fc.derivative(of_scalars, 2.0), 12, rtol=1e-12)
    of_arrays = njit("float64(float64[:])")(lambda x: x[0] * x[1])
    np.testing.assert_allclose(fc.gradient(of_arrays, X), [-2, 0.5, 0], rtol=1e-9)


def test_an_operator_for_x_of_many_shapes():
    operator = fc.Jacobian(itself)
    for shape in ((3,), (2,), (2, 2), (1, 2, 1), (3,)):
        x = np.ones(shape)
        np.testing.assert_allclose(operator(x).reshape(x.size, x.size), np.eye(x.size), rtol=1e-9)


def test_writing_into_x_does_no_harm():
    def plain(x):
        value = x[0] * x[1] + x[2] ** 2
        x[0] = x[1] = 7.0
        return value

    np.testing.assert_array_equal(fc.gradient(njit(plain), X), fc.gradient(plain, X), strict=True)


def test_infinities_and_nan_are_data():
    f = njit(lambda x: (np.inf if x[0] > 0.5 else x[0], np.log(x[1]), x[2]))
    with np.errstate(all="ignore"):
        ours, theirs = fc.jacobian(f, X, full_output=True), fc.jacobian(called_from_python(f), X, full_output=True)
    assert_same(ours, theirs)


# --- exceptions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize(("operator", "f"), [(fc.gradient, picky), (fc.hessian, picky), (fc.jacobian, picky_outputs)])
def test_exceptions_come_back_as_themselves(operator, f, method, capfd):
    for x in (-X, AT_THE_EDGE):  # at the first call, or later
        with pytest.raises(ValueError, match="x\\[0\\] must not be small") as caught:
            operator(f, x, method=method)
        assert caught.value.args == ("x[0] must not be small", 17)
    assert capfd.readouterr() == ("", "")
    operator(f, np.array([5.0, 1.0, -1.0]), method=method)


def test_all_kinds_of_exceptions():
    for expression, kind in (
        ("1 / x[0]", ZeroDivisionError),
        ("[1, 2, 3][int(x[0]) + 5]", IndexError),
        ("{0.0: 1.0}[x[0] + 1]", KeyError),
    ):
        names = {}
        exec(f"def f(x):\n    y = {expression}\n    return x[0] * x[1]", names)
        with pytest.raises(kind):
            fc.gradient(njit(names["f"]), np.zeros(2), method="forward")


def test_an_operator_can_be_used_after_an_exception():
    gradient = fc.Gradient(picky)
    expected = gradient(X)
    with pytest.raises(ValueError, match="small"):
        gradient(-X)
    np.testing.assert_array_equal(gradient(X), expected)


def test_exceptions_as_nan():
    for operator, f in ((fc.gradient, picky), (fc.jacobian, picky_outputs)):
        ours = operator(f, AT_THE_EDGE, on_error="nan", full_output=True)
        theirs = operator(called_from_python(f), AT_THE_EDGE, on_error="nan", full_output=True)
        assert_same(ours, theirs)
        assert np.isnan(ours.value).any()
        assert np.isfinite(ours.value).any()
    with pytest.raises(ValueError, match="small"):  # there is no shape
        fc.jacobian(picky_outputs, -X, on_error="nan")
    operator = fc.Jacobian(picky_outputs, on_error="nan")
    operator(X)
    assert np.isnan(operator(-X)).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("f", [picky_outputs, bounded_outputs])
def test_a_failure_before_the_shape_is_known(f, method):
    ours = fc.jacobian(f, AT_THE_EDGE, method=method, on_error="nan", full_output=True)
    theirs = fc.jacobian(called_from_python(f), AT_THE_EDGE, method=method, on_error="nan", full_output=True)
    assert_same(ours, theirs)
    failed = {"central": True, "forward": f is bounded_outputs, "backward": f is picky_outputs}.get(method, False)
    assert np.isnan(ours.value).any() == failed


@njit
def one_output(x):
    if x[0] < 0.25:
        raise ValueError("x[0] must not be small")
    return x[:1] ** 2


@njit
def square_output(x):
    if x[0] < 0.25:
        raise ValueError("x[0] must not be small")
    y = np.ones((2, 2))
    y[0, 1] = x[0] ** 2
    return y


@pytest.mark.parametrize("method", ["central", "adaptive"])
@pytest.mark.parametrize(
    ("operator", "f"), [(fc.Gradient, one_output), (fc.Hessian, one_output), (fc.Hessian, square_output)]
)
def test_failures_everywhere_before_the_shape_is_known(operator, f, method):
    """An operator that needs a shape takes outputs for scalars, until it knows better."""
    ours = operator(f, method=method, on_error="nan", full_output=True)
    theirs = operator(called_from_python(f), method=method, on_error="nan", full_output=True)
    for x in ([-1.0, 2.0], [5.0, 2.0], [-1.0, 2.0], [3.0, 2.0]):
        assert_same(ours(x), theirs(x))


def test_outputs_of_another_shape():
    growing = njit(lambda x: np.ones(3 if x[0] > 0.5 else 2))
    with pytest.raises(ValueError, match=r"`f` must return the same shape at every point; got \([23],\), then \([23],"):
        fc.jacobian(growing, X)
    turning = njit(lambda x: np.ones((2, 3) if x[0] > 0.5 else (3, 2)))
    with pytest.raises(ValueError, match=r"must return the same shape at every point; got \(2, 3\), then \(3, 2\)"):
        fc.jacobian(turning, X)


def test_exceptions_leak_nothing():
    import tracemalloc

    gradient = fc.Gradient(picky)

    def fail():
        for _ in range(50):
            with pytest.raises(ValueError, match="small"):
                gradient(-X)

    fail()
    tracemalloc.start()
    fail()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    fail()
    gc.collect()
    assert tracemalloc.get_traced_memory()[0] - before < 50 * 40
    tracemalloc.stop()


# --- what is called from Python ---------------------------------------------------------------------------------------


@njit(parallel=True)
def in_parallel(x):
    total = 0.0
    for i in prange(len(x)):
        total += x[i] ** 2
    return total


@pytest.mark.parametrize(
    ("make", "call", "why"),
    [
        (lambda: scaled, lambda f: fc.gradient(f, X, args=(2.0,)), "it takes arguments besides x"),
        (lambda: njit(scaled.py_func), lambda f: fc.Gradient(f)(X, 2.0), "it takes arguments besides x"),
        (
            lambda: njit(scaled.py_func),
            lambda f: fc.Gradient(f, kwargs={"factor": 2.0})(X),
            "it takes arguments besides x",
        ),
        (
            lambda: njit(itself.py_func),
            lambda f: fc.jacobian(f, X.astype(np.float32)),
            "x is float32; compiled functions take float64",
        ),
        (lambda: njit(itself.py_func), lambda f: fc.jacobian(f, X, method="complex"), "x is complex128; compiled"),
        (lambda: njit(itself.py_func), lambda f: fc.jacobian(f, X.reshape(1, 1, 3, 1)), "x has 4 axes; it is compiled"),
        (
            lambda: njit(lambda x: x.astype(np.float32)),
            lambda f: fc.jacobian(f, X),
            "it returns array(float32, 1d, C); what is compiled returns real numbers in double precision",
        ),
        (lambda: njit(lambda x: x * 1j), lambda f: fc.jacobian(f, X), "it returns array(complex128, 1d, C)"),
        (lambda: njit(lambda x: (x[0], 1)), lambda f: fc.jacobian(f, X), "it returns Tuple(float64, "),
        (lambda: in_parallel, lambda f: fc.gradient(f, X), "it is parallel"),
        (lambda: numba.jit(forceobj=True)(rosenbrock.py_func), lambda f: fc.gradient(f, X), "it is compiled in object"),
    ],
)
def test_plain_calls_with_one_warning(make, call, why):
    f = make()
    messages, ours = warnings_of(lambda: call(f))
    assert len(messages) == 1
    assert messages[0].startswith(f"numba's function {f.__name__} is called from Python, point by point: {why}")
    assert "\n" not in messages[0]
    np.testing.assert_array_equal(ours, call(called_with_the_same_arguments(f)), strict=True)
    assert warnings_of(lambda: call(f))[0] == []


def called_with_the_same_arguments(f):
    return lambda *args, **kwargs: f(*args, **kwargs)


def test_what_numba_cannot_compile_says_why():
    f = njit(lambda x: x.no_such_attribute)
    with pytest.warns(RuntimeWarning, match="can't compile it for such an x: Unknown attribute 'no_such_attribute'"):  # noqa: SIM117
        with pytest.raises(numba.TypingError):
            fc.gradient(f, X)
    f = njit("float64(float64)")(lambda t: t)
    with pytest.warns(RuntimeWarning, match="no signature of it takes array"):  # noqa: SIM117
        with pytest.raises(TypeError, match="No matching definition"):
            fc.gradient(f, X)


def test_arguments_at_some_calls():
    gradient = fc.Gradient(scaled, argnum=0)
    f = called_with_the_same_arguments(scaled)
    default = njit(lambda x, factor=3.0: factor * x[0] * x[1])
    operator, twin = fc.Gradient(default), fc.Gradient(called_with_the_same_arguments(default))
    np.testing.assert_array_equal(operator(X), twin(X))  # compiled
    messages, value = warnings_of(lambda: operator(X, 2.0))
    assert len(messages) == 1
    np.testing.assert_array_equal(value, twin(X, 2.0))
    np.testing.assert_array_equal(operator(X), twin(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(gradient(X, 2.0), fc.Gradient(f)(X, 2.0))
        np.testing.assert_array_equal(gradient(X, factor=2.0), fc.Gradient(f)(X, factor=2.0))


# --- recognition, lifetime, copies, threads ---------------------------------------------------------------------------


def test_recognised():
    found = recognised(rosenbrock)
    assert isinstance(found, NumbaFunction)
    assert recognised(rosenbrock) is found is recognised(found)
    assert repr(found) == repr(rosenbrock)
    assert repr(fc.Gradient(rosenbrock)) == f"Gradient({rosenbrock!r})"
    assert found(X) == rosenbrock(X)
    assert isinstance(recognised(numba.vectorize(lambda t: t)), numba.np.ufunc.dufunc.DUFunc)


def test_compiled_once():
    f = njit(rosenbrock.py_func)
    fc.gradient(f, X)
    callback = numba_function(f).callback(1)
    fc.Hessian(f)(X)
    fc.gradient(f, X[:2])
    assert numba_function(f).callback(1) is callback
    assert list(numba_function(f)._callbacks) == [1]


def test_what_was_compiled_goes_with_the_function():
    f = njit(rosenbrock.py_func)
    fc.gradient(f, X)
    kept = weakref.ref(f), weakref.ref(numba_function(f).callback(1).owner)
    del f
    gc.collect()
    assert [one() for one in kept] == [None, None]


def test_operators_keep_the_function_alive():
    gradient = fc.Gradient(njit(rosenbrock.py_func))
    expected = gradient(X)
    gc.collect()
    np.testing.assert_array_equal(gradient(X), expected)


@pytest.mark.parametrize(("operator", "f"), [(fc.Gradient, rosenbrock), (fc.Jacobian, outputs)])
def test_operators_can_be_pickled(operator, f):
    built = operator(f, accuracy=4)
    expected = built(X)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(built, protocol))
        np.testing.assert_array_equal(again(X), expected, strict=True)


IN_ANOTHER_PROCESS = """
import pickle, sys
operator, x = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(operator(x)))
"""


def test_operators_work_in_another_process():
    f = njit(rosenbrock.py_func)  # sent by value: numba takes care of that
    sent = pickle.dumps((fc.Gradient(f), X))
    done = subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS], input=sent, capture_output=True, check=True)
    np.testing.assert_array_equal(pickle.loads(done.stdout), fc.gradient(f, X))


def test_threads_share_an_operator():
    jacobian = fc.Jacobian(njit(outputs.py_func))
    points = [X + 0.1 * i for i in range(16)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(jacobian, points))
    for one, x in zip(found, points, strict=True):
        np.testing.assert_array_equal(one, fc.jacobian(outputs, x))


def test_the_lock_of_python_is_released():
    spin = njit(lambda x: slow(x))
    fc.gradient(spin, X)
    turns, done = 0, threading.Event()

    def work():
        fc.gradient(spin, np.full(30, 0.5))
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.wait(1e-3):
        turns += 1
    thread.join()
    assert turns >= 3  # of some 30 ms


@njit
def slow(x):
    total = x[0]
    for i in range(100_000):
        total = np.sin(total + x[i % len(x)])
    return total


# --- fc.compiled ------------------------------------------------------------------------------------------------------


def test_compiled_functions_of_njit():
    f = fc.compiled(rosenbrock)
    assert isinstance(f, fc.CompiledFunction)
    assert f.signature == "int (int, int, double *, double *, void *)"
    assert (f.shape, f.n_outputs, f.one_variable) == ((), None, False)
    assert f(X) == rosenbrock(X)
    assert type(f(X)) is np.float64
    np.testing.assert_array_equal(fc.gradient(f, X), fc.gradient(rosenbrock, X), strict=True)
    np.testing.assert_array_equal(f.values_at(np.stack([X, 2 * X])), [[rosenbrock(X)], [rosenbrock(2 * X)]])
    with pytest.raises(ValueError, match="small"):
        fc.compiled(picky)(-X)


def test_compiled_functions_of_njit_learn_their_shape():
    f = fc.compiled(table)
    assert f.shape is None
    np.testing.assert_array_equal(f(X), table(X), strict=True)
    assert (f.shape, f.n_outputs) == ((3, 2), 6)
    np.testing.assert_array_equal(fc.jacobian(f, X), fc.jacobian(table, X), strict=True)
    f = fc.compiled(outputs)
    np.testing.assert_array_equal(f.values_at(np.stack([X, 2 * X])), [outputs(X), outputs(2 * X)], strict=True)
    f = fc.compiled(outputs)
    np.testing.assert_array_equal(fc.jacobian(f, X), fc.jacobian(outputs, X), strict=True)
    assert f.shape == (4,)
    with pytest.raises(ValueError, match="the shape of outputs is not known yet"):
        fc.compiled(outputs).values_at(np.empty((0, 3)))


def test_compiled_functions_of_njit_of_one_variable():
    f = fc.compiled(wave, "double (double)")
    assert f.one_variable
    x = np.linspace(0, 1, 6).reshape(2, 3)
    np.testing.assert_array_equal(f(x), [[wave(t) for t in row] for row in x], strict=True)
    np.testing.assert_array_equal(fc.derivative(f, x), fc.derivative(wave, x), strict=True)
    g = fc.compiled(curve, "double (double)")
    assert g(x).shape == (1, 3, 2, 3)
    np.testing.assert_array_equal(g(x)[:, :, 1, 2], curve(x[1, 2]))
    with pytest.raises(ValueError, match=r"`f` takes a single number; got x with 3 of them: use `derivative`"):
        fc.gradient(f, X)


def test_compiled_functions_of_njit_pickle():
    for f, x in ((fc.compiled(outputs), X), (fc.compiled(wave, "double (double)"), 0.5)):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(f))(x), f(x), strict=True)


def test_compiled_functions_of_njit_refuse_what_makes_no_sense():
    with pytest.raises(TypeError, match="a function of njit takes no `user_data`, and tells its outputs itself"):
        fc.compiled(outputs, n_outputs=4)
    with pytest.raises(TypeError, match="a function of njit takes no `user_data`"):
        fc.compiled(outputs, user_data=X)
    with pytest.raises(ValueError, match=r"tells whether x is a number, .*; got 'void \(int, int, double \*, double"):
        fc.compiled(outputs, "void (int, int, double *, double *)")
    with pytest.raises(TypeError, match=r"numba's function scaled can't be called in C: numba can't compile it"):
        fc.compiled(scaled)
    with pytest.raises(TypeError, match="in_parallel can't be called in C: it is parallel"):
        fc.compiled(in_parallel)


# --- cfunc ------------------------------------------------------------------------------------------------------------

ONE = "float64(float64)"
ONE_DATA = "float64(float64, voidptr)"
SCALAR = "float64(intc, CPointer(float64))"
SCALAR_DATA = "float64(intc, CPointer(float64), voidptr)"
VECTOR = "void(intc, intc, CPointer(float64), CPointer(float64))"
VECTOR_DATA = "void(intc, intc, CPointer(float64), CPointer(float64), voidptr)"
STATUS = "intc(intc, intc, CPointer(float64), CPointer(float64))"
STATUS_DATA = "intc(intc, intc, CPointer(float64), CPointer(float64), voidptr)"


def one(x):
    return x * x * x


def one_data(x, data):
    return one_of(x) * carray(data, 1, np.float64)[0]


def scalar(n, x):
    return x[0] * x[n - 1] + x[1] ** 2


def scalar_data(n, x, data):
    return (x[0] * x[n - 1] + x[1] ** 2) * carray(data, 1, np.float64)[0]


def vector(m, n, x, y):
    for j in range(m):
        y[j] = x[j] * x[n - 1]


def vector_data(m, n, x, y, data):
    for j in range(m):
        y[j] = x[j] * x[n - 1] * carray(data, 1, np.float64)[0]


def status(m, n, x, y):
    for j in range(m):
        y[j] = x[j] * x[n - 1]
    return 9 if x[0] > 10 else 0


def status_data(m, n, x, y, data):
    for j in range(m):
        y[j] = x[j] * x[n - 1] * carray(data, 1, np.float64)[0]
    return 9 if x[0] > 10 else 0


one_of = njit(one)
FACTOR = np.array([2.5])
CALLBACKS = [
    (ONE, one, {}, "double (double)"),
    (ONE_DATA, one_data, {"user_data": FACTOR}, "double (double, void *)"),
    (SCALAR, scalar, {}, "double (int, double *)"),
    (SCALAR_DATA, scalar_data, {"user_data": FACTOR}, "double (int, double *, void *)"),
    (VECTOR, vector, {"n_outputs": 2}, "void (int, int, double *, double *)"),
    (VECTOR_DATA, vector_data, {"n_outputs": 2, "user_data": FACTOR}, "void (int, int, double *, double *, void *)"),
    (STATUS, status, {"n_outputs": 2}, "int (int, int, double *, double *)"),
    (STATUS_DATA, status_data, {"n_outputs": 2, "user_data": FACTOR}, "int (int, int, double *, double *, void *)"),
]


def may_raise(function):
    """The same code with an exception for negative x or x[0]."""
    import inspect
    import textwrap

    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    test = "x < 0" if function in (one, one_data) else "x[0] < 0"
    names = {"np": np, "carray": carray, "one_of": one_of}
    exec("\n".join([lines[0], f"    if {test}:", "        raise ValueError('negative', 3)", *lines[1:]]), names)
    return names[function.__name__]


def differentiate(f, one_variable):
    return fc.derivative(f, X[2]) if one_variable else fc.jacobian(f, X)


@pytest.mark.parametrize(("signature", "function", "options", "text"), CALLBACKS)
def test_callbacks(signature, function, options, text):
    callback = cfunc(signature)(function)
    made = fc.compiled(callback, **options)
    assert (made.signature, made.address) == (text, callback.address)
    assert (type(made) is CompiledFunction) == ("user_data" not in options)  # carray may raise
    assert made.one_variable == (function in (one, one_data))
    reference = fc.compiled(callback.ctypes, **options)  # the bare pointer
    np.testing.assert_array_equal(made(X), reference(X), strict=True)
    np.testing.assert_array_equal(
        differentiate(made, made.one_variable), differentiate(reference, made.one_variable), strict=True
    )
    if not options:
        np.testing.assert_array_equal(
            differentiate(callback, made.one_variable), differentiate(reference, made.one_variable)
        )


@pytest.mark.parametrize(("signature", "function", "options", "text"), CALLBACKS)
def test_callbacks_that_may_raise(signature, function, options, text, capfd):
    made = fc.compiled(cfunc(signature)(may_raise(function)), **options)
    safe = fc.compiled(cfunc(signature)(function), **options)
    assert (made.signature, made.form, made.shape) == (text, safe.form, safe.shape)
    assert made.one_variable == safe.one_variable
    np.testing.assert_array_equal(made(X), safe(X), strict=True) if not made.one_variable else None
    np.testing.assert_array_equal(
        differentiate(made, made.one_variable), differentiate(safe, made.one_variable), strict=True
    )
    bad = -X[2] if made.one_variable else -X
    with pytest.raises(ValueError, match="negative") as caught:
        made(bad)
    assert caught.value.args == ("negative", 3)
    with pytest.raises(ValueError, match="negative"):
        fc.derivative(made, bad) if made.one_variable else fc.jacobian(made, bad)
    assert capfd.readouterr().err == ""
    if made.one_variable:
        with pytest.raises(ValueError, match=r"`f` takes a single number; got x of 3: use `derivative`"):
            fc.gradient(made, X)


def test_a_status_of_a_callback_that_may_raise():
    made = fc.compiled(cfunc(STATUS)(may_raise(status)), n_outputs=2)
    with pytest.raises(fc.CallbackError) as caught:
        made([11.0, 1.0, 1.0])
    assert caught.value.status == 9


def test_a_callback_that_raises_beside_x():
    f = cfunc(SCALAR)(lambda n, x: x[0] / (x[1] if x[1] > 1 else 0.0))
    with pytest.raises(ZeroDivisionError):
        fc.gradient(f, [1.0, 1.0])
    x = np.array([1.0, 1.0 + 1e-7])
    with pytest.raises(ZeroDivisionError):
        fc.gradient(f, x)
    value = fc.gradient(f, x, on_error="nan")
    assert np.isfinite(value[0])
    assert np.isnan(value[1])


def test_options_of_callbacks_are_kept():
    f = cfunc(SCALAR, error_model="numpy")(may_raise(scalar))
    assert np.isfinite(fc.gradient(f, X)).all()
    g = cfunc(SCALAR, error_model="numpy")(lambda n, x: x[0] / x[1])
    assert type(fc.compiled(g)) is CompiledFunction  # infinities, no exceptions
    assert fc.compiled(g)([1.0, 0.0]) == np.inf


PRINTS = """
import numba, fastcalc as fc

@numba.cfunc("float64(float64)")
def f(x):
    raise ValueError("nobody sees this")

print("returned", fc.compiled(f.ctypes)(1.0))
"""


def test_bare_pointers_of_callbacks_that_raise_return_anything():
    """As documented: numba prints the exception and returns what was in memory."""
    done = subprocess.run([sys.executable, "-c", PRINTS], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("returned ")
    assert "nobody sees this" in done.stderr


def test_callbacks_are_recognised_once_and_go():
    f = cfunc(SCALAR)(may_raise(scalar))
    assert recognised(f) is recognised(f)
    kept = weakref.ref(f)
    del f
    gc.collect()
    assert kept() is None


def test_callbacks_that_cannot_be_compiled_again(monkeypatch):
    f = cfunc(SCALAR)(may_raise(scalar))
    monkeypatch.delattr(f, "_compiler")
    with pytest.warns(RuntimeWarning, match="numba's callback scalar may raise, which numba prints before it goes on"):
        made = recognised(f)
    assert type(made) is CompiledFunction
    assert made(X) == scalar(3, X)


def test_callbacks_of_other_types():
    with pytest.raises(ValueError, match=r"the signature '\(float32,\) -> float32' is not supported"):
        fc.derivative(cfunc("float32(float32)")(one), 0.5)
    with pytest.raises(ValueError, match="its integers must be C's int, of 4 bytes; got 8: use int, intc or int32"):
        fc.gradient(cfunc("float64(int64, CPointer(float64))")(scalar), X)
