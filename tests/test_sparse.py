"""Sparse Jacobians and Hessians: against dense ones on any pattern, in every method, and the patterns themselves."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcalc as fc
from fastcalc import Status
from fastcalc._differences.sparsity import compressed, structure
from fastcalc._differences.sparsity.colored_plans import colored_plan
from fastcalc._differences.sparsity.pattern import parse_pattern
from fastcalc._kernels.compressed import gather

scipy_sparse = pytest.importorskip("scipy.sparse")
csr_array = scipy_sparse.csr_array

METHODS = ("central", "forward", "backward", "complex", "adaptive", "exact")
FIXED = ("central", "forward", "backward", "complex")


def patterned(pattern, rng):
    """A smooth function with this pattern (m, n) of bools: every entry of the Jacobian is other than 0."""
    weight = np.where(pattern, rng.uniform(0.5, 2, pattern.shape), 0)

    def f(x):
        return np.sin(weight @ x) + weight @ (x * x)

    def jacobian(x):
        return np.cos(weight @ x)[:, None] * weight + 2 * weight * x

    return f, jacobian


def local(pattern, rng):
    """The same, but a row adds up its own entries alone: values do not depend on others, not even by rounding."""
    weight = np.where(pattern, rng.uniform(0.5, 2, pattern.shape), 0)

    def f(x):
        return np.array([sum((w[j] * np.sin(x[j]) for j in np.flatnonzero(w)), 0.25 * x[0] * 0) for w in weight])

    return f


def banded(n, offsets=(-1, 0, 1)):
    return scipy_sparse.diags_array([np.ones(n)] * len(offsets), offsets=offsets, shape=(n, n))


def broyden(x):
    """Broyden's tridiagonal function; for points as columns, too."""
    zero = 0 * x[:1]
    return (3 - 2 * x) * x + 1 - np.concatenate([zero, x[:-1]]) - 2 * np.concatenate([x[1:], zero])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


def rosenbrock_gradient(x):
    zero, d = 0 * x[:1], x[1:] - x[:-1] ** 2
    return np.concatenate([-400 * x[:-1] * d - 2 * (1 - x[:-1]), zero]) + np.concatenate([zero, 200 * d])


def rosenbrock_hessian(x):
    H = np.diag(np.append(1200 * x[:-1] ** 2 - 400 * x[1:] + 2, 0.0) + np.append(0.0, np.full(len(x) - 1, 200.0)))
    off = np.arange(len(x) - 1)
    H[off, off + 1] = H[off + 1, off] = -400 * x[:-1]
    return H


@pytest.fixture
def x():
    return np.random.default_rng(7).uniform(0.5, 2, 12)


