"""Asking for a reinstallation: with an approved template, and while nothing else is at work on the VM."""

import html
from dataclasses import dataclass

from bridge.database import retry_lost_connection
from bridge.lifecycle.requests import Requests
from bridge.lifecycle.rules import Operation
from bridge.lifecycle.sight import look
from bridge.models.whmcs import ConfigurableOption, OptionChoice, OptionGroupLink, Service
from bridge.package.options import assigned
from bridge.product_settings import effective_package
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from statemachines.errors import Busy, NeedsAttention


@dataclass(frozen=True)
class Template:
    """A template that the client may choose: its VMID, and what it is called."""

    vmid: int
    label: str


@dataclass(frozen=True)
class Reinstallation:
    """What can be installed, and the request."""

    requests: Requests
    shop: Shop

    def approved(self, service_id: int) -> list[Template]:
        """The sub-options of the product's Operating System option, otherwise the template of the product."""
        offered = _offered(service_id)
        if offered:
            return offered
        package, _ = effective_package(service_id)
        return [Template(package.template, f"Template {package.template}")] if package.template else []

    def ask(self, service_id: int, template: int | None = None) -> str:
        """Ask for it, with the template that the VM has when None; "success", or one line saying why not.

        Raises what the cluster raises while it cannot tell whether the VM is locked.
        """
        if template is not None and template not in {known.vmid for known in self.approved(service_id)}:
            return f"template {template} is not offered for service {service_id}"
        lock = self._lock(service_id)
        if lock:
            return f"reinstall is not possible: the VM of service {service_id} is locked ({lock})"
        return self.requests.ask(service_id, Operation.REINSTALL, template=template)

    def _lock(self, service_id: int) -> str:
        """What holds the VM in Proxmox: a backup, a snapshot, a migration; empty when nothing does, or no VM of ours is there.

        Raises what the cluster raises: without an answer nobody knows.
        """
        found = load(service_id)
        if found is None or found[0].vm_id is None:
            return ""
        # Asked for here, so that an incomplete server entry is an error of its own and not taken for a VM that is gone.
        self.shop.hypervisors.for_server(found[0].server_id)
        try:
            return look(VmContext(*found, self.shop)).lock
        except Busy:
            return "clone"
        except NeedsAttention:
            return ""


@retry_lost_connection
def _offered(service_id: int) -> list[Template]:
    """Sub-options that are not hidden, of the options that mean the template."""
    product = Service.select(Service.packageid).where(Service.id == service_id).first()
    if product is None:
        return []
    groups = OptionGroupLink.select(OptionGroupLink.gid).where(OptionGroupLink.pid == product.packageid)
    found: dict[int, Template] = {}
    for option in ConfigurableOption.select().where(ConfigurableOption.gid.in_(groups)):
        for choice in OptionChoice.select().where(OptionChoice.configid == option.id).order_by(OptionChoice.sortorder):
            if choice.hidden:
                continue
            name = html.unescape(choice.optionname)
            vmid = assigned({html.unescape(option.optionname): name}).values.get("os_template")
            if vmid is not None:
                found.setdefault(vmid, Template(vmid, name.partition("|")[2] or name))
    return list(found.values())
