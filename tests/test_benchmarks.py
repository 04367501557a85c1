"""The benchmarks run, at sizes that say nothing about speed; missing and failing peers are lines of the table."""

import dataclasses
import json

import mpmath
import numpy as np
import pytest

from benchmarks import by_hand, compare, drawn, engines, functions, honesty, report, speed, timing

BRIEF = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1)


@pytest.fixture(scope="module")
def document():
    """All rows, once."""
    capture = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda text, **_: capture.append(text))
        assert compare.main(["--tiny", "--json"]) == 0
    return json.loads("".join(capture))


def test_every_row_has_a_baseline_of_ratio_one(document):
    for table in document["speed"]:
        assert table["lines"][0]["engine"] == table["baseline"]
        assert table["lines"][0]["ratio"] == 1
        assert all(line["seconds"] > 0 and line["ratio"] > 0 for line in table["lines"] if not line["note"])


def test_the_floor_has_as_many_points_as_fastcalc_needs(document):
    for table in document["speed"]:
        (floor,) = [line for line in table["lines"] if line["group"] == speed.FLOOR]
        ours = [line for line in table["lines"] if line["group"] == speed.FASTCALC]
        assert [line["points"] for line in ours] == [floor["points"]] * 2, table["title"]


def test_fastcalc_is_right_and_judged_where_there_is_a_target(document):
    rows = {row.name: row for row in speed.rows(tiny=True)}
    for table in document["speed"]:
        for line in table["lines"]:
            if line["group"] == speed.FASTCALC:
                assert not line["note"]
                assert line["error"] < 1e-7  # a Hessian by differences of accuracy 2
                assert (line["met"] is not None) == (line["engine"] in rows[table["name"]].targets)


def test_accuracy_has_a_number_for_fastcalc_everywhere(document):
    assert [table["subject"] for table in document["accuracy"]] == ["derivative", "gradient", "hessian", "jacobian"]
    for table in document["accuracy"]:
        column = table["engines"][f"fc.{table['subject']}"]
        assert len(column) == len(table["functions"])
        assert min(column) > 5


def test_machine_is_described(document):
    assert {"processor", "Python", "compiler", "fastcalc", "numpy", "scipy"} <= document["machine"].keys()


@pytest.mark.parametrize("option", [[], ["--markdown"]])
def test_tables_as_text(capsys, option):
    assert compare.main(["--tiny", "--only", "overhead", *option]) == 0
    printed = capsys.readouterr().out
    assert "bare 4 calls" in printed
    assert "fc.Gradient, reused" in printed
    assert "<= 2 us above" in printed
    assert ("| engine" in printed) == bool(option)


def test_unknown_row(capsys):
    with pytest.raises(SystemExit, match="2"):
        compare.main(["--tiny", "--only", "nothing"])
    assert "no row is called like 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("markdown", [False, True])
def test_missing_and_failing_engines_are_lines(markdown):
    def fail(problem):
        raise ArithmeticError("no way")

    row = speed.Row(
        "sum",
        "sum",
        functions.rosenbrock_problem(2),
        {
            speed.FLOOR: [speed.bare_calls(4)],
            speed.PEER: [
                engines.Engine("absent", fail, "a_package_that_nobody_has"),
                engines.Engine("broken", fail),
                engines.Engine("wrong", lambda problem: lambda: np.zeros(2)),
            ],
        },
    )
    text = report.speed(speed.measure(row, BRIEF), markdown=markdown)
    assert "- absent: a_package_that_nobody_has is not installed" in text
    assert "- broken: ArithmeticError: no way" in text
    assert "1.0e+00" in text


def test_ratios_are_paired_and_slow_candidates_sit_out():
    def work():
        begin = timing.clock()
        while timing.clock() < begin + 0.01:
            pass

    effort = timing.Effort(rounds=4, slot=1e-4, slow=5e-3, few=2)
    seconds = timing.interleaved([lambda: None, work], effort)
    assert seconds.shape == (4, 2)
    assert np.isnan(seconds[:, 1]).tolist() == [False, False, True, True]
    assert (seconds[:2, 1] >= 0.01).all()


