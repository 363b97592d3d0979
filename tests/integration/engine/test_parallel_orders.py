"""A hundred orders reserved by several processes at once: every VM has a number and addresses of its own."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bridge.models.companion import AddressReservation, VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from tests.conftest import installed
from tests.factories import make_client, make_pool, make_product, make_server, make_service

ORDERS, PROCESSES, FIRST_VMID = 100, 4, 500

RESERVING_PROCESS = textwrap.dedent(
    """
    import sys
    from bridge.addresses.book import AddressBook
    from bridge.clock import SystemClock
    from bridge.database import connect
    from bridge.outbox import Outbox
    from bridge.store import RecordStore
    from statemachines.package import NetworkSpec
    from statemachines.ports import Vm

    url, server, first, owner, *services = sys.stdin.read().split()
    connect(url)
    clock = SystemClock()
    store, book = RecordStore(owner, Outbox(clock), clock), AddressBook(clock)
    network = NetworkSpec(ipv4_count=1, ipv6_count=1, dhcp_ipv4=False, dhcp_ipv6=False)
    for service in services:
        vm = Vm(int(service), 1, int(server), "creation")
        store.reserve_vmid(vm, int(first), set())
        book.allocate(vm, network, f"vm{service}.example.com")
    """
)


@pytest.mark.req("ENG-37")
def test_orders_in_several_processes_never_share_a_vmid_or_an_address(database_url: str) -> None:
    installed(database_url)
    server, client, product = make_server().id, make_client().id, make_product().id
    make_pool(server, address_start="10.0.0.2", address_stop="10.0.0.250", gateway="10.0.0.1")
    make_pool(server, type="ipv6", address_stop="2001:db8::ffff:ffff:ffff:ffff")
    services = [make_service(userid=client, packageid=product, server=server).id for _ in range(ORDERS)]
    for service in services:
        VmInfo.create(service_id=service, vm_status="creation")
        VmWork.create(service_id=service, lease_owner=f"process{service % PROCESSES}", lease_until=9e9)
    processes = [_process() for _ in range(PROCESSES)]
    for number, process in enumerate(processes):
        own = " ".join(str(service) for service in services if service % PROCESSES == number)
        assert process.stdin is not None
        process.stdin.write(f"{database_url} {server} {FIRST_VMID} process{number} {own}")
        process.stdin.close()
    for process in processes:
        process.stdin = None
        _, complaints = process.communicate(timeout=120)
        assert (process.returncode, complaints) == (0, "")

    numbers = {row.service_id: row.vm_id for row in VmInfo.select()}
    assert sorted(numbers.values()) == list(range(FIRST_VMID, FIRST_VMID + ORDERS))
    assert {row.service_id: row.vmid for row in VmidReservation.select()} == numbers
    shown = [address for row in Service.select() for address in (row.dedicatedip, row.assignedips)]
    assert len(set(shown)) == 2 * ORDERS
    assert {row.address for row in AddressReservation.select()} == set(shown)


def _process() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", RESERVING_PROCESS],
        cwd=Path(__file__).parents[3],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
