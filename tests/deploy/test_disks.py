"""System disk and additional disk: size, storage, I/O limits; nothing is ever shrunk."""

import pytest

from bridge.models.companion import ProductSetting
from bridge.sandbox.proxmox.storage import Storage, Volume
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step, steps

LIMITS = ("mbps_rd", "mbps_wr", "iops_rd", "iops_wr")
OPTIONS = {
    "mbps_rd": "Read Bandwidth",
    "mbps_wr": "Write Bandwidth",
    "iops_rd": "Read IOPS",
    "iops_wr": "Write IOPS",
}


def bare(rig: Installation, **settings: str) -> Installation:
    """A product that has everything about disks on its default, but `settings`."""
    ProductSetting.delete().where(
        ProductSetting.name.startswith("sys_") | ProductSetting.name.startswith("add_")
    ).execute()
    rig.set_product(**settings)
    return rig


def limits_of(disk: dict[str, str]) -> dict[str, str]:
    return {key: disk[key] for key in LIMITS if key in disk}


@pytest.mark.req("DEP-27", "CFG-49", "STO-06", "TPL-02")
def test_the_system_disk_grows_to_the_size_of_the_product(install: Install) -> None:
    rig = bare(install(), sys_size="25")
    service = rig.deploy()
    assert rig.disk(service)["size"] == "25G"
    assert [call.params["disk"] for call in rig.calls("PUT", "/resize")] == ["scsi0"]


@pytest.mark.req("OPT-06")
def test_the_option_decides_about_the_system_disk(install: Install) -> None:
    rig = bare(install(), sys_size="25")
    service = rig.order_with({"System Disk": "40|40 GB"})
    rig.run()
    assert rig.disk(service)["size"] == "40G"


@pytest.mark.req("CFG-47", "CFG-49", "CFG-51", "DEP-27", "DEP-29", "STO-03")
def test_a_product_with_all_zeros_leaves_the_disks_of_the_template_as_they_are(install: Install) -> None:
    rig = bare(install())
    template = rig.cluster.guests[9000].config
    template["scsi0"] = str(template["scsi0"]) + ",cache=writeback,mbps_rd=77"
    service = rig.deploy()
    disk = rig.disk(service)
    assert (disk["size"], disk["cache"], disk["mbps_rd"]) == ("3G", "writeback", "77")
    assert rig.calls("PUT", "/resize") == []
    assert not [call for call in rig.calls("PUT", "/config") if any(key.startswith("scsi") for key in call.params)]
    assert not [key for key in rig.config(service) if key.startswith("scsi") and key not in ("scsi0", "scsihw")]


@pytest.mark.req("STO-07", "DEP-27", "TPL-02")
def test_a_template_larger_than_the_product_is_not_shrunk_and_that_is_logged(install: Install) -> None:
    rig = bare(install(), sys_size="2")
    service = rig.deploy()
    assert rig.disk(service)["size"] == "3G"
    assert rig.calls("PUT", "/resize") == []
    (line,) = [line for line in steps(rig.lines) if "Resize system disk" in line]
    assert line.split(". ")[1].startswith("Resize system disk (skip — shrink not allowed by Proxmox) success")
    assert any(row.startswith("system_disk_shrink_rejected") for row in rig.module_log())


@pytest.mark.req("DEP-28", "CFG-49")
@pytest.mark.parametrize("key", LIMITS)
def test_each_limit_of_the_system_disk(install: Install, key: str) -> None:
    rig = bare(install(), **{f"sys_{key}": "120"})
    assert limits_of(rig.disk(rig.deploy())) == {key: "120"}


@pytest.mark.req("OPT-08", "OPT-09", "OPT-10", "OPT-11")
@pytest.mark.parametrize("key", LIMITS)
def test_each_option_for_a_limit_of_the_system_disk(install: Install, key: str) -> None:
    rig = bare(install(), **{f"sys_{key}": "120"})
    service = rig.order_with({f"System Disk {OPTIONS[key]}": "500|fast"})
    rig.run()
    assert limits_of(rig.disk(service)) == {key: "500"}


@pytest.mark.req("OPT-27")
@pytest.mark.parametrize("key", LIMITS)
def test_the_option_zero_means_unlimited_and_leaves_the_key_out(install: Install, key: str) -> None:
    rig = bare(install(), add_size="5", **{f"sys_{key}": "120", f"add_{key}": "120"})
    service = rig.order_with({f"System Disk {OPTIONS[key]}": "0|free", f"Additional Disk {OPTIONS[key]}": "0|free"})
    rig.run()
    assert limits_of(rig.disk(service)) == {}
    assert limits_of(rig.disk(service, "scsi1")) == {}


