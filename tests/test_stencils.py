"""Finite-difference weights: exact laws in rational arithmetic, and Fornberg's recurrence against slow twins."""

import copy
import itertools
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastcalc as fc
from fastcalc._differences.stencils import embedded

EPS = np.finfo(np.float64).eps

STANDARD = [
    (n, accuracy, kind)
    for n in range(1, 11)
    for accuracy in range(1, 13)
    for kind in ("central", "forward", "backward")
    if kind != "central" or accuracy % 2 == 0
]


def moment(stencil, m):
    """The stencil applied to x**m at 0 with h = 1, exactly."""
    return sum((w * int(o) ** m for w, o in zip(stencil.exact, stencil.offsets, strict=True)), Fraction(0))


# --- slow twins ------------------------------------------------------------------------------------------------------


def lagrange_weights(nodes, at, n):
    """Derivatives 0 to n of every Lagrange polynomial, expanded around `at` factor by factor, in any field."""
    shifted = [node - at for node in nodes]
    rows = []
    for j, own in enumerate(shifted):
        series = [own * 0 + 1]
        for other in shifted[:j] + shifted[j + 1 :]:
            raised = [own * 0, *series]
            lowered = [-other * c for c in series] + [own * 0]
            series = [(a + b) / (own - other) for a, b in zip(raised, lowered, strict=True)]
        rows.append([math.factorial(k) * series[k] for k in range(n + 1)])
    return [list(row) for row in zip(*rows, strict=True)]


def exact_weights(nodes, at, n):
    """Weights for floating-point nodes taken literally, correctly rounded to float64."""
    exact = lagrange_weights([Fraction(float(x)) for x in nodes], Fraction(float(at)), n)
    return np.array([[float(w) for w in row] for row in exact])


def conditioning(nodes, at, n):
    """The Lagrange formula with all its terms made positive: what amplifies relative errors of the differences."""
    x = np.asarray(nodes, dtype=float)
    rows = np.empty((n + 1, x.size))
    for j in range(x.size):
        series = np.zeros(n + 1)
        series[0] = 1
        for distance, gap in zip(abs(np.delete(x, j) - at), abs(np.delete(x, j) - x[j]), strict=True):
            series = (distance * series + np.append(0, series[:-1])) / gap
        rows[:, j] = [math.factorial(k) * c for k, c in enumerate(series)]
    return rows


def assert_weights_close(weights, exact, nodes, at, eps=EPS):
    """Weight by weight: within size * eps * conditioning. The worst of thousands measured is half of that."""
    n = len(exact) - 1
    excess = abs(weights - exact) / (len(nodes) * eps * conditioning(nodes, at, n) + np.finfo(float).tiny)
    assert (excess <= 1).all(), excess.max()


# --- stencil: tables and laws ----------------------------------------------------------------------------------------

TABLES = [
    # n, accuracy, kind, offsets, weights (Fornberg 1988, tables 1 and 3)
    (1, 2, "central", [-1, 1], "-1/2 1/2"),
    (1, 4, "central", [-2, -1, 1, 2], "1/12 -2/3 2/3 -1/12"),
    (1, 6, "central", [-3, -2, -1, 1, 2, 3], "-1/60 3/20 -3/4 3/4 -3/20 1/60"),
    (1, 8, "central", [-4, -3, -2, -1, 1, 2, 3, 4], "1/280 -4/105 1/5 -4/5 4/5 -1/5 4/105 -1/280"),
    (2, 2, "central", [-1, 0, 1], "1 -2 1"),
    (2, 4, "central", [-2, -1, 0, 1, 2], "-1/12 4/3 -5/2 4/3 -1/12"),
    (2, 6, "central", [-3, -2, -1, 0, 1, 2, 3], "1/90 -3/20 3/2 -49/18 3/2 -3/20 1/90"),
    (3, 2, "central", [-2, -1, 1, 2], "-1/2 1 -1 1/2"),
    (3, 4, "central", [-3, -2, -1, 1, 2, 3], "1/8 -1 13/8 -13/8 1 -1/8"),
    (4, 2, "central", [-2, -1, 0, 1, 2], "1 -4 6 -4 1"),
    (4, 4, "central", [-3, -2, -1, 0, 1, 2, 3], "-1/6 2 -13/2 28/3 -13/2 2 -1/6"),
    (1, 1, "forward", [0, 1], "-1 1"),
    (1, 2, "forward", [0, 1, 2], "-3/2 2 -1/2"),
    (1, 3, "forward", [0, 1, 2, 3], "-11/6 3 -3/2 1/3"),
    (1, 4, "forward", [0, 1, 2, 3, 4], "-25/12 4 -3 4/3 -1/4"),
    (2, 1, "forward", [0, 1, 2], "1 -2 1"),
    (2, 2, "forward", [0, 1, 2, 3], "2 -5 4 -1"),
    (2, 3, "forward", [0, 1, 2, 3, 4], "35/12 -26/3 19/2 -14/3 11/12"),
    (3, 1, "forward", [0, 1, 2, 3], "-1 3 -3 1"),
    (3, 2, "forward", [0, 1, 2, 3, 4], "-5/2 9 -12 7 -3/2"),
    (4, 2, "forward", [0, 1, 2, 3, 4, 5], "3 -14 26 -24 11 -2"),
    (1, 2, "backward", [-2, -1, 0], "1/2 -2 3/2"),
    (2, 1, "backward", [-2, -1, 0], "1 -2 1"),
]


