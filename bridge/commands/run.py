"""`kvm-bridge run`: the module commands, for scripts and for those who have no WHMCS at hand."""

import click

from bridge.lifecycle.requests import SUCCESS
from bridge.wiring import house_from_environment
from statemachines.commands import COMMANDS

NAMES = [name for name in COMMANDS if name.startswith("VM")]


@click.command("run")
@click.argument("service_id", metavar="SERVICE", type=int)
@click.argument("name", metavar="COMMAND", type=click.Choice([*NAMES, "ResetPassword"], case_sensitive=False))
@click.confirmation_option(prompt="Run it on the client's VM?")
def run_command(service_id: int, name: str) -> None:
    """Run a module command on the VM of a service (VMStart, VMStop, VMReboot …, ResetPassword)."""
    house = house_from_environment()
    answer = house.passwords.reset(service_id) if name == "ResetPassword" else house.direct.run(service_id, name)
    if answer.text != SUCCESS:
        raise click.ClickException(answer.text)
    applies = answer.facts.get("password_applies")
    click.echo(f"done; the password applies {applies}" if applies else "done")
