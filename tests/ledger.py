"""The ledger of requirements (``docs/requirements.tsv``) and what a test run says about its rows."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

LEDGER = Path(__file__).parents[1] / "docs" / "requirements.tsv"
COLUMNS = ("id", "area", "page", "requirement", "how_to_verify")


@dataclass(frozen=True)
class Row:
    """One checkable behaviour of the product."""

    id: str
    area: str
    page: str
    requirement: str
    how_to_verify: str


@dataclass
class Evidence:
    """The tests of one run that bear a row's id, as node ids of pytest."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def proves(self) -> bool:
        """A row is proven when a test with its id ran and passed and none failed."""
        return bool(self.passed) and not self.failed


@dataclass
class AreaCount:
    """How far one area of the ledger is proven."""

    area: str
    prefix: str
    rows: int = 0
    proven: int = 0
    open: list[Row] = field(default_factory=list)


@cache
def read_ledger(path: Path = LEDGER) -> tuple[Row, ...]:
    """All rows in the order of the file.

    Raises ``ValueError`` naming the line when a row has not the five columns.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        if tuple(next(reader)) != COLUMNS:
            raise ValueError(f"{path.name}: the first line has to name the columns {', '.join(COLUMNS)}")
        rows = []
        for cells in reader:
            if len(cells) != len(COLUMNS):
                raise ValueError(f"{path.name}, line {reader.line_num}: {len(cells)} columns instead of {len(COLUMNS)}")
            rows.append(Row(*cells))
    return tuple(rows)


@cache
def known_ids() -> frozenset[str]:
    """The ids that a test may be marked with."""
    return frozenset(row.id for row in read_ledger())


def count_areas(rows: Iterable[Row], evidence: Mapping[str, Evidence]) -> list[AreaCount]:
    """Count the rows of each area, in the order of the ledger."""
    counts: dict[str, AreaCount] = {}
    for row in rows:
        prefix = row.id.rpartition("-")[0]
        count = counts.setdefault(prefix, AreaCount(row.area, prefix))
        count.rows += 1
        if evidence.get(row.id, Evidence()).proves:
            count.proven += 1
        else:
            count.open.append(row)
    return list(counts.values())