@pytest.mark.parametrize(("n", "accuracy", "kind", "offsets", "weights"), TABLES)
def test_tables(n, accuracy, kind, offsets, weights):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    assert s.offsets.tolist() == offsets
    assert s.exact == tuple(map(Fraction, weights.split()))


def test_default_is_the_symmetric_difference():
    s = fc.stencil()
    assert (s.n, s.accuracy, s.kind) == (1, 2, "central")
    assert s.offsets.tolist() == [-1, 1]
    assert s.weights.tolist() == [-0.5, 0.5]
    assert s.error_constant == Fraction(1, 6)
    assert s.integer_weights == (-1, 1)
    assert s.denominator == 2


@pytest.mark.parametrize(("n", "accuracy", "kind"), STANDARD)
def test_exact_for_polynomials_and_error_constant(n, accuracy, kind):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    assert (s.n, s.accuracy, s.kind) == (n, accuracy, kind)
    for m in range(n + accuracy):
        assert moment(s, m) == (math.factorial(n) if m == n else 0)
    m = n + accuracy
    assert moment(s, m) == s.error_constant * math.factorial(m) != 0


@pytest.mark.parametrize(("n", "accuracy", "kind"), STANDARD)
def test_representations_of_the_weights_agree(n, accuracy, kind):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    assert s.weights.tolist() == [float(w) for w in s.exact]
    assert [Fraction(i, s.denominator) for i in s.integer_weights] == list(s.exact)
    assert math.gcd(s.denominator, *s.integer_weights) == 1
    assert s.denominator > 0
    assert s.offsets.dtype == np.intp
    assert s.weights.dtype == np.float64
    assert (np.diff(s.offsets) > 0).all()
    assert all(s.exact)


@pytest.mark.parametrize("accuracy", [2, 4, 6, 12])
@pytest.mark.parametrize("n", range(1, 11))
def test_central_weights_are_symmetric_or_antisymmetric(n, accuracy):
    s = fc.stencil(n, accuracy=accuracy)
    assert s.offsets[-1] == (n + 1) // 2 + accuracy // 2 - 1
    assert (s.offsets == -s.offsets[::-1]).all()
    assert (s.weights == (-1) ** n * s.weights[::-1]).all()
    assert (0 in s.offsets) == (n % 2 == 0)


@pytest.mark.parametrize("accuracy", [1, 2, 3, 8])
@pytest.mark.parametrize("n", range(1, 11))
def test_backward_mirrors_forward(n, accuracy):
    forward, backward = (fc.stencil(n, accuracy=accuracy, kind=kind) for kind in ("forward", "backward"))
    assert forward.offsets.tolist() == list(range(n + accuracy))
    assert (backward.offsets == -forward.offsets[::-1]).all()
    assert backward.exact == tuple((-1) ** n * w for w in forward.exact[::-1])
    assert backward.error_constant == (-1) ** accuracy * forward.error_constant


@pytest.mark.parametrize("kind", ["central", "forward", "backward"])
@pytest.mark.parametrize(("n", "accuracy"), [(1, 30), (20, 30), (20, 2), (40, 60)])
def test_large_stencils(n, accuracy, kind):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    assert s.accuracy == accuracy
    assert moment(s, n) == math.factorial(n)
    assert moment(s, n + accuracy - 1) == 0
    assert np.isfinite(s.weights).all()


def test_edge_weights_of_accuracy_18_stay_accurate():
    s = fc.stencil(accuracy=18, kind="forward")
    h = 0.1
    derivative = s.weights @ np.exp(1.0 + s.offsets * h) / h
    # Truncation h**18 / 19 is far below eps; what remains is rounding, eps * sum |w| / h.
    assert abs(derivative / math.e - 1) < 2e-10
    weights = fc.fd_weights(1.0 + s.offsets * h, 1.0, 1)[1]
    assert abs(weights @ np.exp(1.0 + s.offsets * h) / math.e - 1) < 2e-10


