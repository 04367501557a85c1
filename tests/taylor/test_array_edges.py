"""Functions of arrays of polynomials where NumPy's rules are subtle: views, outputs, empty arrays, ties, errors."""

import numpy as np
import pytest

import fastcalc as fc
from fastcalc import TaylorPolynomial

SPACE = fc.TaylorSpace(2, 3)
X, Y = SPACE.variables([0.5, 2.0])


def series(shape, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    return TaylorPolynomial(SPACE, rng.normal(size=(SPACE.n_terms, *shape)).astype(dtype))


def same(p, q):
    np.testing.assert_array_equal(p.coef, q.coef)


VIEWS = [
    lambda a: a.reshape(2, 6), lambda a: a.T, lambda a: a.ravel(), lambda a: np.flip(a), lambda a: a[None].squeeze(0),
    lambda a: np.moveaxis(a, 0, -1), lambda a: np.split(a, 3)[1], lambda a: np.expand_dims(a, 1), np.atleast_3d,
    lambda a: a[:, ::-2].swapaxes(0, 1), lambda a: np.rot90(a), lambda a: a.real,
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_views_write_through(view):
    p = series((3, 4))
    plain = p.coef[0].copy()
    view(plain)[...] = 7.5
    view(p)[...] = SPACE.variables([0.0, 0.0])[0] * 15 + 7.5
    np.testing.assert_array_equal(p.value, plain)
    assert (p.coef[SPACE.index((1, 0))] == 15.0)[plain == 7.5].all()


def test_views_of_views_keep_to_their_memory():
    p = series((4, 6))
    inner = p[1:, ::-2].T
    same(np.flip(inner, 0).reshape(3, 3), p[1:, 1::2].T)
    assert np.shares_memory(np.diagonal(inner), p)
    assert not np.shares_memory(inner.reshape(-1), p)


def test_read_only_views():
    p = series((3,))
    spread = np.broadcast_to(p, (2, 3))
    with pytest.raises(ValueError, match="read-only"):
        spread[0, 0] = 1.0
    same(spread * 1.0, np.stack([p, p]))


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda a, **o: np.sum(a, axis=0, **o), (4,)),
        (lambda a, **o: np.prod(a, axis=1, keepdims=True, **o), (3, 1)),
        (lambda a, **o: np.mean(a, axis=1, **o), (3,)),
        (lambda a, **o: np.var(a, axis=0, **o), (4,)),
        (lambda a, **o: np.std(a, axis=0, **o), (4,)),
        (lambda a, **o: np.max(a, axis=0, **o), (4,)),
        (lambda a, **o: np.cumsum(a, axis=1, **o), (3, 4)),
        (lambda a, **o: np.dot(a, np.arange(4.0), **o), (3,)),
        (lambda a, **o: np.einsum("ij->j", a, **o), (4,)),
        (lambda a, **o: np.take(a, [1, 2], axis=0, **o), (2, 4)),
        (lambda a, **o: np.concatenate([a, a], **o), (6, 4)),
        (lambda a, **o: np.stack([a, a], **o), (2, 3, 4)),
        (lambda a, **o: np.clip(a, 0, 1, **o), (3, 4)),
        (lambda a, **o: np.trace(a, **o), ()),
        (lambda a, **o: np.outer(a[0], a[1], **o), (4, 4)),
        (lambda a, **o: np.median(a, axis=0, **o), (4,)),
        (lambda a, **o: np.multiply.reduce(a, **o), (4,)),
        (lambda a, **o: np.add.accumulate(a, **o), (3, 4)),
        (lambda a, **o: np.round(a, **o), (3, 4)),
        (lambda a, **o: a.sum(axis=1, **o), (3,)),
    ],
)
def test_out(function, shape):
    p = series((3, 4))
    out = np.zeros_like(p, shape=shape)
    assert function(p, out=out) is out
    same(out, function(p))
    with pytest.raises(ValueError, match="`out` must have the shape"):
        function(p, out=np.zeros_like(p, shape=(7, *shape)))
    with pytest.raises(TypeError, match="`out` must be a Taylor polynomial"):
        function(p, out=np.zeros(shape))


def test_out_of_plain_arguments_and_of_another_center():
    p = series((3,))
    out = np.zeros_like(p, shape=())
    np.sum(np.arange(3.0), out=out)
    assert out.value == 3
    with pytest.raises(ValueError, match="different points"):
        np.sum(p, out=X.copy())


