"""The data of the charts: what the VM has used over time, in the units that the pages show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.lifecycle import admission
from bridge.lifecycle.page_sight import seen, seen_by_staff
from bridge.vm_context import Shop, VmContext
from bridge.web.callers import Actor, Refusal
from providers.proxmox.samples import Sample

Facts = dict[str, Any]

MB = 1 << 20  # Proxmox counts its limits "in MB/s" so, too: a disk at its limit is drawn at the limit

# Proxmox VE up to 8 sends seventy samples of each period, which are more than it: 35 hours for a day.
SECONDS = {"hour": 3600, "day": 86400, "week": 7 * 86400, "month": 30 * 86400, "year": 365 * 86400}

NO_TIMEFRAME = "This period is not available."


@dataclass(frozen=True)
class Charts:
    """Implements `bridge.web.client_interfaces.Charts`. Reads only; a VM that is locked or down has charts, too."""

    shop: Callable[[], Shop]

    def for_client(self, service_id: int, actor: Actor, timeframe: str) -> Facts:
        """The series of one of SECONDS, see `series`. Raises Refusal."""
        admission.look_in(service_id, actor, "charts")
        return seen(service_id, "charts", self.shop(), lambda ctx, sight: _read(ctx, timeframe))

    def for_staff(self, service_id: int, timeframe: str) -> Facts:
        """The same whatever the product permits; a refusal names the cause."""
        return seen_by_staff(service_id, self.shop(), lambda ctx, sight: _read(ctx, timeframe))


def _read(ctx: VmContext, timeframe: str) -> Facts:
    if timeframe not in SECONDS:
        raise Refusal(NO_TIMEFRAME)
    samples = ctx.hypervisor.samples(str(ctx.vm.node), int(ctx.vm.vm_id or 0), timeframe)
    # Proxmox keeps the load of an earlier VM with this VMID, which may have been another client's.
    begin = max(ctx.clock.now() - SECONDS[timeframe], ctx.vm.since)
    return {"timeframe": timeframe, **series([each for each in samples if each.time >= begin])}


def series(samples: list[Sample]) -> Facts:
    """Columns of equal length, the oldest first; None where nothing was measured, as while the VM was down.

    `time` epoch seconds, `cpu` and `ram` percent of what the VM has, `ram_used` and `ram_total` bytes, the others MB per
    second (1 MB = 1048576 bytes).
    """
    return {
        "time": [each.time for each in samples],
        "cpu": [_rounded(each.cpu, 100.0) for each in samples],
        "ram": [_share(each) for each in samples],
        "ram_used": [_used(each) for each in samples],
        "ram_total": [_whole(each.maxmem) for each in samples],
        "disk_read": [_rounded(each.diskread, 1 / MB) for each in samples],
        "disk_write": [_rounded(each.diskwrite, 1 / MB) for each in samples],
        "net_in": [_rounded(each.netin, 1 / MB) for each in samples],
        "net_out": [_rounded(each.netout, 1 / MB) for each in samples],
    }


def memory_used(used: float, total: float) -> float:
    """Bytes of its memory that a VM uses. Proxmox VE 9 counts what QEMU itself takes, too, which is not the VM's memory."""
    return min(used, total) if total else used


def _used(each: Sample) -> int | None:
    return None if each.mem is None else int(memory_used(each.mem, each.maxmem or 0))


def _share(each: Sample) -> float | None:
    if each.mem is None or not each.maxmem:
        return None
    return round(100.0 * memory_used(each.mem, each.maxmem) / each.maxmem, 2)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _rounded(value: float | None, factor: float) -> float | None:
    return None if value is None else round(value * factor, 4)
