"""The effective package: where each product setting lands, spelled as Proxmox and the steps need it."""

from dataclasses import asdict
from typing import Any

import pytest

from bridge.package.effective import effective
from bridge.package.fields import BadSetting
from statemachines.package import Package


def test_an_untouched_product_promises_what_the_package_says_by_itself() -> None:
    assert effective({}, {}) == (Package(), [])


LANDS = [
    # setting, given, where it lands, value
    pytest.param("node", "automatically", "node", None),
    pytest.param("node", "pve2", "node", "pve2"),
    pytest.param("os_template", "1012", "template", 1012),
    pytest.param("os_template", "none", "template", None),
    pytest.param("clone_type", "Full Clone", "full_clone", True, marks=pytest.mark.req("CFG-10")),
    pytest.param("clone_type", "Linked Clone", "full_clone", False, marks=pytest.mark.req("CFG-10")),
    pytest.param("cpu", "6", "cpu", 6),
    pytest.param("ram", "3", "ram_gb", 3),
    pytest.param("backups", "3", "backups", 3, marks=pytest.mark.req("CFG-14")),
    pytest.param("snapshots", "2", "snapshots", 2, marks=pytest.mark.req("CFG-15")),
    pytest.param("vm_name_rule", "vps-{service_id}", "vm_name_rule", "vps-{service_id}"),
    pytest.param("first_vm_id", "2000", "first_vm_id", 2000),
    pytest.param("os_username", "debian", "os_username", "debian"),
    pytest.param("snapshot_lifetime", "2 days", "snapshot_lifetime", 172_800, marks=pytest.mark.req("CFG-29")),
    pytest.param("change_mode", "live", "change_mode", "live"),
    pytest.param("net_model", "As in template", "network.model", None, marks=pytest.mark.req("CFG-30")),
    pytest.param("net_model", "VirtIO", "network.model", "virtio", marks=pytest.mark.req("CFG-30")),
    pytest.param("net_model", "Intel E1000", "network.model", "e1000", marks=pytest.mark.req("CFG-30")),
    pytest.param("net_model", "Realtek RTL8139", "network.model", "rtl8139", marks=pytest.mark.req("CFG-30")),
    pytest.param("net_model", "VMware vmxnet3", "network.model", "vmxnet3", marks=pytest.mark.req("CFG-30")),
    pytest.param("net_bandwidth", "12", "network.rate", 12, marks=pytest.mark.req("NET-04")),
    pytest.param("net_bridge", "vmbr7", "network.bridge", "vmbr7"),
    pytest.param("net_vlan", "30", "network.vlan", 30),
    pytest.param("net_auto", "off", "network.auto", False),
    pytest.param("ipv4_count", "2", "network.ipv4_count", 2, marks=pytest.mark.req("CFG-35")),
    pytest.param("ipv6_count", "4", "network.ipv6_count", 4, marks=pytest.mark.req("CFG-36")),
    pytest.param("dhcp_ipv4", "off", "network.dhcp_ipv4", False),
    pytest.param("dhcp_ipv6", "off", "network.dhcp_ipv6", False),
    pytest.param("fw_policy_in", "DROP", "firewall.policy_in", "DROP"),
    pytest.param("fw_policy_out", "REJECT", "firewall.policy_out", "REJECT"),
    pytest.param("fw_log_in", "info", "firewall.log_in", "info"),
    pytest.param("fw_log_out", "notice", "firewall.log_out", "notice"),
    pytest.param("fw_enable", "off", "firewall.enable", False),
    pytest.param("fw_dhcp", "off", "firewall.dhcp", False),
    pytest.param("fw_ndp", "off", "firewall.ndp", False),
    pytest.param("fw_radv", "on", "firewall.radv", True),
    pytest.param("fw_macfilter", "off", "firewall.macfilter", False),
    pytest.param("fw_ipfilter", "on", "firewall.ipfilter", True),
    pytest.param("fw_antispoofing", "off", "firewall.antispoofing", False),
    pytest.param("sys_storage", "auto (from template)", "system_disk.storage", None, marks=pytest.mark.req("CFG-48")),
    pytest.param("sys_storage", "ceph", "system_disk.storage", "ceph"),
    pytest.param("sys_size", "40", "system_disk.size_gb", 40),
    pytest.param("sys_mbps_rd", "11", "system_disk.limits.mbps_rd", 11),
    pytest.param("sys_mbps_wr", "12", "system_disk.limits.mbps_wr", 12),
    pytest.param("sys_iops_rd", "13", "system_disk.limits.iops_rd", 13),
    pytest.param("sys_iops_wr", "14", "system_disk.limits.iops_wr", 14),
    pytest.param(
        "add_storage", "same as system disk", "additional_disk.storage", None, marks=pytest.mark.req("CFG-50")
    ),
    pytest.param("add_storage", "hdd", "additional_disk.storage", "hdd"),
    pytest.param("add_size", "100", "additional_disk.size_gb", 100),
    pytest.param("add_mbps_rd", "21", "additional_disk.limits.mbps_rd", 21),
    pytest.param("add_mbps_wr", "22", "additional_disk.limits.mbps_wr", 22),
    pytest.param("add_iops_rd", "23", "additional_disk.limits.iops_rd", 23),
    pytest.param("add_iops_wr", "24", "additional_disk.limits.iops_wr", 24),
    pytest.param("backup_storage", "pbs-zfsstorage|pbs", "backup_storage", "pbs-zfsstorage"),
    pytest.param("backup_storage", "None", "backup_storage", None),
    pytest.param("iso_storage", "nfs", "iso_storage", "nfs"),
    pytest.param("main_domain", "puqcloud.com", "main_domain", "puqcloud.com"),
    pytest.param("mail_ready", "None", "mail_ready", None),
    pytest.param("mail_reset", "Mein Passwort", "mail_reset", "Mein Passwort"),
    pytest.param("mail_restored", "None", "mail_restored", None),
]


