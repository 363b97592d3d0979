"""Sizes, drives and network cards as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.proxmox.config_values import normal_tags
from bridge.sandbox.proxmox.drives import Drive
from bridge.sandbox.proxmox.failures import ApiError, InvalidParameters
from bridge.sandbox.proxmox.net import MODELS, parse_net, print_net
from bridge.sandbox.proxmox.sizes import parse_size, print_size
from bridge.sandbox.proxmox.storage import Storage, check_volume_name

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)


@given(st.integers(0, 2**50))
def test_a_printed_size_reads_as_the_same_size(size: int) -> None:
    assert parse_size(print_size(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (3500 * 2**20, "3500M"),
        (2**31, "2G"),
        (2**42, "4T"),
        (1500 * 2**30, "1500G"),
        (5000, "5000"),
        (5120, "5K"),
        (0, "0"),
    ],
)
def test_sizes_are_printed_as_a_node_prints_them(size: int, text: str) -> None:
    assert print_size(size) == text


@given(st.sampled_from(sorted(MODELS)), st.dictionaries(WORDS.filter(lambda w: w not in MODELS), WORDS, max_size=4))
def test_a_card_survives_reading_and_printing(model: str, options: dict[str, str]) -> None:
    options = {k: v for k, v in options.items() if k not in ("model", "macaddr")}
    card = {**options, "model": model, "macaddr": "BC:24:11:00:00:01"}
    assert parse_net(print_net(card)) == card


@pytest.mark.parametrize(
    "text", ["virtio=BC:24:11:00:00:01,bridge=vmbr0", "model=virtio,macaddr=BC:24:11:00:00:01,bridge=vmbr0"]
)
def test_both_spellings_of_a_card_mean_the_same(text: str) -> None:
    assert print_net(parse_net(text)) == "virtio=BC:24:11:00:00:01,bridge=vmbr0"


def test_a_drives_options_are_sorted_behind_its_volume() -> None:
    text = "ceph-vm:vm-100-disk-0,size=10G,iops_wr=5,discard=on"
    assert str(Drive.parse("scsi0", text)) == "ceph-vm:vm-100-disk-0,discard=on,iops_wr=5,size=10G"


@pytest.mark.parametrize("options", ["mbps=1,mbps_rd=1", "iops=1,iops_wr=1", "mbps_max=1,mbps_wr_max=1"])
def test_a_sum_and_its_part_cannot_both_be_limited(options: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        Drive.parse("scsi0", f"local:100/vm-100-disk-0.raw,{options}")
    assert refused.value.errors == {"scsi0": "unable to parse drive options"}


@pytest.mark.parametrize(
    ("text", "cdrom", "cloudinit"),
    [
        ("local:iso/debian.iso,media=cdrom", True, False),
        ("none", True, False),
        ("ceph-vm:vm-100-cloudinit,media=cdrom,size=4M", True, True),
        ("ceph-vm:cloudinit", False, True),
        ("ceph-vm:vm-100-disk-0", False, False),
    ],
)
def test_a_drive_knows_what_it_is(text: str, cdrom: bool, cloudinit: bool) -> None:
    drive = Drive.parse("ide2", text)
    assert (drive.is_cdrom, drive.is_cloudinit) == (cdrom, cloudinit)


def test_tags_are_lower_case_sorted_and_each_once() -> None:
    assert normal_tags("b;A;b,c d") == "a;b;c;d"


@pytest.mark.parametrize(
    ("kind", "name", "good"),
    [
        ("dir", "100/vm-100-disk-0.qcow2", True),
        ("dir", "9000/base-9000-disk-0.raw/100/vm-100-disk-0.qcow2", True),
        ("dir", "iso/debian.iso", True),
        ("dir", "iso/debian.txt", False),
        ("dir", "vm-100-disk-0", False),
        ("rbd", "base-9000-disk-0/vm-100-disk-0", True),
        ("rbd", "abc", False),
        ("lvmthin", "vm-100-disk-0", True),
    ],
)
def test_a_storage_knows_the_names_that_its_volumes_can_have(kind: str, name: str, good: bool) -> None:
    storage = Storage("s", kind, ("images",))
    if good:
        check_volume_name(storage, name)
    else:
        with pytest.raises(ApiError, match="volume name"):
            check_volume_name(storage, name)
