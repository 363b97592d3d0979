"""`kvm-bridge explain` and `kvm-bridge status`: what VMs wait for, and who can act."""

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bridge.lifecycle.explain import Explanations, UnknownService
from bridge.wiring import house_from_environment

LABELS = {
    "service_status": "Service",
    "hostname": "Hostname",
    "vm": "VM",
    "status": "Status",
    "suspended": "Suspended",
    "waits_for": "Waits for",
    "cause": "Cause",
    "since": "Since",
    "tries": "Tries",
    "next_try": "Next try",
    "who_can_act": "Who can act",
    "held_by": "Held by",
    "held_until": "Held until",
    "task": "Task",
    "afterwards": "Afterwards",
    "dns_pending": "DNS pending",
    "last_run": "Last run",
}
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def explanations() -> Explanations:
    """What the commands ask."""
    return house_from_environment().explanations


@click.command("explain")
@click.argument("service_id", metavar="SERVICE", type=int)
@AS_JSON
def explain_command(service_id: int, as_json: bool) -> None:
    """Tell what the VM of a service waits for, why, since when, and who can act."""
    try:
        facts = explanations().service(service_id)
    except UnknownService as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    click.echo(f"Service {service_id}")
    for key, label in LABELS.items():
        if text := _line(key, facts):
            click.echo(f"  {label:<12} {text}")


@click.command("status")
@AS_JSON
def status_command(as_json: bool) -> None:
    """Show how many VMs are in which status, and which of them need somebody."""
    facts = explanations().status()
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    vms = ", ".join(f"{count} {status}" for status, count in facts["vms"].items())
    click.echo(f"VMs        {vms or 'none'}")
    click.echo(f"At work    {facts['at_work']}, due {facts['due']}, suspended {facts['suspended']}")
    mails = ", ".join(f"{count} {state}" for state, count in facts["outbox"].items())
    click.echo(f"Mails      {mails or 'all sent'}")
    click.echo(f"DNS        {facts['dns_pending'] or 'no'} records pending")
    for name, stamp in facts["last_runs"].items():
        click.echo(f"Last run   {name} {stamp or 'never'}")
    click.echo(f"In trouble {facts['troubled']}")
    if facts["troubles"]:
        _print_troubles(facts["troubles"])


def _line(key: str, facts: dict[str, Any]) -> str:
    value = facts[key]
    if key == "vm":
        return " ".join(str(part) for part in (value["vmid"], value["name"], value["node"]) if part)
    if key == "status":
        return f"{value or 'none'} ({facts['meaning']})"
    if key == "last_run":
        return " ".join(part for part in (value["started"], value["action"], value["result"], value["error"]) if part)
    if isinstance(value, list):
        return "; ".join(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value or "")


def _print_troubles(troubles: list[dict[str, Any]]) -> None:
    table = Table()
    for heading in ("Service", "Status", "Waits for", "Cause", "Since", "Next try", "Who can act"):
        table.add_column(heading, overflow="fold")
    for trouble in troubles:
        table.add_row(*(str(value) for value in trouble.values()))
    Console().print(table, markup=False)
