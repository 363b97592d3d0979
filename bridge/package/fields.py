"""All settings of a product: the one table from which the product page, `kvm-bridge product` and the manual are drawn.

Order, labels, units and defaults are those of the product configuration page; names are those of the data model.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.package.hostnames import is_domain
from bridge.package.kinds import Choice, Flag, Kind, Text, Value, Whole, matching, quotable

AUTOMATICALLY = "automatically"
AS_IN_TEMPLATE = "As in template"
FROM_TEMPLATE = "auto (from template)"
AS_SYSTEM_DISK = "same as system disk"
NONE = "None"

DAY = 86_400


@dataclass(frozen=True)
class Field:
    """One setting. `section` and `group` place it on the page, `unit` and `hint` stand beside the input.

    `source` names the list of live values that the page offers (nodes, templates, storages …); `configoption` is the stock
    WHMCS column that keeps the value, 0 = the module's own table; a `secret` is masked wherever settings are listed.
    """

    name: str
    label: str
    section: str
    kind: Kind
    default: Value
    group: str = ""
    unit: str = ""
    hint: str = ""
    source: str = ""
    configoption: int = 0
    secret: bool = False

    def read(self, raw: object) -> Value:
        """The stored form of `raw`; raises BadSetting."""
        try:
            return self.kind.read(raw)
        except ValueError as error:
            shown = "the value" if self.secret else f'"{quotable(raw)}"'
            raise BadSetting({self.name: f"{self.label} ({self.name}): {shown} must be {error}"}) from None


class BadSetting(ValueError):
    """A setting of the product cannot be what was given. `errors` has one line per setting name."""

    kind = "permanent"
    who = "admin"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


_STORAGE_ID = r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]"
_NODE = matching(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_BRIDGE = matching(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_USER = matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_HOST_AND_PORT = matching(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")

_COUNT = Whole(0, 1000)
_SIZE = Whole(0, 131_072)
_MBPS = Whole(0, 1_000_000)
_IOPS = Whole(0, 100_000_000)
_POLICY = Choice((("ACCEPT", "ACCEPT"), ("DROP", "DROP"), ("REJECT", "REJECT")))
_LOG_LEVEL = Choice((("nolog", "nolog"), ("info", "info"), ("notice", "notice"), ("warning", "warning")))
_CLONE_TYPE = Choice((("linked", "Linked Clone"), ("full", "Full Clone")))
_CHANGE_MODE = Choice((("restart", "Always restart"), ("live", "Live where possible")))
_LIFETIME = Choice(
    ((0, "Don't remove"), (DAY, "1 day"), *((days * DAY, f"{days} days") for days in range(2, 11))),
)
_MODEL = Choice(
    (
        ("template", AS_IN_TEMPLATE),
        ("virtio", "VirtIO"),
        ("e1000", "Intel E1000"),
        ("rtl8139", "Realtek RTL8139"),
        ("vmxnet3", "VMware vmxnet3"),
    )
)
_VMID = Whole(100, 999_999_999)
_TEMPLATE = Whole(100, 999_999_999, blank="none")
_STORAGE = matching(_STORAGE_ID)


def _vm_configuration() -> tuple[Field, ...]:
    section = "VM Configuration"
    return (
        Field("node", "Target node", section, Text("a node name", _NODE, AUTOMATICALLY), AUTOMATICALLY, source="nodes"),
        Field("os_template", "OS template", section, _TEMPLATE, None, source="templates", configoption=4),
        Field(
            "clone_type",
            "Clone type",
            section,
            _CLONE_TYPE,
            "linked",
            hint="Linked = fast, less disk. Full = independent, slower.",
        ),
        Field("cpu", "CPU", section, Whole(1, 1024), 1, unit="cores"),
        Field("ram", "RAM", section, Whole(1, 4096), 1, unit="GB"),
        Field("backups", "Backups", section, _COUNT, 0, hint="0 = backups disabled"),
        Field("snapshots", "Snapshots", section, _COUNT, 0, hint="0 = snapshots disabled"),
        Field("vm_name_rule", "VM name rule", section, Text(), "", hint="empty = {client_id}-{service_id}"),
        Field("first_vm_id", "First VM ID", section, _VMID, 100),
        Field("os_username", "OS username", section, Text("a user name", _USER), "", hint="empty = random"),
        Field("snapshot_lifetime", "Snapshot lifetime", section, _LIFETIME, 0),
        Field(
            "change_mode",
            "Change package",
            section,
            _CHANGE_MODE,
            "restart",
            hint="live = the VM is stopped only for changes that need it",
        ),
    )


def _network() -> tuple[Field, ...]:
    section = "Network"
    return (
        Field("net_model", "Model", section, _MODEL, "template"),
        Field("net_bandwidth", "Bandwidth", section, Whole(0, 1_000_000), 0, unit="MB/s", hint="0 = unlimited"),
        Field(
            "net_bridge", "Bridge", section, Text("a bridge name", _BRIDGE, "vmbr0"), "vmbr0", hint="e.g. vmbr0, vmbr1"
        ),
        Field("net_vlan", "VLAN tag", section, Whole(0, 4096), 0, hint="0 = no VLAN"),
        Field("ipv4_count", "IPv4 count", section, Whole(0, 256), 1),
        Field("ipv6_count", "IPv6 count", section, Whole(0, 256), 0, hint="0 = no IPv6"),
        Field("net_auto", "Auto bridge/VLAN", section, Flag(), True, hint="bridge and VLAN of the IP pool are used"),
        Field("dhcp_ipv4", "DHCP IPv4", section, Flag(), True, hint="on = no IPv4 address is allocated, no firewall"),
        Field("dhcp_ipv6", "DHCP IPv6", section, Flag(), True, hint="on = no IPv6 address is allocated, no firewall"),
    )


def _firewall() -> tuple[Field, ...]:
    section, policy, toggles = "Firewall", "Policy and Logging", "Firewall Toggles"
    switches = (
        ("fw_enable", "Enable", True),
        ("fw_dhcp", "DHCP", True),
        ("fw_ndp", "NDP", True),
        ("fw_radv", "Router Adv", False),
        ("fw_macfilter", "MAC filter", True),
        ("fw_ipfilter", "IP filter", False),
        ("fw_antispoofing", "Anti-spoofing", True),
    )
    return (
        Field("fw_policy_in", "Input Policy", section, _POLICY, "ACCEPT", group=policy),
        Field("fw_policy_out", "Output Policy", section, _POLICY, "ACCEPT", group=policy),
        Field("fw_log_in", "Log level in", section, _LOG_LEVEL, "nolog", group=policy),
        Field("fw_log_out", "Log level out", section, _LOG_LEVEL, "nolog", group=policy),
        *(Field(name, label, section, Flag(), default, group=toggles) for name, label, default in switches),
    )


def _disk(prefix: str, group: str, blank: str, size_hint: str) -> tuple[Field, ...]:
    section = "Storage"
    storage = Text("a storage name", _STORAGE, blank)
    return (
        Field(f"{prefix}_storage", "Storage", section, storage, blank, group=group, source="storages"),
        Field(f"{prefix}_size", "Space", section, _SIZE, 0, group=group, unit="GB", hint=size_hint),
        Field(f"{prefix}_mbps_rd", "Bandwidth Read", section, _MBPS, 0, group=group, unit="MB/s", hint="0 = unlimited"),
        Field(
            f"{prefix}_mbps_wr", "Bandwidth Write", section, _MBPS, 0, group=group, unit="MB/s", hint="0 = unlimited"
        ),
        Field(f"{prefix}_iops_rd", "IOPS Read", section, _IOPS, 0, group=group, unit="IOPS", hint="0 = unlimited"),
        Field(f"{prefix}_iops_wr", "IOPS Write", section, _IOPS, 0, group=group, unit="IOPS", hint="0 = unlimited"),
    )


def _integrations() -> tuple[Field, ...]:
    section, storage, domain, mail = "Integrations", "Storage and Console", "Domain and DNS", "Email Templates"
    backups = Text("a storage as name|type, e.g. local|dir", matching(_STORAGE_ID + r"(\|[a-z0-9]+)?"), NONE)
    isos = Text("a storage name", matching(_STORAGE_ID + r"(\|[a-z0-9]+)?"), NONE)
    template = Text("the name of an e-mail template", blank=NONE)
    ready, reset, restored = ("VM is ready", "Reset password", "Backup restored")
    return (
        Field("backup_storage", "Backups storage", section, backups, NONE, group=storage, source="backup storages"),
        Field("iso_storage", "ISOs storage", section, isos, NONE, group=storage, source="ISO storages"),
        Field(
            "novnc_domain",
            "noVNC domain",
            section,
            Text("a host name", _HOST_AND_PORT),
            "vncproxy.puqcloud.com",
            group=storage,
        ),
        Field("novnc_key", "noVNC key", section, Text(), "puqcloud", group=storage, secret=True),
        Field(
            "main_domain",
            "Main domain",
            section,
            Text("a domain name", is_domain),
            ".example.com",
            group=domain,
            hint="<prefix>-<cid>-<sid>.example.com",
        ),
        Field("revdns_ticket", "RevDNS ticket", section, Flag(), True, group=domain),
        Field(
            "revdns_department",
            "RevDNS ticket department",
            section,
            Whole(1, 2_147_483_647, blank="none"),
            None,
            group=domain,
            source="support departments",
        ),
        *(
            Field(name, label, section, template, f"puqProxmoxKVM {label}", group=mail, source="e-mail templates")
            for name, label in (("mail_ready", ready), ("mail_reset", reset), ("mail_restored", restored))
        ),
    )


def _permissions() -> tuple[Field, ...]:
    permissions = (
        ("client_start", "Start"),
        ("client_stop", "Stop"),
        ("client_novnc", "noVNC"),
        ("client_charts", "Charts"),
        ("client_reinstall", "Reinstall"),
        ("client_reset_password", "Reset password"),
        ("client_revdns", "RevDNS"),
        ("client_iso", "ISO mount"),
        ("client_firewall", "Firewall"),
    )
    return tuple(Field(name, label, "Client Area Permissions", Flag(), True) for name, label in permissions)


FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("license_key", "License key", "License Key", Text(), "", configoption=1),
        *_vm_configuration(),
        *_network(),
        *_firewall(),
        *_disk("sys", "System Disk", FROM_TEMPLATE, "0 = not changed"),
        *_disk("add", "Additional Disk", AS_SYSTEM_DISK, "0 = not created"),
        *_integrations(),
        *_permissions(),
    )
}


def validated(changes: Mapping[str, object]) -> dict[str, Value]:
    """The stored forms of all `changes`, or BadSetting with a line for each that is wrong or unknown: all or nothing."""
    values: dict[str, Value] = {}
    errors: dict[str, str] = {}
    for name, raw in changes.items():
        field = FIELDS.get(name)
        if field is None:
            errors[name] = f'"{quotable(name)}" is not a product setting'
            continue
        try:
            values[name] = field.read(raw)
        except BadSetting as error:
            errors.update(error.errors)
    if errors:
        raise BadSetting(errors)
    return values


def completed(settings: Mapping[str, object]) -> dict[str, Value]:
    """All settings in page order, defaults filled in. Names that are no settings are left out; raises BadSetting."""
    return validated({name: settings.get(name, field.default) for name, field in FIELDS.items()})


def remarks(settings: Mapping[str, Value]) -> list[str]:
    """What is allowed but will hardly work as wanted, one line each."""
    vlan = settings.get("net_vlan")
    if vlan in (4095, 4096):
        return [f"VLAN tag (net_vlan): Proxmox VE refuses VLAN {vlan}, the highest usable one is 4094"]
    return []
