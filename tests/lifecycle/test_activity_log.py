"""What clients and staff find in the activity log of WHMCS about a VM."""

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.module import IpPool
from bridge.models.whmcs import ActivityLogEntry, Service
from statemachines.steps.activity import CHANGED, DEPLOYED, REINSTALLING, RESET
from statemachines.steps.terminate import SUCCEEDED
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living


def clients_log(service: int) -> list[str]:
    """What the service's client reads, without the reference to the service that ends the lines."""
    owner = Service.get_by_id(service).userid
    rows = ActivityLogEntry.select().where(ActivityLogEntry.userid == owner).order_by(ActivityLogEntry.id)
    return [row.description.removesuffix(f" - Service ID: {service}") for row in rows]


def staff_log() -> list[str]:
    """What only staff reads."""
    return [row.description for row in ActivityLogEntry.select().where(ActivityLogEntry.userid == 0)]


@pytest.mark.req("LOG-05", "LOG-06")
def test_the_life_of_a_vm_is_told_to_its_client_each_event_once(install: Install) -> None:
    rig: Living = install()
    service = rig.deploy()
    assert clients_log(service) == [DEPLOYED]
    rig.set_product(ram="4")
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)
    assert clients_log(service) == [DEPLOYED, CHANGED]
    rig.house.passwords.reset(service)
    rig.run()
    assert clients_log(service) == [DEPLOYED, CHANGED, RESET]
    rig.ask_and_run(service, Operation.REINSTALL, template=9000)
    assert clients_log(service) == [DEPLOYED, CHANGED, RESET, REINSTALLING, DEPLOYED]
    rig.ask_and_run(service, Operation.TERMINATE)
    assert clients_log(service) == [DEPLOYED, CHANGED, RESET, REINSTALLING, DEPLOYED, SUCCEEDED]
    assert staff_log() == []


@pytest.mark.req("LOG-05")
def test_an_event_is_told_although_its_mail_is_switched_off(install: Install) -> None:
    rig = install(mail_ready="")
    service = rig.deploy()
    assert rig.mails_of(service) == ["puqProxmoxVKM Welcome Email"]
    assert clients_log(service) == [DEPLOYED]


@pytest.mark.req("LOG-05", "LOG-09")
def test_trouble_is_told_to_staff_with_its_cause_and_not_to_the_client(install: Install) -> None:
    rig = install()
    kept = list(IpPool.select().dicts())
    IpPool.delete().execute()
    service = rig.order()
    for _ in range(3):
        rig.tick()
        rig.clock.advance(61)
    (line,) = staff_log()
    assert line.startswith("Virtual machine needs attention (admin): deploy, Allocate IP: ")
    assert line.endswith(f" - Service ID: {service}")
    assert clients_log(service) == []
    IpPool.insert_many(kept).execute()
    rig.run()
    assert clients_log(service) == [DEPLOYED]
    assert staff_log() == [line]
