"""Reinstall: a fresh VM under the old identity."""

import pytest

from bridge.lifecycle.reinstall import Reinstallation
from bridge.lifecycle.rules import Operation
from bridge.models.module import IpPool
from bridge.models.whmcs import Product
from tests.deploy.installation import steps
from tests.factories import make_option
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import records_fit
from tests.lifecycle.test_terminate import backup

REINSTALL = Operation.REINSTALL


def reinstallation(rig: Living) -> Reinstallation:
    return Reinstallation(rig.house.requests, rig.house.runs.shop)


@pytest.mark.req("RIN-05", "RIN-08")
def test_the_states_of_a_reinstallation(install: Install) -> None:
    rig = install()
    service = rig.living()
    assert rig.ask(service, REINSTALL) == "success"
    assert rig.state(service) == "reinstall"
    rig.run()
    assert rig.lines[1] == f"--- Deploy: service={service} vm=100 status=reinstall ---"
    assert steps(rig.lines)[:2] == [
        "  [+]  1. Remove old VM                       success (reinstall -> set_ip)",
        "  [+]  2. Clone VM                            success (set_ip -> clone)",
    ]
    assert rig.state(service) == "ready"


@pytest.mark.req("RIN-07", "RIN-09")
def test_the_vm_is_stopped_before_it_is_destroyed_with_disks_and_snapshots(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.write_data(service)
    rig.snapshot(service, "monday")
    rig.forget()
    rig.ask_and_run(service, REINSTALL)
    order = [(call.method, call.path.rpartition("/")[2]) for call in rig.sent if call.method in ("POST", "DELETE")]
    assert order[:3] == [("POST", "stop"), ("DELETE", "100"), ("POST", "clone")]
    assert (rig.data_on(service), rig.snapshots(service)) == (set(), [])


@pytest.mark.req("RIN-10")
def test_backups_are_kept(install: Install) -> None:
    rig = install()
    service = rig.living()
    name = backup(rig, 100, rig.clock.now())
    rig.ask_and_run(service, REINSTALL)
    assert name in rig.cluster.storages["backup"].on("pve1")


@pytest.mark.req("RIN-11", "RIN-12", "RIN-13", "EML-17")
def test_the_identity_stays_and_the_password_is_new(install: Install) -> None:
    rig = install(net_vlan="7", net_auto="off")
    IpPool.update(vlan=7).execute()
    service = rig.living()
    before, card = rig.facts(service), rig.card(service)
    rig.ask_and_run(service, REINSTALL)
    after = rig.facts(service)
    assert (after.vmid, after.name, after.mac, after.addresses) == (
        before.vmid,
        before.name,
        before.mac,
        before.addresses,
    )
    assert rig.card(service)["tag"] == card["tag"] == "7"
    assert after.password != before.password
    assert rig.guest_has_password(service)
    assert rig.mails_of(service) == ["puqProxmoxKVM VM is ready"]


@pytest.mark.req("RIN-14", "RIN-16")
def test_another_template_and_the_package_of_today(install: Install) -> None:
    rig = install(sys_storage="auto (from template)")
    service = rig.living()
    option = make_option(Product.get_by_id(rig.shop.product_id), "OS", ["9000|Debian 12", "9001|Debian local"])
    assert option.id
    rig.set_product(cpu="3")
    assert reinstallation(rig).ask(service, 9001) == "success"
    rig.run()
    assert [call.path for call in rig.calls("POST", "/clone")] == ["/nodes/pve2/qemu/9001/clone"]
    assert rig.config(service)["cores"] == 3


@pytest.mark.req("RIN-15")
def test_dns_records_are_written_again(install: Install) -> None:
    rig = install()
    service = rig.living()
    for zone in rig.names.zones.values():
        zone.records.clear()
    rig.ask_and_run(service, REINSTALL)
    records_fit(rig, service)


@pytest.mark.req("RIN-02")
def test_offered_are_the_choices_of_the_option(install: Install) -> None:
    rig = install()
    service = rig.living()
    make_option(
        Product.get_by_id(rig.shop.product_id), "Operating System", ["9000|Debian 12", "9001|Debian 13", "x|broken"]
    )
    offered = reinstallation(rig).approved(service)
    assert {(template.vmid, template.label) for template in offered} >= {(9000, "Debian 12"), (9001, "Debian 13")}
    assert all(isinstance(template.vmid, int) for template in offered)


@pytest.mark.req("RIN-03")
def test_a_template_that_is_not_offered_is_refused(install: Install) -> None:
    rig = install()
    service = rig.living()
    assert reinstallation(rig).ask(service, 100) == f"template 100 is not offered for service {service}"
    assert rig.state(service) == "ready"


@pytest.mark.req("RIN-06")
@pytest.mark.parametrize("lock", ["backup", "snapshot", "migrate"])
def test_a_locked_vm_is_refused(install: Install, lock: str) -> None:
    rig = install()
    service = rig.living()
    rig.cluster.guests[100].config["lock"] = lock
    answer = reinstallation(rig).ask(service)
    assert answer == f"reinstall is not possible: the VM of service {service} is locked ({lock})"
    assert rig.state(service) == "ready"


@pytest.mark.req("RIN-08")
def test_an_interrupted_reinstallation_is_finished_when_the_template_is_back(install: Install) -> None:
    rig = install()
    service = rig.living()
    template = rig.cluster.guests.pop(9000)
    rig.ask(service, REINSTALL)
    rig.tick()
    assert rig.state(service) == "set_ip"
    rig.cluster.guests[9000] = template
    rig.tick()
    assert rig.state(service) == "ready"