class TestResults:
    def test_is_a_csr_array_of_the_pattern_with_explicit_zeros(self):
        S = scipy_sparse.coo_array(([1, 1, 1], ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
        J = fc.jacobian(lambda x: np.array([x[0] + 0 * x[1], x[1]]), [1.0, 2.0], sparsity=S)
        assert type(J) is csr_array
        assert J.shape == (2, 2)
        assert J.nnz == 3
        assert J.has_canonical_format
        assert J.toarray() == pytest.approx(np.eye(2), abs=1e-9)

    @pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "dia", "bsr", "dense", "list", "matrix"])
    def test_patterns_come_in_any_form(self, form, x):
        S = banded(12)
        sparsity = {
            "dense": lambda: S.toarray() != 0,
            "list": lambda: S.toarray().tolist(),
            "matrix": lambda: scipy_sparse.csr_matrix(S),
        }.get(form, lambda: S.asformat(form))()
        J = fc.jacobian(broyden, x, sparsity=sparsity)
        assert J.toarray() == pytest.approx(fc.jacobian(broyden, x, method="exact"), abs=1e-8)

    def test_index_arrays_are_the_users_own(self, x):
        J = fc.Jacobian(broyden, sparsity=banded(12))
        first = J(x)
        wanted = first.toarray()
        first.data[:] = 0
        first.eliminate_zeros()
        first.indices[:] = 0
        assert np.array_equal(J(x).toarray(), wanted)

    def test_the_users_pattern_is_not_touched(self, x):
        S = csr_array((np.ones(3), np.array([1, 0, 0]), np.array([0, 2, 3])), shape=(2, 2))  # unsorted
        fc.jacobian(lambda x: np.array([x[0] * x[1], x[0]]), [1.0, 2.0], sparsity=S)
        assert S.indices.tolist() == [1, 0, 0]

    def test_duplicates_count_once(self):
        S = scipy_sparse.coo_array(([1, 1, 1], ([0, 0, 1], [0, 0, 1])), shape=(2, 2))
        assert fc.jacobian(lambda x: x**2, np.array([1.0, 2.0]), sparsity=S).nnz == 2

    def test_explicit_zeros_are_entries(self):
        S = scipy_sparse.coo_array(([0.0, 0.0], ([0, 1], [0, 1])), shape=(2, 2))
        assert fc.jacobian(lambda x: x**2, np.array([1.0, 2.0]), sparsity=S).toarray() == pytest.approx(
            np.diag([2, 4]), abs=1e-8
        )

    @pytest.mark.parametrize("shape", [(12,), (3, 4), (2, 3, 2)])
    def test_axes_of_x_and_of_outputs_are_flattened(self, shape, x):
        J = fc.jacobian(lambda x: broyden(x.reshape(-1)).reshape(shape), x.reshape(shape), sparsity=banded(12))
        assert J.shape == (12, 12)
        assert J.toarray() == pytest.approx(fc.jacobian(broyden, x, method="exact"), abs=1e-8)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
    def test_dtypes(self, dtype, x):
        x = x.astype(dtype)
        J, dense = fc.jacobian(broyden, x, sparsity=banded(12)), fc.jacobian(broyden, x)
        assert J.dtype == dtype
        assert np.array_equal(J.toarray(), dense)

    def test_coarse_outputs_get_coarse_steps(self, x):
        f = lambda x: broyden(x).astype(np.float32)  # noqa: E731
        J, dense = fc.jacobian(f, x, sparsity=banded(12)), fc.jacobian(f, x)
        assert np.array_equal(J.toarray(), dense)

    def test_complex_x(self, x):
        x = x + 1j
        J, dense = fc.jacobian(broyden, x, sparsity=banded(12)), fc.jacobian(broyden, x)
        assert J.dtype == np.complex128
        assert np.array_equal(J.toarray(), dense)

    def test_complex_outputs_of_real_x(self, x):
        f = lambda x: (1 + 2j) * broyden(x)  # noqa: E731
        for method in ("central", "adaptive", "exact"):
            J = fc.jacobian(f, x, sparsity=banded(12), method=method)
            assert J.toarray() == pytest.approx((1 + 2j) * fc.jacobian(broyden, x, method="exact"), abs=1e-7)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(("m", "n"), [(0, 3), (3, 0), (0, 0), (1, 1), (3, 1), (1, 3)])
    def test_small_and_empty(self, method, m, n):
        pattern = np.ones((m, n), bool)
        weight = np.arange(m * n).reshape(m, n) + 1.0
        J = fc.jacobian(lambda x: weight @ x, np.ones(n), sparsity=pattern, method=method)
        assert J.shape == (m, n)
        assert J.toarray() == pytest.approx(weight, abs=1e-7)

    @pytest.mark.parametrize("method", METHODS)
    def test_pattern_without_entries(self, method):
        J = fc.jacobian(lambda x: 0 * x + 3, np.ones(4), sparsity=np.zeros((4, 4), bool), method=method)
        assert J.nnz == 0
        assert J.shape == (4, 4)

    @pytest.mark.parametrize("method", METHODS)
    def test_empty_rows_and_columns(self, method):
        pattern = np.zeros((4, 5), bool)
        pattern[1, 3] = pattern[3, 0] = pattern[3, 3] = True
        f = lambda x: np.stack([0 * x[0], x[3] ** 2, 0 * x[1] + 1, x[0] * x[3]])  # noqa: E731
        J = fc.jacobian(f, np.arange(1.0, 6), sparsity=pattern, method=method)
        wanted = np.zeros((4, 5))
        wanted[1, 3], wanted[3, 0], wanted[3, 3] = 8, 4, 1
        assert J.toarray() == pytest.approx(wanted, abs=1e-6)


