"""Text, LaTeX and SymPy expressions of polynomials."""

import sys

import numpy as np
import pytest

import fastcalc as fc


def variables(n, degree, x0=None, dtype=None):
    return fc.TaylorSpace(n, degree).variables(np.zeros(n) if x0 is None else x0, dtype)


x, y = variables(2, 3, [0.3, 0.0])
t = variables(1, 2)[0]
z = variables(1, 2, [-1.5])[0]

TEXTS = [
    (x, "0.3 + (x0 - 0.3) + O(4)"),
    (-x * y, "-0.3*x1 - (x0 - 0.3)*x1 + O(4)"),
    (1 - 2 * y + 0.5 * y**3, "1 - 2*x1 + 0.5*x1**3 + O(4)"),
    (y * y * (x - 0.3), "(x0 - 0.3)*x1**2 + O(4)"),
    (0 * y, "0 + O(4)"),
    (z * z, "2.25 - 3*(x0 + 1.5) + (x0 + 1.5)**2 + O(3)"),
    (t * 1e-20 + 1e300, "1e+300 + 1e-20*x0 + O(3)"),
    (t / 3, "0.33333333*x0 + O(3)"),
    (t * np.nan, "nan + nan*x0 + nan*x0**2 + O(3)"),
    (t * (1 + 2j) + 1j, "(0+1j) + (1+2j)*x0 + O(3)"),
    (t * (2 + 0j), "2*x0 + O(3)"),
    (-np.ones(()) + 0 * t, "-1 + O(3)"),
]


@pytest.mark.parametrize(("p", "text"), TEXTS)
def test_str_and_repr(p, text):
    assert str(p) == text
    kind = "" if p.dtype == np.float64 else f", dtype={p.dtype}"
    assert repr(p) == f"TaylorPolynomial({text}{kind})"


def test_long_sums_are_cut():
    p = 1 / (1 - variables(1, 40)[0])
    assert str(p).endswith(" + x0**10 + x0**11 + ... (29 more) + O(41)")
    assert str(1 / (1 - variables(1, 11)[0])).endswith(" + x0**11 + O(12)")


def test_lines_as_wide_as_those_of_numpy():
    p = np.exp(variables(2, 3, [1.0, 2.0]).sum()) / np.e**3
    assert str(p) == (
        "1 + (x0 - 1) + (x1 - 2) + 0.5*(x0 - 1)**2 + (x0 - 1)*(x1 - 2)\n"
        "    + 0.5*(x1 - 2)**2 + 0.16666667*(x0 - 1)**3 + 0.5*(x0 - 1)**2*(x1 - 2)\n"
        "    + 0.5*(x0 - 1)*(x1 - 2)**2 + 0.16666667*(x1 - 2)**3 + O(4)"
    )
    assert all(len(line) <= 75 for line in (repr(p) + "\n" + repr(p * (1 + 2j) - 1j)).splitlines())
    assert repr(p).replace("\n   ", "") == f"TaylorPolynomial({p!s})".replace("\n   ", "")
    with np.printoptions(linewidth=1000):
        assert "\n" not in repr(p)
        assert " ".join(str(p).split()) == str(p)


def test_format():
    p = 1 / 3 + 2 * (x - 0.3) - y
    assert f"{p}" == str(p)
    assert f"{p:.2f}" == "0.33 + 2.00*(x0 - 0.30) - 1.00*x1 + O(4)"
    assert f"{p * 1j:.0e}" == "(0e+00+3e-01j) + (0e+00+2e+00j)*(x0 - 3e-01) + (0e+00-1e+00j)*x1 + O(4)"
    with pytest.raises(ValueError, match=r"`s` is no format of numbers: write one such as \.3f"):
        f"{p:s}"


def test_str_of_arrays():
    assert str(variables(2, 4, [1.0, 0.5])) == "[1 + (x0 - 1) + O(5),\n 0.5 + (x1 - 0.5) + O(5)]"
    assert f"{variables(1, 4, [1.0]):.1f}" == "[1.0 + 1.0*(x0 - 1.0) + O(5)]"
    for p in (variables(11, 1), variables(2, 1)[None], variables(2, 1)[:0]):
        assert str(p) == repr(p)


def test_print_options_of_numpy():
    with np.printoptions(precision=3):
        assert str(t / 3) == "0.333*x0 + O(3)"


def test_repr_of_float32():
    p = variables(1, 1, [0.0], np.float32)[0] / np.float32(3)
    assert repr(p) == "TaylorPolynomial(0.33333334*x0 + O(2), dtype=float32)"


