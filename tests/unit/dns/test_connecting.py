"""Connecting to a provider: once for all who call at the same time, whether it works or not."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest

from bridge.dns.connection import LazyZone
from providers.dns import RecordSet, Zone
from providers.errors import Unreached
from tests.memory_zone import MemoryZone

WANTED = RecordSet("vm.example.com", "A", ("192.0.2.5",))


class Provider:
    """Takes connections up when it is told to, and counts them; `down` True = it refuses them then."""

    def __init__(self, down: bool) -> None:
        self.down, self.asked = down, 0
        self.answers, self.called = Event(), Event()

    def connect(self) -> Zone:
        self.asked += 1
        self.called.set()
        assert self.answers.wait(20)
        if self.down:
            raise Unreached("dns.example.net did not accept a connection in time")
        return MemoryZone("example.com")


class Door:
    """A lock that counts who has come to it."""

    def __init__(self) -> None:
        self.came = 0
        self._lock = Lock()

    def __enter__(self) -> None:
        self.came += 1
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()


@pytest.mark.req("DNS-52")
@pytest.mark.parametrize("down", [True, False])
def test_those_who_wait_for_a_connection_share_its_end(down: bool) -> None:
    provider = Provider(down)
    zone, door = LazyZone("example.com", "powerdns", provider.connect), Door()
    zone._lock = door  # type: ignore[assignment]
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(zone.store, [WANTED])
        assert provider.called.wait(20)
        others = [threads.submit(zone.store, [WANTED]) for _ in range(3)]
        while door.came < 4:
            time.sleep(0.001)
        provider.answers.set()
        answers = [each.result(20) for each in (first, *others)]
    assert provider.asked == 1
    assert [bool(failed) for failed in answers] == [down] * 4
    provider.down = False
    assert zone.store([WANTED]) == {}