def batches():
    simple = [by_hand.batch_with_eye, by_hand.batch_with_diag, by_hand.batch_with_tile, by_hand.batch_with_repeat]
    return [*simple, by_hand.batch_in_place(7), *(by_hand.batch_in_blocks(7, size) for size in (1, 3, 7, 20))]


@pytest.mark.parametrize("batch", batches())
def test_batches_by_hand_are_gradients(batch):
    problem = functions.rosenbrock_problem(7)
    for _ in range(2):  # those with one array for all calls, too
        assert problem.error(batch(problem.vectorized, problem.x)) < 1e-9


@pytest.mark.parametrize("size", [None, 1, 3, 100])
def test_points_by_hand_are_gradients(size):
    problem = functions.rosenbrock_problem(3, 10)
    args = (problem.vectorized, problem.x)
    value = by_hand.points_whole(*args) if size is None else by_hand.points_in_blocks(*args, size)
    assert problem.error(value) < 1e-9


def test_exact_derivatives_agree_with_differences():
    for problems, name in (
        (functions.gradient_problems()[:2], "gradient"),
        (functions.hessian_problems(), "hessian"),
        (functions.jacobian_problems(), "jacobian"),
        (functions.derivative_problems()[:4], "derivative"),
    ):
        for problem in problems:
            assert problem.error(getattr(by_hand, name)(problem.f, problem.x)) < 1e-6, problem.name


# --- drawn cases and what is made of them ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases():
    return drawn.cases(1, 60, cache=False)


def test_drawn_cases_depend_on_their_number_alone(cases):
    assert repr(drawn.cases(1, 60, cache=False)) == repr(cases)
    assert repr([honesty.replay(1, k) for k in (0, 10, 65)]) == repr([cases[k] for k in (0, 10, 65)])
    assert repr(drawn.draw(2, 0)) != repr(cases[0])
    assert [len(drawn.cases(1, count, cache=False)) for count in (0, 9, 10)] == [0, 9, 11]


def test_drawn_functions_are_the_same_for_numpy_and_mpmath(cases):
    smooth = [case for case in cases if case.smooth]
    assert len(smooth) >= 60
    errors = []
    for case in smooth:
        clean = dataclasses.replace(case, noise=0.0, kind="")
        for x in (case.x, case.x + 1e-9 * case.width):
            with mpmath.workdps(60):
                exact = case.precise(mpmath.mpf(float(x)))
                miss = abs(mpmath.mpf(float(clean.f(x))) - exact)
            assert miss <= 1e-6 * max(abs(exact), case.size(0)), case  # rounding, amplified at worst
            errors.append(float(miss / abs(exact)) if exact else 0.0)
    assert np.median(errors) <= 4e-16


def test_noise_is_what_was_asked_for(cases):
    checked = set()
    for case in drawn.cases(1, 300, cache=False):
        if case.kind and case.x and abs(case.truth(1)) < 1e3 * case.size(0) and case.amplification < 100:
            x = case.x * (1 + 1e-13 * np.arange(100))
            clean, values = dataclasses.replace(case, noise=0.0, kind="").f(x), case.f(x)
            assert values.shape == x.shape
            assert np.array_equal(values, case.f(x))
            assert drawn.hashed(x).tolist() == [float(drawn.hashed(t)) for t in x]
            if case.noise:
                spread = np.std(values - clean) / (np.abs(clean) if case.kind == "relative" else case.unit)
                assert 0.3 * case.noise <= np.mean(spread) <= case.noise + 1e-13
            elif case.kind == "rounded":
                assert np.array_equal(values, np.float32(clean))
            checked.add(case.kind)
    assert checked == {"relative", "additive", "float32", "rounded"}


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_truth_is_the_derivative(cases, n):
    for case in cases[::3]:
        if case.smooth:
            with mpmath.workdps(100):
                exact = mpmath.diff(case.precise, mpmath.mpf(case.x), n, h=case.width * mpmath.mpf(10) ** -40)
                assert abs(exact - case.truth(n)) <= 1e-15 * abs(exact) + 1e-35 * case.size(n), case


