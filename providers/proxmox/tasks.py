"""Proxmox's background tasks. Whoever starts one stores its UPID and asks here; nothing in this file waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.errors import NotFound, ProviderError
from providers.proxmox import translate
from providers.proxmox.calls import Calls
from providers.proxmox.transport import segment
from providers.proxmox.upid import Upid

# PVE::Tools::upid_read_status says these when a worker died without a word: nobody knows how far it came.
_LOST = ("unable to read tail", "unexpected status", "stopped: unexpected status")

_LOG_PAGE = 5000


@dataclass(frozen=True)
class TaskStatus:
    """How a task stands.

    `ok` is True for success, with or without `warnings`. `unknown` means that Proxmox cannot say (log rotated, worker
    killed): look at the object instead. `exitstatus` is Proxmox's text, empty while running.
    """

    upid: str
    running: bool
    ok: bool = False
    warnings: bool = False
    exitstatus: str = ""
    unknown: bool = False

    @classmethod
    def of(cls, upid: str, *, running: bool, exitstatus: str) -> Self:
        """Judge an exit status."""
        if running:
            return cls(upid, running=True)
        warnings = exitstatus.startswith("WARNINGS: ")
        lost = not exitstatus or exitstatus.startswith(_LOST)
        return cls(
            upid,
            running=False,
            ok=warnings or exitstatus == "OK",
            warnings=warnings,
            exitstatus=exitstatus,
            unknown=lost,
        )

    def failure(self, doing: str) -> ProviderError | None:
        """The translated error of a task that failed; None while it runs, when it went well, and when nobody knows.

        `doing` completes "Could not …".
        """
        if self.running or self.ok or self.unknown:
            return None
        return translate.task_error(doing, self.exitstatus)


class Tasks(Calls):
    """Questions about tasks, asked on the node that runs them: no other node knows."""

    def task(self, upid: str) -> TaskStatus:
        """How the task stands. Raises ValueError when `upid` is none, Unavailable when its node cannot be asked."""
        try:
            answer = self._api.get(f"read the status of task {upid}", f"{self._task_path(upid)}/status")
        except NotFound:
            return TaskStatus(upid, running=False, unknown=True)
        return TaskStatus.of(
            upid, running=answer.get("status") == "running", exitstatus=str(answer.get("exitstatus") or "")
        )

    def task_log(self, upid: str, last: int = 10) -> list[str]:
        """The last lines of the task's log, oldest first; none when Proxmox has no log any more."""
        lines: list[str] = []
        while True:
            page = self._api.get(
                f"read the log of task {upid}", f"{self._task_path(upid)}/log", start=len(lines), limit=_LOG_PAGE
            )
            # A log that is gone is answered with an object instead of a list.
            if not isinstance(page, list):
                break
            lines += [str(row.get("t", "")) for row in page]
            if len(page) < _LOG_PAGE:
                break
        return [line for line in lines if line != "no content"][-last:]

    def find_tasks(
        self, node: str, type: str | None = None, vmid: int | None = None, since: float | None = None
    ) -> list[TaskStatus]:
        """Tasks of `node`, newest first: of a `type` (qmclone …), on a VMID, started at or after epoch second `since`.

        A clone is filed under the template's VMID.
        """
        rows = self._api.get(
            f"list the tasks of node {node}",
            f"{self._node(node)}/tasks",
            source="all",
            limit=200,
            typefilter=type,
            vmid=vmid,
            since=None if since is None else int(since),
        )
        return [_listed(row) for row in rows]

    def abort_task(self, upid: str) -> None:
        """Interrupt a running task. Harmless when it has ended or is not known any more."""
        try:
            self._api.delete(f"stop task {upid}", self._task_path(upid))
        except NotFound:
            return

    def _task_path(self, upid: str) -> str:
        return f"{self._node(Upid.parse(upid).node)}/tasks/{segment(upid)}"


def _listed(row: Mapping[str, Any]) -> TaskStatus:
    # A finished task has an end; its "status" is the exit status then, unlike in the answer about one task.
    running = not row.get("endtime") and row.get("status") in (None, "", "RUNNING")
    return TaskStatus.of(str(row["upid"]), running=running, exitstatus=str(row.get("status") or ""))
