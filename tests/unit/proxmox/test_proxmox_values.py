"""The strings in which Proxmox keeps a VM's settings: read, change one thing, write, lose nothing."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.proxmox.disk import Disk, Limits, parse_size, print_size
from providers.proxmox.ipconfig import IpConfig
from providers.proxmox.net import NetDevice
from providers.proxmox.upid import Upid

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=1, max_size=12)
macs = st.integers(0, 2**40 - 1).map(lambda n: "BC:" + ":".join(f"{n >> 8 * i & 255:02X}" for i in range(5)))
megabytes = st.one_of(st.integers(1, 10_000).map(float), st.integers(1, 10_000).map(lambda n: n / 8))


def extras(*reserved: str) -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    keys = words.filter(lambda key: key not in reserved)
    return st.lists(st.tuples(keys, words), max_size=4, unique_by=lambda pair: pair[0]).map(tuple)


NET_KEYS = ("model", "macaddr", "bridge", "tag", "rate", "firewall")
net_devices = st.builds(
    NetDevice,
    model=st.sampled_from(["virtio", "e1000-82540em", "vmxnet3", "ne2k_pci", "model-of-2030"]),
    mac=st.none() | macs,
    bridge=st.none() | words,
    tag=st.none() | st.integers(1, 4094),
    rate=st.none() | megabytes,
    firewall=st.booleans(),
    extra=extras(*NET_KEYS),
)

DISK_KEYS = ("file", "volume", "size", "mbps_rd", "mbps_wr", "iops_rd", "iops_wr")
counts = st.none() | st.integers(1, 1_000_000)
all_limits = st.builds(Limits, st.none() | megabytes, st.none() | megabytes, counts, counts)
disks = st.builds(
    Disk,
    interface=st.sampled_from(["scsi0", "virtio1", "sata5", "ide2"]),
    volume=st.builds("{}:{}".format, words, words),
    size=st.none() | st.integers(0, 2**50),
    limits=all_limits,
    extra=extras(*DISK_KEYS),
)

v4 = st.builds("{}/{}".format, st.integers(1, 2**32 - 1).map(IPv4Address), st.integers(1, 32))
v6 = st.builds("{}/{}".format, st.integers(1, 2**128 - 1).map(IPv6Address), st.integers(1, 128))


@st.composite
def ip_configs(draw: st.DrawFn) -> IpConfig:
    ip = draw(st.none() | st.just("dhcp") | v4)
    ip6 = draw(st.none() | st.sampled_from(["dhcp", "auto"]) | v6)
    return IpConfig(
        ip=ip,
        gw=str(draw(st.integers(0, 2**32 - 1).map(IPv4Address))) if ip and draw(st.booleans()) else None,
        ip6=ip6,
        gw6=str(draw(st.integers(0, 2**128 - 1).map(IPv6Address))) if ip6 and draw(st.booleans()) else None,
        extra=draw(extras("ip", "gw", "ip6", "gw6")),
    )


@pytest.mark.req("PRV-04")
@given(net_devices)
def test_a_network_card_survives_printing_and_reading(card: NetDevice) -> None:
    assert NetDevice.parse(str(card)) == card


@pytest.mark.req("PRV-04")
@given(disks)
def test_a_disk_survives_printing_and_reading(disk: Disk) -> None:
    assert Disk.parse(disk.interface, str(disk)) == disk


@pytest.mark.req("PRV-04")
@given(ip_configs())
def test_cloud_init_addresses_survive_printing_and_reading(config: IpConfig) -> None:
    assert IpConfig.parse(str(config)) == config


@given(st.integers(0, 2**60))
def test_a_size_survives_printing_and_reading(size: int) -> None:
    assert parse_size(print_size(size)) == size


@given(
    st.builds(
        Upid,
        node=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True),
        pid=st.integers(0, 2**32 - 1),
        pstart=st.integers(0, 2**36 - 1),
        starttime=st.integers(0, 2**32 - 1),
        type=words,
        id=words | st.just(""),
        user=st.sampled_from(["root@pam", "bridge@pve!whmcs"]),
    )
)
def test_a_upid_survives_printing_and_reading(upid: Upid) -> None:
    assert Upid.parse(str(upid)) == upid


@given(net_devices, words, st.none() | st.integers(0, 4094), st.none() | megabytes, st.booleans())
@pytest.mark.req("NET-05")
def test_changing_a_card_keeps_model_mac_and_everything_unknown(
    card: NetDevice, bridge: str, tag: int | None, rate: float | None, firewall: bool
) -> None:
    changed = NetDevice.parse(str(card.with_(bridge=bridge, tag=tag, rate=rate, firewall=firewall)))
    assert (changed.model, changed.mac, changed.extra) == (card.model, card.mac, card.extra)
    assert (changed.bridge, changed.tag, changed.rate, changed.firewall) == (bridge, tag or None, rate, firewall)


@pytest.mark.parametrize(
    ("text", "card"),
    [
        (
            "virtio=BC:24:11:2E:00:01,bridge=vmbr0,firewall=1,rate=12,tag=5",
            NetDevice("virtio", "BC:24:11:2E:00:01", "vmbr0", 5, 12.0, True),
        ),
        ("virtio,bridge=vmbr0", NetDevice("virtio", None, "vmbr0")),
        ("model=e1000,macaddr=bc:24:11:2e:00:01,bridge=vmbr1", NetDevice("e1000", "BC:24:11:2E:00:01", "vmbr1")),
        (
            "bridge=vmbr0,virtio=BC:24:11:2E:00:01,queues=4,mtu=1400,rate=0.5",
            NetDevice("virtio", "BC:24:11:2E:00:01", "vmbr0", None, 0.5, False, (("queues", "4"), ("mtu", "1400"))),
        ),
        (
            "vmxnet3=BC:24:11:2E:00:01,bridge=vmbr0,firewall=0",
            NetDevice("vmxnet3", "BC:24:11:2E:00:01", "vmbr0", firewall=False),
        ),
    ],
)
def test_a_network_card_is_read_in_every_form_that_proxmox_writes(text: str, card: NetDevice) -> None:
    assert NetDevice.parse(text) == card


@pytest.mark.req("NET-01", "NET-04")
def test_a_network_card_is_written_with_model_mac_bridge_tag_rate_and_firewall() -> None:
    card = NetDevice("virtio", "BC:24:11:2E:00:01", "vmbr0").with_(bridge="vmbr3", tag=5, rate=12, firewall=True)
    assert str(card) == "virtio=BC:24:11:2E:00:01,bridge=vmbr3,firewall=1,rate=12,tag=5"


@pytest.mark.req("NET-02", "NET-03")
def test_no_vlan_and_no_limit_leave_their_keys_out() -> None:
    card = NetDevice.parse("virtio=BC:24:11:2E:00:01,bridge=vmbr0,rate=12,tag=5")
    assert str(card.with_(bridge="vmbr0", tag=0, rate=0, firewall=False)) == "virtio=BC:24:11:2E:00:01,bridge=vmbr0"


def test_a_rate_of_zero_differs_from_no_rate() -> None:
    assert NetDevice.parse("virtio,bridge=vmbr0,rate=0") != NetDevice.parse("virtio,bridge=vmbr0")


@pytest.mark.parametrize("text", ["", "bridge=vmbr0", "virtio,bridge=vmbr0,tag=x", "virtio,bridge=vmbr0,rate=fast"])
def test_a_network_card_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        NetDevice.parse(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("32G", 32 * 2**30),
        ("2252M", 2252 * 2**20),
        ("1T", 2**40),
        ("512K", 512 * 2**10),
        ("1234567", 1234567),
        ("0.5T", 2**39),
        ("4M", 4 * 2**20),
        ("0", 0),
    ],
)
def test_sizes_are_read_in_all_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1 G", "1P", "+5G", "1,5G"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_size(text)


def test_sizes_are_printed_with_the_largest_unit_that_is_exact() -> None:
    assert [print_size(n) for n in (2**40, 1536 * 2**30, 2252 * 2**20, 1536, 1000)] == [
        "1T",
        "1536G",
        "2252M",
        "1536",
        "1000",
    ]


def test_a_disk_is_read_as_proxmox_writes_it() -> None:
    text = "local:100/vm-100-disk-0.qcow2,discard=on,iops_rd=500,iops_wr=300,mbps_rd=12.5,size=32G"
    disk = Disk.parse("scsi0", text)
    assert disk == Disk(
        "scsi0",
        "local:100/vm-100-disk-0.qcow2",
        32 * 2**30,
        Limits(mbps_rd=12.5, iops_rd=500, iops_wr=300),
        (("discard", "on"),),
    )
    assert (disk.storage, disk.size_gb) == ("local", 32.0)


@pytest.mark.parametrize(
    ("text", "cdrom", "cloudinit"),
    [
        ("local:100/vm-100-cloudinit.qcow2,media=cdrom,size=4M", True, True),
        ("local-lvm:vm-100-cloudinit,media=cdrom", True, True),
        ("local:cloudinit,media=cdrom", True, True),
        ("none,media=cdrom", True, False),
        ("local:iso/debian-cloudinit.iso,media=cdrom,size=600M", True, False),
        ("local-lvm:vm-100-disk-0,size=8G", False, False),
    ],
)
def test_cdrom_and_cloud_init_drives_are_told_from_disks(text: str, cdrom: bool, cloudinit: bool) -> None:
    disk = Disk.parse("ide2", text)
    assert (disk.is_cdrom, disk.is_cloudinit) == (cdrom, cloudinit)


@given(disks, all_limits)
def test_new_limits_replace_old_ones_and_leave_the_rest_alone(disk: Disk, limits: Limits) -> None:
    changed = Disk.parse(disk.interface, str(disk.with_limits(limits)))
    assert changed == replace(disk, limits=limits)


def test_new_limits_drop_totals_and_bursts_that_would_contradict_them() -> None:
    disk = Disk.parse("scsi0", "s:vm-1-disk-0,mbps=5,iops_rd_max=600,mbps_rd_max_length=3,discard=on,size=1G")
    assert str(disk.with_limits(Limits.of(mbps_rd=50))) == "s:vm-1-disk-0,mbps_rd=50,size=1G,discard=on"


def test_unlimited_leaves_the_keys_out() -> None:
    disk = Disk.parse("scsi0", "s:vm-1-disk-0,mbps_rd=50,iops_wr=300,size=1G")
    assert str(disk.with_limits(Limits.of(0, 0, 0, 0))) == "s:vm-1-disk-0,size=1G"


def test_a_disk_without_a_volume_is_refused() -> None:
    with pytest.raises(ValueError, match="scsi0 without a volume"):
        Disk.parse("scsi0", "size=1G")


@pytest.mark.req("CLD-02")
def test_both_families_are_written_with_prefix_and_gateway() -> None:
    config = IpConfig().with_(ip="192.0.2.5/24", gw="192.0.2.1", ip6="2001:DB8:0::5/120", gw6="2001:db8::1")
    assert str(config) == "ip=192.0.2.5/24,gw=192.0.2.1,ip6=2001:db8::5/120,gw6=2001:db8::1"


@pytest.mark.req("CLD-06")
def test_dhcp_is_written_for_each_family() -> None:
    assert str(IpConfig(ip="dhcp", ip6="dhcp")) == "ip=dhcp,ip6=dhcp"


def test_the_same_address_spelled_differently_is_the_same() -> None:
    assert IpConfig.parse("ip6=2001:DB8:0:0::5/64") == IpConfig.parse("ip6=2001:db8::5/64")


@pytest.mark.parametrize(
    "text",
    ["ip=192.0.2.300/24", "ip=auto", "gw=192.0.2.1", "ip6=dhcp,gw=192.0.2.1", "gw6=2001:db8::1", "ip6=192.0.2.5/24"],
)
def test_addresses_that_proxmox_would_refuse_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        IpConfig.parse(text)


def test_no_addresses_at_all_is_empty_and_false() -> None:
    assert not IpConfig.parse("")
    assert IpConfig.parse("ip=dhcp")


def test_a_upid_is_read_as_proxmox_writes_it() -> None:
    upid = Upid.parse("UPID:pve1:00007FA0:000A4880:6B033CD2:qmclone:9000:bridge@pve!whmcs:")
    assert (upid.node, upid.pid, upid.starttime, upid.type, upid.id, upid.user) == (
        "pve1",
        0x7FA0,
        0x6B033CD2,
        "qmclone",
        "9000",
        "bridge@pve!whmcs",
    )


@pytest.mark.parametrize("text", ["", "garbage", "UPID:pve1:1:2:3:qmclone:9000:root@pam:", "UPID:p/../x:00007FA0:"])
def test_what_is_no_upid_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Upid.parse(text)
