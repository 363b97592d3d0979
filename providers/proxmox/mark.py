"""Our mark on a VM: how we tell our own half-made VM from a stranger's with the same VMID.

The description carries it from the clone call on; the tag follows with the first configuration write (the clone call takes
no tags) and shows the service in Proxmox's own lists.
"""

import re
from dataclasses import dataclass
from typing import Protocol, Self

from providers.proxmox.vmconfig import VmConfig

_DESCRIPTION = re.compile(r"\bkvm-bridge install=(?P<install>[a-z0-9]{1,32}) service=(?P<service>\d{1,18})\b")
_TAG = re.compile(r"kvmbridge-(?P<install>[a-z0-9]{1,32})-(?P<service>\d{1,18})")


class Marked(Protocol):
    """Something that carries a mark, or none."""

    @property
    def mark(self) -> "Mark | None": ...


@dataclass(frozen=True)
class Mark:
    """Service `service_id` of the installation `install` (1 to 32 lower-case letters and digits) owns the VM."""

    install: str
    service_id: int

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]{1,32}", self.install) or self.service_id < 0:
            raise ValueError(f"cannot mark a VM with {self.install!r} and {self.service_id!r}")

    @property
    def description(self) -> str:
        """One line for the VM's notes."""
        return f"kvm-bridge install={self.install} service={self.service_id}"

    @property
    def tag(self) -> str:
        """A tag as Proxmox keeps tags: lower case, no spaces."""
        return f"kvmbridge-{self.install}-{self.service_id}"

    @classmethod
    def read(cls, description: str) -> Self | None:
        """The mark in a description, whatever people wrote around it; None when there is none."""
        match = _DESCRIPTION.search(description)
        return cls(match["install"], int(match["service"])) if match else None

    @classmethod
    def read_tags(cls, tags: frozenset[str]) -> Self | None:
        """The mark among a VM's tags; None when there is none or more than one."""
        found = [match for match in map(_TAG.fullmatch, tags) if match]
        return cls(found[0]["install"], int(found[0]["service"])) if len(found) == 1 else None

    def is_ours(self, config: VmConfig) -> bool:
        """Whether the VM carries exactly this mark.

        The description decides; the tag only when the description has no mark (a template made from one of our VMs hands
        its tags down to every clone). A template is never ours.
        """
        if config.is_template:
            return False
        found = self.read(config.description) or self.read_tags(config.tags)
        return found == self

    def is_foreign(self, config: VmConfig) -> bool:
        """Whether the VM carries the mark of another service or installation."""
        found = self.read(config.description) or self.read_tags(config.tags)
        return found is not None and found != self

    def made(self, note: Marked) -> bool:
        """Whether the note of a backup says that it was made for this very service."""
        return note.mark == self

    def tags_with(self, tags: frozenset[str]) -> str:
        """The `tags` value for a VM that has `tags` now: theirs, without other marks, and ours."""
        return ";".join(sorted({tag for tag in tags if not _TAG.fullmatch(tag)} | {self.tag}))
