"""Threads shared fairly between servers: one that does not answer cannot take them all."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor


class FairPool:
    """Runs calls on a few threads: a lone server gets three quarters of them, and half while several have calls.

    The rest stays free, because a call that hangs cannot be taken off its thread when another server's call comes.

    `submit` and `done` are for one thread, the one that owns the pool.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._running: Counter[Hashable] = Counter()
        self._parked: dict[Hashable, deque[Callable[[], None]]] = defaultdict(deque)

    def submit(self, server: Hashable, call: Callable[[], None]) -> None:
        """Run `call` for `server`, now or as soon as its share allows. Each call must be followed by `done`."""
        self._parked[server].append(call)
        self._start_parked()

    def done(self, server: Hashable) -> None:
        """A call of `server` has ended."""
        self._running[server] -= 1
        self._start_parked()

    def close(self) -> None:
        """End the threads when their calls have ended."""
        self._pool.shutdown()

    def _start_parked(self) -> None:
        share = self._share()
        for server, calls in self._parked.items():
            while calls and self._running[server] < share:
                self._running[server] += 1
                self._pool.submit(calls.popleft())

    def _share(self) -> int:
        wanting = {server for server, calls in self._parked.items() if calls} | set(+self._running)
        return max(1, self._threads // 2 if len(wanting) > 1 else self._threads - self._threads // 4)
