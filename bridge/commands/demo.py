"""`kvm-bridge demo`: a sandbox Proxmox, a sandbox WHMCS and the real daemon; one order, watched until its mail is sent."""

import signal
import sys
import time
from collections.abc import Iterator

import click
from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bridge.commands.demo_stage import DemoFailed, Stage
from statemachines.deploy import DEPLOY
from statemachines.states import READY

READY_TEMPLATE = "puqProxmoxKVM VM is ready"


@click.command("demo")
@click.option("--once", is_flag=True, help="End when the VM is ready and its mail is sent; exit code 1 otherwise.")
@click.option("--speed", default=1.0, show_default=True, help="How many times faster than real Proxmox tasks run.")
@click.option("--limit", default=180.0, show_default=True, help="Seconds after which the demo gives up.")
def demo_command(once: bool, speed: float, limit: float) -> None:
    """Order a VM in a sandbox WHMCS and watch it become ready."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, the daemon with it
    try:
        with Stage(speed) as stage:
            _perform(stage, once, limit)
    except DemoFailed as failure:
        click.echo(f"kvm-bridge demo: {failure}", err=True)
        sys.exit(1)


def _perform(stage: Stage, once: bool, limit: float) -> None:
    for line in stage.describe():
        click.echo(line)
    began = time.monotonic()
    service_id = stage.order()
    click.echo(f"\nOrdered service {service_id}: WHMCS called CreateAccount, the daemon answered success. The cron:\n")
    _watch(stage, service_id, limit)
    click.echo(f"\nThe VM is ready after {time.monotonic() - began:.0f} s. The client got this mail:\n")
    for line in stage.mail(service_id, READY_TEMPLATE):
        click.echo(f"    {line}".rstrip())
    if not once:
        _stay(stage, service_id)


def _watch(stage: Stage, service_id: int, limit: float) -> None:
    """Print what the scheduler prints until the VM is ready and the mail has left."""
    terminal = Terminal(highlight=False, soft_wrap=True)
    lines = _until_mailed(stage, service_id, limit)
    if not terminal.is_terminal:
        for line in lines:
            click.echo(line)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True) as progress:
        bar = progress.add_task("deploying", total=len(DEPLOY.steps))
        for line in lines:
            progress.console.print(line, markup=False)
            if line.startswith("  [+]"):
                progress.update(bar, advance=1)


def _until_mailed(stage: Stage, service_id: int, limit: float) -> Iterator[str]:
    give_up_at = time.monotonic() + limit
    while True:
        line = stage.next_line(timeout=0.2)
        if line is not None:
            yield line
            continue
        if stage.status(service_id) == READY and stage.mail(service_id, READY_TEMPLATE):
            return
        if reason := stage.broken():
            raise DemoFailed(reason)
        if time.monotonic() > give_up_at:
            raise DemoFailed(
                f"after {limit:.0f} s service {service_id} is at {stage.status(service_id)!r}: {stage.cause(service_id)}"
            )


def _stay(stage: Stage, service_id: int) -> None:
    click.echo("\nEverything keeps running. Try in another terminal:\n")
    for line in stage.suggestions(service_id):
        click.echo(f"    {line}")
    click.echo("\nCtrl-C ends the demo.\n")
    try:
        while not stage.broken():
            if (heard := stage.next_line(timeout=1.0)) is not None:
                click.echo(heard)
    except KeyboardInterrupt:
        click.echo("\nEnded.")
