"""Who we are to the cluster, what we may do there, and which Proxmox VE it is."""

import re
from collections.abc import Mapping

from providers.errors import AuthFailed, Unavailable
from providers.proxmox.calls import Calls
from providers.proxmox.translate import PROXMOX_ADMIN
from providers.proxmox.transport import Transport

# What provisioning needs, by where it has to be granted. A path counts with everything above and below it.
NEEDED = {
    "/vms": (
        "VM.Allocate",
        "VM.Audit",
        "VM.Clone",
        "VM.Config.CDROM",
        "VM.Config.CPU",
        "VM.Config.Cloudinit",
        "VM.Config.Disk",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.PowerMgmt",
    ),
    "/storage": ("Datastore.AllocateSpace", "Datastore.Audit"),
    "/nodes": ("Sys.Audit",),
}
NEEDED_SINCE_8 = {"/sdn": ("SDN.Use",)}


class Access(Calls):
    """Version, rights, connection test."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._release: tuple[int, int] | None = None

    def version(self) -> str:
        """Proxmox VE's version, as in "8.4.1"."""
        return str(self._api.get("read the version of Proxmox VE", "version")["version"])

    def permissions(self) -> dict[str, dict[str, int]]:
        """What the credentials may do: path -> privilege -> 1 (inherited by what is below) or 0 (this path only)."""
        answer = self._api.get("read our permissions", "access/permissions")
        return {path: dict(privileges) for path, privileges in answer.items()}

    def test_connection(self) -> None:
        """Prove that the cluster is reached, the credentials are good and the rights suffice on nodes and storages.

        Raises the error with one clear line otherwise; changes nothing.
        """
        major = self._version_tuple()[0]
        who = self._api.endpoint.token_id
        granted = self.permissions()
        missing = missing_privileges(granted, NEEDED | (NEEDED_SINCE_8 if major >= 8 else {}))
        if not granted:
            raise AuthFailed(
                f"{who} may do nothing on {self._api.endpoint}: give it a role, or untick Privilege Separation of the token",
                who=PROXMOX_ADMIN,
            )
        if missing:
            raise AuthFailed(f"{who} lacks rights on {self._api.endpoint}: {'; '.join(missing)}", who=PROXMOX_ADMIN)
        nodes = self._api.get("list the nodes", "nodes")
        online = sorted(str(row["node"]) for row in nodes if row.get("status") == "online")
        if not online:
            raise Unavailable(f"No node of {self._api.endpoint} is online", who=PROXMOX_ADMIN)
        self._api.get(f"read the status of node {online[0]}", f"{self._node(online[0])}/status")
        path = f"{self._node(online[0])}/storage"
        if not self._api.get(f"list the storages of node {online[0]}", path, heavy=True):
            raise AuthFailed(f"{who} sees no storage on node {online[0]}", who=PROXMOX_ADMIN)

    def _at_least(self, major: int, minor: int) -> bool:
        """Whether the cluster's Proxmox VE has a feature; the version is asked for once."""
        if self._release is None:
            self._release = self._version_tuple()
        return self._release >= (major, minor)

    def _version_tuple(self) -> tuple[int, int]:
        match = re.match(r"(\d+)\.(\d+)", self.version())
        return (int(match[1]), int(match[2])) if match else (0, 0)


def missing_privileges(granted: Mapping[str, Mapping[str, int]], needed: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Lines like "VM.Clone on /vms" for each privilege that is granted neither on the path, nor above, nor below it."""
    missing = []
    for where, privileges in needed.items():
        near = [path for path in granted if path == where or path.startswith(f"{where}/")]
        held = {privilege for path in near for privilege in granted[path]}
        held |= {privilege for privilege, inherited in granted.get("/", {}).items() if inherited}
        absent = [privilege for privilege in privileges if privilege not in held]
        if absent:
            missing.append(f"{', '.join(absent)} on {where}")
    return missing
