"""The benchmark of workers runs, and says whether the answers are the same."""

import pytest

from benchmarks import workers


def test_the_command(capsys):
    assert workers.main(["--tiny", "--markdown"]) == 0
    head, _, table = capsys.readouterr().out.partition("\n\n")
    assert "idle loop" in head
    names, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line)
    assert len(rows) >= 3
    assert ">= 1.7" in {row[names.index("target")] for row in rows}
    assert {row[names.index("differ in")] for row in rows} == {"0"}


def test_more_workers_have_no_target(capsys):
    assert workers.main(["--tiny", "--workers", "1", "--markdown"]) == 0
    assert ">=" not in capsys.readouterr().out


def test_unknown_options():
    with pytest.raises(SystemExit):
        workers.main(["--more"])