# --- stencil: custom offsets -----------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(-12, 12), min_size=2, max_size=9, unique=True),
    st.integers(1, 8),
)
def test_custom_offsets_have_the_stated_accuracy(offsets, n):
    assume(len(offsets) > n)
    s = fc.stencil(n, offsets=offsets)
    assert s.kind == "custom"
    assert set(s.offsets.tolist()) <= set(offsets)
    order = next(m for m in itertools.count(n + 1) if moment(s, m)) - n
    assert s.accuracy == order
    assert moment(s, n) == math.factorial(n)
    assert not any(moment(s, m) for m in range(n))
    assert s.error_constant == moment(s, n + order) / math.factorial(n + order)
    exact = lagrange_weights([Fraction(o) for o in sorted(offsets)], Fraction(0), n)[n]
    assert s.exact == tuple(w for w in exact if w)


@pytest.mark.parametrize(
    ("n", "offsets", "accuracy"),
    [
        (1, [-1, 1], 2),
        (1, [-1, 0, 1], 2),
        (2, [-1, 0, 1], 2),
        (2, [0, 1, 2], 1),
        (1, [-2, 1, 5], 2),
        (1, [-2, 3, 6], 3),
    ],
)
def test_symmetry_gains_an_order(n, offsets, accuracy):
    # The last case is no symmetric set, yet its middle coefficient -2*3 - 2*6 + 3*6 vanishes.
    assert fc.stencil(n, offsets=offsets).accuracy == accuracy


def test_zero_weights_are_dropped():
    s = fc.stencil(1, offsets=[-1, 0, 1])
    assert s.offsets.tolist() == [-1, 1]
    assert s == fc.stencil(1, offsets=(1, -1))


@pytest.mark.parametrize(
    "offsets",
    [
        (2, 0, -1),
        np.array([-1, 0, 2], dtype=np.int8),
        np.array([-1, 0, 2], dtype=">i4"),
        np.array([-1, 9, 0, 9, 2])[::2],
        {0, -1, 2},
        iter([0, 2, -1]),
    ],
)
def test_offsets_in_any_form_and_order(offsets):
    assert fc.stencil(1, offsets=offsets) == fc.stencil(1, offsets=[-1, 0, 2])


def test_custom_equals_central_but_for_its_kind():
    custom, central = fc.stencil(2, offsets=[-1, 0, 1]), fc.stencil(2)
    assert custom.exact == central.exact
    assert custom.error_constant == central.error_constant
    assert custom != central


# --- stencil: the record ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "f'(x) = (f(x+h) - f(x-h)) / (2 h) + O(h**2)"),
        ({"n": 2}, "f''(x) = (f(x+h) - 2 f(x) + f(x-h)) / h**2 + O(h**2)"),
        ({"kind": "forward", "accuracy": 1}, "f'(x) = (f(x+h) - f(x)) / h + O(h)"),
        ({"kind": "backward"}, "f'(x) = (3 f(x) - 4 f(x-h) + f(x-2h)) / (2 h) + O(h**2)"),
        ({"kind": "forward"}, "f'(x) = (-f(x+2h) + 4 f(x+h) - 3 f(x)) / (2 h) + O(h**2)"),
        ({"n": 4}, "f^(4)(x) = (f(x+2h) - 4 f(x+h) + 6 f(x) - 4 f(x-h) + f(x-2h)) / h**4 + O(h**2)"),
        ({"n": 3}, "f'''(x) = (f(x+2h) - 2 f(x+h) + 2 f(x-h) - f(x-2h)) / (2 h**3) + O(h**2)"),
    ],
)
def test_text(arguments, text):
    assert str(fc.stencil(**arguments)) == text


def test_repr_and_latex():
    s = fc.stencil(1, accuracy=4)
    assert repr(s) == (
        "Stencil(n=1, accuracy=4, kind='central', offsets=[-2, -1, 1, 2], weights=[1/12, -2/3, 2/3, -1/12])"
    )
    latex = s._repr_latex_()
    assert latex.startswith(r"$\displaystyle f'(x) = \frac{-f(x+2h) + 8 f(x+h) - 8 f(x-h) + f(x-2h)}{12 \, h}")
    assert latex.endswith("+ O(h^{4})$")
    assert fc.stencil(5, kind="forward", accuracy=1)._repr_latex_().endswith(r"{h^{5}} + O(h)$")
    assert latex.count("{") == latex.count("}")


