"""`kvm-bridge`: one file per group of commands; texts are printed here and nowhere else.

Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 wrong usage.
"""

import logging
import sys
from typing import NoReturn

import click
import peewee

from bridge.commands.cron import cron_command
from bridge.commands.demo import demo_command
from bridge.commands.dns import dns_command
from bridge.commands.explain import explain_command, status_command
from bridge.commands.install import install_command
from bridge.commands.install_shim import install_shim_command
from bridge.commands.migrate import migrate_command
from bridge.commands.plan import plan_command
from bridge.commands.pool import pool_command
from bridge.commands.product import product_command
from bridge.commands.record import record_command
from bridge.commands.roles import scheduler_command, serve_command, vnc_command, web_command
from bridge.commands.run import run_command
from bridge.commands.sandbox import sandbox_command
from bridge.commands.server import server_command
from bridge.commands.settings import settings_command
from bridge.commands.zone import zone_command
from bridge.config import ConfigError
from bridge.database import DatabaseUnavailable
from statemachines.errors import StepError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kvm-bridge")
@click.option("--verbose", "-v", is_flag=True, help="Log what happens, not only what goes wrong.")
def cli(verbose: bool) -> None:
    """KVM Bridge: the daemon behind the WHMCS module "Proxmox KVM"."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


for command in (
    cron_command,
    demo_command,
    dns_command,
    explain_command,
    install_command,
    install_shim_command,
    migrate_command,
    plan_command,
    pool_command,
    product_command,
    record_command,
    run_command,
    sandbox_command,
    scheduler_command,
    serve_command,
    server_command,
    settings_command,
    status_command,
    vnc_command,
    web_command,
    zone_command,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; what an admin can mend becomes one line instead of a traceback."""
    try:
        cli()
    except (ConfigError, DatabaseUnavailable, StepError) as error:
        _refuse(str(error))
    except (peewee.ProgrammingError, peewee.OperationalError) as error:
        # The server answered and did not understand us: a table or column is not there.
        said = " ".join(str(error.args[-1]).split())
        _refuse(f"{said}: is this WHMCS's database, and has kvm-bridge migrate been run?")


def _refuse(line: str) -> NoReturn:
    click.echo(f"kvm-bridge: {line}", err=True)
    sys.exit(1)
