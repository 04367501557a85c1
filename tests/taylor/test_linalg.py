"""Linear algebra of matrices of polynomials against SymPy, and where matrices are singular."""

import numpy as np
import pytest
import sympy

import fastcalc as fc
from fastcalc import TaylorPolynomial

X, Y = sympy.symbols("x y")
SPACE = fc.TaylorSpace(2, 4)
CENTER = (0.5, -1.0)
MATRIX = sympy.Matrix([[X**2 + 3, X * Y, 1], [Y, X - 2, X * X * Y], [sympy.exp(X), 2, Y + 3]])
RIGHT = sympy.Matrix([[X, 1], [Y * X, X], [2, sympy.sin(Y)]])


def expanded(expression):
    """Taylor coefficients of a SymPy expression, by differentiation."""
    coef = []
    for i, j in SPACE.exponents.tolist():
        term = sympy.diff(expression, X, i, Y, j) / sympy.factorial(i) / sympy.factorial(j)
        coef.append(float(term.subs({X: CENTER[0], Y: CENTER[1]})))
    return TaylorPolynomial(SPACE, coef, CENTER)


def polynomials(matrix):
    return np.stack([np.stack([expanded(entry) for entry in row]) for row in matrix.tolist()])


def close(p, expected, tolerance=1e-12):
    np.testing.assert_allclose(p.coef, expected.coef, rtol=tolerance, atol=tolerance)


A, B = polynomials(MATRIX), polynomials(RIGHT)


def test_solutions_and_inverses():
    close(A @ np.linalg.solve(A, B), B)
    close(A @ np.linalg.inv(A), np.zeros_like(A) + np.eye(3), 1e-11)
    close(np.linalg.solve(A, B)[:, 0], np.linalg.inv(A) @ B[:, 0])
    close(np.linalg.solve(A.value, B), np.linalg.inv(A.value) @ B)
    close(np.linalg.solve(A, B.value), np.linalg.inv(A) @ B.value)


def test_determinants_against_sympy():
    determinant = MATRIX.det()
    close(np.linalg.det(A), expanded(determinant))
    sign, logarithm = np.linalg.slogdet(A)
    assert sign == np.sign(np.linalg.det(A.value))
    close(logarithm, expanded(sympy.log(-determinant if sign < 0 else determinant)), 1e-11)
    close(sign * np.exp(logarithm), expanded(determinant), 1e-11)


def test_products_against_sympy():
    close(A @ B, polynomials(MATRIX * RIGHT))
    close(np.linalg.matrix_power(A, 3), polynomials(MATRIX**3), 1e-11)
    close(np.einsum("ij,jk,ki->", A, A, A), expanded((MATRIX**3).trace()), 1e-11)
    close(np.prod(B), expanded(sympy.prod(RIGHT)))
    close(np.cross(A[0], A[1]), polynomials(MATRIX.row(0).cross(MATRIX.row(1)))[0])


def test_cholesky_of_a_gram_matrix():
    gram = A.T @ A
    lower = np.linalg.cholesky(gram)
    close(lower @ lower.T, gram)
    assert not np.triu(lower, 1).coef.any()
    np.testing.assert_array_equal(lower.value, np.linalg.cholesky(gram.value))
    wrong = gram.copy()
    wrong[0, 1:] = np.nan  # only the lower triangle is read
    close(np.linalg.cholesky(wrong), lower)
    close(np.linalg.cholesky(gram, upper=True), lower.T)
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        np.linalg.cholesky(-gram)
    hermitian = A.T @ A + 1j * (A - A.T)
    lower = np.linalg.cholesky(hermitian + 9 * np.eye(3))
    close(lower @ np.conj(lower.T), hermitian + 9 * np.eye(3))


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_determinants_of_singular_matrices(rank):
    vectors = np.random.default_rng(rank).normal(size=(2, 3, rank))
    constant = vectors[0] @ vectors[1].T
    x, y = SPACE.variables([0.0, 0.0])
    plain = np.array([[1.0, 2, 0], [0, 1, 3], [1, 0, 1]]), np.array([[0.0, 1, 1], [2, 0, 1], [1, 1, 0]])
    a = constant + x * plain[0] + y * plain[1]
    (p, q, r), (s, t, u), (v, w, z) = a
    expected = p * (t * z - u * w) - q * (s * z - u * v) + r * (s * w - t * v)
    close(np.linalg.det(a), expected, 1e-13)
    same = np.stack([a, a + np.eye(3)])
    close(np.linalg.det(same)[0], expected, 1e-13)
    close(np.linalg.det(same)[1], np.linalg.det(a + np.eye(3)))


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
def test_determinants_by_elimination_and_without_division(rank):
    rng = np.random.default_rng(rank)
    constant = rng.integers(-3, 4, (4, rank)) @ rng.integers(-3, 4, (rank, 4)) / 4
    x, y = SPACE.variables([0.0, 0.0])
    a = constant + x * rng.normal(size=(4, 4)) + y * rng.normal(size=(4, 4))
    minors = [np.linalg.det(np.delete(a[1:], k, axis=1)) for k in range(4)]
    expected = a[0, 0] * minors[0] - a[0, 1] * minors[1] + a[0, 2] * minors[2] - a[0, 3] * minors[3]
    close(np.linalg.det(a), expected, 1e-10)
    close(np.linalg.det(np.stack([a, a + np.eye(4)]))[0], expected, 1e-10)
    sign, logarithm = np.linalg.slogdet(a)
    if rank == 4:
        close(sign * np.exp(logarithm), expected, 1e-9)
    assert (sign == 0) == (logarithm.value == -np.inf)


