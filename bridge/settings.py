"""The global settings of the addon, read anew without a restart: a change is seen everywhere within a second.

`Settings` is the table of them: name, kind, default, label. A setting without a row has its default; so has one whose row
somebody has filled with nonsense.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast, overload

from bridge.database import retry_lost_connection, transaction
from bridge.models.companion import Setting, TaskState
from bridge.package.fields import BadSetting
from bridge.package.kinds import Choice, Flag, Kind, Networks, Text, Whole, quotable, text_of

logger = logging.getLogger(__name__)

T = TypeVar("T", int, bool, str)

DAY_SECONDS = 86_400
MONTH_MINUTES = 31 * 24 * 60
YEAR_MINUTES = 366 * 24 * 60

CRON_INTERVALS = {
    "processVirtualMachines": 1,
    "removeOldSnapshots": 5,
    "restoreBackupStatus": 1,
    "nowBackupStatus": 1,
    "scheduleBackup": 5,
    "collectingStatistics": 60,
}
_INTERVAL = "cron_interval_"
_ALIVE = "scheduler_alive_at"


@dataclass
class Entry(Generic[T]):
    """One setting: its kind, default and label; as an attribute of `Settings` it is the current value."""

    kind: Kind
    default: T
    label: str
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, settings: None, owner: type) -> "Entry[T]": ...
    @overload
    def __get__(self, settings: "Settings", owner: type) -> T: ...
    def __get__(self, settings: "Settings | None", owner: type) -> "Entry[T] | T":
        return self if settings is None else settings.value(self)

    def read(self, raw: object) -> T:
        """The typed value; raises BadSetting with one line."""
        try:
            return cast(T, self.kind.read(raw))
        except ValueError as error:
            line = f'{self.label} ({self.name}): "{quotable(raw)}" must be {error}'
            raise BadSetting({self.name: line}) from None


class Settings:
    """The current settings as attributes. One object may be shared by all threads of a process."""

    api_timeout_default = Entry(Whole(1, 300), 10, "Default Timeout (seconds)")
    api_timeout_heavy = Entry(Whole(1, 600), 60, "Heavy Operations Timeout (seconds)")
    migration_enabled = Entry(Flag(), True, "Enable post-clone migration")
    migration_timeout = Entry(Whole(1, DAY_SECONDS), 300, "Migration Timeout (seconds)")
    delete_tables = Entry(Flag(), False, "Delete all database tables when module is deactivated")
    cron_mode = Entry(Choice((("whmcs", "WHMCS Hook"), ("standalone", "Standalone Cron File"))), "whmcs", "Cron Mode")
    cron_lock_timeout = Entry(Whole(1, DAY_SECONDS), 600, "Lock Timeout (seconds)")
    license_key = Entry(Text(), "", "License key")
    heavy_per_node = Entry(Whole(1, 1000), 4, "Heavy operations at once per node")
    heavy_per_storage = Entry(Whole(1, 1000), 2, "Heavy operations at once per storage")
    start_wait_ticks = Entry(Whole(1, 1000), 5, "Ticks to wait for a VM to start")
    address_quarantine = Entry(Whole(0, YEAR_MINUTES), 0, "Address quarantine (minutes, 0 = none)")
    dns_list_allow = Entry(Networks(), "", "Addresses that may read dns.php (none = nobody)")
    metrics_allow = Entry(Networks(), "", "Addresses that may read /metrics (none = this machine only)")
    module_log = Entry(Flag(), True, "Write the module log")

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_age: float = 1.0) -> None:
        """`clock` gives seconds, `max_age` is how long a read value may be old."""
        self._clock = clock
        self._max_age = max_age
        self._read_at = -max_age
        self._rows: dict[str, str] = {}

    def value(self, entry: Entry[T]) -> T:
        """The current value of `entry`."""
        raw = self._current().get(entry.name)
        if raw is None:
            return entry.default
        try:
            return entry.read(raw)
        except BadSetting as error:
            logger.warning("Stored setting is not used, the default is: %s", error)
            return entry.default

    def all(self) -> dict[str, Any]:
        """Every setting with its current value, in page order, the cron intervals last."""
        return {name: self.value(entry) for name, entry in ENTRIES.items()}

    def change(self, changes: Mapping[str, object]) -> None:
        """Store `changes`, all or none; seen by this object at once and by other processes within a second.

        Raises BadSetting with one line for each setting that is unknown or out of range.
        """
        texts, errors = {}, {}
        for name, raw in changes.items():
            try:
                texts[name] = text_of(entry_of(name).read(raw))
            except BadSetting as error:
                errors.update(error.errors)
        if errors:
            raise BadSetting(errors)
        _store(texts)
        self._read_at = self._clock() - self._max_age

    def cron_interval(self, task: str) -> int:
        """Minutes between two runs of a cron task; 0 = off."""
        return self.value(cast(Entry[int], entry_of(_INTERVAL + task)))

    def cron_last_run(self, task: str) -> float | None:
        """When a cron task was begun last, epoch seconds; None = never. Read from the database each time."""
        return _last_run(task)

    def scheduler_seen(self) -> float | None:
        """When a scheduler was known to work last, epoch seconds; None = never. Read from the database each time."""
        row = _row(_ALIVE)
        try:
            return float(row.value) if row else None
        except ValueError:
            return None

    def set_scheduler_seen(self, epoch: float) -> None:
        """Remember that a scheduler works at `epoch` seconds."""
        _store({_ALIVE: f"{epoch:.3f}"})

    def _current(self) -> dict[str, str]:
        now = self._clock()
        if now - self._read_at >= self._max_age:
            self._rows = _stored()
            self._read_at = now
        return self._rows


ENTRIES: dict[str, Entry[Any]] = {name: entry for name, entry in vars(Settings).items() if isinstance(entry, Entry)} | {
    _INTERVAL + task: Entry(Whole(0, MONTH_MINUTES), minutes, f"Interval of {task} (min)", _INTERVAL + task)
    for task, minutes in CRON_INTERVALS.items()
}


def entry_of(name: str) -> Entry[Any]:
    """The setting of that name; raises BadSetting when there is none."""
    if name not in ENTRIES:
        raise BadSetting({name: f'there is no setting "{quotable(name)}"'})
    return ENTRIES[name]


@retry_lost_connection
def install_id() -> str:
    """Eight hex digits that mark what this installation creates on a cluster; set by the first migration.

    Raises LookupError when the database has never been migrated.
    """
    row = _row("install_id")
    if row is None:
        raise LookupError("the database has no install_id yet, run kvm-bridge migrate first")
    return row.value


@retry_lost_connection
def _stored() -> dict[str, str]:
    rows = Setting.select(Setting.name, Setting.value).where(Setting.name.in_(list(ENTRIES)))
    return {row.name: row.value for row in rows}


@retry_lost_connection
def _last_run(task: str) -> float | None:
    row = TaskState.select(TaskState.last_run).where(TaskState.name == task).get_or_none()
    return row.last_run if row else None


@retry_lost_connection
def _row(name: str) -> Setting | None:
    return Setting.get_or_none(Setting.name == name)


@retry_lost_connection
def _store(texts: Mapping[str, str]) -> None:
    with transaction():
        for name, value in texts.items():
            Setting.replace(name=name, value=value).execute()  # type: ignore[no-untyped-call]