def test_immutable():
    s = fc.stencil(3)
    with pytest.raises(AttributeError, match="cannot assign"):
        s.n = 2
    with pytest.raises((AttributeError, TypeError)):
        s.extra = 1
    for array in (s.offsets, s.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    assert not hasattr(s, "__dict__")


def test_cached():
    assert fc.stencil(3, accuracy=4) is fc.stencil(np.int64(3), accuracy=np.uint8(4), kind=np.str_("central"))
    assert type(fc.stencil(3, accuracy=4).kind) is str


@pytest.mark.parametrize("s", [fc.stencil(2), fc.stencil(3, offsets=[-2, 0, 1, 4, 5])], ids=["central", "custom"])
def test_copies_stay_equal_and_read_only(s):
    for twin in (copy.copy(s), copy.deepcopy(s), pickle.loads(pickle.dumps(s))):
        assert twin == s
        assert hash(twin) == hash(s)
        assert twin.exact == s.exact
        assert twin.accuracy == s.accuracy
        assert not twin.weights.flags.writeable


def test_equality():
    assert fc.stencil(2) != fc.stencil(2, accuracy=4)
    assert fc.stencil(2, kind="forward", accuracy=1) != fc.stencil(2, kind="backward", accuracy=1)
    assert fc.stencil(2) != "stencil"
    assert len({fc.stencil(1), fc.stencil(1), fc.stencil(2)}) == 2


def test_threads_get_the_same_stencils():
    orders = [(n, 2 * p) for n in range(11, 19) for p in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        rounds = list(pool.map(lambda _: [fc.stencil(n, accuracy=p) for n, p in orders], range(8)))
    for stencils in rounds:
        assert stencils == rounds[0]
        assert [s.exact for s in stencils] == [s.exact for s in rounds[0]]


# --- apply -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "accuracy", "kind"), [(1, 2, "central"), (2, 4, "central"), (3, 3, "forward"), (4, 1, "backward")]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex64, np.complex128, np.clongdouble])
def test_apply_differentiates_along_the_first_axis(n, accuracy, kind, dtype):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    x = np.array([0.5, 1.0, 2.0])
    h = 0.125
    points = (x + s.offsets[:, np.newaxis] * h).astype(dtype)
    degree = n + accuracy - 1
    result = s.apply(points**degree, h)
    assert result.dtype == dtype
    assert result.shape == (3,)
    exact = math.perm(degree, n) * x ** (degree - n)
    bound = np.finfo(dtype).eps * 4 * abs(s.weights) @ abs(points) ** degree / h**n
    assert (abs(result - exact) <= bound).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
@pytest.mark.parametrize(("n", "accuracy", "kind"), STANDARD[::7])
def test_apply_gives_zero_for_constants(n, accuracy, kind, dtype):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    result = s.apply(np.full((len(s.offsets), 2), 1.1e10 / 3, dtype=dtype), 0.1)
    assert (result == 0).all()


@pytest.mark.parametrize("n", [1, 3, 5])
def test_apply_gives_zero_for_even_functions_in_odd_derivatives(n):
    s = fc.stencil(n, accuracy=6)
    assert s.apply(np.cos(0.3 * s.offsets), 0.3) == 0


def test_apply_scalars_integers_and_layouts():
    s = fc.stencil(2)
    assert isinstance(s.apply([1, 4, 9]), np.float64)
    assert s.apply([1, 4, 9]) == 2
    assert s.apply([True, False, True]) == 2
    assert s.apply(np.array([1, 4, 9], dtype=np.float16)).dtype == np.float64
    values = np.asfortranarray(np.arange(24.0).reshape(3, 8) ** 2)
    expected = s.apply(values.copy(order="C"), 0.5)
    assert (s.apply(values, 0.5) == expected).all()
    assert (s.apply(values[:, ::-2], 0.5) == expected[::-2]).all()
    assert (s.apply(values.astype(">f8"), 0.5) == expected).all()
    assert s.apply(np.empty((3, 0))).shape == (0,)
    assert fc.stencil().apply([1.0, 2.0], -0.5) == -1


def test_apply_longdouble_weights_are_not_rounded_to_double():
    s = fc.stencil(accuracy=6)
    values = np.exp(np.longdouble(0.01) * s.offsets)
    error = abs(s.apply(values, np.longdouble(0.01)) - 1)
    assert error <= 1e-12 / 140 * 1.1 + 8 * np.finfo(np.longdouble).eps / 0.01


@pytest.mark.parametrize(
    ("values", "h", "error", "message"),
    [
        (["a", "b"], 1.0, TypeError, "`values` must be numbers; got dtype <U1: convert"),
        ([1.0, 2.0, 3.0], 1.0, ValueError, r"`values` must have one entry per offset .* 2 of them; got shape \(3,\)"),
        (1.0, 1.0, ValueError, r"one entry per offset .* got shape \(\)"),
        ([1.0, 2.0], 0.0, ValueError, "`h` must be a finite number other than zero; got 0.0: use 1.0"),
        ([1.0, 2.0], np.nan, ValueError, "`h` must be a finite number other than zero; got nan"),
        ([1.0, 2.0], [0.1, 0.2], ValueError, r"`h` must be a finite number other than zero; got \[0.1, 0.2\]"),
    ],
)
def test_apply_errors(values, h, error, message):
    with pytest.raises(error, match=message):
        fc.stencil().apply(values, h)


# --- embedded --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "accuracy", "kind"), STANDARD)
def test_embedded(n, accuracy, kind):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    inner = embedded(s)
    if accuracy < 3:
        assert inner is None
    else:
        assert inner is fc.stencil(n, accuracy=accuracy - 2, kind=kind)
        assert set(inner.offsets.tolist()) < set(s.offsets.tolist())


def test_custom_stencils_have_no_embedded_one():
    assert embedded(fc.stencil(1, offsets=[-3, -2, -1, 1, 2, 3])) is None


# --- stencil: errors -------------------------------------------------------------------------------------------------


class Index:
    def __index__(self):
        return 2


def test_index_like_arguments_are_integers():
    assert fc.stencil(Index(), accuracy=Index()) is fc.stencil(2)
    assert fc.stencil(1, offsets=[0, Index(), 1]) == fc.stencil(1, offsets=range(3))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 1.0}, TypeError, "`n` must be an integer; got 1.0 of type float: use an int"),
        ({"n": True}, TypeError, "`n` must be an integer; got True of type bool"),
        ({"n": np.True_}, TypeError, "`n` must be an integer; got np.True_ of type bool"),
        ({"n": "1"}, TypeError, "`n` must be an integer; got '1' of type str"),
        ({"n": 0}, ValueError, r"`n` must be a positive integer; got 0: use `fd_weights` to interpolate \(n=0\)"),
        ({"n": -1}, ValueError, "`n` must be a positive integer; got -1"),
        ({"accuracy": 2.0}, TypeError, "`accuracy` must be an integer; got 2.0 of type float"),
        ({"accuracy": None}, TypeError, "`accuracy` must be an integer; got None of type NoneType"),
        (
            {"accuracy": 3},
            ValueError,
            "`accuracy` must be a positive even integer for central differences; got 3: use 2 or 4$",
        ),
        ({"accuracy": 1}, ValueError, "positive even integer for central differences; got 1: use 2$"),
        ({"accuracy": 0}, ValueError, "positive even integer for central differences; got 0: use 2$"),
        ({"accuracy": -2}, ValueError, "positive even integer for central differences; got -2: use 2$"),
        (
            {"accuracy": 0, "kind": "forward"},
            ValueError,
            "`accuracy` must be a positive integer for forward differences; got 0: use 1 or more",
        ),
        (
            {"accuracy": -1, "kind": "backward"},
            ValueError,
            "`accuracy` must be a positive integer for backward differences; got -1: use 1 or more",
        ),
        ({"kind": 1}, TypeError, "`kind` must be a string; got 1 of type int: use 'central'"),
        (
            {"kind": "custom"},
            ValueError,
            "`kind` must be 'central', 'forward' or 'backward'; got 'custom': give `offsets`",
        ),
        (
            {"offsets": [0, 1], "accuracy": 1},
            TypeError,
            "`offsets` fix `accuracy` and `kind`; got accuracy=1, kind='central' as well: leave them out",
        ),
        ({"offsets": [0, 1], "kind": "forward"}, TypeError, "got accuracy=2, kind='forward' as well"),
        ({"offsets": 3}, TypeError, "`offsets` must be a sequence of integers; got 3 of type int: use a list"),
        (
            {"offsets": [0, 0.5]},
            TypeError,
            "`offsets` must be an integer; got 0.5 of type float: use `fd_weights` for other nodes",
        ),
        ({"offsets": [False, True]}, TypeError, "`offsets` must be an integer; got False of type bool"),
        ({"offsets": "ab"}, TypeError, "`offsets` must be an integer; got 'a' of type str"),
        ({"offsets": [0, 1, 1]}, ValueError, "`offsets` must be distinct; got 1 more than once: remove the repeats"),
        (
            {"n": 2, "offsets": [0, 1]},
            ValueError,
            r"`offsets` must hold at least n \+ 1 = 3 integers for n=2; got 2: add offsets or lower `n`",
        ),
        ({"offsets": []}, ValueError, r"`offsets` must hold at least n \+ 1 = 2 integers for n=1; got 0"),
        (
            {"offsets": [0, 2**70]},
            ValueError,
            f"weights within float64 and offsets within {np.dtype(np.intp)}; got n=1 with 2 offsets from 0 to {2**70}",
        ),
        (
            {"n": 1100, "accuracy": 1, "kind": "forward"},
            ValueError,
            "`n` and `offsets` must give weights within float64 .* got n=1100 with 1101 offsets from 0 to 1100",
        ),
    ],
)
def test_stencil_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        fc.stencil(**arguments)


