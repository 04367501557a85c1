"""The benchmark of compiled functions runs; its loops in C are right, and their bits are fastcalc's."""

import numpy as np
import pytest

import fastcalc as fc
from benchmarks import by_hand, compiled, compiled_rows, report, speed, timing, twins
from benchmarks.functions import rosenbrock, rosenbrock_problem

BRIEF = timing.Effort(rounds=2, slot=1e-4, slow=1e-3, few=1)


@pytest.fixture(autouse=True)
def needs_a_compiler():
    try:
        twins.library()
    except OSError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("option", [[], ["--markdown"]])
def test_tables_as_text(capsys, option):
    assert compiled.main(["--tiny", "--only", "gradient-3", "--only", "parabola", *option]) == 0
    printed = capsys.readouterr().out
    for text in (
        "the loop in C",
        "fc.Gradient, reused",
        "SciPy 3-point",
        "<= 1.1x + 2 us",
        "<= 3 us",
        "bare calls in C",
    ):
        assert text in printed
    assert ("| engine" in printed) == bool(option)


def test_unknown_row(capsys):
    with pytest.raises(SystemExit, match="2"):
        compiled.main(["--tiny", "--only", "nothing"])
    assert "no row is called like 'nothing'; there are gradient-3, hessian-3, batch, " in capsys.readouterr().err


def test_without_a_compiler(capsys, monkeypatch):
    monkeypatch.setattr(twins, "compiler", lambda: None)
    twins.library.cache_clear()
    with pytest.raises(SystemExit, match="2"):
        compiled.main(["--tiny"])
    assert "no C compiler was found" in capsys.readouterr().err


def test_rows_are_right():
    ours = ("the loop in C", "fc.Gradient, reused", "fc.gradient", "fc.Hessian, reused", "fc.Derivative, reused")
    for row in compiled_rows.rows(tiny=True):
        groups = {group: [e for e in engines if e.name in ours] for group, engines in row.groups.items()}
        groups[speed.FLOOR] = row.groups[speed.FLOOR]
        table = speed.measure(speed.Row(row.name, row.title, row.problem, groups, row.targets), BRIEF)
        assert not any(line.note for line in table.lines), table
        assert all(line.error < 1e-6 for line in table.lines if "bare" not in line.engine), table
        judged = [line for line in table.lines if line.met is not None]
        assert [line.engine for line in judged] == list(row.targets)
        assert all(line.points > 0 and line.points == line.calls for line in judged)


@pytest.mark.parametrize("shape", [(3,), (10,), (3, 7)])
def test_the_loop_has_the_bits_of_fastcalc(shape):
    x = rosenbrock_problem(*shape).x
    pointer = twins.function("rosenbrock")
    np.testing.assert_array_equal(
        twins.gradient("rosenbrock", x, 2)(), fc.gradient(pointer, x, vectorized=len(shape) == 2)
    )


def test_loops_beside_numpy():
    x = rosenbrock_problem(4).x
    np.testing.assert_allclose(twins.gradient("rosenbrock", x, 1)(), by_hand.gradient(rosenbrock, x), rtol=1e-7)
    np.testing.assert_allclose(
        twins.hessian("rosenbrock", x, 1)(), by_hand.hessian(rosenbrock, x), rtol=1e-4, atol=1e-4
    )
    assert twins.calls("parabola", 1.3, 4, 5)() == pytest.approx(20 * compiled_rows.parabola(1.3), rel=1e-2)
    assert twins.function("wave")(1.3) == pytest.approx(compiled_rows.wave(1.3), rel=1e-15)


def test_targets():
    loose, above, whole = speed.Target(1.1, spare=2.0), speed.Target(2.0, above=True), speed.Target(3.0, absolute=True)
    assert [str(target) for target in (loose, above, whole)] == ["<= 1.1x + 2 us", "<= 2 us above", "<= 3 us"]
    assert [target.met(3.0, 2.0, 1.0) for target in (loose, above, whole)] == [True, True, True]
    assert [target.met(3.2, 2.2, 1.0) for target in (loose, above, whole)] == [False, False, False]
    line = speed.Line("engine", speed.FASTCALC, seconds=2.5e-6, ratio=2.5, target=str(whole), met=True)
    assert report.verdict(line) == "met: 2.5 us"
