"""The effective package: the product's settings with the service's configurable options over them."""

from collections.abc import Mapping

from bridge.package.fields import AS_SYSTEM_DISK, AUTOMATICALLY, FROM_TEMPLATE, NONE, completed, remarks
from bridge.package.kinds import Value
from bridge.package.options import assigned
from statemachines.package import DiskSpec, FirewallSpec, Limits, NetworkSpec, Package

_LIMITS = ("mbps_rd", "mbps_wr", "iops_rd", "iops_wr")


def effective(settings: Mapping[str, object], options: Mapping[str, object]) -> tuple[Package, list[str]]:
    """What the VM shall be, and a line for each thing the admin should know.

    `settings`: setting name -> value, missing ones have their default; `options`: as in `options.assigned`. An assigned
    option wins over the setting, 0 included. Raises BadSetting only for a setting that no option replaces.
    """
    chosen = assigned(options)
    values = completed({**settings, **chosen.values})
    package = _package(_Reader(values), frozenset(chosen.values))
    return package, [*chosen.warnings, *remarks(values)]


class _Reader:
    """Typed access to validated settings."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def number(self, name: str) -> int:
        value = self._values[name]
        assert isinstance(value, int)
        return value

    def optional_number(self, name: str) -> int | None:
        return None if self._values[name] is None else self.number(name)

    def flag(self, name: str) -> bool:
        return bool(self._values[name])

    def text(self, name: str) -> str:
        return str(self._values[name])

    def text_unless(self, name: str, blank: str) -> str | None:
        value = self.text(name)
        return None if value == blank else value

    def storage(self, name: str) -> str | None:
        """The storage's ID of a `name|type` setting."""
        value = self.text_unless(name, NONE)
        return value.partition("|")[0] if value else None


def _package(read: _Reader, from_options: frozenset[str]) -> Package:
    return Package(
        node=read.text_unless("node", AUTOMATICALLY),
        template=read.optional_number("os_template"),
        full_clone=read.text("clone_type") == "full",
        cpu=read.number("cpu"),
        ram_gb=read.number("ram"),
        backups=read.number("backups"),
        snapshots=read.number("snapshots"),
        vm_name_rule=read.text("vm_name_rule"),
        first_vm_id=read.number("first_vm_id"),
        os_username=read.text("os_username"),
        snapshot_lifetime=read.number("snapshot_lifetime"),
        change_mode=read.text("change_mode"),
        network=_network(read),
        firewall=_firewall(read),
        system_disk=_disk(read, "sys", FROM_TEMPLATE, from_options),
        additional_disk=_disk(read, "add", AS_SYSTEM_DISK, from_options),
        backup_storage=read.storage("backup_storage"),
        iso_storage=read.storage("iso_storage"),
        main_domain=read.text("main_domain"),
        mail_ready=read.text_unless("mail_ready", NONE),
        mail_reset=read.text_unless("mail_reset", NONE),
        mail_restored=read.text_unless("mail_restored", NONE),
    )


def _network(read: _Reader) -> NetworkSpec:
    return NetworkSpec(
        model=read.text_unless("net_model", "template"),
        rate=read.number("net_bandwidth"),
        bridge=read.text("net_bridge"),
        vlan=read.number("net_vlan"),
        auto=read.flag("net_auto"),
        ipv4_count=read.number("ipv4_count"),
        ipv6_count=read.number("ipv6_count"),
        dhcp_ipv4=read.flag("dhcp_ipv4"),
        dhcp_ipv6=read.flag("dhcp_ipv6"),
    )


def _firewall(read: _Reader) -> FirewallSpec:
    return FirewallSpec(
        enable=read.flag("fw_enable"),
        dhcp=read.flag("fw_dhcp"),
        ndp=read.flag("fw_ndp"),
        radv=read.flag("fw_radv"),
        macfilter=read.flag("fw_macfilter"),
        ipfilter=read.flag("fw_ipfilter"),
        antispoofing=read.flag("fw_antispoofing"),
        policy_in=read.text("fw_policy_in"),
        policy_out=read.text("fw_policy_out"),
        log_in=read.text("fw_log_in"),
        log_out=read.text("fw_log_out"),
    )


def _disk(read: _Reader, prefix: str, blank: str, from_options: frozenset[str]) -> DiskSpec:
    limits = {key: read.number(f"{prefix}_{key}") for key in _LIMITS}
    return DiskSpec(
        storage=read.text_unless(f"{prefix}_storage", blank),
        size_gb=read.number(f"{prefix}_size"),
        limits=Limits(**limits),
        from_option=f"{prefix}_size" in from_options,
        limits_from_option=any(f"{prefix}_{key}" in from_options for key in _LIMITS),
    )
