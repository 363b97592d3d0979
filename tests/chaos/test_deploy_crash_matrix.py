"""Deploy cannot be corrupted: the daemon dies, or an answer is lost, at every single outgoing call in turn."""

from pathlib import Path

import pytest

from tests.chaos import invariants
from tests.chaos.gate import Moment
from tests.chaos.rig import Rig

SHARES = 8  # of the matrix, so that it can be spread over processes; each share has every eighth call index


def calls_of_an_undisturbed_deploy(folder: Path) -> list[str]:
    rig = Rig(folder)
    service = rig.order()
    calls = rig.run().calls
    invariants.all_hold(rig, [service], {service: (2, 1)})
    invariants.vm_fits_package(rig, service)
    return calls


@pytest.mark.req("DEP-07", "DEP-08", "DEP-36", "DEP-45")
def test_an_undisturbed_deploy_ends_with_the_vm_that_was_bought(tmp_path: Path) -> None:
    calls = calls_of_an_undisturbed_deploy(tmp_path)
    assert sum("/clone" in call for call in calls) == 1
    assert sum(call.endswith("/status/start") for call in calls) == 1


@pytest.mark.req("ENG-30", "ENG-31", "ENG-32")
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("moment", list(Moment))
def test_every_call_index_of_deploy(tmp_path: Path, moment: Moment, share: int) -> None:
    total = len(calls_of_an_undisturbed_deploy(folder_for(tmp_path, "plain")))
    assert total > SHARES
    for index in range(share, total, SHARES):
        rig = Rig(folder_for(tmp_path, str(index)))
        service = rig.order()
        gate = rig.run(die_at=index, moment=moment)
        where = f"{moment}, call {index} of {total}: {gate.struck}"
        assert gate.struck, where
        try:
            invariants.all_hold(rig, [service], {service: (2, 1)})
            invariants.vm_fits_package(rig, service)
        except AssertionError as broken:
            raise AssertionError(f"{where}\n{broken}") from broken


def folder_for(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
