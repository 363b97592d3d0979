"""No snapshot is lost, doubled or made beyond the limit: the daemon dies, or an answer is lost, at every outgoing call in turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.sandbox.proxmox.timing import Timing
from statemachines.commands import (
    REMOVE_OLD_SNAPSHOTS,
    REMOVE_SNAPSHOT,
    ROLL_BACK_SNAPSHOT,
    SCHEDULED_SNAPSHOT,
    TAKE_SNAPSHOT,
)
from tests.chaos import invariants
from tests.chaos.gate import Moment
from tests.chaos.test_deploy_crash_matrix import folder_for
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import BRISK, at_rest

LIMIT = 3
DAY = 86_400.0
SETTINGS = {"snapshots": str(LIMIT), "snapshot_lifetime": "1 day"}
SHARES = 4

Holds = Callable[[Living, int, list[str]], None]


@dataclass(frozen=True)
class Case:
    """`command` is recorded with `facts` on a VM that has the snapshots `before`, the last of them after `pause` seconds.

    Those called `auto` are the schedule's. `holds` is told the names before (the schedule's as they are) and checks the end.
    """

    command: str
    before: tuple[str, ...]
    holds: Holds
    facts: Mapping[str, object] = field(default_factory=dict)
    pause: float = 60.0

    @property
    def may_fail(self) -> bool:
        """Whether somebody waits for it who can ask once more."""
        return self.command in (TAKE_SNAPSHOT, REMOVE_SNAPSHOT, ROLL_BACK_SNAPSHOT)

    def begin(self, rig: Living) -> tuple[int, list[str]]:
        """The VM with its snapshots, and the command recorded; the service, and the names of the snapshots."""
        rig.cluster.timing = Timing(speed=BRISK)
        service = rig.living()
        for name in self.before:
            if name == "auto":
                give(rig, service, SCHEDULED_SNAPSHOT)
                rig.run()
            else:
                rig.snapshot(service, name)
            rig.clock.advance(self.pause)
        present = rig.snapshots(service)
        assert len(present) == len(self.before)
        rig.cluster.guests[100].config["cores"] = 7  # tells whether, and when, the VM was rolled back
        rig.forget()
        give(rig, service, self.command, **self.facts)
        return service, present


def give(rig: Living, service: int, command: str, **facts: object) -> None:
    assert rig.house.errands.give(service, command, facts) == ""


def one_more(rig: Living, service: int, before: list[str]) -> None:
    """Those that were there, and exactly one new one."""
    now = rig.snapshots(service)
    assert now[: len(before)] == before
    assert len(now) == len(before) + 1


def as_before(rig: Living, service: int, before: list[str]) -> None:
    assert rig.snapshots(service) == before


def oldest_scheduled_replaced(rig: Living, service: int, before: list[str]) -> None:
    """The client's own stay, the oldest of the schedule's is gone, one new one is there."""
    gone = next(name for name in before if name.startswith("auto"))
    now = rig.snapshots(service)
    assert now[:-1] == [name for name in before if name != gone]
    assert now[-1].startswith("auto")
    assert now[-1] not in before


def without_monday(rig: Living, service: int, before: list[str]) -> None:
    assert rig.snapshots(service) == [name for name in before if name != "monday"]


def rolled_back_once(rig: Living, service: int, before: list[str]) -> None:
    """Once: a second time would discard what was written in between."""
    as_before(rig, service, before)
    assert sum(task.type == "qmrollback" for task in rig.cluster.tasks.all()) == 1
    assert int(rig.config(service)["cores"]) == 2
    assert rig.running(service)
    invariants.vm_fits_package(rig, service)


def only_wednesday(rig: Living, service: int, before: list[str]) -> None:
    assert rig.snapshots(service) == ["wednesday"]


def no_memory_is_stray(rig: Living) -> None:
    """Each state volume on the storages is one snapshot's."""
    found = {volume.rpartition("/")[2] for volume in rig.volumes() if "-state-" in volume}
    kept = {str(config["vmstate"]) for config in rig.cluster.guests[100].snapshots.values() if "vmstate" in config}
    assert found == kept


CASES = {
    "take": Case(TAKE_SNAPSHOT, ("monday", "tuesday"), one_more),
    "take one too many": Case(TAKE_SNAPSHOT, ("monday", "tuesday", "wednesday"), as_before),
    "rotate": Case(SCHEDULED_SNAPSHOT, ("monday", "auto", "auto"), oldest_scheduled_replaced),
    "nothing to rotate": Case(SCHEDULED_SNAPSHOT, ("monday", "tuesday", "wednesday"), as_before),
    "remove": Case(REMOVE_SNAPSHOT, ("monday", "tuesday"), without_monday, {"snapshot": "monday"}),
    "roll back": Case(ROLL_BACK_SNAPSHOT, ("monday", "tuesday"), rolled_back_once, {"snapshot": "monday"}),
    "remove old ones": Case(REMOVE_OLD_SNAPSHOTS, ("monday", "tuesday", "wednesday"), only_wednesday, pause=0.9 * DAY),
}


def run(folder: Path, case: Case, index: int | None, moment: Moment) -> list[str]:
    """One command from its recording to the end, disturbed at the call with this index; its calls."""
    rig = Living(folder, SETTINGS)
    service, before = case.begin(rig)
    gate = rig.run(die_at=index, moment=moment)
    where = f"{case.command}, {moment}, call {index}: {gate.struck}"
    assert index is None or gate.struck, where
    try:
        if moment is Moment.ANSWER_LOST and case.may_fail and not rig.writes():
            as_before(rig, service, before)  # it failed before it had begun, and whoever asked was told
        else:
            case.holds(rig, service, before)
            assert rig.record(service).vm_snapshots == len(rig.snapshots(service)) <= LIMIT
        assert rig.states() == {service: "ready"}
        at_rest(rig)
        no_memory_is_stray(rig)
    except AssertionError as broken:
        lines = "\n".join(rig.lines[-20:])
        raise AssertionError(f"{where}\n{broken}\n{lines}") from broken
    return list(gate.calls)


@pytest.mark.parametrize("name", CASES)
def test_undisturbed_it_ends_as_it_should(tmp_path: Path, name: str) -> None:
    assert run(tmp_path, CASES[name], None, Moment.BEFORE)


@pytest.mark.req("SNP-18", "ENG-30", "ENG-31", "ENG-32")
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("name", CASES)
def test_every_call_index(tmp_path: Path, name: str, moment: Moment, share: int) -> None:
    case = CASES[name]
    total = len(run(folder_for(tmp_path, "plain"), case, None, moment))
    for index in range(share, total, SHARES):
        run(folder_for(tmp_path, str(index)), case, index, moment)
