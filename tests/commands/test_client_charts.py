"""The data of the client's page Charts, through the protocol, in every version of Proxmox VE."""

from typing import Any

import pytest

from bridge.models.companion import VmidReservation
from bridge.sandbox.proxmox.schema import VERSIONS
from providers.proxmox.samples import TIMEFRAMES
from tests.commands.browser import Browser, ask
from tests.commands.conftest import Desk, Open

HOUR = 3600.0
DAY = 86400.0
LOAD = ("cpu", "ram", "ram_used", "disk_read", "disk_write", "net_in", "net_out")


def charts(rig: Desk, service: int, timeframe: str) -> Any:
    """What a client's page gets."""
    return Browser(rig).read(service, "charts_data", timeframe=timeframe)


def measured(data: dict[str, Any], column: str = "cpu") -> list[int]:
    """The times for which a column has a value."""
    return [time for time, value in zip(data["time"], data[column], strict=True) if value is not None]


@pytest.mark.req("CLI-30")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("timeframe", "seconds"),
    [("hour", HOUR), ("day", DAY), ("week", 7 * DAY), ("month", 30 * DAY), ("year", 360 * DAY)],
)
def test_each_period_is_covered_by_samples(desk: Open, version: str, timeframe: str, seconds: float) -> None:
    rig = desk(version=version)
    service = rig.deploy()
    rig.clock.advance(400 * DAY)
    data = charts(rig, service, timeframe)
    assert data["timeframe"] == timeframe
    times = data["time"]
    assert times == sorted(set(times))
    assert rig.clock.now() - times[-1] <= seconds / 30
    assert times[-1] - times[0] >= 0.95 * seconds
    assert times[0] >= rig.clock.now() - 1.02 * seconds
    assert {len(data[column]) for column in LOAD} == {len(times)}
    for column in LOAD:
        assert len(measured(data, column)) >= len(times) - 1, column
    assert set(data["ram_total"]) - {None} == {2 << 30}


@pytest.mark.req("CLI-29")
@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_measured_before_is_shown_of_a_stopped_vm_and_then_there_is_a_gap(desk: Open, version: str) -> None:
    rig = desk(version=version)
    service = rig.deploy()
    rig.clock.advance(2 * HOUR)
    Browser(rig).press(service, "stop")
    rig.run()
    assert rig.power(service) == "stopped"
    stopped = rig.clock.now()
    rig.clock.advance(HOUR / 2)
    data = charts(rig, service, "hour")
    ran = measured(data)
    assert ran
    assert max(ran) <= stopped
    later = [time for time in data["time"] if time > stopped]
    assert len(later) >= 25
    assert set(later) <= set(measured(data, "ram_total"))


@pytest.mark.req("CLI-30")
def test_what_an_earlier_vm_with_the_same_vmid_did_is_not_told(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.clock.advance(HOUR)
    since = rig.clock.now() - HOUR / 2
    VmidReservation.update(reserved_at=since).where(VmidReservation.service_id == service).execute()
    times = charts(rig, service, "hour")["time"]
    assert since <= times[0] < since + 61


@pytest.mark.req("CLI-30")
def test_charts_are_told_while_a_backup_is_made(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.clock.advance(600)
    rig.cluster.guests[100].config["lock"] = "backup"
    assert measured(charts(rig, service, "hour"))


def test_a_vm_that_was_never_measured_has_empty_charts(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.fault(
        "/rrddata", status=500, text="RRD error: opening '/var/lib/rrdcached/db/pve2-vm/100': No such file or directory"
    )
    data = charts(rig, service, "day")
    assert (data["time"], data["cpu"]) == ([], [])


@pytest.mark.parametrize("timeframe", ["decade", "", "Hour", "hour;day"])
def test_a_period_that_there_is_not_is_refused(desk: Open, timeframe: str) -> None:
    rig = desk()
    service = rig.deploy()
    rig.sent.clear()
    assert charts(rig, service, timeframe).startswith("Parameter timeframe is not usable")
    assert rig.sent == []


def test_the_last_hour_is_what_is_shown_first(desk: Open) -> None:
    rig = desk()
    assert Browser(rig).read(rig.deploy(), "charts_data")["timeframe"] == "hour"


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_staff_sees_the_charts_whatever_the_product_permits(desk: Open, timeframe: str) -> None:
    rig = desk(client_charts="off")
    service = rig.deploy()
    rig.clock.advance(30 * DAY)
    data = ask(rig, "/v1/addon/charts_data", {"serviceid": service, "timeframe": timeframe})
    assert measured(data)
    assert charts(rig, service, timeframe) == "Access Denied"


def test_staff_reads_why_there_are_no_charts(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    del rig.cluster.guests[100]
    answer = ask(rig, "/v1/addon/charts_data", {"serviceid": service, "timeframe": "day"})
    assert answer == f"VM 100 of service {service} does not exist on server Demo cluster"
