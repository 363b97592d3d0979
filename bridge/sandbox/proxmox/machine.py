"""The QEMU process of a VM: what it takes to start one, and what stopping it leaves behind."""

import time
from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.sandbox.proxmox.cloudinit_data import addresses_of
from bridge.sandbox.proxmox.config_apply import apply_pending
from bridge.sandbox.proxmox.drives import Drive, cloudinit_volume, drives_of, free_volume
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.guest import NET_KEY, Guest, Run
from bridge.sandbox.proxmox.net import bridge_of
from bridge.sandbox.proxmox.property_string import split_properties
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.sizes import MIB
from bridge.sandbox.proxmox.storage import BLANK, System, Volume, VolumeId, image_name
from bridge.sandbox.proxmox.tasks import Task, hold_config
from bridge.sandbox.proxmox.timing import CONFIG_LOCK_SECONDS
from bridge.sandbox.proxmox.vm_status import agent_enabled, cpu_count, memory_bytes

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster


def start_machine(cluster: "Cluster", task: Task, guest: Guest) -> Generator[Step, None, None]:
    """Start a VM whose file lock is held. Raises ApiError in the words of PVE::QemuServer::vm_start."""
    if guest.is_template:
        raise ApiError("you can't start a vm if it's a template")
    if guest.run:
        raise ApiError(f"VM {guest.vmid} already running")
    if guest.lock == "suspended":
        _forget_state(cluster, guest)
    apply_pending(cluster, guest)
    node = cluster.nodes[guest.node]
    if cpu_count(guest.config) > node.cpus:
        raise ApiError(f"MAX {node.cpus} vcpus allowed per VM on this node")
    _check_volumes(cluster, guest)
    _check_snippets(cluster, guest)
    if has_cloudinit(guest):
        make_cloudinit_image(cluster, guest)
        task.say("generating cloud-init ISO")
    missing = [b for b in _bridges(guest) if b not in node.bridge_names]
    yield Sleep(cluster.timing.of("qmstart"))
    if missing:
        task.say(
            f"bridge '{missing[0]}' does not exist",
            "kvm: network script /var/lib/qemu-server/pve-bridge failed with status 512",
        )
        raise ApiError("start failed: QEMU exited with code 1")
    now = cluster.simulation.now
    system = _system(cluster, guest)
    ready = now + cluster.timing.boot if system.agent and agent_enabled(guest.config) else None
    pid = cluster.rng.randrange(2000, 400000)
    addresses = addresses_of(guest.config, ipv6=system.ipv6)
    guest.run = Run(pid, now, dict(guest.config), ready, cluster.traffic.begin(guest.vmid, now), addresses=addresses)


def stop_machine(cluster: "Cluster", guest: Guest) -> None:
    """End the process; that applies what is pending."""
    switch_off(cluster, guest)
    apply_pending(cluster, guest)


def switch_off(cluster: "Cluster", guest: Guest) -> None:
    """The process is gone, and its counters with it."""
    guest.run = None
    cluster.traffic.end(guest.vmid, cluster.simulation.now)


def arrive(cluster: "Cluster", guest: Guest) -> None:
    """After a live migration: on the target it is another process, which counts from 0."""
    if guest.run is not None:
        now, pid = cluster.simulation.now, cluster.rng.randrange(2000, 400000)
        guest.run = replace(guest.run, pid=pid, started_at=now, flow=cluster.traffic.begin(guest.vmid, now))


def suspend_to_disk(
    cluster: "Cluster", task: Task, guest: Guest, storage_name: str | None
) -> Generator[Step, None, None]:
    """Write the memory to a volume and end the process; the VM stays locked until it is started again."""
    yield hold_config(guest.vmid, CONFIG_LOCK_SECONDS)
    stamp = time.strftime("%Y-%m-%d", time.gmtime(cluster.simulation.now))
    guest.config["lock"] = "suspending"
    saved = save_memory(cluster, task, guest, f"state-suspend-{stamp}", storage_name)
    yield Sleep(cluster.timing.of("qmsuspend"))
    task.say("State saved, quitting")
    switch_off(cluster, guest)
    guest.config |= {"lock": "suspended", **saved}


def save_memory(
    cluster: "Cluster", task: Task, guest: Guest, label: str, storage_name: str | None = None
) -> dict[str, str]:
    """Write a running VM's memory to a volume; returns what the configuration has to remember about it."""
    storage = cluster.storage(storage_name or state_storage(guest), guest.node)
    name = image_name(storage, guest.vmid, f"vm-{guest.vmid}-{label}", "raw")
    size = 2 * memory_bytes(guest.config) + 500 * MIB
    storage.on(guest.node)[name] = Volume(name, "images", "raw", size, guest.vmid, created=int(cluster.simulation.now))
    task.say(f"saving VM state and RAM using storage '{storage.name}'")
    cpu = str(guest.config.get("cpu", "kvm64")).partition(",")[0]
    return {"vmstate": f"{storage.name}:{name}", "runningmachine": cluster.nodes[guest.node].machine, "runningcpu": cpu}


def obeys_power_button(cluster: "Cluster", guest: Guest) -> bool:
    """Whether the guest shuts down when asked to."""
    return _system(cluster, guest).obeys and not (guest.run and guest.run.paused)


def has_cloudinit(guest: Guest) -> bool:
    """Whether the VM has a cloud-init drive."""
    return any(drive.is_cloudinit for drive in drives_of(guest.config))


def make_cloudinit_image(cluster: "Cluster", guest: Guest) -> None:
    """Write the cloud-init drive from the present configuration; nothing happens without such a drive."""
    for drive in drives_of(guest.config):
        if drive.is_cloudinit:
            guest.cloudinit.clear()
            storage = cluster.storage(VolumeId.parse(drive.file).storage, guest.node)
            cloudinit_volume(cluster, storage, guest.node, guest.vmid)


def _system(cluster: "Cluster", guest: Guest) -> System:
    for drive in drives_of(guest.config):
        if drive.has_volume and not drive.is_cdrom:
            volume = cluster.volume(guest.node, drive.file)
            if volume and volume.system != BLANK:
                return volume.system
    return BLANK


def _check_volumes(cluster: "Cluster", guest: Guest) -> None:
    for drive in drives_of(guest.config):
        if drive.has_volume and not drive.is_cloudinit and cluster.volume(guest.node, drive.file) is None:
            raise ApiError(f"volume '{drive.file}' does not exist")


def _check_snippets(cluster: "Cluster", guest: Guest) -> None:
    """A missing snippet shows at the start, not when the option is set."""
    for volid in split_properties(str(guest.config.get("cicustom", ""))).values():
        if cluster.volume(guest.node, volid) is None:
            raise ApiError(f"volume '{volid}' does not exist")


def _bridges(guest: Guest) -> list[str]:
    return [name for key, value in guest.config.items() if NET_KEY.fullmatch(key) and (name := bridge_of(str(value)))]


def state_storage(guest: Guest) -> str:
    """The storage that takes the VM's memory."""
    wanted = guest.config.get("vmstatestorage")
    if wanted:
        return str(wanted)
    disks: list[Drive] = [d for d in drives_of(guest.config) if d.has_volume and not d.is_cdrom]
    return VolumeId.parse(disks[0].file).storage if disks else "local"


def _forget_state(cluster: "Cluster", guest: Guest) -> None:
    volid = str(guest.config.pop("vmstate", ""))
    guest.config.pop("lock", None)
    for name in ("runningmachine", "runningcpu"):
        guest.config.pop(name, None)
    if volid:
        free_volume(cluster, guest.node, volid)
