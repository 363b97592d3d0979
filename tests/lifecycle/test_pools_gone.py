"""What services hold stays usable whatever becomes of the pool, and what they give back is left alone for a while."""

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.companion import AddressReservation
from bridge.models.module import IpPool
from tests.lifecycle import scenarios
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living

GATEWAYS = {"gw": "192.168.130.1", "gw6": "2001:db8::1"}


def without_pools(rig: Living) -> int:
    """A VM that is ready, and its pools deleted; the service."""
    service = rig.living()
    for pool in IpPool.select():
        rig.house.pools.delete(pool.id, confirmed=True)
    rig.forget()
    return service


def gateways(rig: Living, service: int) -> dict[str, str]:
    return {key: value for key, value in rig.cloudinit(service).items() if key.startswith("gw")}


@pytest.mark.req("IPP-15", "IPP-38")
@pytest.mark.parametrize("operation", [Operation.CHANGE_PACKAGE, Operation.REINSTALL, Operation.SET_DNS_RECORDS])
def test_a_vm_goes_on_with_its_addresses_when_its_pools_are_deleted(install: Install, operation: Operation) -> None:
    rig = install()
    service = without_pools(rig)
    before = rig.facts(service)
    rig.set_product(cpu="4")
    rig.ask_and_run(service, operation)
    assert rig.state(service) == "ready"
    assert rig.facts(service).addresses == before.addresses
    assert gateways(rig, service) == GATEWAYS
    scenarios.addresses_reach_everything(rig, service)


@pytest.mark.req("IPP-38")
@pytest.mark.parametrize("written_down", [True, False])
def test_termination_needs_no_pool_and_no_network(install: Install, written_down: bool) -> None:
    rig = install()
    service = without_pools(rig)
    if not written_down:
        AddressReservation.update(prefix=None).execute()
    rig.ask_and_run(service, Operation.TERMINATE)
    scenarios.gone(rig, service)


@pytest.mark.req("IPP-38")
def test_more_addresses_are_missing_once_the_pools_are_gone(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    service = without_pools(rig)
    rig.set_product(ipv4_count="2")
    rig.ask(service, Operation.CHANGE_PACKAGE)
    rig.tick()
    assert rig.state(service) == "change_package"
    assert "No free IPv4 address on server" in str(rig.work(service).attention_cause)


@pytest.mark.req("IPP-39")
def test_a_corrected_gateway_reaches_a_vm_with_its_next_operation_when_that_is_asked_for(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    service = rig.living()
    (pool,) = IpPool.select().where(IpPool.type == "ipv4")
    rig.house.pools.change(pool.id, {"gateway": "192.168.130.254"})
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)
    assert rig.cloudinit(service)["gw"] == "192.168.130.1"
    rig.house.pools.change(pool.id, {}, carry_over=True)
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)
    assert rig.cloudinit(service)["gw"] == "192.168.130.254"


@pytest.mark.req("IPP-40")
def test_a_terminated_vm_passes_its_addresses_on_only_after_the_quarantine(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    rig.house.settings.change({"address_quarantine": "60"})
    first = rig.living()
    rig.ask_and_run(first, Operation.TERMINATE)
    assert rig.addresses(rig.deploy()) == ["192.168.130.3"]
    rig.clock.advance(3600)
    assert rig.addresses(rig.deploy()) == ["192.168.130.2"]


@pytest.mark.req("IPP-41")
def test_a_redeployed_vm_has_the_addresses_that_it_had(install: Install) -> None:
    rig = install()
    rig.house.settings.change({"address_quarantine": "60"})
    service = rig.living()
    before = rig.addresses(service)
    rig.ask_and_run(service, Operation.REDEPLOY)
    assert rig.addresses(service) == before
