"""Bad input: one clear line, nothing half-made, and the order goes on once the admin has mended it."""

from collections.abc import Callable

import pytest

from bridge.models.companion import Slot
from bridge.models.module import IpPool
from bridge.models.whmcs import Client, CustomField, CustomFieldValue, Product, Server, Service
from bridge.package.options import OPTION_FIELDS
from bridge.web.callers import Actor
from tests.chaos import invariants
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step


def nothing_is_half_made(rig: Installation) -> None:
    """No VM but the templates, no stray image, no place for heavy work taken."""
    assert all(guest["template"] for guest in rig.guests())
    invariants.no_volume_is_stray(rig)
    assert Slot.select().count() == 0


def stuck_then_mended(rig: Installation, mend: Callable[[], object], message: str) -> int:
    """The order stops with `message` at two ticks in a row, and gets ready after `mend`. Returns the service."""
    service = rig.order()
    for _ in range(2):
        line = failed_step(rig.tick())
        assert message in line
        assert rig.log(service)["error"] in line
        assert "\n" not in rig.log(service)["error"]
        rig.clock.advance(60)
    assert rig.work(service).attention_who == "admin"
    nothing_is_half_made(rig)
    mend()
    rig.run()
    assert rig.states()[service] == "ready"
    invariants.one_vm_per_service(rig, [service])
    invariants.no_volume_is_stray(rig)
    return service


@pytest.mark.req("INP-01")
def test_an_unknown_product_is_refused_before_anything_is_recorded(install: Install) -> None:
    rig = install()
    service = rig.shop.order("my-server")
    Service.update(packageid=999).where(Service.id == service).execute()
    answer = rig.house.orders.create(service, Actor())
    assert answer == f"Product 999 of service {service} does not exist in WHMCS"
    assert rig.states() == {}


@pytest.mark.req("INP-01")
def test_a_product_that_disappears_after_the_order(install: Install) -> None:
    rig = install()
    product = rig.shop.product_id
    service = rig.order()
    Service.update(packageid=999).where(Service.id == service).execute()
    assert "Product 999 does not exist in WHMCS" in failed_step(rig.tick())
    nothing_is_half_made(rig)
    Service.update(packageid=product).where(Service.id == service).execute()
    rig.run()
    assert rig.states()[service] == "ready"


def test_a_product_of_another_module_is_refused(install: Install) -> None:
    rig = install()
    service = rig.shop.order("my-server")
    Product.update(servertype="cpanel").execute()
    answer = rig.house.orders.create(service, Actor())
    assert answer == f"Product KVM Small (ID {rig.shop.product_id}) does not use the module puqProxmoxKVM"


@pytest.mark.req("SRV-20", "INP-02")
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"username": ""}, "server Demo cluster (ID 1) has no Username (token ID)"),
        ({"password": ""}, "server Demo cluster (ID 1) has no Password (token secret)"),
        (
            {"username": "", "password": "", "hostname": "", "ipaddress": ""},
            "server Demo cluster (ID 1) has no Hostname and no Username (token ID) and no Password (token secret)",
        ),
    ],
)
def test_a_server_without_credentials(install: Install, columns: dict[str, str], message: str) -> None:
    rig = install()
    service = rig.shop.order("my-server")
    whole = Server.select(*[getattr(Server, name) for name in columns]).dicts().get()
    Server.update(columns).execute()
    assert rig.house.orders.create(service, Actor()) == f"Service {service} cannot be created: {message}"

    Server.update(whole).execute()
    other = rig.order()
    Server.update(columns).execute()
    assert message in failed_step(rig.tick())
    assert rig.sent == []
    Server.update(whole).execute()
    rig.run()
    assert rig.states() == {other: "ready"}


@pytest.mark.req("SRV-20")
def test_a_service_without_a_server(install: Install) -> None:
    rig = install()
    service = rig.shop.order("my-server")
    Service.update(server=0).where(Service.id == service).execute()
    answer = rig.house.orders.create(service, Actor())
    assert answer == f"Service {service} cannot be created: the service has no server assigned"


