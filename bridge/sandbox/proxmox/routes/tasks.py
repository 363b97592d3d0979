"""Tasks: lists, status, log and stopping."""

from collections.abc import Generator
from typing import Any

from bridge.sandbox.proxmox.call import Call
from bridge.sandbox.proxmox.dispatch import Total
from bridge.sandbox.proxmox.failures import InvalidParameters
from bridge.sandbox.proxmox.formats import split_list
from bridge.sandbox.proxmox.routing import route
from bridge.sandbox.proxmox.simulation import Sleep, Step
from bridge.sandbox.proxmox.tasks import UPID, Task

TASKS = "/nodes/{node}/tasks"


@route("GET", TASKS)
def list_tasks(call: Call) -> Total | list[Any]:
    """Finished tasks, running ones or both, the newest first; those of others only with Sys.Audit."""
    sees_all = call.may(f"/nodes/{call.node.name}", "Sys.Audit")
    mine = [t for t in reversed(call.cluster.tasks.all()) if t.node == call.node.name and (sees_all or call.owns(t))]
    source = call.get("source", "archive")
    found: list[dict[str, Any]] = []
    if source in ("active", "all"):
        found += [_active_item(t) for t in mine if t.running and _wanted(call, t)]
    if source in ("archive", "all"):
        found += [_archive_item(t) for t in mine if not t.running and _wanted(call, t)]
    start, limit = int(call.get("start", 0)), int(call.get("limit", 50))
    return Total(found[start : start + limit], len(found))


def _active_item(task: Task) -> dict[str, Any]:
    facts = task.facts()
    facts.pop("tokenid", None)
    return {**facts, "user": task.user, "saved": "0", "status": "RUNNING"}


def _archive_item(task: Task) -> dict[str, Any]:
    return {**task.facts(), "endtime": int(task.ended or 0), "status": task.exit_status}


def _wanted(call: Call, task: Task) -> bool:
    if "vmid" in call.given and task.id != str(call.values["vmid"]):
        return False
    if "typefilter" in call.given and task.type != call.values["typefilter"]:
        return False
    if "userfilter" in call.given and str(call.values["userfilter"]).lower() not in task.user.partition("!")[0].lower():
        return False
    if task.started < int(call.get("since", 0)) or task.started > int(call.get("until", 2**40)):
        return False
    kind = _status_kind(task)
    if call.flag("errors"):
        return kind != "ok"
    wanted = [name.lower() for name in split_list(str(call.get("statusfilter", "")))]
    return not wanted or kind in wanted


def _status_kind(task: Task) -> str:
    if task.exit_status in (None, ""):
        return "unknown"
    if task.exit_status == "OK":
        return "ok"
    return "warning" if str(task.exit_status).startswith("WARNINGS") else "error"


@route("GET", TASKS + "/{upid}")
def task_index(call: Call) -> list[dict[str, str]]:
    """What can be asked about a task."""
    _parsed(call)
    return [{"name": "log"}, {"name": "status"}]


@route("GET", TASKS + "/{upid}/status")
def task_status(call: Call) -> dict[str, Any]:
    """Whether it goes on, or how it ended."""
    task = _known(call)
    _check_visible(call, task)
    status: dict[str, Any] = {**task.facts(), "status": "running" if task.running else "stopped"}
    if not task.running:
        status["exitstatus"] = task.exit_status
    return status


@route("GET", TASKS + "/{upid}/log")
def task_log(call: Call) -> Total:
    """Lines of the log; of an unknown task an object that says so instead of a list."""
    _parsed(call)
    task = call.cluster.tasks.find(str(call.values["upid"]))
    if task is None:
        return Total({"n": 1, "t": "unable to open file - No such file or directory"}, 1)
    _check_visible(call, task)
    lines = task.log or ["no content"]
    start, limit = int(call.get("start", 0)), int(call.get("limit", 50))
    end = start + limit if limit else len(lines)
    return Total([{"n": n, "t": t} for n, t in enumerate(lines, 1) if start < n <= end], len(lines))


@route("DELETE", TASKS + "/{upid}")
def stop_task(call: Call) -> Generator[Step, None, None]:
    """Stop a task; one that has ended is left as it is."""
    task = _known(call)
    if not call.owns(task):
        call.require(f"/nodes/{call.node.name}", "Sys.Modify")
    if task.running:
        call.cluster.tasks.stop(task)
        yield Sleep(1.0 / call.cluster.timing.speed)


def _parsed(call: Call) -> str:
    upid = str(call.values["upid"])
    if not UPID.fullmatch(upid):
        raise InvalidParameters({"upid": "unable to parse worker upid"})
    return upid


def _known(call: Call) -> Task:
    task = call.cluster.tasks.find(_parsed(call))
    if task is None:
        raise InvalidParameters({"upid": "no such task"})
    return task


def _check_visible(call: Call, task: Task) -> None:
    if not call.owns(task):
        call.require(f"/nodes/{call.node.name}", "Sys.Audit")
