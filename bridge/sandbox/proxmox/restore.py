"""Making a VM from a backup, over itself or under a new VMID."""

import re
from collections.abc import Generator
from copy import deepcopy

from bridge.sandbox.proxmox.archive import Archive, Disk
from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.config_values import reread
from bridge.sandbox.proxmox.drives import Drive, cloudinit_volume, drives_of, free_volume, new_volume, storage_of
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters, Refused
from bridge.sandbox.proxmox.firewall import Firewall
from bridge.sandbox.proxmox.guest import DISK_KEY, NET_KEY, Config, Guest
from bridge.sandbox.proxmox.machine import start_machine
from bridge.sandbox.proxmox.net import parse_net, print_net
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.storage import Storage, Volume, VolumeId
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CLONE_LOCK_SECONDS
from bridge.sandbox.proxmox.volume_rights import check_access

_SOURCE_LINE = "at /usr/share/perl5/PVE/Storage.pm line 569."


def restore_vm(call: Call, changes: Config) -> str:
    """Start the task that restores `archive` to `vmid`; `changes` are options that replace the archive's.

    Raises ApiError when the VMID is taken (unless `force`), or when there is no such backup.
    """
    vmid = int(call.values["vmid"])
    existing = call.cluster.guests.get(vmid)
    _check_rights(call, vmid, existing)
    for name in sorted(changes):
        if DISK_KEY.fullmatch(name):
            raise InvalidParameters({name: "option conflicts with option 'archive'"})
    volume = _backup(call, str(call.values["archive"]))
    refusal = f"unable to restore VM {vmid} -"
    if existing and not call.flag("force"):
        raise ApiError(f"{refusal} VM {vmid} already exists on node '{existing.node}'")
    guest = existing or Guest(vmid, call.node.name, {"lock": "create"}, created=call.now)
    call.cluster.guests[vmid] = guest

    def work(task: Task) -> Generator[Step, None, None]:
        yield hold_config(vmid, CLONE_LOCK_SECONDS)
        try:
            yield from _fill(call, task, guest, volume, changes, refusal)
        except ApiError:
            state = f"VM {vmid} state is NOT cleaned up."
            task.say(f"error before or during data restore, some or all disks were not completely restored. {state}")
            raise
        task.say("rescan volumes...")
        if call.flag("start"):
            task.say("Execute autostart")
            yield from start_machine(call.cluster, task, guest)

    return call.start_task("qmrestore", work)


def _check_rights(call: Call, vmid: int, existing: Guest | None) -> None:
    path = f"/vms/{vmid}"
    may_replace = existing and call.flag("force") and call.may(path, "VM.Backup")
    if not call.may(path, "VM.Allocate") and not may_replace:
        raise Refused("Permission check failed")
    if "storage" in call.given:
        call.require(f"/storage/{call.values['storage']}", "Datastore.AllocateSpace")


def _backup(call: Call, text: str) -> Volume:
    if ":" not in text:
        raise ApiError(f"Only root can pass arbitrary filesystem paths. {_SOURCE_LINE}")
    volid = VolumeId.parse(text)
    storage = call.cluster.storage(volid.storage, call.node.name)
    volume = storage.on(call.node.name).get(volid.name)
    if volume is None or volume.archive is None:
        raise ApiError(f"volume '{volid}' does not exist")
    check_access(call, storage, volume)
    return volume


