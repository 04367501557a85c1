"""What the peers' tests need of pytest, and what the tables say of each of their cases."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.peers.suites import Suite, calls, pytest_config


def pytest_configure(config: pytest.Config) -> None:
    pytest_config[:] = [config]


@pytest.fixture
def xp():
    """The array namespace SciPy's tests run with; they have one for each library of arrays."""
    return np


def pytest_itemcollected(item: pytest.Item) -> None:
    """Expect what the table says: a pass, or, strictly, none. With other versions than it was made for, neither."""
    suite = suite_of(item)
    if suite is None:
        return
    suite.collected.add(case(item))
    item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))  # the peers' own
    verdict = suite.table.verdict(case(item))
    if verdict is None:
        item.add_marker(pytest.mark.skip(reason="not in the table"))
    elif not suite.known_version:
        item.add_marker(pytest.mark.xfail(reason=verdict or "a case of another version", strict=False))
    elif verdict:
        drawn = getattr(item.function, "is_hypothesis_test", False)  # and may miss what fails
        item.add_marker(pytest.mark.xfail(reason=verdict, strict=not drawn))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Other versions may ask for what this configuration does not have: no failure."""
    report = yield
    suite = suite_of(collector)
    if report.failed and suite is not None and not suite.known_version:
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), None, f"Skipped: {suite.module} of this version cannot be collected")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    before = calls()
    result = yield
    if suite_of(pyfuncitem) is not None and calls() == before:
        pytest.fail("the case calls nothing of fastcalc", pytrace=False)
    return result


def suite_of(node: pytest.Item | pytest.Collector) -> Suite | None:
    """The suite that a case, or a class of cases, belongs to."""
    for parent in node.listchain():
        suite = getattr(getattr(parent, "obj", None), "suite", None)
        if isinstance(suite, Suite):
            return suite
    return None


def case(item: pytest.Item) -> str:
    """Name of a case in its suite: file and class of the suite taken away."""
    return item.nodeid.split("::", 2)[2]
