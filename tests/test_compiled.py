"""Compiled functions as the user holds them: what is recognised, what is refused, and what `compiled` makes of it."""

import copy
import ctypes
import functools
import gc
import math
import operator
import pickle
import re
import subprocess
import sys
import timeit
import weakref

import numpy as np
import pytest

import fastcalc as fc
from fastcalc._functions.recognition import recognised
from fastcalc._functions.signatures import Form
from tests.c_functions import SIGNATURES, address_in, compiled_from, library, python_twin  # noqa: F401

X = np.array([0.5, -2.0, 3.0])
FACTOR = np.array([-1.75])
TYPES = {
    "double": ctypes.c_double,
    "int": ctypes.c_int,
    "void": None,
    "double *": ctypes.POINTER(ctypes.c_double),
    "void *": ctypes.c_void_p,
}


_NAMES = []  # a capsule does not own its name


def new_capsule(address, name, context=None):
    _NAMES.append(name)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    capsule = make(("PyCapsule_New", ctypes.pythonapi))(address, name, None)
    if context is not None:
        put = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p)
        put(("PyCapsule_SetContext", ctypes.pythonapi))(capsule, context)
    return capsule


# --- what holds a function --------------------------------------------------------------------------------------------


def of_ctypes(library, name):  # noqa: F811
    """The function of the library, with its types set."""
    result, arguments = re.fullmatch(r"(\w+) \((.*)\)", SIGNATURES[name]).groups()
    function = ctypes.CDLL(library._name)[name]
    function.restype, function.argtypes = TYPES[result], [TYPES[kind] for kind in arguments.split(", ")]
    return function


def of_ctypes_with_arrays(library, name):  # noqa: F811
    """The same with the array types of NumPy."""
    function = of_ctypes(library, name)
    array = np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")
    function.argtypes = [array if kind is TYPES["double *"] else kind for kind in function.argtypes]
    return function


def of_cffi(library, name):  # noqa: F811
    """A function of a library that cffi opened."""
    ffi = pytest.importorskip("cffi").FFI()
    result, arguments = SIGNATURES[name].split(" (")
    ffi.cdef(f"{result} {name}({arguments};")
    opened = ffi.dlopen(library._name)
    return getattr(opened, name)


def of_cffi_cast(library, name):  # noqa: F811
    """A pointer of cffi."""
    result, arguments = SIGNATURES[name].split(" (")
    return pytest.importorskip("cffi").FFI().cast(f"{result} (*)({arguments}", address_in(library, name))


def of_capsule(library, name):  # noqa: F811
    """A capsule as Cython makes it."""
    return new_capsule(address_in(library, name), SIGNATURES[name].encode())


def of_low_level_callable(library, name):  # noqa: F811
    """SciPy's holder, of a function of ctypes."""
    scipy = pytest.importorskip("scipy")
    return scipy.LowLevelCallable(of_ctypes(library, name))


def of_low_level_capsule(library, name):  # noqa: F811
    """SciPy's holder, of a capsule."""
    scipy = pytest.importorskip("scipy")
    return scipy.LowLevelCallable(of_capsule(library, name))


def of_low_level_cffi(library, name):  # noqa: F811
    """SciPy's holder, of a pointer of cffi."""
    scipy = pytest.importorskip("scipy")
    return scipy.LowLevelCallable(of_cffi_cast(library, name))


HOLDERS = [
    of_ctypes,
    of_ctypes_with_arrays,
    of_cffi,
    of_cffi_cast,
    of_capsule,
    of_low_level_callable,
    of_low_level_capsule,
    of_low_level_cffi,
]


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_holder_of_a_function_is_an_f(library, holder):  # noqa: F811
    f = holder(library, "smooth")
    made = recognised(f)
    assert isinstance(made, fc.CompiledFunction)
    assert (made.signature, made.form, made.takes_user_data) == ("double (int, double *)", Form.SCALAR, False)
    assert (made.address, made.user_data, made.n_outputs) == (address_in(library, "smooth"), 0, None)
    assert made.shape == ()
    assert not made.one_variable
    twin = python_twin(library, "smooth")
    np.testing.assert_array_equal(fc.gradient(f, X), fc.gradient(twin, X), strict=True)
    np.testing.assert_array_equal(fc.Hessian(f)(X), fc.hessian(twin, X), strict=True)


