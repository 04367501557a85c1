"""Compositions, substitutions, inverse maps and implicit functions."""

import numpy as np
import pytest

import fastcalc as fc

EPS = 2.0**-52


def stack(*polynomials):
    """An array of polynomials from 0-d ones."""
    first = polynomials[0]
    return fc.TaylorPolynomial(first.space, np.stack([p.coef for p in polynomials], axis=1), first.x0)


def f(u, v, w):
    return np.exp(u * v) * np.sin(w + u) + v / (2 + w * w)


# Composition


@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_compose_is_direct_computation(n, degree):
    space = fc.TaylorSpace(n, degree)
    t = (
        space.variables(np.full(n, 0.25))
        if degree
        else fc.TaylorPolynomial(space, np.full((1, n), 0.25), np.full(n, 0.25))
    )
    s = t[0] * t[n - 1]
    inner = stack(np.sin(s) + 0.5, np.exp(t[n - 1]), s + 2 * t[0])
    if degree:
        outer = fc.TaylorSpace(3, degree).variables(inner.value)
        p = f(*outer)
    else:
        p = fc.TaylorPolynomial(fc.TaylorSpace(3, 0), [f(*inner.value)], inner.value)
    q = p.compose(inner)
    assert q.space is space
    assert np.array_equal(q.x0, t.x0)
    expected = f(*inner)
    np.testing.assert_allclose(q.coef, expected.coef, rtol=1e-11, atol=1e-12 * abs(expected.coef).max())


def test_compose_from_higher_and_lower_degrees():
    t = fc.TaylorSpace(1, 4).variables([0.0])[0]
    y = fc.TaylorSpace(1, 9).variables([1.0])[0]
    np.testing.assert_allclose(np.log(y).compose(np.exp(t)).coef, t.coef, atol=1e-15)  # p knows more than is needed
    z = fc.TaylorSpace(1, 2).variables([1.0])[0]
    np.testing.assert_allclose(np.log(z).compose(np.exp(t)).coef[:3], t.coef[:3], atol=1e-15)  # p knows less


def test_compose_to_high_degrees():
    x, t = fc.TaylorSpace(1, 40).variables([0.0])[0], fc.TaylorSpace(2, 25).variables([0.0, 0.0])
    inner = 1 / (1 - t[0] - t[1] / 2) - 1  # positive coefficients: nothing cancels
    np.testing.assert_allclose(np.exp(x).compose(inner).coef, np.exp(inner).coef, rtol=1e-13)


def test_compose_arrays_and_batches():
    x = fc.TaylorSpace(2, 4).variables([0.5, 0.5])
    p = stack(np.exp(x[0] * x[1]), x[0] - x[1], np.cos(x[0]))
    t = fc.TaylorSpace(3, 4).variables([0.0, 0.0, 0.0])
    q = stack(0.5 + t[0], 0.5 + t[1] * t[2], 0.5 + np.sin(t[2]), 0.5 - t[1])
    batch = q.space, q.coef.reshape(-1, 2, 2)
    q = fc.TaylorPolynomial(*batch)
    r = p.compose(q)
    assert r.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            np.testing.assert_array_equal(r[i, j].coef, p[i].compose(q[:, j]).coef)
    np.testing.assert_allclose(r[1].coef, (q[0] - q[1]).coef, atol=1e-16)


def test_compose_takes_sequences_and_scalars():
    x, y = fc.TaylorSpace(2, 3).variables([1.0, 2.0])
    t = fc.TaylorSpace(1, 3).variables([1.0])[0]
    np.testing.assert_allclose((x * y).compose([t, 2 * t]).coef, (2 * t * t).coef)
    np.testing.assert_allclose((t * t).compose(x).coef, (x * x).coef)


