"""Module commands: single steps that somebody asks for on a VM that no pipeline is at work on.

A command is the same step function that the pipelines use. It is recorded in the VM's intent before it begins, so whoever
holds the lease next finishes what a dead process began. The state of the VM stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from statemachines import states as s
from statemachines.context import Context
from statemachines.machine import MINUTES, PROCESS, SECONDS, STOP, Step
from statemachines.outcome import Outcome
from statemachines.output import BlockStyle
from statemachines.ports import Vm
from statemachines.steps import (
    backup,
    cloudinit,
    compute,
    disks,
    firewall,
    iso,
    network,
    password,
    power,
    removal,
    repackage,
    rollback,
    snapshots,
    suspension,
)

BACKUP_NOW, SCHEDULED_BACKUP, REMOVE_BACKUP = "BackupNow", "ScheduleBackup", "RemoveBackup"
TAKE_SNAPSHOT, ROLL_BACK_SNAPSHOT, REMOVE_SNAPSHOT = "TakeSnapshot", "RollBackSnapshot", "RemoveSnapshot"
SCHEDULED_SNAPSHOT, REMOVE_OLD_SNAPSHOTS = "TakeScheduledSnapshot", "RemoveOldSnapshots"
COMMAND = "command"  # the key of the intent that names the command at work


class Power(StrEnum):
    """In which state of power a command is possible."""

    ANY = "any"
    STOPPED = "stopped"
    RUNNING = "running"


class WhenSuspended(StrEnum):
    """What a command may do to a suspended VM."""

    ALLOWED = "allowed"
    REFUSED = "refused"


ANY, STOPPED, RUNNING = Power
ALLOWED, REFUSED = WhenSuspended


@dataclass(frozen=True)
class Command:
    """One row. The columns, in order:

    name       the function's name in the module's documentation; logs call it so, too
    label      what the log and refusals call it
    do         the step function
    power      in which state of power it is possible
    suspended  whether a suspended VM takes it
    patience   seconds that one tick waits for it before it pauses
    lasting    True = tried again until it is done, whoever asked; False = an error ends it
    then       the state afterwards, if another one than before
    at         the states at which it is possible
    task       the cron task whose runs drive it
    background True = it may take hours, and nobody complains while it does
    """

    name: str
    label: str
    do: Callable[[Context], Outcome]
    power: Power = ANY
    suspended: WhenSuspended = ALLOWED
    patience: float = 60 * SECONDS
    lasting: bool = False
    then: str = s.READY
    at: frozenset[str] = frozenset({s.READY})
    task: str = PROCESS
    background: bool = False

    tells_unchanged = True

    @property
    def action(self) -> str:
        """Its name in logs."""
        return self.name

    @property
    def final(self) -> str:
        """The state at its end."""
        return self.then

    @cached_property
    def style(self) -> BlockStyle:
        """How it prints."""
        return BlockStyle(self.name)

    def due(self, vm: Vm) -> Step | None:
        """Its one step, as long as it is recorded for the VM."""
        if vm.intent.get(COMMAND) != self.name or vm.status not in self.at:
            return None
        failure = STOP if self.lasting else vm.status
        return Step(
            vm.status, self.label, self.do, self.then, self.name, self.patience, failure, background=self.background
        )


# fmt: off
_TABLE = (
    #       name in the manual              label                        what to do                 power    suspended patience
    Command("VMStart",                      "Start",                     power.start,               ANY,     REFUSED),
    Command("VMStop",                       "Stop",                      power.pull_plug,           ANY,     REFUSED),
    Command("VMShutdown",                   "Shut down",                 repackage.stop,            ANY,     REFUSED,  5 * MINUTES),
    Command("VMReboot",                     "Reboot",                    power.reboot,              RUNNING, REFUSED,  5 * MINUTES),
    Command("VMReset",                      "Reset",                     power.reset,               RUNNING, REFUSED),
    Command("VMSetDedicatedIp",             "VMSetDedicatedIp",          repackage.update_addresses),
    Command("VMSetCpuRam",                  "Set CPU RAM",               compute.set_cpu_ram,       STOPPED),
    Command("VMSetSystemDiskSize",          "Set System Disk Size",      disks.resize_system,       ANY,     ALLOWED,  5 * MINUTES),
    Command("VMSetSystemDiskBandwidth",     "Set System Disk Bandwidth", disks.limit_system),
    Command("VMSetCreatedAdditionalDisk",   "Set Created Additional Disk", disks.create_additional, ANY,    ALLOWED,  5 * MINUTES),
    Command("VMSetAdditionalDiskSize",      "Set Additional Disk Size",  disks.resize_additional,   ANY,     ALLOWED,  5 * MINUTES),
    Command("VMSetAdditionalDiskBandwidth", "Set Additional Disk Bandwidth", disks.limit_additional),
    Command("VMSetNetwork",                 "Set Network",               network.set_network),
    Command("VMSetFirewall",                "Set Firewall",              firewall.set_firewall),
    Command("VMSetCloudinit",               "SetCloudinit",              cloudinit.set_cloudinit,   STOPPED),
    Command("MountIso",                     "Mount ISO",                 iso.mount,                 ANY,     REFUSED),
    Command("UnmountIso",                   "Unmount ISO",               iso.unmount,               ANY,     REFUSED),
    Command("VMRemove",                     "VMRemove",                  removal.destroy,           STOPPED, ALLOWED,  5 * MINUTES,
            then=s.REMOVE, at=frozenset({s.READY, s.ERROR_TERMINATE})),
    Command(BACKUP_NOW,                     "Backup now",                backup.make,               ANY,     REFUSED,  30 * SECONDS,
            task="nowBackupStatus", background=True),
    Command(SCHEDULED_BACKUP,               "Scheduled backup",          backup.make,               ANY,     REFUSED,  30 * SECONDS,
            task="scheduleBackup", background=True),
    Command(REMOVE_BACKUP,                  "Remove backup",             backup.remove,             ANY,     REFUSED,  5 * MINUTES),
    Command("ChangePassword",               "Reset password",            password.apply,            ANY,     ALLOWED,  5 * MINUTES, lasting=True),
    Command("SuspendAccount",               "Suspend",                   suspension.suspend,        ANY,     ALLOWED,  5 * MINUTES, lasting=True),
    Command("UnsuspendAccount",             "Unsuspend",                 suspension.unsuspend,      ANY,     ALLOWED,  2 * MINUTES, lasting=True),
    # Saving and reading back the memory of a large VM takes minutes.
    Command(TAKE_SNAPSHOT,                  "Take snapshot",             snapshots.take,            ANY,     REFUSED, 10 * MINUTES),
    Command(ROLL_BACK_SNAPSHOT,             "Roll back to snapshot",     rollback.roll_back,        ANY,     REFUSED, 10 * MINUTES),
    Command(REMOVE_SNAPSHOT,                "Remove snapshot",           snapshots.remove,          ANY,     REFUSED, 10 * MINUTES),
    Command(SCHEDULED_SNAPSHOT,             "Take scheduled snapshot",   snapshots.take_scheduled,  ANY,     REFUSED, task="removeOldSnapshots", background=True),
    Command(REMOVE_OLD_SNAPSHOTS,           "Remove old snapshots",      snapshots.remove_expired,  ANY,     ALLOWED, task="removeOldSnapshots", background=True),
)
# fmt: on

COMMANDS = {command.name: command for command in _TABLE}
