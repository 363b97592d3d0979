"""Prints per area of the ledger how many rows are proven: ``python -m tests.requirements_report [--open] FILE``."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.ledger import AreaCount, Evidence, Row, count_areas, read_ledger


def load_evidence(path: Path) -> dict[str, Evidence]:
    """Read what ``tests.requirements_plugin`` wrote."""
    return {id_: Evidence(**tests) for id_, tests in json.loads(path.read_text(encoding="utf-8")).items()}


def why_open(row: Row, evidence: Mapping[str, Evidence]) -> str:
    """The reason in a few words."""
    found = evidence.get(row.id, Evidence())
    if found.failed:
        return "failed: " + ", ".join(found.failed)
    return "skipped: " + ", ".join(found.skipped) if found.skipped else "no test"


def table_lines(counts: list[AreaCount]) -> Iterator[str]:
    """One line per area and the sum."""
    width = max(len(count.area) for count in counts)
    total = AreaCount("all", "")
    yield f"{'area':<{width}}        rows  proven  open"
    for count in counts:
        yield f"{count.area:<{width}}  {count.prefix:<4}  {count.rows:>4}  {count.proven:>6}  {len(count.open):>4}"
        total.rows += count.rows
        total.proven += count.proven
    yield f"{total.area:<{width}}        {total.rows:>4}  {total.proven:>6}  {total.rows - total.proven:>4}"


def open_lines(counts: list[AreaCount], evidence: Mapping[str, Evidence]) -> Iterator[str]:
    """Each open row with its text and the reason."""
    for count in counts:
        for row in count.open:
            yield f"{row.id}  {row.requirement}  [{why_open(row, evidence)}]"


def main() -> None:
    """Print the table, and with --open the list of open rows below it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, help="written by pytest --requirements-result=FILE")
    parser.add_argument("--open", action="store_true", help="list the open rows, too")
    arguments = parser.parse_args()
    evidence = load_evidence(arguments.file)
    counts = count_areas(read_ledger(), evidence)
    lines = [*table_lines(counts)]
    if arguments.open:
        lines += ["", *open_lines(counts, evidence)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