def _fill(
    call: Call, task: Task, guest: Guest, volume: Volume, changes: Config, refusal: str
) -> Generator[Step, None, None]:
    archive: Archive = volume.archive
    if guest.config.get("protection"):
        raise ApiError(f"{refusal} - protection mode enabled")
    if guest.run:
        raise ApiError(f"{refusal} vm is running")
    if guest.lock not in ("", "create"):
        raise ApiError(f"{refusal} VM is locked ({guest.lock})")
    stores = _stores(call, guest, volume, archive)
    _clear(call, guest)
    yield Sleep(call.cluster.timing.of("qmrestore"))
    config = _new_identity(call, dict(archive.config))
    for disk in archive.disks:
        config[disk.drive.key] = str(_restored(call, guest, disk, stores[disk.drive.key]))
    _make_cloudinit(call, guest, config)
    total = sum(disk.image.size for disk in archive.disks)
    task.say(f"progress 100% (read {total} bytes, duration 0 sec)")
    task.say(f"total bytes read {total}, sparse bytes {total} (100%)")
    read = {key: reread(call.cluster.schema, key, value) for key, value in changes.items()}
    guest.config = {**config, **{key: value for key, value in read.items() if value is not None}}
    if archive.firewall != Firewall():
        call.cluster.firewalls[guest.vmid] = deepcopy(archive.firewall)


def _stores(call: Call, guest: Guest, volume: Volume, archive: Archive) -> dict[str, Storage]:
    """Where each disk goes. Raises ApiError in the words of the pipe that fails there, and the config stays empty."""
    try:
        return {
            disk.drive.key: call.cluster.storage(str(call.get("storage", disk.storage)), call.node.name)
            for disk in archive.disks
        }
    except ApiError as error:
        if guest.lock == "create":
            guest.config = {}
        short, temporary = (
            volume.name.rpartition("/")[2],
            f"/var/tmp/vzdumptmp{call.cluster.rng.randrange(2000, 90000)}",
        )
        path = f"{call.cluster.storage(str(call.values['archive']).partition(':')[0]).path}/dump/{short}"
        unpack = {"zst": "zstd -q -d -c", "gz": "zcat", "lzo": "lzop -d -c"}.get(short.rpartition(".")[2])
        extract = f"vma extract -v -r {temporary}.fifo"
        pipe = (
            f"set -o pipefail && {unpack} {path} | {extract} - {temporary}"
            if unpack
            else f"{extract} {path} {temporary}"
        )
        command = f"command '{pipe}' failed: " if unpack else f"command '{extract} {path} {temporary}' failed: "
        raise ApiError(command + error.message) from error


def _clear(call: Call, guest: Guest) -> None:
    """The disks of the VM that is replaced go; so do its snapshots."""
    for snapshot_or_now in (guest.config, *guest.snapshots.values()):
        for drive in drives_of(snapshot_or_now):
            volume = call.cluster.volume(guest.node, drive.file) if drive.has_volume else None
            if volume and volume.vmid == guest.vmid:
                volume.snapshots.clear()
                free_volume(call.cluster, guest.node, drive.file)
    guest.snapshots, guest.pending, guest.pending_delete = {}, {}, []


def _new_identity(call: Call, config: Config) -> Config:
    """A VM gets a new generation id with every restore; with `unique` its cards and its UUID are new as well."""
    if "vmgenid" in config:
        config["vmgenid"] = call.cluster.random_uuid()
    if not call.flag("unique"):
        return config
    for key in [key for key in config if NET_KEY.fullmatch(key)]:
        config[key] = print_net({**parse_net(str(config[key])), "macaddr": call.cluster.random_mac()})
    config["smbios1"] = re.sub(r"uuid=[^,]+", f"uuid={call.cluster.random_uuid()}", str(config.get("smbios1", "")))
    return config


def _restored(call: Call, guest: Guest, disk: Disk, storage: Storage) -> Drive:
    volid, made = new_volume(call.cluster, storage, guest.node, guest.vmid, disk.image.size, disk.image.fmt)
    made.used, made.system = disk.image.used, disk.image.system
    return Drive(disk.drive.key, str(volid), dict(disk.drive.options))


def _make_cloudinit(call: Call, guest: Guest, config: Config) -> None:
    for drive in drives_of(config):
        if drive.is_cloudinit:
            storage = storage_of(call.cluster, guest.node, drive)
            volid = cloudinit_volume(call.cluster, storage, guest.node, guest.vmid)
            config[drive.key] = str(Drive(drive.key, str(volid), dict(drive.options)))
