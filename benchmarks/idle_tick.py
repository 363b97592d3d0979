"""What a tick costs while nothing is to be done, with few services and with many."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from benchmarks.case import Ground, Ratio, milliseconds
from bridge.config import load_config
from bridge.connections import Database
from bridge.cron import Wanted
from bridge.wiring import House
from tests.chaos.processes import Installation

FEW, MANY = 100, 100_000
TICKS, WARM_UP = 30, 5


def run(ground: Ground) -> list[Ratio]:
    """A whole tick, and the scheduler's look for due work, on the same database before and after it grows."""
    with ground.installation("idle_tick") as installation:
        house = House(load_config(installation.environment))
        few = _measured(ground, installation, house, FEW)
        many = _measured(ground, installation, house, MANY)
    return [
        Ratio(
            f"{name}, {MANY:,} idle services / {FEW}",
            statistics.median(many[name][0]) / statistics.median(few[name][0]),
            milliseconds(many[name][0]),
            milliseconds(few[name][0]),
            f"{many[name][1]} and {few[name][1]} SQL statements; 1 = idle services cost nothing",
        )
        for name in few
    ]


def _measured(
    ground: Ground, installation: Installation, house: House, services: int
) -> dict[str, tuple[list[float], int]]:
    """Seconds of each try and the statements of one, for the tick and for the look."""
    _fill(ground, installation, services)
    work = {
        "tick": lambda: house.cron.run(Wanted(force=True), lambda line: None),
        "scheduler's look": house.claims.any_due,
    }
    found = {}
    for name, do in work.items():
        took = []
        for _ in range(TICKS + WARM_UP):
            with _statements() as seen:
                began = time.perf_counter()
                do()
                took.append(time.perf_counter() - began)
        found[name] = (took[WARM_UP:], len(seen))
    return found


def _fill(ground: Ground, installation: Installation, services: int) -> None:
    """Ready VMs of that many services, as deploys leave them."""
    ground.execute(
        installation,
        f"INSERT IGNORE INTO tblhosting (id, userid, packageid, server, domain, domainstatus, username, password) "
        f"SELECT seq, 1, 1, 1, CONCAT('vm', seq), 'Active', 'root', '' FROM seq_1_to_{services}",
        f"INSERT IGNORE INTO puqProxmoxKVM_vm_info (service_id, vm_id, vm_status) "
        f"SELECT seq, 100 + seq, 'ready' FROM seq_1_to_{services}",
        f"INSERT IGNORE INTO kvm_bridge_vm (service_id, server_id, ticks, attempts) "
        f"SELECT seq, 1, 0, 0 FROM seq_1_to_{services}",
        "ANALYZE TABLE tblhosting, puqProxmoxKVM_vm_info, kvm_bridge_vm",
    )


@contextmanager
def _statements() -> Iterator[list[str]]:
    """The SQL that is sent while the block runs."""
    seen: list[str] = []
    send = Database.execute_sql

    def witness(self: Database, sql: str, params: Any = None) -> Any:
        seen.append(sql)
        return send(self, sql, params)

    with patch.object(Database, "execute_sql", witness):
        yield seen
