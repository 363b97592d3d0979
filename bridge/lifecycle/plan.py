"""What a package change would do to a VM now, found by the comparisons that its steps make, without a single write."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bridge.lifecycle.sight import look
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from statemachines.errors import NeedsAttention
from statemachines.package import LIVE
from statemachines.ports import Address
from statemachines.steps.differences import Difference, Refusal, differences, firewall_differences, refusals
from statemachines.steps.power import RUNNING
from statemachines.steps.repackage import split

# Seconds, as a healthy node and an obedient guest need them.
SHUTDOWN = 10
BOOT = 5
WRITE = 1
GROW = 2
SNAPSHOT = 5


@dataclass(frozen=True)
class ChangePlan:
    """What would happen to the VM of one service. `restart` = it is stopped and started once; `downtime` in seconds.

    `waits_for` is what the change would have to wait for now: a state other than ready, or a lock of Proxmox.
    """

    service_id: int
    vmid: int
    node: str
    mode: str
    changes: tuple[Difference, ...]
    refusals: tuple[Refusal, ...]
    restart: bool
    downtime: int
    waits_for: str = ""

    @property
    def empty(self) -> bool:
        """Whether the VM is as the package says."""
        return not self.changes

    def as_json(self) -> dict[str, Any]:
        """Plain values; a change is `live` or needs a `restart`."""
        plan = asdict(self)
        plan["changes"] = [
            {"key": change.key, "now": change.now, "then": change.then, "how": how(change)} for change in self.changes
        ]
        return plan


def how(change: Difference) -> str:
    """How a running VM takes a change."""
    return "restart" if change.restart else "live"


@dataclass(frozen=True)
class Planner:
    """Looks and compares; neither the database nor the cluster is changed."""

    shop: Shop

    def plan(self, service_id: int) -> ChangePlan:
        """The plan for a service. Raises NeedsAttention when it has no VM of ours."""
        found = load(service_id)
        if found is None:
            raise NeedsAttention(f"service {service_id} has no VM")
        ctx = VmContext(*found, self.shop)
        seen = look(ctx)
        config = seen.config
        held = ctx.addresses.held(ctx.vm)
        kept = split(held, ctx.package.network)[1]
        changes = [*_counts(ctx, held), *differences(ctx, config, kept), *firewall_differences(ctx)]
        restart = seen.status.status == RUNNING and self._restarts(ctx, changes)
        return ChangePlan(
            service_id=service_id,
            vmid=int(ctx.vm.vm_id or 0),
            node=str(ctx.vm.node),
            mode=ctx.package.change_mode,
            changes=tuple(changes),
            refusals=tuple(refusals(ctx, config)),
            restart=restart,
            downtime=self._downtime(ctx, changes) if restart else 0,
            waits_for=_waits_for(ctx, config),
        )

    @staticmethod
    def _restarts(ctx: VmContext, changes: Sequence[Difference]) -> bool:
        return ctx.package.change_mode != LIVE or any(change.restart for change in changes)

    @staticmethod
    def _downtime(ctx: VmContext, changes: Sequence[Difference]) -> int:
        seconds = SHUTDOWN + BOOT
        for change in changes:
            seconds += GROW if change.key.endswith(" size") else WRITE
            if change.then.startswith("deleted"):
                seconds += SNAPSHOT * len(ctx.hypervisor.snapshots(str(ctx.vm.node), int(ctx.vm.vm_id or 0)))
        return seconds


def _counts(ctx: VmContext, held: Sequence[Address]) -> list[Difference]:
    """How many addresses of each family come or go; a first one of a family reaches the guest at its next boot."""
    network = ctx.package.network
    found = []
    for family, wanted in ((4, network.wanted_ipv4), (6, network.wanted_ipv6)):
        count = sum(address.family == family for address in held)
        if count != wanted:
            found.append(Difference(f"IPv{family} addresses", str(count), str(wanted), restart=not count))
    return found


def _waits_for(ctx: VmContext, config: Any) -> str:
    if ctx.vm.status != "ready":
        return f"status {ctx.vm.status}"
    return f"lock {config.lock}" if config.lock else ""
