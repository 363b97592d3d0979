"""pytest plugin behind the mark ``req``: which rows of the ledger did the tests of this run prove?

With ``--requirements-result=FILE`` the outcome of every marked test is written there as JSON,
``{"DEP-07": {"passed": [node id, …], "failed": […], "skipped": […]}, …}``; ``tests.requirements_report`` reads it.
Works under pytest-xdist: the ids travel with the report of each test to the process that writes.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.ledger import Evidence, known_ids

PROPERTY = "requirement"
OPTION = "--requirements-result"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the file of results."""
    parser.addoption(OPTION, metavar="FILE", help="write which rows of docs/requirements.tsv this run proved")


def pytest_configure(config: pytest.Config) -> None:
    """Record in one process only: the controller under xdist, the only one otherwise."""
    path = config.getoption(OPTION)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config.rootpath / path))


def marked_ids(item: pytest.Item) -> Iterator[str]:
    """The ids of all ``req`` marks of a test, its class and its module."""
    for mark in item.iter_markers("req"):
        yield from mark.args


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hand the ids on to the report, and fail a test that claims to prove a row that does not exist."""
    ids = sorted(set(marked_ids(item)))
    item.user_properties.extend((PROPERTY, id_) for id_ in ids)
    unknown = [id_ for id_ in ids if id_ not in known_ids()]
    if unknown:
        pytest.fail(f"docs/requirements.tsv has no row {', '.join(unknown)}", pytrace=False)


class Recorder:
    """Collects the outcome of every marked test and writes it when the session ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._evidence: defaultdict[str, Evidence] = defaultdict(Evidence)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the test itself once, and its set-up and tear-down only when they went wrong."""
        if report.when != "call" and report.passed:
            return
        outcome = "skipped" if hasattr(report, "wasxfail") else report.outcome
        for name, id_ in report.user_properties:
            if name == PROPERTY:
                tests = getattr(self._evidence[str(id_)], outcome)
                if report.nodeid not in tests:
                    tests.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write the file whole or not at all, so that a reader never sees half of it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({id_: asdict(found) for id_, found in sorted(self._evidence.items())}, indent=1)
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(text + "\n", encoding="utf-8")
        unfinished.replace(self._path)
