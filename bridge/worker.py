"""The worker: gives every claimed VM its turns on a few threads, and renews its leases meanwhile.

A waiting VM costs no thread: it lies in a heap until it is due for the next look, so thousands can be in flight.
"""

import heapq
import itertools
import logging
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from bridge.claims import Claims
from bridge.console import Block, Console
from bridge.fair_pool import FairPool
from bridge.tasks import Detail, Result
from statemachines.engine import Ended, Later, Run
from statemachines.errors import LeaseLost
from statemachines.machine import PROCESS
from statemachines.ports import Clock
from statemachines.run import Report

log = logging.getLogger(__name__)

THREADS = 8
IN_FLIGHT = 400  # VMs held by one worker at a time; the rest stays free for other schedulers
BATCH = 4  # VMs per thread that are taken at one look, so that schedulers who look at the same time share what there is
POLL = 0.5  # seconds between two looks for new orders
KEPT_REPORTS = 500

Take = Callable[[int], Iterable[int]]


class RunFactory(Protocol):
    """Opens the run that a claimed service is due for."""

    def open(self, service_id: int, block: Block) -> Run | None:
        """The run, None when the VM's state asks for nothing. Raises what the database raises."""
        ...


@dataclass
class Job:
    """One claimed VM in this worker's hands. `in_turn` is the server that its present turn counts for."""

    service_id: int
    block: Block
    run: Run | None = None
    report: Report | None = None
    server: int | None = None
    in_turn: int | None = None


@dataclass
class Tally:
    """What one stretch of work came to: counts by cron task, and the last reports in order."""

    processed: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    reports: deque[Report] = field(default_factory=lambda: deque(maxlen=KEPT_REPORTS))

    def add(self, report: Report) -> None:
        """Count one ended run; one that goes on in the background, or had nothing to do, is told, and not counted."""
        self.processed[report.task] += not _leaves_alone(report)
        self.errors[report.task] += not report.ok
        self.reports.append(report)

    def add_to(self, result: Result, task: str | None = None) -> None:
        """Put what was done for `task`, or for all of them, behind what its duty has told."""
        tasks = [task] if task else list(self.processed)
        result.processed += sum(self.processed[name] for name in tasks)
        result.errors += sum(self.errors[name] for name in tasks)
        result.details += [Detail(each.service_id, _told(each)) for each in self.reports if each.task in tasks]


def _leaves_alone(report: Report) -> bool:
    """Whether the VM is as it was. The runs of processVirtualMachines count also when their one step found nothing to do."""
    return report.resting or (report.skipped and report.task != PROCESS)


def _told(report: Report) -> str:
    """The line below the task's summary, in the form of that task."""
    if report.task == PROCESS:
        return f"action:{report.action} {report.text}"
    word = "skipped" if _leaves_alone(report) else "success" if report.ok else "error"
    return f"[{word}] {report.summary}"


