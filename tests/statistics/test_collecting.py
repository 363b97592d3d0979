"""The task collectingStatistics against a cluster whose VMs have traffic that is known."""

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.companion import VmidReservation
from bridge.models.module import TrafficSample, VmInfo
from bridge.models.whmcs import Service
from bridge.sandbox.proxmox import demo_cluster
from bridge.sandbox.proxmox.guest import Guest
from providers.proxmox import Mark
from tests.chaos.observed import INSTALL
from tests.statistics.conftest import HOUR, MB, Meter, Open, SetClock

NEAR_A_STOP = 180.0  # seconds whose traffic may be missing for each stop and start


@pytest.mark.req("MET-03", "MET-05", "MET-18")
def test_every_hour_of_a_vm_has_a_row(meter: Open) -> None:
    shop = meter()
    shop.set_time("2026-04-10 03:10:00")
    service = shop.deploy()
    shop.set_time("2026-04-10 03:50:16")
    assert shop.texts(shop.collect()) == ["[success] last:never, collected"]
    shop.send(service, 6 * MB, 3 * MB)
    shop.set_time("2026-04-10 04:30:00")
    result = shop.collect()
    assert shop.texts(result) == ["[skipped] already_done_this_hour, last:2026-04-10 03:50:16"]
    assert (result.processed, result.errors) == (0, 0)
    shop.set_time("2026-04-10 04:50:16")
    result = shop.collect()
    assert shop.texts(result) == ["[success] last:2026-04-10 03:50:16, collected"]
    assert (result.processed, result.errors) == (1, 0)
    assert [hour for hour, _, _ in shop.rows(service)] == ["2026-04-10 03:00", "2026-04-10 04:00"]
    assert shop.billed(service) == pytest.approx(shop.truth(service), abs=2)


