"""No backup can be lost, doubled or forgotten, and no VM left half restored: the daemon dies, or an answer is lost, at every
single outgoing call in turn.
"""

from pathlib import Path

import pytest

from tests.backups.keeper import Keeper
from tests.backups.scenarios import SCENARIOS, Scenario
from tests.chaos.gate import Moment
from tests.chaos.test_deploy_crash_matrix import folder_for

SHARES = 2  # of each scenario's calls, so that the matrix can be spread over processes


def calls_of(folder: Path, scenario: Scenario) -> list[str]:
    rig = Keeper(folder)
    service, before, names = scenario.start(rig)
    calls = list(rig.run().calls)
    scenario.holds(rig, service, before, names)
    return calls


@pytest.mark.parametrize("name", SCENARIOS)
def test_undisturbed_it_ends_as_it_should(tmp_path: Path, name: str) -> None:
    assert calls_of(tmp_path, SCENARIOS[name])


@pytest.mark.slow
@pytest.mark.req("ENG-30", "ENG-31", "ENG-32")
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_call_index(tmp_path: Path, name: str, moment: Moment, share: int) -> None:
    scenario = SCENARIOS[name]
    total = len(calls_of(folder_for(tmp_path, "plain"), scenario))
    for index in range(share, total, SHARES):
        rig = Keeper(folder_for(tmp_path, str(index)))
        service, before, names = scenario.start(rig)
        gate = rig.run(die_at=index, moment=moment)
        where = f"{name}, {moment}, call {index} of {total}: {gate.struck}"
        assert gate.struck, where
        try:
            scenario.holds(rig, service, before, names)
        except AssertionError as broken:
            raise AssertionError(f"{where}\n{broken}") from broken
