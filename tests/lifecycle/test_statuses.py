"""The status reference of the manual, row by row: what a status means, and what cron makes of it."""

from dataclasses import dataclass

import pytest

from bridge.lifecycle.explain import Explanations
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.runs import load
from bridge.tasks import PROCESS
from tests.deploy.installation import steps
from tests.lifecycle.conftest import Install

DEPLOY = [
    "creation", "set_ip", "clone", "set_dns", "migrated", "set_cpu_ram", "set_system_disk_size",
    "set_system_disk_bandwidth", "set_created_additional_disk", "set_additional_disk_size",
    "set_additional_disk_bandwidth", "set_network", "set_firewall", "set_cloudinit", "starting",
]  # fmt: skip
CHANGE = [
    "change_package", "cp_update_ip", "cp_stop", "cp_cpu_ram", "cp_system_disk_size", "cp_system_disk_bandwidth",
    "cp_additional_disk", "cp_additional_disk_size", "cp_additional_disk_bandwidth", "cp_network", "cp_firewall",
    "cp_start",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One status: what it means, the state after cron's first step, and the state that cron leaves in the end."""

    status: str
    meaning: str
    then: str
    end: str = "ready"


REFERENCE = [
    *(Row(now, "deploying", then) for now, then in zip(DEPLOY, [*DEPLOY[1:], "ready"], strict=True)),
    *(Row(now, "changing package", then) for now, then in zip(CHANGE, [*CHANGE[1:], "ready"], strict=True)),
    Row("ready", "ready", ""),
    Row("reinstall", "waiting for its reinstallation", "set_ip"),
    Row("set_dns_records", "setting DNS records", "ready"),
    Row("terminate", "being terminated", "remove", end="remove"),
    Row("error_terminate", "waiting for an admin after a failed termination", "", end="error_terminate"),
    Row("remove", "removed", "", end="remove"),
]


@pytest.mark.req("VMM-28", "CRN-25")
@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: row.status)
def test_what_cron_makes_of_a_status(install: Install, row: Row) -> None:
    """The VM stands at the status as if a pipeline had brought it there, or an admin had put it there."""
    rig = install()
    service = rig.living()
    VmInfo.update(vm_status=row.status).execute()
    VmWork.update(due_at=None, intent=None).execute()
    meaning = Explanations(rig.clock, rig.house.settings).service(service)["meaning"]  # type: ignore[arg-type]
    printed = rig.tick(tasks=(PROCESS,))
    assert meaning == row.meaning
    assert rig.state(service) == row.end
    if not row.then:
        assert (steps(printed), rig.sent) == ([], [])
    elif row.status in DEPLOY or row.status in CHANGE or row.status == "reinstall":
        assert f"({row.status} -> {row.then})" in steps(printed)[0]
    else:
        assert [line for line in printed if f"service={service}" in line or f"sid:{service}" in line]


@pytest.mark.req("ADM-37")
def test_the_service_shows_what_the_vm_got(install: Install) -> None:
    rig = install(ipv4_count="3", ipv6_count="2", os_username="operator")
    service = rig.deploy()
    row, config = Service.get_by_id(service), rig.config(service)
    found = load(service)
    assert found is not None
    held = [address.text for address in rig.house.runs.shop.addresses.held(found[0])]
    assert row.domain == f"{rig.record(service).vm_name}.example.com"
    assert row.dedicatedip == held[0]
    assert row.assignedips.split("\n") == held[1:]
    assert len(held) == 5
    assert (row.username, config["ciuser"]) == ("operator", "operator")
    assert rig.guest_has_password(service)
