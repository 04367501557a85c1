"""The benchmark of workers runs, and says whether the answers are the same."""

import pytest

from benchmarks import workers


def test_the_command(capsys):
    assert workers.main(["--tiny"]) == 0
    head, _, table = capsys.readouterr().out.partition("\n\n")
    assert "idle loop" in head
    rows = [line for line in table.splitlines()[1:] if line]
    assert len(rows) >= 4
    for row in rows:
        assert row.split("  ")[0] in ("compiled, 10 us", "Python, 10 ms", "Python, 1 ms", "NumPy in columns")
        assert " 0  " in row  # differ in no component


def test_more_workers_have_no_target(capsys):
    assert workers.main(["--tiny", "--workers", "1", "--markdown"]) == 0
    out = capsys.readouterr().out
    assert "| f " in out
    assert "1.7" not in out.partition("| f ")[2].partition("verdict")[2]


def test_unknown_options():
    with pytest.raises(SystemExit):
        workers.main(["--more"])
