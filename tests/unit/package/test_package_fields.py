"""The table of product settings: documented defaults, units and ranges, and what is said about a wrong value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.package.fields import FIELDS, BadSetting, completed, remarks, validated

DOCUMENTED = [
    # name, label, section, default, unit
    pytest.param("license_key", "License key", "License Key", "", ""),
    pytest.param("node", "Target node", "VM Configuration", "automatically", ""),
    pytest.param("os_template", "OS template", "VM Configuration", None, ""),
    pytest.param("clone_type", "Clone type", "VM Configuration", "linked", "", marks=pytest.mark.req("CFG-10")),
    pytest.param("cpu", "CPU", "VM Configuration", 1, "cores", marks=pytest.mark.req("CFG-12", "OPT-25")),
    pytest.param("ram", "RAM", "VM Configuration", 1, "GB", marks=pytest.mark.req("CFG-13", "OPT-25")),
    pytest.param("backups", "Backups", "VM Configuration", 0, "", marks=pytest.mark.req("CFG-14", "OPT-25")),
    pytest.param("snapshots", "Snapshots", "VM Configuration", 0, "", marks=pytest.mark.req("CFG-15", "OPT-25")),
    pytest.param("vm_name_rule", "VM name rule", "VM Configuration", "", ""),
    pytest.param("first_vm_id", "First VM ID", "VM Configuration", 100, ""),
    pytest.param("os_username", "OS username", "VM Configuration", "", ""),
    pytest.param("snapshot_lifetime", "Snapshot lifetime", "VM Configuration", 0, "", marks=pytest.mark.req("CFG-29")),
    pytest.param("change_mode", "Change package", "VM Configuration", "restart", ""),
    pytest.param("net_model", "Model", "Network", "template", "", marks=pytest.mark.req("CFG-30")),
    pytest.param("net_bandwidth", "Bandwidth", "Network", 0, "MB/s", marks=pytest.mark.req("CFG-32", "OPT-25")),
    pytest.param("net_bridge", "Bridge", "Network", "vmbr0", "", marks=pytest.mark.req("CFG-33")),
    pytest.param("net_vlan", "VLAN tag", "Network", 0, "", marks=pytest.mark.req("CFG-34")),
    pytest.param("ipv4_count", "IPv4 count", "Network", 1, "", marks=pytest.mark.req("CFG-35", "OPT-25")),
    pytest.param("ipv6_count", "IPv6 count", "Network", 0, "", marks=pytest.mark.req("CFG-36", "OPT-25")),
    pytest.param("net_auto", "Auto bridge/VLAN", "Network", True, "", marks=pytest.mark.req("CFG-37")),
    pytest.param("dhcp_ipv4", "DHCP IPv4", "Network", True, "", marks=pytest.mark.req("CFG-38")),
    pytest.param("dhcp_ipv6", "DHCP IPv6", "Network", True, "", marks=pytest.mark.req("CFG-39")),
    pytest.param("fw_policy_in", "Input Policy", "Firewall", "ACCEPT", "", marks=pytest.mark.req("CFG-42")),
    pytest.param("fw_policy_out", "Output Policy", "Firewall", "ACCEPT", "", marks=pytest.mark.req("CFG-43")),
    pytest.param("fw_log_in", "Log level in", "Firewall", "nolog", "", marks=pytest.mark.req("CFG-44")),
    pytest.param("fw_log_out", "Log level out", "Firewall", "nolog", "", marks=pytest.mark.req("CFG-44")),
    pytest.param("fw_enable", "Enable", "Firewall", True, "", marks=pytest.mark.req("CFG-45")),
    pytest.param("fw_dhcp", "DHCP", "Firewall", True, "", marks=pytest.mark.req("CFG-45")),
    pytest.param("fw_ndp", "NDP", "Firewall", True, "", marks=pytest.mark.req("CFG-45")),
    pytest.param("fw_radv", "Router Adv", "Firewall", False, "", marks=pytest.mark.req("CFG-45")),
    pytest.param("fw_macfilter", "MAC filter", "Firewall", True, "", marks=pytest.mark.req("CFG-45")),
    pytest.param("fw_ipfilter", "IP filter", "Firewall", False, "", marks=pytest.mark.req("CFG-45")),
    pytest.param("fw_antispoofing", "Anti-spoofing", "Firewall", True, "", marks=pytest.mark.req("CFG-45")),
    pytest.param("sys_storage", "Storage", "Storage", "auto (from template)", "", marks=pytest.mark.req("CFG-48")),
    pytest.param("sys_size", "Space", "Storage", 0, "GB", marks=pytest.mark.req("CFG-49", "OPT-25")),
    pytest.param("sys_mbps_rd", "Bandwidth Read", "Storage", 0, "MB/s", marks=pytest.mark.req("CFG-49", "OPT-25")),
    pytest.param("sys_mbps_wr", "Bandwidth Write", "Storage", 0, "MB/s", marks=pytest.mark.req("CFG-49", "OPT-25")),
    pytest.param("sys_iops_rd", "IOPS Read", "Storage", 0, "IOPS", marks=pytest.mark.req("CFG-49", "OPT-25")),
    pytest.param("sys_iops_wr", "IOPS Write", "Storage", 0, "IOPS", marks=pytest.mark.req("CFG-49", "OPT-25")),
    pytest.param("add_storage", "Storage", "Storage", "same as system disk", "", marks=pytest.mark.req("CFG-50")),
    pytest.param("add_size", "Space", "Storage", 0, "GB", marks=pytest.mark.req("CFG-51", "OPT-25")),
    pytest.param("add_mbps_rd", "Bandwidth Read", "Storage", 0, "MB/s", marks=pytest.mark.req("CFG-51", "OPT-25")),
    pytest.param("add_mbps_wr", "Bandwidth Write", "Storage", 0, "MB/s", marks=pytest.mark.req("CFG-51", "OPT-25")),
    pytest.param("add_iops_rd", "IOPS Read", "Storage", 0, "IOPS", marks=pytest.mark.req("CFG-51", "OPT-25")),
    pytest.param("add_iops_wr", "IOPS Write", "Storage", 0, "IOPS", marks=pytest.mark.req("CFG-51", "OPT-25")),
    pytest.param("backup_storage", "Backups storage", "Integrations", "None", ""),
    pytest.param("iso_storage", "ISOs storage", "Integrations", "None", ""),
    pytest.param(
        "novnc_domain", "noVNC domain", "Integrations", "vncproxy.puqcloud.com", "", marks=pytest.mark.req("CFG-55")
    ),
    pytest.param("novnc_key", "noVNC key", "Integrations", "puqcloud", "", marks=pytest.mark.req("CFG-55")),
    pytest.param("main_domain", "Main domain", "Integrations", ".example.com", "", marks=pytest.mark.req("CFG-56")),
    pytest.param("revdns_ticket", "RevDNS ticket", "Integrations", True, ""),
    pytest.param("revdns_department", "RevDNS ticket department", "Integrations", None, ""),
    pytest.param("mail_ready", "VM is ready", "Integrations", "puqProxmoxKVM VM is ready", ""),
    pytest.param("mail_reset", "Reset password", "Integrations", "puqProxmoxKVM Reset password", ""),
    pytest.param("mail_restored", "Backup restored", "Integrations", "puqProxmoxKVM Backup restored", ""),
    *(
        pytest.param(name, label, "Client Area Permissions", True, "", marks=pytest.mark.req("PRM-17"))
        for name, label in (
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
    ),
]


@pytest.mark.parametrize(("name", "label", "section", "default", "unit"), DOCUMENTED)
def test_a_new_product_shows_the_documented_setting(
    name: str, label: str, section: str, default: object, unit: str
) -> None:
    field = FIELDS[name]
    assert (field.label, field.section, field.unit) == (label, section, unit)
    assert completed({})[name] == default


@pytest.mark.req("PRM-17")
def test_the_table_holds_the_documented_settings_and_no_others() -> None:
    assert list(FIELDS) == [row.values[0] for row in DOCUMENTED]


@pytest.mark.req("CFG-46")
def test_firewall_settings_have_a_section_of_their_own() -> None:
    assert {field.section for name, field in FIELDS.items() if name.startswith("fw_")} == {"Firewall"}


@pytest.mark.req("CFG-29", "SNP-12")
def test_snapshots_live_for_ever_or_for_one_to_ten_days_counted_in_seconds() -> None:
    labels = ["Don't remove", "1 day", *(f"{days} days" for days in range(2, 11))]
    assert [FIELDS["snapshot_lifetime"].read(label) for label in labels] == [days * 86_400 for days in range(11)]


READ = [
    # setting, given, stored
    ("cpu", "4", 4),
    ("cpu", " 8 ", 8),
    ("cpu", 2.0, 2),
    ("backups", "0", 0),
    ("node", "", "automatically"),
    ("node", "Automatically", "automatically"),
    ("node", "Pve-waw2", "Pve-waw2"),
    ("os_template", "", None),
    ("os_template", "none", None),
    ("os_template", "1012", 1012),
    ("clone_type", "Full Clone", "full"),
    ("clone_type", "LINKED", "linked"),
    ("net_model", "VMware vmxnet3", "vmxnet3"),
    ("net_model", "As in template", "template"),
    ("net_bridge", "", "vmbr0"),
    ("net_vlan", "4096", 4096),
    ("dhcp_ipv4", "off", False),
    ("dhcp_ipv4", "", False),
    ("dhcp_ipv4", "On", True),
    ("dhcp_ipv4", 1, True),
    ("dhcp_ipv4", True, True),
    ("fw_policy_in", "drop", "DROP"),
    ("fw_log_in", "warning", "warning"),
    ("sys_storage", "", "auto (from template)"),
    ("sys_storage", "local-lvm", "local-lvm"),
    ("add_storage", "same as system disk", "same as system disk"),
    ("backup_storage", "pbs-zfsstorage|pbs", "pbs-zfsstorage|pbs"),
    ("main_domain", "puqcloud.com.", "puqcloud.com."),
    ("main_domain", "bücher.example", "bücher.example"),
    ("main_domain", "", ""),
    ("mail_ready", "none", "None"),
    ("mail_ready", "Größe geändert", "Größe geändert"),
    ("revdns_department", "3", 3),
]


@pytest.mark.parametrize(("name", "given", "stored"), READ)
def test_a_setting_is_understood_in_the_forms_in_which_it_arrives(name: str, given: object, stored: object) -> None:
    assert validated({name: given}) == {name: stored}


WRONG = [
    ("cpu", "0", 'CPU (cpu): "0" must be a whole number from 1 to 1024'),
    ("cpu", "-1", 'CPU (cpu): "-1" must be a whole number from 1 to 1024'),
    ("cpu", "four", 'CPU (cpu): "four" must be a whole number from 1 to 1024'),
    ("ram", "1.5", 'RAM (ram): "1.5" must be a whole number from 1 to 4096'),
    ("ram", "٤", 'RAM (ram): "٤" must be a whole number from 1 to 4096'),
    ("ram", "9" * 5000, f'RAM (ram): "{"9" * 57}..." must be a whole number from 1 to 4096'),
    ("net_vlan", "4097", 'VLAN tag (net_vlan): "4097" must be a whole number from 0 to 4096'),
    ("fw_enable", "maybe", 'Enable (fw_enable): "maybe" must be on or off'),
    ("clone_type", "half", 'Clone type (clone_type): "half" must be one of Linked Clone, Full Clone'),
    ("os_template", "Debian-12", 'OS template (os_template): "Debian-12" must be a whole number from 100 to 999999999, or none'),
    ("node", "pve 1", 'Target node (node): "pve 1" must be a node name, or automatically'),
    ("node", "pve1\nnext", 'Target node (node): "pve1?next" must be a node name, or automatically'),
    ("os_username", "root;reboot", 'OS username (os_username): "root;reboot" must be a user name'),
    ("main_domain", "exa mple.com", 'Main domain (main_domain): "exa mple.com" must be a domain name'),
    ("main_domain", "_x.example.com", 'Main domain (main_domain): "_x.example.com" must be a domain name'),
    ("sys_storage", "../etc", 'Storage (sys_storage): "../etc" must be a storage name, or auto (from template)'),
    ("colour", "red", '"colour" is not a product setting'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "line"), WRONG)
def test_a_wrong_value_is_refused_with_one_line_that_names_the_setting(name: str, given: object, line: str) -> None:
    with pytest.raises(BadSetting) as refused:
        validated({name: given})
    assert str(refused.value) == line
    assert "\n" not in str(refused.value)


@pytest.mark.req("CFG-34")
@pytest.mark.parametrize(
    ("vlan", "accepted"), [("0", True), ("4094", True), ("4096", True), ("4097", False), ("-1", False)]
)
def test_vlan_tags_from_0_to_4096_are_accepted(vlan: str, accepted: bool) -> None:
    if accepted:
        assert validated({"net_vlan": vlan}) == {"net_vlan": int(vlan)}
    else:
        with pytest.raises(BadSetting):
            validated({"net_vlan": vlan})


def test_a_vlan_that_proxmox_refuses_is_accepted_with_a_remark() -> None:
    assert remarks({"net_vlan": 4094}) == []
    assert remarks({"net_vlan": 4095}) == [
        "VLAN tag (net_vlan): Proxmox VE refuses VLAN 4095, the highest usable one is 4094"
    ]


def test_one_wrong_value_among_many_refuses_them_all_and_reports_each() -> None:
    with pytest.raises(BadSetting) as refused:
        validated({"cpu": "4", "ram": "x", "net_vlan": "y"})
    assert set(refused.value.errors) == {"ram", "net_vlan"}


def test_a_wrong_secret_is_not_repeated_in_the_error() -> None:
    with pytest.raises(BadSetting) as refused:
        validated({"novnc_key": "hunter2\x00"})
    assert "hunter2" not in str(refused.value)


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


@given(st.sampled_from(sorted(FIELDS)), st.one_of(ANYTHING, st.integers(min_value=10**4999, max_value=10**5000)))
def test_reading_anything_gives_a_value_or_the_clear_error(name: str, raw: object) -> None:
    field = FIELDS[name]
    try:
        stored = field.read(raw)
    except BadSetting as error:
        line = str(error)
    else:
        line = f"{field.label} ({name}): fine"
        assert field.read(stored) == stored
    assert line.startswith(f"{field.label} ({name}): ")
    assert line.isprintable()


@given(st.sampled_from(sorted(FIELDS)), ANYTHING)
def test_what_is_shown_is_understood_again(name: str, raw: object) -> None:
    field = FIELDS[name]
    try:
        stored = field.read(raw)
    except BadSetting:
        stored = field.default
    assert field.read(field.kind.show(stored)) == stored
