"""`kvm-bridge server`: WHMCS server entries, and which certificate is accepted from each."""

import click

from bridge.commands.trust_options import TrustChoice, trust_options
from bridge.hypervisors import server_entry
from bridge.trust import server_key
from bridge.wiring import house_from_environment


@click.group("server")
def server_command() -> None:
    """Proxmox servers as WHMCS knows them."""


@server_command.command("trust")
@click.argument("server_id", type=int)
@trust_options
def trust_command(server_id: int, choice: TrustChoice) -> None:
    """Say which TLS certificate is accepted from a server; without an option, show what is."""
    house = house_from_environment()
    server = server_entry(server_id)
    key = server_key(server_id)
    choice.apply(house.trust, key)
    choice.tell(house.trust, key, f"server {server.name} (ID {server_id})")
