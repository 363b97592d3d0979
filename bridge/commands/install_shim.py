"""`kvm-bridge install-shim`: put the PHP modules into a WHMCS installation, or the previous ones back."""

import os
from pathlib import Path

import click

from bridge.installer import NotInstalled, ShimSettings, install_shim, restore_modules


@click.command("install-shim")
@click.argument("whmcs", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--url",
    envvar="KVM_BRIDGE_URL",
    default="http://127.0.0.1:8765",
    show_default=True,
    help="Where the daemon listens: http://host:port, https://host:port or unix:/path/of/socket.",
)
@click.option(
    "--secret-file",
    envvar="KVM_BRIDGE_SECRET_FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds the secret shared with the daemon; else the variable KVM_BRIDGE_SECRET is used.",
)
@click.option("--ca-file", default="", help="CA certificates on the WHMCS host that vouch for the daemon's https.")
@click.option("--force", is_flag=True, help="Install although DIR does not look like a WHMCS installation.")
@click.option("--restore", is_flag=True, help="Put back the modules that the installation replaced.")
@click.option("--backup", default="", help="With --restore: name of the dated backup; the latest when not given.")
@click.pass_context
def install_shim_command(
    context: click.Context,
    whmcs: Path,
    url: str,
    secret_file: Path | None,
    ca_file: str,
    force: bool,
    restore: bool,
    backup: str,
) -> None:
    """Copy both modules into the WHMCS installation WHMCS and write their configuration (mode 0600).

    Run it again after each update of KVM Bridge. The secret is never taken from the command line, where others could read
    it.
    """
    try:
        if restore:
            report = restore_modules(whmcs, backup)
        else:
            report = install_shim(whmcs, ShimSettings(url, _secret(secret_file), ca_file), force=force)
    except NotInstalled as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(1)
    for line in report:
        click.echo(line)
    if not restore:
        click.echo("If PHP runs with opcache.validate_timestamps=0, reload PHP now.")


def _secret(secret_file: Path | None) -> str:
    if secret_file is not None:
        return secret_file.read_text(encoding="utf-8").strip()
    return os.environ.get("KVM_BRIDGE_SECRET", "")
