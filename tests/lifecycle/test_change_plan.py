"""The plan of a package change: complete, without a write, and what is done afterwards is what it said."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.commands import cli
from bridge.lifecycle.plan import ChangePlan, Planner
from bridge.lifecycle.rules import Operation
from bridge.web.callers import Refusal
from bridge.web.module import change_plan
from bridge.web_role import WebServices
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living
from tests.lifecycle.test_change_package import skipped


def plan_of(rig: Living, service: int) -> ChangePlan:
    """The plan, made without a write."""
    before = len(rig.writes())
    plan = Planner(rig.house.runs.shop).plan(service)
    assert rig.writes()[before:] == []
    return plan


def written(rig: Living) -> set[str]:
    """The keys that were written to the VM since, in the words of a plan."""
    keys: set[str] = set()
    for call in rig.sent:
        if call.method == "PUT" and call.path.endswith("/resize"):
            keys.add(f"{call.params['disk']} size")
        elif call.method == "PUT" and call.path.endswith("/firewall/options"):
            keys |= {f"firewall.{key}" for key in call.params if key not in ("delete", "digest")}
        elif call.method == "PUT" and call.path.endswith("/config"):
            keys |= {key for key in call.params if key not in ("delete", "digest")}
            keys |= {key for key in call.params.get("delete", "").split(",") if key and not key.startswith("unused")}
    return keys


def planned(plan: ChangePlan) -> set[str]:
    """The keys that a plan names, those of addresses in the pool left out."""
    keys = {change.key.removesuffix(" limits") for change in plan.changes}
    return {key for key in keys if not key.endswith("addresses")}


CASES: dict[str, dict[str, Any]] = {
    "everything": {
        "cpu": "4",
        "ram": "4",
        "sys_size": "30",
        "add_size": "20",
        "net_bandwidth": "30",
        "ipv4_count": "1",
    },
    "nothing": {},
    "card only": {"net_bandwidth": "30"},
    "disks only": {"sys_size": "30", "add_size": "20", "sys_mbps_rd": "7"},
    "shrink": {"sys_size": "10", "cpu": "3"},
    "firewall": {"fw_policy_in": "DROP", "fw_log_in": "info"},
    "no IPv4": {"ipv4_count": "0"},
    "first IPv6": {"ipv6_count": "3"},
}


@pytest.mark.parametrize("mode", ["restart", "live"])
@pytest.mark.parametrize("name", CASES)
def test_what_is_done_is_what_the_plan_said(install: Install, name: str, mode: str) -> None:
    rig = install(change_mode=mode)
    service = rig.living()
    rig.set_product(**CASES[name])
    plan = plan_of(rig, service)
    rig.forget()
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)
    assert written(rig) == planned(plan)
    stops = [call for call in rig.sent if call.method == "POST" and call.path.endswith(("/shutdown", "/stop"))]
    assert len(stops) == plan.restart
    assert rig.running(service)
    assert plan_of(rig, service).changes == ()


@pytest.mark.parametrize(
    ("settings", "restart"),
    [
        ({"net_bandwidth": "30"}, False),
        ({"sys_size": "30", "add_mbps_wr": "9"}, False),
        ({"fw_policy_in": "DROP"}, False),
        ({"cpu": "4"}, True),
        ({"ram": "4"}, True),
        ({"net_model": "e1000"}, True),
    ],
)
def test_live_the_vm_is_stopped_only_for_what_needs_it(
    install: Install, settings: dict[str, str], restart: bool
) -> None:
    rig = install(change_mode="live")
    service = rig.living()
    rig.set_product(**settings)
    plan = plan_of(rig, service)
    assert (plan.restart, plan.downtime > 0) == (restart, restart)
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)
    reasons = skipped(rig)
    assert (reasons.get("Stop VM"), reasons.get("Start VM")) == (
        (None, None) if restart else ("no restart needed", "no restart needed")
    )


def test_by_default_every_change_restarts_the_vm(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(net_bandwidth="30")
    plan = plan_of(rig, service)
    assert (plan.mode, plan.restart) == ("restart", True)
    assert [change.restart for change in plan.changes] == [False]


def test_what_the_running_vm_did_not_take_gets_its_restart(install: Install) -> None:
    rig = install(change_mode="live")
    service = rig.living()
    rig.set_product(net_bandwidth="30")
    rig.ask(service, Operation.CHANGE_PACKAGE)
    guest = rig.cluster.guests[rig.facts(service).vmid]

    def leave_pending(request: Any, answer: Any) -> None:
        if request.method == "PUT" and "/config" in request.url:
            guest.pending["cores"] = 3

    rig.witnesses.append(leave_pending)
    rig.run()
    power = [call.path.rpartition("/")[2] for call in rig.sent if call.method == "POST" and "/status/" in call.path]
    assert power == ["shutdown", "start"]
    assert (guest.pending, guest.config["cores"]) == ({}, 3)


@pytest.mark.req("CP-16", "CP-20")
def test_a_plan_tells_what_is_refused(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(sys_size="10")
    plan = plan_of(rig, service)
    assert [(refusal.what, refusal.now, refusal.wanted) for refusal in plan.refusals] == [
        ("scsi0 size", "20 GB", "10 GB")
    ]
    assert plan.changes == ()


def test_a_plan_tells_what_the_change_would_wait_for(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.cluster.guests[rig.facts(service).vmid].config["lock"] = "backup"
    assert plan_of(rig, service).waits_for == "lock backup"


def test_the_command_prints_the_plan(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4")
    monkeypatch.setattr("bridge.commands.plan.house_from_environment", lambda: rig.house)
    printed = json.loads(CliRunner().invoke(cli, ["plan", str(service), "--json"], catch_exceptions=False).output)
    assert printed["restart"] is True
    assert printed["changes"][0] == {"key": "cores", "now": "2", "then": "4", "how": "restart"}
    text = CliRunner().invoke(cli, ["plan", str(service)], catch_exceptions=False).output
    assert "stopped and started once" in text
    assert "cores" in text


def test_whmcs_gets_the_plan_as_plain_values_and_a_refusal_as_one_line(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4")
    services = WebServices(rig.house)
    call = SimpleNamespace(service_id=lambda: service)
    plan = change_plan(services, call)  # type: ignore[arg-type]
    assert json.loads(json.dumps(plan))["changes"][0]["key"] == "cores"
    del rig.cluster.guests[100]
    with pytest.raises(Refusal, match="VM 100 of service 1 does not exist"):
        change_plan(services, call)  # type: ignore[arg-type]
