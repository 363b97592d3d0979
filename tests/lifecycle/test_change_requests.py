"""Who may ask for a package change, when it is refused, and what its last step waits for."""

from typing import Any

import pytest
import requests

from bridge.lifecycle.rules import Operation
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.sandbox.whmcs.answers import Refused
from bridge.sandbox.whmcs.module_calls import call_module
from bridge.web.envelope import ActorFields, Call, Envelope
from bridge.web.module import FUNCTIONS
from bridge.web_role import WebServices
from statemachines.steps.mail import UPGRADE
from tests.deploy.installation import failed_step, steps
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living

CHANGE = Operation.CHANGE_PACKAGE


def whmcs_calls(rig: Living, function: str, service: int) -> None:
    """WHMCS calls the module and follows up. Raises Refused with the module's own text."""

    def module(name: str, params: dict[str, Any]) -> str:
        served = FUNCTIONS[name]
        assert served is not None
        call = Call(Envelope(params={"serviceid": params["serviceid"]}, actor=ActorFields(type="system")))
        return str(served(WebServices(rig.house), call))

    rig.whmcs.shop.module = module
    call_module(rig.whmcs.shop, function, service, {})


@pytest.mark.req("OPT-35")
def test_an_upgrade_of_options_changes_the_package(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.choose(service, "RAM", "3|3 GB")
    whmcs_calls(rig, "ChangePackage", service)
    assert rig.state(service) == "change_package"
    rig.run()
    assert (rig.state(service), str(rig.config(service)["memory"])) == ("ready", "3072")


@pytest.mark.req("CP-04")
@pytest.mark.parametrize("state", ["terminate", "error_terminate", "remove"])
def test_a_vm_that_goes_or_is_gone_is_not_changed(install: Install, state: str) -> None:
    rig = install()
    service = rig.living()
    VmInfo.update(vm_status=state).execute()
    before = VmWork.get_by_id(service).__data__
    with pytest.raises(
        Refused, match=rf"change package is not possible: the VM of service {service} is .*\(status {state}\)"
    ):
        whmcs_calls(rig, "ChangePackage", service)
    assert rig.state(service) == state
    assert VmWork.get_by_id(service).__data__ == before


@pytest.mark.req("CP-04")
def test_a_termination_that_was_asked_for_is_not_undone_by_a_change(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask(service, Operation.TERMINATE)
    assert rig.ask(service, CHANGE).startswith("change package is not possible")
    rig.run()
    assert rig.state(service) == "remove"
    assert rig.mails_of(service) == []


@pytest.mark.req("CP-04")
def test_a_change_asked_for_during_a_deployment_follows_it(install: Install) -> None:
    rig = install()
    service = rig.order()
    rig.set_product(cpu="4")
    asked = []

    def ask_once(request: requests.PreparedRequest, answer: object) -> None:
        if rig.states()[service] == "starting" and not asked:
            asked.append(rig.ask(service, CHANGE))
            rig.set_product(cpu="6")

    rig.witnesses.append(ask_once)
    rig.run()
    assert asked == ["success"]
    assert rig.mails_of(service)[-1] == UPGRADE
    assert rig.config(service)["cores"] == 6


def dies(rig: Living, request: requests.PreparedRequest) -> None:
    """The guest switches itself off as soon as somebody looks at it."""
    if str(request.path_url).endswith("/status/current"):
        for guest in rig.cluster.guests.values():
            guest.run = None


@pytest.mark.req("CP-35")
def test_a_guest_is_given_five_ticks_to_run_and_is_ready_then(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask(service, CHANGE)
    rig.witnesses.append(lambda request, answer: dies(rig, request))
    lines = [failed_step(rig.tick()) for _ in range(5)]
    assert all("Verify running" in line and "(cp_start -> cp_start)" in line for line in lines)
    assert rig.mails_of(service) == []
    assert len(rig.calls("POST", "/status/start")) == 1

    rig.witnesses.pop()
    rig.power(service, "start")
    printed = rig.tick()
    assert [line.split(None, 2)[2] for line in steps(printed)] == [
        "Verify running".ljust(35) + " success (cp_start -> ready)"
    ]
    assert (rig.state(service), rig.mails_of(service)) == ("ready", [UPGRADE])


@pytest.mark.req("CP-35")
def test_a_guest_that_does_not_run_after_five_ticks_is_started_again(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask(service, CHANGE)
    rig.witnesses.append(lambda request, answer: dies(rig, request))
    for _ in range(5):
        rig.tick()
    assert "did not run within 5 ticks and was started again. Will retry. (cp_start -> cp_start)" in failed_step(
        rig.tick()
    )
    assert len(rig.calls("POST", "/status/start")) == 2
    rig.witnesses.pop()
    rig.clock.advance(60)
    rig.tick()
    assert (rig.state(service), rig.running(service)) == ("ready", True)


def repaired(rig: Living, service: int) -> None:
    """The admin mends what was wrong, and the next tick comes by."""
    rig.cluster.faults.clear()
    rig.clock.advance(61)
    rig.tick()


def redeployed(rig: Living, service: int) -> None:
    """The admin has the VM made anew, once the cluster works again."""
    rig.cluster.faults.clear()
    rig.ask_and_run(service, Operation.REDEPLOY)


@pytest.mark.req("ADM-35")
@pytest.mark.parametrize("way", [repaired, redeployed])
def test_both_ways_out_of_a_failed_step_end_in_ready(install: Install, way: Any) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4", sys_size="30")
    rig.ask(service, CHANGE)
    rig.fault("PUT .*/resize", status=500, text="zfs error: out of space", times=0)
    for _ in range(3):
        rig.tick()
        rig.clock.advance(61)
    assert rig.state(service) == "cp_cpu_ram"
    way(rig, service)
    assert (rig.state(service), rig.running(service)) == ("ready", True)
    assert (rig.config(service)["cores"], rig.disk(service)["size"]) == (4, "30G")


@pytest.mark.req("TRM-03")
def test_whmcs_shows_the_service_as_terminated_while_its_vm_still_goes(install: Install) -> None:
    rig = install()
    service = rig.living()
    whmcs_calls(rig, "TerminateAccount", service)
    assert Service.get_by_id(service).domainstatus == "Terminated"
    assert rig.state(service) == "terminate"