@pytest.mark.req("MET-04")
def test_the_sum_of_a_vm_is_that_of_its_rrd(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.clock.advance(120)
    shop.collect()
    began = shop.state(service).sampled_at
    before = shop.billed(service)
    for number in range(9):
        shop.rates(service, 1e6 * (number + 1), 5e5 * (9 - number))
        shop.clock.advance(400)
    shop.collect()
    ended = shop.state(service).sampled_at
    samples = shop.proxmox.traffic(shop.node(service), shop.vmid(service), "hour")
    inside = [sample for sample in samples if began <= sample.time + 60 and sample.time < ended]
    rrd_in = sum((sample.netin or 0) * sample.seconds for sample in inside)
    rrd_out = sum((sample.netout or 0) * sample.seconds for sample in inside)
    counted = [after - first for after, first in zip(shop.billed(service), before, strict=True)]
    # Two samples at the edges lie partly outside.
    assert counted[0] == pytest.approx(rrd_in, abs=2 * 60 * 9e6)
    assert counted[1] == pytest.approx(rrd_out, abs=2 * 60 * 4.5e6)
    assert counted == pytest.approx(shop.truth(service, began, ended), rel=1e-5)


@pytest.mark.req("MET-06", "MET-18")
def test_a_vm_that_is_being_deployed_is_skipped(meter: Open) -> None:
    shop = meter()
    shop.order()
    result = shop.collect()
    assert shop.texts(result) == ["[skipped] no_node, last:never"]
    assert (result.processed, result.errors) == (0, 0)


@pytest.mark.req("MET-06", "MET-18")
def test_a_vm_that_no_node_shows_is_skipped(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.clock.advance(HOUR)
    shop.collect()
    del shop.cluster.guests[shop.vmid(service)]
    shop.clock.advance(HOUR)
    result = shop.collect()
    assert result.errors == 0
    assert shop.texts(result)[0].startswith("[skipped] no_node, last:2026-")


def test_a_service_whose_vm_is_gone_has_no_line(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    VmInfo.update(vm_status="remove", vm_id=None).where(VmInfo.service_id == service).execute()
    assert shop.collect().details == []


@pytest.mark.req("MET-18")
def test_a_server_that_cannot_be_asked_is_an_error_of_its_services_and_of_no_others(meter: Open) -> None:
    shop = meter()
    lost, found = shop.deploy(), shop.deploy()
    elsewhere = shop.add_server(demo_cluster(shop.clock), "pve-b")
    shop.clusters[elsewhere].guests[shop.vmid(found)] = shop.cluster.guests.pop(shop.vmid(found))
    Service.update(server=elsewhere).where(Service.id == found).execute()
    shop.fault("/cluster/resources", status=500, text="too many redirections")
    result = shop.collect()
    assert [(detail.service_id, detail.text[:9]) for detail in result.details] == [
        (lost, "[error] l"),
        (found, "[success]"),
    ]
    assert result.errors == 1
    assert "too many redirections" in result.details[0].text


@pytest.mark.req("MET-09")
@pytest.mark.parametrize("online", [True, False], ids=["live", "offline"])
def test_a_migration_loses_and_doubles_nothing(meter: Open, online: bool) -> None:
    shop = meter()
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    shop.clock.advance(HOUR)
    shop.collect()
    shop.clock.advance(HOUR / 2)
    if not online:
        shop.power(service, "stop")
    shop.migrate(service, online=online)
    if not online:
        shop.power(service, "start")
    shop.clock.advance(HOUR / 2)
    shop.collect()
    shop.clock.advance(HOUR)
    shop.collect()
    billed, truth = shop.billed(service), shop.truth(service)
    assert truth[0] - NEAR_A_STOP * 2 * MB < billed[0] <= truth[0] + 10 * 2 * MB
    assert truth[1] - NEAR_A_STOP * MB < billed[1] <= truth[1] + 10 * MB


def nothing(shop: Meter, service: int) -> None:
    """Nothing is needed before it happens."""


def stop_and_start(shop: Meter, service: int) -> None:
    """Off, and on again."""
    shop.power(service, "stop")
    shop.power(service, "start")


def snapshot(shop: Meter, service: int) -> None:
    """Something to go back to."""
    shop.post(service, "snapshot", {"snapname": "s1"})


def roll_back(shop: Meter, service: int) -> None:
    """Back to it; with its disks only, so the VM is stopped by it."""
    shop.post(service, "snapshot/s1/rollback", {"start": 1})


def back_up(shop: Meter, service: int) -> None:
    """Something to restore."""
    node, vmid = shop.node(service), shop.vmid(service)
    shop.proxmox._api.post("backup", f"nodes/{node}/vzdump", {"vmid": vmid, "storage": "backup", "mode": "snapshot"})
    shop.clock.advance(60)
    shop.cluster.catch_up()


def restore(shop: Meter, service: int) -> None:
    """Stopped, and written over with the backup."""
    node, vmid = shop.node(service), shop.vmid(service)
    shop.power(service, "stop")
    archive = shop.proxmox.backups(node, "backup", vmid)[0].volid
    params = {"vmid": vmid, "archive": archive, "force": 1, "start": 1}
    shop.proxmox._api.post("restore", f"nodes/{node}/qemu", params)
    shop.clock.advance(60)
    shop.cluster.catch_up()


def reinstall(shop: Meter, service: int) -> None:
    """The VM is removed and made anew with the same VMID."""
    assert shop.house.requests.ask(service, Operation.REINSTALL) == "success"
    shop.run()


EVENTS = {
    "stop and start": (nothing, stop_and_start),
    "reboot": (nothing, lambda shop, service: shop.power(service, "reboot")),
    "rollback": (snapshot, roll_back),
    "restore": (back_up, restore),
    "reinstall": (nothing, reinstall),
}


@pytest.mark.req("MET-09")
@pytest.mark.parametrize("event", EVENTS)
def test_what_went_through_before_a_restart_is_taken_from_the_rrd(meter: Open, event: str) -> None:
    shop = meter()
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    shop.clock.advance(HOUR)
    shop.collect()
    vmid = shop.vmid(service)
    before, happen = EVENTS[event]
    before(shop, service)
    shop.clock.advance(HOUR * 0.6)
    happen(shop, service)
    shop.clock.advance(HOUR * 0.4)
    shop.collect()
    assert shop.vmid(service) == vmid
    billed, truth = shop.billed(service), shop.truth(service)
    assert truth[0] - 2 * NEAR_A_STOP * 2 * MB < billed[0] <= truth[0] + 20 * 2 * MB
    assert truth[0] > 5000 * 2 * MB


@pytest.mark.req("MET-10")
def test_a_pause_of_the_collector_loses_nothing_of_a_vm_that_goes_on(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    shop.clock.advance(600)
    shop.collect()
    shop.clock.advance(9 * 86_400)
    shop.collect()
    assert shop.billed(service) == pytest.approx(shop.truth(service), abs=2)
    assert 10 <= len(shop.rows(service)) <= 12


@pytest.mark.req("MET-10")
def test_a_run_repeated_adds_nothing(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.clock.advance(HOUR)
    shop.collect()
    before = shop.rows(service)
    for _ in range(3):
        shop.clock.advance(60)
        shop.collect()
    assert shop.rows(service) == before


@pytest.mark.req("MET-16")
@pytest.mark.parametrize("off", [-30 * HOUR, -HOUR / 2, HOUR / 2, 30 * HOUR])
def test_a_clock_that_was_set_makes_nothing_count_twice(meter: Open, off: float) -> None:
    shop = meter()
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    shop.clock.advance(40 * HOUR)
    shop.collect()
    for wrong in (off, off, 0.0, 0.0):
        shop.clock.advance(HOUR)
        shop.collect(clock=SetClock(shop.clock, wrong))
    shop.clock.advance(2 * HOUR)
    shop.collect()
    assert shop.billed(service) == pytest.approx(shop.truth(service), abs=5)


@pytest.mark.req("MET-16")
def test_a_clock_that_was_set_back_does_not_stop_the_collecting(meter: Open) -> None:
    shop = meter()
    shop.deploy()
    shop.clock.advance(40 * HOUR)
    shop.collect()
    shop.clock.advance(HOUR)
    back = SetClock(shop.clock, -30 * HOUR)
    assert shop.texts(shop.collect(clock=back))[0].startswith("[success]")
    assert shop.texts(shop.collect(clock=back))[0].startswith("[skipped] already_done_this_hour")


@pytest.mark.req("MET-11")
def test_a_vm_with_another_s_mark_and_the_same_number_is_not_counted(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.clock.advance(HOUR)
    shop.collect()
    before = shop.billed(service)
    guest = shop.cluster.guests[shop.vmid(service)]
    guest.config["tags"] = Mark(INSTALL, service + 1).tag
    shop.rates(service, 9 * MB, 9 * MB)
    shop.clock.advance(HOUR)
    assert shop.texts(shop.collect())[0].startswith(
        f"[skipped] VM {shop.vmid(service)} is not this service's, last:2026-"
    )
    assert shop.billed(service) == before


@pytest.mark.parametrize("renamed", [False, True])
def test_without_our_tag_the_name_tells_and_else_the_description(meter: Open, renamed: bool) -> None:
    shop = meter()
    service = shop.deploy()
    config = shop.cluster.guests[shop.vmid(service)].config
    config.pop("tags")
    if renamed:
        config["name"] = "kept-by-hand"
    shop.clock.advance(HOUR)
    before = len(shop.calls("GET", "/config"))
    assert shop.texts(shop.collect()) == ["[success] last:never, collected"]
    assert len(shop.calls("GET", "/config")) - before == renamed


@pytest.mark.req("MET-11")
def test_a_stranger_s_vm_under_our_number_is_not_counted(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    vmid = shop.vmid(service)
    old = shop.cluster.guests.pop(vmid)
    shop.cluster.guests[vmid] = Guest(vmid, old.node, {"name": "by-hand", "memory": 512})
    shop.clock.advance(HOUR)
    assert shop.texts(shop.collect()) == [f"[skipped] VM {vmid} is not this service's, last:never"]
    assert shop.rows(service) == []


@pytest.mark.req("MET-11")
def test_the_rrd_of_a_former_vm_with_the_same_number_is_not_counted(meter: Open) -> None:
    shop = meter()
    flow = shop.cluster.traffic.begin(100, shop.clock.now())
    flow.rates = [(flow.began, (50e6, 50e6))]
    shop.clock.advance(HOUR)
    shop.cluster.traffic.end(100, shop.clock.now())
    service = shop.deploy()
    assert shop.vmid(service) == 100
    made = VmidReservation.get(VmidReservation.service_id == service).reserved_at
    shop.power(service, "stop")
    shop.clock.advance(600)
    shop.power(service, "start")
    shop.clock.advance(600)
    shop.collect()
    truth = shop.truth(service, made)
    assert truth[0] < MB
    assert shop.billed(service)[0] <= truth[0] + 10 * 110


@pytest.mark.req("MET-11")
def test_what_went_through_while_the_number_was_another_s_is_not_counted(meter: Open) -> None:
    """Terminated, and the number given to somebody else for a while, before the service got it again."""
    shop = meter()
    service = shop.deploy()
    shop.clock.advance(600)
    shop.collect()
    before, vmid = shop.billed(service), shop.vmid(service)
    guest = shop.cluster.guests[vmid]
    guest.run = None
    flow = shop.cluster.traffic.begin(vmid, shop.clock.now())
    flow.rates = [(flow.began, (50e6, 50e6))]
    shop.clock.advance(HOUR)
    shop.cluster.traffic.end(vmid, shop.clock.now())
    VmidReservation.update(reserved_at=shop.clock.now()).where(VmidReservation.service_id == service).execute()
    again = shop.clock.now()
    shop.power(service, "start")
    shop.clock.advance(HOUR)
    assert shop.texts(shop.collect())[0].endswith(", collected")
    assert shop.billed(service)[0] - before[0] == pytest.approx(shop.truth(service, again)[0], abs=60 * 110)


@pytest.mark.req("MET-12", "MET-07")
def test_traffic_over_midnight_of_the_first_is_billed_in_both_months(meter: Open) -> None:
    shop = meter()
    shop.set_time("2026-04-30 20:00:00")
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    shop.set_time("2026-04-30 23:30:00")
    shop.collect()
    april = shop.billed(service)
    shop.set_time("2026-05-01 00:30:00")
    shop.collect()
    assert shop.rows(service)[-1][0] == "2026-05-01 00:00"
    assert shop.gigabytes(service)[0] == pytest.approx(1800 * 2 * MB / 2**30, rel=1e-3)
    assert shop.billed(service)[0] - april[0] == pytest.approx(3600 * 2 * MB, rel=1e-3)


@pytest.mark.parametrize("version", ["7.4", "9.2"])
def test_other_versions_of_proxmox_are_counted_in_the_same_way(meter: Open, version: str) -> None:
    shop = meter(version)
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    shop.clock.advance(HOUR)
    shop.collect()
    shop.clock.advance(HOUR / 2)
    stop_and_start(shop, service)
    shop.clock.advance(HOUR / 2)
    shop.collect()
    billed, truth = shop.billed(service), shop.truth(service)
    assert truth[0] - NEAR_A_STOP * 2 * MB < billed[0] <= truth[0] + 10 * 2 * MB


@pytest.mark.req("MET-09")
def test_a_vm_that_ran_only_between_two_collections_is_found_a_day_later(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.clock.advance(HOUR)
    shop.power(service, "stop")
    shop.collect()
    shop.rates(service, 2 * MB, MB)
    before = shop.billed(service)
    for hour in range(26):
        shop.clock.advance(600)
        if hour == 3:
            shop.power(service, "start")
            shop.clock.advance(1800)
            shop.power(service, "stop")
            shop.clock.advance(1200 - 60)
        else:
            shop.clock.advance(3000)
        shop.collect()
    ran = shop.truth(service)[0] - before[0]
    assert 1800 * 2 * MB < ran < 2000 * 2 * MB
    assert shop.billed(service)[0] - before[0] == pytest.approx(1830 * 2 * MB, rel=0.05)
    looks = shop.calls("GET", "/rrddata")
    assert len(looks) <= 6


@pytest.mark.req("MET-14")
def test_traffic_that_the_old_module_has_counted_is_not_counted_again(meter: Open) -> None:
    """Switched back to the old module for two hours, and to us again."""
    shop = meter()
    shop.set_time("2026-04-10 03:10:00")
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    shop.set_time("2026-04-10 04:00:10")
    shop.collect()
    ours = shop.billed(service)
    for hour in ("05", "06"):
        TrafficSample.create(
            service_id=service, vm_id=shop.vmid(service), date=f"2026-04-10 {hour}:00:00", netin=7, netout=7
        )
    shop.set_time("2026-04-10 07:00:10")
    assert shop.texts(shop.collect()) == ["[success] last:2026-04-10 04:00:10, collected"]
    assert shop.billed(service) == (ours[0] + 14, ours[1] + 14)
    back = shop.clock.now()
    shop.set_time("2026-04-10 08:00:10")
    shop.collect()
    since = shop.truth(service, back)
    assert shop.billed(service)[0] == pytest.approx(ours[0] + 14 + since[0], abs=2 * 2 * MB)


@pytest.mark.req("MET-14")
def test_a_vm_of_the_old_module_counts_from_the_first_look_on(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.rates(service, 2 * MB, MB)
    VmidReservation.delete().execute()
    TrafficSample.create(service_id=service, vm_id=100, date="2026-04-10 00:00:00", netin=5, netout=6)
    shop.clock.advance(HOUR)
    assert shop.texts(shop.collect()) == ["[success] last:2026-04-10 00:00:00, collected"]
    assert shop.billed(service) == (5, 6)
    shop.clock.advance(HOUR)
    shop.collect()
    assert shop.billed(service)[0] == pytest.approx(5 + HOUR * 2 * MB, rel=0.01)


def test_an_rrd_that_cannot_be_read_leaves_the_gap_out_and_says_so(meter: Open) -> None:
    shop = meter()
    service = shop.deploy()
    shop.clock.advance(HOUR)
    shop.collect()
    shop.clock.advance(HOUR / 2)
    shop.power(service, "stop")
    shop.power(service, "start")
    shop.clock.advance(HOUR / 2)
    shop.fault("/rrddata", status=500, text="RRD error")
    (text,) = shop.texts(shop.collect())
    assert text.endswith(", collected, 30 min not measured")
    assert shop.billed(service)[0] < shop.truth(service)[0]