@pytest.mark.req("OPT-27")
def test_the_option_zero_removes_a_limit_that_the_template_has(install: Install) -> None:
    rig = bare(install())
    rig.cluster.guests[9000].config["scsi0"] = str(rig.cluster.guests[9000].config["scsi0"]) + ",mbps_rd=77"
    service = rig.order_with({"System Disk Read Bandwidth": "0|free"})
    rig.run()
    assert limits_of(rig.disk(service)) == {}


@pytest.mark.req("DEP-29", "DEP-30", "CFG-50", "CFG-51", "STO-01", "STO-05", "STO-06")
def test_the_additional_disk_is_made_on_the_storage_of_the_system_disk(install: Install) -> None:
    rig = bare(install(os_template="9001"), add_size="15")
    service = rig.deploy()
    disk = rig.disk(service, "scsi1")
    assert disk["file"].startswith("local-lvm:")
    assert disk["size"] == "15G"
    assert rig.config(service)["boot"] == "order=scsi0"


@pytest.mark.req("DEP-29", "CFG-50")
def test_the_additional_disk_is_made_on_its_own_storage(install: Install) -> None:
    rig = bare(install(), add_size="15", add_storage="local-lvm")
    service = rig.deploy()
    assert rig.disk(service, "scsi1")["file"].startswith("local-lvm:")
    assert rig.disk(service, "scsi0")["file"].startswith("ceph-vm:")


@pytest.mark.req("OPT-07", "DEP-29")
@pytest.mark.parametrize(("choice", "size"), [("20|20 GB", "20G"), ("0|none", None)])
def test_the_option_decides_about_the_additional_disk(install: Install, choice: str, size: str | None) -> None:
    rig = bare(install(), add_size="15")
    service = rig.order_with({"Additional Disk": choice})
    rig.run()
    assert rig.disk(service, "scsi1")["size"] == size if size else "scsi1" not in rig.config(service)


@pytest.mark.req("DEP-30", "STO-07", "TPL-04")
def test_the_second_disk_of_a_template_is_grown_and_not_made_anew(install: Install) -> None:
    rig = bare(install(clone_type="full"), add_size="15")
    _second_disk(rig, gib=4)
    service = rig.deploy()
    assert rig.disk(service, "scsi1")["size"] == "15G"
    (line,) = [line for line in steps(rig.lines) if "Create additional disk" in line]
    assert "(skip — exists) success" in line


@pytest.mark.req("TPL-04", "DEP-30")
def test_the_second_disk_of_a_template_stays_on_its_own_storage(install: Install) -> None:
    rig = bare(install(clone_type="full"), add_size="15", add_storage="local-lvm")
    volumes = rig.cluster.storages["local-lvm"].on("pve1")
    volumes["base-9000-disk-1"] = Volume("base-9000-disk-1", "images", "raw", 4 << 30, 9000)
    rig.cluster.guests[9000].config["scsi1"] = "local-lvm:base-9000-disk-1,size=4G"
    service = rig.deploy()
    second = rig.disk(service, "scsi1")
    assert (second["file"].partition(":")[0], second["size"]) == ("local-lvm", "15G")
    assert rig.disk(service)["file"].startswith("ceph-vm:")
    assert "scsi2" not in rig.config(service)


@pytest.mark.req("STO-07", "DEP-30", "TPL-02")
def test_a_larger_second_disk_of_a_template_is_not_shrunk(install: Install) -> None:
    rig = bare(install(clone_type="full"), add_size="3")
    _second_disk(rig, gib=4)
    service = rig.deploy()
    assert rig.disk(service, "scsi1")["size"] == "4G"
    assert any(row.startswith("additional_disk_shrink_rejected") for row in rig.module_log())


@pytest.mark.req("DEP-29")
def test_the_second_disk_of_a_template_stays_where_the_product_has_none(install: Install) -> None:
    rig = bare(install(clone_type="full"))
    _second_disk(rig, gib=4)
    assert rig.disk(rig.deploy(), "scsi1")["size"] == "4G"