def test_a_wrong_secret_of_the_token(install: Install) -> None:
    rig = install()
    whole = Server.get().password
    Server.update(password=rig.whmcs.passwords.encrypt("wrong")).execute()
    stuck_then_mended(rig, lambda: Server.update(password=whole).execute(), "401 the credentials are refused")


@pytest.mark.req("INP-03")
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("none", "no OS template is configured for service 1"),
        ("8888", "template 8888 does not exist on server Demo cluster"),
        ("7000", "VM 7000 on server Demo cluster is not a template"),
    ],
)
def test_a_template_that_is_none(install: Install, template: str, message: str) -> None:
    rig = install(os_template=template)
    guest = rig.cluster.guests[7000] = rig.cluster.guests.pop(9001)
    guest.vmid, guest.config = 7000, {**guest.config, "template": 0}
    service = rig.order()
    line = failed_step(rig.tick())
    assert f"Clone VM                            {message} (set_ip -> set_ip)" in line
    assert rig.work(service).attention_who == "admin"
    assert rig.calls("POST", "/clone") == []
    assert len(rig.guests()) == 2
    rig.set_product(os_template="9000")
    rig.run()
    assert rig.states()[service] == "ready"


def test_a_linked_clone_on_storage_that_cannot_link(install: Install) -> None:
    rig = install(clone_type="linked")
    rig.cluster.storages["ceph-vm"].kind = "lvm"
    stuck_then_mended(
        rig,
        lambda: rig.set_product(clone_type="full"),
        "template 9000 on node pve1 lies on a storage without linked clones; choose Full Clone for the product",
    )


@pytest.mark.req("INP-04")
@pytest.mark.parametrize(
    ("storage", "reason"), [("ceph-vn", "does not exist"), ("backup", "does not take disk images")]
)
def test_a_storage_of_the_system_disk_that_no_node_has(install: Install, storage: str, reason: str) -> None:
    rig = install(sys_storage=storage)
    stuck_then_mended(
        rig, lambda: rig.set_product(sys_storage="ceph-vm"), f"storage {storage} {reason} on server Demo cluster"
    )
    assert rig.disk(1)["file"].startswith("ceph-vm:")


LAST_VMID = 999_999_999


def renumber(rig: Installation, vmid: int, new: int) -> None:
    """Somebody else's VM changes its number."""
    guest = rig.cluster.guests[new] = rig.cluster.guests.pop(vmid)
    guest.vmid = new


@pytest.mark.req("INP-05")
@pytest.mark.parametrize("mended", ["another range", "one is freed"])
def test_no_free_vmid(install: Install, mended: str) -> None:
    rig = install(first_vm_id=str(LAST_VMID))
    renumber(rig, 9001, LAST_VMID)
    mend = {
        "another range": lambda: rig.set_product(first_vm_id="100"),
        "one is freed": lambda: renumber(rig, LAST_VMID, 9001),
    }
    line = "no VMID from 999999999 to 999999999 is free; lower the product's First VM ID"
    stuck_then_mended(rig, mend[mended], line)


@pytest.mark.req("OPT-44", "OPT-43", "INP-06")
@pytest.mark.parametrize(
    "value", ["-5|minus five", "abc|words", "|nothing", "99999999999|absurd", "2.5|half", "½|half"]
)
def test_an_absurd_option_is_passed_over_with_a_line_in_the_module_log(install: Install, value: str) -> None:
    rig = install(cpu="3")
    service = rig.order_with({"CPU Cores|Prozessoren": value, "Färbung": "1|grün"})
    rig.run()
    assert str(rig.config(service)["cores"]) == "3"
    assert any('Configurable option "CPU Cores' in row for row in rig.module_log())


@pytest.mark.req("INP-06")
@pytest.mark.parametrize("value", ["-7|absurd", "7777777777777|absurd", "x7|absurd"])
def test_absurd_values_of_all_options_reach_nobody(install: Install, value: str) -> None:
    rig = install()
    service = rig.order_with(dict.fromkeys(OPTION_FIELDS, value))
    rig.run()
    invariants.all_hold(rig, [service], {service: (2, 1)})
    invariants.vm_fits_package(rig, service)
    assert not [call for call in rig.sent if value.partition("|")[0] in call.params.values()]


