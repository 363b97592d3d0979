"""The daemon's worker without threads: VMs get their turns in the order of virtual time, so a run can be repeated exactly."""

import heapq
from collections.abc import Callable

from bridge.claims import Claims
from bridge.console import Console
from bridge.worker import IN_FLIGHT, Job, RunFactory, Take, Tally
from statemachines.engine import Later
from statemachines.errors import LeaseLost
from tests.chaos.clock import VirtualClock


class VirtualWorker:
    """Stands in for `bridge.worker.Worker`, with the same contract of `work`."""

    batch = IN_FLIGHT

    def __init__(self, claims: Claims, factory: RunFactory, clock: VirtualClock) -> None:
        self._claims = claims
        self._factory = factory
        self._clock = clock
        self._waiting: list[tuple[float, int, Job]] = []
        self._patient = False

    def work(
        self, console: Console, take: Take, accepting: Callable[[], bool] = lambda: True, patient: bool = False
    ) -> Tally:
        """Take VMs and give each its turns until nothing is in flight and `take` finds nothing."""
        tally, self._patient = Tally(), patient
        while True:
            in_hand = {job.service_id for _, _, job in self._waiting}
            for service_id in take(IN_FLIGHT) if accepting() else ():
                if service_id in in_hand:
                    continue
                heapq.heappush(self._waiting, (self._clock.now(), service_id, Job(service_id, console.block())))
            if not self._waiting:
                return tally
            at, service_id, job = heapq.heappop(self._waiting)
            self._clock.advance(at - self._clock.now())
            self._claims.renew([service_id, *(entry[1] for entry in self._waiting)])
            again_at = self._turn(job)
            if again_at is not None:
                heapq.heappush(self._waiting, (again_at, service_id, job))
                continue
            if job.run:
                job.run.close()
            job.block.close()
            if job.report is not None:
                tally.add(job.report)

    def _turn(self, job: Job) -> float | None:
        """When to look again, None when the run is over."""
        try:
            if job.run is None:
                job.run = self._factory.open(job.service_id, job.block)
                if job.run is None:
                    self._claims.settle(job.service_id)
                    return None
                job.run.patient = self._patient
                job.run.start()
            turn = job.run.turn()
        except LeaseLost:
            self._claims.give_back(job.service_id)
            return None
        if isinstance(turn, Later):
            return turn.at
        job.report = turn.report
        self._claims.give_back(job.service_id)
        return None
