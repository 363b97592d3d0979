"""`kvm-bridge record`: a VM's record as staff repairs it. The last resort when reset and redeploy cannot help."""

import json
from collections.abc import Callable
from typing import TypeVar

import click

from bridge.commands.assignments import read_assignments
from bridge.lifecycle.records import JSON_COLUMNS, RESET_TARGETS, RecordRefused
from bridge.lifecycle.requests import SUCCESS
from bridge.wiring import house_from_environment

T = TypeVar("T")

SERVICE = click.argument("service_id", metavar="SERVICE", type=int)


@click.group("record")
def record_command() -> None:
    """The record of a service's VM. Proxmox is not asked and not changed, except by "adopt"."""


@record_command.command("show")
@SERVICE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_command(service_id: int, as_json: bool) -> None:
    """Show all documented columns."""
    record = _asked(lambda: house_from_environment().records.show(service_id))
    if as_json:
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    for name, value in record.items():
        text = "" if value is None else str(value)
        click.echo(f"{name}:\n{text}" if name in JSON_COLUMNS and text else f"{name}: {text}".rstrip())


@record_command.command("set")
@SERVICE
@click.argument("assignments", nargs=-1, required=True, metavar="COLUMN=VALUE …")
def set_command(service_id: int, assignments: tuple[str, ...]) -> None:
    """Change columns, all of them or none. This bypasses the safeguards of the pipelines."""
    changes = read_assignments(assignments, "column=value")
    changed = _asked(lambda: house_from_environment().records.edit(service_id, changes))
    click.echo(f"service {service_id}: {', '.join(changed)} changed" if changed else f"service {service_id}: no change")


@record_command.command("reset")
@SERVICE
@click.argument("status", type=click.Choice(RESET_TARGETS))
def reset_command(service_id: int, status: str) -> None:
    """Put the VM to another status, from which the scheduler goes on."""
    before = _asked(lambda: house_from_environment().records.reset(service_id, status))
    click.echo(f"service {service_id}: {before or 'none'} -> {status}")


@record_command.command("delete")
@SERVICE
@click.confirmation_option(prompt="Remove the record? Neither Proxmox nor the service in WHMCS is touched")
def delete_command(service_id: int) -> None:
    """Remove the record of a VM that is gone (remove) or given up (error_terminate)."""
    _asked(lambda: house_from_environment().records.delete(service_id))
    click.echo(f"service {service_id}: record deleted")


@record_command.command("adopt")
@SERVICE
@click.argument("vmid", type=int)
def adopt_command(service_id: int, vmid: int) -> None:
    """Make an existing VM the service's, if no other service has it."""
    answer = house_from_environment().adoption.adopt(service_id, vmid)
    if answer != SUCCESS:
        raise click.ClickException(answer)
    click.echo(f"service {service_id}: VM {vmid}")


def _asked(work: Callable[[], T]) -> T:
    try:
        return work()
    except RecordRefused as error:
        raise click.ClickException(str(error)) from error