class TestAgainstDense:
    @given(st.data())
    @settings(max_examples=60, deadline=None)
    def test_any_pattern_bit_for_bit(self, data):
        """Where rows add up their entries alone, each entry is the difference that a dense Jacobian takes."""
        m, n = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        pattern = rng.random((m, n)) < data.draw(st.floats(0.05, 1))
        method = data.draw(st.sampled_from(FIXED[:3]))
        accuracy = data.draw(st.sampled_from([2, 4] if method == "central" else [1, 2, 3, 4]))
        options = {"method": method, "accuracy": accuracy}
        x = rng.normal(size=n)
        if data.draw(st.booleans()):
            options["bounds"] = (x - rng.choice([0, 1e-9, 1e-6, 5], n), x + rng.choice([0, 1e-9, 1e-6, 5], n))
        f = local(pattern, rng)
        full = fc.jacobian(f, x, sparsity=pattern, full_output=True, **options)
        dense = fc.jacobian(f, x, full_output=True, **options)
        at = np.nonzero(pattern)
        assert np.array_equal(full.value.data, dense.value[at], equal_nan=True)
        assert np.array_equal(full.step, dense.step[at], equal_nan=True)
        assert np.array_equal(full.status, dense.status[at])
        assert np.array_equal(full.success, dense.success[at])
        assert np.array_equal(full.error, dense.error[at], equal_nan=True)

    @given(st.data())
    @settings(max_examples=40, deadline=None)
    def test_any_pattern_in_every_method(self, data):
        m, n = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        pattern = rng.random((m, n)) < data.draw(st.floats(0.05, 1))
        f, jacobian = patterned(pattern, rng)
        x = rng.uniform(0.3, 1, n)
        method = data.draw(st.sampled_from(METHODS))
        J = fc.jacobian(f, x, sparsity=pattern, method=method)
        close = 1e-13 if method in ("complex", "exact") else 1e-10 if method == "adaptive" else 2e-6
        assert J.toarray() == pytest.approx(jacobian(x), abs=close * n)

    @given(st.data())
    @settings(max_examples=60, deadline=None)
    def test_any_hessian_from_a_gradient(self, data):
        n = data.draw(st.integers(1, 12))
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        pattern = rng.random((n, n)) < data.draw(st.floats(0.05, 0.6))
        pattern |= pattern.T
        weight = np.where(pattern, rng.uniform(0.5, 2, (n, n)), 0)
        weight += weight.T
        gradient = lambda x: weight @ x + np.diag(weight) * x**2  # noqa: E731
        x = rng.uniform(0.3, 1, n)
        method = data.draw(st.sampled_from(METHODS))
        H = fc.hessian(gradient, x, gradient=gradient, sparsity=pattern, method=method).toarray()
        assert np.array_equal(H, H.T)
        wanted = weight + np.diag(2 * np.diag(weight) * x)
        # rounding of sums of 12 terms up to 4; truncation and rounding of one-sided differences, eps**0.5 of these
        assert wanted == pytest.approx(H, abs=1e-12 if method in ("complex", "exact") else 1e-6)

    @given(st.data())
    @settings(max_examples=30, deadline=None)
    def test_any_hessian_from_values(self, data):
        n = data.draw(st.integers(1, 8))
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        pattern = rng.random((n, n)) < data.draw(st.floats(0.05, 0.6))
        pattern |= pattern.T
        weight = np.where(pattern, rng.uniform(0.5, 2, (n, n)), 0)
        weight += weight.T
        f = lambda x: (x * (weight @ x)).sum() / 2 + 0.1 * (np.diag(weight) * x**3).sum()  # noqa: E731
        x = rng.uniform(0.3, 1, n)
        method = data.draw(st.sampled_from(["central", "forward", "backward", "adaptive", "exact"]))
        H = fc.hessian(f, x, sparsity=pattern, method=method).toarray()
        assert np.array_equal(H, H.T)
        wanted = weight + np.diag(0.6 * np.diag(weight) * x)
        close = {"exact": 1e-12, "adaptive": 1e-6}.get(method, 1e-3)
        assert wanted == pytest.approx(H, abs=close)

    @pytest.mark.parametrize("triangle", [np.triu, np.tril])
    def test_one_triangle_is_the_whole_hessian(self, triangle, x):
        S = triangle(banded(12).toarray())
        for options in ({}, {"gradient": rosenbrock_gradient}):
            H = fc.hessian(rosenbrock, x, sparsity=S, **options)
            assert H.toarray() == pytest.approx(rosenbrock_hessian(x), abs=1e-2)

    def test_values_give_the_dense_hessian(self, x):
        H, dense = fc.hessian(rosenbrock, x, sparsity=banded(12)), fc.hessian(rosenbrock, x)
        at = banded(12).toarray() != 0
        assert np.array_equal(H.toarray()[at], dense[at])

    def test_arrowhead_hessian(self):
        n = 50
        pattern = np.eye(n, dtype=bool)
        pattern[0] = pattern[:, 0] = True
        gradient = lambda x: np.concatenate([[x.sum()], x[0] + x[1:] ** 2])  # noqa: E731
        x = np.linspace(1, 2, n)
        H = fc.hessian(np.sum, x, gradient=gradient, sparsity=pattern, full_output=True)
        wanted = np.diag(np.append(1, 2 * x[1:]))
        wanted[0] = wanted[:, 0] = 1
        assert H.value.toarray() == pytest.approx(wanted, abs=1e-7)
        assert H.evaluations <= 8  # 2 colours, and the product that verifies


class TestCalls:
    """What it costs: calls of f."""

    @pytest.mark.parametrize(("method", "calls"), [("central", 6), ("forward", 7), ("complex", 3), ("exact", 1)])
    def test_tridiagonal(self, method, calls):
        n = 300
        points = []

        def f(x):
            points.append(1)
            return broyden(x)

        J = fc.Jacobian(f, sparsity=banded(n), method=method)
        x = np.linspace(1, 2, n)
        J(x)
        del points[:]
        assert J(x).nnz == 3 * n - 2
        assert len(points) == calls
        assert J(x, full_output=True).evaluations == calls

    def test_bounds_take_no_more(self):
        """Columns of one colour are sampled on the same points, whatever the side that each is on."""
        n = 300
        x = np.linspace(1, 2, n)
        low, high = np.full(n, -10.0), np.full(n, 10.0)
        low[::4] = x[::4]
        high[1::4] = x[1::4]
        J = fc.Jacobian(broyden, sparsity=banded(n), bounds=(low, high))
        J(x)
        result = J(x, full_output=True)
        assert result.evaluations == 7
        assert result.value.toarray() == pytest.approx(fc.jacobian(broyden, x, method="exact"), abs=1e-7)

    def test_chained_rosenbrock(self):
        """A Hessian of 10,000 variables in fewer than 20 gradients, with the product that verifies the pattern."""
        n = 10_000
        x = np.random.default_rng(0).normal(size=n)
        result = fc.hessian(
            rosenbrock, x, gradient=rosenbrock_gradient, sparsity=banded(n), vectorized=True, full_output=True
        )
        assert result.evaluations < 20
        off = -400 * x[:-1]
        assert result.value.diagonal(1) == pytest.approx(off, rel=1e-6, abs=1e-3)

    def test_hessian_from_values(self):
        n = 40
        H = fc.Hessian(rosenbrock, sparsity=banded(n))
        x = np.random.default_rng(0).uniform(1, 2, n)
        H(x)
        assert H(x, full_output=True).evaluations == 1 + 2 * n + 2 * (n - 1)

    def test_colours_are_found_once(self, x, monkeypatch):
        J = fc.Jacobian(broyden, sparsity=banded(12))
        J(x)
        monkeypatch.setattr(structure, "column_colors", None)
        J(x + 1)
        J(np.append(x, []))


