"""Beside the pipelines, the scheduler does its chores; none of them waits for another."""

import threading
from typing import Any

import pytest

from bridge.scheduler import Chore, Scheduler


class NothingDue:
    """No VM waits for work."""

    def any_due(self) -> bool:
        return False


def run(*chores: Chore) -> tuple[Scheduler, threading.Thread]:
    idle: Any = NothingDue()
    scheduler = Scheduler(idle, idle, list(chores), print)
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    return scheduler, thread


@pytest.mark.req("DNS-56")
def test_mails_leave_while_a_dns_provider_does_not_answer() -> None:
    answered, sent = threading.Event(), threading.Semaphore(0)
    scheduler, thread = run(
        Chore("DNS records", 1, lambda: answered.wait(20)), Chore("outbox", 1, lambda: sent.release())
    )
    try:
        assert sent.acquire(timeout=10)
        assert sent.acquire(timeout=10)
    finally:
        answered.set()
        scheduler.stop()
        thread.join(20)
    assert not thread.is_alive()


def test_a_chore_that_fails_is_tried_again_at_its_next_turn(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Semaphore(0)

    def fail() -> None:
        tried.release()
        raise KeyError("row")

    scheduler, thread = run(Chore("sweep", 1, fail))
    try:
        assert tried.acquire(timeout=10)
        assert tried.acquire(timeout=10)
    finally:
        scheduler.stop()
        thread.join(20)
    assert "sweep failed" in caplog.text
