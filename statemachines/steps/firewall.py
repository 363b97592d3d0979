"""The VM's firewall: options, policies, and the anti-spoofing set with the VM's own addresses."""

from collections.abc import Sequence
from typing import Any

from statemachines.context import Context
from statemachines.outcome import Done, Outcome, Skip
from statemachines.package import FirewallSpec
from statemachines.ports import Address
from statemachines.steps.look import node_of, own_config, reserved_vmid

ANTISPOOFING_SET = "ipfilter-net0"  # Proxmox drops every other source address of net0 once a set of this name exists


def set_firewall(ctx: Context) -> Outcome:
    """Fill the anti-spoofing set, then switch the options on: a half-filled set would cut the VM off.

    With DHCP the addresses are not known and nothing is applied (CFG-40).
    """
    return apply(ctx, ctx.addresses.held(ctx.vm))


def widen(ctx: Context) -> None:
    """Let the anti-spoofing set take every address that the VM holds by now, before the guest uses a new one."""
    if not ctx.package.network.any_dhcp:
        own_config(ctx)
        _set_antispoofing(ctx, node_of(ctx), reserved_vmid(ctx), ctx.addresses.held(ctx.vm))


def apply(ctx: Context, addresses: Sequence[Address]) -> Outcome:
    """The firewall of the package, its anti-spoofing set with exactly `addresses`."""
    if ctx.package.network.any_dhcp:
        return Skip("DHCP")
    own_config(ctx)
    node, vmid = node_of(ctx), reserved_vmid(ctx)
    changed = _set_antispoofing(ctx, node, vmid, addresses)
    missing = missing_options(ctx, node, vmid)
    if missing:
        ctx.hypervisor.set_firewall_options(node, vmid, missing)
    return Done(changed=changed or bool(missing))


def _set_antispoofing(ctx: Context, node: str, vmid: int, addresses: Sequence[Address]) -> bool:
    if ctx.package.firewall.antispoofing:
        # Also without any address: an empty set drops everything, no set drops nothing (PVE::Firewall asks whether it exists).
        return ctx.hypervisor.ensure_ipset(node, vmid, ANTISPOOFING_SET, [str(address.ip) for address in addresses])
    ctx.hypervisor.drop_ipset(node, vmid, ANTISPOOFING_SET)
    return False


def missing_options(ctx: Context, node: str, vmid: int) -> dict[str, Any]:
    """The package's firewall options that the VM does not have, as Proxmox spells them."""
    present = ctx.hypervisor.firewall_options(node, vmid)
    wanted = options_of(ctx.package.firewall)
    return {key: value for key, value in wanted.items() if str(present.get(key)) != str(value)}


def options_of(spec: FirewallSpec) -> dict[str, Any]:
    """The package's firewall options as Proxmox spells them."""
    return {
        "enable": int(spec.enable),
        "dhcp": int(spec.dhcp),
        "ndp": int(spec.ndp),
        "radv": int(spec.radv),
        "macfilter": int(spec.macfilter),
        "ipfilter": int(spec.ipfilter),
        "policy_in": spec.policy_in,
        "policy_out": spec.policy_out,
        "log_level_in": spec.log_in,
        "log_level_out": spec.log_out,
    }