class TestBounds:
    @pytest.mark.parametrize("method", ["central", "forward", "backward", "adaptive"])
    def test_never_crossed(self, method):
        rng = np.random.default_rng(5)
        n = 60
        x = rng.uniform(1, 2, n)
        low = x - rng.choice([0, 1e-12, 1e-7, 1e-3, 1], n)
        high = np.where(low == x, x + 1, x + rng.choice([0, 1e-10, 1e-3, 1], n))

        def f(y):
            assert (low <= y).all()
            assert (y <= high).all()
            return broyden(y)

        J = fc.jacobian(f, x, sparsity=banded(n), bounds=(low, high), method=method)
        assert J.toarray() == pytest.approx(fc.jacobian(broyden, x, method="exact"), abs=2e-2)

    @pytest.mark.parametrize("method", METHODS)
    def test_fixed_variables_are_nan(self, method, x):
        low, high = x - 1, x + 1
        low[3] = high[3] = x[3]
        result = fc.jacobian(broyden, x, sparsity=banded(12), bounds=(low, high), method=method, full_output=True)
        fixed = result.value.indices == 3
        assert np.isnan(result.value.data[fixed]).all()
        assert (result.status[fixed] == Status.FIXED_VARIABLE).all()
        assert np.isfinite(result.value.data[~fixed]).all()
        assert result.success[~fixed].all()

    @pytest.mark.parametrize("method", METHODS)
    def test_fixed_variables_of_hessians_as_dense(self, method, x):
        low, high = x - 1, x + 1
        low[3] = high[3] = x[3]
        options = {"bounds": (low, high), "method": method}
        at = banded(12).toarray() != 0
        for gradient in (None, rosenbrock_gradient):
            if gradient or method != "complex":
                H = fc.hessian(rosenbrock, x, sparsity=banded(12), gradient=gradient, **options)
                dense = fc.hessian(rosenbrock, x, gradient=gradient, **options)
                assert np.array_equal(np.isnan(H.toarray())[at], np.isnan(dense)[at])

    @pytest.mark.parametrize("method", METHODS)
    def test_all_variables_fixed(self, method, x):
        J = fc.jacobian(broyden, x, sparsity=banded(12), bounds=(x, x), method=method)
        assert np.isnan(J.data).all()

    def test_status_at_bound(self, x):
        for method in ("central", "adaptive"):
            result = fc.jacobian(
                broyden, x, sparsity=banded(12), bounds=(x - 1, np.where(np.arange(12) == 2, x, x + 5)), method=method,
                full_output=True,
            )  # fmt: skip
            assert ((result.status == Status.AT_BOUND) == (result.value.indices == 2)).all()


class TestData:
    """NaN, exceptions and tiny components."""

    @pytest.mark.parametrize("method", METHODS)
    def test_nan_stays_in_its_row(self, method, x):
        def f(x):
            mask = np.ones(12)
            mask[4] = np.nan
            return broyden(x) * mask

        result = fc.jacobian(f, x, sparsity=banded(12), method=method, full_output=True)
        rows = np.repeat(np.arange(12), np.diff(result.value.indptr))
        assert np.array_equal(np.isnan(result.value.data), rows == 4)
        assert (result.status[rows == 4] == Status.NON_FINITE).all()
        assert result.success[rows != 4].all()

    def test_infinite_values_on_one_side_are_unknown(self, x):
        f = lambda y: np.where((y > x) & (np.arange(12) == 4), np.inf, y)  # noqa: E731
        result = fc.jacobian(f, x, sparsity=np.eye(12), full_output=True)
        assert np.array_equal(np.isnan(result.value.data), np.arange(12) == 4)
        assert result.status[4] == Status.NON_FINITE

    @pytest.mark.parametrize("method", METHODS)
    def test_exceptions_propagate_and_leave_the_operator_usable(self, method, x):
        error = ZeroDivisionError("mine")
        armed = []

        def f(y):
            if armed:
                raise error
            return broyden(y)

        J = fc.Jacobian(f, sparsity=banded(12), method=method)
        good = J(x)
        armed.append(1)
        with pytest.raises(ZeroDivisionError) as caught:
            J(x)
        assert caught.value is error
        armed.clear()
        assert np.array_equal(J(x).data, good.data)

    def test_failures_as_nan_take_their_colour(self, x):
        def f(y):
            if y[4] != x[4]:
                raise ValueError
            return broyden(y)

        result = fc.jacobian(f, x, sparsity=banded(12), on_error="nan", full_output=True)
        lost = np.isin(result.value.indices % 3, 4 % 3)  # all columns that moved with the one that failed
        assert np.array_equal(np.isnan(result.value.data), lost)

    def test_tiny_components_are_taken_again(self):
        """Where abs(x) does not tell the size of x, as for dense Jacobians."""
        x = np.array([1.0, 1e-9, 2.0, 3e-7, 0.0, 1e-6])
        f = lambda x: np.array([x[0] + 5, x[0] * np.sin(x[1] + 1), x[2] + x[3] + 100, x[3] + 1, x[4] + 1, x[5] * x[0]])  # noqa: E731
        pattern = fc.jacobian(f, np.arange(1.0, 7)) != 0
        result, dense = (fc.jacobian(f, x, sparsity=s, full_output=True) for s in (pattern, None))
        at = np.nonzero(pattern)
        assert np.array_equal(result.value.data, dense.value[at])
        assert np.array_equal(result.step, dense.step[at])
        assert result.step[result.value.indices == 3].max() > 1e-7  # it matters

    def test_f_that_returns_its_buffer_or_writes_into_x(self, x):
        buffer = np.empty(12)

        def f(y):
            buffer[:] = broyden(y)
            y[:] = np.nan
            return buffer

        wanted = fc.jacobian(broyden, x, sparsity=banded(12))
        assert np.array_equal(fc.jacobian(f, x, sparsity=banded(12)).data, wanted.data)


