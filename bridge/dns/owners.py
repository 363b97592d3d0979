"""Whose business a record is: an address may have got another holder meanwhile, and two services may bear one host name."""

from collections.abc import Collection, Iterable, Mapping
from ipaddress import ip_address
from typing import Any, cast

from peewee import Field, ModelSelect

from bridge.database import retry_lost_connection
from bridge.dns.names import Ip, absolute
from bridge.dns.plan import Place
from bridge.models.companion import AddressReservation
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from statemachines import states as s

GOING = frozenset(
    {"", s.TERMINATE, s.ERROR_TERMINATE, s.REMOVE}
)  # the records of such VMs have been, or are being, deleted
NAMELESS = GOING | {s.CREATION}  # before its addresses are allocated, a service may show what the client has typed


@retry_lost_connection
def owners_of(places: Mapping[Place, int]) -> dict[Place, int]:
    """The service that decides what each place holds; it comes with the one that had a hand in it last.

    A reverse name is the business of the living service that has reserved the address, a host name that of one that bears it.
    """
    holders, bearers = _holders(_ips(places)), _bearers(_host_names(places))
    return {place: _owner(place, service_id, holders, bearers) for place, service_id in places.items()}


@retry_lost_connection
def strangers(service_id: int, places: Collection[Place]) -> dict[Place, int]:
    """Those of `places` that another service has a right to, each with that service."""
    holders, bearers = _holders(_ips(places)), _bearers(_host_names(places))
    others = {name: [bearer for bearer in services if bearer != service_id] for name, services in bearers.items()}
    owners = {place: _owner(place, service_id, holders, others) for place in places}
    return {place: owner for place, owner in owners.items() if owner != service_id}


def _owner(place: Place, service_id: int, holders: Mapping[Ip, int], bearers: Mapping[str, Collection[int]]) -> int:
    if place.ip is not None:
        return holders.get(place.ip, service_id)
    found = bearers.get(place.key[0]) or [service_id]
    return service_id if service_id in found else next(iter(found))


def _ips(places: Iterable[Place]) -> list[Ip]:
    return list({place.ip for place in places if place.ip is not None})


def _host_names(places: Iterable[Place]) -> list[str]:
    return list({place.key[0] for place in places if place.ip is None})


def _holders(ips: Collection[Ip]) -> dict[Ip, int]:
    """The services that have reserved an address, by the address. A reservation may be left over from a service that is gone."""
    if not ips:
        return {}
    row = AddressReservation
    rows: Any = (
        _living(row.select(row.address, row.service_id), row.service_id, GOING)
        .where(row.address.in_([ip.exploded for ip in ips]))
        .tuples()
    )
    return {ip_address(address): service_id for address, service_id in cast("list[tuple[str, int]]", rows)}


def _bearers(names: Collection[str]) -> dict[str, list[int]]:
    """The services with a living VM of such a host name, by the name."""
    found: dict[str, list[int]] = {}
    if not names:
        return found
    rows: Any = (
        _living(Service.select(Service.id, Service.domain), Service.id, NAMELESS)
        .where(Service.domain.in_(list(names)))
        .order_by(Service.id)
        .tuples()
    )
    for service_id, domain in cast("list[tuple[int, str]]", rows):
        found.setdefault(absolute(domain), []).append(service_id)
    return found


def _living(query: "ModelSelect[Any]", service_id: "Field[Any]", besides: Collection[str]) -> "ModelSelect[Any]":
    """Rows of `query` whose service has a VM at none of the states `besides`."""
    status = VmInfo.vm_status
    return query.join(VmInfo, on=(VmInfo.service_id == service_id)).where(status.is_null(False), status.not_in(besides))
