"""No reverse name gets lost, stays behind or is asked for twice: the process dies, or an answer is lost, at every call of a change."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.module import DnsZone, VmInfo
from bridge.models.whmcs import Ticket, TicketDepartment
from tests.chaos.gate import Killed, Moment
from tests.chaos.test_deploy_crash_matrix import folder_for
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import gone

SERVED, UNSERVED = "130.168.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"


def installation(folder: Path) -> tuple[Living, int]:
    """A VM that is ready: two zones for its IPv4 addresses, none for the IPv6 address, for which staff is asked."""
    rig = Living(folder)
    rig.names.add("168.192.in-addr.arpa", "powerdns")
    service = rig.living()
    DnsZone.delete().where(DnsZone.zone == UNSERVED).execute()
    department = TicketDepartment.create(name="Support", email="support@example.com")
    rig.set_product(revdns_ticket="on", revdns_department=str(department.id))
    return rig, service


def wish(rig: Living, service: int, name: str = "mail") -> dict[str, str]:
    """A name for every address."""
    return {ip: f"{name}{number}.example.org" for number, ip in enumerate(rig.addresses(service))}


def save(rig: Living, service: int, names: dict[str, str], die_at: int | None, moment: Moment) -> str:
    """The client saves; the call at which it went wrong. A process that died is started again."""
    rig.gate.__init__(die_at, moment)  # type: ignore[misc]
    try:
        rig.house.reverse_names.set(service, names, by_client=True)
    except Killed:
        rig.start_daemon()
    struck = rig.gate.struck
    rig.gate.__init__()  # type: ignore[misc]
    return struck


def nothing(rig: Living, service: int) -> None:
    """Time passes."""
    rig.run()
    names_are(rig, service, wish(rig, service), tickets=1)


def saved_again(rig: Living, service: int) -> None:
    """The client has got no answer and presses the button again."""
    save(rig, service, wish(rig, service), None, Moment.BEFORE)
    rig.run()
    names_are(rig, service, wish(rig, service), tickets=1)


def other_names(rig: Living, service: int) -> None:
    """The client chooses again."""
    save(rig, service, wish(rig, service, "www"), None, Moment.BEFORE)
    rig.run()
    names_are(rig, service, wish(rig, service, "www"), tickets=2)


def records_set(rig: Living, service: int) -> None:
    """An admin presses Set DNS records."""
    rig.ask_and_run(service, Operation.SET_DNS_RECORDS)
    names_are(rig, service, wish(rig, service), tickets=1)


def terminated(rig: Living, service: int) -> None:
    """The service ends."""
    rig.names.zones[UNSERVED].records.clear()
    rig.ask_and_run(service, Operation.TERMINATE)
    gone(rig, service)


def names_are(rig: Living, service: int, names: dict[str, str], tickets: int) -> None:
    """In the end record and zones say these names, nothing is pending, and staff was asked that often."""
    rig.names_settle()
    assert json.loads(VmInfo.get_by_id(service).vm_rev_dns) == names
    served = {ip: name for ip, name in names.items() if "." in ip}
    for zone in (SERVED, "168.192.in-addr.arpa"):
        assert rig.names.reverse(served, zone) == served
    assert Ticket.select().count() == tickets


AFTERWARDS = (nothing, saved_again, other_names, records_set, terminated)


@pytest.mark.req("RDN-14", "RDN-06", "DNS-58")
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_every_call_index_of_a_change_of_names(
    tmp_path: Path, moment: Moment, afterwards: Callable[[Living, int], None]
) -> None:
    index, calls = 0, []
    while True:
        rig, service = installation(folder_for(tmp_path, str(index)))
        struck = save(rig, service, wish(rig, service), index, moment)
        if not struck:
            break
        calls.append(struck)
        try:
            afterwards(rig, service)
        except AssertionError as broken:
            raise AssertionError(f"{afterwards.__name__}, {moment}, call {index}: {struck}\n{broken}") from broken
        index += 1
    assert sorted(calls) == ["WHMCS DNS 130.168.192.in-addr.arpa", "WHMCS DNS 168.192.in-addr.arpa"]


@pytest.mark.req("RDN-14", "RDN-06")
def test_every_statement_of_a_change_of_names(tmp_path: Path) -> None:
    """The process dies before each of its statements in turn; what the record says then, the DNS says, and staff reads."""
    index, seen = 0, set()
    while True:
        rig, service = installation(folder_for(tmp_path, str(index)))
        if not dies_before_statement(rig, index, service):
            break
        rig.start_daemon()
        rig.run()
        stored = json.loads(VmInfo.get_by_id(service).vm_rev_dns)
        changed = stored == wish(rig, service)
        names_are(rig, service, stored, tickets=int(changed))
        seen.add(changed)
        index += 1
    assert seen == {True, False}


def dies_before_statement(rig: Living, index: int, service: int) -> bool:
    """The client saves. Whether that comes to its statement with this index; there it ends, without what is not committed."""
    database, left, names = rig.house.database, itertools.count(), wish(rig, service)
    execute = database.execute_sql

    def execute_or_die(sql: str, params: Any = None) -> Any:
        if next(left) == index:
            raise Killed(sql)
        return execute(sql, params)

    database.execute_sql = execute_or_die  # type: ignore[method-assign]
    try:
        rig.house.reverse_names.set(service, names, by_client=True)
    except Killed:
        return True
    finally:
        del database.execute_sql
    return False
