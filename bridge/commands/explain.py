"""`kvm-bridge explain` and `kvm-bridge status`: what VMs wait for, and who can act."""

import json
from collections.abc import Iterator
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
    """Show how the installation stands: VMs by status, what waits, who has to act, messages, the rhythm of the work."""
    facts = explanations().status()
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for label, text in _overview(facts):
        click.echo(f"{label:<10} {text}")
    click.echo(f"In trouble {facts['troubled']}")
    if facts["troubles"]:
        _print_troubles(facts["troubles"])


def _overview(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    schema = f", tables are {len(facts['schema_pending'])} migrations behind" if facts["schema_pending"] else ""
    yield "Version", f"{facts['version']}{schema}"
    seen = facts["scheduler_seen"] or "never"
    yield "Scheduler", f"last seen {seen}" + ("" if facts["works"] else "; NOBODY WORKS ON VMs NOW")
    yield "VMs", _counted(facts["vms"]) or "none"
    yield "At work", f"{facts['at_work']}, due {facts['due']}, suspended {facts['suspended']}"
    yield "Waiting", _with_age(facts["waiting"], facts["waiting_seconds"])
    for owner, count in facts["leases"].items():
        yield "Held", f"{count} by {owner}"
    if facts["places"]:
        yield "Heavy", ", ".join(f"{count} on {scope}" for scope, count in facts["places"].items())
    yield "To act", ", ".join(f"{who}: {count}" for who, count in facts["act"].items()) or "nobody"
    yield "Messages", _with_age(_counted(facts["outbox"]) or "all sent", facts["outbox_seconds"])
    yield "DNS", _with_age(f"{facts['dns_pending'] or 'no'} records pending", facts["dns_seconds"])
    for name, stamp in facts["last_runs"].items():
        yield "Last run", f"{name} {stamp or 'never'} ({_task(facts['tasks'][name])})"


def _task(task: dict[str, Any]) -> str:
    """Interval, how the last run ended, and whether one is at work: `every 5 min, error, 3 in vain, at work`."""
    parts = [f"every {task['interval']} min" if task["interval"] else "off", task["result"]]
    parts += [f"{task['errors']} in vain" if task["errors"] else "", "at work" if task["held_by"] else ""]
    return ", ".join(part for part in parts if part)


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in numbers.items())


def _with_age(what: object, seconds: int) -> str:
    return f"{what}, the oldest for {seconds} s" if seconds else str(what)


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
