"""The engine walks tables it knows nothing about."""

from dataclasses import replace
from typing import Any

import pytest

from statemachines.engine import Ended, Later, Run
from statemachines.errors import Busy, LeaseLost, NeedsAttention, Temporary
from statemachines.machine import CARRY_ON, STOP, Machine, Step
from statemachines.outcome import Done, Skip, Wait
from statemachines.output import BlockStyle, LineStyle
from statemachines.ports import Activity, Mail
from tests.unit.engine.world import ListBoard, World


def machine(first: Any, second: Any = lambda ctx: Done(), **columns: Any) -> Machine:
    return Machine(
        "deploy",
        BlockStyle("Deploy"),
        final="ready",
        steps=[
            Step("one", "First step", first, "two", "VMFirst", **columns),
            Step("two", "Second step", second, "ready", "VMSecond"),
        ],
    )


def start(table: Machine, world: World | None = None) -> tuple[Run, World, ListBoard]:
    world, board = world or World(), ListBoard()
    run = Run(table, world, board)  # type: ignore[arg-type]
    run.start()
    return run, world, board


@pytest.mark.req("DEP-10", "DEP-39", "DEP-41", "ENG-24")
def test_a_run_goes_through_all_steps_and_prints_the_documented_block() -> None:
    run, world, board = start(machine(lambda ctx: Done()))

    ended = run.turn()

    assert isinstance(ended, Ended)
    assert ended.report.text == "result:success"
    assert world.store.states == ["two", "ready"]
    assert board.lines == [
        "",
        "--- Deploy: service=5546 vm=2005 status=one ---",
        "  [+]  1. First step                          success (one -> two) [0.00s]",
        "  [+]  2. Second step                         success (two -> ready) [0.00s]",
        "--- Deploy complete: service=5546 status=ready ---",
    ]


def test_a_vm_without_a_vmid_is_printed_as_zero() -> None:
    world = World()
    world.vm.vm_id = None
    _, _, board = start(machine(lambda ctx: Done()), world)
    assert board.lines[1] == "--- Deploy: service=5546 vm=0 status=one ---"


def test_a_skip_is_a_success_with_its_reason_behind_the_label() -> None:
    run, _, board = start(machine(lambda ctx: Skip("no change")))
    run.turn()
    assert board.lines[2] == "  [+]  1. First step (skip — no change)       success (one -> two) [0.00s]"


def test_a_label_longer_than_its_column_pushes_the_result_by_one_blank() -> None:
    run, _, board = start(machine(lambda ctx: Skip("shrink not allowed by Proxmox")))
    run.turn()
    assert board.lines[2].startswith("  [+]  1. First step (skip — shrink not allowed by Proxmox) success (one")


@pytest.mark.req("DEP-39", "DEP-47", "ENG-17")
def test_a_failure_keeps_the_state_and_says_why() -> None:
    def fail(ctx: Any) -> Done:
        raise Temporary("VM failed to start (status: stopped). Will retry.")

    run, world, board = start(machine(fail))
    ended = run.turn()

    assert isinstance(ended, Ended)
    assert not ended.report.ok
    assert ended.report.text == "VM failed to start (status: stopped). Will retry. (one -> two) [0.00s]"
    assert world.vm.status == "one"
    assert world.store.states == []
    assert board.lines[2:] == [
        "  [!]  1. First step                          VM failed to start (status: stopped). Will retry. (one -> one) [0.00s]",
        "--- Deploy paused: waiting at (one) ---",
    ]
    kept = world.store.runs[-1]
    assert kept["result"] == "waiting"
    assert kept["error"] == "VM failed to start (status: stopped). Will retry."


@pytest.mark.req("ENG-21")
def test_an_error_that_needs_a_person_names_the_person() -> None:
    def fail(ctx: Any) -> Done:
        raise NeedsAttention("template 9000 does not exist on server pve1")

    run, world, _ = start(machine(fail))
    run.turn()
    assert world.store.paused == [("template 9000 does not exist on server pve1", "admin")]


@pytest.mark.req("ENG-22")
def test_a_bug_is_loud_and_never_taken_for_network_trouble() -> None:
    def fail(ctx: Any) -> Done:
        raise KeyError("memory")

    run, world, board = start(machine(fail))
    run.turn()
    assert "internal error, KeyError: 'memory'" in board.lines[2]
    assert "Traceback" in world.journal.rows[0][2]
    assert world.store.paused[0][1] == "KVM Bridge developers"


@pytest.mark.req("DEP-17")
def test_a_step_that_carries_on_turns_its_error_into_a_log_entry() -> None:
    def fail(ctx: Any) -> Done:
        raise Temporary("provider unreachable")

    run, world, board = start(machine(fail, failure=CARRY_ON))
    assert isinstance(run.turn(), Ended)
    assert world.vm.status == "ready"
    assert "success (one -> two)" in board.lines[2]
    assert world.journal.rows == [("VMFirst", "service 5546", "provider unreachable")]


@pytest.mark.req("DEP-14", "DEP-43")
def test_a_waiting_step_asks_for_another_turn_and_writes_nothing() -> None:
    run, world, board = start(machine(lambda ctx: Wait("clone is running")))
    turn = run.turn()
    assert isinstance(turn, Later)
    assert turn.at > world.clock.now()
    assert world.store.states == []
    assert len(board.lines) == 2


@pytest.mark.req("ENG-18")
def test_the_looks_at_a_waiting_vm_grow_apart_but_stay_near_the_task() -> None:
    run, world, _ = start(machine(lambda ctx: Wait("clone is running")))
    pauses = []
    for _ in range(40):
        turn = run.turn()
        if not isinstance(turn, Later):
            break
        pauses.append(turn.at - world.clock.now())
        world.clock.time = turn.at
    assert pauses[0] == pytest.approx(0.25)
    assert pauses == sorted(pauses)
    assert max(pauses) <= 3.0


