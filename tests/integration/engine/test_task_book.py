"""Locks of cron tasks in the database: one run at a time, taken over when abandoned, noticed by whoever lost it."""

import os
import subprocess
import threading

import pytest

from bridge.claims import new_owner
from bridge.database import Database, close_connection, transaction
from bridge.models.companion import Setting, TaskState
from bridge.task_book import SOON, Begun, Held, NotYet, TaskBook
from bridge.tasks import Detail, Result
from statemachines.errors import LeaseLost
from tests.chaos.clock import VirtualClock
from tests.conftest import installed

TASK = "removeOldSnapshots"
TIMEOUT = 600.0


@pytest.fixture
def clock(database: Database) -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def book(clock: VirtualClock) -> TaskBook:
    return TaskBook(clock, lambda: TIMEOUT)


def begun(outcome: Begun | NotYet | Held) -> Begun:
    assert isinstance(outcome, Begun)
    return outcome


@pytest.mark.req("CRN-16")
def test_a_task_begins_again_when_its_interval_is_over_and_not_before(book: TaskBook, clock: VirtualClock) -> None:
    began = begun(book.begin(TASK, 5))
    assert began.last is None
    first = clock.now()
    book.release(began)
    clock.advance(290)
    assert book.begin(TASK, 5) == NotYet(first)
    assert not book.is_due(TASK, 5)
    clock.advance(10)
    assert book.is_due(TASK, 5)
    assert begun(book.begin(TASK, 5)).last == first


def test_a_last_run_in_the_future_keeps_no_task_from_being_done(book: TaskBook, clock: VirtualClock) -> None:
    """The clock was wrong when it ran."""
    book.release(begun(book.begin(TASK, 5)))
    clock.time -= 86_400
    assert book.is_due(TASK, 5)
    begun(book.begin(TASK, 5))


@pytest.mark.req("CRN-17")
def test_a_task_that_is_held_is_not_begun_and_the_others_are(book: TaskBook, clock: VirtualClock) -> None:
    begun(book.begin(TASK, None))
    clock.advance(42)
    assert book.begin(TASK, None) == Held(str(os.getpid()), 42.0)
    assert book.is_held(TASK)
    begun(book.begin("scheduleBackup", None))


@pytest.mark.req("CRN-18")
def test_a_lock_that_was_given_back_is_free(book: TaskBook) -> None:
    book.release(begun(book.begin(TASK, None)))
    assert not book.is_held(TASK)
    begun(book.begin(TASK, None))


@pytest.mark.req("CRN-19")
def test_an_abandoned_lock_is_taken_over_after_the_lock_timeout(book: TaskBook, clock: VirtualClock) -> None:
    lost = begun(book.begin(TASK, None))
    clock.advance(TIMEOUT)
    assert isinstance(book.begin(TASK, None), Held)
    clock.advance(1)
    mine = begun(book.begin(TASK, None))
    with pytest.raises(LeaseLost):
        lost.alive()
    with pytest.raises(LeaseLost):
        lost.prove()
    mine.prove()
    book.release(lost)
    assert book.is_held(TASK), "whoever lost the lock cannot give it back"


@pytest.mark.req("CRN-19")
def test_a_run_that_goes_on_keeps_its_lock_for_as_long_as_it_takes(book: TaskBook, clock: VirtualClock) -> None:
    mine = begun(book.begin(TASK, None))
    for _ in range(30):
        clock.advance(TIMEOUT / 4)
        mine.alive()
        assert isinstance(book.begin(TASK, None), Held)


def test_a_run_that_was_stopped_for_longer_than_its_lock_lasts_goes_on_when_nobody_has_come(
    book: TaskBook, clock: VirtualClock
) -> None:
    mine = begun(book.begin(TASK, None))
    clock.advance(10 * TIMEOUT)
    mine.alive()
    assert isinstance(book.begin(TASK, None), Held)


