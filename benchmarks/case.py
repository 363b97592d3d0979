"""What a case gets, and what it gives back."""

import contextlib
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.models.companion import VmWork
from bridge.sandbox.proxmox import Cluster
from tests.chaos.processes import Installation
from tests.services import MariaDb


@dataclass(frozen=True)
class Ratio:
    """One row of the table: `measured` over `base`, both with their unit in words, and what they are."""

    name: str
    value: float
    measured: str
    base: str
    meaning: str


@dataclass(frozen=True)
class Ground:
    """Where the cases run: one MariaDB, and a folder for everything else."""

    mariadb: MariaDb
    folder: Path

    @contextlib.contextmanager
    def installation(
        self,
        name: str,
        settings: Mapping[str, str] | None = None,
        *,
        speed: float = 1.0,
        cluster: Cluster | None = None,
    ) -> Iterator[Installation]:
        """A fresh installation without daemon; `name` is that of its folder."""
        folder = self.folder / name
        folder.mkdir()
        with (
            self.mariadb.database() as url,
            Installation(folder, url, settings=settings, speed=speed, cluster=cluster) as made,
        ):
            yield made

    def execute(self, installation: Installation, *statements: str) -> None:
        """Run SQL in the installation's database."""
        with self.mariadb.admin() as connection, connection.cursor() as cursor:
            cursor.execute(f"USE {installation.url.rpartition('/')[2]}")
            for statement in statements:
                cursor.execute(statement)


def milliseconds(seconds: Iterable[float]) -> str:
    """The median, for people."""
    return f"{1000 * statistics.median(seconds):.1f} ms"


def work_is_left() -> bool:
    """Whether a VM waits for work, looked at ten times a second at most."""
    time.sleep(0.1)
    return bool(VmWork.select().where(VmWork.due_at.is_null(False)).exists())
