"""Suspension where no scheduler runs: WHMCS asks, and one tick after the other has it done."""

import re

import pytest

from bridge.config import load_config
from bridge.wiring import House
from tests.chaos.processes import Installation, wait_until

DOCUMENTED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d |  \[|---|$")


def tick(installation: Installation) -> list[str]:
    """One tick of a process of its own; what it printed."""
    return installation.command("cron", "--force").printed.splitlines()


@pytest.mark.req("CRN-53", "ADM-13", "ADM-14")
def test_ticks_alone_stop_a_suspended_vm_again_and_start_it_when_it_is_unsuspended(installation: Installation) -> None:
    installation.start("web")
    service = installation.order()
    tick(installation)
    proxmox = House(load_config(installation.environment)).hypervisors.for_server(installation.shop.server_id)
    guest = proxmox.locate(100)
    assert guest is not None

    def runs() -> bool:
        status = proxmox.status(guest.node, 100)
        return status is not None and status.running

    assert runs()
    assert installation.call_module("SuspendAccount", installation.whmcs.module_parameters(service)) == "success"
    tick(installation)
    assert not runs()

    proxmox.start(guest.node, 100)
    wait_until(runs, 30, lambda: "the VM does not start")
    printed = tick(installation)
    assert not runs()
    assert f"--- SuspendAccount: service={service} vm=100 status=ready ---" in printed
    assert [line for line in printed if not DOCUMENTED.match(line)] == []

    assert installation.call_module("UnsuspendAccount", installation.whmcs.module_parameters(service)) == "success"
    tick(installation)
    assert runs()
