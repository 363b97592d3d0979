"""`kvm-bridge settings`: the global settings of the addon."""

import json

import click

from bridge.commands.assignments import read_assignments
from bridge.package.fields import BadSetting
from bridge.settings import ENTRIES
from bridge.wiring import house_from_environment


@click.group("settings")
def settings_command() -> None:
    """Global settings; a change is seen by all roles within a second."""


@settings_command.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(as_json: bool) -> None:
    """Show all settings with their values."""
    values = house_from_environment().settings.all()
    if as_json:
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    for name, value in values.items():
        entry = ENTRIES[name]
        click.echo(f"{name} = {entry.kind.show(value)}    # {entry.label}")


@settings_command.command("set")
@click.argument("assignments", nargs=-1, required=True, metavar="NAME=VALUE …")
def set_command(assignments: tuple[str, ...]) -> None:
    """Change settings, all of them or none."""
    changes = read_assignments(assignments)
    try:
        house_from_environment().settings.change(changes)
    except BadSetting as error:
        raise click.ClickException("; ".join(error.errors.values())) from error
    click.echo(f"{', '.join(changes)} changed")
