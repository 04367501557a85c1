"""The benchmarks of Taylor polynomials run; their references are right; missing peers leave their columns out."""

import math

import numpy as np
import pytest

from benchmarks import engines, taylor, taylor_derivatives, taylor_peers, taylor_rows, timing
from benchmarks.taylor_numpy import Algebra, random_series
from benchmarks.taylor_reference import reference
from benchmarks.taylor_rows import AGREEMENT, FASTCALC, Candidate, Result, Row, Target

BRIEF = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1)


@pytest.fixture
def no_peers(monkeypatch):
    for module in (taylor_peers, taylor_derivatives):
        monkeypatch.setattr(module, "load", lambda name: None)


@pytest.mark.usefixtures("no_peers")
@pytest.mark.parametrize("option", [[], ["--markdown"]])
def test_tables_as_text(capsys, option):
    assert taylor.main(["--tiny", *option]) == 0
    printed = capsys.readouterr().out
    for title in (
        "one dense series",
        "small series",
        "batches",
        "evaluation",
        "exact derivatives",
        "spaces",
        "numeric",
    ):
        assert title in printed
    for row in ("product (2, 2)", "arctan (2, 2)", "exp of 3 series", "value_and_gradient", "gradient, n = 3", "first"):
        assert row in printed
    assert "results differ" not in printed
    assert "NumPy" in printed
    assert "targets met" in printed
    assert "instruction set" in printed
    for missing in ("of madng-tpsa ", "of daceypy ", "of jax ", "of autograd "):
        assert missing not in printed
    assert ("| one dense series" in printed) == bool(option)


def test_rows_agree_with_the_peers_that_are_there():
    for group in taylor.groups(tiny=True):
        for row in group.rows:
            result = taylor_rows.measure(row, BRIEF, group.clock)
            assert result.seconds[FASTCALC] > 0
            assert set(result.seconds) <= set(row.engines)
            assert result.note == ""
            assert math.isnan(result.error) or result.error <= AGREEMENT
            assert result.target is not None


def test_one_row(capsys):
    assert taylor.main(["--tiny", "--only", "small", "--only", "sqrt"]) == 0
    printed = capsys.readouterr().out
    assert "sqrt (2, 2)" in printed
    assert "exp (2, 1)" in printed
    assert "exp (2, 2)" not in printed
    assert "numeric" not in printed


def test_unknown_row(capsys):
    with pytest.raises(SystemExit, match="2"):
        taylor.main(["--tiny", "--only", "nothing"])
    assert "no table or row is called like 'nothing'; tables are dense, small," in capsys.readouterr().err


def test_a_wrong_result_misses_its_target():
    def engine(value):
        return lambda: Candidate(lambda: value, np.asarray)

    engines = {FASTCALC: engine([1.0, 2.0]), "rival": engine([1.0, 2.1]), "absent": lambda: None}
    result = taylor_rows.measure(Row("row", engines, Target(1e9, "rival"), lambda: np.array([1.0, 4.0])), BRIEF)
    assert result.error == pytest.approx(0.025)
    assert (result.met, result.note) == (False, "results differ")
    assert set(result.seconds) == {FASTCALC, "rival"}
    right = Row("row", engines, Target(1e9), exact=lambda: np.array([1.0, 2.0]))
    assert taylor_rows.measure(right, BRIEF).met


def test_verdicts():
    fast, slow = (
        Result("fast", {FASTCALC: 1e-6}, target=Target(2e-6)),
        Result("slow", {FASTCALC: 3e-6}, target=Target(2e-6)),
    )
    share = Result("share", {FASTCALC: 1.0}, {"rival": 0.5}, target=Target(0.4, "rival"))
    alone = Result("alone", {FASTCALC: 1.0}, target=Target(0.4, "rival"))
    for result in (fast, slow, share, alone):
        result.judge(AGREEMENT)
    assert [result.met for result in (fast, slow, share, alone)] == [True, False, False, None]
    assert taylor.summary([fast, slow, share, alone]).splitlines() == [
        "1 of 3 targets met", "- slow: 3 us, target <= 2 us", "- share: 0.500x, target <= 0.4x rival",
    ]  # fmt: skip


