"""What the invariants look at: the sandbox cluster itself, and the states in the database."""

from typing import Any

from bridge.models.module import VmInfo
from bridge.sandbox.proxmox import Cluster
from bridge.sandbox.whmcs import WhmcsSandbox

INSTALL = "c0ffee00"  # the installation's id in our marks


class Observed:
    """An installation, in one process or in many. The models are bound to its database; `lines` is what it printed."""

    cluster: Cluster
    whmcs: WhmcsSandbox
    lines: list[str]

    def guests(self) -> list[dict[str, Any]]:
        """All guests of the cluster, templates included."""
        guests = self.cluster.snapshot_of_state()["guests"]
        return [
            {"vmid": vmid, "node": guest["node"], "template": self.is_template(vmid), "status": self.status(vmid)}
            for vmid, guest in guests.items()
        ]

    def vm_config(self, vmid: int) -> dict[str, Any]:
        """A guest's configuration as it is stored."""
        return dict(self.cluster.guests[vmid].config)

    def volumes(self) -> list[str]:
        """Ids of all disk images."""
        return [
            f"{storage}:{name}"
            for (storage, _), names in self.cluster.snapshot_of_state()["volumes"].items()
            for name in names
            if not name.startswith("iso/")
        ]

    def is_template(self, vmid: int) -> bool:
        """Whether the guest is a template."""
        return str(self.vm_config(vmid).get("template")) == "1"

    def status(self, vmid: int) -> str:
        """running or stopped."""
        return "running" if self.cluster.guests[vmid].run else "stopped"

    def states(self) -> dict[int, str]:
        """`vm_status` by service."""
        return {row.service_id: row.vm_status for row in VmInfo.select()}
