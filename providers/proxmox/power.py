"""Power and state of a VM. Every action is a task: Proxmox answers 200 and a UPID even for a VM that does not exist."""

from dataclasses import dataclass

from providers.errors import NotFound
from providers.proxmox.access import Access
from providers.proxmox.transport import Params


@dataclass(frozen=True)
class VmStatus:
    """What Proxmox says about a VM at this moment.

    `status` is "running" or "stopped", `qmpstatus` QEMU's own word (paused, prelaunch …); bytes and seconds; `cpu` as a
    share of 0 to 1. `ha` True when the HA manager looks after the VM: it may start or move it by itself.
    """

    status: str
    lock: str | None
    qmpstatus: str
    uptime: int
    mem: int
    maxmem: int
    cpu: float
    cpus: int
    ha: bool
    agent: bool

    @property
    def running(self) -> bool:
        """True when QEMU runs."""
        return self.status == "running"


class Power(Access):
    """Start, stop and look."""

    def status(self, node: str, vmid: int) -> VmStatus | None:
        """State of the VM; None only when Proxmox says that it is not on `node`."""
        try:
            row = self._api.get(f"read the status of VM {vmid}", f"{self._vm(node, vmid)}/status/current")
        except NotFound:
            return None
        return VmStatus(
            status=str(row.get("status") or "unknown"),
            lock=str(row["lock"]) if row.get("lock") else None,
            qmpstatus=str(row.get("qmpstatus") or row.get("status") or "unknown"),
            uptime=int(row.get("uptime") or 0),
            mem=int(row.get("mem") or 0),
            maxmem=int(row.get("maxmem") or 0),
            cpu=float(row.get("cpu") or 0),
            cpus=int(row.get("cpus") or 0),
            ha=bool(int((row.get("ha") or {}).get("managed") or 0)),
            agent=bool(int(row.get("agent") or 0)),
        )

    def start(self, node: str, vmid: int) -> str:
        """Start the VM; returns the UPID. On a running VM the task fails ("already running")."""
        return self._power("start", node, vmid)

    def stop(self, node: str, vmid: int) -> str:
        """Pull the plug; returns the UPID. Applies pending changes. Harmless on a stopped VM.

        Ends a shutdown that is still waiting (and holds the VM's lock), where Proxmox can do that (8.2).
        """
        params = {"overrule-shutdown": 1} if self._at_least(8, 2) else {}
        return self._power("stop", node, vmid, params)

    def shutdown(self, node: str, vmid: int, timeout: int | None = None) -> str:
        """Ask the guest to power off, for at most `timeout` seconds (Proxmox: 180); returns the UPID."""
        return self._power("shutdown", node, vmid, {"timeout": timeout})

    def reboot(self, node: str, vmid: int, timeout: int | None = None) -> str:
        """Shut down and start again, which applies pending changes; returns the UPID. WrongState on a stopped VM."""
        return self._power("reboot", node, vmid, {"timeout": timeout})

    def reset(self, node: str, vmid: int) -> str:
        """Press the reset button; pending changes stay pending. Returns the UPID. WrongState on a stopped VM."""
        return self._power("reset", node, vmid)

    def resume(self, node: str, vmid: int) -> str:
        """Go on after a pause; returns the UPID."""
        return self._power("resume", node, vmid)

    def _power(self, action: str, node: str, vmid: int, params: Params | None = None) -> str:
        path = f"{self._vm(node, vmid)}/status/{action}"
        return self._start_task(f"{action} VM {vmid} on node {node}", path, params)
