"""ISO images that clients put into the CD-ROM drive of their VM: those on the product's ISOs storage, and no others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bridge.lifecycle import admission
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.page_sight import seen
from bridge.lifecycle.sight import Sight
from bridge.vm_context import Shop, VmContext
from bridge.web.callers import Actor, Refusal
from statemachines.steps.iso import NOW, VOLUME

Facts = dict[str, Any]

OTHER = "OTHER"
NOT_OFFERED = "This ISO image is not available."


@dataclass(frozen=True)
class Isos:
    """Implements `bridge.web.client_interfaces.Isos`. Every refusal is a `Refusal` with a sentence for the client."""

    direct: Direct
    shop: Callable[[], Shop]

    def listed(self, service_id: int, actor: Actor) -> Facts:
        """`mounted`: file name of the image in the drive, or empty; `boot`: whether the VM boots from the drive ("first",
        "later", "no"); `folders`: see `folders`.
        """
        admission.look_in(service_id, actor, "iso")
        return seen(service_id, "iso", self.shop(), _list)

    def mount(self, service_id: int, actor: Actor, file: str) -> Facts:
        """Put an image of the list into the drive, in place of another one. `applies`: from when on the guest sees it."""
        admission.enter(service_id, actor, "iso")
        volume = seen(service_id, "iso", self.shop(), lambda ctx, sight: _image(ctx, sight, file))
        if volume is None:
            raise Refusal(NOT_OFFERED)
        return self._run(service_id, "MountIso", {VOLUME: volume})

    def unmount(self, service_id: int, actor: Actor) -> Facts:
        """Take the image out of the drive."""
        admission.enter(service_id, actor, "iso")
        return self._run(service_id, "UnmountIso", {})

    def _run(self, service_id: int, command: str, facts: Facts) -> Facts:
        answer = self.direct.run(service_id, command, facts)
        told = admission.told(service_id, "iso", answer)
        return {**told, "applies": answer.facts.get("iso_applies", NOW if answer.done else "")}


def _list(ctx: VmContext, sight: Sight) -> Facts:
    drive = sight.config.cdrom()
    return {
        "mounted": drive.medium if drive else "",
        "boot": sight.config.boots_from(drive.interface) if drive else "no",
        "folders": folders(_images(ctx)),
    }


def _image(ctx: VmContext, sight: Sight, file: str) -> str | None:
    """The volume ID of an image that may be mounted; None when there is no such one."""
    if sight.lock:
        raise Refusal(admission.BUSY)
    return _images(ctx).get(file)


def _images(ctx: VmContext) -> dict[str, str]:
    """File name -> volume ID of each image on the product's storage, as the VM's node sees it; none without a storage."""
    storage = ctx.package.iso_storage
    if not storage:
        return {}
    volumes = ctx.hypervisor.isos(str(ctx.vm.node), storage)
    return {volume.rpartition("/")[2]: volume for volume in volumes}


def folders(files: Iterable[str]) -> list[Facts]:
    """Files by the part of their name before the first `-`, in capitals; those without a `-` are in OTHER, the last one.

    Each folder has a `name` and its `files`, both sorted without regard to case [C-41].
    """
    found: dict[str, list[str]] = {}
    for file in sorted(files, key=lambda name: (name.lower(), name)):
        name, dash, _ = file.partition("-")
        found.setdefault(name.upper() if dash and name else OTHER, []).append(file)
    return [{"name": name, "files": found[name]} for name in sorted(found, key=lambda name: (name == OTHER, name))]