# --- fd_weights: against exact twins ---------------------------------------------------------------------------------


@given(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=12, unique=True),
    st.integers(-1500, 1500),
    st.integers(-30, 30),
    st.integers(0, 11),
)
def test_weights_equal_the_exact_ones(nodes, at, exponent, n):
    assume(n < len(nodes))
    x, z = np.ldexp(np.array(nodes, dtype=float), exponent), math.ldexp(at, exponent)
    w = fc.fd_weights(x, z, n)
    assert w.shape == (n + 1, len(nodes))
    assert w.dtype == np.float64
    assert_weights_close(w, exact_weights(x, z, n), x, z)


def test_the_twin_on_a_parabola():
    # Through 0, 1 and 3, a case anyone can check by hand.
    weights = lagrange_weights([Fraction(0), Fraction(1), Fraction(3)], Fraction(0), 2)
    assert weights[0] == [1, 0, 0]
    assert weights[1] == [Fraction(-4, 3), Fraction(3, 2), Fraction(-1, 6)]
    assert weights[2] == [Fraction(2, 3), -1, Fraction(1, 3)]


NODE_SETS = {
    "integers": lambda size: np.arange(size) - size // 2.0,
    "chebyshev": lambda size: np.cos(np.pi * (np.arange(size) + 0.5) / size),
    "lobatto": lambda size: np.cos(np.pi * np.arange(size) / (size - 1)),
    "geometric": lambda size: 1.7 ** -np.arange(size),
    "far away": lambda size: 1e6 + np.sqrt(np.arange(size)),
}


