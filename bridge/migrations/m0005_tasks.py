"""Locks and results of the cron tasks, and what VMs need to know about the task that drives them."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_table
from bridge.models.companion import Setting, TaskState, VmWork

_LAST_RUN = "cron_last_run_"  # how the time of the last run was kept before


def apply(database: Database) -> None:
    """May run any number of times: a time that is known already is not replaced."""
    for model in (TaskState, VmWork):
        ensure_table(database, model)
        ensure_indexes(database, model)
    for row in Setting.select().where(Setting.name.startswith(_LAST_RUN)):
        name = row.name.removeprefix(_LAST_RUN)
        TaskState.insert(name=name).on_conflict_ignore().execute()
        TaskState.update(last_run=float(row.value)).where(
            (TaskState.name == name) & TaskState.last_run.is_null()
        ).execute()
