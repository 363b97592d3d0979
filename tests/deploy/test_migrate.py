"""Migrate to target node: the VM goes where it belongs, and stays where it is when that is not possible."""

import pytest

from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.layouts import LINUX, add_iso, add_template
from bridge.sandbox.proxmox.storage import Storage
from tests.chaos import invariants
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step, steps

LOCAL = {"os_template": "9001", "sys_storage": "local-lvm"}  # lives on pve2


def busy(rig: Installation, **used_gib: int) -> None:
    """Nodes whose host itself uses so much memory (of 64 GiB)."""
    for name, gib in used_gib.items():
        rig.cluster.nodes[name].base_memory = gib << 30


def migration(lines: list[str]) -> str:
    """The line of the migration step without marker and number."""
    (line,) = [line for line in steps(lines) if "Migrate to target node" in line]
    return " ".join(line[10:].split())


@pytest.mark.req("DEP-18", "DEP-25", "CFG-08", "STO-04", "TPL-09")
def test_a_pinned_node_is_reached_offline_with_the_storage_mapped(install: Install) -> None:
    rig = install(node="pve3", clone_type="full", **LOCAL)
    service = rig.deploy()
    (call,) = rig.calls("POST", "/migrate")
    vmid = rig.record(service).vm_id
    assert call.path == f"/nodes/pve2/qemu/{vmid}/migrate"
    assert call.params == {"target": "pve3", "targetstorage": "local-lvm"}
    assert rig.node(service) == "pve3"
    after = rig.sent[rig.sent.index(call) + 1 :]
    assert {c.path.split("/")[2] for c in after if c.method != "GET"} == {"pve3"}
    assert migration(rig.lines) == "Migrate to target node success (set_dns -> migrated)"


@pytest.mark.req("CFG-08")
def test_all_orders_of_a_product_go_to_its_pinned_node(install: Install) -> None:
    rig = install(node="pve3")
    busy(rig, pve3=40)
    services = [rig.deploy(), rig.deploy()]
    assert [rig.node(service) for service in services] == ["pve3", "pve3"]


@pytest.mark.req("CFG-07", "DEP-22")
def test_automatically_means_the_node_with_the_most_free_memory(install: Install) -> None:
    rig = install()
    busy(rig, pve1=20, pve2=3, pve3=10)
    assert rig.node(rig.deploy()) == "pve2"


@pytest.mark.req("CFG-07", "DEP-22")
def test_vms_that_are_about_to_start_count_as_if_they_ran(install: Install) -> None:
    rig = install()
    busy(rig, pve1=20, pve2=3, pve3=10)
    rig.cluster.guests[500] = Guest(500, "pve2", {"name": "starts-soon", "memory": "32768"})
    assert rig.node(rig.deploy()) == "pve3"


@pytest.mark.req("QNA-02")
def test_on_a_standalone_server_its_only_node_is_the_target(install: Install) -> None:
    rig = install(node="automatically")
    del rig.cluster.guests[9001], rig.cluster.nodes["pve2"], rig.cluster.nodes["pve3"]
    services = [rig.deploy(), rig.deploy()]
    assert [rig.node(service) for service in services] == ["pve1", "pve1"]
    assert rig.calls("POST", "/migrate") == []


@pytest.mark.req("DEP-22")
def test_a_node_without_the_storage_is_never_chosen(install: Install) -> None:
    rig = install(sys_storage="fast", clone_type="full", os_template="9001")
    rig.cluster.storages["fast"] = Storage("fast", "lvmthin", ("images",), nodes=("pve1", "pve2"))
    busy(rig, pve1=30, pve2=40, pve3=2)
    assert rig.node(rig.deploy()) == "pve1"


@pytest.mark.req("DEP-22")
def test_a_node_without_the_storage_of_the_additional_disk_is_never_chosen(install: Install) -> None:
    rig = install(add_storage="fast")
    rig.cluster.storages["fast"] = Storage("fast", "lvmthin", ("images",), nodes=("pve2",))
    busy(rig, pve1=2, pve2=40, pve3=2)
    assert rig.node(rig.deploy()) == "pve2"


def test_a_node_without_the_bridge_is_never_chosen(install: Install) -> None:
    rig = install()
    busy(rig, pve1=20, pve2=10, pve3=2)
    rig.cluster.nodes["pve3"].bridges = []
    assert rig.node(rig.deploy()) == "pve2"


def test_a_node_that_is_off_is_never_chosen(install: Install) -> None:
    rig = install()
    busy(rig, pve1=20, pve2=10, pve3=2)
    rig.cluster.nodes["pve3"].online = False
    assert rig.node(rig.deploy()) == "pve2"


@pytest.mark.req("DEP-19")
def test_on_the_right_node_already_nothing_is_migrated(install: Install) -> None:
    rig = install(node="pve1")
    rig.deploy()
    assert rig.calls("POST", "/migrate") == []
    assert migration(rig.lines) == "Migrate to target node (skip — same node) success (set_dns -> migrated)"


@pytest.mark.req("DEP-20")
def test_with_migration_switched_off_the_vm_stays_on_the_node_of_the_template(install: Install) -> None:
    rig = install(node="pve3")
    rig.house.settings.change({"migration_enabled": "off"})
    service = rig.deploy()
    assert rig.calls("POST", "/migrate") == []
    assert rig.node(service) == "pve1"
    assert "(skip — migration disabled)" in migration(rig.lines)


