"""Giving a service a VM that exists already, after making sure that it is nobody else's."""

from dataclasses import dataclass
from typing import Any

from bridge.claims import Claims
from bridge.database import retry_lost_connection, transaction
from bridge.lifecycle.direct import at_work
from bridge.lifecycle.records import LOWEST_VMID, holder_of
from bridge.lifecycle.requests import SUCCESS
from bridge.lifecycle.rules import Situation, situation
from bridge.models.companion import VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.runs import Runs, load
from bridge.store import HIGHEST_VMID
from bridge.vm_context import VmContext
from statemachines import errors, states
from statemachines.ports import Vm
from statemachines.steps.look import own_config

POSSIBLE_AT = frozenset({Situation.NO_VM, Situation.READY, Situation.REMOVED})
IDENTITY = ("vm_id", "vm_name", "vm_net0_mac", "vm_status")


@dataclass(frozen=True)
class Adoption:
    """Sets the VMID of services."""

    runs: Runs
    claims: Claims

    def adopt(self, service_id: int, vmid: int) -> str:
        """Make VM `vmid` of the service's server the service's; returns "success" or one line saying why not.

        It gets our mark. The VM that the service had before is left as it is, and its VMID is not given to anybody.
        """
        if not LOWEST_VMID <= vmid <= HIGHEST_VMID:
            return f"{vmid} is no VMID; they go from {LOWEST_VMID} to {HIGHEST_VMID}"
        service = Service.get_or_none(Service.id == service_id)
        if service is None:
            return f"service {service_id} does not exist in WHMCS"
        if not self.claims.take_one(service_id):
            return f"VM {vmid} cannot be set now: {at_work(service_id)}"
        try:
            return self._adopt(service, vmid)
        except errors.LeaseLost:
            return f"VM {vmid} was not set: something else was asked for meanwhile"
        except Exception as error:
            if errors.kind_of(error) is errors.Kind.BUG:
                raise
            return f"VM {vmid} cannot be set: {error}"
        finally:
            self.claims.give_back(service_id)

    def _adopt(self, service: Service, vmid: int) -> str:
        found = load(service.id)
        state = found[0].status if found else ""
        if situation(state) not in POSSIBLE_AT or (found and found[0].intent):
            return f"VM {vmid} cannot be set now: {at_work(service.id)}"
        config, refusal = self._look(VmContext(_stranger(service, vmid), service, self.runs.shop), vmid)
        if refusal:
            return refusal
        before = self._write(service, vmid, config)
        try:
            self._mark(service.id)
        except Exception:
            self._put_back(service, before)
            raise
        return SUCCESS

    @staticmethod
    def _look(ctx: VmContext, vmid: int) -> tuple[Any, str]:
        """The VM's configuration, and why it cannot be the service's."""
        guest = ctx.hypervisor.locate(vmid)
        config = ctx.hypervisor.config(guest.node, vmid) if guest else None
        if config is None:
            return None, f"VM {vmid} does not exist on server {ctx.server_name}"
        if config.is_template:
            return config, f"VM {vmid} is a template"
        if ctx.mark.is_foreign(config):
            return config, f"VM {vmid} carries the mark of another service"
        if config.lock:
            return config, f"VM {vmid} is locked ({config.lock})"
        holder = holder_of(vmid, ctx.vm.server_id, besides=ctx.vm.service_id)
        return config, f"VM {vmid} belongs to service {holder}" if holder else ""

    @retry_lost_connection
    def _write(self, service: Service, vmid: int, config: Any) -> dict[str, Any]:
        """The record as the old module would have left it: the marking step then adopts the VM. Returns what was there."""
        net = config.net(0)
        identity = dict(zip(IDENTITY, (vmid, config.name, net.mac if net else None, states.READY), strict=True))
        with transaction():
            if holder := holder_of(vmid, service.server or 0, besides=service.id):
                raise errors.NeedsAttention(f"it belongs to service {holder}")
            VmInfo.insert(service_id=service.id).on_conflict_ignore().execute()
            row = VmInfo.get_by_id(service.id)
            before = {name: getattr(row, name) for name in IDENTITY}
            VmInfo.update(identity).where(VmInfo.service_id == service.id).execute()
            mine = VmidReservation.service_id == service.id
            VmidReservation.update(service_id=None).where(mine & (VmidReservation.vmid != vmid)).execute()
            blocked = (VmidReservation.cluster == f"server:{service.server}") & (VmidReservation.vmid == vmid)
            VmidReservation.delete().where(blocked & VmidReservation.service_id.is_null()).execute()
            VmWork.update(server_id=service.server, node=None).where(VmWork.service_id == service.id).execute()
        return before

    def _mark(self, service_id: int) -> None:
        found = load(service_id)
        assert found is not None
        own_config(VmContext(*found, self.runs.shop))

    @retry_lost_connection
    def _put_back(self, service: Service, before: dict[str, Any]) -> None:
        with transaction():
            VmInfo.update(before).where(VmInfo.service_id == service.id).execute()
            former = (VmidReservation.cluster == f"server:{service.server}") & (VmidReservation.vmid == before["vm_id"])
            VmidReservation.update(service_id=service.id).where(former & VmidReservation.service_id.is_null()).execute()


def _stranger(service: Service, vmid: int) -> Vm:
    """The VM before it is the service's: enough to ask its server about it."""
    return Vm(service.id, service.userid or 0, service.server or 0, "", vm_id=vmid)