class TestOptions:
    def test_vectorised(self, x):
        calls = []

        def f(points):
            calls.append(points.shape)
            return broyden(points)

        for method in METHODS:
            J = fc.jacobian(f, x, sparsity=banded(12), vectorized=True, method=method)
            close = 1e-6 if method in FIXED else 1e-9
            assert J.toarray() == pytest.approx(fc.jacobian(broyden, x, method="exact"), abs=close)
        assert (12, 6) in calls

    def test_vectorised_in_blocks_of_a_few_colours(self, monkeypatch):
        n = 3000
        x = np.linspace(1, 2, n)
        S = banded(n, (-4, -3, -2, -1, 0, 1, 2, 3, 4))
        f = lambda x: x**2 + np.roll(x, 4, 0) + np.roll(x, -4, 0)  # noqa: E731
        S = S.tolil()
        S[0, n - 4] = S[1, n - 3] = S[2, n - 2] = S[3, n - 1] = 1
        S[n - 4, 0] = S[n - 3, 1] = S[n - 2, 2] = S[n - 1, 3] = 1
        results = [fc.jacobian(f, x, sparsity=S, vectorized=v, accuracy=4).toarray() for v in (False, True)]
        monkeypatch.setattr(compressed, "_NUMBERS", 1)  # points in blocks, too
        results.append(fc.jacobian(f, x, sparsity=S, accuracy=4).toarray())
        assert np.array_equal(results[0], results[1])
        assert np.array_equal(results[0], results[2])

    @pytest.mark.parametrize("method", ["adaptive", "exact"])
    def test_colours_in_chunks(self, method, x, monkeypatch):
        wanted = fc.jacobian(broyden, x, method="exact")
        monkeypatch.setattr(structure, "_NUMBERS", 1)
        monkeypatch.setattr(structure, "_FEWEST", 2)
        J = fc.jacobian(broyden, x, sparsity=banded(12), method=method)
        assert J.toarray() == pytest.approx(wanted, abs=1e-12)

    def test_workers(self, x):
        with ThreadPoolExecutor(2) as pool:
            J = fc.jacobian(broyden, x, sparsity=banded(12), workers=pool.map)
        assert np.array_equal(J.data, fc.jacobian(broyden, x, sparsity=banded(12)).data)

    @pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
    def test_compiled(self, method, x):
        numba = pytest.importorskip("numba")

        def f(m, n, x, y):
            a, b = numba.carray(x, n), numba.carray(y, n)
            for i in range(n):
                b[i] = (3 - 2 * a[i]) * a[i] + 1
                if i > 0:
                    b[i] -= a[i - 1]
                if i < n - 1:
                    b[i] -= 2 * a[i + 1]

        signature = "void(intc, intc, CPointer(float64), CPointer(float64))"
        compiled = fc.compiled(numba.cfunc(signature)(f), n_outputs=12)
        J = fc.jacobian(compiled, x, sparsity=banded(12), method=method)
        assert J.toarray() == pytest.approx(fc.jacobian(broyden, x, method="exact"), abs=1e-7)
        assert fc.jacobian(compiled, x, sparsity="detect").nnz == 34

    def test_other_arguments(self, x):
        f = lambda t, y, scale=1.0: t * scale * broyden(y)  # noqa: E731
        wanted = 6 * fc.jacobian(broyden, x, sparsity=banded(12)).toarray()
        J = fc.Jacobian(f, argnum=1, sparsity=banded(12))
        assert J(2.0, x, scale=3.0).toarray() == pytest.approx(wanted, abs=1e-7)
        stored = fc.jacobian(f, x, argnum=1, args=(2.0,), kwargs={"scale": 3.0}, sparsity=banded(12))
        assert stored.toarray() == pytest.approx(wanted, abs=1e-7)

    def test_steps_and_scale(self, x):
        at = np.nonzero(banded(12).toarray())
        for options in ({"step": 1e-4}, {"step": np.geomspace(1e-6, 1e-3, 12)}, {"scale": 10.0}):
            result, dense = (
                fc.jacobian(broyden, x, sparsity=s, full_output=True, **options) for s in (banded(12), None)
            )
            assert np.array_equal(result.value.data, dense.value[at])
            assert np.array_equal(result.step, dense.step[at])

    def test_full_output(self, x):
        result = fc.jacobian(broyden, x, sparsity=banded(12), accuracy=4, full_output=True)
        assert result.error.shape == result.step.shape == result.status.shape == result.value.data.shape
        exact = fc.jacobian(broyden, x, sparsity=banded(12), method="exact")
        assert (abs(result.value.data - exact.data) <= result.error).all()
        assert "sparse" in repr(result).lower()
        assert f"{result.value.data[5]:.10g}" in result._repr_html_()

    def test_adaptive_errors_hold(self):
        rng = np.random.default_rng(3)
        pattern = rng.random((30, 30)) < 0.1
        f, jacobian = patterned(pattern, rng)
        x = rng.uniform(0.3, 1, 30)
        result = fc.jacobian(f, x, sparsity=pattern, method="adaptive", full_output=True)
        assert result.success.all()
        assert (abs(result.value.data - jacobian(x)[np.nonzero(pattern)]) <= result.error).all()
        assert (result.error < 1e-11).all()

    def test_adaptive_waits_for_outputs_of_the_colour_alone(self):
        """A row without an entry in a colour is constant along it; that it is noisy is no matter there."""
        n = 30
        pattern = np.eye(n, dtype=bool)
        pattern[1] = True  # a colour for each column
        noise = np.random.default_rng(0)
        f = lambda x: np.concatenate([np.exp(x[:1]) + 1e-6 * noise.normal(), [np.exp(x).sum()], np.exp(x[2:])])  # noqa: E731
        x = np.linspace(0.5, 1, n)
        sparse = fc.jacobian(f, x, sparsity=pattern, method="adaptive", full_output=True)
        dense = fc.jacobian(f, x, method="adaptive", full_output=True)
        assert sparse.evaluations < 0.7 * dense.evaluations
        assert sparse.status[0] == Status.NOISE_LIMIT
        assert sparse.success.all()


