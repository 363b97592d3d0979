"""The life of one VM: clone, configure, resize, migrate, destroy."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from providers.errors import NotFound, Rejected
from providers.proxmox.calls import Calls, upid_of
from providers.proxmox.translate import WorkerNotStarted
from providers.proxmox.vmconfig import VmConfig

# The form that Proxmox wants (PVE::JSONSchema, "urlencoded"). Keys in clear never look so: they hold a space.
_URL_ENCODED = re.compile(r"[-%a-zA-Z0-9_.!~*'()]*")


class Guests(Calls):
    """Calls about one VM's configuration. A VM is always named by node and VMID: no other node answers for it."""

    def config(self, node: str, vmid: int, current: bool = False) -> VmConfig | None:
        """The VM's configuration with pending changes applied, or the running one (`current`).

        None only when Proxmox says that there is no such VM on `node`.
        """
        path = f"{self._vm(node, vmid)}/config"
        try:
            raw = self._api.get(f"read the configuration of VM {vmid}", path, current=1 if current else None)
        except NotFound:
            return None
        return VmConfig(raw)

    def pending(self, node: str, vmid: int) -> dict[str, str | None]:
        """Changes that wait for the next stop/start: key -> new value, None = will be removed."""
        rows = self._api.get(f"read the pending changes of VM {vmid}", f"{self._vm(node, vmid)}/pending")
        waiting: dict[str, str | None] = {}
        for row in rows:
            if row.get("delete"):
                waiting[str(row["key"])] = None
            elif "pending" in row:
                waiting[str(row["key"])] = str(row["pending"])
        return waiting

    def has_feature(self, node: str, vmid: int, feature: str) -> bool:
        """Whether all disks of the VM can do `feature`: "clone" (linked), "copy" (full), "snapshot"."""
        path = f"{self._vm(node, vmid)}/feature"
        answer = self._api.get(f"check feature {feature} of VM {vmid}", path, heavy=True, feature=feature)
        return bool(int(answer.get("hasFeature") or 0))

    def clone(
        self,
        node: str,
        template: int,
        newid: int,
        *,
        name: str,
        description: str,
        full: bool,
        storage: str | None = None,
        target: str | None = None,
    ) -> str:
        """Start cloning `template`, which lives on `node`, as VM `newid`; returns the UPID (filed under the template).

        `description` carries our mark. `storage` is for full clones only and dropped otherwise; `target` another node to
        put the VM on, possible on shared storage only. Running it twice: the second call is a Conflict, as for any taken
        VMID. Raises Rejected before sending when template and new VM are the same.
        """
        doing = f"clone template {template} to VM {newid} on node {node}"
        if template == newid:
            raise Rejected(f"Could not {doing}: a VM cannot replace its template")
        params: dict[str, str | int | None] = {
            "newid": newid,
            "name": name,
            "description": description,
            "full": int(full),
            "storage": storage if full else None,
            "target": target if target != node else None,
        }
        try:
            return self._start_task(doing, f"{self._vm(node, template)}/clone", params)
        except WorkerNotStarted as error:
            # The stub of the new VM stays behind, locked, and the VMID is taken: whoever repeats has to look first.
            error.outcome_unknown = error.stub_left = True
            raise

    def configure(
        self,
        node: str,
        vmid: int,
        changes: Mapping[str, str | int],
        delete: Sequence[str] = (),
        digest: str | None = None,
    ) -> None:
        """Write configuration keys (values as Proxmox spells them; `sshkeys` also in clear) and remove others.

        Synchronous. With `digest` it is ChangedMeanwhile when somebody edited the VM since it was read. May run twice. Sends
        nothing when there is nothing to change. Not all changes reach a running VM: read `pending`.
        """
        if not changes and not delete:
            return
        params: dict[str, str | int | None] = {key: _spelled(key, value) for key, value in changes.items()}
        params["delete"] = ",".join(delete) or None
        params["digest"] = digest
        self._api.put(f"configure VM {vmid} on node {node}", f"{self._vm(node, vmid)}/config", params)

    def resize(self, node: str, vmid: int, disk: str, size_bytes: int) -> str | None:
        """Grow a disk to an absolute size; returns the UPID, or None where Proxmox has done it at once (before 8.0).

        May run twice: the size that it has is fine. Shrinking fails, in the task.
        """
        doing = f"resize {disk} of VM {vmid} on node {node}"
        params = {"disk": disk, "size": str(size_bytes)}
        upid = self._api.put(doing, f"{self._vm(node, vmid)}/resize", params)
        return upid_of(doing, upid) if upid is not None else None

    def regenerate_cloudinit(self, node: str, vmid: int) -> None:
        """Rebuild the cloud-init drive now; the guest reads it at its next boot. May run twice."""
        doing = f"rebuild the cloud-init drive of VM {vmid} on node {node}"
        self._api.put(doing, f"{self._vm(node, vmid)}/cloudinit")

    def migrate_preconditions(self, node: str, vmid: int, target: str) -> dict[str, Any]:
        """What Proxmox finds in the way of a migration to `target`: `running`, `local_disks`, `local_resources` …"""
        path = f"{self._vm(node, vmid)}/migrate"
        return dict(
            self._api.get(
                f"check the migration of VM {vmid} from node {node} to node {target}", path, heavy=True, target=target
            )
        )

    def migrate(self, node: str, vmid: int, target: str, *, targetstorage: str | None = None) -> str:
        """Start moving a stopped VM to node `target`; returns the UPID.

        `targetstorage` one storage for all local disks, or a mapping "a:b,c:d".
        """
        doing = f"migrate VM {vmid} from node {node} to node {target}"
        params = {"target": target, "targetstorage": targetstorage}
        return self._start_task(doing, f"{self._vm(node, vmid)}/migrate", params)

    def destroy(self, node: str, vmid: int) -> str | None:
        """Start destroying a stopped VM with all its disks, backup jobs and HA entries; returns the UPID.

        None when Proxmox says that there is no such VM on `node`. WrongState when it runs. Never call it on a VM that was
        not recognised as ours by its mark.
        """
        doing = f"destroy VM {vmid} on node {node}"
        params = {"purge": 1, "destroy-unreferenced-disks": 1}
        try:
            return upid_of(doing, self._api.delete(doing, self._vm(node, vmid), params))
        except NotFound:
            return None


def _spelled(key: str, value: str | int) -> str | int:
    """A value as a form carries it: booleans as 0 and 1, SSH keys URL-encoded inside the value."""
    if isinstance(value, bool):
        return int(value)
    if key == "sshkeys" and not _URL_ENCODED.fullmatch(str(value)):
        return quote(str(value).strip(), safe="")
    return value
