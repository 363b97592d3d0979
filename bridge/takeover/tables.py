"""Finding the old addon's tables and copying them, each kind once and only into an empty table; they stay as they are.

What was taken over is remembered, so that pools and zones which an admin deletes afterwards do not come back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import IntegrityError

from bridge.addresses.sources import readable_pool
from bridge.database import Database, retry_lost_connection, transaction
from bridge.models.base import SharedModel
from bridge.models.companion import Setting
from bridge.models.module import DnsZone, IpPool
from bridge.models.whmcs import Server
from bridge.takeover.columns import pool_columns, zone_columns

Row = Mapping[str, Any]

EXTENSION = "puq_customization_module_puq_proxmox_kvm"
"""How the extension ModulePuqProxmoxKVM named its tables; the page about pools knows shorter names [C-46]."""


@dataclass(frozen=True)
class Kind:
    """Something that is taken over: what it is called, where it may be found, where it goes, and the mark that it was done."""

    one: str
    many: str
    tables: tuple[str, ...]
    model: type[SharedModel]
    columns: Callable[[Row], dict[str, Any]]
    mark: str

    def counted(self, number: int) -> str:
        """`1 IP pool`, `2 IP pools`."""
        return f"{number} {self.one if number == 1 else self.many}"


KINDS = (
    Kind(
        "IP pool",
        "IP pools",
        (f"{EXTENSION}_ip_pools", "puq_customization_puq_proxmox_kvm_ip_pools", "puq_customization_ip_pools"),
        IpPool,
        lambda row: pool_columns(row, _server_named),
        "taken_over_ip_pools",
    ),
    Kind(
        "DNS zone",
        "DNS zones",
        (f"{EXTENSION}_dns_zones", "puq_customization_puq_proxmox_kvm_dns_zones", "puq_customization_dns_zones"),
        DnsZone,
        zone_columns,
        "taken_over_dns_zones",
    ),
)


def take_over(database: Database) -> list[str]:
    """Copy what there is to copy; one line for each kind of which something was. May run any number of times.

    Needs migrated tables. Several processes may run it at once: one of them copies.
    """
    lines = []
    for kind in KINDS:
        if found := waiting_rows(database, kind):
            table, rows = found
            stored = _store(kind, table, rows)
            if stored:
                lines.append(f"imported {kind.counted(len(stored))} from {table}{_remark(stored)}")
    return lines


def to_take_over(database: Database) -> list[str]:
    """What `take_over` would copy now, in the same words; nothing is written, and tables of ours need not exist yet."""
    found = [(kind, waiting_rows(database, kind)) for kind in KINDS]
    return [f"import {kind.counted(len(rows[1]))} from {rows[0]}" for kind, rows in found if rows]


@retry_lost_connection
def waiting_rows(database: Database, kind: Kind) -> tuple[str, Sequence[Row]] | None:
    """The first old table that has rows, and these; None when there is none, or nothing is to be copied any more."""
    if database.table_exists(Setting) and Setting.get_or_none(Setting.name == kind.mark):
        return None
    if database.table_exists(kind.model) and kind.model.select().exists():
        return None
    present = set(database.get_tables())
    for table in kind.tables:
        if table in present and (rows := _rows(database, table)):
            return table, rows
    return None


def _rows(database: Database, table: str) -> list[Row]:
    cursor = database.execute_sql(f"SELECT * FROM {table.join(database.quote)}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@retry_lost_connection
def _store(kind: Kind, table: str, rows: Sequence[Row]) -> list[Any]:
    """The rows as stored; none when somebody else was quicker."""
    with transaction():
        try:
            Setting.create(name=kind.mark, value=table)
        except IntegrityError:
            return []
        if kind.model.select().exists():
            return []
        seen: set[int | None] = {None}
        stored = []
        for row in rows:
            columns = kind.columns(row)
            number = columns.pop("id")
            if number not in seen and number > 0:  # people know pools and zones by their numbers
                columns["id"] = number
            seen.add(number)
            stored.append(kind.model.create(**columns))
    return stored


def _remark(stored: Sequence[Any]) -> str:
    """Pools out of which nothing can be handed out, so that nobody believes they serve."""
    servers = {row.id for row in Server.select(Server.id)}
    pools = [row for row in stored if isinstance(row, IpPool)]
    useless = sum(readable_pool(row) is None for row in pools)
    lost = sum(row.server_id not in servers for row in pools)
    parts = [
        f"{number} of them {'is' if number == 1 else 'are'} {what}"
        for number, what in ((useless, "malformed"), (lost, "of servers that do not exist"))
        if number
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _server_named(name: str) -> int | None:
    """The server of that name or host name."""
    found = Server.select(Server.id).where((Server.name == name) | (Server.hostname == name)).order_by(Server.id)
    row = found.first() if name else None
    return int(row.id) if row else None
