"""Information on real time: what a VM is and does at this moment, for its client and for staff, by few requests to Proxmox."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.addresses.errors import AddressProblem
from bridge.database import retry_lost_connection
from bridge.lifecycle import admission
from bridge.lifecycle.charts import memory_used
from bridge.lifecycle.page_sight import seen, seen_by_staff, told_to_staff
from bridge.lifecycle.rules import Situation
from bridge.lifecycle.sight import Sight
from bridge.models.module import VmInfo
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from bridge.web.callers import Actor, Refusal
from providers.proxmox.disk import Disk
from statemachines.package import DiskSpec
from statemachines.ports import Address
from statemachines.steps.network import place

Facts = dict[str, Any]

NOTHING_SEEN: Facts = {
    **{"power": "", "uptime": 0, "cpu": None, "ram": None, "system_disk": None},
    **{"additional_disk": None, "network": None, "iso": ""},
}


@dataclass(frozen=True)
class Information:
    """Implements `bridge.web.client_interfaces.Information`. Two requests to Proxmox for clients, three for staff."""

    shop: Callable[[], Shop]

    def for_client(self, service_id: int, actor: Actor) -> Facts:
        """What the overview shows, see `_live` and `_kept`; `busy` is a sentence that says what is at work on the VM, `may` tells
        of each function whether it can be begun now.

        While it is being made, or is not there any more, only what the database knows is told. Raises Refusal.
        """
        service = admission.look_in(service_id, actor)
        busy = admission.hindrance(service)
        found = load(service_id)
        if found is None:
            raise Refusal(admission.SOMETHING_WRONG)
        live: Facts = {}
        if admission.situation_of(service_id) is Situation.READY:
            live = seen(service_id, "information", self.shop(), lambda ctx, sight: _live(sight) | {"lock": sight.lock})
        busy = busy or (admission.BUSY if live.pop("lock", "") else "")
        kept = admission.calmly(service_id, "information", lambda: _kept(VmContext(*found, self.shop())))
        return {**NOTHING_SEEN, **live, **kept, "busy": busy, "may": admission.may(service, busy)}

    def for_staff(self, service_id: int) -> Facts:
        """The same with what staff needs: `state`, `vmid`, `node`, `server`, `lock`, what is `pending` until a restart, where
        the disks and the card are, and beside them what the `package` says. `error` is the line why Proxmox tells nothing.
        """
        found = load(service_id)
        if found is None:
            raise Refusal(f"service {service_id} has no VM")
        ctx = VmContext(*found, self.shop())
        known = told_to_staff(lambda: _known_to_staff(ctx))
        try:
            live = seen_by_staff(service_id, self.shop(), _for_staff)
        except Refusal as refusal:
            return {**known, "error": str(refusal)}
        return {**known, **live, "error": ""}


def load_of(sight: Sight) -> Facts:
    """`cpu`: percent of its `cores`; `ram`: bytes `used` of `total`, and `percent`."""
    status = sight.status
    used = int(memory_used(status.mem, status.maxmem))
    percent = round(100.0 * used / status.maxmem, 2) if status.maxmem else 0.0
    return {
        "cpu": {"percent": round(100.0 * status.cpu, 2), "cores": status.cpus},
        "ram": {"percent": percent, "used": used, "total": status.maxmem},
    }


def _live(sight: Sight) -> Facts:
    """`power`, `uptime` in seconds, `cpu` and `ram` (see `load_of`), `system_disk` and `additional_disk` (None = there is none)
    with `size` in bytes and their limits, `network` with `model`, `mac` and `mbps`, and the mounted `iso`. Limits 0 = none.
    """
    config, card, drive = sight.config, sight.config.net(0), sight.config.cdrom()
    return {
        "power": sight.status.status,
        "uptime": sight.status.uptime,
        **load_of(sight),
        "system_disk": _disk(config.system_disk()),
        "additional_disk": _disk(config.additional_disk()),
        "network": {"model": card.model, "mac": card.mac or "", "mbps": card.rate or 0} if card else None,
        "iso": drive.medium if drive else "",
    }


def _disk(disk: Disk | None) -> Facts | None:
    if disk is None:
        return None
    limits = disk.limits
    return {
        "size": disk.size or 0,
        "mbps_rd": limits.mbps_rd or 0,
        "mbps_wr": limits.mbps_wr or 0,
        "iops_rd": limits.iops_rd or 0,
        "iops_wr": limits.iops_wr or 0,
    }


def _known_to_staff(ctx: VmContext) -> Facts:
    """What the database knows, and nothing in place of all that only Proxmox knows."""
    identity = {"state": ctx.vm.status, "vmid": ctx.vm.vm_id, "node": ctx.vm.node or "", "server": ctx.server_name}
    return {**NOTHING_SEEN, "lock": "", "pending": {}, **identity, **_kept(ctx)}


def _for_staff(ctx: VmContext, sight: Sight) -> Facts:
    live, config, package = _live(sight), sight.config, ctx.package
    for name, disk, spec in (
        ("system_disk", config.system_disk(), package.system_disk),
        ("additional_disk", config.additional_disk(), package.additional_disk),
    ):
        if disk is not None:
            live[name] |= {"interface": disk.interface, "volume": disk.volume, "package": _wanted_disk(spec)}
    card = config.net(0)
    if card is not None:
        live["network"] |= {"bridge": card.bridge or "", "vlan": card.tag or 0, "package": _wanted_card(ctx)}
    running = sight.status.running
    pending = ctx.hypervisor.pending(str(ctx.vm.node), int(ctx.vm.vm_id or 0)) if running else {}
    return {**live, "node": ctx.vm.node or "", "lock": sight.lock, "pending": pending}


def _wanted_disk(spec: DiskSpec) -> Facts:
    limits = spec.limits
    return {
        "size": spec.size_gb << 30,
        "mbps_rd": limits.mbps_rd,
        "mbps_wr": limits.mbps_wr,
        "iops_rd": limits.iops_rd,
        "iops_wr": limits.iops_wr,
    }


def _wanted_card(ctx: VmContext) -> Facts:
    network = ctx.package.network
    try:
        bridge, vlan = place(ctx)
    except AddressProblem:
        bridge, vlan = network.bridge, network.vlan
    return {"model": network.model or "", "mbps": network.rate, "bridge": bridge, "vlan": vlan}


def _kept(ctx: VmContext) -> Facts:
    """What the database knows: `ipv4` and `ipv6` (`addresses`, the main one first, each with its `prefix`, `gateway`, `dhcp`),
    `dns` servers, the `domain`, and of `snapshots` and `backups` how many there are (`count`) of how many possible ones (`limit`).
    """
    addresses, network = _addresses(ctx), ctx.package.network
    row = _counters(ctx.vm.service_id)
    return {
        "ipv4": _family([each for each in addresses if each.family == 4], dhcp=network.dhcp_ipv4),
        "ipv6": _family([each for each in addresses if each.family == 6], dhcp=network.dhcp_ipv6),
        "dns": list(dict.fromkeys(server for each in addresses for server in each.dns)),
        "domain": ctx.service.domain,
        "snapshots": {"count": row.vm_snapshots or 0, "limit": ctx.package.snapshots},
        "backups": {"count": row.vm_backups or 0, "limit": ctx.package.backups},
    }


def _family(addresses: list[Address], *, dhcp: bool) -> Facts:
    return {
        "addresses": [{"ip": each.text, "prefix": each.prefix} for each in addresses],
        "gateway": addresses[0].gateway if addresses else "",
        "dhcp": dhcp,
    }


def _addresses(ctx: VmContext) -> list[Address]:
    """What the service holds; when the network of one is not known any more, bare addresses with prefix 0."""
    try:
        return ctx.addresses.held(ctx.vm)
    except AddressProblem:
        return [Address(ip, 0, "") for ip in ctx.addresses.ips(ctx.vm.service_id)]


@retry_lost_connection
def _counters(service_id: int) -> VmInfo:
    columns = (VmInfo.vm_snapshots, VmInfo.vm_backups)
    return VmInfo.select(*columns).where(VmInfo.service_id == service_id).get_or_none() or VmInfo()