@pytest.mark.parametrize("options", [{"max_degrees": (2, 5)}, {"weights": (1, 2)}, {"weights": (2, 3)}])
def test_compose_into_spaces_with_caps_and_weights(options):
    space = fc.TaylorSpace(2, 5, **options)
    plain = fc.TaylorSpace(2, 5)
    for s in (space, plain):
        assert s.degree == 5
    x = plain.variables([0.5, 0.25])
    p = np.exp(x[0]) / x[1]
    inner = []
    for s in (space, plain):
        t = s.variables([0.5, 0.25])
        inner.append(stack(t[0] + (t[1] - 0.25) * (t[0] - 0.5), t[1] + (t[0] - 0.5) ** 2))
    expected = space.embed(p.compose(inner[1]))
    weighted = p.compose(inner[0])
    assert weighted.space is space
    np.testing.assert_allclose(weighted.coef, expected.coef, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("options", [{"max_degrees": (2, 5)}, {"weights": (1, 2)}])
def test_compose_from_spaces_with_caps_and_weights(options):
    space = fc.TaylorSpace(2, 5, **options)
    p = fc.TaylorPolynomial(space, np.random.default_rng(0).normal(size=space.n_terms))
    t = fc.TaylorSpace(2, 6).variables([0.0, 0.0])
    q = stack(np.sin(t[0]) + t[1], t[0] * t[1] - t[1])
    expected = sum(c * q[0] ** int(a) * q[1] ** int(b) for c, (a, b) in zip(p.coef, space.exponents, strict=True))
    np.testing.assert_allclose(p.compose(q).coef, expected.coef, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_dtypes_stay(dtype):
    x = fc.TaylorSpace(2, 3).variables(np.zeros(2, dtype))
    p = np.exp(x[0]) * x[1]
    assert p.compose(x).dtype == dtype
    np.testing.assert_allclose(p.compose(x).coef, p.coef)
    assert p.substitute({0: x[1] * x[0]}).dtype == dtype
    assert p.substitute({0: 0.5}).dtype == dtype
    q = fc.inverse_map(stack(x[0] + x[1] * x[0], x[1] - x[0]))
    assert q.dtype == dtype


def test_rounding_of_the_inner_value_is_forgiven():
    t = fc.TaylorSpace(1, 4).variables([np.pi])[0]
    x = fc.TaylorSpace(1, 4).variables([0.0])[0]
    r = np.exp(x).compose(np.sin(t))  # sin(pi) is 1e-16
    assert r.value == 1
    np.testing.assert_allclose(r.coef, np.exp(np.sin(t)).coef, atol=1e-15)


def test_sympy_chain_rule():
    sympy = pytest.importorskip("sympy")
    a, b = sympy.symbols("a b")
    t = fc.TaylorSpace(2, 4).variables([0.5, 1.5])
    inner = stack(t[0] * t[1], t[0] - t[1] ** 2)
    u = fc.TaylorSpace(2, 4).variables(inner.value)
    r = (np.cos(u[0]) * np.exp(u[1])).compose(inner)
    expression = sympy.cos(a * b) * sympy.exp(a - b**2)
    for alpha in [(0, 0), (1, 0), (2, 1), (1, 3), (0, 4)]:
        derivative = sympy.diff(expression, a, alpha[0], b, alpha[1])
        exact = float(derivative.subs({a: sympy.Rational(1, 2), b: sympy.Rational(3, 2)}).evalf(30))
        np.testing.assert_allclose(r.partial(alpha), exact, rtol=1e-13)


# Substitution


def test_substitute_numbers():
    space = fc.TaylorSpace(3, 4)
    p = fc.TaylorPolynomial(space, np.random.default_rng(2).normal(size=(space.n_terms, 2)), [0.1, 0.2, 0.3])
    q = p.substitute({0: 0.6, 2: -0.5})
    for y in (0.2, 0.0, 1.0):
        np.testing.assert_allclose(q([9.0, y, 7.0]), p([0.6, y, -0.5]), rtol=1e-12)
    assert not q.deriv(0).coef.any()
    np.testing.assert_array_equal(p.substitute({}).coef, p.coef)
    np.testing.assert_allclose(p.substitute({1: 0.2j})([0.0, 5.0, 1.0]), p([0, 0.2j, 1.0]), rtol=1e-12)


def test_substitute_polynomials_and_numbers_at_once():
    x, y, z = fc.TaylorSpace(3, 5).variables([0.5, 1.0, 0.0])
    p = np.exp(x * y) + z * x
    inner = z + y * y - 0.5  # 0.5 at x0
    q = p.substitute({0: inner, 2: 0.0})
    np.testing.assert_allclose(q.coef, np.exp(inner * y).coef, rtol=1e-12, atol=1e-13)
    swapped = (x + 2 * y).substitute({0: y - 0.5, 1: x + 0.5})  # at once, not one after the other
    np.testing.assert_allclose(swapped.coef, (y + 2 * x + 0.5).coef, atol=1e-15)
    many = p.substitute({0: stack(x, inner)})
    np.testing.assert_allclose(many.coef[:, 0], p.coef, atol=1e-14)


# Inverse maps


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("degree", [1, 2, 3, 6, 7])
def test_inverse_map_both_ways(n, degree):
    rng = np.random.default_rng(n)
    space = fc.TaylorSpace(n, degree)
    coef = rng.normal(size=(space.n_terms, n)) / 4
    coef[1 : n + 1] += 2 * np.eye(n)
    p = fc.TaylorPolynomial(space, coef, rng.normal(size=n))
    q = fc.inverse_map(p)
    np.testing.assert_array_equal(q.x0, p.value)
    np.testing.assert_array_equal(q.value, p.x0)
    np.testing.assert_allclose(q.compose(p).coef, space.variables(p.x0).coef, atol=1e-13)
    np.testing.assert_allclose(p.compose(q).coef, space.variables(p.value).coef, atol=1e-13)


def test_inverse_map_of_known_functions():
    x = fc.TaylorSpace(1, 15).variables([0.3])
    y = fc.TaylorSpace(1, 15).variables([np.sin(0.3)])
    np.testing.assert_allclose(fc.inverse_map(np.sin(x)).coef, np.arcsin(y).coef, rtol=1e-10)
    assert fc.inverse_map(np.sin(x)[0]).shape == ()
    r, phi = fc.TaylorSpace(2, 6).variables([2.0, 0.5])
    polar = fc.inverse_map(stack(r * np.cos(phi), r * np.sin(phi)))
    u, v = fc.TaylorSpace(2, 6).variables(polar.x0)
    np.testing.assert_allclose(polar.coef[:, 0], np.hypot(u, v).coef, atol=1e-14)
    np.testing.assert_allclose(polar.coef[:, 1], np.arctan2(v, u).coef, atol=1e-14)


def test_inverse_map_in_longdouble():
    eps = np.finfo(np.longdouble).eps
    x = fc.TaylorSpace(1, 9).variables(np.zeros(1, np.longdouble))
    np.testing.assert_allclose(fc.inverse_map(np.expm1(x)).coef, np.log1p(x).coef, atol=100 * eps)


def test_newton_steps_are_needed(monkeypatch):
    """Each stage is right to twice the degree of the one before: degree 16 takes four compositions."""
    from fastcalc._taylor import inversion

    degrees = []
    original = inversion.composed

    def counted(outer, *rest):
        degrees.append(outer.degree)
        return original(outer, *rest)

    monkeypatch.setattr(inversion, "composed", counted)
    x = fc.TaylorSpace(1, 13).variables([0.0])
    np.testing.assert_allclose(fc.inverse_map(np.sin(x)).coef, np.arcsin(x).coef, atol=1e-15)
    assert degrees == [2, 4, 8, 13]


# Implicit functions


def test_circle():
    y = fc.implicit(lambda x, y: x**2 + y**2 - 1, 0.6, 0.8, 12)
    x = fc.TaylorSpace(1, 12).variables([0.6])[0]
    assert y.shape == ()
    assert y.space is x.space
    np.testing.assert_allclose(y.coef, np.sqrt(1 - x * x).coef, rtol=1e-13)
    lower = fc.implicit(lambda x, y: x**2 + y**2 - 1, 0.6, -0.75, 12)  # improved by Newton's method
    np.testing.assert_allclose(lower.coef, -y.coef, rtol=1e-13)


def test_kepler():
    """E - e sin(E) = M: dE/dM = 1 / (1 - e cos(E)), and the equation holds again."""
    E = fc.implicit(lambda z, E: E - z[0] * np.sin(E) - z[1], [0.3, 1.2], 1.5, 8)
    e, M = E.space.variables([0.3, 1.2])
    rest = E - e * np.sin(E) - M
    np.testing.assert_allclose(rest.coef, 0, atol=1e-14)
    np.testing.assert_allclose(E.partial((0, 1)), 1 / (1 - 0.3 * np.cos(E.value)), rtol=1e-14)


def test_systems():
    def F(x, y):
        return [y[0] ** 2 + y[1] ** 2 - x[0], y[0] * y[1] - x[1]]

    y = fc.implicit(F, [5.0, 2.0], [2.0, 1.0], 6)
    a, b = y.space.variables([5.0, 2.0])
    total, difference = np.sqrt(a + 2 * b), np.sqrt(a - 2 * b)
    np.testing.assert_allclose(y[0].coef, ((total + difference) / 2).coef, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(y[1].coef, ((total - difference) / 2).coef, rtol=1e-11, atol=1e-14)


def test_implicit_counts_calls():
    calls = []

    def F(x, y):
        calls.append(1)
        return y * np.exp(y) - x

    w = fc.implicit(F, 1.0, 0.5, 10)  # Lambert's function
    assert len(calls) <= 10 + 7
    assert abs(w.value - 0.567143290409783873) < 2e-16
    np.testing.assert_allclose(w.partial(1), w.value / (1 + w.value), rtol=1e-14)


def test_implicit_of_degree_zero_and_dtypes():
    y = fc.implicit(lambda x, y: y**3 - x, 8.0, 1.9, 0)
    np.testing.assert_allclose(y.coef, [2.0])
    single = fc.implicit(lambda x, y: y**3 - x, np.float32(8), np.float32(2), 3)
    assert single.dtype == np.float32
    z = fc.implicit(lambda x, y: y**2 - x, -1.0, 1j, 3)
    x = fc.TaylorSpace(1, 3).variables([-1.0 + 0j])[0]
    np.testing.assert_allclose(z.coef, np.sqrt(x).coef, atol=1e-15)
    long = fc.implicit(lambda x, y: y**2 - x, np.longdouble(2), np.longdouble(1.4), 3)
    assert abs(long.value**2 - 2) < 4 * np.finfo(np.longdouble).eps


# Dictionaries


def test_dictionaries_there_and_back():
    space = fc.TaylorSpace(3, 4, weights=(1, 2, 1))
    rng = np.random.default_rng(4)
    for shape in [(), (2,), (2, 3)]:
        p = fc.TaylorPolynomial(space, rng.integers(-1, 2, (space.n_terms, *shape)), [1.0, 2.0, 3.0])
        q = fc.TaylorPolynomial.from_dict(p.to_dict(), space, p.x0)
        np.testing.assert_array_equal(q.coef, p.coef)
        assert np.array_equal(q.x0, p.x0)
    single = fc.TaylorSpace(1, 2).variables([1.0], np.float32)[0]
    assert type(single.to_dict()[0,]) is np.float32
    assert type((single.astype(complex)).to_dict()[0,]) is complex
    assert fc.TaylorPolynomial.from_dict(single.to_dict(), single.space).dtype == np.float32
    np.testing.assert_array_equal(
        fc.TaylorPolynomial.from_dict({2: 3, 0: [1, 2]}, single.space).coef, [[1, 2], [0, 0], [3, 3]]
    )
    assert fc.TaylorPolynomial.from_dict({}, space).coef.shape == (space.n_terms,)


# Errors


def test_errors_of_compositions():
    x, y = fc.TaylorSpace(2, 3).variables([1.0, 2.0])
    with pytest.raises(ValueError, match=r"`q` must have the constant terms x0 = \[1. 2.\] .*recenter"):
        x.compose([x, y + 1e-12])
    with pytest.raises(ValueError, match=r"`q` must have one polynomial for each of p's 2 variables.*shape \(3,\)"):
        x.compose([x, y, y])
    with pytest.raises(ValueError, match=r"got shape \(\)"):
        x.compose(y)
    with pytest.raises(TypeError, match=r"`q` must hold Taylor polynomials.*p\(x\)"):
        x.compose([1.0, 2.0])
    with pytest.raises(TypeError, match="`values` must map numbers of variables"):
        x.substitute([1.0])
    with pytest.raises(ValueError, match="`values` must be between 0 and 1; got 2: its keys number variables"):
        x.substitute({2: 1.0})
    with pytest.raises(ValueError, match=r"`values\[1\]` must be one number; got shape \(2,\)"):
        x.substitute({1: [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"`values\[1\]` must have the constant terms x0 = \[2.\]"):
        x.substitute({1: x})
    with pytest.raises(ValueError, match="different spaces"):
        x.substitute({0: fc.TaylorSpace(2, 2).variables([1.0, 2.0])[0]})


def test_errors_of_inverse_maps():
    x = fc.TaylorSpace(2, 3).variables([1.0, 2.0])
    with pytest.raises(ValueError, match=r"`p` must have an invertible Jacobian matrix; got .*: no inverse map exists"):
        fc.inverse_map(stack(x[0] + x[1], 2 * x[0] + 2 * x[1]))
    with pytest.raises(ValueError, match="finite derivatives"):
        fc.inverse_map(x * np.nan)
    with pytest.raises(ValueError, match=r"as many polynomials as variables, shape \(2,\); got shape \(\)"):
        fc.inverse_map(x[0])
    with pytest.raises(ValueError, match=r"without caps and weights.*TaylorSpace\(2, 3\)"):
        fc.inverse_map(fc.TaylorSpace(2, 3, max_degrees=(2, 2)).variables([1.0, 2.0]))
    with pytest.raises(TypeError, match="`p` must hold Taylor polynomials"):
        fc.inverse_map([1.0, 2.0])


def test_errors_of_implicit_functions():
    def circle(x, y):
        return x**2 + y**2 - 1

    with pytest.raises(
        ValueError, match=r"`F` must have an invertible.*dF/dy is singular, and y no smooth function of x"
    ):
        fc.implicit(circle, 1.0, 0.0, 3)
    with pytest.raises(ValueError, match=r"`y0` must be near a solution .*does not converge"):
        fc.implicit(lambda x, y: y * y + 1 + x, 0.0, 0.3, 3)
    with pytest.raises(ValueError, match=r"`F` must return as many values as y has, shape \(2,\); got shape \(\)"):
        fc.implicit(lambda x, y: y[0] - x, 1.0, [1.0, 2.0], 3)
    with pytest.raises(TypeError, match="`F` must be callable"):
        fc.implicit(1.0, 1.0, 1.0, 3)
    with pytest.raises(ValueError, match="`degree` must be at least 0"):
        fc.implicit(circle, 0.0, 1.0, -1)
    with pytest.raises(ValueError, match="`x0` must be a scalar or an array"):
        fc.implicit(circle, [[0.0]], 1.0, 2)
    with pytest.raises(ValueError, match="`y0` must be finite"):
        fc.implicit(circle, 0.0, np.nan, 2)


def test_errors_of_equations_name_their_line():
    def beyond(x, y):
        return float(y) - x

    with pytest.raises(
        TypeError,
        match=r"`F` leaves Taylor arithmetic at .*test_composition.py.*`return float\(y\) - x`.*need values alone$",
    ):
        fc.implicit(beyond, 1.0, 1.0, 2)
    with pytest.raises(ZeroDivisionError):
        fc.implicit(lambda x, y: y + 1 / 0, 1.0, 1.0, 2)


def test_errors_of_dictionaries():
    space = fc.TaylorSpace(2, 2)
    with pytest.raises(ValueError, match="`alpha` must be a term"):
        fc.TaylorPolynomial.from_dict({(3, 0): 1.0}, space)
    with pytest.raises(TypeError, match="`mapping` must map multi-indices"):
        fc.TaylorPolynomial.from_dict([1.0], space)
    with pytest.raises(TypeError, match="`space` must be a TaylorSpace"):
        fc.TaylorPolynomial.from_dict({}, 2)
    with pytest.raises(TypeError, match=r"`mapping\[\(1, 0\)\]` must hold real or complex numbers"):
        fc.TaylorPolynomial.from_dict({(1, 0): "a"}, space)


def test_multiple_roots_of_equations_are_no_solutions():
    """Newton's method creeps up to them, and dF/dy is 0 there and nowhere else."""
    for F, y0 in [
        (lambda x, y: (y - x) ** 2, 1.5),
        (lambda x, y: (y - x) ** 3, 1.5),
        (lambda x, y: y**2 - (x - 1), 0.1),
        (lambda x, y: y**2 + 1e-17 * x, 0.7),
        (lambda x, y: np.stack([y[0] - x, (y[1] - x) ** 2]), [1.5, 1.5]),
    ]:
        with pytest.raises(ValueError, match=r"does not converge|invertible Jacobian matrix"):
            fc.implicit(F, 1.0, y0, 3)
    near = fc.implicit(lambda x, y: (y - 1) ** 2 - 1e-12 * (1 + x), 0.0, 1 + 1.1e-6, 2)
    np.testing.assert_allclose(near.coef, [1 + 1e-6, 5e-7, -1.25e-7], rtol=1e-3)


def test_inverses_of_ill_conditioned_maps():
    """No worse than the condition number, 4e9: as accurate as the same map solved degree by degree."""
    e, degree, x0 = 1e-9, 6, np.array([0.3, 0.2])

    def f(x):
        return np.stack([np.sin(x[0]) + x[1], np.sin(x[0]) + x[1] * (1 + e) + e * x[0] * x[1]])

    p = fc.taylor(f, x0, degree)
    q, expected = fc.inverse_map(p), fc.implicit(lambda y, x: f(x) - y, p.value, x0, degree)
    for k in range(1, degree + 1):
        block = slice(p.space.starts[k], p.space.starts[k + 1])
        size = np.abs(expected.coef[block]).max()
        np.testing.assert_allclose(q.coef[block], expected.coef[block], rtol=0, atol=2e-5 * size)
