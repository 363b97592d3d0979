"""The functions behind the Backups page of the client area."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from bridge.web import forms
from bridge.web.envelope import Call, Line, Map
from bridge.web.functions import Table
from bridge.web.interfaces import Services


class NoteFields(BaseModel):
    """The form with the button Backup now."""

    note: Annotated[str, Field(max_length=200)] = ""


class BackupFields(BaseModel):
    """One of the backups listed."""

    backup: Line


class ScheduleFields(BaseModel):
    """The schedule: times by the number of the enabled day."""

    days: Annotated[Map, Field(max_length=7)] = Field(default_factory=dict)


def backups_list(services: Services, call: Call) -> dict[str, Any]:
    """What the page shows, and the token that its forms have to send."""
    return {**services.backups.show(call.service_id(), call.actor), forms.TOKEN_FIELD: forms.token(call)}


def backup_now(services: Services, call: Call) -> dict[str, Any]:
    """The button Backup now was pressed."""
    fields = forms.posted(call, NoteFields)
    return services.backups.now(call.service_id(), call.actor, fields.note)


def backup_remove(services: Services, call: Call) -> dict[str, Any]:
    """The button Remove of one backup was pressed."""
    fields = forms.posted(call, BackupFields)
    return services.backups.remove(call.service_id(), call.actor, fields.backup)


def backup_restore(services: Services, call: Call) -> dict[str, Any]:
    """The button Restore of one backup was pressed."""
    fields = forms.posted(call, BackupFields)
    return services.backups.restore(call.service_id(), call.actor, fields.backup)


def backup_schedule_save(services: Services, call: Call) -> dict[str, Any]:
    """The button Save Schedule was pressed."""
    fields = forms.posted(call, ScheduleFields)
    days = {day: str(at) for day, at in fields.days.items()}
    return services.backups.save_schedule(call.service_id(), call.actor, days)


FUNCTIONS: Table = {
    "backups_list": backups_list,
    "backup_now": backup_now,
    "backup_remove": backup_remove,
    "backup_restore": backup_restore,
    "backup_schedule_save": backup_schedule_save,
}
