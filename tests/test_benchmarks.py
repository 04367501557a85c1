"""The benchmarks run, at sizes that say nothing about speed; missing and failing peers are lines of the table."""

import json

import numpy as np
import pytest

from benchmarks import by_hand, compare, engines, functions, report, speed, timing

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
