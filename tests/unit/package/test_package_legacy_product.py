"""Stock product fields of versions 1.x and 2.x: what is read, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.package.fields import validated
from bridge.package.legacy_product import read_legacy

READ = [
    # configoption, text, settings
    (1, "ABC-123", {"license_key": "ABC-123"}),
    (2, "Full Clone", {"clone_type": "full"}),
    (2, "linked", {"clone_type": "linked"}),
    (3, "pve2", {"node": "pve2"}),
    (3, "automatically", {"node": "automatically"}),
    (4, "1012", {"os_template": 1012}),
    (4, "1012|Debian-12", {"os_template": 1012}),
    (5, "local|dir", {"backup_storage": "local|dir"}),
    (6, "nfs", {"iso_storage": "nfs"}),
    (7, '{"cpu": "2", "ram": 4, "username": "root"}', {"cpu": 2, "ram": 4, "os_username": "root"}),
    (7, "cores=2|memory=4|first_vm_id=2000", {"cpu": 2, "ram": 4, "first_vm_id": 2000}),
    (7, "CPU: 2\r\nRAM: 4", {"cpu": 2, "ram": 4}),
    (7, "prefix=vps", {"vm_name_rule": "vps-{client_id}-{service_id}"}),
    (7, '{"prefix": ""}', {"vm_name_rule": ""}),
    (8, "size=40;mbps_rd=100", {"sys_size": 40, "sys_mbps_rd": 100}),
    (9, '{"Space": 20, "IOPS Read": 500}', {"add_size": 20, "add_iops_rd": 500}),
    (10, "bridge=vmbr1,vlan=30,dhcp_ipv4=off", {"net_bridge": "vmbr1", "net_vlan": 30, "dhcp_ipv4": False}),
    (10, '{"anti_spoofing": "on", "Firewall": ""}', {"fw_antispoofing": True, "fw_enable": False}),
    (11, "main_domain=.example.org", {"main_domain": ".example.org"}),
    (12, '{"start": "on", "ISO mount": ""}', {"client_start": True, "client_iso": False}),
    (20, '{"net_bridge": "vmbr9"}', {"net_bridge": "vmbr9"}),
    (3, "", {}),
]


@pytest.mark.parametrize(("number", "text", "settings"), READ)
def test_a_field_that_names_its_settings_is_read(number: int, text: str, settings: dict[str, object]) -> None:
    found = read_legacy({number: text})
    assert (found.values, found.unread) == (settings, [])


UNREAD = [
    (7, "2|4|root|vps", "configoption7 is in no known form and stays as it is"),
    (7, "[1, 2]", "configoption7 is in no known form and stays as it is"),
    (7, "{broken", "configoption7 is in no known form and stays as it is"),
    (8, "bridge=vmbr1", 'configoption8: "bridge" is no known setting and stays as it is'),
    (10, "ipv4=2", 'configoption10: "ipv4" is no known setting and stays as it is'),
    (24, "hello", "configoption24 is in no known form and stays as it is"),
    (4, "Debian-12", 'configoption4: OS template (os_template): "Debian-12" must be a whole number from 100 to 999999999, or none'),
    (7, "cpu=many", 'configoption7: CPU (cpu): "many" must be a whole number from 1 to 1024'),
]  # fmt: skip


@pytest.mark.parametrize(("number", "text", "line"), UNREAD)
def test_what_cannot_be_read_is_reported_and_sets_nothing(number: int, text: str, line: str) -> None:
    found = read_legacy({number: text})
    assert (found.values, found.unread) == ({}, [line])


def test_one_bad_entry_does_not_hide_the_others() -> None:
    found = read_legacy({7: "cpu=2|ram=lots"})
    assert found.values == {"cpu": 2}
    assert len(found.unread) == 1


@given(
    st.dictionaries(st.integers(min_value=1, max_value=24), st.one_of(st.text(), st.text("{}[]\"':=|;,0123 cpuram")))
)
def test_any_old_product_can_be_read_without_an_error(configoptions: dict[int, str]) -> None:
    found = read_legacy(configoptions)
    assert validated(found.values) == found.values
    assert all(line.isprintable() for line in found.unread)