def test_empty_arrays():
    p = series((0, 3))
    assert np.sum(p, axis=0).coef.tolist() == np.zeros((SPACE.n_terms, 3)).tolist()
    assert np.prod(p, axis=0).value.tolist() == [1, 1, 1]
    assert np.sum(p).coef.shape == (SPACE.n_terms,)
    assert (p.T @ p).shape == (3, 3)
    assert not (p.T @ p).coef.any()
    assert np.concatenate([p, series((2, 3))]).shape == (2, 3)
    assert p.reshape(3, 0).shape == (3, 0)
    assert np.sort(p, axis=0).shape == (0, 3)
    assert np.einsum("ij,ik->jk", p, p).shape == (3, 3)
    assert np.linalg.det(series((0, 2, 2))).shape == (0,)
    assert np.linalg.det(series((0, 0))).value == 1
    assert np.cumprod(p, axis=0).shape == (0, 3)
    for function in (np.max, np.min, np.maximum.reduce):
        with pytest.raises(ValueError, match="`initial`"):
            function(p, axis=0)
    with pytest.raises(ValueError, match="not empty"):
        np.subtract.reduce(p, axis=0)


def test_zero_dimensional_polynomials():
    for function in (np.sum, np.prod, np.mean, np.max, np.min, np.ravel, np.cumsum, np.median):
        np.testing.assert_allclose(function(X).coef.reshape(-1), X.coef)
    assert np.linalg.norm(X).coef.tolist() == X.coef.tolist()
    assert X.tolist() is X
    assert np.argmax(X) == 0
    with pytest.raises(ValueError, match="at least one axis"):
        np.matmul(X, X)


def test_ties_of_extremes():
    p = np.stack([X - 0.5, Y - 2, X - 2])  # 0, 0, -1.5
    for result in (np.max(p), np.sort(p)[-1], np.clip(X - 0.5, 0, None), np.median(np.stack([X - 0.5, Y - 2, X]))):
        assert result.value == 0
        assert np.isnan(result.coef[1:3]).any()
    same(np.max(np.stack([X, X, X - 1])), X)
    same(np.min(p), X - 2)
    assert np.argmax(p) == 0
    same(np.sort(np.stack([X, X])), np.stack([X, X]))


def test_sorting_at_ties_knows_only_the_value():
    p = np.stack([X, Y - 1.5, X - 1, X])
    result = np.sort(p)
    same(result[0], X - 1)
    assert result.value.tolist() == [-0.5, 0.5, 0.5, 0.5]
    assert np.isnan(result.coef[1:, 1:]).all()
    same(p[np.argsort(p)][0], X - 1)


def test_zero_vectors_have_a_norm_and_no_derivatives():
    zero = np.stack([X - 0.5, Y - 2])
    result = np.linalg.norm(zero)
    assert result.value == 0
    assert np.isnan(result.coef[1:]).any()


def test_interpolation_at_knots():
    x = np.stack([X, X + 0.25, X + 1.5])
    result = np.interp(x, [0.0, 0.5, 1.0, 2.0], [0.0, 1.0, 2.0, 7.0])
    assert result.value.tolist() == [1.0, 1.5, 7.0]
    assert result.coef[1].tolist()[:2] == [2.0, 2.0]  # at 0.5 slopes agree
    assert np.isnan(result.coef[1:, 2]).all()
    kink = np.interp(X, [0.0, 0.5, 1.0], [0.0, 1.0, 1.0])
    assert kink.value == 1
    assert np.isnan(kink.coef[1:]).all()
    level = np.interp(X, [0.5, 1.0], [1.0, 1.0])
    assert level.coef.tolist() == [1.0] + [0.0] * (SPACE.n_terms - 1)
    jump = np.interp(X, [0.5, 1.0], [1.0, 1.0], left=0.0)
    assert np.isnan(jump.coef[1:]).all()
    assert np.isnan(np.interp(X * np.nan, [0.0, 1.0], [0.0, 1.0]).value)