@pytest.mark.parametrize("holder", HOLDERS)
def test_holders_of_functions_of_one_variable(library, holder):  # noqa: F811
    f = holder(library, "wave")
    assert recognised(f).one_variable
    np.testing.assert_array_equal(fc.derivative(f, X), fc.derivative(python_twin(library, "wave"), X), strict=True)


@pytest.mark.parametrize("holder", HOLDERS)
def test_holders_of_functions_with_outputs(library, holder):  # noqa: F811
    f = holder(library, "outputs")
    made = fc.compiled(f, n_outputs=2)
    assert (made.signature, made.form, made.n_outputs) == ("void (int, int, double *, double *)", Form.VECTOR, 2)
    np.testing.assert_array_equal(made(X), python_twin(library, "outputs", 2)(X), strict=True)
    with pytest.raises(TypeError, match=r"does not tell how many numbers .* use fc.compiled\(f, n_outputs=...\)"):
        fc.jacobian(f, X)
    with pytest.raises(TypeError, match=r"does not tell how many numbers"):
        fc.compiled(f)


@pytest.mark.parametrize("holder", HOLDERS)
def test_holders_of_functions_with_user_data(library, holder):  # noqa: F811
    made = fc.compiled(holder(library, "smooth_of"), user_data=FACTOR)
    assert made.user_data == FACTOR.ctypes.data
    assert made.takes_user_data
    assert made(X) == python_twin(library, "smooth_of", user_data=FACTOR)(X)


def test_functions_of_a_module_of_cffi(tmp_path):
    cffi = pytest.importorskip("cffi")
    pytest.importorskip("setuptools")
    ffi = cffi.FFI()
    ffi.cdef("double square(double); double product(int, const double *);")
    ffi.set_source(
        "of_cffi",
        "static double square(double x) { return x * x; }"
        "static double product(int n, const double *x) { return x[0] * x[n - 1]; }",
    )
    try:
        path = ffi.compile(tmpdir=str(tmp_path))
    except Exception as error:  # of setuptools, without a compiler
        pytest.skip(f"needs a C compiler: {type(error).__name__}")
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("of_cffi", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    square, product = recognised(module.lib.square), recognised(module.lib.product)
    assert (square.signature, product.signature) == ("double (double)", "double (int, double *)")
    assert square(3.0) == 9.0
    np.testing.assert_allclose(fc.gradient(module.lib.product, X), [3.0, 0.0, 0.5], rtol=1e-9)
    assert recognised(module.ffi.addressof(module.lib, "square")).address == square.address
    assert recognised(math.sin) is math.sin  # built-in functions of others stay what they are


def test_user_data_of_low_level_callables(library):  # noqa: F811
    scipy = pytest.importorskip("scipy")
    expected = python_twin(library, "smooth_of", user_data=FACTOR)(X)
    data = ctypes.c_void_p(FACTOR.ctypes.data)
    function = of_ctypes(library, "smooth_of")
    made = recognised(scipy.LowLevelCallable(function, data))
    assert made.user_data == FACTOR.ctypes.data
    assert made(X) == expected
    other = np.array([3.0])
    assert fc.compiled(scipy.LowLevelCallable(function, data), user_data=other).user_data == other.ctypes.data
    capsule = new_capsule(address_in(library, "smooth_of"), SIGNATURES["smooth_of"].encode(), FACTOR.ctypes.data)
    assert recognised(capsule)(X) == expected
    assert recognised(scipy.LowLevelCallable(capsule, new_capsule(FACTOR.ctypes.data, None)))(X) == expected
    assert recognised(scipy.LowLevelCallable(function)).user_data == 0


def test_a_low_level_callable_of_quad_is_a_function(library):  # noqa: F811
    """What SciPy integrates is what fastcalc differentiates."""
    integrate = pytest.importorskip("scipy.integrate")
    scipy = pytest.importorskip("scipy")
    f = scipy.LowLevelCallable(of_ctypes(library, "wave"))
    area = integrate.quad(f, 0, 2)[0]
    assert abs(area - integrate.quad(python_twin(library, "wave"), 0, 2)[0]) < 1e-14
    assert abs(fc.derivative(f, 0.7) - math.exp(0.35) * (math.cos(0.7) + 0.5 * math.sin(0.7))) < 1e-13


# --- what is no compiled function -------------------------------------------------------------------------------------


class Callable:
    def __call__(self, x):
        return x

    def method(self, x):
        return x


@pytest.mark.parametrize(
    "f", [lambda x: x, math.sin, np.sin, functools.partial(np.add, 1), Callable(), Callable().method, Callable, len]
)
def test_other_callables_stay_what_they_are(f):
    assert recognised(f) is f


def test_recognising_a_python_function_costs_nothing():
    def f(x):
        return x

    seconds = min(timeit.repeat(lambda: recognised(f), number=2000, repeat=20)) / 2000
    assert seconds < 1e-6  # 0.05 us, apart from the lambda


NOTHING_IS_IMPORTED = """
import sys
import numpy as np
before = set(sys.modules)
import fastcalc as fc
fc.gradient(lambda x: x[0] * x[1], [1.0, 2.0]), fc.derivative(np.sin, 0.0)
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
assert not roots & {"numba", "cffi", "_cffi_backend", "scipy", "cython"}, roots
"""


def test_recognising_imports_nothing():
    subprocess.run([sys.executable, "-c", NOTHING_IS_IMPORTED], check=True)


@pytest.mark.parametrize("f", [3.0, None, "sin", X, [np.sin], True, 7])
def test_what_cannot_be_called(f):
    with pytest.raises(TypeError, match=r"`f` must be callable; got .*: pass the function itself, not its value"):
        fc.gradient(f, X)
    if f is not None:
        with pytest.raises(TypeError, match="`gradient` must be callable"):
            fc.hessian(np.sum, X, gradient=f)


def test_addresses_need_a_signature(library):  # noqa: F811
    address = address_in(library, "smooth")
    with pytest.raises(TypeError, match=r"must be callable; got \d+: if it is the address .* fc.compiled\(f, sig"):
        fc.gradient(address, X)
    with pytest.raises(TypeError, match=r"`function` must tell its signature; got an address alone(.|\n)*double \(int"):
        fc.compiled(address)
    for kind in (int, np.intp, np.uint64):
        assert fc.compiled(kind(address), "double (int, double *)").address == address


def test_python_functions_behind_pointers_are_refused():
    message = "must be compiled; got a Python function behind a pointer, .*: its exceptions would be printed and lost"
    prototype = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    callback = prototype(math.sin)
    pointers = [callback, ctypes.cast(callback, prototype)]
    scipy, cffi = pytest.importorskip("scipy"), pytest.importorskip("cffi")
    pointers += [scipy.LowLevelCallable(callback), cffi.FFI().callback("double(double)", math.sin)]
    for pointer in pointers:
        with pytest.raises(TypeError, match=f"`f` {message}"):
            fc.derivative(pointer, 0.5)
        with pytest.raises(TypeError, match=f"`function` {message}"):
            fc.compiled(pointer)


def test_functions_that_need_the_interpreter_are_refused():
    function = ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.c_double)(("PyFloat_AsDouble", ctypes.pythonapi))
    with pytest.raises(TypeError, match="`f` must not need Python's global lock"):
        fc.derivative(function, 0.5)
    with pytest.raises(TypeError, match="`f` must not need Python's global lock"):
        fc.derivative(ctypes.pythonapi.PyFloat_AsDouble, 0.5)


