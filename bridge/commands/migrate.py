"""`kvm-bridge migrate`: bring the tables up to date."""

import os

import click

from bridge.config import ConfigError, load_config
from bridge.database import DatabaseUnavailable, close_connection, connect
from bridge.migrations import migrate, pending
from bridge.migrations.schema import MigrationError

ANSWER_TIMEOUT_SECONDS = 600  # an ALTER of a large table answers when it is done


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only list what would be applied.")
def migrate_command(dry_run: bool) -> None:
    """Create or extend the tables of KVM Bridge. Harmless to run twice; WHMCS's own tables are not touched."""
    try:
        config = load_config(os.environ)
        database = connect(config.database_url.get_secret_value(), ANSWER_TIMEOUT_SECONDS)
        names = pending(database) if dry_run else migrate(database)
    except (ConfigError, DatabaseUnavailable, MigrationError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        close_connection()
    for name in names:
        click.echo(f"{'would apply' if dry_run else 'applied'} {name}")
    if not names:
        click.echo("up to date")
