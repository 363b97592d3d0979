"""Failing, waiting, and going on: the state is the memory, and nobody else has to suffer."""

import pytest

from bridge.models.companion import AddressReservation, ProductSetting, VmidReservation
from bridge.web.callers import Actor
from tests.chaos import invariants
from tests.deploy.conftest import Install
from tests.deploy.installation import failed_step

WRITES = {
    "POST .*/clone": "set_ip",
    "PUT .*/config": "migrated",
    "PUT .*/resize": "set_cpu_ram",
    "POST .*/ipset": "set_network",
    "PUT .*/firewall/options": "set_network",
    "POST .*/status/start": "set_cloudinit",
}


@pytest.mark.req("DEP-39", "DEP-40", "ENG-17", "ENG-20", "ENG-36")
@pytest.mark.parametrize("call", WRITES)
def test_a_step_that_fails_a_hundred_times_is_still_tried_and_forgets_nothing(install: Install, call: str) -> None:
    rig = install()
    rig.fault(call, times=0, status=500, text="not today")
    service = rig.order()
    rig.tick()
    held = sorted(row.address for row in AddressReservation.select())
    vmid = rig.record(service).vm_id
    for _ in range(99):
        rig.clock.advance(60)
        assert "not today" in failed_step(rig.tick())
    assert rig.states()[service] == WRITES[call]
    assert rig.work(service).attempts == 100
    assert sorted(row.address for row in AddressReservation.select()) == held
    assert [row.vmid for row in VmidReservation.select()] == [rig.record(service).vm_id] == [vmid]
    rig.cluster.faults.clear()
    rig.run()
    invariants.all_hold(rig, [service], {service: (2, 1)})


@pytest.mark.req("DEP-44", "ENG-20")
def test_a_cluster_that_cannot_be_reached_for_a_while(install: Install) -> None:
    rig = install()
    rig.cluster.timing.durations["qmclone"] = 30.0
    service = rig.order()
    rig.fault("", "cut-before", times=0, after=15)
    first = failed_step(rig.tick())
    assert "Could not" in first
    assert "the connection to pve1:8006 broke off" in first
    state = rig.states()[service]
    for _ in range(5):
        rig.clock.advance(60)
        rig.tick()
    assert rig.states()[service] == state
    rig.cluster.faults.clear()
    rig.run()
    invariants.all_hold(rig, [service], {service: (2, 1)})


@pytest.mark.req("DEP-44")
def test_a_node_that_another_node_cannot_reach_for_a_moment(install: Install) -> None:
    rig = install()
    service = rig.order()
    rig.fault("PUT .*/resize", status=595)
    line = failed_step(rig.tick())
    assert "595 the node could not be reached" in line
    rig.run()
    invariants.all_hold(rig, [service], {service: (2, 1)})


@pytest.mark.req("DEP-37", "ENG-07")
def test_two_runs_at_the_same_time_execute_each_step_once(install: Install) -> None:
    rig = install()
    service = rig.order()
    ours = rig.house.claims
    assert ours.take(10) == [service]
    rig.start_daemon()
    assert rig.tick()[2].endswith("processed: 0, errors: 0")
    ours.give_back(service)
    rig.run()
    log = rig.log(service)
    assert [step["n"] for step in log["steps"]] == list(range(1, 16))
    assert len(log["runs"]) == 1


@pytest.mark.req("DEP-38")
def test_no_step_needs_more_than_a_short_sequence_of_writes(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    rig.deploy()
    writes: dict[str, int] = {}
    for call in rig.writes():
        what = call.rpartition("/")[2] if "firewall" not in call else "firewall"
        writes[what] = writes.get(what, 0) + 1
    # Configuration: CPU and RAM, system disk's limits, additional disk, network, cloud-init.
    assert writes == {"clone": 1, "config": 5, "resize": 1, "firewall": 3, "start": 1}


@pytest.mark.req("DEP-01", "DEP-02", "DEP-03")
def test_an_order_is_taken_without_a_call_and_asking_again_changes_nothing(install: Install) -> None:
    rig = install()
    service = rig.order()
    assert rig.sent == []
    assert rig.whmcs.calls == []
    assert rig.states() == {service: "creation"}
    rig.run()
    assert rig.house.orders.create(service, Actor()) == "success"
    rig.run()
    assert len(rig.calls("POST", "/clone")) == 1
    invariants.all_hold(rig, [service], {service: (2, 1)})


@pytest.mark.req("OPT-23", "DEP-07")
def test_a_product_without_settings_and_options_but_a_template(install: Install) -> None:
    rig = install()
    ProductSetting.delete().where(ProductSetting.name != "os_template").execute()
    service = rig.deploy()
    assert rig.cloudinit(service) == {"ip": "dhcp", "ip6": "dhcp"}
