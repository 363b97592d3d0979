"""Discrete events: processes that sleep and wait for locks, moved forward to a given time whenever somebody looks.

A process is a generator. It yields `Sleep` or `Acquire` and is continued when the time has come or the lock is free;
the moment of the continuation is `Simulation.now`, however late somebody looked. Not thread-safe: the cluster holds its
own lock around every call.
"""

import heapq
import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sleep:
    """Go on after `seconds`."""

    seconds: float


@dataclass(frozen=True)
class Acquire:
    """Hold the lock `name` until the process ends or releases it; `LockTimeout` with `message` after `timeout` seconds.

    Several processes may hold it `shared`.
    """

    name: str
    timeout: float
    message: str
    shared: bool = False


class LockTimeout(Exception):
    """A lock did not become free in time."""


class PowerFailure(Exception):
    """The machine went off while a process ran."""


Step = Sleep | Acquire
Body = Generator[Step, None, Any]


@dataclass(eq=False)
class Process:
    """A running generator. `result` or `error` is set once `done`."""

    body: Body
    done: bool = False
    result: Any = None
    error: Exception | None = None
    on_end: Callable[["Process"], None] | None = None
    turn: int = 0


@dataclass
class _Lock:
    holders: list[Process] = field(default_factory=list)
    shared: bool = False
    waiting: list[tuple[Process, Acquire]] = field(default_factory=list)


class Simulation:
    """All processes and locks of one cluster."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._events: list[tuple[float, int, Process, int, Exception | None]] = []
        self._numbers = itertools.count()
        self._locks: dict[str, _Lock] = {}
        self._abandoned: list[Process] = []

    def run_until(self, now: float) -> None:
        """Let everything happen that is due by `now` (epoch seconds), in its order."""
        while self._events and self._events[0][0] <= now:
            when, _, process, turn, error = heapq.heappop(self._events)
            self.now = max(self.now, when)
            if not process.done and process.turn == turn:
                self._leave_queues(process)
                self._continue(process, error)
        self.now = max(self.now, now)

    def next_event(self) -> float | None:
        """Epoch seconds of the next thing that will happen by itself."""
        self._events = [e for e in self._events if not e[2].done and e[2].turn == e[3]]
        heapq.heapify(self._events)
        return self._events[0][0] if self._events else None

    def spawn(self, body: Body, on_end: Callable[[Process], None] | None = None) -> Process:
        """Start a process; it runs at once up to its first wait."""
        process = Process(body, on_end=on_end)
        self._continue(process, None)
        return process

    def interrupt(self, process: Process, error: Exception) -> None:
        """Raise `error` inside a process where it waits. Does nothing when it has ended."""
        if not process.done:
            self._leave_queues(process)
            self._continue(process, error)

    def abandon(self, process: Process) -> None:
        """End a process where it stands, as a power failure does: nothing is tidied up, only its locks are free again."""
        if not process.done:
            # Kept, because a generator that is thrown away would still run its `finally` blocks.
            self._abandoned.append(process)
            self._leave_queues(process)
            self._end(process, None, PowerFailure())

    def is_held(self, name: str) -> bool:
        """Whether anybody holds the lock."""
        lock = self._locks.get(name)
        return bool(lock and lock.holders)

    def release(self, process: Process, name: str) -> None:
        """Give a lock back before the end of the process. Does nothing when it is not held."""
        lock = self._locks.get(name)
        if lock and process in lock.holders:
            lock.holders.remove(process)
            self._grant(lock)

    def _continue(self, process: Process, error: Exception | None) -> None:
        process.turn += 1
        try:
            step = process.body.throw(error) if error is not None else next(process.body)
        except StopIteration as stop:
            self._end(process, stop.value, None)
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is how the process ended
            self._end(process, None, failure)
        else:
            self._wait(process, step)

    def _wait(self, process: Process, step: Step) -> None:
        if isinstance(step, Sleep):
            self._plan(process, step.seconds, None)
            return
        lock = self._locks.setdefault(step.name, _Lock())
        if process in lock.holders or self._fits(lock, step):
            self._hold(lock, process, step)
            self._plan(process, 0.0, None)
        else:
            lock.waiting.append((process, step))
            self._plan(process, step.timeout, LockTimeout(step.message))

    def _plan(self, process: Process, seconds: float, error: Exception | None) -> None:
        if seconds <= 0 and error is None:
            self._continue(process, None)
            return
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), process, process.turn, error))

    @staticmethod
    def _fits(lock: _Lock, step: Acquire) -> bool:
        return not lock.holders or (lock.shared and step.shared and not lock.waiting)

    @staticmethod
    def _hold(lock: _Lock, process: Process, step: Acquire) -> None:
        if process not in lock.holders:
            lock.holders.append(process)
        lock.shared = step.shared

    def _grant(self, lock: _Lock) -> None:
        while lock.waiting and (not lock.holders or (lock.shared and lock.waiting[0][1].shared)):
            process, step = lock.waiting.pop(0)
            self._hold(lock, process, step)
            process.turn += 1
            heapq.heappush(self._events, (self.now, next(self._numbers), process, process.turn, None))

    def _leave_queues(self, process: Process) -> None:
        for lock in self._locks.values():
            lock.waiting = [entry for entry in lock.waiting if entry[0] is not process]

    def _end(self, process: Process, result: Any, error: Exception | None) -> None:
        process.done, process.result, process.error = True, result, error
        for name, lock in list(self._locks.items()):
            if process in lock.holders:
                lock.holders.remove(process)
                self._grant(lock)
            if not lock.holders and not lock.waiting:
                del self._locks[name]
        if process.on_end:
            process.on_end(process)
