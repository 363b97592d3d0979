"""A small world for engine tests: a store in memory, a clock that is set by hand, a board that keeps its lines."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from statemachines.context import Tuning
from statemachines.ports import Mail, Vm


class HandClock:
    """Time that moves when it is told to."""

    def __init__(self, now: float = 1_775_784_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += seconds

    def stamp(self, epoch: float) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch))


class ListBoard:
    """Keeps every line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class MemoryStore:
    """Remembers every write in order."""

    states: list[str] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    paused: list[tuple[str, str]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    rests: int = 0
    broken: Exception | BaseException | None = None

    def note(self, vm: Vm, **changes: Any) -> None:
        self._break()
        self.notes.append(changes)
        for key, value in changes.items():
            setattr(vm, key, value)

    def advance(self, vm: Vm, state: str, run: Any, mails: Any = (), intent: Any = None) -> None:
        self._break()
        self.states.append(state)
        self.runs.append(run)
        self.mails.extend(mails)
        vm.status, vm.task, vm.ticks, vm.intent = state, None, 0, dict(intent or {})

    def keep(self, vm: Vm, run: Any, *, cause: str, who: str) -> None:
        self._break()
        self.runs.append(run)
        self.paused.append((cause, who))
        vm.ticks += 1

    def rest(self, vm: Vm) -> None:
        self._break()
        self.rests += 1

    def _break(self) -> None:
        if self.broken:
            raise self.broken


@dataclass
class Journal:
    """Module log rows."""

    rows: list[tuple[str, Any, Any]] = field(default_factory=list)

    def record(self, action: str, request: Any, response: Any) -> None:
        self.rows.append((action, request, response))


@dataclass
class World:
    """A context whose parts the test fills in."""

    vm: Vm = field(default_factory=lambda: Vm(service_id=5546, client_id=142, server_id=1, status="one", vm_id=2005))
    clock: HandClock = field(default_factory=HandClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    journal: Journal = field(default_factory=Journal)
    tuning: Tuning = field(default_factory=Tuning)
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)
