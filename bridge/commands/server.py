"""`kvm-bridge server`: WHMCS server entries, and which certificate is accepted from each."""

from pathlib import Path

import click

from bridge.hypervisors import server_entry
from bridge.wiring import house_from_environment


@click.group("server")
def server_command() -> None:
    """Proxmox servers as WHMCS knows them."""


@server_command.command("trust")
@click.argument("server_id", type=int)
@click.option("--fingerprint", help="Accept exactly the certificate with this SHA-256 fingerprint.")
@click.option("--ca-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Accept this CA.")
@click.option("--system-ca", is_flag=True, help="Accept what the CAs of this system vouch for.")
@click.option("--no-verify", is_flag=True, help="Accept anything. Whoever is between us and Proxmox can read along.")
@click.option("--relearn", is_flag=True, help="Look at the certificate anew at the next connection and pin it.")
@click.pass_context
def trust_command(
    context: click.Context,
    server_id: int,
    fingerprint: str | None,
    ca_file: Path | None,
    system_ca: bool,
    no_verify: bool,
    relearn: bool,
) -> None:
    """Say which TLS certificate is accepted from a server; without an option, show what is."""
    house = house_from_environment()
    server = server_entry(server_id)
    choices = {
        "fingerprint": {"fingerprint": fingerprint} if fingerprint else None,
        "ca_file": {"ca_file": str(ca_file.resolve())} if ca_file else None,
        "system": {"verify": "system"} if system_ca else None,
        "off": {"verify": "off"} if no_verify else None,
    }
    given = [choice for choice in choices.values() if choice]
    if len(given) + relearn > 1:
        raise click.UsageError("give one of the options only")
    if relearn:
        house.trust.forget(server_id)
    elif given:
        try:
            house.trust.choose(server_id, given[0])
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    current = house.trust.version(server_id) or "nothing yet; the certificate is looked at with the next connection"
    click.echo(f"server {server.name} (ID {server_id}): {current}")
