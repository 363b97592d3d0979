"""Configure cloud-init: what the guest learns at its first boot."""

from urllib.parse import unquote

import pytest

from bridge.models.module import IpPool
from bridge.models.whmcs import CustomField, CustomFieldValue, Service
from tests.deploy.conftest import Install
from tests.deploy.installation import failed_step

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIQ6lDw0sRPTTWIjrNCuQuPTRrFIvUQtLwbYp3zRzWQv zoe@example.com"


@pytest.mark.req("DEP-34", "CLD-01", "TPL-07")
def test_host_name_and_search_domain(install: Install) -> None:
    rig = install(main_domain=".hosting.example.com")
    service = rig.deploy()
    config = rig.config(service)
    assert config["name"] == rig.record(service).vm_name
    assert config["searchdomain"] == "hosting.example.com"


@pytest.mark.req("DEP-34", "CLD-02", "NET-08", "TPL-07")
def test_the_first_address_of_each_family_with_prefix_and_gateway(install: Install) -> None:
    rig = install(ipv4_count="3", ipv6_count="2")
    cloudinit = rig.cloudinit(rig.deploy())
    assert {key: cloudinit[key] for key in ("ip", "gw", "gw6")} == {
        "ip": "192.168.130.2/24",
        "gw": "192.168.130.1",
        "gw6": "2001:db8::1",
    }
    assert cloudinit["ip6"] in ("2001:db8::2/64", "2001:0db8:0000:0000:0000:0000:0000:0002/64")
    assert len(cloudinit) == 4


@pytest.mark.req("CLD-06", "CFG-38", "CFG-39")
@pytest.mark.parametrize(
    ("ipv4", "ipv6", "expected"),
    [
        ("on", "on", {"ip": "dhcp", "ip6": "dhcp"}),
        ("on", "off", {"ip": "dhcp"}),
        ("off", "on", {"ip": "192.168.130.2/24", "gw": "192.168.130.1", "ip6": "dhcp"}),
    ],
)
def test_a_family_on_dhcp(install: Install, ipv4: str, ipv6: str, expected: dict[str, str]) -> None:
    rig = install(dhcp_ipv4=ipv4, dhcp_ipv6=ipv6, ipv4_count="1", ipv6_count="0")
    assert rig.cloudinit(rig.deploy()) == expected


@pytest.mark.req("CLD-03", "DEP-34", "TPL-07")
def test_the_name_servers_of_both_pools_each_once(install: Install) -> None:
    rig = install()
    IpPool.update(dns1="9.9.9.9", dns2="149.112.112.112").where(IpPool.type == "ipv4").execute()
    IpPool.update(dns1="2620:fe::fe", dns2="9.9.9.9").where(IpPool.type == "ipv6").execute()
    service = rig.deploy()
    assert rig.config(service)["nameserver"] == "9.9.9.9 149.112.112.112 2620:fe::fe"


@pytest.mark.req("DEP-34", "CLD-04", "DEP-52", "TPL-07")
def test_user_and_password_of_the_service(install: Install) -> None:
    rig = install(os_username="debian")
    service = rig.deploy()
    row = Service.get_by_id(service)
    assert rig.config(service)["ciuser"] == row.username == "debian"
    # Proxmox keeps a hash of it.
    assert rig.calls("PUT", "/config")[-1].params["cipassword"] == rig.whmcs.passwords.decrypt(row.password)


@pytest.mark.req("CLD-05", "DEP-34", "TPL-07")
def test_ssh_keys_of_the_service_are_passed(install: Install) -> None:
    rig = install()
    service = rig.order()
    field = CustomField.create(
        type="product", relid=rig.shop.product_id, fieldname="SSH keys|SSH keys", fieldtype="textarea"
    )
    CustomFieldValue.create(fieldid=field.id, relid=service, value=KEY)
    rig.run()
    assert unquote(str(rig.config(service)["sshkeys"])).strip() == KEY


@pytest.mark.req("CLD-05")
def test_without_keys_none_are_passed(install: Install) -> None:
    rig = install()
    assert "sshkeys" not in rig.config(rig.deploy())


@pytest.mark.req("DEP-34")
def test_a_password_is_in_no_line_and_no_log(install: Install) -> None:
    rig = install()
    service = rig.order()
    password = rig.whmcs.passwords.decrypt(Service.get_by_id(service).password)
    rig.fault("PUT .*/config", times=2, after=4, text=f"cannot set cipassword {password}")
    rig.run()
    everything = "\n".join([*rig.lines, *rig.module_log(), str(rig.record(service).vm_last_action_log)])
    assert "Could not configure VM" in everything
    assert password not in everything


@pytest.mark.req("CLD-08", "DEP-39")
def test_an_error_of_proxmox_is_shown_literally_and_the_vm_stays_at_the_step(install: Install) -> None:
    rig = install()
    text = "volume 'local:snippets/user-dnsfix.yaml' does not exist"
    rig.fault("POST .*/status/start", times=1, text=text)
    service = rig.order()
    line = failed_step(rig.tick())
    assert text in line
    assert rig.states()[service] == "set_cloudinit"
    assert text in rig.log(service)["error"]
    rig.run()
    assert rig.states()[service] == "ready"


@pytest.mark.req("TPL-03")
def test_a_template_without_a_cloud_init_drive_is_told_and_the_vm_stays_at_the_step(install: Install) -> None:
    rig = install()
    drive = rig.cluster.guests[9000].config.pop("ide2")
    service = rig.order()
    line = failed_step(rig.tick())
    assert (
        "Configure cloud-init                VM 100 has no cloud-init drive; add one to it and to its template ("
        in line
    )
    assert rig.states()[service] == "set_firewall"
    assert rig.work(service).attention_who == "admin"
    rig.cluster.guests[100].config["ide2"] = str(drive).replace("9000", "100")
    rig.run()
    assert rig.states()[service] == "ready"
