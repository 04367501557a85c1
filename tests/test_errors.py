"""Every message: which argument, what was given, the rule, the remedy; before f is called where that is possible."""

import re
import sys

import numpy as np
import pytest

import fastcalc as fc
from tests.reference import Recorder

X = np.array([1.0, 2.0, 3.0])


def never(*args, **kwargs):
    raise AssertionError("f was called")


def field(x):
    return x * x


FUNCTIONS = {
    "gradient": fc.gradient,
    "value_and_gradient": fc.value_and_gradient,
    "jacobian": fc.jacobian,
    "hessian": fc.hessian,
    "derivative": fc.derivative,
    "laplacian": fc.laplacian,
    "divergence": fc.divergence,
    "curl": fc.curl,
    "jvp": lambda f, x, **o: fc.jvp(f, x, np.ones(3), **o),
    "vjp": lambda f, x, **o: fc.vjp(f, x, np.ones(3), **o),
    "hvp": lambda f, x, **o: fc.hvp(f, x, np.ones(3), **o),
    "partial": lambda f, x, **o: fc.partial(f, x, (1, 1, 0), **o),
}
CLASSES = [fc.Derivative, fc.Gradient, fc.Jacobian, fc.Hessian]

WRONG_OPTIONS = [
    ({"wrong": 1}, TypeError, "unknown option 'wrong': the options are method, accuracy, step, scale, bounds, noise,"),
    ({"n_jobs": 2}, TypeError, "unknown option 'n_jobs', did you mean 'workers'?"),
    ({"jac_sparsity": 1}, TypeError, "unknown option 'jac_sparsity', did you mean 'sparsity'?"),
    (
        {"method": "newton"},
        ValueError,
        "`method` must be one of 'central', 'forward', 'backward', 'complex', 'adaptive', 'exact'; got 'newton'",
    ),
    ({"method": 3}, TypeError, "`method` must be a string; got 3: use one of 'central'"),
    ({"method": None}, TypeError, "`method` must be a string; got None"),
    (
        {"accuracy": 3},
        ValueError,
        "`accuracy` must be a positive even integer for central differences; got 3: use 4, or a one",
    ),
    (
        {"accuracy": 0},
        ValueError,
        "`accuracy` must be between 1 and 60; got 0: it is the order of the error, O(h**accuracy)",
    ),
    ({"accuracy": -2}, ValueError, "`accuracy` must be between 1 and 60; got -2"),
    ({"accuracy": 62}, ValueError, "`accuracy` must be between 1 and 60; got 62"),
    ({"accuracy": 2.0}, TypeError, "`accuracy` must be an integer; got 2.0 of type float"),
    ({"accuracy": True}, TypeError, "`accuracy` must be an integer; got True of type bool"),
    ({"accuracy": "2"}, TypeError, "`accuracy` must be an integer; got '2' of type str"),
    ({"step": 0.0}, ValueError, "`step` must be positive and finite; got 0.0: give sizes, without sign"),
    ({"step": [1, -1, 1]}, ValueError, "`step` must be positive and finite; got [1, -1, 1]: give sizes, without sign"),
    ({"step": np.inf}, ValueError, "`step` must be positive and finite; got inf"),
    ({"step": np.nan}, ValueError, "`step` must be positive and finite; got nan"),
    ({"step": 1j}, TypeError, "`step` must be real; got dtype complex128: give its real part"),
    ({"step": "small"}, TypeError, "`step` must hold real or complex numbers; got dtype <U5"),
    ({"step": [1, [2, 3]]}, TypeError, "`step` must be an array of numbers; got a ragged sequence: give it one shape"),
    ({"scale": -1.0}, ValueError, "`scale` must be positive and finite; got -1.0: give sizes, without sign"),
    ({"scale": object()}, TypeError, "`scale` must hold real or complex numbers; got dtype object"),
    (
        {"bounds": 3},
        TypeError,
        "`bounds` must be a pair (lower, upper) or a scipy.optimize.Bounds; got 3: for one pair per",
    ),
    ({"bounds": "ab"}, TypeError, "`bounds` must be a pair (lower, upper) or a scipy.optimize.Bounds; got 'ab'"),
    ({"bounds": [(0, 1)] * 3}, TypeError, "for one pair per variable write tuple(zip(*bounds))"),
    ({"bounds": (9, 0)}, ValueError, "`bounds` must have lower <= upper; got lower 9 and upper 0"),
    ({"bounds": (0, np.nan)}, ValueError, "`bounds` must not be NaN; got NaN: use -inf and inf for no bound"),
    ({"bounds": ([0, 0], [9, 9, 9])}, ValueError, "`bounds` must have matching shapes; got (2,) and (3,)"),
    ({"bounds": (0, 9j)}, TypeError, "`bounds` must be real; got dtype complex128: give its real part"),
    ({"bounds": ("a", "b")}, TypeError, "`bounds` must hold real or complex numbers; got dtype <U1"),
    ({"args": 3}, TypeError, "`args` must be a tuple of the other arguments of f; got 3: write (value,) for one"),
    (
        {"args": "text"},
        TypeError,
        "`args` must be a tuple of the other arguments of f; got 'text': write (value,) for one",
    ),
    ({"kwargs": [1]}, TypeError, "`kwargs` must map argument names to values; got [1]"),
    ({"kwargs": {1: 2}}, TypeError, "`kwargs` must map argument names to values; got {1: 2}"),
    ({"argnum": -1}, ValueError, "`argnum` must be at least 0; got -1: it is the place of x among the arguments of f"),
    ({"argnum": 1.0}, TypeError, "`argnum` must be an integer; got 1.0 of type float"),
    (
        {"argnum": 3, "args": (1,)},
        ValueError,
        "`argnum` must be at most the number of other arguments, 1; got 3: x goes before",
    ),
    ({"vectorized": 1}, TypeError, "`vectorized` must be True or False; got 1"),
    ({"full_output": "yes"}, TypeError, "`full_output` must be True or False; got 'yes'"),
    ({"on_error": "ignore"}, ValueError, "`on_error` must be one of 'raise', 'nan'; got 'ignore'"),
    ({"on_error": None}, TypeError, "`on_error` must be a string; got None"),
]


