"""The log of one VM in the form of the VM Log dialog: what it is now, its last run, and the runs before. Only read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.action_log import KEPT_RUNS, read
from bridge.database import retry_lost_connection
from bridge.lifecycle.records import RecordRefused
from bridge.models.module import VmInfo
from statemachines.run import SUCCESS

Facts = dict[str, Any]
_RUN = ("action", "result", "started", "finished", "from", "to", "error")
_STEP = ("step", "result", "from", "to", "time")
_SKIPPED = "(skip"  # in the label of a step that had nothing to do


@dataclass(frozen=True)
class VmLogs:
    """Shows logs. What the old module wrote is shown too, as far as it has the documented form; missing parts are empty."""

    @retry_lost_connection
    def show(self, service_id: int) -> Facts:
        """The VM's status, `failed` with action and message when its last run did not reach its end (else None), the last
        run, and up to 50 runs, newest first. Raises RecordRefused when the service has no record.
        """
        info = VmInfo.get_or_none(VmInfo.service_id == service_id)
        if info is None:
            raise RecordRefused(f"service {service_id} has no VM record")
        runs = _runs(info)
        last = runs[0] if runs else None
        return {
            "service": service_id,
            "status": info.vm_status or "",
            "failed": _failure(last) if last else None,
            "last": last,
            "history": runs,
        }


def _runs(info: VmInfo) -> list[Facts]:
    log = read(info.vm_last_action_log)
    kept = log.get("runs")
    own = kept if isinstance(kept, list) and kept else [log]
    former = sorted(map(_run, _former(info.vm_deploy_log)), key=lambda run: str(run["started"]), reverse=True)
    shown = [_run(run) for run in own if isinstance(run, dict) and run.get("action")]
    return [*shown, *former][:KEPT_RUNS]


def _former(text: str | None) -> list[Facts]:
    """The deployments that the old module logged; we write no such column."""
    try:
        runs = json.loads(text or "[]")
    except ValueError:
        return []
    return [run for run in runs if isinstance(run, dict)] if isinstance(runs, list) else []


def _run(run: Mapping[str, Any]) -> Facts:
    steps = run.get("steps")
    shown = {key: str(run.get(key) or "") for key in _RUN}
    shown["action"] = shown["action"] or "deploy"
    listed = [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return shown | {"steps": [_step(number, step) for number, step in enumerate(listed, 1)]}


def _step(number: int, step: Mapping[str, Any]) -> Facts:
    """`ok` tells a step that reached its state; the result of every other one is the line that says why not."""
    shown = {key: str(step.get(key) or "") for key in _STEP}
    duration = step.get("duration")
    return {
        "n": number,
        **shown,
        "ok": shown["result"] == SUCCESS,
        "skipped": _SKIPPED in shown["step"],
        "duration": float(duration) if isinstance(duration, int | float) else 0.0,
    }


def _failure(last: Facts) -> Facts | None:
    """What the red banner says. A run that is still at work has no error."""
    if last["result"] == SUCCESS or not last["error"]:
        return None
    return {"action": last["action"], "message": last["error"]}
