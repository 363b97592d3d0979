"""Heavy operations per node and storage are limited; who has to queue is not in trouble."""

import pytest

from bridge.sandbox.proxmox.tasks import Task
from tests.chaos import invariants
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation


def most_at_once(rig: Installation, *kinds: str) -> int:
    """The largest number of tasks of these kinds that ran at the same time."""
    tasks: list[Task] = [task for task in rig.cluster.tasks.all() if task.type in kinds]
    return max(sum(task.started <= other.started < (task.ended or 0) for task in tasks) for other in tasks)


@pytest.mark.req("ENG-28")
@pytest.mark.parametrize(("per_node", "per_storage", "expected"), [(4, 2, 2), (3, 10, 3), (10, 10, 10), (1, 10, 1)])
def test_never_more_full_clones_at_once_than_the_limits_allow(
    install: Install, per_node: int, per_storage: int, expected: int
) -> None:
    rig = install(ipv6_count="0")
    rig.house.settings.change({"heavy_per_node": per_node, "heavy_per_storage": per_storage})
    services = [rig.order() for _ in range(10)]
    rig.run()
    assert most_at_once(rig, "qmclone") == expected
    invariants.all_hold(rig, services, dict.fromkeys(services, (2, 0)))


@pytest.mark.req("ENG-28")
def test_a_migration_counts_on_both_of_its_nodes(install: Install) -> None:
    rig = install(os_template="9001", sys_storage="local-lvm", node="pve3")
    rig.house.settings.change({"heavy_per_node": 2, "heavy_per_storage": 10})
    services = [rig.order() for _ in range(6)]
    rig.run()
    assert set(rig.states().values()) == {"ready"}
    assert most_at_once(rig, "qmclone", "qmigrate") == 2
    assert {rig.node(service) for service in services} == {"pve3"}


@pytest.mark.req("ENG-28", "ENG-18")
def test_waiting_in_our_own_queue_is_no_failure_however_long_it_takes(install: Install) -> None:
    rig = install()
    rig.house.settings.change({"heavy_per_node": 1, "heavy_per_storage": 1})
    rig.cluster.timing.durations["qmclone"] = 90.0
    services = [rig.order() for _ in range(5)]
    printed = rig.tick()
    assert set(rig.states().values()) == {"ready"}
    assert len(services) == 5
    assert not [line for line in printed if "[!]" in line]


@pytest.mark.req("ENG-28")
def test_a_failed_clone_gives_its_places_back(install: Install) -> None:
    rig = install()
    rig.house.settings.change({"heavy_per_node": 1, "heavy_per_storage": 1})
    rig.fault(kind="task-fails", task_type="qmclone", exit_status="disk on fire")
    first, second = rig.order(), rig.order()
    rig.tick()
    assert sorted(rig.states().values()) == ["ready", "set_ip"]
    rig.run()
    assert rig.states() == {first: "ready", second: "ready"}


@pytest.mark.req("ENG-28")
@pytest.mark.parametrize(("per_node", "expected"), [(10, 5), (2, 2)])
def test_linked_clones_count_on_their_node_but_not_on_the_storage(
    install: Install, per_node: int, expected: int
) -> None:
    rig = install(clone_type="linked")
    rig.house.settings.change({"heavy_per_node": per_node, "heavy_per_storage": 1})
    rig.cluster.timing.durations["qmclone"] = 60.0
    for _ in range(5):
        rig.order()
    rig.run()
    assert most_at_once(rig, "qmclone") == expected
