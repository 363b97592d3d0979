"""A dead server does not hold up the VMs of others."""

import pytest

from bridge.models.whmcs import Service
from bridge.sandbox.proxmox import demo_cluster
from bridge.sandbox.proxmox.faults import Fault
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation


def on_another_server(rig: Installation) -> int:
    """A server entry with a cluster of its own."""
    return rig.add_server(demo_cluster(rig.clock), "second")


def order_on(rig: Installation, server: int) -> int:
    service = rig.order()
    Service.update(server=server).where(Service.id == service).execute()
    return service


@pytest.mark.req("DEP-42", "ENG-29")
@pytest.mark.parametrize("kind", ["cut-before", "status", "slow"])
def test_orders_on_a_healthy_server_get_ready_in_the_same_run(install: Install, kind: str) -> None:
    rig = install(dhcp_ipv4="on", dhcp_ipv6="on")
    dead = on_another_server(rig)
    rig.clusters[dead].faults.add(Fault("", kind, times=0, status=595, seconds=120))
    stuck = [order_on(rig, dead) for _ in range(3)]
    healthy = [rig.order() for _ in range(3)]
    stuck += [order_on(rig, dead) for _ in range(2)]
    printed = rig.tick()
    assert {rig.states()[service] for service in healthy} == {"ready"}
    assert {rig.states()[service] for service in stuck} == {"creation"}
    assert any(line.endswith("processed: 8, errors: 5") for line in printed)


@pytest.mark.req("SRV-19", "CFG-27")
def test_two_servers_are_worked_on_side_by_side(install: Install) -> None:
    rig = install(dhcp_ipv4="on", dhcp_ipv6="on")
    other = on_another_server(rig)
    services = [rig.order(), order_on(rig, other), rig.order(), order_on(rig, other)]
    rig.run()
    assert set(rig.states().values()) == {"ready"}
    assert len({rig.record(service).vm_id for service in services}) == 4
    assert int(rig.record(services[1]).vm_id) in rig.clusters[other].guests
    assert int(rig.record(services[0]).vm_id) in rig.cluster.guests
