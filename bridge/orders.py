"""Orders: what CreateAccount records, in one transaction and without a call to anybody."""

from dataclasses import dataclass

from bridge.database import retry_lost_connection, transaction
from bridge.hypervisors import host_of, server_entry
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Product, Service
from bridge.module_log import MODULE
from bridge.outbox import Outbox
from bridge.web.callers import Actor
from statemachines import states
from statemachines.errors import NeedsAttention
from statemachines.ports import Clock

SUCCESS = "success"
ENDING = frozenset({states.TERMINATE, states.ERROR_TERMINATE})


@dataclass(frozen=True)
class Orders:
    """Implements `bridge.web.vm_interfaces.Orders`."""

    outbox: Outbox
    clock: Clock

    @retry_lost_connection
    def create(self, service_id: int, actor: Actor) -> str:
        """Record that the service wants a VM; the deploy pipeline does the rest.

        Returns "success", or one line for staff. A service that has a VM, or is getting one, is left as it is: WHMCS and
        its staff may ask as often as they like.
        """
        columns = (Service.id, Service.packageid, Service.server)
        service = Service.select(*columns).where(Service.id == service_id).get_or_none()
        if service is None:
            return f"Service {service_id} does not exist in WHMCS"
        if refusal := _refusal(service):
            return refusal
        with transaction():
            row = VmInfo.select(VmInfo.vm_status).where(VmInfo.service_id == service_id).get_or_none()
            if row is not None and row.vm_status in ENDING:
                return f"Service {service_id} is being terminated (status {row.vm_status}); create it again afterwards"
            if row is None or row.vm_status in (None, "", states.REMOVE):
                self._record(service, row)
        return SUCCESS

    def _record(self, service: Service, row: VmInfo | None) -> None:
        """Begin, unless the same order has begun at this very moment: then its mail is recorded already."""
        if not _begin(service.id, row):
            return
        now = self.clock.now()
        VmWork.insert(service_id=service.id, created_at=now).on_conflict_ignore().execute()
        VmWork.update(server_id=service.server, due_at=now, queue=None, job_state=None, updated_at=now).where(
            VmWork.service_id == service.id
        ).execute()
        fields = {"server_hostname": host_of(server_entry(service.server or 0))}
        self.outbox.welcome(f"welcome:{service.id}:{now:.6f}", service.id, fields)


def _begin(service_id: int, row: VmInfo | None) -> bool:
    """Put the record at its first state. False when another transaction has done so since `row` was read."""
    if row is None:
        new = VmInfo.insert(service_id=service_id, vm_status=states.CREATION)
        return bool(new.on_conflict_ignore().as_rowcount().execute())
    as_read = VmInfo.vm_status.is_null() if row.vm_status is None else VmInfo.vm_status == row.vm_status
    begun = VmInfo.update(vm_status=states.CREATION).where((VmInfo.service_id == service_id) & as_read)
    return bool(begun.execute())


def _refusal(service: Service) -> str:
    """Why the order cannot be taken, empty when it can. What only Proxmox can tell is found out by the pipeline."""
    columns = (Product.id, Product.name, Product.servertype)
    product = Product.select(*columns).where(Product.id == service.packageid).get_or_none()
    if product is None:
        return f"Product {service.packageid} of service {service.id} does not exist in WHMCS"
    if product.servertype != MODULE:
        return f"Product {product.name} (ID {product.id}) does not use the module {MODULE}"
    try:
        server_entry(service.server or 0)
    except NeedsAttention as problem:
        return f"Service {service.id} cannot be created: {problem}"
    return ""
