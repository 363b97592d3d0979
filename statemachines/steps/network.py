"""The network card: one string in Proxmox, of which we change single keys and keep the rest."""

from typing import Any

from statemachines.context import Context
from statemachines.errors import NeedsAttention
from statemachines.outcome import Done, Outcome
from statemachines.steps.look import node_of, own_config, reserved_vmid
from statemachines.steps.optional import optional


def set_network(ctx: Context) -> Outcome:
    """Set model, bridge, VLAN, rate and firewall flag of net0; the MAC is kept, or the stored one written back.

    An unknown bridge is accepted by Proxmox and fails only at start: it is checked first.
    """
    config = own_config(ctx)
    before = config.net_or_new(0)
    after = wanted_card(ctx, before)
    if str(after) == config.text("net0"):
        return Done(changed=False)
    _check_bridge(ctx, after.bridge)
    ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), {"net0": str(after)}, digest=config.digest)
    _remember_mac(ctx)
    return Done()


def wanted_card(ctx: Context, net: Any) -> Any:
    """The card as the package wants it; keys that we do not know are kept."""
    spec = ctx.package.network
    bridge, vlan = place(ctx)
    return net.with_(
        model=spec.model,
        mac=ctx.vm.mac,
        bridge=bridge,
        tag=vlan,
        rate=spec.rate,
        firewall=net.firewall if spec.any_dhcp else ctx.package.firewall.enable,
    )


def place(ctx: Context) -> tuple[str, int]:
    """Bridge and VLAN of the VM: those of its addresses when they are automatic, else the product's."""
    spec = ctx.package.network
    held = ctx.addresses.held(ctx.vm) if spec.auto else []
    return (held[0].bridge, held[0].vlan) if held else (spec.bridge, spec.vlan)


def has_bridge(ctx: Context, node: str, bridge: str) -> bool:
    """Whether the node has the bridge; taken for granted when the token may not look."""
    return bridge in optional(ctx, "list_bridges", lambda: ctx.hypervisor.bridges(node), default=[bridge])


def _check_bridge(ctx: Context, bridge: str) -> None:
    node = node_of(ctx)
    if not has_bridge(ctx, node, bridge):
        raise NeedsAttention(f"bridge {bridge} does not exist on node {node}")


def _remember_mac(ctx: Context) -> None:
    net = own_config(ctx).net(0)
    if net is not None and net.mac != ctx.vm.mac:
        ctx.store.note(ctx.vm, mac=net.mac)
