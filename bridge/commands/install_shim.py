"""`kvm-bridge install-shim`: put the PHP modules into a WHMCS installation, or the previous ones back."""

import os
from pathlib import Path

import click

from bridge.config import Config
from bridge.installer import NotInstalled, ShimSettings, install_shim, restore_modules


@click.command("install-shim")
@click.argument("whmcs", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--url",
    default=lambda: url_of(os.environ.get("KVM_BRIDGE_LISTEN") or Config.model_fields["listen"].default),
    show_default="where the daemon of this machine listens",
    help="Address of the daemon, seen from WHMCS: http://host:port, https://host:port or unix:/path/of/socket.",
)
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File that holds the secret shared with the daemon; else KVM_BRIDGE_SECRET or KVM_BRIDGE_SECRET_FILE.",
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
            for line in restore_modules(whmcs, backup):
                click.echo(line)
        else:
            put_shim(whmcs, url, _secret(secret_file), ca_file, force=force)
    except NotInstalled as error:
        click.echo(f"Error: {error}", err=True)
        context.exit(1)


def put_shim(whmcs: Path, url: str, secret: str, ca_file: str = "", *, force: bool = False) -> None:
    """Install the modules and tell what was done. Raises NotInstalled."""
    for line in install_shim(whmcs, ShimSettings(url, secret, ca_file), force=force):
        click.echo(line)
    click.echo("If PHP runs with opcache.validate_timestamps=0, reload PHP now.")


def _secret(secret_file: Path | None) -> str:
    if secret_file is None:
        if secret := os.environ.get("KVM_BRIDGE_SECRET"):
            return secret
        secret_file = Path(os.environ.get("KVM_BRIDGE_SECRET_FILE", os.devnull))
    try:
        return secret_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotInstalled(f"The secret cannot be read from {secret_file}.") from error


def url_of(listen: str) -> str:
    """The address under which something that listens at `listen` is reached from the same machine."""
    if listen.startswith("unix:"):
        return listen
    host, _, port = listen.rpartition(":")
    everywhere = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
    return f"http://{everywhere.get(host, host)}:{port}"
