"""The state of a service's VM: the documented column, unless a pipeline is at work whose states that column does not know."""

from bridge.database import retry_lost_connection
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo


@retry_lost_connection
def state_of(service_id: int) -> str | None:
    """The state as pipelines see it; None when the service has no VM record."""
    info = VmInfo.select(VmInfo.vm_status).where(VmInfo.service_id == service_id).get_or_none()
    if info is None:
        return None
    work = VmWork.select(VmWork.job_state).where(VmWork.service_id == service_id).get_or_none()
    return (work.job_state if work else None) or info.vm_status or ""
