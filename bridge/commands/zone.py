"""`kvm-bridge zone`: the DNS zones of the installation, and which certificate is accepted from their providers."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.commands.assignments import read_assignments
from bridge.commands.trust_options import TrustChoice, trust_options
from bridge.dns.connection import PROVIDERS, place_of, trust_key
from bridge.dns.zone_admin import LONGEST_PAGE, ZoneAdmin
from bridge.dns.zone_form import ENTRIES, SECRETS, ZoneRefused
from bridge.models.module import DnsZone
from bridge.wiring import house_from_environment

T = TypeVar("T")

ZONE_ID = click.argument("zone_id", metavar="ID", type=int)
FIELDS = click.argument("assignments", nargs=-1, metavar="[FIELD=VALUE …]")


@click.group("zone")
def zone_command() -> None:
    """DNS zones. Secrets are asked for, or read from a file with field=@FILE, and never shown."""


@zone_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_command(as_json: bool) -> None:
    """List all zones."""
    rows = list(_all_rows(house_from_environment().zone_admin))
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    width = max((len(row["zone"]) for row in rows), default=0)
    for row in rows:
        where = row.get("server") or row.get("zone_id") or ""
        click.echo(f"{row['id']:>4}  {row['zone']:<{width}}  {row['type']:<10}  {where}".rstrip())


@zone_command.command("add")
@click.argument("zone", metavar="ZONE")
@click.argument("provider", type=click.Choice(PROVIDERS))
@FIELDS
def add_command(zone: str, provider: str, assignments: tuple[str, ...]) -> None:
    """Add a zone, e.g. "add example.com powerdns server=https://dns.example.com:8081"."""
    typed = {"zone": zone, "type": provider, **_fields(assignments)}
    for entry in ENTRIES[provider]:
        if entry.secret and entry.column not in typed:
            typed[entry.column] = click.prompt(entry.label, hide_input=True)
    zone_id = _asked(lambda: house_from_environment().zone_admin.save(typed))
    click.echo(f"zone {zone_id}: added")
    click.echo("VMs that are there already get their records in it with: kvm-bridge dns check --repair")


@zone_command.command("set")
@ZONE_ID
@FIELDS
def set_command(zone_id: int, assignments: tuple[str, ...]) -> None:
    """Change fields of a zone, all of them or none."""
    _asked(lambda: house_from_environment().zone_admin.save(_fields(assignments), zone_id))
    click.echo(f"zone {zone_id}: changed")


@zone_command.command("delete")
@ZONE_ID
@click.confirmation_option(prompt="Delete the zone here? Its records stay where they are")
def delete_command(zone_id: int) -> None:
    """Forget a zone. The provider keeps it and all of its records."""
    _asked(lambda: house_from_environment().zone_admin.delete(zone_id))
    click.echo(f"zone {zone_id}: deleted")


@zone_command.command("test")
@ZONE_ID
def test_command(zone_id: int) -> None:
    """Ask the provider for a zone; changes nothing."""
    error = _asked(lambda: house_from_environment().zone_admin.test(zone_id))
    if error:
        raise click.ClickException(f"zone {zone_id}: {error}")
    click.echo(f"zone {zone_id}: the provider answers, and the zone is there")


@zone_command.command("trust")
@ZONE_ID
@trust_options
def trust_command(zone_id: int, choice: TrustChoice) -> None:
    """Say which TLS certificate is accepted from a zone's provider; without an option, show what is."""
    house = house_from_environment()
    row = DnsZone.get_or_none(DnsZone.id == zone_id)
    place = place_of(row) if row else None
    if row is None or place is None:
        raise click.ClickException(
            f"zone {zone_id}: there is no certificate to choose (no such zone, Cloudflare, or http)"
        )
    key = trust_key(row)
    choice.apply(house.trust, key)
    choice.tell(house.trust, key, str(place))


@zone_command.command("disclose")
@click.confirmation_option(prompt="Store the secrets of all zones in clear, as the old module reads them?")
def disclose_command() -> None:
    """Decrypt the secrets of all zones in the database, for going back to the old module."""
    count = _asked(lambda: house_from_environment().zone_admin.disclose())
    click.echo(f"{count} secrets are stored in clear now")


def _all_rows(admin: ZoneAdmin) -> Iterator[dict[str, Any]]:
    """Every zone, page by page."""
    for number in itertools.count(1):
        rows = admin.page(number, LONGEST_PAGE)["rows"]
        yield from rows
        if len(rows) < LONGEST_PAGE:
            return


def _fields(assignments: tuple[str, ...]) -> dict[str, str]:
    typed = read_assignments(assignments, "field=value")
    from_files = {name: _content(value[1:]) for name, value in typed.items() if name in SECRETS and value[:1] == "@"}
    return {**typed, **from_files}


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path}: {getattr(error, 'strerror', '') or 'is not UTF-8 text'}") from None


def _asked(work: Callable[[], T]) -> T:
    try:
        return work()
    except ZoneRefused as error:
        raise click.ClickException(str(error)) from error
