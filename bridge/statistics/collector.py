"""The task collectingStatistics: every hour, how much traffic each VM had since it was looked at before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bridge.clock import SystemClock
from bridge.hypervisors import Hypervisors
from bridge.statistics.book import BATCH
from bridge.statistics.cleaning import Cleaning
from bridge.statistics.collection import Collection
from bridge.statistics.gaps import Looks
from bridge.statistics.listing import Listings
from bridge.statistics.roster import Owner, owners
from bridge.tasks import Result, Watch

LOOKS = 500  # gaps that are looked up in one run; they cost a request each


@dataclass(frozen=True)
class Statistics:
    """Implements `bridge.tasks.Duty`. May run twice, and at the same time on several machines: nothing is counted twice."""

    clock: SystemClock
    hypervisors: Hypervisors
    install_id: Callable[[], str]
    looks: int = LOOKS

    def work(self, watch: Watch) -> Result:
        """One request per server, one more for each VM that was stopped or restarted; a few statements per 500 services."""
        everybody = owners()
        placed = sorted(
            (owner for owner in everybody if owner.vmid and owner.server_id), key=lambda owner: owner.server_id
        )
        servers = Listings(self.hypervisors, self.clock, sorted({owner.server_id for owner in placed}))
        run = Collection(self.clock, self.install_id(), servers, watch, Looks(self.looks))
        for batch in _batches([owner for owner in everybody if not (owner.vmid and owner.server_id)]):
            run.without_vm(batch)
        for server_id, owned in groupby(placed, lambda owner: owner.server_id):
            for batch in _batches(list(owned)):
                watch.alive()
                run.collect(server_id, batch)
        Cleaning(self.clock).work(watch)
        result = Result()
        for service_id, (tell, text) in sorted(run.notes.items()):
            tell(result, service_id, text)
        return result


def _batches(of: Sequence[Owner]) -> Iterator[Sequence[Owner]]:
    for first in range(0, len(of), BATCH):
        yield of[first : first + BATCH]
