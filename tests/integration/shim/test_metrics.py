"""WHMCS's usage billing: real PHP asks the daemon, which answers from its tables."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.clock import SystemClock
from bridge.database import close_connection
from bridge.models.module import TrafficSample
from bridge.models.whmcs import Service
from bridge.statistics.usage import Usage
from tests.daemon import RecordingServices, served
from tests.factories import make_server, make_service, make_vm
from tests.integration.shim.whmcs import Report, Whmcs

GIB = 1 << 30


class At(SystemClock):
    """The installation's clock at a moment of UTC."""

    def __init__(self, text: str) -> None:
        super().__init__("Europe/Warsaw")
        self.at = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()

    def now(self) -> float:
        return self.at


class MeteredServices(RecordingServices):
    """Gives a request's connection back."""

    def close(self) -> None:
        super().close()
        close_connection()


@pytest.fixture
def clock() -> At:
    return At("2026-04-30 21:00")


@pytest.fixture
def metered(database: object, clock: At) -> MeteredServices:
    """With the real part that tells usage."""
    return MeteredServices(usage=Usage(clock))  # type: ignore[arg-type]


@pytest.fixture
def shop(php: str, metered: MeteredServices, tmp_path: Path) -> Any:
    with served(metered) as url:
        yield Whmcs(php, tmp_path, url, timeout=10, long_timeout=10)


def tenant(domain: str, server: int, *samples: tuple[str, int, int]) -> Service:
    service = make_service(domain=domain, server=server)
    make_vm(service, "ready")
    for hour, netin, netout in samples:
        date = datetime.fromisoformat(hour)
        TrafficSample.create(service_id=service.id, date=date, netin=netin * GIB, netout=netout * GIB)
    return service


def ask(whmcs: Whmcs, server: int, method: str, *arguments: Any) -> Report:
    params = {"serverid": str(server), "serverhostname": "pve1", "server": True, "serverpassword": "server-password"}
    return whmcs.call("puqProxmoxKVM_MetricProvider", params, then=[method], then_arguments=arguments)


def figures(metrics: list[dict[str, Any]]) -> dict[str, float]:
    return {metric["systemName"]: metric["usage"]["value"] for metric in metrics}


@pytest.mark.req("MET-17", "MET-07")
def test_whmcs_gets_the_month_of_every_service_of_a_server(shop: Whmcs) -> None:
    server = make_server().id
    tenant(
        "a.example.com", server, ("2026-04-01 00:00", 2, 1), ("2026-04-30 22:00", 3, 0), ("2026-03-31 23:00", 90, 90)
    )
    tenant("b.example.com", server)
    tenant("c.example.com", make_server().id, ("2026-04-10 00:00", 7, 7))
    report = ask(shop, server, "usage")
    assert report.silent, report
    assert {name: figures(metrics) for name, metrics in report.result.items()} == {
        "a.example.com": {"bandwidth_usage_in": 5, "bandwidth_usage_out": 1},
        "b.example.com": {"bandwidth_usage_in": 0, "bandwidth_usage_out": 0},
    }
    usage = report.result["a.example.com"][0]["usage"]
    stamps = [SystemClock("Europe/Warsaw").stamp(usage[key]) for key in ("startAt", "endAt")]
    assert stamps == ["2026-04-01 00:00:00", "2026-04-30 23:59:59"]
    assert usage["startAt"] <= usage["collectedAt"] <= usage["endAt"]


@pytest.mark.req("MET-17")
@pytest.mark.parametrize("asked", ["a.example.com", "A.Example.com"])
def test_whmcs_gets_the_month_of_one_service(shop: Whmcs, asked: str) -> None:
    server = make_server().id
    tenant(asked, server, ("2026-04-10 03:00", 2, 1))
    tenant("b.example.com", server, ("2026-04-10 03:00", 9, 9))
    report = ask(shop, server, "tenantUsage", asked)
    assert report.silent, report
    assert figures(report.result) == {"bandwidth_usage_in": 2, "bandwidth_usage_out": 1}
    assert {metric["type"] for metric in report.result} == {"month"}
    assert ask(shop, server, "tenantUsage", "nobody.example.com").result == []


@pytest.mark.req("MET-07")
def test_after_midnight_in_the_installation_s_zone_a_new_month_has_begun(shop: Whmcs, clock: At) -> None:
    server = make_server().id
    tenant("a.example.com", server, ("2026-04-30 23:00", 5, 5))
    clock.at += 3660
    report = ask(shop, server, "tenantUsage", "a.example.com")
    assert figures(report.result) == {"bandwidth_usage_in": 0, "bandwidth_usage_out": 0}
    assert SystemClock("Europe/Warsaw").stamp(report.result[0]["usage"]["startAt"]) == "2026-05-01 00:00:00"