def test_breaks_have_a_derivative_from_each_side():
    def drawn_kink(text, left, right):
        case = drawn.with_truth(drawn.case(text, 2.0, 1.0, left, right))
        return [case.truth(n) for n in (0, 1, 2)], case.discrepancy(1, 0.5), case.discrepancy(2, 0.5)

    assert drawn_kink("abs(x - 2)", "2 - x", "x - 2") == ([0.0, None, None], 1.5, np.inf)
    assert drawn_kink("abs(x - 2)**3", "(2 - x)**3", "(x - 2)**3") == ([0.0, 0.0, 0.0], 0.5, 0.5)
    assert drawn_kink("floor(x)", "x - x + 1", "x") == ([None, None, None], np.inf, np.inf)


def test_honest_and_lying_engines(cases):
    def right(f, x, n):
        case = next(case for case in cases if case.x == x)
        assert np.array_equal(f(np.array([x, x])), [f(x), f(x)], equal_nan=True)
        truth = case.truth(n)
        return (np.nan, np.nan, False) if truth is None else (truth, 0.0, True, "known")

    def wrong(f, x, n):
        return np.array([0.0]), 0.0, True

    def failing(f, x, n):
        raise ArithmeticError("no way")

    unique = [case for case in cases if case.x]
    records = honesty.run(right, 2, unique)
    best = honesty.summary(records)
    assert (best.digits, best.given, best.covered, best.covered_ok, best.ok) == (16, 1, 1, 1, 1)
    assert (best.silent, best.evaluations) == (0, 4)
    assert not any(r.silent for r in records)

    records = honesty.run(wrong, 2, unique)
    assert all(r.silent for r in records if r.truth is None)
    assert [r.silent for r in records] == [r.truth != 0 for r in records]
    assert [r.covered for r in records] == [r.truth == 0 for r in records]

    records = honesty.run(failing, 2, unique)
    assert not any(r.silent or r.given or r.covered for r in records)
    assert {r.status for r in records} == {"ArithmeticError: no way"}


@pytest.mark.parametrize("option", [[], ["--markdown"]])
def test_table_of_honesty(capsys, monkeypatch, tmp_path, option):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(honesty, "RACE", tmp_path / "missing.py")
    arguments = ["--cases", "40", "--n", "1", "2", "--worst", "2", "--race", *option]
    assert honesty.main(arguments) == 0
    printed = capsys.readouterr().out
    (stored,) = (tmp_path / "fastcalc-benchmarks").iterdir()
    assert "fastcalc, n=1, drawn, no derivative" in printed
    assert "public functions: skipped" in printed
    assert "every error holds" in printed or "replay(0, " in printed
    assert ("| all" in printed) == bool(option)

    changed = stored.stat().st_mtime_ns
    assert honesty.main(arguments) == 0
    assert capsys.readouterr().out == printed
    assert stored.stat().st_mtime_ns == changed


def test_public_functions_and_other_engines(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "functions.py").write_text(
        "import numpy as np\n\ndef points():\n    yield 'exp', np.exp, 0.0, {1: 1.0, 2: 1.0}\n"
    )
    monkeypatch.setattr(honesty, "RACE", tmp_path / "functions.py")
    monkeypatch.setattr(engines, "load", lambda name: None)
    chosen = ["jacobi", "benchmarks.honesty:fastcalc"]
    assert honesty.main(["--cases", "0", "--n", "1", "2", "--race", "--engines", *chosen]) == 0
    printed = capsys.readouterr().out
    assert "- jacobi: not installed" in printed
    assert "benchmarks.honesty:fastcalc, n=2, public" in printed
    with pytest.raises(SystemExit, match="2"):
        honesty.main(["--engines", "nobody"])
    assert "no engine is called 'nobody'" in capsys.readouterr().err
