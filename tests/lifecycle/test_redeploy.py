"""Redeploy: the old VM goes with everything it held, then the order is carried out as if it were new."""

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.companion import AddressReservation
from tests.deploy.installation import steps
from tests.lifecycle.conftest import Install


@pytest.mark.req("DEP-05", "VMM-12")
def test_the_old_vm_goes_before_anything_new_is_reserved(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.write_data(service)
    old = rig.log(service)["id"]
    assert rig.ask(service, Operation.REDEPLOY) == "success"
    assert (rig.state(service), rig.log(service)) == ("creation", {})
    rig.run()
    order = [(call.method, call.path.rpartition("/")[2]) for call in rig.sent if call.method in ("POST", "DELETE")]
    assert order[:3] == [("POST", "stop"), ("DELETE", "100"), ("POST", "clone")]
    assert rig.data_on(service) == set()
    assert steps(rig.lines)[0].startswith("  [+]  1. Allocate IP")
    assert old not in {run["id"] for run in rig.log(service)["runs"]}


@pytest.mark.req("DEP-05")
def test_addresses_stay_held_while_the_old_vm_cannot_be_removed(install: Install) -> None:
    rig = install()
    service = rig.living()
    held = set(rig.addresses(service))
    rig.fault("DELETE .*/qemu/100$", status=500, times=0)
    rig.ask(service, Operation.REDEPLOY)
    rig.tick()
    assert rig.state(service) == "creation"
    assert {row.address for row in AddressReservation.select()} == held
    rig.cluster.faults.clear()
    rig.tick()
    assert rig.state(service) == "ready"