class Worker:
    """Works until nothing it took is left in flight; then it has nothing in memory that the database does not know.

    One stretch of work at a time, another one waits for its end; the threads, and their database connections, are kept.
    """

    def __init__(self, claims: Claims, factory: RunFactory, clock: Clock, threads: int = THREADS) -> None:
        self._claims = claims
        self._factory = factory
        self._clock = clock
        self.batch = BATCH * threads
        self._stretch = threading.Lock()
        self._patient = False
        self._pool = FairPool(threads)
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Job]] = []
        self._returned: queue.Queue[Job | tuple[Job, float]] = queue.Queue()
        self._jobs: dict[int, Job] = {}
        self._next_poll = 0.0
        self._next_renewal = 0.0

    def work(
        self, console: Console, take: Take, accepting: Callable[[], bool] = lambda: True, patient: bool = False
    ) -> Tally:
        """Take VMs with `take(limit)` while `accepting()`, and give each its turns until its run has ended.

        `patient` True = what works in the background is waited for to its end. Returns when nothing is in flight and `take` found nothing. When `accepting` turns false, VMs that only wait are let
        go at once: another scheduler, or this one after its restart, goes on with them.
        """
        with self._stretch:
            self._patient = patient
            return self._work(console, take, accepting)

    def _work(self, console: Console, take: Take, accepting: Callable[[], bool]) -> Tally:
        tally = Tally()
        self._next_poll = 0.0
        while True:
            open_for_work = accepting()
            self._fill(console, take if open_for_work else None)
            if not open_for_work:
                self._let_go_waiting()
            self._resume_due()
            if not self._jobs:
                return tally
            self._collect(tally)
            self._renew()

    def close(self) -> None:
        """End the threads."""
        self._pool.close()

    def _fill(self, console: Console, take: Take | None) -> None:
        now = self._clock.now()
        if take is None or (self._jobs and now < self._next_poll):
            return
        self._next_poll = now + POLL
        for service_id in take(min(self.batch, IN_FLIGHT - len(self._jobs))):
            if service_id in self._jobs:
                continue  # its lease ran out, as the database was away, and is ours again; its run is still in our hands
            job = Job(service_id, console.block())
            self._jobs[service_id] = job
            self._give_turn(job)

    def _resume_due(self) -> None:
        now = self._clock.now()
        while self._waiting and self._waiting[0][0] <= now:
            self._give_turn(heapq.heappop(self._waiting)[2])

    def _give_turn(self, job: Job) -> None:
        job.in_turn = job.server
        self._pool.submit(job.server, partial(self._turn, job))

    def _collect(self, tally: Tally) -> None:
        """Wait for a turn to end, at most until the next VM is due or the next poll; then take all that have ended."""
        wake_up = min([at for at, _, _ in self._waiting[:1]] + [self._clock.now() + POLL])
        timeout = max(0.0, wake_up - self._clock.now())
        try:
            item = self._returned.get(timeout=timeout)
            while True:
                self._take_back(item, tally)
                item = self._returned.get_nowait()
        except queue.Empty:
            pass

    def _take_back(self, item: "Job | tuple[Job, float]", tally: Tally) -> None:
        job, at = item if isinstance(item, tuple) else (item, None)
        self._pool.done(job.in_turn)
        if at is not None:
            heapq.heappush(self._waiting, (at, next(self._order), job))
            return
        self._forget(job)
        if job.report is not None:
            tally.add(job.report)

    def _turn(self, job: Job) -> None:
        """In a thread: one turn of one VM. Whatever happens, the job comes back."""
        again_at: float | None = None
        try:
            again_at = self._advance(job)
        except LeaseLost as lost:
            log.warning("dropped: %s", lost)
            self._give_back(job)
        except Exception:
            log.exception("service %s: the run was given up", job.service_id)
            self._postpone(job)
        finally:
            self._returned.put(job if again_at is None else (job, again_at))

    def _advance(self, job: Job) -> float | None:
        """When to look again, None when the run is over."""
        if job.run is None:
            job.run = self._factory.open(job.service_id, job.block)
            if job.run is None:
                self._claims.settle(job.service_id)
                return None
            job.run.patient = self._patient
            job.server = job.run.ctx.vm.server_id
            job.run.start()
            return self._clock.now()  # from now on its turns count for its server
        turn = job.run.turn()
        if isinstance(turn, Later):
            return turn.at
        assert isinstance(turn, Ended)
        job.report = turn.report
        self._claims.give_back(job.service_id)
        return None

    def _give_back(self, job: Job) -> None:
        """The record was changed under a run, but the lease may be ours still: whoever comes next need not wait for it."""
        try:
            self._claims.give_back(job.service_id)
        except Exception:
            log.exception("service %s: its lease is left to run out", job.service_id)

    def _postpone(self, job: Job) -> None:
        """A VM that makes us fail must not be taken again at once; without a database its lease simply runs out."""
        try:
            self._claims.postpone(job.service_id)
        except Exception:
            log.exception("service %s: its lease is left to run out", job.service_id)

    def _let_go_waiting(self) -> None:
        for _, _, job in self._waiting:
            self._claims.give_back(job.service_id)
            self._forget(job)
        self._waiting.clear()

    def _forget(self, job: Job) -> None:
        del self._jobs[job.service_id]
        if job.run:
            job.run.close()
        job.block.close()

    def _renew(self) -> None:
        now = self._clock.now()
        if now >= self._next_renewal:
            self._next_renewal = now + self._claims.lease / 3
            self._claims.renew(self._jobs)
