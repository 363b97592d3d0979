"""Which records a service should have at this moment, read from WHMCS, the address book and the VM's record."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.addresses.errors import AddressProblem
from bridge.addresses.holdings import holdings_of
from bridge.addresses.reservations import holder_of
from bridge.database import retry_lost_connection
from bridge.dns.names import Ip
from bridge.dns.plan import POINTER, ZoneId, plan
from bridge.dns.sync import normal
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from providers.dns import Key, RecordSet
from statemachines import states as s
from statemachines.ports import HostNames

NOTHING = HostNames()
GOING = frozenset(
    {"", s.TERMINATE, s.ERROR_TERMINATE, s.REMOVE}
)  # the records of such VMs have been, or are being, deleted
UNNAMED = frozenset({s.CREATION, s.SET_IP, s.CLONE})  # deploy has not come to their records yet


@retry_lost_connection
def names_of(service_id: int) -> HostNames:
    """Host name, addresses and reverse names of the service's VM; nothing when it has none or gives it up."""
    service = Service.select(Service.domain).where(Service.id == service_id).first()
    info = VmInfo.select(VmInfo.vm_status).where(VmInfo.service_id == service_id).first()
    if service is None or info is None or (info.vm_status or "") in GOING:
        return NOTHING
    try:
        held = holdings_of(service_id)
    except AddressProblem:  # the service was deleted this moment
        return NOTHING
    names = {ip.exploded: name for ip, name in held.names.items()}
    return normal(HostNames((service.domain or "",), tuple(held.ips()), names))


@retry_lost_connection
def living(after: int, limit: int) -> list[int]:
    """Services beyond the id `after` whose VM has got its records, in order, at most `limit`: one page of all of them."""
    status = VmInfo.vm_status
    rows = (
        VmInfo.select(VmInfo.service_id)
        .where(VmInfo.service_id > after, status.is_null(False), status.not_in(GOING | UNNAMED))
        .order_by(VmInfo.service_id)
        .limit(limit)
    )
    return [row.service_id for row in rows]


@dataclass(frozen=True)
class Wanted:
    """A record set of one zone as it should be; `ip` is the address of a PTR record."""

    zone: ZoneId
    record: RecordSet
    ip: Ip | None


def wanted_in(zones: Sequence[ZoneId], names: HostNames) -> Iterator[Wanted]:
    """Every record set that `names` ask for in `zones`, those that must be empty (no AAAA, say) included.

    Where a classless zone holds a PTR record, its name in the zone above is an alias and not asked for.
    """
    for operation in plan(zones, NOTHING, names).operations:
        if not operation.may_be_alias:
            for record in operation.sets:
                yield Wanted(operation.zone, record, operation.ip)


def wanted_at(zone: ZoneId, key: Key, ip: Ip | None, service_id: int, names: HostNames) -> RecordSet | None:
    """What one record set should be for the service with these names; None = it is somebody else's business by now."""
    found = plan([zone], NOTHING, names).sets().get(zone.id, [])
    mine = next((record for record in found if record.key == key), None)
    if mine is None and key[1] == POINTER and ip is not None and holder_of(ip) not in (None, service_id):
        return None
    return mine or RecordSet(*key)
