"""Two operations at the same moment end in the documented order, wherever the second one arrives, and are never mixed."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.lifecycle.rules import Operation
from bridge.sandbox.proxmox.timing import Timing
from tests.chaos import invariants
from tests.chaos.gate import Moment
from tests.chaos.test_deploy_crash_matrix import folder_for
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import BRISK, addresses_reach_everything, at_rest, gone, living, upgrade

SHARES = 4
STRIDE = 1 if os.environ.get("SOAK") else 3  # `make soak` meets at every call, `make test` at every third


def order(rig: Living) -> int:
    """A deployment is about to begin."""
    return rig.order()


def asked(operation: Operation, **product: str) -> Callable[[Living], int]:
    """An operation is about to begin on a VM that is ready."""

    def begin(rig: Living) -> int:
        service = rig.living()
        rig.set_product(**product)
        assert rig.ask(service, operation) == "success"
        return service

    return begin


def upgraded(rig: Living, service: int) -> None:
    """The VM is what the package said when the second operation was asked for."""
    living(rig, service, (1, 3), rig.mails_of(service))
    assert (rig.config(service)["cores"], rig.disk(service)["size"]) == (4, "30G")
    assert rig.disk(service, "scsi1")["size"] == "20G"
    addresses_reach_everything(rig, service)


def fresh(rig: Living, service: int) -> None:
    """One fresh VM that fits the package."""
    living(rig, service, (2, 1), rig.mails_of(service))
    invariants.vm_fits_package(rig, service)
    addresses_reach_everything(rig, service)


@dataclass(frozen=True)
class Meeting:
    """`first` is at work when `second` is asked for (after `prepare`); `ends` checks the end."""

    first: Callable[[Living], int]
    second: Operation
    ends: Callable[[Living, int], None]
    prepare: Callable[[Living, int], None] = lambda rig, service: None


MEETINGS = {
    "terminate during deploy": Meeting(order, Operation.TERMINATE, gone),
    "terminate during change package": Meeting(
        asked(Operation.CHANGE_PACKAGE, cpu="4", sys_size="30", ipv4_count="3"), Operation.TERMINATE, gone
    ),
    "terminate during reinstall": Meeting(asked(Operation.REINSTALL), Operation.TERMINATE, gone),
    "terminate twice": Meeting(asked(Operation.TERMINATE), Operation.TERMINATE, gone),
    "change package during deploy": Meeting(order, Operation.CHANGE_PACKAGE, upgraded, upgrade),
    "change package during reinstall": Meeting(asked(Operation.REINSTALL), Operation.CHANGE_PACKAGE, upgraded, upgrade),
    "change package twice": Meeting(
        asked(Operation.CHANGE_PACKAGE, cpu="3", sys_size="25", ipv4_count="4"),
        Operation.CHANGE_PACKAGE,
        upgraded,
        upgrade,
    ),
    "redeploy during deploy": Meeting(order, Operation.REDEPLOY, fresh),
}


def interrupt(rig: Living, index: int, moment: Moment, act: Callable[[], None]) -> list[str]:
    """Let `act` happen at the call with this index; the list gets the call's name then."""
    gate, struck = rig.gate, list[str]()
    plain = gate.before if moment is Moment.BEFORE else gate.after

    def hook(*args: Any) -> None:
        plain(*args)
        if len(gate.calls) - 1 == index and not struck:
            struck.append(gate.calls[-1])
            act()

    setattr(gate, "before" if moment is Moment.BEFORE else "after", hook)
    rig.start_daemon()
    return struck


def meet(rig: Living, meeting: Meeting, index: int, moment: Moment) -> tuple[int, str]:
    """Ask for the second operation at that call; the service and the call, empty when the first made fewer calls."""
    rig.cluster.timing = Timing(speed=BRISK)
    service = meeting.first(rig)

    def ask() -> None:
        meeting.prepare(rig, service)
        assert rig.ask(service, meeting.second) == "success"

    struck = interrupt(rig, index, moment, ask)
    rig.run()
    return service, struck[0] if struck else ""


@pytest.mark.req("CP-04", "TRM-23", "ENG-30")
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
@pytest.mark.parametrize("name", MEETINGS)
def test_every_meeting_point(tmp_path: Path, name: str, moment: Moment, share: int) -> None:
    meeting, index = MEETINGS[name], share
    while True:
        rig = Living(folder_for(tmp_path, str(index)))
        service, struck = meet(rig, meeting, index, moment)
        if not struck:
            break
        try:
            meeting.ends(rig, service)
            at_rest(rig)
        except AssertionError as broken:
            raise AssertionError(f"{name}, {moment}, call {index}: {struck}\n{broken}") from broken
        index += SHARES * STRIDE
    assert index > share
