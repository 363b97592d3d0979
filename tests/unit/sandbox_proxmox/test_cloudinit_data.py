"""The documents on a cloud-init drive."""

import pytest

from bridge.sandbox.proxmox.cloudinit_data import addresses_of, meta_data, network_data, user_data

CARD = {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}
STATIC = {**CARD, "ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1,ip6=2001:db8::5/64,gw6=2001:db8::1"}


def test_root_may_log_in_and_is_the_only_user() -> None:
    text = user_data({"name": "web1", "ciuser": "root"}, 100)
    assert "user: root\ndisable_root: False\n" in text
    assert "users:" not in text


@pytest.mark.parametrize(
    ("config", "fqdn"),
    [
        ({"name": "web1.example.com"}, "web1.example.com"),
        ({"name": "web1", "searchdomain": "example.com"}, "web1.example.com"),
        ({"name": "web1"}, "web1"),
        ({}, "VM100"),
    ],
)
def test_the_full_name_comes_from_the_name_or_the_search_domain(config: dict[str, str], fqdn: str) -> None:
    assert f"fqdn: {fqdn}\n" in user_data(config, 100)


def test_packages_are_upgraded_unless_told_otherwise() -> None:
    assert "package_upgrade: true" in user_data({}, 100)
    assert "package_upgrade" not in user_data({"ciupgrade": 0}, 100)


def test_windows_gets_its_network_as_a_config_drive() -> None:
    assert network_data({**STATIC, "ostype": "win11", "nameserver": "10.0.0.53"}) == (
        "auto lo\niface lo inet loopback\n\n        dns_nameservers 10.0.0.53\n"
        "auto eth0\n"
        "iface eth0 inet static\n        address 10.0.0.5\n        netmask 255.255.255.0\n        gateway 10.0.0.1\n"
        "iface eth0 inet6 static\n        address 2001:db8::5\n        netmask 64\n        gateway 2001:db8::1\n"
    )


def test_the_instance_changes_with_the_network() -> None:
    assert meta_data(STATIC, 100) != meta_data({**STATIC, "ipconfig0": "ip=10.0.0.6/24"}, 100)


def test_a_guest_has_its_static_addresses_and_no_dynamic_ones() -> None:
    assert addresses_of(STATIC) == {"bc:24:11:00:00:01": "10.0.0.5/24 2001:db8::5/64"}
    assert addresses_of({**CARD, "ipconfig0": "ip=dhcp,ip6=auto"}) == {"bc:24:11:00:00:01": ""}