@pytest.mark.parametrize(("setting", "given", "path", "expected"), LANDS)
def test_a_setting_lands_in_its_part_of_the_package(setting: str, given: str, path: str, expected: object) -> None:
    package, warnings = effective({setting: given}, {})
    found: Any = asdict(package)
    for key in path.split("."):
        found = found[key]
    assert (found, warnings) == (expected, [])


def test_every_part_of_the_package_is_reached_by_a_setting() -> None:
    def paths(part: dict[str, Any], prefix: str = "") -> set[str]:
        return {
            path
            for key, value in part.items()
            for path in (paths(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key})
        }

    chosen_by_client = {
        f"{disk}.{flag}"
        for disk in ("system_disk", "additional_disk")
        for flag in ("from_option", "limits_from_option")
    }
    assert paths(asdict(Package())) == {row.values[2] for row in LANDS} | chosen_by_client


def test_an_unreadable_setting_stops_the_package_with_its_line() -> None:
    with pytest.raises(BadSetting, match=r'^OS template \(os_template\): "Debian-12" must be'):
        effective({"os_template": "Debian-12"}, {})


def test_an_option_heals_an_unreadable_setting() -> None:
    assert effective({"os_template": "Debian-12"}, {"Operating System": "9002|Debian 12"})[0].template == 9002


def test_settings_of_a_newer_version_are_passed_over() -> None:
    assert effective({"quantum": "on"}, {})[0] == Package()


def test_a_vlan_that_proxmox_refuses_comes_with_a_warning() -> None:
    _, warnings = effective({"net_vlan": 4096}, {})
    assert warnings == ["VLAN tag (net_vlan): Proxmox VE refuses VLAN 4096, the highest usable one is 4094"]


@pytest.mark.req("CFG-38", "CFG-39")
@pytest.mark.parametrize(
    ("dhcp_ipv4", "dhcp_ipv6", "wanted"),
    [(True, True, (0, 0)), (False, True, (2, 0)), (True, False, (0, 3)), (False, False, (2, 3))],
)
def test_a_family_on_dhcp_wants_no_addresses(dhcp_ipv4: bool, dhcp_ipv6: bool, wanted: tuple[int, int]) -> None:
    settings = {"ipv4_count": 2, "ipv6_count": 3, "dhcp_ipv4": dhcp_ipv4, "dhcp_ipv6": dhcp_ipv6}
    network = effective(settings, {})[0].network
    assert (network.wanted_ipv4, network.wanted_ipv6) == wanted
