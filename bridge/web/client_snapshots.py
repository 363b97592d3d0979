"""What the Snapshots page of the client area loads and sends; part of the table of `bridge.web.client`."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from bridge.web import forms
from bridge.web.envelope import Call, Line, Map
from bridge.web.functions import Table
from bridge.web.interfaces import Services


class TakeSnapshotFields(BaseModel):
    """The form of the Snapshots page."""

    description: Line = ""
    ram: bool = True


class SnapshotFields(BaseModel):
    """A button beside one snapshot."""

    name: Line


class ScheduleFields(BaseModel):
    """A weekly schedule: a time for each enabled day, 0 = Sunday."""

    days: Annotated[Map, Field(max_length=7)] = Field(default_factory=dict)


def snapshots_list(services: Services, call: Call) -> dict[str, Any]:
    """The Snapshots page, and the token that its forms have to send."""
    page = services.snapshots.list(call.service_id(), call.actor)
    return {**page, forms.TOKEN_FIELD: forms.token(call)}


def snapshot_take(services: Services, call: Call) -> dict[str, Any]:
    """The form of the Snapshots page was sent."""
    fields = forms.posted(call, TakeSnapshotFields)
    return services.snapshots.take(call.service_id(), call.actor, fields.description, fields.ram)


def snapshot_rollback(services: Services, call: Call) -> dict[str, Any]:
    """The Rollback button of a snapshot was pressed."""
    fields = forms.posted(call, SnapshotFields)
    return services.snapshots.roll_back(call.service_id(), call.actor, fields.name)


def snapshot_remove(services: Services, call: Call) -> dict[str, Any]:
    """The Remove button of a snapshot was pressed."""
    fields = forms.posted(call, SnapshotFields)
    return services.snapshots.remove(call.service_id(), call.actor, fields.name)


def snapshot_schedule_save(services: Services, call: Call) -> dict[str, Any]:
    """The weekly schedule of snapshots was sent."""
    fields = forms.posted(call, ScheduleFields)
    days = {day: str(at) for day, at in fields.days.items()}
    return services.snapshots.save_schedule(call.service_id(), call.actor, days)


FUNCTIONS: Table = {
    "snapshots_list": snapshots_list,
    "snapshot_take": snapshot_take,
    "snapshot_rollback": snapshot_rollback,
    "snapshot_remove": snapshot_remove,
    "snapshot_schedule_save": snapshot_schedule_save,
}
