"""An installation whose VMs have backups: made, planned and restored as clients and cron tasks do, on virtual time."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.lifecycle.backup_list import BackupList, Listed, Shelf
from bridge.lifecycle.client_backups import new_backup
from bridge.lifecycle.direct import Answer
from bridge.lifecycle.rules import Operation
from bridge.sandbox.proxmox.storage import Storage, Volume
from providers.proxmox import Mark
from providers.proxmox.backup_note import BackupNote
from statemachines.commands import BACKUP_NOW, REMOVE_BACKUP, SCHEDULED_BACKUP
from tests.chaos.observed import INSTALL
from tests.lifecycle.living import Living

SETTINGS = {"backups": "3", "backup_storage": "backup|nfs"}
RESTORED_MAIL = "puqProxmoxKVM Backup restored"
PBS = Storage("pbs", "pbs", ("backup",), shared=True)


class Keeper(Living):
    """Makes, removes and restores backups."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None, **options: Any) -> None:
        super().__init__(folder, {**SETTINGS, **(settings or {})}, **options)

    def backup_now(self, service: int, text: str = "") -> Answer:
        """A manual backup, as far as somebody waits for it."""
        return self.house.direct.run(service, BACKUP_NOW, new_backup("manual", text, self.clock.now()))

    def made(self, service: int, text: str = "") -> Listed:
        """A manual backup that has been made."""
        assert self.backup_now(service, text).begun
        self.run()
        self.clock.advance(2)  # names of backups hold seconds
        return self.shelf(service).backups[0]

    def plan(self, service: int, day: str) -> str:
        """The scheduled backup of a day is recorded, as its task does it."""
        return self.house.errands.give(service, SCHEDULED_BACKUP, new_backup(day, "", self.clock.now()))

    def remove(self, service: int, volid: str) -> Answer:
        """Remove a backup, as far as somebody waits for it."""
        return self.house.direct.run(service, REMOVE_BACKUP, {"volid": volid, "asked_at": self.clock.now()})

    def ask_restore(self, service: int, volid: str) -> str:
        """Ask for a restore."""
        return self.house.requests.ask(service, Operation.RESTORE_BACKUP, volid=volid)

    def shelf(self, service: int) -> Shelf:
        """The backups as the daemon sees them."""
        return BackupList(lambda: self.house.runs.shop).look(service)

    def kept(self, storage: str = "backup") -> list[Volume]:
        """The backups on a storage, the oldest first, whoever made them."""
        volumes = [volume for names in self.cluster.storages[storage].volumes.values() for volume in names.values()]
        return sorted((each for each in volumes if each.content == "backup"), key=lambda each: each.created)

    def notes(self, storage: str = "backup") -> list[BackupNote]:
        """What the notes of the backups say, the oldest first."""
        return [BackupNote.read(volume.notes) for volume in self.kept(storage)]

    def tasks(self, type: str) -> int:
        """How many tasks of a type the cluster has seen."""
        return [task.type for task in self.cluster.tasks.all()].count(type)

    def by_somebody_else(self, service: int, notes: str = "", age: float = 0.0) -> Volume:
        """A backup of the VM that we did not make, `age` seconds old: what its last backup holds, without our note."""
        vmid, made = int(self.record(service).vm_id), int(self.clock.now() - age)
        source = [volume for volume in self.kept() if volume.vmid == vmid][-1]
        name = f"backup/vzdump-qemu-{vmid}-{made}.vma.zst"
        volume = replace(source, name=name, created=made, notes=notes, protected=False)
        self.cluster.storages["backup"].on("pve1")[name] = volume
        return volume

    def told(self, lines: list[str], service: int) -> list[str]:
        """What the summaries of the tasks about backups say of a service."""
        start, found, task = f"   sid:{service} ", list[str](), ""
        for line in lines:
            text = line[19:]
            if text.startswith(" ["):
                task = text[2:].partition("]")[0]
            if text.startswith(start) and task in ("restoreBackupStatus", "nowBackupStatus", "scheduleBackup"):
                found.append(text.removeprefix(start))
        return found

    def volumes(self) -> list[str]:
        """Ids of all disk images: backups belong to no configuration."""
        return [volume for volume in super().volumes() if ":backup/" not in volume]

    def has_mark(self, service: int) -> bool:
        """Whether the VM carries our mark."""
        return Mark.read(str(self.config(service).get("description", ""))) == Mark(INSTALL, service)


class Held:
    """The lock of a task that nobody takes away."""

    def alive(self) -> None:
        """It is ours."""

    def prove(self) -> None:
        """It is ours."""