def test_sinc_everywhere():
    space = fc.TaylorSpace(1, 12)
    mpmath = pytest.importorskip("mpmath")
    for center in (0.0, 1e-9, 0.3, 1.0, 1.27, 1.28, 5.0, -0.7):
        (x,) = space.variables([center])
        with mpmath.workdps(60):
            expected = mpmath.taylor(mpmath.sincpi, center, 12)
        np.testing.assert_allclose(np.sinc(x).coef, np.array(expected, float), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda p: np.sum(p, axis=2), np.exceptions.AxisError, "out of bounds"),
        (lambda p: np.sum(p, where=np.ones((2, 3, 4), bool)), ValueError, "`where` must broadcast"),
        (lambda p: np.max(p, axis=0, where=p > 0), ValueError, "`initial`"),
        (lambda p: np.subtract.reduce(p, axis=(0, 1)), ValueError, "one axis"),
        (lambda p: np.exp.reduce(p), (TypeError, ValueError), "reduce"),
        (lambda p: np.add.at(np.zeros(3), [0], p[0, 0]), TypeError, "make it one"),
        (lambda p: np.add.reduceat(p, [4]), IndexError, "`indices` must be from 0 to 2"),
        (lambda p: np.concatenate([p, p[0]]), ValueError, "dimension"),
        (lambda p: np.concatenate([X, X]), ValueError, "out of bounds"),
        (lambda p: p @ p, ValueError, "have no product"),
        (lambda p: p @ np.ones(3), ValueError, "matmul"),
        (lambda p: np.tensordot(p, p, axes=1), ValueError, "same lengths"),
        (lambda p: np.tensordot(p, p, axes=([0], [0, 1])), ValueError, "as many axes"),
        (lambda p: np.einsum("ij,jk", p, p), ValueError, "lengths 4 and 3"),
        (lambda p: np.einsum("ij,jk", p), ValueError, "for 2 operands"),
        (lambda p: np.einsum("i", p), ValueError, "got subscripts for 1"),
        (lambda p: np.einsum("ij->k", p), ValueError, "different ones"),
        (lambda p: np.einsum("i2", p), ValueError, "letters"),
        (lambda p: np.einsum("...i->i", p), ValueError, "put it into the result"),
        (lambda p: np.average(p, weights=[1.0, 2.0]), ValueError, "`weights` must have"),
        (lambda p: np.average(p, axis=0, weights=[1.0, -1.0, 0.0]), ZeroDivisionError, "sum to zero"),
        (lambda p: np.sort(p, order="x"), TypeError, "no `order`"),
        (lambda p: np.quantile(p, 1.5), ValueError, "from 0 to 1"),
        (lambda p: np.quantile(p, 0.5, method="nearest"), TypeError, "method='linear'"),
        (lambda p: np.cov(p, fweights=[1, 2, 3, 4]), TypeError, "fweights"),
        (lambda p: np.pad(p, 1, mode="maximum"), TypeError, "no mode 'maximum'"),
        (lambda p: np.copyto(np.zeros((3, 4)), p), TypeError, "`out` must be a Taylor polynomial"),
        (lambda p: np.put(np.zeros(3), [0], p[0, 0]), TypeError, "can't hold"),
        (lambda p: np.cross(p, p), ValueError, "3 entries"),
        (lambda p: np.linalg.outer(p, p), ValueError, "takes vectors"),
        (lambda p: np.convolve(p[0], p[1], "middle"), ValueError, "'full', 'same' or 'valid'"),
        (lambda p: np.convolve(p[0], p[1][:0]), ValueError, "not empty"),
        (lambda p: np.interp(p, [0.0, 1.0], [1.0]), ValueError, "of one length"),
        (lambda p: np.interp(p, [0.0, 1.0], [1.0, 2.0], period=0), ValueError, "`period`"),
        (lambda p: np.diff(p, -1), ValueError, "negative"),
        (lambda p: np.gradient(np.ones(3), p[0, 0]), TypeError, "plain spacing"),
        (lambda p: np.vander(p), ValueError, "one dimension"),
        (lambda p: np.clip(p, 0, 1, casting="no"), TypeError, "'casting'"),
        (lambda p: p.item(), ValueError, "only one polynomial"),
        (lambda p: p[0].mT, ValueError, "two axes"),
        (lambda p: p.T.reshape(-1, copy=False), ValueError, "no view"),
        (lambda p: np.unique(p), TypeError, "not available"),
        (lambda p: np.linalg.svd(p), TypeError, "not available"),
        (lambda p: p.sum(nonsense=1), TypeError, "nonsense"),
        (lambda p: np.where(p > 0, p), ValueError, "two choices"),
        (lambda p: np.cumulative_sum(p), ValueError, "`axis`"),
        (lambda p: np.var(p, ddof=1, correction=1), ValueError, "both"),
        (lambda p: np.piecewise(p, [p > 0], [1, 2, 3]), ValueError, "`funclist`"),
        (lambda p: np.stack([p.astype(complex), p], dtype=float), TypeError, "cast"),
        (lambda p: np.vstack([p.astype(complex), p], dtype=float), TypeError, "cast"),
        (lambda p: np.copyto(p, p.astype(complex)), TypeError, "cast"),
        (lambda p: np.concatenate([p, X[None]]), ValueError, "different points"),
        (lambda p: np.exp(p, out=p, where=np.ones((10, 3, 4), bool)), ValueError, "`where` must broadcast"),
        (lambda p: np.linalg.multi_dot([p]), ValueError, "two arrays"),
    ],
)
def test_errors(call, error, match):
    with pytest.raises(error, match=match):
        call(series((3, 4)))


