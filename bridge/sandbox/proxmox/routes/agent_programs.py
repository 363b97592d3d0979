"""The guest agent's commands that reach into the guest: files, programs, freezing of file systems."""

import base64
import binascii
from collections.abc import Callable, Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.drives import boot_disk_size
from bridge.sandbox.proxmox.failures import ApiError
from bridge.sandbox.proxmox.guest_system import GuestSystem
from bridge.sandbox.proxmox.routes.agent import (
    AGENT,
    Answering,
    answering,
    guest_time,
    host_name,
    interfaces,
    os_info,
    ping,
)
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Step


def _system(call: Call) -> Generator[Step, None, GuestSystem]:
    guest = yield from answering(call)
    assert guest.run is not None
    return guest.run.system


@route("POST", AGENT + "/file-write")
def write_file(call: Call) -> Answering:
    """Put a file into the guest; `encode=0`: the content is base64 already."""
    system = yield from _system(call)
    content = str(call.values["content"])
    if not call.get("encode", 1):
        try:
            content = base64.b64decode(content, validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise ApiError("Agent error: Invalid parameter 'buf-b64'") from error
    system.files[str(call.values["file"])] = content


@route("GET", AGENT + "/file-read")
def read_file(call: Call) -> Answering:
    """The content of a file in the guest."""
    system, name = (yield from _system(call)), str(call.values["file"])
    if name not in system.files:
        raise ApiError(f"Agent error: failed to open file '{name}' (mode: 'r'): No such file or directory")
    content = system.files[name]
    return {"content": content, "bytes-read": len(content.encode())}


@route("POST", AGENT + "/exec")
def run_program(call: Call) -> Answering:
    """Start a program in the guest."""
    system = yield from _system(call)
    command = call.get("command", "")
    return {"pid": system.run(command if isinstance(command, list) else str(command).split("\0"))}


@route("GET", AGENT + "/exec-status")
def program_status(call: Call) -> Answering:
    """How a program ended; the agent tells it once and then forgets the program."""
    system, pid = (yield from _system(call)), int(call.values["pid"])
    ended = system.programs.get(pid)
    if ended is None:
        raise ApiError("Agent error: Invalid parameter 'pid'")
    system.programs[pid] = None
    output: dict[str, Any] = {"out-data": ended.output, "out-truncated": 0} if ended.output else {}
    return {"exited": 1, "exitcode": ended.code, **output}


@route("POST", AGENT + "/fsfreeze-status")
def freeze_status(call: Call) -> Answering:
    """Whether the file systems are frozen."""
    system = yield from _system(call)
    return {"result": "frozen" if system.frozen else "thawed"}


@route("POST", AGENT + "/fsfreeze-freeze")
def freeze(call: Call) -> Answering:
    """Freeze the file systems; returns how many."""
    return {"result": (yield from _set_frozen(call, frozen=True))}


@route("POST", AGENT + "/fsfreeze-thaw")
def thaw(call: Call) -> Answering:
    """Thaw the file systems; returns how many."""
    return {"result": (yield from _set_frozen(call, frozen=False))}


def _set_frozen(call: Call, *, frozen: bool) -> Answering:
    system = yield from _system(call)
    changed, system.frozen = int(system.frozen != frozen), frozen
    return changed


@route("GET", AGENT + "/info")
def agent_info(call: Call) -> Answering:
    """The agent's version and what it can do."""
    yield from answering(call)
    names = sorted(f"guest-{name}" for name in (*_BY_NAME, "exec", "exec-status", "set-user-password"))
    supported = [{"name": name, "enabled": True, "success-response": True} for name in names]
    return {"result": {"version": call.node.qemu, "supported_commands": supported}}


@route("GET", AGENT + "/get-fsinfo")
def file_systems(call: Call) -> Answering:
    """The guest's root file system, which fills the disk that it boots from."""
    guest = yield from answering(call)
    size = boot_disk_size(call.cluster, guest)
    controller = {"domain": 0, "bus": 0, "slot": 5, "function": 0}
    disk = {"bus": 0, "bus-type": "scsi", "dev": "/dev/sda1", "pci-controller": controller, "target": 0, "unit": 0}
    root = {"name": "sda1", "mountpoint": "/", "type": "ext4", "disk": [disk]}
    return {"result": [{**root, "total-bytes": size, "used-bytes": size // 4}]}


_BY_NAME: dict[str, Callable[[Call], Answering]] = {
    "ping": ping,
    "info": agent_info,
    "get-fsinfo": file_systems,
    "get-host-name": host_name,
    "get-osinfo": os_info,
    "get-time": guest_time,
    "network-get-interfaces": interfaces,
    "fsfreeze-status": freeze_status,
    "fsfreeze-freeze": freeze,
    "fsfreeze-thaw": thaw,
}


@route("POST", AGENT)
def run_command(call: Call) -> Answering:
    """A command by its name."""
    name = str(call.values["command"])
    if name not in _BY_NAME:
        raise ApiError(f"Agent error: The command guest-{name} has not been found")
    return (yield from _BY_NAME[name](call))
