"""Signatures: every way of writing the supported ones, and an error that lists them for any other."""

import ctypes
import itertools
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcalc._functions.signatures import Form, Signature, parse_signature

NORMAL = {
    "double (double)": (Form.ONE_VARIABLE, False),
    "double (double, void *)": (Form.ONE_VARIABLE, True),
    "double (int, double *)": (Form.SCALAR, False),
    "double (int, double *, void *)": (Form.SCALAR, True),
    "void (int, int, double *, double *)": (Form.VECTOR, False),
    "void (int, int, double *, double *, void *)": (Form.VECTOR, True),
    "int (int, int, double *, double *)": (Form.STATUS, False),
    "int (int, int, double *, double *, void *)": (Form.STATUS, True),
}


@pytest.mark.parametrize("text", NORMAL)
def test_supported_signatures_are_their_own_normal_form(text):
    signature = parse_signature(text)
    assert (signature.form, signature.user_data) == NORMAL[text]
    assert signature.text == text
    assert signature.scalar == text.startswith("double")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        # spaces, names, qualifiers, arrays
        ("double(double)", "double (double)"),
        ("  double  (\tdouble )\n;", "double (double)"),
        ("double f(double x)", "double (double)"),
        ("extern double f (double x);", "double (double)"),
        ("static inline double f(signed int n, double *x)", "double (int, double *)"),
        ("double (int n, const double *x)", "double (int, double *)"),
        ("double (int, double const *const restrict, void *data)", "double (int, double *, void *)"),
        ("double (int n, double x[])", "double (int, double *)"),
        ("double (int n, double x[3], void*)", "double (int, double *, void *)"),
        ("double (*)(int, double *)", "double (int, double *)"),
        ("double (*f)(int n, double*x)", "double (int, double *)"),
        ("double(*)(double, void *)", "double (double, void *)"),
        ("int f(int m, int n, const double * __restrict__ x, double *y)", "int (int, int, double *, double *)"),
        # of Cython
        ("double (double) noexcept nogil", "double (double)"),
        ("double (int, __pyx_t_5numpy_float64_t *)", "double (int, double *)"),
        ("double (__pyx_t_7package_6module_double)", "double (double)"),
        ("int (__pyx_t_5numpy_int32_t, int, double const *, double *)", "int (int, int, double *, double *)"),
        # of numba and NumPy
        ("float64(float64)", "double (double)"),
        ("float64(intc, CPointer(float64))", "double (int, double *)"),
        ("float64(int32, CPointer(float64), voidptr)", "double (int, double *, void *)"),
        ("(float64,) -> float64", "double (double)"),
        ("(int32, float64*) -> float64", "double (int, double *)"),
        ("(int32, int32, float64*, float64*, void*) -> none", "void (int, int, double *, double *, void *)"),
        ("npy_double (npy_intc, npy_float64 *)", "double (int, double *)"),
        # of ctypes
        ("c_double (c_int, c_double *, c_void_p)", "double (int, double *, void *)"),
        # integers of the same width
        ("double (int32_t, double *)", "double (int, double *)"),
        ("double (unsigned, double *)", "double (int, double *)"),
        ("double (unsigned int n, double *)", "double (int, double *)"),
        ("double (int unsigned n, double *)", "double (int, double *)"),
        ("double (uint32_t n, double *)", "double (int, double *)"),
        ("int32 (int32, int32, float64 *, float64 *)", "int (int, int, double *, double *)"),
        # a name that is no type, even where it begins like one
        ("double integrand(int long_name, double *double_star)", "double (int, double *)"),
    ],
)
def test_other_ways_of_writing_them(text, normal):
    assert parse_signature(text).text == normal


