"""Graph data of a VM that ran, was stopped and ran again, and how fine they are in each version."""

from itertools import pairwise

import pytest

from bridge.sandbox.proxmox import VirtualClock, demo_cluster
from tests.unit.sandbox_proxmox.api import Api

VM = "/nodes/pve1/qemu/100"
LOAD = {"cpu", "mem", "netin", "netout", "diskread", "diskwrite"}


def ran_stopped_and_runs(version: str = "8.4") -> tuple[Api, float, float]:
    """A VM that ran for ten minutes, was down for ten, and has been up for ten; when it stopped and when it started."""
    api = Api(demo_cluster(VirtualClock(), version))
    api.call("POST", "/nodes/pve1/qemu/9000/clone", newid=100, full=0)
    api.clock.advance(60)
    moments = []
    for action in ("start", "stop", "start"):
        assert api.call("POST", f"{VM}/status/{action}").status == 200
        api.clock.advance(600)
        moments.append(api.clock.now() - 600)
    return api, moments[1], moments[2]


@pytest.mark.parametrize("version", ["7.4", "8.4", "9.2"])
def test_a_vm_that_is_down_is_measured_by_its_size_only(version: str) -> None:
    api, stopped, started = ran_stopped_and_runs(version)
    samples = [row for row in api.get(f"{VM}/rrddata", timeframe="hour") if "maxmem" in row]
    down = [row for row in samples if stopped + 60 < row["time"] < started - 60]
    assert len(down) >= 6
    assert all(not LOAD & set(row) for row in down)
    up = [row for row in samples if row["time"] > started + 60 or stopped - 500 < row["time"] < stopped - 60]
    assert len(up) >= 12
    assert all(set(row) >= LOAD for row in up)
    assert {(row["netin"], row["netout"]) for row in up} == {(110, 90)}, "rates, not counters"
    assert {"memhost" in row for row in up} == {version == "9.2"}


@pytest.mark.parametrize(
    ("timeframe", "count", "step"),
    [("hour", 60, 60), ("day", 1440, 60), ("week", 336, 1800), ("month", 1440, 1800), ("year", 1440, 21600)],
)
def test_graphs_are_finer_since_version_9(timeframe: str, count: int, step: int) -> None:
    api, _, _ = ran_stopped_and_runs("9.2")
    samples = api.get(f"{VM}/rrddata", timeframe=timeframe)
    assert count - 1 <= len(samples) <= count
    assert {later["time"] - earlier["time"] for earlier, later in pairwise(samples)} == {step}