def test_patience_ends_the_run_but_not_the_pipeline() -> None:
    run, world, board = start(machine(lambda ctx: Wait("migration is running"), patience=300.0))
    world.clock.advance(301)
    ended = run.turn()
    assert isinstance(ended, Ended)
    assert "migration is running (one -> one) [301.00s]" in board.lines[2]
    assert world.vm.status == "one"


def test_time_in_our_own_queue_does_not_use_up_patience() -> None:
    answers = [Wait("node pve1 is busy", queued=True)] * 3 + [Wait("clone is running")]
    run, world, _ = start(machine(lambda ctx: answers.pop(0), patience=60.0))
    for _ in range(3):
        assert isinstance(run.turn(), Later)
        world.clock.advance(100)
    assert isinstance(run.turn(), Later)


def test_a_lock_on_the_vm_is_waited_for() -> None:
    def locked(ctx: Any) -> Done:
        raise Busy("VM 2005 is locked (backup)")

    run, _, _ = start(machine(locked))
    assert isinstance(run.turn(), Later)


@pytest.mark.req("ENG-10")
def test_mails_are_recorded_with_the_state_that_causes_them() -> None:
    mail = Mail("puqProxmoxKVM VM is ready", "ready:5546")
    run, world, _ = start(machine(lambda ctx: Done(), lambda ctx: Done(mails=(mail,))))
    run.turn()
    assert world.store.mails == [mail]


@pytest.mark.req("ENG-12")
def test_a_lost_lease_ends_the_work_without_another_write() -> None:
    world = World()
    run, world, _ = start(machine(lambda ctx: Done()), world)
    world.store.broken = LeaseLost("taken over")
    with pytest.raises(LeaseLost):
        run.turn()
    assert world.store.runs == []


def test_a_resumed_run_numbers_its_steps_from_one() -> None:
    world = World()
    world.vm.status = "two"
    run, _, board = start(machine(lambda ctx: Done()), world)
    run.turn()
    assert board.lines[1].endswith("status=two ---")
    assert board.lines[2].startswith("  [+]  1. Second step")


def test_durations_are_those_of_the_step_not_of_the_run() -> None:
    world = World()

    def slow(ctx: Any) -> Done:
        world.clock.advance(4.25)
        return Done()

    run, _, board = start(machine(slow), world)
    run.turn()
    assert board.lines[2].endswith("[4.25s]")
    assert board.lines[3].endswith("[0.00s]")


@pytest.mark.req("ENG-25")
@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ([("a", "b"), ("a", "ready")], "two steps"),
        ([("a", "b"), ("c", "ready")], "no step goes on"),
        ([("a", "ready"), ("b", "ready")], "nothing leads to"),
        ([("a", "b"), ("b", "a")], "is not its end"),
        ([("a", "x" * 65), ("x" * 65, "ready")], "do not fit"),
    ],
)
def test_a_table_that_contradicts_itself_fails_when_it_is_built(steps: list[tuple[str, str]], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Machine(
            "x",
            BlockStyle("X"),
            "ready",
            [Step(when, when, lambda ctx: Done(), then, when, failure=STOP) for when, then in steps],
        )


def test_an_unchanged_step_is_a_skip_where_the_pipeline_tells_so() -> None:
    table = machine(lambda ctx: Done(changed=False))
    quiet, _, plain = start(table)
    quiet.turn()
    assert plain.lines[2].startswith("  [+]  1. First step                          success")
    told, _, board = start(replace(table, tells_unchanged=True))
    told.turn()
    assert board.lines[2].startswith("  [+]  1. First step (skip — no change)       success")


def test_a_failure_that_has_a_state_of_its_own_is_not_tried_again() -> None:
    def fail(ctx: Any) -> Done:
        raise Temporary("Could not destroy VM 2005: got timeout")

    table = Machine(
        "terminate",
        LineStyle("terminate", "remove"),
        "remove",
        [
            Step(
                "terminate",
                "Terminate",
                fail,
                "remove",
                "VMTerminate",
                failure="error_terminate",
                on_failure=lambda ctx, why: (Activity(f"FAILED: {why}", "key"),),
            )
        ],
    )
    world = World()
    world.vm.status = "terminate"
    run, world, board = start(table, world)
    ended = run.turn()

    assert isinstance(ended, Ended)
    assert not ended.report.ok
    assert world.vm.status == "error_terminate"
    assert world.store.runs[-1]["result"] == "error"
    assert world.store.mails == [Activity("FAILED: Could not destroy VM 2005: got timeout", "key")]
    stamp = world.clock.stamp(world.clock.now())
    assert board.lines == [
        f"{stamp}   sid:5546  [terminate] starting",
        f"{stamp}   sid:5546  [terminate] done (0.00s) result=error_terminate",
    ]


@pytest.mark.parametrize(
    ("style", "line"),
    [
        (BlockStyle("Deploy"), "2026-04-10 01:20:00       · fwd OK"),
        (LineStyle("terminate", "remove"), "2026-04-10 01:20:00   sid:5546    · fwd OK"),
    ],
)
def test_live_lines_stand_in_the_column_of_their_kind_of_run(style: Any, line: str) -> None:
    world, board = World(), ListBoard()

    def speak(ctx: Any) -> Done:
        ctx.say("fwd OK")
        return Done()

    run = Run(replace(machine(speak), style=style), world, board)  # type: ignore[arg-type]
    run.turn()
    assert line in board.lines
