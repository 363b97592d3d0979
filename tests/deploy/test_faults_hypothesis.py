"""Randomized schedules of faults: whatever goes wrong, once it is over everything gets ready and nothing is corrupted."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from bridge.database import close_connection
from bridge.sandbox.proxmox.faults import Fault
from tests.chaos import invariants
from tests.deploy.installation import Installation

CALLS = (
    "",
    "GET ",
    "POST ",
    "PUT ",
    "/clone",
    "/config",
    "/resize",
    "/migrate",
    "/start",
    "/firewall",
    "/tasks/",
    "/cluster/",
)
TASKS = ("", "qmclone", "qmigrate", "resize", "qmstart")
STATUSES = (500, 502, 503, 504, 595, 596, 597, 599)
TEXTS = (
    "unexpected error",
    "cfs-lock 'storage-ceph-vm' error: got lock request timeout",
    "cluster not ready - no quorum?",
)
EXITS = ("unexpected status", "got timeout", "interrupted by signal", "unable to read tail (got 0 bytes)")
PRODUCTS: tuple[dict[str, str], ...] = (
    {},
    {"clone_type": "linked"},
    {"os_template": "9001", "sys_storage": "local-lvm", "node": "pve3"},
)

times, after = st.integers(1, 3), st.integers(0, 25)
faults = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(CALLS),
        st.just("status"),
        times=times,
        after=after,
        status=st.sampled_from(STATUSES),
        text=st.sampled_from(TEXTS),
    ),
    st.builds(
        Fault,
        st.sampled_from(CALLS),
        st.sampled_from(("cut-before", "cut-after", "no-worker")),
        times=times,
        after=after,
    ),
    st.builds(Fault, st.sampled_from(CALLS), st.just("slow"), times=times, after=after, seconds=st.floats(0.1, 90.0)),
    st.builds(
        Fault,
        kind=st.just("task-fails"),
        times=times,
        after=after,
        task_type=st.sampled_from(TASKS),
        exit_status=st.sampled_from(EXITS),
    ),
    st.builds(Fault, kind=st.just("task-warnings"), times=times, after=after, task_type=st.sampled_from(TASKS)),
)


@pytest.mark.req("ENG-34", "ENG-06", "DEP-39")
@settings(
    max_examples=400 if os.environ.get("SOAK") else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not os.environ.get("SOAK"),
)
@given(st.lists(faults, min_size=1, max_size=8), st.sampled_from(PRODUCTS), st.integers(1, 3))
def test_after_the_faults_every_order_is_ready_and_all_invariants_hold(
    planned: list[Fault], product: dict[str, str], orders: int
) -> None:
    with TemporaryDirectory() as folder:
        rig = Installation(Path(folder), product)
        try:
            services = [rig.order() for _ in range(orders)]
            for fault in planned:
                rig.cluster.faults.add(fault)
            rig.run()
            note("\n".join(rig.lines))
            invariants.all_hold(rig, services, dict.fromkeys(services, (2, 1)))
        finally:
            close_connection()
