"""The client's page ISO mount, through the protocol: folders, mounting, unmounting, and what stays untouched."""

import json
from typing import Any

import pytest

from bridge.models.companion import VmWork
from bridge.sandbox.proxmox.layouts import add_iso
from bridge.sandbox.proxmox.storage import Volume
from tests.commands.browser import Browser
from tests.commands.conftest import Desk, Open

NOW = {"done": True, "applies": "now"}
NOT_OFFERED = "This ISO image is not available."


def drives(rig: Desk, service: int) -> dict[str, str]:
    """All CD-ROM drives but the cloud-init drive, without sizes."""
    config = {key: str(value).split(",size=")[0] for key, value in rig.config(service).items()}
    return {key: text for key, text in config.items() if ",media=cdrom" in text and "cloudinit" not in text}


def with_drive(rig: Desk, service: int) -> None:
    """The VM has an empty CD-ROM drive, as most templates bring one along."""
    rig.cluster.guests[100].config["ide0"] = "none,media=cdrom"


def mounted(rig: Desk, service: int) -> str:
    return str(Browser(rig).read(service, "iso_list")["mounted"])


@pytest.mark.req("ISO-02", "ISO-03", "ISO-04", "ISO-14")
def test_images_are_in_folders_by_the_part_before_the_dash_whatever_its_case(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    for name in ("debian-13.iso", "DEBIAN-11.iso", "Zorin-17.iso", "myimage.iso", "-odd.iso", "other-1.iso"):
        add_iso(rig.cluster, "backup", "", name)
    answer = Browser(rig).read(service, "iso_list")
    assert (answer["mounted"], answer["boot"]) == ("", "no")
    assert answer["folders"] == [
        {"name": "ALPINE", "files": ["alpine-standard-3.21.3-x86_64.iso"]},
        {"name": "DEBIAN", "files": ["DEBIAN-11.iso", "debian-12.5.0-amd64-netinst.iso", "debian-13.iso"]},
        {"name": "ZORIN", "files": ["Zorin-17.iso"]},
        {"name": "OTHER", "files": ["-odd.iso", "memtest.iso", "myimage.iso", "other-1.iso"]},
    ]


@pytest.mark.req("ISO-07", "ISO-10", "ISO-14")
def test_an_image_is_mounted_and_unmounted_while_the_cloud_init_drive_stays(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    browser, cloudinit = Browser(rig), rig.config(service)["ide2"]
    assert "cloudinit" in cloudinit
    assert browser.press(service, "iso_mount", file="memtest.iso") == NOW
    assert drives(rig, service) == {"ide0": "backup:iso/memtest.iso,media=cdrom"}
    assert browser.read(service, "iso_list")["mounted"] == "memtest.iso"
    assert browser.press(service, "iso_unmount") == NOW
    assert drives(rig, service) == {"ide0": "none,media=cdrom"}
    assert browser.read(service, "iso_list")["mounted"] == ""
    assert rig.config(service)["ide2"] == cloudinit
    assert rig.is_at_rest(service)


@pytest.mark.req("ISO-08")
def test_another_image_takes_the_place_of_the_mounted_one(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    browser = Browser(rig)
    for name in ("memtest.iso", "debian-12.5.0-amd64-netinst.iso"):
        assert browser.press(service, "iso_mount", file=name) == NOW
    assert drives(rig, service) == {"ide0": "backup:iso/debian-12.5.0-amd64-netinst.iso,media=cdrom"}


def test_what_is_mounted_already_or_not_at_all_is_not_written_again(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    browser = Browser(rig)
    browser.press(service, "iso_mount", file="memtest.iso")
    rig.sent.clear()
    assert browser.press(service, "iso_mount", file="memtest.iso") == NOW
    assert rig.writes() == []
    browser.press(service, "iso_unmount")
    rig.sent.clear()
    assert browser.press(service, "iso_unmount") == NOW
    assert rig.writes() == []


@pytest.mark.req("ISO-15")
def test_a_stopped_vm_without_a_drive_gets_one(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.unplug(service)
    assert drives(rig, service) == {}
    assert Browser(rig).press(service, "iso_mount", file="memtest.iso") == NOW
    assert drives(rig, service) == {"ide0": "backup:iso/memtest.iso,media=cdrom"}


@pytest.mark.req("ISO-15")
def test_a_running_vm_without_a_drive_has_it_from_its_next_start_on(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    browser = Browser(rig)
    answer = browser.press(service, "iso_mount", file="memtest.iso")
    assert answer == {"done": True, "applies": "when the VM is started again"}
    assert drives(rig, service) == {}
    assert mounted(rig, service) == "memtest.iso"
    browser.press(service, "reboot")
    rig.run()
    rig.clock.advance(30)
    assert drives(rig, service) == {"ide0": "backup:iso/memtest.iso,media=cdrom"}
    assert rig.power(service) == "running"


def test_a_vm_without_a_free_slot_goes_wrong_and_keeps_its_drives(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    config = rig.cluster.guests[100].config
    for key in ("ide0", "ide1", "ide3", *(f"sata{number}" for number in range(6))):
        config[key] = f"ceph-vm:vm-100-{key},size=1G"
    before = dict(config)
    assert Browser(rig).press(service, "iso_mount", file="memtest.iso") == "Something went wrong"
    assert config == before
    assert "no free IDE or SATA slot" in rig.log(service)["error"]


@pytest.mark.req("ISO-11")
@pytest.mark.parametrize(
    "file",
    [
        "local-only.iso",
        "local:iso/local-only.iso",
        "backup:iso/memtest.iso",
        "backup:dump/vzdump-qemu-100.vma.zst",
        "vzdump-qemu-100.vma.zst",
        "../memtest.iso",
        "iso/memtest.iso",
        "MEMTEST.ISO",
        "none",
        "",
        "memtest.iso,media=disk",
    ],
)
def test_what_is_not_on_the_products_storage_is_neither_listed_nor_mounted(desk: Open, file: str) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    add_iso(rig.cluster, "local", "pve1", "local-only.iso")
    dump = Volume("dump/vzdump-qemu-100.vma.zst", "backup", "vma.zst", 5, 100)
    rig.cluster.storages["backup"].on("pve1")[dump.name] = dump
    browser = Browser(rig)
    listed: list[Any] = [name for folder in browser.read(service, "iso_list")["folders"] for name in folder["files"]]
    assert len(listed) == 3
    assert file not in listed
    rig.sent.clear()
    assert browser.press(service, "iso_mount", file=file) == NOT_OFFERED
    assert rig.writes() == []
    assert drives(rig, service) == {"ide0": "none,media=cdrom"}


@pytest.mark.req("ISO-12")
def test_images_on_a_local_storage_are_those_of_the_vms_node(desk: Open) -> None:
    rig = desk(iso_storage="local", os_template="9001", sys_storage="local-lvm", node="pve2")
    service = rig.deploy()
    assert rig.node(service) == "pve2"
    with_drive(rig, service)
    add_iso(rig.cluster, "local", "pve1", "far-1.iso")
    add_iso(rig.cluster, "local", "pve2", "near-1.iso")
    browser = Browser(rig)
    assert browser.read(service, "iso_list")["folders"] == [{"name": "NEAR", "files": ["near-1.iso"]}]
    assert browser.press(service, "iso_mount", file="far-1.iso") == NOT_OFFERED
    assert browser.press(service, "iso_mount", file="near-1.iso") == NOW
    assert drives(rig, service) == {"ide0": "local:iso/near-1.iso,media=cdrom"}


def test_a_product_without_a_storage_offers_nothing(desk: Open) -> None:
    rig = desk(iso_storage="none")
    service = rig.deploy()
    assert Browser(rig).read(service, "iso_list")["folders"] == []
    assert Browser(rig).press(service, "iso_mount", file="memtest.iso") == NOT_OFFERED


def test_a_storage_that_is_gone_is_told_without_its_name(desk: Open) -> None:
    rig = desk(iso_storage="gone")
    assert Browser(rig).read(rig.deploy(), "iso_list") == "Something went wrong"


def test_an_image_that_an_admin_removes_meanwhile_goes_wrong(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    rig.fault("^PUT .*/config", status=500, text="volume 'backup:iso/memtest.iso' does not exist")
    assert Browser(rig).press(service, "iso_mount", file="memtest.iso") == "Something went wrong"
    assert "memtest.iso" in rig.log(service)["error"]
    assert rig.is_at_rest(service)


@pytest.mark.req("ISO-16")
@pytest.mark.parametrize(("boot", "told"), [("order=ide0;scsi0", "first"), ("order=scsi0;ide0", "later")])
def test_whether_the_vm_boots_from_its_drive_is_told(desk: Open, boot: str, told: str) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    rig.cluster.guests[100].config["boot"] = boot
    assert Browser(rig).read(service, "iso_list")["boot"] == told


def test_the_list_can_be_read_while_a_backup_is_made(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].config["lock"] = "backup"
    assert len(Browser(rig).read(service, "iso_list")["folders"]) == 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_mount_whose_answer_is_lost_can_be_asked_for_again(desk: Open, moment: str) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    rig.fault("^PUT .*/config", kind=f"cut-{moment}")
    assert Browser(rig).press(service, "iso_mount", file="memtest.iso") == "Something went wrong"
    assert Browser(rig).press(service, "iso_mount", file="memtest.iso") == NOW
    assert drives(rig, service) == {"ide0": "backup:iso/memtest.iso,media=cdrom"}


def test_a_mount_whose_process_died_is_finished_by_the_scheduler(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    left = json.dumps({"command": "MountIso", "iso": "backup:iso/memtest.iso"})
    VmWork.update(intent=left, due_at=rig.clock.now()).where(VmWork.service_id == service).execute()
    rig.run()
    assert drives(rig, service) == {"ide0": "backup:iso/memtest.iso,media=cdrom"}
    assert rig.is_at_rest(service)


def test_an_image_of_another_storage_is_not_mounted_whoever_recorded_it(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    add_iso(rig.cluster, "local", "pve1", "local-only.iso")
    answer = rig.house.direct.run(service, "MountIso", {"iso": "local:iso/local-only.iso"})
    assert answer.text == "local:iso/local-only.iso is no ISO image on the product's ISOs storage"
    assert drives(rig, service) == {"ide0": "none,media=cdrom"}


@pytest.mark.parametrize("command", ["MountIso", "UnmountIso"])
def test_the_drive_of_a_suspended_vm_stays_as_it_is_whoever_asks(desk: Open, command: str) -> None:
    rig = desk()
    service = rig.deploy()
    with_drive(rig, service)
    rig.house.suspension.suspend(service)
    rig.run()
    answer = rig.house.direct.run(service, command, {"iso": "backup:iso/memtest.iso"})
    assert answer.text.endswith(f"is not possible: service {service} is suspended")
    assert drives(rig, service) == {"ide0": "none,media=cdrom"}
