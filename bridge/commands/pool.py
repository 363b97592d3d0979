"""`kvm-bridge pool`: IP pools, checked as on the addon's page."""

import json
from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from bridge.addresses.errors import PoolInUse, PoolRefused
from bridge.addresses.pool_admin import Pools
from bridge.addresses.pool_list import MOST_ROWS, ORDERS, PoolPage, PoolQuery
from bridge.commands.assignments import read_assignments
from bridge.wiring import house_from_environment

T = TypeVar("T")

FIELDS = click.argument("assignments", nargs=-1, required=True, metavar="NAME=VALUE …")
POOL = click.argument("pool_id", metavar="POOL", type=int)


@click.group("pool")
def pool_command() -> None:
    """IP pools: ranges of addresses that VMs of a server get theirs from."""


@pool_command.command("list")
@click.option("--search", default="", help="Words, or an address: the pools that have all of them in some column.")
@click.option("--sort", type=click.Choice(list(ORDERS)), default="id", show_default=True)
@click.option("--descending", is_flag=True, help="The largest first.")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True)
@click.option("--size", type=click.IntRange(1, MOST_ROWS), default=25, show_default=True, help="Pools on a page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_command(search: str, sort: str, descending: bool, page: int, size: int, as_json: bool) -> None:
    """List pools with their reverse zone and how much of them is in use."""
    found = _asked(lambda pools: pools.page(PoolQuery(page, size, search, sort, descending)))
    if as_json:
        rows = [row.as_json() for row in found.rows]
        click.echo(json.dumps({"rows": rows, "found": found.found, "total": found.total}, indent=2, ensure_ascii=False))
    else:
        _print(found)


@pool_command.command("add")
@FIELDS
def add_command(assignments: tuple[str, ...]) -> None:
    """Add a pool: server_id, type, bridge, vlan, gateway, mask, dns1, dns2, address_start, address_stop."""
    saved = _asked(lambda pools: pools.add(read_assignments(assignments)))
    click.echo(f"pool {saved.pool_id}: added")
    _warn(saved.warnings)


@pool_command.command("set")
@POOL
@FIELDS
@click.option("--assigned", is_flag=True, help="Services that have addresses of the pool get the new settings, too.")
def set_command(pool_id: int, assignments: tuple[str, ...], assigned: bool) -> None:
    """Change fields of a pool. Addresses that services have stay theirs, and as they were given."""
    saved = _asked(lambda pools: pools.change(pool_id, read_assignments(assignments), assigned))
    click.echo(f"pool {pool_id}: changed")
    _warn(saved.warnings)


@pool_command.command("delete")
@POOL
@click.option("--force", is_flag=True, help="Also a pool that is in use. Services keep their addresses.")
@click.confirmation_option(prompt="Delete the pool?")
def delete_command(pool_id: int, force: bool) -> None:
    """Delete a pool."""
    try:
        house_from_environment().pools.delete(pool_id, confirmed=force)
    except PoolInUse as error:
        raise click.ClickException(f"{error}; --force deletes it, and they keep their addresses") from error
    except PoolRefused as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"pool {pool_id}: deleted")


def _asked(work: Callable[[Pools], T]) -> T:
    try:
        return work(house_from_environment().pools)
    except PoolRefused as error:
        raise click.ClickException(str(error)) from error


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(f"warning: {line}", err=True)


def _print(found: PoolPage) -> None:
    """Two lines per pool, as on the page: columns of an IPv6 pool fit on no terminal side by side."""
    for shown in found.rows:
        row, usage = shown.row, shown.usage
        click.echo(
            f"{row.id:>4}  {shown.server} (ID: {row.server_id})  {row.type}  {row.bridge}, VLAN {row.vlan}  "
            f"gateway {row.gateway}/{row.mask}"
        )
        resting = f", {usage.quarantined} in quarantine" if usage and usage.quarantined else ""
        used = f"{usage.text}{resting}" if usage else shown.problem
        click.echo(f"      {row.address_start} - {row.address_stop}  {used}")
        if shown.zone:
            click.echo(f"      rDNS zone: {shown.zone.text}")
    click.echo(f"{len(found.rows)} of {found.found} pools shown")