def test_pointers_without_a_signature(library):  # noqa: F811
    function = ctypes.CDLL(library._name).smooth
    with pytest.raises(TypeError, match=r"`f` must tell its signature; got an address alone: .* its argtypes and its"):
        fc.gradient(function, X)
    assert fc.compiled(function, "double (int, double *)")(X) == python_twin(library, "smooth")(X)
    nameless = new_capsule(address_in(library, "smooth"), None)
    with pytest.raises(TypeError, match="`f` must tell its signature"):
        fc.gradient(nameless, X)
    assert fc.compiled(nameless, "double (int, double *)")(X) == python_twin(library, "smooth")(X)


def test_pointers_to_nothing():
    message = "`f` must point to a function; got a null pointer"
    with pytest.raises(ValueError, match=message):
        fc.derivative(ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(), 0.5)
    cffi = pytest.importorskip("cffi")
    with pytest.raises(ValueError, match=message):
        fc.derivative(cffi.FFI().cast("double (*)(double)", 0), 0.5)
    with pytest.raises(ValueError, match="`function` must be the address of a function; got 0"):
        fc.compiled(0, "double (double)")
    with pytest.raises(TypeError, match="must be callable"):
        fc.derivative(ctypes.pointer(ctypes.c_double()), 0.5)


def test_unsupported_signatures_are_listed(library):  # noqa: F811
    function = of_ctypes(library, "smooth")
    function.argtypes = [ctypes.c_long, ctypes.POINTER(ctypes.c_double)]
    if ctypes.sizeof(ctypes.c_long) == 8:
        with pytest.raises(ValueError, match=r"must be C's int, of 4 bytes; got 8(.|\n)*double \(int n, double \*x\)"):
            fc.gradient(function, X)
    function.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_float)]
    with pytest.raises(ValueError, match=r"the signature 'double \(int, float \*\)' is not supported"):
        fc.gradient(function, X)
    cython = pytest.importorskip("scipy.special.cython_special")
    with pytest.raises(ValueError, match="a cpdef function takes a hidden argument"):
        fc.derivative(cython.__pyx_capi__["j0"], 0.5)


