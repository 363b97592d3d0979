"""The ledger of requirements is well-formed, and its marks are counted honestly."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.ledger import LEDGER, Evidence, Row, count_areas, read_ledger
from tests.requirements_report import open_lines, table_lines

ROWS = [Row("DEP-01", "deploy", "p", "first", "h"), Row("DEP-02", "deploy", "p", "second", "h")]


def test_no_id_stands_twice_in_the_ledger() -> None:
    assert [id_ for id_, times in Counter(row.id for row in read_ledger()).items() if times > 1] == []


def test_every_id_is_an_area_and_a_number() -> None:
    assert [row.id for row in read_ledger() if not re.fullmatch(r"[A-Z0-9]+-\d\d", row.id)] == []


def test_no_cell_of_the_ledger_is_empty() -> None:
    assert [row.id for row in read_ledger() if not all((row.area, row.page, row.requirement, row.how_to_verify))] == []


def test_a_row_with_too_few_columns_is_refused_with_its_line(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.tsv"
    ledger.write_text("id\tarea\tpage\trequirement\thow_to_verify\nDEP-01\tdeploy\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: 2 columns"):
        read_ledger(ledger)


@pytest.mark.parametrize(
    ("evidence", "proven"),
    [
        (Evidence(), False),
        (Evidence(passed=["a"]), True),
        (Evidence(passed=["a"], skipped=["b"]), True),
        (Evidence(passed=["a"], failed=["b"]), False),
        (Evidence(failed=["b"]), False),
        (Evidence(skipped=["b"]), False),
    ],
)
def test_a_row_is_proven_when_a_test_of_it_passed_and_none_failed(evidence: Evidence, proven: bool) -> None:
    (area,) = count_areas(ROWS[:1], {"DEP-01": evidence})
    assert (area.proven == 1, area.open == ROWS[:1]) == (proven, not proven)


def test_the_report_shows_rows_proven_and_open_of_an_area_and_the_reason_for_an_open_row() -> None:
    evidence = {"DEP-01": Evidence(passed=["a"]), "DEP-02": Evidence(skipped=["tests/b.py::b"])}
    counts = count_areas(ROWS, evidence)
    assert [line.split() for line in table_lines(counts)][1:] == [
        ["deploy", "DEP", "2", "1", "1"],
        ["all", "2", "1", "1"],
    ]
    assert list(open_lines(counts, evidence)) == ["DEP-02  second  [skipped: tests/b.py::b]"]


MARKED_TESTS = """
import pytest

@pytest.mark.req("ENG-01")
def test_passes(): pass

@pytest.mark.req("ENG-01", "ENG-02")
def test_passes_too(): pass

@pytest.mark.req("ENG-03")
def test_fails(): assert not "reached"

@pytest.mark.req("ENG-04")
def test_is_skipped(): pytest.skip("no such service here")

@pytest.fixture
def unwilling(): raise OSError("no server")

@pytest.mark.req("ENG-05")
def test_has_no_server(unwilling): pass

@pytest.mark.req("ENG-06")
@pytest.mark.xfail(strict=False)
def test_is_expected_to_fail(): assert not "reached"

@pytest.mark.req("ENG-07")
class TestClass:
    def test_inherits_the_mark(self): pass
"""


@pytest.fixture
def tree(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of its own for made-up tests, from where the plugin can be imported."""
    monkeypatch.setenv("PYTHONPATH", str(LEDGER.parents[1]))
    return pytester


@pytest.mark.parametrize("parallel", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_the_plugin_records_the_outcome_of_every_marked_test(tree: pytest.Pytester, parallel: tuple[str, ...]) -> None:
    tree.makepyfile(MARKED_TESTS)
    tree.runpytest_subprocess("-p", "tests.requirements_plugin", "--requirements-result=build/result.json", *parallel)
    recorded = json.loads((tree.path / "build/result.json").read_text(encoding="utf-8"))
    counted = {
        id_: {outcome: len(tests) for outcome, tests in found.items() if tests} for id_, found in recorded.items()
    }
    assert counted == {
        "ENG-01": {"passed": 2},
        "ENG-02": {"passed": 1},
        "ENG-03": {"failed": 1},
        "ENG-04": {"skipped": 1},
        "ENG-05": {"failed": 1},
        "ENG-06": {"skipped": 1},
        "ENG-07": {"passed": 1},
    }


def test_a_mark_with_an_unknown_id_fails_its_test(tree: pytest.Pytester) -> None:
    tree.makepyfile("import pytest\n@pytest.mark.req('XYZ-99')\ndef test_proves_nothing(): pass")
    result = tree.runpytest_subprocess("-p", "tests.requirements_plugin")
    result.stdout.fnmatch_lines(["*docs/requirements.tsv has no row XYZ-99*"])
    result.assert_outcomes(errors=1)
