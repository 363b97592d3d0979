"""Pools of VMs and storages, on which rights can be given."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Pool:
    """One pool; a VM is in one pool at most, a storage may be in several."""

    comment: str | None = None
    vms: set[int] = field(default_factory=set)
    storages: set[str] = field(default_factory=set)

    def paths(self) -> Iterator[str]:
        """The paths on which a right on the pool holds as well."""
        yield from (f"/vms/{vmid}" for vmid in sorted(self.vms))
        yield from (f"/storage/{name}" for name in sorted(self.storages))
