"""Clone VM: exactly one VM per service, from the template of the package, on the template's node."""

import pytest

from bridge.models.companion import ProductSetting, Slot, VmidReservation
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.layouts import LINUX, add_template
from bridge.sandbox.proxmox.storage import BLANK, Storage
from providers.proxmox import Mark
from tests.chaos import invariants
from tests.chaos.rig import INSTALL
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step


def of_type(rig: Installation, kind: str) -> list[str]:
    """Exit statuses of all tasks of a type, the oldest first."""
    return [str(task.exit_status) for task in rig.cluster.tasks.all() if task.type == kind]


@pytest.mark.req("DEP-13", "CFG-10", "DEP-50", "STO-04", "ENG-02")
def test_a_full_clone_names_its_storage_and_shares_no_disk(install: Install) -> None:
    rig = install(clone_type="full", sys_storage="ceph-vm")
    service = rig.deploy()
    (call,) = rig.calls("POST", "/clone")
    assert call.path == "/nodes/pve1/qemu/9000/clone"
    assert call.params == {
        "newid": str(rig.record(service).vm_id),
        "name": rig.record(service).vm_name,
        "description": Mark(INSTALL, service).description,
        "full": "1",
        "storage": "ceph-vm",
    }
    assert "base-" not in rig.disk(service)["file"]
    assert Mark(INSTALL, service).tag in rig.config(service)["tags"]


@pytest.mark.req("DEP-13", "CFG-10", "DEP-50")
def test_a_linked_clone_names_no_storage_and_shares_the_base_disk(install: Install) -> None:
    rig = install(clone_type="linked")
    service = rig.deploy()
    (call,) = rig.calls("POST", "/clone")
    assert call.params["full"] == "0"
    assert "storage" not in call.params
    assert "base-9000-disk-0/" in rig.disk(service)["file"]


@pytest.mark.req("CFG-10")
def test_a_product_is_cloned_as_a_linked_clone_unless_it_says_otherwise(install: Install) -> None:
    rig = install()
    ProductSetting.delete().where(ProductSetting.name == "clone_type").execute()
    rig.deploy()
    assert rig.calls("POST", "/clone")[0].params["full"] == "0"


@pytest.mark.req("TPL-01")
def test_nothing_but_the_clone_of_a_template_makes_a_vm(install: Install) -> None:
    rig = install(os_template="9001", sys_storage="local-lvm")
    rig.deploy()
    made = [call.path for call in rig.sent if call.method == "POST" and call.path.endswith(("/qemu", "/clone", "/lxc"))]
    assert made == ["/nodes/pve2/qemu/9001/clone"]
    assert not [call for call in rig.sent if any("iso/" in value for value in call.params.values())]


@pytest.mark.req("TPL-08")
@pytest.mark.parametrize("disk", ["scsi0", "sata0", "virtio0", "ide0"])
def test_a_windows_template_becomes_a_vm_in_the_same_way(install: Install, disk: str) -> None:
    """cloudbase-init reads the same cloud-init drive; a fresh Windows has no agent and does not hear the power button."""
    rig = install(os_template="9100", net_model="e1000")
    card = {"net0": "e1000={mac},bridge=vmbr0", "memory": "4096", "ostype": "win11", "machine": "pc-q35-8.1"}
    config = {**card, "bios": "ovmf", "scsihw": "virtio-scsi-pci", "cores": 2}
    add_template(rig.cluster, 9100, "windows", "pve1", "ceph-vm", BLANK, config, size=3 << 30, key=disk)
    service = rig.deploy()
    invariants.all_hold(rig, [service], {service: (2, 1)})
    assert (rig.config(service)["ostype"], rig.disk(service, disk)["size"]) == ("win11", "20G")
    assert rig.calls("POST", "/status/start")[-1].status == 200


@pytest.mark.req("OPT-19", "OPT-33", "MIG-16", "TPL-10")
@pytest.mark.parametrize(
    ("option", "choice"), [("Operating System", "9001|Debian 12"), ("OS|Vorlage", "9001|Debian 12")]
)
def test_the_option_for_the_operating_system_chooses_the_template(install: Install, option: str, choice: str) -> None:
    rig = install(os_template="9000", sys_storage="local-lvm")
    service = rig.order_with({option: choice})
    rig.run()
    assert rig.states()[service] == "ready"
    assert [call.path for call in rig.calls("POST", "/clone")] == ["/nodes/pve2/qemu/9001/clone"]


@pytest.mark.req("STO-03", "CFG-48", "TPL-10")
@pytest.mark.parametrize(("template", "storage"), [("9000", "ceph-vm"), ("9001", "local-lvm")])
def test_without_a_chosen_storage_the_disk_stays_on_that_of_the_template(
    install: Install, template: str, storage: str
) -> None:
    rig = install(os_template=template, sys_storage="auto (from template)")
    service = rig.deploy()
    assert "storage" not in rig.calls("POST", "/clone")[0].params
    assert rig.disk(service)["file"].startswith(f"{storage}:")


@pytest.mark.req("STO-08")
@pytest.mark.parametrize("kind", ["dir", "nfs"])
@pytest.mark.parametrize("clone_type", ["full", "linked"])
def test_a_single_node_with_files_as_disks(install: Install, kind: str, clone_type: str) -> None:
    rig = install(os_template="9100", sys_storage="files", node="pve1", clone_type=clone_type)
    rig.cluster.storages["files"] = Storage("files", kind, ("images",), shared=kind == "nfs", path="/mnt/files")
    del rig.cluster.guests[9001], rig.cluster.nodes["pve2"], rig.cluster.nodes["pve3"]
    card = {"net0": "virtio={mac},bridge=vmbr0", "memory": "1024", "scsihw": "virtio-scsi-single"}
    add_template(rig.cluster, 9100, "files", "pve1", "files", LINUX, card, size=2 << 30, fmt="qcow2")
    service = rig.deploy()
    vmid = rig.record(service).vm_id
    assert rig.disk(service)["file"].endswith(f"{vmid}/vm-{vmid}-disk-0.qcow2")
    assert rig.disk(service)["size"] == "20G"


