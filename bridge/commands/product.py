"""`kvm-bridge product`: read and change the settings of a product."""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from bridge import product_settings
from bridge.commands.assignments import read_assignments
from bridge.package.fields import FIELDS, BadSetting, Field, remarks
from bridge.package.kinds import Value
from bridge.wiring import house_from_environment

T = TypeVar("T")

MASKED = "********"


@click.group("product")
def product_command() -> None:
    """Settings of WHMCS products, as on the product's Module Settings tab."""


@product_command.command("show")
@click.argument("product_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print stored values as one JSON object.")
def show_command(product_id: int, as_json: bool) -> None:
    """Show all settings of a product, defaults included. Secrets are masked."""
    stored = _asked(lambda: product_settings.load(product_id))
    values, errors = _read(stored)
    if as_json:
        click.echo(json.dumps({name: _masked(FIELDS[name], value) for name, value in values.items()}, indent=2))
    else:
        _print_table(product_id, values, stored)
    for line in (*errors, *remarks(values)):
        click.echo(f"warning: {line}", err=True)


@product_command.command("set")
@click.argument("product_id", type=int)
@click.argument("assignments", nargs=-1, required=True, metavar="NAME=VALUE …")
def set_command(product_id: int, assignments: tuple[str, ...]) -> None:
    """Change settings of a product: all of them, or none when one is wrong."""
    changes = read_assignments(assignments)
    values = _asked(lambda: product_settings.save(product_id, changes))
    for name, value in values.items():
        click.echo(f"{name} = {_shown(FIELDS[name], value)}")
    for line in remarks(values):
        click.echo(f"warning: {line}", err=True)


def _asked(work: Callable[[], T]) -> T:
    """The result of a piece of work on the database; what an admin can mend becomes one line."""
    house_from_environment()
    try:
        return work()
    except (BadSetting, product_settings.UnknownProduct) as error:
        raise click.ClickException(str(error)) from error


def _read(stored: Mapping[str, str]) -> tuple[dict[str, Value], list[str]]:
    """All settings in page order; one that cannot be read keeps its text and gives a line."""
    values: dict[str, Value] = {}
    errors: list[str] = []
    for name, field in FIELDS.items():
        given: Value = stored.get(name, field.default)
        try:
            values[name] = field.read(given)
        except BadSetting as error:
            values[name] = given
            errors.append(str(error))
    return values, errors


def _print_table(product_id: int, values: dict[str, Value], stored: Mapping[str, str]) -> None:
    table = Table(title=f"Product {product_id}", title_justify="left")
    for heading in ("Section", "Setting", "Name", "Value"):
        table.add_column(heading, no_wrap=heading == "Name", overflow="fold")
    table.add_column("Set", justify="center")
    section = ""
    for name, value in values.items():
        field = FIELDS[name]
        place = " / ".join(part for part in (field.section, field.group) if part)
        table.add_row(
            place if place != section else "", field.label, name, _shown(field, value), "yes" if name in stored else ""
        )
        section = place
    Console().print(table, markup=False)


def _shown(field: Field, value: Value) -> str:
    if field.secret:
        return str(_masked(field, value))
    return " ".join(part for part in (field.kind.show(value), field.unit) if part)


def _masked(field: Field, value: Value) -> Value:
    return MASKED if field.secret and value else value
