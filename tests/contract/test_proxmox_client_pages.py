"""Firewall rules, ISO images and samples against the stand-in cluster of each version; every answer is held against its schema."""

import pytest

from bridge.sandbox.proxmox.layouts import add_iso
from bridge.sandbox.proxmox.storage import Volume
from providers.errors import ChangedMeanwhile, NotFound, Permanent
from providers.proxmox.firewall_rules import Policies
from providers.proxmox.samples import TIMEFRAMES

from .proxmox_world import World

RULE: dict[str, str | int] = {"type": "in", "action": "ACCEPT", "proto": "tcp"}


def ports(world: World) -> list[str]:
    """The rules by their destination ports, in order."""
    listed = world.proxmox.firewall_rules("pve1", 100).rules
    assert [rule.position for rule in listed] == list(range(len(listed)))
    return [rule.destination_port for rule in listed]


def with_rules(world: World, *wanted: str) -> str:
    """Rules for these ports, in this order; the digest of the list."""
    for port in reversed(wanted):
        world.proxmox.add_firewall_rule("pve1", 100, {**RULE, "dport": port})
    assert ports(world) == list(wanted)
    return world.proxmox.firewall_rules("pve1", 100).digest


def test_a_new_rule_is_the_first_and_works_at_once(any_world: World) -> None:
    with_rules(any_world, "22", "80")
    (first, _) = any_world.proxmox.firewall_rules("pve1", 100).rules
    assert (first.kind, first.action, first.protocol, first.destination_port, first.enabled) == (
        *("in", "ACCEPT", "tcp", "22"),
        True,
    )
    assert any_world.wire.complaints == []


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize("to", range(6))
def test_a_moved_rule_is_where_it_was_wanted(world: World, position: int, to: int) -> None:
    digest = with_rules(world, "10", "11", "12", "13")
    expected = ["10", "11", "12", "13"]
    expected.insert(to, expected.pop(position))
    world.proxmox.move_firewall_rule("pve1", 100, position, to, digest)
    assert ports(world) == expected


def test_nothing_is_changed_on_a_stale_list(any_world: World) -> None:
    proxmox, stale = any_world.proxmox, with_rules(any_world, "22", "80")
    proxmox.add_firewall_rule("pve1", 100, {**RULE, "dport": "443"})
    with pytest.raises(ChangedMeanwhile):
        proxmox.delete_firewall_rule("pve1", 100, 0, stale)
    with pytest.raises(ChangedMeanwhile):
        proxmox.move_firewall_rule("pve1", 100, 1, 0, stale)
    assert ports(any_world) == ["443", "22", "80"]
    policies = proxmox.firewall_policies("pve1", 100)
    proxmox.set_firewall_options("pve1", 100, {"policy_out": "DROP"}, digest=policies.digest)
    with pytest.raises(ChangedMeanwhile):
        proxmox.set_firewall_options("pve1", 100, {"policy_in": "ACCEPT"}, digest=policies.digest)
    assert proxmox.firewall_policies("pve1", 100).inbound == "DROP"
    assert any_world.wire.complaints == []


def test_a_rule_is_removed_and_those_behind_it_move_up(any_world: World) -> None:
    digest = with_rules(any_world, "22", "80", "443")
    any_world.proxmox.delete_firewall_rule("pve1", 100, 1, digest)
    assert ports(any_world) == ["22", "443"]
    with pytest.raises(NotFound):
        any_world.proxmox.delete_firewall_rule("pve1", 100, 9, any_world.proxmox.firewall_rules("pve1", 100).digest)


def test_an_empty_list_has_no_digest(world: World) -> None:
    listed = world.proxmox.firewall_rules("pve1", 100)
    assert (listed.rules, listed.digest) == ((), "")


def test_policies_that_nobody_has_set_are_proxmox_own(any_world: World) -> None:
    read = any_world.proxmox.firewall_policies("pve1", 100)
    assert read == Policies(inbound="DROP", outbound="ACCEPT", enabled=False, digest=read.digest)
    assert len(read.digest) == 40


def test_a_rule_that_refers_to_something_that_is_gone_is_broken(world: World) -> None:
    raw, base = world.proxmox._api, "nodes/pve1/qemu/100/firewall"
    raw.post("make an alias", f"{base}/aliases", {"name": "office", "cidr": "192.0.2.9"})
    world.proxmox.add_firewall_rule("pve1", 100, {**RULE, "source": "office"})
    assert not world.proxmox.firewall_rules("pve1", 100).rules[0].broken
    raw.delete("remove it", f"{base}/aliases/office")
    assert world.proxmox.firewall_rules("pve1", 100).rules[0].broken


def test_images_are_those_that_the_node_sees(any_world: World) -> None:
    proxmox, cluster = any_world.proxmox, any_world.cluster
    add_iso(cluster, "local", "pve1", "one-1.iso")
    add_iso(cluster, "local", "pve2", "two-2.img")
    assert proxmox.isos("pve1", "local") == ["local:iso/one-1.iso"]
    assert proxmox.isos("pve2", "local") == ["local:iso/two-2.img"]
    shared = proxmox.isos("pve1", "backup")
    assert "backup:iso/memtest.iso" in shared
    assert proxmox.isos("pve2", "backup") == shared
    with pytest.raises(Permanent):
        proxmox.isos("pve1", "nosuch")
    assert any_world.wire.complaints == []


@pytest.mark.parametrize("name", ["a,media=disk.iso", "a=b.iso", "one,two.iso"])
def test_an_image_that_no_drive_can_name_is_left_out(world: World, name: str) -> None:
    before = world.proxmox.isos("pve1", "backup")
    add_iso(world.cluster, "backup", "", name)
    assert world.proxmox.isos("pve1", "backup") == before


def test_backups_on_the_same_storage_are_no_images(world: World) -> None:
    before = world.proxmox.isos("pve1", "backup")
    dump = Volume("dump/vzdump-qemu-1.vma", "backup", "vma", 5, 1)
    world.cluster.storages["backup"].on("pve1")[dump.name] = dump
    assert world.proxmox.isos("pve1", "backup") == before


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_every_version_has_samples_of_every_timeframe(any_world: World, timeframe: str) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    assert world.wait(proxmox.start("pve1", 100)).ok
    world.clock.advance(30 * 86400)
    samples = proxmox.samples("pve1", 100, timeframe)
    times = [sample.time for sample in samples]
    assert times == sorted(set(times))
    measured = [sample for sample in samples if sample.cpu is not None]
    assert measured
    assert {(sample.netin, sample.maxmem) for sample in measured[1:]} == {(110.0, 1 << 30)}
    assert world.wire.complaints == []


def test_a_vm_that_was_never_measured_has_no_samples(any_world: World) -> None:
    assert any_world.proxmox.samples("pve1", 100, "hour") == []
