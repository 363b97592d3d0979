"""Faults on demand: what goes wrong at which call or task, and how often."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.failures import ApiError, CutConnection
from bridge.sandbox.proxmox.messages import Answer, Request, answer_plain
from bridge.sandbox.proxmox.tasks import Task

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster

KINDS = ("status", "cut-before", "cut-after", "slow", "task-fails", "task-warnings", "stale-lock", "no-worker")

# What the proxying node says, by status (pve-http-server and AnyEvent::HTTP).
PROXY_TEXTS = {
    500: "unexpected error",
    503: "Service Unavailable",
    595: "No route to host",
    596: "Broken pipe",
    597: "Broken pipe",
    599: "Too many redirections",
}


@dataclass
class Fault:
    """One thing that goes wrong.

    `match`: regular expression found in `METHOD /path` (path of the API, without /api2/json). `kind`: one of KINDS.
    `times`: how often, 0 for always. `after`: how many matching calls pass unharmed before. Then, by kind:
    `status` and `text` (status); `seconds` (slow); `task_type` and `exit_status` (task-fails; an empty type is any);
    `text` (task-warnings); `vmid` and `lock` (stale-lock: the VM gets that lock when the matching call arrives).
    """

    match: str = ""
    kind: str = "status"
    times: int = 1
    after: int = 0
    status: int = 500
    text: str = ""
    seconds: float = 0.0
    task_type: str = ""
    exit_status: str = "unexpected status"
    vmid: int = 0
    lock: str = "backup"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault of kind {self.kind!r}, only {', '.join(KINDS)}")
        re.compile(self.match)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fault":
        """A fault from a JSON object. Raises ValueError for an unknown field or kind."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        return cls(**values)


@dataclass
class Meeting:
    """What the faults do to one request: answer in its place, delay it, or lose its answer."""

    answer: Answer | None = None
    delay: float = 0.0
    cut_after: bool = False


class Faults:
    """The planned faults of one cluster, in the order in which they were added."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._planned: list[Fault] = []
        self._seen: dict[int, int] = {}
        self._schedule: Callable[[str], Fault | None] | None = None
        self._no_worker = False
        self.met: list[tuple[str, Fault]] = []

    def add(self, fault: Fault) -> Fault:
        """Plan a fault."""
        self._planned.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all planned faults and the random schedule; what has gone wrong stays so."""
        self._planned, self._seen, self._schedule, self._no_worker = [], {}, None, False

    def planned(self) -> list[dict[str, Any]]:
        """The faults that are still to come."""
        return [asdict(fault) for fault in self._planned]

    def at_random(
        self, seed: int, share: float = 0.05, kinds: tuple[str, ...] = ("status", "cut-before", "cut-after")
    ) -> None:
        """Let a share (0 to 1) of all calls under /nodes go wrong, repeatably by `seed`; `clear` ends it."""
        rng = random.Random(seed)

        def choose(call: str) -> Fault | None:
            if "/nodes/" not in call or rng.random() >= share:
                return None
            status = rng.choice([500, 503, 595, 596, 599])
            return Fault(kind=rng.choice(kinds), status=status, seconds=rng.uniform(0.5, 3.0))

        self._schedule = choose

    def meet(self, request: Request) -> Meeting:
        """Apply what is planned for a request. Raises CutConnection for a connection that breaks before the effect."""
        call = f"{request.method} {request.path.removeprefix('/api2/json')}"
        meeting, self._no_worker = Meeting(), False
        for fault in self._due(call):
            self.met.append((call, fault))
            if fault.kind == "cut-before":
                raise CutConnection(f"{call} never arrived")
            if fault.kind == "status":
                text = fault.text or PROXY_TEXTS.get(fault.status, "unexpected error")
                meeting.answer = answer_plain(fault.status, text)
            elif fault.kind == "slow":
                meeting.delay += fault.seconds
            elif fault.kind == "cut-after":
                meeting.cut_after = True
            elif fault.kind == "no-worker":
                self._no_worker = True
            elif fault.kind == "stale-lock" and fault.vmid in self._cluster.guests:
                self._cluster.guests[fault.vmid].config["lock"] = fault.lock
        return meeting

    def before_worker(self) -> None:
        """Raises ApiError when no worker can be started for the present call."""
        if self._no_worker:
            self._no_worker = False
            raise ApiError("got no worker upid - start worker failed")

    def verdict(self, task: Task) -> str | None:
        """The exit status with which a task fails at once, or None; warnings are put into its log."""
        for fault in list(self._planned):
            if fault.kind not in ("task-fails", "task-warnings") or fault.task_type not in ("", task.type):
                continue
            if fault.match and not re.search(fault.match, f"{task.type} {task.id}"):
                continue
            if not self._use(fault):
                continue
            self.met.append((task.upid, fault))
            if fault.kind == "task-fails":
                return fault.exit_status
            task.warn(fault.text or "something is not as it should be")
        return None

    def _due(self, call: str) -> list[Fault]:
        due = [
            fault
            for fault in list(self._planned)
            if not fault.kind.startswith("task-") and re.search(fault.match, call) and self._use(fault)
        ]
        scheduled = self._schedule(call) if self._schedule and not due else None
        return [*due, scheduled] if scheduled else due

    def _use(self, fault: Fault) -> bool:
        seen = self._seen[id(fault)] = self._seen.get(id(fault), 0) + 1
        if seen <= fault.after:
            return False
        if fault.times and seen >= fault.after + fault.times:
            self._planned.remove(fault)
        return True
