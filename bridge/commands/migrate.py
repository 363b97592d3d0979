"""`kvm-bridge migrate`: bring the tables up to date."""

import os

import click

from bridge.config import Config, ConfigError, load_config
from bridge.database import Database, DatabaseUnavailable, close_connection, connect
from bridge.migrations.schema import MigrationError
from bridge.upgrade import bring_up_to_date, outlook

ANSWER_TIMEOUT_SECONDS = 600  # an ALTER of a large table answers when it is done


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only list what would be applied.")
def migrate_command(dry_run: bool) -> None:
    """Create or extend the tables of KVM Bridge, and fill them once with what the addon PUQ Customization left.

    Harmless to run twice; WHMCS's own tables and those of the old addon are not touched.
    """
    try:
        bring_tables_up_to_date(load_config(os.environ), dry_run)
    except (ConfigError, DatabaseUnavailable) as error:
        raise click.ClickException(str(error)) from error
    finally:
        close_connection()


def bring_tables_up_to_date(config: Config, dry_run: bool) -> Database:
    """Do it, or with `dry_run` tell what would be done; the lines are printed, the connected database is returned.

    Raises DatabaseUnavailable, and ClickException when a table stands in the way.
    """
    database = connect(config.database_url.get_secret_value(), ANSWER_TIMEOUT_SECONDS)
    try:
        done = outlook(database) if dry_run else bring_up_to_date(database)
    except MigrationError as error:
        raise click.ClickException(str(error)) from error
    for name in done.migrations:
        click.echo(f"{'would apply' if dry_run else 'applied'} {name}")
    for line in done.imports:
        click.echo(f"would {line}" if dry_run else line)
    if not done.migrations and not done.imports:
        click.echo("up to date")
    return database