def test_repr_of_arrays():
    p = variables(2, 4, [1.0, 0.5])
    assert repr(p) == ("TaylorPolynomial(shape=(2,), degree=4, x0=[1. , 0.5],\n                 value=[1. , 0.5])")
    q = p[:, None] * np.ones((1, 2), np.float32) * np.array([[1, 10]])
    assert repr(q) == (
        "TaylorPolynomial(shape=(2, 2), degree=4, x0=[1. , 0.5],\n"
        "                 value=[[ 1. , 10. ],\n"
        "                        [ 0.5,  5. ]])"
    )
    assert repr(p[:0]).endswith("value=[])")
    assert "dtype=float32" in repr(p.astype(np.float32))


LATEX = [
    (x * x, r"0.09 + 0.6\,(x_{0} - 0.3) + (x_{0} - 0.3)^{2} + \mathcal{O}(4)"),
    (1 - 2 * y**3, r"1 - 2\,x_{1}^{3} + \mathcal{O}(4)"),
    (1e-10 * t, r"1 \cdot 10^{-10}\,x_{0} + \mathcal{O}(3)"),
    (0 * t, r"0 + \mathcal{O}(3)"),
]


@pytest.mark.parametrize(("p", "text"), LATEX)
def test_latex(p, text):
    assert p._repr_latex_() == rf"$\displaystyle {text}$"


def test_latex_of_arrays():
    u, v = variables(2, 1)
    both = variables(2, 1)
    assert both._repr_latex_() == (
        r"$\displaystyle \begin{bmatrix} x_{0} + \mathcal{O}(2) \\ x_{1} + \mathcal{O}(2) \end{bmatrix}$"
    )
    assert both[None]._repr_latex_() == (
        r"$\displaystyle \begin{bmatrix} x_{0} + \mathcal{O}(2) & x_{1} + \mathcal{O}(2) \end{bmatrix}$"
    )
    assert (u * np.ones(11))._repr_latex_() is None
    assert (v * np.ones((1, 1, 1)))._repr_latex_() is None
    long = 1 / (1 - variables(1, 20)[0])
    assert r"+ \dots \text{(9 more)} + \mathcal{O}(21)" in long._repr_latex_()


def test_sympy():
    sympy = pytest.importorskip("sympy")
    a, b = sympy.symbols("a b")
    p = np.exp(x) * (1 + y)
    expression = p.to_sympy([a, b])
    assert expression.free_symbols == {a, b}
    alphas = p.space.exponents.tolist()
    for alpha, c in zip(alphas, p.coef, strict=True):
        term = sympy.diff(expression, a, alpha[0], b, alpha[1]).subs({a: sympy.Float(0.3), b: 0})
        exact = term / (sympy.factorial(alpha[0]) * sympy.factorial(alpha[1]))
        assert abs(float(exact) - c) <= 4e-16 * abs(c)
    assert str((2 * t * t).to_sympy()) == "2.0*x0**2"
    assert str((2 * t * t).to_sympy("s")) == "2.0*s**2"
    assert (0 * t).to_sympy() == 0


def test_sympy_numbers_are_those_of_the_coefficients():
    sympy = pytest.importorskip("sympy")
    for dtype in (np.float32, np.float64, np.longdouble):
        c = dtype(1) / dtype(3)
        p = fc.TaylorPolynomial(fc.TaylorSpace(1, 0), np.array([c]))
        number = p.to_sympy()
        assert sympy.Rational(number) == sympy.Rational(*c.as_integer_ratio())
    assert fc.TaylorPolynomial(fc.TaylorSpace(1, 0), [1 + 2j]).to_sympy() == 1.0 + 2.0 * sympy.I
    assert fc.TaylorPolynomial(fc.TaylorSpace(1, 0), [-np.inf]).to_sympy() == -sympy.oo


def test_sympy_arrays():
    sympy = pytest.importorskip("sympy")
    p = variables(2, 1)
    array = (p[:, None] * np.ones(3)).to_sympy()
    assert array.shape == (2, 3)
    assert array[1, 2] == 1.0 * sympy.Symbol("x1")


def test_errors(monkeypatch):
    pytest.importorskip("sympy")
    with pytest.raises(ValueError, match="`symbols` must have one symbol for each of the 2 variables; got 1"):
        x.to_sympy(["a"])
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match="`to_sympy` needs SymPy"):
        x.to_sympy()
