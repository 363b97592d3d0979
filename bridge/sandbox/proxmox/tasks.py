"""Tasks: the UPID that a call returns at once, and the work behind it that goes on."""

import itertools
import random
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.proxmox.failures import ApiError, Interrupted
from bridge.sandbox.proxmox.simulation import Acquire, LockTimeout, PowerFailure, Process, Simulation, Sleep, Step

UPID = re.compile(
    r"UPID:(?P<node>[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):(?P<pid>[0-9A-F]{8}):(?P<pstart>[0-9A-F]{8,9})"
    r":(?P<starttime>[0-9A-F]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):"
)


@dataclass(eq=False)
class Task:
    """One task. `user` is the full identity (`user@realm!token`); times in epoch seconds."""

    node: str
    pid: int
    pstart: int
    type: str
    id: str
    user: str
    started: float
    ended: float | None = None
    exit_status: str | None = None
    log: list[str] = field(default_factory=list)
    warnings: int = 0
    process: Process | None = None

    @property
    def upid(self) -> str:
        """The task's name."""
        return f"UPID:{self.node}:{self.pid:08X}:{self.pstart:08X}:{int(self.started):08X}:{self.type}:{self.id}:{self.user}:"

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.exit_status is None

    def say(self, *lines: str) -> None:
        """Append to the log."""
        self.log.extend(lines)

    def warn(self, text: str) -> None:
        """Append a warning; the task then ends as `WARNINGS: n`."""
        self.warnings += 1
        self.log.append(f"WARN: {text}")

    def facts(self) -> dict[str, Any]:
        """Node, user and so on, as the API shows them; the token's name apart from the user."""
        user, _, token = self.user.partition("!")
        shown: dict[str, Any] = {"id": self.id, "node": self.node, "pid": self.pid, "pstart": self.pstart}
        shown |= {"starttime": int(self.started), "type": self.type, "upid": self.upid, "user": user}
        if token:
            shown["tokenid"] = token
        return shown


Work = Callable[[Task], Generator[Step, None, Any]]
# Decides about a task before its work begins: an exit status with which it fails at once, or None.
Verdict = Callable[[Task], str | None]


class Tasks:
    """All tasks of a cluster, the newest last."""

    def __init__(self, simulation: Simulation, rng: random.Random) -> None:
        self._simulation = simulation
        self._pids = itertools.count(rng.randrange(1500, 9000))
        self._all: dict[str, Task] = {}
        self.verdict: Verdict = lambda task: None

    def start(self, node: str, kind: str, ident: str, user: str, work: Work, after: float) -> Task:
        """Start a task whose work begins `after` seconds; returns it with its UPID."""
        now = self._simulation.now
        task = Task(node, next(self._pids) & 0x3FFFFF, int(now * 100) & 0xFFFFFFFF, kind, ident, user, now)
        self._all[task.upid] = task
        body = self._body(task, work, after)
        task.process = self._simulation.spawn(body, on_end=lambda process: self._finish(task, process))
        return task

    def find(self, upid: str) -> Task | None:
        """The task of that name."""
        return self._all.get(upid)

    def all(self) -> list[Task]:
        """All tasks, the oldest first."""
        return list(self._all.values())

    def stop(self, task: Task) -> None:
        """Interrupt a running task; a finished one is left alone."""
        if task.running and task.process:
            self._simulation.interrupt(task.process, Interrupted())

    def lose(self, node: str) -> None:
        """End all running tasks of a node where they stand."""
        for task in self.all():
            if task.running and task.node == node and task.process:
                self._simulation.abandon(task.process)

    def _body(self, task: Task, work: Work, after: float) -> Generator[Step, None, Any]:
        yield Sleep(after)
        failure = self.verdict(task)
        if failure:
            raise ApiError(failure)
        yield from work(task)

    def _finish(self, task: Task, process: Process) -> None:
        task.ended = self._simulation.now
        if process.error is None:
            task.exit_status = f"WARNINGS: {task.warnings}" if task.warnings else "OK"
            task.log.append(f"TASK {task.exit_status}")
        elif isinstance(process.error, PowerFailure):
            # The log just ends; this is what the API makes of a log without its last line.
            task.exit_status = "unexpected status"
        elif isinstance(process.error, ApiError | LockTimeout | Interrupted):
            task.exit_status = str(process.error).rstrip("\n")
            task.log.append(f"TASK ERROR: {task.exit_status}")
        else:
            raise process.error


def hold_config(vmid: int, timeout: float, *, shared: bool = False) -> Acquire:
    """The lock on a VM's configuration file, for the rest of the process."""
    path = f"/var/lock/qemu-server/lock-{vmid}.conf"
    return Acquire(config_lock(vmid), timeout, f"can't lock file '{path}' - got timeout", shared=shared)


def config_lock(vmid: int) -> str:
    """The name of that lock."""
    return f"config {vmid}"
