"""Which drive is the CD-ROM drive, what is in it, and where one can be added."""

import pytest

from providers.proxmox.disk import Disk
from providers.proxmox.vmconfig import VmConfig

CLOUDINIT = {"ide2": "local-lvm:vm-100-cloudinit,media=cdrom"}
EMPTY = {"ide0": "none,media=cdrom"}
LOADED = {"sata1": "local:iso/debian-12.5.0.iso,media=cdrom,size=650M"}


def config(*parts: dict[str, str]) -> VmConfig:
    return VmConfig(
        {key: value for part in ({"scsi0": "local-lvm:vm-100-disk-0,size=10G"}, *parts) for key, value in part.items()}
    )


def test_the_cloud_init_drive_is_no_cdrom_drive() -> None:
    assert config(CLOUDINIT).cdrom() is None
    assert config().cdrom() is None


@pytest.mark.parametrize("name", ["cloudinit.iso", "vm-100-cloudinit.iso", "cloudinit.img"])
def test_an_image_that_is_called_like_the_cloud_init_drive_is_none(name: str) -> None:
    loaded = config(CLOUDINIT, {"ide0": f"local:iso/{name},media=cdrom"})
    drive = loaded.cdrom()
    assert drive
    assert (drive.interface, drive.medium) == ("ide0", name)
    found = loaded.cloudinit_drive()
    assert found
    assert found.interface == "ide2"


@pytest.mark.parametrize("volume", ["nfs:100/vm-100-cloudinit.qcow2", "zfs:vm-100-cloudinit", "local:cloudinit"])
def test_cloud_init_drives_of_all_storages_are_recognised(volume: str) -> None:
    assert Disk.parse("ide2", f"{volume},media=cdrom").is_cloudinit


def test_a_drive_with_an_image_goes_before_an_empty_one() -> None:
    drive = config(CLOUDINIT, EMPTY, LOADED).cdrom()
    assert drive
    assert (drive.interface, drive.medium) == ("sata1", "debian-12.5.0.iso")
    empty = config(CLOUDINIT, EMPTY).cdrom()
    assert empty
    assert (empty.interface, empty.medium) == ("ide0", "")


def test_a_disk_has_no_medium() -> None:
    disk = config().system_disk()
    assert disk
    assert disk.medium == ""


@pytest.mark.parametrize(
    ("before", "volume", "after"),
    [
        ("none,media=cdrom", "local:iso/a.iso", "local:iso/a.iso,media=cdrom"),
        ("none", "local:iso/a.iso", "local:iso/a.iso,media=cdrom"),
        ("local:iso/a.iso,media=cdrom,size=5K", None, "none,media=cdrom"),
        ("local:iso/a.iso,cache=none,media=cdrom,size=5K", "b:iso/b.iso", "b:iso/b.iso,cache=none,media=cdrom"),
    ],
)
def test_another_medium_leaves_the_rest_of_the_drive(before: str, volume: str | None, after: str) -> None:
    assert str(Disk.parse("ide0", before).with_medium(volume)) == after


def test_a_new_drive_takes_the_first_slot_that_is_free() -> None:
    free = []
    taken: dict[str, str] = {}
    while (drive := config(taken).new_cdrom()) is not None:
        assert str(drive) == "none,media=cdrom"
        free.append(drive.interface)
        taken[drive.interface] = str(drive)
    assert free == ["ide2", "ide0", "ide1", "ide3", "sata0", "sata1", "sata2", "sata3", "sata4", "sata5"]


@pytest.mark.parametrize(
    ("boot", "answer"),
    [
        ("order=ide0;scsi0", "first"),
        ("order=scsi0;ide0;net0", "later"),
        ("order=scsi0;net0", "no"),
        ("", "no"),
    ],
)
def test_whether_the_vm_boots_from_the_drive(boot: str, answer: str) -> None:
    assert config(EMPTY, {"boot": boot}).boots_from("ide0") == answer
