"""What WHMCS is told of the month's traffic; on SQLite and on MariaDB."""

from datetime import datetime

import pytest

from bridge.clock import SystemClock
from bridge.models.companion import TrafficState
from bridge.models.module import TrafficSample
from bridge.models.whmcs import Service
from bridge.statistics.usage import Usage
from tests.chaos.clock import VirtualClock
from tests.factories import make_server, make_service, make_vm

pytestmark = pytest.mark.usefixtures("database")

GIB = 1 << 30
WARSAW = SystemClock("Europe/Warsaw")


class Local(VirtualClock):
    """Virtual time in Warsaw."""

    def __init__(self, text: str) -> None:
        super().__init__(WARSAW.epoch(datetime.fromisoformat(text)))

    def local(self, epoch: float) -> datetime:
        return WARSAW.local(epoch)

    def epoch(self, local: datetime) -> float:
        return WARSAW.epoch(local)


def tenant(domain: str, **columns: object) -> Service:
    service = make_service(domain=domain, **columns)
    make_vm(service, "ready")
    return service


def traffic(service: Service, hour: str, netin: int, netout: int = 0) -> None:
    date = datetime.fromisoformat(hour)
    TrafficSample.create(service_id=service.id, vm_id=100, date=date, netin=netin * GIB, netout=netout * GIB)


def told(text: str, server: int = 0, only: str | None = None) -> dict[str, tuple[float, float]]:
    tenants = Usage(Local(text)).of_month(server, only)["tenants"]  # type: ignore[arg-type]
    return {name: (of["bandwidth_usage_in"], of["bandwidth_usage_out"]) for name, of in tenants.items()}


@pytest.mark.req("MET-07")
def test_the_rows_of_the_month_are_summed_and_those_of_others_are_not() -> None:
    service = tenant("a.example.com")
    for hour, netin in (
        ("2026-03-31 23:00", 50),
        ("2026-04-01 00:00", 1),
        ("2026-04-30 23:00", 2),
        ("2026-05-01 00:00", 70),
    ):
        traffic(service, hour, netin, 3)
    assert told("2026-04-30 23:30") == {"a.example.com": (3.0, 6.0)}
    assert told("2026-05-01 00:00") == {"a.example.com": (70.0, 3.0)}


@pytest.mark.req("MET-07", "MET-17")
def test_a_new_month_begins_at_0_for_everybody() -> None:
    traffic(tenant("a.example.com"), "2026-04-30 23:00", 50)
    assert told("2026-05-01 00:00:01") == {"a.example.com": (0.0, 0.0)}


@pytest.mark.req("MET-17")
def test_a_gigabyte_is_1024_cubed_bytes() -> None:
    service = tenant("a.example.com")
    date = datetime(2026, 4, 10, 3)
    TrafficSample.create(service_id=service.id, date=date, netin=1_500_000_000, netout=1 << 29)
    assert told("2026-04-10 04:00") == {"a.example.com": (1.396984, 0.5)}


@pytest.mark.req("MET-17")
def test_the_period_is_the_local_month() -> None:
    tenant("a.example.com")
    answer = Usage(Local("2026-10-31 12:00")).of_month(0)  # type: ignore[arg-type]
    assert WARSAW.stamp(answer["start"]) == "2026-10-01 00:00:00"
    assert WARSAW.stamp(answer["end"]) == "2026-10-31 23:59:59"


@pytest.mark.req("MET-17")
@pytest.mark.parametrize(
    ("sampled", "shown"),
    [
        ("2026-05-01 09:00:00", "2026-05-01 09:00:00"),
        ("2026-04-30 23:59:00", "2026-05-01 00:00:00"),  # 0 must not stand in for what April had
        ("2026-06-02 00:00:00", "2026-05-31 23:59:59"),
        (None, "2026-05-01 00:00:00"),
    ],
)
def test_a_figure_bears_a_time_of_its_month(sampled: str | None, shown: str) -> None:
    service = tenant("a.example.com")
    if sampled:
        at = WARSAW.epoch(datetime.fromisoformat(sampled))
        TrafficState.create(service_id=service.id, server_id=1, vmid=100, sampled_at=at, open_since=at)
    answer = Usage(Local("2026-05-01 10:00")).of_month(0)  # type: ignore[arg-type]
    assert WARSAW.stamp(answer["tenants"]["a.example.com"]["collected"]) == shown


@pytest.mark.req("MET-17")
def test_a_server_tells_of_its_own_services_and_a_tenant_of_itself() -> None:
    here, there = make_server(), make_server()
    first, second = tenant("a.example.com", server=here.id), tenant("b.example.com", server=here.id)
    third = tenant("c.example.com", server=there.id)
    for number, service in enumerate((first, second, third), 1):
        traffic(service, "2026-04-10 03:00", number)
    assert told("2026-04-10 12:00", here.id) == {"a.example.com": (1.0, 0.0), "b.example.com": (2.0, 0.0)}
    assert told("2026-04-10 12:00", here.id, "b.example.com") == {"b.example.com": (2.0, 0.0)}
    assert told("2026-04-10 12:00", here.id, "c.example.com") == {}
    assert set(told("2026-04-10 12:00")) == {"a.example.com", "b.example.com", "c.example.com"}


@pytest.mark.req("MET-17")
def test_nobody_is_told_the_traffic_of_another_with_the_same_domain(caplog: pytest.LogCaptureFixture) -> None:
    ended, running = tenant("a.example.com", domainstatus="Terminated"), tenant("A.example.com")
    twins = [tenant("twin.example.com"), tenant("twin.example.com", domainstatus="Suspended")]
    for service in (ended, running, *twins):
        traffic(service, "2026-04-10 03:00", service.id)
    assert told("2026-04-10 12:00") == {"A.example.com": (float(running.id), 0.0)}
    assert "twin.example.com" in caplog.text


def test_services_of_other_modules_and_without_domain_are_left_out() -> None:
    make_service(domain="other-module.example.com")
    tenant("")
    assert told("2026-04-10 12:00") == {}
