"""`kvm-bridge plan`: what a package change would do to a VM."""

import json

import click
from rich.console import Console
from rich.table import Table

from bridge.lifecycle.plan import ChangePlan, Planner, how
from bridge.wiring import house_from_environment


@click.command("plan")
@click.argument("service_id", type=int, metavar="SERVICE")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as one JSON object.")
def plan_command(service_id: int, as_json: bool) -> None:
    """Show what a package change would do to the VM of SERVICE now. Nothing is changed."""
    plan = Planner(house_from_environment().runs.shop).plan(service_id)
    if as_json:
        click.echo(json.dumps(plan.as_json(), indent=2, ensure_ascii=False))
    else:
        _print(plan)


def _print(plan: ChangePlan) -> None:
    click.echo(f"service {plan.service_id}, VM {plan.vmid} on node {plan.node}")
    if plan.waits_for:
        click.echo(f"the change would wait: {plan.waits_for}")
    if plan.changes:
        table = Table()
        for heading in ("Setting", "Now", "Then", "How"):
            table.add_column(heading, overflow="fold")
        for change in plan.changes:
            table.add_row(change.key, change.now, change.then, how(change))
        Console().print(table, markup=False)
    else:
        click.echo("the VM is as the package says")
    for refusal in plan.refusals:
        click.echo(f"not done: {refusal.what} stays {refusal.now}, {refusal.wanted} asked ({refusal.reason})")
    click.echo(_power(plan))


def _power(plan: ChangePlan) -> str:
    if plan.restart:
        return f"the VM is stopped and started once, about {plan.downtime} s without service"
    return "the VM is not restarted"