class TestOperators:
    def test_pickles(self, x):
        J = fc.Jacobian(broyden, sparsity=banded(12))
        wanted = J(x)
        again = pickle.loads(pickle.dumps(J))
        assert np.array_equal(again(x).data, wanted.data)
        H = pickle.loads(pickle.dumps(fc.Hessian(rosenbrock, sparsity=banded(12))))
        assert H(x).nnz == 34

    def test_shows_its_pattern(self):
        assert repr(fc.Jacobian(np.sin, sparsity=np.eye(3))).endswith("sparsity=<pattern 3 x 3 with 3 entries>)")
        assert "sparsity='detect'" in repr(fc.Jacobian(np.sin, sparsity="detect"))

    def test_threads_share_it(self):
        n = 500
        J = fc.Jacobian(broyden, sparsity=banded(n))
        points = [np.linspace(1, 2, n) + k for k in range(8)]
        wanted = [fc.jacobian(broyden, x, sparsity=banded(n)).data for x in points]
        found = [None] * 8

        def work(k):
            for _ in range(20):
                found[k] = J(points[k]).data

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(map(np.array_equal, found, wanted))

    def test_shapes_one_after_the_other(self, x):
        J = fc.Jacobian(lambda x: broyden(x.reshape(-1)), sparsity=banded(12))
        assert np.array_equal(J(x).data, J(x.reshape(3, 4)).data)

    def test_detect(self, x):
        J = fc.Jacobian(broyden, sparsity="detect")
        assert J(x).toarray() == pytest.approx(fc.jacobian(broyden, x, method="exact"), abs=1e-8)
        assert "with 3" in repr(J)
        H = fc.hessian(rosenbrock, x, gradient=rosenbrock_gradient, sparsity="detect")
        assert H.nnz < 40
        assert H.toarray() == pytest.approx(rosenbrock_hessian(x), abs=1e-4)


class TestErrors:
    def test_shape_of_x(self):
        with pytest.raises(ValueError, match=r"one column per variable, 3 for x of shape \(3,\); got 2 columns"):
            fc.jacobian(np.sin, np.ones(3), sparsity=np.eye(2))

    @pytest.mark.parametrize("method", METHODS)
    def test_number_of_outputs(self, method):
        with pytest.raises(ValueError, match="one row per output of f, 2 in all; got 3 rows"):
            fc.jacobian(lambda x: x[:2], np.ones(3), sparsity=np.eye(3), method=method)

    def test_hessian_of_many_outputs(self):
        with pytest.raises(ValueError, match="scalar function; got an `f` with 3 outputs"):
            fc.hessian(lambda x: x**2, np.ones(3), sparsity=np.eye(3))

    def test_square(self):
        with pytest.raises(ValueError, match=r"must be square.*\(2, 3\)"):
            fc.Hessian(np.sum, sparsity=np.ones((2, 3)))

    def test_batches(self):
        with pytest.raises(ValueError, match=r"one point.*got a batch of shape \(3, 4\)"):
            fc.jacobian(np.sin, np.ones((3, 4)), sparsity=np.eye(3), vectorized=True)

    def test_destination(self):
        with pytest.raises(ValueError, match="`out` is for dense results"):
            fc.jacobian(np.sin, np.ones(3), sparsity=np.eye(3), out=np.empty((3, 3)))

    @pytest.mark.parametrize(
        ("sparsity", "kind", "message"),
        [
            ("found", ValueError, "must be a matrix, or 'detect'; got 'found'"),
            ([[1, 2], [3]], TypeError, "ragged"),
            ([None, 1], TypeError, "bools or numbers"),
            (np.ones(3), ValueError, r"one row for each output.*got shape \(3,\)"),
            (np.ones((2, 2, 2)), ValueError, r"got shape \(2, 2, 2\)"),
        ],
    )
    def test_kinds_of_patterns(self, sparsity, kind, message):
        with pytest.raises(kind, match=message):
            fc.Jacobian(np.sin, sparsity=sparsity)

    def test_indices_outside(self):
        S = csr_array((np.ones(2), np.array([0, 1]), np.array([0, 1, 2])), shape=(2, 2))
        S.indices[1] = 7
        with pytest.raises(ValueError, match="column indices from 0 to 1; got 0 to 7"):
            fc.Jacobian(np.sin, sparsity=S)

    def test_wrong_gradient(self):
        with pytest.raises(ValueError, match="one component per variable"):
            fc.hessian(np.sum, np.ones(3), gradient=lambda x: np.ones((3, 1)) * x[0], sparsity=np.eye(3))

    def test_without_scipy(self, monkeypatch):
        import sys

        monkeypatch.setitem(sys.modules, "scipy.sparse", None)
        with pytest.raises(ImportError, match="pip install scipy"):
            fc.Jacobian(np.sin, sparsity=np.eye(3))