# --- fc.compiled ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        FACTOR,
        FACTOR.ctypes.data,
        np.intp(FACTOR.ctypes.data),
        ctypes.c_void_p(FACTOR.ctypes.data),
        FACTOR.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        ctypes.c_double(-1.75),
        (ctypes.c_double * 2)(-1.75, 0),
        new_capsule(FACTOR.ctypes.data, b"data"),
        type("Data", (ctypes.Structure,), {"_fields_": [("factor", ctypes.c_double)]})(-1.75),
    ],
    ids=["array", "int", "intp", "c_void_p", "pointer", "c_double", "c_array", "capsule", "structure"],
)
def test_kinds_of_user_data(library, data):  # noqa: F811
    made = compiled_from(library, "smooth_of", user_data=data)
    assert made(X) == -1.75 * python_twin(library, "smooth")(X)


def test_user_data_of_cffi(library):  # noqa: F811
    ffi = pytest.importorskip("cffi").FFI()
    ffi.cdef("struct data { double factor; };")
    for data in (
        ffi.new("double *", -1.75),
        ffi.new("double[2]", [-1.75, 0.0]),
        ffi.new("struct data *", [-1.75]),
        ffi.cast("void *", FACTOR.ctypes.data),
    ):
        assert compiled_from(library, "smooth_of", user_data=data)(X) == -1.75 * python_twin(library, "smooth")(X)


@pytest.mark.parametrize("data", [1.5, "data", [1.0], True, object()])
def test_what_is_no_user_data(library, data):  # noqa: F811
    with pytest.raises(TypeError, match=r"`user_data` must be an address, .*; got .*: put it into a NumPy array"):
        compiled_from(library, "smooth_of", user_data=data)


def test_addresses_of_user_data(library):  # noqa: F811
    for address in (-1, 2**64):
        with pytest.raises(ValueError, match=r"`user_data` must be an address, an integer of \d bytes; got"):
            compiled_from(library, "smooth_of", user_data=address)
    with pytest.raises(ValueError, match=r"`function` must be an address, an integer of \d bytes; got -5"):
        fc.compiled(-5, "double (double)")


def test_wrong_combinations(library):  # noqa: F811
    with pytest.raises(ValueError, match=r"`user_data` needs a last argument `void \*`; got the signature 'double \("):
        compiled_from(library, "smooth", user_data=FACTOR)
    with pytest.raises(ValueError, match=r"`n_outputs` is the size of y; got 3 for the signature .*: leave it out"):
        compiled_from(library, "smooth", n_outputs=3)
    for n_outputs, error in ((-1, ValueError), (2**31, ValueError), (2.0, TypeError), (True, TypeError)):
        with pytest.raises(error, match="`n_outputs` must be"):
            compiled_from(library, "outputs", n_outputs=n_outputs)
    with pytest.raises(TypeError, match="`signature` must be a declaration in C, a string; got 5"):
        fc.compiled(address_in(library, "smooth"), 5)
    with pytest.raises(ValueError, match=r"the signature 'int \(\)' is not supported"):
        fc.compiled(address_in(library, "smooth"), "int ()")
    with pytest.raises(ValueError, match=r"`signature` must be that of `function`, 'double \(int, double \*\)'; got"):
        fc.compiled(of_ctypes(library, "smooth"), "double (double)")
    assert fc.compiled(of_ctypes(library, "smooth"), "double f(int32_t n, const double *x)")(X)


@pytest.mark.parametrize("function", [np.sin, lambda x: x, 1.5, None, "double (double)", X])
def test_what_cannot_be_compiled(function):
    with pytest.raises(TypeError, match=r"`function` must be compiled; got .* operators take functions of Python as"):
        fc.compiled(function)