@pytest.mark.parametrize("name", ["long", "long int", "unsigned long", "signed long int", "c_long"])
def test_integers_go_by_width(name):
    text = f"double ({name}, double *)"
    if ctypes.sizeof(ctypes.c_long) == ctypes.sizeof(ctypes.c_int):  # Windows
        assert parse_signature(text).form == Form.SCALAR
    else:
        with pytest.raises(ValueError, match=r"must be C's int, of 4 bytes; got 8: use int, intc or int32"):
            parse_signature(text)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("char", 1),
        ("signed char", 1),
        ("short", 2),
        ("unsigned short int", 2),
        ("long long", 8),
        ("unsigned long long int", 8),
        ("int64", 8),
        ("npy_int64", 8),
        ("size_t", struct.calcsize("P")),
        ("npy_intp", struct.calcsize("P")),
        ("Py_ssize_t", struct.calcsize("P")),
        ("__pyx_t_5numpy_npy_intp", struct.calcsize("P")),
    ],
)
def test_integers_of_other_widths(name, size):
    with pytest.raises(ValueError, match=rf"its integers must be C's int, of 4 bytes; got {size}"):
        parse_signature(f"double ({name}, double *)")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no declaration of a function"),
        ("double", "it is no declaration of a function"),
        ("double (double", "it is no declaration of a function"),
        ("double (double) (double)", "it is no declaration of a function"),
        ("(double)", "it is no declaration of a function"),
        ("double (double, double (*)(double))", "it is no declaration of a function"),
        ("double ()", "`an empty type` is none of its types"),
        ("double (double,)", "`an empty type` is none of its types"),
        ("double (float)", "`float` is none of its types"),
        ("float (float)", "`float` is none of its types"),
        ("long double (long double)", "`long double` is none of its types"),
        ("double long (double)", "`double long` is none of its types"),
        ("double complex (double complex)", "`double complex` is none of its types"),
        ("double (int, struct point *)", "`struct point *` is none of its types"),
        ("double (double, ...)", "`...` is none of its types"),
        ("double (double x y)", "`double x y` is none of its types"),
        ("double (array(float64, 1d, C))", "it is no declaration of a function"),
        ("double (void)", "no form has these arguments and this result"),
        ("void (double)", "no form has these arguments and this result"),
        ("int (double)", "it returns an int, as ctypes takes it where the restype of a function is not set"),
        ("int (int, double *, void *)", "set it to c_double"),
        ("double (double *)", "no form has these arguments and this result"),
        ("double *(double)", "no form has these arguments and this result"),
        ("double (int, double **)", "no form has these arguments and this result"),
        ("double (int, double *, double *)", "no form has these arguments and this result"),
        ("double (int, double *, void **)", "no form has these arguments and this result"),
        ("double (double *, int)", "no form has these arguments and this result"),
        ("int (int, int, double *, double *, int)", "no form has these arguments and this result"),
        ("void (int, double *, double *)", "no form has these arguments and this result"),
        ("double (double, int __pyx_skip_dispatch)", "a cpdef function takes a hidden argument, a cdef function does"),
    ],
)
def test_others_are_refused_with_the_supported_ones(text, why):
    with pytest.raises(ValueError, match=re.escape(why)) as caught:
        parse_signature(text)
    message = str(caught.value)
    assert message.startswith(f"the signature {text!r} is not supported: ")
    for shown in ("double (double) ", "double (int n, double *x)", "void (int m, int n", "int (int m, int n", "void *"):
        assert shown in message


@pytest.mark.parametrize("signature", [Signature(form, data) for form, data in itertools.product(Form, (False, True))])
def test_the_signatures_in_the_message_are_supported(signature):
    with pytest.raises(ValueError, match="not supported") as caught:
        parse_signature("int (char)")
    shown = [re.split(r"\s{3,}", line.strip())[0] for line in str(caught.value).splitlines()[1:]]
    assert Signature(signature.form, False) in [parse_signature(one) for one in shown]


INTEGERS = st.sampled_from(["int", "intc", "int32", "int32_t", "unsigned int", "c_int", "signed", "npy_int32"])
DOUBLES = st.sampled_from(["double", "float64", "npy_double", "__pyx_t_5numpy_float64_t", "c_double", "float64_t"])
SPACES = st.sampled_from(["", " ", "  ", "\t"])


@given(st.data(), st.sampled_from(list(Form)), st.booleans())
def test_any_spelling_of_any_form(data, form, user_data):
    def number():
        return data.draw(INTEGERS) + data.draw(st.sampled_from(["", " n", " count"]))

    def array():
        const = data.draw(st.sampled_from(["", "const ", "volatile "]))
        return (
            f"{const}{data.draw(DOUBLES)}{data.draw(SPACES)}*{data.draw(st.sampled_from(['', ' const', 'x', ' y_1']))}"
        )

    arguments = {
        Form.ONE_VARIABLE: lambda: [data.draw(DOUBLES)],
        Form.SCALAR: lambda: [number(), array()],
        Form.VECTOR: lambda: [number(), number(), array(), array()],
        Form.STATUS: lambda: [number(), number(), array(), array()],
    }[form]()
    if user_data:
        arguments.append(data.draw(st.sampled_from(["void *", "void*", "const void *p", "voidptr"])))
    result = {Form.VECTOR: "void", Form.STATUS: data.draw(INTEGERS)}.get(form, data.draw(DOUBLES))
    comma = f"{data.draw(SPACES)},{data.draw(SPACES)}"
    text = f"{result}{data.draw(st.sampled_from(['', ' ', ' f', ' f_2 ', ' (*)', '(*g)']))}({comma.join(arguments)})"
    assert parse_signature(text) == Signature(form, user_data)


@given(st.text(alphabet="double int*(),void_ []fx.3-> ", max_size=40))
def test_any_text_is_a_signature_or_a_value_error(text):
    message = None
    try:
        signature = parse_signature(text)
    except ValueError as error:
        message = str(error)
    if message is None:
        assert parse_signature(signature.text) == signature
    else:
        assert "not supported" in message
