"""While Proxmox holds a lock on the VM, everything about it pauses; a lock left by a crash is named with its remedy."""

import pytest

from bridge.sandbox.proxmox.guest import Guest
from tests.deploy.conftest import Install
from tests.deploy.installation import failed_step

LOCKS = (
    "backup",
    "clone",
    "create",
    "migrate",
    "rollback",
    "snapshot",
    "snapshot-delete",
    "suspending",
    "suspended",
)


@pytest.mark.req("DEP-43", "DEP-47")
@pytest.mark.parametrize("lock", LOCKS)
def test_a_locked_vm_is_not_touched_until_the_lock_has_gone(install: Install, lock: str) -> None:
    rig = install()
    rig.fault("GET /nodes$", "stale-lock", vmid=100, lock=lock)
    service = rig.order()
    line = failed_step(rig.tick())
    assert f"Set CPU & RAM                       VM 100 is locked ({lock}) (migrated -> migrated)" in line
    assert [call for call in rig.writes() if "/clone" not in call and "/firewall" not in call] == []
    assert rig.log(service)["result"] == "waiting"

    del rig.cluster.guests[100].config["lock"]
    rig.run()
    assert rig.states()[service] == "ready"


@pytest.mark.req("DEP-43")
def test_a_lock_that_goes_soon_costs_no_tick(install: Install) -> None:
    rig = install()
    rig.fault("GET /nodes$", "stale-lock", vmid=100, lock="backup")
    service = rig.order()
    unlock_at = rig.clock.now() + 30

    def unlock(request: object, answer: object) -> None:
        if rig.clock.now() >= unlock_at and 100 in rig.cluster.guests:
            rig.cluster.guests[100].config.pop("lock", None)

    rig.witnesses.append(unlock)
    rig.tick()
    assert rig.states()[service] == "ready"


@pytest.mark.req("DEP-43", "ENG-19")
@pytest.mark.parametrize("lock", ["clone", "create"])
@pytest.mark.parametrize("cloned_before", [False, True])
def test_the_stub_of_a_clone_whose_node_crashed_is_named_with_its_remedy(
    install: Install, lock: str, cloned_before: bool
) -> None:
    rig = install()
    if cloned_before:
        rig.deploy()
    rig.fault("POST .*/clone", times=1, status=500)
    service = rig.order()
    rig.tick()
    vmid = int(rig.record(service).vm_id)
    rig.cluster.guests[vmid] = Guest(vmid, "pve1", {"lock": lock})
    before = len(rig.writes())
    rig.clock.advance(60)
    line = failed_step(rig.tick())
    assert (
        f"VM {vmid} on node pve1 was left locked ({lock}) by an interrupted clone; "
        f"as root on pve1: qm unlock {vmid} && qm destroy {vmid} --purge (set_ip -> set_ip)" in line
    )
    assert rig.work(service).attention_who == "Proxmox admin"
    assert rig.writes()[before:] == []

    del rig.cluster.guests[vmid]
    rig.run()
    assert rig.states()[service] == "ready"
    assert rig.record(service).vm_id == vmid


@pytest.mark.req("DEP-43", "ENG-05")
def test_a_clone_in_flight_is_no_stale_lock(install: Install) -> None:
    rig = install()
    rig.cluster.timing.durations["qmclone"] = 300.0
    rig.fault("POST .*/clone", "cut-after")
    service = rig.order()
    rig.tick()
    rig.clock.advance(60)
    rig.tick()
    assert rig.states()[service] == "ready"
    assert "qm unlock" not in "\n".join(rig.lines)