@pytest.mark.req("CRN-20")
def test_the_lock_of_a_dead_process_is_stale_at_once(book: TaskBook) -> None:
    mine = begun(book.begin(TASK, None))
    child = subprocess.Popen(["true"])
    child.wait()
    dead = new_owner().replace(f"/{os.getpid()}/", f"/{child.pid}/")
    TaskState.update(lease_owner=dead).where(TaskState.name == TASK).execute()
    assert not book.is_held(TASK)
    begun(book.begin(TASK, None))
    with pytest.raises(LeaseLost):
        mine.prove()


def test_a_run_that_was_abandoned_in_the_middle_is_begun_anew_before_its_interval_is_over(
    book: TaskBook, clock: VirtualClock
) -> None:
    begun(book.begin(TASK, 60))
    clock.advance(TIMEOUT)
    assert not book.is_due(TASK, 60)
    assert isinstance(book.begin(TASK, 60), NotYet)
    clock.advance(1)
    assert book.is_due(TASK, 60)
    book.release(begun(book.begin(TASK, 60)))
    assert not book.is_due(TASK, 60)
    assert isinstance(book.begin(TASK, 60), NotYet)


def test_a_task_that_had_more_to_do_comes_by_again_soon(book: TaskBook, clock: VirtualClock) -> None:
    book.release(begun(book.begin(TASK, 60)))
    book.note(TASK, Result(more=True))
    book.note(TASK, Result())  # what the VMs came to that it has handed out
    clock.advance(SOON - 1)
    assert not book.is_due(TASK, 60)
    clock.advance(1)
    assert book.is_due(TASK, 60)
    book.release(begun(book.begin(TASK, 60)))
    clock.advance(SOON)
    assert isinstance(book.begin(TASK, 60), NotYet)


@pytest.mark.req("CRN-32")
def test_clearing_frees_what_is_stale_and_nothing_else(book: TaskBook, clock: VirtualClock) -> None:
    begun(book.begin(TASK, None))
    clock.advance(TIMEOUT + 1)
    live = begun(book.begin("scheduleBackup", None))
    assert book.bury() == 1
    assert not book.is_held(TASK)
    live.prove()


@pytest.mark.req("CRN-31")
def test_without_the_lock_a_run_begins_beside_another_which_notices(book: TaskBook) -> None:
    first = begun(book.begin(TASK, None))
    second = begun(book.begin(TASK, None, alone=False))
    second.prove()
    with pytest.raises(LeaseLost):
        first.prove()


def test_what_a_run_came_to_is_kept(book: TaskBook) -> None:
    result = Result()
    result.success(5, "1 snapshot removed")
    result.error(6, "no answer")
    result.skipped(7, "locked (backup)")
    book.note(TASK, result)
    row = TaskState.get_by_id(TASK)
    assert (row.last_result, row.processed, row.errors) == ("ok", 2, 1)
    assert book.details(TASK) == [
        Detail(5, "[success] 1 snapshot removed"),
        Detail(6, "[error] no answer"),
        Detail(7, "[skipped] locked (backup)"),
    ]


@pytest.fixture
def on_mariadb(mariadb_url: str) -> TaskBook:
    installed(mariadb_url)
    return TaskBook(VirtualClock(), lambda: TIMEOUT)


@pytest.mark.req("CRN-17", "CRN-16")
def test_of_many_who_begin_a_task_at_the_same_moment_one_does(on_mariadb: TaskBook) -> None:
    outcomes, ready = list[object](), threading.Barrier(8)

    def begin() -> None:
        try:
            ready.wait()
            outcomes.append(on_mariadb.begin(TASK, 5))
        finally:
            close_connection()

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, Begun) for outcome in outcomes) == 1
    assert len(outcomes) == 8


def test_a_writer_that_has_lost_its_lock_writes_nothing(on_mariadb: TaskBook) -> None:
    lost = begun(on_mariadb.begin(TASK, None))
    begun(on_mariadb.begin(TASK, None, alone=False))

    def write() -> None:
        with transaction():
            lost.prove()
            Setting.create(name="written", value="by the loser")

    with pytest.raises(LeaseLost):
        write()
    assert Setting.get_or_none(Setting.name == "written") is None