def test_a_compiled_function_is_one_already(library):  # noqa: F811
    f = compiled_from(library, "outputs", n_outputs=2)
    assert fc.compiled(f) is f
    assert recognised(f) is f
    for options in ({"n_outputs": 3}, {"signature": f.signature}, {"owner": 1}, {"user_data": FACTOR}):
        with pytest.raises(TypeError, match=r"is complete; got more than that: give it where the function is made"):
            fc.compiled(f, **options)


def test_representations(library):  # noqa: F811
    assert repr(compiled_from(library, "smooth")) == "CompiledFunction('double (int, double *)')"
    made = compiled_from(library, "checked_of", n_outputs=2, user_data=FACTOR)
    assert repr(made) == (
        "CompiledFunction('int (int, int, double *, double *, void *)', n_outputs=2, "
        f"user_data={FACTOR.ctypes.data:#x})"
    )
    assert repr(fc.Gradient(compiled_from(library, "smooth"))) == "Gradient(CompiledFunction('double (int, double *)'))"


# --- calls from Python ------------------------------------------------------------------------------------------------


def test_calls_at_one_point(library):  # noqa: F811
    f, twin = compiled_from(library, "smooth"), python_twin(library, "smooth")
    assert type(f(X)) is np.float64
    assert f(X) == f(X.tolist()) == f(X[::-1][::-1]) == f(X.reshape(3, 1)) == twin(X)
    assert f([1, 2, 3]) == f(np.float32([1, 2, 3])) == twin([1, 2, 3])
    g = compiled_from(library, "outputs", n_outputs=4)
    np.testing.assert_array_equal(g(X), python_twin(library, "outputs", 4)(X), strict=True)
    assert compiled_from(library, "outputs", n_outputs=0)(X).shape == (0,)


def test_calls_of_one_variable_take_arrays(library):  # noqa: F811
    f, twin = compiled_from(library, "wave"), python_twin(library, "wave")
    assert type(f(0.5)) is np.float64
    assert f(0.5) == twin(0.5)
    x = np.linspace(-1, 1, 6).reshape(2, 3)
    np.testing.assert_array_equal(f(x.T), [[twin(value) for value in row] for row in x.T], strict=True)
    assert f(np.empty((0, 2))).shape == (0, 2)


def test_calls_keep_x(library):  # noqa: F811
    f, x = compiled_from(library, "clears"), X.copy()
    f(x)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("x", [X.astype(complex), X.astype(np.longdouble), ["1.5"], None])
def test_calls_with_other_numbers(library, x):  # noqa: F811
    with pytest.raises(TypeError, match="`x` must"):
        compiled_from(library, "smooth")(x)


def test_calls_that_fail(library):  # noqa: F811
    limit = np.array([1.0])
    f = compiled_from(library, "fails_beyond", n_outputs=2, user_data=limit)
    with pytest.raises(fc.CallbackError, match="status") as caught:
        f(X)
    assert caught.value.status != 0
    np.testing.assert_array_equal(caught.value.point, X)
    assert np.isfinite(f([0.1, 0.2, 0.3])).all()


# --- lifetime and copies ----------------------------------------------------------------------------------------------


def test_owners_stay_alive(library):  # noqa: F811
    class Owner:
        pass

    owner, data = Owner(), FACTOR.copy()
    kept = weakref.ref(owner), weakref.ref(data)
    f = fc.compiled(
        address_in(library, "smooth_of"), "double (int, double *, void *)", user_data=data, owner=(library, owner)
    )
    del owner, data
    gc.collect()
    assert all(one() is not None for one in kept)
    gradient = fc.Gradient(f)
    del f
    gc.collect()
    np.testing.assert_array_equal(
        gradient(X), fc.gradient(python_twin(library, "smooth_of", user_data=FACTOR), X), strict=True
    )
    del gradient
    gc.collect()
    assert all(one() is None for one in kept)


@pytest.mark.parametrize("copier", [pickle.dumps, copy.copy, copy.deepcopy, operator.methodcaller("__reduce__")])
def test_addresses_are_not_copied(library, copier):  # noqa: F811
    message = (
        r"cannot pickle CompiledFunction\('double \(int, double \*\)'\): .* Use threads, .* function of numba.njit"
    )
    with pytest.raises(TypeError, match=message):
        copier(compiled_from(library, "smooth"))
    with pytest.raises(TypeError, match=message):
        pickle.dumps(fc.Gradient(of_ctypes(library, "smooth")))
