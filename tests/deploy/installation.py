"""The rig of the chaos tests with what tests of single behaviours ask for: what was sent, what the VM looks like now."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bridge.models.companion import ProductSetting, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import ModuleLogEntry, Product, Service
from bridge.sandbox.proxmox.faults import Fault
from bridge.sandbox.proxmox.messages import Answer
from bridge.sandbox.proxmox.property_string import split_properties
from tests.chaos.rig import Rig
from tests.contract.proxmox_wire import request_parts
from tests.factories import choose, make_option


@dataclass(frozen=True)
class Sent:
    """One call to Proxmox: method, API path, parameters, and the status and data that came back."""

    method: str
    path: str
    params: Mapping[str, str]
    status: int
    data: Any


class Installation(Rig):
    """A rig that remembers every call to Proxmox."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None, **options: Any) -> None:
        super().__init__(folder, settings, **options)
        self.sent: list[Sent] = []
        self.witnesses.append(self._remember)

    def _remember(self, request: requests.PreparedRequest, answer: Answer) -> None:
        try:
            data = json.loads(answer.body).get("data")
        except ValueError:
            data = None
        self.sent.append(Sent(*request_parts(request), answer.status, data))

    def calls(self, method: str, end: str) -> list[Sent]:
        """The calls with this method whose path ends so."""
        return [call for call in self.sent if call.method == method and call.path.endswith(end)]

    def writes(self) -> list[str]:
        """All calls that may change something, as `METHOD path`."""
        return [f"{call.method} {call.path}" for call in self.sent if call.method != "GET"]

    def deploy(self, **options: int) -> int:
        """Order, and let the daemon work until nothing is left to do; the service."""
        service = self.order(**options)
        self.run()
        assert self.states()[service] == "ready", "\n".join(self.lines[-5:])
        return service

    def order_with(self, choices: Mapping[str, str]) -> int:
        """Order with configurable options as dropdowns: option name -> the chosen sub-option, e.g. `8|8 GB`."""
        service = self.order()
        for name, choice in choices.items():
            option = make_option(Product.get_by_id(self.shop.product_id), name, [choice])
            choose(Service.get_by_id(service), option, choice)
        return service

    def set_product(self, **settings: str) -> None:
        """An admin changes settings of the product."""
        for name, value in settings.items():
            ProductSetting.replace(product_id=self.shop.product_id, name=name, value=value).execute()  # type: ignore[no-untyped-call]

    def fault(self, match: str = "", kind: str = "status", **values: Any) -> Fault:
        """Plan a fault of the cluster."""
        return self.cluster.faults.add(Fault(match, kind, **values))

    def record(self, service: int) -> VmInfo:
        """The VM's record."""
        row: VmInfo = VmInfo.get_by_id(service)
        return row

    def work(self, service: int) -> VmWork:
        """Our own row about the VM."""
        row: VmWork = VmWork.get_by_id(service)
        return row

    def log(self, service: int) -> dict[str, Any]:
        """`vm_last_action_log`."""
        log: dict[str, Any] = json.loads(self.record(service).vm_last_action_log or "{}")
        return log

    def config(self, service: int) -> dict[str, Any]:
        """The VM's configuration as it is stored."""
        return self.vm_config(int(self.record(service).vm_id))

    def node(self, service: int) -> str:
        """Where the VM is."""
        return str(self.cluster.guests[int(self.record(service).vm_id)].node)

    def disk(self, service: int, key: str = "scsi0") -> dict[str, str]:
        """A disk as its volume (under `file`) and options."""
        return split_properties(str(self.config(service)[key]), "file")

    def card(self, service: int) -> dict[str, str]:
        """net0 taken apart; the model is the key of the MAC address."""
        return split_properties(str(self.config(service)["net0"]))

    def cloudinit(self, service: int) -> dict[str, str]:
        """ipconfig0 taken apart."""
        return split_properties(str(self.config(service)["ipconfig0"]))

    def firewall(self, service: int, what: str) -> Any:
        """An answer of the VM's firewall: `options`, `rules`, `ipset`, `ipset/NAME`."""
        proxmox = self.house.hypervisors.for_server(self.shop.server_id)
        vmid = self.record(service).vm_id
        return proxmox._api.get("look", f"nodes/{self.node(service)}/qemu/{vmid}/firewall/{what}")

    def module_log(self) -> list[str]:
        """The rows of the module log as text."""
        rows = ModuleLogEntry.select()
        return [f"{row.action} | {row.request} | {row.response}" for row in rows]

    def mails_of(self, service: int) -> list[str]:
        """Templates of the mails that left, in order."""
        return [mail.template for mail in self.whmcs.mails if mail.service_id == service]


def steps(lines: list[str]) -> list[str]:
    """The step lines among lines of output, without the trailing duration."""
    return [line.rpartition(" [")[0] for line in lines if line.startswith("  [")]


def failed_step(lines: list[str]) -> str:
    """The one step line that tells of a failure, without marker and duration."""
    failed = [line for line in steps(lines) if line.startswith("  [!]")]
    assert len(failed) == 1, failed
    return failed[0][6:]