@pytest.mark.parametrize(("options", "error", "message"), WRONG_OPTIONS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_options_of_functions(name, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        FUNCTIONS[name](never, X, **options)


@pytest.mark.parametrize(("options", "error", "message"), WRONG_OPTIONS)
@pytest.mark.parametrize("cls", CLASSES)
def test_options_of_operators_are_checked_when_they_are_built(cls, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        cls(never, **options)


_NUMBERS = "`x` must hold real or complex numbers; got dtype "
_PER_VARIABLE = "must be a scalar, or have one entry per variable: shape () or (3,) for x of shape (3,); got shape "
_LOST = "is the same floating-point number; take a step of at least 2.220446049250313e-16"
_OUTSIDE = "got 3.0 for variable 2, whose bounds are 0.0 and 2.5: move x, for example by np.clip(x, lower, upper)"
WRONG_POINTS = [
    (np.array([1, 2, 3], object), {}, TypeError, _NUMBERS + "object: convert it with np.asarray(x, dtype=float)"),
    (["a", "b", "c"], {}, TypeError, _NUMBERS + "<U1: convert it with"),
    (np.array(["2020-01-01"] * 3, "M8[D]"), {}, TypeError, _NUMBERS + "datetime64[D]"),
    (np.zeros(3, [("a", float)]), {}, TypeError, _NUMBERS + "[('a', '<f8')]"),
    (None, {}, TypeError, "`x` must hold numbers; got None"),
    ([[1, 2], [3]], {}, TypeError, "`x` must be an array of numbers; got a ragged sequence: give it one shape"),
    (X, {"step": [1.0, 2.0]}, ValueError, f"`step` {_PER_VARIABLE}(2,)"),
    (X, {"scale": [[1.0]]}, ValueError, f"`scale` {_PER_VARIABLE}(1, 1)"),
    (X, {"bounds": ([0, 0], 9)}, ValueError, f"`bounds` {_PER_VARIABLE}(2,)"),
    (X, {"step": 1e-18}, ValueError, f"`step` must change x: component 0 of x, 1.0, plus 1e-18 {_LOST}"),
    (X, {"bounds": (0, 2.5)}, ValueError, f"x must be inside `bounds`; {_OUTSIDE}"),
    (X + 0j, {"bounds": (0, 9)}, TypeError, "`bounds` need a real x; got dtype complex128: leave out `bounds`"),
]  # fmt: skip


@pytest.mark.parametrize(("x", "options", "error", "message"), WRONG_POINTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_points(name, x, options, error, message):
    if name == "derivative" and "component" in message:
        message = message.replace("component 0 of x", "x[0, 0]")  # a lane
    if name == "derivative" and "variable 2" in message:
        message = "x must be inside `bounds`; got 3.0 for"
    if name.endswith("vp") and "change x" in message:
        pytest.skip("steps along a vector")
    with pytest.raises(error, match=re.escape(message)):
        FUNCTIONS[name](never, x, **options)


def test_a_step_along_a_vector_that_is_lost_in_x():
    with pytest.raises(ValueError, match="`step` must change x"):
        fc.jvp(never, X, np.ones(3), step=1e-18)


def test_messages_name_the_shape_of_x_they_mean():
    with pytest.raises(ValueError, match=re.escape("`step` must change x: x, 1.0, plus 1e-18")):
        fc.gradient(never, 1.0, step=1e-18)
    with pytest.raises(ValueError, match=re.escape("`step` must change x: x[1, 2], 3.0, plus 1e-16")):
        fc.gradient(never, np.array([[0.0] * 3, [0.0, 0, 3]]), step=1e-16, vectorized=True)
    with pytest.raises(ValueError, match=re.escape("shape () or (2,) or (2, 3) for x of shape (2, 3); got shape (3,)")):
        fc.gradient(never, np.ones((2, 3)), step=[1.0, 2, 3])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_f_must_be_callable(name):
    with pytest.raises(TypeError, match=r"`f` must be callable; got 3\.5: pass the function itself, not its value"):
        FUNCTIONS[name](3.5, X)


@pytest.mark.parametrize("cls", CLASSES)
def test_f_must_be_callable_for_operators(cls):
    with pytest.raises(TypeError, match="`f` must be callable; got None: pass the function itself, not its value"):
        cls(None)


def test_n_of_derivatives():
    for n, error, message in [
        (0, ValueError, "`n` must be between 1 and 10; got 0: it says which derivative"),
        (11, ValueError, "`n` must be between 1 and 10; got 11"),
        (1.0, TypeError, "`n` must be an integer; got 1.0 of type float: it says which derivative"),
        (True, TypeError, "`n` must be an integer; got True of type bool"),
    ]:
        with pytest.raises(error, match=re.escape(message)):
            fc.derivative(never, 1.0, n)
        with pytest.raises(error, match=re.escape(message)):
            fc.Derivative(never, n)
    assert fc.derivative(lambda t: t, 1.0, np.int8(1), step=0.5) == 1


def test_complex_step_is_for_first_derivatives_at_real_points():
    for call, message in [
        (lambda: fc.derivative(never, 1.0, 2, method="complex"), "got n = 2: use method 'central' with a higher"),
        (lambda: fc.Derivative(never, 3, method="complex"), "method 'complex' gives first derivatives; got n = 3"),
        (lambda: fc.hessian(never, X, method="complex"), "got a Hessian: give `gradient`, or use 'central'"),
        (lambda: fc.Hessian(never, method="complex"), "method 'complex' gives first derivatives; got a Hessian"),
        (lambda: fc.laplacian(never, X, method="complex"), "method 'complex' gives first derivatives; got "),
        (lambda: fc.hvp(never, X, X, method="complex"), "method 'complex' gives first derivatives; got "),
        (lambda: fc.partial(never, X, (1, 1, 0), method="complex"), "got alpha = (1, 1, 0): use method 'central'"),
        (lambda: fc.gradient(never, X, method="complex", accuracy=4), "`accuracy` has no effect on method 'complex'"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(message)):
            call()
    for name in ("gradient", "jacobian", "derivative", "jvp", "vjp", "divergence", "curl"):
        with pytest.raises(
            TypeError, match="`x` must be real for method 'complex'; got dtype complex128: use method 'central'"
        ):
            FUNCTIONS[name](never, X + 0j, method="complex")


@pytest.mark.parametrize("wrap", [float, lambda v: int(v), np.float64, lambda v: np.array(v), lambda v: [v]])
@pytest.mark.parametrize("vectorized", [False, True])
def test_complex_step_through_a_real_function(wrap, vectorized):
    def f(z):
        if vectorized:
            return (z * z).sum(axis=0).real
        return wrap((z * z).sum().real)

    with pytest.raises(
        TypeError, match="method 'complex' needs an `f` that computes in complex arithmetic; got a real output"
    ):
        fc.gradient(f, X, method="complex", vectorized=vectorized)


@pytest.mark.parametrize(
    ("value", "given"),
    [("text", "str of dtype <U4"), (None, "None: is a `return` missing?"), ({}, "dict of dtype object"),
     (np.array([1, None]), "ndarray of dtype object"), (np.datetime64("2020-01-01"), "datetime64 of dtype datetime64"),
     ([1, "a"], "list of dtype <U")],
)  # fmt: skip
@pytest.mark.parametrize("name", ["gradient", "jacobian", "hessian", "derivative", "jvp", "vjp", "laplacian"])
def test_outputs_that_are_no_numbers(name, value, given):
    with pytest.raises(TypeError, match=re.escape(f"`f` must return numbers; got {given}")):
        FUNCTIONS[name](lambda x: value, X)


@pytest.mark.parametrize("name", ["jacobian", "hessian", "derivative"])
def test_ragged_outputs(name):
    with pytest.raises((TypeError, ValueError), match="`f` must return"):
        FUNCTIONS[name](lambda x: [[1.0, 2.0], [3.0]], X)


def test_gradients_are_of_scalar_functions():
    message = (
        r"`f` must return a scalar for a gradient.*, shape \(\) or \(1,\); got shape \((3,|1, 1|0,)\): use `jacobian`"
    )
    for output in (X, np.ones((1, 1)), np.zeros(0)):
        for function in (fc.gradient, fc.value_and_gradient):
            with pytest.raises(ValueError, match=message):
                function(lambda x: output, X)  # noqa: B023


@pytest.mark.parametrize("call", range(1, 6))
def test_outputs_of_changing_shape(call):
    count = [0]

    def f(x):
        count[0] += 1
        return np.zeros(2 if count[0] <= call else 3)

    with pytest.raises(
        ValueError, match=re.escape("`f` must return the same shape at every point; got (2,), then (3,)")
    ):
        fc.jacobian(f, X)


def test_the_gradient_of_a_hessian():
    with pytest.raises(TypeError, match="`gradient` must be callable; got 3: pass the function itself"):
        fc.hessian(never, X, gradient=3)
    with pytest.raises(TypeError, match="`gradient` must be callable; got 3: pass the function itself"):
        fc.hvp(never, X, X, gradient=3)
    message = "`gradient` must return one component per variable, shape (3,); got shape (2,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.hessian(never, X, gradient=lambda x: x[:2])
    with pytest.raises(ValueError, match=re.escape(message)):
        fc.hvp(never, X, X, gradient=lambda x: x[:2])


def test_vectors_of_products():
    for product in (fc.jvp, fc.hvp):
        with pytest.raises(
            ValueError, match=re.escape("`v` must have the shape of x, (3,); got (2,): give one entry per variable")
        ):
            product(never, X, np.ones(2))
        with pytest.raises(ValueError, match="`v` must be finite; got"):
            product(never, X, [1.0, np.nan, 2.0])
        with pytest.raises(TypeError, match="`v` must be real; got dtype complex128"):
            product(never, X, X * 1j)
        with pytest.raises(TypeError, match="`v` must hold real or complex numbers; got dtype"):
            product(never, X, ["a", "b", "c"])
    with pytest.raises(
        ValueError, match=re.escape("`w` must have the shape of f(x), (3,); got (2,): give one weight per output")
    ):
        fc.vjp(field, X, np.ones(2))
    with pytest.raises(TypeError, match="`w` must hold real or complex numbers; got dtype"):
        fc.vjp(never, X, ["a"])


def test_fields_of_divergence_and_curl():
    message = (
        "`f` must return a vector field, an output of shape (3,) like its argument; got shape (2,): use `jacobian`"
    )
    for function in (fc.divergence, fc.curl):
        with pytest.raises(ValueError, match=re.escape(message)):
            function(lambda x: x[:2], X)
    for n in (1, 4):
        with pytest.raises(ValueError, match=re.escape(f"`x` must have 3 or 2 variables for a curl; got shape ({n},)")):
            fc.curl(never, np.ones(n))


# --- the destination --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([0.0] * 3, TypeError, "`out` must be a NumPy array; got list: use np.empty"),
        (
            np.zeros(3, int),
            TypeError,
            "`out` must hold inexact numbers; got int64: use np.empty of a float or complex dtype",
        ),
        (np.zeros(3, object), TypeError, "`out` must hold inexact numbers; got object"),
        (np.broadcast_to(0.0, 3), ValueError, "`out` must be writeable; got a read-only array: use np.empty"),
        (X, ValueError, "`out` must not overlap with x, which is read until the end: use another array"),
        (X[::-1], ValueError, "`out` must not overlap with x"),
        (X.view(np.complex64), ValueError, "`out` must not overlap with x"),
    ],
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_destinations_that_can_never_be_right(name, out, error, message):
    with pytest.raises(error, match=re.escape(message)):
        FUNCTIONS[name](never, X, out=out)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_destinations_of_a_wrong_shape_or_type(name):
    f = field if name in ("jacobian", "divergence", "curl", "jvp", "vjp") else (lambda x: np.sum(x * x))
    shape = np.shape(FUNCTIONS[name](f, X)) if name != "value_and_gradient" else (3,)
    for wrong in [(7,), (3, 3, 3), (1,)]:
        if wrong != shape:
            with pytest.raises(
                ValueError, match=re.escape(f"`out` must have the shape of the result, {shape}; got {wrong}")
            ):
                FUNCTIONS[name](f, X, out=np.empty(wrong))
    with pytest.raises(
        TypeError, match=r"`out` must be able to hold complex128; got float64: use np.empty\(.*, 'complex128'\)"
    ):
        FUNCTIONS[name](lambda x: f(x) * 1j, X, out=np.empty(shape))


def test_destinations_that_are_only_memory():
    def f(x):
        return np.exp(x).sum()

    expected = fc.gradient(f, X)
    wide = np.zeros((3, 4))
    for out in (wide[:, 1], wide[::-1, 2], np.zeros(3, ">f8"), np.zeros(3, np.longdouble), np.zeros(3, complex)):
        assert fc.gradient(f, X, out=out) is out
        np.testing.assert_array_equal(out, expected)
    single = np.zeros(3, np.float32)
    fc.gradient(f, X, out=single)
    np.testing.assert_array_equal(single, expected.astype(np.float32))
    np.testing.assert_array_equal(wide[:, [0, 3]], 0)
    fortran = np.zeros((3, 3), order="F")
    assert fc.hessian(f, X, out=fortran) is fortran
    np.testing.assert_array_equal(fortran, fc.hessian(f, X))
    raw = np.zeros(25, np.uint8)[1:].view(float)
    np.testing.assert_array_equal(fc.gradient(f, X, out=raw), expected)
    point = np.empty(())
    assert fc.gradient(np.exp, 1.0, out=point) is point
    assert point[()] == fc.gradient(np.exp, 1.0)


def test_a_destination_beside_x_in_the_same_memory_is_fine():
    memory = np.zeros(6)
    memory[:3] = X
    fc.gradient(np.sum, memory[:3], out=memory[3:], step=0.5)
    np.testing.assert_array_equal(memory, [1, 2, 3, 1, 1, 1])


def test_a_destination_is_reused_and_only_written_at_success():
    gradient = fc.Gradient(lambda x: np.exp(x).sum())
    out = np.full(3, -1.0)
    with pytest.raises(ValueError, match="shape of the result"):
        gradient(np.ones(4), out=out)
    np.testing.assert_array_equal(out, -1)
    first = gradient(X, out=out)
    assert gradient(X + 1, out=out) is first
    np.testing.assert_array_equal(out, gradient(X + 1))
    result = gradient(X, out=out, full_output=True)
    assert result.value is out


def test_a_destination_is_left_alone_when_f_fails():
    def f(x):
        if x[2] != X[2]:
            raise ArithmeticError
        return x.sum()

    out = np.full(3, -1.0)
    with pytest.raises(ArithmeticError):
        fc.gradient(f, X, out=out)
    np.testing.assert_array_equal(out, -1)


# --- arguments at the call --------------------------------------------------------------------------------------------


def test_arguments_stored_and_at_the_call():
    for cls in CLASSES:
        with pytest.raises(
            TypeError, match="the other arguments of f are stored in `args` already; got 2 arguments at the call"
        ):
            cls(never, args=(1,))(X, 2)
        with pytest.raises(
            TypeError, match=re.escape("x is argument number 0 (`argnum`), counted from 0; got 0 arguments")
        ):
            cls(never)()
        with pytest.raises(
            TypeError, match=re.escape("x is argument number 2 (`argnum`), counted from 0; got 2 arguments")
        ):
            cls(never, argnum=2)(1, 2)
    for name in FUNCTIONS:
        with pytest.raises(TypeError, match=re.escape("x is argument number 1 (`argnum`), counted from 0; got")):
            FUNCTIONS[name](never, X, argnum=1)


def test_options_at_the_call_are_checked():
    with pytest.raises(TypeError, match="`full_output` must be True or False; got 1"):
        fc.Gradient(never)(X, full_output=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'method'"):  # of f: options are not for the call
        fc.Gradient(lambda x: x.sum())(X, method="forward")


def test_linear_operators():
    with pytest.raises(ValueError, match="`as_linear_operator` is for one point and a plain f; got vectorized=True"):
        fc.Jacobian(never, vectorized=True).as_linear_operator(X)


def test_linear_operators_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse.linalg", None)
    with pytest.raises(ImportError, match="`as_linear_operator` needs SciPy: pip install scipy"):
        fc.Jacobian(never).as_linear_operator(X)


def test_no_call_of_f_for_a_known_wrong_destination():
    # the shape of a gradient is that of x: it is checked before f runs
    f = Recorder(np.sum)
    with pytest.raises(ValueError, match=re.escape("`out` must have the shape of the result, (3,); got (4,)")):
        fc.gradient(f, X, out=np.empty(4))
    assert f.calls == 0


@pytest.mark.parametrize("name", ["gradient", "vjp", "laplacian"])
def test_sparsity_where_it_has_no_place(name):
    with pytest.raises(TypeError, match="unknown option 'sparsity', which jacobian and hessian alone take"):
        FUNCTIONS[name](np.sum, np.ones(3), sparsity=np.eye(3))
