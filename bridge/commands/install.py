"""`kvm-bridge install`: everything that an installation needs in WHMCS's database, and on request in its tree."""

import os
from pathlib import Path

import click

from bridge.commands.install_shim import put_shim, url_of
from bridge.commands.migrate import bring_tables_up_to_date
from bridge.config import Config, load_config
from bridge.database import Database, close_connection
from bridge.installer import NotInstalled
from bridge.mail_templates import create_missing, missing_templates


@click.command("install")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.option(
    "--shim",
    "whmcs",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also put the PHP modules into the WHMCS tree DIR, as install-shim does without options.",
)
def install_command(dry_run: bool, whmcs: Path | None) -> None:
    """Bring an installation up: tables, e-mail templates in WHMCS, and with --shim the PHP modules.

    Harmless to run twice: what is there is kept, and e-mail templates are never changed.
    """
    config = load_config(os.environ, need=("secret",) if whmcs else ())
    try:
        database = bring_tables_up_to_date(config, dry_run)
        _templates(database, dry_run)
    finally:
        close_connection()
    if whmcs:
        _shim(whmcs, config, dry_run)


def _templates(database: Database, dry_run: bool) -> None:
    reports = missing_templates() if dry_run else create_missing(database)
    for report in reports:
        would = "would be " if dry_run and report.created else ""
        click.echo(f'{"!" if report.attention else "-"} e-mail template "{report.name}": {would}{report.text}')


def _shim(whmcs: Path, config: Config, dry_run: bool) -> None:
    url = url_of(config.listen)
    if dry_run:
        click.echo(f"would put the modules into {whmcs}, which will call {url}")
        return
    assert config.secret is not None, "load_config was told that it is needed"
    try:
        put_shim(whmcs, url, config.secret.get_secret_value())
    except NotInstalled as error:
        raise click.ClickException(str(error)) from error
