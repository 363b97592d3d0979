"""Which records a service should have at this moment, read from WHMCS, the address book and the VM's record."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bridge.addresses.errors import AddressProblem
from bridge.addresses.holdings import holdings_of
from bridge.database import retry_lost_connection
from bridge.dns.names import Ip, normal
from bridge.dns.owners import GOING, owners_of
from bridge.dns.plan import Place, ZoneId, plan
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from providers.dns import RecordSet
from statemachines import states as s
from statemachines.ports import HostNames
from statemachines.steps.addresses import REDEPLOY

NOTHING = HostNames()
UNNAMED = frozenset({s.CREATION, s.SET_IP, s.CLONE})  # deploy has not come to their records yet


@retry_lost_connection
def names_of(service_id: int) -> HostNames:
    """Host name, addresses and reverse names of the service's VM; nothing when it has none or gives it up."""
    service = Service.select(Service.domain).where(Service.id == service_id).first()
    info = VmInfo.select(VmInfo.vm_status).where(VmInfo.service_id == service_id).first()
    if service is None or info is None or (info.vm_status or "") in GOING or _begins_anew(service_id, info):
        return NOTHING
    try:
        held = holdings_of(service_id)
    except AddressProblem:  # the service was deleted this moment
        return NOTHING
    names = {ip.exploded: name for ip, name in held.names.items()}
    return normal(HostNames((service.domain or "",), tuple(held.ips()), names))


def _begins_anew(service_id: int, info: VmInfo) -> bool:
    """Whether the VM is redeployed and what it had is being given up."""
    if info.vm_status != s.CREATION:
        return False
    intent = VmWork.select(VmWork.intent).where(VmWork.service_id == service_id).scalar()
    try:
        return bool(dict(json.loads(intent or "{}")).get(REDEPLOY))
    except (TypeError, ValueError):
        return False


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
    """A record set of one zone as it should be; `ip` is the address of a PTR record.

    `may_be_alias` True = where a classless zone holds the record, a CNAME in the zone above is right, too.
    """

    zone: ZoneId
    record: RecordSet
    ip: Ip | None
    may_be_alias: bool = False


def wanted_in(zones: Sequence[ZoneId], names: HostNames) -> Iterator[Wanted]:
    """Every record set that `names` ask for in `zones`, those that must be empty (no AAAA, say) included."""
    for operation in plan(zones, NOTHING, names).operations:
        for record in operation.sets:
            yield Wanted(operation.zone, record, operation.ip, operation.may_be_alias)


@dataclass(frozen=True)
class Right:
    """What a place should hold, and the service that decides so."""

    service_id: int
    record: RecordSet
    may_be_alias: bool = False


def right_now(zones: Sequence[ZoneId], places: Mapping[Place, int]) -> dict[Place, Right]:
    """What `places` should hold at this moment; each comes with the service that had a hand in it last.

    Where that service has no say any more and no other has, the place should be empty.
    """
    owners = owners_of(places)
    wanted = {owner: _by_place(zones, names_of(owner)) for owner in set(owners.values())}
    return {place: _right(place, owner, wanted[owner]) for place, owner in owners.items()}


def _by_place(zones: Sequence[ZoneId], names: HostNames) -> dict[Place, Wanted]:
    return {Place(each.zone.id, each.record.key, each.ip): each for each in wanted_in(zones, names)}


def _right(place: Place, owner: int, wanted: Mapping[Place, Wanted]) -> Right:
    found = wanted.get(place)
    return Right(owner, found.record, found.may_be_alias) if found else Right(owner, RecordSet(*place.key))