@pytest.mark.req("DEP-14", "DEP-47", "ENG-19", "ENG-05")
def test_a_clone_that_takes_longer_than_a_tick_waits_is_waited_for_on_the_next_ones(install: Install) -> None:
    rig = install()
    rig.cluster.timing.durations["qmclone"] = 1500.0
    service = rig.order()
    assert failed_step(rig.tick()).startswith(" 2. Clone VM ")
    assert rig.states()[service] == "set_ip"
    assert rig.log(service)["result"] == "waiting"
    assert "still running" in rig.log(service)["error"]
    assert "still running" in str(rig.work(service).attention_cause)
    rig.run()
    assert rig.states()[service] == "ready"
    assert len(rig.calls("POST", "/clone")) == 1


@pytest.mark.req("DEP-15", "DEP-39", "ENG-17")
def test_a_clone_that_failed_is_started_again_at_the_next_tick(install: Install) -> None:
    rig = install()
    rig.fault(kind="task-fails", task_type="qmclone", exit_status="clone failed: disk on fire")
    service = rig.order()
    printed = rig.tick()
    line = failed_step(printed)
    assert line.endswith("clone failed: disk on fire. Will retry. (set_ip -> set_ip)"), line
    assert rig.log(service)["error"] in line
    vmid = rig.record(service).vm_id
    assert Slot.select().count() == 0

    printed = rig.tick()
    assert "  1. Clone VM" in next(line for line in printed if line.startswith("  ["))
    assert rig.states()[service] == "ready"
    assert rig.record(service).vm_id == vmid
    assert of_type(rig, "qmclone") == ["clone failed: disk on fire", "OK"]


@pytest.mark.req("ENG-23")
def test_warnings_of_the_clone_are_logged_and_do_not_stop_it(install: Install) -> None:
    rig = install()
    rig.fault(kind="task-warnings", task_type="qmclone", text="EFI disk without pre-enrolled keys")
    rig.deploy()
    assert of_type(rig, "qmclone") == ["WARNINGS: 1"]
    assert any("EFI disk without pre-enrolled keys" in row for row in rig.module_log())


@pytest.mark.req("DEP-51", "NET-05")
def test_the_mac_of_the_clone_is_stored_and_kept(install: Install) -> None:
    rig = install()
    service = rig.deploy()
    template = rig.cluster.guests[9000].config["net0"]
    looks = [call.data["net0"] for call in rig.calls("GET", "/config") if call.data and "net0" in call.data]
    (after_clone,) = {net for net in looks if "rate=" not in net}
    mac = rig.record(service).vm_net0_mac
    assert f"virtio={mac}," in after_clone
    assert f"virtio={mac}," in rig.config(service)["net0"]
    assert mac not in template


@pytest.mark.req("ENG-03", "DEP-44")
def test_a_clone_whose_answer_was_lost_is_adopted(install: Install) -> None:
    rig = install()
    rig.fault("POST .*/clone", "cut-after")
    service = rig.order()
    rig.tick()
    assert rig.states()[service] == "set_ip"
    rig.run()
    assert of_type(rig, "qmclone") == ["OK"]
    invariants.all_hold(rig, [service], {service: (2, 1)})


@pytest.mark.req("ENG-04")
def test_a_stranger_that_took_the_vmid_is_left_alone_and_another_vmid_taken(install: Install) -> None:
    rig = install()
    rig.fault("POST .*/clone", times=1, status=500)
    service = rig.order()
    rig.tick()
    assert rig.record(service).vm_id == 100
    stranger = {"name": "not-ours", "memory": "512", "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}
    rig.cluster.guests[100] = Guest(100, "pve1", dict(stranger))
    before = len(rig.sent)

    rig.run()
    assert rig.states()[service] == "ready"
    assert rig.record(service).vm_id == 101
    assert rig.vm_config(100) == stranger
    assert not [call for call in rig.sent[before:] if call.method != "GET" and "/qemu/100/" in call.path]
    assert VmidReservation.get(VmidReservation.vmid == 100).service_id is None


@pytest.mark.req("ENG-04")
def test_a_vm_of_another_service_of_ours_is_a_stranger_too(install: Install) -> None:
    rig = install()
    rig.fault("POST .*/clone", times=1, status=500)
    service = rig.order()
    rig.tick()
    rig.cluster.guests[100] = Guest(100, "pve1", {"description": Mark(INSTALL, service + 1).description})
    rig.run()
    assert rig.record(service).vm_id == 101


@pytest.mark.req("ENG-06")
def test_when_no_worker_could_be_started_nothing_is_cloned_twice(install: Install) -> None:
    rig = install()
    rig.fault("POST .*/clone", "no-worker")
    service = rig.order()
    rig.run()
    assert rig.states()[service] == "ready"
    assert of_type(rig, "qmclone") == ["OK"]


def test_rules_that_an_earlier_vm_with_this_vmid_left_behind_are_cleared(install: Install) -> None:
    rig = install()
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    base = "nodes/pve1/qemu/100/firewall"
    proxmox._api.post("make", f"{base}/rules", {"type": "in", "action": "DROP", "enable": 1})
    proxmox._api.post("make", f"{base}/ipset", {"name": "old"})
    service = rig.deploy()
    assert rig.record(service).vm_id == 100
    assert rig.firewall(service, "rules") == []
    assert [row["name"] for row in rig.firewall(service, "ipset")] == ["ipfilter-net0"]