# --- the references --------------------------------------------------------------------------------------------------


def test_order_of_terms():
    assert Algebra(2, 2).exponents.tolist() == [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    assert Algebra(3, 0).exponents.tolist() == [[0, 0, 0]]
    assert [len(Algebra(n, d)) for d, n in ((10, 4), (8, 6), (20, 3))] == [1001, 3003, 1771]


@pytest.fixture(params=[(1, 5), (2, 3), (3, 4), (4, 1)])
def algebra(request):
    return Algebra(*request.param)


def test_products_by_exponents(algebra):
    a, b = (random_series(algebra.n_variables, algebra.degree, constant=c, seed=k) for k, c in enumerate((1.2, 0.7)))
    expected = dict.fromkeys(map(tuple, algebra.exponents), 0.0)
    for alpha, x in zip(algebra.exponents, a, strict=True):
        for beta, y in zip(algebra.exponents, b, strict=True):
            if tuple(alpha + beta) in expected:
                expected[tuple(alpha + beta)] += x * y
    assert algebra.product(a, b) == pytest.approx(list(expected.values()), rel=1e-12)
    batch = algebra.products(np.stack([a, b], 1), np.stack([b, b], 1)).T
    assert batch == pytest.approx(np.stack([algebra.product(a, b), algebra.product(b, b)]), rel=1e-12)


def test_values_and_derivatives(algebra):
    coef = random_series(algebra.n_variables, algebra.degree, constant=0.7)
    t = np.random.default_rng(0).uniform(-1.0, 1.0, (algebra.n_variables, 7))
    powers = np.prod(t[None] ** algebra.exponents[:, :, None], axis=1)
    assert algebra.evaluate(coef, t, size=3) == pytest.approx(coef @ powers, rel=1e-12, abs=1e-15)
    slopes = algebra.derivatives(coef)
    for i in range(algebra.n_variables):
        step = np.zeros_like(t)
        step[i] = 1e-20
        shifted = np.prod((t + 1j * step)[None] ** algebra.exponents[:, :, None], axis=1)
        assert algebra.evaluate(slopes[i + 1], t) == pytest.approx((coef @ shifted).imag / 1e-20, rel=1e-10, abs=1e-14)


def test_operations_satisfy_their_identities(algebra):
    a = random_series(algebra.n_variables, algebra.degree, constant=1.2)
    b = random_series(algebra.n_variables, algebra.degree, constant=0.7, seed=1)

    def of(name, *series):
        value, size = reference(algebra, name, *series)
        assert np.all(np.abs(value) <= size * (1 + 1e-12))
        return value

    one = np.zeros(len(algebra))
    one[0] = 1.0
    pairs = [
        (of("log", of("exp", a)), a),
        (of("product", of("sqrt", a), of("sqrt", a)), a),
        (of("product", of("division", a, b), b), a),
        (of("product", of("sin", a), of("sin", a)) + of("product", of("cos", a), of("cos", a)), one),
        (of("tan", a), of("division", of("sin", a), of("cos", a))),
        (of("tan", of("arctan", a)), a),
        (of("log", of("power", a)), 1.7 * of("log", a)),
        (2.0 * of("sinh", a), of("exp", a) - of("exp", -a)),
    ]
    for found, expected in pairs:
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-12)


def test_peers_return_what_they_were_given():
    algebra = Algebra(3, 4)
    coef = random_series(3, 4, constant=0.7)
    for module, build in (("madng_tpsa", taylor_peers.madng), ("daceypy", taylor_peers.dace)):
        if engines.load(module):
            peer = build(3, 4, algebra.exponents)
            assert np.array_equal(peer.coefficients(peer.series(coef)), coef)


def test_first_time_is_measured_in_a_new_process():
    slept = taylor_derivatives.first_time("values = []", "values = [k * k for k in range(100_000)]")
    assert 1e-4 < slept < 10
