"""Values and gradients of polynomials, against sums of monomials."""

import numpy as np
import pytest

import fastcalc as fc

SPACES = [
    fc.TaylorSpace(1, 0),
    fc.TaylorSpace(1, 7),
    fc.TaylorSpace(2, 5),
    fc.TaylorSpace(4, 3),
    fc.TaylorSpace(3, 6, max_degrees=(1, 6, 2)),
    fc.TaylorSpace(3, 6, weights=(2, 1, 3)),
]


def slow_values(space, coef, d):
    """The sum over all terms of coef (terms, m) times the monomials of d (n, k)."""
    values = np.zeros((coef.shape[1], d.shape[1]), np.result_type(coef, d))
    for c, alpha in zip(coef, space.exponents, strict=True):
        values += c[:, None] * np.prod(d ** alpha[:, None], axis=0)
    return values


def slow_gradients(space, coef, d):
    gradients = np.zeros((coef.shape[1], *d.shape), np.result_type(coef, d))
    for c, alpha in zip(coef, space.exponents, strict=True):
        for v in np.flatnonzero(alpha):
            lower = alpha.copy()
            lower[v] -= 1
            gradients[:, v] += c[:, None] * alpha[v] * np.prod(d ** lower[:, None], axis=0)
    return gradients


def random(space, shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    coef = rng.normal(size=(space.n_terms, *shape)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        coef = coef + 1j * rng.normal(size=coef.shape)
    return fc.TaylorPolynomial(space, coef, rng.normal(size=space.n_variables))


@pytest.mark.parametrize("space", SPACES, ids=repr)
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
@pytest.mark.parametrize("batch", [(), (1,), (37,), (2, 5), (0,)])
def test_values_and_gradients(space, shape, batch):
    n = space.n_variables
    p = random(space, shape)
    x = np.random.default_rng(1).normal(size=(n, *batch))
    d = (x.reshape(n, -1).T - p.x0).T if x.size else np.zeros((n, 0))
    coef = p.coef.reshape(space.n_terms, -1)
    bound = 16 * (space.degree + 2) * 2.3e-16
    sizes = slow_values(space, abs(coef), abs(d)).reshape(shape + batch)
    expected = slow_values(space, coef, d).reshape(shape + batch)
    assert p(x).shape == shape + batch
    assert (abs(p(x) - expected) <= bound * sizes).all()
    value, gradient = p.value_and_gradient(x)
    assert value.shape == shape + batch
    assert gradient.shape == (*shape, n, *batch)
    assert (abs(value - expected) <= bound * sizes).all()
    sizes = slow_gradients(space, abs(coef), abs(d)).reshape(gradient.shape)
    expected = slow_gradients(space, coef, d).reshape(gradient.shape)
    assert (abs(gradient - expected) <= bound * sizes + 1e-300).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_dtypes(dtype):
    space = fc.TaylorSpace(2, 4)
    p = random(space, (2,), dtype)
    x = p.x0 + np.array([0.1, -0.2])
    assert p(x.astype(np.float32)).dtype == np.result_type(dtype, np.float32)
    assert p(x.tolist()).dtype == dtype
    assert p(x.astype(complex)).dtype == (np.complex128)
    expected = slow_values(space, p.coef, np.array([[0.1], [-0.2]]))[:, 0]
    np.testing.assert_allclose(p(x.tolist()), expected, rtol=1e-4 if dtype == np.float32 else 1e-13)
    np.testing.assert_allclose(p(x + 0j), expected, rtol=1e-4 if dtype == np.float32 else 1e-13)
    value, gradient = p.value_and_gradient(x.astype(dtype))
    assert value.dtype == gradient.dtype == dtype


def test_complex_points():
    z = fc.TaylorSpace(1, 30).variables([0.0])[0]
    np.testing.assert_allclose(np.exp(z)(0.3 + 0.4j), np.exp(0.3 + 0.4j), rtol=1e-15)


def test_absolute_points_not_displacements():
    x = fc.TaylorSpace(1, 2).variables([10.0])[0]
    assert (x * x)(11.0) == 121
    assert (x * x)([11.0]) == 121
    assert isinstance((x * x)(11.0), np.float64)


def test_layouts():
    space = fc.TaylorSpace(2, 3)
    p = random(space, (4, 3))
    x = np.random.default_rng(2).normal(size=(6, 2))
    expected = p(np.ascontiguousarray(x.T))
    np.testing.assert_array_equal(p(x.T), expected)
    np.testing.assert_array_equal(p(np.asfortranarray(x.T)), expected)
    np.testing.assert_array_equal(p(x.T.astype(">f8")), expected)
    np.testing.assert_array_equal(p[1:3, ::2](x.T), expected[1:3, ::2])


def test_errors():
    p = random(fc.TaylorSpace(2, 3), ())
    with pytest.raises(ValueError, match=r"`x` must have the 2 variables along its first axis.*shape \(5, 2\).*x.T"):
        p(np.zeros((5, 2)))
    with pytest.raises(ValueError, match=r"got shape \(\)"):
        p(1.0)
    with pytest.raises(TypeError, match="`x` must hold real or complex numbers"):
        p(["a", "b"])
    with pytest.raises(TypeError, match=r"`x` must hold numbers; got Taylor polynomials: .* p.compose"):
        p(fc.TaylorSpace(2, 3).variables([0.0, 0.0]))


def test_displacements_are_as_fine_as_the_coefficients():
    """The difference of two float32 points is no float32 number."""
    x0, x1 = np.array([0.1], np.float32), np.array([100.3], np.float32)
    distance = float(x1[0]) - float(x0[0])
    p = fc.TaylorPolynomial(fc.TaylorSpace(1, 2), [0.0, 1.0, 0.0], x0)
    assert p(x1) == distance
    assert p.value_and_gradient(x1)[0] == distance
    assert p.recenter(x1).value == distance
    assert p.substitute({0: x1[0]}).value == distance
    assert p.astype(np.float32)(x1).dtype == np.float32