class TestVerification:
    """A pattern without an entry that is there is found out at the first use."""

    @staticmethod
    def coupled(x):
        y = x**2
        zero = 0 * x[:1]
        return y + np.concatenate([zero, x[:-1]]) + 1e-3 * np.concatenate([0 * x[:7], x[2:3], 0 * x[8:]])

    @pytest.mark.parametrize("method", METHODS)
    def test_names_the_row_and_a_variable(self, method, x):
        with pytest.raises(ValueError, match="lacks entries in row 7: output 7, for example, depends on variable 2,"):
            fc.jacobian(self.coupled, x, sparsity=banded(12, (-1, 0)), method=method)

    def test_several_rows(self, x):
        with pytest.raises(ValueError, match=r"in rows \d+, \d+.*depends on variable"):
            fc.jacobian(lambda x: x * x.sum(), x, sparsity=np.eye(12))

    @pytest.mark.parametrize("size", [10, 0.01])
    def test_kinks_in_all_rows_hide_none_that_lacks_an_entry(self, size):
        def f(x):  # at equal variables, J v is no sum of columns
            y = np.abs(x - np.concatenate([x[:1], x[:-1]]))
            y[7] += size * x[100]
            return y

        with pytest.raises(ValueError, match="lacks entries in row 7: output 7, for example, depends on variable 100,"):
            fc.jacobian(f, np.ones(200), sparsity=banded(200, (-1, 0)))

    def test_only_once_for_each_shape(self, x):
        calls = []

        def f(x):
            calls.append(1)
            return x**2

        J = fc.Jacobian(f, sparsity=np.eye(12))
        counts = []
        for _ in range(3):
            J(x)
            counts.append(len(calls))
            calls.clear()
        assert counts[0] > counts[1] == counts[2] == 2

    @pytest.mark.parametrize("method", ["central", "forward", "adaptive", "exact"])
    def test_hessian_from_values(self, method, x):
        f = lambda x: rosenbrock(x) + x[2] * x[9]  # noqa: E731
        with pytest.raises(ValueError, match=r"lacks entries in row [29]: .* mixed derivatives with variable [92],"):
            fc.hessian(f, x, sparsity=banded(12), method=method)

    @pytest.mark.parametrize("method", METHODS)
    def test_hessian_from_a_gradient(self, method, x):
        with pytest.raises(ValueError, match="lacks entries in rows"):
            fc.hessian(rosenbrock, x, gradient=rosenbrock_gradient, sparsity=np.eye(12), method=method)

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: np.sin(30000 * x),  # truncation of the order of the derivative
            lambda x: 1e9 + 1e-3 * x,  # nothing but rounding
            lambda x: np.abs(x - 1.000001),
            lambda x: np.exp(30 * x),
            lambda x: np.round(x, 6),
            lambda x: np.fft.ifft(np.fft.fft(x) * 1.7).real * 1e8 + 1e12,  # rounding of all in all
        ],
    )
    def test_no_false_alarm(self, f, x):
        for options in ({}, {"method": "forward", "accuracy": 1}, {"method": "adaptive"}, {"step": 1e-3}):
            fc.jacobian(f, x, sparsity=np.eye(12), **options)
            fc.hessian(lambda x: f(x).sum(), x, sparsity=np.eye(12), **options)

    def test_noise_is_no_entry(self, x):
        rng = np.random.default_rng(0)
        fc.jacobian(lambda x: x + 1e-7 * rng.normal(size=12), x, sparsity=np.eye(12))

    def test_steps_of_one_spacing(self, x):
        for options in ({}, {"method": "forward", "accuracy": 1}):
            fc.jacobian(broyden, x, sparsity=banded(12), step=np.spacing(x), **options)

    @pytest.mark.parametrize("method", METHODS)
    def test_tiny_variables_count_as_much_as_others(self, method):
        # in proportion to themselves they change nothing that could be seen
        with pytest.raises(ValueError, match="row 1: output 1, for example, depends on variable 0,"):
            fc.jacobian(lambda x: x[::-1] + x, np.array([3e-9, 1.0]), sparsity=[[1, 1], [0, 1]], method=method)

    def test_tiny_variables_may_end_at_zero(self):
        def f(x):
            if not x[0] > 0:
                raise ValueError("outside")
            return np.log(x)

        J = fc.jacobian(f, np.array([1e-7, 1.0]), sparsity=np.eye(2))
        np.testing.assert_allclose(J.data, [1e7, 1], rtol=1e-8)

    @pytest.mark.parametrize("method", ["central", "forward", "backward"])
    def test_an_entry_with_a_kink(self, method, x):
        start = x.copy()

        def f(x):
            y = 2 * x
            y[7] += np.abs(x[2] - start[2]) + 0.5 * x[2]
            return y

        with pytest.raises(ValueError, match="row 7: output 7, for example, depends on variable 2,"):
            fc.jacobian(f, x, sparsity=np.eye(12), method=method)

    @pytest.mark.parametrize("method", METHODS)
    def test_columns_of_very_different_sizes_in_one_colour(self, method):
        size = np.array([2.5, 1e8, 0.4])
        with pytest.raises(ValueError, match="row 0: output 0, for example, depends on variable 0,"):
            fc.jacobian(lambda x: np.sin(x / size).sum(keepdims=True), size, sparsity=[[0, 1, 1]], method=method)

    @pytest.mark.parametrize("method", ["central", "forward", "adaptive"])
    @pytest.mark.parametrize("size", [1e-200, 1e-300])
    def test_steps_whose_squares_leave_the_range(self, size, method):
        f, x = lambda x: x[0] ** 2, np.array([size])
        H = fc.hessian(f, x, sparsity=[[1]], method=method)
        np.testing.assert_array_equal(H.toarray(), fc.hessian(f, x, method=method))

    def test_fixed_and_lost_variables_are_left_out(self, x):
        x[2] = np.nan
        low, high = x - 1, x + 1
        low[5] = high[5] = x[5]
        J = fc.jacobian(lambda x: x**2, x, sparsity=np.eye(12))
        assert np.isnan(J.data).sum() == 1
        x[2] = 1
        low, high = x - 1, x + 1
        low[5] = high[5] = x[5]
        J = fc.jacobian(lambda x: x**2, x, sparsity=np.eye(12), bounds=(low, high))
        assert np.isnan(J.data).sum() == 1


