"""What the guest learns at its first boot: host name, addresses, name servers, user, password, keys."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from statemachines.context import Context
from statemachines.errors import NeedsAttention
from statemachines.outcome import Done, Outcome
from statemachines.package import NetworkSpec
from statemachines.ports import Address
from statemachines.steps.look import node_of, own_config, reserved_vmid


def set_cloudinit(ctx: Context) -> Outcome:
    """Write the cloud-init settings that differ; the password is always sent, because Proxmox masks it when read.

    Raises NeedsAttention without a cloud-init drive: Proxmox would take the settings, and no guest would ever read them.
    """
    config = own_config(ctx)
    if config.cloudinit_drive() is None:
        raise NeedsAttention(f"VM {ctx.vm.vm_id} has no cloud-init drive; add one to it and to its template")
    wanted = settings(ctx)
    changes = {key: value for key, value in wanted.items() if key == "cipassword" or config.raw.get(key) != value}
    ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), changes, digest=config.digest)
    return Done()


def set_password(ctx: Context) -> None:
    """Write user and password for the guest's next boot."""
    config = own_config(ctx)
    changes: dict[str, str | int] = {"cipassword": ctx.service.password()}
    if ctx.service.username:
        changes["ciuser"] = ctx.service.username
    ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), changes, digest=config.digest)


def set_addresses(ctx: Context, held: Sequence[Address]) -> bool:
    """Write the address settings that differ, for the guest's next boot; whether anything did."""
    config = own_config(ctx)
    changes, gone = address_changes(ctx, config, held)
    if changes or gone:
        ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), changes, delete=gone, digest=config.digest)
    return bool(changes or gone)


def address_changes(ctx: Context, config: Any, held: Sequence[Address]) -> tuple[dict[str, str | int], list[str]]:
    """Address settings that differ, with their new values, and those that are to go because no address is left."""
    wanted = {"ipconfig0": ipconfig(held, ctx.package.network), "nameserver": " ".join(_name_servers(held))}
    changes: dict[str, str | int] = {key: value for key, value in wanted.items() if value and config.text(key) != value}
    return changes, [] if wanted["ipconfig0"] else [key for key in wanted if config.text(key)]


def settings(ctx: Context) -> dict[str, str | int]:
    """All cloud-init keys of the VM; a key without a value is left out."""
    held = ctx.addresses.held(ctx.vm)
    values = {
        "name": ctx.vm.name,
        "ciuser": ctx.service.username,
        "cipassword": ctx.service.password(),
        "sshkeys": quote(ctx.service.ssh_keys, safe=""),
        "ipconfig0": ipconfig(held, ctx.package.network),
        "nameserver": " ".join(_name_servers(held)),
        "searchdomain": ctx.naming.search_domain(),
    }
    return {key: value for key, value in values.items() if value}


def ipconfig(held: Sequence[Address], network: NetworkSpec) -> str:
    """`ipconfig0` with the primary address of each family, or DHCP: only these are configured on the interface (NET-08)."""
    parts = []
    for family, key, gateway, dhcp in ((4, "ip", "gw", network.dhcp_ipv4), (6, "ip6", "gw6", network.dhcp_ipv6)):
        primary = next((address for address in held if address.family == family), None)
        if dhcp:
            parts.append(f"{key}=dhcp")
        elif primary is not None:
            parts.append(f"{key}={primary.ip}/{primary.prefix}")
            if primary.gateway:
                parts.append(f"{gateway}={primary.gateway}")
    return ",".join(parts)


def _name_servers(held: Sequence[Address]) -> list[str]:
    """Name servers of all addresses, each once, in order."""
    return list(dict.fromkeys(server for address in held for server in address.dns))
