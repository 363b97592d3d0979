"""Whatever goes wrong, in whatever order: no snapshot is lost that should stay, none is doubled, and the VM is left running."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bridge.database import close_connection
from statemachines.commands import ROLL_BACK_SNAPSHOT
from tests.chaos.test_lifecycle_random_faults import schedules
from tests.chaos.test_snapshots_crash_matrix import CASES, LIMIT, SETTINGS, no_memory_is_stray
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import at_rest

EXAMPLES = 200 if os.environ.get("SOAK") else 8

# Which of the snapshots a case may take away; a rotation that Proxmox stops half-way has removed one and taken none.
MAY_GO = {"rotate": slice(1, 2), "remove": slice(0, 1), "remove old ones": slice(0, 2)}


@pytest.mark.req("SNP-18", "SNP-25", "ENG-30")
@pytest.mark.parametrize("name", CASES)
@given(faults=schedules())
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_faults(name: str, faults: list[dict[str, object]]) -> None:
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        rig = Living(Path(folder), SETTINGS)
        service, before = case.begin(rig)
        for fault in faults:
            rig.fault(**fault)  # type: ignore[arg-type]
        rig.run()
        rig.cluster.faults.clear()
        rig.cluster.catch_up()
        present = rig.snapshots(service)
        kept = [each for each in before if each in present]
        assert present[: len(kept)] == kept
        assert len(present) - len(kept) <= 1
        assert len(present) <= LIMIT
        assert set(before) - set(present) <= set(before[MAY_GO.get(name, slice(0))])
        rolled = [task for task in rig.cluster.tasks.all() if (task.type, task.exit_status) == ("qmrollback", "OK")]
        assert len(rolled) <= (case.command == ROLL_BACK_SNAPSHOT)
        if rolled:
            assert int(rig.config(service)["cores"]) == 2
        assert rig.running(service)
        assert rig.record(service).vm_snapshots >= len(present) or not rig.writes()
        assert rig.states() == {service: "ready"}
        at_rest(rig)
        no_memory_is_stray(rig)
        close_connection()
