"""SciPy's and numdifftools' own tests, on fastcalc."""

import pkgutil

import pytest

from tests.peers import tables
from tests.peers.peers import SUITES

for _suite in SUITES:
    globals()[_suite.name] = _suite.cases()


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name.removeprefix("Test_"))
def test_table_is_complete(suite, request):
    if suite.spec() is None:
        pytest.skip(f"{suite.module} is not installed")
    if not suite.known_version:
        pytest.skip(f"the table is for {' and '.join(suite.table.versions)}")
    if not suite.collected or any("::" in argument for argument in request.config.args):
        pytest.skip("not all cases were collected")
    rows = suite.table.rows
    assert len(rows) == len(set(rows))
    assert not [case for case in suite.collected if suite.table.row(case) is None]
    if suite.version == suite.table.versions[-1]:
        assert not set(rows) - {suite.table.row(case) for case in suite.collected}


def test_modules_of_numdifftools_are_run_or_left_out():
    peer = pytest.importorskip("numdifftools.tests")
    if not next(suite for suite in SUITES if suite.module.startswith("numdifftools")).known_version:
        pytest.skip("the tables are for other versions")
    modules = {name for _, name, _ in pkgutil.iter_modules(peer.__path__, "numdifftools.tests.")}
    run = {suite.module for suite in SUITES}
    assert {name for name in modules if name.startswith("numdifftools.tests.test_")} - run == set(tables.LEFT_OUT)
