"""Runs all cases, or those that are named, and prints one table."""

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import (
    create_account,
    crowd,
    deploy_overhead,
    dns_records,
    first_call,
    idle_tick,
    schedulers,
    statistics,
)
from benchmarks.case import Ground, Ratio
from tests.services import MariaDb

CASES: dict[str, Callable[[Ground], list[Ratio]]] = {
    "create_account": create_account.run,
    "first_call": first_call.run,
    "deploy_overhead": deploy_overhead.run,
    "dns_records": dns_records.run,
    "crowd": crowd.run,
    "schedulers": schedulers.run,
    "idle_tick": idle_tick.run,
    "statistics": statistics.run,
}


def main(names: list[str]) -> None:
    """`names` empty = all."""
    if unknown := set(names) - set(CASES):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    with tempfile.TemporaryDirectory(prefix="kvm-bridge-bench-") as folder:
        (Path(folder) / "mariadb").mkdir()
        mariadb = MariaDb(Path(folder) / "mariadb")
        mariadb.start()
        try:
            ratios = [ratio for name in names or CASES for ratio in _run(name, Ground(mariadb, Path(folder)))]
        finally:
            mariadb.stop()
    Console(width=None if sys.stdout.isatty() else 160).print(_table(ratios))


def _run(name: str, ground: Ground) -> list[Ratio]:
    began = time.monotonic()
    ratios = CASES[name](ground)
    for ratio in ratios:
        print(f"{ratio.value:8.2f}  {ratio.name}: {ratio.measured} / {ratio.base}", file=sys.stderr)
    print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return ratios


def _table(ratios: list[Ratio]) -> Table:
    table = Table(title="Ratios measured in one run", title_justify="left")
    table.add_column("Ratio", justify="right")
    for heading in ("of", "Measured", "Base", "Meaning"):
        table.add_column(heading, overflow="fold")
    for ratio in ratios:
        table.add_row(f"{ratio.value:.2f}", ratio.name, ratio.measured, ratio.base, ratio.meaning)
    return table


# Ended from outside it takes its children along, as it does after Ctrl-C.
signal.signal(signal.SIGTERM, signal.default_int_handler)
main(sys.argv[1:])