@pytest.mark.parametrize("size", [2, 3, 8, 25])
@pytest.mark.parametrize("nodes", NODE_SETS.values(), ids=NODE_SETS)
@pytest.mark.parametrize("place", ["first", "middle", "between", "outside"])
def test_node_sets(nodes, size, place):
    x = nodes(size)
    at = {"first": x[0], "middle": x[size // 2], "between": (x[0] + 2 * x[1]) / 3, "outside": 2 * x[0] - x[1]}[place]
    n = min(size - 1, 6)
    assert_weights_close(fc.fd_weights(x, at, n), exact_weights(x, at, n), x, at)


@pytest.mark.parametrize("name", ["integers", "chebyshev", "lobatto"])
def test_cancellation_is_avoided_between_regular_nodes(name):
    # Here the error is a few eps of the row itself (6 measured); nodes taken in ascending order lose more than 100.
    x = NODE_SETS[name](40)
    w, exact = fc.fd_weights(x, x[20], 6), exact_weights(x, x[20], 6)
    assert (abs(w - exact).sum(axis=1) <= 12 * EPS * abs(exact).sum(axis=1)).all()


@pytest.mark.parametrize("seed", range(5))
def test_random_nodes(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=15)
    at = rng.uniform(x.min(), x.max())
    assert_weights_close(fc.fd_weights(x, at, 14), exact_weights(x, at, 14), x, at)


@pytest.mark.parametrize(("n", "accuracy", "kind"), STANDARD[::5])
def test_integer_nodes_give_the_stencil(n, accuracy, kind):
    s = fc.stencil(n, accuracy=accuracy, kind=kind)
    w = fc.fd_weights(s.offsets, 0, n)[n]
    assert abs(w - s.weights).sum() <= 8 * EPS * abs(s.weights).sum()


def test_longdouble():
    eps = np.finfo(np.longdouble).eps
    x = np.sqrt(np.arange(1, 11, dtype=np.longdouble))
    at = np.longdouble(2) / 3
    w = fc.fd_weights(x, at, 9)
    assert w.dtype == np.longdouble
    with mpmath.workdps(60):
        to_mp = lambda value: mpmath.mpf(np.format_float_positional(value, unique=False, precision=40))  # noqa: E731
        exact = lagrange_weights([to_mp(value) for value in x], to_mp(at), 9)
        exact = np.array([[np.longdouble(mpmath.nstr(value, 30)) for value in row] for row in exact])
    assert_weights_close(w, exact, x, at, eps)


@pytest.mark.parametrize("place", [0, 3, 7])
def test_interpolation_at_a_node_is_exact(place):
    x = np.random.default_rng(3).random(8)
    w = fc.fd_weights(x, x[place], 0)
    assert (w[0] == np.eye(8)[place]).all()
    assert not np.signbit(w).any()


@pytest.mark.parametrize("size", [300, 1000])
def test_many_nodes_stay_within_the_range_of_the_exponent(size):
    # Products of 1000 differences would under- or overflow.
    x = np.cos(np.pi * (np.arange(size) + 0.5) / size)
    w = fc.fd_weights(x, 0.3, 2)
    assert w[0] @ np.exp(x) == pytest.approx(math.exp(0.3), rel=1e-12)
    assert w[1] @ np.exp(x) == pytest.approx(math.exp(0.3), rel=1e-9)
    assert w[2] @ np.exp(x) == pytest.approx(math.exp(0.3), rel=1e-6)


@pytest.mark.parametrize("exponent", [-900, -300, 300, 900])
def test_nodes_of_any_scale(exponent):
    # Scaling by a power of two changes no digit, so the rows scale without rounding.
    x = np.array([-1.0, 0.3, 0.9, 2.2, 3.1])
    expected = np.ldexp(fc.fd_weights(x, 0.4, 1), [[0], [-exponent]])
    assert (fc.fd_weights(np.ldexp(x, exponent), math.ldexp(0.4, exponent), 1) == expected).all()


# --- fd_weights: laws ------------------------------------------------------------------------------------------------


def test_columns_follow_the_nodes():
    rng = np.random.default_rng(11)
    x, order = rng.random(9), rng.permutation(9)
    assert (fc.fd_weights(x[order], 0.4, 4) == fc.fd_weights(x, 0.4, 4)[:, order]).all()


def test_lower_rows_do_not_depend_on_n():
    x = np.random.default_rng(12).random(9)
    assert (fc.fd_weights(x, 0.1, 8)[:3] == fc.fd_weights(x, 0.1, 2)).all()


def test_shift_and_mirror():
    x = np.array([-2.0, -0.5, 1.0, 4.0, 7.0])
    w = fc.fd_weights(x, 0.5, 4)
    assert (fc.fd_weights(x + 16, 16.5, 4) == w).all()
    assert (fc.fd_weights(-x, -0.5, 4) == w * [[1], [-1], [1], [-1], [1]]).all()


def test_one_node():
    assert fc.fd_weights([2.5], 7, 0).tolist() == [[1.0]]


# --- fd_weights: dtypes and layouts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "at", "dtype"),
    [
        ([0, 1, 3], 1, np.float64),
        ([False, True], 0, np.float64),
        (np.arange(3, dtype=np.uint8), 1, np.float64),
        (np.arange(3, dtype=np.float32), 1, np.float32),
        (np.arange(3, dtype=np.float32), 0.5, np.float32),
        (np.arange(3, dtype=np.float32), np.float64(0.5), np.float64),
        (np.arange(3, dtype=np.float16), 0.5, np.float64),
        (np.arange(3.0), np.float32(0.5), np.float64),
        (np.arange(3.0), np.longdouble(0.5), np.longdouble),
        (np.arange(3.0), np.array(0.5), np.float64),
        (np.arange(3, dtype=np.longdouble), 0.5, np.longdouble),
    ],
)
def test_dtypes(nodes, at, dtype):
    w = fc.fd_weights(nodes, at, 1)
    assert w.dtype == dtype
    assert w.dtype.isnative
    expected = exact_weights(np.asarray(nodes, dtype=float), at, 1)
    assert_weights_close(w.astype(float), expected, nodes, at, np.finfo(dtype).eps)


def test_float32_is_computed_in_double():
    x = np.linspace(0, 1, 12, dtype=np.float32)
    w = fc.fd_weights(x, x[4], 5)
    assert w.dtype == np.float32
    # Half an ulp of float32 from the final rounding, next to nothing from before.
    np.testing.assert_allclose(w, exact_weights(x, x[4], 5), rtol=0.51 * np.finfo(np.float32).eps)


def test_a_python_number_is_rounded_to_the_dtype_of_the_nodes():
    x = np.array([0.1, 0.2, 0.4], dtype=np.float32)
    assert (fc.fd_weights(x, 0.1, 0)[0] == [1, 0, 0]).all()


def layouts():
    x = np.array([0.1, 0.7, 1.5, -2.0, 3.25, 0.4])
    misaligned = np.zeros(x.nbytes + 1, dtype=np.uint8)[1:].view(np.float64)
    misaligned[:] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    return {
        "list": x.tolist(),
        "tuple": tuple(x.tolist()),
        "strided": np.repeat(x, 3)[::3],
        "reversed": x[::-1].copy()[::-1],
        "fortran row": np.asfortranarray(np.stack([x, x + 1]))[0],
        "byte-swapped": x.astype(x.dtype.newbyteorder()),
        "misaligned": misaligned,
        "read-only": read_only,
    }


@pytest.mark.parametrize("nodes", layouts().values(), ids=layouts())
def test_layouts(nodes):
    expected = fc.fd_weights(np.array([0.1, 0.7, 1.5, -2.0, 3.25, 0.4]), 0.3, 3)
    before = np.array(nodes, copy=True)
    w = fc.fd_weights(nodes, 0.3, 3)
    assert (w == expected).all()
    assert (np.asarray(nodes) == before).all()
    assert w.flags.c_contiguous
    assert w.flags.writeable
    assert w.flags.owndata


def test_threads():
    x = np.cos(np.arange(200.0))
    expected = fc.fd_weights(x, 0.2, 4)
    with ThreadPoolExecutor(4) as pool:
        for w in pool.map(lambda _: fc.fd_weights(x, 0.2, 4), range(16)):
            assert (w == expected).all()


# --- fd_weights: errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "at", "n", "error", "message"),
    [
        ([0, 1j], 0, 1, TypeError, "`nodes` must be real numbers; got dtype complex128: convert to float64 first"),
        (["0", "1"], 0, 1, TypeError, "`nodes` must be real numbers; got dtype <U1"),
        ([0, None], 0, 1, TypeError, "`nodes` must be real numbers; got dtype object"),
        ([0, 1], 1j, 1, TypeError, "`at` must be real numbers; got dtype complex128"),
        ([0, 1], "0", 1, TypeError, "`at` must be real numbers; got dtype <U1"),
        ([0, 1], 0, 1.0, TypeError, "`n` must be an integer; got 1.0 of type float"),
        ([0, 1], 0, True, TypeError, "`n` must be an integer; got True of type bool"),
        ([0, 1], 0, -1, ValueError, "`n` must be a non-negative integer; got -1: use 0 for interpolation alone"),
        ([0, 1], [0], 1, ValueError, r"`at` must be a scalar; got shape \(1,\): call once for each point"),
        ([0, 1], math.inf, 1, ValueError, "`at` must be finite; got inf: choose a point near the nodes"),
        ([[0, 1]], 0, 1, ValueError, r"`nodes` must be one-dimensional; got shape \(1, 2\): pass one row"),
        (1.0, 0, 0, ValueError, r"`nodes` must be one-dimensional; got shape \(\)"),
        ([], 0, 0, ValueError, r"`nodes` must hold at least n \+ 1 = 1 points for derivatives up to n=0; got 0: add"),
        ([0, 1], 0, 2, ValueError, r"at least n \+ 1 = 3 points for derivatives up to n=2; got 2: add nodes or lower"),
        ([0, math.nan], 0, 1, ValueError, "`nodes` must be finite; got nan: remove it"),
        ([-math.inf, 0], 0, 1, ValueError, "`nodes` must be finite; got -inf: remove it"),
        ([1, 0, 1.0], 0, 1, ValueError, "`nodes` must be distinct; got 1.0 more than once: remove the repeats"),
        ([0.0, -0.0], 0, 1, ValueError, "`nodes` must be distinct; got -?0.0 more than once"),
        (
            [-1.5e308, 1.5e308],
            0,
            1,
            ValueError,
            "`nodes` and `at` must have finite differences; got nodes from -1.5e[+]308 to 1.5e[+]308 and at=0.0: scale",
        ),
        ([1.5e308, 1.6e308], -1e308, 1, ValueError, r"finite differences; .* and at=-1e\+308: scale them down"),
    ],
)
def test_fd_weights_errors(nodes, at, n, error, message):
    with pytest.raises(error, match=message):
        fc.fd_weights(nodes, at, n)


# --- the kernel ------------------------------------------------------------------------------------------------------


def test_the_kernel_refuses_arrays_of_another_dtype_layout_or_size():
    from fastcalc._kernels.fornberg import fornberg_weights

    x = np.arange(3.0)
    with pytest.raises(ValueError, match="Buffer dtype mismatch"):
        fornberg_weights(x.astype(np.float32), x, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="not C-contiguous"):
        fornberg_weights(x, x, np.zeros((3, 2)).T)
    for nodes, distances, columns in [(x, x[:2], 3), (x, x, 2), (x[:0], x[:0], 0)]:
        with pytest.raises(ValueError, match="arrays of different sizes or none"):
            fornberg_weights(nodes, distances, np.zeros((1, columns)))