def test_ufunc_methods_in_detail():
    p = series((3, 4))
    same(np.add.reduce(p, axis=(0, 1)), p.sum())
    same(np.add.reduce(p, initial=X.value), p.sum(axis=0) + 0.5)
    np.testing.assert_allclose(np.multiply.reduce(p, axis=None).coef, np.prod(p).coef)
    np.testing.assert_allclose(np.divide.accumulate(p, axis=1)[:, 2].coef, (p[:, 0] / p[:, 1] / p[:, 2]).coef)
    q = p.copy()
    np.multiply.at(q, (0, slice(None)), 2.0)
    same(q[0], p[0] * 2)
    np.exp.at(q, (1, 1))
    same(q[1, 1], np.exp(p[1, 1]))
    q = p[0].copy()
    np.maximum.at(q, [0, 0], [1e3, 1e4])
    assert q.value[0] == 1e4
    assert np.add.reduce(p, dtype=complex).dtype == complex
    same(np.power.outer(2.0, p), 2.0**p)
    out = np.zeros_like(p, shape=(3, 2))
    assert np.matmul(p, np.ones((4, 2)), out=out) is out
    same(out, p @ np.ones((4, 2)))


def test_nan_is_left_out():
    p = series((3, 4))
    p[1, 2] = np.nan
    q = np.delete(p.reshape(-1), 6)
    np.testing.assert_allclose(np.nansum(p).coef, np.sum(q).coef)
    np.testing.assert_allclose(np.nanmean(p).coef, np.mean(q).coef)
    np.testing.assert_allclose(np.nanstd(p).coef, np.std(q).coef)
    np.testing.assert_allclose(np.nanprod(p, axis=0)[2].coef, np.prod(p[[0, 2], 2]).coef)
    np.testing.assert_allclose(np.nanmax(p).coef, np.max(q).coef)
    np.testing.assert_allclose(np.nancumsum(p, axis=0)[-1].coef, np.nansum(p, axis=0).coef)
    assert np.isnan(np.max(p).value)
    assert np.isnan(np.median(p).value)
    assert np.isnan(np.median(p, axis=0).value).tolist() == [False, False, True, False]


def test_complex_statistics():
    p = series((3, 4)) + 1j * series((3, 4), seed=1)
    np.testing.assert_allclose(np.var(p).coef, (np.var(p.real) + np.var(p.imag)).coef, rtol=1e-12)
    assert np.var(p).dtype == float
    np.testing.assert_allclose(np.vdot(p, p).coef, np.sum(np.conj(p) * p).coef, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(p).coef, np.sqrt(np.sum(p.real**2 + p.imag**2)).coef)
    p.imag[0] = 0.0
    assert np.isreal(p).tolist() == [[True] * 4, [False] * 4, [False] * 4]


def test_lists_and_object_arrays_of_polynomials():
    same(np.stack([X, Y]), SPACE.variables([0.5, 2.0]))
    same(np.concatenate([np.stack([X, Y]), [Y, 3.0]]), np.stack([X, Y, Y, 3.0]))
    same(np.dot([X, Y], np.stack([Y, X])), X * Y + Y * X)
    same(np.where([True, False], [X, Y], np.stack([Y, X])), np.stack([X, X]))


def test_large_products_in_blocks(monkeypatch):
    from fastcalc._taylor.arrays import products

    a, b = series((2, 5, 6)), series((6, 3), seed=1)
    expected = (a[..., None] * b).sum(axis=-2)
    for numbers, tiny in ((50, 10**9), (10**9, 10**9), (10**9, 1)):
        monkeypatch.setattr(products, "_MOST_NUMBERS", numbers)
        monkeypatch.setattr(products, "_TINY", tiny)
        monkeypatch.setattr(products, "_LARGE", 1)
        np.testing.assert_allclose((a @ b).coef, expected.coef, atol=1e-13)


@pytest.mark.parametrize("space", [fc.TaylorSpace(3, 4, max_degrees=(2, 4, 1)), fc.TaylorSpace(2, 5, weights=(1, 2))])
def test_products_by_terms_in_spaces_with_caps_and_weights(space):
    from fastcalc._taylor.arrays import products

    rng = np.random.default_rng(0)
    a, b = (TaylorPolynomial(space, rng.normal(size=(space.n_terms, 3, 3))) for _ in range(2))
    result = products._by_terms(space, a.coef, b.coef)
    np.testing.assert_allclose(result, (a[..., None] * b).sum(axis=-2).coef, atol=1e-13)
