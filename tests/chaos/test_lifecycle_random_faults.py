"""Whatever goes wrong, in whatever order: every operation comes to its documented end, or waits for a person unharmed."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.database import close_connection
from bridge.lifecycle.rules import Operation
from statemachines.states import ERROR_TERMINATE
from tests.lifecycle.living import Living
from tests.lifecycle.names import Fault, Trouble
from tests.lifecycle.scenarios import SCENARIOS

EXAMPLES = 200 if os.environ.get("SOAK") else 6
KINDS = ("status", "cut-before", "cut-after", "slow", "task-warnings", "task-fails")


@st.composite
def schedules(draw: st.DrawFn) -> list[dict[str, object]]:
    """Up to five faults, each at some call from now on."""
    return [
        {
            "kind": draw(st.sampled_from(KINDS)),
            "match": draw(st.sampled_from(["", "GET", "PUT", "POST", "DELETE", "/config", "/tasks/"])),
            "after": draw(st.integers(0, 40)),
            "times": draw(st.integers(1, 3)),
            "status": draw(st.sampled_from([500, 502, 503, 595, 596])),
            "seconds": 30.0,
        }
        for _ in range(draw(st.integers(1, 5)))
    ]


@st.composite
def dns_schedules(draw: st.DrawFn) -> list[Fault]:
    """Up to four faults of DNS providers; one that lasts longer outlives several tries."""
    return [
        Fault(
            draw(st.sampled_from(list(Trouble))),
            draw(st.sampled_from(["", ".com", "in-addr.arpa", "ip6.arpa"])),
            after=draw(st.integers(0, 6)),
            times=draw(st.sampled_from([1, 2, 3, 20])),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]


@pytest.mark.req("ENG-30", "TRM-18", "DNS-49")
@pytest.mark.parametrize("name", SCENARIOS)
@given(faults=schedules(), dns_faults=dns_schedules())
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_faults(name: str, faults: list[dict[str, object]], dns_faults: list[Fault]) -> None:
    scenario = SCENARIOS[name]
    with tempfile.TemporaryDirectory() as folder:
        rig = Living(Path(folder))
        service, before = scenario.begin(rig)
        for fault in faults:
            rig.fault(**fault)  # type: ignore[arg-type]
        rig.names.faults += [replace(fault) for fault in dns_faults]
        rig.run()
        rig.cluster.faults.clear()
        rig.names_settle()
        if rig.state(service) == ERROR_TERMINATE:
            assert tuple(rig.addresses(service)) == before.addresses
            rig.ask_and_run(service, Operation.TERMINATE)
            rig.names_settle()
            assert (rig.state(service), rig.names.forward, rig.names.pointers) == ("remove", {}, 0)
        else:
            scenario.holds(rig, service, before)
        close_connection()
