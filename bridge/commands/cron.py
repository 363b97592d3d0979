"""`kvm-bridge cron`: one tick, with the flags of `php cron.php`."""

import signal
import threading

import click

from bridge.console import to_stdout
from bridge.cron_arguments import BadArguments, parse
from bridge.wiring import WHMCS_API, house_from_environment


@click.command("cron", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def cron_command(context: click.Context, flags: tuple[str, ...]) -> None:
    """Run one tick: every VM that waits for work goes as far as it can (--task=NAME, --force, --help).

    The exit code is 1 when a task could not be done at all.
    """
    try:
        wanted = parse(flags)
    except BadArguments as error:
        click.echo(f"kvm-bridge cron: {error}", err=True)
        context.exit(1)
    if isinstance(wanted, str):
        click.echo(wanted)
        return
    house = house_from_environment(need=WHMCS_API)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    cron = house.cron  # looks at the database: without one, nothing is begun
    with house.delivering():
        done = cron.run(wanted, to_stdout, lambda: not stopping.is_set())
    context.exit(0 if done else 1)
