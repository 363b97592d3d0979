"""An installation whose VMs are deployed already, with a DNS provider, and what happens to them afterwards."""

import base64
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.dns.pending import LONGEST_PAUSE
from bridge.lifecycle.rules import Operation
from bridge.models.companion import PendingRecord
from bridge.models.module import VmInfo
from bridge.models.whmcs import ActivityLogEntry, Product, Service
from bridge.sandbox.proxmox.storage import Volume
from bridge.wiring import Outside
from tests.chaos.gate import Gate
from tests.deploy.installation import Installation
from tests.factories import choose, make_option
from tests.lifecycle.names import Names

DATA = "the client's data"


@dataclass(frozen=True)
class Facts:
    """What one VM is, to be compared before and after."""

    vmid: int
    name: str
    mac: str
    addresses: tuple[str, ...]
    domain: str
    password: str
    volumes: dict[str, str]


class Living(Installation):
    """Deploys, asks for operations, and remembers every call to Proxmox and to the DNS provider."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None, **options: Any) -> None:
        self.names = Names()
        super().__init__(folder, settings, **options)
        self.names.install()

    def outside(self) -> Outside:
        """As always, but with DNS providers."""
        self.names.gate = self.gate
        return replace(super().outside(), dns=self.names.provide)

    def living(self, **options: int) -> int:
        """A VM that is ready; what led there is forgotten."""
        service = self.deploy(**options)
        self.forget()
        return service

    def forget(self) -> None:
        """Begin to remember anew."""
        self.sent.clear()
        self.lines.clear()
        self.whmcs.mails.clear()
        self.names.served.clear()

    def ask(self, service: int, operation: Operation, **facts: Any) -> str:
        """Ask for an operation as WHMCS, an admin or a client does."""
        return self.house.requests.ask(service, operation, **facts)

    def ask_and_run(self, service: int, operation: Operation, **facts: Any) -> Gate:
        """Ask, and let the daemon work until nothing is left to do."""
        answer = self.ask(service, operation, **facts)
        assert answer == "success", answer
        return self.run()

    def names_settle(self) -> None:
        """DNS providers work again, and time passes until nothing is pending any more."""
        self.names.broken = False
        self.names.faults.clear()
        for _ in range(10):
            if not PendingRecord.select().exists():
                return
            self.clock.advance(LONGEST_PAUSE)
            self.house.dns_retries.work()
        raise AssertionError([f"{row.name} {row.type}: {row.cause}" for row in PendingRecord.select()])

    def choose(self, service: int, name: str, choice: str) -> None:
        """The client has chosen a sub-option of an option that is assigned to the service, e.g. "Additional Disk", "0|none"."""
        option = make_option(Product.get_by_id(self.shop.product_id), name, [choice])
        choose(Service.get_by_id(service), option, choice)

    def snapshot(self, service: int, name: str) -> None:
        """Somebody takes a snapshot of the VM."""
        self._task(service, "POST", "snapshot", snapname=name)

    def snapshots(self, service: int) -> list[str]:
        """The VM's snapshots."""
        return list(self.cluster.guests[int(self.record(service).vm_id)].snapshots)

    def power(self, service: int, action: str) -> None:
        """Somebody presses a power button on the cluster."""
        self._task(service, "POST", f"status/{action}")

    def _task(self, service: int, method: str, what: str, **params: str) -> None:
        proxmox = self.house.hypervisors.for_server(self.shop.server_id)
        path = f"nodes/{self.node(service)}/qemu/{self.record(service).vm_id}/{what}"
        upid = proxmox._api.post(f"{method} {what}", path, params)
        while proxmox.task(upid).running:
            self.clock.advance(0.5)
        assert proxmox.task(upid).ok, proxmox.task_log(upid)

    def facts(self, service: int) -> Facts:
        """What the VM is now."""
        row, record = Service.get_by_id(service), self.record(service)
        config = self.config(service)
        disks = {key: str(config[key]).partition(",")[0] for key in config if key in ("scsi0", "scsi1", "virtio0")}
        return Facts(
            vmid=int(record.vm_id),
            name=str(record.vm_name),
            mac=str(record.vm_net0_mac),
            addresses=tuple(self.addresses(service)),
            domain=row.domain,
            password=row.password,
            volumes=disks,
        )

    def write_data(self, service: int) -> None:
        """The client writes to the VM's disks."""
        for name in self.facts(service).volumes.values():
            self._volume(name).notes = DATA

    def data_on(self, service: int) -> set[str]:
        """The disks, by their keys, that hold the client's data."""
        return {key for key, name in self.facts(service).volumes.items() if self._volume(name).notes == DATA}

    def _volume(self, name: str) -> Volume:
        storage, _, volume = name.partition(":")
        found = [place[volume] for place in self.cluster.storages[storage].volumes.values() if volume in place]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def guest_has_password(self, service: int) -> bool:
        """Whether cloud-init got the password that WHMCS shows; it keeps a salted digest."""
        password = self.whmcs.passwords.decrypt(Service.get_by_id(service).password)
        kept = str(self.config(service)["cipassword"])
        _, scheme, salt, _ = kept.split("$", 3)
        digest = hashlib.sha256(f"{salt}{password}".encode()).digest()
        return kept == f"${scheme}${salt}${base64.b64encode(digest).decode().rstrip('=').replace('+', '.')}"

    def addresses(self, service: int) -> list[str]:
        """What WHMCS shows, the primary address first."""
        row = Service.get_by_id(service)
        return [address for address in [row.dedicatedip, *(row.assignedips or "").split()] if address]

    def activity(self) -> list[str]:
        """The activity log of WHMCS, the oldest entry first."""
        return [str(row.description) for row in ActivityLogEntry.select().order_by(ActivityLogEntry.id)]

    def running(self, service: int) -> bool:
        """Whether the VM runs."""
        return bool(self.cluster.guests[int(self.record(service).vm_id)].run)

    def exists(self, vmid: int) -> bool:
        """Whether the cluster has the VM."""
        return vmid in self.cluster.guests

    def state(self, service: int) -> str:
        """`vm_status`."""
        return str(VmInfo.get_by_id(service).vm_status)


def is_power(call: Any) -> bool:
    """Whether a call switches a VM on or off."""
    return call.method == "POST" and "/status/" in call.path