@pytest.mark.req("DEP-21")
def test_a_migration_longer_than_its_timeout_is_waited_for_and_not_started_twice(install: Install) -> None:
    rig = install(node="pve3", clone_type="full", **LOCAL)
    rig.house.settings.change({"migration_timeout": 40})
    rig.cluster.timing.durations["qmigrate"] = 100.0
    service = rig.order()
    began = rig.clock.now()
    line = failed_step(rig.tick())
    assert rig.clock.now() - began < 60
    assert "still running (set_dns -> set_dns)" in line
    assert rig.states()[service] == "set_dns"
    rig.run()
    assert rig.states()[service] == "ready"
    assert rig.node(service) == "pve3"
    assert len(rig.calls("POST", "/migrate")) == 1


@pytest.mark.req("DEP-21")
def test_a_migration_is_given_five_minutes_by_default(install: Install) -> None:
    rig = install(node="pve3", clone_type="full", **LOCAL)
    rig.cluster.timing.durations["qmigrate"] = 280.0
    service = rig.order()
    printed = rig.tick()
    assert rig.states()[service] == "ready", printed


@pytest.mark.req("DEP-23")
@pytest.mark.parametrize("reason", ["the node with the storage is off", "the pinned node does not exist"])
def test_where_no_node_suits_the_vm_stays_and_gets_ready(install: Install, reason: str) -> None:
    rig = install(sys_storage="elsewhere", os_template="9001", clone_type="full")
    rig.cluster.storages["elsewhere"] = Storage("elsewhere", "lvmthin", ("images",), nodes=("pve3",))
    rig.cluster.nodes["pve3"].online = False
    if reason == "the pinned node does not exist":
        rig.set_product(node="pve9", sys_storage="local-lvm")
    service = rig.deploy()
    assert rig.node(service) == "pve2"
    assert "(skip — no suitable node) success" in migration(rig.lines)


@pytest.mark.req("DEP-24")
def test_after_a_failed_migration_the_vm_stays_and_gets_ready(install: Install) -> None:
    rig = install(node="pve3", clone_type="full", **LOCAL)
    rig.fault(kind="task-fails", task_type="qmigrate", exit_status="migration aborted")
    service = rig.deploy()
    assert rig.node(service) == "pve2"
    assert "migration failed" in migration(rig.lines)
    assert any("migration aborted" in row for row in rig.module_log())
    assert len(rig.calls("POST", "/migrate")) == 1


@pytest.mark.req("DEP-24")
def test_after_a_refused_migration_the_vm_stays_and_gets_ready(install: Install) -> None:
    rig = install(node="pve3", clone_type="full", **LOCAL)
    rig.fault("POST .*/migrate", status=500, text="can't migrate VM which uses local devices: local cdrom image")
    service = rig.deploy()
    assert rig.node(service) == "pve2"
    assert any("local cdrom image" in row for row in rig.module_log())


@pytest.mark.req("ENG-06")
def test_a_migration_whose_answer_was_lost_is_not_started_twice(install: Install) -> None:
    rig = install(node="pve3", clone_type="full", **LOCAL)
    rig.fault("POST .*/migrate", "cut-after")
    service = rig.order()
    rig.run()
    assert rig.node(service) == "pve3"
    tasks = [task for task in rig.cluster.tasks.all() if task.type == "qmigrate"]
    assert len(tasks) == 1
    invariants.all_hold(rig, [service], {service: (2, 1)})


def test_a_linked_clone_on_local_storage_stays_with_its_base(install: Install) -> None:
    rig = install(node="pve3", clone_type="linked", os_template="9100")
    rig.cluster.storages["files"] = Storage("files", "dir", ("images",), path="/mnt/files")
    card = {"net0": "virtio={mac},bridge=vmbr0", "memory": "1024", "scsihw": "virtio-scsi-single"}
    add_template(rig.cluster, 9100, "files", "pve2", "files", LINUX, card, size=2 << 30, fmt="qcow2")
    rig.set_product(sys_storage="auto (from template)")
    service = rig.deploy()
    assert rig.node(service) == "pve2"
    assert "(skip — Full Clone is needed" in migration(rig.lines)
    assert rig.calls("POST", "/migrate") == []


@pytest.mark.req("DEP-18")
def test_a_linked_clone_on_shared_storage_is_migrated(install: Install) -> None:
    rig = install(node="pve3", clone_type="linked")
    service = rig.deploy()
    assert rig.node(service) == "pve3"
    assert "base-9000-disk-0/" in rig.disk(service)["file"]


@pytest.mark.req("ISO-17")
@pytest.mark.parametrize(("storage", "after"), [("local", "none"), ("backup", "backup:iso/drivers.iso")])
def test_an_image_that_only_one_node_has_is_ejected_before_the_migration(
    install: Install, storage: str, after: str
) -> None:
    rig = install(node="pve3", clone_type="full", **LOCAL)
    add_iso(rig.cluster, storage, "pve2" if storage == "local" else "", "drivers.iso")
    rig.cluster.guests[9001].config["sata0"] = f"{storage}:iso/drivers.iso,media=cdrom"
    service = rig.deploy()
    assert rig.node(service) == "pve3"
    assert migration(rig.lines) == "Migrate to target node success (set_dns -> migrated)"
    assert str(rig.config(service)["sata0"]).split(",")[0] == after
    assert "cloudinit" in str(rig.config(service)["ide2"])
