"""The privileges of Proxmox VE and the roles that are built in, by version."""

_VM = [
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
]
_REST = [
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Group.Allocate",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "Realm.Allocate",
    "Realm.AllocateUser",
    "SDN.Allocate",
    "SDN.Audit",
    "SDN.Use",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
]
_MAPPING = ["Mapping.Audit", "Mapping.Modify", "Mapping.Use", "Sys.AccessNetwork"]
_AGENT = [f"VM.GuestAgent.{name}" for name in ("Audit", "FileRead", "FileSystemMgmt", "FileWrite", "Unrestricted")]

# What the module's own role needs; the rights of the recorded role `module` without those that deploy never uses.
HOSTING = [
    "Datastore.AllocateSpace",
    "Datastore.Audit",
    "Pool.Allocate",
    "Pool.Audit",
    "SDN.Use",
    "Sys.Audit",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
]


def agent_privileges(version: str) -> list[str]:
    """The privileges for the guest agent: one until 8, five since 9."""
    return list(_AGENT) if version.startswith("9") else ["VM.Monitor"]


def all_privileges(version: str) -> frozenset[str]:
    """Every privilege of a version."""
    extra = [] if version.startswith("7") else _MAPPING
    return frozenset([*_VM, *_REST, *extra, *agent_privileges(version)])


def built_in_roles(version: str) -> dict[str, frozenset[str]]:
    """Roles of a fresh installation, plus HostingModule, the role that our documentation has an admin create."""
    everything = all_privileges(version)
    audit = frozenset(p for p in everything if p.endswith(".Audit"))
    return {
        "Administrator": everything,
        "NoAccess": frozenset(),
        "PVEAdmin": everything - {"Permissions.Modify", "Sys.PowerMgmt", "Sys.Modify", "Realm.Allocate"},
        "PVEAuditor": audit,
        "PVEVMAdmin": frozenset([*_VM, *agent_privileges(version)]),
        "HostingModule": frozenset([*HOSTING, *agent_privileges(version)]) & everything,
    }
