"""Reverse names of a service's addresses: shown, checked, changed one by one, and written to the DNS at once."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from bridge.addresses.holdings import holdings_of, show_names
from bridge.database import lock_row, retry_lost_connection, transaction
from bridge.dns.holdings import names_of
from bridge.dns.names import Ip, absolute
from bridge.dns.pending import Pending
from bridge.dns.plan import Place, ZoneId, plan, primaries
from bridge.dns.sync import DnsSync
from bridge.models.whmcs import Service
from bridge.outbox import Outbox
from bridge.package.fields import FIELDS, BadSetting
from bridge.product_settings import load
from statemachines.ports import HostNames

Resolve = Callable[[Collection[str]], Mapping[str, frozenset[Ip]]]
"""The addresses of host names, those only of which that can be found out now."""

PATIENCE = 6.0  # seconds; the shim gives the page an answer after 10
ANNOUNCED = 15.0  # seconds until somebody else writes a name whose writer has died
NOTHING = HostNames()


class NameRefused(Exception):
    """A reverse name cannot be set as asked; one line that names the address."""

    kind = "permanent"
    who = "client"


@dataclass(frozen=True)
class ReverseName:
    """An address and its reverse name. `served` = a reverse zone of the installation holds it; `pending` why the DNS does not
    say so yet; `warning` what the client should know about the name."""

    ip: str
    name: str
    served: bool
    pending: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Saved:
    """What became of a change: the names that differ now, and whether a ticket asks staff for those that no zone serves."""

    changed: tuple[ReverseName, ...] = ()
    ticket: bool = False


@dataclass(frozen=True)
class _Change:
    """What one transaction wrote down."""

    names: Mapping[Ip, str]
    served: Sequence[Ip]
    ticket: bool
    fqdn: str
    primaries: Sequence[Ip]


@dataclass(frozen=True)
class ReverseNames:
    """The reverse names of all services."""

    dns: DnsSync
    pending: Pending
    outbox: Outbox
    resolve: Resolve

    def of_service(self, service_id: int) -> list[ReverseName]:
        """Every address of the service, IPv4 first, the primary one in front. Raises NameRefused when it has no VM."""
        names = self._names(service_id)
        zones = self._zones()
        causes = {row.ip: row.cause for row in self.pending.of_service(service_id) if row.ip}
        return [
            ReverseName(ip.exploded, names.reverse_name(ip), _is_served(zones, ip), causes.get(ip.exploded, ""))
            for ip in names.ips
        ]

    def set(self, service_id: int, typed: Mapping[str, str], *, by_client: bool) -> Saved:
        """Give addresses new names, all of them or none; an empty one gets the VM's own host name back.

        Stored at once, then written to every matching zone; what fails there is tried again by itself. Where no zone
        matches, the product may want a ticket to staff, if `by_client`. Raises NameRefused. May run twice.
        """
        wanted = _read(typed)
        change = self._store(service_id, wanted, f"rdns:{service_id}:{uuid.uuid4().hex}" if by_client else "")
        if not change.names:
            return Saved()
        self._write(service_id, change)
        causes = {row.ip: row.cause for row in self.pending.of_service(service_id)}
        warnings = self._warnings(change)
        changed = [
            ReverseName(ip.exploded, name, ip in change.served, causes.get(ip.exploded, ""), warnings.get(ip, ""))
            for ip, name in change.names.items()
        ]
        return Saved(tuple(changed), change.ticket)

    def _write(self, service_id: int, change: _Change) -> None:
        """What is not done within PATIENCE is announced, so a chore looks at it soon.

        No lease is held, so the names, and the VM with them, may be others by the time they are written.
        """
        names = {ip.exploded: change.names[ip] for ip in change.served}
        served = HostNames((), tuple(change.served), names)
        running = self.dns.begin(service_id, HostNames((), served.ips), served)
        running.wait(PATIENCE)
        if running.go_on(lambda line: None) is None:
            running.abandon()
        else:
            running.confirm()

    @retry_lost_connection
    def _store(self, service_id: int, wanted: Mapping[Ip, str], ticket_key: str) -> _Change:
        """Names, the ticket, and the records that are to be written, in one transaction."""
        zones = self._zones()
        with transaction():
            lock_row(Service, service_id)
            names = self._names(service_id)
            if stranger := next((ip for ip in wanted if ip not in names.ips), None):
                raise NameRefused(f"{stranger} is no address of service {service_id}")
            fqdn = next(iter(names.fqdns), "")
            chosen = {ip: name or fqdn for ip, name in wanted.items()}
            changed = {ip: name for ip, name in chosen.items() if name and name != names.reverse_name(ip)}
            served = [ip for ip in changed if _is_served(zones, ip)]
            ticket = False
            if changed:
                show_names(service_id, {**holdings_of(service_id).names, **changed})
                places = dict.fromkeys(_places(zones, served), service_id)
                self.pending.announce(places, "not written yet", ANNOUNCED)
                unserved = {ip: name for ip, name in changed.items() if ip not in served}
                ticket = bool(ticket_key) and self._ask_staff(service_id, fqdn, unserved, ticket_key)
        return _Change(changed, served, ticket, fqdn, primaries(names.ips))

    def _ask_staff(self, service_id: int, fqdn: str, names: Mapping[Ip, str], key: str) -> bool:
        """One ticket for the addresses that no zone serves [C-43]; False where there are none, or no department."""
        department = _ticket_department(service_id)
        if not names or department is None:
            return False
        lines = [f"{ip.exploded} -> {name}" for ip, name in names.items()]
        subject = f"Reverse DNS for service {service_id} ({fqdn})"
        message = "\n".join(["Please set these reverse DNS names:", "", *lines])
        self.outbox.ticket(key, service_id, department, subject, message)
        return True

    def _warnings(self, change: _Change) -> dict[Ip, str]:
        """Mail servers, for one, want the name to lead back to the address."""
        asked = {ip: name for ip, name in change.names.items() if not (name == change.fqdn and ip in change.primaries)}
        found = self.resolve(set(asked.values()))
        return {
            ip: f"{name} does not resolve to {ip}: set its {'A' if ip.version == 4 else 'AAAA'} record, too"
            for ip, name in asked.items()
            if name in found and ip not in found[name]
        }

    def _names(self, service_id: int) -> HostNames:
        names = names_of(service_id)
        if not names.ips:
            raise NameRefused(f"service {service_id} has no address")
        return names

    def _zones(self) -> list[ZoneId]:
        return [zone.id for zone in self.dns.zones.all()]


def _read(typed: Mapping[str, str]) -> dict[Ip, str]:
    found: dict[Ip, str] = {}
    for text, name in typed.items():
        try:
            ip = ip_address(text.strip())
        except ValueError:
            raise NameRefused(f'"{text[:60]}" is no address') from None
        bare = absolute(name)
        if name.strip() and ("." not in bare or bare.rpartition(".")[2].isdigit()):
            raise NameRefused(f'{ip}: "{name.strip()[:80]}" is not a host name like mail.example.com')
        found[ip] = bare
    return found


def _places(zones: Sequence[ZoneId], ips: Sequence[Ip]) -> list[Place]:
    """Where the PTR records of `ips` are held."""
    operations = plan(zones, HostNames((), tuple(ips)), NOTHING).operations
    return [
        Place(operation.zone.id, record.key, operation.ip)
        for operation in operations
        if not operation.may_be_alias
        for record in operation.sets
    ]


def _is_served(zones: Sequence[ZoneId], ip: Ip) -> bool:
    return bool(_places(zones, [ip]))


def _ticket_department(service_id: int) -> int | None:
    """The department that the product wants such tickets in; None when it wants none."""
    product = Service.select(Service.packageid).where(Service.id == service_id).scalar()
    settings = load(int(product))
    try:
        wanted, department = (
            FIELDS[name].read(settings.get(name, FIELDS[name].default))
            for name in ("revdns_ticket", "revdns_department")
        )
    except BadSetting:
        return None
    return int(department) if wanted and department else None