class TestKernel:
    def test_columns_without_a_result_are_nan(self):
        """In a call they are those of fixed variables, hidden afterwards in any case."""
        pattern = parse_pattern(np.eye(4))
        built = structure.jacobian_structure(pattern)
        kinds = np.array([0, 4, 0, 4], np.uint8)  # central and fixed
        colored = colored_plan(built.colors, built.columns, kinds, 2)
        values = np.arange(8.0).reshape(2, 4) ** 2
        out = np.zeros(4)
        tables = None, built.row, built.column, 0, 4
        gather(colored.plan, 0, 1, 0, values, False, 4, *tables, colored.result, colored.whole, np.ones(4), out)
        assert np.array_equal(out, [-8, np.nan, -16, np.nan], equal_nan=True)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"stop": 2}, "groups outside"),
            ({"last": 5}, "entries outside"),
            ({"mode": 1}, "without embedded weights"),
            ({"m": 3}, "other components"),
            ({"out": np.zeros(3)}, "more entries than there is room"),
            ({"out": np.zeros(4, complex)}, "wrong type"),
            ({"row": np.zeros(4, np.intp)}, "indices of the wrong type"),
            ({"result": np.zeros(4)}, "indices of the wrong type"),
        ],
    )
    def test_refuses_what_does_not_fit(self, change, message):
        built = structure.jacobian_structure(parse_pattern(np.eye(4)))
        colored = colored_plan(built.colors, built.columns, np.zeros(4, np.uint8), 2)
        arguments = {
            "plan": colored.plan, "group": 0, "stop": 1, "mode": 0, "values": np.zeros((2, 4)), "columns_last": False,
            "m": 4, "place": None, "row": built.row, "column": built.column, "first": 0, "last": 4,
            "result": colored.result, "whole": True, "steps": np.ones(4), "out": np.zeros(4),
        }  # fmt: skip
        with pytest.raises(ValueError, match=message):
            gather(*{**arguments, **change}.values())


class TestPattern:
    @given(st.data())
    @settings(max_examples=60, deadline=None)
    def test_canonical_form_and_transposition(self, data):
        m, n = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 8))
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
        dense = rng.random((m, n)) < 0.4
        reference = csr_array(dense)
        for form in ("csr", "csc", "coo", "lil"):
            pattern = parse_pattern(scipy_sparse.coo_array(dense).asformat(form))
            assert np.array_equal(pattern.indptr, reference.indptr)
            assert np.array_equal(pattern.indices, reference.indices)
        mirrored = csr_array(dense.T)
        assert np.array_equal(pattern.transposed.indptr, mirrored.indptr)
        assert np.array_equal(pattern.transposed.indices, mirrored.indices)
        if m == n:
            both = csr_array(dense | dense.T)
            assert np.array_equal(pattern.symmetric.indptr, both.indptr)
            assert np.array_equal(pattern.symmetric.indices, both.indices)

    def test_is_read_only(self):
        pattern = parse_pattern(np.eye(3))
        for array in (pattern.indptr, pattern.indices, pattern.rows, pattern.transposed.indices):
            assert not array.flags.writeable
