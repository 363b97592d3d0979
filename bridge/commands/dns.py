"""`kvm-bridge dns`: whether the DNS says what it should."""

import json
import sys

import click

from bridge.dns.check import Difference
from bridge.wiring import House, house_from_environment


@click.group("dns")
def dns_command() -> None:
    """Records of the services' VMs."""


@dns_command.command("check")
@click.argument("services", nargs=-1, type=int, metavar="[SERVICE …]")
@click.option("--repair", is_flag=True, help="Write the records that are not right.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per record that is not right.")
def check_command(services: tuple[int, ...], repair: bool, as_json: bool) -> None:
    """Compare what the services should have with what the providers hold; all living ones, or those named.

    Ends with 1 when something is not right, or was not repaired.
    """
    house = house_from_environment()
    found: list[Difference] = []
    for difference in house.dns_check.differences(services or None):
        found.append(difference)
        click.echo(_json(difference) if as_json else difference.line)
    repaired = house.dns_check.repair(found) if repair else 0
    if not as_json:
        click.echo(_summary(house, found, repaired, repair))
    sys.exit(1 if len(found) > repaired else 0)


def _summary(house: House, found: list[Difference], repaired: int, repair: bool) -> str:
    if not found:
        return "All records are as they should be."
    line = f"{len(found)} {'record is' if len(found) == 1 else 'records are'} not right"
    if repair:
        line += f", {repaired} repaired"
    pending = house.dns_pending.count()
    return f"{line}; {pending} are tried again by themselves." if pending else f"{line}."


def _json(difference: Difference) -> str:
    record = difference.wanted.record
    return json.dumps(
        {
            "service": difference.service_id,
            "zone": difference.zone.id.name,
            "zone_id": difference.zone.id.id,
            "provider": difference.zone.records.provider,
            "name": record.name,
            "type": record.type,
            "wanted": sorted(record.values),
            "found": None if difference.found is None else sorted(difference.found),
            "error": difference.reason,
        }
    )
