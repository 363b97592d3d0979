"""Which disk is which, what belongs to us, and the odd spellings of a VM's configuration."""

import pytest

from providers.proxmox.mark import Mark
from providers.proxmox.vmconfig import VmConfig

OURS = Mark("a1b2c3", 1001)

CLONE = {
    "agent": "enabled=1",
    "boot": "order=scsi0",
    "cores": 1,
    "digest": "0123456789abcdef0123456789abcdef01234567",
    "ide2": "local:100/vm-100-cloudinit.qcow2,media=cdrom,size=4M",
    "memory": "192",
    "name": "web1.example.com",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1",
    "scsi0": "local:100/vm-100-disk-0.qcow2,size=2G",
    "scsihw": "virtio-scsi-pci",
    "serial0": "socket",
    "unused0": "local:100/vm-100-disk-1.raw",
}


@pytest.mark.req("STO-01", "STO-02")
@pytest.mark.parametrize(
    ("about", "config", "system", "additional"),
    [
        (
            "the boot order decides, not the bus",
            {"boot": "order=virtio1;net0", "scsi0": "s:a,size=1G", "virtio1": "s:b,size=1G"},
            "virtio1",
            "scsi0",
        ),
        (
            "network and CD-ROM come before the disk in the boot order",
            {"boot": "order=net0;ide2;scsi1", "ide2": "none,media=cdrom", "scsi0": "s:a", "scsi1": "s:b"},
            "scsi1",
            "scsi0",
        ),
        (
            "a template from before 6.3",
            {"boot": "cdn", "bootdisk": "virtio0", "scsi0": "s:a", "virtio0": "s:b"},
            "virtio0",
            "scsi0",
        ),
        ("nothing said about booting", {"virtio0": "s:a", "scsi2": "s:b", "scsi10": "s:c"}, "scsi2", "scsi10"),
        ("the boot disk was detached", {"boot": " ", "sata0": "s:a"}, "sata0", None),
        ("the boot order names a disk that is gone", {"boot": "order=scsi9", "scsi1": "s:a"}, "scsi1", None),
        (
            "cloud-init, EFI and TPM volumes are no disks",
            {
                "boot": "order=scsi0",
                "scsi0": "s:a",
                "scsi1": "s:vm-1-cloudinit,media=cdrom",
                "efidisk0": "s:e,size=4M",
                "tpmstate0": "s:t",
            },
            "scsi0",
            None,
        ),
        ("no disk at all", {"boot": "order=net0", "ide2": "none,media=cdrom"}, None, None),
    ],
)
def test_system_and_additional_disk(
    about: str, config: dict[str, str], system: str | None, additional: str | None
) -> None:
    vm = VmConfig(config)
    found = vm.system_disk(), vm.additional_disk()
    assert tuple(disk and disk.interface for disk in found) == (system, additional), about


def test_a_new_disk_goes_into_the_next_free_slot_beside_the_system_disk() -> None:
    vm = VmConfig({"boot": "order=virtio0", "virtio0": "s:a", "virtio1": "s:b", "scsi0": "s:c"})
    disk = vm.new_disk("fast", 20)
    assert (disk.interface, str(disk)) == ("virtio2", "fast:20")


def test_a_full_bus_is_reported() -> None:
    vm = VmConfig({"boot": "order=ide0", **{f"ide{n}": f"s:{n}" for n in range(4)}})
    with pytest.raises(ValueError, match="no free ide slot"):
        vm.new_disk("fast", 20)


def test_a_clone_as_proxmox_answers_it() -> None:
    vm = VmConfig(CLONE)
    drive, card = vm.cloudinit_drive(), vm.net(0)
    assert drive is not None
    assert drive.interface == "ide2"
    assert card is not None
    assert (card.mac, card.firewall) == ("BC:24:11:00:00:01", True)
    assert (vm.name, vm.cores, vm.sockets, vm.memory, vm.lock) == ("web1.example.com", 1, 1, 192, None)
    assert [disk.interface for disk in vm.disks()] == ["scsi0"]
    assert vm.unused_volumes() == {"unused0": "local:100/vm-100-disk-1.raw"}
    assert vm.net(1) is None
    assert str(vm.net_or_new(0)) == str(card)
    assert (
        str(vm.net_or_new(1).with_(bridge="vmbr0", tag=None, rate=None, firewall=True))
        == "virtio,bridge=vmbr0,firewall=1"
    )
    assert not vm.ipconfig(0)


@pytest.mark.parametrize(
    ("raw", "mib"), [(512, 512), ("2048", 2048), ("current=4096", 4096), ("max=8192,current=1024", 1024), (None, 512)]
)
def test_memory_is_a_number_however_proxmox_spells_it(raw: object, mib: int) -> None:
    assert VmConfig({"memory": raw}).memory == mib


def test_ssh_keys_are_read_in_clear() -> None:
    assert VmConfig({"sshkeys": "ssh-ed25519%20AAAA%20me%40x%0A"}).sshkeys == "ssh-ed25519 AAAA me@x\n"


def test_a_running_clone_shows_as_a_locked_stub() -> None:
    assert VmConfig({"lock": "clone"}).is_clone_stub
    assert not VmConfig({"lock": "backup", "name": "x"}).is_clone_stub


@pytest.mark.parametrize(
    ("about", "config", "ours"),
    [
        ("as the clone call wrote it", {"description": OURS.description}, True),
        ("Proxmox adds a line end", {"description": OURS.description + "\n"}, True),
        ("people wrote around it", {"description": f"Do not reboot!\n\n{OURS.description}  (see ticket 7)\n"}, True),
        ("the notes were replaced, the tag stands", {"description": "moved by Bob", "tags": f"prod;{OURS.tag}"}, True),
        ("nothing says so", {"description": "some VM", "tags": "prod"}, False),
        ("no notes at all", {}, False),
        ("another service of ours", {"description": Mark("a1b2c3", 10010).description}, False),
        ("another installation", {"description": Mark("ffffff", 1001).description}, False),
        (
            "the tag is ours, the notes are another's",
            {"description": Mark("a1b2c3", 7).description, "tags": OURS.tag},
            False,
        ),
        ("a template made from our VM", {"description": OURS.description, "template": 1}, False),
        ("a clone of such a template hands two tags on", {"tags": f"{OURS.tag};{Mark('a1b2c3', 8).tag}"}, False),
        ("a number that only begins like ours", {"description": OURS.description + "5"}, False),
    ],
)
def test_whose_vm_it_is(about: str, config: dict[str, object], ours: bool) -> None:
    assert OURS.is_ours(VmConfig(config)) is ours, about


def test_a_mark_is_one_line_and_a_tag_that_proxmox_accepts() -> None:
    assert "\n" not in OURS.description
    assert Mark.read(OURS.description) == OURS
    assert Mark.read_tags(frozenset({OURS.tag, "prod"})) == OURS


def test_our_tag_joins_the_others_and_replaces_foreign_marks() -> None:
    tags = frozenset({"prod", Mark("a1b2c3", 7).tag})
    assert OURS.tags_with(tags) == f"{OURS.tag};prod"


@pytest.mark.parametrize(("install", "service"), [("", 1), ("A B", 1), ("x" * 33, 1), ("ok", -1)])
def test_a_mark_that_could_not_be_read_back_is_refused(install: str, service: int) -> None:
    with pytest.raises(ValueError):
        Mark(install, service)