def test_singular_matrices_have_no_inverse():
    x, y = SPACE.variables([0.0, 0.0])
    a = np.stack([np.stack([x, y]), np.stack([y, x])])
    for function in (np.linalg.inv, lambda m: np.linalg.solve(m, np.ones(2))):
        with pytest.raises(np.linalg.LinAlgError, match="ingular"):
            function(a)
    sign, logarithm = np.linalg.slogdet(np.stack([np.stack([x, x]), np.stack([y, y])]))
    assert sign == 0
    assert logarithm.value == -np.inf


def test_complex_matrices():
    a = A + 1j * A[::-1]
    close(a @ np.linalg.inv(a), np.zeros_like(a) + np.eye(3), 1e-11)
    sign, logarithm = np.linalg.slogdet(a)
    close(sign * np.exp(logarithm), np.linalg.det(a), 1e-11)
    np.testing.assert_allclose(np.abs(sign).coef, [1.0] + [0.0] * (SPACE.n_terms - 1), atol=1e-12)


@pytest.mark.parametrize("degree", [1, 2, 3, 7])
@pytest.mark.parametrize("dtype", [float, complex])
def test_eigenvectors(degree, dtype):
    space, rng = fc.TaylorSpace(2, degree), np.random.default_rng(degree)
    coef = rng.normal(size=(space.n_terms, 2, 4, 4)).astype(dtype)
    coef[0] += np.diag([1.0, 5, 10, 20])
    if dtype is complex:
        coef += 1j * rng.normal(size=coef.shape)
    a = TaylorPolynomial(space, coef)
    lower = np.tril(a, -1)
    whole = lower + np.conj(lower.mT) + np.real(np.diagonal(a, 0, 1, 2))[..., None] * np.eye(4)
    values, vectors = np.linalg.eigh(a)
    close(whole @ vectors, vectors * values[:, None, :], 1e-9)
    close(np.conj(vectors.mT) @ vectors, np.zeros_like(vectors) + np.eye(4), 1e-9)
    assert values.dtype == float
    np.testing.assert_allclose(values.value, np.linalg.eigvalsh(a.value), rtol=1e-13)
    assert np.linalg.eigvalsh(a).shape == (2, 4)


def test_multiple_eigenvalues_have_no_derivatives():
    x, y = SPACE.variables([0.0, 0.0])
    values, vectors = np.linalg.eigh(np.diag(np.stack([1 + x, 1 + y, 3 + x * y])))
    assert values.value.tolist() == [1, 1, 3]
    assert np.isnan(values.coef[1:, :2]).all()
    assert np.isnan(vectors.coef[1:, :, :2]).all()
    close(values[2], 3 + x * y)
    assert np.isfinite(vectors.coef[:, :, 2]).all()
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    mixed = TaylorPolynomial(SPACE, rng.normal(size=(SPACE.n_terms, 3, 3)), (0.0, 0.0))
    mixed = mixed + mixed.T
    mixed._coef[0] = basis @ np.diag([1.0, 1.0, 3.0]) @ basis.T
    values, vectors = np.linalg.eigh(mixed)
    assert np.isnan(values.coef[1:, :2]).all()
    close(mixed @ vectors[:, 2], values[2] * vectors[:, 2], 1e-9)


def test_least_squares():
    design = np.vander([0.0, 1.0, 2.0], 2)
    solution, residuals, rank, _ = np.linalg.lstsq(design, B, rcond=None)
    close(solution, np.linalg.pinv(design) @ B)
    close(residuals, ((B - design @ solution) ** 2).sum(axis=0))
    assert rank == 2


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: np.linalg.solve(A[:2], B), np.linalg.LinAlgError, "must be square"),
        (lambda: np.linalg.inv(A[0]), np.linalg.LinAlgError, "must be square"),
        (lambda: np.linalg.solve(A, B[:2]), ValueError, "3 rows"),
        (lambda: np.linalg.lstsq(A, B), TypeError, "normal equations"),
        (lambda: np.linalg.tensorsolve(A, B, axes=(0,)), TypeError, "no `axes`"),
        (lambda: np.linalg.matrix_power(A, 1.5), TypeError, "integer"),
        (lambda: np.linalg.eigh(A[0]), np.linalg.LinAlgError, "must be square"),
        (lambda: np.linalg.eigh(A, "X"), ValueError, "`UPLO`"),
        (lambda: np.linalg.norm(A, 2), ValueError, "'fro', 1, -1, inf or -inf"),
        (lambda: np.linalg.norm(A, "nuc"), ValueError, "'fro', 1, -1, inf or -inf"),
        (lambda: np.linalg.norm(A[0], "fro"), ValueError, "a number as `ord`"),
        (lambda: np.linalg.norm(np.stack([A, A]), 1), ValueError, "give `axis`"),
        (lambda: np.linalg.norm(A, axis=(0, 0)), ValueError, "two different axes"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_stacks_are_each_one():
    stack = np.stack([A, A @ A, A.T])
    for function in (
        np.linalg.inv,
        np.linalg.det,
        lambda a: np.linalg.solve(a, B),
        lambda a: np.linalg.norm(a, axis=(-2, -1)),
    ):
        result = function(stack)
        for i in range(3):
            close(result[i], function(stack[i]), 1e-10)