@pytest.mark.parametrize(
    ("name", "bad", "good", "message"),
    [
        ("cpu", "-3", "2", 'CPU (cpu): "-3" must be'),
        ("ram", "lots", "2", 'RAM (ram): "lots" must be'),
        ("sys_size", "9999999999", "20", "Space (sys_size)"),
        ("net_vlan", "4097", "0", "VLAN tag (net_vlan)"),
        ("net_bridge", "vmbr0;reboot", "vmbr0", "Bridge (net_bridge)"),
        ("main_domain", "no domain!", ".example.com", "Main domain (main_domain)"),
        ("node", "../../etc", "pve1", "Target node (node)"),
    ],
)
def test_a_setting_that_somebody_wrote_into_the_table(
    install: Install, name: str, bad: str, good: str, message: str
) -> None:
    rig = install(**{name: bad})
    stuck_then_mended(rig, lambda: rig.set_product(**{name: good}), message)


@pytest.mark.req("INP-07")
@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("!!!", "1-1"),
        ("-{service_id}-", "1"),
        ("Серверъ {service_id}", "1"),
        ("x" * 200 + "{service_id}", None),
        ("a.b_c d", "a-b-c-d"),
    ],
)
def test_a_name_rule_that_makes_no_host_name(install: Install, rule: str, name: str | None) -> None:
    rig = install(vm_name_rule=rule)
    service = rig.deploy()
    made = str(rig.config(service)["name"])
    assert made == (name or made)
    assert 0 < len(made) <= 63
    assert made.endswith(str(service)) or name


@pytest.mark.req("INP-07")
def test_utf8_everywhere(install: Install) -> None:
    rig = install(main_domain=".żółw.example", vm_name_rule="мое-{service_id}")
    Server.update(name="Кластер Ω").execute()
    Client.update(firstname="Łukasz", lastname="Ĝis 名前").execute()
    Product.update(name="KVM Größe L ✓").execute()
    service = rig.order_with({"CPU Cores|Процессоры": "3|три", "RAM|記憶": "4|四"})
    rig.run()
    assert rig.states()[service] == "ready"
    config = rig.config(service)
    assert (str(config["cores"]), str(config["memory"])) == ("3", "4096")
    assert Service.get_by_id(service).domain.endswith(".xn--w-uga1v8h.example")
    assert config["searchdomain"] == "xn--w-uga1v8h.example"
    assert "Łukasz" in rig.whmcs.mails[-1].body


def test_utf8_in_an_error_line(install: Install) -> None:
    rig = install(os_template="8888")
    Server.update(name="Кластер Ω").execute()
    rig.order()
    assert "template 8888 does not exist on server Кластер Ω" in failed_step(rig.tick())


def test_a_pool_whose_fields_contradict_each_other(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    good = IpPool.get(IpPool.type == "ipv4").address_stop
    IpPool.update(address_stop="192.168.130.1").where(IpPool.type == "ipv4").execute()
    stuck_then_mended(rig, lambda: IpPool.update(address_stop=good).where(IpPool.type == "ipv4").execute(), "IPv4")


def test_ssh_keys_that_are_none(install: Install) -> None:
    rig = install()
    service = rig.order()
    field = CustomField.create(type="product", relid=rig.shop.product_id, fieldname="SSH keys", fieldtype="textarea")
    value = CustomFieldValue.create(fieldid=field.id, relid=service, value="please log me in")
    line = failed_step(rig.tick())
    assert "Configure cloud-init" in line
    assert "SSH" in line
    assert rig.states()[service] == "set_firewall"
    value.value = ""
    value.save()
    rig.run()
    assert rig.states()[service] == "ready"


def test_a_service_that_vanishes_is_dropped_without_stopping_the_others(install: Install) -> None:
    rig = install()
    gone, other = rig.order(), rig.order()
    Service.delete().where(Service.id == gone).execute()
    rig.tick()
    assert rig.states() == {gone: "creation", other: "ready"}
    assert rig.work(gone).lease_owner is None
