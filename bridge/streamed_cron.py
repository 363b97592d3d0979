"""Cron runs for a reader on the other end of a connection. Implements `bridge.web.interfaces.CronRunner`."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Literal

from bridge.cron import Cron, Wanted
from bridge.cron_arguments import BadArguments, parse
from bridge.database import DatabaseUnavailable, close_connection
from bridge.settings import Settings

log = logging.getLogger(__name__)

SILENCE = 60.0  # seconds after which a scheduler that gives no sign of life is taken for gone
HEARTBEAT = 5.0  # seconds without a line until the stream shows that it lives


class StreamedCron:
    """Runs a tick in a thread and yields its lines as they are printed."""

    def __init__(
        self, cron: Callable[[], Cron], settings: Settings, delivering: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._cron = cron
        self._settings = settings
        self._delivering = delivering
        self._woken = threading.Lock()

    def run(self, argv: Sequence[str], mode: Literal["standalone", "hook"]) -> Generator[str | None, None, int]:
        """The lines of one run; see the interface."""
        if mode == "hook" and self._settings.cron_mode != "whmcs":
            return 0
        try:
            wanted = parse(argv)
        except BadArguments as error:
            yield str(error)
            return 1
        if isinstance(wanted, str):
            yield from wanted.splitlines()
            return 0
        lines: queue.Queue[str | None] = queue.Queue()
        stopping = threading.Event()
        exit_code = 1

        def work() -> None:
            nonlocal exit_code
            try:
                cron = self._cron()  # looks at the database: without one, nothing is begun
                with self._delivering():
                    exit_code = 0 if cron.run(wanted, lines.put, lambda: not stopping.is_set()) else 1
            except DatabaseUnavailable as error:
                lines.put(f"Error: {error}")
            except Exception as error:
                log.exception("a cron run broke off")
                lines.put(f"Error: {type(error).__name__}, the log of KVM Bridge has the details")
            finally:
                lines.put(None)
                close_connection()

        thread = threading.Thread(target=work, name="cron run")
        thread.start()
        try:
            yield from _until_none(lines)
        finally:
            stopping.set()
            thread.join()
        return exit_code

    def wake(self) -> None:
        """In hook mode, and where no scheduler works, begin a run in the background, unless one of ours is at work still."""
        if self._settings.cron_mode != "whmcs" or self._a_scheduler_works() or not self._woken.acquire(blocking=False):
            return
        threading.Thread(target=self._work_unseen, name="cron run of the hook", daemon=True).start()

    def _a_scheduler_works(self) -> bool:
        seen = self._settings.scheduler_seen()
        return seen is not None and time.time() - seen < SILENCE

    def _work_unseen(self) -> None:
        try:
            with self._delivering():
                self._cron().run(Wanted(), _nobody_reads)
        except DatabaseUnavailable as error:
            log.warning("the hook's cron run: %s", error)
        except Exception:
            log.exception("the hook's cron run broke off")
        finally:
            self._woken.release()
            close_connection()


def _nobody_reads(line: str) -> None:
    """WHMCS's cron goes on meanwhile."""


def _until_none(lines: "queue.Queue[str | None]") -> Generator[str | None, None, None]:
    while True:
        try:
            line = lines.get(timeout=HEARTBEAT)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line
