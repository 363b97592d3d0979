"""`kvm-bridge sandbox`: the stand-ins for Proxmox VE and WHMCS, each on its own."""

import click

from bridge.sandbox.proxmox.command import proxmox_command
from bridge.sandbox.whmcs.command import whmcs_command


@click.group("sandbox")
def sandbox_command() -> None:
    """Stand-ins for Proxmox VE and WHMCS, for trials and tests."""


sandbox_command.add_command(proxmox_command, "proxmox")
sandbox_command.add_command(whmcs_command, "whmcs")