def _second_disk(rig: Installation, gib: int) -> None:
    volumes = rig.cluster.storages["ceph-vm"].on("pve1")
    volumes["base-9000-disk-1"] = Volume("base-9000-disk-1", "images", "raw", gib << 30, 9000)
    rig.cluster.guests[9000].config["scsi1"] = f"ceph-vm:base-9000-disk-1,size={gib}G"


@pytest.mark.req("DEP-31", "CFG-51")
@pytest.mark.parametrize("key", LIMITS)
def test_each_limit_of_the_additional_disk(install: Install, key: str) -> None:
    rig = bare(install(), add_size="15", **{f"add_{key}": "90"})
    assert limits_of(rig.disk(rig.deploy(), "scsi1")) == {key: "90"}


@pytest.mark.req("OPT-12", "OPT-13", "OPT-14", "OPT-15", "DEP-31")
@pytest.mark.parametrize("key", LIMITS)
def test_each_option_for_a_limit_of_the_additional_disk(install: Install, key: str) -> None:
    rig = bare(install(), add_size="15", **{f"add_{key}": "90"})
    service = rig.order_with({f"Additional Disk {OPTIONS[key]}": "50|slow"})
    rig.run()
    assert limits_of(rig.disk(service, "scsi1")) == {key: "50"}


@pytest.mark.req("DEP-29", "DEP-30", "DEP-31")
def test_without_an_additional_disk_its_three_steps_are_skipped(install: Install) -> None:
    rig = bare(install(), add_mbps_rd="50")
    rig.deploy()
    lines = [line for line in steps(rig.lines) if "dditional disk" in line]
    assert len(lines) == 3
    assert all("(skip — not configured) success" in line for line in lines)


@pytest.mark.req("STO-01")
def test_the_system_disk_is_the_one_the_template_boots_from(install: Install) -> None:
    rig = bare(install(clone_type="full"), sys_size="30")
    _second_disk(rig, gib=4)
    rig.cluster.guests[9000].config["boot"] = "order=scsi1;scsi0"
    service = rig.deploy()
    assert (rig.disk(service, "scsi1")["size"], rig.disk(service, "scsi0")["size"]) == ("30G", "3G")


@pytest.mark.req("STO-09", "ENG-21")
@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("missing", "storage missing does not exist on node pve1"),
        ("backup", "storage backup on node pve1 does not take disk images"),
    ],
)
def test_a_storage_that_cannot_take_the_additional_disk(install: Install, storage: str, message: str) -> None:
    rig = bare(install(), add_size="15", add_storage=storage)
    service = rig.order()
    line = failed_step(rig.tick())
    assert f"Create additional disk              {message} (set_system_disk_bandwidth -> set_system_" in line
    assert rig.work(service).attention_who == "admin"

    rig.cluster.storages[storage] = Storage(storage, "rbd", ("images",), shared=True)
    rig.run()
    assert rig.disk(service, "scsi1")["file"].startswith(f"{storage}:")


@pytest.mark.req("DEP-39", "ENG-06", "ENG-17")
def test_a_resize_that_failed_is_tried_again_at_the_next_tick(install: Install) -> None:
    rig = bare(install(), sys_size="20")
    rig.fault(kind="task-fails", task_type="resize", exit_status="got timeout")
    service = rig.order()
    line = failed_step(rig.tick())
    assert "Could not resize scsi0 of VM 100 to 20 GB: got timeout. Will retry." in line
    rig.run()
    assert rig.disk(service)["size"] == "20G"


@pytest.mark.req("ENG-06")
def test_a_resize_whose_answer_was_lost_has_happened_once(install: Install) -> None:
    rig = bare(install(), sys_size="20")
    rig.fault("PUT .*/resize", "cut-after")
    service = rig.order()
    rig.run()
    assert rig.disk(service)["size"] == "20G"
    assert [task.exit_status for task in rig.cluster.tasks.all() if task.type == "resize"] == ["OK"]


@pytest.mark.req("ENG-06")
def test_an_additional_disk_whose_answer_was_lost_is_not_made_twice(install: Install) -> None:
    rig = bare(install(), add_size="15")
    rig.fault("PUT .*/config", "cut-after", after=1)
    service = rig.order()
    rig.run()
    assert rig.states()[service] == "ready"
    vmid = rig.record(service).vm_id
    assert sorted(name for name in rig.volumes() if f"vm-{vmid}-disk" in name) == [
        f"ceph-vm:vm-{vmid}-disk-0",
        f"ceph-vm:vm-{vmid}-disk-1",
    ]
