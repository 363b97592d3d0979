"""No operation can be corrupted: the daemon dies, or an answer is lost, at every single outgoing call in turn."""

from pathlib import Path

import pytest

from tests.chaos.gate import Moment
from tests.chaos.test_deploy_crash_matrix import folder_for
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import SCENARIOS, Scenario

SHARES = 4  # of each scenario's calls, so that the matrix can be spread over processes


def calls_of(folder: Path, scenario: Scenario) -> list[str]:
    rig = Living(folder)
    service, before = scenario.begin(rig)
    calls = list(rig.run().calls)
    scenario.holds(rig, service, before)
    return calls


@pytest.mark.parametrize("name", SCENARIOS)
def test_undisturbed_it_ends_as_it_should(tmp_path: Path, name: str) -> None:
    assert calls_of(tmp_path, SCENARIOS[name])


@pytest.mark.req("ENG-30", "ENG-31", "ENG-32")
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_call_index(tmp_path: Path, name: str, moment: Moment, share: int) -> None:
    scenario = SCENARIOS[name]
    total = len(calls_of(folder_for(tmp_path, "plain"), scenario))
    for index in range(share, total, SHARES):
        rig = Living(folder_for(tmp_path, str(index)))
        service, before = scenario.begin(rig)
        gate = rig.run(die_at=index, moment=moment)
        where = f"{name}, {moment}, call {index} of {total}: {gate.struck}"
        assert gate.struck, where
        try:
            scenario.holds(rig, service, before)
        except AssertionError as broken:
            raise AssertionError(f"{where}\n{broken}") from broken
