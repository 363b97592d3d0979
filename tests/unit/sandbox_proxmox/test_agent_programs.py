"""What the guest agent does inside a booted guest, and the graphs of that guest."""

from itertools import pairwise
from typing import Any

import pytest

from tests.unit.sandbox_proxmox.api import Api


@pytest.fixture
def agent(api: Api) -> str:
    """The agent's path of a VM that has booted."""
    vm = api.vm(100)
    assert api.task("POST", vm + "/status/start") == "OK"
    api.clock.advance(60)
    return vm + "/agent"


def run(api: Api, agent: str, **params: Any) -> dict[str, Any]:
    pid = api.call("POST", agent + "/exec", **params).data["pid"]
    status: dict[str, Any] = api.get(agent + "/exec-status", pid=pid)
    assert api.call("GET", agent + "/exec-status", pid=pid).reason == "Agent error: Invalid parameter 'pid'"
    return status


def test_a_file_that_was_written_is_read_until_the_guest_boots_anew(api: Api, agent: str) -> None:
    reply = api.call("GET", agent + "/file-read", file="/tmp/x")
    assert reply.reason == "Agent error: failed to open file '/tmp/x' (mode: 'r'): No such file or directory"
    api.call("POST", agent + "/file-write", file="/tmp/x", content="hällo")
    assert api.get(agent + "/file-read", file="/tmp/x") == {"content": "hällo", "bytes-read": 6}
    api.call("POST", agent + "/file-write", file="/tmp/x", content="aGk=", encode=0)
    assert api.get(agent + "/file-read", file="/tmp/x")["content"] == "hi"
    assert api.task("POST", agent.removesuffix("agent") + "status/reboot") == "OK"
    api.clock.advance(60)
    assert api.call("GET", agent + "/file-read", file="/tmp/x").status == 500


def test_a_program_tells_once_how_it_ended(api: Api, agent: str) -> None:
    assert run(api, agent, command="/bin/true") == {"exited": 1, "exitcode": 0}
    assert run(api, agent, command="/bin/false") == {"exited": 1, "exitcode": 1}


def test_the_root_file_system_is_as_large_as_the_boot_disk(api: Api, agent: str) -> None:
    [root] = api.get(agent + "/get-fsinfo")["result"]
    assert (root["mountpoint"], root["total-bytes"]) == ("/", 3 * 2**30)


def test_a_command_by_its_name_answers_like_its_own_path(api: Api, agent: str) -> None:
    for name in ("info", "get-fsinfo", "get-host-name", "network-get-interfaces"):
        assert api.call("POST", agent, command=name).data == api.get(f"{agent}/{name}")
    assert (
        api.call("POST", agent, command="fstrim").reason == "Agent error: The command guest-fstrim has not been found"
    )


def test_file_systems_stay_frozen_until_they_are_thawed(api: Api, agent: str) -> None:
    states = [
        api.call("POST", f"{agent}/fsfreeze-{command}").data["result"]
        for command in ("status", "freeze", "status", "freeze", "thaw", "status")
    ]
    assert states == ["thawed", 1, "frozen", 0, 1, "thawed"]


@pytest.mark.parametrize("timeframe", ["hour", "day", "week", "month", "year"])
def test_graphs_have_seventy_samples_and_values_only_since_the_vm_exists(api: Api, agent: str, timeframe: str) -> None:
    path = agent.removesuffix("agent") + "rrddata"
    samples = api.get(path, timeframe=timeframe)
    assert len(samples) == 70
    steps = {later["time"] - earlier["time"] for earlier, later in pairwise(samples)}
    assert len(steps) == 1
    valued = [sample for sample in samples if "cpu" in sample]
    created = api.cluster.guests[100].created
    assert all(sample["time"] + min(steps) > created for sample in valued)
    assert bool(valued) == (timeframe == "hour"), "longer samples are not over yet"
    api.clock.advance(10 * min(steps))
    assert "cpu" in api.get(path, timeframe=timeframe)[-2]


def test_a_vm_that_never_was_has_no_graph(api: Api) -> None:
    reply = api.call("GET", "/nodes/pve1/qemu/100/rrddata", timeframe="hour")
    assert reply.status == 500
    assert reply.reason.endswith("opening '/var/lib/rrdcached/db/pve2-vm/100': No such file or directory")
